"""What was trained, on disk: the tensors that require gradients, by name, and a small JSON file of facts."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from refimpl._lab import LabError

WEIGHTS, FACTS = "adapter.safetensors", "adapter.json"


def save(
    model: nn.Module, folder: str | Path, facts: Mapping[str, Any] | None = None, buffers: Iterable[str] = ()
) -> Path:
    """Write the trained tensors, and the buffers whose last name is among `buffers`, to `folder`: all or nothing."""
    folder = Path(folder)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in _kept(model, buffers).items()}
    if not tensors:
        raise LabError("nothing to save: no parameter of the model requires gradients")
    if folder.exists() and not _ours(folder):
        raise LabError(f"{folder} holds something else than an adapter; name a folder that is new")
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        new, old = aside / "new", aside / "old"
        new.mkdir()
        save_file(tensors, new / WEIGHTS)
        said = {"tensors": {name: list(t.shape) for name, t in tensors.items()}, **(facts or {})}
        (new / FACTS).write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
        if folder.exists():
            folder.replace(old)
        new.replace(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return folder


@torch.no_grad()
def load(model: nn.Module, folder: str | Path) -> dict[str, Any]:
    """Put the tensors of `folder` into a model to which the same method was applied. Returns the facts."""
    folder = Path(folder)
    try:
        tensors = load_file(folder / WEIGHTS)
        facts: dict[str, Any] = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    except (OSError, ValueError, SafetensorError) as e:
        raise LabError(f"{folder} holds no adapter that can be read: {e}") from e
    places: dict[str, Tensor] = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    untold = [name for name, p in model.named_parameters() if p.requires_grad and name not in tensors]
    unknown = [name for name in tensors if name not in places]
    if untold or unknown:
        odd = (unknown or untold)[0]
        raise LabError(f"{folder} is of another model or method: {odd} is in one and not in the other")
    for name, tensor in tensors.items():
        if places[name].shape != tensor.shape:
            there, here = tuple(tensor.shape), tuple(places[name].shape)
            raise LabError(f"{folder}: {name} has shape {there}, the model's {here}; apply the method with its options")
    for name, tensor in tensors.items():
        places[name].copy_(tensor)
    return facts


def _ours(folder: Path) -> bool:
    return folder.is_dir() and {file.name for file in folder.iterdir()} <= {WEIGHTS, FACTS}


def _kept(model: nn.Module, buffers: Iterable[str]) -> dict[str, Tensor]:
    wanted = frozenset(buffers)
    trained: dict[str, Tensor] = {name: p for name, p in model.named_parameters() if p.requires_grad}
    return trained | {name: b for name, b in model.named_buffers() if name.rpartition(".")[2] in wanted}
