"""Assign one class per flow from its label columns, by the taxonomy that `dataset.label` names."""

from collections.abc import Mapping, Sequence
from enum import Enum

import polars as pl

from iot_ids.common.errors import UserError
from iot_ids.data.checks import REST, taxonomy
from iot_ids.data.schema import Dataset, Taxonomy

CLASS = "__class"
"""Column with a flow's class."""
KIND = "__kind"
"""Column with a flow's class by another label than the one learned, for splits that need to know the attack."""
SHOWN = 5


def classified(flows: pl.DataFrame, dataset: Dataset, label: str | None = None, column: str = CLASS) -> pl.DataFrame:
    """Add `column` to `flows`: their classes by `label`, or by `dataset.label` if that is None.

    Label values are compared without case. A blank is the value "", and gives null if no class names that.

    Raises:
        UserError: no class names some values other than blanks; they are listed with their counts.
    """
    label = dataset.label if label is None else label
    chosen = taxonomy(dataset, label)
    named = classes_of(flows, chosen)
    unknown = named.is_null() & ~flows.select(_blank(chosen)).to_series()
    if not unknown.any():
        return flows.with_columns(named.alias(column))
    lost = flows.filter(unknown).select(_value(chosen).alias("value"))["value"]
    counts = ", ".join(
        f"{name!r} ({count:,} rows)" for name, count in lost.value_counts(sort=True).head(10).iter_rows()
    )
    raise UserError(
        f"dataset={dataset.name} dataset.label={label}: no class for {counts} of column "
        f"{'/'.join(chosen.columns)}; the taxonomy names {', '.join(sorted(_lookup(chosen)))}. "
        f"Add them to dataset.labels.{label}.classes, or choose another label"
    )


def classes_of(flows: pl.DataFrame, chosen: Taxonomy) -> pl.Series:
    """Return the class of each row by `chosen`; null if no class names its value."""
    labels = flows.select(chosen.columns)
    kinds = labels.unique().with_columns(_class(chosen).alias(CLASS))  # a handful, however many flows
    return labels.join(kinds, on=chosen.columns, how="left", maintain_order="left", nulls_equal=True)[CLASS]


def contradicting(flows: pl.DataFrame, dataset: Dataset) -> tuple[pl.DataFrame, list[str]]:
    """Find flows that one of the dataset's taxonomies calls normal and another does not.

    Only taxonomies with a normal class, and with columns among the labels, count. A value that no class names is not
    normal; a blank that may mean a normal value is ignored. The label columns of `flows`
    are text.

    Returns:
        The contradicting flows, in their order, and a description of each of the first few.
    """
    judges = {
        name: each
        for name, each in dataset.labels.items()
        if each.classes.get(str(each.normal)) and each.columns and set(each.columns) <= set(dataset.columns.labels)
    }
    labels = dataset.columns.labels
    kinds = flows.select(labels).unique()  # a handful, however many flows
    both = kinds.filter(pl.Series([_contradict(row, judges) for row in kinds.iter_rows(named=True)], dtype=pl.Boolean))
    if both.is_empty():
        return flows.clear(), []
    found = flows.join(both, on=labels, how="semi", maintain_order="left", nulls_equal=True)
    return found, [_said(row, judges) for row in found.head(SHOWN).select(labels).iter_rows(named=True)]


def class_names(flows: pl.DataFrame, dataset: Dataset) -> list[str]:
    """Return the classes that have rows, in the taxonomy's order.

    Raises:
        UserError: only one has.
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
    """Return the code of the normal class if the label has two classes, one of them normal; else None.

    It is known before a row is read, since a class without rows would end the run.
    """
    chosen = taxonomy(dataset)
    names = list(chosen.classes)
    return names.index(chosen.normal) if len(names) == 2 and chosen.normal in names else None


def _value(chosen: Taxonomy) -> pl.Expr:
    return pl.concat_str([pl.col(name).cast(pl.String).fill_null("") for name in chosen.columns], separator="/")


def _blank(chosen: Taxonomy) -> pl.Expr:
    return pl.any_horizontal(pl.col(name).is_null() for name in chosen.columns)


def _lookup(chosen: Taxonomy) -> dict[str, str]:
    return {name.lower(): label for label, names in chosen.classes.items() for name in names if name != REST}


def _class(chosen: Taxonomy) -> pl.Expr:
    """A flow's class by `chosen`; null if no class names its value. `*` does not take blanks."""
    named = _value(chosen).str.to_lowercase().replace_strict(_lookup(chosen), default=None, return_dtype=pl.String)
    return pl.when(_blank(chosen)).then(named).otherwise(named.fill_null(pl.lit(_rest(chosen), pl.String)))


def _rest(chosen: Taxonomy) -> str | None:
    return next((label for label, names in chosen.classes.items() if REST in names), None)


class _Call(Enum):
    """How a taxonomy classifies a value."""

    normal = "normal by"
    attack = "an attack by"
    unknown = "unknown to"


def _call(row: Mapping[str, str | None], chosen: Taxonomy) -> _Call | None:
    """Classify a row by `chosen`; None if a blank may mean a normal value."""
    cells = [row[name] for name in chosen.columns]
    blank = None in cells
    label = _lookup(chosen).get("/".join(cell or "" for cell in cells).lower(), None if blank else _rest(chosen))
    if label is not None:
        return _Call.normal if label == chosen.normal else _Call.attack
    return None if blank and _may_be_normal(cells, chosen) else _Call.unknown


def _may_be_normal(cells: Sequence[str | None], chosen: Taxonomy) -> bool:
    """Whether the cells that are not blank match a normal value, or all are blank."""
    if not any(cells):
        return True
    normal = [name.lower().split("/") for name in chosen.classes[str(chosen.normal)]]
    return any(
        len(parts) == len(cells)
        and all(cell is None or cell.lower() == part for cell, part in zip(cells, parts, strict=True))
        for parts in normal
    )


def _contradict(row: Mapping[str, str | None], judges: Mapping[str, Taxonomy]) -> bool:
    calls = {_call(row, each) for each in judges.values()}
    return _Call.normal in calls and bool(calls & {_Call.attack, _Call.unknown})


def _said(row: Mapping[str, str | None], judges: Mapping[str, Taxonomy]) -> str:
    """`normal by binary (attack=0), an attack by category (kind=Scan)`."""
    parts = [
        f"{call.value} {name} ({'/'.join(each.columns)}={'/'.join(row[column] or '' for column in each.columns)})"
        for name, each in judges.items()
        if (call := _call(row, each)) is not None
    ]
    return ", ".join(parts)
