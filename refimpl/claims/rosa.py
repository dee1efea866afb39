"""RoSA: what the paper says, as functions that measure, and fail when it is not so."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from refimpl._claims import Measured, at_most, equal, library, quoted, shown
from refimpl._drawn import SCALES, SHAPES, SIZES, worst
from refimpl._kinds import direction, exact, headline, parity
from refimpl._lab.contest import Contest, Way, ahead
from refimpl._lab.loop import Data
from refimpl._surgery import trainable
from refimpl._toys import apart, far, fitted, kept, llama, narrow, reloaded
from refimpl.rosa import RoSALinear, add, apply, find_masks, load, merge, save, warm_up


@exact
def claim_starts_as_the_base(device: str = "cpu") -> list[Measured]:
    """Section 3: before training both updates are zero; a warm-up trains A and B alone, and leaves no trace."""
    base, x, y = _task(device)
    model = apply(nn.Sequential(copy.deepcopy(base)), None, 2, 4, DENSITY)
    frozen = trainable(model)
    fitted(model, x, y, 10, 0.03, falls=True)
    find_masks(model, [partial(_error, model, x, y)])
    return [
        equal("numbers trained in the warm-up", frozen, 2 * (64 + 64)),
        equal("outputs differ from the base's after it by", far(model(x), base(x)), 0),
        equal("the frozen weight moved by", far(_layer(model).base.weight, base.weight), 0),
    ]


@exact
def claim_the_mask_is_the_top_of_the_squared_gradients(device: str = "cpu") -> list[Measured]:
    """Section 3, Algorithm 1: each layer's mask holds the floor(density d k) largest sums of squared gradients."""
    base, x, y = _task(device)
    model = apply(nn.Sequential(copy.deepcopy(base)), None, 2, 4, DENSITY)
    parts = list(zip(x.view(4, 64, 64), y.view(4, 64, 64), strict=True))
    find_masks(model, [partial(_error, model, *part) for part in parts])
    left = sum(p.grad is not None for p in model.parameters())
    thawed = _layer(model).base.weight.requires_grad_()
    _error(model, *parts[0]).backward()
    lost = int(thawed.grad is None)
    model.zero_grad()
    thawed.requires_grad_(False)
    W = base.weight.detach().clone().requires_grad_()
    G = sum(torch.autograd.grad(F.mse_loss(F.linear(a, W), b), W)[0] ** 2 for a, b in parts)
    assert isinstance(G, Tensor)
    at = _layer(model).at
    inside, outside = G.flatten()[at], G.flatten().index_fill(0, at, 0)
    fitted(model, x, y, 20, 0.03, falls=True)
    signed = apply(nn.Sequential(copy.deepcopy(base)), None, 2, 4, DENSITY)
    find_masks(signed, [partial(_error, signed, *part) for part in parts], power=1)
    total = sum(torch.autograd.grad(F.mse_loss(F.linear(a, W), b), W)[0] for a, b in parts)
    assert isinstance(total, Tensor)
    largest = set(total.abs().flatten().topk(len(at)).indices.tolist())
    return [
        equal("with a power of 1, positions not of the largest sums", len(largest - {*_layer(signed).at.tolist()}), 0),
        equal("gradients that looking for it leaves", left, 0),
        equal("gradients that are taken from who thaws a weight afterwards", lost, 0),
        equal("positions in the mask", len(set(at.tolist())), int(DENSITY * 64 * 64)),
        equal("positions outside with a larger sum than one inside", int((outside > inside.min()).sum()), 0),
        equal("positions that training moved", int((_layer(model).at != at).sum()), 0),
    ]


