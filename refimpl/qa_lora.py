r"""QA-LoRA: quantise the base in groups, and learn an update that the groups' zero-points take in.

Xu et al. 2023, arXiv:2309.14717, sections 3.1 and 3.3, algorithm 1:

    y = W~ x + s B A P(x)            w~ = alpha (q - z)            merged: z' = z - s B A / alpha

    x    (..., D_in)   input         P(x) (..., L)  its sums over L groups of D_in / L neighbours
    q    (D_out, D_in) codes of N bits, the least weight of a group 0 and the greatest 2^N - 1
    alpha, z  (D_out, L)  scale and zero-point of each group; q and alpha never change
    A    (D_int, L)    Gaussian init      B  (D_out, D_int)  zero init      s  a constant

All inputs of a group meet the same column of B A, so the update moves all weights of a group by the same amount, which
is a shift of their zero-point: merging is exact and nothing is quantised again, as long as z is a floating-point number
of full width. In float16 or as an integer it is not (`claim_merging_is_exact` measures all three).

Equation 1 has beta = -alpha z; algorithm 1 writes beta for z. The paper sums over a group; the authors' code averages
(peft_utils.py:54) and divides by the group's size when it merges (merge.py:12), which is the same for an A of that many
times the size. They quantise with GPTQ; here each weight is rounded to the nearest code, by min and max (equation 1).

Left out: GPTQ, dropout on x, a product that works on the codes.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from types import SimpleNamespace
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from refimpl._claims import (
    Measured,
    NotHere,
    at_least,
    at_most,
    direction,
    equal,
    exact,
    headline,
    parity,
    quoted,
    shown,
)
from refimpl._lab import adapter, loop, models, texts
from refimpl._lab import demo as lab
from refimpl._surgery import freeze, swap, trainable

PAPER = "xu2023qa"


class UnevenGroups(ValueError):
    """The inputs of a layer cannot be cut into groups of the size asked for; the message names one that fits."""


def quantize(w: Tensor, bits: int, group: int) -> tuple[Tensor, Tensor, Tensor]:
    """Equation 1 in each group: q, alpha, z."""
    d_out, d_in = w.shape
    if not w.is_floating_point():
        raise ValueError(f"a weight is {w.dtype} already; load the model whole, without a quantization_config")
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
        self.shape = q.shape
        self.q = nn.Parameter(pack(q, bits), requires_grad=False)
        vars(self.q)["quant_state"] = SimpleNamespace(shape=self.shape)  # how many weights the bytes stand for
        self.register_buffer("alpha", alpha)
        self.register_buffer("z", z)
        self.register_buffer("bias", None if base.bias is None else base.bias.detach())

    def dequantized(self, dtype: torch.dtype) -> Tensor:
        """W~, (D_out, D_in)."""
        rows = unpack(self.q, self.shape).view(*self.z.shape, -1)  # (D_out, L, D_in / L)
        return (self.alpha[..., None] * (rows - self.z[..., None])).view(self.shape).to(dtype)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = OnCodes.apply(x, self)
        return y


class QALoRALinear(nn.Module):
    """W~ x, and a trainable low-rank update of the sums of x over the groups."""

    def __init__(self, base: nn.Linear, rank: int = 16, s: float = 1.0, bits: int = 4, group: int = 32) -> None:
        super().__init__()
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

    @torch.no_grad()
    def merged(self) -> GroupLinear:
        """The same codes and scales with z' = z - s B A / alpha."""
        self.base.z -= self.s * (self.B @ self.A) / self.base.alpha
        return self.base


def apply(
    model: nn.Module,
    targets: Iterable[str] | None = None,
    rank: int = 16,
    s: float = 1.0,
    bits: int = 4,
    group: int = 32,
) -> nn.Module:
    """Freeze `model` in place and quantise its Linears, each with an update: all but `lm_head`, or those named."""
    names = {name.rpartition(".")[2] for name, m in model.named_modules() if isinstance(m, nn.Linear)} - {"lm_head"}
    freeze(model)
    wanted = names if targets is None else targets
    swap(model, nn.Linear, lambda base: QALoRALinear(base, rank, s, bits, group), wanted)
    return model


def merge(model: nn.Module) -> nn.Module:
    """Move every zero-point in place; what is left are the quantised layers, as small as they were."""
    swap(model, QALoRALinear, QALoRALinear.merged)
    return model


def save(model: nn.Module, folder: Path) -> Path:
    """Write A and B of every layer."""
    return adapter.save(model, folder)


def load(model: nn.Module, folder: Path) -> dict[str, Any]:
    """Read them into a model to which `apply` was applied with the same options; returns what was said of them."""
    return adapter.load(model, folder)


# --- what the paper says, as functions that measure, and fail when it is not so ---


