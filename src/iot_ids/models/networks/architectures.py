"""The networks: recurrent (GRU, LSTM, Elman) and feed-forward."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

from iot_ids.models.networks.gru_cpu import last_state
from iot_ids.models.spec import Cell, Sequence

CELLS = {Cell.gru: nn.GRU, Cell.lstm: nn.LSTM, Cell.rnn: nn.RNN}


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
