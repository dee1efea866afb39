r"""Delta tuning: adapt a model by changing a small part of its parameters; three kinds of change, in any combination.

Ding et al. 2022, arXiv:2203.06904. Theta' = Theta + delta, where delta is (section 3)

    an addition            h <- h + W_u relu(W_d h)       a small network behind a layer (an adapter, section 3.1)
    a specification        some of Theta's own numbers, here the one-dimensional ones: biases and gains (3.2)
    a reparametrisation    h <- h + B A x                 a low-rank update of W (3.3)
                           h <- h + (sum_j z_j P_j) x     one in a random k-dimensional subspace (3.3, 4.1)

    x  (..., k)  a layer's input      h  (..., d)  its output       W, P_j  (d, k)  frozen      z  (n,)  trained
    W_d  (r, d)  W_u  (d, r)          A  (r, k)    B  (d, r)        W_u, B, z = 0 at the start

Every delta is attached to layers by the end of their names, behind those that are there, and detached by its own name.
Order matters where a delta reads h, and does not among those that read x alone.

Section 4.2 sees the layers as the time steps of a system h_{t+1} = f_t(h_t, delta_t), and delta_t as its control. With
the Hamiltonian H_t = <lambda_{t+1}, f_t(h_t, delta_t)> + R_t(delta_t), where R_t is the cost of the control:

    lambda_T = dL/dh_T          lambda_t = dH_t/dh_t          dL/ddelta_t = dH_t/ddelta_t

Left out: additions to the input (prompts, prefixes), specifications that are learnt, scale, transfer between tasks.
"""

# ruff: noqa: N806 - the names are the paper's
from __future__ import annotations

import copy
import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from refimpl import _claims
from refimpl._claims import Measured, NotHere, at_least, at_most, direction, equal, exact, parity, shown
from refimpl._lab import adapter, loop, models, tasks
from refimpl._lab import demo as lab
from refimpl._surgery import NoLayers, freeze, trainable

PAPER = "ding2022delta"
LINEARS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
NORMS = ("input_layernorm", "post_attention_layernorm")
Make = Callable[[nn.Module], nn.Module]


class Adapter(nn.Module):
    """Addition: a bottleneck of `size` behind a layer."""

    def __init__(self, base: nn.Module, size: int) -> None:
        super().__init__()
        new, (d, _) = _numbers(base)
        self.W_d = nn.Parameter(new(size, d).normal_(std=d**-0.5))
        self.W_u = nn.Parameter(new(d, size))

    def forward(self, x: Tensor, h: Tensor) -> Tensor:  # noqa: ARG002 - every delta is called with both
        inner = F.relu(F.linear(h, self.W_d.to(h.dtype)))  # (..., d) -> (..., r)
        return h + F.linear(inner, self.W_u.to(h.dtype))


class Specified(nn.Module):
    """Specification: the layer's own biases and gains are trained in place; what they were is kept."""

    def __init__(self, base: nn.Module) -> None:
        super().__init__()
        chosen = [p for p in base.parameters(recurse=False) if p.dim() == 1]
        if not chosen:
            raise ValueError(f"{type(base).__name__} has no bias and no gain to train; name other targets")
        if any(p.requires_grad for p in chosen):
            raise ValueError("another delta trains these biases and gains already; detach it first")
        self.theta = [(p, p.detach().clone()) for p in chosen]  # a list of pairs: neither parameters nor state

    def thaw(self) -> None:
        for p, _ in self.theta:
            p.requires_grad_()

    @torch.no_grad()
    def restore(self) -> None:
        for p, was in self.theta:
            p.requires_grad_(False).copy_(was)
            p.grad = None

    def forward(self, x: Tensor, h: Tensor) -> Tensor:  # noqa: ARG002
        return h


class LowRank(nn.Module):
    """Reparametrisation: an update of W whose rank is `size` at most."""

    def __init__(self, base: nn.Module, size: int) -> None:
        super().__init__()
        new, (d, k) = _numbers(base)
        self.A = nn.Parameter(new(size, k).normal_(std=k**-0.5))
        self.B = nn.Parameter(new(d, size))

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        return h + F.linear(F.linear(x, self.A.to(x.dtype)), self.B.to(x.dtype))

    def update(self) -> Tensor:
        return self.B @ self.A  # (d, k)


