"""LoRA: what the paper says, as functions that measure, and fail when it is not so."""

from __future__ import annotations

import copy
import functools
import tempfile
from collections.abc import Callable
from statistics import fmean
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from refimpl._claims import Measured, at_most, equal, library, quoted, shown
from refimpl._drawn import SCALES, SHAPES, SIZES, worst
from refimpl._kinds import direction, exact, headline, parity
from refimpl._lab.contest import Contest, Way, told
from refimpl._surgery import trainable
from refimpl._toys import apart, far, fitted, kept, llama, narrow, reloaded
from refimpl.lora import LINEARS, RATE, RATE_OF_ALL, LoRALinear, apply, load, merge, save, save_peft, unmerge


@exact
def claim_starts_as_the_base(device: str = "cpu") -> list[Measured]:
    """Section 4.1: BA is zero at the beginning of training; only B learns from the first step."""
    base, x, y = _task(device)
    model = apply(copy.deepcopy(base), ("0", "2"), rank=4)
    moved = far(model(x), base(x))
    F.mse_loss(model(x), y).backward()
    grads = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    return [
        equal("outputs moved by", moved, 0),
        equal("frozen weights with a gradient", sum("base" in name for name in grads), 0),
        equal("largest dL/dA", max(g.abs().max().item() for name, g in grads.items() if name.endswith("A")), 0),
        equal("all-zero dL/dB", sum(not g.any() for name, g in grads.items() if name.endswith("B")), 0),
    ]


@exact
def claim_update_is_small(device: str = "cpu") -> list[Measured]:
    """Section 4.1: for each adapted matrix r (d + k) numbers are trained, and the update has rank r."""
    base, x, y = _task(device)
    layer: Any = fitted(apply(base, ("2",), rank=3), x, y, 150, 3e-2).get_submodule("2")
    rank = torch.linalg.matrix_rank(layer.delta()).item()
    return [equal("trained numbers", trainable(base), 3 * (32 + 32)), equal("rank of the trained BA", rank, 3)]


@exact
def claim_backward_keeps_only_x(device: str = "cpu") -> list[Measured]:
    """Section 4.1, equation 3: the gradients are those of the equation, and x is all that is kept for them."""
    layer, x = _layer(device), torch.randn(8, 16, 64, device=device, dtype=torch.float64, requires_grad=True)
    plain = layer.base(x) + layer.s * F.linear(F.linear(x, layer.A), layer.B)
    off = apart(layer(x), plain, (x, layer.A, layer.B, layer.base.weight, layer.base.bias))
    return [
        at_most("outputs and gradients, W's and the bias's too, differ from autograd's by", off, 1e-12),
        equal("numbers kept for each number of x", kept(layer, x), 1),
    ]


@exact
def claim_merging_adds_no_latency(device: str = "cpu") -> list[Measured]:
    """Section 4.1: merged, the same layers as the base and the same outputs; subtracting BA gives W back."""
    base, x, y = _task(device)
    model = fitted(apply(copy.deepcopy(base), ("0", "2"), rank=4), x, y, 150, 3e-2)
    expected, merged = model(x), merge(merge(model))  # the second time there is nothing to merge
    outputs, same = far(merged(x), expected), [*map(type, merged.modules())] == [*map(type, base.modules())]
    weights, W = unmerge(model).get_parameter("0.base.weight"), base.get_parameter("0.weight")
    return [
        at_most("merged outputs differ by", outputs, 1e-12),
        equal("the layers are those of the base", same, True),
        at_most("weights after unmerging differ by", far(weights, W), 1e-14),
    ]


@exact
def claim_the_equation_at_any_size(device: str = "cpu") -> Measured:
    """Section 4.1, equation 3: outputs, gradients and the merged layer, whatever the sizes, the scale and the bias."""

    def gap(k: int, d: int, r: int, alpha: float, bias: bool, shape: tuple[int, ...]) -> float:
        torch.manual_seed(k)
        base = nn.Linear(k, d, bias, device=device, dtype=torch.float64)
        model = apply(nn.Sequential(copy.deepcopy(base)), ("0",), r, alpha)
        layer: Any = model.get_submodule("0")
        nn.init.normal_(layer.B)
        x = torch.randn(*shape, k, device=device, dtype=torch.float64, requires_grad=True)
        W, A, B = base.weight.detach(), layer.A, layer.B
        plain = F.linear(x, W + alpha / r * B @ A, base.bias)
        return max(apart(model(x), plain, (x, A, B)), far(merge(model)(x), plain))

    return worst("outputs, gradients and merged outputs differ by", gap, 1e-12, k=SIZES, d=SIZES, r=range(1, 5),
                 alpha=SCALES, bias=(True, False), shape=SHAPES)  # fmt: skip


