"""LLM-Adapters: what the paper says, as functions that measure, and fail when it is not so."""

from __future__ import annotations

import copy
import functools
import itertools
from dataclasses import replace
from statistics import fmean
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from refimpl import _targets
from refimpl._claims import Measured, NotHere, at_least, at_most, equal, library, quoted, refused
from refimpl._drawn import SCALES, SHAPES, SIZES, worst
from refimpl._kinds import direction, exact, headline, parity
from refimpl._lab import LabError, models, near
from refimpl._lab.choices import choose
from refimpl._lab.contest import Contest, Way, ahead
from refimpl._lab.generate import encode
from refimpl._surgery import freeze, trainable
from refimpl._toys import apart, far, llama, narrow, reloaded
from refimpl.llm_adapters import PLACES, AdapterLinear, apply, load, save


@exact
def claim_only_a_zero_w_up_starts_as_the_base(device: str = "cpu") -> list[Measured]:
    """Section 2: H_o is the base's exactly where W_up is 0; drawn as the authors' code draws it, it is not."""
    moved = {}
    for init in ("zero", "normal"):
        layer, x = _layer(device, init=init, spread=False)
        moved[init] = far(layer(x), layer.base(x))
    return [
        equal("outputs moved by the start with W_up = 0", moved["zero"], 0),
        at_least("by the authors' default", moved["normal"], 1e-4),
    ]


@exact
def claim_trained_numbers() -> list[Measured]:
    """Section 2: a series adapter trains b (d + d) numbers, a parallel one b (k + d)."""
    model = nn.Sequential(nn.Linear(48, 32), nn.Linear(32, 8))
    series, parallel = (trainable(apply(copy.deepcopy(model), kind, ("0",), b=4)) for kind in ("series", "parallel"))
    return [equal("series", series, 4 * (32 + 32)), equal("parallel", parallel, 4 * (48 + 32))]


@exact
def claim_without_f_the_parallel_adapter_folds(device: str = "cpu") -> list[Measured]:
    """Section 2: with f the identity, W + s W_down W_up is the whole layer, as in LoRA; with tanh no matrix is."""
    left = {}
    for f in ("identity", "tanh"):
        layer, x = _layer(device, f=f)
        H_o = layer(x).detach() - layer.base.bias
        best = torch.linalg.lstsq(x, H_o).solution  # (k, d), the matrix that comes nearest
        left[f] = ((x @ best - H_o).norm() / H_o.norm()).item()
        folded = layer.base.weight.T + layer.s * layer.W_down @ layer.W_up
        if f == "identity":
            left["folded"] = far(x @ folded, H_o)
    return [
        at_most("identity: the folded weight differs by", left["folded"], 1e-12),
        at_most("identity: left by the best matrix", left["identity"], 1e-12),
        at_least("tanh: left by the best matrix", left["tanh"], 1e-2),
    ]


@exact
def claim_the_equations_at_any_size(device: str = "cpu") -> Measured:
    """Section 2: outputs and gradients of both equations, whatever the sizes, s, f and the bias."""

    def gap(kind: str, f: str, k: int, d: int, b: int, s: float, bias: bool, shape: tuple[int, ...]) -> float:
        torch.manual_seed(k)
        base = nn.Linear(k, d, bias).to(device, torch.float64)
        model = apply(nn.Sequential(copy.deepcopy(base)), kind, ("0",), b, f, "normal", s)
        layer: Any = model.get_submodule("0")
        nn.init.normal_(layer.W_down), nn.init.normal_(layer.W_up)
        x = torch.randn(*shape, k, device=device, dtype=torch.float64, requires_grad=True)
        H_o = F.linear(x, base.weight.detach(), base.bias)
        inner = (H_o if kind == "series" else x) @ layer.W_down
        inner = torch.tanh(inner) if f == "tanh" else F.relu(inner) if f == "relu" else inner
        return apart(model(x), H_o + s * inner @ layer.W_up, (x, layer.W_down, layer.W_up))

    return worst("outputs and gradients differ by", gap, 1e-12, kind=("series", "parallel"),
                 f=("tanh", "relu", "identity"), k=SIZES, d=SIZES, b=range(1, 5), s=SCALES, bias=(True, False),
                 shape=SHAPES)  # fmt: skip


