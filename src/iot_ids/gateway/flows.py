"""Read flows from text: files of any size, a batch of rows at a time, each line a row."""

import csv
import gzip
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from iot_ids.gateway.detector import DetectorError, Facts

BATCH = 4_096
"""Lines read and scored at a time."""
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
    """Yield the rows of a CSV file, which may be gzipped; None reads standard input.

    Raises:
        DetectorError: the file cannot be read, or lacks a column (named).
    """
    name = "standard input" if file is None else str(file)
    try:
        with _opened(file) as stream:
            yield from _batches(stream, name, facts, size)
    except (OSError, EOFError) as error:
        raise DetectorError(f"{name}: {getattr(error, 'strerror', None) or error}") from error


def parse(
    rows: Sequence[Sequence[str]], places: Sequence[int], facts: Facts
) -> tuple[NDArray[np.float64], NDArray[np.object_]]:
    """Turn cells into the detector's numbers and texts; `places` are their columns in a row, numbers first."""
    missing, of_numbers = {"", *facts.missing}, places[: len(facts.numbers)]
    numbers = np.empty((len(rows), len(of_numbers)))
    for at, (name, place) in enumerate(zip(facts.numbers, of_numbers, strict=True)):
        read = port if name in facts.ports else number
        numbers[:, at] = [read(row[place].strip(), missing) for row in rows]
    texts = np.empty((len(rows), len(facts.texts)), dtype=object)
    for at, place in enumerate(places[len(of_numbers) :]):
        texts[:, at] = [text(row[place].strip(), missing) for row in rows]
    return numbers, texts


def number(cell: str, missing: set[str]) -> float:
    """Read a number: NaN if it is missing, infinite if the cell holds anything else."""
    if cell in missing:
        return np.nan
    return float(cell) if NUMBER.fullmatch(cell) else np.inf


def port(cell: str, missing: set[str]) -> float:
    """Read a port, which may be hexadecimal; below zero it is missing."""
    if cell[:2] in ("0x", "0X"):
        try:
            return float(int(cell[2:], 16))
        except ValueError:
            return np.inf
    value = number(cell, missing)
    return np.nan if value < 0 else value


def text(cell: str, missing: set[str]) -> str:
    """Read a category: codes that became floats (`2.0`) are restored."""
    if cell in missing:
        return ""
    return whole[1] if (whole := WHOLE.fullmatch(cell)) else cell


def _opened(file: Path | None) -> IO[str]:
    if file is None:
        return open(sys.stdin.fileno(), encoding="utf-8", errors="replace", newline="\n", closefd=False)
    if file.suffix == ".gz":
        return gzip.open(file, "rt", encoding="utf-8", errors="replace", newline="\n")
    return file.open(encoding="utf-8", errors="replace", newline="\n")


def _batches(stream: IO[str], name: str, facts: Facts, size: int) -> Iterator[Batch]:
    first, line = 1, stream.readline()
    while facts.comment and line.startswith(facts.comment):
        first, line = first + 1, stream.readline()
    line = line.removeprefix("\ufeff")
    if not line:
        raise DetectorError(f"{name} is empty")
    names, separator, has_header = _header(line, facts)
    places = _places(names, name, facts)
    first, pending = (first + 1, []) if has_header else (first, [line])
    while lines := pending + list(islice(stream, size - len(pending))):
        yield _batch(lines, first, separator, len(names), places, facts)
        first, pending = first + len(lines), []


def _header(line: str, facts: Facts) -> tuple[list[str], str, bool]:
    """Return the column names, the separator, and whether this line has the names; else they are the declared ones."""
    wanted = {*facts.numbers, *facts.texts}
    declared = () if facts.separator == "auto" else (facts.separator,)
    split = {mark: [cell.strip() for cell in _cells(line, mark)] for mark in (*declared, ",", ";", "\t")}
    best = max(split, key=lambda mark: (len(wanted.intersection(split[mark])), len(split[mark])))
    if wanted <= {*split[best]} or not facts.column_names:
        return split[best], best, True
    return facts.column_names, declared[0] if declared else best, False


def _places(names: list[str], file: str, facts: Facts) -> list[int]:
    if lacking := [name for name in (*facts.numbers, *facts.texts) if name not in names]:
        has = ", ".join(names[:12]) + ", ..." * (len(names) > 12)
        raise DetectorError(f"{file} lacks {', '.join(lacking)}, which the detector reads; it has {has}")
    return [names.index(name) for name in (*facts.numbers, *facts.texts)]


def _batch(lines: list[str], first: int, separator: str, width: int, places: list[int], facts: Facts) -> Batch:
    rows = [_cells(line, separator) for line in lines]
    whole = np.array([len(row) == width for row in rows])
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
