"""Moving rows gives what Polars' own selection gives."""

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from iot_ids.data.taken import rechunked, taken


@given(st.integers(1, 20), st.lists(st.integers(0, 9), max_size=10), st.lists(st.integers(0, 9), max_size=10))
def test_the_parts_are_the_rows_at_their_positions(columns: int, first: list[int], second: list[int]) -> None:
    table = pl.DataFrame({str(at): [f"{at}/{row}" for row in range(10)] for at in range(columns)})
    whole, parts = table.clone(), [np.array(part, dtype=np.int64) for part in (first, second)]
    for found, rows in zip(taken(table, *parts), parts, strict=True):
        assert_frame_equal(found, whole[rows])
    assert table.width == 0


def test_rechunked_has_one_piece_and_the_same_rows() -> None:
    table = pl.concat([pl.DataFrame({"a": [1, 2], "b": ["x", "y"]})] * 3, rechunk=False)
    found = rechunked(table.clone())
    assert found.n_chunks("all") == [1, 1]
    assert_frame_equal(found, table)
