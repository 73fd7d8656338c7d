"""Pictures of a comparison."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from iot_ids.comparison.loading import RunTable
from iot_ids.comparison.method_scores import Row
from iot_ids.comparison.render import cells
from iot_ids.comparison.stats.seeds import Estimate
from iot_ids.plots.canvas import (
    BLACK,
    BLUE,
    DARK,
    GREEN,
    GREY,
    ORANGE,
    PALE,
    PURPLE,
    SKY,
    VERMILION,
    disable_mathtext,
    panels,
    write,
)

PAPER = {"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.5}
LONGEST_LINE = 30
"""Longer names are broken: cut short, two methods could look alike."""


def forest(gathered: RunTable, rows: Sequence[Row], path: Path) -> None:
    """Draw the methods in the table's order, the best on top. The paper's claims are crosses beside our accuracy."""
    methods = [row for row in rows if not row.constant]
    constant = next(row for row in rows if row.constant)
    labels = [textwrap.fill(row.name, LONGEST_LINE) for row in methods]
    height = 1.7 + len(methods) * max(0.34, *(0.19 * (1 + label.count("\n")) for label in labels))
    title = cells.title(gathered).removeprefix("SIMULATED: ")  # the figure says it itself
    figure, (left, right) = panels(10.5, height, title, gathered.simulated, count=2)
    for axes, name, heading in ((left, "f1_macro", "macro-F1"), (right, "accuracy", "accuracy")):
        points(axes, [row.scores[name] for row in methods])
        axes.axvline(100 * constant.scores[name].mean, color=DARK, linestyle="--", linewidth=1, label=constant.name)
        axes.set_xlabel(f"{heading}, %, with 95 % interval")
    _claims(right, methods)
    left.set_yticks(range(len(methods)), labels, fontsize=8.5)
    disable_mathtext(left.get_yticklabels())
    right.set_yticks(range(len(methods)), [""] * len(methods))
    handles, names = right.get_legend_handles_labels()
    legend = figure.legend(handles, names, loc="outside lower center", ncols=3, frameon=False, fontsize=8.5)
    disable_mathtext(legend.get_texts())
    write(figure, path)


def points(axes: Axes, estimates: Sequence[Estimate], signed: bool = False) -> None:
    """Draw estimates with their intervals in percent, the first on top; one without an interval is a mere point."""
    scores = 100 * np.array([[each.mean, each.low, each.high] for each in estimates]).reshape(-1, 3)
    places = np.arange(len(estimates))
    means, low, high = scores.T
    low, high = np.where(np.isnan(low), means, low), np.where(np.isnan(high), means, high)
    axes.hlines(places, low, high, color=BLUE, linewidth=1.6)
    axes.plot(means, places, "o", color=BLUE, markersize=5, label="measured")
    for place, mean in zip(places, means, strict=True):
        value = f"{mean:{'+' if signed else ''}.2f}"
        text = axes.annotate(value, (mean, place), (0, 5), textcoords="offset points", ha="center", fontsize=7.5)
        text.set_bbox(PAPER)
    axes.set_ylim(len(estimates) - 0.4, -0.7)
    axes.grid(True, color=PALE)
    axes.margins(x=0.08)


def _claims(axes: Axes, methods: Sequence[Row]) -> None:
    """A method may have two claims: the paper contradicts itself."""
    points = [
        (float(percent.strip(" †")), place)
        for place, row in enumerate(methods)
        for percent in row.claim.split(",")
        if percent
    ]
    if points:
        across, down = zip(*points, strict=True)
        axes.plot(
            across, down, "x", color=ORANGE, markersize=6, markeredgewidth=1.6, label="claimed in the paper (quoted)"
        )


COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION, BLACK, GREY)
MARKERS = ("o", "s", "^", "D", "v", "P", "X")


def style(place: int) -> tuple[str, str]:
    """Colour and marker of the method at `place`: 56 methods before two look alike."""
    return COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]


def reaches(estimates: Sequence[Estimate]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Means in percent `(n,)` and how far their intervals reach down and up `(2, n)`; 0 without one."""
    scores = 100 * np.array([[each.mean, each.low, each.high] for each in estimates]).reshape(-1, 3)
    means, low, high = scores.T
    reach = np.stack([means - np.where(np.isnan(low), means, low), np.where(np.isnan(high), means, high) - means])
    return means, np.maximum(reach, 0)
