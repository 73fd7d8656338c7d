"""`python -m compare` as a user types it, on runs that were really made."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

import compare
import train
from conftest import Workplace, make_workplace, processor_seconds, typed, write_flows
from iot_ids import tracking as track
from iot_ids.config import Tracking
from iot_ids.metrics.metrics import measures

FILES = ["forest.png", "methods.tex", "methods.txt", "table.csv", "table.md", "table.tex"]
SOURCE = Path(compare.__file__).parent


def command(*words: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    line = [sys.executable, "-m", "compare", *words]
    return subprocess.run(line, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    """Two methods with two seeds each, and one of them on an official split, where the test rows stay the same."""
    with pytest.MonkeyPatch.context() as patch:
        workplace = make_workplace(tmp_path_factory.mktemp("compare"), patch)
        test = write_flows(workplace.folder / "test.csv", seed=9)
        official = ["split=official", f"dataset.test_path={test}"]
        for words in (["model=naive_bayes"], ["model=knn"], ["model=knn", *official]):
            for seed in (0, 1):
                assert typed(patch, train, *workplace.words(*words, f"seed={seed}")) == 0
        yield workplace


@pytest.fixture
def here(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    monkeypatch.chdir(place.folder)
    return place


def test_one_table_with_its_files_and_its_run(
    here: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert typed(monkeypatch, compare, "split=random", "replicates=50") == 0
    page = capfd.readouterr().out
    assert "Greenhouse flows, category, random split" in page
    assert "constant answer" in page
    assert max(map(len, page.split("written to")[0].splitlines())) <= 100
    folder = here.folder / "comparison" / "mine-category-random"
    assert sorted(path.name for path in folder.iterdir()) == FILES
    table = pl.read_csv(folder / "table.csv")
    assert table["seeds"].to_list().count(2) == 2
    kept = next(run for run in here.runs() if run.info.run_name == "comparison")
    assert kept.data.tags["kind"] == "comparison"
    assert kept.info.run_id in page
    assert sorted(path.name for path in here.artifacts(kept).iterdir()) == FILES
    assert typed(monkeypatch, compare, "split=random", "replicates=50") == 0
    assert pl.read_csv(folder / "table.csv").equals(table)


def test_means_are_those_of_the_kept_metrics(here: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["split=random", "where=[split.test:0.2,selector.name:all]", "log=false", "folder=out"]
    assert typed(monkeypatch, compare, *words) == 0
    table = pl.read_csv(here.folder / "out" / "table.csv")
    runs = [run for run in here.runs() if run.data.params.get("split.name") == "random"]
    for model in ("knn", "naive_bayes"):
        kept = [run.data.metrics for run in runs if run.data.params.get("model.name") == model]
        row = table.filter(pl.col("method") == f"{model}, all").row(0, named=True)
        for name in ("accuracy", "f1_macro", "mcc", "detection_rate", "recall/Scan"):
            assert row[name] == pytest.approx(sum(metrics[f"test/{name}"] for metrics in kept) / 2), name
    constant = table.filter(pl.col("constant")).row(0, named=True)
    assert constant["accuracy"] == pytest.approx(runs[0].data.metrics["test/majority_accuracy"])


def test_the_papers_table_of_one_run(
    here: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    run = next(run for run in here.runs() if run.info.run_name.startswith("knn"))
    assert typed(monkeypatch, compare, f"run={run.info.run_id[:10]}", "folder=paper") == 0
    assert "| weighted average |" in capfd.readouterr().out
    files = ["paper_chart.png", "paper_table.csv", "paper_table.md"]
    assert sorted(path.name for path in (here.folder / "paper").iterdir()) == files
    last = pl.read_csv(here.folder / "paper" / "paper_table.csv").row(-1, named=True)
    assert last["f1"] == pytest.approx(run.data.metrics["test/f1_weighted"])
    assert last["recall"] == pytest.approx(run.data.metrics["test/accuracy"])


def test_an_official_split_is_known_by_its_rows(
    here: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert typed(monkeypatch, compare, "split=official", "log=false", "folder=official", "replicates=50") == 0
    assert "bootstrap over seeds and test rows" in capfd.readouterr().out


def test_it_runs_from_anywhere_and_nothing_but_the_folder_is_left(here: Workplace, tmp_path: Path) -> None:
    store = f"sqlite:///{here.folder}/mlruns/mlflow.db"
    words = ["split=random", f"tracking.uri={store}", "log=false"]
    seconds, done = processor_seconds(lambda: command(*words, folder=tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert seconds < 20  # five on an idle machine
    assert [path.name for path in tmp_path.iterdir()] == ["comparison"]


def test_mixing_is_refused_in_one_message(
    here: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert typed(monkeypatch, compare) == 1
    error = capfd.readouterr().err
    assert "split: " in error
    assert "adding, for example: split=" in error
    assert "Traceback" not in error


def test_help_answers_at_once(tmp_path: Path) -> None:
    seconds, done = processor_seconds(lambda: command("--help", folder=tmp_path))
    assert "iot-ids compare dataset=" in done.stdout
    assert seconds < 0.5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["datset=mine"], "Key 'datset' not in 'Compare'"),
        (["+datset=mine"], "datset is not a key of this configuration"),
        (["replicates=0"], "replicates=0"),
        (["replicates=99999999999"], "replicates=99999999999 has to be at most 100000"),
        (["tracking.uri="], "tracking.uri is empty"),
        (["where=[selector.k:77]"], "selector.k=77: no run has this value; there are none"),
        (["where=[selector.k]"], "is not a condition"),
        (["tracking.uri=sqlite:///nowhere/mlflow.db"], "there is no store at"),
        (["dataset=yours"], "dataset=yours: the store holds no runs of it; there are mine"),
        (["label=binary"], "label=binary: no run has this value; there are category"),
        (["run=xyz"], "run=xyz: no run's id begins so; the latest runs are "),
        (["split=random", "folder=flows.csv"], "folder=flows.csv: cannot be written"),
    ],
)
def test_a_mistake_is_one_message(
    words: list[str],
    message: str,
    here: Workplace,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    before = len(here.runs())
    assert typed(monkeypatch, compare, *words) == 1
    error = capfd.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert len(here.runs()) == before
    assert not (here.folder / "nowhere").exists()


def test_lost_artifacts_are_named_and_left_out(
    here: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    run = next(run for run in here.runs() if run.info.run_name == "knn-all-5-1" or run.info.run_name.startswith("knn"))
    for name in ("confusion_matrix.csv", "predictions.parquet"):
        file = here.artifacts(run) / name
        shutil.move(file, tmp_path / name)
        split = run.data.params["split.name"]
        assert typed(monkeypatch, compare, f"split={split}", "log=false", "folder=lost", "replicates=50") == 0
        shutil.move(tmp_path / name, file)
        if name == "confusion_matrix.csv" or split == "official":
            assert f"{name} cannot be read: {run.info.run_name} ({run.info.run_id[:8]})" in " ".join(
                capfd.readouterr().out.split()
            )


def test_several_datasets_are_named_with_what_to_type(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    tracking = Tracking("sqlite:///mlruns/mlflow.db", "mlruns/artifacts")
    for name in ("mine", "yours"):
        with track.start(track.open_store(tracking, name), "gru-all-3-0", {"dataset.name": name}, {}):
            pass
    assert typed(monkeypatch, compare) == 1
    assert "iot-ids compare dataset=yours" in capfd.readouterr().err
    assert typed(monkeypatch, compare, "dataset=yours") == 1
    assert "no finished run with test metrics" in capfd.readouterr().err


def test_kept_matrices_give_the_kept_metrics(here: Workplace) -> None:
    for run in here.runs():
        if "config.fingerprint" not in run.data.tags:
            continue
        table = pl.read_csv(here.artifacts(run) / "confusion_matrix.csv")
        classes = table["label"].to_list()
        for name, value in measures(table.select(classes).to_numpy(), classes, "Normal").items():
            kept = run.data.metrics.get(f"test/{name}", float("nan"))
            assert kept == pytest.approx(float(value), nan_ok=True), name
