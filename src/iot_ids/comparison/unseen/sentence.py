"""Whether attacks are found that training has not seen, in one sentence that says no more than the intervals do."""

from collections.abc import Sequence

from iot_ids.comparison import cells
from iot_ids.comparison.unseen.attacks import MEAN
from iot_ids.comparison.unseen.lines import Line

MISSED = ", which cannot be told from its false alarms"


def sentence(lines: Sequence[Line], simulated: bool) -> str:
    """The best method's mean, its false alarms, the attack that it finds worst, and every family."""
    best = [line for line in lines if line.method == _best(lines)]
    singles = [line for line in best if line.unseen.attacks and not line.unseen.family]
    parts = [_whole(best, singles)]
    if len(singles) > 1:
        parts.append(f"worst it finds {_found(min(singles, key=lambda line: line.found.mean))}")
    families = [line for line in best if line.unseen.family and singles]
    parts += [f"left out together, {_found(line).removeprefix('family ')}" for line in families]
    told = [line for line in singles or best if not missed(line)]
    lead = _lead(len(told), len(singles or best))
    return f"{'SIMULATED: ' * simulated}{lead}: {'; '.join(parts)}."


def missed(line: Line) -> bool:
    """Whether the attack is found no more surely than normal flows are called attacks."""
    return line.found.low <= line.false.high


def _best(lines: Sequence[Line]) -> str:
    """The method with the highest mean over single attacks; without any mean, over whatever it has."""
    means = [line for line in lines if line.unseen == MEAN] or list(lines)
    return max(means, key=lambda line: line.found.mean).method


def _lead(told: int, of: int) -> str:
    if not told:
        return "Attacks never seen are not found"
    if told < of:
        return "Not all attacks never seen are found"
    return "Attacks never seen are found more often than normal flows are called attacks"


def _whole(best: Sequence[Line], singles: Sequence[Line]) -> str:
    whole = next((line for line in best if line.unseen == MEAN), (singles or best)[0])
    over = f", the mean over {len(singles)} attacks" if whole.unseen == MEAN else f" of {whole.unseen.words}"
    return (
        f"most finds {whole.method}, {cells.share(whole.found)} %{over}, while {cells.share(whole.false)} % of normal "
        "test flows are called attacks"
    )


def _found(line: Line) -> str:
    return f"{line.unseen.words}, {cells.share(line.found)} %{MISSED * missed(line)}"
