"""Every shipped configuration composes and runs, and so do a user's own."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

import train
from conftest import CONF, Workplace, typed
from iot_ids.cli.help import ADDED, usage
from iot_ids.common.bounds import bounds_of
from iot_ids.common.errors import UserError
from iot_ids.config import SCHEMAS, check, register, resolve
from iot_ids.experiment import steps
from iot_ids.experiment.composition import choices as choices_in
from iot_ids.experiment.instantiate import rule, scores
from iot_ids.serving.detector import Detector

SHORTCUTS = sorted(file.stem for file in CONF.glob("shortcut/*.yaml"))
OURS = "identifiers"
"""No shortcut of the paper's, so not in its recipe."""
EXPERIMENTS = sorted(file.stem for file in CONF.glob("experiment/*.yaml"))
BESIDE = {
    "transductive": ["+dataset@test_dataset=simulated", "test_dataset.seed=1"],
    "unseen_attacks": ["split.attack=DoS", "evaluate.false_positive_rate=0.5"],
}
"""What one run of an experiment needs beside it; so few normal flows can tell half of them, and no smaller share."""
MODELS = sorted(file.stem for file in CONF.glob("model/*.yaml"))
NORMAL_OR_ATTACK = ("gradient_boosting_monotone", "isolation_forest")
"""Models that need a label with these two classes."""
GROUPS = sorted(f"{file.parent.name}={file.stem}" for file in CONF.glob("*/*.yaml") if file.parent.name not in ADDED)


@cache
def composed(*overrides: str) -> Any:
    register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("train", overrides=list(overrides))


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The words for a quick run on simulated flows, which all tests draw from one cache."""
    place = tmp_path_factory.mktemp("configurations") / "cache"
    return ["dataset.rows=400", "trainer.max_epochs=1", "evaluate.replicates=10", f"cache.path={place}"]


def assert_works(folder: Path, *words: str) -> None:
    """Prepare, fit, evaluate, keep and load; what a run adds, its pictures and its record, is the same for each."""
    prepared = steps.prepare(resolve(composed(*words)))
    test = prepared.loaded.read_test()
    result = steps.evaluate(steps.fit(prepared, lambda *_: None), test)
    assert len(result.predictions) == result.metrics["data/test_rows"] > 0
    kept, flows = result.fitted.detector, prepared.loaded.validation
    kept.save(folder / "detector")
    assert np.array_equal(Detector.load(folder / "detector").probabilities(flows), kept.probabilities(flows))


@pytest.mark.parametrize("choice", GROUPS)
def test_every_choice_of_every_group_composes(choice: str) -> None:
    resolve(composed(choice))


@pytest.mark.parametrize("name", sorted(file.stem for file in CONF.glob("condition/*.yaml")))
def test_every_condition_composes_with_a_plus(name: str) -> None:
    resolve(composed(f"+condition={name}"))


@pytest.mark.parametrize("choice", [group for group in GROUPS if not group.startswith(("dataset", "trainer", "cache"))])
def test_every_choice_is_named_after_its_file(choice: str) -> None:
    group, name = choice.split("=")
    assert composed(choice)[group].get("name", name) == name


@pytest.mark.parametrize("group", sorted({group.split("=")[0] for group in GROUPS}))
def test_every_choice_has_a_typed_schema(group: str) -> None:
    for choice in (choice for choice in GROUPS if choice.startswith(f"{group}=")):
        node = composed(choice)[group]
        assert OmegaConf.get_type(node) in {*SCHEMAS.values(), *(field.type for field in fields_of_config())}, choice


def fields_of_config() -> tuple[Any, ...]:
    from dataclasses import fields

    from iot_ids.config import Config

    return fields(Config)


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_works(name: str, quick: list[str], tmp_path: Path) -> None:
    assert_works(tmp_path, *quick, f"+experiment={name}", *BESIDE.get(name, []))


@pytest.mark.slow
@pytest.mark.parametrize("name", SHORTCUTS)
def test_every_shortcut_works(name: str, quick: list[str], tmp_path: Path) -> None:
    assert_works(tmp_path, *quick, "+experiment=paper_recipe", f"+shortcut={name}", "dataset.rows=600")


def test_the_papers_recipe_takes_every_shortcut_in_turn() -> None:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        words = compose("train", overrides=["+experiment=paper_recipe"], return_hydra_config=True).hydra.sweeper.params
    assert sorted([*words["+shortcut"].split(","), OURS]) == SHORTCUTS
    assert words["seed"] == "0,1,2,3,4"


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_every_model_works_under_the_main_experiment(name: str, quick: list[str], tmp_path: Path) -> None:
    label = ["dataset.label=binary"] if name in NORMAL_OR_ATTACK else []
    assert_works(tmp_path, *quick, "+experiment=gru_pearson", f"model={name}", *label)


@pytest.mark.parametrize("name", NORMAL_OR_ATTACK)
def test_a_model_of_two_classes_is_refused_before_a_row_is_read_where_the_label_is_another(name: str) -> None:
    from iot_ids.experiment.steps import prepare

    words = [f"model={name}", "dataset=nsl_kdd", "dataset.path=nowhere", "dataset.label=category"]
    with pytest.raises(UserError, match=r"dataset\.label=binary"):
        prepare(resolve(composed(*words)))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["chi_square", "mutual_information", "all"])
@pytest.mark.parametrize("scaler", ["minmax", "quantile"])
def test_every_selector_works_with_every_scaler(name: str, scaler: str, quick: list[str], tmp_path: Path) -> None:
    outliers = ["outliers=iqr", "outliers.factor=1e6"]
    assert_works(tmp_path, *quick, "model=naive_bayes", f"selector={name}", f"scaler={scaler}", *outliers)


def test_an_unknown_key_is_refused_even_where_it_was_added() -> None:
    with pytest.raises(UserError, match=r"model\.width is not a key"):
        resolve(composed("+model.width=3"))


def test_a_group_choice_that_is_missing_a_value_is_named() -> None:
    with pytest.raises(UserError, match=r"lacks selector\.k"):
        resolve(composed("selector=pearson", "selector.k=???"))


def test_groups_that_name_a_class_become_plain_dictionaries() -> None:
    config = resolve(composed("model=gru"))
    assert config.model["cell"] == "gru"
    assert isinstance(config.dataset.columns.numeric, list)


def test_the_split_is_drawn_by_its_own_seed_where_it_has_one() -> None:
    assert resolve(composed("seed=3")).drawn_by == 3
    config = resolve(composed("seed=3", "split_seed=0"))
    assert (config.drawn_by, config.seed) == (0, 3)
    with pytest.raises(UserError, match="split_seed=-1 is not between 0"):
        check(resolve(composed("split_seed=-1")))


def test_the_help_text_names_no_choice_that_is_not_there() -> None:
    named = re.findall(r"(\w+)=(\w+)", usage(choices_in([CONF])).split("Choices")[0])
    choices = {f"{group}/{choice}" for group, choice in named if (CONF / group).is_dir() and not choice.isupper()}
    assert choices >= {"experiment/gru_pearson", "model/knn", "dataset/bot_iot"}
    assert [choice for choice in choices if not (CONF / f"{choice}.yaml").is_file()] == []


OWN_EXPERIMENT = """
# @package _global_
defaults:
  - override /dataset: mine
  - override /selector: all
  - override /model: majority_of_mine
