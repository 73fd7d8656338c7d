"""Detect how a file is laid out, and convert its cells to the declared types."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from iot_ids.common.errors import UserError
from iot_ids.common.text import list_first
from iot_ids.data.reading.lines import LINE, first_line
from iot_ids.data.reading.packed import BROKEN
from iot_ids.data.schema import Columns, Dataset, Format, Header

FILE = "__file"
"""Index of a row's file."""
MISSING_NAME = "missing"
"""The category of a categorical cell without a value."""
MISSING_NUMBER = -1.0
"""The value of a missing identifier used as a feature: ARP has no ports, and no row is dropped for it."""
LARGEST = (2 - 2**-23) * 2.0**127
"""The largest float32."""

A_SECOND = {"ms": 1e3, "us": 1e6, "ns": 1e9}
A_DAY = 86_400.0


@dataclass(frozen=True)
class Layout:
    """How a file is laid out: column names in order, separator, number of header lines. No separator means Parquet.

    Header lines are the comments before the names, and the line of names. `rows` limits the rows read from the top,
    blank lines included; None means all. A line that begins with `comment` is not a flow; empty, it marks none.
    """

    file: Path
    names: tuple[str, ...]
    separator: str | None
    header_lines: int
    rows: int | None = None
    comment: str = ""


def layout(file: Path, dataset: Dataset, rows: int | None = None) -> Layout:
    """Return the layout of `file`: as `dataset.format` says or, for `auto`, whatever fits its first line best.

    `rows` is only passed on: no row is read here.

    Raises:
        UserError: the file is empty, cannot be read, or lacks a column of the dataset (named, with those found); a
            column of a Parquet file holds lists or structures.
    """
    columns = dataset.columns
    parquet = file.suffix == ".parquet"
    found = _parquet_layout(file, columns) if parquet else _text_layout(file, dataset.format, columns)
    lacking = [name for name in (*columns.numeric, *columns.categorical, *columns.labels) if name not in found.names]
    if lacking:
        written = "" if found.separator is None else f" with separator {found.separator!r}"
        raise UserError(
            f"{file}: lacks {list_first(lacking, 12)} of dataset={dataset.name}; found {len(found.names)} columns"
            f"{written}: {list_first(found.names, 12)}. Choose the dataset=... that fits the file, or name its columns "
            "in dataset.columns"
        )
    return replace(found, rows=rows)


def stored(part: Layout, wanted: Sequence[str]) -> pl.LazyFrame:
    """Scan a Parquet file's rows in order: LINE and the columns of `wanted` that it has, as stored."""
    columns = [name for name in wanted if name in part.names]
    return scan_parquet(part, columns).with_columns(pl.col(LINE).cast(pl.Int64) + 1)


def scan_parquet(part: Layout, wanted: Sequence[str]) -> pl.LazyFrame:
    """Scan the columns `wanted` of a Parquet file, named as in its layout, and LINE from 0.

    Booleans become 0 and 1, bytes text. Times of any type become seconds, as float64: points in time since 1970 UTC
    (one without a zone counts as UTC), times of the day since midnight.
    """
    frame = pl.scan_parquet(part.file, row_index_name=LINE, n_rows=part.rows, glob=False)
    stored = [(name, kind) for name, kind in frame.collect_schema().items() if name != LINE]
    columns = {name: _plain(*each).alias(name) for name, each in zip(part.names, stored, strict=True)}
    return frame.select(LINE, *(columns[name] for name in wanted))


def holds_times(part: Layout, name: str) -> bool:
    """Whether a column is stored as times, which only Parquet can; true if the file lacks it."""
    if name not in part.names:
        return True
    if part.separator is not None:
        return False
    return pl.scan_parquet(part.file, glob=False).collect_schema().dtypes()[part.names.index(name)].is_temporal()


def declared(columns: Columns) -> list[str]:
    """Return the names of all columns to read, each once."""
    return list(dict.fromkeys([*columns.numeric, *columns.categorical, *columns.identifiers, *columns.labels]))


def text(name: str, missing: Sequence[str]) -> pl.Expr:
    """A column as text without surrounding blanks; null if that means "no value"."""
    stripped = pl.col(name).cast(pl.String).str.strip_chars()
    return pl.when(stripped.is_in(list({"", *missing})).not_()).then(stripped)


def number(cell: pl.Expr) -> pl.Expr:
    """Text as float64; null if it is not a number. `7.00E-06` and `inf` are numbers."""
    return cell.cast(pl.Float64, strict=False)


def float32(number: pl.Expr) -> pl.Expr:
    """A number as float32; a finite one beyond its range counts as its largest (NetFlow has byte counters of 1e41)."""
    return pl.when(number.is_finite()).then(number.clip(-LARGEST, LARGEST)).otherwise(number).cast(pl.Float32)


