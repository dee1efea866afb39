"""LoRA's two factors, and prompts and prefixes, as peft keeps them: a file of JSON and one of tensors."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

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
# what may stand in the configuration of a prompt or a prefix; how it was made does not matter to its numbers
_OF_PROMPTS = frozenset(
    (
        *("task_type", "peft_type", "auto_mapping", "peft_version", "base_model_name_or_path", "revision"),
        *("inference_mode", "num_virtual_tokens", "token_dim", "num_transformer_submodules", "num_attention_heads"),
        *("num_layers", "prompt_tuning_init", "prompt_tuning_init_text", "tokenizer_name_or_path"),
        *("tokenizer_kwargs", "init_weights", "encoder_hidden_size", "prefix_projection", "runtime_config"),
    )
)
_EMBEDDINGS = "prompt_embeddings"
# ways to draw A and B that leave the base's weight as it is
_PLAIN = (True, False, None, "gaussian", "orthogonal", "eva", "mica")


class Pair(NamedTuple):
    """One layer's A (r, k) and B (d, r), and the scale of their product."""

    A: Tensor
    B: Tensor
    s: float


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


def write(layers: Mapping[str, Pair], folder: Path, model: Any) -> Path:
    """What `peft.PeftModel.from_pretrained` reads for a model adapted with these layers."""
    if not layers:
        raise ValueError("nothing to save: the model has no LoRA; apply it first, and do not merge")
    one = next(iter(layers.values()))
    config = {
        **_about("LORA", model),
        "r": len(one.A),
        "lora_alpha": one.s * len(one.A),
        "lora_dropout": 0.0,
        "target_modules": _last(layers),
        "bias": "none",
    }
    tensors = {
        _key(name, letter): factor.detach().cpu().contiguous()
        for name, layer in layers.items()
        for letter, factor in (("A", layer.A), ("B", layer.B))
    }
    return _written(folder, tensors, config)


def write_prompt(P: Tensor, kind: str, folder: Path, model: Any, **config: Any) -> Path:  # noqa: N803
    """A prompt (p, e), or a prefix (p, 2 L d_kv), as peft keeps it; `kind` is PROMPT_TUNING or PREFIX_TUNING."""
    said = {"num_virtual_tokens": len(P), "num_transformer_submodules": 1, **config}
    return _written(folder, {_EMBEDDINGS: P.detach().cpu().contiguous()}, _about(kind, model) | said)


def read_prompt(folder: Path, kind: str) -> Tensor:
    """The numbers of `write_prompt`. Raises ValueError where there is anything else."""
    _, tensors = _read(folder, kind, _OF_PROMPTS)
    if tensors.keys() != {_EMBEDDINGS} or tensors[_EMBEDDINGS].dim() != 2:
        raise ValueError(f"{folder} holds other tensors than {_EMBEDDINGS}: see {min(tensors, default='none')}")
    return tensors[_EMBEDDINGS]


def _about(kind: str, model: Any) -> dict[str, Any]:
    return {
        "peft_type": kind,
        "task_type": "CAUSAL_LM" if hasattr(model, "prepare_inputs_for_generation") else None,
        "base_model_name_or_path": getattr(model, "name_or_path", None),
        "inference_mode": True,
    }


def _written(folder: Path, tensors: dict[str, Tensor], config: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    _whole(folder / WEIGHTS, lambda file: save_file(tensors, file, metadata={"format": "pt"}))
    _whole(folder / CONFIG, lambda file: file.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8"))
    return folder


def _read(folder: Path, kind: str, known: Collection[str]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Both files, where they are of this kind and ask for nothing that is not known."""
    try:
        config: dict[str, Any] = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        tensors = load_file(folder / WEIGHTS)
    except (OSError, ValueError, RecursionError, SafetensorError) as e:
        raise ValueError(f"{folder} holds no adapter of peft's that can be read; save one there first ({e})") from e
    there = config.get("peft_type") if isinstance(config, dict) else "nameless"
    if there != kind:
        raise ValueError(f"{folder} holds a {there} adapter; only {kind} can be read")
    foreign = [key for key, value in config.items() if value and key not in known]
    foreign += ["bias"] * (config.get("bias", "none") != "none")
    foreign += ["init_lora_weights"] * (config.get("init_lora_weights") not in _PLAIN)
    if foreign:
        raise ValueError(
            f"{folder} uses {', '.join(foreign)}, which is left out here; merge it into the model with peft"
        )
    return config, tensors


def read(folder: Path) -> Saved:
    """What peft's `save_pretrained` wrote. Raises ValueError where it is more than A and B."""
    config, tensors = _read(folder, "LORA", _KNOWN)
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
