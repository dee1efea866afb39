r"""LLM-Adapters: small bottleneck networks, after a layer (series) or beside it (parallel), in a frozen model.

Hu et al. 2023, arXiv:2304.01933, section 2:

    H_o <- H_o + s f(H_o W_down) W_up        series
    H_o <- H_o + s f(H_i W_down) W_up        parallel

    H_i  (..., k)  what goes into the layer      W_down  (d, b) in series, (k, b) in parallel
    H_o  (..., d)  what comes out of it          W_up    (b, d)

f is not linear (tanh in the authors' code), so unlike LoRA's update these do not fold into the weight. With f the
identity the parallel adapter is LoRA of rank b with alpha = b.

Section 4.1 looks for the best place: series adapters after the MLP, parallel ones within it. As in the authors' code a
place is a set of Linears: after the MLP of a Llama is `down_proj`, within it all three. Their code (bottleneck.py) also
puts series adapters in front of `gate_proj` and `up_proj`, and draws both matrices from a Gaussian of deviation 0.02,
so that training does not start at the base; with `init="zero"`, its "mam_adapter", it does.

Left out: prefix-tuning and LoRA, which this paper compares with and have files of their own; dropout; learned scale.
"""

# ruff: noqa: N803, N806 - the names are the paper's
from __future__ import annotations

import copy
import dataclasses
import functools
import statistics
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

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
from refimpl._lab import adapter, loop, models, tasks
from refimpl._lab import demo as lab
from refimpl._surgery import freeze, swap, trainable

PAPER = "hu2023llmadapters"
FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {"tanh": torch.tanh, "relu": torch.relu, "identity": lambda x: x}
PLACES: dict[str, dict[str, tuple[str, ...]]] = {
    "series": {"mlp": ("down_proj",), "attention": ("o_proj",)},
    "parallel": {"mlp": ("gate_proj", "up_proj", "down_proj"), "attention": ("q_proj", "k_proj", "v_proj", "o_proj")},
}


class AdapterLinear(nn.Module):
    """A frozen Linear with a bottleneck after it or beside it."""

    def __init__(self, base: nn.Linear, kind: str, b: int, f: str, init: str, s: float) -> None:
        super().__init__()
        k, d, weight = base.in_features, base.out_features, base.weight
        wide = torch.promote_types(weight.dtype, torch.float32) if weight.is_floating_point() else torch.float32
        self.base, self.series, self.f, self.s = base, kind == "series", FUNCTIONS[f], s
        self.W_down = nn.Parameter(torch.empty(d if self.series else k, b, dtype=wide, device=weight.device))
        self.W_up = nn.Parameter(torch.zeros(b, d, dtype=wide, device=weight.device))
        if init == "normal":
            nn.init.normal_(self.W_down, std=0.02)
            nn.init.normal_(self.W_up, std=0.02)
        else:
            nn.init.kaiming_uniform_(self.W_down.T, a=5**0.5)

    def forward(self, H_i: Tensor) -> Tensor:
        H_o: Tensor = self.base(H_i)  # (..., k) -> (..., d)
        H = H_o if self.series else H_i
        low = self.f(H @ self.W_down.to(H.dtype))  # (..., b)
        added: Tensor = low @ self.W_up.to(H.dtype)  # (..., d)
        return H_o + self.s * added


def apply(
    model: nn.Module, kind: str = "parallel", targets: Iterable[str] | None = None, b: int = 256,
    f: str = "tanh", init: str = "normal", s: float = 1.0,
) -> nn.Module:  # fmt: skip
    """Freeze `model` in place and give each Linear whose last name is a target (the MLP's, by default) an adapter."""
    for said, known in ((kind, ("series", "parallel")), (f, tuple(FUNCTIONS)), (init, ("normal", "zero"))):
        if said not in known:
            raise ValueError(f"no {said!r}: take one of {', '.join(known)}")
    if b < 1:
        raise ValueError(f"a bottleneck of {b}: take 1 or more")
    freeze(model)
    swap(model, nn.Linear, lambda base: AdapterLinear(base, kind, b, f, init, s), targets or PLACES[kind]["mlp"])
    return model


def save(model: nn.Module, folder: str | Path) -> Path:
    """Write W_down and W_up, and nothing else."""
    return adapter.save(model, Path(folder), {"method": "llm_adapters"})


def load(model: nn.Module, folder: str | Path) -> dict[str, Any]:
    """Put saved adapters into a model to which `apply` was applied with the same options."""
    return adapter.load(model, Path(folder))


def demo(kind: str = "parallel", b: int = 32, **options: Any) -> dict[str, Any]:
    """Adapt a base model to a task; before and after, and what it cost. There is nothing to merge."""
    said: dict[str, Any] = {"kind": kind, "b": b}
    return lab.run("llm_adapters", lambda model: apply(model, **said), options=said, **{"lr": 1e-2, **options})


# --- what the paper says, as functions that measure, and fail when it is not so ---


@exact
def claim_the_equations(device: str = "cpu") -> list[Measured]:
    """Section 2: series and parallel adapters compute the two equations, and they alone learn."""
    found = []
    for kind in ("series", "parallel"):
        layer, x = _layer(device, kind)
        H_o = layer.base(x)
        expected = H_o + torch.tanh((H_o if kind == "series" else x) @ layer.W_down) @ layer.W_up
        layer(x).sum().backward()
        frozen = sum(q.grad is not None for q in layer.base.parameters())
        found += [
            at_most(f"{kind}: outputs differ by", _gap(layer(x), expected), 1e-12),
            equal(f"{kind}: frozen weights with a gradient", frozen, 0),
        ]
    return found


