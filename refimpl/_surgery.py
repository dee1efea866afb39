"""What every method does to a model: find layers, freeze it, put its own in their place, take them out again.

All that can be wrong with a model is found before anything is changed, and said in one line.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from refimpl._layers import Adapted, Experts, Own, Transposed, as_conv1d, names
from refimpl._targets import ALL_LINEAR, CLASSIFIERS, blocks, head_of, matches

A = TypeVar("A", bound=Adapted)
# layers whose weight their model multiplies by itself, so that only what a weight can hold has an effect
READ_ITSELF = ("dt_proj",)


class NoLayers(ValueError):
    """No layer of the model has a name that was asked for; the message lists what there is."""


def freeze(model: nn.Module) -> nn.Module:
    """Stop every parameter from being trained, in place, but the head of a classifier, which is new to its task.

    A model that a method has adapted already stays as it is: the second method is trained beside the first.
    Raises ValueError, and changes nothing, where a weight is NaN or infinite.
    """
    if is_adapted(model):
        return model
    demand_whole(model).requires_grad_(False)
    for name in CLASSIFIERS:
        if isinstance(head := getattr(model, name, None), nn.Module):
            head.requires_grad_(True)
    return model


def demand_whole(model: nn.Module) -> nn.Module:
    """The model. Raises ValueError where one of its numbers is NaN or infinite."""
    for name, p in model.named_parameters():
        if p.is_floating_point() and not p.is_meta and not p.isfinite().all():
            raise ValueError(f"{name.removesuffix('.weight')} is NaN or infinite in places; load a model that is whole")
    return model


def is_adapted(model: nn.Module) -> bool:
    """Whether a method has put something into the model that is not its own."""
    return any(isinstance(module, Own) for module in model.modules())


def adapt(
    model: nn.Module, make: Callable[[nn.Linear], Adapted], targets: str | Iterable[str] | None = None, *,
    linear: bool = True, floating: bool = True, over: bool = False,
) -> dict[str, Adapted]:  # fmt: skip
    """Freeze the model in place and put `make(layer)` where a layer stands that a target names; returns them by path.

    Without targets that is every Linear but the head.
    The layers are Linears; `Transposed` and `Experts` are made of what is kept in other forms. A layer in two places
    stays one. What `make` gives must be linear in the weight, or say so. With `over`, layers that have an update are
    left with that one. Raises `NoLayers` where a target names no layer, and ValueError where a layer is adapted already
    or its weight is none to adapt.
    """
    wanted = [ALL_LINEAR] if targets is None else [targets] if isinstance(targets, str) else list(targets)
    with opened(model, wanted):
        found = find(model, wanted)
        for path, there in found.items():
            _check(path, there, linear, floating, over)
        freeze(model)
    made: dict[int, Adapted] = {}
    done: dict[str, Adapted] = {}
    paths = [path for path, there in found.items() if not isinstance(there, Adapted)]
    found.clear()
    del there
    layer: Any = None
    while paths:  # so that a layer nobody keeps is freed before the next is made
        path = paths.pop(0)
        layer = model.get_submodule(path)
        if id(layer) not in made:
            made[id(layer)] = make(seen(layer))
        done[path] = made[id(layer)]
        put(model, path, layer, done[path])
        layer = None
    guard(model)
    return done


def seen(layer: Any) -> Any:
    """The layer as a method is shown it."""
    return Transposed(layer) if isinstance(layer, Conv1D) else layer


def put(model: nn.Module, path: str, layer: nn.Module, new: Adapted) -> None:
    """`new` in place of `layer`; it keeps in mind what form that had, and with whom it shares its weight."""
    if layer is new:
        return
    if "was" not in vars(new):
        W = getattr(layer, "weight", None)
        others = [name for name, m in model.named_modules() if m is not layer and getattr(m, "weight", None) is W]
        vars(new)["was"], vars(new)["tied"] = type(layer), next(iter(others), "") if W is not None else ""
    model.set_submodule(path, new)


def restored(new: Adapted, plain: nn.Module) -> nn.Module:
    """The layer, with the numbers of `plain`, in the form that it had before `new` stood there."""
    return as_conv1d(plain) if vars(new).get("was") is Conv1D and isinstance(plain, nn.Linear) else plain


def find(model: nn.Module, targets: Iterable[str]) -> dict[str, Any]:
    """The layers that the targets name, by path: Linears and what is like one, and those that are adapted already."""
    wanted, there = list(targets), layers(model)
    if ALL_LINEAR in wanted:
        heads = {id(module) for head in head_of(model) for module in head.modules()}
        found = {path: layer for path, layer in there.items() if id(layer) not in heads}
        missing: list[str] = []
        if found and (left := [block for block in blocks(model) if not any(path.startswith(block) for path in found)]):
            raise NoLayers(
                f"no Linear in {left[0][0][:-1]}, whose weights are in another form; name the layers to adapt"
            )
    else:
        found = {path: layer for path, layer in there.items() if any(matches(path, target) for target in wanted)}
        missing = [target for target in wanted if not any(matches(path, target) for path in found)]
    if missing or not found:
        known = sorted({path.rpartition(".")[2] for path in there})
        asked = f"named {', '.join(sorted(missing))}" if missing else "to adapt"
        raise NoLayers(f"no Linear {asked}; there are {', '.join(known) or 'none'}")
    return found


def layers(model: nn.Module) -> dict[str, Any]:
    """Everything that a method for Linears can be applied to, by path, and what has been put in such a place."""
    found: dict[str, Any] = {}
    inside: tuple[str, ...] = ()
    for path, module in model.named_modules(remove_duplicate=False):
        if path.startswith(inside) and inside:
            continue
        if path and isinstance(module, nn.Linear | Conv1D | Adapted) and "Router" not in type(module).__name__:
            found[path] = module
            inside += (f"{path}.",)
        found |= {f"{path}.{name}": getattr(module, name) for name in names(module)}
    return found


def shapes(model: nn.Module, targets: Iterable[str]) -> list[tuple[int, int]]:
    """(d, k) of each weight that the targets name; the experts of a mixture have one each."""
    found: list[tuple[int, int]] = []
    for layer in find(model, targets).values():
        if isinstance(layer, nn.Parameter):
            found += [(layer.shape[1], layer.shape[2])] * len(layer)
        elif isinstance(layer, Conv1D):
            found.append((layer.nf, layer.nx))
        else:
            found.append((layer.out_features, layer.in_features))
    return found


def _check(path: str, layer: Any, linear: bool, floating: bool, over: bool) -> None:
    if isinstance(layer, Adapted):
        if over and layer.delta() is not None:
            return
        raise ValueError(f"{path} is adapted already, by {type(layer).__name__}: merge that, or name other layers")
    W: Any = layer.weight
    if floating and not W.is_floating_point():
        raise ValueError(f"the weight of {path} is {W.dtype}; use refimpl.qlora, or load the model whole")
    demand_linear(path, layer)
    if not linear and path.endswith(READ_ITSELF):
        raise ValueError(f"the model reads the weight of {path}, which what is not linear cannot change; leave it out")


@torch.no_grad()
def demand_linear(path: str, layer: Any) -> None:
    """Raise ValueError for a Linear that has a forward of its own and does more with x than its weight and bias say."""
    if not isinstance(layer, nn.Linear) or type(layer).forward is nn.Linear.forward or not _can_be_tried(layer.weight):
        return
    x = torch.eye(layer.in_features, device=layer.weight.device, dtype=layer.weight.dtype)[:2]
    with contextlib.suppress(RuntimeError):  # where it takes another shape
        if torch.allclose(layer(x), nn.functional.linear(x, layer.weight, layer.bias), rtol=1e-2):
            return
    raise ValueError(f"{path} is a {type(layer).__name__}, which is more than its weight; name the layers to adapt")


def _can_be_tried(weight: Tensor) -> bool:
    return weight.is_floating_point() and not weight.is_meta


def unwrap(model: nn.Module, kind: type[A], fold: Callable[[A], nn.Module]) -> nn.Module:
    """Put `fold(layer)` in place of each layer of a kind, and every layer back into the form that it had."""
    found = [(path, layer) for path, layer in layers(model).items() if isinstance(layer, kind)]
    if tied := [(path, vars(layer)["tied"]) for path, layer in found if vars(layer).get("tied")]:
        path, other = tied[0]
        raise ValueError(
            f"{path} shares its weight with {other} (tied embeddings) and merging would change both: leave it out, or "
            "load the model with tie_word_embeddings=False"
        )
    made: dict[int, nn.Module] = {}
    while found:
        path, layer = found.pop()
        if id(layer) not in made:
            made[id(layer)] = restored(layer, fold(layer))
        model.set_submodule(path, made[id(layer)])
        del layer
    return close(model)


@torch.no_grad()
def folded(model: nn.Module, kind: type[A]) -> nn.Module:
    """Add what each layer of a kind has as its `delta` to the weight of its base, in place, and leave the bases."""

    def fold(layer: A) -> nn.Module:
        if (delta := layer.delta()) is not None:
            layer.base.weight += delta.to(layer.base.weight.dtype)
        base: nn.Module = layer.base
        return base

    return unwrap(model, kind, fold)


@contextlib.contextmanager
def opened(model: nn.Module, targets: list[str]) -> Iterator[list[str]]:
    """The experts that a target names are Linears from now on, unless what is done inside fails."""
    if ALL_LINEAR in targets and (odd := [path for path, module in model.named_modules() if _strange(module)]):
        raise ValueError(f"{odd[0]} keeps weights in a form that is not known here; name the layers to adapt")
    for path, module in list(model.named_modules()):
        there = [f"{path}.{name}" for name in names(module)]
        named = any(matches(at, target) or target.startswith(f"{path}.") for at in there for target in targets)
        if there and (named or ALL_LINEAR in targets):
            model.set_submodule(path, Experts(module))
    try:
        yield targets
    except ValueError:
        close(model)
        raise


def _strange(module: nn.Module) -> bool:
    """Weights of three dimensions that would be passed over: of experts, or of a head each, as XLNet's."""
    whole = [p for p in module.parameters(recurse=False) if p.dim() == 3 and min(p.shape) > 1]
    return bool(whole) and not names(module) and not isinstance(module, nn.Conv1d)


