"""What can be told from a text file's lines, before they are taken apart into cells."""

import gzip
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from itertools import islice
from pathlib import Path

import numpy as np
import polars as pl

from iot_ids.errors import UserError

LINE = "__line"
"""1-based line (or Parquet row) of a row in its file."""
CELLS = "__cells"
"""How many cells a line has, where that is not how many it should have."""
_TEXT = "__text"
_OPEN = "__open"


def first_line(file: Path) -> str:
    """The first line of a plain or gzip-compressed text file, without byte-order mark and line end.

    Raises:
        UserError: the file cannot be opened, is no text, is empty, or begins with a blank line.
    """
    try:
        with readable(file), _opened(file) as stream:
            line = stream.readline(1 << 20).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{file}: is no UTF-8 text ({error}); unpack or convert it first") from error
    if not line:
        raise UserError(f"{file}: is empty")
    if not line.strip():
        raise UserError(f"{file}:1: is a blank line; the first line has to name the columns or hold the first flow")
    return line.rstrip("\r\n")


@contextmanager
def readable(file: Path) -> Iterator[None]:
    """What goes wrong while the file is read, as a UserError."""
    try:
        yield
    except (pl.exceptions.PolarsError, OSError, EOFError, zlib.error) as error:
        raise UserError(f"{file}: cannot be read ({error}); is it whole? Get or unpack it again") from error


def top(file: Path, lines: int) -> bytes:
    """The first lines of a file that `first_line` can read. Polars takes far more of a file into memory for them."""
    with _opened(file) as stream:
        return b"".join(islice(stream, lines))


def blocks(file: Path, size: int) -> Iterator[bytes]:
    """The file in pieces of whole lines, of `size` bytes and what is left of the last line."""
    with _opened(file) as stream:
        while block := stream.read(size):
            yield block + stream.readline()


def count(file: Path) -> int:
    """How many lines the file has, the last one with or without its end. Polars takes ten times as long."""
    lines, last, block = 0, ord("\n"), np.empty(1 << 18, np.uint8)  # NumPy compares several bytes at once
    with _opened(file) as stream:
        while size := stream.readinto(block.data):
            lines, last = lines + int(np.count_nonzero(block[:size] == ord("\n"))), block[size - 1]
    return lines + int(last != ord("\n"))


def _opened(file: Path) -> BufferedReader | gzip.GzipFile:
    with file.open("rb") as raw:
        compressed = raw.read(2) == b"\x1f\x8b"
    return gzip.open(file, "rb") if compressed else file.open("rb")


def odd_lines(file: Path, separator: str, cells: int, first: int | None = None) -> pl.DataFrame:
    """Which lines, header included, have not `cells` cells: LINE and CELLS. Blank cells after the last do no harm.

    Only the `first` lines are looked at; None means all.

    Raises:
        UserError: the file is damaged, or a quotation mark is open at the end of a line: one line is not one flow.
    """

    def query(lines: pl.LazyFrame) -> pl.LazyFrame:
        bare = _without_quoted(pl.col(_TEXT), separator)
        looked_at = lines if first is None else lines.head(first)
        found = looked_at.with_row_index(LINE, 1).select(
            pl.col(LINE).cast(pl.Int64),
            _cells(bare, separator, cells),
            bare.str.contains(_opening(separator)).alias(_OPEN),
        )
        return found.filter((pl.col(CELLS) != cells) | pl.col(_OPEN))

    odd = _collected(file, query)
    unclosed = odd.filter(_OPEN)
    if unclosed.height:
        raise UserError(
            f"{file}:{unclosed[LINE][0]}: a quotation mark is not closed in its line; mend or remove that line"
        )
    return odd.drop(_OPEN)


def _without_quoted(text: pl.Expr, separator: str) -> pl.Expr:
    """Quoted cells may hold separators. Only a cell that begins with a quotation mark is one, as Polars reads it."""
    quoted = _opening(separator) + '(?:[^"]|"")*"'
    return pl.when(text.str.contains('"', literal=True)).then(text.str.replace_all(quoted, "${1}q")).otherwise(text)


def _opening(separator: str) -> str:
    """A quotation mark at the beginning of a cell; elsewhere in a cell it is a letter like any other."""
    return f'(^|{re.escape(separator)})"'


def _cells(bare: pl.Expr, separator: str, expected: int) -> pl.Expr:
    count = _count(bare, separator)
    without_blank = pl.max_horizontal(_count(bare.str.strip_chars_end(f"{separator} "), separator), expected)
    return pl.when(count > expected).then(without_blank).otherwise(count).alias(CELLS)


def _count(text: pl.Expr, separator: str) -> pl.Expr:
    return text.str.count_matches(separator, literal=True).cast(pl.Int64) + 1


def _collected(file: Path, query: Callable[[pl.LazyFrame], pl.LazyFrame]) -> pl.DataFrame:
    with readable(file):
        try:
            return query(pl.scan_lines(file, name=_TEXT, glob=False)).collect(engine="streaming")
        except pl.exceptions.ComputeError:  # bytes that are no UTF-8, which only the reader of CSV lets pass
            return query(_lossy(file)).collect(engine="streaming")


def _lossy(file: Path) -> pl.LazyFrame:
    """The lines by way of a separator that text does not hold."""
    lines = pl.scan_csv(
        file,
        has_header=False,
        separator="\x01",
        quote_char=None,
        schema={_TEXT: pl.String()},
        truncate_ragged_lines=True,
        extra_columns="ignore",
        encoding="utf8-lossy",
        glob=False,
    )
    return lines.with_columns(pl.col(_TEXT).fill_null(""))
