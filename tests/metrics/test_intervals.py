"""Wilson's interval against SciPy, the bootstrap against one that resamples the rows themselves."""

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from iot_ids.metrics.intervals import bootstrap_f1_macro, wilson

MATRIX = np.array([[80, 15, 5], [6, 30, 4], [1, 3, 8]])


def rows_of(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """True and predicted codes that a confusion matrix counts."""
    true, predicted = np.indices(matrix.shape)
    return np.repeat(true.ravel(), matrix.ravel()), np.repeat(predicted.ravel(), matrix.ravel())


def bootstrap_by_rows(matrix: np.ndarray, seed: int, replicates: int) -> np.ndarray:
    """Macro-F1 of every replicate, drawn row by row within each true class and scored by scikit-learn."""
    y, predicted = rows_of(matrix)
    random = np.random.default_rng(seed)
    scores = []
    for _ in range(replicates):
        drawn = np.concatenate(
            [random.choice(np.flatnonzero(y == label), (y == label).sum()) for label in np.unique(y)]
        )
        scores.append(sklearn.metrics.f1_score(y[drawn], predicted[drawn], average="macro", zero_division=0))
    return np.array(scores)


@given(st.integers(1, 500), st.floats(0, 1), st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_equals_scipy(total, share, confidence):
    successes = round(share * total)
    expected = binomtest(successes, total).proportion_ci(confidence, method="wilson")
    assert wilson(successes, total, confidence) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilson_of_an_empty_class_is_unknown():
    assert np.isnan(wilson(0, 0)).all()


def test_wilson_of_eighteen_rows_all_found_still_reaches_far_down():
    low, high = wilson(18, 18)
    assert (round(low, 3), high) == (0.824, 1.0)


@pytest.mark.parametrize(("successes", "total", "confidence"), [(3, 2, 0.95), (-1, 2, 0.95), (1, 2, 1.0)])
def test_wilson_refuses_what_is_no_proportion(successes, total, confidence):
    with pytest.raises(ValueError, match="must lie"):
        wilson(successes, total, confidence)


def test_bootstrap_equals_resampling_the_rows_within_each_class():
    expected = np.quantile(bootstrap_by_rows(MATRIX, seed=1, replicates=800), [0.025, 0.975])
    assert bootstrap_f1_macro(MATRIX, seed=2, replicates=20_000) == pytest.approx(expected, abs=0.012)


def test_bootstrap_has_the_width_of_the_delta_method():
    # With two classes of n rows and recalls r and 1 everywhere else equal, F1's spread follows from one binomial.
    rows, recall = 4000, 0.5
    matrix = np.array([[rows // 2, rows // 2], [0, rows]])
    first = 2 * recall / (recall + 1)
    slope = ((2 - first) / (1 + recall) + 2 / (3 - recall) ** 2) / 2
    low, high = bootstrap_f1_macro(matrix, seed=0, replicates=20_000)
    assert high - low == pytest.approx(2 * 1.96 * slope * np.sqrt(recall * (1 - recall) / rows), rel=0.05)


def test_the_same_seed_gives_the_same_interval():
    assert bootstrap_f1_macro(MATRIX, seed=0) == bootstrap_f1_macro(MATRIX, seed=0)


def test_seed_zero_is_a_seed_like_others():
    assert bootstrap_f1_macro(MATRIX, seed=0) != bootstrap_f1_macro(MATRIX, seed=1)


def test_a_tenth_of_the_rows_widens_the_interval():
    narrow, wide = (np.diff(bootstrap_f1_macro(matrix, seed=0))[0] for matrix in (MATRIX * 10, MATRIX))
    assert wide > 2 * narrow


def test_an_empty_class_changes_nothing():
    padded = np.pad(MATRIX, (0, 1))
    assert bootstrap_f1_macro(padded, 0, 20_000) == pytest.approx(bootstrap_f1_macro(MATRIX, 1, 20_000), abs=0.005)


def test_without_errors_nothing_varies():
    assert bootstrap_f1_macro(np.diag([50, 3]), seed=0) == (1.0, 1.0)


def test_bootstrap_of_nothing_is_unknown():
    assert np.isnan(bootstrap_f1_macro(np.zeros((2, 2), dtype=np.int64), seed=0)).all()