"""
OWN_MODEL = """
name: majority_of_mine
_target_: my_models.Majority
"""
OWN_CODE = """
import json
import numpy as np

class Majority:
    def fit(self, train, validation, classes, seed, report):
        self.shares = np.bincount(train.y, minlength=classes) / len(train.y)
    def probabilities(self, x):
        return np.tile(self.shares, (len(x), 1)).astype(np.float32)
    def parameters(self):
        return len(self.shares)
    def save(self, folder):
        (folder / "majority.json").write_text(json.dumps(self.shares.tolist()))
    @classmethod
    def load(cls, folder):
        model = cls()
        model.shares = np.array(json.loads((folder / "majority.json").read_text()))
        return model
"""


def test_a_users_own_dataset_experiment_and_model_need_no_fork(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = workplace.folder / "my_conf"
    for name, text in (("experiment/own.yaml", OWN_EXPERIMENT), ("model/majority_of_mine.yaml", OWN_MODEL)):
        (own / name).parent.mkdir(exist_ok=True)
        (own / name).write_text(text)
    (workplace.folder / "my_models.py").write_text(OWN_CODE)
    monkeypatch.syspath_prepend(str(workplace.folder))
    words = ["--config-dir", str(own), "+experiment=own", f"dataset.path={workplace.flows}", "cache=off"]
    assert typed(monkeypatch, train, *words, "evaluate.replicates=10") == 0
    (run,) = workplace.runs()
    assert run.info.run_name == "majority_of_mine-all-5-42"
    assert run.data.metrics["test/accuracy"] == run.data.metrics["test/majority_accuracy"]


def test_checking_a_configuration_imports_nothing_heavy() -> None:
    code = "import sys, iot_ids.config; print([name for name in ('polars', 'numpy', 'torch') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["lstm", "rnn"])
def test_the_other_recurrent_networks_have_the_grus_space(name: str) -> None:
    register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        gru, other = (
            compose("train", overrides=[f"+sweep={each}"], return_hydra_config=True) for each in ("gru", name)
        )
    assert dict(other.hydra.sweeper.params) == dict(gru.hydra.sweeper.params)
    assert (gru.model.name, other.model.name) == ("gru", name)


@pytest.mark.parametrize("word", ["dataset.rows=99999999999999999999", "model.hidden_size=-99999999999999999999"])
def test_a_number_that_no_library_can_hold_is_named(word: str) -> None:
    with pytest.raises(UserError, match=rf"{word} has to be at (most|least)"):
        resolve(composed(word))


TOO_MUCH = [
    ("evaluate.replicates=99999999999", 100_000),
    ("dataset.rows=100000000000", 10_000_000),
    ("model.hidden_size=2147483648", 10_000),
    ("model.layers=101", 100),
    ("model.window=10001", 10_000),
    ("trainer.threads=2147483648", 1_000),
    ("trainer.batch_size=2147483648", 2**31 - 1),
    ("trainer.max_epochs=1000001", 1_000_000),
    ("trainer.patience=9223372036854775807", 1_000_000),
    ("model=random_forest model.n_estimators=2147483648", 100_000),
    ("model=random_forest model.n_jobs=1001", 1_000),
    ("model=decision_tree model.max_depth=2147483648", 1_000_000),
    ("model=decision_tree model.min_samples_leaf=2147483648", 2**31 - 1),
    ("model=gradient_boosting model.max_iter=2147483648", 100_000),
    ("model=gradient_boosting model.max_leaf_nodes=2147483648", 1_000_000),
    ("model=isolation_forest model.n_estimators=2147483648", 100_000),
    ("model=isolation_forest model.max_samples=2147483648", 2**31 - 1),
    ("model=knn model.n_neighbors=2147483648", 2**31 - 1),
    ("model=svm_rbf model.components=2147483648", 2**31 - 1),
    ("model=svm_rbf model.epochs=2147483648", 1_000_000),
]
"""Numbers that would end in a traceback, a MemoryError after the training, or not at all; and the most there may be."""


@pytest.mark.parametrize(("words", "most"), TOO_MUCH, ids=[words.split()[-1] for words, _ in TOO_MUCH])
def test_a_number_that_native_code_does_not_bear_is_refused_with_its_bound(words: str, most: int) -> None:
    with pytest.raises(UserError, match=rf"^{words.split()[-1]} has to be at most {most}$"):
        resolve(composed(*words.split()))


@pytest.mark.parametrize("model", ["svm", "svm_rbf", "svm_exact"])
@pytest.mark.parametrize(("value", "bound"), [("1e-200", "least 1e-20"), ("1e300", "most 1e\\+20"), ("nan", "least")])
def test_a_cost_at_which_no_search_ends_is_refused(model: str, value: str, bound: str) -> None:
    with pytest.raises(UserError, match=rf"^model.C={re.escape(str(float(value)))} has to be at {bound}"):
        resolve(composed(f"model={model}", f"model.C={value}"))


@pytest.mark.parametrize("value", ["nan", "-1"])
def test_an_outlier_rule_that_drops_nothing_or_everything_is_refused(value: str) -> None:
    with pytest.raises(UserError, match=rf"^outliers.factor={float(value)} has to be at least 0"):
        resolve(composed("outliers=iqr", f"outliers.factor={value}"))


def whole_numbers(kind: type[Any]) -> list[str]:
    """The fields of a schema that hold whole numbers."""
    return [name for name, hint in get_type_hints(kind).items() if hint in (int, int | None)]


def test_every_whole_number_of_a_model_and_the_trainer_has_bounds() -> None:
    groups = {name: kind for name, kind in SCHEMAS.items() if name.startswith(("model", "trainer", "evaluate"))}
    assert {
        name: [key for key in whole_numbers(kind) if key not in bounds_of(kind)] for name, kind in groups.items()
    } == {name: [] for name in groups}


@pytest.mark.parametrize("target", ["builtins.int", "builtins.len", "collections.OrderedDict", "nope"])
@pytest.mark.parametrize("group", ["selector", "outliers"])
def test_what_cannot_stand_where_it_was_put_is_refused_before_a_row_is_read(group: str, target: str) -> None:
    words = ["selector=pearson", "outliers=iqr", f"{group}._target_={target}"]
    build = {"selector": scores, "outliers": rule}[group]
    with pytest.raises(UserError, match=f"{group}=.* cannot be built"):
        build(getattr(resolve(composed(*words)), group))
