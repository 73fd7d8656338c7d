"""Attacks down, methods by colour and shape: what is found on the left, what it costs in false alarms on the right."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from iot_ids.comparison.runs import simulated
from iot_ids.comparison.series import reaches, style
from iot_ids.comparison.unseen.lines import Line
from iot_ids.comparison.unseen.page import title
from iot_ids.evaluate.canvas import DARK, PALE, panels, spell_plainly, write
from iot_ids.track import KeptRun

BAND = 0.8
"""So much of an attack's place is taken by its methods; the rest parts it from the next."""


def plot(lines: Sequence[Line], runs: Sequence[KeptRun], path: Path) -> None:
    """Draw every line; the dashed line is the share of false alarms that was asked for."""
    unseen = list(dict.fromkeys(line.unseen for line in lines))
    methods = list(dict.fromkeys(line.method for line in lines))
    height = 1.9 + 0.25 * (len(methods) // 3) + len(unseen) * max(0.4, 0.16 * len(methods))
    figure, panes = panels(10.5, height, title(runs), simulated(runs), count=2)
    for axes, measure, heading in zip(
        panes, ("found", "false"), ("unseen rows called any attack", "normal test rows called any attack"), strict=True
    ):
        for place, method in enumerate(methods):
            mine = [line for line in lines if line.method == method]
            shift = BAND * ((place + 0.5) / len(methods) - 0.5)
            means, reach = reaches([getattr(line, measure) for line in mine])
            places = np.array([unseen.index(line.unseen) for line in mine]) + shift
            colour, marker = style(place)
            axes.errorbar(
                means, places, xerr=reach, color=colour, marker=marker, linestyle="none", elinewidth=1.4, label=method
            )
        axes.set_xlabel(f"{heading}, %, with 95 % interval", fontsize=8.5)
        _finish(axes, len(unseen))
    panes[0].set_xlim(-2, 102)
    asked = 100 * float(runs[0].parameters.get("evaluate.false_positive_rate", "nan"))
    panes[1].axvline(asked, color=DARK, linestyle="--", linewidth=1)
    panes[1].set_xlim(left=-0.02 * panes[1].get_xlim()[1])
    panes[0].set_yticks(range(len(unseen)), [each.words for each in unseen], fontsize=8.5)
    spell_plainly(panes[0].get_yticklabels())
    handles, names = panes[0].get_legend_handles_labels()
    legend = figure.legend(handles, names, loc="outside lower center", ncols=3, frameon=False, fontsize=8.5)
    spell_plainly(legend.get_texts())
    write(figure, path)


def _finish(axes: Axes, count: int) -> None:
    axes.set_yticks(range(count), [""] * count)
    axes.set_ylim(count - 0.5, -0.5)
    for border in range(1, count):
        axes.axhline(border - 0.5, color=PALE, linewidth=1)
    axes.grid(True, axis="x", color=PALE)
