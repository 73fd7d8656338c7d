"""Scalers: fitted on the training rows, saved as plain arrays."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from sklearn.preprocessing import QuantileTransformer

from iot_ids.common.onnx_graph import Graph
from iot_ids.common.typed_json import require
from iot_ids.features import onnx_ranks

Matrix = NDArray[np.float32]
BOUNDS_THRESHOLD = 1e-7
"""scikit-learn's own, of its QuantileTransformer: how near to the ends of the training rows counts as there."""


class Scaler(Protocol):
    """The interface of a scaler: built without arguments, fitted once, saved as arrays."""

    def fit(self, x: Matrix) -> None:
        """Learn from the training rows `(rows, features)`."""

    def transform(self, x: Matrix) -> Matrix:
        """Scale `(rows, features)`; NaN stays NaN."""

    def state(self) -> dict[str, NDArray[np.float64]]:
        """Return the fitted values as arrays."""

    def restore(self, state: dict[str, NDArray[np.float64]]) -> None:
        """Restore what `state` returned."""

    def to_onnx(self, graph: Graph, x: str) -> str:
        """Add the nodes of `transform` to `graph`; return the result's name. Without it, there is no export.

        `x` is float32 `(rows, features)`, and so is the result; for NaN it may be anything.
        """


class MinMax:
    """x' = (x - min) / (max - min) per column, with the training rows' min and max (paper, step 3).

    Other rows may fall outside [0, 1]; they are not clipped, so that unseen extremes stay visible. A column that is
    constant on the training rows becomes 0 on them.
    """

    def fit(self, x: Matrix) -> None:
        """Learn each column's smallest value and range."""
        self.low = x.min(axis=0).astype(np.float64)
        self.span = x.max(axis=0).astype(np.float64) - self.low

    def transform(self, x: Matrix) -> Matrix:
        """Scale `(rows, features)` to float32."""
        spans = np.where(self.span > 0, self.span, 1.0)
        scaled = np.empty(x.shape, dtype=np.float32)
        for at, (values, low, span) in enumerate(zip(x.T, self.low, spans, strict=True)):
            scaled[:, at] = (values - low) / span  # in float64, which all columns at once would hold twice
        return scaled

    def to_onnx(self, graph: Graph, x: str) -> str:
        """Add a subtraction and a division in float64."""
        low, span = (graph.constant(each, np.float64) for each in (self.low, np.where(self.span > 0, self.span, 1.0)))
        return graph.cast(graph.node("Div", graph.node("Sub", graph.cast(x, np.float64), low), span), np.float32)

    def state(self) -> dict[str, NDArray[np.float64]]:
        """Return `low` and `span`, one value per column."""
        return {"low": self.low, "span": self.span}

    def restore(self, state: dict[str, NDArray[np.float64]]) -> None:
        """Restore what `state` returned."""
        check_shapes(state, low="c", span="c")
        largest = 2 * float(np.finfo(np.float32).max)  # of float64, in which the largest span is rounded up
        possible = (state["span"] >= 0) & (np.abs(state["low"]) <= largest) & (state["low"] + state["span"] <= largest)
        require(possible.all(), "the scaler's low and span cannot come from float32 values")
        self.low, self.span = state["low"], state["span"]


class Quantile:
    """A value's rank among the training rows, as a standard normal deviate (scikit-learn's QuantileTransformer).

    Values beyond the training range become the outermost deviates (about 5.2). So does a column's smallest value,
    however many rows share it: an indicator column becomes its two ends, and a counter that is mostly zero jumps. Rare
    values stand out, but a network's units saturate; `Midrank` separates them less.
    """

    def fit(self, x: Matrix) -> None:
        """Learn 1,000 quantiles of each column, or as many as there are rows."""
        self.transformer = QuantileTransformer(
            n_quantiles=min(1000, len(x)), output_distribution="normal", subsample=100_000, random_state=0
        ).fit(x)

    def transform(self, x: Matrix) -> Matrix:
        """Scale `(rows, features)` to float32."""
        scaled = self.transformer.transform(x) if len(x) else x  # scikit-learn refuses tables without rows
        return np.asarray(scaled, dtype=np.float32)

    def to_onnx(self, graph: Graph, x: str) -> str:
        """Add interpolation and quantile function; ranks are rounded to float32 between them, as in scikit-learn."""
        columns = [_bounded(of, self.transformer.references_) for of in self.transformer.quantiles_.T]
        ranks = graph.cast(onnx_ranks.ranks(graph, x, columns), np.float32)
        end = BOUNDS_THRESHOLD - np.spacing(1)
        return _deviates(graph, graph.cast(ranks, np.float64), end)

    def state(self) -> dict[str, NDArray[np.float64]]:
        """Return the quantiles of each column and their ranks."""
        return {"quantiles": self.transformer.quantiles_, "references": self.transformer.references_}

    def restore(self, state: dict[str, NDArray[np.float64]]) -> None:
        """Restore what `state` returned."""
        check_shapes(state, quantiles="qc", references="q")
        check_quantiles(state["quantiles"], state["references"])
        self.transformer = QuantileTransformer(output_distribution="normal")
        self.transformer.quantiles_ = state["quantiles"]
        self.transformer.references_ = state["references"]
        self.transformer.n_quantiles_ = len(state["references"])
        self.transformer.n_features_in_ = state["quantiles"].shape[1]


