"""Train a network with Lightning's Trainer."""

import logging
import math
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import lightning
import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch.callbacks import Callback, EarlyStopping
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from iot_ids.common.errors import UserError
from iot_ids.models.classifier import Report, Table
from iot_ids.models.networks.gru_cpu import COUNTERS
from iot_ids.models.networks.recipe import Batches, Recipe, WeightedLoss, WholeEpoch, class_weights
from iot_ids.models.spec import Schedule, Trainer

MONITOR = "val/f1_macro"
VALIDATION_ROWS = 4_096
"""Rows per step: few enough for the processor's caches."""


@contextmanager
def _without_noise() -> Iterator[None]:
    """Suppress two warnings of no use to the user."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="`isinstance\\(treespec")  # Lightning's own use of torch
        warnings.filterwarnings("ignore", message="GPU available but not used")  # trainer=cpu was asked for
        yield


@contextmanager
def _threads(count: int | None, network: nn.Module, batches: Batches) -> Iterator[None]:
    """Set PyTorch's threads while training: `count`, or as many as are worthwhile."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or worthwhile_threads(network, batches.first(), before))
    try:
        yield
    finally:
        torch.set_num_threads(before)


@_without_noise()
def train_network(
    network: nn.Module, recipe: Recipe, train: Table, validation: Table, classes: int, seed: int, report: Report
) -> None:
    """Train `network` in place, ending with the weights of the best epoch on `validation`.

    Raises:
        UserError: a loss is NaN or infinite.
        KeyboardInterrupt: on interruption; by itself, Lightning would end the process.
    """
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)  # no banners about hardware and tips
    trainer = _trainer(recipe.trainer, _finite(report, recipe))
    device = trainer.strategy.root_device
    batches = _batches(train, device, recipe.trainer.batch_size, seed)
    held_out = _batches(validation, device, VALIDATION_ROWS)
    loss = WeightedLoss(recipe.loss, class_weights(batches.y, classes, recipe.class_weights))
    steps = len(batches) * recipe.trainer.max_epochs
    try:
        with _threads(recipe.trainer.threads, network, batches):
            trainer.fit(Module(network, loss, recipe, steps), WholeEpoch(batches), held_out)
    except SystemExit as end:
        if isinstance(end.__context__, KeyboardInterrupt):
            raise end.__context__ from None
        raise


class Module(lightning.LightningModule):
    """A network with its loss and optimiser. One Lightning step is a whole epoch.

    Lightning adds 0.5 to 1 ms to every step, as long as a step of such a small network takes itself; so the loop over
    batches is here (Lightning's "manual optimization"), while the Trainer handles epochs, validation and stopping.
    """

    def __init__(self, network: nn.Module, loss: WeightedLoss, recipe: Recipe, steps: int) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.network = network
        self.loss = loss
        self.recipe = recipe
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
            if clip := self.recipe.trainer.gradient_clip:
                clip_gradients(parameters, clip)
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
        rate, decay = self.recipe.learning_rate, self.recipe.weight_decay
        optimiser = torch.optim.AdamW(self.parameters(), lr=rate, weight_decay=decay, fused=True)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": self._rates(optimiser), "interval": "step"}}

    def _rates(self, optimiser: torch.optim.Optimizer) -> torch.optim.lr_scheduler.LRScheduler:
        if self.recipe.schedule is Schedule.constant:
            return torch.optim.lr_scheduler.ConstantLR(optimiser, factor=1.0)
        if self.recipe.schedule is Schedule.cosine:
            return torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=self.steps)
        return torch.optim.lr_scheduler.OneCycleLR(
            optimiser, max_lr=self.recipe.learning_rate, total_steps=self.steps + 1
        )


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


def _batches(table: Table, device: torch.device, size: int, seed: int | None = None) -> Batches:
    """Move a table to the device, in batches."""
    x, y = torch.from_numpy(table.x).to(device), torch.from_numpy(table.y).to(device)
    return Batches(x, y, size, seed, None if table.steps is None else torch.from_numpy(table.steps).to(device))


def _trainer(settings: Trainer, report: Report) -> lightning.Trainer:
    on_gpu = settings.accelerator != "cpu" and torch.cuda.is_available()
    return lightning.Trainer(
        accelerator=settings.accelerator,
        devices=1,
        precision="bf16-mixed" if settings.bf16 and on_gpu else "32-true",
        max_epochs=settings.max_epochs,
        callbacks=[
            BestWeights(),
            Reporter(report),
            EarlyStopping(MONITOR, mode="max", patience=settings.patience, check_on_train_epoch_end=False),
        ],
        num_sanity_val_steps=0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        plugins=[LightningEnvironment()],  # a single process: ignore a cluster scheduler's settings
    )


def _finite(report: Report, recipe: Recipe) -> Report:
    """Wrap `report` to stop if the loss is not finite: a diverged network must not be evaluated."""

    def checked(epoch: int, metrics: Mapping[str, float]) -> None:
        losses = [metrics["train/loss"], metrics["val/loss"]]
        if not all(map(math.isfinite, losses)):
            raise UserError(
                f"the loss became {losses[0]} in training, {losses[1]} in validation, in epoch {epoch}; lower "
                "model.learning_rate="
                f"{recipe.learning_rate}, or trainer.gradient_clip={recipe.trainer.gradient_clip} (where 0 is off)"
            )
        report(epoch, metrics)

    return checked


OPERATIONS_PER_THREAD = 50_000_000
"""Floating-point operations of a forward pass that justify one more thread.

Measured on 2 cores: a second thread speeds up 228 million of them (10 steps x 1,024 rows) by 1.4 to 1.5 and 57 million
(256 rows) by 1.1, unless the system puts both threads on one core, as the kernels of virtual machines may: then the
former gain nothing and the latter take 1.2 times as long. 4 million gain as much while nothing else runs, but lose nine
tenths to waiting otherwise.
"""


def worthwhile_threads(network: nn.Module, batch: Tensor, most: int) -> int:
    """Choose 1 to `most` threads from the operations of `network` on `batch`, independently of what else runs.

    Operations are counted, not timed: another number of threads would sum in another order, to other last digits.
    """
    if not batch.is_cpu:
        return most
    with (
        torch.random.fork_rng(devices=[]),
        torch.no_grad(),
        FlopCounterMode(display=False, custom_mapping=COUNTERS) as counter,
    ):
        network(batch)
    return max(1, min(most, int(counter.get_total_flops()) // OPERATIONS_PER_THREAD))


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
