r"""Prefix-tuning: learn keys and values that stand before the input in every layer of a frozen model.

Li and Liang 2021, arXiv:2101.00190, sections 4.2 and 4.3. Of p positions in each of L layers:

    h_i = P[i]                        for i < p, all layers' keys and values at a position of the prefix
    h_i = LM(x_i, h_<i)               for the rest, as the frozen model computes it
    P[i] = MLP(E[i])                  while training;  P alone is kept

    E  (p, d)            Gaussian init       MLP  d -> mid -> 2 L d_kv, with tanh
    P  (p, 2 L d_kv)     the prefix          d_kv = H D, for H key heads of D numbers; d = d_kv

The input's positions are counted from p, as if the prefix were tokens. Keys of the prefix are what the attention sees:
with rotary embeddings they are learned already turned.

Left out: prefixes for encoders and between input and output ("infix"), dropout in the MLP.
"""

# ruff: noqa: N803, N806 - the names are the paper's

from __future__ import annotations

import copy
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import DynamicCache

from refimpl._claims import (
    Measured,
    NotHere,
    at_least,
    at_most,
    direction,
    equal,
    exact,
    headline,
    parity,
    quoted,
    shown,
)
from refimpl._lab import adapter
from refimpl._surgery import freeze, trainable
from refimpl._toys import KNOWN, NEW, Batches, best, ends, far, few, llama, spoken, tune

PAPER = "li2021prefix"


class Checkpointing(ValueError):
    """Gradient checkpointing drops the cache in which the prefix stands."""


class Flat(nn.Module):
    """The prefix itself: what is kept after training."""

    def __init__(self, P: Tensor) -> None:
        super().__init__()
        self.P = nn.Parameter(P)  # (p, 2 L d_kv)

    def forward(self) -> Tensor:
        return self.P


class Reparameterised(nn.Module):
    """The prefix as a function of fewer numbers and of a network that all positions share."""

    def __init__(self, P: Tensor, width: int, mid: int) -> None:
        super().__init__()
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
    past = DynamicCache() if past is None else past
    P, (B, T), seen = model.prefix(), ids.shape, past.get_seq_length()  # (p, 2 L d_kv)
    if not seen:  # in later steps of a generation the prefix is in the cache
        for layer, (k, v) in enumerate(heads(model, P.to(model.dtype))):
            past.update(k.expand(B, -1, -1, -1), v.expand(B, -1, -1, -1), layer)
    mask = given.get("attention_mask")
    mask = ids.new_ones(B, max(0, seen - len(P)) + T) if mask is None else mask
    mask = F.pad(mask, (len(P), 0), value=1)  # (B, p + T)
    positions = (mask.long().cumsum(1) - 1).clamp(min=0)[:, -T:]
    return (), given | {"past_key_values": past, "attention_mask": mask, "position_ids": positions}


def shape(model: Any) -> tuple[int, int, int]:
    """Layers, key heads and numbers a head of a model."""
    c = model.config
    H = getattr(c, "num_key_value_heads", None) or c.num_attention_heads
    return c.num_hidden_layers, H, getattr(c, "head_dim", None) or c.hidden_size // c.num_attention_heads


def heads(model: Any, P: Tensor) -> Tensor:
    """(p, 2 L d_kv) -> (L, 2, H, p, D)."""
    L, H, D = shape(model)
    return P.view(len(P), L, 2, H, D).permute(1, 2, 3, 0, 4)


@torch.no_grad()
def of_words(model: Any, ids: Tensor) -> Tensor:
    """Section 7.4: the prefix that p real tokens leave in the cache of the model, (p, 2 L d_kv)."""
    cache = model(input_ids=ids[None], past_key_values=DynamicCache(), use_cache=True).past_key_values
    layers = torch.stack([torch.stack([layer.keys[0], layer.values[0]]) for layer in cache.layers])  # (L, 2, H, p, D)
    return layers.permute(3, 0, 1, 2, 4).flatten(1)


def apply(model: Any, length: int = 10, mid: int | None = 512, words: Tensor | None = None) -> Any:
    """Freeze `model` in place and put a prefix of `length` before what it is given in every layer.

    `mid` is the width inside the MLP; with None the prefix is trained directly. The prefix starts at random, or as what
    the tokens `words` leave behind.
    """
    if hasattr(model, "prefix"):
        raise ValueError("the model has a prefix already; load it anew")
    freeze(model)
    L, H, D = shape(model)
    wide = torch.promote_types(model.dtype, torch.float32)
    start = torch.randn(length, 2 * L * H * D, device=model.device) if words is None else of_words(model, words)
    P = start.to(wide)
    model.prefix = Flat(P) if mid is None else Reparameterised(P, H * D, mid)
    if mid is not None and words is not None:
        fit(model.prefix, P)
    model.register_forward_pre_hook(attend, with_kwargs=True)
    return model