class Subspace(nn.Module):
    """Reparametrisation: an update of W in the span of random matrices P, with coordinates z that layers may share."""

    def __init__(self, base: nn.Module, z: nn.Parameter, seed: int = 0) -> None:
        super().__init__()
        new, (d, k) = _numbers(base)
        P = torch.randn(len(z), d, k, generator=torch.Generator().manual_seed(seed))
        self.z, self.P = z, nn.Buffer(P.to(new(0)) / (len(z) * k) ** 0.5, persistent=False)

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        return h + F.linear(x, self.update().to(x.dtype))

    def update(self) -> Tensor:
        W: Tensor = torch.tensordot(self.z.to(self.P.dtype), self.P, 1)  # (n,), (n, d, k) -> (d, k)
        return W


class Site(nn.Module):
    """A layer and the deltas attached to it, in the order in which they came."""

    def __init__(self, base: nn.Module) -> None:
        super().__init__()
        self.base, self.deltas = base, nn.ModuleDict()

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = self.base(x)
        for delta in self.deltas.values():
            h = delta(x, h)
        return h


def attach(model: nn.Module, name: str, make: Make, targets: Iterable[str]) -> nn.Module:
    """Put `make(layer)` behind each layer whose path ends in a target. The first delta freezes the model."""
    if not name.isidentifier() or name in attached(model):
        raise ValueError(f"a delta needs a new name that is an identifier; {name!r} is taken or is none")
    if not attached(model):
        freeze(model)
    places = _places(model, frozenset([targets] if isinstance(targets, str) else targets))
    made = {path: make(layer.base if isinstance(layer, Site) else layer) for path, layer in places.items()}
    for path, delta in made.items():
        layer = places[path]
        if not isinstance(layer, Site):
            model.set_submodule(path, layer := Site(layer))
        layer.deltas[name] = delta
        if isinstance(delta, Specified):
            delta.thaw()
    return model


def detach(model: nn.Module, name: str) -> nn.Module:
    """Take a delta away. Without any, the model has the layers and the numbers that it had."""
    if name not in attached(model):
        raise ValueError(f"no delta {name!r} is attached; there are {', '.join(attached(model)) or 'none'}")
    for path, site in _sites(model):
        delta = site.deltas.pop(name) if name in site.deltas else None
        if isinstance(delta, Specified):
            delta.restore()
        if not site.deltas:
            model.set_submodule(path, site.base)
    return model


def attached(model: nn.Module) -> list[str]:
    """The names of the deltas, layer by layer."""
    return list(dict.fromkeys(name for _, site in _sites(model) for name in site.deltas))


KINDS: dict[str, tuple[Callable[[nn.Module, int], nn.Module], tuple[str, ...]]] = {
    "addition": (Adapter, ("o_proj", "down_proj")),
    "specification": (lambda base, _: Specified(base), NORMS),
    "reparametrisation": (LowRank, LINEARS),
}


def apply(
    model: nn.Module,
    kinds: str | Iterable[str] = ("reparametrisation",),
    targets: Iterable[str] | None = None,
    size: int = 8,
) -> nn.Module:
    """Attach a delta of each kind, under the kind's name, to the targets (by default those of the kind)."""
    if size < 1:
        raise ValueError(f"a delta of size {size} has no numbers to train; take 1 or more")
    for kind in kinds.split(",") if isinstance(kinds, str) else kinds:
        if kind not in KINDS:
            raise ValueError(f"no kind of delta {kind!r}; there are {', '.join(KINDS)}")
        make, usual = KINDS[kind]
        attach(model, kind, functools.partial(_sized, make, size), usual if targets is None else targets)
    return model


@torch.no_grad()
def merge(model: nn.Module) -> nn.Module:
    """Fold the deltas into the weights, in place. An addition folds into none: it is not linear."""
    sites = list(_sites(model))
    stuck = {name for _, site in sites for name, delta in site.deltas.items() if isinstance(delta, Adapter)}
    if stuck:
        raise ValueError(f"an addition folds into no weight: detach {', '.join(sorted(stuck))}, or leave it unmerged")
    for path, site in sites:
        W: Any = site.base.weight
        for delta in site.deltas.values():
            if isinstance(delta, LowRank | Subspace):
                W += delta.update().to(W.dtype)
        model.set_submodule(path, freeze(site.base))
    return model


def save(model: nn.Module, folder: str | Path) -> Path:
    """Write the deltas, and nothing else."""
    return adapter.save(model, Path(folder), {"method": "delta_tuning", "deltas": attached(model)})


