"""The report's table as numbers: families, then single attacks, then the mean over these, every method in each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from iot_ids.comparison.proportions import Proportion, summed
from iot_ids.comparison.statistics import Estimate
from iot_ids.comparison.unseen.attacks import MEAN, Unseen, by_attack, common_seeds
from iot_ids.track import KeptRun

FOUND, FALSE = "unseen/detection_rate", "unseen/false_positive_rate"
ROWS, NORMAL_ROWS = "unseen/rows", "unseen/test_normal_rows"
VALIDATION_ROWS = "unseen/validation_normal_rows"
NEEDED = (FOUND, FALSE, ROWS, NORMAL_ROWS, VALIDATION_ROWS)


@dataclass(frozen=True)
class Line:
    """One method and what it was not shown. Shares are means over the seeds; so are rows, where these differ."""

    unseen: Unseen
    method: str
    found: Estimate
    """Unseen rows called any attack."""
    false: Estimate
    """Normal test rows called any attack."""
    rows: int
    normal_rows: int
    validation_rows: int
    """Normal rows that the threshold was set on."""
    seeds: Sequence[int]


def lines(methods: Mapping[str, Sequence[KeptRun]]) -> list[Line]:
    """Every method with every attack that it was run without; the method that finds most comes first in each.

    A method has a mean where it was run without each of the single attacks, on seeds that they share.

    Args:
        methods: the runs by their method's name.
    """
    groups = {name: by_attack(them) for name, them in methods.items()}
    there = {unseen for each in groups.values() for unseen in each}
    singles = [unseen for unseen in there if not unseen.family]
    found = [_line(unseen, name, [them]) for name, each in groups.items() for unseen, them in each.items()]
    for name, each in groups.items():
        if singles and all(single in each for single in singles):
            them = [each[single] for single in singles]
            found += [_line(MEAN, name, them)] * bool(common_seeds(them))
    ranked = _ranked(found)
    return sorted(found, key=lambda line: (_order(line), ranked.index(line.method)))


def test_to_train(runs: Sequence[KeptRun]) -> float:
    """Rows tested over rows trained on: how far the draws of two seeds share rows. Unseen attacks count as neither."""
    return float(np.mean([run.metrics["data/test_rows"] / run.metrics["data/train_rows"] for run in runs]))


def _line(unseen: Unseen, method: str, groups: Sequence[dict[int, KeptRun]]) -> Line:
    """The mean over `groups`, one attack each."""
    seeds = common_seeds(groups)
    runs = [[them[seed] for seed in seeds] for them in groups]
    ratio = test_to_train([run for them in runs for run in them])
    return Line(
        unseen,
        method,
        summed([_part(them, FOUND, ROWS, len(runs), same_rows=True) for them in runs], ratio),
        summed([_part(them, FALSE, NORMAL_ROWS, len(runs), same_rows=False) for them in runs], ratio),
        rows=sum(_mean(them, ROWS) for them in runs),
        normal_rows=round(float(np.mean([_mean(them, NORMAL_ROWS) for them in runs]))),
        validation_rows=round(float(np.mean([_mean(them, VALIDATION_ROWS) for them in runs]))),
        seeds=seeds,
    )


def _part(runs: Sequence[KeptRun], share: str, rows: str, of: int, same_rows: bool) -> Proportion:
    return Proportion([run.metrics[share] for run in runs], _mean(runs, rows), 1 / of, same_rows)


def _mean(runs: Sequence[KeptRun], name: str) -> int:
    return round(float(np.mean([run.metrics[name] for run in runs])))


def _order(line: Line) -> tuple[int, int, str]:
    """Families, single attacks, the mean; the ones with more rows first."""
    return (0 if line.unseen.family else 1 if line.unseen.attacks else 2), -line.rows, line.unseen.words


def _ranked(lines: Sequence[Line]) -> list[str]:
    """The methods by their mean share over the single attacks; without one, after those, by what they have."""
    methods = list(dict.fromkeys(line.method for line in lines))

    def key(method: str) -> tuple[bool, float]:
        mine = [line for line in lines if line.method == method]
        means = [line.found.mean for line in mine if line.unseen == MEAN]
        return not means, -float(np.mean(means or [line.found.mean for line in mine]))

    return sorted(methods, key=key)
