"""The last state of a one-layer GRU on the CPU, with less around its matrix products than nn.GRU has.

nn.GRU records some 30 operations per step for its backward pass, and PyTorch's tanh takes ten times as long as its
sigmoid. Here a step is four products and a few passes over tensors that fit the caches. The weights are nn.GRU's.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

sigmoid_backward, tanh_backward = torch.ops.aten.sigmoid_backward.grad_input, torch.ops.aten.tanh_backward.grad_input


def last_state(x: Tensor, gru: nn.GRU) -> Tensor:
    """The state `(batch, hidden)` of `gru` after the steps of `x` `(batch, steps, features)`.

    It is nn.GRU's but for rounding. `gru` has one layer and one direction. Gradients reach its weights, not `x`.
    """
    weights = gru.weight_ih_l0, gru.weight_hh_l0, gru.bias_ih_l0, gru.bias_hh_l0
    return _LastState.apply(x.transpose(0, 1), torch.is_grad_enabled(), *weights)  # type: ignore


class _LastState(torch.autograd.Function):
    """Reset, update and new gate as PyTorch defines them: h' = (1 - z) n + z h, n = tanh(a + r m), m = U h + c."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, learns: bool, w: Tensor, u: Tensor, b: Tensor, c: Tensor) -> Tensor:
        two, steps = 2 * u.shape[1], []  # two gates' width; what the backward pass needs of every step
        w_rz, w_n, u_rz, u_n, b_rz = w[:two].T, w[two:].T, u[:two].T, u[two:].T, (b + c)[:two]
        h, m = x.new_zeros(()), c[two:]
        for step in x:
            rz, n = torch.addmm(b_rz, step, w_rz), torch.addmm(b[two:], step, w_n)
            if h.dim():  # the first state is zero: nothing to multiply
                rz, m = torch.addmm(rz, h, u_rz, out=rz), torch.addmm(c[two:], h, u_n)
            r, z = rz.sigmoid_().chunk(2, dim=1)
            n.addcmul_(r, m).mul_(2).sigmoid_().mul_(2).sub_(1)  # tanh(a) = 2 sigmoid(2 a) - 1
            steps += [h, r, z, m, n] if learns else []
            h = torch.lerp(n, h, z)
        ctx.save_for_backward(x, u, *steps)
        return h

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d: Tensor) -> tuple[Tensor | None, ...]:
        x, u, *steps = ctx.saved_tensors
        size = u.shape[1]
        d_w, d_u, d_b = d.new_zeros(x.shape[2], 3 * size), d.new_zeros(size, 3 * size), d.new_zeros(4 * size)
        gates = d.new_empty(len(d), 4 * size)  # what reaches a, r, z and m before their squashing
        d_a, d_r, d_z, d_m = gates.chunk(4, dim=1)
        for at in reversed(range(len(x))):
            h, r, z, m, n = steps[5 * at : 5 * at + 5]
            tanh_backward(torch.addcmul(d, d, z, value=-1), n, grad_input=d_a)
            sigmoid_backward((h - n).mul_(d), z, grad_input=d_z)
            sigmoid_backward(d_a * m, r, grad_input=d_r)
            torch.mul(d_a, r, out=d_m)
            d_w.addmm_(x[at].T, gates[:, : 3 * size])  # the other way round takes four times as long
            d_b += gates.sum(dim=0)
            if at:
                d_u.addmm_(h.T, gates[:, size:])
                d = torch.addmm(d * z, gates[:, size:], u)
        return None, None, d_w.roll(-size, dims=1).T, d_u.T, d_b[: 3 * size].roll(-size), d_b[size:]
