"""The temporal split: the past trains, the future tests, and the embargo is exact to the row."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_ids.common.errors import UserError
from iot_ids.data.schema import Columns, Dataset
from iot_ids.data.splits import TemporalSplit

DATASET = Dataset("small", "Small", columns=Columns(["pkts"], [], ["stime"], time="stime"))


def split(embargo: int) -> TemporalSplit:
    return TemporalSplit("temporal", test=0.2, validation=0.2, embargo=embargo)


def flows(times: list[float]) -> pl.DataFrame:
    return pl.DataFrame({"pkts": 1.0, "stime": times})


def test_the_cuts_and_the_embargo_are_exact_to_the_row() -> None:
    times = np.random.default_rng(0).permutation(1000)
    parts = split(embargo=7).split(flows(list(times)), DATASET, 0)
    assert sorted(times[parts.train]) == list(range(640))
    assert sorted(times[parts.validation]) == list(range(647, 800))
    assert sorted(times[parts.test]) == list(range(807, 1000))


@given(st.lists(st.integers(0, 30), min_size=40, max_size=200), st.integers(0, 5))
def test_no_part_is_earlier_than_the_one_before(times: list[int], embargo: int) -> None:
    parts = split(embargo).split(flows([float(time) for time in times]), DATASET, 0)
    stretches = [np.array(times)[rows] for rows in (parts.train, parts.validation, parts.test)]
    assert stretches[0].max() <= stretches[1].min()
    assert stretches[1].max() <= stretches[2].min()
    assert sum(map(len, stretches)) == len(times) - 2 * embargo


def test_equal_times_keep_the_order_of_the_files() -> None:
    parts = split(embargo=0).split(flows([5.0] * 100), DATASET, 0)
    assert [list(rows) for rows in (parts.train, parts.validation, parts.test)] == [
        list(range(64)),
        list(range(64, 80)),
        list(range(80, 100)),
    ]


def test_a_dataset_without_a_time_column_is_refused() -> None:
    dataset = replace(DATASET, columns=replace(DATASET.columns, time=None))
    with pytest.raises(UserError, match="declares no time column"):
        split(0).split(flows([1.0]), dataset, 0)


def test_an_embargo_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(UserError, match="of 100 rows none is left for validation after"):
        split(16).split(flows([float(at) for at in range(100)]), DATASET, 0)


def test_flows_without_a_time_are_refused_with_their_count() -> None:
    table = flows([1.0, 2.0, 3.0]).with_columns(stime=pl.Series([1.0, None, None]))
    with pytest.raises(UserError, match="2 of 3 rows of dataset=small have no stime"):
        split(0).split(table, DATASET, 0)


def test_a_time_that_is_no_number_is_no_time() -> None:
    with pytest.raises(UserError, match="2 of 10 rows of dataset=small have no stime"):
        split(0).split(flows([1.0, float("nan"), float("inf"), *range(7)]), DATASET, 0)


def test_a_time_that_is_text_is_refused_with_an_example() -> None:
    table = pl.DataFrame({"pkts": [1.0], "stime": ["01/06/2018 10:00"]})
    with pytest.raises(UserError, match=r"read as .* or as .*; say which in dataset\.columns\.time_format"):
        split(0).split(table, DATASET, 0)


def test_files_without_the_time_column_are_refused() -> None:
    with pytest.raises(UserError, match="lack its time column stime"):
        split(0).split(pl.DataFrame({"pkts": [1.0]}), DATASET, 0)
