"""`report=unseen` and `report=gap` as a user types them, on runs that a user's multiruns made."""

from pathlib import Path

import polars as pl
import pytest
from omegaconf import OmegaConf

import compare
import train
from conftest import CONF, MINE, Workplace, typed, write_flows

BINARY = """\
  binary:
    columns: [kind]
    normal: normal
    classes: {normal: [Normal], attack: [Flood, Scan, Sweep]}
"""
NAMES = ("mine", "yours")
SWEEP = ("Scan: [Scan]", "Scan: [Scan], Sweep: [Sweep]")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """Naive Bayes: attacks and a family of `mine` left out, two seeds; every condition, and trained on `yours`, one."""
    folder = tmp_path_factory.mktemp("questions")
    (folder / "conf" / "dataset").mkdir(parents=True)
    for name in NAMES:
        (folder / "conf" / "dataset" / f"{name}.yaml").write_text(
            MINE.replace("name: mine", f"name: {name}").replace(*SWEEP) + BINARY
        )
    mine, yours = (with_sweeps(write_flows(folder / f"{name}.csv", 900, seed)) for seed, name in enumerate(NAMES))
    quick = ["model=naive_bayes", "evaluate.false_positive_rate=0.05", "evaluate.replicates=10"]
    quick += ["trainer=cpu", f"cache.path={folder}/cache"]
    here = ["dataset=mine", f"dataset.path={mine}"]
    there = ["dataset=yours", f"dataset.path={yours}", "+dataset@test_dataset=mine", f"test_dataset.path={mine}"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for words in (
            ["+experiment=unseen_attacks", *here, "split.attack=Flood,Scan,[Flood,Scan]", "seed=0,1"],
            ["+experiment=gap", *here, "seed=0"],
            ["+experiment=gap", "+condition=distinct", *there, "seed=0"],
        ):
            assert typed(patch, train, "-m", "--config-dir", str(folder / "conf"), *words, *quick) == 0
    return Workplace(folder, mine)


@pytest.fixture
def here(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    monkeypatch.chdir(place.folder)
    return place


def with_sweeps(file: Path) -> Path:
    """Every other scan is a sweep: a third attack, which teaches where the other two are left out."""
    flows = pl.read_csv(file)
    other = (pl.col("kind") == "Scan") & (pl.col("id") % 2 == 0)
    flows.with_columns(kind=pl.when(other).then(pl.lit("Sweep")).otherwise("kind")).write_csv(file)
    return file


@pytest.mark.slow
def test_unseen(here: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    assert typed(monkeypatch, compare, "dataset=mine", "report=unseen") == 0
    folder = here.folder / "comparison" / "mine-binary-unseen_attack-unseen"
    names = ["unseen.csv", "unseen.md", "unseen.png", "unseen_taken_for.csv"]
    assert sorted(path.name for path in folder.iterdir()) == names
    table = pl.read_csv(folder / "unseen.csv")
    assert table["unseen"].to_list() == ["Flood + Scan", "Flood", "Scan", "mean"]
    kept = [run.data for run in here.runs() if run.data.params.get("split.attack") == "Scan"]
    for column, metric in (("detection_rate", "unseen/detection_rate"), ("unseen_rows", "unseen/rows")):
        expected = sum(data.metrics[metric] for data in kept) / 2
        assert table.row(2, named=True)[column] == pytest.approx(expected)
    taken = pl.read_csv(folder / "unseen_taken_for.csv")
    found = taken.filter(pl.col("unseen") == "Scan", pl.col("taken_for") == "attack")["share"].sum()
    assert found == pytest.approx(table.row(2, named=True)["detection_rate"])


@pytest.mark.slow
def test_gap(here: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    assert typed(monkeypatch, compare, "dataset=mine", "report=gap") == 0
    assert "No runs yet" not in capfd.readouterr().out
    table = pl.read_csv(here.folder / "comparison" / "mine-binary-gap" / "gap.csv")
    assert table["condition"].to_list() == ["repeats", "grouped", "distinct", "unseen", "family", "transfer"]
    assert table["seeds"].to_list() == [1, 1, 1, 2, 2, 1]
    (kept,) = (run.data for run in here.runs() if run.data.params.get("test_dataset.name") == "mine")
    for column, metric in (
        ("detection_rate", "operating/detection_rate"),
        ("false_positive_rate", "operating/false_positive_rate"),
        ("own_balanced_accuracy", "test/balanced_accuracy"),
    ):
        assert table.row(5, named=True)[column] == pytest.approx(kept.metrics[metric])


@pytest.mark.slow
def test_another_networks_runs_have_a_table_of_their_own(
    here: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["dataset=yours", "test_dataset=mine", "log=false", "replicates=10"]
    assert typed(monkeypatch, compare, *words) == 0
    assert "trained on Greenhouse flows, tested on Greenhouse flows, binary" in capfd.readouterr().out
    assert (here.folder / "comparison" / "yours-to-mine-binary-random" / "table.md").exists()


def test_a_store_without_such_runs_says_what_to_type(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert typed(monkeypatch, train, *workplace.words("model=majority", "dataset.duplicates=exact")) == 0
    for words in (["report=unseen"], ["report=gap", "label=category"]):
        assert typed(monkeypatch, compare, *words) == 1
        error = capfd.readouterr().err
        assert f"python -m train -m +experiment={'unseen_attacks' if 'report=unseen' in words else 'gap'}" in error
        assert "Traceback" not in error


def test_the_experiments_run_what_the_reports_expect() -> None:
    unseen, gap = (
        OmegaConf.load(CONF / "experiment" / f"{name}.yaml").hydra.sweeper.params for name in ("unseen_attacks", "gap")
    )
    assert set(gap.model.split(",")) <= set(unseen.model.split(","))
    conditions = {file.stem for file in (CONF / "condition").glob("*.yaml")}
    assert set(gap["+condition"].split(",")) == conditions - {"temporal"}
