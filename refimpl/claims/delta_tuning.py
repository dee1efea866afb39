"""Delta tuning: what the paper says, as functions that measure, and fail when it is not so."""

from __future__ import annotations

import copy
import functools
import itertools
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from refimpl._claims import Measured, at_least, at_most, equal, library, quoted, refused, shown
from refimpl._drawn import SHAPES, SIZES, worst
from refimpl._kinds import direction, exact, headline, parity
from refimpl._lab import loop, models, tasks
from refimpl._surgery import trainable
from refimpl._toys import apart, far, fitted, llama, narrow, reloaded
from refimpl.delta_tuning import (
    KINDS,
    Adapter,
    LowRank,
    Make,
    Specified,
    Subspace,
    apply,
    attach,
    costates,
    detach,
    load,
    merge,
    save,
    sites_of,
)


@exact
def claim_every_combination_starts_as_the_base(device: str = "cpu") -> list[Measured]:
    """Section 5.3: deltas of different kinds combine; before training any combination is the base, and counts add."""
    base, x, _ = _task(device)
    counts = {kind: trainable(_with(base, kind)) for kind in MAKERS}
    moved, added = 0.0, 0
    for order in itertools.permutations(MAKERS):
        model = _with(base, *order)
        moved = max(moved, far(model(x), base(x)))
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
        model = fitted(_with(base, *MAKERS), x, y, 60, 2e-2)
        moved = max(moved, far(model(x), base(x)))
        detach(model, order[0])
        rest = max(rest, far(model(x), base(x)))
        for kind in order[1:]:
            detach(model, kind)
        odd += sum(not torch.equal(p, base.get_parameter(name)) for name, p in model.named_parameters())
        odd += [*map(type, model.modules())] != layers
        odd += trainable(model) > 0
    return [
        at_least("outputs moved by training", moved, 0.01),
        at_least("and by two deltas of three", rest, 0.01),
        equal("tensors and layers not as in the base, or trained, over 6 orders", odd, 0),
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
        gaps[what] = far(one(x), other(x))
    model = _with(base, "low", "addition", makers=_FILLED)
    site = next(site for _, site in sites_of(model) if len(site.deltas) == 2)
    z = torch.randn(3, site.in_features, dtype=x.dtype, device=device)
    by_hand = site.base(z)
    for name in ("low", "addition"):
        by_hand = site.deltas[name](z, by_hand)
    return [
        at_most("in the order in which they came, outputs differ by", far(site(z), by_hand), 1e-14),
        at_most("two reparametrisations, in the other order", gaps["parallel"], 1e-14),
        at_least("a reparametrisation and an addition, in the other order", gaps["in series"], 0.01),
    ]


@exact
def claim_reparametrisations_and_specifications_fold(device: str = "cpu") -> list[Measured]:
    """Section 3.3: after training a reparametrisation folds into W, beside a specification; an addition cannot."""
    base, x, y = _task(device)
    model = fitted(_with(base, "reparametrisation", "specification", "subspace"), x, y, 60, 2e-2)
    expected, merged = model(x), merge(copy.deepcopy(model))
    return [
        at_most("merged outputs differ by", far(merged(x), expected), 1e-12),
        equal("the layers are those of the base", [*map(type, merged.modules())] == [*map(type, base.modules())], True),
        equal("numbers of it that are trained", trainable(merged), 0),
        refused("to merge an addition", lambda: merge(_with(base, "reparametrisation", "addition"))),
    ]


@exact
def claim_costates_are_backpropagation(device: str = "cpu") -> list[Measured]:
    """Section 4.2: the co-state recursion, one layer at a time, gives the gradients of all deltas, with their cost."""
    base, x, y = _task(device)
    model = fitted(_with(base, *MAKERS), x, y, 5, 2e-2)
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
        at_most("lambda_0 differs from the gradient of the input by", far(lambdas[0], first), 1e-13),
        at_most("lambda_2 differs from a difference quotient by", far((lambdas[2] * step).sum(), slope), 1e-6),
    ]


@exact
def claim_costates_of_a_language_model(device: str = "cpu") -> list[Measured]:
    """Section 4.2: the same over the layers of a transformer with all three kinds attached, in fp64."""
    model = models.load("tiny", device, "float32")[0].double().train()
    torch.manual_seed(0)
    apply(model, KINDS, size=2)
    for _, site in sites_of(model):
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
            fitted(model, x, y, 20, 2e-2)
            layers: list[Any] = [site.deltas["subspace"] for _, site in sites_of(model)]
            deltas.append(torch.cat([layer.update().flatten() for layer in layers]))
        ranks[k] = torch.linalg.matrix_rank(torch.stack(deltas).detach()).item()
    return [
        equal("rank of 8 tasks' deltas with k = 2", ranks[2], 2),
        equal("rank of 8 tasks' deltas with k = 5", ranks[5], 5),
        equal("trained numbers of two layers with one z of 5", count, 5),
    ]


