"""The plots of a run, each on its own figure.

Every function writes the PNG `path` atomically, under the heading `title`, which begins with SIMULATED if the rows were
generated (`simulated`).
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from iot_ids.plots.canvas import (
    BLACK,
    BLUE,
    DARK,
    GREY,
    INCHES_PER_CHARACTER,
    ORANGE,
    PALE,
    SKY,
    disable_mathtext,
    panels,
    shorten,
    write,
)

NUMBERED_CLASSES = 12
"""With more classes, the numbers in the cells of a confusion matrix would be illegible and are omitted."""
NUMBERED_BARS = 6
"""With more classes, bars are not labelled with their values."""
SHOWN_FEATURES = 40


def confusion_matrix(
    matrix: NDArray[np.int64], classes: Sequence[str], path: Path, title: str, *, simulated: bool
) -> None:
    """Draw a confusion matrix; a cell's colour is its share of the true class, its number the rows.

    Colours scale with the square root of the share, so that one confusion in a hundred is visible.

    Args:
        matrix: `(classes, classes)`, true rows, predicted columns. A class without rows has grey cells.
        classes: their names, in the matrix's order.
    """
    count = len(classes)
    rows, answers = matrix.sum(axis=1), matrix.sum(axis=0)
    shares = np.where(rows[:, None] > 0, matrix / np.maximum(rows, 1)[:, None], np.nan)
    numbered = count <= NUMBERED_CLASSES
    cell = 1.2 if count <= 5 else 0.85 if numbered else 0.34
    down = _class_labels(classes, rows, stacked=numbered)
    across = _class_labels(classes, answers, stacked=numbered)
    width = count * cell + _widest(down) + 2.1
    height = count * cell + (0.7 * _widest(across) if _slants(across, cell) else 0.2) + 1.1
    figure, (axes,) = panels(width, height, title, simulated)
    figure.set_layout_engine("compressed")  # the usual layout does not allow for square cells
    axes.set_facecolor(PALE)
    image = axes.imshow(np.ma.masked_invalid(shares), cmap="Blues", norm=PowerNorm(0.5, 0, 1))
    _label_down(axes, down)
    _label_across(axes, across, cell)
    axes.set_ylabel("true class")
    axes.set_xlabel("predicted class")
    _draw_grid(axes, count)
    if numbered:
        _number_cells(axes, matrix, shares)
    bar = figure.colorbar(image, ax=axes, shrink=0.8, ticks=[0, 0.01, 0.1, 0.25, 0.5, 1], format=PercentFormatter(1))
    bar.set_label("share of the true class")
    bar.outline.set_visible(False)
    write(figure, path)


def per_class(table: pl.DataFrame, path: Path, title: str, *, simulated: bool) -> None:
    """Draw precision, recall and F1 of every class as bars, with recall's 95 % Wilson interval.

    Args:
        table: from `metrics.per_class`; a null has no bar.
    """
    count, numbered = table.height, table.height <= NUMBERED_BARS
    room = max(1.5 if numbered else 0.62, 5 / max(count, 1))
    labels = _class_labels(table["class"].to_list(), table["rows"].to_numpy(), stacked=True)
    height = 4.2 + (0.7 * _widest(labels) if _slants(labels, room) else 0.2)
    figure, (axes,) = panels(0.6 + count * room, height, title, simulated)
    bars = (("precision", SKY), ("recall", BLUE), ("f1", ORANGE))
    places = np.arange(count, dtype=np.float64)
    for offset, (measure, colour) in zip((-0.27, 0, 0.27), bars, strict=True):
        heights = _column(table, measure)
        label = {"f1": "F1", "recall": "recall, with 95 % interval"}.get(measure, measure)
        axes.bar(places + offset, np.nan_to_num(heights), 0.25, color=colour, label=label)
        if numbered:
            tops = _column(table, "recall_high") if measure == "recall" else heights
            _number_bars(axes, places + offset, heights, tops)
    _draw_intervals(axes, table)
    _label_across(axes, labels, room)
    axes.set(xlim=(-0.6, count - 0.4), ylim=(0, 1.1 if numbered else 1.02), yticks=np.linspace(0, 1, 6), ylabel="share")
    axes.yaxis.grid(True, color=PALE)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    write(figure, path)


def learning_curve(
    history: pl.DataFrame, path: Path, title: str, *, simulated: bool, best_epoch: int | None = None
) -> None:
    """Draw the losses and the validation macro-F1 by epoch.

    Args:
        history: one row per epoch: epoch, train_loss, val_loss, val_f1_macro. Nulls and NaN leave gaps.
        best_epoch: the epoch whose weights were kept, marked in both panels.
    """
    figure, (left, right) = panels(9.5, 3.9, title, simulated, count=2)
    marker = "o" if history.height <= 30 else None
    for axes, label, curves in (
        (left, "loss", (("train_loss", ORANGE, "train"), ("val_loss", BLUE, "validation"))),
        (right, "macro-F1", (("val_f1_macro", BLUE, "validation"),)),
    ):
        for column, colour, name in curves:
            axes.plot(
                history["epoch"], _column(history, column), color=colour, marker=marker, markersize=3.5, label=name
            )
        axes.set(xlabel="epoch", ylabel=label)
        axes.grid(True, color=PALE)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        if best_epoch is not None:
            axes.axvline(best_epoch, color=DARK, linestyle="--", linewidth=1, label=f"kept: epoch {best_epoch}")
        axes.legend(frameon=False)
    write(figure, path)


def feature_scores(
    names: Sequence[str],
    scores: NDArray[np.float64],
    selected: Sequence[bool] | NDArray[np.bool_],
    path: Path,
    title: str,
    *,
    simulated: bool,
) -> None:
    """Draw a selector's scores, best first; at most 40, with a note on how many more there are.

    Args:
        names: the features' names, `(features,)`.
        scores: higher is better, `(features,)`. NaN (a constant column) has no bar and comes last.
        selected: whether each feature was kept, `(features,)`; kept ones are blue.
    """
    order = np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable")
    shown, kept = order[:SHOWN_FEATURES], np.asarray(selected, dtype=bool)
    figure, (axes,) = panels(8.0, 1.1 + 0.24 * len(shown), title, simulated)
    values = np.asarray(scores, dtype=np.float64)[shown]
    places = np.arange(len(shown))
    axes.barh(places, np.nan_to_num(values), 0.72, color=[BLUE if chosen else GREY for chosen in kept[shown]])
    for place, value in zip(places, values, strict=True):
        text = "no score" if np.isnan(value) else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
        axes.annotate(text, (np.nan_to_num(value), place), (3, 0), textcoords="offset points", va="center", fontsize=8)
    axes.set_yticks(places, [shorten(names[feature]) for feature in shown], fontsize=8.5)
    disable_mathtext(axes.get_yticklabels())
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.margins(x=0.1)
    axes.xaxis.grid(True, color=PALE)
    rest = len(order) - len(shown)
    more = f"; {rest} more not shown, {kept[order[SHOWN_FEATURES:]].sum()} of them kept" if rest else ""
    axes.set_xlabel(f"score; kept features in blue: {kept.sum()} of {len(order)}{more}")
    write(figure, path)


def _class_labels(classes: Sequence[str], counts: NDArray[np.int64], stacked: bool) -> list[str]:
    """Label classes with their rows, stacked or on one line."""
    between = "\n" if stacked else "  "
    return [f"{shorten(name)}{between}n = {count:,}" for name, count in zip(classes, counts, strict=True)]


def _widest(labels: Sequence[str]) -> float:
    """Estimate the width of the widest line in inches."""
    return INCHES_PER_CHARACTER * max((len(line) for label in labels for line in label.split("\n")), default=0)


def _slants(labels: Sequence[str], room: float) -> bool:
    """Return whether labels side by side would touch, given this many inches for each."""
    return _widest(labels) > room - 0.1


def _label_down(axes: Axes, labels: Sequence[str]) -> None:
    axes.set_yticks(np.arange(len(labels)), labels, fontsize=8.5)
    disable_mathtext(axes.get_yticklabels())


def _label_across(axes: Axes, labels: Sequence[str], room: float) -> None:
    axes.set_xticks(np.arange(len(labels)), labels, fontsize=8.5)
    disable_mathtext(axes.get_xticklabels())
    if _slants(labels, room):
        for text in axes.get_xticklabels():
            text.set(rotation=45, ha="right", va="top", rotation_mode="anchor")


def _draw_grid(axes: Axes, count: int) -> None:
    axes.set_xticks(np.arange(count + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(count + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.5)
    axes.tick_params(which="minor", length=0)


def _number_cells(axes: Axes, matrix: NDArray[np.int64], shares: NDArray[np.float64]) -> None:
    for (row, column), count in np.ndenumerate(matrix):
        colour = "white" if shares[row, column] > 0.4 else BLACK if count else GREY
        axes.text(column, row, f"{count:,}", ha="center", va="center", color=colour, fontsize=8.5)


def _number_bars(
    axes: Axes, places: NDArray[np.float64], heights: NDArray[np.float64], tops: NDArray[np.float64]
) -> None:
    for place, height, top in zip(places, heights, tops, strict=True):
        if not np.isnan(height):
            axes.annotate(f"{height:.3f}", (place, top), (0, 3), textcoords="offset points", ha="center", fontsize=7.5)


def _column(table: pl.DataFrame, name: str) -> NDArray[np.float64]:
    return np.asarray(table[name].cast(pl.Float64).fill_null(np.nan), dtype=np.float64)


def _draw_intervals(axes: Axes, table: pl.DataFrame) -> None:
    places = np.flatnonzero(table["recall"].is_not_null().to_numpy())
    recall, low, high = (_column(table, name)[places] for name in ("recall", "recall_low", "recall_high"))
    axes.errorbar(places, recall, np.stack([recall - low, high - recall]), fmt="none", ecolor=BLACK, capsize=3)
