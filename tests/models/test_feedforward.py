"""The feed-forward network's shapes and its formula."""

import pytest
import torch

from iot_ids.models.feedforward import FeedForwardNetwork


def network(layers: int = 2, dropout: float = 0.0) -> FeedForwardNetwork:
    torch.manual_seed(0)
    return FeedForwardNetwork(features=5, classes=3, hidden_size=4, layers=layers, dropout=dropout)


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


def test_dropout_is_off_while_scoring() -> None:
    net = network(dropout=0.5).eval()
    assert torch.equal(net(flows()), net(flows()))


def test_dropout_is_on_while_training() -> None:
    net = network(dropout=0.5)
    assert not torch.equal(net(flows()), net(flows()))
