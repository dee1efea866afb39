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

As in the authors' code k = floor(p m) is taken within each tensor. Its burn-in of n steps adds up n - 1 gradients,
clipped to a norm first, and its masks are of the encoder alone: the heads of its classifiers are trained in full, as
here (src/runner.py, complex_backpropagate and run_train_step). Autograd keeps theta0 + M Delta of each tensor for
the backward pass, and the burn-in holds one gradient for each parameter.
Left out: other estimates of h; tensors that two modules share (tied embeddings), and `lm_head`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from refimpl._lab import adapter
from refimpl._lab import demo as lab
from refimpl._layers import Own
from refimpl._surgery import NoLayers, close, demand_ascending, freeze, guard, is_adapted
from refimpl._targets import head_of, matches

PAPER = "fu2023effectiveness arXiv:2211.15583 10.1609/aaai.v37i11.26505"


def gain(g: Tensor, h: Tensor | float = 1.0) -> Tensor:
    """How much the loss falls, to second order, where a parameter is let through."""
    return g**2 / (2 * h)


def select(gains: Tensor, k: int) -> Tensor:
    """The places of the k largest gains in the flattened tensor, in order."""
    return gains.flatten().topk(k).indices.sort().values


class Masked(Own):
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
    model: nn.Module, losses: Iterable[Callable[[], Tensor]], targets: str | Iterable[str] | None = None
) -> dict[str, Tensor]:
    """The gain of each parameter, by the name of its tensor, from the gradients of the losses that these return."""
    chosen = {name: getattr(module, kind) for name, module, kind in tunable(model, targets)}
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
    if missed := [name for name, g in sums.items() if not (g.any() and g.isfinite().all())]:
        raise ValueError(
            f"no gradient for {missed[0]}: give at least one finite loss that depends on every tensor to tune"
        )
    return {name: gain(g.to(torch.promote_types(g.dtype, torch.float32))) for name, g in sums.items()}


def apply(
    model: nn.Module,
    gains: Mapping[str, Tensor] | None = None,
    density: float = 0.005,
    targets: str | Iterable[str] | None = None,
) -> nn.Module:
    """Freeze `model` in place and tune the share `density` of each tensor that has the largest gains.

    Without gains the mask is random, which is what the paper compares with. `targets` are the last names of modules.
    """
    if not 0 < density <= 1:
        raise ValueError(
            f"a density of {density}: it is the share of the parameters that is tuned, above 0 and at most 1"
        )
    chosen = list(tunable(model, targets))
    if gains is not None and (unknown := [name for name, _, _ in chosen if name not in gains]):
        raise ValueError(f"no gains for {unknown[0]}: give `burn_in` the same model and targets")
    freeze(model)
    for name, module, kind in chosen:
        theta0 = getattr(module, kind)
        score = torch.rand(theta0.shape, device=theta0.device) if gains is None else gains[name]
        if k := int(density * theta0.numel()):
            parametrize.register_parametrization(module, kind, Masked(theta0, select(score, k)))
    if not is_adapted(model):
        raise ValueError(f"a density of {density} selects nothing in tensors this small; take a larger one")
    guard(model)
    return model


def tunable(model: nn.Module, targets: Iterable[str] | None) -> list[tuple[str, nn.Module, str]]:
    """Name, module and last name of what may be tuned: parameters of all modules but the head, or of those named."""
    if is_adapted(model):
        raise ValueError("the model is adapted already; merge that, or load the model anew")
    everything = list(model.named_parameters(remove_duplicate=False))
    if odd := [name for name, p in everything if not p.is_floating_point()]:
        raise ValueError(f"{odd[0]} is not floating point; load the model whole, without a quantization_config")
    held = Counter(id(p) for _, p in everything)
    aside = {id(p) for head in head_of(model) for p in head.parameters()}
    wanted = None if targets is None else [targets] if isinstance(targets, str) else list(targets)
    found = [
        (name, model.get_submodule(path), kind)
        for name, p in everything
        for path, _, kind in [name.rpartition(".")]
        if held[id(p)] == 1
        and (id(p) not in aside if wanted is None else any(matches(path, target) for target in wanted))
    ]
    paths = {name.rpartition(".")[0] for name, _, _ in found}
    missing = [target for target in wanted or () if not any(matches(path, target) for path in paths)]
    if missing or not found:
        there = sorted({name.split(".")[-2] for name, _ in everything if "." in name})
        raise NoLayers(f"no tensor to tune in {', '.join(sorted(missing))}; there are {', '.join(there) or 'none'}")
    return found


def merge(model: nn.Module) -> nn.Module:
    """Add every M Delta to its theta0 in place, leaving the modules of the base."""
    for module in list(model.modules()):
        if isinstance(lists := getattr(module, "parametrizations", None), nn.ModuleDict):
            held: dict[str, Any] = dict(lists.items())
            _own_class(module)
            for kind in [kind for kind, parts in held.items() if isinstance(parts[0], Masked)]:
                parametrize.remove_parametrizations(module, kind)
    return close(model)


def _own_class(module: Any) -> None:
    """A parametrized module and a deep copy of it share the class that torch made, which removing would take apart."""
    shared: Any = type(module)
    own = {name: value for name, value in vars(shared).items() if name not in ("__dict__", "__weakref__")}
    module.__class__ = type(shared.__name__, shared.__bases__, own)


def save(model: nn.Module, folder: Path) -> Path:
    """Write the values and their places."""
    return adapter.save(model, folder, {"method": "second_order_mask"}, buffers=("at",))


def load(model: nn.Module, folder: Path) -> nn.Module:
    """Put what was saved into a model to which `apply` was applied with the same density; the mask is that saved."""
    adapter.load(model, folder)
    for parts in (m for m in model.modules() if isinstance(m, parametrize.ParametrizationList)):
        mask, theta0 = parts[0], parts.original
        if isinstance(mask, Masked):
            demand_ascending(mask.at, theta0.numel(), folder)
    return model


def demo(density: float = 0.005, batches: int = 10, **options: Any) -> dict[str, Any]:
    """Find the mask on some batches of a task, and adapt a base model to it."""
    said = {"density": density, "batches": batches}
    return lab.run(
        "second_order_mask", lambda model, data: apply(model, burn_in(model, data.losses(model, batches)), density),
        looks=True, merge=merge, buffers=("at",), options=said, **{"task": "json", "rate": 0.03, **options},
    )  # fmt: skip
