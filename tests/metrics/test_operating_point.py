"""The threshold for a stated false-positive rate, and what it does on other rows."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from iot_ids.metrics.audit_text import tied_sentence
from iot_ids.metrics.calibration import calibrate
from iot_ids.metrics.intervals import wilson
from iot_ids.metrics.operating_point import (
    OperatingPoint,
    attack_scores,
    can_state,
    operating_point,
    otsu_threshold,
    rows_needed,
    summarise,
    threshold,
)

EVERYTHING = {
    "operating/threshold",
    "operating/validation_normal_rows",
    "operating/detection_rate",
    "operating/detection_rate_low",
    "operating/detection_rate_high",
    "operating/false_positive_rate",
    "operating/false_positive_rate_low",
    "operating/false_positive_rate_high",
    "operating/alerts_per_day",
    "operating/alerts_per_day_low",
    "operating/alerts_per_day_high",
    "test/roc_auc",
    "test/average_precision",
}


def test_the_score_is_the_log_odds_of_any_attack() -> None:
    scores = attack_scores(np.array([[0.1, 0.7, 0.2], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], dtype=np.float32), normal=1)
    assert scores.dtype == np.float64
    assert scores == pytest.approx([np.log(3 / 7), -np.log(1e-45), np.log(1e-45)], abs=1e-6)


@pytest.mark.parametrize("normal", [0, 1])
def test_small_and_large_scores_keep_their_digits(normal: int) -> None:
    tiny, one = np.array([1e-20, 2e-20], dtype=np.float32), np.ones(2, dtype=np.float32)
    scores = attack_scores(np.column_stack([one, tiny]), normal)
    sign = 1 if normal == 0 else -1
    assert scores == pytest.approx([sign * np.log(1e-20), sign * np.log(2e-20)])


@pytest.mark.parametrize("temperature", [0.3, 1, 2.8, 20])
def test_the_threshold_and_the_areas_are_those_of_the_models_own_order(temperature: float) -> None:
    """A model far too sure of itself, as naive Bayes is: its normal flows lie between 1e-10 and 1e-40."""
    random = np.random.default_rng(0)
    attack = random.random(4_000) < 0.5
    exponents = np.where(attack, random.uniform(-40, -20, 4_000), random.uniform(-30, -10, 4_000))
    normal = (10.0**exponents).astype(np.float32)
    own = np.column_stack([normal, 1 - normal])
    kept = calibrate(own, temperature)
    before, after = (attack_scores(each, 0) for each in (own, kept))
    metrics = [summarise(operating_point(scores[~attack], 0.01), scores, attack, 1) for scores in (before, after)]
    assert metrics[0]["operating/detection_rate"] > 0.4
    for name in ("operating/detection_rate", "operating/false_positive_rate", "test/roc_auc", "test/average_precision"):
        assert metrics[1][name] == pytest.approx(metrics[0][name], abs=2e-3)


def test_a_row_of_nan_has_no_score() -> None:
    assert np.isnan(attack_scores(np.full((1, 2), np.nan, dtype=np.float32), 0)).all()


@pytest.mark.parametrize(("rate", "rows"), [(0.01, 100), (0.5, 2), (0.03, 34), (0.29, 4), (1e-5, 100_000), (0.1, 10)])
def test_a_rate_needs_one_row_that_may_lie_above(rate: float, rows: int) -> None:
    assert rows_needed(rate) == rows
    assert (can_state(rate, rows), can_state(rate, rows - 1)) == (True, False)


@pytest.mark.parametrize("rows", [0, 1, 99])
def test_too_few_rows_have_no_threshold(rows: int) -> None:
    with pytest.raises(ValueError, match=rf"{rows} rows are too few for a rate of 0\.01"):
        threshold(np.zeros(rows), 0.01)
    assert operating_point(np.zeros(rows), 0.01) == OperatingPoint(0.01, rows, None)


def test_the_threshold_leaves_so_many_above() -> None:
    shuffled = np.random.default_rng(0).permutation(100).astype(float)
    for rate, above in ((0.01, 1), (0.29, 29), (0.07, 7), (0.999, 99)):
        assert threshold(shuffled, rate) == 99 - above
    assert operating_point(shuffled, 0.05) == OperatingPoint(0.05, 100, 94)


@given(st.lists(st.sampled_from([0.0, 1e-9, 0.2, 0.5, 0.5000001, 1.0]) | st.floats(0, 1), min_size=1), st.data())
def test_never_more_rows_above_than_asked_and_none_smaller_would_do(scores: list[float], data: st.DataObject) -> None:
    hundredths = data.draw(st.integers(-(-100 // len(scores)), 100).filter(lambda share: share < 100) | st.just(99))
    rate = hundredths / 100
    if not can_state(rate, len(scores)):
        return
    allowed = int(Fraction(hundredths, 100) * len(scores))

    def above(value: float) -> int:
        return sum(score > value for score in scores)

    found = threshold(np.array(scores), rate)
    assert found in scores
    assert above(found) <= allowed
    assert all(above(score) > allowed for score in scores if score < found)


def test_equal_flows_count_as_normal() -> None:
    scores = np.array([0.1] * 5 + [0.9] * 95)
    point = operating_point(scores, 0.5)
    metrics = summarise(point, scores, np.arange(100) < 50, 1000)
    assert point.threshold == 0.9
    assert metrics["operating/detection_rate"] == metrics["operating/false_positive_rate"] == 0


def drawn(apart: float, rows: int = 400, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Scores, a few of them equal, of attacks that lie so far above the normal rows."""
    random = np.random.default_rng(seed)
    attack = random.uniform(size=rows) < 0.3
    return (random.normal(0, 1, rows) + apart * attack).round(1), attack


