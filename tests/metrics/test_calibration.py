"""Temperature scaling and the calibration error, against planted truth and slow computations."""

from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.metrics import log_loss

from iot_ids.metrics.calibration import BINS, RANGE, bins, calibrate, fit_temperature
from iot_ids.metrics.intervals import wilson

ROWS = 20_000


def planted(sharpness: float, seed: int = 0, classes: int = 3) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Probabilities `sharpness` times as bold as the truth that the classes were drawn by."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 1.5, (ROWS, classes))
    y = (softmax(logits, axis=1).cumsum(axis=1) < random.uniform(size=(ROWS, 1))).sum(axis=1)
    return softmax(sharpness * logits, axis=1).astype(np.float32), y


def error_by_loop(probabilities: NDArray[np.float32], y: NDArray[np.int64]) -> float:
    """The expected calibration error as Guo et al. write it down, one row at a time."""
    members: dict[int, list[tuple[float, bool]]] = {}
    for row, code in zip(probabilities, y, strict=True):
        answer = int(row.argmax())
        members.setdefault(ceil(float(row[answer]) * BINS), []).append((float(row[answer]), answer == code))
    gaps = 0.0
    for rows in members.values():
        accuracy = sum(right for _, right in rows) / len(rows)
        confidence = sum(share for share, _ in rows) / len(rows)
        gaps += len(rows) / len(y) * abs(accuracy - confidence)
    return gaps


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 3.0])
def test_the_temperature_undoes_a_planted_boldness(sharpness: float) -> None:
    assert fit_temperature(*planted(sharpness)) == pytest.approx(sharpness, rel=0.1)


@pytest.mark.parametrize("sharpness", [0.5, 3.0])
def test_a_temperature_from_validation_calibrates_other_rows(sharpness: float) -> None:
    temperature = fit_temperature(*planted(sharpness))
    probabilities, y = planted(sharpness, seed=1)
    assert bins(probabilities, y).error > 0.08
    assert bins(calibrate(probabilities, temperature), y).error < 0.015


def test_no_other_temperature_has_a_smaller_log_loss() -> None:
    probabilities, y = planted(2.0)
    best = fit_temperature(probabilities, y)
    losses = [log_loss(y, calibrate(probabilities, best * factor)) for factor in (0.9, 1, 1.1)]
    assert losses[1] == min(losses)


def test_guessing_becomes_even_odds() -> None:
    probabilities, _ = planted(3.0)
    noise = np.random.default_rng(5).integers(0, 3, ROWS)
    assert fit_temperature(probabilities, noise) > 20
    assert np.abs(calibrate(probabilities, fit_temperature(probabilities, noise)) - 1 / 3).max() < 0.1


def test_a_constant_answer_becomes_as_bold_as_it_is_right() -> None:
    probabilities = np.tile(np.array([[1.0, 0.0]], dtype=np.float32), (1000, 1))
    y = (np.arange(1000) % 10 == 0).astype(np.int64)
    answers = calibrate(probabilities, fit_temperature(probabilities, y))
    assert answers[:, 0] == pytest.approx(0.9, abs=0.003)
    assert bins(answers, y).error < 0.003
    assert bins(probabilities, y).error == pytest.approx(0.1)


@pytest.mark.parametrize("rows", [20, 2000])
def test_an_answer_without_a_mistake_is_believed_as_far_as_its_rows_go(rows: int) -> None:
    y = np.arange(rows) % 2
    probabilities = np.where(np.eye(2)[y] > 0, 0.6, 0.4).astype(np.float32)
    answers = calibrate(probabilities, fit_temperature(probabilities, y))
    assert 1 - answers.max(axis=1) == pytest.approx(0.5 / (rows + 2), rel=0.1)


def test_a_perfect_answer_has_no_error() -> None:
    y = np.arange(30) % 3
    assert bins(np.eye(3)[y], y).error == 0


def test_no_rows_have_no_temperature_to_learn() -> None:
    assert fit_temperature(np.empty((0, 3)), np.empty(0, dtype=np.int64)) == 1


probability_rows = arrays(
    np.float32,
    st.tuples(st.integers(1, 20), st.integers(2, 6)),
    elements=st.sampled_from([0, 1e-30, 1e-9, 0.2, 0.25, 0.4999999, 0.5, 0.50000006, 0.9999999, 1]),
)
temperatures = st.floats(*RANGE).map(lambda exponent: float(np.exp(exponent)))


@given(probability_rows, temperatures)
def test_no_temperature_changes_an_answer(probabilities: NDArray[np.float32], temperature: float) -> None:
    answers = calibrate(probabilities, temperature)
    assert np.array_equal(answers.argmax(axis=1), probabilities.argmax(axis=1))
    assert answers.dtype == np.float32
    if temperature != 1:  # these rows do not add up to 1, and are left as they are
        np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-5)


def test_a_lead_that_a_float32_cannot_hold_is_kept_nevertheless() -> None:
    close = np.array([[0.49999997, 0.50000003]], dtype=np.float32)
    assert calibrate(close, 100.0).argmax() == 1


@pytest.mark.parametrize("temperature", [0.3, 1.7, 20.0])
def test_the_order_of_two_classes_stays(temperature: float) -> None:
    attack = np.geomspace(1e-40, 0.5, 200).astype(np.float32)
    answers = calibrate(np.column_stack([1 - attack, attack]), temperature)[:, 1]
    assert (np.diff(answers) > 0).all()


def test_a_temperature_of_one_changes_no_bit() -> None:
    probabilities, _ = planted(1.0)
    assert np.array_equal(calibrate(probabilities, 1.0), probabilities)


def test_rows_of_nan_stay_nan_and_the_others_their_own() -> None:
    probabilities = np.array([[0.2, 0.8], [np.nan, np.nan]], dtype=np.float32)
    answers = calibrate(probabilities, 2.0)
    assert np.isnan(answers[1]).all()
    assert np.array_equal(answers[:1], calibrate(probabilities[:1], 2.0))


@pytest.mark.parametrize("rows", [0, 1])
def test_few_rows_have_as_many_answers(rows: int) -> None:
    assert calibrate(np.full((rows, 3), 1 / 3, dtype=np.float32), 2.0).shape == (rows, 3)


@given(st.integers(0, 10_000), st.integers(1, 60))
def test_the_error_is_the_papers(seed: int, rows: int) -> None:
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.full(4, 0.4), rows).astype(np.float32)
    y = random.integers(0, 5, rows)  # 4 is a class that the model does not know
    assert bins(probabilities, y).error == pytest.approx(error_by_loop(probabilities, y))


def test_bins_hold_counts_means_and_wilson_intervals() -> None:
    probabilities = np.array([[0.95, 0.05], [0.97, 0.03], [0.99, 0.01], [0.55, 0.45]])
    found = bins(probabilities, np.array([0, 0, 1, 1]))
    (places,) = np.nonzero(found.count)
    assert places.tolist() == [8, 14]
    assert found.count[places].tolist() == [1, 3]
    assert found.confidence[places] == pytest.approx([0.55, 0.97])
    assert found.accuracy[places] == pytest.approx([0, 2 / 3])
    assert np.column_stack([found.low, found.high])[places] == pytest.approx(np.array([wilson(0, 1), wilson(2, 3)]))
    assert np.isnan(np.delete([found.accuracy, found.confidence, found.low], places, axis=1)).all()


def test_every_row_is_in_one_bin() -> None:
    for share in (0.0, 1 / 15, 0.5, 1.0):
        assert bins(np.array([[share, 0.0]]), np.array([0])).count.sum() == 1
