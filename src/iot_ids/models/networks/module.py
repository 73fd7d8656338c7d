"""The Lightning module around a network, without files or tracking."""

from copy import deepcopy
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor, nn

from iot_ids.models.classifier import Report
from iot_ids.models.networks.recipe import Batches, WeightedLoss
from iot_ids.models.spec import Schedule

MONITOR = "val/f1_macro"


def f1_macro(y: Tensor, predicted: Tensor) -> Tensor:
    """Compute macro-F1 `()`, float64, of true and predicted codes `(rows,)` over the classes that occur in either.

    It runs on the rows' device; scikit-learn's sorts them, which takes as long as a third of an epoch.
    """
    classes = int(torch.maximum(y.max(), predicted.max())) + 1
    matrix = torch.bincount(y * classes + predicted, minlength=classes**2).reshape(classes, classes).double()
    named = matrix.sum(dim=0) + matrix.sum(dim=1)
    return (2 * matrix.diag()[named > 0] / named[named > 0]).mean()


def clip_gradients(parameters: list[nn.Parameter], norm: float) -> None:
    """Clip the gradients' common norm: `nn.utils.clip_grad_norm_` in half the time."""
    gradients = [each.grad for each in parameters if each.grad is not None]
    total = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
    torch._foreach_mul_(gradients, (norm / (total + 1e-6)).clamp_(max=1.0))


class Module(lightning.LightningModule):
    """A network with its loss and optimiser. One Lightning step is a whole epoch.

    Lightning adds 0.5 to 1 ms to every step, as long as a step of such a small network takes itself; so the loop over
    batches is here (Lightning's "manual optimization"), while the Trainer handles epochs, validation and stopping.
    """

    def __init__(
        self,
        network: nn.Module,
        loss: WeightedLoss,
        learning_rate: float,
        weight_decay: float,
        schedule: Schedule,
        gradient_clip: float,
        steps: int,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.network = network
        self.loss = loss
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.schedule = schedule
        self.gradient_clip = gradient_clip
        self.steps = steps
        self.validation: list[tuple[Tensor, Tensor, Tensor]] = []

    def training_step(self, batches: Batches) -> None:
        """Train on all batches once; log the mean of their losses."""
        optimiser: Any = self.optimizers(use_pl_optimizer=False)
        rates: Any = self.lr_schedulers()
        parameters, losses = list(self.parameters()), []
        for x, y in batches:
            for each in parameters:
                each.grad = None
            loss = self.loss(self.network(x), y)
            loss.backward()
            if self.gradient_clip:
                clip_gradients(parameters, self.gradient_clip)
            optimiser.step()
            rates.step()
            losses.append(loss.detach())
        self.log("train/loss", torch.stack(losses).mean())

    def validation_step(self, batch: tuple[Tensor, Tensor]) -> None:
        """Keep predictions, labels and the summed loss of one batch."""
        x, y = batch
        logits = self.network(x)
        self.validation.append((logits.argmax(dim=1), y, self.loss(logits, y) * len(y)))

    def on_validation_epoch_end(self) -> None:
        """Compute the metrics of the whole validation part at once."""
        predicted, y, losses = (
            torch.cat([part.reshape(-1) for part in parts]) for parts in zip(*self.validation, strict=True)
        )
        self.validation.clear()
        self.log("val/loss", losses.sum() / len(y))
        self.log(MONITOR, f1_macro(y, predicted))

    def configure_optimizers(self) -> Any:
        """Return AdamW and the chosen schedule, which advances with every batch."""
        optimiser = torch.optim.AdamW(
            self.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay, fused=True
        )
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": self._rates(optimiser), "interval": "step"}}

    def _rates(self, optimiser: torch.optim.Optimizer) -> torch.optim.lr_scheduler.LRScheduler:
        if self.schedule is Schedule.constant:
            return torch.optim.lr_scheduler.ConstantLR(optimiser, factor=1.0)
        if self.schedule is Schedule.cosine:
            return torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=self.steps)
        return torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=self.learning_rate, total_steps=self.steps + 1)


class BestWeights(Callback):
    """Keep the weights of the first epoch with the highest `val/f1_macro` in memory; restore them at the end."""

    def __init__(self) -> None:
        self.epoch = -1
        self.score = float("-inf")
        self.weights: dict[str, Tensor] = {}

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Copy the weights if they are the best so far."""
        score = float(trainer.callback_metrics[MONITOR])
        if score > self.score:
            self.epoch, self.score, self.weights = trainer.current_epoch, score, deepcopy(pl_module.state_dict())

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Restore the best weights."""
        if self.weights:
            pl_module.load_state_dict(self.weights)


class Reporter(Callback):
    """Report every epoch's metrics to the caller."""

    def __init__(self, report: Report) -> None:
        self.report = report

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Report the epoch that has just ended."""
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        self.report(trainer.current_epoch, metrics)
