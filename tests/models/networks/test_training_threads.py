"""Threads: by the arithmetic of a step, the same whatever else runs."""

import pytest
import torch

from iot_ids.models.networks.network import RecurrentNetwork
from iot_ids.models.networks.training import OPERATIONS_PER_THREAD, worthwhile_threads
from iot_ids.models.spec import Cell, Sequence


def network(sequence: Sequence = Sequence.features, dropout: float = 0.0) -> RecurrentNetwork:
    return RecurrentNetwork(Cell.gru, 10, 5, 64, 1, dropout, False, sequence)


@pytest.mark.parametrize(
    ("sequence", "rows", "threads"),
    [(Sequence.features, 1024, 4), (Sequence.features, 512, 2), (Sequence.features, 256, 1), (Sequence.flow, 1024, 1)],
)
def test_more_arithmetic_pays_for_more_threads(sequence: Sequence, rows: int, threads: int) -> None:
    assert worthwhile_threads(network(sequence), torch.rand(rows, 10), 8) == threads


@pytest.mark.parametrize("most", [1, 2, 4])
def test_there_are_never_more_than_pytorch_has(most: int) -> None:
    assert worthwhile_threads(network(), torch.rand(2048, 10), most) == most


def test_the_count_is_that_of_the_products() -> None:
    layer = torch.nn.Linear(1000, 500)
    rows = 3 * OPERATIONS_PER_THREAD // (2 * 1000 * 500)
    assert worthwhile_threads(layer, torch.rand(rows, 1000), 9) == 3
    assert worthwhile_threads(layer, torch.rand(rows - 1, 1000), 9) == 2


def test_counting_draws_no_random_numbers_and_leaves_no_gradient() -> None:
    torch.manual_seed(0)
    net = network(dropout=0.5)
    before = torch.random.get_rng_state()
    worthwhile_threads(net, torch.rand(8, 10, generator=torch.Generator()), 2)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(weight.grad is None for weight in net.parameters())
