"""The parts of the training files: made from them, or taken from the cache."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from inspect import getsourcefile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from iot_ids.common.errors import UserError
from iot_ids.data import losses
from iot_ids.data.cache.entries import Entry, key
from iot_ids.data.cache.eviction import evict
from iot_ids.data.cache.fingerprints import sha256
from iot_ids.data.cache.sources import bytes_of, digest_of, files_of, writing
from iot_ids.data.clean import clean, without
from iot_ids.data.frames import take_rows
from iot_ids.data.label import CLASS, class_names
from iot_ids.data.schema import Cache, Dataset
from iot_ids.data.splits.base import Parts, Split
from iot_ids.data.windows import context_of, contexts_of


@dataclass(frozen=True)
class Tables:
    """The parts of the training files, and what goes with them. `test` is None where it was left in the cache."""

    train: pl.DataFrame
    validation: pl.DataFrame
    test: pl.DataFrame | None
    notes: dict[str, Any]
    contexts: dict[str, pl.DataFrame]
    """By `context_of` the part; empty where no windows were asked for."""
    entry: Entry | None
    """Where they are kept, and stay while this lives: the test rows may be asked for hours later."""


@dataclass(frozen=True)
class TableRequest:
    """What tables are asked for: they depend on this, and on nothing else."""

    dataset: Dataset
    split: Split
    seed: int
    cache: Cache
    history: bool
    """Whether every part has its context besides, for windows."""
    digest: Callable[[], str]
    """Of the training files' content; waits for it."""
    cut: list[int | None]
    """How many rows from the top are read of each of them; None means all."""

    def entry(self) -> Entry | None:
        """The cache's entry. Its folder is made now, so that a wrong path is told before the long work."""
        if not self.cache.path:
            return None
        bytes_of(self.cache)
        folder = Path(self.cache.path).expanduser()
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        settings = [self.digest(), self.cut, _settings(self.dataset), _split_settings(self.split), self.seed]
        return Entry(folder / key([*settings, *["history"] * self.history]))


def tables_of(files: list[Path], wanted: TableRequest) -> Tables:
    """What the cache holds, the test rows left where they are; or everything, made from `files` and kept.

    Raises:
        UserError: whatever `clean` and `divide` refuse; the files changed while they were read; the cache's folder
            cannot be written.
    """
    return _kept(wanted) or _built(files, wanted)


def test_of(tables: Tables, wanted: TableRequest) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """The test rows and, where windows were asked for, their context: at hand, from the cache, or made once more.

    Raises:
        UserError: the cached rows were damaged, and the files are not what they were.
    """
    test, context = tables.test, tables.contexts.get(context_of("test"))
    if test is None and (entry := tables.entry):
        test, context = entry.get("test"), entry.get(context_of("test"))
    if test is not None and not (wanted.history and context is None):
        return test, context
    with files_of(wanted.dataset, wanted.cache) as files:  # other files would mix training rows into the test
        _refuse_changed(files, wanted)
        again = _built(files, wanted)
    assert again.test is not None
    return again.test, again.contexts.get(context_of("test"))


def _kept(wanted: TableRequest) -> Tables | None:
    if (entry := wanted.entry()) is None:
        return None
    entry.use()
    train, validation, notes = entry.get("train"), entry.get("validation"), entry.notes()
    names = [context_of(part) for part in ("train", "validation")] if wanted.history else []
    contexts = {name: table for name in names if (table := entry.get(name)) is not None}
    if train is None or validation is None or notes is None or len(contexts) < len(names):
        return None
    return Tables(train, validation, None, notes, contexts, entry)


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
    contexts = {} if cleaned.every is None else contexts_of(tables, cleaned.every, dataset)
    if contexts:  # dropped as duplicates above, yet seen: every row has its account
        report = report | {"read_by_windows_alone": {name: contexts[context_of(name)].height for name in tables}}
    notes = {"classes": classes, "cleaning": report}
    if (entry := wanted.entry()) is not None:
        with writing(entry.folder.parent):
            entry.put(tables | contexts, notes)
        entry.use()
        evict(entry.folder.parent, bytes_of(wanted.cache))
    return Tables(train, validation, test, notes, contexts, entry)


@contextmanager
def _naming_losses(report: dict[str, Any]) -> Iterator[None]:
    """Where rows are too few, what cleaning cost the classes belongs to the refusal."""
    try:
        yield
    except UserError as error:
        raise UserError("\n  ".join([str(error), *losses.sentences(report)])) from error


def _refuse_changed(files: list[Path], wanted: TableRequest) -> None:
    """Rows of two states of a file would mix training rows into the test, or be kept under the wrong hash."""
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
    """What of a split shapes the tables: its settings, its class, and the source file of a user's own."""
    kind = type(split)
    source = None if kind.__module__.startswith("iot_ids.") else getsourcefile(kind)
    settings = {name: value for name, value in asdict(split).items() if name != "_target_"}
    return [settings, f"{kind.__module__}.{kind.__qualname__}", sha256(Path(source)) if source else None]


def _settings(dataset: Dataset) -> dict[str, Any]:
    """What of the dataset's declaration shapes the tables; its files count by their content."""
    left_out = ("path", "test_path", "about", "title", "identifiers")
    return {name: value for name, value in asdict(dataset).items() if name not in left_out}