def load(model: nn.Module, folder: str | Path) -> dict[str, Any]:
    """Put saved deltas into a model to which the same ones are attached."""
    return adapter.load(model, Path(folder))


def costates(
    layers: Sequence[nn.Module], h: Tensor, loss: Callable[[Tensor], Tensor], decay: float = 0.0
) -> tuple[list[Tensor], list[Tensor]]:
    """Section 4.2: every lambda, and dH_t/ddelta_t of each layer's trained numbers; R is decay/2 of their squares.

    One layer at a time is differentiated, and only with respect to its own input and control.
    """
    states = [h]
    with torch.no_grad():
        for f in layers:
            states.append(f(states[-1]))
    last = states.pop().detach().requires_grad_()
    lambdas, gradients = [torch.autograd.grad(loss(last), last)[0]], list[Tensor]()
    for f, state in zip(reversed(layers), reversed(states), strict=True):
        h_t = state.detach().requires_grad_()
        delta_t = [p for p in f.parameters() if p.requires_grad]
        H_t = (lambdas[0] * f(h_t)).sum() + decay / 2 * sum(p.square().sum() for p in delta_t)
        costate, *steepest = torch.autograd.grad(H_t, (h_t, *delta_t))
        lambdas, gradients = [costate, *lambdas], [*steepest, *gradients]
    return lambdas, gradients


def demo(kinds: str | Iterable[str] = (*KINDS,)[1:], size: int = 8, **options: Any) -> dict[str, Any]:
    """Adapt a base model to a task; before and after, and what it cost."""
    chosen = kinds.split(",") if isinstance(kinds, str) else list(kinds)
    folds = None if "addition" in chosen else merge
    change = functools.partial(apply, kinds=chosen, size=size)
    said = {"kinds": chosen, "size": size}
    return lab.run("delta_tuning", change, merge=folds, options=said, **{"lr": 1e-2, **options})


def _sized(make: Callable[[nn.Module, int], nn.Module], size: int, base: nn.Module) -> nn.Module:
    return make(base, size)


def _numbers(base: nn.Module) -> tuple[Callable[..., Tensor], tuple[int, int]]:
    """A maker of zeros beside W, at least float32, and W's shape."""
    W = getattr(base, "weight", None)
    if not isinstance(W, Tensor) or W.dim() != 2 or not W.is_floating_point():
        raise ValueError(f"{type(base).__name__} has no weight (d, k) of floating point; name targets that are Linear")
    return functools.partial(W.new_zeros, dtype=torch.promote_types(W.dtype, torch.float32)), (W.shape[0], W.shape[1])


def _sites(model: nn.Module) -> Iterator[tuple[str, Site]]:
    yield from [(path, layer) for path, layer in model.named_modules() if isinstance(layer, Site)]


def _places(model: nn.Module, targets: frozenset[str]) -> dict[str, nn.Module]:
    """Layers by path, where the path is a target or ends in `.target`; nothing inside a site."""
    inside = tuple(f"{path}." for path, _ in _sites(model))
    outside = {p: m for p, m in model.named_modules() if p and not p.startswith(inside)}
    found = {p: m for p, m in outside.items() if any(f".{p}".endswith(f".{target}") for target in targets)}
    if not found:
        there = sorted({path.rpartition(".")[2] for path, m in outside.items() if not list(m.children())})
        raise NoLayers(f"no layer named {', '.join(sorted(targets))}; there are {', '.join(there)}")
    return found


# --- what the paper says, as functions that measure, and fail when it is not so ---


@exact
def claim_every_combination_starts_as_the_base(device: str = "cpu") -> list[Measured]:
    """Section 5.3: deltas of different kinds combine; before training any combination is the base, and counts add."""
    base, x, _ = _task(device)
    counts = {kind: trainable(_with(base, kind)) for kind in MAKERS}
    moved, added = 0.0, 0
    for order in itertools.permutations(MAKERS):
        model = _with(base, *order)
        moved = max(moved, _gap(model(x), base(x)))
        added += trainable(model) != sum(counts[kind] for kind in order)
    return [
        equal("outputs of 3 kinds in 6 orders moved by", moved, 0),
        equal("combinations whose trained numbers are not the sum of their parts'", added, 0),
    ]


