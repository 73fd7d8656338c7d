"""Score files of any size with a saved detector: files in, one table of predictions out, a few batches at a time."""

import json
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pyarrow.parquet import ParquetWriter

from iot_ids.common import atomic
from iot_ids.common.errors import UserError
from iot_ids.common.text import escape_formulas, list_first
from iot_ids.data.files import files_at
from iot_ids.data.reading import layout
from iot_ids.data.reading.cells import BLOCK, tables
from iot_ids.data.reading.lines import CELLS, LINE, count
from iot_ids.data.reading.packed import readable
from iot_ids.data.reading.reader import typed
from iot_ids.data.reading.rejects import DAMAGED, REASON, SHOWN, examples
from iot_ids.data.schema import Columns, Dataset, Header
from iot_ids.serving.detector import Detector

BATCH = 65_536
"""Rows of Parquet scored at a time; for text files, BLOCK bytes."""


@dataclass
class Scored:
    """Statistics of the scored rows. Rows without an answer lack a number that the model needs, or are malformed."""

    rows: int
    unanswered: int
    examples: list[str]
    """The first rows without an answer, each as `file:line`."""
    seconds: float
    damaged: int = 0
    """Rows without an answer that are ragged, or contain text or a non-finite value for a number."""
    damage: list[str] = field(default_factory=list)
    """The first of these, each with file, line and problem."""

    @property
    def flows_per_second(self) -> float:
        """Return the rows read, scored and written per second."""
        return self.rows / self.seconds if self.seconds else 0.0


def load_detector(folder: Path | str, trust: Collection[str] = ()) -> Detector:
    """Load the detector that a run has kept, from the run's `model` folder; `trust` is that of `Detector.load`.

    Raises:
        UserError: there is none, it is damaged, or a class in it is neither ours nor trusted.
    """
    return Detector.load(detector_folder(folder), trust)


def detector_folder(folder: Path | str) -> Path:
    """Return the folder of the detector's own files within a run's `model`.

    Raises:
        UserError: there is none.
    """
    for place in (Path(folder, "artifacts", "detector"), Path(folder)):
        if (place / "detector.json").is_file():
            return place
    raise UserError(
        f"model={folder} holds no kept detector; give a run's model: mlruns/artifacts/RUN_ID/artifacts/model"
    )


def is_simulated(folder: Path) -> bool | None:
    """Return whether the model was trained or tested on generated rows, by its run's audit.json; None without one."""
    try:
        return bool(json.loads((folder.resolve().parent / "audit.json").read_text())["simulated"])
    except (OSError, ValueError, LookupError, TypeError):
        return None


def score(
    detector: Detector,
    layouts: Sequence[layout.Layout],
    out: Path,
    simulated: bool = False,
    progress: Callable[[int], None] = lambda _: None,
    unreadable_share: float = 1.0,
) -> Scored:
    """Score the files and write the answers on every row to `out`, in order.

    Columns: file, line, answer, attack_score, alarm, and the probability of each class.

    The attack score is the log-odds that a flow is an attack; above the detector's threshold it is an alarm. A row
    without an answer has nulls. `out` is Parquet, or CSV by its suffix, and is written atomically. With `simulated`,
    its first column says SIMULATED. `progress` is called with the rows of each batch.

    Raises:
        UserError: a file cannot be read, more than `unreadable_share` of the rows are damaged, or `out` cannot be
            written.
    """
    found, start = Scored(0, 0, [], 0.0), time.perf_counter()
    with _writer(out) as write:
        for part in layouts:
            for answers, wrong in _answers(detector, part):
                _count(found, answers, part)
                _count_damage(found, wrong, part, detector)
                write(answers.select(pl.lit("SIMULATED").alias("origin"), pl.all()) if simulated else answers)
                progress(answers.height)
        _refuse_damage(found, layouts, unreadable_share)
    found.seconds = time.perf_counter() - start
    return found


