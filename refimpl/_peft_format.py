"""LoRA's two factors as peft keeps them: adapter_config.json and adapter_model.safetensors."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"
_PREFIX = "base_model.model."
# what changes the meaning of A and B, or adds to them
_FOREIGN = (
    *("use_dora", "use_rslora", "use_qalora", "fan_in_fan_out", "lora_bias", "rank_pattern", "alpha_pattern"),
    *("modules_to_save", "layer_replication", "target_parameters", "trainable_token_indices"),
)


@dataclass(frozen=True, slots=True)
class Saved:
    """A (r, k) and B (d, r) by the name of their layer."""

    folder: Path
    factors: Mapping[str, tuple[Tensor, Tensor]]
    rank: int
    alpha: float

    @property
    def targets(self) -> list[str]:
        """The last names of the layers."""
        return _last(self.factors)

    @torch.no_grad()
    def put(self, layers: Mapping[str, Any]) -> None:
        """Copy A and B into the layers of a model to which LoRA was applied."""
        if odd := layers.keys() ^ self.factors.keys():
            raise ValueError(f"{self.folder} is of another model: {min(odd)} is in one and not in the other")
        for name, (A, B) in self.factors.items():  # noqa: N806 - the paper's names
            layer = layers[name]
            if layer.A.shape != A.shape or layer.B.shape != B.shape:
                raise ValueError(f"{self.folder} is of another model: {name} has another shape there")
            layer.A.copy_(A)
            layer.B.copy_(B)


def write(layers: Mapping[str, Any], folder: Path, base: str | None = None) -> Path:
    """What `peft.PeftModel.from_pretrained` reads; a layer has A, B and s. `base` is the name of the adapted model."""
    if not layers:
        raise ValueError("nothing to save: the model has no LoRA; apply it first, and do not merge")
    one = next(iter(layers.values()))
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": len(one.A),
        "lora_alpha": one.s * len(one.A),
        "lora_dropout": 0.0,
        "target_modules": _last(layers),
        "bias": "none",
        "inference_mode": True,
    }
    tensors = {
        _key(name, letter): factor.detach().cpu().contiguous()
        for name, layer in layers.items()
        for letter, factor in (("A", layer.A), ("B", layer.B))
    }
    folder.mkdir(parents=True, exist_ok=True)
    _whole(folder / WEIGHTS, lambda file: save_file(tensors, file, metadata={"format": "pt"}))
    _whole(folder / CONFIG, lambda file: file.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8"))
    return folder


def read(folder: Path) -> Saved:
    """What peft's `save_pretrained` wrote. Raises ValueError where it is more than A and B."""
    try:
        config: dict[str, Any] = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        tensors = load_file(folder / WEIGHTS)
    except (OSError, ValueError, SafetensorError) as e:
        raise ValueError(f"{folder} holds no adapter of peft's that can be read; save one there first ({e})") from e
    if config.get("peft_type") != "LORA":
        raise ValueError(f"{folder} holds a {config.get('peft_type')} adapter; only LORA can be read")
    foreign = [key for key in _FOREIGN if config.get(key)] + ["bias"] * (config.get("bias", "none") != "none")
    if foreign:
        raise ValueError(
            f"{folder} uses {', '.join(foreign)}, which is left out here; merge it into the model with peft"
        )
    names = {key.removeprefix(_PREFIX).rpartition(".lora_")[0] for key in tensors}
    if odd := tensors.keys() ^ {_key(name, letter) for name in names for letter in "AB"}:
        raise ValueError(f"{folder} holds other tensors than pairs of A and B: see {min(odd)}")
    factors = {name: (tensors[_key(name, "A")], tensors[_key(name, "B")]) for name in names}
    return Saved(folder, factors, config["r"], config["lora_alpha"])


def _key(name: str, letter: str) -> str:
    return f"{_PREFIX}{name}.lora_{letter}.weight"


def _last(names: Iterable[str]) -> list[str]:
    return sorted({name.rpartition(".")[2] for name in names})


def _whole(file: Path, write: Callable[[Path], object]) -> None:
    """All of the file or nothing."""
    aside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        write(aside)
        aside.replace(file)
    finally:
        aside.unlink(missing_ok=True)
