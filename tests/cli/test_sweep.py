"""`python -m train -m ... +sweep=...` as a user types it: its records, and the failures it survives."""

import contextlib
import os
import shlex
import signal
import sqlite3
import time
from pathlib import Path
from typing import Any

import mlflow
import optuna
import polars as pl
import pytest

import compare
import train
from campaign.child import Begun, begin
from conftest import Workplace, typed, write_flows
from iot_ids.common.paths import CONF
from iot_ids.sweep import storage

GRU = ["+experiment=gru_pearson", "hydra/sweeper=optuna", "selector.k=range(2,5)", "model.hidden_size=choice(4,8,64)"]
QUICK = ["hydra/sweeper=optuna", "model=naive_bayes", "model.var_smoothing=tag(log,interval(1e-9,1e-1))"]


def sweep(workplace: Workplace, patch: pytest.MonkeyPatch, *words: str, trials: int = 4, seeds: int = 0) -> int:
    settings = [f"hydra.sweeper.n_trials={trials}", f"hydra.sweeper.final_seeds={seeds}"]
    return typed(patch, train, "-m", *workplace.words(*words, *settings))


def started(workplace: Workplace, *words: str, trials: int, seeds: int = 0) -> Begun:
    """Start the sweep in its own process."""
    settings = [f"hydra.sweeper.n_trials={trials}", f"hydra.sweeper.final_seeds={seeds}"]
    return begin("train", ["-m", *workplace.words(*words, *settings)], workplace.folder)


def study(workplace: Workplace, address: str | None = None) -> optuna.Study:
    kept = storage.opened(address or str(workplace.folder / "mlruns" / "optuna.journal"))
    (name,) = optuna.get_all_study_names(kept)
    return optuna.load_study(study_name=name, storage=kept)


def states(workplace: Workplace, address: str | None = None) -> dict[str, int]:
    found = [trial.state.name for trial in study(workplace, address).get_trials()]
    return {state: found.count(state) for state in set(found)}


def kinds(workplace: Workplace) -> dict[str, list[Any]]:
    """Group the runs by their tag `kind`; final runs have none."""
    found: dict[str, list[Any]] = {"sweep": [], "trial": [], "final": []}
    for run in workplace.runs():
        found[run.data.tags.get("kind", "final")].append(run)
    return found


