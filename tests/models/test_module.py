"""The Lightning shell's own arithmetic."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from iot_ids.models.module import f1_macro

CODES = st.integers(0, 6)


@given(pairs=st.lists(st.tuples(CODES, CODES), min_size=1, max_size=60))
def test_macro_f1_is_scikit_learns(pairs: list[tuple[int, int]]) -> None:
    y, predicted = np.array(pairs).T
    expected = f1_score(y, predicted, average="macro", zero_division=0)
    assert float(f1_macro(torch.from_numpy(y), torch.from_numpy(predicted))) == pytest.approx(expected, rel=1e-12)


def test_a_class_that_nobody_names_does_not_count() -> None:
    assert float(f1_macro(torch.tensor([0, 3]), torch.tensor([0, 3]))) == 1.0
