"""From a dataset's configuration to split tables, through the cache. The test rows stay unread until asked for."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from iot_ids.data.cache import Entry, key
from iot_ids.data.clean import clean, without
from iot_ids.data.content import digest_of, files_of, writing
from iot_ids.data.context import check_context, context_of, contexts_of
from iot_ids.data.declaration import check
from iot_ids.data.divide import divide
from iot_ids.data.first_rows import first_rows
from iot_ids.data.label import CLASS, class_names
from iot_ids.data.locate import files_not_read, official_test_files
from iot_ids.data.match import shared_classes
from iot_ids.data.spec import Cache, Dataset, Duplicates, OfficialSplit, Split, UnseenAttackSplit
from iot_ids.data.transfer import read_other_network, refuse_same_files
from iot_ids.errors import UserError


@dataclass(frozen=True)
class Test:
    """The test rows, read: `flows` as in `Cleaned`, and the hash of the file they came from.

    `cleaning` says what became of the rows of an official test file or another network; None where the test rows are
    some of the training files', whose report has them.
    """

    flows: pl.DataFrame
    cleaning: dict[str, Any] | None
    sha256: str
    context: pl.DataFrame | None = None
    """The other flows of the test rows' stretch of time (`iot_ids.data.context`), where windows were asked for."""


@dataclass(frozen=True)
class Loaded:
    """Train and validation rows, and the one way to the test rows.

    `classes` has the names of the classes in the training rows, in the taxonomy's order. Validation has no others: a
    draw that is not stratified may give it some, but nothing can be chosen by them.
    """

    train: pl.DataFrame
    validation: pl.DataFrame
    classes: list[str]
    cleaning: dict[str, Any]
    sha256: str
    read_test: Callable[[], Test]
    test_sha256: Callable[[], str]
    """The hash of the file that the test rows come from; no row is read for it."""
    train_context: pl.DataFrame | None = None
    validation_context: pl.DataFrame | None = None
    """The other flows of a part's stretch of time (`iot_ids.data.context`), where windows were asked for."""


@dataclass(frozen=True)
class Tables:
    """The parts of the training files, and what goes with them. `test` is None where it was left in the cache."""

    train: pl.DataFrame
    validation: pl.DataFrame
    test: pl.DataFrame | None
    notes: dict[str, Any]
    contexts: dict[str, pl.DataFrame]
    """By `context_of` the part; empty where no windows were asked for."""


def load(
    dataset: Dataset,
    split: Split,
    seed: int,
    cache: Cache,
    test_dataset: Dataset | None = None,
    history: bool = False,
) -> Loaded:
    """Clean and split the dataset, or take what the cache holds of the same content, settings, split and seed.

    Where there is a `test_dataset`, train and validation are what they would be without it, and all its flows are the
    test rows. With `history`, every part has its context besides, for windows; its rows are the same without.

    Raises:
        UserError: whatever `clean` and `divide` refuse; the networks do not match, or share a file; the cache's
            folder cannot be written.
    """
    check(dataset)
    if history:
        check_context(dataset, split, test_dataset)
    if test_dataset is not None:
        shared_classes(dataset, test_dataset)
    official = official_test_files(dataset) if isinstance(split, OfficialSplit) and test_dataset is None else []
    with files_of(dataset, cache) as files:
        if test_dataset is not None:
            refuse_same_files(files, test_dataset, cache)
        limits = first_rows(files, dataset)  # by names, which the digest does not know
        digest = digest_of(files)
        cut = [limits.get(file) for file in files]
        entry = _entry(cache, [digest, cut, _settings(dataset), asdict(split), seed, *["history"] * history])
        tables = _kept(entry, history) or _built(files, digest, dataset, split, seed, entry, history)

    def read_test() -> Test:
        if test_dataset is not None:
            return Test(*read_other_network(dataset, test_dataset, cache))
        if official:
            whole = replace(dataset, format=replace(dataset.format, first_rows={}))
            cleaned = clean(official, whole, Duplicates.keep)
            return Test(cleaned.flows, cleaned.report, digest_of(official))
        flows, context = tables.test, tables.contexts.get(context_of("test"))
        if flows is None and entry:
            flows, context = entry.get("test"), entry.get(context_of("test"))
        if flows is None or (history and context is None):
            again = _built_again(digest, dataset, split, seed, cache, entry, history)
            flows, context = again.test, again.contexts.get(context_of("test"))
        assert flows is not None
        return Test(flows, None, digest, context)

    cleaning = tables.notes["cleaning"]
    if test_dataset is not None:
        unused = cleaning["rows_out"] - tables.train.height - tables.validation.height
        cleaning = without(cleaning, "test row of the training network", unused)
    left = files_not_read(dataset, [*files, *official])
    here = {  # the cache may know other names
        "files": [str(file) for file in files],
        "only_first_rows_read": {str(file): count for file, count in limits.items()},
        "files_not_read": [str(file) for file in left],
    }
    return Loaded(
        tables.train,
        tables.validation,
        tables.notes["classes"],
        cleaning | here,
        digest,
        read_test,
        test_sha256=lambda: _test_digest(official, test_dataset, cache) or digest,
        train_context=tables.contexts.get(context_of("train")),
        validation_context=tables.contexts.get(context_of("validation")),
    )


