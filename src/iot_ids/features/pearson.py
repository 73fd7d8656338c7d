"""Pearson correlation as a selector (paper, step 5)."""

import numpy as np
from numpy.typing import NDArray


def scores(x: NDArray[np.float32], y: NDArray[np.int64]) -> NDArray[np.float64]:
    """The largest |r| of each column with any class indicator: float64 `(features,)`, 0 to 1, higher is better.

    Pearson's r needs two numbers, and a class among several is none. The paper does not say how it bridged this; here a
    class c is the indicator 1[y = c], as in one-against-rest screening (the correlation criterion of Guyon and
    Elisseeff 2003, eq. 2, taken per class), so that a column that singles out one rare class scores high. For two
    classes both indicators give the same |r|. A constant column scores 0.

    `x` is `(rows, features)`, `y` `(rows,)` holds class codes from 0.
    """
    columns = x.astype(np.float64)
    columns -= columns.mean(axis=0)
    indicators = np.eye(int(y.max()) + 1)[y]
    indicators -= indicators.mean(axis=0)
    spread = np.outer(_norms(columns), _norms(indicators))
    r = np.abs(columns.T @ indicators) / np.where(spread > 0, spread, 1.0)
    return np.asarray(np.minimum(r.max(axis=1), 1.0), dtype=np.float64)


def _norms(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """The length of each column, without a second table of squares."""
    return np.asarray(np.sqrt(np.einsum("ij,ij->j", columns, columns)))
