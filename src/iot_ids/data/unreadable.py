"""Rows that cannot be used: which reason each has, and the first of them shown with file and line."""

from collections.abc import Iterable, Sequence

import polars as pl

from iot_ids.data import read
from iot_ids.data.lines import CELLS, LINE, odd_lines
from iot_ids.data.spec import Columns, Dataset

REASON = "__reason"
"""Index into REASONS of why a row is dropped; 0 where it is kept."""
REASONS = ("kept", "blank line", "ragged", "text in a number column", "not finite", "missing number", "missing label")
KEPT, BLANK, RAGGED, TEXT, NOT_FINITE, NO_NUMBER, NO_LABEL = range(len(REASONS))
DAMAGED = (RAGGED, TEXT, NOT_FINITE)
"""Reasons that speak of a damaged or misread file, not of values that nobody measured."""
NUMBER = "__number_"
"""Prefix of a number column beside the text that it was read from."""
SHOWN = 5


def reason(columns: Columns, there: Sequence[str]) -> pl.Expr:
    """The first reason in REASONS for which a row has to go, as int8, but RAGGED: see `mark_ragged`.

    The frame has the declared columns that are `there` as `read.text`, and the numbers as float32 under NUMBER + name.
    """
    texts = [pl.col(name) for name in columns.numeric]
    numbers = [pl.col(NUMBER + name) for name in columns.numeric]
    tests = {
        BLANK: pl.all_horizontal(pl.col(name).is_null() for name in there),
        TEXT: _any(cell.is_not_null() & value.is_null() for cell, value in zip(texts, numbers, strict=True)),
        NOT_FINITE: _any(value.is_finite().not_() for value in numbers),
        NO_NUMBER: _any(value.is_null() for value in numbers),
        NO_LABEL: _any(pl.col(name).is_null() for name in columns.labels),
    }
    found = pl.lit(KEPT)
    for code, test in reversed(tests.items()):
        found = pl.when(test).then(pl.lit(code)).otherwise(found)
    return found.cast(pl.Int8).alias(REASON)


def ragged(layouts: Sequence[read.Layout]) -> pl.DataFrame:
    """The lines of the text files, as far as they are read, with too many or too few cells: FILE, LINE, CELLS.

    Raises:
        UserError: a file is damaged or a quotation mark in it is not closed.
    """
    schema = {read.FILE: pl.Int32(), LINE: pl.Int64(), CELLS: pl.Int64()}
    odd = [
        odd_lines(part.file, part.separator, len(part.names), part.rows and part.header_lines + part.rows).select(
            pl.lit(index, pl.Int32).alias(read.FILE), LINE, CELLS
        )
        for index, part in enumerate(layouts)
        if part.separator is not None
    ]
    return pl.concat([pl.DataFrame(schema=schema), *odd])


def mark_ragged(rows: pl.DataFrame, odd: pl.DataFrame) -> pl.DataFrame:
    """Give the rows on `odd` lines the reason RAGGED, blank lines excepted, and add CELLS."""
    marked = rows.join(odd, on=[read.FILE, LINE], how="left", maintain_order="left")
    wrong = pl.col(CELLS).is_not_null() & (pl.col(REASON) != BLANK)
    return marked.with_columns(pl.when(wrong).then(pl.lit(RAGGED, pl.Int8)).otherwise(REASON).alias(REASON))


def examples(rows: pl.DataFrame, layouts: Sequence[read.Layout], dataset: Dataset) -> list[str]:
    """The first SHOWN damaged rows: file, line, reason, and the cells at fault or how many there are."""
    bad = rows.filter(pl.col(REASON).is_in(DAMAGED)).head(SHOWN)
    return [
        f"{layouts[file].file}:{line}: {REASONS[code]}: "
        + (
            f"{cells} cells, not {len(layouts[file].names)}"
            if code == RAGGED
            else _faults(layouts[file], line, dataset)
        )
        for file, line, code, cells in bad.select(read.FILE, LINE, REASON, CELLS).iter_rows()
    ]


def _faults(part: read.Layout, line: int, dataset: Dataset) -> str:
    names, missing = dataset.columns.numeric, dataset.format.missing
    row = read.scan([part], Columns(numeric=names)).filter(pl.col(LINE) == line).head(1)
    cells = row.select(read.text(name, missing).alias(name) for name in names).collect()
    finite = cells.select(read.number(pl.col(name)).is_finite().alias(name) for name in names)
    found = zip(names, cells.row(0), finite.row(0), strict=True)
    return ", ".join(f"{name}={cell!r}" for name, cell, fine in found if cell is not None and not fine)


def _any(tests: Iterable[pl.Expr]) -> pl.Expr:
    return pl.any_horizontal(pl.lit(False), *tests)
