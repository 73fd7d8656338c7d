"""What cleaning costs each class: rows that were left out for a number, and when that has to be said aloud."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from iot_ids.data.checks import taxonomy
from iot_ids.data.label import CLASS, classes_of
from iot_ids.data.reading.rejects import NO_NUMBER, NOT_FINITE, REASON, REASONS, TEXT
from iot_ids.data.schema import Dataset

OF_A_CLASS = (TEXT, NOT_FINITE, NO_NUMBER)
"""Reasons to leave a row out whose label can be read all the same."""
MUCH = 0.1
"""From which share on a class's loss is worth a sentence."""


def lost_by_class(odd: pl.DataFrame, kept: pl.Series, dataset: Dataset) -> dict[str, dict[str, Any]]:
    """For each class that lost rows: how many it had, and how many were lost for which reason; the worst first.

    Repeats are no loss. A row whose label no class names is in none.

    Args:
        odd: the rows that were left out, with REASON and the labels.
        kept: the classes of the rows that were not, repeats among them.
        dataset: says what the labels mean.
    """
    if odd.is_empty():
        return {}
    rows = odd.with_columns(classes_of(odd, taxonomy(dataset)).alias(CLASS))
    rows = rows.filter(pl.col(CLASS).is_not_null() & pl.col(REASON).is_in(OF_A_CLASS))
    left = dict(kept.value_counts().iter_rows())
    found: dict[str, dict[str, Any]] = {}
    for name, code, count in rows.group_by(CLASS, REASON).len().sort(CLASS, REASON).iter_rows():
        of_class = found.setdefault(name, {"rows": left.get(name, 0), "lost": {}})
        of_class["rows"] += count
        of_class["lost"][REASONS[code]] = count
    return dict(sorted(found.items(), key=lambda item: -_share(item[1])))


def sentences(report: Mapping[str, Any]) -> list[str]:
    """Of each class that lost more than a tenth of its rows, what became of them; `report` is cleaning's."""
    return [_sentence(name, lost) for name, lost in report["lost_by_class"].items() if _share(lost) > MUCH]


def _share(of_class: Mapping[str, Any]) -> float:
    return float(sum(of_class["lost"].values()) / of_class["rows"])


def _sentence(name: str, of_class: Mapping[str, Any]) -> str:
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in of_class["lost"].items())
    said = (
        f"Cleaning left out {sum(of_class['lost'].values()):,} of {of_class['rows']:,} rows of {name} "
        f"({_share(of_class):.0%}: {reasons}): what is said of {name} holds for the others alone."
    )
    keeps = REASONS[NO_NUMBER] in of_class["lost"]
    return said + " dataset.missing_numbers=indicate keeps rows without a number." * keeps