@exact
def claim_defaults(device: str = "cpu") -> list[Measured]:
    """Authors' code, bottleneck.py:318-339: 256 wide, tanh, both drawn with 0.02, scale 1; section 4.1: at the MLP."""
    found = {kind: apply(llama(device=device), kind) for kind in ("series", "parallel")}
    places = {kind: {name.rpartition(".")[2] for name, m in model.named_modules() if isinstance(m, AdapterLinear)}
              for kind, model in found.items()}  # fmt: skip
    layer: Any = apply(llama(device=device)).get_submodule("model.layers.0.mlp.down_proj")
    x = torch.randn(7, 128, device=device)
    expected = layer.base(x) + torch.tanh(x @ layer.W_down) @ layer.W_up
    zero, _ = _layer(device, init="zero", spread=False)
    attention = tuple(PLACES[kind]["attention"] for kind in ("series", "parallel"))
    codes = nn.Linear(6, 4)
    codes.weight = nn.Parameter(codes.weight.to(torch.int8), requires_grad=False)
    coded = AdapterLinear(codes, "series", 2, "tanh", "zero", 1.0)
    wide = [(p.std().item() / 0.02) for p in (layer.W_down, layer.W_up)]
    return [
        equal("series stands after down_proj", places["series"] == {"down_proj"}, True),
        equal("parallel at all three", places["parallel"] == {"gate_proj", "up_proj", "down_proj"}, True),
        equal("in the attention: behind o, or at all four", attention == (("o",), ("q", "k", "v", "o")), True),
        equal("b", layer.W_down.shape[1], 256),
        equal("over codes of 8 bits, both are float32", coded.W_down.dtype == coded.W_up.dtype == torch.float32, True),
        *(narrow(apply(llama(device=device).bfloat16(), kind)) for kind in found),
        reloaded(found["series"], apply(llama(device=device), "series"), save, load),
        at_most("parallel with tanh and s = 1, outputs differ by", far(layer(x), expected), 1e-6),
        at_most("deviations off 0.02, share", max(abs(w - 1) for w in wide), 0.02),
        at_most(
            "with W_up = 0, W_down's largest over 1/sqrt(k)", largest := zero.W_down.abs().max().item() * 64**0.5, 1
        ),
        at_least("and so many", largest, 0.97),
        refused("a bottleneck of none", lambda: apply(llama(device=device), b=0), "take 1 or more"),
        at_least("and", zero.W_down.abs().max().item() * 64**0.5, 0.9),
    ]


@parity
def claim_without_f_it_is_peft_s_lora(device: str = "cpu") -> list[Measured]:
    """Section 2: with f the identity, peft's LoRA with alpha = r = b has the same outputs and gradients."""
    peft = library("peft")
    layer, x = _layer(device, f="identity")
    config = peft.LoraConfig(r=8, lora_alpha=8, target_modules=["0"])
    theirs: Any = peft.get_peft_model(nn.Sequential(copy.deepcopy(layer.base)), config)
    A, B = (getattr(theirs.base_model.model[0], name)["default"].weight for name in ("lora_A", "lora_B"))
    with torch.no_grad():
        A.copy_(layer.W_down.T), B.copy_(layer.W_up.T)
    h, expected, g = layer(x), theirs(x), torch.randn(256, 48, device=device, dtype=x.dtype)
    own, others = torch.autograd.grad(h, (layer.W_down, layer.W_up), g), torch.autograd.grad(expected, (A, B), g)
    return [
        at_most("outputs differ by", far(h, expected), 1e-12),
        at_most("gradients differ by", max(far(a.T, b) for a, b in zip(own, others, strict=True)), 1e-12),
    ]


