"""Prompt tuning: what the paper says, as functions that measure, and fail when it is not so."""

from __future__ import annotations

import copy
import functools
import inspect
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import (
    BertConfig,
    BertForMaskedLM,
    GemmaConfig,
    GemmaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
)

from refimpl._claims import Measured, at_least, at_most, equal, library, quoted, refused, shown
from refimpl._kinds import direction, exact, headline, parity
from refimpl._prompts import IGNORED
from refimpl._surgery import trainable
from refimpl._toys import (
    KNOWN,
    NEW,
    VOCABULARY,
    best,
    ends,
    far,
    llama,
    loss,
    low_rank,
    named,
    narrow,
    reader,
    reloaded,
    spoken,
    tune,
)
from refimpl.prompt_tuning import SoftPrompt, apply, first, load, load_peft, save, save_peft, vote


@exact
def claim_a_prompt_of_words_is_those_words(device: str = "cpu") -> list[Measured]:
    """Section 2: prompting with tokens is the case P = E(tokens); the output grows by p positions without a label."""
    base, ids = _base(device), _ids(2, 12, device)
    words, x = ids[:1, :5], ids[:, 5:]
    model = apply(copy.deepcopy(base), 5)
    model.prompt = SoftPrompt(base.get_input_embeddings().weight[words[0]].detach())
    both = torch.cat([words.expand(2, -1), x], dim=1)
    labels = F.pad(x, (5, 0), value=IGNORED)
    ours, typed = model(input_ids=x, labels=x), base(input_ids=both, labels=labels)
    seen = torch.ones_like(x).index_fill(1, x.new_tensor([0]), 0)  # padding on the left
    named, in_order = model(input_ids=x, attention_mask=seen).logits, model(x, seen).logits
    return [
        equal("called without names, outputs differ by", far(in_order, named), 0),
        refused("what is no token", lambda: model(inputs_embeds=base.get_input_embeddings()(x)), "input_ids"),
        refused("what is said of each token", lambda: model(input_ids=x, token_type_ids=x), "a prompt has none"),
        equal("positions of the output beyond those of the input", ours.logits.shape[1] - x.shape[1], 5),
        at_most("outputs differ by", far(ours.logits, typed.logits), 1e-12),
        at_most("losses differ by", far(ours.loss, typed.loss), 1e-12),
    ]


@exact
def claim_other_models_read_it_too(device: str = "cpu") -> list[Measured]:
    """Section 2: in a pair the encoder reads [P; E(x)]; what reads both ways keeps its first token; scales count."""
    ids, found = _ids(2, 12, device), []
    x, words = ids[:, 5:], ids[:1, :5].expand(2, -1)
    for name, base in _others(device).items():
        model = apply(copy.deepcopy(base), 5)
        drawn = base.get_input_embeddings()(torch.arange(VOCABULARY, device=device))
        strange = sum(not (row == drawn).all(1).any() for row in model.prompt.P)
        bare = functools.partial(model, inputs_embeds=base.get_input_embeddings()(x), decoder_input_ids=x)
        found.append(refused(f"{name}: what is no token", bare, "input_ids"))
        model.prompt.P.data.copy_(base.get_input_embeddings()(words[0]))
        behind = 1 if name == "both ways" else 0
        both = torch.cat([x[:, :behind], words, x[:, behind:]], dim=1)
        rest = {"decoder_input_ids": x[:, :3]} if base.config.is_encoder_decoder else {}
        if rest:  # with padding, so that the decoder is told which places of the encoder to see
            x_in, both = F.pad(x, (0, 2)), F.pad(both, (0, 2))
            masks = [F.pad(torch.ones_like(t[:, :-2]), (0, 2)) for t in (x_in, both)]
        else:
            x_in, masks = x, [torch.ones_like(t) for t in (x, both)]
        whole, unsaid = (model(input_ids=x, attention_mask=m, **rest).logits for m in (torch.ones_like(x), None))
        if not rest:
            rest = {"labels": x}
        labels = (
            [torch.cat([x[:, :behind], torch.full_like(words, IGNORED), x[:, behind:]], 1)] if "labels" in rest else []
        )
        ours = model(input_ids=x_in, attention_mask=masks[0], **rest)
        typed = base(input_ids=both, attention_mask=masks[1], **rest | dict(zip(("labels",), labels, strict=False)))
        found += [
            equal(f"{name}: drawn rows that are not what the model reads of a word", strange, 0),
            equal(f"{name}: without a mask, outputs differ by", far(unsaid, whole), 0),
            at_most(f"{name}: outputs differ from those behind the words by", far(ours.logits, typed.logits), 1e-12),
            *(at_most(f"{name}: losses differ by", far(ours.loss, typed.loss), 1e-12) for _ in labels),
        ]
    return found


