"""Another network's flows as test rows."""

from dataclasses import replace
from typing import Any

import polars as pl

from iot_ids.data.clean import clean, without
from iot_ids.data.content import digest_of, files_of
from iot_ids.data.declaration import check
from iot_ids.data.label import CLASS
from iot_ids.data.match import shared_classes
from iot_ids.data.spec import Cache, Dataset
from iot_ids.errors import UserError


def read_other_network(dataset: Dataset, test_dataset: Dataset, cache: Cache) -> tuple[pl.DataFrame, Any, str]:
    """The other network's flows of the shared classes, what became of the others, and the hash of its files.

    Its files, format and duplicates count as `test_dataset` says; the label is that of `dataset`.

    Raises:
        UserError: the networks do not match, or whatever `clean` refuses; no row of a shared class is left.
    """
    shared = shared_classes(dataset, test_dataset)
    wanted = replace(test_dataset, label=dataset.label)
    check(wanted)
    with files_of(wanted, cache) as files:
        digest = digest_of(files)
        cleaned = clean(files, wanted, wanted.duplicates)
    flows = cleaned.flows.filter(pl.col(CLASS).is_in(shared))
    if flows.is_empty():
        raise UserError(
            f"test_dataset={test_dataset.name}: no row is {' or '.join(shared)}, the classes of both networks"
        )
    left_out = cleaned.flows.height - flows.height
    return flows, without(cleaned.report, "class that the training network lacks", left_out), digest
