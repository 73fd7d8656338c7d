"""Leaks planted in the files are counted by the audit of a run."""

import json

import polars as pl
import pytest

import train
from conftest import MINE, Workplace, typed
from experiment.test_leaks import mine, row_ids
from iot_ids.experiment import steps


def test_repeats_across_the_split_are_counted_exactly(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    given = pl.read_csv(workplace.flows, infer_schema=False)
    repeats = given[[3, 3, 90, 91, 170, 239]]
    new = given[[10, 200]].with_columns(size=pl.lit("0.123456789"))
    pl.concat([repeats, new]).write_csv(workplace.folder / "test.csv")
    words = ["split=official", f"dataset.test_path={workplace.folder}/test.csv", "cache=off"]
    learned = row_ids(steps.prepare(mine(workplace, *words)))["train"]
    expected = sum(row in learned for row in (3, 3, 90, 91, 170, 239))
    assert expected > 2
    assert typed(monkeypatch, train, *workplace.words(*words, "model=naive_bayes")) == 0
    (run,) = workplace.runs()
    assert run.data.metrics["audit/test_rows_seen_in_train"] == expected
    near = run.data.metrics["audit/test_rows_nearly_seen_in_train"]
    found = json.loads((workplace.artifacts(run) / "audit.json").read_text())
    assert (found["test_rows_seen_in_train"], found["test_rows_nearly_seen_in_train"]) == (expected, near)


@pytest.mark.parametrize("shuffled", [False, True], ids=["sorted", "shuffled"])
def test_a_sorted_file_is_told_from_a_shuffled_one(
    shuffled: bool, workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    if shuffled:
        pl.read_csv(workplace.flows).sample(fraction=1, shuffle=True, seed=3).write_csv(workplace.flows)
    assert typed(monkeypatch, train, *workplace.words("model=naive_bayes")) == 0
    (run,) = workplace.runs()
    row_order = json.loads((workplace.artifacts(run) / "audit.json").read_text())["row_order_f1"]
    assert row_order < 0.5 if shuffled else row_order > 0.95
    assert ("A row's position in its file alone reaches" in capfd.readouterr().out) is not shuffled


def test_labels_at_odds_are_told_by_a_run(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    binary = "  binary: {columns: [attack], normal: normal, classes: {normal: ['0'], attack: ['1']}}\n"
    declared = MINE.replace("labels: [kind]", "labels: [attack, kind]") + binary
    (workplace.folder / "my_conf" / "dataset" / "mine.yaml").write_text(declared)
    flows = pl.read_csv(workplace.flows)
    wrong = pl.int_range(flows.height).is_in([5, 100])  # a Normal and a Flood, on lines 7 and 102
    attack = (pl.col("kind") != "Normal") ^ wrong
    flows.with_columns(attack=attack.cast(pl.Int8)).write_csv(workplace.flows)
    assert typed(monkeypatch, train, *workplace.words("model=naive_bayes")) == 0
    (run,) = workplace.runs()
    cleaning = json.loads((workplace.artifacts(run) / "cleaning.json").read_text())
    assert cleaning["contradicting_labels"] == {
        "rows": 2,
        "examples": [
            f"{workplace.flows}:7: normal by category (kind=Normal), an attack by binary (attack=1)",
            f"{workplace.flows}:102: an attack by category (kind=Flood), normal by binary (attack=0)",
        ],
    }
    assert json.loads((workplace.artifacts(run) / "audit.json").read_text())["contradicting_labels"] == 2
    assert "audit: 2 of the rows that cleaning left are normal by one label" in " ".join(capfd.readouterr().out.split())
