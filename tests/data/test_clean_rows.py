"""Moving rows gives what Polars' own selection gives."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from iot_ids.data.clean import first_of_equals, take_rows


@given(st.integers(1, 20), st.lists(st.integers(0, 9), max_size=10), st.lists(st.integers(0, 9), max_size=10))
def test_the_parts_are_the_rows_at_their_positions(columns: int, first: list[int], second: list[int]) -> None:
    table = pl.DataFrame({str(at): [f"{at}/{row}" for row in range(10)] for at in range(columns)})
    whole, parts = table.clone(), [np.array(part, dtype=np.int64) for part in (first, second)]
    for found, rows in zip(take_rows(table, *parts), parts, strict=True):
        assert_frame_equal(found, whole[rows])
    assert table.width == 0


NUMBERS = st.sampled_from([0.0, -0.0, 1.5, float("nan"), float("inf"), None])
ROWS = st.lists(st.tuples(NUMBERS, st.sampled_from(["tcp", "udp", None]), st.integers(0, 2)), min_size=1, max_size=30)
SCHEMA = {"number": pl.Float32, "name": pl.Categorical, "count": pl.Int64}


def expected(rows: pl.DataFrame) -> list[int]:
    return rows.with_row_index("at").unique(subset=list(SCHEMA), keep="first", maintain_order=True)["at"].to_list()


@given(ROWS)
def test_the_first_of_equal_rows_is_kept(rows: list[tuple[float | None, str | None, int]]) -> None:
    frame = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    assert first_of_equals(frame).arg_true().to_list() == expected(frame)


@given(ROWS)
def test_rows_with_one_hash_are_told_apart(rows: list[tuple[float | None, str | None, int]]) -> None:
    frame = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pl.DataFrame, "hash_rows", lambda self, *_: pl.zeros(self.height, pl.UInt64, eager=True))
        assert first_of_equals(frame).arg_true().to_list() == expected(frame)