def close(model: nn.Module) -> nn.Module:
    """Put experts back whose layers are plain again; with nothing of a method left, the model is saved as ever."""
    for path, module in list(model.named_modules()):
        if isinstance(module, Experts) and all(type(layer) is nn.Linear for layer in module.each()):
            model.set_submodule(path, module.closed())
    if not is_adapted(model):
        vars(model).pop("save_pretrained", None)
    return model


def guard(
    model: nn.Module,
    instead: str = "merge it first, or keep what was trained alone, with the method's own save (and train with "
    "save_strategy='no' where a Trainer would save)",
) -> None:
    """From now on `save_pretrained`, which would write what nobody can read, says what to do instead."""

    def refuse(*_: object, **__: object) -> NoReturn:
        raise ValueError(
            f"save_pretrained would write an adapted model under names that from_pretrained does not know: {instead}"
        )

    if hasattr(model, "save_pretrained"):
        vars(model)["save_pretrained"] = refuse


def demand_ascending(at: Tensor, end: int, folder: Path) -> None:
    """Raise ValueError, and forget them, unless `folder` held places among `end` numbers, in order and none twice."""
    if len(at) and not (at[0] >= 0 and at[-1] < end and (at.diff() > 0).all()):
        at.zero_()
        raise ValueError(f"{folder} holds a mask that is none: places must ascend within the tensor; save it again")


def trainable(model: nn.Module) -> int:
    """How many numbers are trained; a shared parameter counts once."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