def fit(prefix: nn.Module, P: Tensor, steps: int = 500) -> None:
    """Train E and the MLP until they give P, as the authors' code does (train_control.py:193-213 at 6519d30)."""
    optimiser = torch.optim.Adam(prefix.parameters(), lr=1e-3)
    for _ in range(steps):
        optimiser.zero_grad()
        F.mse_loss(prefix(), P).backward()
        optimiser.step()


def merge(model: Any) -> Any:
    """Drop the MLP: only the prefix that it gives is kept, and can be trained on."""
    model.prefix = Flat(model.prefix().detach().clone())
    return model


def save(model: Any, folder: Path) -> Path:
    """Write the flat prefix to `folder`; the MLP is dropped."""
    return adapter.save(merge(model), folder, {"method": "prefix_tuning"})


def load(model: Any, folder: Path) -> Any:
    """Read it back into a model to which `apply` gave a prefix of the same length."""
    adapter.load(merge(model), folder)
    return model


# --- what the paper says, as functions that measure, and fail when it is not so ---


@exact
def claim_a_prefix_of_words_is_those_words(device: str = "cpu") -> list[Measured]:
    """Section 4.2: a prefix is what p tokens could have left in each layer; of real tokens, it acts as they do."""
    base, ids = _base(device), _ids(2, 12, device)
    words, x = ids[0, :5], ids[:, 5:]
    model = apply(copy.deepcopy(base), 5, mid=None, words=words)
    mask = torch.ones_like(x)
    left = model(input_ids=F.pad(x, (3, 0)), attention_mask=F.pad(mask, (3, 0))).logits[:, 3:]
    typed = base(input_ids=torch.cat([words.expand(2, -1), x], dim=1)).logits[:, 5:]
    return [
        at_most("outputs differ by", far(model(input_ids=x).logits, typed), 1e-12),
        at_most("padded on the left, outputs differ by", far(left, typed), 1e-12),
    ]


@exact
def claim_the_mlp_is_dropped(device: str = "cpu") -> list[Measured]:
    """Section 4.3: after training only the prefix is kept, 2 L p d_kv numbers, and the outputs stay as they are."""
    base, x = _base(device), _ids(2, 12, device)
    model = apply(copy.deepcopy(base), 5, mid=16)
    before = model.prefix().detach()
    tune(model, spoken(NEW, 16, 0), 3, 1e-2)
    during, expected = trainable(model), model(input_ids=x).logits
    moved = sum(not torch.equal(p, base.get_parameter(n)) for n, p in model.named_parameters() if "prefix" not in n)
    merged = merge(model)
    return [
        at_least("training moves the prefix by", far(merged.prefix.P, before), 1e-3),
        equal("weights of the model that moved", moved, 0),
        equal("numbers trained, with E and MLP", during, 5 * 32 + (32 + 1) * 16 + (16 + 1) * 2 * 2 * 32),
        equal("numbers kept", trainable(merged), 2 * 2 * 5 * 32),
        equal("outputs differ by", far(merged(input_ids=x).logits, expected), 0),
    ]


@exact
def claim_a_prefix_mixes_into_attention(device: str = "cpu") -> Measured:
    """Section 4.2, rewritten by He et al. 2021 (2110.04366): Attn(q, [P; K]) = (1 - a) Attn(q, K) + a Attn(q, P)."""
    torch.manual_seed(0)
    q, K, V = (torch.randn(n, 8, dtype=torch.float64, device=device) for n in (4, 9, 9))
    P_K, P_V = (torch.randn(5, 8, dtype=torch.float64, device=device) for _ in range(2))
    attend_to = F.scaled_dot_product_attention
    weight = [(q @ k.T / 8**0.5).logsumexp(1) for k in (P_K, K)]
    a = torch.sigmoid(weight[0] - weight[1])[:, None]  # the prefix's share of the softmax, a number for each query
    mixed = (1 - a) * attend_to(q, K, V) + a * attend_to(q, P_K, P_V)
    return at_most("differs by", far(attend_to(q, torch.cat([P_K, K]), torch.cat([P_V, V])), mixed), 1e-12)


@exact
def claim_the_prefix_stays_for_every_token(device: str = "cpu") -> Measured:
    """Section 4.2: all later tokens see the prefix; generating with a cache gives what reading it all gives."""
    model, ids = apply(_base(device), 5), _ids(2, 6, device)
    said = model.generate(ids, max_new_tokens=6, do_sample=False, use_cache=True, eos_token_id=None)
    again = model(input_ids=said).logits.argmax(-1)[:, 5:-1]
    return equal("tokens that differ", int((said[:, 6:] != again).sum()), 0)


