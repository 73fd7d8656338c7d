"""The Lightning shell's own arithmetic."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from iot_ids.models.networks.training import clip_gradients, f1_macro

CODES = st.integers(0, 6)


@given(pairs=st.lists(st.tuples(CODES, CODES), min_size=1, max_size=60))
def test_macro_f1_is_scikit_learns(pairs: list[tuple[int, int]]) -> None:
    y, predicted = np.array(pairs).T
    expected = f1_score(y, predicted, average="macro", zero_division=0)
    assert float(f1_macro(torch.from_numpy(y), torch.from_numpy(predicted))) == pytest.approx(expected, rel=1e-12)


def test_a_class_that_nobody_names_does_not_count() -> None:
    assert float(f1_macro(torch.tensor([0, 3]), torch.tensor([0, 3]))) == 1.0


@given(seed=st.integers(0, 99), norm=st.floats(0.01, 100))
def test_gradients_are_clipped_as_torch_clips_them(seed: int, norm: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    ours, theirs = ([torch.nn.Parameter(torch.zeros(shape)) for shape in [(3, 4), (5,), (2,)]] for _ in range(2))
    for mine, other in zip(ours[:2], theirs[:2], strict=True):  # the third has no gradient
        mine.grad = torch.randn(mine.shape, generator=generator)
        other.grad = mine.grad.clone()
    clip_gradients(ours, norm)
    torch.nn.utils.clip_grad_norm_(theirs, norm)
    torch.testing.assert_close([each.grad for each in ours[:2]], [each.grad for each in theirs[:2]])
    assert ours[2].grad is None
