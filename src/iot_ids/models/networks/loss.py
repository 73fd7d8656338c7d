"""What training minimises: cross-entropy or focal loss, with or without class weights."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from iot_ids.models.spec import ClassWeights, Loss

FOCUS = 2.0
"""The focal loss's gamma that its authors recommend."""


def class_weights(y: Tensor, classes: int, kind: ClassWeights) -> Tensor | None:
    """The weight of each class, `(classes,)`, such that the training rows weigh 1 on average; None where all do."""
    if kind is ClassWeights.none:
        return None
    counts = torch.bincount(y, minlength=classes).clamp(min=1).float()
    weights = 1 / counts if kind is ClassWeights.balanced else counts.rsqrt()
    return weights / weights[y].mean()


def _cross_entropy(logits: Tensor, y: Tensor, reduction: str = "mean") -> Tensor:
    """Of each row with `reduction="none"`: `(batch,)`.

    PyTorch's on the CPU takes half the time where the classes come first and the rows last, as in a picture's points.
    """
    if not logits.is_cpu:
        return functional.cross_entropy(logits, y, reduction=reduction)
    return functional.cross_entropy(logits.T[None], y[None], reduction=reduction).squeeze(0)


class WeightedLoss(nn.Module):
    """Mean over a batch of the weighted loss of each row."""

    def __init__(self, loss: Loss, weights: Tensor | None) -> None:
        super().__init__()
        self.loss = loss
        self.register_buffer("weights", weights)

    def forward(self, logits: Tensor, y: Tensor) -> Tensor:
        """The loss `()` of logits `(batch, classes)` and class codes `(batch,)`."""
        if self.loss is Loss.cross_entropy and self.weights is None:
            return _cross_entropy(logits, y)
        entropy = _cross_entropy(logits, y, "none")
        if self.loss is Loss.focal:
            entropy = entropy * (1 - torch.exp(-entropy)) ** FOCUS
        if self.weights is not None:
            entropy = entropy * self.weights[y]  # type: ignore[index]
        return entropy.mean()
