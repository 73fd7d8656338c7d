"""What the training rows keep: rows within an outlier rule's bounds, columns by their scores (paper, steps 2 and 5)."""

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_selection import chi2, mutual_info_classif
from sklearn.preprocessing import minmax_scale

BLOCK_ROWS = 4_096
"""Rows per block: in float64 a block fits the processor's caches; the whole table would need twice its memory."""
ROUNDING = 1e-9
"""A column whose sum of squares shrinks to this share when its mean is subtracted counts as constant."""


def iqr(x: NDArray[np.float32], factor: float) -> NDArray[np.bool_]:
    """Mark the rows of `x` `(rows, numbers)` within `factor` interquartile ranges of the quartiles (Tukey 1977).

    A column with equal quartiles, such as a counter that is mostly zero, has no spread and is ignored. NaN, a missing
    number, is not an outlier and does not affect the quartiles.
    """
    low, high = (np.nanquantile if np.isnan(x).any() else np.quantile)(x, [0.25, 0.75], axis=0)
    reach = np.where(high > low, factor * (high - low), np.inf)
    return np.asarray(np.all(~((x < low - reach) | (x > high + reach)), axis=1))


def pearson(x: NDArray[np.float32], y: NDArray[np.int64]) -> NDArray[np.float64]:
    """Score each column by its largest |r| with any class indicator: float64 `(features,)`, 0 to 1, higher is better.

    Pearson's r needs two numbers, but a class is not a number. The paper does not say how it handled this; here a
    class c is the indicator 1[y = c], as in one-against-rest screening (the correlation criterion of Guyon and
    Elisseeff 2003, eq. 2, taken per class), so that a column that singles out one rare class scores high. For two
    classes both indicators give the same |r|. A constant column scores 0.

    `x` is `(rows, features)`, `y` `(rows,)` holds class codes from 0.
    """
    classes, features = int(y.max()) + 1, x.shape[1]
    near = x[:BLOCK_ROWS].mean(axis=0, dtype=np.float64)[:, None]  # subtracted to keep precision in the sums of squares
    sums, squares, products = np.zeros(features), np.zeros(features), np.zeros((features, classes))
    for start in range(0, len(x), BLOCK_ROWS):
        part = x[start : start + BLOCK_ROWS].T.astype(np.float64, order="C")
        part -= near
        sums += part.sum(axis=1)
        squares += np.einsum("ij,ij->i", part, part)
        products += part @ np.eye(classes)[y[start : start + BLOCK_ROWS]]
    counts = np.bincount(y, minlength=classes)
    shared = products - np.outer(sums, counts / len(y))
    own = squares - sums**2 / len(y)
    spread = np.sqrt(np.outer(np.where(own > ROUNDING * squares, own, 0), counts * (1 - counts / len(y))))
    r = np.divide(shared, spread, out=np.zeros_like(shared), where=spread > 0)
    return np.asarray(np.minimum(np.abs(r).max(axis=1), 1.0))


COLUMNS = 8
"""Columns scored at a time: in float64, the whole table would need twice its memory."""


def chi_square(x: NDArray[np.float32], y: NDArray[np.int64]) -> NDArray[np.float64]:
    """Score each column by its chi-square statistic with the class: float64 `(features,)`, from 0, higher is better.

    The statistic of scikit-learn's `chi2`: observed sum of a column within each class against the sum that the class's
    share of rows would give (Liu and Setiono 1995 use counts in bins). It needs non-negative values of the same
    scale, hence the min-max scaled copy. A constant column scores 0.

    `x` is `(rows, features)`, `y` `(rows,)` holds class codes from 0.
    """
    parts = (x[:, start : start + COLUMNS] for start in range(0, x.shape[1], COLUMNS))
    statistics = [chi2(minmax_scale(part.astype(np.float64)), y)[0] for part in parts]
    return np.asarray(np.nan_to_num(np.concatenate(statistics)), dtype=np.float64)


LARGEST_SAMPLE = 10_000
"""The estimate sorts the neighbours of every row; with more rows it hardly changes and only takes longer."""


def mutual_information(x: NDArray[np.float32], y: NDArray[np.int64]) -> NDArray[np.float64]:
    """Score each column by its mutual information with the class: nats, float64 `(features,)`, higher is better.

    Estimated from nearest neighbours (Ross 2014, as in scikit-learn) on at most LARGEST_SAMPLE rows, stratified by
    class; indicator columns are treated as discrete. Ties between values are broken by noise from a fixed seed: equal
    input gives equal scores. A column that is constant on these rows scores 0.

    `x` is `(rows, features)`, `y` `(rows,)` holds class codes from 0.
    """
    rows = np.argsort(y, kind="stable")[:: max(1, -(-len(y) // LARGEST_SAMPLE))]
    sample, labels = x[rows].astype(np.float64), y[rows]
    indicator = np.all((sample == 0) | (sample == 1), axis=0)
    information = mutual_info_classif(sample, labels, discrete_features=indicator, random_state=0)
    varying = sample.max(axis=0) > sample.min(axis=0)  # a constant column would score slightly from its noise
    return np.where(varying, information, 0.0)
