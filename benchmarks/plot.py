"""docs/images/benchmarks.png: every ratio as a dot with its spread, and what was asked for."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
from matplotlib.ticker import FuncFormatter

from benchmarks.kept import DOCS, Section

FILE = DOCS / "images" / "benchmarks.png"


def write(sections: Mapping[str, Section], texts: Mapping[str, str]) -> None:
    """Draw the figures of the sections in the page's order; nothing where there is none."""
    figures = [figure for name in texts for figure in sections[name].figures]
    if not figures:
        return
    drawing, axes = plt.subplots(figsize=(10, 1.2 + 0.42 * len(figures)), layout="constrained")
    for row, figure in enumerate(figures):
        ratios = figure.ratios
        axes.plot([min(ratios), max(ratios)], [row, row], color="tab:blue", linewidth=2, alpha=0.5)
        axes.plot(figure.ratio, row, "o", color="tab:blue", label="ours against the opponent" if row == 0 else None)
        if figure.least is not None:
            axes.plot(figure.least, row, "|", color="tab:red", markersize=14, label="at least" if row == 0 else None)
        if figure.aim is not None:
            axes.plot(figure.aim, row, "|", color="tab:green", markersize=14, label="aim" if row == 0 else None)
    axes.axvline(1, color="grey", linewidth=0.8)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda ratio, _: f"{ratio:g} x"))
    axes.xaxis.set_minor_formatter(FuncFormatter(lambda ratio, _: ""))
    axes.set_yticks(
        range(len(figures)), [f"{figure.what}\nagainst {figure.opponent}" for figure in figures], fontsize=8
    )
    axes.invert_yaxis()
    axes.set_xlabel("times as good as the opponent (median of the rounds, with the smallest and the largest)")
    axes.legend(loc="best", fontsize=8)
    drawing.savefig(FILE, dpi=110)
    plt.close(drawing)
