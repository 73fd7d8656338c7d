"""The contract that every shipped model fulfils, on easy planted problems."""

import io
import json
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from threadpoolctl import threadpool_limits

from conftest import CONF
from iot_ids.config import Config, register, resolve
from iot_ids.experiment import instantiate
from iot_ids.models.classifier import Classifier, Table
from iot_ids.models.networks import network
from iot_ids.models.sklearn import adapter, skops_file

MODELS = sorted(file.stem for file in CONF.glob("model/*.yaml"))
NORMAL_OR_ATTACK = ("gradient_boosting_monotone", "isolation_forest")
CONSTANT = "majority"
NETWORKS = {"gru", "lstm", "mlp", "rnn"}
FORMATS = {".json", ".npz", ".safetensors", ".skops"}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small tables on busy cores: OpenMP's threads would wait for each other most of the time."""
    with threadpool_limits(1):
        yield


def corners(rows: int, seed: int, spread: float = 0.15) -> Table:
    """Three classes, each around its own corner."""
    random = np.random.default_rng(seed)
    y = random.integers(0, 3, rows)
    return Table((np.eye(3)[y] + random.normal(0, spread, (rows, 3))).astype(np.float32), y)


def known(name: str, table: Table) -> Table:
    """The table with labels that the model can learn: two classes for those that know normal and attack alone."""
    return Table(table.x, (table.y > 0).astype(np.int64)) if name in NORMAL_OR_ATTACK else table


@cache
def shipped(name: str) -> Config:
    register()
    quick = ["trainer=cpu", "trainer.max_epochs=8", "trainer.batch_size=32"]
    if name.startswith("gradient_boosting"):
        quick.append("model.max_iter=20")
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return resolve(compose("train", overrides=[f"model={name}", *quick]))


def trained(name: str, seed: int = 0, spread: float = 0.15) -> Classifier:
    config = shipped(name)
    model = instantiate.model(config.model, config.trainer, normal=0)
    train, validation = known(name, corners(300, 0, spread)), known(name, corners(150, 1, spread))
    model.fit(train, validation, len(np.unique(train.y)), seed, lambda *_: None)
    return model


@cache
def ready(name: str) -> Classifier:
    return trained(name)


def answers(model: Classifier) -> np.ndarray[Any, np.dtype[np.float32]]:
    return model.probabilities(corners(500, 2).x)


@pytest.mark.parametrize("name", [name for name in MODELS if name != CONSTANT])
def test_an_easy_problem_is_learned(name: str) -> None:
    truth = known(name, corners(500, 2)).y
    assert (answers(ready(name)).argmax(axis=1) == truth).mean() > 0.95


def test_the_constant_answer_is_the_most_frequent_class() -> None:
    counts = np.bincount(corners(300, 0).y)
    assert set(answers(ready(CONSTANT)).argmax(axis=1)) == {counts.argmax()}
    np.testing.assert_allclose(answers(ready(CONSTANT))[0], counts / 300, atol=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_equal_seeds_give_equal_answers(name: str) -> None:
    assert np.array_equal(answers(trained(name)), answers(ready(name)))


@pytest.mark.parametrize("name", ["decision_tree", "isolation_forest", "mlp", "random_forest", "svm_rbf"])
def test_another_seed_is_another_model(name: str) -> None:
    hard = [trained(name, seed, spread=0.8) for seed in (0, 1)]
    assert not np.array_equal(answers(hard[0]), answers(hard[1]))


@pytest.mark.parametrize("name", MODELS)
def test_probabilities_are_float32_and_add_up_to_one(name: str) -> None:
    found = answers(ready(name))
    assert found.dtype == np.float32
    assert found.min() >= 0
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_slices_do_not_change_the_answers(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = answers(ready(name))
    monkeypatch.setattr(adapter, "SCORING_ROWS", 70)
    monkeypatch.setattr(network, "SCORING_ROWS", 70)
    np.testing.assert_allclose(answers(ready(name)), whole, atol=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_a_loaded_model_gives_the_same_answers(name: str, tmp_path: Path) -> None:
    ready(name).save(tmp_path)
    loaded = type(ready(name)).load(tmp_path)
    np.testing.assert_allclose(answers(loaded), answers(ready(name)), atol=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_a_kept_model_holds_no_pickle(name: str, tmp_path: Path) -> None:
    ready(name).save(tmp_path)
    assert {file.suffix for file in tmp_path.iterdir()} <= FORMATS
    for archive in (file for file in tmp_path.iterdir() if file.suffix in (".npz", ".skops")):
        with zipfile.ZipFile(archive) as parts:
            assert {Path(part).suffix for part in parts.namelist()} <= {".json", ".npy", ".npz"}
            for part in (part for part in parts.namelist() if part.endswith(".npy")):
                np.load(io.BytesIO(parts.read(part)), allow_pickle=False)


def test_the_list_of_what_a_skops_file_may_hold_is_exactly_what_the_shipped_models_hold(tmp_path: Path) -> None:
    found = set()
    for name in MODELS:
        ready(name).save(tmp_path)
        if (file := tmp_path / skops_file.FILE).exists():
            with zipfile.ZipFile(file) as parts:
                schema = parts.read("schema.json")
            json.loads(schema, object_hook=lambda each: found.add((each.get("__loader__"), type_name(each))))
    listed = skops_file.PARTS | {("ObjectNode", name) for name in skops_file.SHIPPED}
    assert {(kind, name) for kind, name in found if kind in ("ObjectNode", "TreeNode", "LossNode")} == listed
    assert found - {(None, "")} <= skops_file.ALLOWED


def type_name(node: dict[str, Any]) -> str:
    return f"{node['__module__']}.{node['__class__']}" if "__loader__" in node else ""


@pytest.mark.parametrize("name", sorted({*MODELS} - {"isolation_forest", CONSTANT, *NETWORKS}))
def test_where_classes_overlap_the_most_probable_one_is_the_estimators_own_answer(name: str) -> None:
    model = trained(name, spread=0.8)
    assert isinstance(model, adapter.Classical)
    x = corners(500, 2, spread=0.8).x
    assert np.array_equal(model.probabilities(x).argmax(axis=1), model.estimator.predict(x))