def area_by_pairs(scores: NDArray[np.float64], attack: NDArray[np.bool_]) -> float:
    """The share of pairs of an attack and a normal row that the scores put in order; ties count half."""
    pairs = itertools.product(scores[attack], scores[~attack])
    return float(np.mean([(one > other) + 0.5 * (one == other) for one, other in pairs]))


def precision_by_steps(scores: NDArray[np.float64], attack: NDArray[np.bool_]) -> float:
    """Precision at each threshold, weighted by the recall that it adds."""
    found, total = 0, 0.0
    for value in sorted(set(scores), reverse=True):
        called = scores >= value
        total += (attack[called].sum() - found) / attack.sum() * attack[called].mean()
        found = attack[called].sum()
    return float(total)


@pytest.mark.parametrize("apart", [0.0, 1.0, 20.0])
def test_areas_are_those_of_slow_counts(apart: float) -> None:
    scores, attack = drawn(apart)
    metrics = summarise(OperatingPoint(0.01, 5, None), scores, attack, 1)
    assert metrics["test/roc_auc"] == pytest.approx(area_by_pairs(scores, attack))
    assert metrics["test/average_precision"] == pytest.approx(precision_by_steps(scores, attack))


def test_rates_and_alerts_are_counts_with_wilson_intervals() -> None:
    scores, attack = drawn(1.0)
    metrics = summarise(OperatingPoint(0.1, 50, 1.3), scores, attack, 20_000)
    found, alarms = int((scores[attack] > 1.3).sum()), int((scores[~attack] > 1.3).sum())
    assert 0 < alarms < (~attack).sum()
    low, high = wilson(found, int(attack.sum()))
    assert metrics["operating/detection_rate"] == found / attack.sum()
    assert (metrics["operating/detection_rate_low"], metrics["operating/detection_rate_high"]) == (low, high)
    low, high = wilson(alarms, int((~attack).sum()))
    assert metrics["operating/false_positive_rate"] == alarms / (~attack).sum()
    assert (metrics["operating/false_positive_rate_low"], metrics["operating/false_positive_rate_high"]) == (low, high)
    alerts = [metrics[f"operating/alerts_per_day{end}"] for end in ("", "_low", "_high")]
    assert alerts == pytest.approx([20_000 * alarms / (~attack).sum(), 20_000 * low, 20_000 * high])
    assert set(metrics) == EVERYTHING


def test_scores_that_say_nothing_find_as_many_attacks_as_false_alarms() -> None:
    scores, attack = drawn(0.0, rows=20_000)
    point = operating_point(drawn(0.0, rows=5000, seed=1)[0], 0.1)
    metrics = summarise(point, scores, attack, 1)
    assert metrics["operating/detection_rate"] == pytest.approx(0.1, abs=0.02)
    assert metrics["operating/false_positive_rate"] == pytest.approx(0.1, abs=0.02)


def test_perfect_scores_find_everything_at_no_cost() -> None:
    scores, attack = drawn(20.0)
    metrics = summarise(operating_point(scores[~attack], 0.01), scores, attack, 1)
    assert metrics["operating/detection_rate"] == metrics["test/roc_auc"] == 1
    assert metrics["operating/false_positive_rate"] <= 0.01


