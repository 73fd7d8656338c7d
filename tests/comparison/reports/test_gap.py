"""The report `gap`: each run in its row, each method in its column, and nothing mixed that differs otherwise."""

import io
from collections.abc import Sequence
from dataclasses import replace
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
from iot_ids.comparison.reports import gap_numbers
from iot_ids.comparison.reports.gap import csv, page, plot, ranked, sentence
from iot_ids.comparison.reports.gap_numbers import Cell, conditions, held_out, scores
from iot_ids.comparison.reports.gap_questions import Asked, Condition, asked, condition
from iot_ids.comparison.spec import Compare
from iot_ids.tracking import KeptRun, Store

SETTINGS: dict[str, dict[str, str]] = {
    "repeats": {"dataset.duplicates": "keep"},
    "grouped": {"dataset.duplicates": "keep", "split.name": "grouped", "split.by": "features"},
    "distinct": {},
    "temporal": {"split.name": "temporal"},
    "transfer": {"dataset.name": "yours", "test_dataset.name": "mine", "test_dataset.duplicates": "distinct"},
}
PLANTED = {"repeats": 0.99, "grouped": 0.97, "distinct": 0.9, "temporal": 0.8, "transfer": 0.5}
OTHER = {"data.sha256": "b" * 64}
OTHERS = {"data.test_sha256": "c" * 64}
STORE = Store("nowhere", "1", None)


def run(name: str, seed: int, model: str = "gru", found: float | None = None, false: float = 0.02) -> KeptRun:
    share = PLANTED[name] + 0.01 * seed if found is None else found
    tags = OTHER if name == "transfer" else {}
    more = {"split.validation": "0.3", **SETTINGS[name]}
    return at_threshold(model, seed, share, false, parameters=more, tags=tags)


def everything(model: str = "gru", seeds: Sequence[int] = range(3)) -> list[KeptRun]:
    plain = [run(name, seed, model) for name in SETTINGS for seed in seeds]
    found = {"DoS": 0.9, "DDoS": 0.7, '["DoS", "DDoS"]': 0.3}
    return plain + [
        at_threshold(model, seed, share + 0.01 * seed, 0.02, unseen=attack)
        for attack, share in found.items()
        for seed in seeds
    ]


def seeing(scaler: str, found: float) -> list[KeptRun]:
    """Runs that unlabelled flows have given another threshold, as `adapt=unlabelled` does: no operating point."""
    more = {**SETTINGS["transfer"], "split.validation": "0.3", "scaler.name": scaler}
    tags = {**OTHER, "protocol": "transductive"}
    made = [at_threshold("gru", seed, 0.0, 0.0, parameters=more, tags=tags) for seed in range(3)]
    own = {"test/detection_rate": found, "test/false_positive_rate": 0.1}
    return [
        replace(run, metrics={k: v for k, v in run.metrics.items() if not k.startswith("operating/")} | own)
        for run in made
    ]


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[KeptRun]]:
    """Runs by dataset, as the store would give them; their confusion matrices hold 340 attacks and 60 normal flows."""
    there: dict[str, list[KeptRun]] = {"mine": [], "yours": []}
    monkeypatch.setattr(tracking, "kept_runs", lambda store: there[store.experiment])
    matrix = pl.DataFrame({"label": ["Normal", "attack"], "Normal": [60, 0], "attack": [0, 340]})
    monkeypatch.setattr(gap_numbers, "confusion", lambda store, run, folder: matrix)
    return there


def ask(store: dict[str, list[KeptRun]], *runs: KeptRun, **settings: object) -> Asked:
    for each in runs:
        store[each.parameters["dataset.name"]].append(each)
    asking = Compare(**{"dataset": "mine", "where": [], **settings})  # type: ignore[arg-type]
    return asked({name: replace(STORE, experiment=name) for name in store}, asking)


def cell_of(found: dict[tuple[Condition, str], Cell], name: str, method: str = "gru") -> Cell:
    return next(cell for (where, each), cell in found.items() if (where.question.name, each) == (name, method))


@pytest.mark.parametrize("name", SETTINGS)
def test_every_condition_is_known_by_its_settings(name: str) -> None:
    where = condition(run(name, 0), "mine")
    assert where is not None
    assert where.question.name == name


@pytest.mark.parametrize(
    ("parameters", "tags"),
    [
        ({"split.name": "official"}, {}),
        ({"dataset.duplicates": "exact"}, {}),
        ({"split.name": "grouped", "split.by": "source"}, {}),
        ({"dataset.duplicates": "keep"}, {"protocol": "paper_recipe"}),
        ({"test_dataset.name": "yours"}, {}),
        ({"dataset.name": "yours", "test_dataset.name": "mine"}, {"protocol": "paper_recipe"}),
        (
            {"dataset.name": "yours", "test_dataset.name": "mine"},
            {"protocol": "transductive", "protocol.shortcuts": "identifiers"},
        ),
    ],
)
def test_other_runs_have_no_row(parameters: dict[str, str], tags: dict[str, str]) -> None:
    assert condition(at_threshold("gru", 0, 0.5, 0.0, parameters=parameters, tags=tags), "mine") is None


