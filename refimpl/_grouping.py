"""Which models' attention can be cut into groups, and how it is where transformers does not let it be replaced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from refimpl import _targets
from refimpl._lab.generate import evaluating


class Length(ValueError):
    """A row or a group that tokens cannot be cut into."""


def even(G: int) -> None:
    """Whether a group of G tokens has two halves. Raises `Length`."""
    if G < 2 or G % 2:
        raise Length(f"a group of {G} tokens has no two halves, by which it is shifted; take an even group")


def quarter(n: int) -> int:
    """A quarter of n tokens; the next even number where that is none."""
    return 2 * max(1, -(-n // 8))


def unpadded(mask: Tensor | None) -> None:
    """Whether the first token of each row sees itself in a mask (b, 1, n, n) of truth values or of what is added."""
    if mask is not None and not (mask[:, :, 0, 0] if mask.dtype == torch.bool else mask[:, :, 0, 0] >= 0).all():
        raise Length("rows begin with padding; pad them on the right")


def check(model: Any) -> None:
    """Refuse models whose attention is another than the causal one that groups cut."""
    if not hasattr(model.config, "num_attention_heads"):
        raise ValueError("the model has no attention that could be cut into groups; take another model")
    if _targets.reads(model) != "on":
        raise ValueError("the model's tokens see what comes after them, and groups are causal; take a decoder")
    if not replaceable(model) and not _takes_masks(model):
        raise ValueError("the model takes masks of another kind, which groups cannot be given as; take another model")


def replaceable(model: Any) -> bool:
    """Whether transformers lets the attention be replaced by torch's own, which has neither caps nor sinks."""
    own = getattr(model.config, "attn_logit_softcapping", None) or any(hasattr(m, "sinks") for m in model.modules())
    return bool(getattr(model, "_supports_attention_backend", False) and model._supports_sdpa and not own)


def regroup(model: Any, group: int | None, shift: bool) -> Any:
    """From now on, while training, the model attends in groups: by the attention "s2", or by masks."""
    model.config.s2_group, model.config.s2_shift = group, shift
    if replaceable(model):
        model.set_attn_implementation("s2")
    else:
        for layer in attentions(model):
            layer.register_forward_pre_hook(Masked(model.config), with_kwargs=True)
    return model


def ungroup(model: Any) -> Any:
    """The model attends as it did before, and its configuration knows nothing of groups."""
    if model.config._attn_implementation == "s2":
        model.set_attn_implementation("sdpa")
    for layer in attentions(model):
        for key in [key for key, hook in layer._forward_pre_hooks.items() if isinstance(hook, Masked)]:
            del layer._forward_pre_hooks[key], layer._forward_pre_hooks_with_kwargs[key]
    for name in ("s2_group", "s2_shift"):
        vars(model.config).pop(name, None)
    return model


def attentions(model: nn.Module) -> list[nn.Module]:
    """Its layers of attention."""
    return [module for module in model.modules() if type(module).__name__.endswith("Attention")]


@torch.no_grad()
def _takes_masks(model: Any) -> bool:
    """Whether its layers of attention take a mask that is not the same for all heads, as tried on a few tokens."""
    masked = Masked(model.config, always=True)
    hooks = [layer.register_forward_pre_hook(masked, with_kwargs=True) for layer in attentions(model)]
    try:
        with evaluating(model):
            model(input_ids=torch.zeros(1, 8, dtype=torch.long, device=model.device), use_cache=False)
    except (TypeError, ValueError, RuntimeError):
        return False
    finally:
        for hook in hooks:
            hook.remove()
    return True


@dataclass(slots=True)
class Masked:
    """Where it cannot: while training, each layer of attention gets the groups as a mask, by head."""

    config: Any
    always: bool = False

    def __call__(self, layer: Any, args: Any, named: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        given, x = named.get("attention_mask"), named.get("hidden_states", args[0] if args else None)
        if not (layer.training or self.always) or x is None:
            return args, named
        unpadded(given)
        (b, n), config = x.shape[:2], self.config
        G, shift = getattr(config, "s2_group", None) or quarter(n), getattr(config, "s2_shift", True)
        sees = groups(n, config.num_attention_heads, G, shift).to(x.device)
        M = x.new_zeros(b, len(sees), n, n).masked_fill(~sees, torch.finfo(x.dtype).min)
        return args, named | {"attention_mask": M}


def groups(n: int, H: int, G: int, shift: bool = True) -> Tensor:
    """Which tokens see which, by head, (H, n, n): what `s2` computes, as a mask."""
    even(G)
    t, moved = torch.arange(n), G // 2 if shift else 0
    first, second = (t // G, (t + moved) // G)
    both = [(at[:, None] == at) & (t[:, None] >= t) for at in (first, second)]
    return torch.cat([both[0].expand(H // 2, n, n), both[1].expand(H - H // 2, n, n)])
