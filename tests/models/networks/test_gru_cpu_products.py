"""oneDNN's products against NumPy's, on both sides of the size from which they are asked for."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from iot_ids.models.networks import gru_cpu
from iot_ids.models.networks.gru_cpu import COUNTERS, SMALL, faster_products

LARGE = (300, 96, 80)  # rows, features, columns
assert LARGE[0] * LARGE[1] * LARGE[2] > SMALL


def numbers(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def close(ours: Tensor, exact: np.ndarray) -> None:
    np.testing.assert_allclose(ours.numpy(), exact, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [LARGE, (5, 3, 2), (1, 1, 1)])
@pytest.mark.parametrize("biased", [True, False])
def test_linear(shape: tuple[int, int, int], biased: bool, dtype: torch.dtype) -> None:
    rows, features, columns = shape
    x, weight, bias = numbers(rows, features, dtype=dtype), numbers(columns, features, seed=1, dtype=dtype), None
    exact = x.double().numpy() @ weight.double().numpy().T
    if biased:
        bias = numbers(columns, seed=2, dtype=dtype)
        exact += bias.double().numpy()
    ours = faster_products(rows, features, columns, dtype).linear(x, weight, bias)
    assert ours.dtype is dtype
    close(ours, exact)


@pytest.mark.parametrize("shape", [LARGE, (5, 3, 2)])
@pytest.mark.parametrize("turned", [True, False])
def test_add_product(shape: tuple[int, int, int], turned: bool) -> None:
    rows, inner, columns = shape
    left = numbers(inner, rows).T if turned else numbers(rows, inner)
    right, total = numbers(inner, columns, seed=1), numbers(rows, columns, seed=2)
    exact = total.double().numpy() + left.double().numpy() @ right.double().numpy()
    assert faster_products(*shape).add(total, left, right) is total
    close(total, exact)


def test_a_part_of_a_larger_tensor_is_added_to_alone() -> None:
    whole = torch.zeros(300, 100)
    faster_products(*LARGE).add(whole[:, :80], numbers(300, 96), numbers(96, 80))
    assert not whole[:, 80:].any()
    close(whole[:, :80], (numbers(300, 96).double() @ numbers(96, 80).double()).numpy())


@pytest.mark.skipif(not gru_cpu.HAS_ONEDNN, reason="this PyTorch has no oneDNN")
def test_large_products_go_to_onednn_and_its_operations_are_counted() -> None:
    for shape, large in [(LARGE, True), ((5, 3, 2), False)]:
        with FlopCounterMode(display=False, custom_mapping=COUNTERS) as counter:
            faster_products(*shape).linear(numbers(shape[0], shape[1]), numbers(shape[2], shape[1]))
        assert counter.get_total_flops() == 2 * shape[0] * shape[1] * shape[2]
        assert any("mkldnn" in str(name) for name in counter.get_flop_counts()["Global"]) == large
