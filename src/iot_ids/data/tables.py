"""Build the parts of the training files, or take them from the cache."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from inspect import getsourcefile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from iot_ids.common.errors import UserError
from iot_ids.data.cache.entries import Entry, key
from iot_ids.data.cache.eviction import evict
from iot_ids.data.cache.fingerprints import sha256
from iot_ids.data.cache.sources import bytes_of, digest_of, files_of, writing
from iot_ids.data.clean import clean, describe_losses, take_rows, without
from iot_ids.data.label import CLASS, class_names
from iot_ids.data.schema import Cache, Dataset
from iot_ids.data.splits.base import Parts, Split
from iot_ids.data.windows import histories_of, history_of


@dataclass(frozen=True)
class Tables:
    """The parts of the training files, with notes and histories. `test` is None if it was left in the cache."""

    train: pl.DataFrame
    validation: pl.DataFrame
    test: pl.DataFrame | None
    notes: dict[str, Any]
    histories: dict[str, pl.DataFrame]
    """By `history_of(part)`; empty unless windows were requested."""
    entry: Entry | None
    """The cache entry, kept for as long as this object lives: the test rows may be requested hours later."""


@dataclass(frozen=True)
class TableRequest:
    """Everything that the tables depend on."""

    dataset: Dataset
    split: Split
    seed: int
    cache: Cache
    history: bool
    """Whether every part needs its history, for windows."""
    digest: Callable[[], str]
    """Return the hash of the training files' content, waiting for it if necessary."""
    cut: list[int | None]
    """Number of rows to read from the top of each file; None means all."""

    def entry(self) -> Entry | None:
        """Return the cache entry. Its folder is created now, so that a wrong path is reported before the long work."""
        if not self.cache.path:
            return None
        bytes_of(self.cache)
        folder = Path(self.cache.path).expanduser()
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        settings = [self.digest(), self.cut, _settings(self.dataset), _split_settings(self.split), self.seed]
        return Entry(folder / key([*settings, *["history"] * self.history]))


def tables_of(files: list[Path], wanted: TableRequest) -> Tables:
    """Take the tables from the cache, leaving the test rows there; or build them from `files` and cache them.

    Raises:
        UserError: whatever `clean` and the split refuse; the files changed while they were read; the cache's folder
            cannot be written.
    """
    return _kept(wanted) or _built(files, wanted)


def test_of(tables: Tables, wanted: TableRequest) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """Return the test rows, and their history if windows were requested: from memory, the cache, or built again.

    Raises:
        UserError: the cached rows are damaged, and the files have changed.
    """
    test, history = tables.test, tables.histories.get(history_of("test"))
    if test is None and (entry := tables.entry):
        test, history = entry.get("test"), entry.get(history_of("test"))
    if test is not None and not (wanted.history and history is None):
        return test, history
    with files_of(wanted.dataset, wanted.cache) as files:  # other files would mix training rows into the test
        _refuse_changed(files, wanted)
        again = _built(files, wanted)
    assert again.test is not None
    return again.test, again.histories.get(history_of("test"))


def _kept(wanted: TableRequest) -> Tables | None:
    if (entry := wanted.entry()) is None:
        return None
    entry.use()
    train, validation, notes = entry.get("train"), entry.get("validation"), entry.notes()
    names = [history_of(part) for part in ("train", "validation")] if wanted.history else []
    histories = {name: table for name in names if (table := entry.get(name)) is not None}
    if train is None or validation is None or notes is None or len(histories) < len(names):
        return None
    return Tables(train, validation, None, notes, histories, entry)


def _built(files: list[Path], wanted: TableRequest) -> Tables:
    dataset, split = wanted.dataset, wanted.split
    cleaned = clean(files, dataset, dataset.duplicates, split.attack_label, wanted.history)
    _refuse_changed(files, wanted)
    with _naming_losses(cleaned.report):
        parts = split.split(cleaned.flows, dataset, wanted.seed)
        unused = _count_unused(parts, cleaned.flows.height, split)
    train, validation, test = take_rows(cleaned.flows, parts.train, parts.validation, parts.test)
    report = without(cleaned.report, split.unused_rows, unused, train, validation, test)
    with _naming_losses(report):
        classes = class_names(train, dataset)
    validation = validation.filter(pl.col(CLASS).is_in(classes))
    unknown = len(parts.validation) - validation.height
    report = without(report, "validation row of a class train lacks", unknown, train, validation, test)
    tables = {"train": train, "validation": validation, "test": test}
    histories = {} if cleaned.every is None else histories_of(tables, cleaned.every, dataset)
    if histories:  # dropped as duplicates above, but read by windows: every row is accounted for
        report = report | {"read_by_windows_alone": {name: histories[history_of(name)].height for name in tables}}
    notes = {"classes": classes, "cleaning": report}
    if (entry := wanted.entry()) is not None:
        with writing(entry.folder.parent):
            entry.put(tables | histories, notes)
        entry.use()
        evict(entry.folder.parent, bytes_of(wanted.cache))
    return Tables(train, validation, test, notes, histories, entry)


@contextmanager
def _naming_losses(report: dict[str, Any]) -> Iterator[None]:
    """Add what cleaning cost each class to a refusal for too few rows."""
    try:
        yield
    except UserError as error:
        raise UserError("\n  ".join([str(error), *describe_losses(report)])) from error


def _refuse_changed(files: list[Path], wanted: TableRequest) -> None:
    """Refuse files that changed: training rows could become test rows, or tables be cached under the wrong hash."""
    if digest_of(files, wanted.cache) != wanted.digest():
        raise UserError(f"dataset={wanted.dataset.name}: the files changed while they were read; run again")


def _count_unused(parts: Parts, rows: int, split: Split) -> int:
    """Count the rows in no part.

    Raises:
        UserError: a row is taken twice, or train or validation is empty: the split is wrong.
    """
    uses = np.zeros(rows, dtype=np.int8)
    for part in (parts.train, parts.validation, parts.test):
        uses[part] += 1
    taken, used = sum(map(len, (parts.train, parts.validation, parts.test))), int(np.count_nonzero(uses))
    if used < taken:
        raise UserError(f"split={split.name} takes {taken - used:,} of {rows:,} rows more than once; fix its code")
    for name, part in {"train": parts.train, "validation": parts.validation}.items():
        if not len(part):
            raise UserError(f"split={split.name} leaves {name} empty; change its settings, or give more rows")
    return rows - used


def _split_settings(split: Split) -> list[Any]:
    """The settings of a split, its class, and the hash of its source file if it is a user's own."""
    kind = type(split)
    source = None if kind.__module__.startswith("iot_ids.") else getsourcefile(kind)
    settings = {name: value for name, value in asdict(split).items() if name != "_target_"}
    return [settings, f"{kind.__module__}.{kind.__qualname__}", sha256(Path(source)) if source else None]


def _settings(dataset: Dataset) -> dict[str, Any]:
    """The settings of the dataset that affect the tables; its files count by their content."""
    left_out = ("path", "test_path", "about", "title", "identifiers")
    return {name: value for name, value in asdict(dataset).items() if name not in left_out}
