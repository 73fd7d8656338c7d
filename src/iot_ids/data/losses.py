"""Count what cleaning costs each class, and report losses that matter."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from iot_ids.data.checks import taxonomy
from iot_ids.data.label import CLASS, classes_of
from iot_ids.data.reading.rejects import NO_NUMBER, NOT_FINITE, REASON, REASONS, TEXT
from iot_ids.data.schema import Dataset

OF_A_CLASS = (TEXT, NOT_FINITE, NO_NUMBER)
"""Reasons for leaving out a row that still has a readable label."""
MUCH = 0.1
"""Share of a class's rows above which its loss is reported."""


def lost_by_class(odd: pl.DataFrame, kept: pl.Series, dataset: Dataset) -> dict[str, dict[str, Any]]:
    """Return, for each class that lost rows, how many it had and how many it lost for each reason, worst first.

    Duplicates are not a loss. Rows with a label that no class names are not counted.

    Args:
        odd: the rows left out, with REASON and the labels.
        kept: the classes of the other rows, duplicates included.
        dataset: defines the labels.
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
    """Describe the loss of each class that lost more than a tenth of its rows; `report` is from `clean`."""
    return [_sentence(name, lost) for name, lost in report["lost_by_class"].items() if _share(lost) > MUCH]


def _share(of_class: Mapping[str, Any]) -> float:
    return float(sum(of_class["lost"].values()) / of_class["rows"])


def _sentence(name: str, of_class: Mapping[str, Any]) -> str:
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in of_class["lost"].items())
    said = (
        f"Cleaning left out {sum(of_class['lost'].values()):,} of {of_class['rows']:,} rows of {name} "
        f"({_share(of_class):.0%}: {reasons}): results for {name} describe only the rows that remain."
    )
    keeps = REASONS[NO_NUMBER] in of_class["lost"]
    return said + " dataset.missing_numbers=indicate keeps rows without a number." * keeps