@exact
def claim_only_the_prompt_learns(device: str = "cpu") -> list[Measured]:
    """Section 2: p e numbers are trained, and the model stays as it was to the bit."""
    base = reader(device)
    model = apply(copy.deepcopy(base), 5)
    P = model.prompt.P.detach().clone()
    tune(model, spoken(NEW, 16, 0), 3, 0.1)
    now = dict(model.named_parameters())
    return [
        equal("trained numbers", trainable(model), 5 * 64),
        equal(
            "weights of the model that moved", sum(not torch.equal(p, now[n]) for n, p in base.named_parameters()), 0
        ),
        equal("rows of the prompt that moved", int((model.prompt.P != P).any(1).sum()), 5),
    ]


@exact
def claim_inits_are_the_papers(device: str = "cpu") -> list[Measured]:
    """Section 3.2: uniform in [-0.5, 0.5], embeddings of common tokens, or of class labels and common tokens."""
    E = _base(device).get_input_embeddings().weight.detach()
    torch.manual_seed(0)
    uniform, drawn = first(E, 200, "uniform"), first(E, 200, common=7)
    classes = first(E, 4, "classes", labels=[[30], [31, 32]], common=7)
    expected = torch.stack([E[30], (E[31] + E[32]) / 2])
    rows = [(row == E[:7]).all(1).any() for row in torch.cat([drawn, classes[2:]])]
    return [
        at_most("largest number of a uniform prompt", uniform.abs().max().item(), 0.5),
        at_most("its variance differs from 1/12 by", abs(uniform.var().item() - 1 / 12), 0.005),
        equal("drawn rows that are embeddings of the 7 commonest tokens", int(sum(rows)), 202),
        at_most("classes differ from the mean of their pieces by", far(classes[:2], expected), 1e-12),
    ]


@exact
def claim_padding_changes_nothing(device: str = "cpu") -> list[Measured]:
    """Section 2: the prompt stands before the text, not before its padding, on whichever side that is."""
    x = _ids(2, 9, device)
    mask = torch.ones_like(x)
    found = []
    for kind, base in (("", _base(device)), (", in windows of 6 tokens", _windows(device))):
        model = apply(base, 5)
        alone = model(input_ids=x, labels=x)
        for side, (before, behind) in {"right": (0, 3), "left": (3, 0)}.items():
            rows, labels = F.pad(x, (before, behind)), F.pad(x, (before, behind), value=IGNORED)
            out = model(input_ids=rows, attention_mask=F.pad(mask, (before, behind)), labels=labels)
            text = out.logits[:, 5 + before : 14 + before]
            found += [
                at_most(f"padded on the {side}{kind}, outputs differ by", far(text, alone.logits[:, 5:]), 1e-12),
                at_most(f"padded on the {side}{kind}, losses differ by", far(out.loss, alone.loss), 1e-12),
            ]
    return found


@exact
def claim_the_prompt_stays_for_every_token(device: str = "cpu") -> Measured:
    """Section 2: the prompt conditions every later token; generating with a cache gives what reading it all gives."""
    model, ids = apply(_base(device), 5), _ids(2, 6, device)
    said = model.generate(ids, max_new_tokens=6, do_sample=False, use_cache=True, eos_token_id=None)
    again = model(input_ids=said).logits.argmax(-1)[:, 10:-1]
    return equal("tokens that differ", int((said[:, 6:] != again).sum()), 0)


