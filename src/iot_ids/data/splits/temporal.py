"""The past trains, the future tests."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from iot_ids.common.errors import UserError
from iot_ids.data.checks import time_column
from iot_ids.data.reading.times import unknown
from iot_ids.data.schema import Dataset, TemporalSplit
from iot_ids.data.splits.base import Parts, check_share


def temporal_split(flows: pl.DataFrame, dataset: Dataset, split: TemporalSplit) -> Parts:
    """Cut `flows`, ordered by time, at the shares; leave out the `embargo` rows after each border.

    Flows of one time keep the order of the files. The rows left out are in no part: the caller counts them. A class
    that appears late may be absent from train; its rows are judged all the same.

    Raises:
        UserError: the dataset has no time column, or it holds no numbers, or none for some flows; a share is not in its
            range; the embargo is negative or leaves nothing of a part.
    """
    check_share("split.test", split.test, zero=False)
    check_share("split.validation", split.validation, zero=False)
    if split.embargo < 0:
        raise UserError(f"split.embargo={split.embargo} is no number of rows; 0 leaves none out")
    order = _order(flows, dataset)
    tests = round(split.test * len(order))
    validations = round(split.validation * (len(order) - tests))
    ends = np.cumsum([len(order) - tests - validations, validations, tests])
    train, validation, test = np.split(order, ends[:2])
    later = {"validation": validation[split.embargo :], "test": test[split.embargo :]}
    for name, rows in {"train": train, **later}.items():
        if not len(rows):
            raise UserError(
                f"split=temporal: of {len(order):,} rows none is left for {name} after split.embargo={split.embargo} "
                "at each border; give more rows, or lower the embargo"
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
            f"split=temporal: the time column {name} of dataset={dataset.name} {unknown(time.cast(pl.String))}"
        )
    if lacking := len(time) - int(time.is_finite().sum() if time.dtype.is_float() else time.is_not_null().sum()):
        raise UserError(
            f"split=temporal: {lacking:,} of {len(time):,} rows of dataset={dataset.name} have no {name}: they stand "
            "nowhere in time; mend the files, or use split=random"
        )
    return np.argsort(time.to_numpy(), kind="stable")
