r"""PEFT: a library that puts small trained layers into any model by the names of its layers, and keeps them apart.

Mangrulkar et al. 2022, github.com/huggingface/peft: what it does, for LoRA, with the names it uses.

    h = W x + sum_a (alpha / r) B_a A_a x

    x  (..., k)  input        W  (d, k)  base_layer, frozen
    A  (r, k)    lora_A[adapter]         B  (d, r)  lora_B[adapter], zero at the start

Where: `targets` is a list of names, each the end of a layer's path; or a pattern that matches the whole path; or
"all-linear", every Linear but the output head (and so, as in the library, no expert of a mixture, whose weights are no
layer: they are adapted where they are named). Several adapters share one base; those that are active act and are
trained. `save` and `load` keep one adapter in the library's own two files, so that either side reads the other's:

    adapter_config.json            r, lora_alpha, target_modules, ...
    adapter_model.safetensors      base_model.model.<path>.lora_A.weight, ...lora_B.weight

Left out: all other kinds of layers that the library has (`_tuners` lists them), dropout, layers that are not Linear.
"""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from refimpl import _peft_format, _surgery, _tuners
from refimpl._lab import demo as lab
from refimpl._layers import Adapted
from refimpl._surgery import NoLayers, close, find, freeze, guard, layers, opened, put, restored, seen, unwrap
from refimpl._targets import ALL_LINEAR

PAPER = "peft"
ALL = ALL_LINEAR


class Tuned(Adapted):
    """A Linear with adapters by name; those of `active` are added to its output, or to its weight while `merged`."""

    def __init__(self, base_layer: nn.Linear) -> None:
        super().__init__()
        self.base_layer = base_layer
        self.lora_A, self.lora_B = nn.ParameterDict(), nn.ParameterDict()
        self.scaling: dict[str, float] = {}
        self.active: tuple[str, ...] = ()
        self.merged = False

    def add(self, adapter: str, rank: int, alpha: float) -> None:
        W = self.base_layer.weight  # (d, k)
        wide = torch.promote_types(W.dtype, torch.float32)
        A, B = W.new_empty(rank, W.shape[1], dtype=wide), W.new_zeros(W.shape[0], rank, dtype=wide)
        self.lora_A[adapter] = nn.Parameter(nn.init.kaiming_uniform_(A, a=5**0.5), requires_grad=False)
        self.lora_B[adapter] = nn.Parameter(B, requires_grad=False)
        self.scaling[adapter] = alpha / rank

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = self.base_layer(x)  # (..., k) -> (..., d)
        out = h.dtype
        for adapter in () if self.merged else self._active():
            A, B = self.lora_A[adapter], self.lora_B[adapter]
            h = h + F.linear(F.linear(x.to(A.dtype), A), B) * self.scaling[adapter]
        return h.to(out)

    @property
    def base(self) -> nn.Linear:
        """What all adapters share."""
        return self.base_layer

    def delta(self) -> Tensor | None:
        """What the active adapters add to the weight; nothing while it is in it."""
        pairs = [] if self.merged else [(self.lora_A[a], self.lora_B[a], self.scaling[a]) for a in self._active()]
        return torch.stack([B @ A * s for A, B, s in pairs]).sum(0) if pairs else None

    @torch.no_grad()
    def fold(self, sign: int) -> None:
        """Add the active updates to W, or take them out again, which leaves W as it was to rounding."""
        for adapter in self._active()[::sign]:
            update = self.lora_B[adapter] @ self.lora_A[adapter] * self.scaling[adapter]  # (d, k)
            self.base_layer.weight += sign * update.to(self.base_layer.weight.dtype)
        self.merged = sign > 0

    def _active(self) -> list[str]:
        return [adapter for adapter in self.active if adapter in self.scaling]


