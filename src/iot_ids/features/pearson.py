"""Pearson correlation as a selector (paper, step 5)."""

import numpy as np
from numpy.typing import NDArray

COLUMNS = 4
"""So many are scored at a time: in float64, all of them would be twice the table."""


def scores(x: NDArray[np.float32], y: NDArray[np.int64]) -> NDArray[np.float64]:
    """The largest |r| of each column with any class indicator: float64 `(features,)`, 0 to 1, higher is better.

    Pearson's r needs two numbers, and a class among several is none. The paper does not say how it bridged this; here a
    class c is the indicator 1[y = c], as in one-against-rest screening (the correlation criterion of Guyon and
    Elisseeff 2003, eq. 2, taken per class), so that a column that singles out one rare class scores high. For two
    classes both indicators give the same |r|. A constant column scores 0.

    `x` is `(rows, features)`, `y` `(rows,)` holds class codes from 0.
    """
    indicators = np.eye(int(y.max()) + 1)[y].T
    indicators -= indicators.mean(axis=1, keepdims=True)
    parts = [_correlations(x[:, start : start + COLUMNS], indicators) for start in range(0, x.shape[1], COLUMNS)]
    return np.asarray(np.minimum(np.abs(np.concatenate(parts)).max(axis=1), 1.0))


def _correlations(x: NDArray[np.float32], indicators: NDArray[np.float64]) -> NDArray[np.float64]:
    """r of each column with each centred indicator: `(columns, classes)`, 0 where one is constant."""
    columns = x.T.astype(np.float64, order="C")
    columns -= columns.mean(axis=1, keepdims=True)
    spread = np.outer(_lengths(columns), _lengths(indicators))
    return np.asarray(columns @ indicators.T / np.where(spread > 0, spread, 1.0))


def _lengths(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The length of each row, without a second table of squares."""
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", rows, rows)))
