"""QLoRA: what the paper says, as functions that measure, and fail when it is not so."""

from __future__ import annotations

import functools
from collections.abc import Callable
from statistics import fmean
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from refimpl import _bitsandbytes as bnb
from refimpl._claims import Measured, NotHere, at_least, at_most, equal, library, quoted, shown
from refimpl._drawn import SCALES, SHAPES, SIZES, worst
from refimpl._kinds import direction, exact, headline, parity
from refimpl._lab import LabError, loop, losses, models, texts
from refimpl._lab.contest import Contest, Way, told
from refimpl._toys import apart, far, kept, llama, narrow, reloaded
from refimpl.qlora import (
    BLOCK,
    NF4Linear,
    Quantized,
    apply,
    dequantize,
    double_dequantize,
    double_quantize,
    dynamic_float,
    load,
    normal_float,
    quantize,
    save,
)


@exact
def claim_bits_a_weight(device: str = "cpu") -> list[Measured]:
    """Section 3: double quantisation takes the constants from 0.5 bits a weight to 0.127, so 4.127 in all."""
    w = torch.randn(2048, 2048, device=device)
    x, c = double_quantize(w), quantize(w, normal_float(w.device), BLOCK)[1]
    twice, once = (8 * sum(t.nbytes for t in tensors) / w.numel() for tensors in (x[:4], (x.W, c)))
    return [at_most("bits a weight, less 4.127", abs(twice - 4.127), 1e-4), equal("quantised once", once, 4.5)]


@exact
def claim_zero_is_exact_and_the_grid_stays(device: str = "cpu") -> list[Measured]:
    """Section 3 and appendix E: zero is one of the values, 8 lie above and 7 below; what is on the grid stays there."""
    nf4 = normal_float(torch.device(device))
    q, c = quantize(torch.randn(1000, 64, device=device), nf4, BLOCK)
    again, c_again = quantize(dequantize(q, c, nf4, BLOCK), nf4, BLOCK)
    nothing = double_quantize(torch.zeros(3, 64, device=device))
    signs = [int((nf4.sign() == sign).sum()) for sign in (-1, 0, 1)]
    return [
        equal("values below, at and above zero are 7, 1, 8", signs == [7, 1, 8], True),
        equal("codes of a weight of zeros that are not that of zero", int((nothing.W != 0x77).sum()), 0),
        equal("codes and constants moved by quantising again", int((again != q).sum() + (c_again != c).sum()), 0),
    ]


@exact
def claim_only_the_adapter_learns(device: str = "cpu") -> list[Measured]:
    """Section 3: only dE/dL1 and dE/dL2 are needed; they are those of equation 5, and X is all that is kept."""
    layer, X = _layer(device), torch.randn(8, 16, 64, device=device).double().requires_grad_()
    plain = F.linear(X, layer.dequantized(X.dtype), layer.bias) + layer.s * (X @ layer.L1 @ layer.L2)
    off = apart(layer(X), plain, (X, layer.L1, layer.L2))
    trained = [name for name, p in layer.named_parameters() if p.requires_grad]
    return [
        at_most("outputs and gradients differ from equation 5 by", off, 1e-12),
        equal("L1 and L2 alone are trained", trained == ["L1", "L2"], True),
        equal("numbers kept for each of X", kept(layer, X), 1),
    ]


@exact
def claim_merging_keeps_the_outputs(device: str = "cpu") -> list[Measured]:
    """Section 3, equation 5: folded into the dequantised weight nothing moves; to quantise the sum again moves much."""
    layer, X = _layer(device), torch.randn(128, 64, device=device).double()
    merged = layer.merged()
    return [
        at_most("merged outputs differ by", far(merged(X), layer(X)), 1e-12),
        at_least("quantised again, by", far(NF4Linear(merged)(X), layer(X)), 0.01),
    ]


@exact
def claim_optimiser_state_is_paged(device: str = "cpu") -> list[Measured]:
    """Section 3: the optimiser's state lies in unified memory, from where it is paged out; its steps are AdamW's."""
    if not device.startswith("cuda"):
        raise NotHere("a GPU: what is paged is CUDA's unified memory")
    ours, theirs = (nn.Parameter(torch.ones(1024, 1024, device=device)) for _ in range(2))
    paged, plain = bnb.paged_adamw([ours], 1e-2), loop.adamw([theirs], 1e-2)
    ours.grad = theirs.grad = torch.randn_like(ours)
    before = torch.cuda.memory_allocated(device)
    paged.step()
    taken = torch.cuda.memory_allocated(device) - before
    plain.step()
    state = [t for t in paged.state[ours].values() if isinstance(t, Tensor) and t.numel() == ours.numel()]
    return [
        equal("tensors of state that are paged", sum(getattr(t, "is_paged", False) for t in state), 2),
        at_most("bytes of the GPU that a number's state takes, 8 without paging", taken / ours.numel(), 0.1),
        at_most("step differs from torch's AdamW by", far(ours, theirs), 1e-5),
    ]


