"""Flan: train all of a model on many tasks at once, each phrased as an instruction, and it follows new ones.

Chung et al. 2022, arXiv:2210.11416, sections 2.1 and 2.2. Of task i, which has n_i examples, the model reads the share

    r_i = min(n_i, K) / sum_j min(n_j, K)          where K is the cap

An example is a text x and a text y, with an end-of-sequence token e behind each. Short ones are packed into one row,
`x e y e x e y e ...`, and none sees another; s_t is the number of the example that token t is of, 0 for padding. The
loss is that of the targets alone, Y, which are the tokens of every y with the e behind it:

    M[t, u] = 1          where u <= t and s_u = s_t, and 0 elsewhere
    L = -(1/|Y|) sum_{t in Y} log p(y_t)          given what t sees by M

    ids, labels, s  (B, T)        M  (B, 1, T, T)

Each task has ten templates, some of them inverted (the answer is given, the question is asked for). A case is shown
with or without exemplars before it, with or without its options, and now and then with a chain of thought, in front of
the answer or behind it. This is how the collection is made that the authors released (google-research/FLAN, flan/v2):
the cap from mixtures_utils.py, templates as in flan_templates_branched.py, the delimiters of few_shot.py, the four
formats of mixtures.py, the share of chains of thought in run_example.py. The tasks are our own, made of WordNet.

`apply` makes a causal LM from transformers read packed rows: where its attention mask holds numbers above 1, they are
s, and become M and positions that begin anew with each example.

Left out: the constant learning rate (the lab's falls to zero); FlashAttention, which takes no such mask; a chain of
thought that is inverted.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedTokenizerBase

from refimpl import _targets
from refimpl._lab import LabError
from refimpl._lab import demo as lab
from refimpl._lab.adapter import load as load
from refimpl._lab.adapter import save as save
from refimpl._lab.generate import encode, pieces
from refimpl._lab.instructions import FAMILIES, THOUGHTS, Case, Example, Form, HeldOut, Template, cases, few_shot, show
from refimpl._lab.losses import IGNORED
from refimpl._surgery import demand_whole
from refimpl._tried import alike, few

PAPER = "chung2022scaling arXiv:2210.11416"
CAP, SHOTS, THOUGHT = 3000, 2, 0.05  # the cap is ours: WordNet's tasks are small
RATE, LEAST = 1e-2, 64


def rates(sizes: Sequence[int], cap: int) -> list[float]:
    """The share of each task: in proportion to its size, up to the cap."""
    capped = [min(n, cap) for n in sizes]
    return [n / sum(capped) for n in capped]


def mixture(pools: Mapping[str, Sequence[Case]], cap: int, draw: random.Random) -> Iterator[tuple[str, Example]]:
    """Endless examples, each with the name of its task: zero- and few-shot, with and without options, half each."""
    share = rates([len(pool) for pool in pools.values()], cap)
    while True:
        name = draw.choices(list(pools), share)[0]
        thought = draw.randrange(len(THOUGHTS)) if draw.random() < THOUGHT else None
        form = Form(draw.choice((0, SHOTS)), draw.random() < 0.5, thought)
        template = draw.choice(FAMILIES[name].templates)
        yield name, few_shot(draw.choice(pools[name]), pools[name], template, form, draw)


def tokens(example: Example, tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], list[int]]:
    """ids and labels of `x e y e`; nothing of x is learnt."""
    e = _end(tokenizer)
    x, y = [*encode(tokenizer, example.input), e], [*pieces(tokenizer, f" {example.target}"), e]
    return x + y, [IGNORED] * len(x) + y


def _end(tokenizer: PreTrainedTokenizerBase) -> int:
    if not isinstance(tokenizer.eos_token_id, int):
        raise LabError("the tokenizer has no token that ends a text; take another model")
    return tokenizer.eos_token_id


def pack(examples: Iterator[tuple[list[int], list[int]]], length: int, fill: int) -> Iterator[dict[str, Tensor]]:
    """Rows (T,) of as many examples as fit, in their order; one that is longer than a row is left out."""
    ids: list[int] = []
    labels: list[int] = []
    segments: list[int] = []
    for x, y in examples:
        if len(x) > length:
            continue
        if len(ids) + len(x) > length:
            yield _row(ids, labels, segments, length, fill)
            ids, labels, segments = [], [], []
        segments = segments + [max(segments, default=0) + 1] * len(x)
        ids, labels = ids + x, labels + y
    if ids:
        yield _row(ids, labels, segments, length, fill)


def _row(ids: list[int], labels: list[int], segments: list[int], length: int, fill: int) -> dict[str, Tensor]:
    rest = length - len(ids)
    return {
        "input_ids": torch.tensor(ids + [fill] * rest),
        "labels": torch.tensor(labels + [IGNORED] * rest),
        "attention_mask": torch.tensor(segments + [0] * rest),
    }


def block_diagonal(s: Tensor) -> Tensor:
    """M: each token sees those before it of its own example. (B, T) -> (B, 1, T, T)"""
    same = s[:, None, :, None] == s[:, None, None, :]
    return same.tril()


def positions(s: Tensor) -> Tensor:
    """How far each token is from the beginning of its example. (B, T) -> (B, T)"""
    t = torch.arange(s.shape[1], device=s.device).expand_as(s)
    begins = F.pad(s[:, 1:] != s[:, :-1], (1, 0), value=True)
    return t - (t * begins).cummax(1).values


def apply(model: nn.Module) -> nn.Module:
    """Train every parameter, in place, and read packed rows."""
    if not all(p.is_floating_point() for p in model.parameters()):
        raise ValueError("the model's weights are quantised, and all of them are to be trained; load it unquantised")
    if "parts" not in vars(demand_whole(model)):
        vars(model)["parts"] = _parts(model)
        model.register_forward_pre_hook(_unpack, with_kwargs=True)
    return model.requires_grad_(True)


def _parts(model: Any) -> bool:
    """Whether M and positions are enough to part two examples: tried on one row, of which the first changes."""
    if model.device.type == "meta":
        return True
    if _targets.reads(model) != "on" or _targets.stateful(model):
        return False
    ids = few(model)
    packed = _packed(model, torch.arange(ids.shape[1], device=ids.device)[None] // 3 + 1)

    def second(row: Tensor) -> Tensor:
        logits: Tensor = model(input_ids=row, **packed)[0]
        assert logits.dim() == 3  # not of classes
        return logits[:, 3:]

    return bool(alike(model, lambda: second(ids), lambda: second(torch.cat([ids[:, 3:], ids[:, 3:]], dim=1))))


def _unpack(model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    s = kwargs.get("attention_mask")
    if s is None or s.ndim != 2 or s.max() <= 1:
        return args, kwargs
    if not vars(model).get("parts"):
        raise ValueError("the examples of a packed row would see each other in this model; give it one example a row")
    return args, kwargs | _packed(model, s)


def _packed(model: nn.Module, s: Tensor) -> dict[str, Tensor]:
    """What the model is given in place of s."""
    dtype = next(model.parameters()).dtype
    M = torch.zeros_like(block := block_diagonal(s), dtype=dtype).masked_fill(~block, torch.finfo(dtype).min)
    return {"attention_mask": M, "position_ids": positions(s)}


def instructions(held_out: str = "part", trained: Sequence[str] = (), cap: int = CAP, **options: Any) -> HeldOut:
    """Train on families of tasks, on all others where none is named; the score is that on the one held out."""
    names = trained or tuple(name for name in FAMILIES if name != held_out)
    if unknown := {held_out, *names} - set(FAMILIES):
        raise LabError(f"no family of tasks {min(unknown)!r}; there are {', '.join(FAMILIES)}")
    if cap < 1:
        raise LabError(f"a cap of {cap} leaves nothing to train on; take 1 or more")

    def rows(tokenizer: PreTrainedTokenizerBase, length: int, seed: int) -> Iterator[dict[str, Tensor]]:
        if length < LEAST:
            raise LabError(f"rows of {length} tokens hold hardly an example; take {LEAST} or more")
        drawn = mixture({name: cases(name) for name in names}, cap, random.Random(seed))
        return pack((tokens(example, tokenizer) for _, example in drawn), length, _end(tokenizer))

    def ask(case: Case, template: Template, draw: random.Random) -> Example:
        return show(case, template, Form(options=True), draw)

    return HeldOut(held_out, rows, ask, tokens, **options)


def adafactor(parameters: list[nn.Parameter], lr: float) -> torch.optim.Optimizer:
    """The optimiser of section 2.2."""
    return torch.optim.Adafactor(parameters, lr=lr)


def demo(held_out: str = "part", cap: int = CAP, accuracy: bool = False, **options: Any) -> dict[str, Any]:
    """Train a base model on five families of instructions; before and after on the sixth."""
    measured = {"metric": "accuracy", "better": "higher"} if accuracy else {}
    task = instructions(held_out, cap=cap, **measured)
    said = {"held_out": held_out, "cap": cap}
    chosen = {"task": task, "optimiser": adafactor, "rate": RATE, "batch": 4, "steps": 40, **options}
    return lab.run("flan", apply, options=said, **chosen)
