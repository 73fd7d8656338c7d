"""scikit-learn's classifiers: every shipped one learns, is kept without pickle, and comes back the same."""

import importlib
import io
import pickle
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from sklearn.linear_model import SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from threadpoolctl import threadpool_limits

from iot_ids.errors import UserError
from iot_ids.models import classical
from iot_ids.models.classical import Classical
from iot_ids.models.classifier import Table

MODELS = Path(__file__).parents[2] / "conf" / "model"


def shipped() -> dict[str, tuple[str, dict[str, Any]]]:
    """Every model of `conf/model` that scikit-learn provides: its class and its settings."""
    found = {}
    for file in sorted(MODELS.glob("*.yaml")):
        settings = yaml.safe_load(file.read_text())
        target = settings.pop("_target_", "")
        if target.startswith("sklearn."):
            found[file.stem] = (target, {key: settings[key] for key in settings if key not in ("defaults", "name")})
    return found


def estimator(name: str) -> Any:
    target, settings = shipped()[name]
    module, _, kind = target.rpartition(".")
    return getattr(importlib.import_module(module), kind)(
        **settings | ({"max_iter": 20} if "max_iter" in settings else {})
    )


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small tables on busy cores: OpenMP's threads would wait for each other most of the time."""
    with threadpool_limits(1):
        yield


def separable(rows: int = 300, seed: int = 0) -> Table:
    random = np.random.default_rng(seed)
    y = random.integers(0, 3, rows)
    return Table((np.eye(3)[y] + random.normal(0, 0.15, (rows, 3))).astype(np.float32), y)


def fitted(model: Any, seed: int = 0) -> Classical:
    model = Classical(model)
    model.fit(separable(), separable(100, seed=1), 3, seed, lambda *_: None)
    return model


def test_the_shipped_models_are_found() -> None:
    assert {"knn", "naive_bayes", "gradient_boosting"} <= set(shipped())


@pytest.mark.parametrize("name", shipped())
def test_a_separable_problem_is_learned(name: str) -> None:
    table = separable(500, seed=2)
    answers = fitted(estimator(name)).probabilities(table.x).argmax(axis=1)
    assert (answers == table.y).mean() > 0.95


@pytest.mark.parametrize("name", shipped())
def test_a_loaded_model_gives_the_same_bits(name: str, tmp_path: Path) -> None:
    model, x = fitted(estimator(name)), separable(500, seed=2).x
    model.save(tmp_path)
    assert np.array_equal(Classical.load(tmp_path).probabilities(x), model.probabilities(x))


@pytest.mark.parametrize("name", shipped())
def test_a_kept_model_is_one_skops_file_without_pickle(name: str, tmp_path: Path) -> None:
    fitted(estimator(name)).save(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["estimator.skops"]
    with zipfile.ZipFile(tmp_path / "estimator.skops") as parts:
        assert not [part for part in parts.namelist() if not part.endswith((".json", ".npy", ".npz"))]


@pytest.mark.parametrize("name", shipped())
def test_probabilities_are_float32_and_add_up_to_one(name: str) -> None:
    answers = fitted(estimator(name)).probabilities(separable(50, seed=2).x)
    assert answers.dtype == np.float32
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("name", shipped())
def test_slices_do_not_change_the_answers(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, x = fitted(estimator(name)), separable(50, seed=2).x
    whole = model.probabilities(x)
    monkeypatch.setattr(classical, "SCORING_ROWS", 7)
    np.testing.assert_allclose(model.probabilities(x), whole, atol=1e-6)


@pytest.mark.parametrize("seed", [0, 4])
def test_the_seed_is_handed_over(seed: int) -> None:
    assert fitted(SGDClassifier(loss="log_loss"), seed).estimator.random_state == seed


def test_equal_seeds_give_equal_answers() -> None:
    one, other = (fitted(SGDClassifier(loss="log_loss"), 0).probabilities(separable().x) for _ in range(2))
    assert np.array_equal(one, other)


def test_seed_zero_is_not_seed_one() -> None:
    zero, one = (fitted(SGDClassifier(loss="log_loss"), seed).probabilities(separable().x) for seed in (0, 1))
    assert not np.array_equal(zero, one)


def test_validation_rows_are_not_learned_from() -> None:
    wrong = Table(separable().x, (separable().y + 1) % 3)
    one, other = Classical(GaussianNB()), Classical(GaussianNB())
    one.fit(separable(), separable(), 3, 0, lambda *_: None)
    other.fit(separable(), wrong, 3, 0, lambda *_: None)
    assert np.array_equal(one.probabilities(wrong.x), other.probabilities(wrong.x))


def test_nothing_is_reported() -> None:
    def report(*_: object) -> None:
        raise AssertionError("there are no epochs")

    Classical(GaussianNB()).fit(separable(), separable(), 3, 0, report)


def test_parameters_are_not_counted() -> None:
    assert fitted(GaussianNB()).parameters() is None


def test_an_estimator_without_probabilities_is_refused_at_once() -> None:
    with pytest.raises(UserError, match=r"SGDClassifier\(\) gives no probabilities"):
        Classical(SGDClassifier())


def test_what_scikit_learn_refuses_is_told() -> None:
    with pytest.raises(UserError, match=r"'var_smoothing' parameter of GaussianNB must be .* Got -1"):
        fitted(GaussianNB(var_smoothing=-1))


def test_more_neighbours_than_rows_are_refused() -> None:
    with pytest.raises(UserError, match=r"n_neighbors=301.*300 training rows"):
        fitted(KNeighborsClassifier(n_neighbors=301))


class Foreign(GaussianNB):  # type: ignore[misc]
    """An estimator from somewhere else than scikit-learn."""


def test_an_estimator_that_could_not_be_loaded_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Foreign cannot be kept without pickle"):
        fitted(Foreign()).save(tmp_path)


class Trap:
    """Leaves a file behind where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return Path.touch, (self.path,)


def test_the_trap_springs_where_it_is_unpickled(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Trap(tmp_path / "sprung")))
    assert (tmp_path / "sprung").exists()


def test_a_planted_pickle_is_not_executed(tmp_path: Path) -> None:
    (tmp_path / "estimator.skops").write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever skops raises, as long as it loads nothing
        Classical.load(tmp_path)
    assert not (tmp_path / "sprung").exists()


def test_a_pickle_planted_in_the_archive_is_not_executed(tmp_path: Path) -> None:
    fitted(GaussianNB()).save(tmp_path)
    kept = tmp_path / "estimator.skops"
    with zipfile.ZipFile(kept) as parts:
        contents = {name: parts.read(name) for name in parts.namelist()}
    with io.BytesIO() as stream:
        np.save(stream, np.array([Trap(tmp_path / "sprung")], dtype=object), allow_pickle=True)
        planted = stream.getvalue()
    with zipfile.ZipFile(kept, "w") as parts:
        for name, content in contents.items():
            parts.writestr(name, planted if name.endswith(".npy") else content)
    with pytest.raises(ValueError, match="allow_pickle=False"):
        Classical.load(tmp_path)
    assert not (tmp_path / "sprung").exists()
