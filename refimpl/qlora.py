r"""QLoRA: freeze the base in 4 bits, learn a low-rank update through it.

Dettmers et al. 2023, arXiv:2305.14314, section 3, equations 5 and 6:

    Y = X dd(c1, c2, W) + s X L1 L2         dd(c1, c2, W) = dequant(dequant(c1, c2), W)

    X  (..., h)  input                      L1 (h, r), L2 (r, o)  trained; L2 = 0 at the start; s = alpha / r
    W  (h o / 2,)  bytes                    two NF4 codes each, the first in the high half; 64 share a constant
    c2 (h o / 64,)  bytes                   the constants less their mean, as 8-bit floats; 256 share a constant
    c1 (h o / 16384,)  float32              4 + 8/64 + 32/16384 = 4.127 bits a weight in all

dd(c1, c2, W) is made for each product and forgotten, and the backward pass is written out to keep X alone. With
g = dE/dY:

    dL1 = s X^T (g L2^T)          dL2 = s (X L1)^T g          dX = g dd^T + s (g L2^T) L1^T = g (dd + s L1 L2)^T

The sum is formed, and forgotten, where there are so many rows that it is less work.

The 16 values are those of appendix E, made as the authors' code makes them: of quantiles of N(0, 1), 8 above zero and
7 below. (Equation 4, read literally, has no zero and is infinite at both ends.) A weight lies as in nn.Linear, (o, h),
and its bytes are those of bitsandbytes, whose kernels dequantise where it is installed; `kernels=False` is our own
code. Layers that bitsandbytes has in NF4 already are taken as they are. Cast a model before `apply`, not after.

Left out: dropout on X, LayerNorms in float32, a product that never forms dd(c1, c2, W) for a single row.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from refimpl import _bitsandbytes as bnb
from refimpl import _peft_format
from refimpl._lab import demo as lab
from refimpl._lab import models
from refimpl._lab.adapter import load as load
from refimpl._lab.adapter import save as save
from refimpl._layers import Adapted, in_one
from refimpl._surgery import adapt, unwrap

PAPER = "dettmers2023qlora arXiv:2305.14314"
BLOCK, BLOCK2 = 64, 256
OFFSET = 0.9677083  # 1 - (1/32 + 1/30) / 2, to as many digits as the authors' code has


def normal_float(device: torch.device) -> Tensor:
    """The 16 values of NF4, scaled to [-1, 1]."""

    def quantiles(n: int) -> Tensor:
        q: Tensor = torch.special.ndtri(torch.linspace(OFFSET, 0.5, n + 1)[:-1].double())
        return q.float()

    values = torch.cat([-quantiles(7), torch.zeros(1), quantiles(8)]).sort().values
    return (values / values.max()).to(device)


def dynamic_float(device: torch.device) -> Tensor:
    """The 256 values of an 8-bit float: 0, 1, and 2^e of either sign in each decade from 10^(e-7) to 10^(e-6)."""
    values = [torch.tensor([0.0, 1.0])]
    for e in range(7):
        edges = torch.linspace(0.1, 1, 2**e + 1)
        middles = (edges[1:] + edges[:-1]) / 2 * 10 ** (e - 6)
        values += [middles, -middles]
    return torch.cat(values).sort().values.to(device)


def quantize(x: Tensor, code: Tensor, block: int) -> tuple[Tensor, Tensor]:
    """Equation 1, by blocks: which value of `code` is nearest to each x / c, and c, the largest |x| of each block."""
    rows = F.pad(x.flatten().float(), (0, -x.numel() % block)).view(-1, block)
    c = rows.abs().amax(1)  # (n / block,)
    scaled = rows * (1 / c.clamp(min=1e-38))[:, None]
    nearest = torch.bucketize(scaled, (code[1:] + code[:-1]) / 2, out_int32=True)
    return nearest.flatten()[: x.numel()].to(torch.uint8), c


def dequantize(q: Tensor, c: Tensor, code: Tensor, block: int) -> Tensor:
    """Equation 2: each value times the constant of its block."""
    return code[q.int()] * c.repeat_interleave(block)[: len(q)]


class Quantized(NamedTuple):
    """A weight in NF4, the mean of its constants, and the values that the codes of both stand for."""

    W: Tensor
    c2: Tensor
    c1: Tensor
    mean: Tensor
    nf4: Tensor
    float8: Tensor


def double_quantize(w: Tensor) -> Quantized:
    """Section 3: the weight in NF4, and its constants quantised once more."""
    if not (w.is_meta or w.isfinite().all()):
        raise ValueError("a weight is NaN or infinite, which no block can hold; load a model that is whole")
    nf4, float8 = normal_float(w.device), dynamic_float(w.device)
    q, c = quantize(w, nf4, BLOCK)
    c2, c1 = quantize(c - c.mean(), float8, BLOCK2)
    q = F.pad(q, (0, len(q) % 2))
    return Quantized(q[::2] << 4 | q[1::2], c2, c1, c.mean(), nf4, float8)


def double_dequantize(x: Quantized, shape: torch.Size, dtype: torch.dtype, kernels: bool = False) -> Tensor:
    """Equation 6, dd(c1, c2, W): by bitsandbytes' kernels, which have no float64, or by our own code."""
    if kernels and dtype != torch.float64:
        return bnb.dequantize(x.W, x.c2, x.c1, x.mean, x.float8, shape, dtype)
    c = dequantize(x.c2, x.c1, x.float8, BLOCK2) + x.mean
    q = torch.stack([x.W >> 4, x.W & 15], 1).flatten()[: shape.numel()]
    return dequantize(q, c, x.nf4, BLOCK).view(shape).to(dtype)


