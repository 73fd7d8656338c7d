"""What the shortcuts are worth, in one sentence."""

from collections.abc import Sequence

from iot_ids.comparison import cells
from iot_ids.comparison.shortcuts.lines import Line

PAPERS_MEASURE = "accuracy"


def sentence(lines: Sequence[Line], simulated: bool) -> str:
    """For each method: what most shortcuts together change, and which single one changes the paper's measure most."""
    methods = list(dict.fromkeys(line.method for line in lines))
    clauses = [_clause(method, [line for line in lines if line.method == method]) for method in methods]
    return f"{'SIMULATED: ' if simulated else ''}Beside the clean protocol, {'; '.join(clauses)}."


def _clause(method: str, lines: Sequence[Line]) -> str:
    told = [line for line in lines if line.condition.shortcuts and line.differences]
    if not told:
        return f"{method} has no clean runs on the same seeds"
    parts = []
    together = max(told, key=lambda line: len(line.condition.shortcuts))
    if len(together.condition.shortcuts) > 1:
        parts.append(f"{together.words} together change {method} by {_changes(together)}")
    singles = [line for line in told if len(line.condition.shortcuts) == 1]
    if singles:
        most = max(singles, key=lambda line: abs(line.differences[PAPERS_MEASURE].estimate.mean))
        subject = "the most that one alone changes" if parts else f"the most that one shortcut changes {method}"
        parts.append(f"{subject} is by {most.words}: {_changes(most)}")
    return ", and ".join(parts)


def _changes(line: Line) -> str:
    accuracy, f1 = (cells.difference(line.differences[name]) for name in ("accuracy", "f1_macro"))
    return f"{accuracy} in accuracy and {f1} in macro-F1"
