"""Check a dataset's declaration, and whether two networks match; no file is opened."""

import posixpath
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import replace

from iot_ids.common.errors import UserError
from iot_ids.data.schema import Columns, Dataset, Format, SimulatedDataset, Taxonomy
from iot_ids.data.splits.base import Split

REST = "*"
"""In a taxonomy: every value that no class names."""
LONGEST = 100
"""MLflow allows a key 250 characters; the rest is for what comes before and after the name."""
QUOTES = "\"'`"
OTHER_COLUMNS = ("label", "origin")
"""The other columns of a run's confusion matrix."""
BREAKING = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Unicode categories of characters that are not printed, break a line, or change its direction."""


def check(dataset: Dataset) -> None:
    """Refuse an inconsistent declaration.

    The taxonomy that `dataset.label` names is checked in full; of the others only the names, since all of them become
    keys in MLflow.

    Raises:
        UserError: `dataset.label` is unknown; or every fault found: a column with two roles (a label among the features
            would be a leak), a port, time or source that is not an identifier, a class without values, a value in two
            classes, a name that MLflow or a table cannot hold, an impossible format.
    """
    if isinstance(dataset, SimulatedDataset) and (dataset.path or dataset.test_path):
        raise UserError(
            f"dataset={dataset.name} generates its flows and reads no path; name the dataset of "
            f"{dataset.path or dataset.test_path}: dataset=NAME dataset.path=FILE_OR_FOLDER"
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
        raise UserError(f"dataset={dataset.name} is inconsistent; fix its YAML:\n  " + "\n  ".join(found))


def of_format(form: Format) -> Iterator[str]:
    """Yield the faults of a format: a separator of several characters, a repeated name, less than one row to read."""
    mark, names = form.separator, form.column_names
    if mark != "auto" and (len(mark) != 1 or not mark.isascii() or mark in '"\r\n\0'):
        yield f"separator={mark!r} must be auto or one ASCII character, not a quotation mark or line break"
    if twice := sorted({name for name in names if names.count(name) > 1}):
        yield f"column_names: {', '.join(twice)} is listed twice"
    for pattern, rows in form.first_rows.items():
        if rows < 1:
            yield f"first_rows: {pattern}: {rows} must be at least 1"


def taxonomy(dataset: Dataset, label: str | None = None, key: str = "dataset.label") -> Taxonomy:
    """Return the taxonomy of `label`, which the user wrote under `key`; that of `dataset.label` if it is None.

    Raises:
        UserError: the dataset has no such label.
    """
    label = dataset.label if label is None else label
    if label in dataset.labels:
        return dataset.labels[label]
    raise UserError(f"{key}={label} is unknown to dataset={dataset.name}; it has {', '.join(dataset.labels) or 'none'}")


def time_column(dataset: Dataset) -> str:
    """Return the name of the dataset's time column.

    Raises:
        UserError: the dataset declares none.
    """
    if dataset.columns.time is not None:
        return dataset.columns.time
    raise UserError(
        f"split=temporal needs to know when flows were seen, but dataset={dataset.name} declares no time column "
        "(dataset.columns.time); use split=random or split=grouped"
    )


def check_history(dataset: Dataset, split: Split, test_dataset: Dataset | None) -> None:
    """Refuse windows where flows have no history, before anything is read.

    Args:
        dataset: needs a time and a source column.
        split: has to divide by time, so that a part's flows follow each other.
        test_dataset: another network that supplies the test rows; has to be None.

    Raises:
        UserError: a requirement is not met.
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


def shared_classes(dataset: Dataset, test_dataset: Dataset) -> list[str]:
    """Return the classes that both networks have under `dataset.label`, in the order of `dataset`'s tables.

    Raises:
        UserError: the networks do not match: a feature that `test_dataset` lacks or has in another role, a label that
            it lacks, another normal class, or fewer than two classes in common. Each is named; or `test_dataset`
            is inconsistent.
    """
    _check_columns(dataset, test_dataset)
    ours, theirs = taxonomy(dataset), taxonomy(test_dataset, dataset.label, "dataset.label")
    check(replace(test_dataset, label=dataset.label))
    shared = [name for name in ours.classes if name in theirs.classes]
    pair = f"dataset={dataset.name} and test_dataset={test_dataset.name} under dataset.label={dataset.label}"
    both = f"{', '.join(ours.classes)} and {', '.join(theirs.classes)}"
    if ours.normal != theirs.normal:
        raise UserError(f"{pair} call normal flows {ours.normal} and {theirs.normal}; fix one label, or choose another")
    if len(shared) < 2 or (ours.normal is not None and ours.normal not in shared):
        raise UserError(f"{pair} share only {', '.join(shared) or 'no class'} ({both}); choose dataset.label=binary")
    return shared


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
    if not chosen.columns:
        yield "columns is empty: no column tells the class"
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
    """Yield the faults in the names of labels and classes, and every value that is not text."""
    for label, chosen in labels.items():
        if fault := _fault_of(str(label)):
            yield f"labels: the label {label!r} {fault}"
        for name, values in chosen.classes.items():
            place = f"labels.{label}.classes"
            if name in OTHER_COLUMNS:
                yield f"{place}: the class {name!r} is the name of another column of the confusion matrix"
            elif fault := _fault_of(str(name)):
                yield f"{place}: the class {name!r} {fault}"
            odd = [value for value in values if not isinstance(value, str)]
            if odd:
                yield f"{place}.{name}: {odd[0]!r} is not text"


def _fault_of(name: str) -> str | None:
    """Describe what is wrong with the name of a label or a class; None if nothing is."""
    if not name.strip():
        return "is blank"
    if any(unicodedata.category(letter) in BREAKING for letter in name):
        return "holds a line break, or another character that cannot be printed"
    if name != name.strip():
        return "begins or ends with a blank"
    if any(quote in name for quote in QUOTES):
        return "holds a quotation mark"
    if name.startswith("/") or posixpath.normpath(name) != name or ".." in name.split("/") or name == ".":
        return "reads as a path: no slash at its ends, no two in a row, no . or .. as a part"
    if len(name) > LONGEST:
        return f"has {len(name)} characters; at most {LONGEST} are allowed"
    return None


def _check_columns(dataset: Dataset, test_dataset: Dataset) -> None:
    lacking = [
        f"{name} ({role})"
        for role in ("numeric", "categorical")
        for name in getattr(dataset.columns, role)
        if name not in getattr(test_dataset.columns, role)
    ]
    if lacking:
        from iot_ids.common.text import list_first  # imports Polars, for which no other mistake found here waits

        raise UserError(
            f"test_dataset={test_dataset.name} lacks {len(lacking)} feature columns of dataset={dataset.name}: "
            f"{list_first(lacking, 12)}; train on a dataset with the same columns, or "
            "leave these out of dataset.columns"
        )
