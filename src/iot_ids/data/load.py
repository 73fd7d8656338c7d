"""Load a dataset as split tables, through the cache. The test rows stay unread until requested."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from iot_ids.common.errors import UserError
from iot_ids.data.cache.sources import digest_of, digest_of_untouched, files_of, stamps_of, sums_of
from iot_ids.data.checks import check, check_history, shared_classes
from iot_ids.data.clean import clean, without
from iot_ids.data.files import files_not_read, first_rows, official_test_files
from iot_ids.data.label import CLASS
from iot_ids.data.schema import Cache, Dataset, Duplicates
from iot_ids.data.splits.base import Split
from iot_ids.data.tables import TableRequest, Tables, tables_of, test_of
from iot_ids.data.windows import history_of


@dataclass(frozen=True)
class Test:
    """The test rows: `flows` as in `Cleaned`, and the hash of the file they came from.

    `cleaning` is the cleaning report of an official test file or another network; None if the test rows come from the
    training files, whose report covers them.
    """

    flows: pl.DataFrame
    cleaning: dict[str, Any] | None
    sha256: str
    history: pl.DataFrame | None = None
    """The other flows of the test rows' stretch of time (`iot_ids.data.windows`), if windows were requested."""


@dataclass(frozen=True)
class Loaded:
    """Train and validation rows, and the only access to the test rows.

    `classes` names the classes of the training rows, in the taxonomy's order. Validation rows of other classes, which a
    split may draw, are left out: no choice can be based on them.
    """

    train: pl.DataFrame
    validation: pl.DataFrame
    classes: list[str]
    cleaning: dict[str, Any]
    sha256: str
    read_test: Callable[[], Test]
    test_sha256: Callable[[], str]
    """Return the hash of the file that the test rows come from, without reading a row."""
    train_history: pl.DataFrame | None = None
    validation_history: pl.DataFrame | None = None
    """The other flows of a part's stretch of time (`iot_ids.data.windows`), if windows were requested."""


def load(
    dataset: Dataset,
    split: Split,
    seed: int,
    cache: Cache,
    test_dataset: Dataset | None = None,
    history: bool = False,
) -> Loaded:
    """Clean and split the dataset, or take the cached tables of the same content, settings, split and seed.

    A `test_dataset` does not change train and validation; all its flows are the test rows. With `history`, every part
    also has its history, for windows; its rows stay the same.

    Raises:
        UserError: whatever `clean` and the split refuse; the networks do not match, or share a file; the cache's folder
            cannot be written.
    """
    check(dataset)
    if history:
        check_history(dataset, split, test_dataset)
    if test_dataset is not None:
        shared_classes(dataset, test_dataset)
    official = official_test_files(dataset) if split.test_elsewhere and test_dataset is None else []
    with files_of(dataset, cache) as files, ThreadPoolExecutor(1) as aside:
        if test_dataset is not None:
            refuse_same_files(files, test_dataset, cache)
        limits = first_rows(files, dataset)  # by file names, which the digest does not cover
        # computed while the files are read, unless the cache needs it first
        digest = aside.submit(digest_of_untouched, files, cache, stamps_of(files)).result
        cut = [limits.get(file) for file in files]
        wanted = TableRequest(dataset, split, seed, cache, history, digest, cut)
        tables = tables_of(files, wanted)

    def read_test() -> Test:
        if test_dataset is not None:
            return Test(*read_other_network(dataset, test_dataset, cache))
        if official:
            return _official(official, dataset, cache)
        flows, history = test_of(tables, wanted)
        return Test(flows, None, digest(), history)

    left = files_not_read(dataset.path, [*files, *official])
    here = {  # cached notes may have other names
        "files": [str(file) for file in files],
        "only_first_rows_read": {str(file): count for file, count in limits.items()},
        "files_not_read": [str(file) for file in left],
    }
    return Loaded(
        tables.train,
        tables.validation,
        tables.notes["classes"],
        _cleaning(tables, test_dataset) | here,
        digest(),
        read_test,
        test_sha256=lambda: _test_digest(official, test_dataset, cache) or digest(),
        train_history=tables.histories.get(history_of("train")),
        validation_history=tables.histories.get(history_of("validation")),
    )


def _official(files: list[Path], dataset: Dataset, cache: Cache) -> Test:
    """Read the official test files, whole and with their duplicates."""
    whole = replace(dataset, format=replace(dataset.format, first_rows={}))
    cleaned = clean(files, whole, Duplicates.keep)
    return Test(cleaned.flows, cleaned.report, digest_of(files, cache))


def _cleaning(tables: Tables, test_dataset: Dataset | None) -> dict[str, Any]:
    """Report on the training files' rows; their test part counts as unused if another network is tested."""
    report: dict[str, Any] = tables.notes["cleaning"]
    if test_dataset is None:
        return report
    unused = report["rows_out"] - tables.train.height - tables.validation.height
    return without(report, "test row of the training network", unused, tables.train, tables.validation)


def _test_digest(official: list[Path], test_dataset: Dataset | None, cache: Cache) -> str | None:
    """Return the hash of the test rows' own files; None if they come from the training files."""
    if test_dataset is None:
        return digest_of(official, cache) if official else None
    with files_of(test_dataset, cache) as files:
        return digest_of(files, cache)


def read_other_network(dataset: Dataset, test_dataset: Dataset, cache: Cache) -> tuple[pl.DataFrame, Any, str]:
    """Return the other network's flows of the shared classes, its cleaning report, and the hash of its files.

    `test_dataset` decides files, format and duplicates; `dataset` decides the label and how to treat missing numbers.

    Raises:
        UserError: the networks do not match, or whatever `clean` refuses; no row of a shared class is left.
    """
    shared = shared_classes(dataset, test_dataset)
    wanted = replace(test_dataset, label=dataset.label, missing_numbers=dataset.missing_numbers)
    with files_of(wanted, cache) as files:
        digest = digest_of(files, cache)
        cleaned = clean(files, wanted, wanted.duplicates)
    flows = cleaned.flows.filter(pl.col(CLASS).is_in(shared))
    if flows.is_empty():
        raise UserError(
            f"test_dataset={test_dataset.name}: no row is {' or '.join(shared)}, the classes of both networks"
        )
    left_out = cleaned.flows.height - flows.height
    return flows, without(cleaned.report, "class that the training network lacks", left_out, flows), digest


def refuse_same_files(files: list[Path], test_dataset: Dataset, cache: Cache) -> None:
    """Raise a UserError if one of the training files `files` has the same content as a file to test on."""
    with files_of(test_dataset, cache) as theirs:
        trained = set(sums_of(files, cache))
        if same := [str(file) for file, its in zip(theirs, sums_of(theirs, cache), strict=True) if its in trained]:
            raise UserError(
                f"test_dataset={test_dataset.name}: {', '.join(same[:3])} is trained on as well, so test rows "
                "would be training rows; give another network's file as test_dataset.path"
            )
