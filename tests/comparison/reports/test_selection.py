"""The report `selection`: planted help is said to help, planted harm to hurt, and nothing more than intervals tell."""

import io
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from rich.console import Console
from scipy import stats

from comparison.made_up import CLASSES, answered, kept, on_one_test_file
from iot_ids.comparison.loading import Record, RunTable, group
from iot_ids.comparison.render import page as report
from iot_ids.comparison.reports.selection import SelectionRow, csv, page, plot, rows, sentence, verdict
from iot_ids.comparison.stats import bootstrap
from iot_ids.comparison.stats.seeds import Difference, Estimate

SEEDS = range(5)
ROWS = (600, 3000, 400)
Shares = Mapping[tuple[str, str], float]
HELPS = {("gru", "all"): 0.7, ("gru", "pearson 5"): 0.9, ("gru", "chi_square 10"): 0.6}
HURTS = {("svm", "all"): 0.9, ("svm", "pearson 5"): 0.7, ("svm", "pearson 10"): 0.6}
SAME = {("knn", "all"): 0.8, ("knn", "pearson 5"): 0.8}


def runs(shares: Shares, drawn: int = 0, tags: Mapping[str, str] | None = None) -> list[Record]:
    """Runs by (model, selection), such as ("gru", "pearson 5"), each right with its chance; `drawn` draws others."""
    them = []
    for at, ((model, selection), share) in enumerate(shares.items()):
        name, _, k = selection.partition(" ")
        selector = {"selector.name": name} | ({"selector.k": k} if k else {})
        words = {"config.fingerprint": f"{model}-{selection}", **(tags or {})}
        for seed in SEEDS:
            matrix = answered(share, 100_000 * drawn + 1000 * at + seed, ROWS)
            run = kept(model, seed, matrix=matrix, parameters=selector, tags=words)
            metrics = {**run.metrics, "audit/test_rows_seen_in_train": 1000.0}
            them.append(Record(replace(run, metrics=metrics), matrix))
    return them


def judged(
    shares: Shares, drawn: int = 0, tags: Mapping[str, str] | None = None
) -> tuple[RunTable, list[SelectionRow]]:
    gathered = group(runs(shares, drawn, tags), CLASSES, None)
    counts = {each.name: int(each.parameters.get("selector.k", "40")) for each in gathered.methods}
    return gathered, rows(gathered, counts, 200, 0)[0]


@pytest.mark.parametrize(
    ("shares", "beginning"),
    [
        (HELPS, "Selection helped: in macro-F1, gru with 5 features by pearson, the best of 2"),
        (HURTS, "Selection hurt: in macro-F1, svm with 5 features by pearson, the best of 2"),
        (SAME, "Selection made no difference that the intervals could show: in macro-F1, knn with 5 features"),
        (HELPS | HURTS, "Selection helped gru and nothing else: in macro-F1, gru"),
        (HURTS | SAME, "Selection did not help: in macro-F1, svm"),
        ({("gru", "pearson 5"): 0.9}, "Whether selection helped cannot be said: in macro-F1, gru has no runs"),
    ],
    ids=["helps", "hurts", "same", "helps one", "hurts one", "no reference"],
)
def test_the_sentence_says_what_was_planted(shares: Shares, beginning: str) -> None:
    _, found = judged(shares)
    text = sentence(found, simulated=False)
    assert text.startswith(beginning)
    assert text.count(". ") == 0, "one sentence"
    assert all(model in text for model, _ in shares)


def test_means_over_more_seeds_than_the_difference_are_told() -> None:
    _, found = judged(HELPS)
    assert "seeds that both have" not in sentence(found, simulated=False)
    fewer = [
        replace(row, scored=replace(row.scored, seeds=[*row.scored.seeds, 99])) if row.without else row for row in found
    ]
    assert "over the 5 seeds that both have" in sentence(fewer, simulated=False)


def test_equal_methods_are_seldom_said_to_differ() -> None:
    verdicts = [verdict(judged(SAME, drawn)[1][1].difference) for drawn in range(40)]
    assert verdicts.count("unclear") >= 36


@pytest.mark.parametrize(
    ("ends", "told"),
    [((0.01, 0.02), "helped"), ((-0.02, -0.01), "hurt"), ((-0.01, 0.01), "unclear"), ((0.0, 0.01), "unclear")],
)
def test_the_interval_alone_decides(ends: tuple[float, float], told: str) -> None:
    assert verdict(Difference(Estimate(0.5, *ends), 3)) == told


