"""Shared by all plots: colours, an empty figure with its heading, plain labels, and saving.

The colours are Okabe and Ito's, distinguishable with every kind of colour vision ("Color Universal Design", 2008).
Figures are drawn without pyplot, so that no global state of matplotlib is read or changed.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from iot_ids.common.atomic import atomic_write

logging.getLogger("matplotlib.font_manager").setLevel(
    logging.WARNING
)  # on its first start it logs that it builds a cache

BLACK, ORANGE, SKY, BLUE = "#000000", "#E69F00", "#56B4E9", "#0072B2"
GREEN, VERMILION, PURPLE = "#009E73", "#D55E00", "#CC79A7"
DARK, GREY, PALE = "#333333", "#BBBBBB", "#E6E6E6"
DPI = 120
LONGEST_LABEL = 32
INCHES_PER_CHARACTER = 0.075
"""A generous estimate for a character of a tick label."""


def panels(width: float, height: float, title: str, simulated: bool, count: int = 1) -> tuple[Figure, list[Axes]]:
    """Create a figure with `count` bare panels side by side, in inches; its title says SIMULATED if the rows are."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    words = f"SIMULATED: {title}" if simulated else title
    heading = figure.suptitle(words.replace("$", r"\$"), fontsize=11, fontweight="bold")
    heading.set_wrap(True)  # which measures words as mathematics even where `spell_plainly` was asked for
    axes = list(figure.subplots(1, count, squeeze=False)[0])
    for panel in axes:
        panel.spines[:].set_visible(False)
        panel.tick_params(length=0, labelcolor=DARK)
        panel.set_axisbelow(True)
    return figure, axes


def shorten(name: str) -> str:
    """Shorten a name to 32 characters with an ellipsis."""
    return name if len(name) <= LONGEST_LABEL else f"{name[: LONGEST_LABEL - 1]}…"


def disable_mathtext(texts: Sequence[Text]) -> None:
    """Print dollar signs in names literally, not as mathematics."""
    for text in texts:
        text.set_parse_math(False)


def write(figure: Figure, path: Path) -> None:
    """Write a PNG atomically, creating missing folders."""
    with atomic_write(path) as new:
        # Draws once, where figure.savefig would draw twice for the same bytes.
        FigureCanvasAgg(figure).print_png(new)  # type: ignore[no-untyped-call]
