"""Select rows of a table, and find repeated ones, in little memory."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import polars as pl
from numpy.typing import NDArray

COLUMNS, THREADS = 8, 2
"""So many columns are moved at a time: few beside a table's 40, enough to keep the processors busy."""


def take_rows(table: pl.DataFrame, *parts: pl.Series | NDArray[np.int64]) -> list[pl.DataFrame]:
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


def first_of_equals(rows: pl.DataFrame) -> pl.Series:
    """True where no earlier row has the same values (-0.0 equals 0.0, NaN equals NaN, and null null).

    A row counts as repeated only after its values were compared with the earlier row's: two rows with one hash, which
    happens once in millions of files, are told apart.
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