@exact
def claim_merging_is_exact(device: str = "cpu") -> list[Measured]:
    """Section 3.3: the update folds into the zero-points without loss; so it does only where these are real numbers."""
    layer, x = _layer(device), torch.randn(32, 128, device=device).double()
    expected, codes, alpha = layer(x), layer.base.q.clone(), layer.base.alpha.clone()
    merged = layer.merged()
    real, kept = _gap(merged(x), expected), torch.equal(merged.q, codes) and torch.equal(merged.alpha, alpha)
    z = merged.z
    merged.z = z.half().double()
    half = _gap(merged(x), expected)
    merged.z = z.round()
    return [
        at_most("merged outputs differ by", real, 1e-14),
        equal("codes and scales are the same", kept, True),
        at_least("zero-points in float16 move the outputs by", half, 1e-5),
        at_least("integer zero-points move them by", _gap(merged(x), expected), 0.01),
    ]


@exact
def claim_plain_lora_leaves_the_grid(device: str = "cpu") -> list[Measured]:
    """Section 3.3: with one A for each input the sum is no longer 2^N values a group; with one a group it still is."""
    layer = _layer(device)
    base, merged = copy.deepcopy(layer.base), copy.deepcopy(layer).merged()
    free = layer.s * layer.B @ torch.randn(len(layer.A), 128, device=device).double() * 128**-0.5
    weights = merged.dequantized(torch.float64), base.dequantized(torch.float64) + free
    off = [_steps(w, merged) for w in weights]
    most = max(len(row.unique()) for row in unpack(merged.q, merged.shape).view(-1, 32))
    return [
        at_most("distance from the grid in steps, QA-LoRA", off[0].max().item(), 1e-9),
        at_least("mean distance, LoRA (by chance 0.25)", off[1].mean().item(), 0.2),
        at_most("different codes in a group", most, 16),
    ]


@exact
def claim_degrees_of_freedom(device: str = "cpu") -> list[Measured]:
    """Section 3.3: A has L D_int numbers in place of D_in D_int; with one group a column the update has rank 1."""
    layers = {group: _layer(device, group) for group in (128, 32, 8)}
    ranks = [int(torch.linalg.matrix_rank(layer.B @ layer.A)) for layer in layers.values()]
    base = layers[32].base.float()
    bits = 8 * (base.q.nbytes + base.alpha.nbytes + base.z.nbytes) / (128 * 96)
    return [
        equal("trained numbers, 4 groups of 32", trainable(layers[32]), 8 * (4 + 96)),
        equal("rank with 1, 4 and 16 groups is 1, 4, 8", ranks == [1, 4, 8], True),
        equal("bits a weight: 4, and two float32 for 32", bits, 4 + 2 * 32 / 32),
    ]


@exact
def claim_only_a_and_b_learn(device: str = "cpu") -> list[Measured]:
    """Algorithm 1: outputs and gradients are those of the dense sum, and the base gets none."""
    layer, x = _layer(device), torch.randn(8, 16, 128, device=device).double().requires_grad_()
    y, spread = layer(x), (layer.B @ layer.A).repeat_interleave(32, dim=1)  # (D_out, D_in)
    plain = F.linear(x, layer.base.dequantized(x.dtype) + layer.s * spread, layer.base.bias)
    inputs, g = (x, layer.A, layer.B), torch.randn_like(y)
    gradients = torch.autograd.grad(y, inputs, g), torch.autograd.grad(plain, inputs, g)
    trained = [name for name, p in layer.named_parameters() if p.requires_grad]
    return [
        at_most("outputs differ by", _gap(y, plain), 1e-12),
        at_most("gradients differ by", max(map(_gap, *gradients)), 1e-12),
        equal("A and B alone are trained", trained == ["A", "B"], True),
    ]


@parity
def claim_peft_agrees(device: str = "cpu") -> list[Measured]:
    """Algorithm 1: peft's QA-LoRA, which multiplies the means by L where the paper has D_in / L, agrees once scaled."""
    try:
        from peft.tuners.lora.variants import QALoraLinearVariant
    except ImportError:
        raise NotHere("pip install 'peft>=0.17'") from None
    layer, x = _layer(device).float(), torch.randn(8, 16, 128, device=device)
    theirs = SimpleNamespace(
        lora_A={"": SimpleNamespace(weight=layer.A)}, lora_B={"": SimpleNamespace(weight=layer.B)},
        lora_dropout={"": nn.Identity()}, scaling={"": layer.s * 32 / 4}, qalora_group_size={"": 32},
        in_features=128, training=False,
    )  # fmt: skip
    expected: Any = QALoraLinearVariant.forward(cast(Any, theirs), "", x, layer.base(x))
    return [at_most("outputs differ by", _gap(layer(x), expected), 1e-6)]


