"""The parts of a training that need no Lightning: the settings that all networks share, the loss, the batches."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from iot_ids.common.errors import UserError
from iot_ids.models.spec import ClassWeights, Loss, Schedule, Trainer, check_trainer

FOCUS = 2.0
"""The focal loss's gamma, as its authors recommend."""


@dataclass(frozen=True)
class Recipe:
    """The settings of `model` that all networks share, and those of `trainer`."""

    learning_rate: float
    weight_decay: float
    schedule: Schedule
    loss: Loss
    class_weights: ClassWeights
    trainer: Trainer

    @classmethod
    def of(
        cls, trainer: Trainer, learning_rate: float, weight_decay: float, schedule: str, loss: str, class_weights: str
    ) -> "Recipe":
        """Build a recipe from the settings of a model and a trainer.

        Raises:
            UserError: a value would only fail during training.
        """
        check_trainer(trainer)
        if not learning_rate > 0:
            raise UserError(f"model.learning_rate={learning_rate} must be above 0")
        shares = {"model.weight_decay": weight_decay, "trainer.gradient_clip": trainer.gradient_clip}
        for key, share in shares.items():
            if not share >= 0:
                raise UserError(f"{key}={share} must be at least 0")
        if trainer.accelerator not in ("auto", "cpu", "gpu"):
            raise UserError(f"trainer.accelerator={trainer.accelerator} must be auto, cpu or gpu")
        if trainer.accelerator == "gpu" and not (torch.cuda.is_available() or torch.backends.mps.is_available()):
            raise UserError("trainer=gpu: PyTorch finds no GPU on this machine; use trainer=cpu or trainer=auto")
        return cls(learning_rate, weight_decay, Schedule(schedule), Loss(loss), ClassWeights(class_weights), trainer)


def class_weights(y: Tensor, classes: int, kind: ClassWeights) -> Tensor | None:
    """Return class weights `(classes,)` that average 1 over the training rows; None for equal weights."""
    if kind is ClassWeights.none:
        return None
    counts = torch.bincount(y, minlength=classes).clamp(min=1).float()
    weights = 1 / counts if kind is ClassWeights.balanced else counts.rsqrt()
    return weights / weights[y].mean()


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


class Batches:
    """Iterate over `(x, y)` in slices of `size` rows, shuffled anew for every epoch if a seed is given.

    A DataLoader that collates row by row would take longer than the training itself; here the whole table is shuffled
    at once, and a batch is a view. The last batch may be smaller. With `steps`, as in `Table`, only these are shuffled,
    and each batch's windows are gathered when needed, so that a flow is stored once, not once per window.
    """

    def __init__(self, x: Tensor, y: Tensor, size: int, seed: int | None = None, steps: Tensor | None = None) -> None:
        self.x, self.y, self.size, self.steps = x, y, size, steps
        self.generator = None if seed is None else torch.Generator().manual_seed(seed)

    def __len__(self) -> int:
        return -(-len(self.y) // self.size)

    def first(self) -> Tensor:
        """Return the table's first `size` rows, unshuffled."""
        return self.x[: self.size] if self.steps is None else self.x[self.steps[: self.size]]

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        rows, y = self.x if self.steps is None else self.steps, self.y
        if self.generator is not None:
            order = torch.randperm(len(y), generator=self.generator).to(y.device)
            rows, y = rows.index_select(0, order), y.index_select(0, order)
        batches = zip(torch.split(rows, self.size), torch.split(y, self.size), strict=True)
        return batches if self.steps is None else ((self.x[steps], codes) for steps, codes in batches)


class WholeEpoch:
    """A loader for the Trainer with a single item: all batches of an epoch."""

    def __init__(self, batches: Batches) -> None:
        self.batches = batches

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[Batches]:
        yield self.batches


def _cross_entropy(logits: Tensor, y: Tensor, reduction: str = "mean") -> Tensor:
    """Compute cross-entropy; of each row with `reduction="none"`: `(batch,)`.

    On the CPU, PyTorch takes half the time with the classes first and the rows last, like the pixels of an image.
    """
    if not logits.is_cpu:
        return functional.cross_entropy(logits, y, reduction=reduction)
    return functional.cross_entropy(logits.T[None], y[None], reduction=reduction).squeeze(0)
