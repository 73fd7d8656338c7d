"""Products of matrices by oneDNN, which on processors that are not Intel's takes half the time of PyTorch's MKL.

PyTorch has oneDNN for single precision under this name alone. Small products stay with MKL, which is called faster.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

HAS_ONEDNN: bool = torch._C._has_mkldnn and hasattr(torch.ops.mkldnn, "_linear_pointwise")
SMALL = 1_500_000
"""Multiplications below which MKL is as fast."""


class Products(NamedTuple):
    """One library's products. Neither records a gradient."""

    linear: Callable[..., Tensor]
    """`linear(x, weight, bias)`: `x weight' + bias` of `x` `(rows, features)` and `weight` `(columns, features)`."""
    add: Callable[[Tensor, Tensor, Tensor], Tensor]
    """`add(total, left, right)`: add `left right` to `total` in place. Each of the two has to be contiguous or the
    transpose of what is, or oneDNN takes a thousand times as long."""


def products(rows: int, features: int, columns: int, dtype: torch.dtype = torch.float32) -> Products:
    """The faster library for a product of so many rows, columns, and numbers summed up; asked once for many."""
    small = rows * features * columns < SMALL or dtype is not torch.float32
    return MKL if small or not HAS_ONEDNN else ONEDNN


def operations(x: tuple[int, ...], weight: tuple[int, ...], *_: object, out_shape: object, **__: object) -> int:
    """Floating-point operations of oneDNN's product, by the shapes of its arguments, as PyTorch's counter asks."""
    return 2 * x[0] * x[1] * weight[0]


def _linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise.default(x, weight, bias, "none", [], "")  # type: ignore[no-any-return]


def _add(total: Tensor, left: Tensor, right: Tensor) -> Tensor:
    return total.add_(_linear(left, right.T))


MKL = Products(functional.linear, Tensor.addmm_)
ONEDNN = Products(_linear, _add)
COUNTED = {torch.ops.mkldnn._linear_pointwise: operations} if HAS_ONEDNN else {}
"""For FlopCounterMode, which knows PyTorch's own products alone."""
