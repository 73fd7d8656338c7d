"""The paper's table per class, and the paper's own numbers beside it."""

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import precision_recall_fscore_support

from comparison.made_up import answered, kept
from iot_ids.comparison import paper_table
from iot_ids.metrics.metrics import per_class

CLASSES = ["normal", "DoS", "DDoS"]
MATRIX = answered(0.9, 0, (94, 500, 900))


def test_averages_are_weighted_by_test_rows() -> None:
    table = paper_table.averaged(per_class(MATRIX, CLASSES))
    truth, given = (np.repeat(codes.ravel(), MATRIX.ravel()) for codes in np.indices((3, 3)))
    precision, recall, f1, _ = precision_recall_fscore_support(truth, given, average="weighted")
    last = table.row(-1, named=True)
    assert (last["precision"], last["recall"], last["f1"]) == pytest.approx((precision, recall, f1))
    assert table["found"].to_list() == [*np.diagonal(MATRIX), np.trace(MATRIX)]


@pytest.mark.parametrize(("label", "quoted"), [("paper", True), ("category", False)])
def test_the_papers_numbers_stand_beside_its_own_classes_alone(label: str, quoted: bool) -> None:
    table = paper_table.averaged(per_class(MATRIX, CLASSES))
    text = paper_table.markdown(table, kept(parameters={"dataset.label": label}))
    assert ("95.70" in text, "impossible" in text, "in the paper†" in text) == (quoted,) * 3
    assert len({line.count("|") for line in text.splitlines() if line.startswith("|")}) == 1


def test_generated_rows_say_simulated() -> None:
    table = paper_table.averaged(per_class(MATRIX, CLASSES))
    assert paper_table.markdown(table, kept(tags={"data.origin": "generated"})).startswith("# SIMULATED: ")


def test_a_class_without_test_rows_has_no_line() -> None:
    table = paper_table.averaged(per_class(np.diag([5, 5, 0]), CLASSES))
    assert table["class"].to_list() == ["normal", "DoS", "weighted average"]
    assert table.select(pl.col("f1").is_null().any()).item() is False