class Midrank:
    """Normal scores: a rank among the training rows as a standard normal deviate; ties share their middle rank.

    A column of 99 % zeros and 1 % ones has them at -0.01 and 2.6, where `Quantile` has -5.2 and 5.2. Values beyond the
    training rows' range become the outermost deviates: 3.3 with 1,000 quantiles. A constant column becomes 0.
    """

    def fit(self, x: Matrix) -> None:
        """Learn 1,000 quantiles of each column, or as many as there are rows."""
        self.ranks = np.linspace(0, 1, min(1000, len(x)))
        observed = np.quantile(x, self.ranks, axis=0, method="nearest")  # interpolation would separate equal values
        self.quantiles = observed.astype(np.float64)

    def transform(self, x: Matrix) -> Matrix:
        """Scale `(rows, features)` to float32."""
        end = 0.5 / len(self.ranks)
        columns = [self._rank(values, of) for values, of in zip(x.T, self.quantiles.T, strict=True)]
        return np.asarray(ndtri(np.clip(np.column_stack(columns), end, 1 - end)), dtype=np.float32)

    def to_onnx(self, graph: Graph, x: str) -> str:
        """Add interpolation and quantile function."""
        columns = [onnx_ranks.interpolation(of, self.ranks) for of in self.quantiles.T]
        ranks = onnx_ranks.ranks(graph, x, columns)
        return _deviates(graph, ranks, 0.5 / len(self.ranks))

    def _rank(self, values: NDArray[np.float32], quantiles: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the middle of the first and last rank of each value; NaN stays NaN."""
        ranks = self.ranks
        last = np.interp(values, quantiles, ranks)
        first = -np.interp(-values, -quantiles[::-1], -ranks[::-1])
        return np.asarray((first + last) / 2)

    def state(self) -> dict[str, NDArray[np.float64]]:
        """Return the quantiles of each column and their ranks."""
        return {"quantiles": self.quantiles, "ranks": self.ranks}

    def restore(self, state: dict[str, NDArray[np.float64]]) -> None:
        """Restore what `state` returned."""
        check_shapes(state, quantiles="qc", ranks="q")
        check_quantiles(state["quantiles"], state["ranks"])
        self.quantiles, self.ranks = state["quantiles"], state["ranks"]


def _deviates(graph: Graph, ranks: str, end: float) -> str:
    """Add normal deviates of ranks that are clipped to `end` and 1 - `end`."""
    limits = graph.constant(end, np.float64), graph.constant(1 - end, np.float64)
    return graph.cast(onnx_ranks.normal_deviates(graph, graph.node("Clip", ranks, *limits)), np.float32)


def _bounded(quantiles: NDArray[np.float64], ranks: NDArray[np.float64]) -> onnx_ranks.Segments:
    """Return scikit-learn's function of one column: the ends reach BOUNDS_THRESHOLD inwards, in float32."""
    inner = onnx_ranks.smallest_float32(lambda x: ~(x - BOUNDS_THRESHOLD < quantiles[0]))
    outer = onnx_ranks.smallest_float32(lambda x: x + BOUNDS_THRESHOLD > quantiles[-1])
    ends = onnx_ranks.before(inner[0]), onnx_ranks.before(outer[0])
    return onnx_ranks.cut_off(onnx_ranks.interpolation(quantiles, ranks), *ends)


def check_shapes(state: Mapping[str, Any], **axes: str) -> None:
    """Check that a saved state has exactly these arrays of finite float64; axes with the same letter have equal length.

    Raises:
        ValueError: it has not; the message names the array.
    """
    require(state.keys() == axes.keys(), f"the scaler has {', '.join(state)}, and should have {', '.join(axes)}")
    lengths: dict[str, int] = {}
    for name, letters in axes.items():
        array = state[name]
        right = array.dtype == np.float64 and array.ndim == len(letters) and np.isfinite(array).all()
        fits = right and all(lengths.setdefault(each, n) == n for each, n in zip(letters, array.shape, strict=True))
        require(
            fits, f"the scaler's {name} is of type {array.dtype} and shape {array.shape}, and does not fit the others"
        )


def check_quantiles(quantiles: NDArray[np.float64], ranks: NDArray[np.float64]) -> None:
    """Raise a ValueError if saved quantiles or ranks decrease along the first axis, or ranks lie outside 0 to 1."""
    rise = all((np.diff(each, axis=0) >= 0).all() for each in (quantiles, ranks))
    require(
        len(ranks) and rise and ranks[0] >= 0 and ranks[-1] <= 1, "the scaler's quantiles or ranks are not in order"
    )


DIGITS = 2
"""Significant digits to which values are compared: 1,234 and 1,180 are both 1,200."""
SMALLEST = 1e-9
"""Smaller values are compared in steps of a tenth of it, so that 0 has a neighbourhood too."""
UNSEEN = 0.5
"""The count of a value that does not occur in the fitted rows: half a flow."""


class Share:
    """log10 of the share of fitted rows with the same value in that column, to two significant digits.

    0 if every row has the value, -3 if one in a thousand has. The value itself and its unit are discarded.
    """

    def fit(self, x: Matrix) -> None:
        """Count each column's values, ignoring NaN."""
        columns = [np.unique(_rounded(column[~np.isnan(column)]), return_counts=True) for column in x.T]
        self.values = [values for values, _ in columns]
        self.counts = [counts.astype(np.float64) for _, counts in columns]
        self.rows = float(len(x))

    def transform(self, x: Matrix) -> Matrix:
        """Transform `(rows, features)` to float32, at most 0; NaN stays NaN."""
        shares = np.empty(x.shape, dtype=np.float32)
        for at, (values, counts) in enumerate(zip(self.values, self.counts, strict=True)):
            shares[:, at] = np.log10(_counted(_rounded(x[:, at]), values, counts) / self.rows)
        return np.where(np.isnan(x), np.float32(np.nan), shares)

    def to_onnx(self, graph: Graph, x: str) -> str:
        """Add one step function per column: constant where values are rounded to the same."""
        columns = [self._steps(values, counts) for values, counts in zip(self.values, self.counts, strict=True)]
        return graph.cast(onnx_ranks.steps(graph, x, columns), np.float32)

    def _steps(
        self, values: NDArray[np.float64], counts: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the steps' ends, and their values: between those counted, that of a value never seen."""
        first = onnx_ranks.smallest_float32(lambda x: _rounded(x) >= values, len(values))
        beyond = onnx_ranks.smallest_float32(lambda x: _rounded(x) > values, len(values))
        ends = np.nextafter(np.column_stack([first, beyond]).ravel(), -np.inf)
        heights = np.full(len(ends) + 1, UNSEEN)
        heights[1::2] = counts
        return ends, np.log10(heights / self.rows)

    def state(self) -> dict[str, NDArray[np.float64]]:
        """Return all columns' values and counts concatenated, their lengths, and the number of fitted rows."""
        lengths = np.array([len(values) for values in self.values], dtype=np.float64)
        return {
            "values": np.concatenate([np.empty(0), *self.values]),
            "counts": np.concatenate([np.empty(0), *self.counts]),
            "lengths": lengths,
            "rows": np.array(self.rows),
        }

    def restore(self, state: dict[str, NDArray[np.float64]]) -> None:
        """Restore what `state` returned."""
        check_shapes(state, values="v", counts="v", lengths="c", rows="")
        lengths = state["lengths"]
        whole = (lengths >= 0).all() and (lengths % 1 == 0).all() and lengths.sum() == len(state["values"])
        require(whole, "the scaler's lengths do not match its values")
        require(state["rows"] >= 1 and (state["counts"] > 0).all(), "the scaler counted nothing")
        ends = np.cumsum(state["lengths"]).astype(np.int64)[:-1]
        self.values, self.counts = np.split(state["values"], ends), np.split(state["counts"], ends)
        self.rows = float(state["rows"])


def _rounded(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Round to two significant digits; float32 makes results equal that differ only by floating-point error."""
    exact = values.astype(np.float64)
    step = 10.0 ** (np.floor(np.log10(np.maximum(np.abs(exact), SMALLEST))) - (DIGITS - 1))
    return (np.round(exact / step) * step).astype(np.float32).astype(np.float64)


def _counted(x: NDArray[np.float64], values: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Look up how often each of `x` was counted; UNSEEN if it is not among the sorted `values`."""
    if not len(values):
        return np.full(len(x), UNSEEN)
    at = np.minimum(np.searchsorted(values, x), len(values) - 1)
    return np.where(values[at] == x, counts[at], UNSEEN)