def port(cell: pl.Expr) -> pl.Expr:
    """Text as a port, float64: `0x0303` is 771, `80.0` is 80; -1 (ARP has no ports) is null."""
    hexadecimal = cell.str.replace("^0[xX]", "").str.to_integer(base=16, strict=False).cast(pl.Float64)
    value = pl.when(cell.str.contains("^0[xX]")).then(hexadecimal).otherwise(number(cell))
    return pl.when(value >= 0).then(value)


def identifier(number: pl.Expr) -> pl.Expr:
    """An identifier's number as a feature: float64 within float32's range; MISSING_NUMBER if missing."""
    return pl.when(number.is_finite()).then(number.clip(-LARGEST, LARGEST)).otherwise(MISSING_NUMBER)


def label(cell: pl.Expr) -> pl.Expr:
    """Text as a name; codes that became floats (`2.0`) are restored."""
    return cell.str.replace(r"^(-?\d+)\.0+$", "${1}")


def category(cell: pl.Expr) -> pl.Expr:
    """Text as a name; a missing value is a category of its own."""
    return label(cell).fill_null(MISSING_NAME)


def named(cell: pl.Expr, name: str, columns: Columns) -> pl.Expr:
    """A cell of the column `name`, which is not a numeric feature: a category, a port, or another name."""
    if name in columns.categorical:
        return category(cell)
    return port(cell) if name in columns.ports else label(cell)


def _parquet_layout(file: Path, columns: Columns) -> Layout:
    try:
        schema = pl.scan_parquet(file, glob=False).collect_schema()
    except BROKEN as error:
        raise UserError(f"{file}: is not a readable Parquet file ({error}); is it whole? Get it again") from error
    names = _unique([name.strip() for name in schema])
    wanted = set(declared(columns))
    for name, kind in zip(names, schema.dtypes(), strict=True):
        if kind.is_nested() and name in wanted:
            raise UserError(
                f"{file}: column {name} holds {kind}, not one value a row; store each in a column of its own"
            )
    return Layout(file, names, None, 0)


def _plain(name: str, kind: pl.DataType) -> pl.Expr:
    column, physical = pl.col(name), pl.col(name).to_physical().cast(pl.Float64)
    if isinstance(kind, pl.Datetime | pl.Duration):
        return physical / A_SECOND[kind.time_unit or "us"]
    if isinstance(kind, pl.Date):
        return physical * A_DAY
    if isinstance(kind, pl.Time):
        return physical / A_SECOND["ns"]
    if kind == pl.Binary:
        return column.map_batches(_decoded, return_dtype=pl.String(), is_elementwise=True)
    return column.cast(pl.Int8) if kind == pl.Boolean else column


def _decoded(cells: pl.Series) -> pl.Series:
    """Decode bytes; those that are not UTF-8 are replaced, as in text files."""
    try:
        return cells.cast(pl.String)
    except pl.exceptions.ComputeError:
        texts = [None if cell is None else cell.decode(errors="replace") for cell in cells]
        return pl.Series(cells.name, texts, dtype=pl.String)


def _text_layout(file: Path, form: Format, columns: Columns) -> Layout:
    line, comments = first_line(file, form.comment)
    names = set(declared(columns))
    separators = [",", ";", "\t"] if form.separator == "auto" else [form.separator]
    rows = {separator: _cells(file, line, separator) for separator in separators}
    separator = max(rows, key=lambda mark: (len(names.intersection(rows[mark])), len(rows[mark])))
    cells = rows[separator]
    if _has_header(cells, names, form):
        return Layout(file, _unique(cells), separator, comments + 1, comment=form.comment)
    if len(cells) != len(form.column_names):
        raise UserError(
            f"{file}:{comments + 1}: has {len(cells)} cells with separator {separator!r}, among them too few of the "
            f"dataset's column names; without a header {len(form.column_names) or 'no'} cells are expected "
            f"(dataset.format). It begins: {line[:120]}"
        )
    return Layout(file, tuple(form.column_names), separator, comments, comment=form.comment)


def _has_header(cells: Sequence[str], names: set[str], form: Format) -> bool:
    if form.header is not Header.auto:
        return form.header is Header.present
    if not form.column_names:
        return True
    return 2 * len(names.intersection(cells)) >= len(names)


def _cells(file: Path, line: str, separator: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=separator))]
    except csv.Error as error:
        raise UserError(f"{file}:1: is not a line of CSV ({error}); it begins: {line[:120]!r}") from error


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    """Replace blank names (index columns, blank columns) and repeated ones by names that no dataset declares."""
    return tuple(name if name and name not in names[:at] else f"__unnamed_{at}" for at, name in enumerate(names))
