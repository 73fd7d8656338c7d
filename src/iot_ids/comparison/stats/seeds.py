"""Intervals and tests over seeds whose splits share rows, and Holm's correction for several tests.

Source of the variance: C. Nadeau and Y. Bengio, "Inference for the generalization error", Machine Learning 52 (2003).
Their splits are drawn again for each seed, so the scores are not independent and the usual variance of a mean, s^2/S,
is too small. They replace it by (1/S + n_test/n_train) s^2.

A proportion has two sources of uncertainty: the training draw, which shows as variance over seeds, and the test rows.
Seeds that draw their own test rows vary by both. Seeds with the same test rows do not vary by these; their binomial
variance is then added, as Agresti and Coull (1998) estimate it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf, nan, sqrt

import numpy as np
from scipy import stats

from iot_ids.metrics.intervals import CONFIDENCE, wilson

FEWEST_SEEDS = 10
"""From how many common seeds on a difference is tested; below, the tests say next to nothing."""
NO_VARIANCE = 1e-12


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


@dataclass(frozen=True)
class Proportion:
    """A share of `rows`, one value per seed, that counts `weight` times; negative where more of it is worse."""

    values: Sequence[float]
    rows: int
    weight: float = 1.0
    same_rows: bool = False
    """Whether every seed has the same rows."""

    def times(self, factor: float) -> "Proportion":
        """The same with its weight multiplied."""
        return replace(self, weight=self.weight * factor)


def summed(parts: Sequence[Proportion], test_to_train: float, start: float = 0.0) -> Estimate:
    """`start` plus the weighted sum of `parts`, its mean over seeds and its 95 % interval, cut to 0 and 1.

    A single seed, or a sum that never varied, has the sum of the Wilson intervals of the rows instead: always right is
    not surely right. For more than one part that interval is wider than need be.

    Args:
        parts: with the same seeds, in the same order.
        test_to_train: rows held out over rows trained on, where the seed draws them; 0 where every seed trains on the
            same rows.
        start: what is added.
    """
    values = start + np.sum([part.weight * np.asarray(part.values) for part in parts], axis=0)
    if len(values) < 2 or float(np.var(values)) < NO_VARIANCE:
        return _of_rows(parts, float(np.mean(values)), start)
    added = sum(_rows_variance(part) for part in parts if part.same_rows)
    return corrected(values.tolist(), test_to_train, 0.0, 1.0, added)


def _deviation(values: Sequence[float], test_to_train: float) -> float:
    return sqrt((1 / len(values) + test_to_train) * float(np.var(values, ddof=1)))


def _rows_variance(part: Proportion) -> float:
    """Binomial, with two rows of each kind added (Agresti and Coull 1998): nor is nearly always right surely right."""
    rows = part.rows + 4
    share = (float(np.mean(part.values)) * part.rows + 2) / rows
    return part.weight**2 * share * (1 - share) / rows


def _of_rows(parts: Sequence[Proportion], mean: float, start: float) -> Estimate:
    ends = np.full(2, start)
    for part in parts:
        low, high = wilson(round(float(np.mean(part.values)) * part.rows), part.rows)
        ends += part.weight * np.array([low, high] if part.weight > 0 else [high, low])
    return Estimate(mean, max(0.0, float(ends[0])), min(1.0, float(ends[1])))
