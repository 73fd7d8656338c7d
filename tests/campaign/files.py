"""Damaged files of every shipped format, each through the reader, and through `score`.

Right is: the lines of the file are its header, the rows read and the rows reported, and every line that was left as it
was means what it meant; or a UserError that names the file.
"""

import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from iot_ids.common.errors import UserError
from iot_ids.config import resolve
from iot_ids.data.clean import ROW_ID, Cleaned, clean
from iot_ids.data.label import CLASS
from iot_ids.data.schema import Dataset, Duplicates
from iot_ids.experiment import steps
from iot_ids.serving import scoring
from iot_ids.serving.detector import Detector

from .forms import TEXTS, Form, composed, form, written
from .mutations import mutated
from .tally import Attack, Fault

AIM = 10_000
FIRST = 40
"""So many rows are read where `first_rows` asks for some."""
Read = Callable[[list[Path], Dataset, Duplicates], Cleaned]


def attacks(folder: Path) -> list[Attack]:
    """One of each text format, compressed text, first rows, Parquet, and both kinds through `score`."""
    texts = [
        Attack(f"files: {name}, {'with' if form(name).header else 'without'} header", AIM, text_of(name, folder))
        for name in TEXTS
    ]
    return [
        *texts,
        Attack("files: gzip", AIM, text_of("bot_iot", folder, compressed=True)),
        Attack("files: first rows alone", AIM, text_of("bot_iot", folder, first=FIRST)),
        Attack("files: Parquet", AIM, parquet_of(folder)),
        Attack("files: Parquet, scored", AIM, scored_of(folder, parquet=True)),
        Attack("files: text, scored", AIM, scored_of(folder)),
    ]


def text_of(
    name: str, folder: Path, compressed: bool = False, first: int | None = None, read: Read = clean
) -> Callable[[Random], list[Fault]]:
    """Attempts on a text format; `read` is what is under attack."""
    base = form(name)
    whole = b"".join(line + b"\n" for line in base.lines)

    def attempt(draw: Random) -> list[Fault]:
        text = mutated(whole, draw)
        file = folder / f"flows.csv{'.gz' if compressed else ''}"
        file.write_bytes(gzip.compress(text, 1) if compressed else text)
        dataset = replace(base.dataset, unreadable_share=draw.choice([0.01, 1.0]))
        if first is not None:
            dataset = replace(dataset, format=replace(dataset.format, first_rows={"flows*": first}))
        return judged(file, lambda: faults_of(read([file], dataset, Duplicates.keep), text, base, first))

    return attempt


def judged(file: Path, act: Callable[[], list[Fault]]) -> list[Fault]:
    """What `act` finds; a UserError that names the file is no fault, anything else that is raised is."""
    try:
        return act()
    except UserError as error:
        return [] if file.name in str(error) else [("traceback", f"does not name the file: {error}")]
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a panic of Polars is no Exception
        return [("traceback", f"{type(error).__name__}: {error}")]


def faults_of(cleaned: Cleaned, text: bytes, base: Form, first: int | None = None) -> list[Fault]:
    """What is wrong in what was read of `text`."""
    report = cleaned.report
    lines = lines_of(text)
    expected = len(lines) - base.header if first is None else first
    found: list[Fault] = []
    if report["rows_in"] != expected:
        found.append(("lost", f"{report['rows_in']} rows of {expected} lines"))
    if report["rows_in"] != report["rows_out"] + sum(report["dropped"].values()):
        found.append(("lost", f"rows in {report['rows_in']}, out {report['rows_out']}, {report['dropped']}"))
    if report["rows_out"] != cleaned.flows.height or cleaned.flows[ROW_ID].n_unique() != cleaned.flows.height:
        found.append(("doubled", f"{cleaned.flows.height} flows, {report['rows_out']} of them reported"))
    return found + _meanings(cleaned.flows, lines, base, expected)