@parity
def claim_peft_agrees(device: str = "cpu") -> list[Measured]:
    """Section 4.3: peft's prefix tuning with the same E and MLP has the same outputs, gradients and kept prefix."""
    try:
        from peft import PrefixTuningConfig, get_peft_model
    except ImportError:
        raise NotHere("pip install peft") from None
    x = _ids(2, 12, device)
    ours = apply(llama(device=device), 5, mid=16)
    config = PrefixTuningConfig(
        task_type="CAUSAL_LM", num_virtual_tokens=5, prefix_projection=True, encoder_hidden_size=16
    )
    theirs: Any = get_peft_model(llama(device=device), config)
    other = theirs.prompt_encoder["default"]
    pairs = list(zip(ours.prefix.parameters(), other.parameters(), strict=True))  # E, then weights and biases
    for mine, p in pairs:
        p.data.copy_(mine.data)
    outs = [model(input_ids=x, attention_mask=torch.ones_like(x), labels=x) for model in (ours, theirs)]
    for out in outs:
        out.loss.backward()
    kept = theirs.get_prompt_embedding_to_save("default").to(device)
    return [
        at_most("outputs differ by", far(outs[0].logits, outs[1].logits), 1e-6),
        at_most("losses differ by", far(outs[0].loss, outs[1].loss), 1e-6),
        at_most("gradients differ by", max(far(mine.grad, p.grad) for mine, p in pairs), 1e-5),
        at_most("kept prefixes differ by", far(merge(ours).prefix.P, kept), 1e-6),
    ]


@direction
def claim_the_mlp_steadies_training(device: str = "cpu") -> list[Measured]:
    """Section 4.3: training P directly is unstable and ends slightly worse."""
    data = partial(spoken, NEW)
    mlp = [ends(partial(apply, mid=64), data, lr, device) for lr in (3e-3, 3e-2)]
    direct = [ends(partial(apply, mid=None), data, lr, device) for lr in (1e-2, 1e-1)]
    spread = [max(map(max, runs)) - min(map(min, runs)) for runs in (mlp, direct)]
    mean = [sum(best(runs)) / 3 for runs in (mlp, direct)]
    return [
        shown("nats a token, spread of 2 rates and 3 seeds, with MLP", spread[0], spread[0] < spread[1],
              f"under that without, {spread[1]:.3f}"),
        shown("at the best rate, with MLP", mean[0], mean[0] < mean[1], f"under that without, {mean[1]:.3f}"),
    ]  # fmt: skip


@direction
def claim_few_examples_suffice(device: str = "cpu") -> list[Measured]:
    """Sections 6.3 and 7.4: with few examples a prefix beats tuning the model, and starts better from real words."""
    found = []
    for what, rules in (("a dialect that it has read", KNOWN[3:4]), ("a new dialect", NEW)):
        data = partial(_eight, rules)
        prefix = best(ends(partial(apply, mid=64), data, lr, device, 60) for lr in (3e-3, 1e-2))
        whole = best(ends(lambda model: model, data, lr, device, 60) for lr in (3e-4, 1e-3))
        told = f"under every tuned model ({min(whole):.3f})"
        found.append(shown(f"{what}: nats a token from 8 rows, worst", max(prefix), max(prefix) < min(whole), told))
    starts = [
        partial(apply, mid=64, words=words) for words in (torch.arange(10, device=device) + 9, None)
    ]  # ten states
    mean = [sum(ends(start, partial(_eight, KNOWN[3:4]), 3e-3, device, 60)) / 3 for start in starts]
    found.append(shown("from real words, mean of 3 seeds", mean[0], mean[0] < mean[1], f"under random, {mean[1]:.3f}"))
    return found


@headline
def claim_a_thousandth_of_the_parameters() -> list[Measured]:
    """Abstract: table-to-text with GPT-2 and summarization with BART."""
    return [
        quoted("0.1% of the parameters, comparable in the full data setting", "abstract"),
        quoted("outperforms fine-tuning in low-data settings", "abstract"),
        quoted("extrapolates better to topics unseen during training", "abstract"),
    ]


def _base(device: str) -> Any:
    return llama(device=device).double()


def _ids(rows: int, length: int, device: str) -> Tensor:
    torch.manual_seed(0)
    return torch.randint(33, (rows, length)).to(device)


def _eight(rules: Tensor, rows: int, seed: int) -> Batches:
    """Eight rows, drawn again and again; many to measure on."""
    return few(spoken(rules, 8, seed), rows, seed) if rows < 256 else spoken(rules, rows, seed)


def demo(length: int = 10, mid: int | None = 512, out: str | Path | None = None, **options: Any) -> dict[str, Any]:
    """Learn a prefix for a task; in the end the MLP is dropped, and the prefix alone is written."""
    from refimpl._lab import demo as lab
    from refimpl._lab import measure, models

    done: list[nn.Module] = []

    def finish(model: nn.Module) -> nn.Module:
        done.append(merge(model))
        return done[0]

    record = lab.run(
        "prefix_tuning", lambda model: apply(model, length, mid), merge=finish, save=False,
        options={"length": length, "mid": mid}, **{"lr": 1e-2} | options,
    )  # fmt: skip
    folder = Path(out or models.cache() / "adapters" / f"prefix_tuning-{Path(record['model']).name}-{record['task']}")
    record["bytes"]["adapter"] = measure.size(done[0]).adapter_bytes
    facts = {name: record[name] for name in ("method", "model", "task", "options", "seed")}
    return record | {"adapter": str(adapter.save(done[0], folder, facts))}
