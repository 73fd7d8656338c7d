"""Check a dataset's declaration, and that two networks match; no file is opened."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from iot_ids.common.errors import UserError
from iot_ids.data.class_names import fault_of, fault_of_class
from iot_ids.data.schema import Columns, Dataset, Format, SimulatedDataset, Taxonomy
from iot_ids.data.splits.base import Split

REST = "*"
"""In a taxonomy: every value that no class names."""


def check(dataset: Dataset) -> None:
    """Refuse a declaration that contradicts itself.

    Of the taxonomies, the one that `dataset.label` names is looked at; of the others, their names and their classes',
    for all of them become keys in MLflow.

    Raises:
        UserError: `dataset.label` names none; or all contradictions found: a column with two roles (a label among the
            features would be a leak), a port, time or source that is no identifier, a class without values or a value
            in two classes, a name that MLflow or a table could not bear, a format that no file has.
    """
    if isinstance(dataset, SimulatedDataset) and (dataset.path or dataset.test_path):
        raise UserError(
            f"dataset={dataset.name} makes its own flows and reads no path; say which dataset "
            f"{dataset.path or dataset.test_path} is: dataset=NAME dataset.path=FILE_OR_FOLDER"
        )
    chosen = f"labels.{dataset.label}."
    found = [
        *(f"columns.{problem}" for problem in _of_columns(dataset.columns)),
        *(chosen + problem for problem in _of_taxonomy(taxonomy(dataset), dataset)),
        *(["name is blank; its runs are told apart by it"] if not dataset.name.strip() else []),
        *_of_names(dataset.labels),
        *(f"format.{problem}" for problem in of_format(dataset.format)),
    ]
    if not 0 <= dataset.unreadable_share <= 1:
        found.append(f"unreadable_share={dataset.unreadable_share} is not between 0 and 1")
    if found:
        raise UserError(f"dataset={dataset.name} contradicts itself; mend its YAML:\n  " + "\n  ".join(found))


def of_format(form: Format) -> Iterator[str]:
    """What no file can be written like: a separator that is no one character, a name twice, less than a row to read."""
    mark, names = form.separator, form.column_names
    if mark != "auto" and (len(mark) != 1 or not mark.isascii() or mark in '"\r\n\0'):
        yield f"separator={mark!r} is neither auto nor one character, of ASCII and no quotation mark or line break"
    if twice := sorted({name for name in names if names.count(name) > 1}):
        yield f"column_names: {', '.join(twice)} stands there twice"
    for pattern, rows in form.first_rows.items():
        if rows < 1:
            yield f"first_rows: {pattern}: {rows} is no number of rows to read; 1 is the least"


def taxonomy(dataset: Dataset, label: str | None = None, key: str = "dataset.label") -> Taxonomy:
    """The taxonomy that `label` names, which the user wrote under `key`; that of `dataset.label` where it is None.

    Raises:
        UserError: the dataset has none of that name.
    """
    label = dataset.label if label is None else label
    if label in dataset.labels:
        return dataset.labels[label]
    raise UserError(f"{key}={label} is unknown to dataset={dataset.name}; it has {', '.join(dataset.labels) or 'none'}")


def time_column(dataset: Dataset) -> str:
    """The name of the dataset's time column.

    Raises:
        UserError: it declares none.
    """
    if dataset.columns.time is not None:
        return dataset.columns.time
    raise UserError(
        f"split=temporal needs to know when flows were seen, but dataset={dataset.name} declares no time column "
        "(dataset.columns.time); use split=random or split=grouped"
    )


def check_context(dataset: Dataset, split: Split, test_dataset: Dataset | None) -> None:
    """Refuse windows where flows have no history: before anything is read.

    Args:
        dataset: whose columns are looked at.
        split: only a temporal one keeps a part's flows together in time.
        test_dataset: another network, whose flows are the test rows.

    Raises:
        UserError: what is missing.
    """
    for role in ("time", "source"):
        if getattr(dataset.columns, role) is None:
            raise UserError(
                f"model.sequence=window reads the last flows of a source, but dataset={dataset.name} declares no "
                f"{role} column (dataset.columns.{role}); use model.sequence=flow"
            )
    if not split.by_time:
        raise UserError(
            f"model.sequence=window with split={split.name}: the history of most flows would lie in other parts; use "
            "split=temporal, or model.sequence=flow"
        )
    if test_dataset is not None:
        raise UserError("model.sequence=window is not possible with test_dataset yet; use model.sequence=flow")


def _of_columns(columns: Columns) -> Iterator[str]:
    roles = ("numeric", "categorical", "identifiers", "labels")
    names = [name for role in roles for name in getattr(columns, role)]
    if not columns.numeric and not columns.categorical:
        yield "numeric and categorical are empty: there is nothing to learn from"
    if not columns.labels:
        yield "labels is empty: there is nothing to learn"
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield f"{name} is named {names.count(name)} times in {', '.join(roles)}"
    for role, name in [
        ("time", columns.time),
        ("source", columns.source),
        *(("ports", port) for port in columns.ports),
    ]:
        if name is not None and name not in columns.identifiers:
            yield f"{role}: {name} is not among the identifiers"
    if columns.time_format is not None and columns.time is None:
        yield f"time_format={columns.time_format!r} says how times are written, but time names no column"


def _of_taxonomy(chosen: Taxonomy, dataset: Dataset) -> Iterator[str]:
    for column in chosen.columns:
        if column not in dataset.columns.labels:
            yield f"columns: {column} is not among columns.labels"
    if chosen.normal is not None and chosen.normal not in chosen.classes:
        yield f"normal: {chosen.normal} is not among the classes {', '.join(chosen.classes)}"
    values = [str(value).lower() for values in chosen.classes.values() for value in values]
    for value in dict.fromkeys(values):
        if values.count(value) > 1:
            yield f"classes: the value {value!r} is named {values.count(value)} times"
        if value in dataset.format.missing and value:
            yield f'classes: the value {value!r} is among format.missing, so that it reads as blank; name it ""'
    for label, members in chosen.classes.items():
        if not members:
            yield f"classes.{label} has no values"


def _of_names(labels: Mapping[str, Taxonomy]) -> Iterator[str]:
    """Every name of a label or of a class that is not sound, and every value that is no text."""
    for label, chosen in labels.items():
        if fault := fault_of(str(label)):
            yield f"labels: the label {label!r} {fault}"
        for name, values in chosen.classes.items():
            if fault := fault_of_class(str(name)):
                yield f"labels.{label}.classes: the class {name!r} {fault}"
            odd = [value for value in values if not isinstance(value, str)]
            if odd:
                yield f"labels.{label}.classes.{name}: {odd[0]!r} is no text"


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
