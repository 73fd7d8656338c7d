"""Which rows repeat an earlier one, found by their hashes: a table of whole rows to look up would be a second one."""

import polars as pl


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