@exact
def claim_defaults(device: str = "cpu") -> list[Measured]:
    """Section 4.2: W_q and W_v are adapted; section 4.1: a Gaussian A, of variance 1/k; layers.py:119-125: uniform."""
    model = apply(llama(device=device))
    named = {name.rpartition(".")[2] for name, m in model.named_modules() if isinstance(m, LoRALinear)}
    layer: Any = model.get_submodule("model.layers.0.self_attn.v_proj")  # 64 -> 32
    torch.manual_seed(0)
    wide = nn.Linear(400, 50, device=device)
    half = apply(llama(device=device).bfloat16(), LINEARS)
    gaussian, uniform = (LoRALinear(wide, 100, 1.0, init).A for init in ("gaussian", "kaiming"))
    return [
        equal("layers by name are q_proj and v_proj", named == {"q_proj", "v_proj"}, True),
        equal("rank", len(layer.A), 8),
        equal("s, of alpha 16", layer.s, 2),
        narrow(half),
        reloaded(model, apply(llama(device=device)), save, load),
        at_most("deviation of A off 1/sqrt(k), share", abs(gaussian.std().item() * 400**0.5 - 1), 0.02),
        at_most("of the authors' off 1/sqrt(3 k)", abs(uniform.std().item() * 1200**0.5 - 1), 0.02),
        at_most("their largest over 1/sqrt(k)", uniform.abs().max().item() * 400**0.5, 1),
    ]


@parity
def claim_peft_agrees(device: str = "cpu") -> list[Measured]:
    """Section 4.1: peft's LoRA with the same A and B has the same outputs, gradients and merged weight."""
    peft = library("peft")
    ours = _layer(device)
    config = peft.LoraConfig(r=4, lora_alpha=10, target_modules=["0"])
    theirs: Any = peft.get_peft_model(nn.Sequential(copy.deepcopy(ours.base)), config)
    layer = theirs.base_model.model[0]
    A, B = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    found = _agree(ours, theirs, A, B, lambda: theirs.merge_and_unload()[0].weight)
    with tempfile.TemporaryDirectory() as folder:
        save_peft(nn.Sequential(ours), folder)
        read: Any = peft.PeftModel.from_pretrained(nn.Sequential(copy.deepcopy(ours.base)), folder)
    x = torch.randn(5, 64, device=device, dtype=torch.float64)
    return [*found, at_most("read by peft from our file, outputs differ by", far(read(x), ours(x)), 1e-6)]


@parity
def claim_loralib_agrees(device: str = "cpu") -> list[Measured]:
    """Section 4.1: the authors' loralib with the same A and B has the same outputs, gradients and merged weight."""
    ours = _layer(device)
    theirs = library("loralib").Linear(64, 48, r=4, lora_alpha=10, device=device, dtype=torch.float64)
    theirs.load_state_dict(ours.base.state_dict(), strict=False)
    # its eval() folds BA into the weight in place and returns None
    return _agree(ours, theirs, theirs.lora_A, theirs.lora_B, lambda: (theirs.eval(), theirs.weight)[1])


@direction
def claim_on_par_with_full_fine_tuning(device: str = "cpu") -> Measured:
    """Abstract: LoRA performs on par with or better than fine-tuning; here a word and its part of speech become
    JSON.
    """
    return _behind_full(JSON, "rank 8", device)


@direction
def claim_on_par_after_few_steps(device: str = "cpu") -> Measured:
    """Abstract: LoRA performs on par with fine-tuning; here to tell person, animal, plant and artifact, in 60 steps.

    It takes more steps: B begins at zero, and after 60 of them LoRA is still behind.
    """
    return _behind_full(KIND, "rank 16", device)


