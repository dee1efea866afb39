"""Where a prompt stands: before a text and behind its padding, in an encoder, or behind the first token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

IGNORED = -100


def given(args: tuple[Any, ...], named: dict[str, Any]) -> tuple[dict[str, Any], Tensor]:
    """What a model is called with, by name, and the tokens."""
    given = dict(zip(("input_ids", "attention_mask"), args, strict=False)) | named
    if (ids := given.pop("input_ids", None)) is None:
        raise ValueError("the prompt goes before tokens; call the model with input_ids")
    return given, ids


def places(mask: Tensor, p: int) -> Tensor:
    """What of [P; x] stands where: first a row's padding on the left, then P, then the text. (B, T) -> (B, p + T)"""
    left = (mask.cumsum(1) == 0).sum(1, keepdim=True)  # (B, 1)
    t = torch.arange(p + mask.shape[1], device=mask.device)
    return torch.where(t < left, t + p, torch.where(t < left + p, t - left, t))


def demand_known(given: dict[str, Any], ids: Tensor, known: Sequence[str]) -> None:
    """Whatever else says something of each token would say it of others once the prompt is there."""
    for name, value in given.items():
        if name not in known and isinstance(value, Tensor) and value.shape[:2] == ids.shape:
            raise ValueError(f"the model is given {name} of each token, and a prompt has none; call it without")


def flat(mask: Tensor) -> Tensor:
    """The mask, which must be one of rows and tokens."""
    if mask.dim() != 2:
        raise ValueError(f"a mask of {mask.dim()} dimensions says nothing of a prompt; give one of (rows, tokens)")
    return mask


def prepend_encoder(encoder: Any, args: tuple[Any, ...], named: dict[str, Any]) -> tuple[tuple[()], dict[str, Any]]:
    """The same for the encoder of a pair, as of T5: the decoder and its labels are left alone."""
    (said, ids), P = given(args, named), encoder.prompt.P
    X = encoder.get_input_embeddings()(ids)  # (B, T, e)
    X = torch.cat([P.expand(len(ids), -1, -1).to(X.dtype), X], dim=1)  # (B, p + T, e)
    mask = said.get("attention_mask")
    mask = torch.ones_like(ids) if mask is None else flat(mask)
    X = X.gather(1, places(mask, len(P))[..., None].expand_as(X))
    return (), said | {"inputs_embeds": X, "attention_mask": wider(mask, len(P))}


def wider(mask: Tensor, p: int) -> Tensor:
    """The mask of [P; x], where all of P is seen."""
    return F.pad(mask, (p, 0), value=1).gather(1, places(mask, p))


def widen(_: Any, args: tuple[Any, ...], named: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The decoder sees the encoder's prompt."""
    mask, read = named.get("encoder_attention_mask"), named.get("encoder_hidden_states")
    if mask is None or read is None:
        return args, named
    return args, named | {"encoder_attention_mask": wider(mask, read.shape[1] - mask.shape[1])}


def insert(model: Any, args: tuple[Any, ...], named: dict[str, Any]) -> tuple[tuple[()], dict[str, Any]]:
    """In a model that reads both ways the prompt stands behind the first token, which stays the one that is pooled."""
    (said, ids), P = given(args, named), model.prompt.P
    X = model.get_input_embeddings()(ids)  # (B, T, e)
    X = torch.cat([X[:, :1], P.expand(len(ids), -1, -1).to(X.dtype), X[:, 1:]], dim=1)  # (B, 1 + p + T - 1, e)
    fills = {"attention_mask": 1, "token_type_ids": 0, "labels": IGNORED}
    demand_known(said, ids, (*fills, "position_ids"))
    if (at := said.get("position_ids")) is not None:
        said["position_ids"] = torch.cat([at[:, :1] + torch.arange(len(P) + 1).to(at), at[:, 1:] + len(P)], dim=1)
    for name, fill in fills.items():
        row = said.get(name)
        if row is not None and row.shape == ids.shape:
            between = row.new_full((len(row), len(P)), fill)
            said[name] = torch.cat([row[:, :1], between, row[:, 1:]], dim=1)
    return (), said | {"inputs_embeds": X}