def _meanings(flows: pl.DataFrame, lines: list[bytes], base: Form, expected: int) -> list[Fault]:
    """Lines that were left as they were, and are not read, or read as something else."""
    if base.header and (not lines or lines[0] != base.lines[0]):
        return []  # other names, other meanings
    columns = base.dataset.columns
    cells = flows.select(ROW_ID, *columns.numeric, pl.col(*columns.categorical, CLASS).cast(pl.String))
    read = {row[0]: row[1:] for row in cells.iter_rows()}
    meaning, found = base.meaning, list[Fault]()
    for at, line in enumerate(lines[base.header :][:expected]):
        if (right := meaning.get(line)) is None:
            continue
        if at not in read:
            found.append(("lost", f"line {at + base.header + 1}, which is whole, is not read"))
        elif read[at] != right:
            found.append(("silent", f"line {at + base.header + 1} is read as {read[at]}, not {right}"))
    return found[:1]


def lines_of(text: bytes) -> list[bytes]:
    """The lines of a file without their ends, as `wc` and editors see them."""
    lines = text.split(b"\n")
    return [line.removesuffix(b"\r") for line in (lines if lines[-1] else lines[:-1])]


def parquet_of(folder: Path, read: Read = clean) -> Callable[[Random], list[Fault]]:
    """Attempts on Parquet files of all datasets: other types, other names, flipped bits, cut off."""

    def attempt(draw: Random) -> list[Fault]:
        base, file = form(draw.choice(TEXTS)), folder / "flows.parquet"
        rows = write_parquet(base, file, draw)
        dataset = replace(base.dataset, unreadable_share=draw.choice([0.01, 1.0]))
        return judged(file, lambda: _parquet_faults(read([file], dataset, Duplicates.keep), rows))

    return attempt


def _parquet_faults(cleaned: Cleaned, rows: int | None) -> list[Fault]:
    report = cleaned.report
    dropped = sum(report["dropped"].values())
    if report["rows_in"] != report["rows_out"] + dropped or rows not in (None, report["rows_in"]):
        return [("lost", f"{rows} rows, {report['rows_in']} read, {report['rows_out']} out, {dropped} dropped")]
    return []


TYPES = (pl.Int8, pl.Int64, pl.UInt16, pl.Float32, pl.Float64, pl.String, pl.Categorical, pl.Boolean, pl.Binary,
         pl.Datetime("us"), pl.Datetime("ns", "UTC"), pl.Date, pl.Duration, pl.Decimal(20, 4), pl.Null,
         pl.List(pl.String), pl.Struct({"a": pl.Int64}), pl.Time)  # fmt: skip


def write_parquet(base: Form, file: Path, draw: Random) -> int | None:
    """The form as Parquet, damaged; its rows, None where the file is no Parquet file any more."""
    numbers = dict.fromkeys(base.dataset.columns.numeric, pl.Float64)
    table = pl.DataFrame(base.rows, schema=dict.fromkeys(base.names, pl.String)).cast(numbers)  # type: ignore[arg-type]
    for _ in range(draw.choice([0, 1, 1, 3])):
        table = _with_type(table, draw.choice(table.columns), draw.choice(TYPES))
    if draw.random() < 0.3:
        name = draw.choice(table.columns)
        table = table.rename({name: draw.choice([f" {name}", f"{name} ", name.upper(), "", f"{name}\n"])}, strict=False)
    if draw.random() < 0.05:
        table = table.with_columns(pl.lit(b"\xff\xfe").alias(draw.choice(table.columns)))
    if draw.random() < 0.3:
        name = draw.choice(table.columns)
        gaps = pl.Series([draw.random() < 0.1 for _ in range(table.height)])
        table = table.with_columns(pl.when(~gaps).then(pl.col(name)).alias(name))
    table.write_parquet(file, compression=draw.choice(["lz4", "uncompressed", "zstd", "snappy"]))
    if draw.random() < 0.4:
        file.write_bytes(_bytes_damaged(file.read_bytes(), draw))
    try:
        return int(pq.read_metadata(file).num_rows)
    except Exception:  # whatever pyarrow says of what is no Parquet file
        return None