@pytest.mark.parametrize("attacks", [True, False])
def test_what_rows_of_one_kind_cannot_say_is_left_out(attacks: bool) -> None:
    kind = "detection_rate" if attacks else "false_positive_rate"
    metrics = summarise(OperatingPoint(0.1, 50, 0.5), np.linspace(0, 1, 9), np.full(9, attacks), 1)
    assert not {"test/roc_auc", "test/average_precision"} & set(metrics)
    assert {name for name in metrics if "rate" in name} == {f"operating/{kind}{end}" for end in ("", "_low", "_high")}
    assert ("operating/alerts_per_day" in metrics) is not attacks


def test_without_a_threshold_nothing_is_said_at_it() -> None:
    metrics = summarise(OperatingPoint(0.01, 5, None), *drawn(1.0), 1)
    assert set(metrics) == {"operating/validation_normal_rows", "test/roc_auc", "test/average_precision"}
    assert metrics["operating/validation_normal_rows"] == 5


def leaves(*rows: int) -> NDArray[np.float64]:
    """Scores as a small tree gives them: many rows share a score of 0, many 1, and so on."""
    return np.repeat(np.arange(len(rows), dtype=np.float64), rows)


def test_ties_that_keep_the_rate_out_of_reach_are_told_with_the_rates_around_it() -> None:
    point = operating_point(leaves(9_400, 597, 3), 0.01)
    assert (point.threshold, point.tied, point.nearest) == (1.0, (0.0003, 0.06), 0.0003)


def test_the_nearest_rate_may_be_the_one_above() -> None:
    assert operating_point(leaves(9_880, 117, 3), 0.01).nearest == 0.012


def test_a_few_equal_scores_among_many_do_no_harm() -> None:
    assert operating_point(leaves(9_895, 10, 95), 0.01).tied is None


def test_the_nearest_rate_is_a_metric_only_where_the_rate_is_out_of_reach() -> None:
    scores, attack = leaves(40, 20), np.arange(60) % 2 == 0
    tied, reached = (summarise(operating_point(each, 0.01), scores, attack, 1) for each in (leaves(900, 100), scores))
    assert tied["operating/nearest_reachable_rate"] == 0.0
    assert "operating/nearest_reachable_rate" not in reached


def test_the_sentence_names_the_rate_asked_for_and_those_within_reach() -> None:
    (said,) = tied_sentence(operating_point(leaves(9_400, 597, 3), 0.01))
    assert said.startswith(
        "A false-positive rate of 1 % cannot be reached: 5.97 % of validation's normal rows share one score"
    )
    assert "is set to 0.03 %, where" in said
    assert "the next higher rate is 6 %, the nearest 0.03 %. evaluate.false_positive_rate=0.06 selects" in said


def test_a_rate_that_is_reached_is_no_sentence() -> None:
    assert tied_sentence(operating_point(np.arange(1_000.0), 0.01)) == []
    assert tied_sentence(None) == []


def test_the_rate_that_the_sentence_offers_is_reached() -> None:
    scores = leaves(9_341, 656, 3)
    assert "evaluate.false_positive_rate=0.0659 selects" in tied_sentence(operating_point(scores, 0.01))[0]
    assert operating_point(scores, 0.0659).tied is None


def within(scores: NDArray[np.float64], at: float) -> float:
    """Otsu's other formula: the squares about the means of the two groups, which the cut makes smallest."""
    groups = (scores[scores <= at], scores[scores > at])
    return float(sum(((group - group.mean()) ** 2).sum() for group in groups if len(group)))


@given(scores=arrays(np.float64, st.integers(2, 40), elements=st.integers(-50, 50).map(float)))
def test_no_other_cut_parts_the_scores_better(scores: NDArray[np.float64]) -> None:
    known = np.unique(scores)
    best = min(within(scores, at) for at in known)
    assert within(scores, otsu_threshold(scores)) == pytest.approx(best, abs=1e-6)
    assert otsu_threshold(scores) not in known or len(known) == 1


def test_two_planted_groups_are_parted() -> None:
    random = np.random.default_rng(0)
    scores = np.concatenate([random.normal(-2, 0.5, 300), random.normal(2, 0.5, 900)])
    assert -1 < otsu_threshold(random.permutation(scores)) < 1


@pytest.mark.parametrize("rows", [1, 5])
def test_nothing_lies_above_the_cut_of_equal_scores(rows: int) -> None:
    assert otsu_threshold(np.full(rows, 0.3)) == 0.3
