"""The bootstrap over test rows and seeds, for splits whose test rows are the same whatever the seed.

Rows of one class with the same predictions by every run are exchangeable: each such pattern is kept once with its
count, and a replicate draws counts of patterns within every class. That equals drawing the rows, only faster. All runs
of a table are resampled together, which pairs them by row.

Source: B. Efron and R. Tibshirani, "An Introduction to the Bootstrap" (1993), chapters 13 and 16.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iot_ids.comparison.stats.seeds import FEWEST_SEEDS, Difference, Estimate
from iot_ids.metrics.intervals import CONFIDENCE

CHUNK = 100
"""Replicates held in memory at a time."""


@dataclass(frozen=True)
class Predictions:
    """Test rows by pattern: `label` and `count` (of rows) `(patterns,)`, `answer` `(patterns, runs)`."""

    label: NDArray[np.int64]
    answer: NDArray[np.int64]
    count: NDArray[np.int64]
    classes: int


def of_rows(labels: NDArray[np.int64], predictions: NDArray[np.int64], classes: int) -> Predictions:
    """Count the patterns among rows: `labels` `(rows,)`, `predictions` `(rows, runs)`."""
    patterns, count = np.unique(np.column_stack([labels, predictions]), axis=0, return_counts=True)
    return Predictions(patterns[:, 0], patterns[:, 1:], count, classes)


def of_matrix(matrix: NDArray[np.int64]) -> Predictions:
    """Return the patterns of a single run: the cells of its confusion matrix."""
    label, answer = np.nonzero(matrix)
    return Predictions(label, answer[:, None], matrix[label, answer], len(matrix))


def resampled(predictions: Predictions, replicates: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Yield confusion matrices `(chunk, runs, classes, classes)` of resampled test sets; every class keeps its size."""
    generator = np.random.default_rng(seed)
    runs = predictions.answer.shape[1]
    for start in range(0, replicates, CHUNK):
        size = min(CHUNK, replicates - start)
        matrices = np.zeros((size, runs, predictions.classes, predictions.classes))
        for label in np.unique(predictions.label):
            inside = predictions.label == label
            count = predictions.count[inside]
            drawn = generator.multinomial(count.sum(), count / count.sum(), size).astype(np.float32)
            given = np.eye(predictions.classes, dtype=np.float32)[predictions.answer[inside]].reshape(len(count), -1)
            matrices[:, :, label, :] = (drawn @ given).reshape(size, runs, predictions.classes)
        yield matrices


def over_seeds(draws: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Average over seeds resampled with replacement: `(replicates, seeds)` to `(replicates,)`.

    The same seed and shape draw the same seeds, so that methods stay paired.
    """
    replicates, seeds = draws.shape
    drawn = np.random.default_rng(seed).integers(seeds, size=(replicates, seeds))
    return np.asarray(np.take_along_axis(draws, drawn, axis=1).mean(axis=1), dtype=np.float64)


def percentiles(mean: float, draws: NDArray[np.float64]) -> Estimate:
    """Return the observed mean with the 95 % percentile interval of `draws`."""
    low, high = np.quantile(draws, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Estimate(mean, float(low), float(high))


def paired_difference(mean: float, scores: NDArray[np.float64], best: NDArray[np.float64], seed: int) -> Difference:
    """Compare two methods on the same replicates: `scores` and `best` `(replicates, common seeds)`.

    The two-sided p is twice the share of replicates on the rarer side of zero, counting the observed sample as one.
    """
    seeds = best.shape[1]
    draws = over_seeds(scores, seed) - over_seeds(best, seed)
    estimate = percentiles(mean, draws)
    if seeds < FEWEST_SEEDS:
        return Difference(estimate, seeds)
    rarer = min(int((draws <= 0).sum()), int((draws >= 0).sum())) + 1
    return Difference(estimate, seeds, min(1.0, 2 * rarer / (len(draws) + 1)))