@exact
def claim_only_the_mask_changes(device: str = "cpu") -> list[Measured]:
    """Section 3: the update has rank r outside the mask, at a cost of r (d + k) + floor(density d k) numbers."""
    base, x, y = _task(device)
    model = _rosa(base, x, y, rank=2, density=DENSITY)
    layer, count = _layer(model), trainable(model)
    S = add(torch.zeros_like(base.weight), layer.v, layer.at)
    rest = merge(model).get_parameter("0.weight") - base.weight - S  # sBA
    return [
        equal("trained numbers", count, 2 * (64 + 64) + int(DENSITY * 64 * 64)),
        equal("nonzero numbers in S", int(S.count_nonzero()), int(DENSITY * 64 * 64)),
        equal("rank of the rest of the update", torch.linalg.matrix_rank(rest, rtol=1e-9).item(), 2),
    ]


@exact
def claim_the_gradient_of_the_sparse_part_is_sparse(device: str = "cpu") -> list[Measured]:
    """Section 3: the gradients are autograd's, that of S has one entry for each place of M, and only x is kept."""
    base, x, y = _task(device)
    model = _rosa(base, x, y, rank=2, density=DENSITY, steps=5)
    layer, x = _layer(model), x.requires_grad_()
    plain = F.linear(x, add(layer.base.weight, layer.v, layer.at) + layer.s * layer.B @ layer.A)
    (dv,) = torch.autograd.grad(model(x).sum(), layer.v)
    return [
        at_most("outputs and gradients differ by", apart(model(x), plain, (x, layer.A, layer.B, layer.v)), 1e-12),
        equal("numbers in the gradient of S", dv.numel(), int(DENSITY * 64 * 64)),
        equal("numbers kept for each number of x", kept(model, x), 1),
    ]


@exact
def claim_the_equation_at_any_size(device: str = "cpu") -> list[Measured]:
    """Section 3: outputs, gradients, the merged layer and the mask, whatever the sizes, the scale and the bias."""

    def gap(k: int, d: int, r: int, alpha: float, density: float, bias: bool, shape: tuple[int, ...]) -> float:
        torch.manual_seed(k)
        base = nn.Linear(k, d, bias, device=device, dtype=torch.float64)
        model = apply(nn.Sequential(copy.deepcopy(base)), ("0",), r, alpha, density)
        layer = _layer(model)
        layer.mask(torch.rand_like(base.weight))
        nn.init.normal_(layer.B), nn.init.normal_(layer.v)
        x = torch.randn(*shape, k, device=device, dtype=torch.float64, requires_grad=True)
        s = alpha / r if r else 0.0
        S = torch.zeros_like(base.weight).flatten().index_put((layer.at,), layer.v).view(d, k)
        plain = F.linear(x, base.weight.detach() + S + s * layer.B @ layer.A, base.bias)
        off = apart(model(x), plain, (x, layer.v, *((layer.A, layer.B) if r else ())))
        read = F.linear(x, layer.weight, layer.bias)  # as a model does it that multiplies by the weight itself
        return max(off, far(read, plain), far(merge(model)(x), plain))

    def wrong(k: int, d: int, density: float, batches: int) -> float:
        """Places of the mask that are not those of the largest sums of squared gradients."""
        torch.manual_seed(d)
        base = nn.Linear(k, d, device=device, dtype=torch.float64)
        model = apply(nn.Sequential(copy.deepcopy(base)), ("0",), 1, 1.0, density)
        x, y = (torch.randn(batches, 9, n, device=device, dtype=torch.float64) for n in (k, d))
        find_masks(model, [partial(_error, model, a, b) for a, b in zip(x, y, strict=True)])
        W = base.weight.detach().requires_grad_()
        g = [torch.autograd.grad(F.mse_loss(F.linear(a, W, base.bias), b), W)[0] for a, b in zip(x, y, strict=True)]
        top = torch.stack(g).square().sum(0).flatten().topk(int(density * k * d)).indices
        return float(len({*top.tolist()} ^ {*_layer(model).at.tolist()}))

    sizes: dict[str, Any] = {"k": SIZES, "d": SIZES, "density": (0.13, 0.29, 0.53)}
    return [
        worst("outputs, gradients and merged outputs differ by", gap, 1e-12, **sizes, r=range(4), alpha=SCALES,
              bias=(True, False), shape=SHAPES),
        worst("places that are not those of the largest sums", wrong, 0, **sizes, batches=range(2, 5)),
    ]  # fmt: skip


