"""Read flows from text of any size, a batch of rows at a time, each line a row, as `iot-ids score` reads them."""

import bz2
import csv
import gzip
import io
import lzma
import re
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from iot_ids.gateway.detector import DetectorError, Facts

BATCH = 1_024
"""Lines read and scored at a time."""
BLANKS = "".join(chr(code) for code in range(0x3001) if chr(code).isspace() and not 0x1C <= code <= 0x1F)
"""What surrounds a cell: Unicode's white space, without the separators that Python also strips."""
PACKED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
"""How packed files begin, and what opens them."""
UNREADABLE = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, csv.Error)
HEXADECIMAL = re.compile(r"0[xX][0-9a-fA-F]+", re.ASCII)
LARGEST = 2**63 - 1
csv.field_size_limit(2**31 - 1)
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
WHOLE = re.compile(r"(-?\d+)\.0+", re.ASCII)


@dataclass(frozen=True)
class Batch:
    """Rows in a detector's own order of columns; `whole` is false for lines with too many or too few cells."""

    lines: NDArray[np.int64]
    numbers: NDArray[np.float64]
    texts: NDArray[np.object_]
    whole: NDArray[np.bool_]


def batches(file: Path | None, facts: Facts, size: int = BATCH) -> Iterator[Batch]:
    """Yield the rows of a CSV file, plain or packed by gzip, bzip2 or xz; None reads standard input.

    Raises:
        DetectorError: the file cannot be read, or lacks a column (named).
    """
    name = "standard input" if file is None else str(file)
    try:
        with _opened(file) as stream:
            yield from _batches(stream, name, facts, size)
    except UNREADABLE as error:
        raise DetectorError(f"{name}: {getattr(error, 'strerror', None) or error}") from error


def parse(
    rows: Sequence[Sequence[str]], places: Sequence[int], facts: Facts
) -> tuple[NDArray[np.float64], NDArray[np.object_]]:
    """Turn cells into the detector's numbers and texts; `places` are their columns in a row, numbers first."""
    missing, of_numbers = {"", *facts.missing}, places[: len(facts.numbers)]
    numbers = np.empty((len(rows), len(of_numbers)))
    for at, (name, place) in enumerate(zip(facts.numbers, of_numbers, strict=True)):
        read = port if name in facts.ports else number
        numbers[:, at] = [read(row[place].strip(BLANKS), missing) for row in rows]
    texts = np.empty((len(rows), len(facts.texts)), dtype=object)
    for at, place in enumerate(places[len(of_numbers) :]):
        texts[:, at] = [text(row[place].strip(BLANKS), missing) for row in rows]
    return numbers, texts


def number(cell: str, missing: set[str]) -> float:
    """Read a number: NaN if it is missing, infinite if the cell holds anything else."""
    if cell in missing:
        return np.nan
    return float(cell) if NUMBER.fullmatch(cell) else np.inf


def port(cell: str, missing: set[str]) -> float:
    """Read a port, which may be hexadecimal; below zero it is none."""
    if HEXADECIMAL.fullmatch(cell) and cell not in missing:
        value = float(int(cell, 16)) if int(cell, 16) <= LARGEST else np.inf
    else:
        value = number(cell, missing)
    return np.inf if value < 0 else value


def text(cell: str, missing: set[str]) -> str:
    """Read a category: codes that became floats (`2.0`) are restored."""
    if cell in missing:
        return ""
    return whole[1] if (whole := WHOLE.fullmatch(cell)) else cell


def _opened(file: Path | None) -> IO[str]:
    """Open a file by its content, whatever its name."""
    raw: IO[bytes] = open(sys.stdin.fileno(), "rb", closefd=False) if file is None else file.open("rb")  # noqa: SIM115
    begins = raw.peek(6)  # type: ignore[attr-defined]
    if begins.startswith(b"PK\x03\x04"):
        raw.close()
        raise ValueError("is a zip archive; unpack it")
    opener = next((opener for mark, opener in PACKED.items() if begins.startswith(mark)), None)
    content: IO[bytes] = raw if opener is None else opener(raw, "rb")  # type: ignore[operator]
    return io.TextIOWrapper(content, encoding="utf-8", errors="replace", newline="\n")


def _batches(stream: IO[str], name: str, facts: Facts, size: int) -> Iterator[Batch]:
    first, line = 1, stream.readline().removeprefix("\ufeff")
    while facts.comment and line.startswith(facts.comment):
        first, line = first + 1, stream.readline()
    if not line:
        raise DetectorError(f"{name} is empty")
    names, separator, has_header = _header(line, name, facts)
    places = _places(names, name, facts)
    first, pending = (first + 1, []) if has_header else (first, [line])
    while lines := pending + list(islice(stream, size - len(pending))):
        yield _batch(lines, name, first, separator, len(names), places, facts)
        first, pending = first + len(lines), []


def _header(line: str, file: str, facts: Facts) -> tuple[list[str], str, bool]:
    """Return the column names, the separator, and whether this line has the names; else they are the declared ones."""
    wanted = {*facts.numbers, *facts.texts}
    split = {mark: _names(line, mark) for mark in (",", ";", "\t")}
    best = max(split, key=lambda mark: (len(wanted.intersection(split[mark])), len(split[mark])))
    if wanted <= {*split[best]}:
        return split[best], best, True
    if facts.separator != "auto":
        best = facts.separator
    names = _names(line, best)
    half = not facts.column_names or 2 * len(wanted.intersection(names)) >= len(wanted)
    if facts.header == "present" or (facts.header == "auto" and half):
        return names, best, True
    if len(names) != len(facts.column_names):
        raise DetectorError(
            f"{file}: has {len(names)} cells in its first line; without a header {len(facts.column_names)} are expected"
        )
    return facts.column_names, best, False


def _names(line: str, separator: str) -> list[str]:
    cells = [cell.strip(BLANKS) for cell in _cells(line, separator)]
    return [name if name not in cells[:at] else "" for at, name in enumerate(cells)]


def _places(names: list[str], file: str, facts: Facts) -> list[int]:
    if lacking := [name for name in (*facts.numbers, *facts.texts) if name not in names]:
        has = ", ".join(names[:12]) + ", ..." * (len(names) > 12)
        raise DetectorError(f"{file} lacks {', '.join(lacking)}, which the detector reads; it has {has}")
    return [names.index(name) for name in (*facts.numbers, *facts.texts)]


def _batch(
    lines: list[str], file: str, first: int, separator: str, width: int, places: list[int], facts: Facts
) -> Batch:
    rows = [_cells(line, separator) for line in lines]
    for at, line in enumerate(lines):
        if '"' in line and _is_open(line, separator):
            raise DetectorError(
                f"{file}:{first + at}: a quotation mark is not closed in its line; fix or remove that line"
            )
    whole = np.array([len(row) == width or (len(row) > width and not any(row[width:])) for row in rows])
    if facts.comment:
        whole &= np.array([not line.startswith(facts.comment) for line in lines])
    blank = [""] * width
    numbers, texts = parse([row if right else blank for row, right in zip(rows, whole, strict=True)], places, facts)
    return Batch(np.arange(first, first + len(lines)), numbers, texts, whole)


def _cells(line: str, separator: str) -> list[str]:
    line = line.rstrip("\r\n")
    if '"' not in line:
        return line.split(separator)
    return next(csv.reader([line], delimiter=separator), [""])


def _is_open(line: str, separator: str) -> bool:
    """Whether a cell begins with a quotation mark that its line does not close: then what is appended belongs to it."""
    plain = line.rstrip("\r\n")
    return _cells(f'{plain}{separator}"end"', separator)[-1] != "end"
