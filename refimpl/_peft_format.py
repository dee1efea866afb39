"""LoRA's two factors as peft keeps them: adapter_config.json and adapter_model.safetensors."""

from __future__ import annotations

import json
import math
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
# what does not change the meaning of A and B, or is checked below; anything else may
_KNOWN = frozenset(
    (
        *("task_type", "peft_type", "auto_mapping", "peft_version", "base_model_name_or_path", "revision"),
        *("inference_mode", "r", "lora_alpha", "lora_dropout", "target_modules", "exclude_modules", "bias"),
        *("layers_to_transform", "layers_pattern", "init_lora_weights", "eva_config", "qalora_group_size"),
        *("megatron_core", "runtime_config", "ensure_weight_tying"),
    )
)
# ways to draw A and B that leave the base's weight as it is
_PLAIN = (True, False, None, "gaussian", "orthogonal", "eva", "mica")


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

    def check(self, linears: Mapping[str, Any]) -> None:
        """Raise unless these, which are the model's by those last names, are what A and B are made for."""
        if odd := linears.keys() ^ self.factors.keys():
            raise ValueError(
                f"{self.folder} is of another model, or of some of its layers alone, which is left out here: "
                f"{min(odd)} is in one and not in the other; merge it into its model with peft"
            )
        for name, (A, B) in self.factors.items():  # noqa: N806 - the paper's names
            d, k = linears[name].out_features, linears[name].in_features
            if A.shape != (self.rank, k) or B.shape != (d, self.rank):
                raise ValueError(f"{self.folder} is of another model: {name} has another shape there")

    @torch.no_grad()
    def put(self, layers: Mapping[str, Any]) -> None:
        """Copy A and B into the layers of a model to which LoRA was applied."""
        for name, (A, B) in self.factors.items():  # noqa: N806 - the paper's names
            layers[name].A.copy_(A)
            layers[name].B.copy_(B)


def write(layers: Mapping[str, Any], folder: Path, model: Any) -> Path:
    """What `peft.PeftModel.from_pretrained` reads for a model adapted with these layers; a layer has A, B and s."""
    if not layers:
        raise ValueError("nothing to save: the model has no LoRA; apply it first, and do not merge")
    one = next(iter(layers.values()))
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM" if hasattr(model, "prepare_inputs_for_generation") else None,
        "base_model_name_or_path": getattr(model, "name_or_path", None),
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
    except (OSError, ValueError, RecursionError, SafetensorError) as e:
        raise ValueError(f"{folder} holds no adapter of peft's that can be read; save one there first ({e})") from e
    if not isinstance(config, dict) or config.get("peft_type") != "LORA":
        kind = config.get("peft_type") if isinstance(config, dict) else "nameless"
        raise ValueError(f"{folder} holds a {kind} adapter; only LORA can be read")
    foreign = [key for key, value in config.items() if value and key not in _KNOWN]
    foreign += ["bias"] * (config.get("bias", "none") != "none")
    foreign += ["init_lora_weights"] * (config.get("init_lora_weights") not in _PLAIN)
    if foreign:
        raise ValueError(
            f"{folder} uses {', '.join(foreign)}, which is left out here; merge it into the model with peft"
        )
    names = {key.removeprefix(_PREFIX).rpartition(".lora_")[0] for key in tensors}
    if odd := tensors.keys() ^ {_key(name, letter) for name in names for letter in "AB"}:
        raise ValueError(f"{folder} holds other tensors than pairs of A and B: see {min(odd)}")
    factors = {name: (tensors[_key(name, "A")], tensors[_key(name, "B")]) for name in names}
    rank: Any = config.get("r")
    alpha: Any = config.get("lora_alpha")
    if not names or type(rank) is not int or any(A.shape[:1] != (rank,) for A, _ in factors.values()):
        raise ValueError(f"{folder} holds no factors of the rank {rank} that it names; save the adapter again")
    if type(alpha) not in (int, float) or not math.isfinite(alpha):
        raise ValueError(f"{folder} has a lora_alpha of {alpha}, which is no number; save the adapter again")
    return Saved(folder, factors, rank, alpha)


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
