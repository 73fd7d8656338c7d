"""Read a file's rows as text, cell by cell; every line is one row, whichever reader is used.

Polars' CSV reader treats a quotation mark inside a text in its own way, and may take several lines for one cell. It is
used for lines that it reads correctly; the others are split here.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import polars as pl

from iot_ids.common.errors import UserError
from iot_ids.data.reading.layout import Layout, stored
from iot_ids.data.reading.lines import (
    CELLS,
    LINE,
    Quotes,
    blocks,
    cells,
    is_open,
    lines_in,
    odd_cells,
    quotes_of,
    texts,
)
from iot_ids.data.reading.packed import readable

BLOCK, FEW = 16 * 2**20, 2**16
"""Bytes of text read at a time, from a whole file or from its first rows."""
_TEXT = "__text"


def tables(
    part: Layout, wanted: Sequence[str], lines: pl.Series | None = None, size: int = BLOCK
) -> Iterator[pl.DataFrame]:
    """Yield the rows of a file in order, as tables with LINE, CELLS, and the columns of `wanted` that the file has.

    Cells are text, null or empty if blank; those of Parquet are as stored, in one table with CELLS null. `lines`
    selects rows by line; None means all.

    Raises:
        UserError: the file cannot be read, or a quotation mark opens a cell and is not closed in its line.
    """
    if part.separator is None:
        with readable(part.file):
            frame = stored(part, wanted).with_columns(pl.lit(None, pl.Int64).alias(CELLS))
            yield (frame if lines is None else frame.filter(pl.col(LINE).is_in(lines.implode()))).collect()
        return
    yield _none(part, wanted)
    before = part.header_lines
    for block in blocks(part.file, size, part.header_lines, part.rows):
        height = lines_in(block)
        if lines is not None and not (lines > before).any():
            return
        if lines is None or lines.is_between(before + 1, before + height).any():
            yield _table(part, block, before, wanted, lines)
        before += height


def first_rows(part: Layout, wanted: Sequence[str], rows: int) -> pl.DataFrame:
    """Return the first `rows` rows of the file, as one table like those of `tables`."""
    few = replace(part, rows=rows if part.rows is None else min(part.rows, rows))
    return pl.concat(tables(few, wanted, size=FEW))


def csv(
    source: object, part: Layout, kinds: Mapping[str, pl.DataType], quotes: Quotes, **options: object
) -> pl.LazyFrame:
    """Read `source`, which quotes whole cells or none, with Polars' CSV reader, one row per line."""
    assert quotes is not Quotes.odd
    return pl.scan_csv(
        source,  # type: ignore[arg-type]
        has_header=False,
        separator=part.separator or ",",
        quote_char=None if quotes is Quotes.none else '"',
        schema=dict(kinds),
        missing_columns="insert",
        encoding="utf8-lossy",
        glob=False,
        **options,  # type: ignore[arg-type]
    )


def _table(part: Layout, block: bytes, before: int, wanted: Sequence[str], lines: pl.Series | None) -> pl.DataFrame:
    """Return the rows of `block`, which begins after the first `before` lines."""
    assert part.separator is not None
    rows = _cells(part, block, [name for name in wanted if name in part.names])
    there = texts(block).to_frame(_TEXT).hstack(rows).with_row_index(LINE, before + 1)
    there = there.with_columns(pl.col(LINE).cast(pl.Int64))
    if lines is not None:
        there = there.filter(pl.col(LINE).is_in(lines.implode()))
    text = pl.col(_TEXT)
    counted = there.lazy().with_columns(
        odd_cells(text, part.separator, len(part.names), part.comment), is_open(text, part.separator).alias(_TEXT)
    )
    found = counted.collect()
    if (unclosed := found.filter(pl.col(_TEXT) & (pl.col(CELLS).is_null() | (pl.col(CELLS) > 0)))).height:
        raise UserError(
            f"{part.file}:{unclosed[LINE][0]}: a quotation mark is not closed in its line; fix or remove that line"
        )
    return found.select(_none(part, wanted).columns)


def _cells(part: Layout, block: bytes, there: Sequence[str]) -> pl.DataFrame:
    assert part.separator is not None
    quotes = quotes_of(block, part.separator)
    if quotes is not Quotes.odd:
        kinds = dict.fromkeys(part.names, pl.String())
        rows = csv(block, part, kinds, quotes, extra_columns="ignore", truncate_ragged_lines=True)
        with suppress(pl.exceptions.PolarsError):  # `""x`
            if (found := rows.select(there).collect()).height == lines_in(block):
                return found
    apart = texts(block).to_frame(_TEXT).lazy().select(cells(pl.col(_TEXT), part.separator).alias(_TEXT))
    places = [pl.col(_TEXT).list.get(part.names.index(name), null_on_oob=True).alias(name) for name in there]
    return apart.select(places).collect()


def _none(part: Layout, wanted: Sequence[str]) -> pl.DataFrame:
    names = {name: pl.String() for name in wanted if name in part.names}
    return pl.DataFrame(schema={LINE: pl.Int64(), CELLS: pl.Int64(), **names})
