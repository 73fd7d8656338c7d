"""Flows that only windows see: they lie in a part's stretch of time, but train, validate or test nothing."""

import polars as pl

from iot_ids.data.clean import ROW_ID
from iot_ids.data.declaration import time_column
from iot_ids.data.spec import Dataset


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
