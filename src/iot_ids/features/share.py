"""How common a value is in its column: the one scale on which two networks can be laid side by side."""

import numpy as np
from numpy.typing import NDArray

from iot_ids.features.scale import Matrix, shaped
from iot_ids.kept import require

DIGITS = 2
"""Significant digits by which values count as the same: 1,234 and 1,180 are both 1,200."""
SMALLEST = 1e-9
"""Below it, values are told apart in steps of a tenth of it, so that 0 has a neighbourhood too."""
UNSEEN = 0.5
"""The count of a value that no fitted row has: half a flow."""


class Share:
    """log10 of the share of the fitted rows whose value in the same column is the same to two significant digits.

    0 where every row has the value, -3 where one in a thousand has. What the value is, and in which unit, is forgotten.
    """

    def fit(self, x: Matrix) -> None:
        """Count each column's values; NaN is none."""
        columns = [np.unique(_rounded(column[~np.isnan(column)]), return_counts=True) for column in x.T]
        self.values = [values for values, _ in columns]
        self.counts = [counts.astype(np.float64) for _, counts in columns]
        self.rows = float(len(x))

    def transform(self, x: Matrix) -> Matrix:
        """`(rows, features)`, float32, at most 0; NaN stays NaN."""
        shares = np.empty(x.shape, dtype=np.float32)
        for at, (values, counts) in enumerate(zip(self.values, self.counts, strict=True)):
            shares[:, at] = np.log10(_counted(_rounded(x[:, at]), values, counts) / self.rows)
        return np.where(np.isnan(x), np.float32(np.nan), shares)

    def state(self) -> dict[str, NDArray[np.float64]]:
        """The columns' values and their counts end to end, how many of them each column has, and the fitted rows."""
        lengths = np.array([len(values) for values in self.values], dtype=np.float64)
        return {
            "values": np.concatenate([np.empty(0), *self.values]),
            "counts": np.concatenate([np.empty(0), *self.counts]),
            "lengths": lengths,
            "rows": np.array(self.rows),
        }

    def restore(self, state: dict[str, NDArray[np.float64]]) -> None:
        """Take back what `state` gave."""
        shaped(state, values="v", counts="v", lengths="c", rows="")
        lengths = state["lengths"]
        whole = (lengths >= 0).all() and (lengths % 1 == 0).all() and lengths.sum() == len(state["values"])
        require(whole, "the scaler's lengths are not those of its values")
        require(state["rows"] >= 1 and (state["counts"] > 0).all(), "the scaler counted nothing")
        ends = np.cumsum(state["lengths"]).astype(np.int64)[:-1]
        self.values, self.counts = np.split(state["values"], ends), np.split(state["counts"], ends)
        self.rows = float(state["rows"])


def _rounded(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """To two significant digits; through float32, in which the same digits of two ways of rounding are equal."""
    exact = values.astype(np.float64)
    step = 10.0 ** (np.floor(np.log10(np.maximum(np.abs(exact), SMALLEST))) - (DIGITS - 1))
    return (np.round(exact / step) * step).astype(np.float32).astype(np.float64)


def _counted(x: NDArray[np.float64], values: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """How often each of `x` was counted; UNSEEN where it is none of the ascending `values`."""
    if not len(values):
        return np.full(len(x), UNSEEN)
    at = np.minimum(np.searchsorted(values, x), len(values) - 1)
    return np.where(values[at] == x, counts[at], UNSEEN)
