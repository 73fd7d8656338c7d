"""How common a value is, against counting by hand; kept and taken back."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from iot_ids.features.encode import Encoder
from iot_ids.features.pipeline import Pipeline
from iot_ids.features.scalers import Share

Matrix = NDArray[np.float32]
values = st.one_of(st.integers(-300, 300).map(float), st.floats(-(2.0**100), 2.0**100, width=32))
tables = arrays(np.float32, st.tuples(st.integers(1, 40), st.just(2)), elements=values)


def fitted(x: Matrix) -> Share:
    scaler = Share()
    scaler.fit(x)
    return scaler


def digits(value: float) -> float:
    """Two significant digits as a person would write them; what is nearly 0 is 0."""
    return float(np.float32(f"{value:.1e}")) if abs(value) > 1e-8 else 0.0


def column(*numbers: float) -> Matrix:
    return np.array(numbers, dtype=np.float32)[:, None]


@given(x=arrays(np.float32, st.tuples(st.integers(1, 40), st.just(2)), elements=st.integers(-9_999, 9_999).map(float)))
def test_every_fitted_value_has_its_share(x: Matrix) -> None:
    ties = np.array([[abs(value) > 99 and round(abs(value)) % 5 == 0 for value in row] for row in x])
    x = np.where(ties, x + 1, x)  # a five in the middle is rounded to the even digit here, and as it likes in text
    scaled = fitted(x).transform(x)
    for at in range(x.shape[1]):
        words = [digits(float(value)) for value in x[:, at]]
        expected = [np.log10(words.count(word) / len(words)) for word in words]
        np.testing.assert_allclose(scaled[:, at], expected, atol=1e-6)


def test_values_of_the_same_two_digits_are_one_value() -> None:
    scaler = fitted(column(1180, 1234, 1.2, 120, 0))
    asked = column(1199, 1.15001, 0.0012, 0, -1200)
    assert 10 ** scaler.transform(asked)[:, 0] == pytest.approx([0.4, 0.2, 0.1, 0.2, 0.1])


@given(x=tables, other=tables)
def test_unseen_values_count_as_half_a_flow(x: Matrix, other: Matrix) -> None:
    shares = fitted(x).transform(other)
    assert shares.dtype == np.float32
    counts = 10 ** shares.astype(np.float64) * len(x)
    assert (np.isclose(counts, 0.5) | (np.abs(counts - counts.round()) < 1e-3)).all()
    assert (shares <= 0).all()
    beyond = np.full((1, 2), 3e38, dtype=np.float32)
    np.testing.assert_allclose(fitted(x).transform(beyond), np.log10(0.5 / len(x)), rtol=1e-6)


@given(counts=st.lists(st.integers(1, 30), min_size=2, max_size=12))
def test_the_more_often_the_higher(counts: list[int]) -> None:
    x = np.repeat(np.arange(len(counts)), counts).astype(np.float32)[:, None]
    scaled = fitted(x).transform(np.arange(len(counts) + 1, dtype=np.float32)[:, None])[:, 0]
    for one, its in zip(scaled, [*counts, 0], strict=True):
        for other, others in zip(scaled, [*counts, 0], strict=True):
            assert (one < other) == (its < others)


def test_units_are_forgotten() -> None:
    x = np.random.default_rng(0).integers(1, 90, (500, 1)).astype(np.float32)
    np.testing.assert_array_equal(fitted(x).transform(x), fitted(1000 * x).transform(1000 * x))


def test_nan_stays_nan_and_counts_as_no_value() -> None:
    scaler = fitted(column(1, np.nan, 1, 2))
    scaled = scaler.transform(column(1, np.nan, 2))[:, 0]
    assert np.isnan(scaled[1])
    assert 10 ** scaled[[0, 2]] == pytest.approx([0.5, 0.25])
    nothing = fitted(column(np.nan, np.nan)).transform(column(7, np.nan))[:, 0]
    assert 10 ** nothing[0] == pytest.approx(0.25)


def test_no_rows_become_no_rows() -> None:
    assert fitted(column(1, 2)).transform(np.empty((0, 1), dtype=np.float32)).shape == (0, 1)


@given(x=tables, other=tables)
def test_a_restored_scaler_gives_the_same_bits(x: Matrix, other: Matrix) -> None:
    scaler, again = fitted(x), Share()
    again.restore(scaler.state())
    assert np.array_equal(again.transform(other), scaler.transform(other))


def test_a_kept_pipeline_gives_the_same_bits(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    flows = pl.DataFrame({"bytes": random.integers(1, 500, 300), "rate": random.normal(0, 1, 300).round(1)})
    pipeline = Pipeline(Encoder(("bytes", "rate"), ()), fitted(Encoder(("bytes", "rate"), ()).transform(flows)))
    pipeline.save(tmp_path)
    loaded = Pipeline.load(tmp_path)
    assert isinstance(loaded.scaler, Share)
    assert np.array_equal(loaded.transform(flows), pipeline.transform(flows))


@pytest.mark.parametrize(
    "changed",
    [
        {"lengths": np.array([1.0, 5.0])},
        {"lengths": np.array([1.5, 0.5])},
        {"lengths": np.array([-1.0, 3.0])},
        {"rows": np.array(0.0)},
        {"counts": np.array([0.0, 1.0])},
        {"counts": np.ones(3)},
    ],
)
def test_what_cannot_have_been_counted_is_not_restored(changed: dict[str, np.ndarray]) -> None:
    state = {"values": np.zeros(2), "counts": np.ones(2), "lengths": np.ones(2), "rows": np.array(2.0)}
    Share().restore(state)
    with pytest.raises(ValueError, match="the scaler"):
        Share().restore(state | changed)
