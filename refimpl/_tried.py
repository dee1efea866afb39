"""What a model does with a few tokens: tried before a method that stands on it is applied. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from refimpl._lab.generate import evaluating

TOKENS = 6


def few(model: Any) -> Tensor:
    """A row of tokens that are not special in most models, (1, T)."""
    tokens = torch.arange(5, 5 + TOKENS) % getattr(model.config.get_text_config(), "vocab_size", 5 + TOKENS)
    return tokens[None].to(model.device)


@torch.no_grad()
def alike(model: Any, one: Callable[[], Tensor], other: Callable[[], Tensor], near: float = 1e-4) -> bool | None:
    """Whether both give the same but for rounding; None where one cannot be had of this model.

    Raises ValueError where one is NaN.
    """
    if model.device.type == "meta":
        return None
    try:
        with evaluating(model):
            a, b = one(), other()
    except Exception:  # of any kind: each model fails at what it is not made for in its own way
        return None
    if a.isnan().any() or b.isnan().any():
        raise ValueError("what the model gives for a few tokens is NaN; load a model that is whole")
    if not (a.isfinite().all() and b.isfinite().all()):
        return None
    far = float(a.abs().max()) * (near if model.dtype.itemsize >= 4 else 2e-2)
    return a.shape == b.shape and float((a - b).abs().max()) <= far


def looks_ahead(model: Any) -> bool | None:
    """Whether what a token becomes depends on those behind it; None where that cannot be tried."""
    ids, inner, half = few(model), getattr(model, "base_model", model), TOKENS // 2
    changed = torch.cat([ids[:, :half], ids[:, :half]], dim=1)

    def early(row: Tensor) -> Tensor:
        h: Tensor = inner(input_ids=row)[0]
        assert h.shape[1] >= TOKENS  # some models pool what they read
        return h[:, :half]

    same = alike(model, lambda: early(ids), lambda: early(changed), near=1e-5)
    return None if same is None else not same


def takes_embeddings(model: Any, reader: Any) -> bool:
    """Whether `reader`, the model or its encoder, does with the embeddings of tokens what it does with the tokens."""
    ids = few(model)
    mask = torch.ones_like(ids)

    def embedded() -> Tensor:
        X = reader.get_input_embeddings()(ids)
        reader(inputs_embeds=1 - X, attention_mask=mask)  # some models look for the token that has an embedding
        h: Tensor = reader(inputs_embeds=X, attention_mask=mask)[0]
        return h

    found = alike(model, lambda: reader(input_ids=ids, attention_mask=mask)[0], embedded)
    return bool(found) or model.device.type == "meta"


def begins(model: Any) -> dict[str, Any]:
    """What a generation first calls the model with; nothing where that cannot be had."""
    try:
        return dict(model.prepare_inputs_for_generation(few(model))) if model.can_generate() else {}
    except Exception:  # as above
        return {}
