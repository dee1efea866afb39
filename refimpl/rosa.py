r"""RoSA: learn a low-rank update and a sparse one together, beside a frozen weight.

Nikdan et al. 2024, arXiv:2401.04679, section 3, after robust principal component analysis:

    h = (W + S) x + s B A x            S is zero outside a fixed mask M of floor(density d k) positions

    x  (..., k)  input      W  (d, k)  frozen      A  (r, k)  Gaussian at first      B  (d, r)  zero at first
    S  (d, k)    held as  v  (nnz,)  values, zero at first, and  at  (nnz,)  their places in the flattened weight

The mask of each layer is found from gradients (Algorithm 1) when A and B have been trained a little, over some batches:

    G = sum g^2,  g = dloss/dW  (d, k)            M = the largest entries of G

Then training begins again from the start with all three (README of peft-rosa: warm up, make the mask, restart).
Until `find_masks` has been called v is frozen, and the layer is LoRA. Backward, with g = dloss/dh over n rows:

    dA = s (g B)^T x     dB = s g^T (x A^T)     dv_j = sum_n g[n, row_j] x[n, col_j]     dx = g (W + S) + s (g B) A

Of the activations only x is kept, and of W's gradient only what is in the mask. W + S and g^T x are there for a moment,
one layer at a time, W + S in W's dtype. A, B and v are at least float32.

A Gaussian of variance 1/k for A and alpha = 16 are our choice. peft-rosa draws A as loralib does, uniformly, and has
alpha = 8 (layer.py:190, config.py:128 at 810da6a); it takes the mask from one batch after 64 steps.

A density of 0 leaves LoRA; a rank of 0 leaves sparse adaptation ("SpA").
Left out: the paper's kernels, which form g^T x at the mask alone; dropout; quantised W; gradients kept in 4 bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from refimpl._lab import adapter, loop
from refimpl._lab import demo as lab
from refimpl._layers import Adapted
from refimpl._surgery import adapt, demand_ascending, folded

PAPER = "nikdan2024rosa arXiv:2401.04679"


def add(W: Tensor, v: Tensor, at: Tensor) -> Tensor:
    """W + S, (d, k)."""
    return W.flatten().index_add(0, at, v.to(W.dtype)).view_as(W)


class LowRankPlusSparse(torch.autograd.Function):
    """h and its gradients, as above."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, W: Tensor, bias: Tensor | None, A: Tensor, B: Tensor, v: Tensor, at: Tensor, s: float
    ) -> Tensor:
        ctx.save_for_backward(x, W, A, B, v, at)
        ctx.s = s
        rows = x.reshape(-1, x.shape[-1])  # (n, k)
        h = F.linear(rows, add(W, v, at), bias)  # (n, d)
        h.addmm_((A.to(x.dtype) @ rows.T).T, B.T.to(x.dtype), alpha=s)
        return h  # no view: it may be changed in place

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        x, W, A, B, v, at = ctx.saved_tensors
        g, rows = g.reshape(-1, g.shape[-1]), x.reshape(-1, x.shape[-1])  # (n, d), (n, k)
        a, gB = A.to(x.dtype), ctx.s * (B.T.to(x.dtype) @ g.T)  # (r, k), (r, n): thin sides first, as in lora.py
        wanted = ctx.needs_input_grad
        dx = (g @ add(W, v, at)).addmm_(gB.T, a).view_as(x) if wanted[0] else None
        dW = g.T @ rows if wanted[1] else None  # wanted while masks are looked for
        db = g.sum(0) if wanted[2] else None
        dv = (g.T @ rows).flatten()[at].to(v.dtype) if wanted[5] else None  # (d, k) -> (nnz,)
        dB = (ctx.s * (a @ rows.T) @ g).T.to(B.dtype)
        return dx, dW, db, (gB @ rows).to(A.dtype), dB, dv, None, None