class LowRankOn4Bits(torch.autograd.Function):
    """Equation 5. Of the activations X alone is kept for the backward pass, and no weight but in 4 bits."""

    @staticmethod
    def forward(
        ctx: Any, X: Tensor, L1: Tensor, L2: Tensor, bias: Tensor | None, s: float, shape: torch.Size, kernels: bool,
        *held: Tensor,
    ) -> Tensor:  # fmt: skip
        ctx.save_for_backward(X, L1, L2, *held)
        ctx.s, ctx.shape, ctx.kernels = s, shape, kernels
        dd = double_dequantize(Quantized(*held), shape, X.dtype, kernels)  # (o, h)
        if in_one(X, dd):
            return F.linear(X, dd.addmm_(L2.T, L1.T, alpha=s), bias)
        Y = F.linear(X, dd, bias)  # (n, h) -> (n, o)
        return Y.addmm_((L1.T.to(X.dtype) @ X.T).T.to(Y.dtype), L2.to(Y.dtype), alpha=s)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        X, L1, L2, *held = ctx.saved_tensors
        g, l1 = g.to(X.dtype), L1.T.to(X.dtype)  # (n, o), (r, h)
        gL2 = ctx.s * (L2.to(X.dtype) @ g.T)  # (r, n)
        dX = None
        if ctx.needs_input_grad[0]:
            dd = double_dequantize(Quantized(*held), ctx.shape, X.dtype, ctx.kernels)
            dX = g @ dd.addmm_(L2.T, L1.T, alpha=ctx.s) if in_one(g, dd) else (g @ dd).addmm_(gL2.T, l1)
        dL1, dL2 = (gL2 @ X).T.to(L1.dtype), (ctx.s * ((l1 @ X.T) @ g)).to(L2.dtype)
        return dX, dL1, dL2, *[None] * (4 + len(held))


