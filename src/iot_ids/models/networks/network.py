"""The networks as classifiers: built, trained, applied and saved in the same way, whatever their layers."""

import json
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from iot_ids.common.errors import UserError
from iot_ids.common.typed_json import read_json, require
from iot_ids.models.classifier import Report, Table
from iot_ids.models.networks.architectures import FeedForwardNetwork, RecurrentNetwork
from iot_ids.models.networks.recipe import Recipe
from iot_ids.models.spec import Cell, Sequence, Trainer, require_positive

SCORING_ROWS = 4_096
"""Rows per scoring step: large enough to keep the processor busy, small enough for its caches."""


@dataclass
class FeedForwardFacts:
    """The content of a feed-forward network's `network.json`."""

    hidden_size: int
    layers: int
    dropout: float
    features: int
    classes: int


@dataclass
class RecurrentFacts(FeedForwardFacts):
    """The content of a recurrent network's `network.json`."""

    cell: Cell
    bidirectional: bool
    sequence: Sequence


class NetworkClassifier:
    """A network of a given `shape`, trained by Lightning. Subclasses define `build` and `facts`."""

    facts: type[FeedForwardFacts]

    def __init__(self, shape: dict[str, Any], recipe: Recipe) -> None:
        import iot_ids.models.networks.training  # noqa: F401  takes seconds: not while training is timed

        require_positive({"model.hidden_size": shape["hidden_size"], "model.layers": shape["layers"]})
        if not 0 <= shape["dropout"] < 1:
            raise UserError(f"model.dropout={shape['dropout']} must be at least 0 and below 1")
        self.shape = shape
        self.recipe = recipe

    @staticmethod
    def build(shape: dict[str, Any]) -> nn.Module:
        """Build the untrained network; besides the constructor's settings, `shape` holds `features` and `classes`."""
        raise NotImplementedError

    def fit(self, train: Table, validation: Table, classes: int, seed: int, report: Report) -> None:
        """Train until `val/f1_macro` has not improved for `patience` epochs, and keep the best epoch's weights.

        Raises:
            UserError: the loss became NaN or infinite.
        """
        from iot_ids.models.networks.training import train_network  # not at the top: scoring needs no Lightning

        torch.manual_seed(seed)
        self.shape |= {"features": train.x.shape[1], "classes": classes}
        self.network = self.build(self.shape)
        train_network(self.network, self.recipe, train, validation, classes, seed, report)
        self.network.cpu().eval()

    def probabilities(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute class probabilities `(rows, classes)` in slices on the CPU."""
        with torch.inference_mode():
            slices = torch.split(torch.from_numpy(x), SCORING_ROWS)
            return np.concatenate([self.network(part).softmax(dim=1).numpy() for part in slices])

    def parameters(self) -> int:
        """Return the number of weights."""
        return sum(weight.numel() for weight in self.network.parameters())

    def save(self, folder: Path) -> None:
        """Write `network.json` and `network.safetensors`."""
        (folder / "network.json").write_text(json.dumps(self.shape, indent=1, default=attrgetter("value")))
        save_file(self.network.state_dict(), folder / "network.safetensors")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote: a classifier that can score but not train."""
        classifier = cls.__new__(cls)
        classifier.shape = vars(read_json(folder / "network.json", cls.facts))
        weights = load_file(folder / "network.safetensors")
        cls._refuse_broken(classifier.shape, weights)
        classifier.network = cls.build(classifier.shape)
        classifier.network.load_state_dict(weights)
        classifier.network.eval()
        return classifier

    @classmethod
    def _refuse_broken(cls, shape: dict[str, Any], weights: dict[str, Tensor]) -> None:
        """Raise a ValueError if the weights do not fit the shape, without building the network."""
        require(
            1 <= shape["layers"] <= len(weights), f"network.json: layers={shape['layers']} does not fit the weights"
        )
        with torch.device("meta"):
            wanted = {name: each.shape for name, each in cls.build(shape).state_dict().items()}
        require(
            {name: each.shape for name, each in weights.items()} == wanted
            and all(each.dtype is torch.float32 and each.isfinite().all() for each in weights.values()),
            "network.safetensors: the weights are not those of the network in network.json",
        )


class RecurrentClassifier(NetworkClassifier):
    """A GRU, LSTM or Elman network (paper, step 6); set up as in `conf/model/gru.yaml`."""

    facts = RecurrentFacts

    def __init__(
        self,
        cell: str,
        hidden_size: int,
        layers: int,
        dropout: float,
        bidirectional: bool,
        sequence: str,
        trainer: Trainer,
        window: int = 10,
        **recipe: Any,
    ) -> None:
        require_positive(
            {"model.window": window}
        )  # the tables have this many steps; the network itself takes any number
        shape = {
            "cell": cell,
            "hidden_size": hidden_size,
            "layers": layers,
            "dropout": dropout,
            "bidirectional": bidirectional,
            "sequence": sequence,
        }
        super().__init__(shape, Recipe.of(trainer, **recipe))

    @staticmethod
    def build(shape: dict[str, Any]) -> RecurrentNetwork:
        """Build the recurrent network."""
        return RecurrentNetwork(**shape | {"cell": Cell(shape["cell"]), "sequence": Sequence(shape["sequence"])})


class FeedForwardClassifier(NetworkClassifier):
    """A feed-forward network, the paper's "NN"; set up as in `conf/model/mlp.yaml`."""

    facts = FeedForwardFacts

    def __init__(self, hidden_size: int, layers: int, dropout: float, trainer: Trainer, **recipe: Any) -> None:
        shape = {"hidden_size": hidden_size, "layers": layers, "dropout": dropout}
        super().__init__(shape, Recipe.of(trainer, **recipe))

    @staticmethod
    def build(shape: dict[str, Any]) -> FeedForwardNetwork:
        """Build the feed-forward network."""
        return FeedForwardNetwork(**shape)
