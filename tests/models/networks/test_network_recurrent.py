"""The network's shapes, and what its recurrent weights can and cannot do."""

from itertools import product

import pytest
import torch

from iot_ids.models.networks.network import RecurrentNetwork
from iot_ids.models.spec import Cell, Sequence

SHAPES = list(product(Cell, Sequence, [False, True], [1, 2]))
IDS = [f"{cell.value}-{sequence.value}-{both}-{layers}" for cell, sequence, both, layers in SHAPES]


def network(
    cell: Cell = Cell.gru, sequence: Sequence = Sequence.flow, both: bool = False, layers: int = 1
) -> RecurrentNetwork:
    torch.manual_seed(0)
    return RecurrentNetwork(
        cell,
        features=5,
        classes=3,
        hidden_size=4,
        layers=layers,
        dropout=0.0,
        bidirectional=both,
        sequence=sequence,
    )


def flows(rows: int = 6) -> torch.Tensor:
    return torch.rand(rows, 5, generator=torch.Generator().manual_seed(1))


def inputs(sequence: Sequence, rows: int = 6) -> torch.Tensor:
    """What a network of `sequence` reads: flows, or windows of up to three."""
    return windows([1, 2, 3] * (rows // 3)) if sequence is Sequence.window else flows(rows)


def windows(lengths: list[int], places: int = 3, seed: int = 2) -> torch.Tensor:
    """Windows of the given lengths, padded to `places`."""
    x = torch.rand(len(lengths), places, 5, generator=torch.Generator().manual_seed(seed))
    x[torch.arange(places) >= torch.tensor(lengths)[:, None]] = torch.nan
    return x


def without_recurrent_weights(net: RecurrentNetwork) -> RecurrentNetwork:
    with torch.no_grad():
        for name, weight in net.named_parameters():
            if "weight_hh" in name:
                weight.fill_(1e3)
    return net


@pytest.mark.parametrize(("cell", "sequence", "both", "layers"), SHAPES, ids=IDS)
def test_there_is_one_logit_per_class(cell: Cell, sequence: Sequence, both: bool, layers: int) -> None:
    assert network(cell, sequence, both, layers)(inputs(sequence)).shape == (6, 3)


@pytest.mark.parametrize(("cell", "sequence", "both", "layers"), SHAPES, ids=IDS)
def test_every_weight_but_the_recurrent_ones_of_a_single_step_learns(
    cell: Cell, sequence: Sequence, both: bool, layers: int
) -> None:
    net = network(cell, sequence, both, layers)
    net(inputs(sequence)).square().sum().backward()
    idle = {name for name, weight in net.named_parameters() if weight.grad is None or not weight.grad.any()}
    recurrent = {name for name, _ in net.named_parameters() if "weight_hh" in name}
    assert idle == (recurrent if sequence is Sequence.flow else set())


@pytest.mark.parametrize("cell", Cell)
@pytest.mark.parametrize("both", [False, True])
def test_with_one_step_per_flow_the_recurrent_weights_do_not_matter(cell: Cell, both: bool) -> None:
    expected = network(cell, Sequence.flow, both, 2)(flows())
    assert torch.equal(without_recurrent_weights(network(cell, Sequence.flow, both, 2))(flows()), expected)


@pytest.mark.parametrize("cell", Cell)
def test_with_one_step_per_feature_the_recurrent_weights_matter(cell: Cell) -> None:
    expected = network(cell, Sequence.features)(flows())
    changed = without_recurrent_weights(network(cell, Sequence.features))(flows())
    assert not torch.allclose(changed, expected, atol=1e-3)


def test_a_single_step_gru_is_its_formula() -> None:
    net, x = network(), flows()
    cell = net.recurrent
    (reset_in, update_in, new_in) = (x @ cell.weight_ih_l0.T + cell.bias_ih_l0).chunk(3, dim=1)
    (reset_bias, update_bias, new_bias) = cell.bias_hh_l0.chunk(3)
    reset, update = torch.sigmoid(reset_in + reset_bias), torch.sigmoid(update_in + update_bias)
    hidden = (1 - update) * torch.tanh(new_in + reset * new_bias)  # Cho et al. 2014, from a first state of zero
    torch.testing.assert_close(net(x), net.output(hidden))


@pytest.mark.parametrize("sequence", Sequence)
def test_a_flow_is_scored_alike_alone_and_among_others(sequence: Sequence) -> None:
    net, x = network(sequence=sequence), inputs(sequence)
    torch.testing.assert_close(net(x)[2:3], net(x[2:3]))


def test_a_network_of_features_reads_the_last_one() -> None:
    net, x = network(sequence=Sequence.features), flows()
    changed = x.clone()
    changed[:, -1] += 1
    assert not torch.allclose(net(changed), net(x))


def test_both_directions_come_from_the_last_layer() -> None:
    net, x = network(both=True, layers=2), flows()
    _, state = net.recurrent(x.unsqueeze(1))
    torch.testing.assert_close(net(x), net.output(torch.cat([state[2], state[3]], dim=1)))


# --- windows

NETS = list(product(Cell, [False, True], [1, 2]))


@pytest.mark.parametrize(("cell", "both", "layers"), NETS)
def test_more_padding_changes_nothing(cell: Cell, both: bool, layers: int) -> None:
    net, x = network(cell, Sequence.window, both, layers), windows([1, 2, 3, 1, 3])
    longer = torch.cat([x, torch.full((5, 4, 5), torch.nan)], dim=1)
    torch.testing.assert_close(net(longer), net(x))


@pytest.mark.parametrize(("cell", "both", "layers"), NETS)
def test_a_window_is_read_as_if_there_were_no_padding(cell: Cell, both: bool, layers: int) -> None:
    net, x = network(cell, Sequence.window, both, layers), windows([1, 2, 3])
    alone = [net(x[row : row + 1, : row + 1]) for row in range(3)]
    torch.testing.assert_close(net(x), torch.cat(alone))


@pytest.mark.parametrize(("cell", "both"), list(product(Cell, [False, True])))
def test_what_stands_in_the_padding_changes_nothing(cell: Cell, both: bool) -> None:
    net, x = network(cell, Sequence.window, both), windows([1, 2, 3])
    filled = x.clone()
    filled[..., 1:] = filled[..., 1:].nan_to_num(1e6)  # a step is padding by its first number
    torch.testing.assert_close(net(filled), net(x))


@pytest.mark.parametrize(("cell", "both"), list(product(Cell, [False, True])))
def test_a_padded_step_teaches_nothing(cell: Cell, both: bool) -> None:
    net = network(cell, Sequence.window, both)
    net(windows([1, 2])).sum().backward()
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in net.parameters())


@pytest.mark.parametrize("cell", Cell)
def test_a_window_of_one_flow_is_the_network_of_flows(cell: Cell) -> None:
    one, other = network(cell, Sequence.window), network(cell, Sequence.flow)
    torch.testing.assert_close(one(flows()[:, None]), other(flows()))


@pytest.mark.parametrize("place", [0, 1, 2])
def test_every_flow_of_a_window_matters(place: int) -> None:
    net, x = network(sequence=Sequence.window), windows([3, 3])
    changed = x.clone()
    changed[:, place] += 1
    assert not torch.allclose(net(changed), net(x), atol=1e-3)
