"""The report `selection`: does choosing features help? Each model with and without it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby, pairwise
from math import isnan
from pathlib import Path

import polars as pl
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from iot_ids.common.errors import UserError
from iot_ids.comparison.loading import Method, RunTable, closest, kept_table, load_runs, variants
from iot_ids.comparison.method_scores import RANKED_BY, Row, difference, joint_draws, scored
from iot_ids.comparison.render import cells, columns
from iot_ids.comparison.render import page as report
from iot_ids.comparison.render.columns import Column
from iot_ids.comparison.render.page import Page, Report
from iot_ids.comparison.spec import Compare
from iot_ids.comparison.stats.seeds import Difference
from iot_ids.plots.canvas import (
    BLUE,
    DARK,
    GREEN,
    ORANGE,
    PALE,
    PURPLE,
    SKY,
    VERMILION,
    disable_mathtext,
    panels,
    write,
)
from iot_ids.tracking import KeptRun, Store


def used(store: Store, method: Method, folder: Path) -> int | None:
    """Return the most features of any seed, since a column may be constant in one split only; None if unknown."""
    counts = [count for record in method.records if (count := _of_run(store, record.run, folder)) is not None]
    return max(counts, default=None)


def _of_run(store: Store, run: KeptRun, folder: Path) -> int | None:
    """Return `selector.k` if there is one (a run with fewer columns is refused), else the count in the run's file."""
    if (k := run.parameters.get("selector.k", "")).isdigit():
        return int(k)
    table = kept_table(store, run, "selected_features.csv", folder)
    return int(table["selected"].sum()) if table is not None and "selected" in table.columns else None


WITHOUT = "all"
"""The selector that leaves nothing out but constant columns."""


@dataclass(frozen=True)
class SelectionRow:
    """One model with one selection; `difference` is that of macro-F1 to the same model without selection."""

    model: str
    selector: str
    features: int | None
    """Encoded columns that it used, the most of any seed; None where no file says."""
    scored: Row
    difference: Difference | None = None

    @property
    def without(self) -> bool:
        """Whether nothing was selected."""
        return self.selector == WITHOUT


def rows(
    gathered: RunTable, features: Mapping[str, int | None], replicates: int, seed: int
) -> tuple[list[SelectionRow], list[str]]:
    """Return every model that was run with a selection, and the names of the models that were run only without.

    `features` is how many a method used, by its name; `replicates` and `seed` are the bootstrap's.
    """
    joint = joint_draws(gathered, replicates, seed)
    found: list[SelectionRow] = []
    unselected: list[str] = []
    for model, methods in variants(gathered.methods, ["selector."]).items():
        if all(map(_without, methods)):
            unselected.append(model)
            continue
        references = list(filter(_without, methods))
        for method in sorted(methods, key=lambda each: (not _without(each), _selector(each), features[each.name] or 0)):
            reference = None if _without(method) else closest(method, references)
            distance = None if reference is None else difference(gathered, method, reference, joint, seed)
            scores = scored(gathered, method, joint, replicates, seed)
            found.append(SelectionRow(model, _selector(method), features[method.name], scores, distance))
    return found, unselected


def _selector(method: Method) -> str:
    return method.parameters.get("selector.name", "?")


def _without(method: Method) -> bool:
    return _selector(method) == WITHOUT


HELPED, HURT, UNCLEAR, UNKNOWN = "helped", "hurt", "unclear", "unknown"
ENDS = {
    HELPED: "which is better",
    HURT: "which is worse",
    UNCLEAR: "which the interval does not distinguish from zero",
    UNKNOWN: "without an interval, since there are too few seeds",
}


def sentence(rows: Sequence[SelectionRow], simulated: bool) -> str:
    """One sentence that speaks of each model: its best selection against all its features."""
    models = list(dict.fromkeys(row.model for row in rows))
    told = {model: _best(model, rows) for model in models}
    verdicts = {model: verdict(best.difference) for model, best in told.items() if best is not None}
    clauses = [_clause(model, told[model], rows) for model in models]
    return f"{'SIMULATED: ' if simulated else ''}{_lead(verdicts)}: in macro-F1, {'; '.join(clauses)}."


def verdict(difference: Difference | None) -> str:
    """What an interval says: above zero, below zero, neither, or nothing at all."""
    if difference is None or isnan(difference.estimate.low):
        return UNKNOWN
    if difference.estimate.low > 0:
        return HELPED
    return HURT if difference.estimate.high < 0 else UNCLEAR


def _best(model: str, rows: Sequence[SelectionRow]) -> SelectionRow | None:
    """The selection with the highest macro-F1 among those that can be compared; None where none can."""
    there = [row for row in rows if row.model == model and row.difference is not None]
    return max(there, key=lambda row: row.scored.scores[RANKED_BY].mean, default=None)


