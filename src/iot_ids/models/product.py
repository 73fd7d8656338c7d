"""Products of matrices by oneDNN, which on processors that are not Intel's takes half the time of PyTorch's MKL.

PyTorch has oneDNN for single precision under this name alone. Small products stay with MKL, which is called faster.
"""

import torch
from torch import Tensor
from torch.nn import functional

HAS_ONEDNN: bool = torch._C._has_mkldnn and hasattr(torch.ops.mkldnn, "_linear_pointwise")
SMALL = 1_500_000
"""Multiplications below which MKL is as fast."""


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`x weight' + bias` of `x` `(rows, features)` and `weight` `(columns, features)`; no gradient is recorded."""
    if _small(x, len(weight)):
        return functional.linear(x, weight, bias)
    return _linear(x, weight, bias)


def add_product(total: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """Add `left right` to `total` in place; each is contiguous or the transpose of what is, or it takes long."""
    if _small(left, right.shape[1]):
        return total.addmm_(left, right)
    return total.add_(_linear(left, right.T, None))


def operations(x: tuple[int, ...], weight: tuple[int, ...], *_: object, out_shape: object, **__: object) -> int:
    """Floating-point operations of oneDNN's product, by the shapes of its arguments, as PyTorch's counter asks."""
    return 2 * x[0] * x[1] * weight[0]


def _small(left: Tensor, columns: int) -> bool:
    return not HAS_ONEDNN or left.numel() * columns < SMALL or left.dtype is not torch.float32


def _linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise.default(x, weight, bias, "none", [], "")  # type: ignore[no-any-return]


COUNTED = {torch.ops.mkldnn._linear_pointwise: operations} if HAS_ONEDNN else {}
"""For FlopCounterMode, which knows PyTorch's own products alone."""
