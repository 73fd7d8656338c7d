"""Otsu's cut against its definition, and where two groups were planted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from iot_ids.evaluate.otsu import cut


def within(scores: NDArray[np.float64], at: float) -> float:
    """Otsu's other formula: the squares about the means of the two groups, which the cut makes smallest."""
    groups = (scores[scores <= at], scores[scores > at])
    return float(sum(((group - group.mean()) ** 2).sum() for group in groups if len(group)))


@given(scores=arrays(np.float64, st.integers(2, 40), elements=st.integers(-50, 50).map(float)))
def test_no_other_cut_parts_the_scores_better(scores: NDArray[np.float64]) -> None:
    known = np.unique(scores)
    best = min(within(scores, at) for at in known)
    assert within(scores, cut(scores)) == pytest.approx(best, abs=1e-6)
    assert cut(scores) not in known or len(known) == 1


def test_two_planted_groups_are_parted() -> None:
    random = np.random.default_rng(0)
    scores = np.concatenate([random.normal(-2, 0.5, 300), random.normal(2, 0.5, 900)])
    assert -1 < cut(random.permutation(scores)) < 1


@pytest.mark.parametrize("rows", [1, 5])
def test_nothing_lies_above_the_cut_of_equal_scores(rows: int) -> None:
    assert cut(np.full(rows, 0.3)) == 0.3
