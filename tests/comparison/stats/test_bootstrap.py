"""The bootstrap against one that draws single rows, in loops."""

import numpy as np
import pytest

from iot_ids.comparison.stats import bootstrap
from iot_ids.metrics.confusion import confusion_matrix
from iot_ids.metrics.intervals import bootstrap_f1_macro
from iot_ids.metrics.metrics import measures

LABELS = np.repeat([0, 1, 2], [30, 80, 10])


def some_predictions(runs: int, share: float = 0.8) -> np.ndarray:
    draw = np.random.default_rng(1)
    wrong = draw.integers(3, size=(len(LABELS), runs))
    return np.where(draw.random((len(LABELS), runs)) < share, LABELS[:, None], wrong)


def test_patterns_hold_every_row_once() -> None:
    predictions = some_predictions(2)
    found = bootstrap.of_rows(LABELS, predictions, 3)
    assert found.count.sum() == len(LABELS)
    for run in range(2):
        matrix = np.zeros((3, 3), dtype=int)
        np.add.at(matrix, (found.label, found.answer[:, run]), found.count)
        assert (matrix == confusion_matrix(LABELS, predictions[:, run], 3)).all()


def test_every_replicate_keeps_the_size_of_every_class() -> None:
    chunks = list(bootstrap.resampled(bootstrap.of_rows(LABELS, some_predictions(3), 3), 250, 0))
    matrices = np.concatenate(chunks)
    assert matrices.shape == (250, 3, 3, 3)
    assert (matrices.sum(axis=-1) == [30, 80, 10]).all()


def test_it_varies_like_rows_drawn_one_by_one() -> None:
    predictions, draw = some_predictions(2), np.random.default_rng(5)
    predictions[::2, 1] = predictions[::2, 0]  # what the runs share has to be drawn together
    by_class = [np.flatnonzero(label == LABELS) for label in range(3)]
    loops = []
    for _ in range(3000):
        rows = np.concatenate([draw.choice(inside, len(inside)) for inside in by_class])
        loops.append([(predictions[rows, run] == LABELS[rows]).mean() for run in range(2)])
    matrices = np.concatenate(list(bootstrap.resampled(bootstrap.of_rows(LABELS, predictions, 3), 3000, 0)))
    accuracy = np.trace(matrices, axis1=-2, axis2=-1) / len(LABELS)
    assert accuracy.mean(axis=0) == pytest.approx(np.mean(loops, axis=0), abs=0.004)
    assert np.cov(accuracy.T) == pytest.approx(np.cov(np.array(loops).T), abs=1.2e-4)


def test_one_run_has_the_interval_that_the_run_itself_printed() -> None:
    matrix = confusion_matrix(LABELS, some_predictions(1)[:, 0], 3)
    chunks = bootstrap.resampled(bootstrap.of_matrix(matrix), 4000, 0)
    draws = np.concatenate([measures(chunk, list("abc"), None)["f1_macro"] for chunk in chunks])[:, 0]
    found = bootstrap.percentiles(0, draws)
    assert (found.low, found.high) == pytest.approx(bootstrap_f1_macro(matrix, 1, 4000), abs=0.01)


def test_seeds_are_drawn_too() -> None:
    draws = np.tile([0.0, 1.0, 2.0, 3.0], (4000, 1))
    means = bootstrap.over_seeds(draws, 0)
    assert means.mean() == pytest.approx(1.5, abs=0.05)
    assert means.std() == pytest.approx(np.std([0, 1, 2, 3]) / 2, abs=0.02)


def test_one_seed_is_drawn_every_time() -> None:
    assert (bootstrap.over_seeds(np.arange(5.0)[:, None], 0) == np.arange(5.0)).all()


def test_pairing_takes_out_what_both_share() -> None:
    shared = np.random.default_rng(0).normal(0, 1, (2000, 10))
    found = bootstrap.paired_difference(-0.1, shared - 0.1, shared, 0)
    assert (found.estimate.low, found.estimate.high) == pytest.approx((-0.1, -0.1))
    assert found.p == pytest.approx(2 / 2001)


def test_equal_methods_have_p_one_and_few_seeds_none() -> None:
    same = np.random.default_rng(0).normal(0, 1, (100, 10))
    assert bootstrap.paired_difference(0, same, same, 0).p == 1
    assert bootstrap.paired_difference(0, same[:, :9], same[:, :9], 0).p is None
