"""From a dataset's configuration to split tables, through the cache. The test rows stay unread until asked for."""

import contextlib
import hashlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from iot_ids.data import simulate
from iot_ids.data.cache import Entry, file_once, key, sha256
from iot_ids.data.clean import clean, without
from iot_ids.data.declaration import check
from iot_ids.data.first_rows import first_rows
from iot_ids.data.label import CLASS, class_names
from iot_ids.data.locate import files_not_read, official_test_files, training_files
from iot_ids.data.spec import Cache, Dataset, Duplicates, OfficialSplit, RandomSplit, SimulatedDataset
from iot_ids.data.split import random_split
from iot_ids.errors import UserError


@dataclass(frozen=True)
class Test:
    """The test rows, read: `flows` as in `Cleaned`, and the hash of the file they came from.

    `cleaning` says what became of an official test file's rows; None where the test rows are some of the training
    files', whose report has them.
    """

    flows: pl.DataFrame
    cleaning: dict[str, Any] | None
    sha256: str


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


@dataclass(frozen=True)
class Tables:
    """The parts of the training files, and what goes with them. `test` is None where it was left in the cache."""

    train: pl.DataFrame
    validation: pl.DataFrame
    test: pl.DataFrame | None
    notes: dict[str, Any]


def load(dataset: Dataset, split: RandomSplit | OfficialSplit, seed: int, cache: Cache) -> Loaded:
    """Clean and split the dataset, or take what the cache holds of the same content, settings, split and seed.

    Raises:
        UserError: whatever `clean` and `random_split` refuse; the cache's folder cannot be written.
    """
    check(dataset)
    official = official_test_files(dataset) if isinstance(split, OfficialSplit) else []
    with _files(dataset, cache) as files:
        limits = first_rows(files, dataset)  # by names, which the digest does not know
        digest = _digest(files)
        cut = [limits.get(file) for file in files]
        entry = _entry(cache, [digest, cut, _settings(dataset), asdict(split), seed])
        tables = _kept(entry) or _built(files, digest, dataset, split, seed, entry)

    def read_test() -> Test:
        if official:
            whole = replace(dataset, format=replace(dataset.format, first_rows={}))
            cleaned = clean(official, whole, Duplicates.keep)
            return Test(cleaned.flows, cleaned.report, _digest(official))
        flows = tables.test
        if flows is None and entry:
            flows = entry.get("test")
        if flows is None:
            flows = _built_again(digest, dataset, split, seed, cache, entry).test
        assert flows is not None
        return Test(flows, None, digest)

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
        tables.notes["cleaning"] | here,
        digest,
        read_test,
        test_sha256=lambda: _digest(official) if official else digest,
    )


def _kept(entry: Entry | None) -> Tables | None:
    """What the cache holds, the test rows left where they are."""
    if entry is None:
        return None
    train, validation, notes = entry.get("train"), entry.get("validation"), entry.notes()
    if train is None or validation is None or notes is None:
        return None
    return Tables(train, validation, None, notes)


def _built(
    files: list[Path],
    digest: str,
    dataset: Dataset,
    split: RandomSplit | OfficialSplit,
    seed: int,
    entry: Entry | None,
) -> Tables:
    """The tables made from the files, and kept where there is a cache."""
    cleaned = clean(files, dataset, dataset.duplicates)
    flows = cleaned.flows
    _refuse_changed(files, digest, dataset)
    share, stratified = (split.test, split.stratified) if isinstance(split, RandomSplit) else (0.0, True)
    parts = random_split(flows[CLASS].to_numpy(), share, split.validation, seed, stratified)
    train, test = flows[parts.train], flows[parts.test]
    classes = class_names(train, dataset)
    validation = flows[parts.validation].filter(pl.col(CLASS).is_in(classes))
    unknown = len(parts.validation) - validation.height
    notes = {"classes": classes, "cleaning": without(cleaned.report, "validation row of a class train lacks", unknown)}
    if entry is not None:
        with _writing(entry.folder.parent):
            entry.put({"train": train, "validation": validation, "test": test}, notes)
    return Tables(train, validation, test, notes)


def _built_again(
    digest: str, dataset: Dataset, split: RandomSplit | OfficialSplit, seed: int, cache: Cache, entry: Entry | None
) -> Tables:
    """The tables once more, since the cached test rows were damaged; other files would mix training rows into them."""
    with _files(dataset, cache) as files:
        _refuse_changed(files, digest, dataset)
        return _built(files, digest, dataset, split, seed, entry)


def _refuse_changed(files: list[Path], digest: str, dataset: Dataset) -> None:
    """Rows of two states of a file would mix training rows into the test, or be kept under the wrong hash."""
    if _digest(files) != digest:
        raise UserError(f"dataset={dataset.name}: the files changed while they were read; run again")


def _entry(cache: Cache, settings: list[Any]) -> Entry | None:
    """The cache's entry for `settings`. Its folder is made now, so that a wrong path is told before the long work."""
    if not cache.path:
        return None
    folder = Path(cache.path).expanduser()
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return Entry(folder / key(settings))


@contextlib.contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """The system's refusals in the block, told as the user's to mend."""
    try:
        yield
    except OSError as error:
        raise UserError(f"cache.path={folder}: cannot be written ({error}); choose another, or cache=off") from error


@contextlib.contextmanager
def _files(dataset: Dataset, cache: Cache) -> Iterator[list[Path]]:
    """The training files; simulated flows are written in the official format first, and read like anybody's."""
    if not isinstance(dataset, SimulatedDataset):
        yield training_files(dataset)
        return
    with tempfile.TemporaryDirectory() as aside:
        folder = Path(cache.path or aside).expanduser()
        code = sha256(Path(simulate.__file__))[:12]
        file = folder / f"simulated-{dataset.rows}-{dataset.seed}-{code}.csv"
        with _writing(folder):
            file_once(file, lambda path: simulate.write_csv(simulate.simulate(dataset.rows, dataset.seed), path))
        yield [file]


def _digest(files: list[Path]) -> str:
    """A file's SHA-256, as `sha256sum` prints it; of several files, the SHA-256 of theirs in order."""
    try:
        sums = [sha256(file) for file in files]
    except OSError as error:
        raise UserError(f"{error.filename}: cannot be read ({error.strerror})") from error
    return sums[0] if len(sums) == 1 else hashlib.sha256("".join(sums).encode()).hexdigest()


def _settings(dataset: Dataset) -> dict[str, Any]:
    """What of the dataset's declaration shapes the tables; its files count by their content."""
    left_out = ("path", "test_path", "about", "title", "identifiers")
    return {name: value for name, value in asdict(dataset).items() if name not in left_out}
