"""Keep no activation for the backward pass that others give again: a product, a SiLU, a cast of what is kept anyway.

    with lean():
        loss = model(**batch).loss  # y = D(silu(e) u), e = G(x), u = U(x), x = norm(h): the block keeps h, e and u
    loss.backward()                 # silu(e), silu(e) u, x are formed anew: the same operations on the same numbers

What can be formed anew is read off the graph, so it is the same for every model and method; no matrix product is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

Recipe = Callable[[], Tensor]
Formed = Callable[[Any, Recipe], Tensor]  # by its node; a function that named itself would hold what it formed


def lean() -> torch.autograd.graph.saved_tensors_hooks:
    """What is kept inside is kept so. Raises RuntimeError in the backward pass for what was changed in place since."""
    last: deque[tuple[Any, Tensor]] = deque(maxlen=2)  # formed anew: layers beside each other read the same

    def formed(node: Any, form: Recipe) -> Tensor:
        for known, tensor in last:
            if known is node:
                return tensor
        tensor = form()
        last.append((node, tensor))
        return tensor

    def pack(kept: Tensor) -> Any:
        again = _recipe(kept.grad_fn, formed) if kept._version == 0 else None  # changed in place since: another number
        return (kept, kept._version) if again is None else again

    return torch.autograd.graph.saved_tensors_hooks(pack, _unpack)


def _recipe(node: Any, formed: Formed) -> Recipe | None:
    """How to form anew what a node of the graph gave; None where what is kept does not suffice."""
    kind = type(node).__name__
    if kind == "SiluBackward0":
        return lambda: formed(node, lambda: F.silu(node._saved_self))
    if kind == "GeluBackward0":
        return lambda: formed(node, lambda: F.gelu(node._saved_self, approximate=node._saved_approximate))
    if kind == "MulBackward0":
        (left, _), (right, _) = node.next_functions  # a factor is kept for the gradient of the other
        a = _recipe(left, formed) if right is None else lambda: node._saved_self
        b = _recipe(right, formed) if left is None else lambda: node._saved_other
        return None if a is None or b is None else lambda: formed(node, lambda: a() * b())
    if kind in ("ViewBackward0", "UnsafeViewBackward0", "ToCopyBackward0"):
        source, like = _recipe(node.next_functions[0][0], formed), node._input_metadata[0]
        return None if source is None else lambda: source().to(like.dtype).view(like.shape)
    return None


def _unpack(packed: Any) -> Tensor:
    if callable(packed):
        again: Tensor = packed()
        return again
    kept, version = packed
    if kept._version != version:
        raise RuntimeError(f"what the backward pass needs was changed in place: {kept.dtype}, {tuple(kept.shape)}")
    return kept  # type: ignore[no-any-return]
