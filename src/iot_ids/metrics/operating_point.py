"""The operating point: the score above which a flow is called an attack, and its false-alarm rate.

The threshold is chosen on validation's normal rows for a given false-positive rate; test rows only show the rate
realised. Row counts are computed exactly: 0.29 of 100 rows are 29.
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
"""The share of the requested rate that counts as reached: a few tied scores among many do no harm."""


@dataclass(frozen=True)
class OperatingPoint:
    """The requested rate, and the threshold from validation's normal rows: None if they are too few."""

    false_positive_rate: float
    validation_normal_rows: int
    threshold: float | None
    tied: tuple[float, float] | None = None
    """If tied scores put the rate out of reach: the reachable rates next to it, below (the threshold's) and above."""

    @property
    def nearest(self) -> float | None:
        """If the rate is out of reach, the closer of the two reachable rates."""
        return None if self.tied is None else min(self.tied, key=lambda rate: abs(rate - self.false_positive_rate))


def attack_scores(probabilities: NDArray[np.floating], normal: int) -> NDArray[np.float64]:
    """Score each flow by its log-odds of being an attack, `(rows,)`. NaN stays NaN.

    A probability would saturate at 1: all flows whose probability of being normal is below 1e-16 would be tied. A
    probability of 0 counts as SMALLEST.

    Args:
        probabilities: `(rows, classes)`.
        normal: the column of the normal class.
    """
    columns = probabilities.astype(np.float64)
    attack = np.delete(columns, normal, axis=1).sum(axis=1)
    score: NDArray[np.float64] = _logarithm(attack) - _logarithm(columns[:, normal])
    return score


def rows_needed(false_positive_rate: float) -> int:
    """Return the normal validation rows that a rate needs: it must allow at least one of them above the threshold."""
    return ceil(1 / _exact(false_positive_rate))


def can_state(false_positive_rate: float, normal_rows: int) -> bool:
    """Return whether this many normal validation rows suffice for the rate."""
    return normal_rows >= rows_needed(false_positive_rate)


def threshold(scores: NDArray[np.float64], false_positive_rate: float) -> float:
    """Return the smallest of these scores with at most `floor(rate * rows)` of them strictly above it.

    A flow is called an attack if its score is strictly above the threshold, so ties count as normal.

    Args:
        scores: of validation's normal rows, `(rows,)`.
        false_positive_rate: between 0 and 1.

    Raises:
        ValueError: there are too few rows for the rate (`can_state`).
    """
    rows = len(scores)
    if not can_state(false_positive_rate, rows):
        raise ValueError(f"{rows} rows are too few for a rate of {false_positive_rate}.")
    above = floor(_exact(false_positive_rate) * rows)
    return float(np.partition(scores, rows - 1 - above)[rows - 1 - above])


def operating_point(scores: NDArray[np.float64], false_positive_rate: float) -> OperatingPoint:
    """Choose the operating point on the scores of validation's normal rows; no threshold if they are too few."""
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
    """Compute a run's metrics: the threshold's rates on test rows, and how well the scores separate attacks.

    `operating/alerts_per_day` are the false alarms of a day with only normal flows: the realised rate times the flows.
    Undefined metrics are left out: those at the threshold if there is none, a rate without rows, and the areas under
    curves unless both kinds of rows occur.

    Args:
        point: from validation; None if it does not apply to these scores (`iot_ids.experiment.adaptation`).
        scores: of the test rows, `(rows,)`.
        attack: whether they are attacks, `(rows,)`.
        flows_per_day: the number of flows in a day.
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
    """Compute the share of rows called attacks with its 95 % Wilson interval; nothing without rows."""
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
    """Return the rate as typed: 0.29 is exactly 29 of 100, which its float is not."""
    return Fraction(str(rate))


def otsu_threshold(scores: NDArray[np.float64]) -> float:
    """Split scores into two groups by Otsu's method; return the midpoint between the scores next to the split.

    It maximises the variance between the groups, each mean weighted by its rows; ties go to the lowest split. If all
    scores are the same, their value is returned, and nothing lies above it.

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
