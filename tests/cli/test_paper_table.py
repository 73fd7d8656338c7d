"""`python -m train -m +experiment=paper_table`: every method and seed, each finished run once."""

import contextlib
import signal
import sqlite3
from pathlib import Path

import polars as pl
import pytest
from mlflow import MlflowClient
from omegaconf import OmegaConf

import compare
import train
from campaign.child import begin
from conftest import CONF, Workplace, typed, write_flows

NOT_IN_IT = {"svm_exact", "isolation_forest", "gradient_boosting_monotone"}
"""The first has a limit on rows, the others answer the binary question alone."""
FEW = ["+experiment=paper_table", "selector.k=2", "model=naive_bayes,majority", "seed=0,1"]


def test_every_method_is_in_it() -> None:
    params = OmegaConf.load(CONF / "experiment" / "paper_table.yaml").hydra.sweeper.params
    models = {file.stem for file in (CONF / "model").glob("*.yaml")}
    assert {name.strip() for name in params.model.split(",")} == models - NOT_IN_IT


def test_a_finished_run_is_not_run_again_but_one_of_another_seed_or_configuration_is(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    words = workplace.words("+experiment=paper_table", "selector.k=2", "model=naive_bayes")
    assert typed(monkeypatch, train, *words) == 0
    (first,) = workplace.runs()
    assert typed(monkeypatch, train, *words) == 0
    said = f"naive_bayes-pearson-2-42: skipped, already finished as run {first.info.run_id}"
    printed = " ".join(capfd.readouterr().out.split())
    assert said in printed
    assert "with other code" not in printed
    client = MlflowClient(f"sqlite:///{workplace.folder}/mlruns/mlflow.db")
    client.set_tag(first.info.run_id, "git.commit", "0" * 40 + "-dirty")
    assert typed(monkeypatch, train, *words) == 0
    assert f"{said}, with other code: commit 0000000-dirty, now " in " ".join(capfd.readouterr().out.split())
    assert len(workplace.runs()) == 1
    for count, other in enumerate(("seed=1", "selector.k=3", "evaluate.replicates=51"), start=2):
        assert typed(monkeypatch, train, *words, other) == 0
        assert len(workplace.runs()) == count


def test_other_rows_in_the_file_are_run_again(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    words = workplace.words("+experiment=paper_table", "selector.k=2", "model=naive_bayes")
    assert typed(monkeypatch, train, *words) == 0
    write_flows(workplace.flows, seed=5)
    assert typed(monkeypatch, train, *words) == 0
    assert len(workplace.runs()) == 2


def test_another_official_test_file_is_run_again(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    test = write_flows(workplace.folder / "test.csv", seed=9)
    official = ["split=official", f"dataset.test_path={test}"]
    words = workplace.words("+experiment=paper_table", "selector.k=2", "model=naive_bayes", *official)
    assert typed(monkeypatch, train, *words) == 0
    assert typed(monkeypatch, train, *words) == 0
    assert len(workplace.runs()) == 1
    write_flows(test, seed=10)
    assert typed(monkeypatch, train, *words) == 0
    assert len(workplace.runs()) == 2


def test_a_failed_run_is_run_again(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    diverging = ["model=gru", "model.learning_rate=1e38", "trainer.gradient_clip=0"]
    words = workplace.words("+experiment=paper_table", "selector.k=2", *diverging)
    for _ in range(2):
        assert typed(monkeypatch, train, *words) == 1
    assert [run.info.status for run in workplace.runs()] == ["FAILED", "FAILED"]


def test_plain_training_runs_again(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        assert typed(monkeypatch, train, *workplace.words("model=naive_bayes")) == 0
    assert len(workplace.runs()) == 2


CRASHING = """\
class Crashing:
    def fit(self, train, validation, classes, seed, report):
        raise ZeroDivisionError("planted")
"""


@pytest.mark.slow
def test_a_method_that_crashes_does_not_stop_the_others(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(str(workplace.folder))
    (workplace.folder / "crashing.py").write_text(CRASHING)
    (workplace.folder / "my_conf" / "model").mkdir()
    (workplace.folder / "my_conf" / "model" / "crashing.yaml").write_text(
        "name: crashing\n_target_: crashing.Crashing\n"
    )
    words = workplace.words("+experiment=paper_table", "selector.k=2", "model=crashing,naive_bayes", "seed=0,1")
    assert typed(monkeypatch, train, "-m", *words) == 1
    assert "planted" in "".join(capfd.readouterr())
    ends = {run.info.run_name: run.info.status for run in workplace.runs()}
    assert ends == {
        "crashing-pearson-2-0": "FAILED",
        "crashing-pearson-2-1": "FAILED",
        "naive_bayes-pearson-2-0": "FINISHED",
        "naive_bayes-pearson-2-1": "FINISHED",
    }


def finished(folder: Path) -> int:
    """How many runs of the store are finished, read past MLflow, which would hold up the training."""
    file = folder / "mlruns" / "mlflow.db"
    if not file.exists():
        return 0
    reading = contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True))
    with reading as store, contextlib.suppress(sqlite3.OperationalError):
        return int(store.execute("select count(*) from runs where status = 'FINISHED'").fetchone()[0])
    return 0


def scores(patch: pytest.MonkeyPatch, folder: Path) -> pl.DataFrame:
    """The comparison of a folder's runs, without times."""
    patch.chdir(folder)
    assert typed(patch, compare, "folder=table", "log=false") == 0
    table = pl.read_csv(folder / "table" / "table.csv")
    return table.select(name for name in table.columns if "seconds" not in name)


@pytest.mark.slow
def test_interrupted_and_begun_again_it_gives_the_same_table(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C after the first run, then the same command: only what is missing is run, and the table is the same."""
    whole, broken = workplace.folder / "whole", workplace.folder / "broken"
    for folder in (whole, broken):
        folder.mkdir()
    words = ["-m", *workplace.words(*FEW)]
    monkeypatch.chdir(whole)
    assert typed(monkeypatch, train, *words) == 0
    stopped = begin("train", words, broken)
    stopped.wait_until(lambda: finished(broken))
    stopped.send(signal.SIGINT)
    assert stopped.ended().code
    before = finished(broken)
    assert 1 <= before < 4
    capfd.readouterr()
    monkeypatch.chdir(broken)
    assert typed(monkeypatch, train, *words) == 0
    assert capfd.readouterr().out.count("skipped, already finished") == before
    assert finished(broken) == 4
    assert scores(monkeypatch, broken).equals(scores(monkeypatch, whole))
