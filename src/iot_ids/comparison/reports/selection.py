"""The report `selection`: does choosing features help?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby, pairwise
from math import isnan
from pathlib import Path

import polars as pl
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from iot_ids import tracking
from iot_ids.common.errors import UserError
from iot_ids.comparison.loading import Method, RunTable, folder_of, load_runs
from iot_ids.comparison.method_scores import RANKED_BY, Row, difference, joint_draws, scored
from iot_ids.comparison.render import cells
from iot_ids.comparison.render import page as report
from iot_ids.comparison.render.page import Page, Report
from iot_ids.comparison.render.table import ends, marked
from iot_ids.comparison.spec import Compare
from iot_ids.comparison.stats.seeds import Difference
from iot_ids.comparison.variants import closest, variants
from iot_ids.plots.canvas import (
    BLUE,
    DARK,
    GREEN,
    ORANGE,
    PALE,
    PURPLE,
    SKY,
    VERMILION,
    panels,
    spell_plainly,
    write,
)
from iot_ids.tracking import KeptRun, Store


def used(store: Store, method: Method, folder: Path) -> int | None:
    """The most of any seed, since columns may be constant in one split alone; None where no run's file says."""
    counts = [count for record in method.records if (count := _of_run(store, record.run, folder)) is not None]
    return max(counts, default=None)


def _of_run(store: Store, run: KeptRun, folder: Path) -> int | None:
    """`selector.k` where there is one, for a run that cannot keep so many is refused; else what its file lists."""
    if (k := run.parameters.get("selector.k", "")).isdigit():
        return int(k)
    file = tracking.fetch(store, run.id, "selected_features.csv", folder_of(folder, run))
    try:
        return None if file is None else int(pl.read_csv(file)["selected"].sum())
    except pl.exceptions.PolarsError:
        return None


WITHOUT = "all"
"""The selector that leaves nothing out but constant columns."""


@dataclass(frozen=True)
class Line:
    """One model with one selection; `difference` is that of macro-F1 to the same model without selection."""

    model: str
    selector: str
    features: int | None
    """Encoded columns that it used, the most of any seed; None where no file says."""
    row: Row
    difference: Difference | None = None

    @property
    def without(self) -> bool:
        """Whether nothing was selected."""
        return self.selector == WITHOUT


def lines(
    gathered: RunTable, features: Mapping[str, int | None], replicates: int, seed: int
) -> tuple[list[Line], list[str]]:
    """Every model that was run with a selection, and the names of the models that were run without alone.

    Args:
        gathered: the methods.
        features: how many a method used, by its name.
        replicates: of the bootstrap, where it is used.
        seed: of that bootstrap.
    """
    joint = joint_draws(gathered, replicates, seed)
    found: list[Line] = []
    unselected: list[str] = []
    for model, methods in variants(gathered.methods, ["selector."]).items():
        if all(map(_without, methods)):
            unselected.append(model)
            continue
        references = list(filter(_without, methods))
        for method in sorted(methods, key=lambda each: (not _without(each), _selector(each), features[each.name] or 0)):
            reference = None if _without(method) else closest(method, references)
            distance = None if reference is None else difference(gathered, method, reference, joint, seed)
            row = scored(gathered, method, joint, replicates, seed)
            found.append(Line(model, _selector(method), features[method.name], row, distance))
    return found, unselected


def _selector(method: Method) -> str:
    return method.parameters.get("selector.name", "?")


def _without(method: Method) -> bool:
    return _selector(method) == WITHOUT


HELPED, HURT, UNCLEAR, UNKNOWN = "helped", "hurt", "unclear", "unknown"
ENDS = {
    HELPED: "which is better",
    HURT: "which is worse",
    UNCLEAR: "which the interval cannot tell from none",
    UNKNOWN: "without an interval, for want of seeds",
}


def sentence(lines: Sequence[Line], simulated: bool) -> str:
    """One sentence that speaks of each model: its best selection against all its features."""
    models = list(dict.fromkeys(line.model for line in lines))
    told = {model: _best(model, lines) for model in models}
    verdicts = {model: verdict(best.difference) for model, best in told.items() if best is not None}
    clauses = [_clause(model, told[model], lines) for model in models]
    return f"{'SIMULATED: ' if simulated else ''}{_lead(verdicts)}: in macro-F1, {'; '.join(clauses)}."