@exact
def claim_detaching_gives_the_base_back(device: str = "cpu") -> list[Measured]:
    """Section 3: after training, detached in any order, the base is as it was to the bit."""
    base, x, y = _task(device)
    layers, odd, moved, rest = [*map(type, base.modules())], 0, 0.0, 0.0
    for order in itertools.permutations(MAKERS):
        model = _train(_with(base, *MAKERS), x, y)
        moved = max(moved, _gap(model(x), base(x)))
        detach(model, order[0])
        rest = max(rest, _gap(model(x), base(x)))
        for kind in order[1:]:
            detach(model, kind)
        odd += sum(not torch.equal(p, base.get_parameter(name)) for name, p in model.named_parameters())
        odd += [*map(type, model.modules())] != layers
    return [
        at_least("outputs moved by training", moved, 0.01),
        at_least("and by two deltas of three", rest, 0.01),
        equal("tensors and layers not as in the base, over 6 orders", odd, 0),
    ]


@exact
def claim_order_matters_behind_an_addition(device: str = "cpu") -> list[Measured]:
    """Section 5.3: deltas that read the layer's input commute; an addition reads its output, and does not."""
    base, x, _ = _task(device)
    pairs = {"parallel": ("low", "wide"), "in series": ("low", "addition")}
    gaps: dict[str, float] = {}
    for what, pair in pairs.items():
        one = _with(base, *pair, makers=_FILLED)
        other = _with(base, *pair[::-1], makers=_FILLED)
        other.load_state_dict(one.state_dict())
        gaps[what] = _gap(one(x), other(x))
    return [
        at_most("two reparametrisations, in the other order", gaps["parallel"], 1e-14),
        at_least("a reparametrisation and an addition, in the other order", gaps["in series"], 0.01),
    ]


@exact
def claim_reparametrisations_and_specifications_fold(device: str = "cpu") -> list[Measured]:
    """Section 3.3: after training a reparametrisation folds into W, beside a specification; an addition cannot."""
    base, x, y = _task(device)
    model = _train(_with(base, "reparametrisation", "specification", "subspace"), x, y)
    expected, merged = model(x), merge(copy.deepcopy(model))
    refused = 0
    try:
        merge(_with(base, "reparametrisation", "addition"))
    except ValueError:
        refused = 1
    return [
        at_most("merged outputs differ by", _gap(merged(x), expected), 1e-12),
        equal("the layers are those of the base", [*map(type, merged.modules())] == [*map(type, base.modules())], True),
        equal("merges of an addition refused", refused, 1),
    ]


@exact
def claim_costates_are_backpropagation(device: str = "cpu") -> list[Measured]:
    """Section 4.2: the co-state recursion, one layer at a time, gives the gradients of all deltas, with their cost."""
    base, x, y = _task(device)
    model = _train(_with(base, *MAKERS), x, y, steps=5)
    layers = [module for _, module in model.named_children()]
    loss, decay = functools.partial(F.mse_loss, target=y), 0.1
    lambdas, gradients = costates(layers, x, loss, decay)
    deltas = [p for f in layers for p in f.parameters() if p.requires_grad]
    start = x.clone().requires_grad_()
    whole = loss(model(start)) + decay / 2 * sum(p.square().sum() for p in deltas)
    first, *expected = torch.autograd.grad(whole, (start, *deltas))
    middle, rest = nn.Sequential(*layers[:2])(x), nn.Sequential(*layers[2:])
    step = 1e-5 * torch.randn_like(middle)
    slope = (loss(rest(middle + step)) - loss(rest(middle - step))) / 2
    return [
        at_most("gradients of the deltas differ from autograd's by", _most(gradients, expected), 1e-13),
        at_most("lambda_0 differs from the gradient of the input by", _gap(lambdas[0], first), 1e-13),
        at_most("lambda_2 differs from a difference quotient by", _gap((lambdas[2] * step).sum(), slope), 1e-6),
    ]


@exact
def claim_costates_of_a_language_model(device: str = "cpu") -> list[Measured]:
    """Section 4.2: the same over the layers of a transformer with all three kinds attached, in fp64."""
    model = models.load("tiny", device, "float32")[0].double().train()
    torch.manual_seed(0)
    apply(model, KINDS, size=2)
    for _, site in _sites(model):
        for p in site.deltas.parameters():
            nn.init.normal_(p, std=0.05)
    ids = torch.arange(48, device=device).view(2, 24)
    layers, h, loss = _dynamics(model, ids)
    lambdas, gradients = costates(layers, h, loss)
    deltas = [p for f in layers for p in f.parameters() if p.requires_grad]
    expected = torch.autograd.grad(_next_token(model(input_ids=ids, use_cache=False).logits, ids), deltas)
    return [
        equal("layers", len(lambdas) - 1, len(layers)),
        at_most("gradients differ from autograd's by", _most(gradients, expected), 1e-12),
    ]


