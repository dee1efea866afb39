r"""QA-LoRA: quantise the base in groups, and learn an update that the groups' zero-points take in.

Xu et al. 2023, arXiv:2309.14717, sections 3.1 and 3.3, algorithm 1:

    y = W~ x + s B A P(x)            w~ = alpha (q - z)            merged: z' = z - s B A / alpha

    x    (..., D_in)   input         P(x) (..., L)  its sums over L groups of D_in / L neighbours
    q    (D_out, D_in) codes of N bits, the least weight of a group 0 and the greatest 2^N - 1
    alpha, z  (D_out, L)  scale and zero-point of each group; q and alpha never change
    A    (D_int, L)    random init        B  (D_out, D_int)  zero init      s  a constant

All inputs of a group meet the same column of B A, so the update moves all weights of a group by the same amount, which
is a shift of their zero-point: merging is exact and nothing is quantised again, as long as z is a floating-point number
of full width. In float16 or as an integer it is not (`claim_merging_is_exact` measures all three).

Equation 1 has beta = -alpha z; algorithm 1 writes beta for z. The paper sums over a group; the authors' code averages
(peft_utils.py:54) and divides by the group's size when it merges (merge.py:12), which is the same for an A of that many
times the size. That A is drawn by Xavier's rule, uniform, and s is 16/64 (peft_utils.py:58, merge.py:5); a Gaussian of
variance 1/D_in and s = 1 are our choice, made for sums. They quantise with GPTQ; here each weight is rounded to the
nearest code, by min and max (equation 1).

Left out: GPTQ, dropout on x, a product that works on the codes.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from refimpl._lab import demo as lab
from refimpl._lab.adapter import load as load
from refimpl._lab.adapter import save as save
from refimpl._layers import Adapted
from refimpl._surgery import adapt, guard, unwrap

PAPER = "xu2023qa arXiv:2309.14717"


class UnevenGroups(ValueError):
    """The inputs of a layer cannot be cut into groups of the size asked for; the message names one that fits."""


def quantize(w: Tensor, bits: int, group: int) -> tuple[Tensor, Tensor, Tensor]:
    """Equation 1 in each group: q, alpha, z."""
    d_out, d_in = w.shape
    if not (w.is_meta or w.isfinite().all()):
        raise ValueError("a weight is NaN or infinite, which no group can hold; load a model that is whole")
    if not 1 <= bits <= 8 or group < 1:
        raise ValueError(f"{bits} bits in groups of {group}: take 1 to 8 bits, and groups of 1 or more")
    if d_in % group:
        fits = max(size for size in range(1, group) if d_in % size == 0)
        raise UnevenGroups(f"groups of {group} do not divide the {d_in} inputs of a layer; take groups of {fits}")
    rows = w.view(d_out, -1, group).to(torch.promote_types(w.dtype, torch.float32))  # (D_out, L, D_in / L)
    low, high = rows.aminmax(dim=2)
    alpha = torch.where(high > low, (high - low) / (2**bits - 1), 1)
    z = -low / alpha
    q = (rows / alpha[..., None] + z[..., None]).round().clamp(0, 2**bits - 1)
    return q.view(d_out, d_in).to(torch.uint8), alpha, z


def pack(q: Tensor, bits: int) -> Tensor:
    """Codes as planes of bits, 8 codes a byte: (bits, n / 8)."""
    codes = F.pad(q.flatten(), (0, -q.numel() % 8)).view(-1, 8)
    places = torch.arange(8, dtype=torch.uint8, device=q.device)
    return torch.stack([((codes >> bit & 1) << places).sum(1, dtype=torch.uint8) for bit in range(bits)])


def unpack(planes: Tensor, shape: torch.Size) -> Tensor:
    """The codes of `pack`."""
    places = torch.arange(8, dtype=torch.uint8, device=planes.device)
    q = torch.zeros(planes.shape[1], 8, dtype=torch.uint8, device=planes.device)
    for bit, plane in enumerate(planes):
        q |= (plane[:, None] >> places & 1) << bit
    return q.flatten()[: shape.numel()].view(shape)


class OnCodes(torch.autograd.Function):
    """W~ x. Nothing is kept for the backward pass: W~ is made again, and x is not needed."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, layer: GroupLinear) -> Tensor:
        ctx.layer, ctx.dtype = layer, x.dtype
        return F.linear(x, layer.dequantized(x.dtype), layer.bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
        return g.to(ctx.dtype) @ ctx.layer.dequantized(ctx.dtype), None


class GroupLinear(nn.Module):
    """A frozen Linear of N-bit codes, with a scale and a zero-point for each group."""

    q: Tensor
    alpha: Tensor
    z: Tensor
    bias: Tensor | None

    def __init__(self, base: nn.Linear, bits: int = 4, group: int = 32) -> None:
        super().__init__()
        q, alpha, z = quantize(base.weight.detach(), bits, group)
        self.shape, self.dtype = q.shape, base.weight.dtype
        self.out_features, self.in_features = q.shape
        self.q = nn.Parameter(pack(q, bits), requires_grad=False)
        vars(self.q)["quant_state"] = SimpleNamespace(shape=self.shape)  # how many weights the bytes stand for
        self.register_buffer("alpha", alpha)
        self.register_buffer("z", z)
        self.register_buffer("bias", None if base.bias is None else base.bias.detach())

    @property
    def weight(self) -> Tensor:
        """W~, for models that read it."""
        return self.dequantized(self.dtype)

    def dequantized(self, dtype: torch.dtype) -> Tensor:
        """W~, (D_out, D_in)."""
        if self.z.dtype.itemsize < 4:
            raise ValueError(
                f"the zero-points were cast to {self.z.dtype} with the model, and merging would not be exact; cast it "
                "before `apply` instead"
            )
        rows = unpack(self.q, self.shape).view(*self.z.shape, -1)  # (D_out, L, D_in / L)
        return (self.alpha[..., None] * (rows - self.z[..., None])).view(self.shape).to(dtype)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = OnCodes.apply(x.reshape(-1, x.shape[-1]), self)  # no view: it may be changed in place
        return y.view(*x.shape[:-1], self.shape[0])


class QALoRALinear(Adapted):
    """W~ x, and a trainable low-rank update of the sums of x over the groups."""

    def __init__(self, base: nn.Linear, rank: int = 16, s: float = 1.0, bits: int = 4, group: int = 32) -> None:
        super().__init__()
        if rank < 1:
            raise ValueError(f"a rank of {rank} trains nothing; take 1 or more")
        self.base, self.s = GroupLinear(base, bits, group), s
        d_out, groups = self.base.z.shape
        self.A = nn.Parameter(self.base.z.new_empty(rank, groups).normal_(std=base.in_features**-0.5))
        self.B = nn.Parameter(self.base.z.new_zeros(d_out, rank))

    def forward(self, x: Tensor) -> Tensor:
        groups = self.A.shape[1]
        pooled = x.reshape(*x.shape[:-1], groups, x.shape[-1] // groups).sum(-1)  # (..., D_in) -> (..., L)
        low = F.linear(pooled, self.A.to(x.dtype))  # (..., D_int)
        y: Tensor = self.base(x) + self.s * F.linear(low, self.B.to(x.dtype))  # (..., D_out)
        return y

    def delta(self) -> Tensor:
        """s B A, the same for all inputs of a group, (D_out, D_in)."""
        return (self.s * self.B @ self.A).repeat_interleave(self.base.in_features // self.A.shape[1], dim=1)

    @torch.no_grad()
    def merged(self) -> GroupLinear:
        """The same codes and scales with z' = z - s B A / alpha."""
        self.base.z -= self.s * (self.B @ self.A) / self.base.alpha
        base: GroupLinear = self.base
        return base


def apply(
    model: nn.Module, targets: str | Iterable[str] | None = None, rank: int = 16, s: float = 1.0, bits: int = 4,
    group: int = 32,
) -> nn.Module:  # fmt: skip
    """Freeze `model` in place and quantise its Linears, each with an update: all but the head, or those named."""
    adapt(model, lambda base: QALoRALinear(base, rank, s, bits, group), targets)
    return model


def merge(model: nn.Module) -> nn.Module:
    """Move every zero-point in place; what is left are the quantised layers, as small as they were."""
    guard(unwrap(model, QALoRALinear, QALoRALinear.merged), "keep its state_dict, for a model that was merged, too")
    return model


def demo(rank: int = 16, s: float = 1.0, bits: int = 4, group: int = 32, **options: Any) -> dict[str, Any]:
    """Quantise a model to integers, train on a task, and merge into the zero-points: the merged metric is the same."""
    said: dict[str, Any] = {"rank": rank, "s": s, "bits": bits, "group": group}
    change = functools.partial(apply, **said)
    return lab.run("qa_lora", change, merge=merge, options=said, **{"rate": 1e-2, **options})
