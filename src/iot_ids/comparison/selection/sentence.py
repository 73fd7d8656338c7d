"""Whether selection helped, in one sentence that says no more than the intervals do."""

from collections.abc import Sequence
from math import isnan

from iot_ids.comparison import cells
from iot_ids.comparison.scores import RANKED_BY
from iot_ids.comparison.selection.lines import Line
from iot_ids.comparison.statistics import Difference

HELPED, HURT, UNCLEAR, UNKNOWN = "helped", "hurt", "unclear", "unknown"
ENDS = {
    HELPED: "which is better",
    HURT: "which is worse",
    UNCLEAR: "which the interval cannot tell from none",
    UNKNOWN: "without an interval, for want of seeds",
}


def sentence(lines: Sequence[Line], simulated: bool) -> str:
    """One sentence that speaks of each model: its best selection against all its features."""
    models = list(dict.fromkeys(line.model for line in lines))
    told = {model: _best(model, lines) for model in models}
    verdicts = {model: verdict(best.difference) for model, best in told.items() if best is not None}
    clauses = [_clause(model, told[model], lines) for model in models]
    return f"{'SIMULATED: ' if simulated else ''}{_lead(verdicts)}: in macro-F1, {'; '.join(clauses)}."


def verdict(difference: Difference | None) -> str:
    """What an interval says: above zero, below zero, neither, or nothing at all."""
    if difference is None or isnan(difference.estimate.low):
        return UNKNOWN
    if difference.estimate.low > 0:
        return HELPED
    return HURT if difference.estimate.high < 0 else UNCLEAR


def _best(model: str, lines: Sequence[Line]) -> Line | None:
    """The selection with the highest macro-F1 among those that can be compared; None where none can."""
    there = [line for line in lines if line.model == model and line.difference is not None]
    return max(there, key=lambda line: line.row.scores[RANKED_BY].mean, default=None)


def _lead(verdicts: dict[str, str]) -> str:
    kinds = set(verdicts.values())
    if not kinds - {UNKNOWN}:
        return "Whether selection helped cannot be said"
    if kinds == {HELPED}:
        return "Selection helped"
    if HELPED in kinds:
        return f"Selection helped {_named(verdicts, HELPED)} and nothing else"
    if kinds == {HURT}:
        return "Selection hurt"
    if kinds == {UNCLEAR}:
        return "Selection made no difference that the intervals could tell"
    return "Selection did not help"


def _named(verdicts: dict[str, str], kind: str) -> str:
    return " and ".join(model for model, told in verdicts.items() if told == kind)


def _clause(model: str, best: Line | None, lines: Sequence[Line]) -> str:
    if best is None or best.difference is None:
        return f"{model} has no runs without selection on the same seeds"
    tried = sum(line.model == model and not line.without for line in lines)
    whole = next(line for line in lines if line.model == model and line.without)
    score, its = (cells.share(line.row.scores[RANKED_BY], interval=False) for line in (best, whole))
    seeds = best.difference.seeds
    over = "" if len(best.row.seeds) == len(whole.row.seeds) == seeds else f" over the {seeds} seeds that both have"
    distance = cells.difference(best.difference) + over
    chosen = f", the best of {tried} on these test rows," if tried > 1 else ""
    return (
        f"{model} with {features(best)} by {best.selector}{chosen} reached {score} against {its} with all "
        f"{features(whole)}, a difference of {distance}, {ENDS[verdict(best.difference)]}"
    )


def features(line: Line) -> str:
    """`8 features`; without a number where none is known."""
    return "features" if line.features is None else f"{line.features} feature{'s' * (line.features != 1)}"