def inputs(detector: Detector) -> list[str]:
    """Return the raw columns that the model reads: those that were selected."""
    encoder = detector.pipeline.encoder
    return [*encoder.numbers, *encoder.texts]


def files_of(path: object) -> list[Path]:
    """Return the files at `path`: of a folder, every CSV and Parquet file, or else every text file.

    Raises:
        UserError: there are none.
    """
    return files_at(path, [["*.csv*", "*.parquet"], ["*.txt"]], "path")


def check_output(out: Path, path: object) -> None:
    """Raise a UserError if `out` has the wrong suffix, lies below a file, or would replace a file at `path`."""
    if out.suffix not in (".parquet", ".csv"):
        raise UserError(f"out={out} must end in .parquet or .csv")
    if files := [place for place in out.parents if place.exists() and not place.is_dir()]:
        raise UserError(f"out={out}: {files[0]} is a file, not a folder; write the answers elsewhere")
    if out.resolve() in [file.resolve() for file in files_of(path)]:
        raise UserError(f"out={out} is one of the files at path={path}; write the answers elsewhere")


def layouts_of(detector: Detector, path: object) -> list[layout.Layout]:
    """Detect the layouts of the files at `path`, which is a file, folder, glob or list of these.

    Raises:
        UserError: there are none, one lacks a column that the model reads, or the model reads windows.
    """
    if detector.window is not None:
        raise UserError(
            "the model reads each flow after its source's last ones, and files are scored row by row; ask it in Python "
            "(iot_ids.load_detector, see docs/scoring.md), or score by a run with another model.sequence"
        )
    names = inputs(detector)
    layouts = [_layout(detector, file, names) for file in files_of(path)]
    for part in layouts:
        if lacking := [name for name in names if name not in part.names]:
            raise UserError(
                f"{part.file}: lacks {', '.join(lacking)}, which the model reads; it has {', '.join(part.names)}"
            )
    return layouts


def _layout(detector: Detector, file: Path, names: list[str]) -> layout.Layout:
    """Detect a file's layout: that of the detector's dataset, or any with the column names in the first line."""
    dataset = Dataset("flows", "Flows", columns=Columns(identifiers=names), format=detector.form)
    with_names = replace(detector.form, separator="auto", header=Header.present)
    found = layout.layout(file, replace(dataset, format=with_names))
    return found if {*names} <= {*found.names} else layout.layout(file, dataset)


def rows_in(layouts: Sequence[layout.Layout]) -> int:
    """Count the rows to score, quickly, by lines.

    Raises:
        UserError: a file cannot be read.
    """
    return sum(_height(part) for part in layouts)


def _count(found: Scored, answers: pl.DataFrame, part: layout.Layout) -> None:
    without = answers.filter(pl.col("answer").is_null())["line"]
    found.rows += answers.height
    found.unanswered += without.len()
    found.examples += [f"{part.file}:{line}" for line in without.head(SHOWN - len(found.examples))]


def _count_damage(found: Scored, wrong: pl.DataFrame, part: layout.Layout, detector: Detector) -> None:
    """Count the damaged rows among those without an answer, as read."""
    numeric, read_as = detector.pipeline.encoder.numeric, detector.columns.identifiers
    numbers = [name for name in numeric if name not in read_as]
    names = [name for name in inputs(detector) if name not in numeric]
    form = replace(detector.form, missing=list(detector.missing))
    dataset = Dataset("flows", "Flows", columns=Columns(numeric=numbers, categorical=names), format=form)
    rows = typed(wrong.select(LINE, CELLS, *numbers, *names), dataset).filter(pl.col(REASON).is_in(DAMAGED))
    found.damaged += rows.height
    first = rows.head(SHOWN - len(found.damage)).with_columns(pl.lit(0).alias(layout.FILE))
    found.damage += examples(first, [part], dataset)


