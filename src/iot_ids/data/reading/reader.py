"""Read every row of the files, typed; unusable rows are kept apart, each with its reason.

Files are read directly into types, several times faster than through text. The rows that fail are then read again as
text, to find out what is wrong with them. Small files are read together, so that the fixed cost is paid once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import polars.selectors as cs

from iot_ids.data.reading import layout, rejects
from iot_ids.data.reading.cells import tables
from iot_ids.data.reading.fast_path import SHORT, as_numbers, not_whole, number_columns, read_typed, rechunked
from iot_ids.data.reading.lines import CELLS, LINE
from iot_ids.data.reading.packed import readable
from iot_ids.data.reading.rejects import KEPT, NUMBER, REASON
from iot_ids.data.reading.times import parse_times, time_format
from iot_ids.data.schema import Columns, Dataset

ROW_ID = "__row_id"
"""Running number of a row over all files, from 0, by which predictions are traced back to flows."""
SMALL, TOGETHER = 2**20, 16 * 2**20
"""Largest size in bytes of a file that is read with its neighbours, and of all that are read at once."""


@dataclass(frozen=True)
class Rows:
    """The rows of the files in order.

    `usable` has ROW_ID, FILE and the declared columns that the files have: features float32 or categorical, never null
    unless missing numbers are indicated; ports, and identifiers that are all numbers, float64; other identifiers and
    labels categorical. A blank label is null.
    `odd` has the other rows: ROW_ID, FILE, LINE, REASON, CELLS and the labels as text. `heights` counts the rows of
    each file. `time_format` is the format by which a time column of text was parsed; None if there was none.
    """

    usable: pl.DataFrame
    odd: pl.DataFrame
    heights: list[int]
    time_format: str | None

    @property
    def height(self) -> int:
        """Number of rows read."""
        return sum(self.heights)


@dataclass(frozen=True)
class _Part:
    """The rows of some consecutive files."""

    usable: pl.DataFrame
    odd: pl.DataFrame
    heights: list[int]
    unsure: set[str]
    """Identifiers read as numbers that may be text."""


def rows_of(layouts: Sequence[layout.Layout], dataset: Dataset) -> Rows:
    """Read every file.

    Raises:
        UserError: a file cannot be read, or a quotation mark in it opens a cell and is not closed in its line.
    """
    groups = together(layouts)
    numbers = number_columns([group[0] for group in groups], dataset)
    while True:
        parts: list[_Part] = []
        heights: list[int] = []
        for group in groups:
            for part in _of_files(group, len(heights), sum(heights), dataset, numbers):
                parts.append(part)
                heights += part.heights
        unsure = set[str]().union(*(part.unsure for part in parts))
        if not unsure:
            return _joined(parts, dataset.columns)
        numbers = [name for name in numbers if name not in unsure]


def together(layouts: Sequence[layout.Layout]) -> list[list[layout.Layout]]:
    """Group the files, in order, by what can be read at once: small neighbouring text files with the same layout.

    Raises:
        UserError: a file cannot be read.
    """
    groups: list[list[layout.Layout]] = []
    held = 0
    for part in layouts:
        size = _size(part)
        if groups and held + size <= TOGETHER and replace(part, file=groups[-1][0].file) == groups[-1][0]:
            groups[-1].append(part)
        else:
            groups.append([part])
            held = 0
        held += size
    return groups


def _of_files(
    group: Sequence[layout.Layout], index: int, start: int, dataset: Dataset, numbers: Sequence[str]
) -> Iterator[_Part]:
    """Read the files from number `index` on; their first row is row `start` overall."""
    with readable(group[0].file):
        found = read_typed(group, dataset, numbers)
    if found is not None:
        yield _checked(group, index, start, dataset, numbers, *found)
    elif len(group) == 1:
        yield _carefully(group[0], index, start, dataset, numbers)
    else:
        for at, part in enumerate(group):
            for each in _of_files([part], index + at, start, dataset, numbers):
                yield each
                start += sum(each.heights)


def _size(part: layout.Layout) -> int:
    """Size in bytes; TOGETHER if the file has to be read by itself."""
    with readable(part.file):
        size = part.file.stat().st_size
    return size if part.separator is not None and part.rows is None and size <= SMALL else TOGETHER


def _checked(
    group: Sequence[layout.Layout],
    index: int,
    start: int,
    dataset: Dataset,
    numbers: Sequence[str],
    found: pl.DataFrame,
    heights: list[int],
) -> _Part:
    """Complete rows that `read_typed` gave: those that are not intact are read again as text."""
    wrong = not_whole(found, dataset)
    place = pl.Series(layout.FILE, np.repeat(np.arange(index, index + len(group), dtype=np.int32), heights))
    usable = found.drop(SHORT).with_columns(place).with_row_index(ROW_ID, start)
    if wrong is None:
        return _Part(usable, _none_odd(dataset), heights, _with_null(usable, numbers))
    again, before, places = [], 0, wrong.arg_true().cast(pl.Int64)
    for at, (part, height) in enumerate(zip(group, heights, strict=True)):
        here = places.filter(places.is_between(before, before + height, closed="left"))
        if len(here):
            lines = here - before + part.header_lines + 1
            again.append(_carefully(part, index + at, start + before, dataset, numbers, lines))
        before += height
    mended = [part.usable.select(usable.columns) for part in again if part.usable.height]
    whole = pl.concat([usable.filter(~wrong), *mended])
    unsure = _with_null(whole, numbers).union(*(part.unsure for part in again))
    odd = pl.concat(part.odd for part in again)
    return _Part(whole.sort(ROW_ID) if mended else whole, odd, heights, unsure)


def _carefully(
    part: layout.Layout,
    index: int,
    start: int,
    dataset: Dataset,
    numbers: Sequence[str],
    lines: pl.Series | None = None,
) -> _Part:
    """Read the file number `index` as text: its rows on `lines`, or all."""
    place = [pl.lit(index, pl.Int32).alias(layout.FILE), (pl.col(LINE) - (part.header_lines + 1) + start).alias(ROW_ID)]
    rows = read_as_text(part, dataset, lines).with_columns(place[0], place[1].cast(pl.get_index_type()))
    kept = rows.filter(pl.col(REASON) == KEPT).drop(LINE, REASON, CELLS)
    parsed = kept.select(pl.col(name).cast(pl.Float64, strict=False) for name in numbers if name in kept)
    unsure = {name for name in parsed.columns if parsed[name].null_count() > kept[name].null_count()}
    usable = kept.with_columns(parsed).with_columns(cs.string().cast(pl.Categorical))
    odd = rows.filter(pl.col(REASON) != KEPT).select(_none_odd(dataset).columns)
    return _Part(usable, odd, [rows.height], unsure)


def _with_null(rows: pl.DataFrame, numbers: Sequence[str]) -> set[str]:
    """The columns of `numbers` with a null, which may be a missing value, or text."""
    return {name for name in numbers if name in rows.columns and rows[name].null_count()}


def _none_odd(dataset: Dataset) -> pl.DataFrame:
    place = {ROW_ID: pl.get_index_type(), layout.FILE: pl.Int32, LINE: pl.Int64, REASON: pl.Int8, CELLS: pl.Int64}
    return pl.DataFrame(schema={**place, **dict.fromkeys(dataset.columns.labels, pl.String)})


def _joined(parts: list[_Part], columns: Columns) -> Rows:
    """Join `parts`, which is emptied. An identifier with only numbers becomes numeric, to keep its order, and so does a
    time in a known format.
    """
    heights, odd = [height for part in parts for height in part.heights], pl.concat([part.odd for part in parts])
    usable = pl.concat([part.usable for part in parts], how="diagonal")
    parts.clear()  # or their columns would stay in memory beside the contiguous ones
    usable = rechunked(usable)
    there = [name for name in layout.declared(columns) if name in usable.columns]
    texts = [name for name in columns.identifiers if name in there and usable[name].dtype == pl.Categorical]
    form = time_format(usable[columns.time], columns) if columns.time in texts else None
    numbers = [
        parse_times(usable[name].cast(pl.String), form) if form and name == columns.time else as_numbers(usable[name])
        for name in texts
    ]
    found = [column for column in numbers if column is not None]
    return Rows(usable.with_columns(found).select(ROW_ID, layout.FILE, *there), odd, heights, form)


def read_as_text(part: layout.Layout, dataset: Dataset, lines: pl.Series | None = None) -> pl.DataFrame:
    """Read LINE, REASON, CELLS and the declared columns that the file has, through text.

    Numbers are float32, ports float64, names and other identifiers text. `lines` selects rows by line; None means all.

    Raises:
        UserError: the file cannot be read, or a quotation mark opens a cell and is not closed in its line.
    """
    return pl.concat(typed(table, dataset) for table in tables(part, layout.declared(dataset.columns), lines))


def typed(table: pl.DataFrame, dataset: Dataset) -> pl.DataFrame:
    """As `read_as_text`, for rows that `tables` has read."""
    columns = dataset.columns
    there = [name for name in table.columns if name not in (LINE, CELLS)]
    texts = table.lazy().with_columns(layout.text(name, dataset.format.missing).alias(name) for name in there)
    parsed = texts.with_columns(
        layout.float32(layout.number(pl.col(name))).alias(NUMBER + name) for name in columns.numeric
    )
    rows = parsed.with_columns(rejects.reason(dataset, there)).select(
        LINE, REASON, CELLS, *(_cell(name, columns).alias(name) for name in there)
    )
    return rows.collect()


def _cell(name: str, columns: Columns) -> pl.Expr:
    return pl.col(NUMBER + name) if name in columns.numeric else layout.named(pl.col(name), name, columns)
