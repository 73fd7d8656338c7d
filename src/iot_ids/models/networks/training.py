"""Train a network with Lightning's Trainer."""

import logging
import math
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import lightning
import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch.callbacks import EarlyStopping
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from iot_ids.common.errors import UserError
from iot_ids.models.classifier import Report, Table
from iot_ids.models.networks.gru_cpu import COUNTERS
from iot_ids.models.networks.module import MONITOR, BestWeights, Module, Reporter
from iot_ids.models.networks.recipe import Batches, Recipe, WeightedLoss, WholeEpoch, class_weights
from iot_ids.models.spec import Trainer

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
    module = Module(
        network, loss, recipe.learning_rate, recipe.weight_decay, recipe.schedule, recipe.trainer.gradient_clip, steps
    )
    try:
        with _threads(recipe.trainer.threads, network, batches):
            trainer.fit(module, WholeEpoch(batches), held_out)
    except SystemExit as end:
        if isinstance(end.__context__, KeyboardInterrupt):
            raise end.__context__ from None
        raise


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
