"""Plot docs/images/benchmarks.png: every ratio with its range, the ratio required and the one desired."""

from collections.abc import Mapping

from matplotlib.ticker import FuncFormatter

from benchmarks.figure import Figure
from benchmarks.kept import DOCS, Section
from iot_ids.plots.canvas import BLUE, DARK, GREEN, PALE, VERMILION, disable_mathtext, panels
from iot_ids.plots.canvas import write as write_png

FILE = DOCS / "images" / "benchmarks.png"
TITLE = "how many times as good as the opponent: above 1 ours is better"


def write(sections: Mapping[str, Section], texts: Mapping[str, str]) -> None:
    """Plot the figures in the page's order; write nothing if there are none."""
    figures = [figure for name in texts for figure in sections[name].figures]
    if not figures:
        return
    drawing, (axes,) = panels(10, 1.6 + 0.42 * len(figures), TITLE, simulated=False)
    rows, ratios = range(len(figures)), [figure.ratios for figure in figures]
    axes.hlines(rows, list(map(min, ratios)), list(map(max, ratios)), color=BLUE, linewidth=2, alpha=0.5)
    axes.plot([figure.ratio for figure in figures], rows, "o", color=BLUE, label="median of the rounds, with the range")
    asked = (("least", "|", VERMILION, "at least asked for"), ("aim", "D", GREEN, "aim"))
    for name, marker, colour, label in asked:
        places = [(getattr(figure, name), row) for row, figure in enumerate(figures) if getattr(figure, name)]
        if places:
            axes.plot(
                *zip(*places, strict=True), marker, color=colour, markersize=14 if marker == "|" else 6, label=label
            )
    axes.axvline(1, color=DARK, linewidth=0.8)
    axes.set_xscale("log")
    for formatter in (axes.xaxis.set_major_formatter, axes.xaxis.set_minor_formatter):
        formatter(FuncFormatter(lambda ratio, _: f"{ratio:g} x" if f"{ratio:g}"[0] in "1235" else ""))
    labels = axes.set_yticks(list(rows), list(map(_label, figures)), fontsize=8)
    disable_mathtext([each.label1 for each in labels])
    axes.invert_yaxis()
    axes.grid(True, color=PALE)
    drawing.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    write_png(drawing, FILE)


def _label(figure: Figure) -> str:
    return f"{figure.what}\nagainst {figure.opponent}"