def test_planted_scores_come_back_from_the_easiest_to_the_hardest(
    store: dict[str, list[KeptRun]], tmp_path: Path
) -> None:
    found = scores(ask(store, *everything(), *everything("knn")), tmp_path)
    names = [where.question.name for where in conditions(found)]
    assert names == ["repeats", "grouped", "distinct", "temporal", "unseen", "family", "transfer"]
    for name, share in {**PLANTED, "unseen": 0.8, "family": 0.3}.items():
        cell = cell_of(found, name)
        assert cell.found.mean == pytest.approx(min(1.0, share + 0.01)), name
        assert cell.balanced.mean == pytest.approx((share + 0.01 + 1 - 0.02) / 2), name
        assert (cell.own is None) == (name in ("unseen", "family"))
    assert (cell_of(found, "unseen").attacks, cell_of(found, "family").attacks) == (2, 1)


def test_rows_drawn_by_the_seed_have_the_corrected_interval(store: dict[str, list[KeptRun]], tmp_path: Path) -> None:
    cell = cell_of(scores(ask(store, *everything()), tmp_path), "distinct")
    reach = stats.t.ppf(0.975, 2) * np.sqrt((1 / 3 + 400 / 1280) * np.var([0.94, 0.945, 0.95], ddof=1))
    assert (cell.balanced.low, cell.balanced.high) == pytest.approx((0.945 - reach, 0.945 + reach))


def test_another_networks_rows_add_their_variance_and_do_not_count_as_held_out(
    store: dict[str, list[KeptRun]], tmp_path: Path
) -> None:
    cell = cell_of(scores(ask(store, *everything()), tmp_path), "transfer")
    ratio = 0.2 / (0.8 * 0.7)
    rows = 0.25 * (of_rows(0.51, 340) + of_rows(0.02, 60))
    reach = stats.t.ppf(0.975, 2) * np.sqrt((1 / 3 + ratio) * np.var([0.74, 0.745, 0.75], ddof=1) + rows)
    assert (cell.balanced.low, cell.balanced.high) == pytest.approx((0.745 - reach, 0.745 + reach))


def test_what_is_held_out_is_read_from_the_split_that_the_seed_draws() -> None:
    official = at_threshold("gru", 0, 0.5, 0.0, parameters={**SETTINGS["transfer"], "split.validation": "0.2"})
    parameters = {k: v for k, v in official.parameters.items() if k != "split.test"}
    where = condition(official, "mine")
    assert where is not None
    assert held_out(where, [replace(official, parameters=parameters)]) == pytest.approx(0.2 / 0.8)
    later = condition(run("temporal", 0), "mine")
    assert later is not None
    assert held_out(later, [run("temporal", 0)]) == 0


def test_a_transductive_run_has_a_row_of_its_own_in_its_methods_column(
    store: dict[str, list[KeptRun]], tmp_path: Path
) -> None:
    found = scores(ask(store, *everything(), *seeing("of_the_target", 0.7)), tmp_path)
    assert cell_of(found, "transductive").found.mean == pytest.approx(0.7)
    assert cell_of(found, "transductive").balanced.mean == pytest.approx((0.7 + 0.9) / 2)
    assert cell_of(found, "transfer").found.mean == pytest.approx(0.51)
    assert conditions(found)[-1].words == "trained on yours, the tested flows seen without labels"


def test_two_transductive_recipes_of_a_method_are_not_averaged(store: dict[str, list[KeptRun]], tmp_path: Path) -> None:
    runs = [*everything(), *seeing("share", 0.7), *seeing("quantile", 0.5)]
    found = scores(ask(store, *runs), tmp_path)
    them = {method: cell for (where, method), cell in found.items() if where.question.name == "transductive"}
    assert sorted((round(cell.found.mean, 6), *cell.seeds) for cell in them.values()) == [
        (0.5, 0, 1, 2),
        (0.7, 0, 1, 2),
    ]
    assert all(method.endswith("(transductive alone)") for method in them)


def test_a_method_without_every_attack_has_no_cell(store: dict[str, list[KeptRun]], tmp_path: Path) -> None:
    some = [each for each in everything("knn") if each.parameters.get("split.attack") != "DoS"]
    found = scores(ask(store, *everything(), *some), tmp_path)
    assert [name for where, name in found if where.question.name == "unseen"] == ["gru"]
    assert len([name for where, name in found if where.question.name == "family"]) == 2


def test_a_condition_without_runs_says_what_to_type(store: dict[str, list[KeptRun]], tmp_path: Path) -> None:
    asking = ask(store, *(run("distinct", seed) for seed in range(2)))
    made = page(asking, scores(asking, tmp_path))
    assert [line[1] for line in made.lines].count("-") == 5
    text = "\n".join(made.notes)
    assert "repeats kept, equal flows on one side; make some: python -m train -m +experiment=gap dataset=mine" in text
    assert "python -m train -m +experiment=unseen_attacks dataset=mine dataset.path=FILE" in text
    assert "dataset=OTHER dataset.path=FILE +dataset@test_dataset=mine test_dataset.path=FILE" in text


