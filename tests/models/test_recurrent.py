"""The network's shapes, and what its recurrent weights can and cannot do."""

from itertools import product

import pytest
import torch

from iot_ids.models.recurrent import RecurrentNetwork
from iot_ids.models.spec import Cell, Sequence

SHAPES = list(product(Cell, Sequence, [False, True], [1, 2]))
IDS = [f"{cell.value}-{sequence.value}-{both}-{layers}" for cell, sequence, both, layers in SHAPES]


def network(
    cell: Cell = Cell.gru, sequence: Sequence = Sequence.flow, both: bool = False, layers: int = 1, dropout: float = 0.0
) -> RecurrentNetwork:
    torch.manual_seed(0)
    return RecurrentNetwork(
        cell,
        features=5,
        classes=3,
        hidden_size=4,
        layers=layers,
        dropout=dropout,
        bidirectional=both,
        sequence=sequence,
    )


def flows(rows: int = 6) -> torch.Tensor:
    return torch.rand(rows, 5, generator=torch.Generator().manual_seed(1))


def without_recurrent_weights(net: RecurrentNetwork) -> RecurrentNetwork:
    with torch.no_grad():
        for name, weight in net.named_parameters():
            if "weight_hh" in name:
                weight.fill_(1e3)
    return net


@pytest.mark.parametrize(("cell", "sequence", "both", "layers"), SHAPES, ids=IDS)
def test_there_is_one_logit_per_class(cell: Cell, sequence: Sequence, both: bool, layers: int) -> None:
    assert network(cell, sequence, both, layers)(flows()).shape == (6, 3)


@pytest.mark.parametrize(("cell", "sequence", "both", "layers"), SHAPES, ids=IDS)
def test_every_weight_but_the_recurrent_ones_of_a_single_step_learns(
    cell: Cell, sequence: Sequence, both: bool, layers: int
) -> None:
    net = network(cell, sequence, both, layers)
    net(flows()).square().sum().backward()
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
    net = network(sequence=sequence)
    torch.testing.assert_close(net(flows())[2:3], net(flows()[2:3]))


def test_a_network_of_features_reads_the_last_one() -> None:
    net, x = network(sequence=Sequence.features), flows()
    changed = x.clone()
    changed[:, -1] += 1
    assert not torch.allclose(net(changed), net(x))


def test_both_directions_come_from_the_last_layer() -> None:
    net, x = network(both=True, layers=2), flows()
    _, state = net.recurrent(x.unsqueeze(1))
    torch.testing.assert_close(net(x), net.output(torch.cat([state[2], state[3]], dim=1)))


def test_dropout_is_off_while_scoring() -> None:
    net = network(dropout=0.5).eval()
    assert torch.equal(net(flows()), net(flows()))


def test_dropout_is_on_while_training() -> None:
    net = network(dropout=0.5)
    assert not torch.equal(net(flows()), net(flows()))