class RoSALinear(Adapted):
    """A frozen `nn.Linear` with a low-rank and a sparse update."""

    at: Tensor

    def __init__(self, base: nn.Linear, rank: int, alpha: float, density: float) -> None:
        super().__init__()
        if rank < 0 or not 0 <= density <= 1:
            raise ValueError(f"rank {rank} or density {density}: the rank is at least 0, the density from 0 to 1")
        wide, nnz = torch.promote_types(base.weight.dtype, torch.float32), int(density * base.weight.numel())
        self.base, self.s = base, alpha / max(rank, 1)
        self.A = nn.Parameter(base.weight.new_empty(rank, base.in_features, dtype=wide))
        self.B = nn.Parameter(base.weight.new_empty(base.out_features, rank, dtype=wide))
        self.v = nn.Parameter(base.weight.new_zeros(nnz, dtype=wide), requires_grad=False)
        self.register_buffer("at", torch.zeros(nnz, dtype=torch.long, device=base.weight.device))
        self.restart()

    def restart(self) -> None:
        nn.init.normal_(self.A, std=self.base.in_features**-0.5)
        nn.init.zeros_(self.B)
        nn.init.zeros_(self.v)

    def mask(self, score: Tensor) -> None:
        """Put S where `score` (d, k) is largest, and begin from the start."""
        self.at.copy_(score.flatten().topk(len(self.at)).indices.sort().values)
        self.v.requires_grad_(len(self.at) > 0)
        self.restart()

    def forward(self, x: Tensor) -> Tensor:
        W, own = self.base.weight, (self.A, self.B, self.v, self.at, self.s)
        with torch.autocast(x.device.type, enabled=False):
            h: Tensor = LowRankPlusSparse.apply(x.to(W.dtype), W, self.base.bias, *own)
        return h.view(*x.shape[:-1], len(W))

    def delta(self) -> Tensor:
        """s B A + S, (d, k)."""
        return add(self.s * self.B @ self.A, self.v, self.at)


def apply(
    model: nn.Module, targets: str | Iterable[str] | None = None, rank: int = 8, alpha: float = 16.0,
    density: float = 0.006,
) -> nn.Module:  # fmt: skip
    """Freeze `model` in place and adapt its Linears: all but the head, or those named. Masks come later."""
    adapt(model, lambda base: RoSALinear(base, rank, alpha, density), targets)
    return model


def find_masks(model: nn.Module, losses: Iterable[Callable[[], Tensor]], power: int = 2) -> nn.Module:
    """Algorithm 1: a mask for each layer from the gradients of the losses that these return; then a fresh start.

    With a power of 1 the gradients are added up with their signs. G is held for all layers at once.
    """
    layers = [m for m in model.modules() if isinstance(m, RoSALinear)]
    G = {layer.base.weight: torch.zeros_like(layer.base.weight, dtype=layer.A.dtype) for layer in layers}

    def collect(W: Tensor) -> None:
        G[W] += W.grad.to(G[W].dtype) ** power  # type: ignore[union-attr]  # in this hook there is one
        W.grad = None

    hooks: list[Any] = [Tensor.register_post_accumulate_grad_hook(W.requires_grad_(), collect) for W in G]
    try:
        for loss in losses:
            torch.autograd.backward(loss(), inputs=list(G))
    finally:
        for W, handle in zip(G, hooks, strict=True):
            handle.remove()
            W.requires_grad_(False)
    if not all(scores.any() and scores.isfinite().all() for scores in G.values()):
        raise ValueError(
            "a layer got no gradient that is a number: give at least one finite loss that needs every layer"
        )
    for layer in layers:
        layer.mask(G[layer.base.weight].abs())
    return model


def merge(model: nn.Module) -> nn.Module:
    """Fold every update into its weight in place, leaving plain Linears."""
    return folded(model, RoSALinear)


def save(model: nn.Module, folder: Path) -> Path:
    """Write A, B, v and the masks."""
    return adapter.save(model, folder, {"method": "rosa"}, buffers=("at",))


def load(model: nn.Module, folder: Path) -> nn.Module:
    """Put what was saved into a model to which `apply` was applied with the same options."""
    adapter.load(model, folder)
    for layer in (m for m in model.modules() if isinstance(m, RoSALinear)):
        found = len(layer.at) == 1 or bool(layer.at.any())  # zeros are what stands there before there is a mask
        if found:
            demand_ascending(layer.at, layer.base.weight.numel(), folder)
        layer.v.requires_grad_(found)
    return model


def warm_up(model: nn.Module, data: loop.Data, steps: int, batches: int) -> nn.Module:
    """Train A and B for some steps, find the masks on some more batches, and begin from the start."""
    loop.train(model, data.tokenizer, data.task, steps, data.rate, data.batch, seed=data.first)
    return find_masks(model, data.losses(model, batches, after=1))


def demo(
    rank: int = 8, alpha: float = 16.0, density: float = 0.02, warmup: int = 10, batches: int = 4, **options: Any
) -> dict[str, Any]:
    """Warm up, find the masks, start again, and adapt a base model to a task."""
    said = {"rank": rank, "alpha": alpha, "density": density, "warmup": warmup, "batches": batches}
    return lab.run(
        "rosa", lambda model, data: warm_up(apply(model, None, rank, alpha, density), data, warmup, batches),
        looks=True, merge=merge, buffers=("at",), options=said, **{"rate": 1e-2, **options},
    )  # fmt: skip
