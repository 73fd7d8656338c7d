"""The report `unseen`: are attacks found that training has not seen? Every attack and family that was left out."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from pathlib import Path

import numpy as np
import polars as pl
from matplotlib.axes import Axes

from iot_ids import tracking
from iot_ids.common.errors import UserError
from iot_ids.common.text import mark_simulated
from iot_ids.comparison import selecting as runs
from iot_ids.comparison.loading import belonging, by_method, store_of
from iot_ids.comparison.names import shortened
from iot_ids.comparison.render import cells, columns
from iot_ids.comparison.render import page as report
from iot_ids.comparison.render.columns import Column
from iot_ids.comparison.render.page import Page, Report
from iot_ids.comparison.render.plots import reaches, style
from iot_ids.comparison.reports.unseen_numbers import MEAN, NEEDED, UnseenRow, found_of_each, predicted_as, rows
from iot_ids.comparison.selecting import networks, simulated
from iot_ids.comparison.spec import Compare
from iot_ids.plots.canvas import DARK, PALE, disable_mathtext, panels, write
from iot_ids.tracking import KeptRun, Store

MISSED = ", which is not distinguishable from its false alarms"


def sentence(rows: Sequence[UnseenRow], simulated: bool) -> str:
    """The best method's mean, its false alarms, the attack that it finds worst, and every family."""
    best = [row for row in rows if row.method == _best(rows)]
    singles = [row for row in best if row.unseen.attacks and not row.unseen.family]
    parts = [_whole(best, singles)]
    if len(singles) > 1:
        parts.append(f"its worst is {_found(min(singles, key=lambda row: row.found.mean))}")
    families = [row for row in best if row.unseen.family and singles]
    parts += [f"left out together, {_found(row).removeprefix('family ')}" for row in families]
    told = [row for row in singles or best if not missed(row)]
    lead = _lead(len(told), len(singles or best))
    return f"{'SIMULATED: ' * simulated}{lead}: {'; '.join(parts)}."


def missed(row: UnseenRow) -> bool:
    """Return whether the attack cannot be shown to be found more often than normal flows are called attacks."""
    return row.found.low <= row.false.high


def _best(rows: Sequence[UnseenRow]) -> str:
    """The method with the highest mean over single attacks; without any mean, over whatever it has."""
    means = [row for row in rows if row.unseen == MEAN] or list(rows)
    return max(means, key=lambda row: row.found.mean).method


def _lead(told: int, of: int) -> str:
    if not told:
        return "Unseen attacks are not found"
    if told < of:
        return "Not all unseen attacks are found"
    return "Unseen attacks are found more often than normal flows are called attacks"


def _whole(best: Sequence[UnseenRow], singles: Sequence[UnseenRow]) -> str:
    whole = next((row for row in best if row.unseen == MEAN), (singles or best)[0])
    over = f", the mean over {len(singles)} attacks" if whole.unseen == MEAN else f" of {whole.unseen.words}"
    found, false = cells.format_percent(whole.found), cells.format_percent(whole.false)
    return f"{whole.method} finds the most, {found} %{over}, while {false} % of normal test flows are called attacks"


def _found(row: UnseenRow) -> str:
    return f"{row.unseen.words}, {cells.format_percent(row.found)} %{MISSED * missed(row)}"


FAMILIES = "A family is left out as a whole, since training on one of two related attacks reveals the other."
INTERVALS = (
    "Intervals: t over seeds with Nadeau and Bengio's variance; for found, plus the binomial variance of the unseen "
    "rows, which are the same for every seed. For a single seed, or a share that never varies: Wilson on the rows; for "
    "a mean, the mean of these intervals."
)


