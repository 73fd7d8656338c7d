"""Read rows directly into their types, without going through text.

For intact rows the result is bit for bit that of `reader.read_as_text`; the tests compare the two.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import polars as pl

from iot_ids.data.reading import layout
from iot_ids.data.reading.cells import csv, first_rows
from iot_ids.data.reading.lines import CELLS, LINE, PIECE, Quotes, blocks, lines_in, survey
from iot_ids.data.reading.packed import BROKEN, for_polars
from iot_ids.data.schema import Columns, Dataset, MissingNumbers

SHORT = "__short"
"""Whether a row's last cell is null, as in a line with too few cells; for Parquet, whether all cells are."""
LOOKED_AT = 100
"""Rows from the top that decide whether an identifier is a number or text; a wrong guess costs a second reading."""
THREADS = 2
"""Columns made contiguous at a time: few compared with a table's 40, enough to keep the processors busy."""


def number_columns(layouts: Sequence[layout.Layout], dataset: Dataset) -> list[str]:
    """Return the identifiers that hold a number in each of the first rows of every file that has them.

    Ports, and times with a declared format, are left out.
    """
    texts = {*dataset.columns.ports, *_written_times(layouts, dataset.columns)}
    wanted = Columns(identifiers=[name for name in dataset.columns.identifiers if name not in texts])
    frames = [first_rows(part, layout.declared(wanted), LOOKED_AT).drop(LINE, CELLS) for part in layouts]
    cells = [frame.select(layout.text(name, dataset.format.missing) for name in frame.columns) for frame in frames]
    return [
        column.name
        for column in pl.concat(cells, how="diagonal")
        if not column.null_count() and _numbers(column) is not None
    ]


def _written_times(layouts: Sequence[layout.Layout], columns: Columns) -> list[str]:
    """The time column if it has a declared format: its digits are not a number."""
    if columns.time is None or columns.time_format is None:
        return []
    return [] if all(layout.holds_times(part, columns.time) for part in layouts) else [columns.time]


def as_numbers(texts: pl.Series) -> pl.Series | None:
    """Convert categorical texts to float64; None if one of them is not a number."""
    values = texts.unique().drop_nulls()
    numbers = _numbers(values.cast(pl.String))
    return None if numbers is None else _mapped(texts, values, numbers)


def _numbers(texts: pl.Series) -> pl.Series | None:
    numbers = texts.cast(pl.Float64, strict=False)
    return None if numbers.null_count() else numbers


def read_typed(
    parts: Sequence[layout.Layout], dataset: Dataset, numbers: Sequence[str]
) -> tuple[pl.DataFrame, list[int]] | None:
    """Read the declared columns that the files have, and SHORT, in order; also return each file's number of rows.

    Numeric features are float32, identifiers in `numbers` and ports float64, all others categorical. None if a file has
    to be read as text. Several files are a group from `together`.
    """
    missing = pl.Series(dataset.format.missing, dtype=pl.String)
    if missing.str.strip_chars().cast(pl.Float64, strict=False).is_not_null().any():
        return None  # a number that means "no number"
    if parts[0].separator is None:
        frame = _parquet(parts[0], dataset.columns, numbers)
        return None if frame is None else (_named(frame, dataset), [frame.height])
    found = _text(parts, dataset.columns, numbers)
    return None if found is None else (_named(found[0], dataset), found[1])


def not_whole(frame: pl.DataFrame, dataset: Dataset) -> pl.Series | None:
    """Mark rows with a feature that is not a finite number, or a null last cell; None if there are none.

    Whole columns are tested first, since most files have no such row. Missing numbers are allowed if
    `dataset.missing_numbers` indicates them.
    """
    drop = dataset.missing_numbers is MissingNumbers.drop
    numbers = [name for name in dataset.columns.numeric if not _finite(frame[name], drop)]
    if not numbers and not frame[SHORT].any():
        return None
    tests = [pl.col(name).is_finite().not_().fill_null(drop) for name in numbers]
    return frame.select(pl.any_horizontal(SHORT, *tests)).to_series()


def rechunked(table: pl.DataFrame) -> pl.DataFrame:
    """Make each column of `table` contiguous, a few at a time, and return `table`."""
    with ThreadPoolExecutor(THREADS) as pool:
        for at, column in enumerate(pool.map(lambda at: table.to_series(at).rechunk(), range(table.width))):
            table.replace_column(at, column)
    return table


def _finite(numbers: pl.Series, all_there: bool) -> bool:
    return not (all_there and numbers.null_count()) and bool(numbers.is_finite().all())


