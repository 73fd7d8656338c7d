"""The feed-forward network's shapes and its formula."""

import pytest
import torch

from iot_ids.models.networks.network import FeedForwardNetwork


def network(layers: int = 2) -> FeedForwardNetwork:
    torch.manual_seed(0)
    return FeedForwardNetwork(features=5, classes=3, hidden_size=4, layers=layers, dropout=0.0)


def flows() -> torch.Tensor:
    return torch.rand(6, 5, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_every_layer_has_its_weights(layers: int) -> None:
    weights = (5 + 1) * 4 + (layers - 1) * (4 + 1) * 4 + (4 + 1) * 3
    assert sum(weight.numel() for weight in network(layers).parameters()) == weights


def test_it_is_its_formula() -> None:
    net, x = network(layers=2), flows()
    first, second = (layer[0] for layer in net.hidden)
    hidden = (x @ first.weight.T + first.bias).clamp(min=0)
    hidden = (hidden @ second.weight.T + second.bias).clamp(min=0)
    torch.testing.assert_close(net(x), hidden @ net.output.weight.T + net.output.bias)