@exact
def claim_the_equation_at_any_size(device: str = "cpu") -> list[Measured]:
    """Section 3, equation 5: outputs, gradients and the merged layer, whatever the sizes, the scale and the bias."""

    def layer_of(o: int, h: int, r: int, alpha: float, bias: bool, kernels: bool) -> tuple[nn.Linear, Any]:
        torch.manual_seed(o)
        base = nn.Linear(h, o, bias, device=device)
        layer = NF4Linear(base, r, alpha, kernels)
        nn.init.normal_(layer.L2)
        return base, layer

    def gap(shape: tuple[int, ...], **sizes: Any) -> float:
        base, layer = layer_of(**sizes)
        X = torch.randn(*shape, sizes["h"], device=device, requires_grad=True)
        s = sizes["alpha"] / sizes["r"]
        dd = double_dequantize(double_quantize(base.weight.detach()), base.weight.shape, torch.float32)
        plain = F.linear(X, dd, base.bias) + s * (X @ layer.L1 @ layer.L2)
        read = F.linear(X, layer.weight, layer.bias)  # as a model does it that multiplies by the weight itself
        off = apart(layer(X), plain, (X, layer.L1, layer.L2))
        return max(off, far(read, plain), far(layer.merged()(X), plain))

    def lost(**sizes: Any) -> float:
        base, layer = layer_of(**sizes)
        left = layer.dequantized(torch.float32) - base.weight
        return float((left.norm() / base.weight.norm()).detach())

    ranges: dict[str, Any] = {"o": (*SIZES, 48, 80, 100), "h": (*SIZES, 48, 80, 96, 131), "r": range(1, 5),
                              "alpha": SCALES, "bias": (True, False), "kernels": (True, False)}  # fmt: skip
    return [
        worst("outputs, gradients and merged outputs differ by", gap, 2e-5, shape=SHAPES, **ranges),
        worst("error of the weight in NF4", lost, 0.16, **ranges),
    ]


@exact
def claim_defaults(device: str = "cpu") -> list[Measured]:
    """Authors' code, qlora.py: rank 64 and alpha 16 on all Linears but the head; L1 as peft draws it."""
    model = apply(llama(device=device))
    found = {name for name, m in model.named_modules() if isinstance(m, NF4Linear)}
    layer: Any = model.get_submodule("model.layers.0.mlp.up_proj")
    L1 = NF4Linear(nn.Linear(400, 50).to(device), 100).L1
    return [
        equal("layers in 4 bits", len(found), 2 * 7),
        equal("the head is among them", any("lm_head" in name for name in found), False),
        equal("rank", len(layer.L2), 64),
        equal("largest number of L2 at the start", layer.L2.abs().max().item(), 0),
        equal("s", layer.s, 16 / 64),
        narrow(apply(llama(device=device).bfloat16())),
        reloaded(model, apply(llama(device=device)), save, load),
        at_most("deviation of L1 off 1/sqrt(3 h), share", abs(L1.std().item() * 1200**0.5 - 1), 0.02),
        at_most("its largest over 1/sqrt(h)", L1.abs().max().item() * 400**0.5, 1),
    ]


