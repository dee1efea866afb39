r"""Second-order mask: train the half per cent of the parameters whose change lowers the loss most, to second order.

Fu et al. 2023, arXiv:2211.15583, section "Second-order Approximation Method". The paper calls it SAM; it has nothing to
do with sharpness-aware minimisation, which goes by the same name. Of m parameters theta0 a share p is tuned:

    theta = theta0 + M Delta        M diagonal, of zeros and floor(p m) ones

    min over M, Delta of  L(theta0) + g^T M Delta + 1/2 (M Delta)^T H (M Delta),      H = diag(h), h > 0

    for a given M:  Delta_i = -g_i / h_i, and L falls by  g_i^2 / (2 h_i)  for each i that M lets through

so the best M lets the largest g_i^2 / h_i through: with h taken as constant, the largest gradients. A burn-in adds up
the gradients of some batches, with their signs, and updates nothing; then the mask is fixed.

    theta0  any shape, frozen       delta  (k,) and at  (k,)  values and places of M Delta in the flattened tensor

theta0 is not in reach of an optimiser: what is not selected stays as it is to the bit, and weight decay draws towards
theta0. The authors' code zeroes gradients instead (src/runner.py:537-539 at ea1a73b), and under AdamW with weight decay
every parameter moves.

As in the authors' code k = floor(p m) is taken within each tensor. Autograd keeps theta0 + M Delta of each tensor for
the backward pass, and the burn-in holds one gradient for each parameter.
Left out: other estimates of h; tensors that two modules share (tied embeddings), and `lm_head`.
"""

# ruff: noqa: N803, N806 - the names are the paper's

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import combinations, islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize
from transformers import AutoTokenizer

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
from refimpl._lab.losses import batch_loss
from refimpl._surgery import NoLayers, freeze, trainable

PAPER = "fu2023effectiveness"
STEPS = 15
BEST = 0.03, 0.3  # by gain, and at random: of 0.01, 0.03, 0.1 and 0.3, the best for each on another seed


def gain(g: Tensor, h: Tensor | float = 1.0) -> Tensor:
    """How much the loss falls, to second order, where a parameter is let through."""
    return g**2 / (2 * h)


def select(gains: Tensor, k: int) -> Tensor:
    """The places of the k largest gains in the flattened tensor, in order."""
    return gains.flatten().topk(k).indices.sort().values


class Masked(nn.Module):
    """M Delta of one tensor."""

    at: Tensor

    def __init__(self, theta0: Tensor, at: Tensor) -> None:
        super().__init__()
        wide = torch.promote_types(theta0.dtype, torch.float32)
        self.delta = nn.Parameter(torch.zeros(len(at), dtype=wide, device=theta0.device))
        self.register_buffer("at", at)

    def forward(self, theta0: Tensor) -> Tensor:
        """theta0 + M Delta"""
        return theta0.flatten().index_add(0, self.at, self.delta.to(theta0.dtype)).view_as(theta0)


def burn_in(
    model: nn.Module, losses: Iterable[Callable[[], Tensor]], targets: Iterable[str] | None = None
) -> dict[str, Tensor]:
    """The gain of each parameter, by the name of its tensor, from the gradients of the losses that these return."""
    chosen = {name: getattr(module, kind) for name, module, kind in _tensors(model, targets)}
    asked = [(p, p.requires_grad) for p in model.parameters()]
    freeze(model)
    for p in chosen.values():
        p.requires_grad_()
        p.grad = torch.zeros_like(p)
    for loss in losses:
        torch.autograd.backward(loss())
    sums = {name: p.grad for name, p in chosen.items()}
    for p, was in asked:
        p.grad = None
        p.requires_grad_(was)
    if missed := [name for name, g in sums.items() if not g.any()]:
        raise ValueError(f"no gradient for {missed[0]}: give at least one loss that depends on every tensor to tune")
    return {name: gain(g.to(torch.promote_types(g.dtype, torch.float32))) for name, g in sums.items()}


