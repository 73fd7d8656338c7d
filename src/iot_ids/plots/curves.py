"""Plots of the probabilities: reliability diagrams, ROC and precision-recall curves. Arguments as in `plots/run.py`."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve, roc_curve

from iot_ids.metrics.calibration import BINS, Bins
from iot_ids.metrics.intervals import wilson
from iot_ids.plots.canvas import BLACK, BLUE, DARK, GREY, ORANGE, PALE, VERMILION, panels, write


def reliability(before: Bins, after: Bins, temperature: float, path: Path, title: str, *, simulated: bool) -> None:
    """Draw accuracy against confidence before and after calibration, with 95 % Wilson intervals and rows per bin.

    Args:
        before: the bins of the model's own probabilities.
        after: the bins of the calibrated ones.
        temperature: of the calibration.
    """
    figure, axes = panels(9.6, 4.6, title, simulated, count=2)
    for panel, bins, name, colour in (
        (axes[0], before, "before", ORANGE),
        (axes[1], after, f"after, temperature {temperature:.3g}", BLUE),
    ):
        panel.plot([0, 1], [0, 1], color=GREY, linewidth=1, label="perfectly calibrated")
        filled = bins.count > 0
        ends = np.stack([bins.accuracy - bins.low, bins.high - bins.accuracy])[:, filled]
        label = "accuracy of a bin, with 95 % interval"
        confidence, accuracy = bins.confidence[filled], bins.accuracy[filled]
        panel.errorbar(confidence, accuracy, ends, fmt="o-", markersize=4, color=colour, capsize=2, label=label)
        _count_rows(panel, bins)
        panel.set_title(f"{name}: calibration error {bins.error:.4f}", fontsize=10)
        panel.set(
            xlim=(0, 1.02), ylim=(0, 1.2), yticks=np.linspace(0, 1, 6), xlabel="probability of the predicted class"
        )
        panel.grid(True, color=PALE)
        panel.legend(frameon=False, loc="lower right", fontsize=8.5)
    axes[0].set_ylabel("share of correct predictions")
    write(figure, path)


def attacks(
    scores: NDArray[np.float64],
    attack: NDArray[np.bool_],
    threshold: float | None,
    stated: float,
    path: Path,
    title: str,
    *,
    simulated: bool,
) -> None:
    """Draw the ROC curve over a logarithmic false-positive rate, and precision against recall.

    Args:
        scores: log-odds of being an attack, `(rows,)`.
        attack: whether each row is one, `(rows,)`; both kinds must occur.
        threshold: of the operating point, marked in both panels if there is one.
        stated: the requested false-positive rate.
    """
    figure, (left, right) = panels(9.6, 4.6, title, simulated, count=2)
    normal_rows, share = int((~attack).sum()), float(attack.mean())
    edge = 0.5 / normal_rows
    false_alarms, found, _ = roc_curve(attack, scores)
    left.plot(np.maximum(false_alarms, edge), found, color=BLUE, drawstyle="steps-post")
    even = np.geomspace(edge, 1)
    left.plot(even, even, color=GREY, linewidth=1, label="chance")
    left.axvline(stated, color=DARK, linestyle=":", linewidth=1, label=f"requested: {_percent(stated)}")
    left.set(xscale="log", xlim=(edge / 1.3, 1.1), ylim=(-0.02, 1.03), ylabel="share of attacks found")
    left.set_xlabel(f"share of {normal_rows:,} normal flows called attacks (left edge: none)")
    left.xaxis.set_minor_locator(NullLocator())
    left.xaxis.set_major_formatter(lambda rate, place: _percent(rate))
    precision, recall, _ = precision_recall_curve(attack, scores, drop_intermediate=True)
    right.plot(recall, precision, color=BLUE)
    right.axhline(share, color=GREY, linewidth=1, label=f"everything called an attack: {_percent(share)}")
    bottom = min(share, float(precision.min()))
    right.set(xlim=(-0.02, 1.03), ylim=(bottom - 0.05 * (1 - bottom), 1 + 0.05 * (1 - bottom)))
    right.set(xlabel=f"share of {int(attack.sum()):,} attacks found", ylabel="share of alerts that are attacks")
    if threshold is not None:
        _mark(left, right, scores > threshold, attack, edge, threshold)
    for panel in (left, right):
        panel.grid(True, color=PALE)
        panel.legend(loc="lower left", bbox_to_anchor=(0.04, 0.08), framealpha=0.9, edgecolor="none", fontsize=8.5)
    write(figure, path)


def _count_rows(axes: Axes, bins: Bins) -> None:
    """Write the number of rows above each bin."""
    axes.text(0.01, 1.19, "rows", fontsize=8, color=DARK, va="top")
    for place in np.flatnonzero(bins.count):
        middle = (place + 0.5) / BINS
        axes.text(middle, 1.03, f"{bins.count[place]:,}", fontsize=7.5, color=DARK, rotation=90, ha="center")


def _mark(
    left: Axes, right: Axes, called: NDArray[np.bool_], attack: NDArray[np.bool_], edge: float, threshold: float
) -> None:
    """Mark the operating point on the test rows, with 95 % intervals of both rates."""
    found, false_alarms = float(called[attack].mean()), float(called[~attack].mean())
    across, up = (wilson(int(rows.sum()), len(rows)) for rows in (called[~attack], called[attack]))
    at, label = max(false_alarms, edge), f"threshold from validation: {threshold:.4g} in log-odds"
    left.plot([max(across[0], edge), across[1]], [found, found], color=BLACK, linewidth=1)
    left.plot([at, at], up, color=BLACK, linewidth=1)
    left.plot(at, found, "D", color=VERMILION, label=label)
    if called.any():
        right.plot(found, attack[called].mean(), "D", color=VERMILION, label=label)


def _percent(share: float) -> str:
    return f"{100 * share:.4g} %"