def test_a_coin_is_called_a_coin(store: dict[str, list[KeptRun]], tmp_path: Path) -> None:
    runs = [run("repeats", seed) for seed in range(2)] + [run("transfer", seed, found=0.0) for seed in range(2)]
    found = scores(ask(store, *runs), tmp_path)
    text = sentence(found, conditions(found), simulated=True)
    assert text.startswith("SIMULATED: Balanced accuracy of the best method")
    assert "repeats kept, 98.75 [" in text
    assert text.endswith("% by gru, no better than a coin toss.")


def test_a_wide_interval_is_not_called_a_coin(store: dict[str, list[KeptRun]], tmp_path: Path) -> None:
    found = scores(ask(store, *(run("repeats", seed, found=1.0 - seed) for seed in range(2))), tmp_path)
    assert sentence(found, conditions(found), simulated=False).endswith(
        "which the interval does not distinguish from a coin toss."
    )


@pytest.mark.parametrize(
    ("other", "shown"),
    [
        (at_threshold("knn", 0, 0.5, 0.0, parameters={"split.validation": "0.3"}, tags=OTHERS), "data: "),
        (at_threshold("knn", 0, 0.5, 0.0, parameters={"split.validation": "0.1"}), "split.validation: "),
        (at_threshold("knn", 0, 0.5, 0.0, parameters={"dataset.identifiers": "allow"}), "dataset.identifiers: none"),
        (
            at_threshold(
                "knn", 0, 0.5, 0.0, parameters={"split.validation": "0.3", "evaluate.false_positive_rate": "0.1"}
            ),
            "the false-positive rate asked for",
        ),
    ],
    ids=["data", "split", "columns", "rate"],
)
def test_runs_of_one_row_have_to_agree(store: dict[str, list[KeptRun]], other: KeptRun, shown: str) -> None:
    with pytest.raises(UserError, match="do not belong in one") as refusal:
        ask(store, *(run("distinct", seed) for seed in range(2)), other)
    assert shown in str(refusal.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"split": "random"}, "split=random: report=gap sets split itself"),
        ({"protocol": "clean"}, "protocol=clean: report=gap sets protocol itself"),
        ({"dataset": None}, "the store holds runs of several datasets"),
        ({"dataset": "theirs"}, "the store holds no run on dataset=theirs"),
        ({"label": "category"}, "no run on dataset=mine has dataset.label=category; make some: python"),
        ({"data": "ffff"}, "no finished run on dataset=mine answers one of its questions"),
    ],
)
def test_a_setting_that_makes_no_table_is_refused(
    store: dict[str, list[KeptRun]], settings: dict[str, object], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        ask(store, run("distinct", 0), **settings)


def test_runs_without_a_threshold_are_named_and_left_out(store: dict[str, list[KeptRun]], tmp_path: Path) -> None:
    few = run("distinct", 0, "knn")
    few = replace(few, metrics={k: v for k, v in few.metrics.items() if not k.startswith("operating/")})
    asking = ask(store, run("distinct", 0), few)
    assert [name for _, name in scores(asking, tmp_path)] == ["gru"]
    assert any("without operating/detection_rate" in note and "knn" in note for note in asking.notes)


def test_every_form_holds_every_cell(store: dict[str, list[KeptRun]], tmp_path: Path) -> None:
    models = ["gru", "gradient_boosting_balanced", "knn", "naive_bayes", "isolation_forest"]
    asking = ask(store, *(each for model in models for each in everything(model)))
    found = scores(asking, tmp_path)
    made = page(asking, found)
    table = pl.read_csv(io.StringIO(csv(asking, found).write_csv()))
    assert table.height == 7 * 5
    distinct = table.filter(pl.col("condition") == "distinct", pl.col("method") == "gru").row(0, named=True)
    own = asking.by_condition[conditions(found)[2]][0].metrics["test/detection_rate"]
    assert distinct["own_balanced_accuracy"] == pytest.approx((own + 1 - 0) / 2)
    assert distinct["balanced_accuracy"] == pytest.approx((0.91 + 0.98) / 2)
    assert ranked(found)[0] == models[0]
    markdown = report.markdown(made)
    assert "94.50 [92.77, 96.23]: found 91.00 [87.54, 94.46], false 2.00 [" in markdown
    assert len({line.count("|") for line in markdown.splitlines() if line.startswith("|")}) == 1
    screen = io.StringIO()
    report.show(made, Console(file=screen, width=100))
    assert max(map(len, screen.getvalue().splitlines())) <= 100
    assert "…" not in screen.getvalue()
    plot(asking, found, tmp_path / "gap.png")
    assert (tmp_path / "gap.png").stat().st_size > 10_000
