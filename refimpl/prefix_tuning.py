r"""Prefix-tuning: learn keys and values that stand before the input in every layer of a frozen model.

Li and Liang 2021, arXiv:2101.00190, sections 4.2 and 4.3. Of p positions in each of L layers:

    h_i = P[i]                        for i < p, all layers' keys and values at a position of the prefix
    h_i = LM(x_i, h_<i)               for the rest, as the frozen model computes it
    P[i] = MLP(E[i])                  while training;  P alone is kept

    E  (p, d)            Gaussian init       MLP  d -> mid -> 2 L d_kv, with tanh
    P  (p, 2 L d_kv)     the prefix          d_kv = H D, for H key heads of D numbers; d = d_kv

The input's positions are counted from p, as if the prefix were tokens. Keys of the prefix are what the attention sees:
with rotary embeddings they are learned already turned. In a model with sliding windows, padding on the left fills them.

Left out: prefixes for encoders and between input and output ("infix"), dropout in the MLP.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import DynamicCache

from refimpl import _peft_format
from refimpl._caches import kept
from refimpl._caches import shape as shape
from refimpl._lab import adapter
from refimpl._lab import demo as lab
from refimpl._layers import Own
from refimpl._surgery import freeze, guard
from refimpl._tried import alike, few

PAPER = "li2021prefix arXiv:2101.00190"
BY_PLACE = frozenset({"mpt"})  # whose attention falls with the distance of places, whatever positions it is told


class Checkpointing(ValueError):
    """Gradient checkpointing drops the cache in which the prefix stands."""


class Flat(Own):
    """The prefix itself: what is kept after training."""

    def __init__(self, P: Tensor, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.P, self.shape = nn.Parameter(P), shape  # (p, 2 L d_kv); L, H, D

    def forward(self) -> Tensor:
        return self.P


class Reparameterised(Own):
    """The prefix as a function of fewer numbers and of a network that all positions share."""

    def __init__(self, P: Tensor, shape: tuple[int, int, int], mid: int) -> None:
        super().__init__()
        width, self.shape = shape[1] * shape[2], shape
        self.E = nn.Parameter(torch.randn(len(P), width, dtype=P.dtype, device=P.device))
        layers = nn.Linear(width, mid), nn.Tanh(), nn.Linear(mid, P.shape[1])
        self.mlp = nn.Sequential(*layers).to(P.device, P.dtype)

    def forward(self) -> Tensor:
        P: Tensor = self.mlp(self.E)  # (p, d) -> (p, 2 L d_kv)
        return P


def attend(model: Any, args: tuple[Any, ...], named: dict[str, Any]) -> tuple[tuple[()], dict[str, Any]]:
    """The model is called with the prefix in its cache, and with mask and positions to match."""
    if model.training and any(getattr(m, "gradient_checkpointing", False) for m in model.modules()):
        raise Checkpointing("gradient checkpointing drops the prefix; train without it, on shorter rows or fewer")
    given = dict(zip(("input_ids", "attention_mask"), args, strict=False)) | named
    ids, past = given.get("input_ids"), given.get("past_key_values")
    if ids is None:
        raise ValueError("the prefix goes before tokens; call the model with input_ids")
    vars(model)["forgets"] = given.get("use_cache") is False
    said = behind(model, model.prefix(), model.prefix.shape, ids, given.get("attention_mask"), past)
    return (), given | said | {"use_cache": True}  # without it some models do not look at what they are given


def behind(
    model: Any, P: Tensor, shape: tuple[int, int, int], ids: Tensor, mask: Tensor | None = None, past: Any = None
) -> dict[str, Any]:
    """What tokens are given to be read behind the prefix P."""
    past = DynamicCache() if past is None else past
    (B, T), seen = ids.shape, past.get_seq_length()
    if not seen:  # in later steps of a generation the prefix is in the cache
        for layer, (k, v) in enumerate(heads(P.to(model.dtype), shape)):
            past.update(k.expand(B, -1, -1, -1), v.expand(B, -1, -1, -1), layer)
    mask = ids.new_ones(B, max(0, seen - len(P)) + T) if mask is None else mask
    if model.config.model_type in BY_PLACE and not mask[:, 0].all():
        raise ValueError("the model counts padding as distance from its prefix; pad on the right")
    mask = F.pad(mask, (len(P), 0), value=1)  # (B, p + T)
    positions = (mask.long().cumsum(1) - 1).clamp(min=0)[:, -T:]
    return {"past_key_values": past, "attention_mask": mask, "position_ids": positions}


def forget(model: Any, _: Any, out: Any) -> Any:
    """Where no cache is asked for, that of the prefix is not handed on: a generation reads the whole text each time."""
    if vars(model).pop("forgets", False) and "past_key_values" in out:
        return type(out)(**{name: value for name, value in out.items() if name != "past_key_values"})
    return None


def _check(model: Any, shape: tuple[int, int, int]) -> None:
    """Tried on a few tokens: a prefix that the first of them left must do for the rest what they do."""
    ids, p = few(model), 2
    found = alike(
        model,
        lambda: model(input_ids=ids)[0][:, p:],
        lambda: model(input_ids=ids[:, p:], **behind(model, of_words(model, ids[0, :p]), shape, ids[:, p:]))[0],
    )
    if not found and model.device.type != "meta":
        raise ValueError("the model does not read on from keys and values that stand before a text; take another model")


def heads(P: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """(p, 2 L d_kv) -> (L, 2, H, p, D)."""
    L, H, D = shape
    return P.view(len(P), L, 2, H, D).permute(1, 2, 3, 0, 4)


@torch.no_grad()
def of_words(model: Any, ids: Tensor) -> Tensor:
    """Section 7.4: the prefix that p real tokens leave in the cache of the model, (p, 2 L d_kv)."""
    cached = kept(model, ids).layers
    layers = torch.stack([torch.stack([layer.keys[0], layer.values[0]]) for layer in cached])  # (L, 2, H, p, D)
    return layers.permute(3, 0, 1, 2, 4).flatten(1)


def apply(model: Any, length: int = 10, mid: int | None = 512, words: Tensor | None = None) -> Any:
    """Freeze `model` in place and put a prefix of `length` before what it is given in every layer.

    `mid` is the width inside the MLP; with None the prefix is trained directly. The prefix starts at random, or as what
    the tokens `words` leave behind.
    """
    if hasattr(model, "prefix"):
        raise ValueError("the model has a prefix already; load it anew")
    if length < 1:
        raise ValueError(f"a prefix of {length} has no numbers to train; take 1 or more")
    L, H, D = shape(model)
    _check(model, (L, H, D))
    freeze(model)
    wide = torch.promote_types(model.dtype, torch.float32)
    start = torch.randn(length, 2 * L * H * D, device=model.device) if words is None else of_words(model, words)
    P = start.to(wide)
    model.prefix = Flat(P, (L, H, D)) if mid is None else Reparameterised(P, (L, H, D), mid)
    if mid is not None and words is not None:
        fit(model.prefix, P)
    model.register_forward_pre_hook(attend, with_kwargs=True)
    model.register_forward_hook(forget)
    guard(model)
    return model


def fit(prefix: nn.Module, P: Tensor, steps: int = 500) -> None:
    """Train E and the MLP until they give P.

    The authors' code takes 500 steps of Adam on the squared error, too, but leaves E as it was drawn, at a rate of 1e-4
    (lowdata_init_train3 in gpt2/train_control.py).
    """
    optimiser = torch.optim.Adam(prefix.parameters(), lr=1e-3)
    for _ in range(steps):
        optimiser.zero_grad()
        F.mse_loss(prefix(), P).backward()
        optimiser.step()


def merge(model: Any) -> Any:
    """Drop the MLP: only the prefix that it gives is kept, and can be trained on."""
    if not hasattr(model, "prefix"):
        raise ValueError("the model has no prefix; apply one of the same length first")
    model.prefix = Flat(model.prefix().detach().clone(), model.prefix.shape)
    return model


def save(model: Any, folder: Path) -> Path:
    """Write the flat prefix to `folder`; the MLP is dropped."""
    return adapter.save(merge(model), folder, {"method": "prefix_tuning"})


def load(model: Any, folder: Path) -> Any:
    """Read it back into a model to which `apply` gave a prefix of the same length."""
    adapter.load(merge(model), folder)
    return model


def save_peft(model: Any, folder: str | Path) -> Path:
    """Write the flat prefix as peft does, for `peft.PeftModel.from_pretrained`; the MLP is dropped."""
    P, (L, H, D) = merge(model).prefix.P, model.prefix.shape
    numbers = {"num_layers": L, "num_attention_heads": H, "token_dim": H * D, "encoder_hidden_size": H * D}
    return _peft_format.write_prompt(P, "PREFIX_TUNING", Path(folder), model, **numbers, prefix_projection=False)


def load_peft(model: Any, folder: str | Path) -> Any:
    """`apply` with a prefix that peft saved."""
    P, (L, H, D) = _peft_format.read_prompt(Path(folder), "PREFIX_TUNING"), shape(model)
    if P.shape[1] != 2 * L * H * D:
        raise ValueError(f"{folder} is of another model: a position has {P.shape[1]} numbers, not {2 * L * H * D}")
    apply(model, len(P), mid=None).prefix.P.data.copy_(P)
    return model


def demo(length: int = 10, mid: int | None = 512, **options: Any) -> dict[str, Any]:
    """Learn a prefix for a task; in the end the MLP is dropped, and the prefix alone is written."""
    said = {"length": length, "mid": mid}
    return lab.run(
        "prefix_tuning", lambda model: apply(model, length, mid), merge=merge, kept=merge, options=said,
        **(dict[str, Any](task="json", usual=200, rate=1e-2) | options),
    )  # fmt: skip
