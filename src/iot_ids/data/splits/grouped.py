"""Groups on one side only: equal flows, the flows of one sender, or those of one file."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from iot_ids.common.errors import UserError
from iot_ids.data.label import CLASS
from iot_ids.data.reading.layout import FILE
from iot_ids.data.schema import Dataset, GroupBy, GroupedSplit
from iot_ids.data.splits.base import Parts, check_seed, check_share

FEWEST = 3
"""Groups of a class, so that every part can have one."""


def grouped_split(flows: pl.DataFrame, dataset: Dataset, split: GroupedSplit, seed: int) -> Parts:
    """Divide `flows` in whole groups, so that frequencies are kept and no group is in two parts.

    Groups are drawn class by class (that of most of their rows), until a part has its share of the class's rows. Every
    group has the same chance of a part, whatever its size, as long as no group is so large that the others would leave
    a part empty; such a one is tested on oftener. So the larger the groups, the coarser the shares. Every part has at
    least one group of every class with three or more; classes with fewer are drawn with the largest class. Flows
    without a source are one group.

    Raises:
        UserError: a share or the seed is not in its range; there are fewer than three groups, or of one class where
            `by=features`; the dataset has no source column.
    """
    check_share("split.test", split.test, zero=False)
    check_share("split.validation", split.validation, zero=False)
    check_seed(seed)
    group = _groups(flows, dataset, split.by)
    groups = _table(group, flows[CLASS])
    stratum = _strata(groups, split.by)
    generator = np.random.default_rng(seed)
    part = np.empty(groups.height, dtype=np.int8)
    for name in np.unique(stratum):
        inside = generator.permutation(np.flatnonzero(stratum == name))
        part[inside] = _parts(groups["rows"].to_numpy()[inside], split.test, split.validation, generator.random())
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
    of = {GroupBy.features: [*columns.numeric, *columns.categorical], GroupBy.file: [FILE]}.get(by, [columns.source])
    first = flows.select(of).with_row_index("row").group_by(of, maintain_order=True).agg(pl.col("row"))
    return first.select("row").with_row_index("group").explode("row").sort("row")["group"]


def _table(group: pl.Series, labels: pl.Series) -> pl.DataFrame:
    """By group: its number of rows, and the class of most of them (the first by name of equals)."""
    counted = pl.DataFrame({"group": group, "label": labels}).group_by("group", "label").len("rows")
    ranked = counted.sort("rows", "label", descending=[True, False])
    return ranked.group_by("group").agg(pl.col("label").first(), pl.col("rows").sum()).sort("group")


def _strata(groups: pl.DataFrame, by: GroupBy) -> NDArray[np.object_]:
    """What is drawn together: a class's groups; those of classes with fewer than three join the largest class's."""
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
    """The part of each group, test: 2, validation: 1, train: 0; every part has at least one.

    Groups lie on a circle, as long as they have rows, which is turned by a random share: so a group larger than the
    test part has that part's chance to be in it too. A part that would stay empty takes its neighbour on the circle,
    which raises that group's chance: of five groups, of which one has nine tenths of the rows, that one is in the test
    part in 46 % of the draws, not in 20 %.
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