def apply(
    model: nn.Module,
    gains: Mapping[str, Tensor] | None = None,
    density: float = 0.005,
    targets: Iterable[str] | None = None,
) -> nn.Module:
    """Freeze `model` in place and tune the share `density` of each tensor that has the largest gains.

    Without gains the mask is random, which is what the paper compares with. `targets` are the last names of modules.
    """
    if not 0 < density <= 1:
        raise ValueError(
            f"a density of {density}: it is the share of the parameters that is tuned, above 0 and at most 1"
        )
    freeze(model)
    for name, module, kind in list(_tensors(model, targets)):
        theta0 = getattr(module, kind)
        if gains is not None and name not in gains:
            raise ValueError(f"no gains for {name}: give `burn_in` the same model and targets")
        score = torch.rand(theta0.shape, device=theta0.device) if gains is None else gains[name]
        if k := int(density * theta0.numel()):
            parametrize.register_parametrization(module, kind, Masked(theta0, select(score, k)))
    if not trainable(model):
        raise ValueError(f"a density of {density} selects nothing in tensors this small; take a larger one")
    return model


def _tensors(model: nn.Module, targets: Iterable[str] | None) -> Iterator[tuple[str, nn.Module, str]]:
    """Name, module and last name of each parameter that may be tuned."""
    wanted = None if targets is None else frozenset(targets)
    everything = [(name, id(p)) for name, p in model.named_parameters(remove_duplicate=False)]
    ids = [i for _, i in everything]
    found = [
        (name, model.get_submodule(path), kind)
        for name, i in everything
        for path, _, kind in [name.rpartition(".")]
        for last in [path.rpartition(".")[2]]
        if ids.count(i) == 1 and (last in wanted if wanted is not None else last != "lm_head")
    ]
    if not found:
        there = sorted({name.split(".")[-2] for name, _ in everything if "." in name})
        raise NoLayers(
            f"no tensor to tune in {', '.join(sorted(wanted or ()))}; there are {', '.join(there) or 'none'}"
        )
    yield from found


def merge(model: nn.Module) -> nn.Module:
    """Add every M Delta to its theta0 in place, leaving the modules of the base."""
    for module in list(model.modules()):
        if isinstance(lists := getattr(module, "parametrizations", None), nn.ModuleDict):
            for kind in [kind for kind, parts in lists.items() if isinstance(parts[0], Masked)]:  # type: ignore[index]
                parametrize.remove_parametrizations(module, kind)
    return model


def save(model: nn.Module, folder: Path) -> Path:
    """Write the values and their places."""
    return adapter.save(model, folder, {"method": "second_order_mask"}, buffers=("at",))


def load(model: nn.Module, folder: Path) -> nn.Module:
    """Put what was saved into a model to which `apply` was applied with the same density; the mask is that saved."""
    adapter.load(model, folder)
    return model


def demo(density: float = 0.005, batches: int = 10, **options: Any) -> dict[str, Any]:
    """Find the mask on some batches of a task, and adapt a base model to it."""
    options = {"task": "python", "lr": 0.03, "seed": 0, "batch": 8, **options}
    task = options["task"] if not isinstance(options["task"], str) else tasks.get(options["task"])

    def change(base: Any) -> nn.Module:
        tokenizer = AutoTokenizer.from_pretrained(base.config.name_or_path)
        tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
        return apply(base, _gains(base, tokenizer, task, batches, options["batch"], options["seed"]), density)

    said = {"density": density, "batches": batches}
    return lab.run("second_order_mask", change, merge=merge, buffers=("at",), options=said, **options)


def _gains(base: nn.Module, tokenizer: Any, task: tasks.Task, batches: int, batch: int, seed: int) -> dict[str, Tensor]:
    place = next(base.parameters()).device
    drawn = islice(task.batches(tokenizer, task.length, batch, seed + 1), batches)
    moved = ({name: tensor.to(place) for name, tensor in rows.items()} for rows in drawn)
    return burn_in(base, (partial(batch_loss, base, rows) for rows in moved))


# --- what the paper says, as functions that measure, and fail when it is not so ---


