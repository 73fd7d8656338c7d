"""Another network's flows as test rows."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from iot_ids.data.clean import clean, without
from iot_ids.data.content import digest_of, files_of, sums_of
from iot_ids.data.label import CLASS
from iot_ids.data.match import shared_classes
from iot_ids.data.spec import Cache, Dataset
from iot_ids.errors import UserError


def read_other_network(dataset: Dataset, test_dataset: Dataset, cache: Cache) -> tuple[pl.DataFrame, Any, str]:
    """The other network's flows of the shared classes, what became of the others, and the hash of its files.

    Its files, format and duplicates count as `test_dataset` says; the label, and what becomes of missing numbers, as
    `dataset` says.

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
    """Raise a UserError where the content of one of `files`, which are trained on, is among the files to test on."""
    with files_of(test_dataset, cache) as theirs:
        trained = set(sums_of(files, cache))
        if same := [str(file) for file, its in zip(theirs, sums_of(theirs, cache), strict=True) if its in trained]:
            raise UserError(
                f"test_dataset={test_dataset.name}: {', '.join(same[:3])} is trained on as well, so that test rows "
                "would be training rows; give another network's file as test_dataset.path"
            )