@exact
def claim_defaults(device: str = "cpu") -> list[Measured]:
    """Authors' code, peft-rosa's config.py: rank 8; alpha of 16 and a Gaussian A, of variance 1/k, are our choice."""
    model = apply(llama(device=device))
    layers = {name: m for name, m in model.named_modules() if isinstance(m, RoSALinear)}
    layer = layers["model.layers.0.mlp.up_proj"]
    half, other = _masked(apply(llama(device=device).bfloat16())), apply(llama(device=device))
    A = RoSALinear(nn.Linear(400, 50).to(device), 100, 1.0, 0.1).A
    return [
        equal("layers adapted, all but the head", len(layers), 2 * 7),
        equal("rank", len(layer.A), 8),
        equal("largest number of B at the start", layer.B.abs().max().item(), 0),
        equal("s, of alpha 16", layer.s, 2),
        narrow(half),
        reloaded(_masked(model), other, save, load),
        equal("places at a density of 0.006", len(layer.at), int(0.006 * 64 * 128)),
        at_most("deviation of A off 1/sqrt(k), share", abs(A.std().item() * 400**0.5 - 1), 0.02),
    ]


@parity
def claim_peft_agrees(device: str = "cpu") -> list[Measured]:
    """Section 3: peft's sparse SHiRA with this mask, and its LoRA on top, have the same outputs and merged weight."""
    peft = library("peft")
    torch.manual_seed(0)
    base = nn.Linear(64, 64, device=device)
    model = apply(nn.Sequential(copy.deepcopy(base)), None, 4, 8, DENSITY)
    ours = _layer(model)
    ours.mask(torch.rand_like(base.weight))
    nn.init.normal_(ours.B), nn.init.normal_(ours.v)
    config = peft.ShiraConfig(r=2, target_modules=["0"])  # 2 (64 + 64) numbers, as many as DENSITY gives
    config.mask_fn = lambda *_, **__: add(torch.zeros_like(base.weight), torch.ones_like(ours.v), ours.at)
    theirs: Any = peft.get_peft_model(nn.Sequential(copy.deepcopy(base)), config, mixed=True)
    theirs.add_adapter("low", peft.LoraConfig(r=4, lora_alpha=8, target_modules=["0"]))
    theirs.set_adapter(["default", "low"])
    layer = theirs.base_model.model[0]
    own = [ours.v, ours.A, ours.B]
    others = [layer.base_layer.shira_weight["default"], layer.lora_A["low"].weight, layer.lora_B["low"].weight]
    with torch.no_grad():
        for mine, other in zip(own, others, strict=True):
            other.copy_(mine)
    x = torch.randn(8, 16, 64, device=device)
    off = apart(model(x), theirs(x), own, others)
    merged, expected_weight = merge(model).get_parameter("0.weight"), theirs.merge_and_unload()[0].weight
    return [
        at_most("outputs and gradients of v, A and B differ by", off, 1e-6),
        at_most("merged weights differ by", far(merged, expected_weight), 1e-6),
    ]


@direction
def claim_low_rank_and_sparse_need_each_other(device: str = "cpu") -> list[Measured]:
    """Section 3: with 512 numbers to learn an update of rank 2 with 256 outliers, RoSA beats each part, and chance."""
    left: dict[str, list[float]] = {"RoSA": [], "LoRA": [], "sparse alone": [], "RoSA with a random mask": []}
    for seed in range(3):
        base, x, y = _task(device, seed)
        zero = F.mse_loss(base(x), y)
        made = (
            _rosa(base, x, y, rank=2, density=DENSITY),
            _rosa(base, x, y, rank=4, density=0),
            _rosa(base, x, y, rank=0, density=2 * DENSITY),
            _rosa(base, x, y, rank=2, density=DENSITY, chance=True),
        )
        for errors, model in zip(left.values(), made, strict=True):
            errors.append((F.mse_loss(model(x), y) / zero).item())
    ours = max(left.pop("RoSA"))
    return [shown("error left by RoSA, worst of 3 seeds", ours, ours < 0.1, "under 0.1")] + [
        shown(f"error left by {name}, best of 3 seeds", min(errors), min(errors) > ours, "more than by RoSA")
        for name, errors in left.items()
    ]


