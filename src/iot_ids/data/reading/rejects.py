"""Find the reason why a row cannot be used, and show the first such rows with file and line."""

from collections.abc import Iterable, Sequence

import polars as pl

from iot_ids.data.reading import layout
from iot_ids.data.reading.cells import tables
from iot_ids.data.reading.lines import CELLS, LINE
from iot_ids.data.schema import Dataset, MissingNumbers

REASON = "__reason"
"""Index into REASONS of why a row is dropped; 0 if it is kept."""
REASONS = (
    "kept",
    "blank line",
    "ragged",
    "text in a number column",
    "not finite",
    "missing number",
    "missing label",
    "comment",
)
KEPT, BLANK, RAGGED, TEXT, NOT_FINITE, NO_NUMBER, NO_LABEL, COMMENT = range(len(REASONS))
DAMAGED = (RAGGED, TEXT, NOT_FINITE)
"""Reasons that indicate a damaged or misread file, not values that were not measured."""
NUMBER = "__number_"
"""Prefix of a number column, beside the text that it was parsed from."""
SHOWN = 5


def reason(dataset: Dataset, there: Sequence[str]) -> pl.Expr:
    """The first reason to drop a row, as int8: comment, then in the order of REASONS. NO_LABEL is left to
    `iot_ids.data.clean`: only the taxonomy knows what a blank label means.

    The frame has CELLS, the columns `there` as `layout.text`, and the numbers as float32 under NUMBER + name.
    """
    names, drop = dataset.columns.numeric, dataset.missing_numbers is MissingNumbers.drop
    texts = [pl.col(name) for name in names]
    numbers = [pl.col(NUMBER + name) for name in names]
    tests = {
        COMMENT: pl.col(CELLS) == 0,
        BLANK: pl.all_horizontal(pl.col(name).is_null() for name in there),
        RAGGED: pl.col(CELLS).is_not_null(),
        TEXT: _any(cell.is_not_null() & value.is_null() for cell, value in zip(texts, numbers, strict=True)),
        NOT_FINITE: _any(value.is_finite().not_() for value in numbers),
        NO_NUMBER: _any(value.is_null() for value in numbers if drop),
    }
    found = pl.lit(KEPT)
    for code, test in reversed(tests.items()):
        found = pl.when(test).then(pl.lit(code)).otherwise(found)
    return found.cast(pl.Int8).alias(REASON)


def examples(rows: pl.DataFrame, layouts: Sequence[layout.Layout], dataset: Dataset) -> list[str]:
    """Describe the first SHOWN damaged rows: file, line, reason, and the faulty cells or their number."""
    bad = rows.filter(pl.col(REASON).is_in(DAMAGED)).head(SHOWN)
    return [
        f"{layouts[file].file}:{line}: {REASONS[code]}: "
        + (
            f"{cells} cells, not {len(layouts[file].names)}"
            if code == RAGGED
            else _faults(layouts[file], line, dataset)
        )
        for file, line, code, cells in bad.select(layout.FILE, LINE, REASON, CELLS).iter_rows()
    ]


def _faults(part: layout.Layout, line: int, dataset: Dataset) -> str:
    names, missing = dataset.columns.numeric, dataset.format.missing
    row = pl.concat(tables(part, names, pl.Series([line])))
    cells = row.select(layout.text(name, missing).alias(name) for name in names)
    finite = cells.select(layout.number(pl.col(name)).is_finite().alias(name) for name in names)
    found = zip(names, cells.row(0), finite.row(0), strict=True)
    return ", ".join(f"{name}={cell!r}" for name, cell, fine in found if cell is not None and not fine)


def _any(tests: Iterable[pl.Expr]) -> pl.Expr:
    return pl.any_horizontal(pl.lit(False), *tests)