def _lead(verdicts: dict[str, str]) -> str:
    kinds = set(verdicts.values())
    if not kinds - {UNKNOWN}:
        return "Whether selection helped cannot be said"
    if kinds == {HELPED}:
        return "Selection helped"
    if HELPED in kinds:
        return f"Selection helped {_named(verdicts, HELPED)} and nothing else"
    if kinds == {HURT}:
        return "Selection hurt"
    if kinds == {UNCLEAR}:
        return "Selection made no difference that the intervals could show"
    return "Selection did not help"


def _named(verdicts: dict[str, str], kind: str) -> str:
    return " and ".join(model for model, told in verdicts.items() if told == kind)


def _clause(model: str, best: SelectionRow | None, rows: Sequence[SelectionRow]) -> str:
    if best is None or best.difference is None:
        return f"{model} has no runs without selection on the same seeds"
    tried = sum(row.model == model and not row.without for row in rows)
    whole = next(row for row in rows if row.model == model and row.without)
    score, its = (cells.format_percent(row.scored.scores[RANKED_BY], interval=False) for row in (best, whole))
    seeds = best.difference.seeds
    over = (
        "" if len(best.scored.seeds) == len(whole.scored.seeds) == seeds else f" over the {seeds} seeds that both have"
    )
    distance = cells.difference(best.difference) + over
    chosen = f", the best of {tried} on these test rows," if tried > 1 else ""
    return (
        f"{model} with {features(best)} by {best.selector}{chosen} reached {score} against {its} with all "
        f"{features(whole)}, a difference of {distance}, {ENDS[verdict(best.difference)]}"
    )


def features(row: SelectionRow) -> str:
    """`8 features`; without a number where none is known."""
    return "features" if row.features is None else f"{row.features} feature{'s' * (row.features != 1)}"


COLUMNS: Sequence[Column[SelectionRow]] = (
    Column("model", lambda row: row.model, lambda row: {"model": row.model}),
    Column("selector", lambda row: row.selector, lambda row: {"selector": row.selector}),
    Column("k", lambda row: cells.count(row.features), lambda row: {"features": row.features}),
    Column(numbers=lambda row: columns.seeds(row.scored.seeds)),
    Column(
        "macro-F1",
        lambda row: cells.score(row.scored, RANKED_BY),
        lambda row: columns.ends(RANKED_BY, row.scored.scores[RANKED_BY]),
    ),
    Column("to all features", lambda row: cells.difference(row.difference)),
    Column(
        "acc.",
        lambda row: cells.format_percent(row.scored.scores["accuracy"], interval=False),
        lambda row: columns.ends("accuracy", row.scored.scores["accuracy"]),
    ),
    Column(numbers=lambda row: columns.difference(row.difference)),
    Column(
        "pred. s",
        lambda row: cells.seconds(row.scored.predict_seconds),
        lambda row: {"predict_seconds": row.scored.predict_seconds},
    ),
    Column("seeds", lambda row: str(len(row.scored.seeds))),
    Column(numbers=lambda row: {"fit_seconds": row.scored.fit_seconds}),
    Column("seen", lambda row: cells.seen(row.scored), lambda row: columns.seen(row.scored)),
)


def page(gathered: RunTable, rows: Sequence[SelectionRow], unselected: Sequence[str]) -> Page:
    """A line per model and selection, all features first."""
    return Page(
        f"{cells.title(gathered)}: with and without feature selection",
        sentence(rows, gathered.simulated),
        columns.headings(COLUMNS),
        [columns.texts(COLUMNS, row) for row in rows],
        _notes(gathered, unselected),
        words=2,
    )


def csv(gathered: RunTable, rows: Sequence[SelectionRow]) -> pl.DataFrame:
    """Shares as shares, every measure with `_low` and `_high`; null where there is no number."""
    return columns.frame(COLUMNS, rows, gathered.simulated)


def _notes(gathered: RunTable, unselected: Sequence[str]) -> list[str]:
    paired = "bootstrap over seeds and test rows" if gathered.predictions is not None else "corrected resampled t"
    said = [
        "Shares in percent; in brackets the 95 % interval. k: encoded columns used. Seen: test rows that equal a "
        "training row in the used columns; the fewer columns, the more rows are equal, and a row that was seen need "
        "not have been learned.",
        f"Differences: macro-F1 minus that of the same model with all features, paired by seed ({paired}). The best "
        "selection is chosen on the test rows that also evaluate it, and its interval ignores how many were tried: "
        "both favour selection.",
    ]
    if unselected:
        said.append(f"Left out, run only without selection: {'; '.join(unselected)}.")
    return said + [f"{note[0].upper()}{note[1:]}." for note in gathered.notes]


COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION)
STYLES = (("o", "-"), ("^", "--"), ("D", "-."), ("v", ":"))
BESIDE = 1.025
"""Horizontal factor between lines, so that their intervals do not hide each other."""
CLOSEST_TICKS = 1.12
PLAIN = FuncFormatter(lambda value, _: f"{value:g}")