@exact
def claim_the_top_of_the_gains_is_the_best_mask() -> list[Measured]:
    """Section "Second-order Approximation Method": no mask of this size lowers a diagonal quadratic more."""
    worse, off = 0, []
    for seed in range(20):
        chance = torch.Generator().manual_seed(seed)
        g = torch.randn(10, generator=chance, dtype=torch.float64)
        h = 0.1 + torch.rand(10, generator=chance, dtype=torch.float64)
        masks = [torch.tensor(places) for places in combinations(range(10), 3)]
        reached = [_least(g, h, places) for places in masks]
        ours = select(gain(g, h), 3)
        worse += not torch.equal(masks[min(range(len(masks)), key=reached.__getitem__)], ours)
        off.append(abs(min(reached) + gain(g, h)[ours].sum().item()))
    return [
        equal("of 20 quadratics, those where another of all 120 masks is better", worse, 0),
        at_most("the fall of the loss differs from the sum of g^2 / 2h by", max(off), 1e-12),
    ]


@exact
def claim_what_is_not_selected_stays(device: str = "cpu") -> list[Measured]:
    """Section "Second-order Approximation Method": |M|_0 = floor(p m); all else is theta0, under weight decay too."""
    base, x, y = _task(device)
    gains = burn_in(base, [partial(_error, base, x, y)])
    untouched = _moved(base, _task(device)[0])
    model = apply(copy.deepcopy(base), gains, 1 / 16)
    before, count = _places(model), trainable(model)
    _train(model, x, y, decay=0.01)
    after, moved = _places(model), _moved(merge(model), base)
    inside = [m.flatten().index_fill(0, after[name], 0) for name, m in moved.items() if name in after]
    outside = [m for name, m in moved.items() if name not in after]
    return [
        equal("numbers trained", count, sum(p.numel() // 16 for p in base.parameters())),
        equal("places that training changed", sum(int((before[n] != after[n]).sum()) for n in before), 0),
        equal("numbers moved by the burn-in", sum(int(m.count_nonzero()) for m in untouched.values()), 0),
        equal("numbers not selected that moved", sum(int(m.count_nonzero()) for m in inside + outside), 0),
        at_least("numbers selected that moved", sum(int(m.count_nonzero()) for m in moved.values()), count),
    ]


@exact
def claim_masked_gradients_are_not_enough(device: str = "cpu") -> Measured:
    """Section "Second-order Approximation Method": zeroing gradients leaves the rest to weight decay."""
    base, x, y = _task(device)
    places = _places(apply(copy.deepcopy(base), burn_in(base, [partial(_error, base, x, y)]), 1 / 16))
    model = copy.deepcopy(base)
    for name, p in model.named_parameters():
        M = torch.zeros_like(p).flatten().index_fill(0, places[name], 1).view_as(p)
        p.register_hook(lambda g, M=M: g * M)
    _train(model, x, y, decay=0.01)
    outside = [m.flatten().index_fill(0, places[name], 0) for name, m in _moved(model, base).items()]
    return at_least("AdamW with a decay of 0.01 moves what is not selected by", float(torch.cat(outside).max()), 1e-5)


@exact
def claim_sparsity_is_a_regulariser() -> Measured:
    """Section "Theoretical Analysis": over all masks, |(I - M)(theta - theta0)|^2 is (1 - p) |theta - theta0|^2."""
    moved = torch.randn(10, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    left = [moved.index_fill(0, torch.tensor(places), 0).square().sum() for places in combinations(range(10), 3)]
    kept, whole = torch.stack(left).mean(), moved.square().sum()
    return at_most("over all masks of 3 in 10 the mean, relative, is off by", _gap(kept, 0.7 * whole), 1e-12)


@exact
def claim_merged_equals_unmerged(device: str = "cpu") -> list[Measured]:
    """Section "Second-order Approximation Method": theta0 + M Delta is a model like theta0."""
    base, x, y = _task(device)
    model = _train(apply(copy.deepcopy(base), None, 1 / 16), x, y)
    expected = model(x)
    return [
        equal("merged outputs differ by", _gap(merge(model)(x), expected), 0),
        equal("the layers are those of the base", [*map(type, model.modules())] == [*map(type, base.modules())], True),
    ]


@parity
def claim_peft_agrees(device: str = "cpu") -> list[Measured]:
    """Section "Second-order Approximation Method": peft's SHiRA with this mask has the same outputs and gradients."""
    try:
        from peft import ShiraConfig, get_peft_model
    except ImportError:
        raise NotHere("pip install peft") from None
    torch.manual_seed(0)
    base = nn.Sequential(nn.Linear(64, 64, device=device))
    model = apply(copy.deepcopy(base), None, 1 / 32)  # 64 + 64 numbers of the weight, as SHiRA has at r = 1
    delta = model.get_parameter("0.parametrizations.weight.0.delta")
    at = model.get_buffer("0.parametrizations.weight.0.at")
    config = ShiraConfig(r=1, target_modules=["0"])
    config.mask_fn = lambda *_, **__: torch.zeros(64 * 64, device=device).index_fill(0, at, 1).view(64, 64)
    theirs: Any = get_peft_model(copy.deepcopy(base), config)
    other = theirs.base_model.model[0].shira_weight["default"]
    with torch.no_grad():
        other.copy_(nn.init.normal_(delta))
    x = torch.randn(8, 64, device=device)
    h, expected = model(x), theirs(x)
    g = torch.randn_like(h)
    return [
        at_most("outputs differ by", _gap(h, expected), 1e-6),
        at_most(
            "gradients differ by",
            _gap(*torch.autograd.grad(h, delta, g), *torch.autograd.grad(expected, other, g)),
            1e-6,
        ),
    ]


@direction
def claim_better_than_a_random_mask(device: str = "cpu") -> list[Measured]:
    """Abstract: choosing the parameters by the data outperforms choosing at random, here at 0.5 per cent."""
    task = dataclasses.replace(tasks.python(), length=64, rows=32)

    def reached(seed: int, by_gain: bool, lr: float) -> float:
        base, tokenizer = models.load("tiny", device)
        torch.manual_seed(seed)
        model = apply(base, _gains(base, tokenizer, task, 4, 2, seed) if by_gain else None)
        loop.train(model, tokenizer, task, STEPS, lr, 2, seed=seed)
        return task.evaluate(model, tokenizer).value

    measured = []
    for what, (ours, chance) in {"at one rate": (0.01, 0.01), "each at its best rate": BEST}.items():
        lead = [reached(seed, False, chance) - reached(seed, True, ours) for seed in range(3)]
        says = f"{what}, nats a token less than with a random mask, worst of 3 seeds"
        measured.append(shown(says, min(lead), min(lead) > 0, "over 0"))
    return measured


@headline
def claim_better_than_strong_baselines() -> Measured:
    """Abstract: the results on the paper's tasks."""
    return quoted("SAM outperforms many strong baselines", "abstract")


# --- a task with a known answer ---------------------------------------------------


def _least(g: Tensor, h: Tensor, places: Tensor) -> float:
    """The least of g^T MD + 1/2 (MD)^T diag(h) (MD), found by Newton's step from 0 within the mask."""
    inside = torch.zeros_like(g).index_fill(0, places, 1)
    step = -(inside * g) / h
    return (g @ step + (step * h) @ step / 2).item()


def _task(device: str) -> tuple[nn.Sequential, Tensor, Tensor]:
    torch.manual_seed(0)
    base = nn.Sequential(nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 32)).double()
    x = torch.randn(128, 32).double()
    y = base(x).detach() + torch.randn(128, 32).double() / 4
    return base.to(device), x.to(device), y.to(device)


def _train(model: nn.Module, x: Tensor, y: Tensor, decay: float = 0.0) -> nn.Module:
    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2, weight_decay=decay)
    for _ in range(100):
        optimiser.zero_grad()
        torch.autograd.backward(_error(model, x, y))
        optimiser.step()
    return model


def _error(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    return F.mse_loss(model(x), y)


def _places(model: nn.Module) -> dict[str, Tensor]:
    """Where each tensor is tuned, by its name in the base."""
    return {
        name.replace("parametrizations.", "").removesuffix(".0.at"): at.clone()
        for name, at in model.named_buffers()
        if name.endswith(".0.at")
    }


def _moved(model: nn.Module, base: nn.Module) -> dict[str, Tensor]:
    """How far each parameter is from the base's."""
    there = dict(base.named_parameters())
    return {name: (p - there[name]).detach().abs() for name, p in model.named_parameters()}


def _gap(a: Tensor, b: Tensor) -> float:
    """The largest difference, relative to the largest number."""
    return ((a - b).abs().max() / b.abs().max()).item()
