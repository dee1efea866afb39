r"""LoRA: freeze W, learn a low-rank update BA beside it.

Hu et al. 2021, arXiv:2106.09685, section 4.1, equation 3:

    h = W x + (alpha / r) B A x

    x  (..., k)  input              W  (d, k)  frozen weight
    A  (r, k)    Gaussian init      B  (d, r)  zero init, so h = W x at step 0

The update is linear in x, so after training it folds into the weight:

    W' = W + (alpha / r) B A

The backward pass is written out, to keep x alone. With g = dL/dh and s = alpha / r, over n rows:

    dA = s (g B)^T x            dB = s g^T (x A^T)            dx = g W + s (g B) A = g (W + s B A)

The sum W + s B A is formed, and forgotten, where there are so many rows that it is less work. Products with
A and B have r rows rather than r columns, which costs half as much.

Section 4.2 adapts the attention alone, hence the default targets W_q and W_v; where a model keeps them in one layer,
that gets one update. A is drawn from a Gaussian (section 4.1)
of variance 1/k, which is our choice; `init="kaiming"` is that of the authors' code, uniform with variance 1/(3k). A and
B are kept in float32 where the model is narrower.

Left out: dropout on x, Embedding and Conv layers, several adapters at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from refimpl import _peft_format, _targets
from refimpl._lab import demo as lab
from refimpl._lab.adapter import load as load
from refimpl._lab.adapter import save as save
from refimpl._layers import Adapted, in_one
from refimpl._surgery import adapt, folded
from refimpl._targets import ALL_LINEAR

PAPER = "hu2021lora arXiv:2106.09685"
RATE, RATE_OF_ALL = 1e-2, 1.5e-3  # for LoRA at every rank, and for all of the model: the best of three on `words`
LINEARS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")  # of a Llama


class LowRank(torch.autograd.Function):
    """Equation 3. Of the activations only x is kept for the backward pass."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, W: Tensor, bias: Tensor | None, A: Tensor, B: Tensor, s: float) -> Tensor:
        ctx.save_for_backward(x, W, A, B)
        ctx.s = s
        if in_one(x, W):
            return F.linear(x, W.addmm(B, A, alpha=s), bias)
        h = F.linear(x, W, bias)  # (n, k) -> (n, d)
        low = A.to(x.dtype) @ x.T  # (r, n)
        return h.addmm_(low.T.to(h.dtype), B.T.to(h.dtype), alpha=s)  # narrower than x under autocast

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        x, W, A, B = ctx.saved_tensors
        g, a = g.to(x.dtype), A.to(x.dtype)  # (n, d), (r, k)
        gB = ctx.s * (B.T.to(x.dtype) @ g.T)  # (r, n)
        wanted = ctx.needs_input_grad
        dx = None
        if wanted[0]:
            dx = g @ W.addmm(B, A, alpha=ctx.s) if in_one(g, W) else torch.mm(g, W.to(x.dtype)).addmm_(gB.T, a)
        dW = g.T @ x if wanted[1] else None  # W is frozen; asked for only where somebody thaws it
        db = g.sum(0) if wanted[2] else None
        return dx, dW, db, (gB @ x).to(A.dtype), (ctx.s * ((a @ x.T) @ g)).T.to(B.dtype), None


class LoRALinear(Adapted):
    """A frozen `nn.Linear` with a trainable low-rank update."""

    def __init__(self, base: nn.Linear, rank: int, alpha: float, init: str = "gaussian") -> None:
        super().__init__()
        if rank < 1 or init not in ("gaussian", "kaiming"):
            raise ValueError(f"rank {rank}, init {init!r}: take a rank of 1 or more, and gaussian or kaiming")
        wide = torch.promote_types(base.weight.dtype, torch.float32)
        self.base, self.s = base, alpha / rank
        self.A = nn.Parameter(base.weight.new_empty(rank, base.in_features, dtype=wide))
        self.B = nn.Parameter(base.weight.new_zeros(base.out_features, rank, dtype=wide))
        if init == "gaussian":
            nn.init.normal_(self.A, std=base.in_features**-0.5)
        else:
            nn.init.kaiming_uniform_(self.A, a=5**0.5)

    def forward(self, x: Tensor) -> Tensor:
        rows = x.reshape(-1, x.shape[-1])  # (n, k); what comes out is no view and may be changed in place
        h: Tensor = LowRank.apply(rows, self.base.weight, self.base.bias, self.A, self.B, self.s)
        return h.view(*x.shape[:-1], len(self.B))

    def delta(self) -> Tensor:
        """The update in weight space, (d, k)."""
        return self.s * self.B @ self.A

    def factors(self) -> _peft_format.Pair:
        """A, B and s, as peft keeps them."""
        return _peft_format.Pair(self.A, self.B, self.s)


def apply(
    model: nn.Module, targets: str | Iterable[str] | None = None, rank: int = 8, alpha: float = 16.0,
    init: str = "gaussian",
) -> nn.Module:  # fmt: skip
    """Freeze `model` in place and give each Linear that a target names (W_q and W_v, by default) a LoRA update."""
    wanted = _targets.of(model, "q", "v") if targets is None else targets
    adapt(model, lambda base: LoRALinear(base, rank, alpha, init), wanted)
    return model


def merge(model: nn.Module) -> nn.Module:
    """Fold every update into its weight in place, leaving plain Linears."""
    taken = {path: (layer.A.detach(), layer.B.detach(), layer.s) for path, layer in _layers(model).items()}
    folded(model, LoRALinear)
    if taken:
        vars(model)["folded"] = taken  # for `unmerge`; neither parameter nor state of the model
    return model


@torch.no_grad()
def unmerge(model: nn.Module) -> nn.Module:
    """Take the updates out again: section 4.1 recovers W by subtracting BA, here to rounding."""
    taken: dict[str, tuple[Tensor, Tensor, float]] = vars(model).get("folded", {})
    if not taken:
        return model
    done: dict[str, Any] = dict(adapt(model, lambda base: LoRALinear(base, 1, 1.0), list(taken)))
    for path, layer in done.items():
        A, B, s = taken[path]
        layer.A, layer.B, layer.s = nn.Parameter(A), nn.Parameter(B), s
        layer.base.weight -= layer.delta().to(layer.base.weight.dtype)
    del vars(model)["folded"]
    return model


def save_peft(model: nn.Module, folder: str | Path) -> Path:
    """Write A and B as peft does, for `peft.PeftModel.from_pretrained`."""
    return _peft_format.save(model, LoRALinear, folder)


def load_peft(model: nn.Module, folder: str | Path) -> nn.Module:
    """`apply` as an adapter that peft saved asks for it, with its A and B."""
    return _peft_format.load(model, folder, apply)


def _layers(model: nn.Module) -> dict[str, LoRALinear]:
    return {name: layer for name, layer in model.named_modules() if isinstance(layer, LoRALinear)}


def demo(
    rank: int = 8, alpha: float = 16.0, targets: str | Iterable[str] = ALL_LINEAR, **options: Any
) -> dict[str, Any]:
    """Adapt a base model to a task; before and after, and what it cost."""
    said: dict[str, Any] = {
        "targets": targets if isinstance(targets, str) else tuple(targets),
        "rank": rank,
        "alpha": alpha,
    }
    return lab.run("lora", lambda model: apply(model, **said), merge=merge, options=said, **{"rate": RATE, **options})
