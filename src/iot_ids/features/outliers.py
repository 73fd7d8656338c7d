"""Outlier rules: bounds learned on the training rows, the only rows they may drop (paper, step 2)."""

import numpy as np
from numpy.typing import NDArray


def iqr(x: NDArray[np.float32], factor: float) -> NDArray[np.bool_]:
    """Mark the rows of `x` `(rows, numbers)` within `factor` interquartile ranges of the quartiles (Tukey 1977).

    A column with equal quartiles, such as a counter that is mostly zero, has no spread and is ignored. NaN, a missing
    number, is not an outlier and does not affect the quartiles.
    """
    low, high = (np.nanquantile if np.isnan(x).any() else np.quantile)(x, [0.25, 0.75], axis=0)
    reach = np.where(high > low, factor * (high - low), np.inf)
    return np.asarray(np.all(~((x < low - reach) | (x > high + reach)), axis=1))
