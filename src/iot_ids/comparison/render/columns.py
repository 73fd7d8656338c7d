"""The columns of a table: one list gives the cells for readers and the numbers for programs."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import polars as pl

from iot_ids.common.text import mark_simulated
from iot_ids.comparison.method_scores import Row
from iot_ids.comparison.stats.seeds import Difference, Estimate

T = TypeVar("T")


@dataclass(frozen=True)
class Column(Generic[T]):
    """A column of a table whose rows are made from objects of type `T`.

    Without `heading` and `text` it is in the CSV file only, without `numbers` in the other forms only. `numbers` may
    give several columns of the CSV file, such as a mean and both ends of its interval.
    """

    heading: str | None = None
    text: Callable[[T], str] | None = None
    numbers: Callable[[T], Mapping[str, object]] | None = None


def headings(columns: Sequence[Column[T]]) -> list[str]:
    """Return the headings that readers see."""
    return [column.heading for column in columns if column.heading is not None]


def texts(columns: Sequence[Column[T]], row: T) -> list[str]:
    """Return the cells of one row that readers see."""
    return [column.text(row) for column in columns if column.text is not None]


def under_titles(columns: Sequence[Column[T]], groups: Iterable[tuple[str, Iterable[T]]]) -> list[list[str]]:
    """Return the cells of several groups of rows, each below a row that holds the group's title only."""
    empty = [""] * (len(headings(columns)) - 1)
    return [line for title, rows in groups for line in ([title, *empty], *(texts(columns, row) for row in rows))]


def frame(columns: Sequence[Column[T]], rows: Iterable[T], simulated: bool) -> pl.DataFrame:
    """Return the numbers of all rows; null where there is none."""
    numbers = [
        {name: value for column in columns if column.numbers for name, value in column.numbers(row).items()}
        for row in rows
    ]
    return mark_simulated(pl.DataFrame(numbers, infer_schema_length=None), simulated)


def ends(name: str, estimate: Estimate | None) -> dict[str, object]:
    """Return a measure with `_low` and `_high`; None where there is no number."""
    values = (None,) * 3 if estimate is None else (estimate.mean, estimate.low, estimate.high)
    known = (None if value is None or value != value else value for value in values)
    return dict(zip((name, f"{name}_low", f"{name}_high"), known, strict=True))


def difference(found: Difference | None, name: str = "difference") -> dict[str, object]:
    """Return a difference with its interval, and how many seeds it is over."""
    return ends(name, found.estimate if found else None) | {"common_seeds": found.seeds if found else None}


def seeds(found: Sequence[int]) -> dict[str, object]:
    """Return how many seeds there are, and which."""
    return {"seeds": len(found), "seed_list": " ".join(map(str, found))}


def seen(row: Row) -> dict[str, object]:
    """Return how many test rows have the features of a training row."""
    return {"seen_rows": row.seen, "seen_share": row.seen_share}
