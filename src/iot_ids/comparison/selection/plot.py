"""Macro-F1 and prediction time against the number of features: a line per model and selector."""

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from math import isnan
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from iot_ids.comparison import cells
from iot_ids.comparison.gathering import Gathered
from iot_ids.comparison.scores import RANKED_BY
from iot_ids.comparison.selection.lines import Line
from iot_ids.evaluate.canvas import (
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

COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION)
STYLES = (("o", "-"), ("^", "--"), ("D", "-."), ("v", ":"))
BESIDE = 1.025
"""Lines stand this factor apart, so that their intervals do not hide each other."""
CLOSEST_TICKS = 1.12
PLAIN = FuncFormatter(lambda value, _: f"{value:g}")


def plot(gathered: Gathered, lines: Sequence[Line], path: Path) -> None:
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