def _refuse_damage(found: Scored, layouts: Sequence[layout.Layout], share: float) -> None:
    if found.damaged <= share * found.rows:
        return
    raise UserError(
        f"{list_first((part.file for part in layouts), 3)}: {found.damaged:,} of {found.rows:,} rows cannot be read, "
        f"more than unreadable_share={share} allows; fix them, or raise it to leave them without an answer. Nothing "
        "was written. The first:\n  " + "\n  ".join(found.damage)
    )


def _height(part: layout.Layout) -> int:
    if part.separator is not None:
        return count(part.file) - part.header_lines
    with readable(part.file):
        return int(pl.scan_parquet(part.file, glob=False).select(pl.len()).collect().item())


def _batches(part: layout.Layout, names: Sequence[str]) -> Iterator[pl.DataFrame]:
    """Yield a file's rows in batches. Polars' own batches run ahead of their consumer and fill the memory."""
    if part.separator is not None:
        yield from (table for table in tables(part, names, size=BLOCK) if table.height)
        return
    stored = layout.stored(part, names).with_columns(pl.lit(None, pl.Int64).alias(CELLS))
    for start in range(0, _height(part), BATCH):
        with readable(part.file):
            batch = stored.slice(start, BATCH).collect()
        yield batch


def _answers(detector: Detector, part: layout.Layout) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Yield the answers on a file's rows in batches, each with the rows that get none."""
    for batch in _batches(part, inputs(detector)):
        probabilities = detector.probabilities(batch.drop(LINE, CELLS))
        wrong = np.isnan(probabilities).any(axis=1) | batch[CELLS].is_not_null().to_numpy()
        best = pl.Series(probabilities.argmax(axis=1)).set(pl.Series(wrong), None)
        table = pl.DataFrame(probabilities, schema=[f"probability/{name}" for name in detector.classes])
        answers = table.select(
            pl.lit(str(part.file)).alias("file"),
            batch[LINE].alias("line"),
            pl.Series("answer", detector.classes).gather(best),
            *_operating(detector, probabilities, wrong),
            pl.when(pl.Series(~wrong)).then(pl.all()),
        )
        yield answers, batch.filter(wrong)


def _operating(detector: Detector, probabilities: NDArray[np.float32], wrong: NDArray[np.bool_]) -> list[pl.Series]:
    """Return the attack scores and whether they are above the threshold; null without a normal class or threshold."""
    scores, limit = detector.attack_scores(probabilities), detector.alarm_limit
    nothing, left_out = pl.repeat(None, len(wrong), eager=True), pl.Series(wrong)
    score = nothing.cast(pl.Float64) if scores is None else pl.Series(scores).set(left_out, None)
    above = nothing.cast(pl.Boolean) if limit is None else score > limit
    return [score.alias("attack_score"), above.alias("alarm")]


@contextmanager
def _writer(out: Path) -> Iterator[Callable[[pl.DataFrame], object]]:
    """Yield a function that appends to `out`. Polars' own streaming sink buffers hundreds of megabytes."""
    with _output_file(out) as new, ExitStack() as opened:
        if out.suffix == ".csv":
            stream = opened.enter_context(new.open("wb"))
            yield lambda batch: escape_formulas(batch).write_csv(stream, include_header=stream.tell() == 0)
            return
        writers: list[Any] = []  # one, opened when the first batch shows the columns

        def write(batch: pl.DataFrame) -> None:
            table = batch.to_arrow()
            if not writers:
                writers.append(opened.enter_context(ParquetWriter(new, table.schema, compression="zstd")))
            writers[0].write_table(table)

        yield write


@contextmanager
def _output_file(out: Path) -> Iterator[Path]:
    """Yield a file that replaces `out` if the block succeeds, and is removed otherwise."""
    try:
        atomic.remove_leftovers(out.parent)
        with atomic.atomic_write(out) as new:
            yield new
    except OSError as error:
        raise UserError(f"out={out}: cannot be written ({error}); choose another") from error
    except pl.exceptions.PolarsError as error:
        raise UserError(f"out={out} was not written: {error}") from error