def _test_digest(official: list[Path], test_dataset: Dataset | None, cache: Cache) -> str | None:
    """The hash of the test rows' own files; None where they come from the training files."""
    if test_dataset is None:
        return digest_of(official) if official else None
    with files_of(test_dataset, cache) as files:
        return digest_of(files)


def _kept(entry: Entry | None, history: bool) -> Tables | None:
    """What the cache holds, the test rows left where they are."""
    if entry is None:
        return None
    train, validation, notes = entry.get("train"), entry.get("validation"), entry.notes()
    names = [context_of(part) for part in ("train", "validation")] if history else []
    contexts = {name: table for name in names if (table := entry.get(name)) is not None}
    if train is None or validation is None or notes is None or len(contexts) < len(names):
        return None
    return Tables(train, validation, None, notes, contexts)


def _built(
    files: list[Path],
    digest: str,
    dataset: Dataset,
    split: Split,
    seed: int,
    entry: Entry | None,
    history: bool,
) -> Tables:
    """The tables made from the files, and kept where there is a cache."""
    kinds = split.label if isinstance(split, UnseenAttackSplit) else None
    cleaned = clean(files, dataset, dataset.duplicates, kinds, history)
    flows = cleaned.flows
    _refuse_changed(files, digest, dataset)
    parts = divide(flows, dataset, split, seed)
    train, test = flows[parts.train], flows[parts.test]
    classes = class_names(train, dataset)
    validation = flows[parts.validation].filter(pl.col(CLASS).is_in(classes))
    unknown = len(parts.validation) - validation.height
    report = without(cleaned.report, "validation row of a class train lacks", unknown)
    embargoed = flows.height - sum(map(len, (parts.train, parts.validation, parts.test)))
    report = without(report, "embargoed after a border of the split", embargoed)
    tables = {"train": train, "validation": validation, "test": test}
    contexts = {} if cleaned.every is None else contexts_of(tables, cleaned.every, dataset)
    if contexts:  # dropped as duplicates above, yet seen: every row has its account
        report = report | {"read_by_windows_alone": {name: contexts[context_of(name)].height for name in tables}}
    notes = {"classes": classes, "cleaning": report}
    if entry is not None:
        with writing(entry.folder.parent):
            entry.put(tables | contexts, notes)
    return Tables(train, validation, test, notes, contexts)


def _built_again(
    digest: str, dataset: Dataset, split: Split, seed: int, cache: Cache, entry: Entry | None, history: bool
) -> Tables:
    """The tables once more, since the cached test rows were damaged; other files would mix training rows into them."""
    with files_of(dataset, cache) as files:
        _refuse_changed(files, digest, dataset)
        return _built(files, digest, dataset, split, seed, entry, history)


def _refuse_changed(files: list[Path], digest: str, dataset: Dataset) -> None:
    """Rows of two states of a file would mix training rows into the test, or be kept under the wrong hash."""
    if digest_of(files) != digest:
        raise UserError(f"dataset={dataset.name}: the files changed while they were read; run again")


def _entry(cache: Cache, settings: list[Any]) -> Entry | None:
    """The cache's entry for `settings`. Its folder is made now, so that a wrong path is told before the long work."""
    if not cache.path:
        return None
    folder = Path(cache.path).expanduser()
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return Entry(folder / key(settings))


def _settings(dataset: Dataset) -> dict[str, Any]:
    """What of the dataset's declaration shapes the tables; its files count by their content."""
    left_out = ("path", "test_path", "about", "title", "identifiers")
    return {name: value for name, value in asdict(dataset).items() if name not in left_out}
