"""The past trains, the future tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from iot_ids.common.errors import UserError
from iot_ids.common.imports import Later
from iot_ids.data.checks import time_column
from iot_ids.data.splits.base import Parts, Split, check_shares

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from iot_ids.data.reading import times
    from iot_ids.data.schema import Dataset
else:
    np, pl, times = Later("numpy"), Later("polars"), Later("iot_ids.data.reading.times")


@dataclass
class TemporalSplit(Split):
    """The past trains, the next stretch validates, the last one tests. Needs `columns.time`; the seed plays no part."""

    test: float
    """Share of all rows, the latest."""
    validation: float
    """Share of the rows that are not test, the latest of them."""
    embargo: int
    """Number of rows left out after each border: counters over a window of records would reach across it."""

    by_time = True
    unused_rows = "embargoed after a border of the split"

    def split(self, flows: pl.DataFrame, dataset: Dataset, seed: int) -> Parts:
        """Cut `flows`, ordered by time, at the shares; leave out the `embargo` rows after each border.

        Flows of equal times keep the order of the files. A class that appears late may be absent from train; its rows
        are evaluated all the same.

        Raises:
            UserError: the dataset has no time column, or that column is not numeric or lacks values; a share is out of
                range; the embargo is negative or leaves a part empty.
        """
        check_shares(self)
        if self.embargo < 0:
            raise UserError(f"split.embargo={self.embargo} must not be negative; 0 leaves no row out")
        order = _order(flows, dataset)
        tests = round(self.test * len(order))
        validations = round(self.validation * (len(order) - tests))
        ends = np.cumsum([len(order) - tests - validations, validations, tests])
        train, validation, test = np.split(order, ends[:2])
        later = {"validation": validation[self.embargo :], "test": test[self.embargo :]}
        for name, rows in {"train": train, **later}.items():
            if not len(rows):
                raise UserError(
                    f"split=temporal: of {len(order):,} rows none is left for {name} after "
                    f"split.embargo={self.embargo} at each border; give more rows, or lower the embargo"
                )
        return Parts(*(np.sort(rows) for rows in (train, later["validation"], later["test"])))


def _order(flows: pl.DataFrame, dataset: Dataset) -> NDArray[np.int64]:
    """Row positions from the earliest to the latest."""
    name = time_column(dataset)
    if name not in flows.columns:
        raise UserError(f"split=temporal: the files of dataset={dataset.name} lack its time column {name}")
    time = flows[name]
    if not (time.dtype.is_numeric() or time.dtype.is_temporal()):
        raise UserError(
            f"split=temporal: the time column {name} of dataset={dataset.name} {times.explain(time.cast(pl.String))}"
        )
    if lacking := len(time) - int(time.is_finite().sum() if time.dtype.is_float() else time.is_not_null().sum()):
        raise UserError(
            f"split=temporal: {lacking:,} of {len(time):,} rows of dataset={dataset.name} have no {name}, so they "
            "cannot be ordered in time; fix the files, or use split=random"
        )
    return np.argsort(time.to_numpy(), kind="stable")
