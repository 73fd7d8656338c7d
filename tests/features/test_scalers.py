"""The scalers against their formulas, and kept and taken back."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.stats import norm, rankdata
from sklearn.preprocessing import QuantileTransformer

from iot_ids.features.scalers import Midrank, MinMax, Quantile, Scaler

SCALERS = [MinMax, Quantile, Midrank]
Matrix = NDArray[np.float32]
tables = arrays(np.float32, (20, 3), elements=st.floats(-1e6, 1e6, width=32))


def fitted(kind: type[MinMax | Quantile | Midrank], x: Matrix) -> Scaler:
    scaler = kind()
    scaler.fit(x)
    return scaler


@pytest.fixture
def x() -> Matrix:
    """A wide column, a heavy-tailed one and an indicator."""
    random = np.random.default_rng(0)
    return np.column_stack(
        [random.uniform(-50, 50, 1500), random.lognormal(3, 2, 1500), random.integers(0, 2, 1500)]
    ).astype(np.float32)


@given(train=tables, other=tables)
def test_minmax_is_the_papers_formula(train: Matrix, other: Matrix) -> None:
    train, other = train.astype(np.float64), other.astype(np.float64)
    low, high = train.min(axis=0), train.max(axis=0)
    expected = (other - low) / np.where(high > low, high - low, 1)
    scaled = fitted(MinMax, train.astype(np.float32)).transform(other.astype(np.float32))
    np.testing.assert_allclose(scaled, expected.astype(np.float32), rtol=1e-6)


def test_minmax_puts_the_training_rows_between_zero_and_one(x: Matrix) -> None:
    scaled = fitted(MinMax, x).transform(x)
    assert (scaled.min(axis=0).tolist(), scaled.max(axis=0).tolist()) == ([0, 0, 0], [1, 1, 1])


def test_minmax_does_not_clip() -> None:
    scaler = fitted(MinMax, np.array([[0], [10]], dtype=np.float32))
    assert scaler.transform(np.array([[-10], [30]], dtype=np.float32)).tolist() == [[-1], [3]]


def test_minmax_makes_a_constant_column_zero() -> None:
    constant = np.full((5, 1), 7, dtype=np.float32)
    assert fitted(MinMax, constant).transform(constant).tolist() == [[0]] * 5


def test_quantile_is_scikit_learns(x: Matrix) -> None:
    reference = QuantileTransformer(n_quantiles=1000, output_distribution="normal", subsample=100_000, random_state=0)
    assert np.array_equal(fitted(Quantile, x).transform(x), reference.fit(x).transform(x))


def test_quantile_turns_ranks_into_a_standard_normal(x: Matrix) -> None:
    heavy = fitted(Quantile, x).transform(x)[:, 1]
    assert np.quantile(heavy, [0.1587, 0.5, 0.8413]) == pytest.approx([-1, 0, 1], abs=0.05)


@pytest.mark.parametrize("kind", [Quantile, Midrank])
@given(values=arrays(np.float32, 40, elements=st.floats(-1e4, 1e4, width=32)))
def test_ranks_keep_the_order(kind: type[Quantile | Midrank], values: NDArray[np.float32]) -> None:
    train = np.random.default_rng(0).normal(0, 1000, (200, 1)).astype(np.float32)
    ascending = np.sort(values)[:, None]
    assert (np.diff(fitted(kind, train).transform(ascending)[:, 0]) >= -1e-6).all()


def test_quantile_ends_at_its_outermost_deviates(x: Matrix) -> None:
    beyond = np.array([[-1e9, -1e9, -1], [1e9, 1e9, 2]], dtype=np.float32)
    assert np.abs(fitted(Quantile, x).transform(beyond)) == pytest.approx(5.2, abs=0.01)


def test_quantile_takes_fewer_rows_than_quantiles() -> None:
    few = np.arange(5, dtype=np.float32)[:, None]
    assert fitted(Quantile, few).transform(few)[2, 0] == pytest.approx(0, abs=1e-6)


@given(column=arrays(np.float32, st.integers(2, 60), elements=st.integers(-4, 4).map(float)))
def test_midrank_is_the_average_rank_as_a_normal_deviate(column: Matrix) -> None:
    count, end = len(column), 0.5 / len(column)
    expected = norm.ppf(np.clip((rankdata(column, "average") - 1) / (count - 1), end, 1 - end))
    np.testing.assert_allclose(fitted(Midrank, column[:, None]).transform(column[:, None])[:, 0], expected, atol=1e-5)


def test_midrank_keeps_the_common_value_of_an_indicator_near_the_middle() -> None:
    rare = (np.arange(1000) < 10).astype(np.float32)[:, None]
    assert fitted(Midrank, rare).transform(np.array([[0], [1]], dtype=np.float32))[:, 0] == pytest.approx(
        [-0.0125, 2.612], abs=0.01
    )


def test_midrank_makes_a_constant_column_zero_and_ends_at_its_outermost_deviates() -> None:
    train = np.column_stack([np.full(2000, 7), np.arange(2000)]).astype(np.float32)
    beyond = np.array([[7, -1e9], [7, 1e9]], dtype=np.float32)
    np.testing.assert_allclose(fitted(Midrank, train).transform(beyond), [[0, -3.29], [0, 3.29]], atol=0.01)


@pytest.mark.parametrize("kind", SCALERS)
def test_a_restored_scaler_gives_the_same_bits(kind: type[MinMax | Quantile | Midrank], x: Matrix) -> None:
    scaler, again = fitted(kind, x[:1000]), kind()
    again.restore(scaler.state())
    assert np.array_equal(again.transform(x), scaler.transform(x))


@pytest.mark.parametrize("kind", SCALERS)
def test_a_restored_scaler_has_the_same_state(kind: type[MinMax | Quantile | Midrank], x: Matrix) -> None:
    scaler, again = fitted(kind, x), kind()
    again.restore(scaler.state())
    assert all(np.array_equal(array, again.state()[name]) for name, array in scaler.state().items())


@pytest.mark.parametrize("kind", SCALERS)
def test_nan_stays_nan_and_alone(kind: type[MinMax | Quantile | Midrank], x: Matrix) -> None:
    holed = x.copy()
    holed[3, 1] = np.nan
    scaled, whole = fitted(kind, x).transform(holed), fitted(kind, x).transform(x)
    assert np.isnan(scaled[3, 1])
    assert np.isnan(scaled).sum() == 1
    assert np.array_equal(np.delete(scaled, 3, axis=0), np.delete(whole, 3, axis=0))


@pytest.mark.parametrize("kind", SCALERS)
def test_scaling_leaves_its_input(kind: type[MinMax | Quantile | Midrank], x: Matrix) -> None:
    before = x.copy()
    fitted(kind, x).transform(x)
    assert np.array_equal(x, before)


@pytest.mark.parametrize("kind", SCALERS)
def test_scaled_values_are_float32(kind: type[MinMax | Quantile | Midrank], x: Matrix) -> None:
    assert fitted(kind, x).transform(x).dtype == np.float32


@pytest.mark.parametrize("kind", SCALERS)
def test_a_row_is_scaled_alike_alone_and_among_others(kind: type[MinMax | Quantile | Midrank], x: Matrix) -> None:
    scaler = fitted(kind, x)
    assert np.array_equal(scaler.transform(x[7:8]), scaler.transform(x)[7:8])


@pytest.mark.parametrize("kind", SCALERS)
def test_no_rows_stay_no_rows(kind: type[MinMax | Quantile | Midrank], x: Matrix) -> None:
    assert fitted(kind, x).transform(x[:0]).shape == (0, 3)


def ranked(ranks: list[float]) -> dict[str, np.ndarray]:
    return {"quantiles": np.array([[0.0], [1.0]]), "ranks": np.array(ranks)}


@pytest.mark.parametrize(
    ("scaler", "state"),
    [
        (MinMax(), {"low": np.zeros(2), "span": np.array([1.0, -1.0])}),
        (MinMax(), {"low": np.array([1e300, 0.0]), "span": np.ones(2)}),
        (MinMax(), {"low": np.zeros(2), "span": np.ones(3)}),
        (MinMax(), {"low": np.zeros(2), "span": np.array([1.0, np.inf])}),
        (MinMax(), {"low": np.zeros(2, dtype=np.int64), "span": np.ones(2)}),
        (MinMax(), {"low": np.zeros(2)}),
        (Midrank(), ranked([0.0, 1.5])),
        (Midrank(), ranked([0.5, 0.2])),
        (Midrank(), ranked([0.0, 0.5, 1.0])),
        (Quantile(), {"quantiles": np.array([[1.0], [0.0]]), "references": np.array([0.0, 1.0])}),
        (Quantile(), {"quantiles": np.array([[0.0], [1.0]]), "references": np.array([0.0, 2.0])}),
        (Quantile(), {"quantiles": np.array([0.0, 1.0]), "references": np.array([0.0, 1.0])}),
    ],
)
def test_what_cannot_have_been_learned_is_not_restored(scaler: Any, state: dict[str, np.ndarray]) -> None:
    with pytest.raises(ValueError, match="the scaler"):
        scaler.restore(state)
