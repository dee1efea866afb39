"""PEFT: what the paper says, as functions that measure, and fail when it is not so."""

from __future__ import annotations

import copy
import tempfile
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from refimpl import _peft_format, _tuners
from refimpl._claims import Measured, at_least, at_most, equal, library, quoted, refused, shown
from refimpl._drawn import SCALES, SHAPES, SIZES, worst
from refimpl._kinds import direction, exact, headline, parity
from refimpl._lab import models
from refimpl._surgery import trainable
from refimpl._toys import apart, far, fitted, llama, narrow
from refimpl._tuners import gone, tuners
from refimpl._zoo import model_of
from refimpl.peft_library import (
    ALL,
    apply,
    chosen,
    delete_adapter,
    disable_adapter,
    load,
    merge,
    merge_adapter,
    save,
    set_adapter,
    tuned,
    unmerge_adapter,
)

# papers whose method the library had no type for when this was written, and what a type for it would be called
ABSENT = {
    "nikdan2024rosa": "ROSA",
    "chen2023longlora": "LONGLORA",
    "hu2023llmadapters": "BOTTLENECK",
}


@exact
def claim_three_ways_to_name_layers(device: str = "cpu") -> list[Measured]:
    """Guide low_level_api: by the end of a name, by a pattern, or all Linears but the head; r (d + k) each."""
    model = models.load("tiny", device)[0]
    found = {way: chosen(model, targets) for way, targets in WAYS.items()}
    apply(model, ALL, rank=4)
    sizes = [sum(layer.base_layer.weight.shape) for layer in tuned(model).values()]
    return [
        equal("layers by the end of a name", len(found["end"]), 5 * 2),
        equal("layers by a pattern for 2 of 5 blocks", len(found["pattern"]), 2 * 7),
        equal("all layers", len(found["all"]), 5 * 7),
        equal("heads among them", sum("lm_head" in path for path in found["all"]), 0),
        equal(
            "experts among those of a mixture", sum("experts" in path for path in chosen(model_of("Mixtral"), ALL)), 0
        ),
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
        rest = delete_adapter(set_adapter(copy.deepcopy(model), "default", "other"), "other")(x)
        last = delete_adapter(delete_adapter(model, "default"), "other")
    return [
        at_least("the two differ by", far(second, first), 0.1),
        at_least("both together differ from the first by", far(both, first), 0.1),
        at_least("and from the second by", far(both, second), 0.1),
        equal("switched back moved by", far(back, first), 0),
        equal("and with the other one, active too, deleted", far(rest, first), 0),
        equal("disabled differs from the base by", far(off, base(x)), 0),
        equal("trained numbers beside the active adapter's", idle - 2 * 3 * (16 + 16), 0),
        equal("tensors changed after both are deleted", _changed(last, base), 0),
    ]


@exact
def claim_merging_can_be_undone(device: str = "cpu") -> list[Measured]:
    """Guide lora: merged outputs are the same; unmerged, the weights are the base's to rounding; unloaded, Linears."""
    base, x = _base(device)
    model = _two(base)
    expected = model(x)
    merged = far(merge_adapter(model)(x), expected)
    with disable_adapter(model):
        off = far(model(x), base(x))
    again = far(model(x), expected)
    late = [refused("another adapter while some are merged", lambda: apply(model, ["0"], "late"), "unmerge_adapter")]
    rest = far(unmerge_adapter(model).get_parameter("0.base_layer.weight"), base.get_parameter("0.weight"))
    plain = merge(model)
    none = refused("a rank of none", lambda: apply(copy.deepcopy(base), ["0"], rank=0), "no adapter of rank 0")
    return [
        *late,
        none,
        at_most("merged outputs differ by", merged, 1e-14),
        at_most("disabled while merged differs from the base by", off, 1e-14),
        at_most("and merged once more by", again, 1e-14),
        at_most("unmerged weights differ by", rest, 1e-14),
        at_most("unloaded outputs differ by", far(plain(x), expected), 1e-14),
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
def claim_the_same_layer_as_peft_s(device: str = "cpu") -> list[Measured]:
    """Guide lora: peft's own layer with the same factors, whatever the sizes, alpha over r, the bias; drawn alike."""
    peft = library("peft")

    def gap(k: int, d: int, r: int, alpha: float, bias: bool, shape: tuple[int, ...]) -> float:
        torch.manual_seed(k)
        base = nn.Sequential(nn.Linear(k, d, bias)).to(device, torch.float64)
        ours = _filled(apply(copy.deepcopy(base), ["0"], rank=r, alpha=alpha))
        config = peft.LoraConfig(r=r, lora_alpha=alpha, target_modules=["0"])
        theirs: Any = peft.get_peft_model(copy.deepcopy(base), config)
        layer, other = tuned(ours)["0"], theirs.base_model.model[0]
        for name in ("lora_A", "lora_B"):
            getattr(other, name)["default"].weight.data.copy_(getattr(layer, name)["default"])
        x = torch.randn(*shape, k, dtype=torch.float64, device=device, requires_grad=True)
        scales, expected = abs(layer.scaling["default"] - other.scaling["default"]), theirs(x)
        own, others = (layer.lora_A, layer.lora_B), (other.lora_A, other.lora_B)
        off = apart(ours(x), expected, (x, *(m["default"] for m in own)), (x, *(m["default"].weight for m in others)))
        read = far(F.linear(x, layer.weight, layer.bias), expected)  # as a model does it that reads the weight itself
        return max(float(scales), off, read, far(merge(ours)(x), theirs.merge_and_unload()(x)))

    torch.manual_seed(0)
    A = _lone(apply(nn.Sequential(nn.Linear(400, 50)).to(device), ["0"], rank=100))
    named = apply(nn.ModuleDict({"up": nn.Linear(2, 2), "gate_up": nn.Linear(2, 2), "upper": nn.Linear(2, 2)}), ["up"])
    shared = nn.Linear(9, 7)
    twice = apply(nn.ModuleDict({"here": shared, "there": shared}), ["here", "there"], rank=2)
    by_pattern = chosen(
        nn.ModuleDict({"up": nn.Linear(2, 2), "upper": nn.Linear(2, 2), "an_up": nn.Linear(2, 2)}), "up"
    )
    return [
        worst("scales, outputs, gradients and merged outputs differ by", gap, 1e-12, k=SIZES, d=SIZES, r=range(1, 5),
              alpha=SCALES, bias=(True, False), shape=SHAPES),
        equal("largest number of B at the start", _largest(apply(nn.Sequential(nn.Linear(9, 9)), ["0"])), 0),
        equal("rank by default", len(_lone(apply(nn.Sequential(nn.Linear(9, 9)), ["0"]))), peft.LoraConfig().r),
        at_most("deviation of A off 1/sqrt(3 k), share", abs(A.std().item() * 1200**0.5 - 1), 0.02),
        at_most("its largest over 1/sqrt(k)", A.abs().max().item() * 400**0.5, 1),
        equal("trained numbers of a layer that stands in two places", trainable(twice), 2 * (9 + 7)),
        narrow(apply(llama(device=device).bfloat16())),
        equal("of up, gate_up and upper, named up", [*tuned(named)] == ["up"], True),
        equal("of up, upper and an_up, matched by up", by_pattern == ["up"], True),
    ]  # fmt: skip


@parity
def claim_peft_reads_ours(device: str = "cpu") -> list[Measured]:
    """Guide checkpoint: what we save has the same logits in peft, and the same keys when it is saved again."""
    peft = library("peft")
    rows = []
    for way, targets in WAYS.items():
        base, ids = _tiny(device)
        ours = _filled(apply(copy.deepcopy(base), targets, rank=4))
        with tempfile.TemporaryDirectory() as folder:
            save(ours, Path(folder) / "ours")
            theirs = peft.PeftModel.from_pretrained(base, str(Path(folder) / "ours"))
            theirs.save_pretrained(Path(folder) / "theirs")
            odd = _differing(Path(folder) / "ours", Path(folder) / "theirs")
        rows.append(equal(f"logits differ by, targets by {way}", far(_logits(ours, ids), _logits(theirs, ids)), 0))
        rows.append(equal(f"tensors of the file that differ, targets by {way}", odd, 0))
    return rows


@parity
def claim_we_read_peft(device: str = "cpu") -> list[Measured]:
    """Guide checkpoint: what peft saves has the same logits here, and the same keys when it is saved again."""
    peft = library("peft")
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
        rows.append(equal(f"logits differ by, targets by {way}", far(_logits(ours, ids), _logits(theirs, ids)), 0))
        rows.append(equal(f"tensors of the file that differ, targets by {way}", odd, 0))
    return rows


@parity
def claim_peft_switches_and_merges_alike(device: str = "cpu") -> list[Measured]:
    """Guide lora: two adapters from disk, switched, together, disabled, merged and unmerged."""
    peft = library("peft")
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
        gaps[" and ".join(names)] = far(_logits(ours, ids), _logits(theirs, ids))
    with disable_adapter(ours), theirs.disable_adapter():
        gaps["disabled"] = far(_logits(ours, ids), _logits(theirs, ids))
    merge_adapter(ours), theirs.merge_adapter()
    merged = far(_logits(ours, ids), _logits(theirs, ids))
    unmerge_adapter(ours), theirs.unmerge_adapter()
    unmerged = far(_logits(ours, ids), _logits(theirs, ids))
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
        equal("papers mapped", len({paper for tuner in table for paper in tuner.papers}), len(_tuners.PAPERS)),
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
            fitted(set_adapter(model, adapter), x, y, 150, 2e-2)
        for adapter in targets:
            set_adapter(model, adapter)
            left = {name: (F.mse_loss(model(x), t) / F.mse_loss(base(x), t)).item() for name, t in targets.items()}
            own.append(left.pop(adapter))
            wrong += left.values()
        with disable_adapter(model):
            forgot.append(far(model(x), base(x)))
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


def _lone(model: nn.Module) -> Tensor:
    """A of the only adapted layer."""
    (layer,) = tuned(model).values()
    A: Tensor = layer.lora_A["default"]
    return A


def _largest(model: nn.Module) -> float:
    """The largest number of any B."""
    return max(float(layer.lora_B["default"].abs().max()) for layer in tuned(model).values())


def _listed(names: list[str]) -> str:
    return f" ({', '.join(names)})" if names else ""