def apply(
    model: nn.Module,
    targets: str | Iterable[str] = ALL_LINEAR,
    adapter: str = "default",
    rank: int = 8,
    alpha: float = 16.0,
) -> nn.Module:
    """Put an adapter into the layers that `targets` names, in place.

    The first one freezes the model and is active; a later one is, as in the library, once `set_adapter` names it.
    """
    with opened(model, [word for word in _words(targets) if word != ALL]):
        return _put(model, chosen(model, targets), adapter, rank, alpha)


def chosen(model: nn.Module, targets: str | Iterable[str]) -> list[str]:
    """The paths of the layers that `targets` names: words, of which each must name one, or a pattern."""
    if words := _words(targets):
        return [path for path, layer in find(model, words).items() if isinstance(layer, nn.Module)]
    try:
        found = [path for path in layers(model) if re.fullmatch(str(targets), path)]
    except re.error as e:
        raise ValueError(f"{targets!r} is no pattern: {e}") from None
    if not found:
        there = sorted({path.rpartition(".")[2] for path in layers(model)})
        raise NoLayers(f"no Linear matches {targets!r}; there are {', '.join(there) or 'none'}")
    return found


def _words(targets: str | Iterable[str]) -> list[str]:
    """The targets that are words."""
    return ([ALL] if targets == ALL else []) if isinstance(targets, str) else list(targets)


def adapters(model: nn.Module) -> list[str]:
    """The names of the adapters in a model."""
    return list(dict.fromkeys(adapter for layer in tuned(model).values() for adapter in layer.scaling))


def set_adapter(model: nn.Module, *active: str) -> nn.Module:
    """Let these adapters act and be trained, and no other."""
    _known(model, *active)
    for layer in tuned(model).values():
        layer.active = active
        for adapter in layer.scaling:
            layer.lora_A[adapter].requires_grad_(adapter in active)
            layer.lora_B[adapter].requires_grad_(adapter in active)
    return model


@contextlib.contextmanager
def disable_adapter(model: nn.Module) -> Iterator[nn.Module]:
    """Inside, the model is the base."""
    were = [(layer, layer.active, layer.merged) for layer in tuned(model).values()]
    for layer, _, merged in were:
        if merged:
            layer.fold(-1)
        layer.active = ()
    try:
        yield model
    finally:
        for layer, active, merged in were:
            layer.active = active
            if merged:
                layer.fold(1)


def delete_adapter(model: nn.Module, adapter: str) -> nn.Module:
    """Remove an adapter; a layer without any is the Linear that it was."""
    _known(model, adapter)
    for path, layer in tuned(model).items():
        if layer.scaling.pop(adapter, None) is not None:
            del layer.lora_A[adapter], layer.lora_B[adapter]
            layer.active = tuple(name for name in layer.active if name != adapter)
        if not layer.scaling:
            model.set_submodule(path, restored(layer, layer.base_layer))
    return close(model)


def merge_adapter(model: nn.Module) -> nn.Module:
    """Add the active adapters to the weights; the layers stay, and `unmerge_adapter` takes them out again."""
    for layer in tuned(model).values():
        if not layer.merged:
            layer.fold(1)
    return model


def unmerge_adapter(model: nn.Module) -> nn.Module:
    """Subtract what `merge_adapter` added."""
    for layer in tuned(model).values():
        if layer.merged:
            layer.fold(-1)
    return model


def merge(model: nn.Module) -> nn.Module:
    """Add the active adapters to the weights and leave plain Linears (the library's merge_and_unload)."""

    def fold(layer: Tuned) -> nn.Linear:
        if not layer.merged:
            layer.fold(1)
        return layer.base_layer

    return unwrap(model, Tuned, fold)


def save(model: nn.Module, folder: str | Path, adapter: str = "default") -> Path:
    """Write one adapter as the library does."""
    _known(model, adapter)
    pairs = {
        path: _peft_format.Pair(layer.lora_A[adapter], layer.lora_B[adapter], layer.scaling[adapter])
        for path, layer in tuned(model).items()
        if adapter in layer.scaling
    }
    return _peft_format.write(pairs, Path(folder), model)


