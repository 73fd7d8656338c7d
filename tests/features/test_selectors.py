"""The three selectors against independent arithmetic and planted truth."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from iot_ids.features import selectors
from iot_ids.features.selectors import chi_square, mutual_information, pearson

Scores = Callable[[NDArray[np.float32], NDArray[np.int64]], NDArray[np.float64]]
SELECTORS: list[Scores] = [pearson, chi_square, mutual_information]
IDS = ["pearson", "chi_square", "mutual_information"]

cells = st.floats(-1000, 1000, width=32).map(lambda value: round(value, 2))
tables = arrays(np.float32, (24, 3), elements=cells)
classes = st.permutations([0] * 12 + [1] * 8 + [2] * 4).map(lambda codes: np.array(codes, dtype=np.int64))


def planted(rows: int = 600, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Column 2 tells the three classes apart, columns 0 and 1 are noise, column 3 is constant."""
    random = np.random.default_rng(seed)
    y = random.integers(0, 3, rows)
    x = random.uniform(0, 1, (rows, 4))
    x[:, 2] = y + random.normal(0, 0.1, rows)
    x[:, 3] = 0.1
    return x.astype(np.float32), y


@pytest.mark.parametrize("scores", SELECTORS, ids=IDS)
def test_a_planted_column_scores_highest(scores: Scores) -> None:
    assert scores(*planted()).argmax() == 2


@pytest.mark.parametrize("scores", SELECTORS, ids=IDS)
@pytest.mark.parametrize("value", [0.0, 0.1, 1.0, 5.0, -3e8])
def test_a_constant_column_scores_zero(scores: Scores, value: float) -> None:
    x, y = planted(rows=77)
    x[:, 3] = value
    assert scores(x, y)[3] == 0


@pytest.mark.parametrize("scores", SELECTORS, ids=IDS)
def test_a_column_that_singles_out_a_rare_class_beats_noise(scores: Scores) -> None:
    random = np.random.default_rng(1)
    y = np.array([0] * 300 + [1] * 280 + [2] * 20)
    x = np.column_stack([random.uniform(size=600), y == 2]).astype(np.float32)
    assert scores(x, y).argmax() == 1


@pytest.mark.parametrize("scores", SELECTORS, ids=IDS)
def test_equal_input_gives_equal_scores(scores: Scores) -> None:
    assert np.array_equal(scores(*planted()), scores(*planted()))


@pytest.mark.parametrize("scores", SELECTORS, ids=IDS)
def test_input_is_left_as_it_was(scores: Scores) -> None:
    x, y = planted()
    before = x.copy()
    scores(x, y)
    assert np.array_equal(x, before)


@pytest.mark.parametrize("scores", SELECTORS, ids=IDS)
def test_there_is_one_score_per_column(scores: Scores) -> None:
    assert scores(*planted()).shape == (4,)


@given(x=tables, y=classes)
def test_pearson_is_numpys_correlation_with_the_likeliest_class_indicator(
    x: NDArray[np.float32], y: NDArray[np.int64]
) -> None:
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = [
            max(abs(np.corrcoef(column, y == code)[0, 1]) for code in range(3)) if np.ptp(column) else 0.0
            for column in x.T.astype(np.float64)
        ]
    np.testing.assert_allclose(pearson(x, y), expected, atol=1e-9)


@pytest.mark.parametrize("start", [0.0, 1e6], ids=["as drawn", "first rows elsewhere"])
@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_pearson_of_many_rows_is_numpys(scale: float, start: float) -> None:
    random = np.random.default_rng(0)
    y = random.integers(0, 3, 3 * selectors.BLOCK_ROWS + 7)
    x = np.column_stack([random.lognormal(0, 4, len(y)), 5000 + random.normal(y, 3), np.full(len(y), 0.1)])
    x[: selectors.BLOCK_ROWS] += start * (np.arange(3) < 2)
    x = (x * scale).astype(np.float32)
    expected = [max(abs(np.corrcoef(column, y == c)[0, 1]) for c in range(3)) for column in x[:, :2].T.astype(float)]
    np.testing.assert_allclose(pearson(x, y), [*expected, 0.0], rtol=1e-9)


def test_pearson_of_an_indicator_is_one() -> None:
    y = np.array([0, 1, 2, 1, 0, 2, 2])
    assert pearson((y == 2)[:, None].astype(np.float32), y)[0] == pytest.approx(1)


def test_pearson_takes_a_falling_column_like_a_rising_one() -> None:
    x, y = planted()
    np.testing.assert_allclose(pearson(-x, y), pearson(x, y))


@given(x=tables, y=classes, factor=st.sampled_from([0.5, 4.0, 1024.0]))
def test_pearson_does_not_change_under_scaling(x: NDArray[np.float32], y: NDArray[np.int64], factor: float) -> None:
    np.testing.assert_allclose(pearson(x * np.float32(factor), y), pearson(x, y), atol=1e-9)


@given(x=tables, y=classes)
def test_chi_square_is_observed_against_expected(x: NDArray[np.float32], y: NDArray[np.int64]) -> None:
    expected = []
    for column in x.T.astype(np.float64):
        spread = column.max() - column.min()
        scaled = (column - column.min()) / spread if spread else np.zeros_like(column)
        share = [scaled.sum() * (y == code).mean() for code in range(3)]
        observed = [scaled[y == code].sum() for code in range(3)]
        terms = [(seen - due) ** 2 / due for seen, due in zip(observed, share, strict=True) if due > 0]
        expected.append(sum(terms))
    np.testing.assert_allclose(chi_square(x, y), expected, atol=1e-9, rtol=1e-6)


def test_mutual_information_of_an_indicator_is_its_entropy() -> None:
    y = np.array([0] * 750 + [1] * 250)
    entropy = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    assert mutual_information(y[:, None].astype(np.float32), y)[0] == pytest.approx(entropy)


def test_mutual_information_of_a_constant_is_zero_where_its_noise_alone_would_score() -> None:
    y = np.arange(50) % 2
    assert mutual_information(np.full((50, 1), 5, dtype=np.float32), y)[0] == 0


def test_mutual_information_of_noise_is_near_zero() -> None:
    assert mutual_information(*planted())[0] < 0.05


def test_mutual_information_sees_what_correlation_cannot() -> None:
    random = np.random.default_rng(0)
    y = np.tile([0, 1, 2], 300)
    middle = np.where(y == 1, random.normal(0, 0.1, 900), random.choice([-1, 1], 900) + random.normal(0, 0.1, 900))
    x = np.column_stack([middle, random.normal(size=900)]).astype(np.float32)
    assert mutual_information(x, y).argmax() == 0
    assert pearson(x, y)[0] < 0.15


def test_mutual_information_of_many_rows_is_estimated_on_some(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def record(x: NDArray[np.float64], y: NDArray[np.int64], **_: object) -> NDArray[np.float64]:
        seen.append(len(y))
        return np.zeros(x.shape[1])

    monkeypatch.setattr(selectors, "mutual_info_classif", record)
    x, y = planted(rows=25_000)
    mutual_information(x, y)
    assert 8_000 < seen[0] <= selectors.LARGEST_SAMPLE
