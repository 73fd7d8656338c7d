"""Windows of the last flows of a source, which a network with `model.sequence=window` reads one flow per step."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from iot_ids.common.errors import UserError
from iot_ids.data.checks import time_column
from iot_ids.data.clean import ROW_ID
from iot_ids.data.reading import layout
from iot_ids.data.reading.times import explain, parse_times
from iot_ids.data.schema import Columns, Dataset

PADDING = -1
"""Fills a window if its source has sent too few flows. As a position, the last row."""


def windows(
    time: pl.Series, source: pl.Series, row_id: pl.Series, targets: NDArray[np.int64], window: int
) -> NDArray[np.int64]:
    """Return the positions `(targets, window)` of the flows in each target's window, earliest first, the target last.

    A window holds the target and its source's flows before it, by time and, for equal times, by `row_id`: up to
    `window` flows, then PADDING. A flow without a source or a time (null, NaN) is alone in its window, and in no other.

    Args:
        time, source, row_id: of each flow, `(flows,)`.
        targets: positions of the flows to make windows for.
        window: length of a window, at least 1.
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
    """Return the `windows` of raw or clean flows with the dataset's columns; without ROW_ID, they are in order.

    Raises:
        UserError: the time or the source column is missing, or the times are text.
    """
    time, source = needed(columns)
    refuse_lacking(flows, [time, source])
    sources = flows.select(layout.label(layout.text(source, missing))).to_series()
    row_id = flows[ROW_ID] if ROW_ID in flows.columns else pl.Series(range(flows.height))
    return windows(_times(flows, time, columns.time_format, missing), sources, row_id, targets, window)


def needed(columns: Columns) -> list[str]:
    """Return the names of the time and the source column."""
    return [name for name in (columns.time, columns.source) if name is not None]


def refuse_lacking(flows: pl.DataFrame, names: Sequence[str]) -> None:
    """Raise a UserError if `flows` lacks some of the columns `names`."""
    lacking = [name for name in names if name not in flows.columns]
    if lacking:
        raise UserError(f"the flows lack the columns {', '.join(lacking)}; they have {', '.join(flows.columns)}")


def _times(flows: pl.DataFrame, name: str, form: str | None, missing: Sequence[str]) -> pl.Series:
    """Return the time column as it is if it has an order, else parsed from text; null where a time is missing.

    `form` is the strptime format of text.
    """
    if flows[name].dtype.is_numeric() or flows[name].dtype.is_temporal():
        return flows[name]
    texts = flows.select(layout.text(name, missing)).to_series()
    if form is not None:
        return parse_times(texts, form)
    times = texts.cast(pl.Float64, strict=False)
    odd = texts.filter(times.is_null() & texts.is_not_null())
    if len(odd):
        raise UserError(f"the time column {name} {explain(odd)}")
    return times


def history(every: pl.DataFrame, part: pl.DataFrame, time: str) -> pl.DataFrame:
    """Return the flows between the first and last of `part`, by time and then ROW_ID, that are not in `part`.

    If the parts are stretches of time, these are the rows left out as duplicates and, for validation, those of classes
    that train lacks; none from another part or an embargo. In the order of `every`, with the columns of `part`.
    """
    ends = part.select(time, ROW_ID).sort(time, ROW_ID)
    (first, first_id), (last, last_id) = ends.row(0), ends.row(-1)
    when, row_id = pl.col(time), pl.col(ROW_ID)
    begun = (when > first) | ((when == first) & (row_id >= first_id))
    over = (when > last) | ((when == last) & (row_id > last_id))
    inside = every.filter(begun & ~over)
    return inside.join(part.select(ROW_ID), on=ROW_ID, how="anti", maintain_order="left").select(part.columns)


def history_of(part: str) -> str:
    """Return the name of a part's history among the tables."""
    return f"{part}_history"


def histories_of(parts: dict[str, pl.DataFrame], every: pl.DataFrame, dataset: Dataset) -> dict[str, pl.DataFrame]:
    """Return the history of each of the `parts`, by `history_of(name)`."""
    time = time_column(dataset)
    return {history_of(name): history(every, part, time) for name, part in parts.items()}
