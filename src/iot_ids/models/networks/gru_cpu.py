"""A fast GRU on the CPU: matrix products by oneDNN, twice as fast as PyTorch's MKL on processors not made by Intel.

For single precision, PyTorch exposes oneDNN only under this name. Small products stay with MKL, whose calls cost less.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

HAS_ONEDNN: bool = torch._C._has_mkldnn and hasattr(torch.ops.mkldnn, "_linear_pointwise")
SMALL = 1_500_000
"""Multiplications below which MKL is as fast."""


class Products(NamedTuple):
    """The matrix products of one library. Neither records gradients."""

    linear: Callable[..., Tensor]
    """`linear(x, weight, bias)`: `x weight' + bias` of `x` `(rows, features)` and `weight` `(columns, features)`."""
    add: Callable[[Tensor, Tensor, Tensor], Tensor]
    """`add(total, left, right)`: add `left right` to `total` in place. Both must be contiguous, or transposes of
    contiguous tensors; otherwise oneDNN takes a thousand times as long."""


def faster_products(rows: int, features: int, columns: int, dtype: torch.dtype = torch.float32) -> Products:
    """Choose the faster library for a product of this size; call once for many products."""
    small = rows * features * columns < SMALL or dtype is not torch.float32
    return MKL if small or not HAS_ONEDNN else ONEDNN


def count_operations(x: tuple[int, ...], weight: tuple[int, ...], *_: object, out_shape: object, **__: object) -> int:
    """Count floating-point operations of oneDNN's product from the shapes of its arguments, for PyTorch's counter."""
    return 2 * x[0] * x[1] * weight[0]


def _linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise.default(x, weight, bias, "none", [], "")  # type: ignore[no-any-return]


def _add(total: Tensor, left: Tensor, right: Tensor) -> Tensor:
    return total.add_(_linear(left, right.T))


MKL = Products(functional.linear, Tensor.addmm_)
ONEDNN = Products(_linear, _add)
COUNTERS = {torch.ops.mkldnn._linear_pointwise: count_operations} if HAS_ONEDNN else {}
"""For FlopCounterMode, which knows only PyTorch's own products."""


sigmoid_backward, tanh_backward = torch.ops.aten.sigmoid_backward.grad_input, torch.ops.aten.tanh_backward.grad_input


def last_state(x: Tensor, gru: nn.GRU) -> Tensor:
    """Compute the state `(batch, hidden)` of `gru` after the steps of `x` `(batch, steps, features)`.

    Equals nn.GRU's except for rounding. `gru` must have one layer and one direction. Gradients reach its weights, not
    `x`.
    """
    weights = gru.weight_ih_l0, gru.weight_hh_l0, gru.bias_ih_l0, gru.bias_hh_l0
    rows, _, features = x.shape
    size, dtype = gru.hidden_size, x.dtype
    of_state, of_input = faster_products(rows, size, 3 * size, dtype), faster_products(rows, features, 2 * size, dtype)
    return _LastState.apply(x.transpose(0, 1), torch.is_grad_enabled(), of_state, of_input, *weights)  # type: ignore


class _LastState(torch.autograd.Function):
    """Reset, update and new gate as PyTorch defines them: h' = (1 - z) n + z h, n = tanh(a + r m), m = U h + c."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, learns: bool, of_state: Products, of_input: Products, *weights: Tensor) -> Tensor:
        w, u, b, c = weights
        two, steps = 2 * u.shape[1], []  # the width of two gates; what the backward pass needs from every step
        w_rz, w_n, b_n, bias, h = w[:two], 2 * w[two:], 2 * b[two:], c.clone(), x.new_zeros(())
        w_rz_t = w_rz.T
        bias[:two] += b[:two]
        m = bias[two:]
        for step in x.unbind():
            if h.dim():
                rz, m = of_state.linear(h, u, bias).tensor_split([two], dim=1)
                of_input.add(rz, step, w_rz_t)
            else:  # the first state is zero: nothing to multiply
                rz = of_input.linear(step, w_rz, bias[:two])
            r, z = rz.sigmoid_().chunk(2, dim=1)
            n = of_input.linear(step, w_n, b_n).addcmul_(r, m, value=2).sigmoid_()
            n = torch.rsub(n, -1, alpha=-2)  # tanh(a) = 2 sigmoid(2 a) - 1
            steps += [h, rz, r, z, m, n] if learns else []
            h = torch.lerp(n, h, z)
        ctx.of_state, ctx.of_input = of_state, of_input
        ctx.save_for_backward(x, u, *steps)
        return h

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d: Tensor) -> tuple[Tensor | None, ...]:
        x, u, *steps = ctx.saved_tensors
        size, (count, rows, features), of_input = u.shape[1], x.shape, ctx.of_input
        x_1 = torch.cat([x.transpose(1, 2), x.new_ones(count, 1, rows)], dim=1)  # biases are weights of ones
        d_rzm_1, d_a_1 = d.new_zeros(features + 1, 3 * size), d.new_zeros(features + 1, size)
        d_u = d.new_zeros(size, 3 * size)
        d_a, d_rzm, d_gates = (d.new_empty(rows, size * gates) for gates in (1, 3, 2))
        d_rz, d_m = d_rzm.tensor_split([2 * size], dim=1)  # gradients before the activations of r, z and m
        d_r, d_z = d_gates.chunk(2, dim=1)  # and after them
        for at in reversed(range(count)):
            h, rz, r, z, m, n = steps[6 * at : 6 * at + 6]
            kept = d * z
            tanh_backward(torch.sub(d, kept, out=d_a), n, grad_input=d_a)
            torch.sub(h, n, out=d_z).mul_(d)
            torch.mul(d_a, m, out=d_r)
            sigmoid_backward(d_gates, rz, grad_input=d_rz)
            torch.mul(d_a, r, out=d_m)
            of_input.add(d_rzm_1, x_1[at], d_rzm)
            of_input.add(d_a_1, x_1[at], d_a)
            if at:
                ctx.of_state.add(d_u, h.T, d_rzm)
                d = ctx.of_state.add(kept, d_rzm, u)
        d_w_b = torch.cat([d_rzm_1[:, : 2 * size], d_a_1], dim=1)
        return None, None, None, None, d_w_b[:-1].T, d_u.T, d_w_b[-1], d_rzm_1[-1]