@exact
def claim_a_subspace_of_k_dimensions(device: str = "cpu") -> list[Measured]:
    """Section 4.1: in a random subspace of k dimensions, the deltas of many tasks together have rank k."""
    ranks: dict[int, float] = {}
    for k in (2, 5):
        deltas = []
        for seed in range(8):
            base, x, y = _task(device, seed)
            z = nn.Parameter(torch.zeros(k, dtype=x.dtype, device=device))
            model = attach(base, "subspace", functools.partial(Subspace, z=z), ("0", "2"))
            count = trainable(model)
            _train(model, x, y, steps=20)
            layers: list[Any] = [site.deltas["subspace"] for _, site in _sites(model)]
            deltas.append(torch.cat([layer.update().flatten() for layer in layers]))
        ranks[k] = torch.linalg.matrix_rank(torch.stack(deltas).detach()).item()
    return [
        equal("rank of 8 tasks' deltas with k = 2", ranks[2], 2),
        equal("rank of 8 tasks' deltas with k = 5", ranks[5], 5),
        equal("trained numbers of two layers with one z of 5", count, 5),
    ]


@parity
def claim_peft_combines_alike(device: str = "cpu") -> list[Measured]:
    """Section 5.3: peft's mixed model with the same two low-rank deltas, and with one of them deleted."""
    try:
        from peft import LoraConfig, PeftMixedModel
    except ImportError:
        raise NotHere("pip install peft") from None
    base, x, _ = _task(device)
    base, x = base.float(), x.float()
    theirs: Any = PeftMixedModel(copy.deepcopy(base), LoraConfig(r=3, lora_alpha=3, target_modules=["0", "2"]), "low")
    theirs.add_adapter("wide", LoraConfig(r=5, lora_alpha=5, target_modules=["0", "2"]))
    theirs.set_adapter(["low", "wide"])
    ours = _with(base, "low", "wide", makers=_FILLED)
    for path, site in _sites(ours):
        there = theirs.base_model.model.get_submodule(path)
        for name, delta in site.deltas.items():
            there.lora_A[name].weight.data.copy_(delta.A)
            there.lora_B[name].weight.data.copy_(delta.B)
    both = _gap(ours(x), theirs(x))
    theirs.delete_adapter("low")
    return [
        at_most("outputs with both differ by", both, 1e-6),
        at_most("outputs with one deleted differ by", _gap(detach(ours, "low")(x), theirs(x)), 1e-6),
    ]


@direction
def claim_fine_tuning_converges_fastest(device: str = "cpu") -> list[Measured]:
    """Section 5.2: full fine-tuning converges faster than each kind of delta: mean loss over the first steps."""
    area = {kind: _areas(kind, device) for kind in RATES}
    rows = []
    for kind in KINDS:
        behind = [a - b for a, b in zip(area[kind], area["full"], strict=True)]
        what = f"{kind} behind full fine-tuning, nats a token, least of 3 seeds"
        rows.append(shown(what, min(behind), min(behind) > 0, "over 0"))
    return rows


@_claims.headline
def claim_over_a_hundred_tasks() -> Measured:
    """Abstract: delta tuning methods are compared over a hundred tasks."""
    return _claims.quoted("over 100 NLP tasks", "abstract")


# --- small models -----------------------------------------------------------------

MAKERS: dict[str, tuple[Make, tuple[str, ...]]] = {
    "addition": (functools.partial(Adapter, size=3), ("0", "2")),
    "specification": (Specified, ("0", "2")),
    "reparametrisation": (functools.partial(LowRank, size=3), ("0", "2")),
}
RATES = {  # three for each, around the best
    "full": (1e-3, 3e-3, 1e-2),
    "addition": (1e-2, 3e-2, 1e-1),
    "specification": (1e-1, 3e-1, 1.0),
    "reparametrisation": (1e-2, 3e-2, 1e-1),
}


