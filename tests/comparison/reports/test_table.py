"""The judged table: who leads, who is told apart, and what the constant answer scores."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score

from comparison.made_up import CLASSES, answered, kept, on_one_test_file, on_random_splits, records
from iot_ids.comparison.loading import Record, RunTable, group
from iot_ids.comparison.method_scores import Row
from iot_ids.comparison.reports.table import rows
from iot_ids.comparison.stats.seeds import corrected

TEN = range(10)


def judged(gathered: RunTable) -> dict[str, Row]:
    return {row.name: row for row in rows(gathered, 400, 0)}


@pytest.mark.parametrize("gathered", [on_random_splits, on_one_test_file])
def test_a_planted_better_model_is_found_and_two_equal_ones_are_not(gathered: object) -> None:
    table = rows(gathered({"good": 0.95, "twin": 0.80, "other": 0.80}, TEN), 400, 0)  # type: ignore[operator]
    assert table[0].name == "good, all"
    assert {row.name: row.star for row in table[1:3]} == {"twin, all": "*", "other, all": "*"}
    alike = rows(gathered({"twin": 0.8, "other": 0.8}, TEN), 400, 0)  # type: ignore[operator]
    assert [row.star for row in alike] == ["", "", ""]
    assert alike[1].p is not None


def test_the_scores_are_means_over_seeds_with_the_corrected_interval() -> None:
    gathered = on_random_splits({"gru": 0.8}, TEN)
    values = [record.run.metrics["test/f1_macro"] for record in gathered.methods[0].records]
    assert judged(gathered)["gru, all"].scores["f1_macro"] == pytest.approx(corrected(values, 400 / 1280), abs=1e-12)


def test_below_ten_common_seeds_there_is_an_interval_and_no_star() -> None:
    found = judged(on_random_splits({"good": 0.95, "bad": 0.5}, range(9)))["bad, all"]
    assert found.p is None
    assert found.star == ""
    assert found.difference is not None
    assert found.difference.estimate.high < 0


def test_differences_are_paired_by_seed() -> None:
    gathered = group([*records({"good": 0.95}, range(12)), *records({"bad": 0.6}, range(2, 14))], CLASSES, None)
    found = judged(gathered)["bad, all"].difference
    assert found is not None
    assert found.seeds == 10
    by_seed = [{r.seed: r.run.metrics["test/f1_macro"] for r in method.records} for method in gathered.methods]
    assert found.estimate.mean == pytest.approx(np.mean([by_seed[1][s] - by_seed[0][s] for s in range(2, 12)]))


def test_pearson_and_chi_square_are_never_averaged() -> None:
    them = [
        Record(kept("gru", seed, matrix=matrix, parameters={"selector.name": name, "selector.k": "8"}), matrix)
        for name, share in (("pearson", 0.9), ("chi_square", 0.5))
        for seed in range(3)
        for matrix in [answered(share, seed)]
    ]
    table = judged(group(them, CLASSES, None))
    assert table["gru, pearson 8"].scores["f1_macro"].mean > 0.8
    assert table["gru, chi_square 8"].scores["f1_macro"].mean < 0.6
    assert table["gru, pearson 8"].claim == "99.97†"
    assert table["gru, chi_square 8"].claim == ""


def test_the_constant_answer_is_scored_like_a_model() -> None:
    gathered = on_random_splits({"gru": 0.9, "poor": 0.01}, range(3))
    table = rows(gathered, 10, 0)
    truth = np.repeat(CLASSES, [60, 300, 40])
    given = np.full(400, "Flood")
    found = next(row for row in table if row.constant)
    assert found.name == "constant answer (Flood)"
    assert found.scores["accuracy"].mean == pytest.approx(gathered.first.metrics["test/majority_accuracy"])
    assert found.scores["f1_macro"].mean == pytest.approx(f1_score(truth, given, average="macro"))
    assert found.scores["balanced_accuracy"].mean == pytest.approx(balanced_accuracy_score(truth, given))
    assert (found.scores["detection_rate"].mean, found.scores["false_positive_rate"].mean) == (1, 1)
    assert [row.name for row in table] == ["gru, all", "constant answer (Flood)", "poor, all"]


def test_one_seed_has_the_interval_of_its_test_rows() -> None:
    found = judged(on_random_splits({"gru": 0.8}, [4]))["gru, all"].scores["f1_macro"]
    assert found.low < found.mean < found.high


def test_always_right_is_not_surely_right() -> None:
    right = np.diag([60, 300, 2])
    them = [Record(kept("gru", seed, matrix=right), right) for seed in range(3)]
    found = judged(group(them, CLASSES, None))["gru, all"].scores["recall/Scan"]
    assert (found.mean, found.high) == (1, 1)
    assert found.low == pytest.approx(0.342, abs=0.001)  # Wilson's interval of 2 in 2


@pytest.mark.parametrize("gathered", [on_random_splits, on_one_test_file])
def test_rates_stay_rates(gathered: object) -> None:
    table = rows(gathered({"gru": 0.99, "knn": 0.02}, range(3)), 100, 0)  # type: ignore[operator]
    for row in table:
        for name, score in row.scores.items():
            assert row.constant or (-1 if name == "mcc" else 0) <= score.low <= score.high <= 1, name


def test_more_seeds_narrow_the_interval_of_an_official_split() -> None:
    few, many = (judged(on_one_test_file({"gru": 0.8}, range(n)))["gru, all"].scores["accuracy"] for n in (1, 20))
    assert many.high - many.low < few.high - few.low


def test_a_class_that_no_split_has_in_its_test_rows_has_no_recall() -> None:
    matrix = np.diag([60, 300, 0])
    table = judged(group([Record(kept(matrix=matrix), matrix)], CLASSES, None))
    assert "recall/Scan" not in table["gru, all"].scores


def test_tuned_and_partly_tuned_methods_say_so() -> None:
    them = [
        Record(kept(model, seed, matrix=answered(0.8, seed), tags={"tuned": tuned}), answered(0.8, seed))
        for model, seed, tuned in (("a", 0, "true"), ("a", 1, "true"), ("b", 0, "true"), ("b", 1, "false"))
    ]
    table = judged(group(them, CLASSES, None))
    assert (table["a tuned, all"].tuned, table["b, all"].tuned) == ("yes", "partly")
