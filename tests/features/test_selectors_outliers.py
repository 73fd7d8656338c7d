"""Tukey's rule on planted outliers."""

import numpy as np
import pytest
from numpy.typing import NDArray

from iot_ids.features.selectors import iqr


def column(*values: float) -> NDArray[np.float32]:
    return np.array(values, dtype=np.float32)[:, None]


ONE_TO_FIVE = (1.0, 2.0, 3.0, 4.0, 5.0)
"""Quartiles 2 and 4: with factor 1.5 the bounds are -1 and 7."""


@pytest.mark.parametrize(("factor", "kept"), [(1.5, 5), (0.5, 5), (0.25, 3)])
def test_bounds_are_quartiles_and_factor_times_their_distance(factor: float, kept: int) -> None:
    assert iqr(column(*ONE_TO_FIVE), factor).sum() == kept


def test_a_planted_outlier_is_found() -> None:
    assert iqr(column(*ONE_TO_FIVE * 20, 1000.0), 3.0).tolist() == [True] * 100 + [False]


def test_an_outlier_below_is_found() -> None:
    assert iqr(column(*ONE_TO_FIVE * 20, -1000.0), 3.0).tolist() == [True] * 100 + [False]


def test_a_value_on_the_bound_is_kept() -> None:
    low, high = np.quantile([*ONE_TO_FIVE * 20, 10.0], [0.25, 0.75])
    assert iqr(column(*ONE_TO_FIVE * 20, high + 3 * (high - low)), 3.0).all()


def test_one_bad_column_drops_the_row() -> None:
    x = np.hstack([column(*ONE_TO_FIVE * 20, 3.0), column(*ONE_TO_FIVE * 20, 1000.0)])
    assert not iqr(x, 3.0)[-1]


def test_a_column_without_spread_is_left_out() -> None:
    assert iqr(column(*[0.0] * 99, 1000.0), 3.0).all()


def test_a_column_without_spread_does_not_shield_another() -> None:
    x = np.hstack([column(*[0.0] * 101), column(*ONE_TO_FIVE * 20, 1000.0)])
    assert iqr(x, 3.0).sum() == 100


def test_no_columns_drop_no_row() -> None:
    assert iqr(np.empty((4, 0), dtype=np.float32), 3.0).tolist() == [True] * 4


def test_a_missing_number_is_no_outlier_and_moves_no_bound() -> None:
    x = np.array([[1.0], [2.0], [3.0], [4.0], [np.nan], [100.0]], dtype=np.float32)
    assert iqr(x, 1.5).tolist() == [True, True, True, True, True, False]