@exact
def claim_prompts_share_one_batch(device: str = "cpu") -> list[Measured]:
    """Section 6: N prompts are N models at the cost of one, run as one batch; the majority decides."""
    model, x = apply(_base(device), 5), _ids(4, 9, device)
    prompts = torch.randn(3, 5, 64, dtype=torch.float64, device=device)
    together, alone = model(input_ids=x, labels=x, prompts=prompts), []
    for P in prompts:
        model.prompt = SoftPrompt(P)
        alone.append(model(input_ids=x, labels=x))
    votes = torch.stack([out.logits[:, -1].argmax(-1) for out in alone]).tolist()
    equals = vote(model, prompts[:2], x).tolist()
    majority = [max(row, key=row.count) for row in zip(*votes, strict=True)]
    return [
        at_most("outputs differ by", far(together.logits, torch.cat([out.logits for out in alone])), 1e-12),
        at_most("losses differ by", far(together.loss, torch.stack([out.loss for out in alone]).mean()), 1e-12),
        equal("votes of two that are not the first's", sum(map(int.__ne__, equals, votes[0])), 0),
        equal("votes that are not the majority's", sum(map(int.__ne__, vote(model, prompts, x).tolist(), majority)), 0),
    ]


@exact
def claim_defaults(device: str = "cpu") -> list[Measured]:
    """Section 3.2 and the authors' prompts.py: sampled words by default, none twice, of the first 5,000."""
    torch.manual_seed(0)
    model, E = apply(_base(device)), torch.arange(6000.0, device=device)[:, None]
    common = inspect.signature(apply).parameters["common"].default
    P, rows = model.prompt.P, model.get_input_embeddings().weight
    drawn = [int(row) for seed in range(4) for row in first(E, 100 + seed)]
    few = first(E, 50, common=60)
    return [
        equal("length", len(P), 20),
        equal("of it, embeddings of the model", int(sum((row == rows).all(1).any() for row in P)), 20),
        equal("rows drawn twice, 50 of 60", 50 - len(few.unique()), 0),
        equal("words that it draws from", common, 5000),
        at_most("the rarest word of 400 drawn", max(drawn), 4999),
        at_least("the same", max(drawn), 4500),
        narrow(apply(llama(device=device).bfloat16())),
        reloaded(model, apply(_base(device)), save, load),
        reloaded(model, _base(device), save_peft, load_peft, " through peft's files"),
        equal("rows where there are too few", len(first(E, 7, common=3)), 7),
    ]


@parity
def claim_peft_agrees(device: str = "cpu") -> list[Measured]:
    """Section 2: peft's prompt tuning with the same P has the same outputs, loss and gradient."""
    peft = library("peft")
    x = _ids(2, 12, device)
    ours = apply(llama(device=device), 5, "uniform")
    config = peft.PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=5)
    theirs: Any = peft.get_peft_model(llama(device=device), config)
    P = theirs.prompt_encoder["default"].embedding.weight
    P.data.copy_(ours.prompt.P)
    mask = torch.ones_like(x)
    mask[0, 8:] = 0  # padding on the right: behind the text peft counts positions otherwise
    y = x.masked_fill(mask == 0, IGNORED)
    outs = [model(input_ids=x, attention_mask=mask, labels=y) for model in (ours, theirs)]
    for out in outs:
        out.loss.backward()
    read = F.pad(mask, (5, 0), value=1).bool()
    return [
        equal("trained numbers, theirs less ours", trainable(theirs) - trainable(ours), 0),
        at_most("outputs differ by", far(outs[0].logits[read], outs[1].logits[read]), 1e-6),
        at_most("losses differ by", far(outs[0].loss, outs[1].loss), 1e-6),
        at_most("gradients differ by", far(ours.prompt.P.grad, P.grad), 1e-5),
    ]


@direction
def claim_a_small_model_needs_more_than_a_prompt(device: str = "cpu") -> list[Measured]:
    """Section 3.1, Figure 1: prompts match tuned weights in the largest models; in a small one they stay behind."""
    prompt = best(_prompts(20, lr, device) for lr in (0.03, 0.1))
    update = best(ends(partial(low_rank, rank=2), named, lr, device) for lr in (1e-2, 3e-2))
    whole = best(ends(lambda model: model, named, lr, device) for lr in (1e-3, 3e-3))
    numbers = trainable(apply(reader(device))), trainable(low_rank(reader(device), 2))
    what = "nats a label, best of two rates, worst of 3 seeds,"
    return [
        shown(f"{what} all weights", max(whole), max(whole) < min(prompt), f"under all prompts ({min(prompt):.3f})"),
        shown(f"{what} {numbers[1]} numbers of rank 2", max(update), max(update) < min(prompt),
              f"under all prompts, of {numbers[0]}"),
    ]  # fmt: skip


