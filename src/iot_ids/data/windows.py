"""The last flows of the same source: what a network with `model.sequence=window` reads, one flow a step."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from iot_ids.common.errors import UserError
from iot_ids.data.checks import time_column
from iot_ids.data.clean import ROW_ID
from iot_ids.data.reading import layout
from iot_ids.data.reading.times import told, unknown
from iot_ids.data.schema import Columns, Dataset

PADDING = -1
"""Where a window has no flow: its source has sent too few. As a position, the last row."""


def windows(
    time: pl.Series, source: pl.Series, row_id: pl.Series, targets: NDArray[np.int64], window: int
) -> NDArray[np.int64]:
    """Positions `(targets, window)` of the flows that end at each target: the earliest first, the target last.

    They are the target and the flows of its source before it, by time and, where times are equal, by `row_id`: `window`
    in all, or as many as there are; the places behind them hold PADDING. A flow without a source or without a time
    (null, NaN) stands alone: its window is itself, and it is in no other's.

    Args:
        time, source, row_id: of each flow, `(flows,)`.
        targets: positions of the flows that windows are made for.
        window: places in a window, at least 1.
    """
    flows = pl.DataFrame({"source": source, "time": time, "row_id": row_id}).with_row_index("at")
    unknown = pl.col("source").is_null() | pl.col("time").is_null()
    if time.dtype.is_float():
        unknown |= pl.col("time").is_nan()
    ordered = flows.with_columns(alone=unknown).sort("source", "time", "row_id")
    other = pl.col("source").ne_missing(pl.col("source").shift())
    begins = ordered.select(other | pl.col("alone") | pl.col("alone").shift(fill_value=True)).to_series().to_numpy()
    order, places = ordered["at"].cast(pl.Int64).to_numpy(), np.arange(len(flows))
    first = np.maximum.accumulate(np.where(begins, places, 0))  # where the source's flows begin, in `order`
    place = np.empty(len(flows), dtype=np.int64)
    place[order] = places
    last = place[targets]
    length = np.minimum(last - first[last] + 1, window)
    steps = (last - length + 1)[:, None] + np.arange(window)
    return np.where(steps <= last[:, None], order[np.minimum(steps, len(flows) - 1)], PADDING)


def windows_of(
    flows: pl.DataFrame, columns: Columns, missing: Sequence[str], targets: NDArray[np.int64], window: int
) -> NDArray[np.int64]:
    """`windows` of flows with the dataset's columns, raw or clean; without ROW_ID they count as given in order.

    Raises:
        UserError: the time or the source column is not there, or the time holds text.
    """
    time, source = needed(columns)
    refuse_lacking(flows, [time, source])
    sources = flows.select(layout.label(layout.text(source, missing))).to_series()
    row_id = flows[ROW_ID] if ROW_ID in flows.columns else pl.Series(range(flows.height))
    return windows(_times(flows, time, columns.time_format, missing), sources, row_id, targets, window)


def needed(columns: Columns) -> list[str]:
    """The names of the time and of the source column."""
    return [name for name in (columns.time, columns.source) if name is not None]


def refuse_lacking(flows: pl.DataFrame, names: Sequence[str]) -> None:
    """Raise a UserError that lists those of `names` that are no column of `flows`."""
    lacking = [name for name in names if name not in flows.columns]
    if lacking:
        raise UserError(f"the flows lack the columns {', '.join(lacking)}; they have {', '.join(flows.columns)}")


def _times(flows: pl.DataFrame, name: str, form: str | None, missing: Sequence[str]) -> pl.Series:
    """The time column as it is where it has an order, from text where it is read as such; null where it has no time.

    `form` is the strptime format of text.
    """
    if flows[name].dtype.is_numeric() or flows[name].dtype.is_temporal():
        return flows[name]
    texts = flows.select(layout.text(name, missing)).to_series()
    if form is not None:
        return told(texts, form)
    times = texts.cast(pl.Float64, strict=False)
    odd = texts.filter(times.is_null() & texts.is_not_null())
    if len(odd):
        raise UserError(f"the time column {name} {unknown(odd)}")
    return times


def context(every: pl.DataFrame, part: pl.DataFrame, time: str) -> pl.DataFrame:
    """The flows of `every` from the first of `part` to its last, by time and then ROW_ID, that are not in `part`.

    Where the parts are stretches of time, these are the repeats that were left out as duplicates and, of validation,
    the rows of classes that train lacks; nothing of another part or of an embargo between two. In the order of `every`,
    with the columns of `part`.
    """
    ends = part.select(time, ROW_ID).sort(time, ROW_ID)
    (first, first_id), (last, last_id) = ends.row(0), ends.row(-1)
    when, row_id = pl.col(time), pl.col(ROW_ID)
    begun = (when > first) | ((when == first) & (row_id >= first_id))
    over = (when > last) | ((when == last) & (row_id > last_id))
    inside = every.filter(begun & ~over)
    return inside.join(part.select(ROW_ID), on=ROW_ID, how="anti", maintain_order="left").select(part.columns)


def context_of(part: str) -> str:
    """The name of a part's context among the tables."""
    return f"{part}_context"


def contexts_of(parts: dict[str, pl.DataFrame], every: pl.DataFrame, dataset: Dataset) -> dict[str, pl.DataFrame]:
    """The context of each of the `parts`, by `context_of` its name."""
    time = time_column(dataset)
    return {context_of(name): context(every, part, time) for name, part in parts.items()}
