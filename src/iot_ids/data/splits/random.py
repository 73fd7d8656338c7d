"""The random split: rows drawn by the seed, class by class."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from iot_ids.common.errors import UserError
from iot_ids.common.imports import Later
from iot_ids.data.splits.base import Parts, Split, check_seed, check_share

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from iot_ids.data import label
    from iot_ids.data.schema import Dataset

    Labels = NDArray[np.str_] | NDArray[np.object_] | pl.Series
else:
    np, pl, label = Later("numpy"), Later("polars"), Later("iot_ids.data.label")


@dataclass
class RandomSplit(Split):
    """Drawn by the seed: the paper's 64/16/20."""

    test: float
    """Share of all rows."""
    validation: float
    """Share of the rows that are not test."""
    stratified: bool = True
    """Whether every class has its share of every part. False, as probably in the paper: a part may then lack a class.
    """

    def split(self, flows: pl.DataFrame, dataset: Dataset, seed: int) -> Parts:
        """Draw the parts with `random_split`."""
        check_share("split.test", self.test)
        return random_split(flows[label.CLASS], self.test, self.validation, seed, self.stratified)


def random_split(labels: Labels, test: float, validation: float, seed: int, stratified: bool = True) -> Parts:
    """Draw `test` of each class's rows, then `validation` of its remaining rows: 0.2 and 0.2 give the paper's 64/16/20.

    Counts are rounded per class, and every class has at least one row in every part; `test=0` leaves the test part
    empty. Where not `stratified`, the shares are drawn from all rows at once, and a part may lack a class.

    Raises:
        UserError: a share or the seed is out of range, or a class (the whole dataset, where not `stratified`) has fewer
            rows than there are parts.
    """
    if test != 0:
        check_share("split.test", test)
    check_share("split.validation", validation)
    check_seed(seed)
    generator = np.random.default_rng(seed)
    groups = _classes(labels) if stratified else [("the dataset", np.arange(len(labels)))]
    drawn = [_draw(generator.permutation(rows), name, test, validation) for name, rows in groups]
    return Parts(*(np.sort(np.concatenate(part)) for part in zip(*drawn, strict=True)))


def _classes(labels: Labels) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Each class, as `class 'NAME'`, and the positions of its rows, by name.

    Grouped by hash: sorting millions of texts takes seconds.
    """
    rows = pl.DataFrame({"name": pl.Series(labels, dtype=pl.String)}).with_row_index("row")
    grouped = rows.group_by("name").agg(pl.col("row").cast(pl.Int64).sort()).sort("name")
    return ((f"class {name!r}", grouped["row"][at].to_numpy()) for at, name in enumerate(grouped["name"]))


def _draw(rows: NDArray[np.int64], name: str, test: float, validation: float) -> tuple[NDArray[np.int64], ...]:
    """Divide the shuffled `rows` of the class `name` into train, validation and test."""
    parts = 3 if test else 2
    if len(rows) < parts:
        raise UserError(
            f"{name} has {len(rows)} row{'s' * (len(rows) > 1)}, too few for one in each of {parts} parts; "
            "choose a coarser dataset.label or give more rows"
        )
    tests = min(max(1, round(test * len(rows))), len(rows) - 2) if test else 0
    validations = min(max(1, round(validation * (len(rows) - tests))), len(rows) - tests - 1)
    return rows[tests + validations :], rows[tests : tests + validations], rows[:tests]
