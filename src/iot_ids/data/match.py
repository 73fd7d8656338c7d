"""What two networks must have in common, so that one can be tested by a detector of the other; no file is opened."""

from dataclasses import replace

from iot_ids.data.declaration import check, taxonomy
from iot_ids.data.spec import Dataset
from iot_ids.errors import UserError


def shared_classes(dataset: Dataset, test_dataset: Dataset) -> list[str]:
    """The classes that both networks have under `dataset.label`, in the order of `dataset`'s tables.

    Raises:
        UserError: the networks do not match: a feature that `test_dataset` lacks or has in another role, a label that
            it lacks, another normal class, or fewer than two classes in common. Each is named; or `test_dataset`
            contradicts itself.
    """
    _check_columns(dataset, test_dataset)
    ours, theirs = taxonomy(dataset), taxonomy(test_dataset, dataset.label, "dataset.label")
    check(replace(test_dataset, label=dataset.label))
    shared = [name for name in ours.classes if name in theirs.classes]
    pair = f"dataset={dataset.name} and test_dataset={test_dataset.name} under dataset.label={dataset.label}"
    both = f"{', '.join(ours.classes)} and {', '.join(theirs.classes)}"
    if ours.normal != theirs.normal:
        raise UserError(
            f"{pair} call normal flows {ours.normal} and {theirs.normal}; mend one label, or choose another"
        )
    if len(shared) < 2 or (ours.normal is not None and ours.normal not in shared):
        raise UserError(f"{pair} share {', '.join(shared) or 'no class'} alone ({both}); choose dataset.label=binary")
    return shared


def _check_columns(dataset: Dataset, test_dataset: Dataset) -> None:
    lacking = [
        f"{name} ({role})"
        for role in ("numeric", "categorical")
        for name in getattr(dataset.columns, role)
        if name not in getattr(test_dataset.columns, role)
    ]
    if lacking:
        raise UserError(
            f"test_dataset={test_dataset.name} lacks {len(lacking)} feature columns of dataset={dataset.name}: "
            f"{', '.join(lacking[:12])}{' ...' * (len(lacking) > 12)}; train on a dataset with the same columns, or "
            "leave these out of dataset.columns"
        )
