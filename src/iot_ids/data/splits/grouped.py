"""Whole groups in one part: equal flows, the flows of one sender, or those of one file."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from iot_ids.common.errors import UserError
from iot_ids.common.imports import Later
from iot_ids.data.splits.base import Parts, Split, check_seed, check_shares

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from iot_ids.data import label
    from iot_ids.data.reading import layout
    from iot_ids.data.schema import Dataset
else:
    np, pl = Later("numpy"), Later("polars")
    label, layout = Later("iot_ids.data.label"), Later("iot_ids.data.reading.layout")

FEWEST = 3
"""Groups that a class needs, so that every part can have one."""


class GroupBy(Enum):
    """Which flows belong together and must be in one part."""

    features = "features"
    """Flows that are equal in every feature."""
    source = "source"
    """Flows of one sender, the column that `columns.source` names."""
    file = "file"
    """Flows of one file."""


@dataclass
class GroupedSplit(Split):
    """Drawn by the seed, in whole groups: what belongs together is never in two parts."""

    by: GroupBy
    test: float
    """Share of all rows, met as closely as the groups' sizes allow."""
    validation: float
    """Share of the rows that are not test, likewise."""

    def split(self, flows: pl.DataFrame, dataset: Dataset, seed: int) -> Parts:
        """Divide `flows` in whole groups, so that frequencies are kept and no group is in two parts.

        Groups are drawn class by class (a group's class is that of most of its rows), until a part has its share of the
        class's rows. Every group is equally likely to be in a part, whatever its size, unless it is so large that the
        others would leave a part empty; such a group is tested on more often. The larger the groups, the coarser the
        shares. Every part has at least one group of every class with three or more; classes with fewer are drawn
        together with the largest class. Flows without a source are one group.

        Raises:
            UserError: a share or the seed is out of range; there are fewer than three groups, or of one class where
                `by=features`; the dataset has no source column.
        """
        check_shares(self)
        check_seed(seed)
        group = _groups(flows, dataset, self.by)
        groups = _table(group, flows[label.CLASS])
        stratum = _strata(groups, self.by)
        generator = np.random.default_rng(seed)
        part = np.empty(groups.height, dtype=np.int8)
        for name in np.unique(stratum):
            inside = generator.permutation(np.flatnonzero(stratum == name))
            part[inside] = _parts(groups["rows"].to_numpy()[inside], self.test, self.validation, generator.random())
        of_row = part[group.to_numpy()]
        return Parts(*(np.flatnonzero(of_row == which) for which in range(3)))


def _groups(flows: pl.DataFrame, dataset: Dataset, by: GroupBy) -> pl.Series:
    """The number of each row's group, from 0, in the order of their first rows."""
    columns = dataset.columns
    if by is GroupBy.source and (columns.source is None or columns.source not in flows.columns):
        raise UserError(
            f"split.by=source: dataset={dataset.name} has no source column; name it in dataset.columns.source "
            "(among the identifiers), or use split.by=features"
        )
    features = [*columns.numeric, *columns.categorical]
    of = {GroupBy.features: features, GroupBy.file: [layout.FILE]}.get(by, [columns.source])
    first = flows.select(of).with_row_index("row").group_by(of, maintain_order=True).agg(pl.col("row"))
    return first.select("row").with_row_index("group").explode("row").sort("row")["group"]


def _table(group: pl.Series, labels: pl.Series) -> pl.DataFrame:
    """By group: its number of rows, and its most frequent class (of equally frequent ones the first by name)."""
    counted = pl.DataFrame({"group": group, "label": labels}).group_by("group", "label").len("rows")
    ranked = counted.sort("rows", "label", descending=[True, False])
    return ranked.group_by("group").agg(pl.col("label").first(), pl.col("rows").sum()).sort("group")


def _strata(groups: pl.DataFrame, by: GroupBy) -> NDArray[np.object_]:
    """The class that each group is drawn with: its own, or the largest where its own has fewer than three groups."""
    count = dict(groups["label"].value_counts().iter_rows())
    few = {name: number for name, number in count.items() if number < FEWEST}
    if by is GroupBy.features and few:
        name, number = next(iter(sorted(few.items())))
        raise UserError(
            f"split.by=features: class {name!r} has {number} distinct flow{'s' * (number > 1)}, too few for one in "
            "each of 3 parts; choose a coarser dataset.label or give more rows"
        )
    if groups.height < FEWEST:
        raise UserError(
            f"split.by={by.value}: there are {groups.height} groups in all, and three parts need at least three; "
            "use split.by=features, or give more data"
        )
    largest = max(count, key=lambda name: (count[name], name))
    return groups["label"].replace(list(few), [largest] * len(few)).to_numpy()


def _parts(rows: NDArray[np.int64], test: float, validation: float, turn: float) -> NDArray[np.int8]:
    """The part of each group (test 2, validation 1, train 0); every part has at least one.

    Arrange groups on a circle with arcs proportional to their rows, rotate it at random, cut it in three: a group
    larger than the test part can still be in it. A part that would stay empty takes its neighbour on the circle, which
    makes that group more likely to be tested on: of five groups, one with nine tenths of the rows, that one is in the
    test part in 46 % of the draws, not in 20 %.
    """
    total = rows.sum()
    middle = (np.cumsum(rows) - rows / 2 + turn * total) % total
    order = np.argsort(middle, kind="stable")
    ends = [test * total, (test + validation * (1 - test)) * total]
    tests = int(np.clip(np.searchsorted(middle[order], ends[0]), 1, len(rows) - 2))
    both = int(np.clip(np.searchsorted(middle[order], ends[1]), tests + 1, len(rows) - 1))
    part = np.empty(len(rows), dtype=np.int8)
    part[order] = np.repeat(np.array([2, 1, 0], dtype=np.int8), [tests, both - tests, len(rows) - both])
    return part
