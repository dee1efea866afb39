"""Prefix-tuning: what the paper says, as functions that measure, and fail when it is not so."""

from __future__ import annotations

import copy
import inspect
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import LlamaConfig, LlamaForCausalLM

from refimpl._claims import Measured, at_least, at_most, equal, library, quoted, refused, shown
from refimpl._drawn import worst
from refimpl._kinds import direction, exact, headline, parity
from refimpl._surgery import trainable
from refimpl._toys import KNOWN, NEW, VOCABULARY, Batches, best, ends, far, few, llama, narrow, reloaded, spoken, tune
from refimpl.prefix_tuning import apply, fit, load, load_peft, merge, of_words, save, save_peft


@exact
def claim_a_prefix_of_words_is_those_words(device: str = "cpu") -> list[Measured]:
    """Section 4.2: a prefix is what p tokens could have left in each layer; of real tokens, it acts as they do."""
    base, ids = _base(device), _ids(2, 12, device)
    words, x = ids[0, :5], ids[:, 5:]
    model = apply(copy.deepcopy(base), 5, mid=None, words=words)
    mask = torch.ones_like(x)
    padded, seen = F.pad(x, (3, 0)), F.pad(mask, (3, 0))
    left = model(input_ids=padded, attention_mask=seen).logits[:, 3:]
    typed = base(input_ids=torch.cat([words.expand(2, -1), x], dim=1)).logits[:, 5:]
    return [
        at_most("outputs differ by", far(model(input_ids=x).logits, typed), 1e-12),
        at_most("padded on the left, outputs differ by", far(left, typed), 1e-12),
        equal("called without names, by", far(model(padded, seen).logits[:, 3:], left), 0),
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
        refused("to drop what is not there", lambda: merge(base), "no prefix"),
        refused("a second prefix", lambda: apply(merged), "a prefix already"),
        refused("a prefix of none", lambda: apply(base, 0), "take 1 or more"),
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
def claim_the_prefix_stays_for_every_token(device: str = "cpu") -> list[Measured]:
    """Section 4.2: all later tokens see the prefix; generating with a cache or without gives what reading does."""
    model, ids = apply(_base(device), 5), _ids(2, 6, device)
    found = []
    for kept in (True, False):
        said = model.generate(ids, max_new_tokens=6, do_sample=False, use_cache=kept, eos_token_id=None)
        again = model(input_ids=said).logits.argmax(-1)[:, 5:-1]
        how = "with" if kept else "without"
        found.append(equal(f"tokens that differ, {how} a cache", int((said[:, 6:] != again).sum()), 0))
    return found


@exact
def claim_a_prefix_of_words_in_any_model(device: str = "cpu") -> Measured:
    """Section 4.2: the same whatever the layers, the heads and those of the keys, the rows and their padding."""

    def gap(layers: int, keys: int, queries: int, p: int, rows: int, n: int, left: int) -> float:
        torch.manual_seed(p)
        config = LlamaConfig(
            vocab_size=VOCABULARY, hidden_size=6 * keys * queries, intermediate_size=20, num_hidden_layers=layers,
            num_attention_heads=keys * queries, num_key_value_heads=keys, head_dim=6,
        )  # fmt: skip
        base: Any = LlamaForCausalLM(config)
        base = base.to(device).double().eval()
        ids = torch.randint(VOCABULARY, (rows, n), device=device)
        words = torch.randint(VOCABULARY, (p,), device=device)
        typed = base(input_ids=torch.cat([words.expand(rows, -1), ids], dim=1)).logits[:, p:]
        model = apply(base, p, mid=None, words=words)
        x, mask = F.pad(ids, (left, 0)), F.pad(torch.ones_like(ids), (left, 0))
        return far(model(input_ids=x, attention_mask=mask).logits[:, left:], typed)

    return worst("outputs differ from those behind the words by", gap, 1e-6, layers=range(1, 4), keys=range(1, 4),
                 queries=range(1, 4), p=range(1, 8), rows=range(1, 4), n=range(2, 9), left=range(3))  # fmt: skip


@exact
def claim_defaults(device: str = "cpu") -> list[Measured]:
    """Authors' code, gpt2/train_control.py: an MLP of 512 with tanh over embeddings N(0, 1); directly, P is N(0, 1)."""
    torch.manual_seed(0)
    model, direct = apply(_base(device)), apply(_base(device), 200, mid=None)
    E, mlp = model.prefix.E, model.prefix.mlp
    wide = apply(_base(device), 200).prefix.E
    words = _ids(1, 5, device)[0]
    fitted, left = apply(_base(device), mid=64, words=words).prefix(), of_words(_base(device), words)
    P = torch.tanh(E @ mlp[0].weight.T + mlp[0].bias) @ mlp[2].weight.T + mlp[2].bias
    return [
        equal("positions", len(E), 10),
        equal("numbers of E in each, those of all key heads of a layer", E.shape[1], 2 * 16),
        equal("inner width of the MLP", mlp[0].out_features, 512),
        at_most("the prefix differs from two layers with tanh by", far(model.prefix(), P), 1e-12),
        at_most("an MLP fitted to words differs from what they leave by", far(fitted, left), 0.1),
        narrow(apply(llama(device=device).bfloat16())),
        reloaded(model, apply(_base(device)), save, load),
        reloaded(model, _base(device), save_peft, load_peft, " through peft's files"),
        equal("steps of fitting it to words", inspect.signature(fit).parameters["steps"].default, 500),
        at_most("deviation of E off 1", abs(wide.std().item() - 1), 0.03),
        at_most("deviation of a direct prefix off 1", abs(direct.prefix.P.std().item() - 1), 0.03),
    ]


@parity
def claim_peft_agrees(device: str = "cpu") -> list[Measured]:
    """Section 4.3: peft's prefix tuning with the same E and MLP has the same outputs, gradients and kept prefix."""
    peft = library("peft")
    x = _ids(2, 12, device)
    ours = apply(llama(device=device), 5, mid=16)
    config = peft.PrefixTuningConfig(
        task_type="CAUSAL_LM", num_virtual_tokens=5, prefix_projection=True, encoder_hidden_size=16
    )
    theirs: Any = peft.get_peft_model(llama(device=device), config)
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
def claim_few_examples_suffice(device: str = "cpu") -> Measured:
    """Section 6.3: with few examples a prefix beats tuning the model; here a dialect that it has read, from 8 rows."""
    return _few(KNOWN[3:4], device)


@direction
def claim_few_examples_of_something_new_suffice(device: str = "cpu") -> Measured:
    """Section 6.3: the same, of a dialect that is new to the model.

    It takes a model that has read more than eight dialects: what a prefix cannot call up, it cannot say, and here all
    weights have to learn it.
    """
    return _few(NEW, device)


@direction
def claim_the_mlp_steadies_training(device: str = "cpu") -> Measured:
    """Section 4.3: training P directly is unstable, through an MLP it is less so."""
    mlp, direct = (_ends(mid, device) for mid in (64, None))
    spread = [max(map(max, runs)) - min(map(min, runs)) for runs in (mlp, direct)]
    said = "nats a token, spread of 2 rates and 3 seeds, with MLP"
    return shown(said, spread[0], spread[0] < spread[1], f"under that without, {spread[1]:.3f}")


@direction
def claim_the_mlp_ends_better(device: str = "cpu") -> Measured:
    """Section 4.3: training P directly ends slightly worse.

    It takes GPT-2, whose keys and values are far from what a Gaussian gives: here both ends are as good as equal.
    """
    mlp, direct = (sum(best(_ends(mid, device))) / 3 for mid in (64, None))
    return shown("nats a token at the best rate, with MLP", mlp, mlp < direct, f"under that without, {direct:.3f}")


@direction
def claim_real_words_are_a_better_start(device: str = "cpu") -> Measured:
    """Section 7.4: with few examples, to begin from the activations of real words is better than at random.

    It takes words that say something of the task; the ten states here say nothing of which dialect is meant.
    """
    states = torch.arange(10, device=device) + 9
    words, drawn = (
        sum(ends(partial(apply, mid=64, words=start), partial(_eight, KNOWN[3:4]), 3e-3, device, 60)) / 3
        for start in (states, None)
    )
    return shown("nats a token from 8 rows, mean of 3 seeds", words, words < drawn, f"under random, {drawn:.3f}")


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


def _few(rules: Tensor, device: str) -> Measured:
    """Eight rows of a dialect: a prefix against tuning the model, each at the better of two rates."""
    data = partial(_eight, rules)
    prefix = best(ends(partial(apply, mid=64), data, lr, device, 60) for lr in (3e-3, 1e-2))
    whole = best(ends(lambda model: model, data, lr, device, 60) for lr in (3e-4, 1e-3))
    told = f"under every tuned model ({min(whole):.3f})"
    return shown("nats a token from 8 rows, worst of 3 seeds", max(prefix), max(prefix) < min(whole), told)


@cache
def _ends(mid: int | None, device: str) -> list[list[float]]:
    """A new dialect, at two rates."""
    rates = (1e-2, 1e-1) if mid is None else (3e-3, 3e-2)
    return [ends(partial(apply, mid=mid), partial(spoken, NEW), lr, device) for lr in rates]