@direction
def claim_better_than_its_parts_on_a_language_model(device: str = "cpu") -> list[Measured]:
    """Abstract: RoSA outperforms LoRA and pure sparse fine-tuning at the same budget of parameters.

    It takes a task that low rank alone does not reach, as the authors chose theirs: here rank 2 is all that this small
    model can copy.
    """
    found = {name: TASK.right(way, device) for name, way in WAYS.items()}
    ours = found.pop("RoSA")
    return [ahead(ours, others, name) for name, others in found.items()]


@headline
def claim_results_on_llama() -> list[Measured]:
    """Abstract: against LoRA, pure sparse and hybrid fine-tuning at the same parameter budget, and full fine-tuning."""
    return [
        quoted("better than LoRA, pure sparse fine-tuning and other hybrids at the same budget", "abstract"),
        quoted("the performance of full fine-tuning recovered on some tasks", "abstract"),
    ]


# --- a task with a known answer, and the rungs of the ladder ------------------------

DENSITY = 1 / 16


def _rung(rank: int, share: int, model: Any, data: Data) -> Any:
    """A rank, and as many sparse numbers as LoRA of rank `share` has, at the places of the largest gradients."""
    adapted = apply(model, None, rank, 2.0 * rank, _density(model, share))
    if share:
        warm_up(adapted, data, 20 if rank else 0, 4)
    return adapted


TASK = Contest("json", 30, 4)
WAYS = {  # as many numbers each
    "RoSA": Way(partial(_rung, 1, 1), 1e-2), "LoRA": Way(partial(_rung, 2, 0), 1e-2),
    "sparse adaptation": Way(partial(_rung, 0, 2), 1e-2),
}  # fmt: skip


def _task(device: str, seed: int = 0) -> tuple[nn.Linear, Tensor, Tensor]:
    """A layer, inputs, and the layer's outputs after an update of rank 2 with 256 outliers."""
    torch.manual_seed(seed)
    base = nn.Linear(64, 64, bias=False).double()
    x, shift = torch.randn(256, 64).double(), (torch.randn(64, 2) @ torch.randn(2, 64)).double() / 4
    shift.view(-1)[torch.randperm(4096)[:256]] += 2 * torch.randn(256).double()
    y = F.linear(x, base.weight + shift).detach()
    return base.to(device), x.to(device), y.to(device)


def _rosa(
    base: nn.Linear, x: Tensor, y: Tensor, rank: int, density: float, chance: bool = False, steps: int = 300
) -> nn.Module:
    """The trained update: 100 steps of warm-up, the mask, and `steps` from the start."""
    model = apply(nn.Sequential(copy.deepcopy(base)), None, rank, 2 * rank, density)
    if chance:
        _layer(model).mask(torch.rand_like(base.weight))
    elif density:
        fitted(model, x, y, 100 if rank else 0, 0.03, falls=True)
        find_masks(model, [partial(_error, model, x, y)])
    return fitted(model, x, y, steps, 0.03, falls=True)


def _error(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    return F.mse_loss(model(x), y)


def _layers(model: nn.Module) -> list[RoSALinear]:
    return [m for m in model.modules() if isinstance(m, RoSALinear)]


def _layer(model: nn.Module) -> RoSALinear:
    return _layers(model)[0]


def _masked(model: Any) -> Any:
    """With masks at random."""
    for layer in _layers(model):
        layer.mask(torch.rand_like(layer.A.new_empty(layer.base.weight.shape)))
    return model


def _density(model: nn.Module, ranks: int) -> float:
    """At which S has as many numbers as A and B have at this rank."""
    shapes = [m.weight.shape for name, m in model.named_modules() if isinstance(m, nn.Linear) and name != "lm_head"]
    return sum(ranks * sum(shape) for shape in shapes) / sum(shape.numel() for shape in shapes)
