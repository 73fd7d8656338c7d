"""Intervals for proportions over seeds, and for sums of them such as a mean or a balanced accuracy.

Two things make such a number uncertain: the training draw, seen as variance over seeds, and the test rows. Where a
seed draws its own test rows, the variance over seeds holds both. Where the rows are the same for every seed, it knows
nothing of them, and their binomial variance is added, as Agresti and Coull (1998) estimate it. Source of the first:
Nadeau and Bengio (2003), see `statistics`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from iot_ids.comparison.stats.seeds import Estimate, corrected
from iot_ids.metrics.intervals import wilson

NO_VARIANCE = 1e-12


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