class NF4Linear(Adapted):
    """A Linear frozen in NF4, with a trainable low-rank update."""

    def __init__(self, base: nn.Linear, rank: int = 64, alpha: float = 16.0, kernels: bool = True) -> None:
        super().__init__()
        if rank < 1:
            raise ValueError(f"a rank of {rank} trains nothing; take 1 or more")
        self.s, self.kernels = alpha / rank, kernels and bnb.library() is not None
        x = Quantized(*(bnb.quantized(base) or double_quantize(base.weight.detach())))
        self.base = bnb.Frozen(base, **x._asdict())
        wide = torch.promote_types(self.base.dtype, torch.float32)
        self.L1 = nn.Parameter(torch.empty(base.in_features, rank, dtype=wide, device=x.W.device))
        self.L2 = nn.Parameter(torch.zeros(rank, base.out_features, dtype=wide, device=x.W.device))
        nn.init.uniform_(self.L1, -(base.in_features**-0.5), base.in_features**-0.5)

    def forward(self, X: Tensor) -> Tensor:
        rows = X.reshape(-1, X.shape[-1])  # (n, h); what comes out is no view and may be changed in place
        own = self.L1, self.L2, self.bias, self.s, self.base.shape, self.kernels
        Y: Tensor = LowRankOn4Bits.apply(rows, *own, *self.base.held())
        return Y.view(*X.shape[:-1], self.out_features)

    def dequantized(self, dtype: torch.dtype) -> Tensor:
        """dd(c1, c2, W), (o, h)."""
        return double_dequantize(Quantized(*self.base.held()), self.base.shape, dtype, self.kernels)

    def delta(self) -> Tensor:
        """s L1 L2, as a weight lies, (o, h)."""
        return self.s * (self.L1 @ self.L2).T

    @property
    def weight(self) -> Tensor:
        """dd(c1, c2, W) + s L1 L2."""
        return self.dequantized(self.base.dtype) + self.delta().to(self.base.dtype)

    def factors(self) -> _peft_format.Pair:
        """L1, L2 and s, as peft keeps them."""
        return _peft_format.Pair(self.L1.T, self.L2.T, self.s)

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        """A Linear of the base's dtype with the update folded into dd(c1, c2, W)."""
        linear = nn.Linear(self.in_features, self.out_features, self.bias is not None, self.L1.device, self.base.dtype)
        linear.weight.copy_(self.dequantized(self.L1.dtype) + self.delta())
        if self.bias is not None:
            linear.bias.copy_(self.bias)
        return linear.requires_grad_(False)


def apply(
    model: nn.Module, targets: str | Iterable[str] | None = None, rank: int = 64, alpha: float = 16.0,
    kernels: bool = True,
) -> nn.Module:  # fmt: skip
    """Freeze `model` in place and put its Linears in NF4 with an update each: all but the head, or those named."""
    adapt(model, lambda base: NF4Linear(base, rank, alpha, kernels), targets, floating=False)
    return model


@torch.no_grad()
def merge(model: nn.Module) -> nn.Module:
    """Plain Linears again, the updates folded in: as large as the base was before `apply`.

    Quantised again it would be small, and another model: the grid of NF4 does not hold the update.
    """
    return unwrap(model, NF4Linear, NF4Linear.merged)


def save_peft(model: nn.Module, folder: str | Path) -> Path:
    """Write L1 and L2 as peft does, for `peft.PeftModel.from_pretrained` on a base in 4 bits or a whole one."""
    return _peft_format.save(model, NF4Linear, folder)


def load_peft(model: nn.Module, folder: str | Path, kernels: bool = True) -> nn.Module:
    """`apply` as an adapter that peft saved asks for it, with its numbers."""
    return _peft_format.load(model, folder, functools.partial(apply, kernels=kernels))


def demo(rank: int = 16, alpha: float = 16.0, kernels: bool = True, **options: Any) -> dict[str, Any]:
    """Quantise a model, train an update through the 4 bits, and merge; on a GPU the optimiser is paged."""
    said: dict[str, Any] = {"rank": rank, "alpha": alpha, "kernels": kernels}
    change = functools.partial(apply, **said)
    optimiser = bnb.optimiser(models.device_of(options.get("device", "auto")))
    return lab.run("qlora", change, merge=merge, options=said, **{"optimiser": optimiser, "rate": 1e-2, **options})
