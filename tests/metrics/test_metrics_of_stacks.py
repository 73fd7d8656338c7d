"""Measures of stacks of matrices against those that a run keeps, and against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score, matthews_corrcoef

from comparison.made_up import CLASSES, answered
from iot_ids.metrics.metrics import measures, summarise


@pytest.mark.parametrize("rows", [(60, 300, 40), (60, 300, 12), (0, 300, 40)])
def test_each_matrix_of_a_stack_has_the_metrics_of_a_run(rows: tuple[int, int, int]) -> None:
    matrices = np.stack([answered(0.8, seed, rows) for seed in range(4)]).reshape(2, 2, 3, 3)
    found = measures(matrices, CLASSES, "Normal")
    for place in np.ndindex(2, 2):
        kept = summarise(matrices[place], CLASSES, "Normal", seed=0, replicates=2)
        for name, values in found.items():
            assert values[place] == pytest.approx(kept.get(f"test/{name}", np.nan), nan_ok=True), name


def test_they_are_scikit_learns() -> None:
    matrix = answered(0.7, 3)
    truth, given = (np.repeat(codes, matrix.ravel()) for codes in (each.ravel() for each in np.indices((3, 3))))
    found = measures(matrix, CLASSES, None)
    assert found["f1_macro"] == pytest.approx(f1_score(truth, given, average="macro"))
    assert found["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(truth, given))
    assert found["mcc"] == pytest.approx(matthews_corrcoef(truth, given))
    assert "detection_rate" not in found