def page(
    rows: Sequence[UnseenRow], runs: Sequence[KeptRun], each: Mapping[tuple[str, str], str], notes: Sequence[str]
) -> Page:
    """Make a line per attack and method, families first; for a terminal, under the attack's name.

    `runs` are all that the rows are made of; `each` is from `found_of_each`, shown for families; `notes` name the runs
    that were left out.
    """
    table = [*COLUMNS, Column[UnseenRow]("found of each", lambda row: _each(row, each))]
    return Page(
        f"{'SIMULATED: ' * simulated(runs)}{title(runs)}",
        sentence(rows, simulated(runs)),
        columns.headings(table),
        [columns.texts(table, row) for row in rows],
        [_meaning(runs), FAMILIES, INTERVALS, *(f"{note[0].upper()}{note[1:]}." for note in notes)],
        columns.headings(BRIEF),
        columns.under_titles(BRIEF, ((unseen.words, them) for unseen, them in groupby(rows, lambda row: row.unseen))),
    )


def title(runs: Sequence[KeptRun]) -> str:
    """Which flows, called what; without SIMULATED."""
    return f"{networks(runs[0])}, {runs[0].parameters['dataset.label']}: attacks that training has not seen"


def csv(rows: Sequence[UnseenRow], generated: bool) -> pl.DataFrame:
    """Shares as shares, with `_low` and `_high`; several attacks of a family with a plus between them."""
    return columns.frame(COLUMNS, rows, generated)


def _kind(row: UnseenRow) -> str:
    return "family" if row.unseen.family else "single" if row.unseen.attacks else "mean"


_MEASURED: Sequence[Column[UnseenRow]] = (
    Column(numbers=lambda row: columns.seeds(row.seeds)),
    Column(
        "found",
        lambda row: cells.format_percent(row.found),
        lambda row: columns.ends("detection_rate", row.found),
    ),
    Column("unseen rows", lambda row: cells.count(row.rows), lambda row: {"unseen_rows": row.rows}),
    Column(
        "false",
        lambda row: cells.format_percent(row.false),
        lambda row: columns.ends("false_positive_rate", row.false),
    ),
    Column("normal rows", lambda row: cells.count(row.normal_rows), lambda row: {"test_normal_rows": row.normal_rows}),
    Column(
        "set on",
        lambda row: cells.count(row.validation_rows),
        lambda row: {"validation_normal_rows": row.validation_rows},
    ),
    Column("seeds", lambda row: str(len(row.seeds))),
)
COLUMNS: Sequence[Column[UnseenRow]] = (
    Column(
        "left out",
        lambda row: row.unseen.words,
        lambda row: {"unseen": " + ".join(row.unseen.attacks) or "mean", "kind": _kind(row)},
    ),
    Column("method", lambda row: row.method, lambda row: {"method": row.method}),
    *_MEASURED,
)
BRIEF: Sequence[Column[UnseenRow]] = (
    Column("", lambda row: f"  {row.method}"),
    *(replace(column, heading="n" if "rows" in (column.heading or "") else column.heading) for column in _MEASURED),
)
"""For a terminal, under the attack's name."""


def _each(row: UnseenRow, each: Mapping[tuple[str, str], str]) -> str:
    return each.get((row.unseen.words, row.method), cells.NOTHING) if row.unseen.family else cells.NOTHING


def _meaning(runs: Sequence[KeptRun]) -> str:
    asked = float(runs[0].parameters.get("evaluate.false_positive_rate", "nan"))
    return (
        "Shares in percent; in brackets the 95 % interval. Found: unseen rows called any attack, at the threshold that "
        f"calls {100 * asked:g} % of validation's normal rows attacks (set on: their number). False: normal test "
        "rows called any attack at that threshold. Read found only together with false."
    )


BAND = 0.8
"""Share of an attack's height that its methods take; the rest separates it from the next."""