def _with_type(table: pl.DataFrame, name: str, dtype: Any) -> pl.DataFrame:
    """A column as another type, or of nulls of it where its values are none."""
    try:
        return table.with_columns(pl.col(name).cast(dtype, strict=False))
    except pl.exceptions.PolarsError:
        return table.with_columns(pl.lit(None, dtype).alias(name))


def _bytes_damaged(content: bytes, draw: Random) -> bytes:
    if draw.random() < 0.3:
        return content[: draw.randrange(len(content))]
    damaged = bytearray(content)
    for _ in range(draw.choice([1, 1, 8])):
        at = draw.choice([draw.randrange(len(damaged)), len(damaged) - 1 - draw.randrange(min(900, len(damaged)))])
        damaged[at] ^= 1 << draw.randrange(8)
    return bytes(damaged)


@cache
def detector_of(name: str) -> Detector:
    """A detector trained on the dataset's form."""
    with TemporaryDirectory() as aside:
        file = written(form(name, 400), Path(aside) / "flows.csv")
        quick = ["model=naive_bayes", "cache=off", "trainer=cpu", "split=random"]
        config = resolve(composed(f"dataset={name}", f"dataset.path={file}", *quick))
        return steps.fit(steps.prepare(config), lambda *_: None).detector


Score = Callable[..., Any]


def scored_of(folder: Path, parquet: bool = False, score: Score = scoring.score) -> Callable[[Random], list[Fault]]:
    """Attempts on files that are scored, in blocks of any size."""
    with_header = [name for name in TEXTS if form(name).header]

    def attempt(draw: Random) -> list[Fault]:
        name = draw.choice(with_header)
        base, detector = form(name), detector_of(name)
        file, out = folder / f"flows.{'parquet' if parquet else 'csv'}", folder / "out.parquet"
        out.unlink(missing_ok=True)
        lines, rows = None, None
        if parquet:
            rows = write_parquet(base, file, draw)
        else:
            text = mutated(b"".join(line + b"\n" for line in base.lines), draw)
            lines = lines_of(text)
            file.write_bytes(text)

        def act() -> list[Fault]:
            with _blocks(draw.choice([2000, 9000, 2**24])):
                score(detector, scoring.layouts_of(detector, str(file)), out)
            found = pl.read_parquet(out)
            return _score_faults(found, rows) if lines is None else _answers_faults(found, lines, base, name)

        found = judged(file, act)
        left = [path.name for path in folder.glob(".out*")]
        return found + [("leftover", f"{left}")] * bool(left)

    return attempt


@contextmanager
def _blocks(size: int) -> Iterator[None]:
    before = scoring.BLOCK, scoring.BATCH
    scoring.BLOCK, scoring.BATCH = size, max(7, size // 100)
    try:
        yield
    finally:
        scoring.BLOCK, scoring.BATCH = before


def _score_faults(found: pl.DataFrame, rows: int | None) -> list[Fault]:
    return [("lost", f"{found.height} answers for {rows} rows")] if rows not in (None, found.height) else []


def _answers_faults(found: pl.DataFrame, lines: list[bytes], base: Form, name: str) -> list[Fault]:
    """An answer for each line below the header, by its number, and the right one where the line was left as it was."""
    numbers = list(range(2, len(lines) + 1))
    if found["line"].to_list() != numbers:
        return [("lost", f"{found.height} answers for {len(numbers)} lines, or their lines are not in order")]
    if lines[0] != base.lines[0]:
        return []
    right = answers_of(name)
    for line, answer in zip(lines[1:], found["answer"], strict=True):
        if line in right and answer != right[line]:
            return [("silent" if answer else "lost", f"the answer is {answer}, not {right[line]}: {line[:80]!r}")]
    return []


@cache
def answers_of(name: str) -> dict[bytes, str]:
    """The detector's answers on the form's own lines."""
    base, detector = form(name), detector_of(name)
    probabilities = detector.probabilities(pl.DataFrame(base.rows))
    return dict(zip(base.lines[1:], (detector.classes[code] for code in probabilities.argmax(axis=1)), strict=True))
