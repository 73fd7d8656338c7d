"""How many of PyTorch's threads a training step pays for."""

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from iot_ids.models.product import COUNTED

PAYING = 50_000_000
"""Floating-point operations of a forward pass for each thread.

Measured on 2 cores: a second thread makes 228 million of them (10 steps x 1,024 rows) 1.4 to 1.5 times as fast and 57
million (256 rows) 1.1 times, unless the system puts both threads on one core, as the kernels of virtual machines may:
then the former gain nothing and the latter take 1.2 times as long. 4 million gain as much while nothing else runs, and
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