@direction
def claim_it_is_ahead_of_lora_rounded_again(device: str = "cpu") -> list[Measured]:
    """Section 4.2, table 1: merged it loses nothing, and beats LoRA on the same codes, merged and rounded to N bits."""
    rows, base = [], models.load("tiny", device)
    for bits in (4, 3, 2):
        ours, theirs = ([_trained(*base, seed, bits, pooled) for seed in range(3)] for pooled in (True, False))
        costs, jumps = ([after - before for before, after in runs] for runs in (ours, theirs))
        ahead = [b - a for (_, a), (_, b) in zip(ours, theirs, strict=True)]
        rows += [
            shown(f"{bits} bits: nats a token that merging costs", max(costs), max(costs) < 1e-4, "under 1e-4"),
            shown(
                f"{bits} bits: that rounding costs LoRA, mean of 3 seeds",
                fmean(jumps),
                min(jumps) > 1e-4,
                "over 1e-4 each time",
            ),
            shown(f"{bits} bits: ahead of LoRA, mean of 3 seeds", fmean(ahead), min(ahead) > 0, "above 0 each time"),
        ]
    return rows


@headline
def claim_mmlu_of_llama_7b() -> list[Measured]:
    """Table 1: LLaMA-7B fine-tuned on Alpaca, accuracy in MMLU with 5 examples."""
    return [
        quoted("4 bits: QA-LoRA 39.4 %, QLoRA with GPTQ 36.0 %; QLoRA with 16-bit updates 38.4 %", "table 1"),
        quoted("3 bits: QA-LoRA 37.4 %, QLoRA with GPTQ 34.0 %", "table 1"),
        quoted("2 bits: QA-LoRA 27.5 %, QLoRA with GPTQ 25.8 %", "table 1"),
    ]


def demo(rank: int = 16, s: float = 1.0, bits: int = 4, group: int = 32, **options: Any) -> dict[str, Any]:
    """Quantise a model to integers, train on a task, and merge into the zero-points: the merged metric is the same."""
    said: dict[str, Any] = {"rank": rank, "s": s, "bits": bits, "group": group}
    tiny: dict[str, Any] = {"lr": 1e-2} if options.get("model", "tiny") == "tiny" else {}
    options = {"merge": merge, **tiny} | options
    return lab.run("qa_lora", lambda model: apply(model, None, **said), options=said, **options)


# --- what the claims stand on -------------------------------------------------------


def _layer(device: str, group: int = 32) -> QALoRALinear:
    """A layer as it is after training: B is not zero."""
    torch.manual_seed(0)
    layer = QALoRALinear(nn.Linear(128, 96, device=device, dtype=torch.float64), rank=8, group=group)
    nn.init.normal_(layer.B, std=0.1)
    return layer


def _trained(base: nn.Module, tokenizer: Any, seed: int, bits: int, pooled: bool) -> tuple[float, float]:
    """Nats a token on held-out text after training, and merged. Without pooling: LoRA, merged and rounded again."""
    torch.manual_seed(seed)
    model = apply(copy.deepcopy(base), rank=8, bits=bits)
    for layer in model.modules():
        if isinstance(layer, QALoRALinear) and not pooled:  # with D_in groups of one, P(x) is x
            rank, d_in = len(layer.A), layer.base.shape[1]
            layer.A = nn.Parameter(layer.A.new_empty(rank, d_in).normal_(std=d_in**-0.5))
    # of 1e-3, 3e-3, 1e-2 and 3e-2 this rate is the best of both
    loop.train(model, tokenizer, texts.python(), steps=16, lr=1e-2, batch=4, length=32, seed=seed)
    held = replace(texts.python(), rows=4)
    before = held.evaluate(model, tokenizer).value
    merge(model) if pooled else swap(model, QALoRALinear, lambda layer: _rounded(layer, bits))
    return before, held.evaluate(model, tokenizer).value


@torch.no_grad()
def _rounded(layer: QALoRALinear, bits: int) -> GroupLinear:
    """The sum of weight and update, quantised again."""
    d_out, d_in = layer.base.shape
    linear = nn.Linear(d_in, d_out, bias=False, device=layer.A.device)
    linear.weight.copy_(layer.base.dequantized(torch.float32) + layer.s * layer.B @ layer.A)
    return GroupLinear(linear, bits)


def _gap(a: Tensor, b: Tensor) -> float:
    """The largest difference, relative to the largest number."""
    gap: float = ((a - b).abs().max() / b.abs().max()).item()
    return gap


def _steps(w: Tensor, grid: GroupLinear) -> Tensor:
    """How far each weight lies from the next point of the grid, in steps of it."""
    at = w.view(*grid.z.shape, -1) / grid.alpha[..., None] + grid.z[..., None]
    return (at - at.round()).abs()
