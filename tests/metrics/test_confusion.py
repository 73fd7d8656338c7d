"""Counting answers, and the F1 read from the counts, against scikit-learn."""

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st

from iot_ids.metrics.confusion import confusion_matrix, f1_macro, f1_scores

CLASSES = 5


@st.composite
def answers(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """True and predicted codes of 1 to 40 rows; most draws leave some of the five classes empty."""
    pairs = draw(st.lists(st.tuples(*[st.integers(0, CLASSES - 1)] * 2), min_size=1, max_size=40))
    y, predicted = np.array(pairs, dtype=np.int64).T
    return y, predicted


@given(answers())
def test_confusion_matrix_equals_scikit_learn(rows):
    y, predicted = rows
    expected = sklearn.metrics.confusion_matrix(y, predicted, labels=range(CLASSES))
    np.testing.assert_array_equal(confusion_matrix(y, predicted, CLASSES), expected)


@given(answers())
def test_f1_macro_equals_scikit_learn_over_the_labels_that_occur(rows):
    y, predicted = rows
    expected = sklearn.metrics.f1_score(y, predicted, average="macro", zero_division=0)
    assert f1_macro(confusion_matrix(y, predicted, CLASSES)) == pytest.approx(expected)


def test_true_classes_are_rows_and_predicted_classes_columns():
    matrix = confusion_matrix(np.array([0, 0, 1]), np.array([1, 1, 1]), 2)
    assert matrix.tolist() == [[0, 2], [0, 1]]


@pytest.mark.parametrize("kind", [np.uint8, np.int32, np.uint64])
def test_codes_of_any_integer_type_are_counted(kind):
    codes = np.array([20, 20], dtype=kind)
    assert confusion_matrix(codes, codes, 25)[20, 20] == 2


def test_no_rows_give_an_empty_matrix():
    nothing = np.zeros(0, dtype=np.int64)
    assert confusion_matrix(nothing, nothing, 3).tolist() == [[0] * 3] * 3


@pytest.mark.parametrize("wrong", [-1, 2])
def test_a_code_out_of_range_is_refused(wrong):
    # Unchecked, row 0 predicted as 2 would count as row 1 predicted as 0.
    with pytest.raises(ValueError, match="outside 0 to 1"):
        confusion_matrix(np.array([0, 0]), np.array([0, wrong]), 2)


def test_different_lengths_are_refused():
    with pytest.raises(ValueError, match="shapes"):
        confusion_matrix(np.array([0, 0]), np.array([0]), 2)


def test_f1_macro_of_nothing_is_nan():
    assert np.isnan(f1_macro(np.zeros((3, 3), dtype=np.int64)))


def test_a_class_that_is_neither_true_nor_predicted_has_no_f1():
    assert np.isnan(f1_scores(np.diag([4, 0]))[1])


def test_a_class_that_is_only_predicted_counts_with_zero():
    assert f1_macro(np.array([[9, 1], [0, 0]])) == pytest.approx((18 / 19 + 0) / 2)


def test_f1_of_a_stack_is_the_stack_of_f1():
    stack = np.random.default_rng(0).integers(0, 9, (4, 3, 3))
    np.testing.assert_allclose(f1_scores(stack), [f1_scores(matrix) for matrix in stack])
