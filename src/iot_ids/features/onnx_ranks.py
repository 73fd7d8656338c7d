"""The scalers that look a value up among the training rows', as nodes of an ONNX graph.

A column's function is piecewise linear: the graph finds the segment of every value and computes it as `np.interp` does,
to the last digit.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iot_ids.common.onnx_graph import Graph

CENTRAL, TAIL = 0.425, 1.6
"""AS 241's border between the middle and the tails, and where it centres the tails."""
A = (3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
     4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3)  # fmt: skip
B = (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3, 2.1213794301586595867e4,
     3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3)  # fmt: skip
C = (1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
     3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
     2.27238449892691845833e-2, 7.74545014278341407640e-4)  # fmt: skip
D = (1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1, 1.48103976427480074590e-1,
     1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9)  # fmt: skip


@dataclass(frozen=True)
class Segments:
    """One column's function. Segment `i` holds the values up to `ends[i]`, the last one all others.

    `table` `(segments, 5)`: the left end's value and rank, the slope, and the right end's value and rank, so that the
    two directions of `np.interp` are computed as NumPy does.
    """

    ends: NDArray[np.float64]
    table: NDArray[np.float64]


def interpolation(quantiles: NDArray[np.float64], ranks: NDArray[np.float64]) -> Segments:
    """Return the mean of `np.interp` from the left and from the right: equal quantiles share their middle rank."""
    values, first, counts = np.unique(quantiles, return_index=True, return_counts=True)
    last = first + counts - 1
    ends, rows = [before(values[0])], [(0.0, ranks[0], 0.0, 0.0, ranks[0])]
    for at, value in enumerate(values):
        if counts[at] > 1 or at == len(values) - 1:
            ends.append(value)
            rows.append((0.0, ranks[last[at]], 0.0, 0.0, ranks[first[at]]))
        if at + 1 < len(values):
            low, high, right = ranks[last[at]], ranks[first[at + 1]], values[at + 1]
            ends.append(before(right))
            rows.append((value, low, (high - low) / (right - value), right, high))
    rows.append((0.0, ranks[-1], 0.0, 0.0, ranks[-1]))
    return Segments(np.array(ends), np.array(rows))


def cut_off(segments: Segments, below: float, above: float) -> Segments:
    """Return the function that is 0 up to `below`, 1 above `above`, and unchanged between; 0 where both apply."""
    inside = (segments.ends > below) & (segments.ends < above)
    ends = np.unique([below, *segments.ends[inside], max(above, below)])
    at = np.searchsorted(segments.ends, ends)
    zero, one = (0.0, 0.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0, 1.0)
    return Segments(ends, np.array([zero, *segments.table[at[1:]], one]))


def ranks(graph: Graph, x: str, columns: Sequence[Segments]) -> str:
    """Add the nodes that compute each column's function of `x`, float32 `(rows, columns)`: float64."""
    places, width = _places(graph, x, [each.ends for each in columns])
    table = np.concatenate([_padded(each.table, width) for each in columns])
    found = graph.node("Gather", graph.number(table), places)  # rows, columns, 5: one gather is faster than five
    parts = graph.nodes("Split", found, axis=2, num_outputs=5, outputs=5)
    shape, x = graph.constant([0, len(columns)], np.int64), graph.cast(x, np.float64)
    left, low, slope, right, high = (graph.node("Reshape", part, shape) for part in parts)
    forward = graph.node("Add", graph.node("Mul", slope, graph.node("Sub", x, left)), low)
    backward = graph.node("Sub", high, graph.node("Mul", slope, graph.node("Sub", right, x)))
    return graph.node("Mul", graph.node("Add", forward, backward), graph.number(0.5))


