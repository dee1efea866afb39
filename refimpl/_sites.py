"""Layers with several deltas behind them: attached by the ends of their names, each detached by its own.

A delta is a module that is called with a layer's input x and with h, what stands behind the layer so far, and returns
the new h. One that is linear in x has `update()`, what it adds to the weight. One that trains the layer's own numbers
has `thaw()`, by which that begins, and `restore()`, which puts back what they were.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from refimpl._layers import Adapted, Own
from refimpl._surgery import READ_ITSELF, NoLayers, close, demand_linear, freeze, guard, opened, put, restored, seen
from refimpl._targets import matches


class Site(Adapted):
    """A layer and the deltas attached to it, in the order in which they came."""

    def __init__(self, base: nn.Module) -> None:
        super().__init__()
        self.base, self.deltas = base, nn.ModuleDict()

    def forward(self, x: Tensor, *rest: Any, **named: Any) -> Tensor:
        h: Tensor = self.base(x, *rest, **named)
        for delta in self.deltas.values():
            h = delta(x, h)
        return h

    def delta(self) -> Tensor | None:
        """What those deltas add to the weight that are linear in x."""
        deltas: list[Any] = [delta for delta in self.deltas.values() if hasattr(delta, "update")]
        return torch.stack([delta.update() for delta in deltas]).sum(0) if deltas else None


def attach(
    model: nn.Module, name: str, make: Callable[[nn.Module], nn.Module], targets: str | Iterable[str]
) -> nn.Module:
    """Put `make(layer)` behind each layer that a target names. The first delta freezes the model."""
    if not name.isidentifier() or name in attached(model):
        raise ValueError(f"a delta needs a new name that is an identifier; {name!r} is taken or is none")
    with opened(model, [targets] if isinstance(targets, str) else list(targets)) as wanted:
        places = _places(model, wanted)
        layers = {id(layer): layer for layer in places.values()}  # one that stands in two places stays one
        sites = {at: layer if isinstance(layer, Site) else Site(seen(layer)) for at, layer in layers.items()}
        made: dict[int, Any] = {at: make(site.base) for at, site in sites.items()}
        for path, layer in places.items():
            _check(path, made[id(layer)], sites[id(layer)])
        freeze(model)
    for path, layer in places.items():
        put(model, path, layer, sites[id(layer)])
    for at, delta in made.items():
        sites[at].deltas[name] = delta
        if hasattr(delta, "thaw"):
            delta.thaw()
    guard(model)
    return model


def detach(model: nn.Module, name: str) -> nn.Module:
    """Take a delta away. Without any, the model has the layers and the numbers that it had."""
    if name not in attached(model):
        raise ValueError(f"no delta {name!r} is attached; there are {', '.join(attached(model)) or 'none'}")
    for path, site in sites_of(model):
        delta: Any = site.deltas.pop(name) if name in site.deltas else None
        if hasattr(delta, "restore"):
            delta.restore()
        if not site.deltas:
            model.set_submodule(path, restored(site, site.base))
    return close(model)


def attached(model: nn.Module) -> list[str]:
    """The names of the deltas, layer by layer."""
    return list(dict.fromkeys(name for _, site in sites_of(model) for name in site.deltas))


def sites_of(model: nn.Module) -> list[tuple[str, Site]]:
    """Where something is attached, by path; a site that stands in two places has two."""
    every = model.named_modules(remove_duplicate=False)
    return [(path, layer) for path, layer in every if isinstance(layer, Site)]


def numbers(base: nn.Module) -> tuple[Callable[..., Tensor], tuple[int, int]]:
    """A maker of zeros beside W, at least float32, and W's shape. Raises ValueError where there is no such W."""
    W = getattr(base, "weight", None)
    if not isinstance(base, nn.Linear) or not isinstance(W, Tensor) or not W.is_floating_point():
        raise ValueError(f"{type(base).__name__} has no weight (d, k) of floating point; name targets that are Linear")
    return functools.partial(W.new_zeros, dtype=torch.promote_types(W.dtype, torch.float32)), (W.shape[0], W.shape[1])


def _check(path: str, delta: nn.Module, site: Site) -> None:
    own = hasattr(delta, "thaw")
    if not own:
        demand_linear(path, site.base)
    if own and any(hasattr(other, "thaw") for other in site.deltas.values()):
        raise ValueError("another delta trains these biases and gains already; detach it first")
    if not own and not hasattr(delta, "update") and path.endswith(READ_ITSELF):
        raise ValueError(f"the model reads the weight of {path}, which an addition cannot change; leave it out")


def _places(model: nn.Module, targets: list[str]) -> dict[str, nn.Module]:
    """Layers by path, where the path ends in a target; nothing inside a site."""
    inside = tuple(f"{path}." for path, _ in sites_of(model))
    every = model.named_modules(remove_duplicate=False)
    outside = {p: m for p, m in every if p and not (inside and p.startswith(inside))}
    found = {p: m for p, m in outside.items() if any(matches(p, target) for target in targets)}
    if missing := [target for target in targets if not any(matches(p, target) for p in found)]:
        there = sorted({path.rpartition(".")[2] for path, m in outside.items() if not list(m.children())})
        raise NoLayers(f"no layer named {', '.join(sorted(missing))}; there are {', '.join(there)}")
    if odd := [p for p, m in found.items() if isinstance(m, Own) and not isinstance(m, Site)]:
        raise ValueError(f"{odd[0]} is adapted already; merge that, name other layers, or load the model anew")
    return found
