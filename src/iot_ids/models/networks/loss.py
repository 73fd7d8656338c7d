"""Training losses: cross-entropy or focal loss, with or without class weights."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from iot_ids.models.spec import ClassWeights, Loss

FOCUS = 2.0
"""The focal loss's gamma, as its authors recommend."""


def class_weights(y: Tensor, classes: int, kind: ClassWeights) -> Tensor | None:
    """Return class weights `(classes,)` that average 1 over the training rows; None for equal weights."""
    if kind is ClassWeights.none:
        return None
    counts = torch.bincount(y, minlength=classes).clamp(min=1).float()
    weights = 1 / counts if kind is ClassWeights.balanced else counts.rsqrt()
    return weights / weights[y].mean()


def _cross_entropy(logits: Tensor, y: Tensor, reduction: str = "mean") -> Tensor:
    """Compute cross-entropy; of each row with `reduction="none"`: `(batch,)`.

    On the CPU, PyTorch takes half the time with the classes first and the rows last, like the pixels of an image.
    """
    if not logits.is_cpu:
        return functional.cross_entropy(logits, y, reduction=reduction)
    return functional.cross_entropy(logits.T[None], y[None], reduction=reduction).squeeze(0)


class WeightedLoss(nn.Module):
    """The mean of the rows' weighted losses over a batch."""

    def __init__(self, loss: Loss, weights: Tensor | None) -> None:
        super().__init__()
        self.loss = loss
        self.register_buffer("weights", weights)

    def forward(self, logits: Tensor, y: Tensor) -> Tensor:
        """Compute the loss `()` of logits `(batch, classes)` and class codes `(batch,)`."""
        if self.loss is Loss.cross_entropy and self.weights is None:
            return _cross_entropy(logits, y)
        entropy = _cross_entropy(logits, y, "none")
        if self.loss is Loss.focal:
            entropy = entropy * (1 - torch.exp(-entropy)) ** FOCUS
        if self.weights is not None:
            entropy = entropy * self.weights[y]  # type: ignore[index]
        return entropy.mean()
