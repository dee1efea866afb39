"""QA-LoRA: what the paper says, as functions that measure, and fail when it is not so."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import cache, partial
from types import SimpleNamespace
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from refimpl._claims import Measured, at_least, at_most, equal, library, quoted, refused, shown
from refimpl._drawn import SCALES, SHAPES, SIZES, worst
from refimpl._kinds import direction, exact, headline, parity
from refimpl._lab.contest import Contest, Way, ahead
from refimpl._surgery import trainable, unwrap
from refimpl._toys import apart, far, llama, narrow, reloaded
from refimpl.qa_lora import GroupLinear, QALoRALinear, apply, load, merge, save, unpack


@exact
def claim_merging_is_exact(device: str = "cpu") -> list[Measured]:
    """Section 3.3: the update folds into the zero-points without loss; so it does only where these are real numbers."""
    layer, x = _layer(device), torch.randn(32, 128, device=device).double()
    expected, codes, alpha = layer(x), layer.base.q.clone(), layer.base.alpha.clone()
    merged = layer.merged()
    real, kept = far(merged(x), expected), torch.equal(merged.q, codes) and torch.equal(merged.alpha, alpha)
    z = merged.z
    merged.z = z.half().double()
    half = far(merged(x), expected)
    merged.z = z.round()
    return [
        at_most("merged outputs differ by", real, 1e-14),
        equal("codes and scales are the same", kept, True),
        at_least("zero-points in float16 move the outputs by", half, 1e-5),
        at_least("integer zero-points move them by", far(merged(x), expected), 0.01),
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
def claim_the_equation_at_any_size(device: str = "cpu") -> list[Measured]:
    """Section 3.3: outputs, gradients, the merged layer and the codes, whatever the sizes, s, the bits and the bias."""

    def layer_of(d: int, groups: int, size: int, bits: int, bias: bool, r: int = 1, s: float = 1.0) -> Any:
        torch.manual_seed(d)
        base = nn.Linear(groups * size, d, bias).to(device, torch.float64)
        layer = QALoRALinear(base, r, s, bits, size)
        nn.init.normal_(layer.B)
        return base, layer

    def gap(shape: tuple[int, ...], **sizes: Any) -> float:
        base, layer = layer_of(**sizes)
        x = torch.randn(*shape, base.in_features, device=device, dtype=torch.float64, requires_grad=True)
        spread = (layer.B @ layer.A).repeat_interleave(sizes["size"], dim=1)
        plain = F.linear(x, layer.base.dequantized(x.dtype) + sizes["s"] * spread, base.bias)
        read = F.linear(x, layer.weight, layer.bias)  # as a model does it that multiplies by the weight itself
        off = apart(layer(x), plain, (x, layer.A, layer.B))
        return max(off, far(read, plain), far(layer.merged()(x), plain))

    def off(**sizes: Any) -> float:
        """How far a weight is from its code's value, in steps of its group; and the ends of a group from theirs."""
        base, layer = layer_of(**sizes)
        left = (layer.base.dequantized(torch.float64) - base.weight).view(*layer.base.z.shape, -1).detach().abs()
        steps = 2 ** sizes["bits"] - 1
        rows = base.weight.detach().view(left.shape)
        width = (rows.amax(-1) - rows.amin(-1)) / steps
        ends = left.gather(-1, torch.stack([rows.argmin(-1), rows.argmax(-1)], -1)).amax()
        return float((left / width[..., None]).max() + ends)

    flat = nn.Linear(6, 5, dtype=torch.float64, device=device)
    nn.init.constant_(flat.weight, 0.7)
    alike = GroupLinear(flat, 3, 2).dequantized(torch.float64)
    sizes: dict[str, Any] = {"d": SIZES, "groups": range(2, 6), "size": (3, 5, 7, 11), "bits": range(1, 9),
                             "bias": (True, False)}  # fmt: skip
    return [
        worst("outputs, gradients and merged outputs differ by", gap, 1e-11,
              **sizes | {"size": (1, 3, 5, 11)}, r=range(1, 5), s=SCALES,
              shape=SHAPES),
        worst("weights are off their values, in steps", off, 0.5 + 1e-9, **sizes),
        refused("what was cast with its zero-points", lambda: GroupLinear(flat, 3, 2).half()(torch.ones(2, 6).half())),
        refused("groups that do not divide", lambda: GroupLinear(flat, 3, 4), "take groups of 3"),
        equal("weights of a group that are all alike, off by", alike.sub(0.7).abs().max().item(), 0),
    ]  # fmt: skip


@exact
def claim_defaults(device: str = "cpu") -> list[Measured]:
    """Authors' code, peft_utils.py:19: groups of 32; section 4: INT4; the init of A and s are ours."""
    model = apply(llama(device=device))
    layers = {name: m for name, m in model.named_modules() if isinstance(m, QALoRALinear)}
    layer: Any = layers["model.layers.0.mlp.down_proj"]  # 128 -> 64
    A = QALoRALinear(nn.Linear(3200, 5).to(device), 100).A
    return [
        equal("layers in codes, all but the head", len(layers), 2 * 7),
        equal("inputs in a group", 128 / layer.A.shape[1], 32),
        equal("different codes at most", len(unpack(layer.base.q, layer.base.shape).unique()), 16),
        equal("rank", len(layer.A), 16),
        equal("largest number of B at the start", layer.B.abs().max().item(), 0),
        equal("s", layer.s, 1),
        narrow(apply(llama(device=device).bfloat16())),
        reloaded(model, apply(llama(device=device)), save, load),
        at_most("deviation of A off 1/sqrt(D_in), share", abs(A.std().item() * 3200**0.5 - 1), 0.03),
    ]