@direction
def claim_rank_suffices_for_a_shift_of_that_rank(device: str = "cpu") -> list[Measured]:
    """Section 7.2: a very small r is enough where the needed update has low rank; a smaller one is not."""
    left: dict[int, list[float]] = {1: [], 2: []}
    for seed in range(3):
        base, x, y = _task(device, seed)
        for r, losses in left.items():
            model = fitted(apply(copy.deepcopy(base), ("2",), rank=r), x, y, 150, 3e-2)
            losses.append((F.mse_loss(model(x), y) / F.mse_loss(base(x), y)).item())
    return [
        shown("loss left by rank 2, worst of 3 seeds", max(left[2]), max(left[2]) < 0.01, "under 0.01"),
        shown("loss left by rank 1, best of 3 seeds", min(left[1]), min(left[1]) > 0.05, "over 0.05"),
    ]


@direction
def claim_rank_matters_little(device: str = "cpu") -> Measured:
    """Section 7.2: a very small r is competitive with larger ones; here person, animal, plant or artifact is learnt.

    It takes a task that a small update can hold: invented words, each of which is new, are learnt worse with rank 1.
    """
    found = {name: _right(KIND, name, device) for name in ("rank 1", "rank 4", "rank 16")}
    best = max(map(fmean, found.values()))
    said = ", ".join(f"{name} {told(right)}" for name, right in found.items())
    behind = best - fmean(found["rank 1"])
    return shown(f"right answers of {said}; rank 1 behind the best", behind, behind <= 0.05, "at most 0.05")


@headline
def claim_fewer_parameters_and_less_memory() -> list[Measured]:
    """Abstract: against fine-tuning GPT-3 175B with Adam."""
    return [quoted("10,000 times fewer trained parameters", "abstract"), quoted("3 times less GPU memory", "abstract")]


# --- a task with a known answer ---------------------------------------------------


def _task(device: str, seed: int = 0) -> tuple[nn.Sequential, Tensor, Tensor]:
    """A base, inputs, and the base's outputs after a shift of rank 2 of its last layer."""
    torch.manual_seed(seed)
    base = nn.Sequential(nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 32)).double()
    x, shift = torch.randn(256, 32).double(), (torch.randn(32, 2) @ torch.randn(2, 32)).double() / 8
    y = (base(x) + base[:2](x) @ shift.T).detach()
    return base.to(device), x.to(device), y.to(device)


def _rank(rank: int, model: Any, _: object) -> Any:
    return apply(model, LINEARS, rank, 2.0 * rank)


JSON, KIND = Contest("json", 60, 4), Contest("kind", 60, 4)
WAYS = {f"rank {r}": Way(functools.partial(_rank, r), RATE) for r in (1, 4, 8, 16)} | {
    "full": Way(lambda model, _: model.requires_grad_(True), RATE_OF_ALL)
}


@functools.cache
def _right(contest: Contest, name: str, device: str) -> list[float]:
    return contest.right(WAYS[name], device)


def _behind_full(contest: Contest, name: str, device: str) -> Measured:
    ours, full = (_right(contest, one, device) for one in (name, "full"))
    said = f"right answers {told(ours)}, of full fine-tuning {told(full)}; behind it, mean of 3 seeds"
    behind = fmean(full) - fmean(ours)
    return shown(said, behind, behind <= 0.05, "at most 0.05")


def _layer(device: str) -> LoRALinear:
    """A layer as it is after training: B is not zero."""
    torch.manual_seed(0)
    layer = LoRALinear(nn.Linear(64, 48, device=device, dtype=torch.float64), rank=4, alpha=10)
    nn.init.normal_(layer.B)
    return layer


def _agree(ours: LoRALinear, theirs: nn.Module, A: Tensor, B: Tensor, merged: Callable[[], Tensor]) -> list[Measured]:
    with torch.no_grad():
        A.copy_(ours.A), B.copy_(ours.B)
    x = torch.randn(8, 16, 64, device=A.device, dtype=A.dtype, requires_grad=True)
    off = apart(ours(x), theirs(x), (x, ours.A, ours.B), (x, A, B))
    return [
        at_most("outputs and gradients differ by", off, 1e-12),
        at_most("merged weights differ by", far(ours.base.weight + ours.delta(), merged()), 1e-12),
    ]