@direction
def claim_a_small_model_passes_a_larger_one(device: str = "cpu") -> list[Measured]:
    """Abstract: with few trained parameters smaller models match or pass the zero-shot inference of far larger ones."""
    try:
        larger, tokenizer = models.load("smollm2", device)
    except LabError as e:
        raise NotHere(str(e)) from None
    asked = near.kind().scored()[: KIND.cases]
    chosen = choose(larger, tokenizer, [encode(tokenizer, q.asked) for q in asked], near.KINDS)
    alone = fmean(near.KINDS[c] == q.answer.strip() for c, q in zip(chosen, asked, strict=True))
    rows = []
    for kind in ("series", "parallel"):
        lead = ahead(_right(kind, "mlp", device), [alone] * 3, "SmolLM2, 51 times as large, choosing from the four,")
        rows.append(replace(lead, what=f"{kind} adapters: {lead.what}"))
    return rows


@direction
def claim_the_best_place(device: str = "cpu") -> list[Measured]:
    """Section 4.1: series adapters are best after the MLP, parallel ones within it; at equal budgets."""
    return [_ahead((kind, "mlp"), (kind, "attention"), device) for kind in ("series", "parallel")]


@direction
def claim_series_then_parallel_then_lora(device: str = "cpu") -> list[Measured]:
    """Section 4.2: parallel is better than series, LoRA than both; at equal budgets at the MLP.

    It takes LLaMA and its tasks: the table's means are 44.6, 46.4 and 46.9, and nearer to each other than two runs are
    that others report of one of them.
    """
    return [
        _ahead(("parallel", "mlp"), ("series", "mlp"), device),
        _ahead(("lora", "mlp"), ("parallel", "mlp"), device),
    ]


@headline
def claim_accuracy_of_llama() -> list[Measured]:
    """Section 4.2: accuracy on arithmetic, the mean of the sets that the authors' table has."""
    return [
        quoted("LLaMA-7B: prefix 35.0, series 44.6, parallel 46.4, LoRA 46.9", "README of the authors' code"),
        quoted("LLaMA-13B: prefix 38.8, series 48.9, parallel 50.2, LoRA 51.1", "README of the authors' code"),
    ]


# --- one layer, and the same budget in several places -----------------------------


def _layer(
    device: str, kind: str = "parallel", f: str = "tanh", init: str = "normal", spread: bool = True
) -> tuple[Any, Tensor]:
    """An adapted layer and inputs; `spread` makes its matrices as large as after long training."""
    torch.manual_seed(0)
    base = nn.Linear(64, 48).to(device, torch.float64)
    layer = AdapterLinear(freeze(base), kind, 8, f, init, 1.0)  # type: ignore[arg-type]  # `freeze` gives back the Linear it took
    if spread:
        nn.init.normal_(layer.W_down, std=0.2), nn.init.normal_(layer.W_up, std=0.2)
    return layer, torch.randn(256, 64, device=device, dtype=torch.float64)


BUDGET = 24_576  # trained numbers in each block of `tiny`, up to what does not divide


def _placed(method: str, place: str, model: Any, _: object) -> Any:
    """Adapters at a place, of the budget's size; LoRA is parallel with f the identity."""
    kind, f = ("parallel", "identity") if method == "lora" else (method, "tanh")
    targets = _targets.of(model, *PLACES[kind][place])
    each = trainable(apply(copy.deepcopy(model), kind, targets, b=1)) // model.config.num_hidden_layers
    return apply(model, kind, targets, BUDGET // each, f, "zero")


KIND = Contest("kind", 60, 4)
WAYS = {
    (method, place): Way(functools.partial(_placed, method, place), 1e-2)
    for method, place in itertools.product(("series", "parallel"), ("mlp", "attention"))
} | {("lora", "mlp"): Way(functools.partial(_placed, "lora", "mlp"), 1e-2)}


def _ahead(one: tuple[str, str], other: tuple[str, str], device: str) -> Measured:
    """Whether one method at one place is right more often than another, by more than chance."""
    found = ahead(_right(*one, device), _right(*other, device), " ".join(other))
    return replace(found, what=f"{' '.join(one)}: {found.what}")


@functools.cache
def _right(method: str, place: str, device: str) -> list[float]:
    return KIND.right(WAYS[method, place], device)
