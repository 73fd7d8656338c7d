"""Outlier rules: bounds learned on the training rows, which alone may lose rows by them (paper, step 2)."""

import numpy as np
from numpy.typing import NDArray


def iqr(x: NDArray[np.float32], factor: float) -> NDArray[np.bool_]:
    """Which rows of `x` `(rows, numbers)` lie within the quartiles and `factor` times their distance (Tukey 1977).

    A column whose quartiles are equal has no spread to judge by (counters that are mostly zero) and is left out of the
    rule. NaN, a missing number, is no outlier and counts for no quartile.
    """
    low, high = (np.nanquantile if np.isnan(x).any() else np.quantile)(x, [0.25, 0.75], axis=0)
    reach = np.where(high > low, factor * (high - low), np.inf)
    return np.asarray(np.all(~((x < low - reach) | (x > high + reach)), axis=1))
