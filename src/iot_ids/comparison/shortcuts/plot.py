"""What each shortcut changes, with intervals, beside a line at zero."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

from iot_ids.comparison import cells
from iot_ids.comparison.forest import LONGEST_LINE, points
from iot_ids.comparison.gathering import Gathered
from iot_ids.comparison.shortcuts.lines import MEASURES, Line
from iot_ids.evaluate.canvas import DARK, panels, spell_plainly, write

HEADINGS = {"accuracy": "accuracy", "f1_macro": "macro-F1"}


def plot(gathered: Gathered, lines: Sequence[Line], path: Path) -> None:
    """Draw every line that has clean runs to be compared with; a figure without any says so by being empty."""
    told = [line for line in lines if line.differences]
    several = len({line.method for line in told}) > 1
    labels = [textwrap.fill(f"{line.method}: {line.words}" if several else line.words, LONGEST_LINE) for line in told]
    height = 1.9 + sum(max(0.34, 0.19 * (1 + label.count("\n"))) for label in labels)
    method = "" if several or not told else f" to {told[0].method}"
    title = f"{cells.flows(gathered).removeprefix('SIMULATED: ')}: what each shortcut is worth{method}"
    figure, panes = panels(10.5, height, title, gathered.simulated, count=2)
    for axes, name in zip(panes, MEASURES, strict=True):
        axes.axvline(0, color=DARK, linestyle="--", linewidth=1)
        points(axes, [line.differences[name].estimate for line in told], signed=True)
        axes.set_xlabel(f"{HEADINGS[name]} less the clean protocol's, percentage points, 95 % interval", fontsize=8.5)
        axes.set_yticks(range(len(told)), [""] * len(told))
    panes[0].set_yticks(range(len(told)), labels, fontsize=8.5)
    spell_plainly(panes[0].get_yticklabels())
    write(figure, path)
