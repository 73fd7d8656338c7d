"""From the easiest question to the hardest: a line per method, by colour and shape, and the coin's."""

import textwrap
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from iot_ids.comparison.gap.conditions import Condition
from iot_ids.comparison.gap.page import ranked, title
from iot_ids.comparison.gap.runs import Asked
from iot_ids.comparison.gap.scores import Cell, conditions
from iot_ids.comparison.runs import simulated
from iot_ids.comparison.series import reaches, style
from iot_ids.evaluate.canvas import DARK, PALE, panels, spell_plainly, write

BAND, LABEL_WIDTH = 0.5, 16


def plot(asked: Asked, found: Mapping[tuple[Condition, str], Cell], path: Path) -> None:
    """Draw every condition that has runs; a line joins what one method has, and skips what it has not."""
    there = [where for where in conditions(found) if any(each == where for each, _ in found)]
    methods = ranked(found)
    width, height = max(7.0, 2 + 1.3 * len(there)), 5 + 0.22 * (len(methods) // 3)
    figure, (axes,) = panels(width, height, title(asked), simulated(asked.runs))
    for place, method in enumerate(methods):
        mine = [at for at, where in enumerate(there) if (where, method) in found]
        means, reach = reaches([found[there[at], method].balanced for at in mine])
        places = np.array(mine) + BAND * ((place + 0.5) / len(methods) - 0.5)
        colour, marker = style(place)
        axes.errorbar(places, means, yerr=reach, color=colour, marker=marker, linewidth=1, elinewidth=1.4, label=method)
    axes.axhline(50, color=DARK, linestyle="--", linewidth=1)
    axes.annotate("a coin", (len(there) - 0.5, 50), (-2, 3), textcoords="offset points", ha="right", fontsize=8)
    axes.set_xticks(range(len(there)), [textwrap.fill(where.words, LABEL_WIDTH) for where in there], fontsize=8.5)
    spell_plainly(axes.get_xticklabels())
    axes.set_xlim(-0.5, len(there) - 0.5)
    axes.set_ylabel("balanced accuracy, %, with 95 % interval", fontsize=8.5, color=DARK)
    axes.grid(True, axis="y", color=PALE)
    handles, names = axes.get_legend_handles_labels()
    legend = figure.legend(handles, names, loc="outside lower center", ncols=3, frameon=False, fontsize=8.5)
    spell_plainly(legend.get_texts())
    write(figure, path)