@parity
def claim_bitsandbytes_agrees(device: str = "cpu") -> list[Measured]:
    """Section 3 and appendix E: bitsandbytes has the same values, and makes the same bytes and the same weights."""
    functional, w = library("bitsandbytes").functional, torch.randn(512, 512, device=device)
    nf4, float8 = normal_float(w.device), dynamic_float(w.device)
    ours, (W, state) = double_quantize(w), functional.quantize_4bit(w, quant_type="nf4", compress_statistics=True)
    theirs = Quantized(W.flatten(), state.absmax, state.state2.absmax, state.offset, state.code, state.state2.code)
    steps = (ours.c2.int() - theirs.c2.int()).abs()
    weights = double_dequantize(theirs, w.shape, w.dtype), functional.dequantize_4bit(W, state)
    few = 0 if device == "cpu" else 1e-4
    uneven = [_weight_error(device, o, h) for o, h in ((48, 80), (33, 100), (7, 131))]
    return [
        at_most("NF4 values differ by", far(nf4, functional.get_4bit_type("nf4", device=device)), 1.2e-7),
        equal("8-bit values differ by", far(float8, functional.create_dynamic_map().to(device)), 0),
        at_most("share of bytes that differ", (ours.W != theirs.W).float().mean().item(), few),
        # near the middle between two 8-bit values its kernel for CPUs takes, now and then, the further one
        at_most("share of 8-bit constants that differ", (steps > 0).float().mean().item(), 0.01),
        at_most("by how many steps", steps.max().item(), 1),
        equal("the same bytes, dequantised, differ by", far(*weights), 0),
        # its own functions for CPUs read such rows wrongly: they begin a block with each
        at_most("where 64 does not divide a row, error of a weight by its kernels", max(uneven), 0.12),
    ]


@parity
def claim_peft_agrees(device: str = "cpu") -> list[Measured]:
    """Section 3, equation 5: peft on bitsandbytes with the same L1 and L2 has the same outputs and gradients."""
    peft = library("peft")
    torch.manual_seed(0)
    base = library("bitsandbytes").nn.Linear4bit(64, 48, compute_dtype=torch.float32, quant_type="nf4").to(device)
    ours = NF4Linear(base, rank=4)
    nn.init.normal_(ours.L2)
    theirs: Any = peft.get_peft_model(nn.Sequential(base), peft.LoraConfig(r=4, lora_alpha=16, target_modules=["0"]))
    A, B = (getattr(theirs.base_model.model[0], name)["default"].weight for name in ("lora_A", "lora_B"))
    with torch.no_grad():
        A.copy_(ours.L1.T), B.copy_(ours.L2.T)
    X = torch.randn(8, 16, 64, device=device, requires_grad=True)
    Y, expected = ours(X), theirs(X)
    g = torch.randn_like(Y)
    dX, dL1, dL2 = torch.autograd.grad(Y, (X, ours.L1, ours.L2), g)
    gaps = map(far, (dX, dL1.T, dL2.T), torch.autograd.grad(expected, (X, A, B), g))
    file = ours.factors()
    return [
        at_most("outputs differ by", far(Y, expected), 1e-6),
        at_most("gradients differ by", max(gaps), 1e-6),
        at_most(
            "what its files say of the update differs from it by", far(file.s * file.B @ file.A, ours.delta()), 1e-6
        ),
    ]


@direction
def claim_training_makes_good_what_4_bits_lose(device: str = "cpu") -> Measured:
    """Section 4, table 3: through NF4 an update reaches what it reaches beside the weights themselves."""
    ours, whole = (WORDS.right(WAYS[name], device) for name in ("NF4", "whole weights"))
    said = f"right answers {told(ours)}, beside whole weights {told(whole)}; behind, mean of 3 seeds"
    return shown(said, fmean(whole) - fmean(ours), fmean(whole) - fmean(ours) <= 0.05, "at most 0.05")


@direction
def claim_nf4_is_nearest_to_normal_weights(device: str = "cpu") -> list[Measured]:
    """Section 3: NF4 is made for weights that are normally distributed; integers and floats of 4 bits lose more."""
    torch.manual_seed(0)
    draws = torch.randn(3, 2**18).to(device)
    errors = [[((_rounded(w, code) - w).norm() / w.norm()).item() for w in draws] for code in _types(device).values()]
    return _lowest("relative error on N(0, 1), 3 draws", errors)


@direction
def claim_nf4_loses_least_of_a_language_model(
    device: str = "cpu", model: str = "tiny", rows: int = 16, cases: int = 3
) -> list[Measured]:
    """Table 2: NF4 raises the perplexity less than E2M1, this less than INT4; double quantisation is next to free."""
    try:
        base, tokenizer = models.load(model, device)
    except LabError as e:
        raise NotHere(str(e)) from None
    linears = [m for name, m in base.named_modules() if isinstance(m, nn.Linear) and not name.endswith("lm_head")]
    weights = [m.weight.detach().clone() for m in linears]
    held = [next(texts.glosses().batches(tokenizer, 128, rows, seed)) for seed in range(cases)]

    @torch.no_grad()
    def nats(change: Callable[[Tensor], Tensor]) -> list[float]:
        for m, w in zip(linears, weights, strict=True):
            m.weight.copy_(change(w))
        return [losses.batch_loss(base, {k: v.to(device) for k, v in batch.items()}).item() for batch in held]

    whole = fmean(nats(lambda w: w))
    found = [[x - whole for x in nats(functools.partial(_rounded, code=code))] for code in _types(device).values()]
    twice = fmean(nats(lambda w: double_dequantize(double_quantize(w), w.shape, w.dtype))) - whole - fmean(found[0])
    lost = "nats a token lost by quantising the constants too"
    return [*_lowest("nats a token lost", found), shown(lost, twice, abs(twice) < 0.01, "under 0.01")]


