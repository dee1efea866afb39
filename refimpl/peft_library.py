r"""PEFT: a library that puts small trained layers into any model by the names of its layers, and keeps them apart.

Mangrulkar et al. 2022, github.com/huggingface/peft: what it does, for LoRA, with the names it uses.

    h = W x + sum_a (alpha / r) B_a A_a x

    x  (..., k)  input        W  (d, k)  base_layer, frozen
    A  (r, k)    lora_A[adapter]         B  (d, r)  lora_B[adapter], zero at the start

Where: `targets` is a list of names, each the end of a layer's path; or a pattern that matches the whole path; or
"all-linear", every Linear but the output head. Several adapters share one base; those that are active act and are
trained. `save` and `load` keep one adapter in the library's own two files, so that either side reads the other's:

    adapter_config.json            r, lora_alpha, target_modules, ...
    adapter_model.safetensors      base_model.model.<path>.lora_A.weight, ...lora_B.weight

Left out: all other kinds of layers that the library has (`tuners` lists them), dropout, layers that are not Linear.
"""

# ruff: noqa: N806 - the names are the library's
from __future__ import annotations

import contextlib
import copy
import dataclasses
import functools
import json
import re
import tempfile
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from refimpl import _peft_format
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
from refimpl._lab import demo as lab
from refimpl._lab import models
from refimpl._surgery import NoLayers, freeze, swap, trainable

PAPER = "peft"
ALL = "all-linear"


class Tuned(nn.Module):
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
    model: nn.Module, targets: str | Iterable[str] = ALL, adapter: str = "default", rank: int = 8, alpha: float = 16.0
) -> nn.Module:
    """Put an adapter into the layers that `targets` names, in place.

    The first one freezes the model and is active; a later one is, as in the library, once `set_adapter` names it.
    """
    found = chosen(model, targets)
    if not found:
        there = sorted({path.rpartition(".")[2] for path in _linears(model)})
        raise NoLayers(f"no Linear matches {targets!r}; there are {', '.join(there) or 'none'}")
    return _put(model, found, adapter, rank, alpha)


def chosen(model: nn.Module, targets: str | Iterable[str]) -> list[str]:
    """The paths of the layers that `targets` names."""
    linears = _linears(model)
    if targets == ALL:
        head = getattr(model, "get_output_embeddings", lambda: None)()
        return [path for path, layer in linears.items() if layer is not head]
    if isinstance(targets, str):
        return [path for path in linears if re.fullmatch(targets, path)]
    ends = tuple(f".{target}" for target in targets)
    return [path for path in linears if f".{path}".endswith(ends)]


def adapters(model: nn.Module) -> list[str]:
    """The names of the adapters in a model."""
    return list(dict.fromkeys(adapter for layer in _tuned(model).values() for adapter in layer.scaling))


def set_adapter(model: nn.Module, *active: str) -> nn.Module:
    """Let these adapters act and be trained, and no other."""
    _known(model, *active)
    for layer in _tuned(model).values():
        layer.active = active
        for adapter in layer.scaling:
            layer.lora_A[adapter].requires_grad_(adapter in active)
            layer.lora_B[adapter].requires_grad_(adapter in active)
    return model


@contextlib.contextmanager
def disable_adapter(model: nn.Module) -> Iterator[nn.Module]:
    """Inside, the model is the base."""
    layers = [(layer, layer.active, layer.merged) for layer in _tuned(model).values()]
    for layer, _, merged in layers:
        if merged:
            layer.fold(-1)
        layer.active = ()
    try:
        yield model
    finally:
        for layer, active, merged in layers:
            layer.active = active
            if merged:
                layer.fold(1)


def delete_adapter(model: nn.Module, adapter: str) -> nn.Module:
    """Remove an adapter; a layer without any is the Linear that it was."""
    _known(model, adapter)
    for path, layer in _tuned(model).items():
        if layer.scaling.pop(adapter, None) is not None:
            del layer.lora_A[adapter], layer.lora_B[adapter]
            layer.active = tuple(name for name in layer.active if name != adapter)
        if not layer.scaling:
            model.set_submodule(path, layer.base_layer)
    return model


