"""Windows: never another source, never the future, exactly the last flows."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_ids.common.errors import UserError
from iot_ids.data.checks import check_history
from iot_ids.data.clean import ROW_ID
from iot_ids.data.schema import Columns, Dataset
from iot_ids.data.splits import RandomSplit, TemporalSplit
from iot_ids.data.windows import PADDING, history, windows, windows_of

COLUMNS = Columns(identifiers=["stime", "saddr"], time="stime", source="saddr")
Flow = tuple[float | None, str | None]
FLOWS = st.lists(
    st.tuples(st.none() | st.just(float("nan")) | st.integers(0, 6).map(float), st.none() | st.sampled_from("abc")),
    min_size=1,
    max_size=40,
)


def made(flows: Sequence[Flow], targets: Sequence[int], window: int, row_id: Sequence[int] | None = None) -> np.ndarray:
    time = pl.Series([time for time, _ in flows], dtype=pl.Float64)
    source = pl.Series([source for _, source in flows], dtype=pl.String)
    ids = pl.Series(range(len(flows)) if row_id is None else row_id)
    return windows(time, source, ids, np.array(targets, dtype=np.int64), window)


def by_hand(flows: Sequence[Flow], target: int, window: int, row_id: Sequence[int]) -> list[int]:
    """The definition, flow by flow."""

    def known(at: int) -> bool:
        time, source = flows[at]
        return source is not None and time is not None and time == time

    time, source = flows[target]
    if not known(target):
        return [target] + [PADDING] * (window - 1)
    earlier = [
        at
        for at in range(len(flows))
        if known(at) and flows[at][1] == source and (flows[at][0], row_id[at]) <= (time, row_id[target])
    ]
    last = sorted(earlier, key=lambda at: (flows[at][0], row_id[at]))[-window:]
    return last + [PADDING] * (window - len(last))


@given(flows=FLOWS, window=st.integers(1, 8), data=st.data())
def test_every_window_is_its_definition(flows: list[Flow], window: int, data: st.DataObject) -> None:
    row_id = data.draw(st.permutations(range(len(flows))))
    targets = data.draw(st.lists(st.integers(0, len(flows) - 1)))
    expected = [by_hand(flows, target, window, row_id) for target in targets]
    assert made(flows, targets, window, row_id).tolist() == expected


@given(flows=FLOWS, window=st.integers(1, 8))
def test_a_longer_window_ends_like_a_shorter_one(flows: list[Flow], window: int) -> None:
    everyone = range(len(flows))
    for short, long in zip(made(flows, everyone, window), made(flows, everyone, window + 3), strict=True):
        assert [at for at in long if at != PADDING][-window:] == [at for at in short if at != PADDING]


def test_the_earliest_stands_first_the_flow_itself_last_and_padding_behind() -> None:
    flows: list[Flow] = [(3.0, "a"), (1.0, "a"), (2.0, "b"), (2.0, "a")]
    assert made(flows, [0, 2], 4).tolist() == [[1, 3, 0, PADDING], [2, PADDING, PADDING, PADDING]]


def test_flows_of_one_time_keep_the_order_of_the_files() -> None:
    flows: list[Flow] = [(1.0, "a")] * 3
    assert made(flows, [0, 1, 2], 2, row_id=[2, 0, 1]).tolist() == [[2, 0], [1, PADDING], [1, 2]]


def test_flows_without_a_source_have_no_history_together() -> None:
    assert made([(1.0, None), (2.0, None)], [0, 1], 2).tolist() == [[0, PADDING], [1, PADDING]]


def test_no_targets_have_no_windows() -> None:
    assert made([(1.0, "a")], [], 3).shape == (0, 3)


# --- from a table with the dataset's columns


def test_raw_texts_and_clean_numbers_give_the_same() -> None:
    clean = pl.DataFrame({"stime": [10.0, 9.0, 9.5], "saddr": ["7", "7", "8"]})
    raw = pl.DataFrame({"stime": ["10", " 9", "9.5"], "saddr": [" 7", "7.0", "8"]})
    expected = [[1, 0], [1, PADDING], [2, PADDING]]
    for flows in (clean, raw):
        assert windows_of(flows, COLUMNS, [""], np.arange(3), 2).tolist() == expected


def test_row_ids_decide_where_there_are_any() -> None:
    flows = pl.DataFrame({"stime": [1.0, 1.0], "saddr": ["a", "a"], ROW_ID: [1, 0]})
    assert windows_of(flows, COLUMNS, [""], np.arange(2), 2).tolist() == [[1, 0], [1, PADDING]]


def test_a_missing_source_or_time_is_nobodys() -> None:
    flows = pl.DataFrame({"stime": ["1", "2", "-", "3"], "saddr": ["-", "-", "a", "a"]})
    assert windows_of(flows, COLUMNS, ["-"], np.arange(4), 2)[:, 1].tolist() == [PADDING] * 4


def test_a_missing_column_is_named() -> None:
    with pytest.raises(UserError, match="lack the columns saddr; they have stime"):
        windows_of(pl.DataFrame({"stime": [1.0]}), COLUMNS, [""], np.arange(1), 2)


def test_a_time_that_is_text_is_refused_with_an_example() -> None:
    with pytest.raises(UserError, match="time column stime holds text \\('noon'\\)"):
        windows_of(pl.DataFrame({"stime": ["1", "noon"], "saddr": ["a", "a"]}), COLUMNS, [""], np.arange(2), 2)


def test_a_time_that_is_text_of_a_known_format_has_its_order() -> None:
    flows = pl.DataFrame({"stime": ["09/02/2018", "10/01/2018", ""], "saddr": ["a", "a", "a"]})
    columns = replace(COLUMNS, time_format="%d/%m/%Y")
    assert windows_of(flows, columns, [""], np.arange(3), 2).tolist() == [[1, 0], [1, PADDING], [2, PADDING]]


@given(times=st.lists(st.integers(0, 9), min_size=1, max_size=40), data=st.data())
def test_context_is_what_lies_between_the_first_row_and_the_last(times: list[int], data: st.DataObject) -> None:
    every = pl.DataFrame({"t": times}, schema={"t": pl.Float64}).with_row_index(ROW_ID)
    rows = data.draw(st.sets(st.integers(0, len(times) - 1), min_size=1))
    part = every[sorted(rows)]
    keys = [(times[row], row) for row in rows]
    expected = [at for at in range(len(times)) if at not in rows and min(keys) < (times[at], at) < max(keys)]
    assert history(every, part, "t")[ROW_ID].to_list() == expected


def test_parts_one_after_the_other_share_no_context() -> None:
    random = np.random.default_rng(0)
    every = pl.DataFrame({"t": random.integers(0, 50, 300) * 1.0}).with_row_index(ROW_ID)
    targets = every.filter(pl.Series(random.random(300) < 0.5)).sort("t", ROW_ID)
    parts = [targets[:60], targets[70:100], targets[110:]]  # ten rows of embargo between
    seen = [set(history(every, part, "t")[ROW_ID]) | set(part[ROW_ID]) for part in parts]
    assert not seen[0] & seen[1]
    assert not seen[1] & seen[2]
    embargoed = set(targets[60:70][ROW_ID]) | set(targets[100:110][ROW_ID])
    assert not embargoed & set.union(*seen)


def test_context_has_the_columns_of_the_part() -> None:
    every = pl.DataFrame({"t": [1.0, 2.0, 3.0], ROW_ID: [0, 1, 2], "label": ["a", "b", "c"]})
    part = every.select(ROW_ID, "t")[[0, 2]]
    assert history(every, part, "t").to_dict(as_series=False) == {ROW_ID: [1], "t": [2.0]}


TEMPORAL = TemporalSplit("temporal", test=0.2, validation=0.2, embargo=0)


def dataset(**columns: str) -> Dataset:
    return Dataset(name="mine", title="Mine", columns=Columns(**columns))


def test_windows_of_a_dataset_with_time_and_source_pass() -> None:
    check_history(dataset(time="t", source="s"), TEMPORAL, None)


@pytest.mark.parametrize(("columns", "lacking"), [({"time": "t"}, "source"), ({"source": "s"}, "time")])
def test_windows_need_time_and_source(columns: dict[str, str], lacking: str) -> None:
    with pytest.raises(UserError, match=rf"dataset=mine declares no {lacking} column \(dataset\.columns\.{lacking}\)"):
        check_history(dataset(**columns), TEMPORAL, None)


def test_windows_need_parts_that_follow_each_other_in_time() -> None:
    with pytest.raises(UserError, match=r"split=random: .* use split=temporal"):
        check_history(dataset(time="t", source="s"), RandomSplit("random", 0.2, 0.2), None)


def test_windows_of_another_network_are_refused() -> None:
    with pytest.raises(UserError, match="test_dataset"):
        check_history(dataset(time="t", source="s"), TEMPORAL, dataset())
