"""Pearson correlation as a selector (paper, step 5)."""

import numpy as np
from numpy.typing import NDArray

ROWS = 4_096
"""So many at a time: in float64 they fit the processor's caches, where all of them would be twice the table."""
ROUNDING = 1e-9
"""A column whose squares shrink to this share of themselves when its mean is taken off has but one value."""


def scores(x: NDArray[np.float32], y: NDArray[np.int64]) -> NDArray[np.float64]:
    """The largest |r| of each column with any class indicator: float64 `(features,)`, 0 to 1, higher is better.

    Pearson's r needs two numbers, and a class among several is none. The paper does not say how it bridged this; here a
    class c is the indicator 1[y = c], as in one-against-rest screening (the correlation criterion of Guyon and
    Elisseeff 2003, eq. 2, taken per class), so that a column that singles out one rare class scores high. For two
    classes both indicators give the same |r|. A constant column scores 0.

    `x` is `(rows, features)`, `y` `(rows,)` holds class codes from 0.
    """
    classes, features = int(y.max()) + 1, x.shape[1]
    near = x[:ROWS].mean(axis=0, dtype=np.float64)[:, None]  # taken off, so that sums of squares keep their digits
    sums, squares, products = np.zeros(features), np.zeros(features), np.zeros((features, classes))
    for start in range(0, len(x), ROWS):
        part = x[start : start + ROWS].T.astype(np.float64, order="C")
        part -= near
        sums += part.sum(axis=1)
        squares += np.einsum("ij,ij->i", part, part)
        products += part @ np.eye(classes)[y[start : start + ROWS]]
    counts = np.bincount(y, minlength=classes)
    shared = products - np.outer(sums, counts / len(y))
    own = squares - sums**2 / len(y)
    spread = np.sqrt(np.outer(np.where(own > ROUNDING * squares, own, 0), counts * (1 - counts / len(y))))
    r = np.divide(shared, spread, out=np.zeros_like(shared), where=spread > 0)
    return np.asarray(np.minimum(np.abs(r).max(axis=1), 1.0))
