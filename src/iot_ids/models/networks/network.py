"""The networks, recurrent (GRU, LSTM, Elman) and feed-forward, as layers of PyTorch and as classifiers."""

import json
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

from iot_ids.common.errors import UserError
from iot_ids.common.onnx_graph import Graph
from iot_ids.common.typed_json import read_json, require
from iot_ids.models.classifier import Report, Table
from iot_ids.models.networks import to_onnx
from iot_ids.models.networks.gru_cpu import last_state
from iot_ids.models.networks.recipe import Recipe
from iot_ids.models.spec import Cell, Sequence, Trainer, require_positive

SCORING_ROWS = 4_096
"""Rows per scoring step: large enough to keep the processor busy, small enough for its caches."""
CELLS = {Cell.gru: nn.GRU, Cell.lstm: nn.LSTM, Cell.rnn: nn.RNN}


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


class RecurrentNetwork(nn.Module):
    """GRU, LSTM or Elman layers, then one linear layer on the last step (paper, step 6).

    With `sequence=flow` a flow is a single step with all its features. The initial hidden state is zero and there is no
    second step, so the recurrent weights never matter: it is in effect a gated feed-forward network. With
    `sequence=features` every feature is a step, one number wide, and the network reads the flow from left to right.
    With `sequence=window` a step is a flow with all its features, preceded by earlier flows of the same source.
    """

    def __init__(
        self,
        cell: Cell,
        features: int,
        classes: int,
        hidden_size: int,
        layers: int,
        dropout: float,
        bidirectional: bool,
        sequence: Sequence,
    ) -> None:
        super().__init__()
        self.sequence = sequence
        self._one_gru = cell is Cell.gru and layers == 1 and not bidirectional
        width = 1 if sequence is Sequence.features else features
        self.recurrent = CELLS[cell](
            width,
            hidden_size,
            num_layers=layers,
            dropout=dropout if layers > 1 else 0.0,
            bidirectional=bidirectional,
            batch_first=True,
        )
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(hidden_size * (2 if bidirectional else 1), classes)

    def forward(self, x: Tensor) -> Tensor:
        """Compute logits `(batch, classes)` of flows `(batch, features)`, or of windows `(batch, window, features)`.

        A window's flows come first, then its padding: steps of NaN, which no layer sees.
        """
        return self.output(self.dropout(self._last(self._steps(x))))  # type: ignore[no-any-return]

    def _last(self, steps: Tensor | PackedSequence) -> Tensor:
        """Return the last layer's final state `(batch, hidden)`, twice as wide if bidirectional."""
        if isinstance(steps, Tensor) and self._one_gru and steps.is_cpu and not steps.requires_grad:
            return last_state(steps, self.recurrent)
        _, state = self.recurrent(steps)
        hidden = state[0] if isinstance(state, tuple) else state  # an LSTM also returns its cell state
        return torch.cat([hidden[-2], hidden[-1]], dim=1) if self.recurrent.bidirectional else hidden[-1]

    def _steps(self, x: Tensor) -> Tensor | PackedSequence:
        if self.sequence is Sequence.flow:
            return x.unsqueeze(1)
        if self.sequence is Sequence.features:
            return x.unsqueeze(-1)
        lengths = (~x[..., 0].isnan()).sum(dim=1).cpu()
        return pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)


class FeedForwardNetwork(nn.Module):
    """ReLU layers, then one linear layer: the "NN" of the paper's table."""

    def __init__(self, features: int, classes: int, hidden_size: int, layers: int, dropout: float) -> None:
        super().__init__()
        widths = [features] + [hidden_size] * layers
        hidden = [
            nn.Sequential(nn.Linear(inputs, outputs), nn.ReLU(), nn.Dropout(dropout))
            for inputs, outputs in pairwise(widths)
        ]
        self.hidden = nn.Sequential(*hidden)
        self.output = nn.Linear(hidden_size, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Compute logits `(batch, classes)` of flows `(batch, features)`."""
        return self.output(self.hidden(x))  # type: ignore[no-any-return]


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

    def to_onnx(self, graph: Graph, x: str) -> str:
        """Add the network to an ONNX graph: float32 `(rows, features)` to probabilities.

        Raises:
            NotExportableError: it reads windows.
        """
        network, cell, sequence = self.network, Cell(self.shape["cell"]), Sequence(self.shape["sequence"])
        return to_onnx.recurrent(graph, x, network.recurrent, network.output, cell, sequence)

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

    def to_onnx(self, graph: Graph, x: str) -> str:
        """Add the network to an ONNX graph: float32 `(rows, features)` to probabilities."""
        return to_onnx.feed_forward(graph, x, self.network.hidden, self.network.output)

    @staticmethod
    def build(shape: dict[str, Any]) -> FeedForwardNetwork:
        """Build the feed-forward network."""
        return FeedForwardNetwork(**shape)