def test_a_sweep_keeps_its_trials_below_one_run_and_tests_the_best_beside_the_untuned(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert sweep(workplace, monkeypatch, *GRU, trials=5, seeds=2) == 0
    said = capfd.readouterr().out
    found = kinds(workplace)
    (parent,) = found["sweep"]
    assert parent.info.status == "FINISHED"
    assert len(found["trial"]) == 5
    for run in found["trial"]:
        assert run.info.status == "FINISHED"
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert run.data.tags["trial.state"] in ("COMPLETE", "PRUNED")
        assert run.data.params["model.hidden_size"] in ("4", "8", "64")
        assert not [name for name in run.data.metrics if name.startswith("test/")]
        assert "data.test_read" not in run.data.tags
    finals = [
        (run.data.tags["tuned"], run.data.params["seed"], run.data.params["split_seed"]) for run in found["final"]
    ]
    tuned = {("true", "0", "42"), ("true", "1", "42")}
    best_is_own = parent.data.tags["best.trial"] == "0"
    untuned = set() if best_is_own else {("false", "0", "42"), ("false", "1", "42")}
    assert set(finals) == tuned | untuned
    files = {path.name for path in workplace.artifacts(parent).iterdir()}
    assert {"trials.csv", "best.yaml", "command.txt", "history.png", "feature_count.png"} <= files
    assert pl.read_csv(workplace.artifacts(parent) / "trials.csv")["trial"].to_list() == [0, 1, 2, 3, 4]
    assert states(workplace).keys() <= {"COMPLETE", "PRUNED"}
    assert "optuna-dashboard mlruns/optuna.journal" in said
    assert f"run {parent.info.run_id}" in said


def test_the_command_that_is_kept_repeats_the_best_trial(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sweep(workplace, monkeypatch, *GRU, trials=3) == 0
    best = study(workplace).best_trial
    (parent,) = kinds(workplace)["sweep"]
    words = shlex.split(parent.data.tags["best.command"])
    assert words[:3] == ["python", "-m", "train"]
    assert typed(monkeypatch, train, *words[3:]) == 0
    (again,) = kinds(workplace)["final"]
    assert again.data.metrics["val/f1_macro"] == best.value


def test_the_same_command_again_runs_what_is_missing(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert sweep(workplace, monkeypatch, *QUICK, trials=3, seeds=1) == 0
    capfd.readouterr()
    assert sweep(workplace, monkeypatch, *QUICK, trials=5, seeds=1) == 0
    said = capfd.readouterr().out
    assert "3 of 5 trials done" in said
    assert states(workplace) == {"COMPLETE": 5}
    found = kinds(workplace)
    assert len(found["sweep"]) == 1
    assert len(found["trial"]) == 5
    params = [tuple(trial.params.items()) for trial in study(workplace).get_trials()]
    assert len(set(params)) == 5


def test_other_settings_and_other_rows_are_another_study(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    named = [*QUICK, "hydra.sweeper.study_name=mine"]
    assert sweep(workplace, monkeypatch, *named, trials=1) == 0
    write_flows(workplace.flows, seed=3)
    capfd.readouterr()
    assert sweep(workplace, monkeypatch, *named, trials=1) == 1
    assert "data.sha256" in capfd.readouterr().err
    assert sweep(workplace, monkeypatch, *QUICK, trials=1) == 0
    kept = storage.opened(str(workplace.folder / "mlruns" / "optuna.journal"))
    assert len(optuna.get_all_study_names(kept)) == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["model.hiden_size=choice(4,8)"], "model.hiden_size cannot be searched: model=gru has no such key; it has "),
        (["model.hidden_size=choice(4,many)"], "model.hidden_size=many"),
        (["selector.k=range(2,9)"], "selector.k cannot be searched: selector=all has no such key"),
        (["model.dropout=choice(0.2,1.5)", "split.test=choice(0.1,0.2)"], "split.test cannot be searched"),
        (["dataset=mine,simulated"], "dataset cannot be searched"),
        (["scaler.before_split=true,false"], "scaling_before_split"),
        (["model.layers=choice(1,2)", "hydra.sweeper.final_seeds=[4294967296]"], "final_seeds"),
        (["model.layers=choice(1,2)", "hydra.sweeper.storage=flows.csv"], "is not an Optuna journal"),
        (["model.layers=choice(1,2)", "seed=0,1"], "a seed is not a hyper-parameter"),
        (["model.layers=choice(1,2)", "hydra.sweeper.objectives=[test/f1_macro]"], "would tune on the test rows"),
        (["model.layers=choice(1,2)", "hydra.sweeper.objectives=[val/f1]"], "must be one of val/f1_macro"),
        (["model.layers=choice(1,2)", "hydra.sweeper.sampler=tpee"], "hydra.sweeper.sampler=tpee must be one of tpe"),
        (
            ["model.layers=choice(1,2)", "hydra.sweeper.pruner=medium"],
            "hydra.sweeper.pruner=medium must be one of median",
        ),
        (["model.layers=choice(1,2)", "hydra.sweeper.n_trials=0"], "hydra.sweeper.n_trials=0"),
        (["model.layers=choice(1,2)", "hydra.sweeper.n_trials=9999999999"], "has to be at most 1000000"),
        (["model.layers=choice(1,2)", "hydra.sweeper.final_seeds=4294967295"], "has to be at most 1000"),
        (["model.layers=choice(1,2)", "hydra.sweeper.storage="], "hydra.sweeper.storage"),
        (["model.layers=choice(1,2)", "hydra.sweeper.storage=mysql://x/y"], "hydra.sweeper.storage=mysql://x/y"),
        (["model.layers=choice(1,2)", "scaler.before_split=true"], "scaling_before_split"),
        (["model.hidden_size=choice(8,-1)"], "model.hidden_size=-1 has to be at least 1"),
        ([], "the search space is empty"),
    ],
)
def test_a_sweep_that_cannot_be_is_refused_before_its_first_trial(
    words: list[str],
    message: str,
    workplace: Workplace,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert typed(monkeypatch, train, "-m", *workplace.words("hydra/sweeper=optuna", *words)) == 1
    error = capfd.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert workplace.runs() == []
    journal = workplace.folder / "mlruns" / "optuna.journal"
    assert not journal.exists() or not optuna.get_all_study_names(storage.opened(str(journal)))


def test_a_test_file_that_cannot_be_read_is_not_noticed_while_searching(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = workplace.folder / "test.csv"
    test.write_bytes(b"\x00\xff neither columns nor rows")
    official = ["split=official", f"dataset.test_path={test}"]
    assert sweep(workplace, monkeypatch, *QUICK, *official, trials=3) == 0
    assert states(workplace) == {"COMPLETE": 3}
    assert sweep(workplace, monkeypatch, *QUICK, *official, trials=3, seeds=1) == 1
    assert {run.info.status for run in kinds(workplace)["final"]} == {"FAILED"}


def test_a_loss_that_diverges_is_a_failed_trial_with_its_reason(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["hydra/sweeper=optuna", "model.learning_rate=choice(0.01,1e38)", "trainer.gradient_clip=0"]
    assert sweep(workplace, monkeypatch, *words, "hydra.sweeper.max_failure_rate=0.5", trials=2) == 0
    assert states(workplace) == {"COMPLETE": 1, "FAIL": 1}
    (bad,) = [trial for trial in study(workplace).get_trials() if trial.state.name == "FAIL"]
    assert "the loss became" in bad.user_attrs["reason"]
    assert "failed: the loss became" in capfd.readouterr().out
    (run,) = [run for run in kinds(workplace)["trial"] if run.data.tags["trial.state"] == "FAIL"]
    assert run.info.status == "FAILED"
    assert "the loss became" in run.data.tags["trial.reason"]


def own_model(workplace: Workplace, patch: pytest.MonkeyPatch, name: str, code: str) -> list[str]:
    """Write a user's own model named `name` with two settings; return the words that sweep over it."""
    patch.syspath_prepend(str(workplace.folder))
    (workplace.folder / f"{name}_of_mine.py").write_text(code)
    (workplace.folder / "my_conf" / "model").mkdir()
    file = workplace.folder / "my_conf" / "model" / f"{name}.yaml"
    file.write_text(f"name: {name}\n_target_: {name}_of_mine.{name.capitalize()}\ndepth: 1\nwidth: 1\n")
    return ["hydra/sweeper=optuna", f"model={name}"]


CRASHING = """\
class Crashing:
    def __init__(self, depth, width):
        pass

    def fit(self, train, validation, classes, seed, report):
        raise ZeroDivisionError("planted")
"""


def test_too_many_failures_stop_the_sweep(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    words = [*own_model(workplace, monkeypatch, "crashing", CRASHING), "model.depth=range(1,20)"]
    assert sweep(workplace, monkeypatch, *words, "hydra.sweeper.max_failure_rate=0.2", trials=10) == 1
    error = capfd.readouterr().err
    assert "3 of 10 trials failed" in error
    assert "ZeroDivisionError: planted" in error
    assert states(workplace) == {"FAIL": 3}
    found = kinds(workplace)
    assert [run.info.status for run in found["sweep"]] == ["FAILED"]
    assert "planted" in (workplace.artifacts(found["trial"][0]) / "traceback.txt").read_text()


EQUAL = """\
import numpy as np


class Equal:
    def __init__(self, depth, width):
        pass

    def fit(self, train, validation, classes, seed, report):
        self.classes = classes

    def probabilities(self, x):
        return np.full((len(x), self.classes), 1 / self.classes, dtype=np.float32)

    def parameters(self):
        return None
"""


def test_trials_that_all_score_the_same_still_end_in_a_report(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = ["model.depth=range(1,20)", "model.width=range(1,20)"]
    words = [*own_model(workplace, monkeypatch, "equal", EQUAL), *space]
    assert sweep(workplace, monkeypatch, *words, trials=12) == 0
    (parent,) = kinds(workplace)["sweep"]
    assert parent.info.status == "FINISHED"
    assert not (workplace.artifacts(parent) / "importances.png").exists()


def test_an_objective_that_a_model_does_not_have_is_a_failure_with_its_reason(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    words = [*QUICK, "hydra.sweeper.objectives=[val/f1_macro,model/parameters]"]
    assert sweep(workplace, monkeypatch, *words, trials=2) == 1
    assert " has no model/parameters" in capfd.readouterr().err


def test_two_objectives_give_a_front(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    objectives = "hydra.sweeper.objectives=[val/f1_macro,model/parameters]"
    assert sweep(workplace, monkeypatch, *GRU, objectives, trials=4, seeds=1) == 0
    (parent,) = kinds(workplace)["sweep"]
    assert (workplace.artifacts(parent) / "pareto_front.png").exists()
    front = study(workplace).best_trials
    trials = study(workplace).get_trials()
    for one in front:
        assert not any(
            other.values[0] >= one.values[0] and other.values[1] <= one.values[1] and other.values != one.values
            for other in trials
        )
    best = max(trial.values[0] for trial in trials)
    assert parent.data.metrics["val/f1_macro"] == best


def test_a_model_can_be_searched_too(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["hydra/sweeper=optuna", "model=naive_bayes,knn,majority"]
    assert sweep(workplace, monkeypatch, *words, trials=9) == 0
    assert [trial.params["model"] for trial in study(workplace).get_trials()].count("knn") == 1
    assert states(workplace) == {"COMPLETE": 3}


def test_a_sweep_of_each_method_and_the_table_of_the_tuned(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    table = ["+experiment=tuned_table", "+sweep=naive_bayes,knn"]
    assert sweep(workplace, monkeypatch, *table, trials=2, seeds=1) == 0
    said = capfd.readouterr().out
    assert "sweep 2 of 2: +sweep=knn" in said
    finals = [run.data.tags for run in kinds(workplace)["final"]]
    assert {tags["sweep.trials"] for tags in finals} == {"2"}
    assert typed(monkeypatch, compare, "tuned=true", "log=false", "folder=table") == 0
    rows = pl.read_csv(workplace.folder / "table" / "table.csv").filter(~pl.col("constant"))
    assert rows["method"].sort().to_list() == ["knn tuned, all", "naive_bayes tuned, all"]
    assert set(rows["tuned"]) == {"yes"}
    assert "2 trials each" in (workplace.folder / "table" / "methods.txt").read_text()
    capfd.readouterr()
    assert sweep(workplace, monkeypatch, *table, trials=2, seeds=1) == 0
    assert capfd.readouterr().out.count("skipped, already finished") == len(finals)


def test_every_shipped_sweep_and_tuned_table_chooses_among_the_methods_of_the_issue() -> None:
    files = {file.stem for file in (CONF / "sweep").glob("*.yaml")}
    methods = {"gru", "lstm", "rnn", "mlp", "svm", "knn", "naive_bayes", "random_forest", "gradient_boosting"}
    assert files == methods | {"features_and_width"}
    for name in methods:
        assert f"override /model: {name}\n" in (CONF / "sweep" / f"{name}.yaml").read_text()


def test_what_is_simulated_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["dataset.rows=400", f"cache.path={tmp_path}/cache", "evaluate.replicates=50"]
    settings = ["hydra.sweeper.n_trials=2", "hydra.sweeper.final_seeds=1"]
    assert typed(monkeypatch, train, "-m", *QUICK, *words, *settings) == 0
    assert "SIMULATED: BoT-IoT testbed" in capfd.readouterr().out
    place = Workplace(tmp_path, tmp_path)
    (parent,) = kinds(place)["sweep"]
    assert parent.data.tags["data.origin"] == "generated"
    assert pl.read_csv(place.artifacts(parent) / "trials.csv").columns[0] == "origin"


def finished_trials(workplace: Workplace) -> int:
    """Count the trials' finished runs, without MLflow, which would block the sweep."""
    file = workplace.folder / "mlruns" / "mlflow.db"
    if not file.exists():
        return 0
    query = "select count(*) from runs where status = 'FINISHED' and name like 'trial-%'"
    reading = contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True))
    with reading as store, contextlib.suppress(sqlite3.OperationalError):
        return int(store.execute(query).fetchone()[0])
    return 0


SLOW = """\
import time

import numpy as np


class Slow:
    def __init__(self, depth, width):
        pass

    def fit(self, train, validation, classes, seed, report):
        time.sleep(0.3)
        self.classes = classes

    def probabilities(self, x):
        return np.full((len(x), self.classes), 1 / self.classes, dtype=np.float32)

    def parameters(self):
        return None
"""


@pytest.fixture
def slow(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the words for a sweep whose trials take long enough to be killed midway."""
    return [*own_model(workplace, monkeypatch, "slow", SLOW), "model.depth=range(1,50)"]


@pytest.mark.slow
def test_killed_in_the_middle_and_resumed_it_has_exactly_what_was_asked_for(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, slow: list[str]
) -> None:
    dying = started(workplace, *slow, trials=48)  # so many that none of this depends on how fast it is
    dying.wait_until(lambda: finished_trials(workplace) >= 2)
    time.sleep(0.15)  # in the middle of the next one
    dying.send(signal.SIGKILL)
    dying.ended()
    asked_for = states(workplace)["COMPLETE"] + 3
    assert sweep(workplace, monkeypatch, *slow, trials=asked_for) == 0
    ended = states(workplace)
    assert ended.pop("FAIL", 0) <= 1
    assert ended == {"COMPLETE": asked_for}
    found = kinds(workplace)
    assert [run.info.status for run in found["sweep"]] == ["FINISHED"]
    by_status = [run.info.status for run in found["trial"]]
    assert by_status.count("RUNNING") == 0
    assert by_status.count("FINISHED") in (asked_for, asked_for - 1)  # killed between the study's end and MLflow's


@pytest.mark.slow
def test_ctrl_c_ends_it_and_tells_how_to_go_on(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, slow: list[str]
) -> None:
    stopped = started(workplace, *slow, trials=48)
    stopped.wait_until(lambda: finished_trials(workplace) >= 2)
    stopped.send(signal.SIGINT)
    ended = stopped.ended()
    assert ended.code, ended
    assert "of 48 trials done; to resume:\npython -m train -m" in ended.said
    assert "Traceback" not in ended.said
    assert "RUNNING" not in states(workplace)
    assert "RUNNING" not in [run.info.status for run in workplace.runs()]
    assert [run.info.status for run in kinds(workplace)["sweep"]] == ["KILLED"]
    asked_for = states(workplace)["COMPLETE"] + 2
    assert sweep(workplace, monkeypatch, *slow, trials=asked_for) == 0
    assert states(workplace)["COMPLETE"] == asked_for
    assert [run.info.status for run in kinds(workplace)["sweep"]] == ["FINISHED"]


BROKEN = """
import os
import signal


class Broken:
    def __init__(self, depth, width):
        pass

    def fit(self, train, validation, classes, seed, report):
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pause()
        finally:
            raise ValueError("what a library says that was interrupted while it tidied up")
"""


def test_an_interruption_that_became_another_error_is_no_failed_trial(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    words = [*own_model(workplace, monkeypatch, "broken", BROKEN), "model.depth=range(1,50)"]
    assert sweep(workplace, monkeypatch, *words, trials=3) == 1
    out, err = capfd.readouterr()
    assert "interrupted with 0 of 3 trials done" in out
    assert "interrupted" in err
    assert states(workplace) == {"FAIL": 1, "WAITING": 1}
    assert [run.info.status for run in workplace.runs()] == ["KILLED", "KILLED"]


@pytest.mark.slow
def test_two_processes_of_the_same_command_share_one_study(workplace: Workplace, slow: list[str]) -> None:
    both = [started(workplace, *slow, trials=8, seeds=0) for _ in range(2)]
    ended = [each.ended() for each in both]
    assert [each.code for each in ended] == [0, 0], ended
    assert states(workplace) == {"COMPLETE": 8}
    workers = {trial.user_attrs["worker"] for trial in study(workplace).get_trials()}
    assert len(workers) == 2
    found = kinds(workplace)
    assert [run.info.status for run in found["sweep"]] == ["FINISHED"]
    assert [run.info.status for run in found["trial"]] == ["FINISHED"] * 8


def test_an_interruption_while_the_sweep_begins_leaves_no_run_running(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = mlflow.MlflowClient.create_run

    def created_and_interrupted(*args: Any, **kwargs: Any) -> Any:
        made = create(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGTERM)
        return made

    monkeypatch.setattr(mlflow.MlflowClient, "create_run", created_and_interrupted)
    assert sweep(workplace, monkeypatch, *QUICK, trials=2) == 1
    assert [run.info.status for run in workplace.runs()] == ["KILLED"]
    assert states(workplace) == {"WAITING": 1}


SPOILING = """
import os


class Spoiling:
    def __init__(self, depth, width):
        pass

    def fit(self, train, validation, classes, seed, report):
        os.truncate(os.path.join(os.environ["PLACE"], "mlruns", "mlflow.db"), 0)
"""


@pytest.mark.parametrize("multirun", [True, False])
def test_a_store_that_breaks_on_the_way_is_told_without_a_traceback(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], multirun: bool
) -> None:
    monkeypatch.setenv("PLACE", str(workplace.folder))
    words = own_model(workplace, monkeypatch, "spoiling", SPOILING)
    if multirun:
        assert sweep(workplace, monkeypatch, *words, "model.depth=range(1,50)", trials=3) == 1
    else:
        assert typed(monkeypatch, train, *workplace.words(*words[1:], "model.depth=1")) == 1
    err = capfd.readouterr().err
    assert "the store cannot be used" in err
    assert "Traceback" not in err


FULL = """\
class Full:
    def __init__(self, depth, width):
        pass

    def fit(self, train, validation, classes, seed, report):
        with open("/dev/full", "w") as stream:
            stream.write("a model")
"""


def test_a_full_disk_ends_the_sweep_and_is_no_failed_trial(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    words = [*own_model(workplace, monkeypatch, "full", FULL), "model.depth=range(1,20)"]
    assert sweep(workplace, monkeypatch, *words, trials=4) == 1
    assert "the disk is full: " in capfd.readouterr().err
    assert [trial.user_attrs.get("reason") for trial in study(workplace).get_trials()] == ["interrupted", None]
    assert states(workplace) == {"FAIL": 1, "WAITING": 1}  # the next start tries it again
