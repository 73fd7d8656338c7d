"""Chi-square as a selector; the paper calls it K-square (step 5)."""

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_selection import chi2
from sklearn.preprocessing import minmax_scale


def scores(x: NDArray[np.float32], y: NDArray[np.int64]) -> NDArray[np.float64]:
    """The chi-square statistic of each column against the class: float64 `(features,)`, from 0, higher is better.

    The statistic of scikit-learn's `chi2`: observed sum of a column within each class against the sum that the class's
    share of rows would give (Liu and Setiono 1995 use counts in bins). It needs values of one size and no negative
    ones, hence the min-max copy of its own. A constant column scores 0.

    `x` is `(rows, features)`, `y` `(rows,)` holds class codes from 0.
    """
    statistic, _ = chi2(minmax_scale(x.astype(np.float64)), y)
    return np.asarray(np.nan_to_num(statistic), dtype=np.float64)
