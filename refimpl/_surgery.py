"""What every method does to a model: freeze it, swap layers, count what is trained."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from torch import nn

L = TypeVar("L", bound=nn.Module)


class NoLayers(ValueError):
    """No layer of the model has a name that was asked for; the message lists what there is."""


def freeze(model: nn.Module) -> nn.Module:
    """Stop every parameter from being trained, in place."""
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return model


def swap(model: nn.Module, kind: type[L], make: Callable[[L], nn.Module], targets: Iterable[str] | None = None) -> int:
    """Put `make(layer)` in place of each layer of `kind` whose last name is a target (any name if None).

    Returns how many were swapped. Raises `NoLayers` where targets are given and none is there.
    """
    wanted = None if targets is None else frozenset(targets)
    found = [
        (parent, name, layer)
        for parent in list(model.modules())
        for name, layer in parent.named_children()
        if isinstance(layer, kind) and (wanted is None or name in wanted)
    ]
    if not found and wanted is not None:
        there = sorted({name.rpartition(".")[2] for name, layer in model.named_modules() if isinstance(layer, kind)})
        raise NoLayers(f"no {kind.__name__} named {', '.join(sorted(wanted))}; there are {', '.join(there) or 'none'}")
    for parent, name, layer in found:
        setattr(parent, name, make(layer))
    return len(found)


def trainable(model: nn.Module) -> int:
    """How many numbers are trained; a shared parameter counts once."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
