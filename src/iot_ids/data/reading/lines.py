"""Split text files into lines; one line is one row, whatever it contains.

Every reader of this package shares this definition of a line and of a quotation mark. A quotation mark that does not
open its cell is an ordinary character. A cell that opens with one ends with one, on the same line; two inside it mean
one.
"""

import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from enum import Enum
from io import BufferedIOBase, BytesIO
from itertools import islice
from pathlib import Path

import numpy as np
import polars as pl

from iot_ids.common.errors import UserError
from iot_ids.data.reading.packed import opened, readable

LINE = "__line"
"""1-based line (or Parquet row) of a row in its file."""
CELLS = "__cells"
"""Number of cells in a line, if it is not the expected number; 0 for a comment."""
PIECE = 2**18
"""Bytes scanned at a time, so that they stay in the processor's cache."""
NEWLINE, RETURN, MARK = b'\n\r"'


class Quotes(Enum):
    """How a text quotes its cells."""

    none = "none"
    plain = "plain"
    """Whole cells within a line, which every CSV reader reads alike."""
    odd = "odd"


def first_line(file: Path, comment: str = "") -> tuple[str, int]:
    """Return the first line of a text file, without byte-order mark and line end, and the number of comments before it.

    A comment is a line that begins with `comment`; an empty `comment` marks none.

    Raises:
        UserError: the file cannot be opened, is not text, is empty, or begins with a blank line.
    """
    try:
        with readable(file), opened(file) as stream:
            line, before = stream.readline(1 << 20).decode("utf-8-sig"), 0
            while comment and line.startswith(comment):
                line, before = stream.readline(1 << 20).decode(), before + 1
    except UnicodeDecodeError as error:
        raise UserError(f"{file}: is not UTF-8 text ({error}); unpack or convert it first") from error
    if not line:
        but = f" except for {before:,} lines that begin with {comment!r}" * bool(before)
        raise UserError(f"{file}: is empty{but}")
    if not line.strip():
        raise UserError(
            f"{file}:{before + 1}: is a blank line; the first line has to name the columns or hold the first flow"
        )
    return line.rstrip("\r\n"), before


def blocks(file: Path, size: int, skip: int = 0, limit: int | None = None) -> Iterator[bytes]:
    """Yield the file after its first `skip` lines, in pieces of `size` bytes extended to the end of the last line.

    At most `limit` lines; None means all.

    Raises:
        UserError: the file cannot be read.
    """
    with readable(file), opened(file) as stream:
        for _ in range(skip):
            stream.readline()
        if limit is None:
            yield from _pieces(stream, size)
            return
        for block in _pieces(stream, size):
            lines = lines_in(block)
            yield block if lines <= limit else b"".join(islice(BytesIO(block), limit))
            limit -= lines
            if limit <= 0:
                return


def _pieces(stream: BufferedIOBase, size: int) -> Iterator[bytes]:
    block = stream.read(size).removeprefix(BOM_UTF8)
    while block:
        yield block if block.endswith(b"\n") else block + stream.readline()
        block = stream.read(size)


def count(file: Path) -> int:
    """Return the number of lines, the last one with or without its end. Polars takes ten times as long.

    Raises:
        UserError: the file cannot be read.
    """
    return sum(map(lines_in, blocks(file, PIECE)))


def lines_in(block: bytes) -> int:
    """Return the number of lines in a piece of whole lines."""
    ends = int(np.count_nonzero(np.frombuffer(block, np.uint8) == NEWLINE))  # several bytes at once, unlike bytes.count
    return ends + (not block.endswith(b"\n"))


def survey(pieces: Iterable[bytes], separator: str, comment: str = "") -> tuple[int, Quotes]:
    """Return the number of lines, and how they quote their cells; comments make that odd."""
    lines, found, mark = 0, Quotes.none, comment.encode()
    for block in pieces:
        lines += lines_in(block)
        if mark and (block.startswith(mark) or b"\n" + mark in block):
            found = Quotes.odd
        if found is not Quotes.odd and b'"' in block:
            found = quotes_of(block, separator)
    return lines, found


def quotes_of(block: bytes, separator: str) -> Quotes:
    """Return how a piece of whole lines quotes its cells."""
    if b'"' not in block:
        return Quotes.none
    text = np.frombuffer(b"\n" + block.replace(b'""', b"") + b"\n\n", np.uint8)
    marks, ends = np.flatnonzero(text == MARK), np.flatnonzero(text == NEWLINE)
    if len(marks) % 2:
        return Quotes.odd
    opening, closing = marks[::2], marks[1::2]
    after = text[np.where(text[closing + 1] == RETURN, closing + 2, closing + 1)]
    after = np.where((text[closing + 1] == RETURN) & (after != NEWLINE), RETURN, after)
    between = (ord(separator), NEWLINE)
    plain = np.isin(text[opening - 1], between).all() and np.isin(after, between).all()
    return Quotes.plain if plain and (ends.searchsorted(opening) == ends.searchsorted(closing)).all() else Quotes.odd


def texts(block: bytes) -> pl.Series:
    """Return the lines of a piece of whole lines, without their ends. Bytes that are not UTF-8 become U+FFFD."""
    try:
        return pl.scan_lines(block).collect().to_series()
    except pl.exceptions.ComputeError:  # bytes that are not UTF-8
        return pl.scan_lines(block.decode("utf-8", "replace").encode()).collect().to_series()


def cells(text: pl.Expr, separator: str) -> pl.Expr:
    """A line as the list of its cells, at least one, without the quotation marks around them."""
    apart = re.escape(separator)
    every = (pl.lit(separator) + text).str.extract_all(f'{apart}(?:"(?:[^"]|"")*"[^{apart}]*|[^{apart}]*)')
    cell = pl.element().str.slice(1)
    quoted = cell.str.extract(r'^"((?:[^"]|"")*)"\s*$').str.replace_all('""', '"', literal=True)
    return every.list.eval(pl.coalesce(quoted, cell))


def odd_cells(text: pl.Expr, separator: str, expected: int, comment: str = "") -> pl.Expr:
    """CELLS: the number of cells in a line, null if it is the `expected` one. Trailing blank cells are ignored."""
    bare = _without_quoted(text, separator)
    found = _cells(bare, separator, expected)
    odd = pl.when(found != expected).then(found)
    return (pl.when(text.str.starts_with(comment)).then(0).otherwise(odd) if comment else odd).alias(CELLS)


def is_open(text: pl.Expr, separator: str) -> pl.Expr:
    """Whether a cell of the line opens with a quotation mark that is not closed on that line."""
    return _without_quoted(text, separator).str.contains(_opening(separator))


def _without_quoted(text: pl.Expr, separator: str) -> pl.Expr:
    quoted = _opening(separator) + '(?:[^"]|"")*"'
    return pl.when(text.str.contains('"', literal=True)).then(text.str.replace_all(quoted, "${1}q")).otherwise(text)


def _opening(separator: str) -> str:
    """A quotation mark at the beginning of a cell."""
    return f'(^|{re.escape(separator)})"'


def _cells(bare: pl.Expr, separator: str, expected: int) -> pl.Expr:
    count = _count(bare, separator)
    without_blank = pl.max_horizontal(_count(bare.str.strip_chars_end(f"{separator} "), separator), expected)
    return pl.when(count > expected).then(without_blank).otherwise(count)


def _count(text: pl.Expr, separator: str) -> pl.Expr:
    return text.str.count_matches(separator, literal=True).cast(pl.Int64) + 1
