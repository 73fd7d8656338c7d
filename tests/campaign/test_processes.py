"""A part of the campaign's kills, configurations and first starts, and planted faults, each counted as what it is."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from random import Random

import optuna
import pytest

from conftest import empty_store
from iot_ids.sweep import storage

from . import configurations, kills, starts
from .child import Ended
from .kills import TRIALS, everything, trials_faults
from .tally import Attack, pursue


@pytest.mark.parametrize(("what", "attempts"), [("train", 1), ("sweep", 1), ("cache", 3), ("score", 2)])
def test_a_kill_leaves_nothing_behind(what: str, attempts: int, tmp_path: Path) -> None:
    (attack,) = [each for each in kills.attacks(tmp_path) if each.what == f"kills: {what}"]
    tally = pursue(attack, 0, range(attempts))
    assert not sum(tally.faults.values()), "\n".join(tally.examples)


@pytest.mark.parametrize(("index", "attempts"), [(0, 4), (1, 2), (2, 4)], ids=["train", "compare", "score"])
def test_random_words_are_run_or_refused_in_a_sentence(index: int, attempts: int, tmp_path: Path) -> None:
    tally = pursue(configurations.attacks(tmp_path)[index], 0, range(attempts))
    assert not sum(tally.faults.values()), "\n".join(tally.examples)


def test_first_starts_at_once_make_one_store(tmp_path: Path) -> None:
    tally = pursue(Attack("starts", 1, starts.started(tmp_path / "work", at_once=3, forked=True)), 0, range(1))
    assert not sum(tally.faults.values()), "\n".join(tally.examples)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with an empty store."""
    (tmp_path / "mlruns").mkdir()
    (tmp_path / "mlruns" / "mlflow.db").write_bytes(empty_store())
    return tmp_path


def keep(place: Path, status: str, run: str = "a" * 32) -> None:
    """A run in the store, as a killed or a hasty process may leave it."""
    with sqlite3.connect(place / "mlruns" / "mlflow.db") as store:
        store.execute("insert into runs (run_uuid, status, experiment_id) values (?, ?, 0)", [run, status])


def test_an_empty_store_has_no_fault(place: Path) -> None:
    assert everything(place) == []


@pytest.mark.parametrize(("status", "kind"), [("RUNNING", "running"), ("FINISHED", "silent")])
def test_a_run_that_stays_running_and_one_that_lacks_its_model_are_counted(place: Path, status: str, kind: str) -> None:
    keep(place, status)
    assert [fault for fault, _ in everything(place)] == [kind]


@pytest.mark.parametrize("file", ["tmp/tmpabc", "mlruns/.mlflow.db.runs/key", "mlruns/.mlflow.db.1", "cache/.x.csv.17"])
def test_what_is_left_behind_is_counted(place: Path, file: str) -> None:
    (place / file).parent.mkdir(parents=True, exist_ok=True)
    (place / file).touch()
    assert [fault for fault, _ in everything(place)] == ["leftover"]


@pytest.mark.parametrize(
    ("numbers", "kinds"),
    [(range(TRIALS), set()), (range(TRIALS - 1), {"lost"}), ([0, 1, 2, 2], {"doubled"}), (range(9), {"doubled"})],
)
def test_a_trial_too_few_or_too_many_is_counted(place: Path, numbers: list[int], kinds: set[str]) -> None:
    study = optuna.create_study(study_name="s", storage=storage.opened(str(place / "mlruns" / "optuna.journal")))
    for number in numbers:
        distributions = {"k": optuna.distributions.IntDistribution(0, 20)}
        study.add_trial(optuna.create_trial(params={"k": number}, distributions=distributions, value=1.0))
    found = {kind for kind, said in trials_faults(place, "s") if "final" not in said}
    assert found == kinds


@pytest.mark.parametrize(
    ("ended", "kind"),
    [
        (Ended(1, "Traceback (most recent call last):\n  x"), "traceback"),
        (Ended(0, "thread 'main' panicked at x"), "traceback"),
        (Ended(-11, "x"), "traceback"),
        (Ended(None, ""), "hung"),
        (Ended(1, ""), "silent"),
    ],
)
def test_a_command_that_ends_badly_is_counted(ended: Ended, kind: str, tmp_path: Path) -> None:
    attempt: Callable[[Random], list[tuple[str, str]]] = configurations.configured(
        tmp_path, "score", configurations.scoring, run=lambda *_: ended
    )
    assert [fault for fault, _ in attempt(Random(0))] == [kind]
