"""The keys and values that a model keeps of what it has read."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from refimpl import _targets


@torch.no_grad()
def kept(model: Any, ids: Tensor) -> Any:
    """What the model keeps of a row of tokens."""
    return model(input_ids=ids[None].to(model.device), past_key_values=DynamicCache(), use_cache=True).past_key_values


def shape(model: Any) -> tuple[int, int, int]:
    """Layers, key heads and numbers a head of a model, as its cache has them."""
    if _targets.reads(model) != "on":
        raise ValueError("prefixes for encoders are left out; take a decoder, or prompt_tuning")
    try:
        cached = kept(model, torch.zeros(1, dtype=torch.long)).layers
        there = {tuple(tensor.shape[1::2]) for layer in cached for tensor in (layer.keys, layer.values)}
    except (AttributeError, IndexError, TypeError, ValueError) as e:
        raise ValueError("the model has layers that keep something else than keys and values; take another") from e
    except RuntimeError as e:
        if model.device.type != "meta":
            raise
        raise ValueError("what the model keeps cannot be tried on the meta device; load it first") from e
    if len(there) != 1:
        raise ValueError(
            f"the model's layers keep keys and values of {len(there)} shapes, and a prefix has one; take another"
        )
    return len(cached), *there.pop()
