"""From label columns to one class per flow, by the taxonomy that `dataset.label` names."""

import polars as pl

from iot_ids.data.declaration import REST, taxonomy
from iot_ids.data.spec import Dataset
from iot_ids.errors import UserError

CLASS = "__class"
"""A flow's class."""
KIND = "__kind"
"""A flow's class by another label than the one that is learned, where a split needs it: which attack it is."""


def classified(flows: pl.DataFrame, dataset: Dataset, label: str | None = None, column: str = CLASS) -> pl.DataFrame:
    """`flows` with `column`, their classes by `label`, or by `dataset.label` where that is None.

    Upper and lower case of a label value are the same.

    Raises:
        UserError: values that no class names, with their counts.
    """
    label = dataset.label if label is None else label
    chosen = taxonomy(dataset, label)
    value = pl.concat_str(chosen.columns, separator="/")
    lookup = {name.lower(): label for label, names in chosen.classes.items() for name in names if name != REST}
    rest = next((label for label, names in chosen.classes.items() if REST in names), None)
    named = flows.with_columns(
        value.str.to_lowercase().replace_strict(lookup, default=rest, return_dtype=pl.String).alias(column)
    )
    lost = named.filter(pl.col(column).is_null()).select(value.alias("value"))["value"]
    if lost.is_empty():
        return named
    counts = ", ".join(
        f"{name!r} ({count:,} rows)" for name, count in lost.value_counts(sort=True).head(10).iter_rows()
    )
    raise UserError(
        f"dataset={dataset.name} dataset.label={label}: no class for {counts} of column "
        f"{'/'.join(chosen.columns)}; the taxonomy names {', '.join(sorted(lookup))}. "
        f"Add them to dataset.labels.{label}.classes, or choose another label"
    )


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
        f"dataset={dataset.name} dataset.label={dataset.label}: all {flows.height:,} rows are {', '.join(names)}; "
        "two classes are needed: give more of the dataset's files, or choose another label"
    )


def normal_code(dataset: Dataset) -> int | None:
    """The code of the normal class, where the label is normal against attack: two classes, one of them normal.

    Known before a row is read: a class without rows would end the run. None where the label is another.
    """
    chosen = taxonomy(dataset)
    names = list(chosen.classes)
    return names.index(chosen.normal) if len(names) == 2 and chosen.normal in names else None
