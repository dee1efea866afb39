"""LoRA's two factors as peft keeps them: adapter_config.json and adapter_model.safetensors."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor

WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"
_PREFIX = "base_model.model."
# what changes the meaning of A and B, or adds to them
_FOREIGN = ("use_dora", "use_rslora", "use_qalora", "fan_in_fan_out", "lora_bias", "rank_pattern", "alpha_pattern",
            "modules_to_save", "layer_replication", "target_parameters", "trainable_token_indices")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Factors:
    """A (r, k) and B (d, r) by the name of their layer."""

    layers: Mapping[str, tuple[Tensor, Tensor]]
    rank: int
    alpha: float

    @property
    def targets(self) -> list[str]:
        """The last names of the layers."""
        return sorted({name.rpartition(".")[2] for name in self.layers})


def write(factors: Factors, folder: Path, base: str | None = None) -> Path:
    """What `peft.PeftModel.from_pretrained` reads. `base` is the name of the model that was adapted."""
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": factors.rank,
        "lora_alpha": factors.alpha,
        "lora_dropout": 0.0,
        "target_modules": factors.targets,
        "bias": "none",
        "inference_mode": True,
    }
    tensors = {
        f"{_PREFIX}{name}.lora_{letter}.weight": factor.detach().cpu().contiguous()
        for name, pair in factors.layers.items()
        for letter, factor in zip("AB", pair, strict=True)
    }
    folder.mkdir(parents=True, exist_ok=True)
    _whole(folder / WEIGHTS, lambda file: save_file(tensors, file, metadata={"format": "pt"}))
    _whole(folder / CONFIG, lambda file: file.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8"))
    return folder


def read(folder: Path) -> Factors:
    """What peft's `save_pretrained` wrote. Raises ValueError where it is more than A and B."""
    try:
        config: dict[str, Any] = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        tensors = load_file(folder / WEIGHTS)
    except (OSError, ValueError) as e:
        raise ValueError(f"{folder} holds no adapter of peft's that can be read; save one there first ({e})") from e
    if config.get("peft_type") != "LORA":
        raise ValueError(f"{folder} holds a {config.get('peft_type')} adapter; only LORA can be read")
    foreign = [key for key in _FOREIGN if config.get(key)] + ["bias"] * (config.get("bias", "none") != "none")
    if foreign:
        raise ValueError(
            f"{folder} uses {', '.join(foreign)}, which is left out here; merge it into the model with peft"
        )
    names = {key.removeprefix(_PREFIX).rpartition(".lora_")[0] for key in tensors}
    pairs = {name: tuple(f"{_PREFIX}{name}.lora_{letter}.weight" for letter in "AB") for name in names}
    if odd := tensors.keys() ^ {key for pair in pairs.values() for key in pair}:
        raise ValueError(f"{folder} holds other tensors than pairs of A and B: see {min(odd)}")
    return Factors(
        {name: (tensors[a], tensors[b]) for name, (a, b) in pairs.items()}, config["r"], config["lora_alpha"]
    )


def _whole(file: Path, write: Callable[[Path], object]) -> None:
    """All of the file or nothing."""
    aside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        write(aside)
        aside.replace(file)
    finally:
        aside.unlink(missing_ok=True)