@direction
def claim_one_position_tells_a_model_what_it_knows(device: str = "cpu") -> list[Measured]:
    """Section 2: a prompt conditions the frozen model; for a dialect that it has read, one position is a name."""
    data = partial(spoken, KNOWN[3:4])
    untold, told = loss(reader(device), data(256, 99)), loss(reader(device), data(256, 99, name=3))
    worst = max(ends(partial(apply, length=1), data, 0.1, device))
    return [
        shown("nats a token, worst of 3 seeds", worst, worst < untold, f"under the bare model's {untold:.3f}"),
        shown("more than with the dialect's name", worst - told, worst - told < 0.05, "under 0.05"),
    ]


@direction
def claim_longer_prompts_help(device: str = "cpu") -> list[Measured]:
    """Section 3.2: in a small model more positions help."""
    runs = {n: _prompts(n, 0.1, device) for n in (1, 5, 20)}
    one, five, twenty = (sum(run) / 3 for run in runs.values())
    return [
        shown("nats a label, mean of 3 seeds, 5 positions", five, max(runs[5]) < min(runs[1]),
              f"every seed under every seed of 1 ({one:.3f})"),
        shown("the same, 20 positions", twenty, max(runs[20]) < min(runs[5]), "every seed under every seed of 5"),
    ]  # fmt: skip


@direction
def claim_words_are_a_better_start_than_random_numbers(device: str = "cpu") -> Measured:
    """Section 3.2: in a small model a start from the vocabulary is better than one from random numbers."""
    drawn = sum(_prompts(20, 0.1, device)) / 3
    uniform = sum(ends(partial(apply, init="uniform"), named, 0.1, device)) / 3
    return shown("nats a label, mean of 3 seeds, from the vocabulary", drawn, drawn < uniform,
                 f"under random, {uniform:.3f}")  # fmt: skip


@direction
def claim_labels_are_the_best_start(device: str = "cpu") -> Measured:
    """Section 3.2: in a small model a start from the class labels is the best.

    It takes labels that are words of a language: the eight names here stand for nothing but themselves.
    """
    drawn, labels = sum(_prompts(20, 0.1, device)) / 3, [[name] for name in range(8)]
    classes = sum(ends(partial(apply, init="classes", labels=labels), named, 0.1, device)) / 3
    return shown("nats a label, mean of 3 seeds, from labels", classes, classes < drawn,
                 f"under the vocabulary, {drawn:.3f}")  # fmt: skip


@headline
def claim_the_gap_closes_with_scale() -> list[Measured]:
    """Abstract: what is said of models beyond billions of parameters."""
    return [
        quoted("as models exceed billions of parameters, it matches tuning all weights", "abstract"),
        quoted("it is more robust to a change of domain than tuning all weights", "abstract"),
    ]


@functools.cache
def _prompts(length: int, lr: float, device: str) -> list[float]:
    return ends(partial(apply, length=length), named, lr, device)


def _base(device: str) -> Any:
    return llama(device=device).double()


def _others(device: str) -> dict[str, Any]:
    """Models that read a prompt otherwise than a Llama: a pair, both ways, and one that scales its embeddings."""
    torch.manual_seed(0)
    sizes: dict[str, Any] = {
        "hidden_size": 64,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
    }
    models: dict[str, Any] = {
        "a pair": T5ForConditionalGeneration(
            T5Config(vocab_size=VOCABULARY, d_model=64, d_kv=16, d_ff=48, num_layers=2, num_heads=4)
        ),
        "both ways": BertForMaskedLM(BertConfig(vocab_size=VOCABULARY, max_position_embeddings=32, **sizes)),
        "scaled": GemmaForCausalLM(GemmaConfig(vocab_size=VOCABULARY, num_key_value_heads=2, head_dim=16, **sizes)),
    }
    return {name: model.to(device).double().eval() for name, model in models.items()}


def _windows(device: str) -> Any:
    """Each layer sees so many tokens back, and padding among them."""
    torch.manual_seed(0)
    config = MistralConfig(
        vocab_size=33, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, sliding_window=6,
    )  # fmt: skip
    model: Any = MistralForCausalLM(config)
    return model.to(device).double().eval()


def _ids(rows: int, length: int, device: str) -> Tensor:
    torch.manual_seed(0)
    return torch.randint(33, (rows, length)).to(device)