@exact
def claim_only_a_zero_w_up_starts_as_the_base(device: str = "cpu") -> list[Measured]:
    """Section 2: H_o is the base's exactly where W_up is 0; drawn as the authors' code draws it, it is not."""
    moved = {}
    for init in ("zero", "normal"):
        layer, x = _layer(device, init=init, spread=False)
        moved[init] = _gap(layer(x), layer.base(x))
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
            left["folded"] = _gap(x @ folded, H_o)
    return [
        at_most("identity: the folded weight differs by", left["folded"], 1e-12),
        at_most("identity: left by the best matrix", left["identity"], 1e-12),
        at_least("tanh: left by the best matrix", left["tanh"], 1e-2),
    ]


@parity
def claim_without_f_it_is_peft_s_lora(device: str = "cpu") -> list[Measured]:
    """Section 2: with f the identity, peft's LoRA with alpha = r = b has the same outputs and gradients."""
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError:
        raise NotHere("pip install peft") from None
    layer, x = _layer(device, f="identity")
    config = LoraConfig(r=8, lora_alpha=8, target_modules=["0"])
    theirs: Any = get_peft_model(nn.Sequential(copy.deepcopy(layer.base)), config)
    A, B = (getattr(theirs.base_model.model[0], name)["default"].weight for name in ("lora_A", "lora_B"))
    with torch.no_grad():
        A.copy_(layer.W_down.T), B.copy_(layer.W_up.T)
    h, expected, g = layer(x), theirs(x), torch.randn(256, 48, device=device, dtype=x.dtype)
    ours = torch.autograd.grad(h, (layer.W_down, layer.W_up), g)
    peft = torch.autograd.grad(expected, (A, B), g)
    return [
        at_most("outputs differ by", _gap(h, expected), 1e-12),
        at_most("gradients differ by", max(_gap(a.T, b) for a, b in zip(ours, peft, strict=True)), 1e-12),
    ]


@direction
def claim_the_best_place(device: str = "cpu") -> list[Measured]:
    """Section 4.1: series adapters are best after the MLP, parallel ones within it; `tiny` to Python, equal budgets."""
    pairs = [(kind, place) for kind in ("series", "parallel") for place in ("attention", "both")]
    return [_less((kind, "mlp"), (kind, place), device) for kind, place in pairs]


@direction
def claim_series_then_parallel_then_lora(device: str = "cpu") -> list[Measured]:
    """Section 4.2: parallel is better than series, LoRA than both; `tiny` to Python, equal budgets at the MLP."""
    pairs = (("parallel", "series"), ("lora", "parallel"))
    return [_less((better, "mlp"), (worse, "mlp"), device) for better, worse in pairs]


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
    layer = AdapterLinear(freeze(base), kind, 8, f, init, 1.0)  # type: ignore[arg-type]
    if spread:
        nn.init.normal_(layer.W_down, std=0.2), nn.init.normal_(layer.W_up, std=0.2)
    return layer, torch.randn(256, 64, device=device, dtype=torch.float64)


def _gap(a: Tensor, b: Tensor) -> float:
    """The largest difference, relative to the largest number."""
    return ((a - b).abs().max() / b.abs().max()).item()


BUDGET = 24_576  # trained numbers in each block of `tiny`, up to what does not divide
RATES = {("series", "attention"): 1e-2, ("lora", "mlp"): 1e-2}  # best of three on another seed; 3e-2 for the others


def _less(one: tuple[str, str], other: tuple[str, str], device: str) -> Measured:
    """Whether one method at one place leaves less than another, on each of the seeds."""
    a, b = _nats(*one, device), _nats(*other, device)
    said = " against ".join(f"{m} {p} {statistics.mean(x):.2f} (sd {statistics.stdev(x):.2f})"
                            for (m, p), x in ((one, a), (other, b)))  # fmt: skip
    worst = max(x - y for x, y in zip(a, b, strict=True))
    return shown(f"nats a token, {said}; difference on the worst of 3 seeds", worst, worst < 0, "under 0")


@functools.cache
def _nats(method: str, place: str, device: str) -> list[float]:
    """Nats a token on held-out Python after training `tiny` on it, 3 seeds; LoRA is parallel with f the identity."""
    task, found = dataclasses.replace(tasks.python(), rows=8), []
    kind, f = ("parallel", "identity") if method == "lora" else (method, "tanh")
    targets = [name for where, names in PLACES[kind].items() if place in (where, "both") for name in names]
    for seed in range(3):
        model, tokenizer = models.load("tiny", device)
        each = trainable(apply(copy.deepcopy(model), kind, targets, b=1)) // model.config.num_hidden_layers
        torch.manual_seed(seed)
        apply(model, kind, targets, BUDGET // each, f, "zero")
        loop.train(model, tokenizer, task, steps=20, lr=RATES.get((method, place), 3e-2), batch=4, length=32, seed=seed)
        found.append(task.evaluate(model, tokenizer).value)
    return found
