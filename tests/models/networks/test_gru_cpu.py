"""The fast way to a GRU's last state, against nn.GRU and against finite differences."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from iot_ids.models.networks.gru_cpu import last_state
from iot_ids.models.networks.network import RecurrentNetwork
from iot_ids.models.spec import Cell, Sequence


def gru(features: int = 3, hidden: int = 4) -> nn.GRU:
    torch.manual_seed(0)
    return nn.GRU(features, hidden, batch_first=True, dtype=torch.float64)


def numbers(*shape: int, seed: int = 1, scale: float = 1.0) -> Tensor:
    return scale * torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def gradients(layer: nn.GRU, state: Tensor, weight: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad((state * weight).sum(), list(layer.parameters())))


@settings(deadline=None, max_examples=50)
@given(rows=st.integers(1, 9), steps=st.integers(1, 6), features=st.integers(1, 5), hidden=st.integers(1, 7))
def test_state_and_gradients_are_those_of_torch(rows: int, steps: int, features: int, hidden: int) -> None:
    layer, x, weight = gru(features, hidden), numbers(rows, steps, features), numbers(rows, hidden, seed=2)
    expected, state = layer(x)[1][0], last_state(x, layer)
    torch.testing.assert_close(state, expected)
    ours, theirs = gradients(layer, state, weight), gradients(layer, expected, weight)
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_gradients_are_finite_differences(steps: int) -> None:
    layer, x = gru(), numbers(5, steps, 3)

    def state(*weights: Tensor) -> Tensor:
        with torch.no_grad():
            for own, given_ in zip(layer.parameters(), weights, strict=True):
                own.copy_(given_)
        return last_state(x, layer)

    weights, weight, step = [each.detach().clone() for each in layer.parameters()], numbers(5, 4, seed=2), 1e-6
    for place, ours in enumerate(gradients(layer, state(*weights), weight)):
        nudge = numbers(*weights[place].shape, seed=3)
        up, down = (
            state(*[each + sign * step * nudge if at == place else each for at, each in enumerate(weights)])
            for sign in (1, -1)
        )
        slope = float(((up - down) * weight).sum().detach()) / (2 * step)
        assert float((ours * nudge).sum()) == pytest.approx(slope, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 30.0])
def test_in_single_precision_it_is_within_a_millionth(scale: float) -> None:
    layer, x = gru(8, 16), numbers(200, 10, 8, scale=scale)
    exact = layer(x)[1][0]
    torch.testing.assert_close(last_state(x.float(), layer.float()).double(), exact, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize(("steps", "features"), [(10, 1), (1, 10)])
def test_large_batches_which_go_to_onednn_have_the_gradients_of_torch(steps: int, features: int) -> None:
    layer, x, weight = gru(features, 64), numbers(1024, steps, features), numbers(1024, 64, seed=2)
    exact = gradients(layer, layer(x)[1][0], weight)
    ours = gradients(layer.float(), last_state(x.float(), layer), weight.float())
    torch.testing.assert_close([each.double() for each in ours], exact, atol=1e-3, rtol=1e-4)


def test_without_gradients_no_step_is_kept() -> None:
    layer, x = gru(), numbers(5, 4, 3)
    with torch.no_grad():
        state = last_state(x, layer)
    assert not state.requires_grad
    torch.testing.assert_close(state, last_state(x, layer))


def test_the_rows_are_left_as_they_were() -> None:
    layer, x = gru(), numbers(5, 4, 3)
    before = x.clone()
    last_state(x, layer).sum().backward()
    assert torch.equal(x, before)


def test_gradients_add_up_over_two_passes() -> None:
    layer, x = gru(), numbers(5, 4, 3)
    once = gradients(layer, last_state(x, layer), numbers(5, 4, seed=2))
    for _ in range(2):
        (last_state(x, layer) * numbers(5, 4, seed=2)).sum().backward()
    torch.testing.assert_close([weight.grad for weight in layer.parameters()], [2 * each for each in once])


# --- in the network


def network(cell: Cell = Cell.gru, layers: int = 1, both: bool = False) -> RecurrentNetwork:
    return RecurrentNetwork(cell, 5, 3, 4, layers, 0.0, both, Sequence.features)


@pytest.mark.parametrize(
    ("net", "fast"),
    [
        (network(), True),
        (network(layers=2), False),
        (network(both=True), False),
        (network(Cell.lstm), False),
        (network(Cell.rnn), False),
    ],
    ids=["gru", "two layers", "both directions", "lstm", "elman"],
)
def test_one_layer_of_gru_goes_the_fast_way(net: RecurrentNetwork, fast: bool) -> None:
    logits = net(torch.rand(6, 5))
    assert ("_LastStateBackward" in names(logits)) == fast


def test_who_asks_for_the_gradient_of_the_flows_gets_it() -> None:
    x = torch.rand(6, 5, requires_grad=True)
    network()(x).sum().backward()
    assert x.grad is not None
    assert x.grad.any(dim=1).all()


def names(result: Tensor) -> set[str]:
    """The names of all operations behind `result`."""
    found, waiting = set(), [result.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is not None and node not in found:
            found.add(node)
            waiting += [after for after, _ in node.next_functions]
    return {type(node).__name__ for node in found}
