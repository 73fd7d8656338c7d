"""Rows moved from one table into others, a few columns at a time, so that the memory never holds them all twice."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import polars as pl
from numpy.typing import NDArray

COLUMNS, THREADS = 8, 2
"""So many columns are moved at a time: few beside a table's 40, enough to keep the processors busy."""


def taken(table: pl.DataFrame, *parts: pl.Series | NDArray[np.int64]) -> list[pl.DataFrame]:
    """For each of `parts`, positions in `table`, the rows there. `table` is left without columns."""
    places = [pl.Series(part, dtype=pl.get_index_type()) for part in parts]
    found: list[list[pl.DataFrame]] = [[] for _ in parts]
    names = table.columns
    for start in range(0, len(names), COLUMNS):
        some = pl.DataFrame([table.drop_in_place(name) for name in names[start : start + COLUMNS]])
        for frames, rows in zip(found, places, strict=True):
            frames.append(some[rows])
    return [pl.concat(frames, how="horizontal") for frames in found]


def rechunked(table: pl.DataFrame) -> pl.DataFrame:
    """`table` with each column in one piece, made so a few at a time."""
    with ThreadPoolExecutor(THREADS) as pool:
        for at, column in enumerate(pool.map(lambda at: table.to_series(at).rechunk(), range(table.width))):
            table.replace_column(at, column)
    return table
