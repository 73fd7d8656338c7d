"""Intervals and tests over seeds whose splits share rows, and Holm's correction for several tests.

Source of the variance: C. Nadeau and Y. Bengio, "Inference for the generalization error", Machine Learning 52 (2003).
Their splits are drawn again for each seed, so the scores are not independent and the usual variance of a mean, s^2/S,
is too small. They replace it by (1/S + n_test/n_train) s^2.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, nan, sqrt

import numpy as np
from scipy import stats

from iot_ids.metrics.intervals import CONFIDENCE

FEWEST_SEEDS = 10
"""From how many common seeds on a difference is tested; below, the tests say next to nothing."""


@dataclass(frozen=True)
class Estimate:
    """A mean and the ends of its 95 % interval; NaN ends where there is none."""

    mean: float
    low: float = nan
    high: float = nan


@dataclass(frozen=True)
class Difference:
    """A method's score less the best one's. `p` is two-sided, not yet corrected; None where it was not tested."""

    estimate: Estimate
    seeds: int
    p: float | None = None


def corrected(
    values: Sequence[float], test_to_train: float, lowest: float = -inf, highest: float = inf, added: float = 0.0
) -> Estimate:
    """Mean +- t_{S-1} sqrt((1/S + n_test/n_train) s^2 + added) over S seeds, cut to `[lowest, highest]`.

    Fewer than two values have a mean and no interval. `added` is a variance that the seeds do not show.
    """
    mean = float(np.mean(values))
    if len(values) < 2:
        return Estimate(mean)
    reach = float(stats.t.ppf(0.5 + CONFIDENCE / 2, len(values) - 1)) * sqrt(
        _deviation(values, test_to_train) ** 2 + added
    )
    return Estimate(mean, max(lowest, mean - reach), min(highest, mean + reach))


def corrected_difference(scores: Sequence[float], best: Sequence[float], test_to_train: float) -> Difference:
    """Nadeau and Bengio's corrected resampled t-test of scores paired by seed, two-sided.

    Differences that do not vary are no chance: p is 0 then, or 1 where they are all zero.
    """
    differences = np.subtract(scores, best)
    estimate = corrected(list(differences), test_to_train)
    if len(differences) < FEWEST_SEEDS:
        return Difference(estimate, len(differences))
    deviation = _deviation(list(differences), test_to_train)
    if deviation < 1e-12:
        return Difference(estimate, len(differences), float(abs(estimate.mean) < 1e-12))
    p = 2 * stats.t.sf(abs(estimate.mean) / deviation, len(differences) - 1)
    return Difference(estimate, len(differences), float(p))


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Holm's adjusted p-values: the i-th smallest of m times m - i + 1, never below the ones before it, at most 1.

    Source: S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6
    (1979).
    """
    adjusted: dict[str, float] = {}
    reached = 0.0
    for rank, (name, p) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        reached = max(reached, min(1.0, (len(p_values) - rank) * p))
        adjusted[name] = reached
    return adjusted


def _deviation(values: Sequence[float], test_to_train: float) -> float:
    return sqrt((1 / len(values) + test_to_train) * float(np.var(values, ddof=1)))
