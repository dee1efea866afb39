"""LoRA's two factors, and prompts and prefixes, as peft keeps them: a file of JSON and one of tensors."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from refimpl._surgery import find, layers, shapes
from refimpl._targets import CLASSIFIERS

WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"
_PREFIX = "base_model.model."
# what does not change the meaning of A and B, or is checked below; anything else may
_KNOWN = frozenset(
    (
        *("task_type", "peft_type", "auto_mapping", "peft_version", "base_model_name_or_path", "revision"),
        *("inference_mode", "r", "lora_alpha", "lora_dropout", "target_modules", "exclude_modules", "bias"),
        *("layers_to_transform", "layers_pattern", "init_lora_weights", "eva_config", "qalora_group_size"),
        *("megatron_core", "runtime_config", "ensure_weight_tying", "modules_to_save"),
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
    heads: Mapping[str, Tensor]  # the head of a classifier, by name

    def check(self, model: nn.Module) -> None:
        """Raise unless these layers are in the model, of these shapes."""
        there = layers(model)
        for name, (A, B) in self.factors.items():
            if name not in there:
                raise ValueError(f"{self.folder} is of another model: this one has no Linear {name}")
            if [(len(B), A.shape[1])] != shapes(model, [name]) or len(A) != B.shape[1]:
                raise ValueError(f"{self.folder} is of another model: {name} has another shape there")
        own = dict(model.named_parameters())
        if odd := [n for n, t in self.heads.items() if n not in own or own[n].shape != t.shape]:
            raise ValueError(f"{self.folder} is of another model: this one has no {odd[0]} of that shape")

    @torch.no_grad()
    def put_heads(self, model: nn.Module) -> None:
        """The head of a classifier, as it was trained."""
        for name, tensor in self.heads.items():
            model.get_parameter(name).copy_(tensor)


def save(model: nn.Module, kind: type[Any], folder: str | Path) -> Path:
    """`write` with what the layers of this kind have as their `factors`."""
    there = {path: layer.factors() for path, layer in model.named_modules() if isinstance(layer, kind)}
    return write(there, Path(folder), model)


@torch.no_grad()
def load(
    model: nn.Module, folder: str | Path, apply: Callable[[nn.Module, list[str], int, float], object]
) -> nn.Module:
    """`apply` to the layers that peft adapted, with its rank and alpha; its A and B go into their `factors`."""
    saved = read(Path(folder))
    saved.check(model)
    apply(model, list(saved.factors), saved.rank, saved.alpha)
    for path, (A, B) in saved.factors.items():
        there: Any = model.get_submodule(path)
        for own, given in zip(there.factors(), (A, B), strict=False):
            own.copy_(given)
    saved.put_heads(model)
    return model


def write(layers: Mapping[str, Pair], folder: Path, model: Any) -> Path:
    """What `peft.PeftModel.from_pretrained` reads for a model adapted with these layers."""
    if not layers:
        raise ValueError("nothing to save: the model has no LoRA; apply it first, and do not merge")
    if inside := [path for path in layers if isinstance(model.get_submodule(path.rpartition(".")[0]), nn.ModuleDict)]:
        raise ValueError(f"{inside[0]} is a layer of one expert, which peft keeps in another form; keep it with save")
    one = next(iter(layers.values()))
    config = {
        **_about("LORA", model),
        "r": len(one.A),
        "lora_alpha": one.s * len(one.A),
        "lora_dropout": 0.0,
        "target_modules": _targets(layers, model),
        "bias": "none",
    }
    tensors = {
        _key(name, letter): factor.detach().cpu().contiguous()
        for name, layer in layers.items()
        for letter, factor in (("A", layer.A), ("B", layer.B))
    }
    heads = {name: p for name, p in model.named_parameters() if p.requires_grad and name.startswith(CLASSIFIERS)}
    if heads:
        config |= {"task_type": "SEQ_CLS", "modules_to_save": sorted({name.partition(".")[0] for name in heads})}
    tensors |= {f"{_PREFIX}{name}": p.detach().cpu().contiguous() for name, p in heads.items()}
    return _written(folder, tensors, config)


def write_prompt(P: Tensor, kind: str, folder: Path, model: Any, **config: Any) -> Path:
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
    config = _config(folder, kind, known)
    try:
        return config, load_file(folder / WEIGHTS)
    except (OSError, ValueError, SafetensorError) as e:
        raise ValueError(f"{folder} holds no adapter of peft's that can be read; save one there first ({e})") from e


def said(folder: Path) -> dict[str, Any]:
    """What peft's configuration says, as far as it says something. Raises ValueError where it is none."""
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as e:
        raise ValueError(f"{folder} holds no adapter of peft's that can be read; save one there first ({e})") from e
    if not isinstance(config, dict) or not isinstance(config.get("peft_type"), str):
        raise ValueError(f"{folder / CONFIG} does not say its peft_type; save it with peft again")
    return {name: value for name, value in config.items() if value not in (None, {}, [])}


