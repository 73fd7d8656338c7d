"""Chi-square as a selector; the paper calls it K-square (step 5)."""

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_selection import chi2
from sklearn.preprocessing import minmax_scale

COLUMNS = 8
"""So many are scored at a time: in float64, all of them would be twice the table."""


def scores(x: NDArray[np.float32], y: NDArray[np.int64]) -> NDArray[np.float64]:
    """The chi-square statistic of each column against the class: float64 `(features,)`, from 0, higher is better.

    The statistic of scikit-learn's `chi2`: observed sum of a column within each class against the sum that the class's
    share of rows would give (Liu and Setiono 1995 use counts in bins). It needs values of one size and no negative
    ones, hence the min-max copy of its own. A constant column scores 0.

    `x` is `(rows, features)`, `y` `(rows,)` holds class codes from 0.
    """
    parts = (x[:, start : start + COLUMNS] for start in range(0, x.shape[1], COLUMNS))
    statistics = [chi2(minmax_scale(part.astype(np.float64)), y)[0] for part in parts]
    return np.asarray(np.nan_to_num(np.concatenate(statistics)), dtype=np.float64)
