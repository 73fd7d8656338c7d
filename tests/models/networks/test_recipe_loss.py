"""The losses and class weights against their formulas."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from iot_ids.models.networks.recipe import WeightedLoss, class_weights
from iot_ids.models.spec import ClassWeights, Loss

Y = torch.tensor([0] * 90 + [1] * 9 + [2])
WEIGHED = [ClassWeights.balanced, ClassWeights.square_root]
LOGITS = torch.tensor([[2.0, -1.0, 0.5], [0.0, 0.0, 0.0], [-3.0, 1.0, 4.0]], dtype=torch.float64)
TRUE = torch.tensor([0, 1, 1])


def probabilities() -> list[float]:
    """Softmax of the true class, by hand."""
    rows = LOGITS.tolist()
    return [math.exp(row[y]) / sum(map(math.exp, row)) for row, y in zip(rows, TRUE.tolist(), strict=True)]


@given(counts=st.lists(st.integers(1, 500), min_size=2, max_size=6), kind=st.sampled_from(WEIGHED))
def test_training_rows_weigh_one_on_average(counts: list[int], kind: ClassWeights) -> None:
    y = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    weights = class_weights(y, len(counts), kind)
    assert weights is not None
    assert weights[y].mean().item() == pytest.approx(1, rel=1e-4)


@pytest.mark.parametrize("kind", WEIGHED)
def test_equal_counts_weigh_the_same(kind: ClassWeights) -> None:
    weights = class_weights(torch.tensor([0, 1, 2] * 5), 3, kind)
    assert weights is not None
    assert weights.tolist() == pytest.approx([1, 1, 1])


def test_balanced_classes_have_equal_sums() -> None:
    weights = class_weights(Y, 3, ClassWeights.balanced)
    assert weights is not None
    assert (weights * torch.tensor([90, 9, 1])).tolist() == pytest.approx([100 / 3] * 3)


def test_square_root_weighs_by_the_root_of_the_counts() -> None:
    weights = class_weights(Y, 3, ClassWeights.square_root)
    assert weights is not None
    assert (weights[1] / weights[0]).item() == pytest.approx(math.sqrt(90 / 9))


def test_no_weights_are_none() -> None:
    assert class_weights(Y, 3, ClassWeights.none) is None


@pytest.mark.parametrize("kind", WEIGHED)
def test_a_class_without_rows_leaves_the_others_average(kind: ClassWeights) -> None:
    weights = class_weights(Y, 4, kind)
    assert weights is not None
    assert weights[Y].mean().item() == pytest.approx(1)


def test_cross_entropy_is_the_mean_of_minus_log_p() -> None:
    expected = sum(-math.log(p) for p in probabilities()) / 3
    assert WeightedLoss(Loss.cross_entropy, None)(LOGITS, TRUE).item() == pytest.approx(expected)


def test_focal_loss_is_its_formula() -> None:
    expected = sum(-((1 - p) ** 2) * math.log(p) for p in probabilities()) / 3  # Lin et al. 2017, eq. 4, gamma 2
    assert WeightedLoss(Loss.focal, None)(LOGITS, TRUE).item() == pytest.approx(expected)


@pytest.mark.parametrize("loss", Loss)
def test_each_row_is_weighed_by_its_class(loss: Loss) -> None:
    weights = torch.tensor([2.0, 0.5, 9.0])
    rows = [WeightedLoss(loss, None)(LOGITS[at : at + 1], TRUE[at : at + 1]).item() for at in range(3)]
    expected = (2.0 * rows[0] + 0.5 * rows[1] + 0.5 * rows[2]) / 3
    assert WeightedLoss(loss, weights)(LOGITS, TRUE).item() == pytest.approx(expected)


@pytest.mark.parametrize("loss", Loss)
def test_a_certain_answer_has_a_finite_gradient(loss: Loss) -> None:
    logits = torch.tensor([[200.0, -200.0], [-200.0, 200.0]], requires_grad=True)
    WeightedLoss(loss, None)(logits, torch.tensor([0, 0])).backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