@exact
def claim_the_equations_at_any_size(device: str = "cpu") -> Measured:
    """Sections 3.1 to 3.3: outputs and gradients of each kind, whatever the sizes and the bias."""

    def gap(kind: str, k: int, d: int, size: int, bias: bool, shape: tuple[int, ...]) -> float:
        torch.manual_seed(k)
        base = nn.Linear(k, d, bias).to(device, torch.float64)
        z = nn.Parameter(torch.randn(size, dtype=torch.float64, device=device))
        makers: dict[str, Make] = {
            "addition": functools.partial(Adapter, size=size),
            "reparametrisation": functools.partial(LowRank, size=size),
            "subspace": functools.partial(Subspace, z=z),
        }
        model = attach(nn.Sequential(copy.deepcopy(base)), kind, makers[kind], ("0",))
        delta: Any = model.get_submodule(f"0.deltas.{kind}")
        for p in delta.parameters():
            nn.init.normal_(p)
        x = torch.randn(*shape, k, device=device, dtype=torch.float64, requires_grad=True)
        h = F.linear(x, base.weight.detach(), base.bias)
        if kind == "addition":
            plain = h + F.relu(h @ delta.W_d.T) @ delta.W_u.T
        elif kind == "reparametrisation":
            plain = h + x @ delta.A.T @ delta.B.T
        else:
            plain = h + x @ sum(delta.z[j] * delta.P[j] for j in range(size)).T
        site: Any = model.get_submodule("0")
        read = plain if kind == "addition" else F.linear(x, site.weight, base.bias)
        return max(apart(model(x), plain, (x, *delta.parameters())), far(read, plain))

    return worst("outputs, also of the weight as it is read, and gradients differ by", gap, 1e-12,
                 kind=("addition", "reparametrisation", "subspace"), k=SIZES, d=SIZES, size=range(1, 5),
                 bias=(True, False), shape=SHAPES)  # fmt: skip


@exact
def claim_defaults(device: str = "cpu") -> list[Measured]:
    """Sections 3.1 to 3.3: where each kind stands, how large it is, and how it is drawn, which is our choice."""
    found = {kind: apply(llama(device=device), kind) for kind in KINDS}
    places = {kind: {path.rpartition(".")[2] for path, _ in sites_of(model)} for kind, model in found.items()}
    torch.manual_seed(0)
    base = nn.Linear(400, 300).to(device)
    half = apply(llama(device=device).bfloat16(), "addition,reparametrisation")
    low, behind = LowRank(base, 50), Adapter(base, 50)
    random, other = (Subspace(base, nn.Parameter(torch.zeros(4, device=device)), seed).P for seed in (0, 1))
    own = attach(nn.Sequential(nn.Linear(5, 7)), "own", Specified, ("0",))
    layer: Any = found["reparametrisation"].get_submodule("model.layers.0.mlp.up_proj.deltas.reparametrisation")
    return [
        equal("additions behind o_proj and down_proj", places["addition"] == {"o_proj", "down_proj"}, True),
        equal("specifications of the blocks' norms",
              places["specification"] == {"input_layernorm", "post_attention_layernorm"}, True),
        equal("numbers that it trains", trainable(found["specification"]), 2 * 2 * 64),
        equal("and in a Linear of 5 by 7, its bias", trainable(own), 7),
        equal("reparametrisations of all Linears of a block", len(places["reparametrisation"]), 7),
        equal("size", len(layer.A), 8),
        narrow(half),
        *(reloaded(model, apply(llama(device=device), kind), save, load) for kind, model in found.items()),
        at_most("deviation of A off 1/sqrt(k), share", abs(low.A.std().item() * 400**0.5 - 1), 0.02),
        at_most("deviation of W_d off 1/sqrt(d), share", abs(behind.W_d.std().item() * 300**0.5 - 1), 0.02),
        at_most("deviation of P off 1/sqrt(n k), share", abs(random.std().item() * 1600**0.5 - 1), 0.02),
        at_least("of another seed, P differs by", far(random, other), 0.1),
    ]  # fmt: skip


@parity
def claim_peft_combines_alike(device: str = "cpu") -> list[Measured]:
    """Section 5.3: peft's mixed model with the same two low-rank deltas, and with one of them deleted."""
    peft = library("peft")
    base, x, _ = _task(device)
    base, x = base.float(), x.float()
    low, wide = (peft.LoraConfig(r=r, lora_alpha=r, target_modules=["0", "2"]) for r in (3, 5))
    theirs: Any = peft.PeftMixedModel(copy.deepcopy(base), low, "low")
    theirs.add_adapter("wide", wide)
    theirs.set_adapter(["low", "wide"])
    ours = _with(base, "low", "wide", makers=_FILLED)
    for path, site in sites_of(ours):
        there = theirs.base_model.model.get_submodule(path)
        for name, delta in site.deltas.items():
            there.lora_A[name].weight.data.copy_(delta.A)
            there.lora_B[name].weight.data.copy_(delta.B)
    both = far(ours(x), theirs(x))
    theirs.delete_adapter("low")
    return [
        at_most("outputs with both differ by", both, 1e-6),
        at_most("outputs with one deleted differ by", far(detach(ours, "low")(x), theirs(x)), 1e-6),
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


@headline
def claim_over_a_hundred_tasks() -> Measured:
    """Abstract: delta tuning methods are compared over a hundred tasks."""
    return quoted("over 100 NLP tasks", "abstract")


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
    history = loop.train(model, tokenizer, tasks.get("json"), steps, lr, batch=4, length=48, seed=seed)
    return sum(history.losses) / steps


def _most(found: Iterable[Tensor], expected: Iterable[Tensor]) -> float:
    return max(far(a, b) for a, b in zip(found, expected, strict=True))
