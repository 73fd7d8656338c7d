"""How many of PyTorch's threads a training step pays for."""

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from iot_ids.models.product import COUNTED

PAYING = 50_000_000
"""Floating-point operations of a forward pass for each thread.

Measured on 2 cores: a second thread makes 228 million of them (10 steps x 1,024 rows) 1.5 times as fast; 57 million
(256 rows) between 1.1 and 0.9 times, from one hour to the next; 4 million gain as much while nothing else runs, and
lose nine tenths to waiting where something does.
"""


def paying_threads(network: nn.Module, batch: Tensor, most: int) -> int:
    """From 1 to `most`, by the arithmetic of `network` on `batch`: the same for the same settings, whatever else runs.

    It is counted, not timed: another number of threads adds up in another order, to other last digits.
    """
    if not batch.is_cpu:
        return most
    with (
        torch.random.fork_rng(devices=[]),
        torch.no_grad(),
        FlopCounterMode(display=False, custom_mapping=COUNTED) as counter,
    ):
        network(batch)
    return max(1, min(most, int(counter.get_total_flops()) // PAYING))