def test_no_interval_is_no_verdict() -> None:
    assert verdict(None) == verdict(Difference(Estimate(0.5), 1)) == "unknown"


def test_differences_are_to_all_features_of_the_same_model_paired_by_seed() -> None:
    gathered, found = judged(HELPS | HURTS)
    by_name = {(row.model, row.selector, row.features): row for row in found}
    scores = {
        (each.parameters["model.name"], each.parameters["selector.name"], each.parameters.get("selector.k")): np.array(
            [record.run.metrics["test/f1_macro"] for record in each.records]
        )
        for each in gathered.methods
    }
    for model, selector, k in (("gru", "pearson", "5"), ("svm", "pearson", "10")):
        distances = scores[model, selector, k] - scores[model, "all", None]
        reach = stats.t.ppf(0.975, 4) * np.sqrt((1 / 5 + sum(ROWS) / 1280) * distances.var(ddof=1))
        difference = by_name[model, selector, int(k)].difference
        assert difference is not None
        assert difference.estimate.mean == pytest.approx(distances.mean())
        assert difference.estimate.low == pytest.approx(distances.mean() - reach)
    assert by_name["gru", "all", 40].difference is None


def test_on_one_test_file_rows_are_drawn_together() -> None:
    gathered = on_one_test_file({"a": 0.7, "b": 0.9}, SEEDS)
    selectors = {"a": {"selector.name": "all"}, "b": {"selector.name": "pearson", "selector.k": "5"}}
    records = []
    for record in (record for method in gathered.methods for record in method.records):
        given = record.run.parameters
        changed = {**given, "model.name": "gru", **selectors[given["model.name"]]}
        records.append(Record(replace(record.run, parameters=changed), record.matrix))
    whole = group(records, CLASSES, gathered.predictions)
    found, _ = rows(whole, dict.fromkeys((each.name for each in whole.methods), 5), 300, 0)
    assert isinstance(gathered.predictions, bootstrap.Predictions)
    assert verdict(found[1].difference) == "helped"
    assert "bootstrap over seeds and test rows" in " ".join(page(whole, found, []).notes)


def test_models_without_any_selection_are_left_out_and_named() -> None:
    gathered = group(runs(HELPS | {("majority", "all"): 0.5}), CLASSES, None)
    found, unselected = rows(gathered, dict.fromkeys((each.name for each in gathered.methods), 5), 20, 0)
    assert {row.model for row in found} == {"gru"}
    assert unselected == ["majority"]
    assert "Left out, run only without selection: majority." in page(gathered, found, unselected).notes


def test_all_features_come_first_then_selectors_by_k() -> None:
    _, found = judged({("a", "pearson 10"): 0.7, ("a", "pearson 5"): 0.7, ("a", "all"): 0.7, ("a", "anova 20"): 0.7})
    assert [(row.selector, row.features) for row in found] == [
        ("all", 40),
        ("anova", 20),
        ("pearson", 5),
        ("pearson", 10),
    ]


def test_every_form_holds_every_line_and_says_simulated() -> None:
    gathered, found = judged(HELPS | HURTS, tags={"data.origin": "generated"})
    made = page(gathered, found, [])
    table = pl.read_csv(io.StringIO(csv(gathered, found).write_csv()))
    assert table.columns[0] == "origin"
    assert table["seen_share"].to_list() == pytest.approx([0.25] * 6)
    assert table["difference"].null_count() == 2
    markdown = report.markdown(made)
    assert markdown.startswith("# SIMULATED: ")
    assert len({row.count("|") for row in markdown.splitlines() if row.startswith("|")}) == 1
    screen = io.StringIO()
    report.show(made, Console(file=screen, width=100))
    assert max(map(len, screen.getvalue().splitlines())) <= 100
    assert "…" not in screen.getvalue()
    assert "SIMULATED: Selection helped gru" in screen.getvalue()
    assert "25.0" in screen.getvalue()


def test_the_picture_is_drawn_even_where_a_number_of_features_is_unknown(tmp_path: Path) -> None:
    gathered, _ = judged(HELPS | SAME)
    counts = {each.name: None if "all" in each.name else 5 for each in gathered.methods}
    found, _ = rows(gathered, counts, 10, 0)
    plot(gathered, found, tmp_path / "new" / "selection.png")
    assert (tmp_path / "new" / "selection.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["selection.png"]
