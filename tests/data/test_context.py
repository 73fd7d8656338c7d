"""Context: what happened in a part's stretch of time besides its rows, and nothing else."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_ids.data.clean import ROW_ID
from iot_ids.data.context import context
from iot_ids.data.declaration import check_context
from iot_ids.data.spec import Columns, Dataset, RandomSplit, TemporalSplit
from iot_ids.errors import UserError


@given(times=st.lists(st.integers(0, 9), min_size=1, max_size=40), data=st.data())
def test_context_is_what_lies_between_the_first_row_and_the_last(times: list[int], data: st.DataObject) -> None:
    every = pl.DataFrame({"t": times}, schema={"t": pl.Float64}).with_row_index(ROW_ID)
    rows = data.draw(st.sets(st.integers(0, len(times) - 1), min_size=1))
    part = every[sorted(rows)]
    keys = [(times[row], row) for row in rows]
    expected = [at for at in range(len(times)) if at not in rows and min(keys) < (times[at], at) < max(keys)]
    assert context(every, part, "t")[ROW_ID].to_list() == expected


def test_parts_one_after_the_other_share_no_context() -> None:
    random = np.random.default_rng(0)
    every = pl.DataFrame({"t": random.integers(0, 50, 300) * 1.0}).with_row_index(ROW_ID)
    targets = every.filter(pl.Series(random.random(300) < 0.5)).sort("t", ROW_ID)
    parts = [targets[:60], targets[70:100], targets[110:]]  # ten rows of embargo between
    seen = [set(context(every, part, "t")[ROW_ID]) | set(part[ROW_ID]) for part in parts]
    assert not seen[0] & seen[1]
    assert not seen[1] & seen[2]
    embargoed = set(targets[60:70][ROW_ID]) | set(targets[100:110][ROW_ID])
    assert not embargoed & set.union(*seen)


def test_context_has_the_columns_of_the_part() -> None:
    every = pl.DataFrame({"t": [1.0, 2.0, 3.0], ROW_ID: [0, 1, 2], "label": ["a", "b", "c"]})
    part = every.select(ROW_ID, "t")[[0, 2]]
    assert context(every, part, "t").to_dict(as_series=False) == {ROW_ID: [1], "t": [2.0]}


TEMPORAL = TemporalSplit("temporal", test=0.2, validation=0.2, embargo=0)


def dataset(**columns: str) -> Dataset:
    return Dataset(name="mine", title="Mine", columns=Columns(**columns))


def test_windows_of_a_dataset_with_time_and_source_pass() -> None:
    check_context(dataset(time="t", source="s"), TEMPORAL, None)


@pytest.mark.parametrize(("columns", "lacking"), [({"time": "t"}, "source"), ({"source": "s"}, "time")])
def test_windows_need_time_and_source(columns: dict[str, str], lacking: str) -> None:
    with pytest.raises(UserError, match=rf"dataset=mine declares no {lacking} column \(dataset\.columns\.{lacking}\)"):
        check_context(dataset(**columns), TEMPORAL, None)


def test_windows_need_parts_that_follow_each_other_in_time() -> None:
    with pytest.raises(UserError, match=r"split=random: .* use split=temporal"):
        check_context(dataset(time="t", source="s"), RandomSplit("random", 0.2, 0.2), None)


def test_windows_of_another_network_are_refused() -> None:
    with pytest.raises(UserError, match="test_dataset"):
        check_context(dataset(time="t", source="s"), TEMPORAL, dataset())