def _text(
    parts: Sequence[layout.Layout], columns: Columns, numbers: Sequence[str]
) -> tuple[pl.DataFrame, list[int]] | None:
    part = parts[0]
    assert part.separator is not None
    content, heights = _content(parts) if len(parts) > 1 else (None, [])
    pieces = blocks(part.file, PIECE, part.header_lines, part.rows) if content is None else [content]
    lines, quotes = survey(pieces, part.separator, part.comment)
    if quotes is Quotes.odd:
        return None
    there = [name for name in layout.declared(columns) if name in part.names]
    kinds = {name: pl.Float64() if name in (*columns.numeric, *numbers) else pl.String() for name in part.names}
    with suppress(*BROKEN):  # text for a number, too many cells
        if content is None:
            frame = csv(for_polars(part.file), part, kinds, quotes, skip_lines=part.header_lines, n_rows=part.rows)
        else:
            frame = csv(content, part, kinds, quotes)
        rows = frame.select(*_cells(there, columns, numbers), pl.col(part.names[-1]).is_null().alias(SHORT))
        found = rows.collect(engine="streaming")
        return (rechunked(found), heights or [lines]) if found.height == lines else None
    return None


def _content(parts: Sequence[layout.Layout]) -> tuple[bytes, list[int]]:
    """Return the rows of text files, each line with its end, and the number of rows of each.

    Raises:
        UserError: a file cannot be read.
    """
    contents = [b"".join(blocks(part.file, PIECE, part.header_lines)) for part in parts]
    ended = [content if content.endswith(b"\n") or not content else content + b"\n" for content in contents]
    return b"".join(ended), [lines_in(content) if content else 0 for content in ended]


def _parquet(part: layout.Layout, columns: Columns, numbers: Sequence[str]) -> pl.DataFrame | None:
    """Read a Parquet file; None if a feature is not stored as a number, or a numeric identifier only as float32."""
    there = [name for name in layout.declared(columns) if name in part.names]
    stored = layout.scan_parquet(part, there)
    schema = stored.collect_schema()
    exact = (pl.Float64, *(pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64))
    fit = (*exact, pl.Float32)
    if any(schema[name] not in fit for name in columns.numeric) or any(
        schema[name] not in exact for name in numbers if name in schema
    ):
        return None
    rows = stored.with_columns(pl.col(name).cast(pl.Float64) for name in numbers if name in schema)
    blank = pl.all_horizontal(pl.col(name).is_null() for name in there)
    cells = rows.select(*_cells(there, columns, numbers), blank.alias(SHORT))
    return rechunked(cells.collect(engine="streaming"))


def _cells(there: Sequence[str], columns: Columns, numbers: Sequence[str]) -> Iterator[pl.Expr]:
    for name in there:
        if name in columns.numeric:
            yield pl.col(name).cast(pl.Float32)
        else:  # a CSV's texts cannot be read as categorical at once: Polars then takes `"tc"p` for a cell
            yield pl.col(name) if name in numbers else pl.col(name).cast(pl.String).cast(pl.Categorical)


def _named(frame: pl.DataFrame, dataset: Dataset) -> pl.DataFrame:
    """Normalise categorical values, and turn ports into numbers; a column has few values, however many rows."""
    names = [name for name, kind in frame.schema.items() if kind == pl.Categorical]
    return frame.with_columns(_renamed(frame[name], dataset) for name in names)


def _renamed(column: pl.Series, dataset: Dataset) -> pl.Series:
    name = column.name
    values = column.unique().drop_nulls()
    before = values.cast(pl.String)
    cell = layout.named(layout.text(name, dataset.format.missing), name, dataset.columns)
    after = before.to_frame(name).select(cell.alias(name)).to_series()
    if name in dataset.columns.ports:
        return _mapped(column, values, after)
    renamed = column if after.equals(before) else _mapped(column, values, after.cast(pl.Categorical))
    return renamed.fill_null(layout.MISSING_NAME) if name in dataset.columns.categorical else renamed


def _mapped(column: pl.Series, before: pl.Series, after: pl.Series) -> pl.Series:
    """Replace the values `before` of a categorical `column`, all that it has except null, by those of `after`.

    Looked up by the categories' codes: a column has few values, however many rows.
    """
    codes = before.to_physical()
    if codes.is_empty():
        return pl.Series(column.name, [None], dtype=after.dtype).new_from_index(0, len(column))
    every = pl.int_range(int(codes.to_numpy().max()) + 1, eager=True).cast(codes.dtype).to_frame("code")
    known = pl.DataFrame({"code": codes, "value": after})
    by_code = every.join(known, on="code", how="left", maintain_order="left")["value"]
    return by_code.gather(column.to_physical()).alias(column.name)