def verdict(difference: Difference | None) -> str:
    """What an interval says: above zero, below zero, neither, or nothing at all."""
    if difference is None or isnan(difference.estimate.low):
        return UNKNOWN
    if difference.estimate.low > 0:
        return HELPED
    return HURT if difference.estimate.high < 0 else UNCLEAR


def _best(model: str, lines: Sequence[Line]) -> Line | None:
    """The selection with the highest macro-F1 among those that can be compared; None where none can."""
    there = [line for line in lines if line.model == model and line.difference is not None]
    return max(there, key=lambda line: line.row.scores[RANKED_BY].mean, default=None)


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
        return "Selection made no difference that the intervals could tell"
    return "Selection did not help"


def _named(verdicts: dict[str, str], kind: str) -> str:
    return " and ".join(model for model, told in verdicts.items() if told == kind)


def _clause(model: str, best: Line | None, lines: Sequence[Line]) -> str:
    if best is None or best.difference is None:
        return f"{model} has no runs without selection on the same seeds"
    tried = sum(line.model == model and not line.without for line in lines)
    whole = next(line for line in lines if line.model == model and line.without)
    score, its = (cells.format_percent(line.row.scores[RANKED_BY], interval=False) for line in (best, whole))
    seeds = best.difference.seeds
    over = "" if len(best.row.seeds) == len(whole.row.seeds) == seeds else f" over the {seeds} seeds that both have"
    distance = cells.difference(best.difference) + over
    chosen = f", the best of {tried} on these test rows," if tried > 1 else ""
    return (
        f"{model} with {features(best)} by {best.selector}{chosen} reached {score} against {its} with all "
        f"{features(whole)}, a difference of {distance}, {ENDS[verdict(best.difference)]}"
    )


def features(line: Line) -> str:
    """`8 features`; without a number where none is known."""
    return "features" if line.features is None else f"{line.features} feature{'s' * (line.features != 1)}"


HEADINGS = ["model", "selector", "k", "macro-F1", "to all features", "acc.", "pred. s", "seeds", "seen"]


def page(gathered: RunTable, lines: Sequence[Line], unselected: Sequence[str]) -> Page:
    """A line per model and selection, all features first."""
    return Page(
        f"{cells.title(gathered)}: with and without feature selection",
        sentence(lines, gathered.simulated),
        HEADINGS,
        [_cells(line) for line in lines],
        _notes(gathered, unselected),
        words=2,
    )


def csv(gathered: RunTable, lines: Sequence[Line]) -> pl.DataFrame:
    """Shares as shares, every measure with `_low` and `_high`; null where there is no number."""
    table = pl.DataFrame([_numbers(line) for line in lines], infer_schema_length=None)
    return marked(table, gathered.simulated)


def _cells(line: Line) -> list[str]:
    return [
        line.model,
        line.selector,
        cells.count(line.features),
        cells.score(line.row, RANKED_BY),
        cells.difference(line.difference),
        cells.format_percent(line.row.scores["accuracy"], interval=False),
        cells.seconds(line.row.predict_seconds),
        str(len(line.row.seeds)),
        cells.seen(line.row),
    ]


def _numbers(line: Line) -> dict[str, object]:
    return {
        "model": line.model,
        "selector": line.selector,
        "features": line.features,
        "seeds": len(line.row.seeds),
        "seed_list": " ".join(map(str, line.row.seeds)),
        **ends(RANKED_BY, line.row.scores[RANKED_BY]),
        **ends("accuracy", line.row.scores["accuracy"]),
        **ends("difference", line.difference.estimate if line.difference else None),
        "common_seeds": line.difference.seeds if line.difference else None,
        "predict_seconds": line.row.predict_seconds,
        "fit_seconds": line.row.fit_seconds,
        "seen_rows": line.row.seen,
        "seen_share": line.row.seen_share,
    }


