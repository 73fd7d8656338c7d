"""The report `unseen`: planted shares come back, families lead, and near zero is called not found."""

import io
import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from rich.console import Console
from scipy import stats

from comparison.made_up import at_threshold
from comparison.stats.test_seeds_proportions import of_rows
from iot_ids import tracking
from iot_ids.common.errors import UserError
from iot_ids.comparison.render import page as report
from iot_ids.comparison.reports.unseen import csv, page, plot, refuse_other_flows, sentence
from iot_ids.comparison.reports.unseen_numbers import MEAN, SCHEMA, Unseen, UnseenRow, found_of_each, predicted_as, rows
from iot_ids.experiment.unseen_attacks import count_predictions
from iot_ids.tracking import KeptRun, Store

FAMILY = '["DoS", "DDoS"]'
FOUND = {"DoS": [0.9, 0.8, 0.85], "DDoS": [1.0, 1.0, 1.0], "Theft": [0.3, 0.1, 0.2], FAMILY: [0.5, 0.6, 0.4]}
ROWS = {"DoS": 300, "DDoS": 500, "Theft": 23, FAMILY: 800}
FALSE = [0.0, 0.02, 0.01]


def runs_of(model: str, worse: float = 0.0, without: tuple[str, ...] = ()) -> list[KeptRun]:
    return [
        at_threshold(model, seed, found - worse, FALSE[seed], unseen=attack, rows=ROWS[attack])
        for attack, shares in FOUND.items()
        for seed, found in enumerate(shares)
        if attack not in without
    ]


@pytest.fixture
def methods() -> dict[str, list[KeptRun]]:
    return {"knn": runs_of("knn", worse=0.05), "gru": runs_of("gru")}


def row_of(found: list[UnseenRow], method: str, *attacks: str) -> UnseenRow:
    return next(row for row in found if (row.method, row.unseen) == (method, Unseen(attacks)))


def test_families_lead_then_the_larger_attacks_then_the_mean(methods: dict[str, list[KeptRun]]) -> None:
    found = rows(methods)
    words = ["family DDoS + DoS", "DDoS", "DoS", "Theft", "mean over single attacks"]
    assert [row.unseen.words for row in found] == [word for word in words for _ in "ab"]
    assert [row.method for row in found] == ["gru", "knn"] * 5


def test_shares_have_the_interval_over_seeds_and_unseen_rows(methods: dict[str, list[KeptRun]]) -> None:
    row = row_of(rows(methods), "gru", "Theft")
    spread = (1 / 3 + 400 / 1280) * np.var([0.3, 0.1, 0.2], ddof=1) + of_rows(0.2, 23)
    reach = stats.t.ppf(0.975, 2) * math.sqrt(spread)
    assert row.found.mean == pytest.approx(0.2)
    assert (row.found.low, row.found.high) == pytest.approx((max(0.0, 0.2 - reach), 0.2 + reach))
    assert (row.rows, row.normal_rows, row.validation_rows) == (23, 60, 120)
    false = stats.t.ppf(0.975, 2) * math.sqrt((1 / 3 + 400 / 1280) * 0.0001)
    assert row.false.high == pytest.approx(0.01 + false)


def test_always_found_is_not_surely_found(methods: dict[str, list[KeptRun]]) -> None:
    row = row_of(rows(methods), "gru", "DDoS")
    assert row.found.mean == 1
    assert row.found.low == pytest.approx(500 / (500 + stats.norm.ppf(0.975) ** 2))


def test_the_mean_is_taken_over_attacks_within_each_seed(methods: dict[str, list[KeptRun]]) -> None:
    row = row_of(rows(methods), "gru")
    per_seed = [(0.9 + 1.0 + 0.3) / 3, (0.8 + 1.0 + 0.1) / 3, (0.85 + 1.0 + 0.2) / 3]
    spread = (of_rows(0.85, 300) + of_rows(1.0, 500) + of_rows(0.2, 23)) / 9
    reach = stats.t.ppf(0.975, 2) * math.sqrt((1 / 3 + 400 / 1280) * np.var(per_seed, ddof=1) + spread)
    assert row.found.mean == pytest.approx(np.mean(per_seed))
    assert row.found.low == pytest.approx(np.mean(per_seed) - reach)
    assert row.rows == 823


def test_a_method_without_one_of_the_attacks_has_no_mean() -> None:
    found = rows({"gru": runs_of("gru"), "knn": runs_of("knn", without=("Theft",))})
    assert [row.method for row in found if row.unseen == MEAN] == ["gru"]


def test_the_mean_is_over_the_seeds_that_all_attacks_have() -> None:
    runs = [run for run in runs_of("gru") if (run.parameters["split.attack"], run.parameters["seed"]) != ("DoS", "1")]
    row = row_of(rows({"gru": runs}), "gru")
    assert row.seeds == [0, 2]
    assert row.found.mean == pytest.approx((0.9 + 1.0 + 0.3 + 0.85 + 1.0 + 0.2) / 6)