@torch.no_grad()
def load(model: nn.Module, folder: str | Path, adapter: str = "default") -> nn.Module:
    """Read an adapter that either side saved, into layers of its own where the model has none of that name."""
    factors = _peft_format.read(Path(folder))
    if adapter not in adapters(model):
        factors.check(model)
        _put(model, factors.factors, adapter, factors.rank, factors.alpha)
    own = {path: layer for path, layer in tuned(model).items() if adapter in layer.scaling}
    if odd := own.keys() ^ factors.factors.keys():
        raise ValueError(f"adapter {adapter!r} is in other layers than {folder}: {min(odd)}; load it under a new name")
    for path, (A, B) in factors.factors.items():
        there = own[path].lora_A[adapter], own[path].lora_B[adapter]
        if (A.shape, B.shape) != (there[0].shape, there[1].shape):
            raise ValueError(f"{folder} does not fit {path} of adapter {adapter!r}; load it under a new name")
        there[0].copy_(A), there[1].copy_(B)
        own[path].scaling[adapter] = factors.alpha / factors.rank
    factors.put_heads(model)
    return model


def _put(model: nn.Module, paths: Collection[str], adapter: str, rank: int, alpha: float) -> nn.Module:
    present = adapters(model)
    if not adapter.isidentifier() or adapter in present:
        raise ValueError(f"an adapter needs a new name that is an identifier; {adapter!r} is taken or is none")
    if any(layer.merged for layer in tuned(model).values()):
        raise ValueError("adapters are merged into the weights; call unmerge_adapter first")
    there = {path: layer for path, layer in layers(model).items() if path in paths}
    for path, layer in there.items():
        if isinstance(layer, Adapted) and not isinstance(layer, Tuned):
            raise ValueError(
                f"{path} is adapted already, by {type(layer).__name__}; merge that, or load the model anew"
            )
        W = (layer.base_layer if isinstance(layer, Tuned) else layer).weight
        _surgery.demand_linear(path, layer)
        if rank < 1 or not W.is_floating_point():
            raise ValueError(
                f"{path} takes no adapter of rank {rank}: a rank is over 0, and 4 or 8 bits need refimpl.qlora"
            )
    if not present:
        freeze(model)
    active = next((layer.active for layer in tuned(model).values()), ())
    made: dict[int, Tuned] = {}  # a layer in two places stays one
    for path, layer in there.items():
        if id(layer) not in made:
            made[id(layer)] = new = layer if isinstance(layer, Tuned) else Tuned(seen(layer))
            new.add(adapter, rank, alpha)
            new.active = active
        put(model, path, layer, made[id(layer)])
    guard(model)
    return model if present else set_adapter(model, adapter)


def tuned(model: nn.Module) -> dict[str, Tuned]:
    return {path: layer for path, layer in model.named_modules() if isinstance(layer, Tuned)}


def _known(model: nn.Module, *names: str) -> None:
    """Whether these adapters are there, and the weights free of any."""
    present = adapters(model)
    if strange := [name for name in names if name not in present]:
        raise ValueError(f"no adapter {strange[0]!r}; there are {', '.join(present) or 'none'}")
    if any(layer.merged for layer in tuned(model).values()):
        raise ValueError("adapters are merged into the weights; call unmerge_adapter first")


def demo(
    rank: int = 8, alpha: float = 16.0, targets: str | Iterable[str] = ALL_LINEAR, **options: Any
) -> dict[str, Any]:
    """Adapt a base model to a task; before and after, and what it cost; and the library's types by paper."""
    named = targets if isinstance(targets, str) else list(targets)
    said = {"rank": rank, "alpha": alpha, "targets": named}
    change = functools.partial(apply, targets=named, rank=rank, alpha=alpha)
    return lab.run("peft_library", change, merge=merge, options=said, **{"rate": 1e-2, **options}) | _tuners.table()