def _filled(make: Callable[[nn.Module, int], nn.Module], size: int, base: nn.Module) -> nn.Module:
    """A delta as it is after training: none of it is zero."""
    delta = make(base, size)
    for p in delta.parameters():
        nn.init.normal_(p, std=0.2)
    return delta


_FILLED: dict[str, tuple[Make, tuple[str, ...]]] = {
    "low": (functools.partial(_filled, LowRank, 3), ("0", "2")),
    "wide": (functools.partial(_filled, LowRank, 5), ("0", "2")),
    "addition": (functools.partial(_filled, Adapter, 3), ("0", "2")),
}


def _with(base: nn.Module, *names: str, makers: dict[str, tuple[Make, tuple[str, ...]]] = MAKERS) -> nn.Module:
    """A copy of the base with these deltas."""
    model = copy.deepcopy(base)
    for name in names:
        if name == "subspace":
            z = nn.Parameter(torch.zeros(4, dtype=torch.float64, device=next(base.parameters()).device))
            attach(model, name, functools.partial(Subspace, z=z), ("0", "2"))
        else:
            attach(model, name, *makers[name])
    return model


def _task(device: str, seed: int = 0) -> tuple[nn.Sequential, Tensor, Tensor]:
    torch.manual_seed(seed)
    base = nn.Sequential(nn.Linear(16, 24), nn.Tanh(), nn.Linear(24, 16)).double().to(device)
    x = torch.randn(64, 16, dtype=torch.float64).to(device)
    y = (base(x) @ torch.randn(16, 16, dtype=torch.float64).to(device) / 4).detach()
    return base, x, y


def _train(model: nn.Module, x: Tensor, y: Tensor, steps: int = 60) -> nn.Module:
    optimiser = torch.optim.Adam((p for p in model.parameters() if p.requires_grad), lr=2e-2)
    for _ in range(steps):
        optimiser.zero_grad()
        torch.autograd.backward(F.mse_loss(model(x), y))
        optimiser.step()
    return model


class _Step(nn.Module):
    """A layer of a transformer as a function of its state alone."""

    def __init__(self, layer: nn.Module, others: dict[str, Any]) -> None:
        super().__init__()
        self.layer, self.others = layer, others

    def forward(self, h: Tensor) -> Tensor:
        out: Tensor | tuple[Tensor, ...] = self.layer(h, **self.others)
        return out[0] if isinstance(out, tuple) else out


def _dynamics(model: Any, ids: Tensor) -> tuple[list[_Step], Tensor, Callable[[Tensor], Tensor]]:
    """The layers of a model as f_t, the first state, and the loss of the last one."""
    seen: list[tuple[nn.Module, Tensor, dict[str, Any]]] = []
    hooks = [
        layer.register_forward_pre_hook(lambda m, args, kw: seen.append((m, args[0], kw)), with_kwargs=True)
        for layer in model.model.layers
    ]
    with torch.no_grad():
        model(input_ids=ids, use_cache=False)
    for hook in hooks:
        hook.remove()

    def loss(h: Tensor) -> Tensor:
        return _next_token(model.lm_head(model.model.norm(h)), ids)

    return [_Step(layer, kw) for layer, _, kw in seen], seen[0][1].detach(), loss


def _next_token(logits: Tensor, ids: Tensor) -> Tensor:
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())  # (B, T, V), (B, T)


def _areas(kind: str, device: str) -> list[float]:
    """Mean loss over the first steps for 3 seeds, at the best of 3 learning rates on the first seed."""
    first = {lr: _area(kind, lr, 0, device) for lr in RATES[kind]}
    best = min(first, key=lambda lr: first[lr])
    return [first[best], *(_area(kind, best, seed, device) for seed in (1, 2))]


def _area(kind: str, lr: float, seed: int, device: str, steps: int = 8) -> float:
    model, tokenizer = models.load("tiny", device, "float32")
    torch.manual_seed(seed)
    if kind != "full":
        apply(model, (kind,), size=8)
    history = loop.train(model, tokenizer, tasks.get("python"), steps, lr, batch=4, length=48, seed=seed)
    return sum(history.losses) / steps


def _gap(a: Tensor, b: Tensor) -> float:
    """The largest difference, relative to the largest number."""
    return ((a - b).abs().max() / b.abs().max()).item()


def _most(found: Iterable[Tensor], expected: Iterable[Tensor]) -> float:
    return max(_gap(a, b) for a, b in zip(found, expected, strict=True))
