"""Confidence intervals for proportions and for macro-F1."""

from math import nan, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from iot_ids.metrics.confusion import f1_scores

CONFIDENCE = 0.95


def wilson(successes: int, total: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Compute the Wilson score interval of a proportion, reliable for few rows and for shares near 0 and 1.

    An empty class (`total` 0) gives `(nan, nan)`.

    Raises:
        ValueError: `successes` is not within `0 .. total`, or `confidence` not between 0 and 1.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the
    American Statistical Association 22 (1927); recommended over the usual interval by Brown, Cai and DasGupta,
    "Interval estimation for a binomial proportion", Statistical Science 16 (2001).
    """
    if not 0 <= successes <= total:
        raise ValueError(f"successes must lie within 0 and total = {total}, got {successes}.")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence}.")
    if total == 0:
        return nan, nan
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = successes / total
    centre = share + z**2 / (2 * total)
    spread = z * sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
    scale = 1 + z**2 / total
    # At a share of 0 or 1 one end is exact; rounding must not push it outside.
    low = 0.0 if successes == 0 else (centre - spread) / scale
    high = 1.0 if successes == total else (centre + spread) / scale
    return low, high


def bootstrap_f1_macro(matrix: NDArray[np.int64], seed: int, replicates: int = 2000) -> tuple[float, float]:
    """Compute the 95 % interval of macro-F1 by a stratified percentile bootstrap.

    Resampling a class's rows with replacement and counting their predicted classes is exactly one multinomial draw,
    with that row of the confusion matrix as its probabilities. So each replicate takes one draw per matrix row, and the
    test rows themselves are not needed again.

    It shows how the score varies with the test rows that happened to be drawn, not with the training seed. A class
    predicted without a mistake does not vary at all, however few rows it has: see its Wilson interval as well. For tiny
    classes the bootstrap is biased downwards, so that the score itself can lie outside its interval.

    Args:
        matrix: `(classes, classes)`, true rows, predicted columns. Empty classes as in `f1_macro`.
        seed: of the draws; the same seed and matrix give the same interval.
        replicates: the number of resampled test sets.

    Returns:
        Lower and upper end; `(nan, nan)` for a matrix without rows.

    Source: B. Efron and R. Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13.
    """
    rows = matrix.sum(axis=1)
    if rows.sum() == 0:
        return nan, nan
    shares = matrix / np.maximum(rows, 1)[:, None]
    draws = np.random.default_rng(seed).multinomial(rows, shares, size=(replicates, len(rows)))
    scores = np.nanmean(f1_scores(draws), axis=1)
    low, high = np.quantile(scores, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)