@direction
def claim_nf4_loses_least_of_smollm2(device: str = "cpu") -> list[Measured]:
    """Table 2, on SmolLM2-135M, which has been in 4 bits once before it came here."""
    return claim_nf4_loses_least_of_a_language_model(device, "smollm2", rows=2, cases=1)


@headline
def claim_65b_on_one_gpu() -> list[Measured]:
    """Abstract and table 2: what it makes possible, and what NF4 is worth."""
    return [
        quoted("65B parameters fine-tuned on one GPU of 48 GB, as well as in 16 bits", "abstract"),
        quoted("Guanaco reaches 99.3 % of ChatGPT on the Vicuna benchmark after 24 hours on one GPU", "abstract"),
        quoted("mean perplexity: Int4 34.34, E2M1 31.07, E3M0 29.48, NF4 with double quantisation 27.41", "table 2"),
    ]


# --- what the claims stand on -------------------------------------------------------


def _layer(device: str) -> NF4Linear:
    """A layer as it is after training: L2 is not zero."""
    torch.manual_seed(0)
    layer = NF4Linear(nn.Linear(64, 48, device=device, dtype=torch.float64), rank=4)
    nn.init.normal_(layer.L2, std=0.1)
    return layer


def _weight_error(device: str, o: int, h: int) -> float:
    """Of a weight of this shape in NF4, relative."""
    base = nn.Linear(h, o).to(device)
    return float((NF4Linear(base, 1).dequantized(torch.float32) - base.weight).norm() / base.weight.norm())


def _types(device: str) -> dict[str, Tensor]:
    """4-bit types scaled to [-1, 1]. bitsandbytes' FP4 has 1/192 where E2M1 has 1/12."""
    thirds = [1 / 6, 1 / 4, 1 / 3, 1 / 2, 2 / 3, 1]
    halves = {"E2M1": [1 / 12, *thirds], "INT4": [i / 7 for i in range(1, 8)], "bitsandbytes' FP4": [1 / 192, *thirds]}
    types = {name: torch.tensor([*(-x for x in half[::-1]), 0, *half]).to(device) for name, half in halves.items()}
    return {"NF4": normal_float(torch.device(device))} | types


def _rounded(w: Tensor, code: Tensor) -> Tensor:
    return dequantize(*quantize(w, code, BLOCK), code, BLOCK).view_as(w)


def _lowest(what: str, found: list[list[float]]) -> list[Measured]:
    """In the mean, NF4 below each other type, and E2M1 below INT4."""
    nf4, e2m1, int4, fp4 = map(fmean, found)
    return [
        shown(f"{what}: NF4", nf4, nf4 < min(e2m1, int4, fp4), "the lowest"),
        shown(f"{what}: E2M1", e2m1, nf4 < e2m1 < int4, "between NF4 and INT4"),
        shown(f"{what}: INT4", int4, nf4 < int4, "above NF4"),
        shown(f"{what}: bitsandbytes' FP4", fp4, nf4 < fp4, "above NF4"),
    ]


def _low_rank(in_4_bits: bool, model: Any, _: object) -> nn.Module:
    """If not in 4 bits, the same update beside the weights."""
    weights = {name: m.weight for name, m in model.named_modules() if isinstance(m, nn.Linear)}
    adapted = apply(model, rank=8)
    for name, layer in adapted.named_modules():
        if isinstance(layer, NF4Linear) and not in_4_bits:
            vars(layer)["dequantized"] = weights[name].to
    return adapted


WORDS = Contest("words", 100)
WAYS = {"NF4": Way(functools.partial(_low_rank, True), 1e-2),
        "whole weights": Way(functools.partial(_low_rank, False), 1e-2)}  # fmt: skip