def steps(graph: Graph, x: str, columns: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> str:
    """Add the nodes of step functions of `x`, float32: per column `ends`, and one value more than there are ends."""
    places, width = _places(graph, x, [ends for ends, _ in columns])
    values = np.concatenate([_padded(values, width) for _, values in columns])
    return graph.node("Gather", graph.number(values), places)


def _places(graph: Graph, x: str, ends: Sequence[NDArray[np.float64]]) -> tuple[str, int]:
    """Add the nodes that find each value's segment: int64 `(rows, columns)`, numbered `width` apart by column.

    The number of ends below a value is its segment. They are counted in two steps, among every n-th end and then among
    the n between two of these: a search in halves would take more nodes, and a decision tree is 3 times slower.
    Ends are rounded down to float32, as the values have no more digits.
    """
    side = int(np.ceil(np.sqrt(max(len(each) for each in ends) + 1)))
    grid = np.stack([_padded(_floor(each), side**2, np.inf) for each in ends]).reshape(len(ends), side, side)
    value = graph.node("Unsqueeze", x, graph.constant([2], np.int64))  # rows, columns, 1
    row = _count_below(graph, value, graph.constant(grid[None, :, :-1, -1], np.float32))
    offsets = np.arange(len(ends)) * side
    within = graph.node("Add", row, graph.constant(offsets, np.int64))
    few = graph.node("Gather", graph.constant(grid.reshape(-1, side), np.float32), within)  # rows, columns, side
    first = graph.node("Mul", within, graph.constant(side, np.int64))
    return graph.node("Add", first, _count_below(graph, value, few)), side**2


def _count_below(graph: Graph, value: str, ends: str) -> str:
    above = graph.cast(graph.node("Greater", value, ends), np.float32)
    return graph.cast(graph.node("ReduceSum", above, graph.constant([2], np.int64), keepdims=0), np.int64)


def _floor(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the largest float32 up to each value, as float64."""
    with np.errstate(over="ignore"):
        near = values.astype(np.float32)
    return np.where(near > values, np.nextafter(near, np.float32(-np.inf)), near).astype(np.float64)


def _padded(values: NDArray[np.float64], length: int, by: float = 0.0) -> NDArray[np.float64]:
    """Lengthen the first axis."""
    return np.pad(values, [(0, length - len(values)), *[(0, 0)] * (values.ndim - 1)], constant_values=by)


def normal_deviates(graph: Graph, ranks: str) -> str:
    """Add the normal distribution's quantile function of float64 ranks from 1e-7 to 1 - 1e-7: float64, to 1e-15.

    Source: Wichura, "Algorithm AS 241", Applied Statistics 37, 1988; its outermost region is not needed here.
    """
    add = graph.node
    p = add("Reshape", ranks, graph.constant([1, -1], np.int64))
    q = add("Sub", p, graph.number(0.5))
    aside = add("Abs", q)
    central = add("LessOrEqual", aside, graph.number(CENTRAL))
    logarithm = add("Neg", add("Log", add("Min", p, add("Sub", graph.number(1), p))))
    tail = add("Sub", add("Sqrt", logarithm), graph.number(TAIL))
    t = add("Where", central, add("Sub", graph.number(0.180625), add("Mul", q, q)), tail)
    t2 = add("Mul", t, t)
    t3, t4 = add("Mul", t2, t), add("Mul", t2, t2)
    powers = [t, t2, t3, t4, add("Mul", t4, t), add("Mul", t4, t2), add("Mul", t4, t3)]
    constant, *weights = np.column_stack([A, B, C, D])
    product = add("MatMul", graph.number(np.transpose(weights)), add("Concat", *powers, axis=0))
    sums = add("Add", product, graph.number(constant[:, None]))
    parts = graph.nodes("Split", sums, axis=0, num_outputs=4, outputs=4)
    above, below = (add("Where", central, parts[at], parts[at + 2]) for at in (0, 1))
    signed = add("Where", central, q, add("Sign", q))
    z = add("Mul", add("Div", above, below), signed)
    return add("Reshape", z, add("Shape", ranks))


def smallest_float32(holds: Callable[[NDArray[np.float32]], NDArray[np.bool_]], count: int = 1) -> NDArray[np.float64]:
    """Find by bisection the smallest finite float32 for which a rising condition holds, `(count,)`; inf if none."""
    low, high = (
        np.full(count, -_ordered(np.float32(np.finfo(np.float32).max)) - 1),
        np.full(count, _ordered(np.float32(np.inf))),
    )
    while (high - low > 1).any():
        middle = (low + high) // 2
        right = holds(_float32(middle))
        low, high = np.where(right, low, middle), np.where(right, middle, high)
    return _float32(high).astype(np.float64)


def _ordered(value: np.float32) -> int:
    return int(value.view(np.int32))


def _float32(order: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the float32 at a place in the order of all of them, where 0 is zero."""
    bits = np.where(order >= 0, order, -order).astype(np.int32)
    return np.where(order >= 0, 1, -1).astype(np.float32) * bits.view(np.float32)


def before(value: float) -> float:
    """Return the next smaller float64."""
    return float(np.nextafter(value, -np.inf))
