"""What is left when the question gets harder, in one sentence."""

from collections.abc import Mapping, Sequence

from iot_ids.comparison import cells
from iot_ids.comparison.gap.conditions import Condition
from iot_ids.comparison.gap.scores import Cell
from iot_ids.comparison.statistics import Estimate

COIN = 0.5


def sentence(found: Mapping[tuple[Condition, str], Cell], conditions: Sequence[Condition], simulated: bool) -> str:
    """The best method's balanced accuracy under each condition that has runs, from the easiest to the hardest."""
    clauses = [_clause(where, found) for where in conditions if any(each == where for each, _ in found)]
    return (
        f"{'SIMULATED: ' * simulated}What the best method reaches as the question gets harder, in balanced accuracy "
        f"(a coin: 50 %): {'; '.join(clauses)}."
    )


def best(where: Condition, found: Mapping[tuple[Condition, str], Cell]) -> str:
    """The method with the highest balanced accuracy under a condition that has cells."""
    there = {name: cell.balanced.mean for (each, name), cell in found.items() if each == where}
    return max(there, key=lambda name: there[name])


def _clause(where: Condition, found: Mapping[tuple[Condition, str], Cell]) -> str:
    name = best(where, found)
    score = found[where, name].balanced
    return f"{where.words}, {cells.share(score)} % by {name}{_chance(score)}"


def _chance(score: Estimate) -> str:
    if score.mean <= COIN:
        return ", no better than the coin"
    return ", which the interval cannot tell from the coin" if score.low <= COIN else ""
