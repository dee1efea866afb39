"""The gated MLP of a Llama with LoRA in its three layers, as one function that keeps three activations of seven.

    e = up(x, G)      u = up(x, U)      h = silu(e) u      y = up(h, D)      up(x, P) = W x + s B A x  with P's own

What autograd would keep too (silu(e), h, and x and h once more) is formed again for the backward pass. Names of layers
and parameters stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

LAYERS = ("gate_proj", "up_proj", "down_proj")


class _GatedMLP(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, s: float, *weights: Tensor) -> Tensor:  # weights: W, A, B of each layer
        G, U, D = weights[:3], weights[3:6], weights[6:]
        e, u = _up(x, s, *G), _up(x, s, *U)  # (n, k) -> (n, m)
        ctx.s = s
        ctx.save_for_backward(x, e, u, *weights)
        return _up(F.silu(e).mul_(u), s, *D)  # (n, k)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        x, e, u, *weights = ctx.saved_tensors
        G, U, D = weights[:3], weights[3:6], weights[6:]
        f = F.silu(e)
        dh, *dD = _down(g, f * u, None, ctx.s, *D)
        du = f.mul_(dh)
        de = torch.ops.aten.silu_backward(dh.mul_(u), e)
        dx, *dG = _down(de, x, None, ctx.s, *G)
        dx, *dU = _down(du, x, dx, ctx.s, *U)
        return dx, None, *dG, *dU, *dD


def _up(x: Tensor, s: float, W: Tensor, A: Tensor, B: Tensor) -> Tensor:
    return F.linear(x, W).addmm_(F.linear(x, A.to(x.dtype)), B.T.to(x.dtype), alpha=s)


def _down(
    g: Tensor, x: Tensor, dx: Tensor | None, s: float, W: Tensor, A: Tensor, B: Tensor
) -> tuple[Tensor, None, Tensor, Tensor]:
    """The gradients of x, added to `dx` if there is one, and of W, A and B."""
    a, gB = A.to(x.dtype), s * (g @ B.to(x.dtype))
    dx = torch.mm(g, W) if dx is None else dx.addmm_(g, W)
    return dx.addmm_(gB, a), None, (gB.T @ x).to(A.dtype), (s * (g.T @ (x @ a.T))).to(B.dtype)


class GatedMLP(nn.Module):
    """In place of an MLP whose layers have LoRA."""

    def __init__(self, mlp: Any) -> None:
        super().__init__()
        self.gate_proj, self.up_proj, self.down_proj = mlp.gate_proj, mlp.up_proj, mlp.down_proj

    def forward(self, x: Tensor) -> Tensor:
        layers: Any = (self.gate_proj, self.up_proj, self.down_proj)
        weights = [tensor for layer in layers for tensor in (layer.base.weight, layer.A, layer.B)]
        y: Tensor = _GatedMLP.apply(x.flatten(0, -2), layers[0].s, *weights)
        return y.view_as(x)


def fuse(model: nn.Module) -> nn.Module:
    """Put the fused function in place of each gated MLP with SiLU whose three layers have LoRA and no bias."""
    found = list(_gated(model))
    if not found:
        raise ValueError(f"no gated MLP with LoRA in all of {', '.join(LAYERS)}; apply LoRA to them first")
    for parent, name, mlp in found:
        setattr(parent, name, GatedMLP(mlp))
    return model


def _gated(model: nn.Module) -> Iterator[tuple[nn.Module, str, nn.Module]]:
    for parent in model.modules():
        for name, mlp in parent.named_children():
            layers: list[Any] = [getattr(mlp, layer, None) for layer in LAYERS]
            lora = all(hasattr(layer, "A") and layer.base.bias is None for layer in layers)
            if lora and _is_silu(getattr(mlp, "act_fn", None)):
                yield parent, name, mlp


def _is_silu(function: Any) -> bool:
    probe = torch.linspace(-4, 4, 9)
    return callable(function) and torch.equal(function(probe), F.silu(probe))
