"""What every method does to a model: freeze it, swap layers, count what is trained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from torch import Tensor, nn

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

    Returns how many were swapped; a layer that stands in two places stays one. Raises `NoLayers` where targets are
    given and none is there, and ValueError where the layer is within one that a method has put there.
    """
    wanted = None if targets is None else frozenset([targets] if isinstance(targets, str) else targets)
    found = [
        (parent, name, layer)
        for parent in list(model.modules())
        for name, layer in parent._modules.items()
        if isinstance(layer, kind) and (wanted is None or name in wanted)
    ]
    if not found and wanted is not None:
        there = sorted({name.rpartition(".")[2] for name, layer in model.named_modules() if isinstance(layer, kind)})
        asked = f"named {', '.join(sorted(wanted))}" if wanted else "to adapt"
        raise NoLayers(f"no {kind.__name__} {asked}; there are {', '.join(there) or 'none'}")
    if inner := [parent for parent, name, _ in found if _within(parent, name)]:
        raise ValueError(f"the model is adapted already, by {type(inner[0]).__name__}; merge that, or load it anew")
    made: dict[int, nn.Module] = {}
    found.reverse()
    while found:  # so that a layer nobody keeps is freed before the next is made
        parent, name, layer = found.pop()
        if id(layer) not in made:
            made[id(layer)] = make(layer)
        setattr(parent, name, made[id(layer)])
        del layer
    return len(made)


def _within(parent: nn.Module, name: str) -> bool:
    """Whether this child is the layer that a method has wrapped."""
    return name == "base" and type(parent).__module__.startswith("refimpl.")


def refuse_tied(model: nn.Module, layers: Mapping[str, Any]) -> None:
    """Raise where the weight of a layer's base is that of another module, too: folding would change both."""
    owners = Counter(id(p) for module in model.modules() for p in module.parameters(recurse=False))
    if tied := [name for name, layer in layers.items() if owners[id(layer.base.weight)] > 1]:
        raise ValueError(f"{tied[0]} shares its weight (tied embeddings) and merging would change both; leave it out")


def ascending(at: Tensor, end: int) -> bool:
    """Whether these are places in a flattened tensor of `end` numbers, in order and none twice."""
    return len(at) == 0 or bool(at[0] >= 0 and at[-1] < end and (at.diff() > 0).all())


def trainable(model: nn.Module) -> int:
    """How many numbers are trained; a shared parameter counts once."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
