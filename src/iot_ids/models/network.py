"""The recurrent classifier: builds, trains, applies and keeps the network."""

import json
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

from iot_ids.errors import UserError
from iot_ids.models.classifier import Report, Table
from iot_ids.models.recurrent import RecurrentNetwork
from iot_ids.models.spec import Cell, ClassWeights, Loss, Schedule, Sequence, Trainer

SCORING_ROWS = 16_384
"""Rows per step where nothing is learned: large enough to keep the processor busy, small enough for its caches."""


class RecurrentClassifier:
    """A GRU, LSTM or Elman network, trained by Lightning (paper, step 6); set up as in `conf/model/gru.yaml`."""

    def __init__(
        self,
        cell: str,
        hidden_size: int,
        layers: int,
        dropout: float,
        bidirectional: bool,
        sequence: str,
        learning_rate: float,
        weight_decay: float,
        schedule: str,
        loss: str,
        class_weights: str,
        trainer: Trainer,
    ) -> None:
        _check(hidden_size, layers, dropout, learning_rate, weight_decay, trainer)
        self.shape: dict[str, Any] = {
            "cell": cell,
            "hidden_size": hidden_size,
            "layers": layers,
            "dropout": dropout,
            "bidirectional": bidirectional,
            "sequence": sequence,
        }
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.schedule = Schedule(schedule)
        self.loss = Loss(loss)
        self.class_weights = ClassWeights(class_weights)
        self.trainer = trainer

    def fit(self, train: Table, validation: Table, classes: int, seed: int, report: Report) -> None:
        """Train until `val/f1_macro` has not risen for `patience` epochs, and keep the best epoch's weights.

        Raises:
            UserError: the loss became NaN or infinite.
        """
        from iot_ids.models.training import (
            Recipe,
            train_network,
        )  # Lightning takes seconds to import, scoring needs none of it

        torch.manual_seed(seed)
        self.shape |= {"features": train.x.shape[1], "classes": classes}
        self.network = _network(self.shape)
        recipe = Recipe(
            self.learning_rate, self.weight_decay, self.schedule, self.loss, self.class_weights, self.trainer
        )
        train_network(self.network, recipe, train, validation, classes, seed, report)
        self.network.cpu().eval()

    def probabilities(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Class probabilities `(rows, classes)`, computed in slices on the CPU."""
        with torch.inference_mode():
            slices = torch.split(torch.from_numpy(x), SCORING_ROWS)
            return np.concatenate([self.network(part).softmax(dim=1).numpy() for part in slices])

    def parameters(self) -> int:
        """How many weights the network has."""
        return sum(weight.numel() for weight in self.network.parameters())

    def save(self, folder: Path) -> None:
        """Write `network.json` and `network.safetensors`."""
        (folder / "network.json").write_text(json.dumps(self.shape, indent=1))
        save_file(self.network.state_dict(), folder / "network.safetensors")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote: a classifier that can score, not train."""
        classifier = cls.__new__(cls)
        classifier.shape = json.loads((folder / "network.json").read_text())
        classifier.network = _network(classifier.shape)
        classifier.network.load_state_dict(load_file(folder / "network.safetensors"))
        classifier.network.eval()
        return classifier


def _network(shape: dict[str, Any]) -> RecurrentNetwork:
    return RecurrentNetwork(**shape | {"cell": Cell(shape["cell"]), "sequence": Sequence(shape["sequence"])})


def _check(
    hidden_size: int, layers: int, dropout: float, learning_rate: float, weight_decay: float, trainer: Trainer
) -> None:
    """Refuse what would only fail once training has begun."""
    for key, value in (
        ("model.hidden_size", hidden_size),
        ("model.layers", layers),
        ("trainer.max_epochs", trainer.max_epochs),
        ("trainer.batch_size", trainer.batch_size),
        ("trainer.patience", trainer.patience),
        ("trainer.threads", trainer.threads),
    ):
        if value < 1:
            raise UserError(f"{key}={value} has to be at least 1")
    if not 0 <= dropout < 1:
        raise UserError(f"model.dropout={dropout} has to be at least 0 and below 1")
    if not learning_rate > 0:
        raise UserError(f"model.learning_rate={learning_rate} has to be above 0")
    for key, share in (("model.weight_decay", weight_decay), ("trainer.gradient_clip", trainer.gradient_clip)):
        if not share >= 0:
            raise UserError(f"{key}={share} has to be at least 0")
    if trainer.accelerator not in ("auto", "cpu", "gpu"):
        raise UserError(f"trainer.accelerator={trainer.accelerator} is none of auto, cpu, gpu")
    if trainer.accelerator == "gpu" and not (torch.cuda.is_available() or torch.backends.mps.is_available()):
        raise UserError("trainer=gpu: PyTorch finds no GPU on this machine; use trainer=cpu or trainer=auto")