def _notes(gathered: RunTable, unselected: Sequence[str]) -> list[str]:
    paired = "bootstrap over seeds and test rows" if gathered.answers is not None else "corrected resampled t"
    said = [
        "Shares in percent; in brackets the 95 % interval. k: encoded columns used. Seen: test rows whose used columns "
        "equal a training row's; few columns make many rows equal, and what is seen need not be learned.",
        f"Differences: macro-F1 less that of the same model with all features, paired by seed ({paired}). The best "
        "selection is chosen on the test rows that it is judged on, and its interval knows nothing of how many were "
        "tried: both favour selection.",
    ]
    if unselected:
        said.append(f"Left out, run without selection alone: {'; '.join(unselected)}.")
    return said + [f"{note[0].upper()}{note[1:]}." for note in gathered.notes]


COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION)
STYLES = (("o", "-"), ("^", "--"), ("D", "-."), ("v", ":"))
BESIDE = 1.025
"""Lines stand this factor apart, so that their intervals do not hide each other."""
CLOSEST_TICKS = 1.12
PLAIN = FuncFormatter(lambda value, _: f"{value:g}")


def plot(gathered: RunTable, lines: Sequence[Line], path: Path) -> None:
    """Draw both panels; a line whose number of features is unknown has no place in them."""
    placed = [line for line in lines if line.features]
    title = f"{cells.title(gathered).removeprefix('SIMULATED: ')}: with and without feature selection"
    models, selectors = (list(dict.fromkeys(getattr(line, name) for line in lines)) for name in ("model", "selector"))
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
    spell_plainly(legend.get_texts())
    write(figure, path)


def _series(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """The lines of one model and selector, by number of features, as the table has them."""
    for _, series in groupby(lines, key=lambda line: (line.model, line.selector)):
        yield list(series)


def _style(series: Sequence[Line], selectors: Sequence[str]) -> tuple[str, str]:
    """Marker and line; a model without selection is a square."""
    if series[0].without:
        return "s", ":"
    return STYLES[[name for name in selectors if name != "all"].index(series[0].selector) % len(STYLES)]


def _scores(axes: Axes, series: Sequence[Line], colour: str, style: tuple[str, str], shift: float) -> None:
    name = f"{series[0].model}, {series[0].selector}"
    scores = [line.row.scores[RANKED_BY] for line in series]
    places = [shift * (line.features or 0) for line in series]
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


def _seconds(axes: Axes, series: Sequence[Line], colour: str, style: tuple[str, str]) -> None:
    known = [(line.features, line.row.predict_seconds) for line in series if line.row.predict_seconds]
    if known:
        places, seconds = zip(*known, strict=True)
        axes.plot(places, seconds, color=colour, marker=style[0], linestyle=style[1], markersize=5)
        if series[0].without:
            axes.axhline(seconds[0], color=colour, linestyle=style[1], linewidth=0.9, alpha=0.7)


def _finish(axes: Axes, heading: str, lines: Sequence[Line]) -> None:
    """The numbers of features that there are, without those that would overlap the one before."""
    axes.set_xscale("log")
    counts = sorted({line.features for line in lines if line.features})
    ticks = counts[:1] + [count for before, count in pairwise(counts) if count > CLOSEST_TICKS * before]
    axes.set_xticks(ticks)
    axes.xaxis.set_major_formatter(PLAIN)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("features (encoded columns); squares and dotted lines: all of them", fontsize=8.5, color=DARK)
    axes.set_title(heading, fontsize=9.5, loc="left", color=DARK)
    axes.grid(True, color=PALE)


def selection(stores: dict[str, Store], settings: Compare, aside: Path) -> tuple[Store, Report]:
    """Every model with and without selection; `aside` takes copies of the runs' artifacts.

    Raises:
        UserError: no run that was chosen selects features, or the runs do not belong in one table.
    """
    store, gathered = load_runs(stores, settings, aside)
    features = {method.name: used(store, method, aside) for method in gathered.methods}
    found, unselected = lines(gathered, features, settings.replicates, settings.seed)
    if not found:
        raise UserError(
            "report=selection: no run selects features; make some: python -m train -m +experiment=selection"
        )
    made = page(gathered, found, unselected)
    place = report.folder(gathered.first, settings)
    plotted = partial(plot, gathered, found)
    return store, report.of_page("selection", gathered.runs, place, made, csv(gathered, found), plotted)
