"""Confusion matrices side by side, as shares of the true class: how several methods err on the same classes."""

import textwrap
from collections.abc import Mapping, Sequence
from math import isnan
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import PowerNorm
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from iot_ids.plots.canvas import BLACK, GREY, PALE, disable_mathtext, panels, shorten, write
from iot_ids.plots.run import NUMBERED_CLASSES

TICKS = [0, 0.01, 0.1, 0.25, 0.5, 1]
LONGEST_LINE = 28
"""Longer method names are wrapped."""


def confusion_matrices(
    matrices: Mapping[str, NDArray[np.int64]], classes: Sequence[str], path: Path, title: str, *, simulated: bool
) -> None:
    """Draw one panel per method; number and colour of a cell are its percentage of the true class.

    Colours scale with the square root of the share, as in `plots.confusion_matrix`, and are the same in all panels.

    Args:
        matrices: method -> `(classes, classes)`, true rows, predicted columns, of one run or summed over several. Each
            class is labelled with its rows as n; a class without rows has grey cells.
        classes: their names, in the matrices' order.
        path: the PNG to write.
        title: the heading.
        simulated: whether the rows were generated.

    Raises:
        ValueError: there is no matrix to draw.
    """
    if not matrices:
        raise ValueError("There is no confusion matrix to draw.")
    count = len(classes)
    cell = 0.62 if count <= 6 else 0.45 if count <= NUMBERED_CLASSES else 0.3
    width = 2.6 + len(matrices) * (count * cell + 0.9)
    figure, axes = panels(width, count * cell + 1.9, title, simulated, count=len(matrices))
    figure.set_layout_engine("compressed")  # the usual layout does not allow for square cells
    norm = PowerNorm(0.5, 0, 1)
    for place, (panel, (name, matrix)) in enumerate(zip(axes, matrices.items(), strict=True)):
        _draw(panel, matrix, classes, norm)
        panel.set_title(textwrap.fill(name, LONGEST_LINE), fontsize=10)
        disable_mathtext([panel.title])
        _label(panel, classes, matrix.sum(axis=1), named=place == 0)
    axes[0].set_ylabel("true class")
    colours = ScalarMappable(norm, "Blues")
    bar = figure.colorbar(colours, ax=axes, shrink=0.8, ticks=TICKS, format=PercentFormatter(1))
    bar.set_label("share of the true class")
    bar.outline.set_visible(False)
    write(figure, path)


def percent(share: float) -> str:
    """Format a share as whole percent, with <1 and >99 near the ends; NaN is empty."""
    if isnan(share):
        return ""
    if 0 < share <= 0.005:
        return "<1"
    if 0.995 <= share < 1:
        return ">99"
    return f"{100 * share:.0f}"


def _draw(axes: Axes, matrix: NDArray[np.int64], classes: Sequence[str], norm: PowerNorm) -> None:
    rows = matrix.sum(axis=1, keepdims=True)
    shares = np.where(rows > 0, matrix / np.maximum(rows, 1), np.nan)
    axes.set_facecolor(PALE)
    axes.pcolormesh(np.ma.masked_invalid(shares), cmap="Blues", norm=norm, edgecolors="white", linewidth=1.5)
    axes.set_aspect("equal")
    axes.invert_yaxis()
    if len(classes) > NUMBERED_CLASSES:
        return
    for (row, column), share in np.ndenumerate(shares):
        colour = "white" if share > 0.4 else BLACK if share else GREY
        axes.text(column + 0.5, row + 0.5, percent(share), ha="center", va="center", color=colour, fontsize=8.5)


def _label(axes: Axes, classes: Sequence[str], rows: NDArray[np.int64], named: bool) -> None:
    """Label the columns with the classes and the rows with their counts, in the first panel also with their names."""
    places = np.arange(len(classes)) + 0.5
    down = [f"{shorten(name)}\n" * named + f"n = {total:,}" for name, total in zip(classes, rows, strict=True)]
    axes.set_yticks(places, down, fontsize=8.5)
    axes.set_xticks(places, [shorten(name) for name in classes], fontsize=8.5)
    for text in axes.get_xticklabels():
        text.set(rotation=45, ha="right", va="top", rotation_mode="anchor")
    disable_mathtext([*axes.get_xticklabels(), *axes.get_yticklabels()])
    axes.set_xlabel("predicted class")