def test_the_sentence_names_best_worst_and_family(methods: dict[str, list[KeptRun]]) -> None:
    text = sentence(rows(methods), simulated=True)
    assert text.startswith("SIMULATED: Not all unseen attacks are found: gru finds the most, 68.33 [")
    assert "the mean over 3 attacks" in text
    assert "its worst is Theft, 20.00 [0.00, 69.62]" in text
    assert "which is not distinguishable from its false alarms; left out together, DDoS + DoS, 50.00 [" in text
    assert text.count(". ") == 0, "one sentence"


def test_an_attack_that_looks_like_normal_traffic_is_not_found() -> None:
    runs = [at_threshold("gru", seed, 0.01, 0.01, unseen="Theft", rows=200) for seed in range(3)]
    assert sentence(rows({"gru": runs}), simulated=False).startswith("Unseen attacks are not found: ")
    found = [at_threshold("gru", seed, 0.99, 0.01, unseen="Theft", rows=200) for seed in range(3)]
    assert "are found more often than normal flows" in sentence(rows({"gru": found}), simulated=False)


@pytest.mark.parametrize(
    ("parameters", "shown"),
    [
        ({"dataset.label": "category"}, "label: binary"),
        ({"dataset.name": "yours"}, "dataset: mine"),
        ({"split.test": "0.3"}, "the split's settings: split.test=0.2"),
        ({"evaluate.false_positive_rate": "0.1"}, "the false-positive rate asked for"),
    ],
)
def test_runs_that_differ_in_more_than_the_attack_are_refused(parameters: dict[str, str], shown: str) -> None:
    them = runs_of("gru")
    refuse_other_flows(them)
    with pytest.raises(UserError, match="do not belong in one table") as refusal:
        refuse_other_flows([*them, at_threshold("knn", 0, 0.5, 0.0, unseen="DoS", parameters=parameters)])
    assert shown in str(refusal.value)
    assert "report=unseen" not in str(refusal.value)


def test_the_table_that_a_run_keeps_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.1, 0.9]])
    kept = count_predictions(
        pl.Series(["DoS"] * 3), probabilities, probabilities[:, 1], 0.5, ["Normal", "attack"], "Normal"
    )
    kept.write_csv(tmp_path / "unseen.csv")
    monkeypatch.setattr(tracking, "fetch", lambda store, run, name, folder: tmp_path / name)
    run = at_threshold("gru", 0, 0.5, 0.0, unseen="DoS")
    found = predicted_as(Store("nowhere", "1", None), {"gru": [run]}, tmp_path)
    assert found.rows() == [("DoS", "gru", "DoS", "attack", 2, 2 / 3), ("DoS", "gru", "DoS", "Normal", 1, 1 / 3)]


def test_each_attack_of_a_family_is_told() -> None:
    them = [
        ("family DDoS + DoS", "gru", attack, taken, 10, share)
        for attack, taken, share in [("DDoS", "Scan", 0.5), ("DDoS", "Theft", 0.25), ("DDoS", "Normal", 0.25)]
    ]
    table = pl.DataFrame([*them, ("family DDoS + DoS", "gru", "DoS", "Normal", 9, 1.0)], SCHEMA, orient="row")
    assert found_of_each(table, "Normal") == {("family DDoS + DoS", "gru"): "DDoS 75.00, DoS 0.00"}


def test_every_form_holds_every_line(methods: dict[str, list[KeptRun]], tmp_path: Path) -> None:
    found, runs = rows(methods), [run for them in methods.values() for run in them]
    table = pl.read_csv(io.StringIO(csv(found, generated=True).write_csv()))
    assert table["origin"].unique().to_list() == ["SIMULATED"]
    assert table["kind"].to_list() == ["family"] * 2 + ["single"] * 6 + ["mean"] * 2
    assert table["detection_rate"].to_list() == pytest.approx([row.found.mean for row in found])
    made = page(found, runs, {("family DDoS + DoS", "gru"): "DDoS 75.00, DoS 0.00"}, ["left out, since: x"])
    markdown = report.markdown(made)
    assert markdown.count("DDoS 75.00, DoS 0.00") == 1
    assert "calls 1 % of validation's normal rows attacks" in markdown
    assert "Left out, since: x." in markdown
    assert len({row.count("|") for row in markdown.splitlines() if row.startswith("|")}) == 1
    screen = io.StringIO()
    report.show(made, Console(file=screen, width=100))
    assert max(map(len, screen.getvalue().splitlines())) <= 100
    assert "…" not in screen.getvalue()
    plot(found, runs, tmp_path / "unseen.png")
    assert [path.name for path in tmp_path.iterdir()] == ["unseen.png"]
