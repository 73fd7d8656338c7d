"""The feed-forward network, as plain torch."""

from itertools import pairwise

from torch import Tensor, nn


class FeedForwardNetwork(nn.Module):
    """Layers of rectified units, then one linear layer: the "NN" of the paper's table."""

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
        """Logits `(batch, classes)` of flows `(batch, features)`."""
        return self.output(self.hidden(x))  # type: ignore[no-any-return]
