"""Intervals and tests against formulas written out again."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from scipy import stats

from iot_ids.comparison.stats.seeds import Estimate, corrected, corrected_difference, holm

SCORES = [0.81, 0.83, 0.79, 0.84, 0.80, 0.82, 0.78, 0.85, 0.80, 0.81]
OTHERS = [0.80, 0.80, 0.79, 0.82, 0.79, 0.80, 0.79, 0.82, 0.80, 0.78]


def test_the_interval_is_nadeau_and_bengios() -> None:
    mean, low, high = _by_hand(SCORES, 0.25)
    found = corrected(SCORES, 0.25)
    assert (found.mean, found.low, found.high) == pytest.approx((mean, low, high))


def test_without_test_rows_to_share_it_is_students() -> None:
    low, high = stats.t.interval(0.95, 9, loc=np.mean(SCORES), scale=stats.sem(SCORES))
    found = corrected(SCORES, 0)
    assert (found.low, found.high) == pytest.approx((low, high))


def test_it_is_cut_where_a_rate_ends() -> None:
    found = corrected([0.9, 1.0, 1.0], 0.25, 0.0, 1.0)
    assert found.high == 1.0
    assert found.low < 0.9


def test_one_seed_has_no_interval_over_seeds() -> None:
    found = corrected([0.5], 0.25)
    assert found.mean == 0.5
    assert math.isnan(found.low)
    assert math.isnan(found.high)


def test_the_corrected_t_test_is_the_usual_one_with_a_wider_variance() -> None:
    usual = stats.ttest_rel(OTHERS, SCORES)
    shrunk = usual.statistic * math.sqrt((1 / 10) / (1 / 10 + 0.25))
    found = corrected_difference(OTHERS, SCORES, 0.25)
    assert found.p == pytest.approx(2 * stats.t.sf(abs(shrunk), 9))
    assert found.p > usual.pvalue
    assert corrected_difference(OTHERS, SCORES, 0).p == pytest.approx(usual.pvalue)


def test_nine_seeds_have_an_interval_and_no_test() -> None:
    found = corrected_difference(OTHERS[:9], SCORES[:9], 0.25)
    assert found.p is None
    assert found.estimate.low < found.estimate.mean < found.estimate.high


@pytest.mark.parametrize(("shift", "p"), [(0.0, 1.0), (0.25, 0.0)])
def test_differences_that_never_vary(shift: float, p: float) -> None:
    assert corrected_difference([score - shift for score in [0.5] * 10], [0.5] * 10, 0.25).p == p


def test_two_equal_methods_are_rarely_told_apart() -> None:
    """Scores of splits that share rows: a part common to all seeds makes the usual test far too bold."""
    draw = np.random.default_rng(3)
    usual = found = 0
    for _ in range(400):
        shared = draw.normal(0, math.sqrt(0.25), 1)  # the correlation that n_test/n_train = 1/3 stands for
        differences = shared + draw.normal(0, math.sqrt(0.75), 10)
        found += corrected_difference(differences.tolist(), [0.0] * 10, 1 / 3).p < 0.05
        usual += stats.ttest_1samp(differences, 0).pvalue < 0.05
    assert found / 400 < 0.08
    assert usual / 400 > 0.2


def test_holm_by_hand() -> None:
    """Four tests: 0.005 x 4, 0.01 x 3, 0.03 x 2, then 0.04 x 1 raised to the one before."""
    adjusted = holm({"c": 0.03, "a": 0.01, "d": 0.04, "b": 0.005})
    assert adjusted == pytest.approx({"b": 0.02, "a": 0.03, "c": 0.06, "d": 0.06})


@given(some.lists(some.floats(0, 1), min_size=1, max_size=8))
def test_holm_never_lowers_a_p_and_keeps_the_order(values: list[float]) -> None:
    adjusted = list(holm({str(at): p for at, p in enumerate(values)}).items())
    back = {int(name): p for name, p in adjusted}
    assert all(values[at] <= p <= min(1, len(values) * values[at]) + 1e-12 or p <= 1 for at, p in back.items())
    in_order = [back[at] for at in sorted(back, key=lambda at: values[at])]
    assert in_order == sorted(in_order)


def test_nothing_tested_is_nothing_corrected() -> None:
    assert holm({}) == {}


def _by_hand(values: list[float], ratio: float) -> tuple[float, float, float]:
    mean, variance = statistics.mean(values), statistics.variance(values)
    reach = 2.2621571628 * math.sqrt((1 / len(values) + ratio) * variance)  # t table, 9 degrees of freedom
    return mean, mean - reach, mean + reach


def test_an_estimate_without_ends_says_so() -> None:
    assert math.isnan(Estimate(0.5).low)