def plot(rows: Sequence[UnseenRow], runs: Sequence[KeptRun], path: Path) -> None:
    """Draw every line; the dashed line is the share of false alarms that was asked for."""
    unseen = list(dict.fromkeys(row.unseen for row in rows))
    methods = list(dict.fromkeys(row.method for row in rows))
    height = 1.9 + 0.25 * (len(methods) // 3) + len(unseen) * max(0.4, 0.16 * len(methods))
    figure, panes = panels(10.5, height, title(runs), simulated(runs), count=2)
    for axes, measure, heading in zip(
        panes, ("found", "false"), ("unseen rows called any attack", "normal test rows called any attack"), strict=True
    ):
        for place, method in enumerate(methods):
            mine = [row for row in rows if row.method == method]
            shift = BAND * ((place + 0.5) / len(methods) - 0.5)
            means, reach = reaches([getattr(row, measure) for row in mine])
            places = np.array([unseen.index(row.unseen) for row in mine]) + shift
            colour, marker = style(place)
            axes.errorbar(
                means, places, xerr=reach, color=colour, marker=marker, linestyle="none", elinewidth=1.4, label=method
            )
        axes.set_xlabel(f"{heading}, %, with 95 % interval", fontsize=8.5)
        _finish(axes, len(unseen))
    panes[0].set_xlim(-2, 102)
    asked = 100 * float(runs[0].parameters.get("evaluate.false_positive_rate", "nan"))
    panes[1].axvline(asked, color=DARK, linestyle="--", linewidth=1)
    panes[1].set_xlim(left=-0.02 * panes[1].get_xlim()[1])
    panes[0].set_yticks(range(len(unseen)), [each.words for each in unseen], fontsize=8.5)
    disable_mathtext(panes[0].get_yticklabels())
    handles, names = panes[0].get_legend_handles_labels()
    legend = figure.legend(handles, names, loc="outside lower center", ncols=3, frameon=False, fontsize=8.5)
    disable_mathtext(legend.get_texts())
    write(figure, path)


def _finish(axes: Axes, count: int) -> None:
    axes.set_yticks(range(count), [""] * count)
    axes.set_ylim(count - 0.5, -0.5)
    for border in range(1, count):
        axes.axhline(border - 0.5, color=PALE, linewidth=1)
    axes.grid(True, axis="x", color=PALE)


ALSO_EQUAL = {
    **{name: fact for name, fact in runs.ALSO_EQUAL.items() if name != "the unseen attack"},
    "the false-positive rate asked for": runs.settings(lambda run: "evaluate.false_positive_rate"),
}
"""What the runs have to agree in besides FILTERS: everything but the attack that was left out."""


def make(stores: dict[str, Store], settings: Compare, aside: Path) -> tuple[Store, Report]:
    """Every method and every attack that training has not seen; `aside` takes copies of the runs' artifacts.

    Raises:
        UserError: no run that was chosen left an attack out, or the runs differ in more than that.
    """
    store = store_of(stores, settings.dataset)
    there = [run for run in tracking.kept_runs(store) if run.parameters.get("split.name") == "unseen_attack"]
    if not there:
        raise UserError(
            "report=unseen: no run left an attack out; make some: python -m train -m +experiment=unseen_attacks"
        )
    kept, notes = belonging(runs.chosen(there, settings), refuse_other_flows, [*runs.NEEDED_METRICS, *NEEDED])
    named = by_method(kept, ["split.attack"])
    methods = dict(zip(shortened(list(named)), named.values(), strict=True))
    taken, found, parameters = predicted_as(store, methods, aside), rows(methods), kept[0].parameters
    each = found_of_each(taken, runs.normal_class(parameters) or "")
    made = report.of_page(
        "unseen",
        kept,
        report.folder(kept[0], settings),
        page(found, kept, each, notes),
        csv(found, runs.simulated(kept)),
        partial(plot, found, kept),
    )
    answers = mark_simulated(taken, runs.simulated(kept))
    files = {**made.files, "unseen_taken_for.csv": lambda path: cells.write_csv(path, answers)}
    return store, replace(made, files=files)


def refuse_other_flows(kept: Sequence[KeptRun]) -> None:
    """Raise a UserError where the runs differ in dataset, data, label or anything but the attack that was left out."""
    runs.refuse_mixture(kept, also=ALSO_EQUAL)