def plot(gathered: RunTable, rows: Sequence[SelectionRow], path: Path) -> None:
    """Draw both panels; a line whose number of features is unknown has no place in them."""
    placed = [row for row in rows if row.features]
    title = f"{cells.title(gathered).removeprefix('SIMULATED: ')}: with and without feature selection"
    models, selectors = (list(dict.fromkeys(getattr(row, name) for row in rows)) for name in ("model", "selector"))
    entries = len(models) * len(selectors)
    figure, (left, right) = panels(10.5, 4.6 + 0.2 * (entries // 3), title, gathered.simulated, count=2)
    for place, series in enumerate(_series(placed)):
        colour = COLOURS[models.index(series[0].model) % len(COLOURS)]
        shift = BESIDE ** (place - entries / 2)
        _scores(left, series, colour, _style(series, selectors), shift)
        _seconds(right, series, colour, _style(series, selectors))
    for axes, heading in ((left, "macro-F1, %, with 95 % interval"), (right, "seconds to predict the test rows")):
        _finish(axes, heading, placed)
    right.set_yscale("log")
    right.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    right.yaxis.set_major_formatter(PLAIN)
    right.yaxis.set_minor_locator(NullLocator())
    handles, names = left.get_legend_handles_labels()
    legend = figure.legend(handles, names, loc="outside lower center", ncols=3, frameon=False, fontsize=8.5)
    disable_mathtext(legend.get_texts())
    write(figure, path)


def _series(rows: Sequence[SelectionRow]) -> Iterator[list[SelectionRow]]:
    """The lines of one model and selector, by number of features, as the table has them."""
    for _, series in groupby(rows, key=lambda row: (row.model, row.selector)):
        yield list(series)


def _style(series: Sequence[SelectionRow], selectors: Sequence[str]) -> tuple[str, str]:
    """Marker and line; a model without selection is a square."""
    if series[0].without:
        return "s", ":"
    return STYLES[[name for name in selectors if name != "all"].index(series[0].selector) % len(STYLES)]


def _scores(axes: Axes, series: Sequence[SelectionRow], colour: str, style: tuple[str, str], shift: float) -> None:
    name = f"{series[0].model}, {series[0].selector}"
    scores = [row.scored.scores[RANKED_BY] for row in series]
    places = [shift * (row.features or 0) for row in series]
    means = [100 * score.mean for score in scores]
    reach = [
        [0.0 if isnan(score.low) else 100 * (score.mean - score.low) for score in scores],
        [0.0 if isnan(score.high) else 100 * (score.high - score.mean) for score in scores],
    ]
    axes.errorbar(
        places, means, yerr=reach, color=colour, marker=style[0], linestyle=style[1], markersize=5, label=name
    )
    if series[0].without:
        axes.axhline(means[0], color=colour, linestyle=style[1], linewidth=0.9, alpha=0.7)


def _seconds(axes: Axes, series: Sequence[SelectionRow], colour: str, style: tuple[str, str]) -> None:
    known = [(row.features, row.scored.predict_seconds) for row in series if row.scored.predict_seconds]
    if known:
        places, seconds = zip(*known, strict=True)
        axes.plot(places, seconds, color=colour, marker=style[0], linestyle=style[1], markersize=5)
        if series[0].without:
            axes.axhline(seconds[0], color=colour, linestyle=style[1], linewidth=0.9, alpha=0.7)


def _finish(axes: Axes, heading: str, rows: Sequence[SelectionRow]) -> None:
    """The numbers of features that there are, without those that would overlap the one before."""
    axes.set_xscale("log")
    counts = sorted({row.features for row in rows if row.features})
    ticks = counts[:1] + [count for before, count in pairwise(counts) if count > CLOSEST_TICKS * before]
    axes.set_xticks(ticks)
    axes.xaxis.set_major_formatter(PLAIN)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("features (encoded columns); squares and dotted lines: all of them", fontsize=8.5, color=DARK)
    axes.set_title(heading, fontsize=9.5, loc="left", color=DARK)
    axes.grid(True, color=PALE)


def make(stores: dict[str, Store], settings: Compare, aside: Path) -> tuple[Store, Report]:
    """Every model with and without selection; `aside` takes copies of the runs' artifacts.

    Raises:
        UserError: no run that was chosen selects features, or the runs do not belong in one table.
    """
    store, gathered = load_runs(stores, settings, aside)
    features = {method.name: used(store, method, aside) for method in gathered.methods}
    found, unselected = rows(gathered, features, settings.replicates, settings.seed)
    if not found:
        raise UserError(
            "report=selection: no run selects features; make some: python -m train -m +experiment=selection"
        )
    made = page(gathered, found, unselected)
    place = report.folder(gathered.first, settings)
    plotted = partial(plot, gathered, found)
    return store, report.of_page("selection", gathered.runs, place, made, csv(gathered, found), plotted)
