"""Every reported metric against scikit-learn, and what an empty class does."""

import warnings

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from iot_ids.metrics.metrics import metric_names, per_class, summarise

CLASSES = ["normal", "DDoS", "DoS", "Theft"]
MATRIX = np.array([[90, 4, 6, 0], [2, 190, 8, 0], [5, 10, 35, 0], [1, 0, 2, 2]])
REPLICATES = 20

matrices = arrays(np.int64, (4, 4), elements=st.integers(0, 30) | st.just(0)).filter(np.any)


def rows_of(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    true, predicted = np.indices(matrix.shape)
    return np.repeat(true.ravel(), matrix.ravel()), np.repeat(predicted.ravel(), matrix.ravel())


def summary(matrix, classes=CLASSES, normal="normal"):
    return summarise(np.asarray(matrix), classes, normal, seed=0, replicates=REPLICATES)


@given(matrices)
@settings(max_examples=40)
def test_overall_metrics_equal_scikit_learn(matrix):
    y, predicted = rows_of(matrix)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of classes that are predicted but never true
        expected = {
            "test/accuracy": sklearn.metrics.accuracy_score(y, predicted),
            "test/balanced_accuracy": sklearn.metrics.balanced_accuracy_score(y, predicted),
            "test/f1_macro": sklearn.metrics.f1_score(y, predicted, average="macro", zero_division=0),
            "test/f1_weighted": sklearn.metrics.f1_score(y, predicted, average="weighted", zero_division=0),
            "test/mcc": sklearn.metrics.matthews_corrcoef(y, predicted),
        }
    measured = summary(matrix)
    assert {name: measured[name] for name in expected} == pytest.approx(expected, abs=1e-12)


@given(matrices)
@settings(max_examples=40)
def test_class_metrics_equal_scikit_learn_where_the_class_has_rows(matrix):
    y, predicted = rows_of(matrix)
    expected = sklearn.metrics.precision_recall_fscore_support(y, predicted, labels=range(4), zero_division=0)
    present = matrix.sum(axis=1) > 0
    table = per_class(matrix, CLASSES).select("precision", "recall", "f1", "rows").to_numpy().T
    np.testing.assert_allclose(table[:, present], np.array(expected)[:, present])


@given(matrices)
@settings(max_examples=40)
def test_nothing_that_is_reported_is_nan_and_all_lies_in_range(matrix):
    assert all(-1 <= value <= 1 for value in summary(matrix).values())


@given(matrices)
@settings(max_examples=40)
def test_attack_rates_are_the_recalls_of_the_two_class_problem(matrix):
    y, predicted = rows_of(matrix)
    measured = summary(matrix)
    if (y > 0).any():
        expected = sklearn.metrics.recall_score(y > 0, predicted > 0)
        assert measured["test/detection_rate"] == pytest.approx(expected)
    if (y == 0).any():
        expected = 1 - sklearn.metrics.recall_score(y == 0, predicted == 0)
        assert measured["test/false_positive_rate"] == pytest.approx(expected)


def test_the_contract_names_are_all_there_and_no_others():
    overall = ["accuracy", "balanced_accuracy", "f1_macro", "f1_macro_low", "f1_macro_high", "f1_macro_common"]
    overall += ["f1_weighted", "mcc", "detection_rate", "false_positive_rate", "majority_accuracy"]
    by_class = [f"{measure}/{name}" for measure in ("precision", "recall", "f1") for name in CLASSES]
    assert set(summary(MATRIX)) == {f"test/{name}" for name in overall + by_class}


def test_numbers_are_plain_floats():
    assert {type(value) for value in summary(MATRIX).values()} == {float}


def test_an_attack_called_another_attack_is_detected():
    assert summary([[10, 0, 0, 0], [1, 0, 9, 0], [0, 0, 0, 0], [0, 0, 0, 0]])["test/detection_rate"] == 0.9


def test_normal_need_not_be_the_first_class():
    measured = summary([[8, 2], [1, 3]], ["attack", "benign"], "benign")
    assert (measured["test/detection_rate"], measured["test/false_positive_rate"]) == (0.8, 0.25)


def test_without_a_normal_class_the_two_rates_are_left_out():
    left_out = set(summary(MATRIX)) - set(summary(MATRIX, normal=None))
    assert left_out == {"test/detection_rate", "test/false_positive_rate"}


def test_without_normal_rows_there_is_no_false_positive_rate():
    assert "test/false_positive_rate" not in summary([[0, 0], [1, 3]], ["normal", "attack"])


def test_without_attack_rows_there_is_no_detection_rate():
    assert "test/detection_rate" not in summary([[3, 1], [0, 0]], ["normal", "attack"])


def test_common_classes_are_those_of_thirty_rows_or_more():
    matrix = [[30, 0, 0], [0, 29, 0], [0, 9, 20]]
    assert summary(matrix, ["a", "b", "c"], None)["test/f1_macro_common"] == 1.0


def test_without_a_common_class_their_f1_is_left_out():
    assert "test/f1_macro_common" not in summary(np.diag([29, 29, 29, 29]))


def test_majority_accuracy_is_the_share_of_the_largest_true_class():
    assert summary([[10, 20], [50, 10]], ["normal", "attack"])["test/majority_accuracy"] == pytest.approx(60 / 90)


def test_the_interval_of_macro_f1_encloses_it():
    measured = summarise(MATRIX * 10, CLASSES, "normal", seed=0)
    assert measured["test/f1_macro_low"] < measured["test/f1_macro"] < measured["test/f1_macro_high"]


def test_matthews_survives_more_rows_than_fit_in_64_bit_products():
    huge = np.array([[3_000_000_000, 1_000_000_000], [1_000_000_000, 3_000_000_000]])
    assert summary(huge, ["normal", "attack"])["test/mcc"] == pytest.approx(0.5)


def test_a_class_without_rows_and_answers_has_no_metrics_of_its_own():
    assert not [name for name in summary(np.diag([40, 40, 40, 0])) if name.endswith("Theft")]


def test_a_class_without_rows_and_answers_does_not_lower_the_average():
    assert summary(np.diag([40, 40, 40, 0]))["test/f1_macro"] == 1.0


def test_a_class_without_rows_that_was_answered_counts_as_zero():
    measured = summary([[38, 2], [0, 0]], ["normal", "attack"])
    assert measured["test/f1/attack"] == measured["test/precision/attack"] == 0.0
    assert "test/recall/attack" not in measured


def test_a_class_that_was_never_answered_has_precision_zero():
    assert summary([[40, 0], [5, 0]], ["normal", "attack"])["test/precision/attack"] == 0.0


def test_no_rows_at_all_are_refused():
    with pytest.raises(ValueError, match="no test rows"):
        summary(np.zeros((4, 4), dtype=np.int64))


def test_a_normal_class_that_does_not_exist_is_named():
    with pytest.raises(ValueError, match="'benign'"):
        summary(MATRIX, normal="benign")


def test_names_that_do_not_fit_the_matrix_are_refused():
    with pytest.raises(ValueError, match="does not fit 3 classes"):
        per_class(MATRIX, CLASSES[:3])


def test_the_table_names_its_columns_in_order():
    columns = ["class", "rows", "predicted_rows", "precision", "recall", "recall_low", "recall_high", "f1"]
    assert per_class(MATRIX, CLASSES).columns == columns


def test_the_table_counts_rows_and_answers():
    table = per_class(MATRIX, CLASSES)
    assert (table["rows"].to_list(), table["predicted_rows"].to_list()) == ([100, 200, 50, 5], [98, 204, 51, 2])


def test_recall_of_few_rows_has_a_wide_interval():
    theft = per_class(MATRIX, CLASSES).row(3, named=True)
    assert (round(theft["recall_low"], 3), round(theft["recall_high"], 3)) == (0.118, 0.769)


def test_the_table_of_an_empty_class_holds_nulls():
    table = per_class(np.diag([40, 40, 40, 0]), CLASSES)
    assert table.row(3) == ("Theft", 0, 0, None, None, None, None, None)


def test_the_table_keeps_its_types_when_every_class_is_empty():
    assert per_class(np.zeros((4, 4), dtype=np.int64), CLASSES).schema == per_class(MATRIX, CLASSES).schema


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("Normal", "Normal"),
        ("OS_Fingerprint", "OS_Fingerprint"),
        ("guess passwd-1.0", "guess passwd-1.0"),
        ("DDoS/DoS", "DDoS_DoS"),
        ("a:b,c%", "a_b_c_"),
        ("", "_"),
        ("..", "_.."),
    ],
)
def test_class_names_become_safe(name, safe):
    assert metric_names([name]) == [safe]


def test_names_that_fall_together_stay_apart():
    assert metric_names(["a+b", "a_b", "a-b", "a/b"]) == ["a_b", "a_b_", "a-b", "a_b__"]


def test_unsafe_class_names_reach_the_metrics_safely():
    assert "test/f1/DDoS_DoS" in summary([[5, 1], [1, 5]], ["Normal", "DDoS/DoS"], "Normal")
