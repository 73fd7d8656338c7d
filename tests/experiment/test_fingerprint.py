"""Runs and studies of 9b1016a are recognised: averaged, skipped, resumed. tests/kept describes how they were made."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir

import train
from conftest import typed
from iot_ids import tracking
from iot_ids.common.paths import CONF
from iot_ids.config import Tracking, container, register
from iot_ids.experiment.fingerprint import ADDED, MOVED, fingerprint

KEPT = Path(__file__).parent.parent / "kept"
WORDS = {
    "gru": ["model=gru", "model.hidden_size=16", "trainer=cpu", "trainer.max_epochs=2"],
    "decision_tree": ["model=decision_tree"],
}
SHARED = ["selector=pearson", "selector.k=4", "dataset.rows=3000", "cache=off"]
SWEEP = ["-m", "+sweep=naive_bayes", *SHARED, "hydra.sweeper.final_seeds=0"]


def composed(*words: str) -> dict[str, Any]:
    register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return container(compose("train", overrides=list(words)))


def tags(model: str) -> dict[str, str]:
    return dict(json.loads((KEPT / "runs" / model / "tags.json").read_text()))


@pytest.mark.parametrize("model", WORDS)
def test_the_same_settings_have_the_fingerprint_of_before(model: str) -> None:
    before = tags(model)
    assert fingerprint(composed(*WORDS[model], *SHARED), before["data.sha256"]) == before["config.fingerprint"]


@pytest.mark.parametrize("word", ["dataset.missing_numbers=indicate", "dataset.format.comment='#'", "selector.k=5"])
def test_another_setting_has_another_fingerprint(word: str) -> None:
    before = tags("gru")
    assert fingerprint(composed(*WORDS["gru"], *SHARED, word), before["data.sha256"]) != before["config.fingerprint"]


def test_an_added_key_that_says_what_was_in_effect_is_no_difference() -> None:
    plain = composed("dataset=nf_bot_iot_v2", "+dataset@test_dataset=nf_ton_iot_v2", "model=gru")
    for key in ADDED:
        group, *inner, last = key.split(".")
        for dataset in (plain[group], plain[f"test_{group}"]):
            for name in inner:
                dataset = dataset[name]
            assert last in dataset, key
    kept = fingerprint(plain)
    del plain["dataset"]["missing_numbers"], plain["test_dataset"]["missing_numbers"]
    assert fingerprint(plain) == kept


def test_a_class_that_moved_counts_by_its_first_path(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {"model": {"_target_": "old.place.Model", "name": "x"}}
    now = {"model": {"_target_": "new.Model", "name": "x"}}
    assert fingerprint(before) != fingerprint(now)
    monkeypatch.setitem(MOVED, "new.Model", "old.place.Model")
    assert fingerprint(before) == fingerprint(now)


def test_a_finished_run_of_before_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    store = tracking.open_store(Tracking("sqlite:///mlruns/mlflow.db", "mlruns/artifacts"), "simulated")
    parameters = json.loads((KEPT / "runs" / "decision_tree" / "params.json").read_text())
    with tracking.start(store, "decision_tree-pearson-4-42", parameters, tags("decision_tree")) as run:
        pass
    assert typed(monkeypatch, train, *WORDS["decision_tree"], *SHARED, "tracking.skip_finished=true") == 0
    assert run.id in capsys.readouterr().out
    assert len(tracking.kept_runs(store)) == 1


def test_a_study_of_before_is_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mlruns").mkdir()
    shutil.copy(KEPT / "sweep" / "optuna.journal", tmp_path / "mlruns" / "optuna.journal")
    assert typed(monkeypatch, train, *SWEEP, "hydra.sweeper.n_trials=4") == 0
    import optuna
    from optuna.storages.journal import JournalFileBackend

    storage = optuna.storages.JournalStorage(JournalFileBackend(str(tmp_path / "mlruns" / "optuna.journal")))
    studies = optuna.get_all_study_names(storage)
    assert studies == [json.loads((KEPT / "sweep" / "tags.json").read_text())["sweep"]]
    assert len(optuna.load_study(study_name=studies[0], storage=storage).trials) == 4