def _config(folder: Path, kind: str, known: Collection[str]) -> dict[str, Any]:
    config = said(folder)
    there = config["peft_type"]
    if there != kind:
        raise ValueError(f"{folder} holds a {there} adapter; only {kind} can be read")
    foreign = [key for key, value in config.items() if value and key not in known]
    foreign += ["bias"] * (config.get("bias", "none") != "none")
    foreign += ["init_lora_weights"] * (config.get("init_lora_weights") not in _PLAIN)
    if foreign:
        raise ValueError(
            f"{folder} uses {', '.join(foreign)}, which is left out here; merge it into the model with peft"
        )
    return config


def configured(folder: Path) -> dict[str, Any]:
    """The rank, alpha and targets that peft's configuration asks of LoRA. Raises ValueError where it asks for more."""
    config = _config(folder, "LORA", _KNOWN)
    rank: Any = config.get("r")
    alpha: Any = config.get("lora_alpha")
    targets = config.get("target_modules")
    if type(rank) is not int or type(alpha) not in (int, float):
        raise ValueError(f"{folder / CONFIG} has no rank and alpha that are numbers; save it with peft again")
    if isinstance(targets, list) and all(isinstance(name, str) for name in targets):
        return {"rank": rank, "alpha": float(alpha), "targets": tuple(sorted(targets))}
    if targets is not None and not isinstance(targets, str):
        raise ValueError(f"{folder / CONFIG}: target_modules is neither a name nor a list of names")
    return {"rank": rank, "alpha": float(alpha), "targets": targets}


def read(folder: Path) -> Saved:
    """What peft's `save_pretrained` wrote. Raises ValueError where it is more than A and B."""
    config, tensors = _read(folder, "LORA", _KNOWN)
    said = config.get("modules_to_save") or []
    if strange := [name for name in said if name not in CLASSIFIERS]:
        raise ValueError(f"{folder} uses modules_to_save for {strange[0]}, which is left out here; merge it with peft")
    heads = {key: tensors.pop(key) for key in [*tensors] if key.removeprefix(_PREFIX).startswith(CLASSIFIERS)}
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
    return Saved(folder, factors, rank, alpha, {key.removeprefix(_PREFIX): t for key, t in heads.items()})


def _key(name: str, letter: str) -> str:
    return f"{_PREFIX}{name}.lora_{letter}.weight"


def _targets(adapted: Iterable[str], model: nn.Module) -> list[str]:
    """The last names of the layers; their whole paths where the last names would name more layers than these."""
    paths = list(adapted)
    last = sorted({name.rpartition(".")[2] for name in paths})
    return last if paths == [*find(model, last)] else paths


def _whole(file: Path, write: Callable[[Path], object]) -> None:
    """All of the file or nothing."""
    aside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        write(aside)
        aside.replace(file)
    finally:
        aside.unlink(missing_ok=True)