@parity
def claim_peft_agrees(device: str = "cpu") -> list[Measured]:
    """Algorithm 1: peft's QA-LoRA, which multiplies the means by L where the paper has D_in / L, agrees once scaled."""
    variants = library("peft.tuners.lora.variants", "'peft>=0.17'")
    layer, x = _layer(device).float(), torch.randn(8, 16, 128, device=device)
    theirs = SimpleNamespace(
        lora_A={"": SimpleNamespace(weight=layer.A)}, lora_B={"": SimpleNamespace(weight=layer.B)},
        lora_dropout={"": nn.Identity()}, scaling={"": layer.s * 32 / 4}, qalora_group_size={"": 32},
        in_features=128, training=False,
    )  # fmt: skip
    expected: Any = variants.QALoraLinearVariant.forward(cast(Any, theirs), "", x, layer.base(x))
    return [at_most("outputs differ by", far(layer(x), expected), 1e-6)]


@direction
def claim_merging_loses_nothing_where_rounding_again_does(device: str = "cpu") -> list[Measured]:
    """Abstract: an update goes into the quantised model without loss; in 2 bits, some of LoRA's is lost."""
    (ours, merged), (theirs, rounded) = (_found(kind, 2, device) for kind in ("QA-LoRA", "LoRA"))
    lost = ahead(theirs, rounded, "itself rounded again")
    return [
        shown("right answers that merging loses, of 36", 12 * sum(a - b for a, b in zip(ours, merged, strict=True)),
              ours == merged, "none"),
        replace(lost, what=f"LoRA: {lost.what}"),
    ]  # fmt: skip


@direction
def claim_it_is_ahead_of_lora_rounded_again(device: str = "cpu") -> list[Measured]:
    """Section 4.2, table 1: merged, QA-LoRA is ahead of LoRA that is merged and rounded again.

    It takes a large base, whose update is small beside the steps of the grid: here rounding again in 4 bits costs LoRA
    next to nothing, and in 2 bits less than QA-LoRA is behind for want of numbers, a 32nd of LoRA's in A.
    """
    rows = []
    for bits in (4, 2):
        (_, ours), (_, theirs) = (_found(kind, bits, device) for kind in ("QA-LoRA", "LoRA"))
        lead = ahead(ours, theirs, "LoRA rounded again")
        rows.append(replace(lead, what=f"{bits} bits: {lead.what}"))
    return rows


@headline
def claim_mmlu_of_llama_7b() -> list[Measured]:
    """Table 1: LLaMA-7B fine-tuned on Alpaca, accuracy in MMLU with 5 examples."""
    return [
        quoted("4 bits: QA-LoRA 39.4 %, QLoRA with GPTQ 36.0 %; QLoRA with 16-bit updates 38.4 %", "table 1"),
        quoted("3 bits: QA-LoRA 37.4 %, QLoRA with GPTQ 34.0 %", "table 1"),
        quoted("2 bits: QA-LoRA 27.5 %, QLoRA with GPTQ 25.8 %", "table 1"),
    ]


# --- what the claims stand on -------------------------------------------------------


def _layer(device: str, group: int = 32) -> QALoRALinear:
    """A layer as it is after training: B is not zero."""
    torch.manual_seed(0)
    layer = QALoRALinear(nn.Linear(128, 96, device=device, dtype=torch.float64), rank=8, group=group)
    nn.init.normal_(layer.B, std=0.1)
    return layer


@cache
def _found(kind: str, bits: int, device: str) -> tuple[list[float], list[float]]:
    """Right answers before merging and behind it."""
    return WORDS.before_and_after(WAYS[kind, bits], device)


def _quantised(pooled: bool, bits: int, model: Any, _: object) -> nn.Module:
    """Without pooling: LoRA beside the quantised weight."""
    adapted = apply(model, rank=8, bits=bits)
    for layer in adapted.modules():
        if isinstance(layer, QALoRALinear) and not pooled:  # with D_in groups of one, P(x) is x
            rank, d_in = len(layer.A), layer.base.shape[1]
            layer.A = nn.Parameter(layer.A.new_empty(rank, d_in).normal_(std=d_in**-0.5))
    return adapted


def _again(bits: int, model: nn.Module) -> nn.Module:
    return unwrap(model, QALoRALinear, lambda layer: _rounded(layer, bits))


WORDS = Contest("words", 100)
WAYS = {("QA-LoRA", bits): Way(partial(_quantised, True, bits), 1e-2, finish=merge) for bits in (4, 2)} | {
    ("LoRA", bits): Way(partial(_quantised, False, bits), 1e-2, finish=partial(_again, bits)) for bits in (4, 2)
}


@torch.no_grad()
def _rounded(layer: QALoRALinear, bits: int) -> GroupLinear:
    """The sum of weight and update, quantised again."""
    d_out, d_in = layer.base.shape
    linear = nn.Linear(d_in, d_out, bias=False, device=layer.A.device)
    linear.weight.copy_(layer.base.dequantized(torch.float32) + layer.s * layer.B @ layer.A)
    return GroupLinear(linear, bits)


def _steps(w: Tensor, grid: GroupLinear) -> Tensor:
    """How far each weight lies from the next point of the grid, in steps of it."""
    at = w.view(*grid.z.shape, -1) / grid.alpha[..., None] + grid.z[..., None]
    return (at - at.round()).abs()
