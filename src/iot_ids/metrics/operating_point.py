"""The operating point: from which score on a flow is called an attack, and what that costs on normal flows.

The threshold is read off validation's normal rows for a stated false-positive rate; test rows only show what became of
it. How many rows a rate needs is counted exactly: 0.29 of 100 rows are 29.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from iot_ids.metrics.calibration import SMALLEST
from iot_ids.metrics.intervals import wilson

NEARLY = 0.9
"""Which share of the rate that was asked for counts as reached: a few equal scores among many do no harm."""


@dataclass(frozen=True)
class OperatingPoint:
    """What was asked for, and the threshold that validation's normal rows gave: None where they are too few."""

    false_positive_rate: float
    validation_normal_rows: int
    threshold: float | None
    tied: tuple[float, float] | None = None
    """Where equal scores keep the rate out of reach: the nearest rates on these rows, that of the threshold below it
    and one above."""

    @property
    def nearest(self) -> float | None:
        """Where the rate is out of reach: that of the two rates which is closer to it."""
        return None if self.tied is None else min(self.tied, key=lambda rate: abs(rate - self.false_positive_rate))


def attack_scores(probabilities: NDArray[np.floating], normal: int) -> NDArray[np.float64]:
    """How far a flow looks like an attack, `(rows,)`: the logarithm of the odds, attacks against normal. NaN stays NaN.

    A share would end at 1: all flows whose probability of being normal is below 1e-16 would be the same to it. A
    probability of 0 counts as SMALLEST.

    Args:
        probabilities: `(rows, classes)`.
        normal: the column of the class that is no attack.
    """
    columns = probabilities.astype(np.float64)
    attack = np.delete(columns, normal, axis=1).sum(axis=1)
    score: NDArray[np.float64] = _logarithm(attack) - _logarithm(columns[:, normal])
    return score


def rows_needed(false_positive_rate: float) -> int:
    """From how many normal validation rows on a rate can be told: one of them has to be allowed above the threshold."""
    return ceil(1 / _exact(false_positive_rate))


def can_state(false_positive_rate: float, normal_rows: int) -> bool:
    """Whether so many normal validation rows can tell such a rate."""
    return normal_rows >= rows_needed(false_positive_rate)


def threshold(scores: NDArray[np.float64], false_positive_rate: float) -> float:
    """The smallest of these scores that at most `floor(rate * rows)` of them lie strictly above.

    A flow is called an attack where its score lies strictly above it, so that equal flows count as normal.

    Args:
        scores: of validation's normal rows, `(rows,)`.
        false_positive_rate: between 0 and 1.

    Raises:
        ValueError: so few rows cannot tell the rate (`can_state`).
    """
    rows = len(scores)
    if not can_state(false_positive_rate, rows):
        raise ValueError(f"{rows} rows cannot tell a rate of {false_positive_rate}.")
    above = floor(_exact(false_positive_rate) * rows)
    return float(np.partition(scores, rows - 1 - above)[rows - 1 - above])


def operating_point(scores: NDArray[np.float64], false_positive_rate: float) -> OperatingPoint:
    """The operating point by the scores of validation's normal rows; without a threshold where they are too few."""
    if not can_state(false_positive_rate, len(scores)):
        return OperatingPoint(false_positive_rate, len(scores), None)
    found = threshold(scores, false_positive_rate)
    return OperatingPoint(false_positive_rate, len(scores), found, _tied(scores, found, false_positive_rate))


def _tied(scores: NDArray[np.float64], found: float, false_positive_rate: float) -> tuple[float, float] | None:
    below, above = float((scores > found).mean()), float((scores >= found).mean())
    allowed = floor(_exact(false_positive_rate) * len(scores)) / len(scores)
    return (below, above) if below < NEARLY * allowed else None


def summarise(
    point: OperatingPoint | None, scores: NDArray[np.float64], attack: NDArray[np.bool_], flows_per_day: int
) -> dict[str, float]:
    """The metrics of a run: what the threshold does on test rows, and how well the scores part attacks from normal.

    `operating/alerts_per_day` are the false alarms of a day whose flows are all normal: the realised rate, times the
    flows. What does not exist is left out: everything at the threshold where there is none, a rate without rows to take
    it of, the areas without both kinds of rows.

    Args:
        point: from validation; None where that says nothing of these scores (`iot_ids.experiment.adaptation`).
        scores: of the test rows, `(rows,)`.
        attack: whether they are attacks, `(rows,)`.
        flows_per_day: how many flows a day has.
    """
    metrics = {} if point is None else {"operating/validation_normal_rows": float(point.validation_normal_rows)}
    if attack.any() and not attack.all():
        metrics["test/roc_auc"] = float(roc_auc_score(attack, scores))
        metrics["test/average_precision"] = float(average_precision_score(attack, scores))
    if point is None or point.threshold is None:
        return metrics
    metrics["operating/threshold"] = point.threshold
    if point.nearest is not None:
        metrics["operating/nearest_reachable_rate"] = point.nearest
    called = scores > point.threshold
    metrics |= _share("detection_rate", called[attack])
    false_alarms = _share("false_positive_rate", called[~attack])
    alerts = {
        name.replace("false_positive_rate", "alerts_per_day"): rate * flows_per_day
        for name, rate in false_alarms.items()
    }
    return metrics | false_alarms | alerts


def _share(name: str, called: NDArray[np.bool_]) -> dict[str, float]:
    """The share of rows called attacks, with its 95 % Wilson interval; nothing where there are no rows."""
    if not len(called):
        return {}
    low, high = wilson(int(called.sum()), len(called))
    return {
        f"operating/{name}": float(called.mean()),
        f"operating/{name}_low": low,
        f"operating/{name}_high": high,
    }


def _logarithm(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    logarithm: NDArray[np.float64] = np.log(np.maximum(probabilities, SMALLEST))
    return logarithm


def _exact(rate: float) -> Fraction:
    """The rate as it was typed: 0.29 is 29 of 100, which its float is not."""
    return Fraction(str(rate))


def cut(scores: NDArray[np.float64]) -> float:
    """The middle between the two neighbouring scores that part them into the groups farthest from each other.

    That is the largest variance between the groups, each mean weighed by its rows; the lowest of equals. Scores that
    are all the same have no two groups: then it is their value, and nothing lies above it.

    Args:
        scores: at least one, `(rows,)`.
    """
    ascending = np.sort(scores)
    rows, below = len(ascending), np.arange(1, len(ascending))
    if ascending[0] == ascending[-1]:
        return float(ascending[0])
    sums = np.cumsum(ascending)
    apart = sums[:-1] / below - (sums[-1] - sums[:-1]) / (rows - below)
    at = int(np.argmax(below * (rows - below) * apart**2))
    return float((ascending[at] + ascending[at + 1]) / 2)
