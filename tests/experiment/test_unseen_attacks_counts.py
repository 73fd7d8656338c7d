"""What unseen attacks were taken for, against counts made by hand."""

import numpy as np
import polars as pl
import pytest

from iot_ids.experiment.unseen_attacks import count_predictions, summarise
from iot_ids.metrics.intervals import wilson

CLASSES = ["Normal", "DoS", "Scan"]
KINDS = pl.Series(["Theft", "Theft", "Theft", "Worm"])
PROBABILITIES = np.array([[0.9, 0.06, 0.04], [0.2, 0.5, 0.3], [0.4, 0.1, 0.5], [0.1, 0.8, 0.1]])


def test_the_most_probable_attack_above_the_threshold_and_normal_up_to_it() -> None:
    table = count_predictions(KINDS, PROBABILITIES, 1 - PROBABILITIES[:, 0], 0.5, CLASSES, "Normal")
    assert table.rows() == [
        ("Theft", "DoS", 1, 1 / 3),
        ("Theft", "Normal", 1, 1 / 3),
        ("Theft", "Scan", 1, 1 / 3),
        ("Worm", "DoS", 1, 1.0),
    ]


def test_a_row_at_the_threshold_is_normal() -> None:
    table = count_predictions(KINDS[:1], PROBABILITIES[:1], np.array([0.1]), 0.1, CLASSES, "Normal")
    assert table["taken_for"].to_list() == ["Normal"]


def test_a_row_above_the_threshold_is_an_attack_even_where_normal_is_likeliest() -> None:
    table = count_predictions(KINDS[:1], PROBABILITIES[:1], np.array([0.1]), 0.05, CLASSES, "Normal")
    assert table["taken_for"].to_list() == ["DoS"]


def test_the_share_detected_is_that_of_all_rows() -> None:
    table = count_predictions(KINDS, PROBABILITIES, 1 - PROBABILITIES[:, 0], 0.5, CLASSES, "Normal")
    low, high = wilson(3, 4)
    assert summarise(table, "Normal") == pytest.approx(
        {
            "unseen/detection_rate": 0.75,
            "unseen/detection_rate_low": low,
            "unseen/detection_rate_high": high,
            "unseen/rows": 4,
        }
    )


def test_nothing_detected_is_zero_and_not_left_out() -> None:
    table = count_predictions(KINDS, PROBABILITIES, np.zeros(4), 0.5, CLASSES, "Normal")
    assert summarise(table, "Normal")["unseen/detection_rate"] == 0.0
