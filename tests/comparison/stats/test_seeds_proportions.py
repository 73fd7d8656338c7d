"""Intervals of shares over seeds, by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from scipy import stats

from iot_ids.comparison.stats.seeds import Estimate, Proportion, corrected, summed
from iot_ids.metrics.intervals import wilson

VALUES = [0.7, 0.8, 0.75, 0.6]
SHARES = some.lists(some.floats(0, 1), min_size=1, max_size=5)


def ends(estimate: Estimate) -> tuple[float, float]:
    return estimate.low, estimate.high


def of_rows(share: float, rows: int) -> float:
    """Agresti and Coull's binomial variance."""
    hits, misses = share * rows + 2, (1 - share) * rows + 2
    return hits * misses / (rows + 4) ** 3


def test_rows_drawn_anew_have_the_corrected_interval() -> None:
    assert summed([Proportion(VALUES, 50)], 0.25) == corrected(VALUES, 0.25, 0.0, 1.0)


def test_rows_that_stay_add_their_binomial_variance() -> None:
    reach = stats.t.ppf(0.975, 3) * np.sqrt((1 / 4 + 0.25) * np.var(VALUES, ddof=1) + of_rows(0.7125, 50))
    found = summed([Proportion(VALUES, 50, same_rows=True)], 0.25)
    assert found.mean == pytest.approx(0.7125)
    assert ends(found) == pytest.approx((0.7125 - reach, min(1.0, 0.7125 + reach)))


@pytest.mark.parametrize("values", [[0.5], [0.5, 0.5, 0.5]])
def test_one_seed_or_no_variance_has_the_rows_interval(values: list[float]) -> None:
    assert ends(summed([Proportion(values, 30)], 0.25)) == pytest.approx(wilson(15, 30))


def test_a_balanced_accuracy_is_the_half_of_two_shares() -> None:
    found, false = [0.9, 0.8, 0.7], [0.02, 0.0, 0.01]
    parts = [Proportion(found, 300, 0.5, same_rows=True), Proportion(false, 60, -0.5, same_rows=True)]
    values = [0.94, 0.90, 0.845]
    added = 0.25 * of_rows(0.8, 300) + 0.25 * of_rows(0.01, 60)
    reach = stats.t.ppf(0.975, 2) * np.sqrt((1 / 3 + 0.1) * np.var(values, ddof=1) + added)
    estimate = summed(parts, 0.1, 0.5)
    assert estimate.mean == pytest.approx(np.mean(values))
    assert ends(estimate) == pytest.approx((np.mean(values) - reach, min(1, np.mean(values) + reach)))


def test_one_seeds_balanced_accuracy_takes_the_worst_and_the_best_of_both() -> None:
    (low, high), (false_low, false_high) = wilson(8, 10), wilson(1, 20)
    estimate = summed([Proportion([0.8], 10, 0.5), Proportion([0.05], 20, -0.5)], 0.25, 0.5)
    assert ends(estimate) == pytest.approx((0.5 + (low - false_high) / 2, 0.5 + (high - false_low) / 2))


def test_a_hair_of_variance_does_not_make_few_rows_certain() -> None:
    low, _ = wilson(30, 30)
    almost = summed([Proportion([1.0, 1.0, 1.0, 1.0, 0.999], 30, same_rows=True)], 0.25)
    assert almost.low == pytest.approx(low, abs=0.01)
    assert almost.high == 1
    always, false = Proportion([1.0, 1.0, 1.0], 30, 0.5, same_rows=True), Proportion([0.02, 0.03, 0.02], 60, -0.5)
    assert summed([always, false], 0.25, 0.5).low < 0.5 + low / 2 - 0.01


@given(SHARES, some.integers(1, 500), some.floats(0, 3), some.booleans())
def test_every_interval_holds_its_mean_and_lies_within_0_and_1(
    values: list[float], rows: int, ratio: float, same: bool
) -> None:
    estimate = summed([Proportion(values, rows, same_rows=same)], ratio)
    half_a_row = 0.5 / rows + 1e-9
    assert 0 <= estimate.low <= estimate.mean + half_a_row
    assert estimate.mean - half_a_row <= estimate.high <= 1
