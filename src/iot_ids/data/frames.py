"""Select rows of a table and find duplicates, using little memory."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import polars as pl
from numpy.typing import NDArray

COLUMNS, THREADS = 8, 2
"""Columns moved at a time: few compared with a table's 40, enough to keep the processors busy."""


def take_rows(table: pl.DataFrame, *parts: pl.Series | NDArray[np.int64]) -> list[pl.DataFrame]:
    """Return the rows at each of `parts`, which are positions in `table`. `table` is left without columns."""
    places = [pl.Series(part, dtype=pl.get_index_type()) for part in parts]
    found: list[list[pl.DataFrame]] = [[] for _ in parts]
    names = table.columns
    for start in range(0, len(names), COLUMNS):
        some = pl.DataFrame([table.drop_in_place(name) for name in names[start : start + COLUMNS]])
        for frames, rows in zip(found, places, strict=True):
            frames.append(some[rows])
    return [pl.concat(frames, how="horizontal") for frames in found]


def rechunked(table: pl.DataFrame) -> pl.DataFrame:
    """Make each column of `table` contiguous, a few at a time, and return `table`."""
    with ThreadPoolExecutor(THREADS) as pool:
        for at, column in enumerate(pool.map(lambda at: table.to_series(at).rechunk(), range(table.width))):
            table.replace_column(at, column)
    return table


def first_of_equals(rows: pl.DataFrame) -> pl.Series:
    """Mark rows that equal no earlier row (-0.0 equals 0.0, NaN equals NaN, and null null).

    Rows with equal hashes are compared value by value, so that a collision, once in millions of files, does no harm.
    """
    hashes = rows.hash_rows().alias("hash")
    first = hashes.is_first_distinct()
    repeated, original = (~first).arg_true(), first.arg_true()
    known = pl.DataFrame({"hash": hashes.gather(original), "row": original})
    earlier = hashes.gather(repeated).to_frame().join(known, on="hash", how="left", maintain_order="left")["row"]
    if all(column.gather(repeated).eq_missing(column.gather(earlier)).all() for column in rows.iter_columns()):
        return first
    places = rows.with_row_index("__place").unique(subset=rows.columns, keep="first", maintain_order=True)["__place"]
    return pl.Series(range(rows.height), dtype=places.dtype).is_in(places.implode())
