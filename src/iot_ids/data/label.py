"""From label columns to one class per flow, by the taxonomy that `dataset.label` names."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from iot_ids.data.declaration import REST, taxonomy
from iot_ids.data.spec import Dataset, Taxonomy
from iot_ids.errors import UserError

CLASS = "__class"
"""A flow's class."""
KIND = "__kind"
"""A flow's class by another label than the one that is learned, where a split needs it: which attack it is."""
SHOWN = 5


def classified(flows: pl.DataFrame, dataset: Dataset, label: str | None = None, column: str = CLASS) -> pl.DataFrame:
    """`flows` with `column`, their classes by `label`, or by `dataset.label` where that is None.

    Upper and lower case of a label value are the same.

    Raises:
        UserError: values that no class names, with their counts.
    """
    label = dataset.label if label is None else label
    chosen = taxonomy(dataset, label)
    labels = flows.select(chosen.columns)
    kinds = labels.unique().with_columns(_class(chosen).alias(column))  # a handful, where the flows are many
    named = labels.join(kinds, on=chosen.columns, how="left", maintain_order="left", nulls_equal=True)
    if not named[column].null_count():
        return flows.with_columns(named[column])
    lost = named.filter(pl.col(column).is_null()).select(_value(chosen).alias("value"))["value"]
    counts = ", ".join(
        f"{name!r} ({count:,} rows)" for name, count in lost.value_counts(sort=True).head(10).iter_rows()
    )
    raise UserError(
        f"dataset={dataset.name} dataset.label={label}: no class for {counts} of column "
        f"{'/'.join(chosen.columns)}; the taxonomy names {', '.join(sorted(_lookup(chosen)))}. "
        f"Add them to dataset.labels.{label}.classes, or choose another label"
    )


def contradicting(flows: pl.DataFrame, dataset: Dataset) -> tuple[pl.DataFrame, list[str]]:
    """Flows that one of the dataset's taxonomies calls normal and another an attack.

    Of the taxonomies, those count that say which class is normal and whose columns are among the labels; a value that
    no class of a taxonomy names is neither. The label columns of `flows` are text.

    Returns:
        The contradicting flows, in their order, and for each of the first few what is said of it.
    """
    judges = {
        name: each
        for name, each in dataset.labels.items()
        if each.normal in each.classes and each.columns and set(each.columns) <= set(dataset.columns.labels)
    }
    kinds = flows.select(dataset.columns.labels).unique()  # a handful, where the flows are many
    calls = [(_class(each) == each.normal).alias(name) for name, each in judges.items()]
    normal, attack = pl.any_horizontal(False, *calls), pl.any_horizontal(False, *(~call for call in calls))
    both = kinds.filter(normal & attack)
    if both.is_empty():
        return flows.clear(), []
    found = flows.join(both, on=dataset.columns.labels, how="semi", maintain_order="left")
    first = found.head(SHOWN).select(*calls, *(_value(each).alias(f"{name}=") for name, each in judges.items()))
    return found, [_said(row, judges) for row in first.iter_rows(named=True)]


def class_names(flows: pl.DataFrame, dataset: Dataset) -> list[str]:
    """The classes that have rows, in the taxonomy's order.

    Raises:
        UserError: there is only one.
    """
    there = set(flows[CLASS].unique())
    names = [name for name in taxonomy(dataset).classes if name in there]
    if len(names) > 1:
        return names
    raise UserError(
        f"dataset={dataset.name} dataset.label={dataset.label}: all {flows.height:,} training rows are "
        f"{', '.join(names)}; two classes are needed: give more of the dataset's files, or choose another label"
    )


def normal_code(dataset: Dataset) -> int | None:
    """The code of the normal class, where the label is normal against attack: two classes, one of them normal.

    Known before a row is read: a class without rows would end the run. None where the label is another.
    """
    chosen = taxonomy(dataset)
    names = list(chosen.classes)
    return names.index(chosen.normal) if len(names) == 2 and chosen.normal in names else None


def _value(chosen: Taxonomy) -> pl.Expr:
    return pl.concat_str(chosen.columns, separator="/")


def _lookup(chosen: Taxonomy) -> dict[str, str]:
    return {name.lower(): label for label, names in chosen.classes.items() for name in names if name != REST}


def _class(chosen: Taxonomy) -> pl.Expr:
    """A flow's class by `chosen`; null where no class names its value."""
    rest = next((label for label, names in chosen.classes.items() if REST in names), None)
    return _value(chosen).str.to_lowercase().replace_strict(_lookup(chosen), default=rest, return_dtype=pl.String)


def _said(row: Mapping[str, Any], judges: Mapping[str, Taxonomy]) -> str:
    """`normal by binary (attack=0), an attack by category (kind=Scan)`."""
    parts = [
        f"{'normal' if row[name] else 'an attack'} by {name} ({'/'.join(each.columns)}={row[f'{name}=']})"
        for name, each in judges.items()
        if row[name] is not None
    ]
    return ", ".join(parts)
