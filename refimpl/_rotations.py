"""How positions turn queries and keys, as the configuration of a model has it, and how far they can be pressed."""

from __future__ import annotations

import math
from typing import Any


def pressed(config: Any, context: int) -> int:
    """The factor. Raises ValueError where positions cannot be pressed together."""
    kinds = {str(rope.get("rope_type")) for rope in rotations(config).values()}
    if odd := kinds - {"default", "linear"} or ({"none"} if not kinds else set()):
        raise ValueError(
            f"rotations of kind {min(odd)} cannot be pressed together, only default and linear ones; leave out context"
        )
    if context < 1:
        raise ValueError(f"a context of {context} tokens is none; take 1 or more")
    own: int = config.max_position_embeddings
    return math.ceil(context / own)


def rotations(config: Any) -> dict[str, dict[str, Any]]:
    """The parameters of the rotations, by kind of layer; under "" where all layers have the same."""
    found: dict[str, Any] = getattr(config, "rope_parameters", None) or {}
    if not found or not all(isinstance(value, dict) for value in found.values()):
        return {"": dict(found)} if found else {}
    return {kind: dict(value) for kind, value in found.items()}