def merge_adapter(model: nn.Module) -> nn.Module:
    """Add the active adapters to the weights; the layers stay, and `unmerge_adapter` takes them out again."""
    for layer in _tuned(model).values():
        if not layer.merged:
            layer.fold(1)
    return model


def unmerge_adapter(model: nn.Module) -> nn.Module:
    """Subtract what `merge_adapter` added."""
    for layer in _tuned(model).values():
        if layer.merged:
            layer.fold(-1)
    return model


def merge(model: nn.Module) -> nn.Module:
    """Add the active adapters to the weights and leave plain Linears (the library's merge_and_unload)."""
    merge_adapter(model)
    swap(model, Tuned, lambda layer: layer.base_layer)
    return model


class _Pair(NamedTuple):
    """One layer's factors and scale, as the format takes them."""

    A: Tensor
    B: Tensor
    s: float


def save(model: nn.Module, folder: str | Path, adapter: str = "default") -> Path:
    """Write one adapter as the library does."""
    _known(model, adapter)
    layers = {path: layer for path, layer in _tuned(model).items() if adapter in layer.scaling}
    pairs = {
        path: _Pair(layer.lora_A[adapter], layer.lora_B[adapter], layer.scaling[adapter])
        for path, layer in layers.items()
    }
    where = _peft_format.write(pairs, Path(folder), getattr(model, "name_or_path", None))
    if chosen(model, sorted({path.rpartition(".")[2] for path in pairs})) != [*pairs]:  # that would name more layers
        file = where / _peft_format.CONFIG
        config = json.loads(file.read_text(encoding="utf-8")) | {"target_modules": [*pairs]}
        _peft_format._whole(file, lambda aside: aside.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8"))
    return where


@torch.no_grad()
def load(model: nn.Module, folder: str | Path, adapter: str = "default") -> nn.Module:
    """Read an adapter that either side saved, into layers of its own where the model has none of that name."""
    factors = _peft_format.read(Path(folder))
    strange = factors.factors.keys() - _linears(model).keys()
    if strange:
        raise ValueError(f"{folder} is of another model: this one has no Linear {min(strange)}")
    if adapter not in adapters(model):
        _put(model, factors.factors, adapter, factors.rank, factors.alpha)
    layers = {path: layer for path, layer in _tuned(model).items() if adapter in layer.scaling}
    if odd := layers.keys() ^ factors.factors.keys():
        raise ValueError(f"adapter {adapter!r} is in other layers than {folder}: {min(odd)}; load it under a new name")
    for path, (A, B) in factors.factors.items():
        there = layers[path].lora_A[adapter], layers[path].lora_B[adapter]
        if (A.shape, B.shape) != (there[0].shape, there[1].shape):
            raise ValueError(f"{folder} does not fit {path} of adapter {adapter!r}; load it under a new name")
        there[0].copy_(A), there[1].copy_(B)
        layers[path].scaling[adapter] = factors.alpha / factors.rank
    return model


def demo(rank: int = 8, alpha: float = 16.0, targets: str | Iterable[str] = ALL, **options: Any) -> dict[str, Any]:
    """Adapt a base model to a task; before and after, and what it cost."""
    layers = targets if isinstance(targets, str) else list(targets)
    said = {"rank": rank, "alpha": alpha, "targets": layers}
    change = functools.partial(apply, targets=layers, rank=rank, alpha=alpha)
    return lab.run("peft_library", change, merge=merge, options=said, **{"lr": 1e-2, **options})


def _put(model: nn.Module, paths: Collection[str], adapter: str, rank: int, alpha: float) -> nn.Module:
    present = adapters(model)
    if not adapter.isidentifier() or adapter in present:
        raise ValueError(f"an adapter needs a new name that is an identifier; {adapter!r} is taken or is none")
    if any(layer.merged for layer in _tuned(model).values()):
        raise ValueError("adapters are merged into the weights; call unmerge_adapter first")
    layers = {path: layer for path, layer in _linears(model).items() if path in paths}
    for path, layer in layers.items():
        W = (layer.base_layer if isinstance(layer, Tuned) else layer).weight
        if rank < 1 or not W.is_floating_point():
            raise ValueError(
                f"{path} takes no adapter of rank {rank}: a rank is over 0, and 4 or 8 bits need refimpl.qlora"
            )
    if not present:
        freeze(model)
    active = next((layer.active for layer in _tuned(model).values()), ())
    for path, layer in layers.items():
        if not isinstance(layer, Tuned):
            layer = Tuned(layer)
        layer.add(adapter, rank, alpha)
        layer.active = active
        model.set_submodule(path, layer)
    return model if present else set_adapter(model, adapter)


def _linears(model: nn.Module) -> dict[str, Any]:
    """Linears, with adapters or without, by path."""
    found = {path: layer for path, layer in model.named_modules() if path and isinstance(layer, nn.Linear | Tuned)}
    return {path: layer for path, layer in found.items() if not path.endswith(".base_layer")}


def _tuned(model: nn.Module) -> dict[str, Tuned]:
    return {path: layer for path, layer in model.named_modules() if isinstance(layer, Tuned)}


def _known(model: nn.Module, *names: str) -> None:
    """Whether these adapters are there, and the weights free of any."""
    present = adapters(model)
    if strange := [name for name in names if name not in present]:
        raise ValueError(f"no adapter {strange[0]!r}; there are {', '.join(present) or 'none'}")
    if any(layer.merged for layer in _tuned(model).values()):
        raise ValueError("adapters are merged into the weights; call unmerge_adapter first")


# --- which of the library's layers is which paper's -------------------------------

# paper, type, and the option or function of the library that makes it this paper's
PAPERS = (
    ("hu2021lora", "LORA", ""),
    ("dettmers2023qlora", "LORA", "prepare_model_for_kbit_training"),
    ("xu2023qa", "LORA", "use_qalora"),
    ("li2021prefix", "PREFIX_TUNING", ""),
    ("lester2021power", "PROMPT_TUNING", ""),
)
# papers whose method the library had no type for when this was written, and what a type for it would be called
ABSENT = {
    "nikdan2024rosa": "ROSA",
    "chen2023longlora": "LONGLORA",
    "hu2023llmadapters": "BOTTLENECK",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Tuner:
    """A kind of layer of the installed library, and the papers of this catalog that it belongs to."""

    name: str
    config: str
    papers: tuple[str, ...]


def tuners() -> list[Tuner]:
    """Every type that the installed library has. Raises `NotHere` without it."""
    peft = _library()
    configs = peft.mapping.PEFT_TYPE_TO_CONFIG_MAPPING
    return [
        Tuner(kind.value, configs[kind].__name__, tuple(paper for paper, name, _ in PAPERS if name == kind.value))
        for kind in peft.PeftType
        if kind in configs
    ]


def gone() -> list[str]:
    """What the table above names and the installed library no longer has."""
    peft, names = _library(), {tuner.name for tuner in tuners()}
    options = {field.name for field in dataclasses.fields(peft.LoraConfig)} | set(dir(peft)) | {""}
    return [f"{name} {option}".strip() for _, name, option in PAPERS if name not in names or option not in options]


def _library() -> Any:
    try:
        import peft
        import peft.mapping
    except ImportError:
        raise NotHere("pip install peft") from None
    return peft


# --- what the library says, as functions that measure, and fail when it is not so -


@exact
def claim_three_ways_to_name_layers(device: str = "cpu") -> list[Measured]:
    """Guide low_level_api: by the end of a name, by a pattern, or all Linears but the head; r (d + k) each."""
    model = models.load("tiny", device)[0]
    found = {way: chosen(model, targets) for way, targets in WAYS.items()}
    apply(model, ALL, rank=4)
    sizes = [sum(layer.base_layer.weight.shape) for layer in _tuned(model).values()]
    return [
        equal("layers by the end of a name", len(found["end"]), 5 * 2),
        equal("layers by a pattern for 2 of 5 blocks", len(found["pattern"]), 2 * 7),
        equal("all layers", len(found["all"]), 5 * 7),
        equal("heads among them", sum("lm_head" in path for path in found["all"]), 0),
        equal("trained numbers less the sum of r (d + k)", trainable(model) - 4 * sum(sizes), 0),
    ]


@exact
def claim_adapters_are_kept_apart(device: str = "cpu") -> list[Measured]:
    """Guide lora: switched, disabled and deleted, each leaves the others and the base as they were to the bit."""
    base, x = _base(device)
    model = _two(base)
    with torch.no_grad():
        first = model(x)
        second, both = set_adapter(model, "other")(x), set_adapter(model, "default", "other")(x)
        back = set_adapter(model, "default")(x)
        with disable_adapter(model):
            off = model(x)
        idle = trainable(model)
        last = delete_adapter(delete_adapter(model, "default"), "other")
    return [
        at_least("the two differ by", _gap(second, first), 0.1),
        at_least("both together differ from the first by", _gap(both, first), 0.1),
        at_least("and from the second by", _gap(both, second), 0.1),
        equal("switched back moved by", _gap(back, first), 0),
        equal("disabled differs from the base by", _gap(off, base(x)), 0),
        equal("trained numbers beside the active adapter's", idle - 2 * 3 * (16 + 16), 0),
        equal("tensors changed after both are deleted", _changed(last, base), 0),
    ]


@exact
def claim_merging_can_be_undone(device: str = "cpu") -> list[Measured]:
    """Guide lora: merged outputs are the same; unmerged, the weights are the base's to rounding; unloaded, Linears."""
    base, x = _base(device)
    model = _two(base)
    expected = model(x)
    merged = _gap(merge_adapter(model)(x), expected)
    with disable_adapter(model):
        off = _gap(model(x), base(x))
    again = _gap(model(x), expected)
    rest = _gap(unmerge_adapter(model).get_parameter("0.base_layer.weight"), base.get_parameter("0.weight"))
    plain = merge(model)
    return [
        at_most("merged outputs differ by", merged, 1e-14),
        at_most("disabled while merged differs from the base by", off, 1e-14),
        at_most("and merged once more by", again, 1e-14),
        at_most("unmerged weights differ by", rest, 1e-14),
        at_most("unloaded outputs differ by", _gap(plain(x), expected), 1e-14),
        equal("the layers are those of the base", [*map(type, plain.modules())] == [*map(type, base.modules())], True),
    ]


@exact
def claim_an_adapter_is_small_on_disk(device: str = "cpu") -> list[Measured]:
    """README, "Save compute and storage": a task costs an adapter on disk, not a model."""
    model = models.load("tiny", device)[0]
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(Path(folder) / "model")
        whole = _bytes(Path(folder) / "model")
        apply(model, ("q_proj", "v_proj"), rank=1)
        saved = save(model, Path(folder) / "adapter")
        numbers = _numbers(saved / _peft_format.WEIGHTS)
        part = _bytes(saved)
    return [
        equal("bytes of its tensors less 4 a trained number", numbers - 4 * trainable(model), 0),
        at_most("adapter and its facts, bytes", part, 2 * 4 * trainable(model)),
        at_most("share of the model's bytes", part / whole, 0.01),
        at_most("base and ten adapters, share of ten models", (whole + 10 * part) / (10 * whole), 0.12),
    ]


@parity
def claim_peft_reads_ours(device: str = "cpu") -> list[Measured]:
    """Guide checkpoint: what we save has the same logits in peft, and the same keys when it is saved again."""
    peft = _library()
    rows = []
    for way, targets in WAYS.items():
        base, ids = _tiny(device)
        ours = _filled(apply(copy.deepcopy(base), targets, rank=4))
        with tempfile.TemporaryDirectory() as folder:
            save(ours, Path(folder) / "ours")
            theirs = peft.PeftModel.from_pretrained(base, str(Path(folder) / "ours"))
            theirs.save_pretrained(Path(folder) / "theirs")
            odd = _differing(Path(folder) / "ours", Path(folder) / "theirs")
        rows.append(equal(f"logits differ by, targets by {way}", _gap(_logits(ours, ids), _logits(theirs, ids)), 0))
        rows.append(equal(f"tensors of the file that differ, targets by {way}", odd, 0))
    return rows


@parity
def claim_we_read_peft(device: str = "cpu") -> list[Measured]:
    """Guide checkpoint: what peft saves has the same logits here, and the same keys when it is saved again."""
    peft = _library()
    rows = []
    for way, targets in WAYS.items():
        base, ids = _tiny(device)
        config = peft.LoraConfig(r=4, lora_alpha=6, target_modules=targets, task_type="CAUSAL_LM")
        theirs = _filled(peft.get_peft_model(copy.deepcopy(base), config))
        with tempfile.TemporaryDirectory() as folder:
            theirs.save_pretrained(Path(folder) / "theirs")
            ours = load(base, Path(folder) / "theirs")
            save(ours, Path(folder) / "ours")
            odd = _differing(Path(folder) / "ours", Path(folder) / "theirs")
        rows.append(equal(f"logits differ by, targets by {way}", _gap(_logits(ours, ids), _logits(theirs, ids)), 0))
        rows.append(equal(f"tensors of the file that differ, targets by {way}", odd, 0))
    return rows


@parity
def claim_peft_switches_and_merges_alike(device: str = "cpu") -> list[Measured]:
    """Guide lora: two adapters from disk, switched, together, disabled, merged and unmerged."""
    peft = _library()
    base, ids = _tiny(device)
    ours = _filled(apply(apply(copy.deepcopy(base), ("q_proj",)), ("q_proj", "up_proj"), "other", rank=3))
    with tempfile.TemporaryDirectory() as folder:
        for adapter in ("default", "other"):
            save(ours, Path(folder) / adapter, adapter)
        theirs = peft.PeftModel.from_pretrained(base, str(Path(folder) / "default"))
        theirs.load_adapter(str(Path(folder) / "other"), "other")
    gaps = {}
    for names in (["default"], ["other"], ["default", "other"]):
        set_adapter(ours, *names)
        theirs.base_model.set_adapter(names)
        gaps[" and ".join(names)] = _gap(_logits(ours, ids), _logits(theirs, ids))
    with disable_adapter(ours), theirs.disable_adapter():
        gaps["disabled"] = _gap(_logits(ours, ids), _logits(theirs, ids))
    merge_adapter(ours), theirs.merge_adapter()
    merged = _gap(_logits(ours, ids), _logits(theirs, ids))
    unmerge_adapter(ours), theirs.unmerge_adapter()
    unmerged = _gap(_logits(ours, ids), _logits(theirs, ids))
    return [
        *(equal(f"logits differ by, {names}", gap, 0) for names, gap in gaps.items()),
        at_most("logits differ by, merged", merged, 1e-6),
        at_most("logits differ by, unmerged", unmerged, 1e-6),
    ]


@parity
def claim_the_table_of_types_is_of_this_version() -> list[Measured]:
    """Guide low_level_api: the types of the installed version, and none that this file maps to a paper is gone."""
    table = tuners()
    lost = gone()
    new = [paper for paper, word in ABSENT.items() if any(word in tuner.name for tuner in table)]
    return [
        at_least("types in the installed version", len(table), 1),
        equal(f"names mapped and gone{_listed(lost)}", len(lost), 0),
        equal(f"papers whose type is no longer absent{_listed(new)}", len(new), 0),
        equal("papers mapped", len({paper for tuner in table for paper in tuner.papers}), len(PAPERS)),
    ]


@direction
def claim_one_base_serves_many_tasks(device: str = "cpu") -> list[Measured]:
    """README, "Save compute and storage": one base, an adapter a task; each is good at its own, and only there."""
    own, wrong, forgot = list[float](), list[float](), list[float]()
    for seed in range(3):
        base, x = _base(device, seed)
        shifts = [torch.randn(16, 16, dtype=x.dtype).to(device) / 4 for _ in range(2)]
        targets = dict(zip(("one", "two"), [(base(x) + base[:2](x) @ shift).detach() for shift in shifts], strict=True))
        model = copy.deepcopy(base)
        for adapter, y in targets.items():
            apply(model, ("0", "2"), adapter, rank=8)
            _train(set_adapter(model, adapter), x, y)
        for adapter in targets:
            set_adapter(model, adapter)
            left = {name: (F.mse_loss(model(x), t) / F.mse_loss(base(x), t)).item() for name, t in targets.items()}
            own.append(left.pop(adapter))
            wrong += left.values()
        with disable_adapter(model):
            forgot.append(_gap(model(x), base(x)))
    return [
        shown("loss left on its own task, worst of 3 seeds", max(own), max(own) < 0.2, "under 0.2"),
        shown("loss left on the other task, best of 3 seeds", min(wrong), min(wrong) > 1, "over 1"),
        equal("the base moved by", max(forgot), 0),
    ]


@headline
def claim_megabytes_for_gigabytes() -> Measured:
    """README, "Use cases": the checkpoint of a LoRA for T0_3B beside the model's."""
    return quoted("19 MB beside 11 GB for bigscience/T0_3B", "README at commit 0032f32, Use Cases")


# --- small models -----------------------------------------------------------------

WAYS: dict[str, str | list[str]] = {
    "end": ["q_proj", "down_proj"],
    "pattern": r"model\.layers\.[02]\..*_proj",
    "all": ALL,
}


def _base(device: str, seed: int = 0) -> tuple[Any, Tensor]:
    torch.manual_seed(seed)
    base = nn.Sequential(nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 16)).double().to(device)
    return base, torch.randn(64, 16, dtype=torch.float64).to(device)


def _two(base: nn.Module) -> Any:
    """A copy with two adapters as they are after training."""
    model = apply(copy.deepcopy(base), ("0", "2"), rank=3)
    return _filled(apply(model, ("2",), "other", rank=5))


def _tiny(device: str) -> tuple[Any, Tensor]:
    return models.load("tiny", device)[0], torch.arange(32, device=device).view(2, 16)


@torch.no_grad()
def _filled(model: Any) -> Any:
    """With no factor zero, ours and theirs."""
    torch.manual_seed(1)
    for name, p in model.named_parameters():
        if "lora_" in name:
            p.copy_(torch.randn(p.shape).to(p) / 10)
    return model.eval()


@torch.no_grad()
def _logits(model: Any, ids: Tensor) -> Tensor:
    logits: Tensor = model(input_ids=ids).logits
    return logits


def _train(model: nn.Module, x: Tensor, y: Tensor) -> None:
    optimiser = torch.optim.Adam((p for p in model.parameters() if p.requires_grad), lr=2e-2)
    for _ in range(150):
        optimiser.zero_grad()
        torch.autograd.backward(F.mse_loss(model(x), y))
        optimiser.step()


def _changed(model: nn.Module, base: nn.Module) -> int:
    now, was = model.state_dict(), base.state_dict()
    return len(now.keys() ^ was.keys()) + sum(not torch.equal(now[name], was[name]) for name in now.keys() & was.keys())


def _differing(one: Path, other: Path) -> int:
    """Tensors that are in one file and not the same in the other."""
    a, b = (load_file(folder / _peft_format.WEIGHTS) for folder in (one, other))
    return len(a.keys() ^ b.keys()) + sum(not torch.equal(a[key], b[key]) for key in a.keys() & b.keys())


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


def _numbers(file: Path) -> int:
    """Bytes of a safetensors file behind its header, whose length stands in the first 8."""
    return file.stat().st_size - 8 - int.from_bytes(file.read_bytes()[:8], "little")


def _gap(a: Tensor, b: Tensor) -> float:
    """The largest difference, relative to the largest number."""
    return ((a - b).abs().max() / b.abs().max()).item()


def _listed(names: list[str]) -> str:
    return f" ({', '.join(names)})" if names else ""
