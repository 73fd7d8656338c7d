"""The grouped split: what belongs together is on one side only, and nothing is lost."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_ids.common.errors import UserError
from iot_ids.data.label import CLASS
from iot_ids.data.reading.layout import FILE
from iot_ids.data.schema import Columns, Dataset
from iot_ids.data.splits import GroupBy, GroupedSplit
from iot_ids.data.splits.base import Parts

DATASET = Dataset("small", "Small", columns=Columns(["pkts"], ["proto"], ["saddr"], source="saddr"))
KEYS = {GroupBy.features: ["pkts", "proto"], GroupBy.source: ["saddr"], GroupBy.file: [FILE]}


def split(by: GroupBy) -> GroupedSplit:
    return GroupedSplit("grouped", by, test=0.2, validation=0.2)


def flows(seed: int, rows: int = 400, values: int = 12) -> pl.DataFrame:
    """Flows that repeat: few packet counts, protocols, senders and files."""
    draw = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "pkts": draw.integers(0, values, rows).astype(np.float32),
            "proto": draw.choice(["tcp", "udp"], rows),
            "saddr": draw.choice([*(f"10.0.0.{at}" for at in range(9)), None], rows),
            FILE: draw.integers(0, 5, rows),
            CLASS: draw.choice(["Normal", "DoS"], rows),
        }
    )


def by_part(table: pl.DataFrame, parts: Parts) -> list[pl.DataFrame]:
    return [table[rows] for rows in (parts.train, parts.validation, parts.test)]


@pytest.mark.parametrize("by", GroupBy)
@given(seed=st.integers(0, 2**32 - 1))
def test_no_group_is_in_two_parts_and_no_row_is_lost(by: GroupBy, seed: int) -> None:
    table = flows(seed % 50)
    parts = split(by).split(table, DATASET, seed)
    groups = [set(part.select(KEYS[by]).iter_rows()) for part in by_part(table, parts)]
    assert all(groups)
    assert not (groups[0] & groups[1])
    assert not (groups[0] & groups[2])
    assert not (groups[1] & groups[2])
    assert sorted(np.concatenate([parts.train, parts.validation, parts.test])) == list(range(table.height))


def test_every_row_keeps_its_repeats() -> None:
    table = pl.DataFrame({"pkts": [float(at % 300) for at in range(3000)], "proto": "tcp", CLASS: "DoS"})
    for part in by_part(table, split(GroupBy.features).split(table, DATASET, 1)):
        assert part["pkts"].value_counts()["count"].unique().to_list() == [10]


def test_shares_are_met_where_groups_are_small() -> None:
    table = pl.DataFrame(
        {"pkts": np.arange(3000) // 3, "proto": "tcp", CLASS: np.where(np.arange(3000) < 600, "a", "b")}
    )
    parts = split(GroupBy.features).split(table, DATASET, 3)
    for name, rows in (("a", 600), ("b", 2400)):
        counts = [(part[CLASS] == name).sum() for part in by_part(table, parts)]
        assert counts == pytest.approx([0.64 * rows, 0.16 * rows, 0.2 * rows], abs=3)


def test_a_giant_group_has_its_chance_of_the_test_part() -> None:
    table = pl.DataFrame({"pkts": np.minimum(np.arange(1000), 500), "proto": "tcp", CLASS: "DoS"})  # one of 500 rows
    drawn = [split(GroupBy.features).split(table, DATASET, seed) for seed in range(200)]
    assert 0.1 < np.mean([999 in parts.test for parts in drawn]) < 0.35


def test_the_same_seed_draws_the_same_rows_and_another_draws_others() -> None:
    table = flows(0, values=100)
    first, again, other = (split(GroupBy.features).split(table, DATASET, seed) for seed in (1, 1, 2))
    assert np.array_equal(first.test, again.test)
    assert not np.array_equal(first.test, other.test)


def test_flows_without_a_source_stay_together() -> None:
    table = flows(1)
    parts = by_part(table, split(GroupBy.source).split(table, DATASET, 0))
    assert sorted(part["saddr"].null_count() > 0 for part in parts) == [False, False, True]


def test_a_class_of_two_distinct_flows_is_refused() -> None:
    table = pl.DataFrame({"pkts": [1.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "proto": "tcp", CLASS: ["a"] * 3 + ["b"] * 4})
    with pytest.raises(UserError, match="class 'a' has 2 distinct flows, too few"):
        split(GroupBy.features).split(table, DATASET, 0)


def test_two_files_are_too_few() -> None:
    table = flows(0).with_columns(pl.col(FILE) % 2)
    with pytest.raises(UserError, match="by=file: there are 2 groups"):
        split(GroupBy.file).split(table, DATASET, 0)


def test_a_dataset_without_a_source_is_refused() -> None:
    dataset = replace(DATASET, columns=replace(DATASET.columns, source=None))
    with pytest.raises(UserError, match="has no source column"):
        split(GroupBy.source).split(flows(0), dataset, 0)
