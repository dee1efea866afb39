"""A small model, and languages with known answers that it learns in seconds: what claims about directions stand on.

A dialect is a rule that gives each of 24 states its next one, and is obeyed nine times in ten. The model reads eight
dialects, either with the dialect's name before the states or with a question for the name behind them. So there are
tasks that it knows and must only be told (to go on in dialect 3), and tasks that are new to it (a ninth dialect; to
name a dialect without being asked).
"""

from __future__ import annotations

import copy
import functools
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize
from transformers import LlamaConfig, LlamaForCausalLM

from refimpl._claims import Measured, equal

IGNORED = -100
DIALECTS, STATES, LENGTH, OBEYED = 8, 24, 8, 0.9
ASK, FIRST, VOCABULARY = 8, 9, 33  # tokens: eight names, the question, the states
Batches = Iterator[tuple[Tensor, Tensor]]  # tokens and labels, both (B, T)


def llama(vocabulary: int = VOCABULARY, layers: int = 2, context: int = 64, device: str = "cpu") -> Any:
    """An untrained Llama with 64 numbers a token; keys and values have half of the query's heads."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=vocabulary, hidden_size=64, intermediate_size=128, num_hidden_layers=layers, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=context, use_cache=False,
    )  # fmt: skip
    model: Any = LlamaForCausalLM(config)
    return model.to(device).eval()


def narrow(model: Any) -> Measured:
    """Of a model in bfloat16, demand that what is trained is at least float32 and gets finite gradients in a step."""
    ids = torch.arange(2 * LENGTH, device=model.device).view(2, LENGTH)
    model.train()(input_ids=ids, labels=ids).loss.backward()
    trained = [p for p in model.parameters() if p.requires_grad]
    odd = sum(p.dtype.itemsize < 4 or p.grad is None or not bool(p.grad.isfinite().all()) for p in trained)
    return equal("of a base in bfloat16, trained tensors that are as narrow, or get no gradient", odd, 0)


def reloaded(ours: Any, other: Any, save: Callable[..., Any], load: Callable[..., Any], how: str = "") -> Measured:
    """Demand that they do the same once what is trained of the first, anything, was saved and read into the second."""
    ids = torch.arange(2 * LENGTH, device=ours.device).view(2, LENGTH)
    with torch.no_grad(), tempfile.TemporaryDirectory() as folder:
        for p in (p for p in ours.parameters() if p.requires_grad):
            p += torch.randn_like(p) / 10
        save(ours, Path(folder) / "kept")
        load(other, Path(folder) / "kept")
        gap = far(other.eval()(input_ids=ids).logits, ours.eval()(input_ids=ids).logits)
    return equal(f"read back from disk into another model{how}, outputs differ by", gap, 0)


def tune(model: Any, batches: Batches, steps: int, lr: float) -> Any:
    """Train what requires gradients; the rate rises over ten steps and falls on a line."""
    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=lr, weight_decay=0.0)
    model.train()
    for step, (x, y) in zip(range(steps), batches, strict=False):
        optimiser.param_groups[0]["lr"] = lr * (1 - step / steps) * min(1, (step + 1) / 10)
        optimiser.zero_grad()
        model(input_ids=x.to(model.device), labels=y.to(model.device)).loss.backward()
        optimiser.step()
    return model.eval()


def fitted(
    model: nn.Module, x: Tensor, y: Tensor, steps: int, lr: float, decay: float = 0.0, falls: bool = False
) -> nn.Module:
    """The model, whose outputs on x come nearer to y; with `falls` the rate goes to zero on a line."""
    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr, weight_decay=decay)
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = lr * (1 - falls * step / steps)
        optimiser.zero_grad()
        F.mse_loss(model(x), y).backward()
        optimiser.step()
    return model


@torch.no_grad()
def loss(model: Any, batches: Batches) -> float:
    """Nats a label, on the first batch."""
    x, y = next(batches)
    return float(model(input_ids=x.to(model.device), labels=y.to(model.device)).loss)


@torch.no_grad()
def accuracy(model: Any, batches: Batches) -> float:
    """The share of labels that the model finds likeliest, on the first batch."""
    x, y = next(batches)
    logits = model(input_ids=x.to(model.device)).logits[:, -x.shape[1] : -1]
    asked = y[:, 1:] != IGNORED
    return float((logits.argmax(-1).cpu() == y[:, 1:])[asked].float().mean())


def far(a: Any, b: Any) -> float:
    """The largest difference, relative to the largest number."""
    return float(((a - b).abs().max() / b.abs().max()).detach())


def apart(ours: Tensor, theirs: Tensor, inputs: Sequence[Tensor], others: Sequence[Tensor] = ()) -> float:
    """How far two outputs are apart, and their gradients by the inputs: those of the second, where it has its own."""
    g = torch.randn_like(ours)
    gradients = torch.autograd.grad(ours, inputs, g), torch.autograd.grad(theirs, others or inputs, g)
    return max(far(ours, theirs), *map(far, *gradients))


def kept(model: nn.Module, x: Tensor) -> float:
    """How many numbers autograd keeps of `model(x)`, for each of x; what is the model's own is not counted."""
    own, found = {t.data_ptr() for t in (*model.parameters(), *model.buffers())}, list[Tensor]()

    def keep(t: Tensor) -> Tensor:
        found.append(t)
        return t

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t):
        model(x)
    return sum(t.numel() for t in found if t.data_ptr() not in own) / x.numel()


def dialects(n: int, seed: int) -> Tensor:
    """n rules, (n, 24): the state that follows on each."""
    draw = torch.Generator().manual_seed(seed)
    return torch.stack([torch.randperm(STATES, generator=draw) for _ in range(n)])


KNOWN, NEW = dialects(DIALECTS, 0), dialects(1, 77)


def spoken(rules: Tensor, rows: int, seed: int, name: int | None = None) -> Batches:
    """Rows of states, each in one of the rules, behind the name if there is one; to be learnt is each next state."""
    for x, _ in _rows(rules, rows, seed):
        y = x.clone()
        y[:, 0] = IGNORED
        yield (x, y) if name is None else (F.pad(x, (1, 0), value=name), F.pad(y, (1, 0), value=IGNORED))


def named(rows: int, seed: int) -> Batches:
    """Rows of states in a dialect that the model has read; to be learnt is its name right behind them."""
    for x, name in _rows(KNOWN, rows, seed):
        x = torch.cat([x, name[:, None]], dim=1)
        yield x, torch.cat([torch.full_like(x[:, 1:], IGNORED), name[:, None]], dim=1)


def few(batches: Batches, rows: int, seed: int) -> Batches:
    """The rows of the first batch alone, drawn again and again."""
    (x, y), draw = next(batches), torch.Generator().manual_seed(seed)
    while True:
        at = torch.randint(len(x), (rows,), generator=draw)
        yield x[at], y[at]


def ends(
    change: Callable[[Any], Any], data: Callable[[int, int], Batches], lr: float, device: str, steps: int = 100
) -> list[float]:
    """A reader is changed and tuned on rows of `data(rows, seed)`: the loss on others, for 3 seeds."""
    found = []
    for seed in range(3):
        torch.manual_seed(seed)
        model = tune(change(reader(device)), data(16, seed), steps, lr)
        found.append(loss(model, data(256, 99)))
    return found


def best(runs: Iterable[list[float]]) -> list[float]:
    """Of the losses at several learning rates, those that are least on the whole."""
    return min(runs, key=sum)


def low_rank(model: Any, rank: int) -> Any:
    """For comparison: the weights of queries and values get a trained update of this rank, and nothing else learns."""
    model.requires_grad_(False)
    for name, layer in list(model.named_modules()):
        if name.endswith(("q_proj", "v_proj")):
            parametrize.register_parametrization(layer, "weight", _Update(layer.weight, rank))
    return model


class _Update(nn.Module):
    def __init__(self, W: Tensor, rank: int) -> None:
        super().__init__()
        self.A = nn.Parameter(torch.randn_like(W[:rank]) / W.shape[1] ** 0.5)
        self.B = nn.Parameter(torch.zeros_like(W[:, :rank]))

    def forward(self, W: Tensor) -> Tensor:
        return W + 2 * self.B @ self.A


def reader(device: str = "cpu") -> Any:
    """A model that has read the eight dialects."""
    return copy.deepcopy(_reader(device))


@functools.cache
def _reader(device: str) -> Any:
    return tune(llama(device=device), _school(32), 600, 3e-3)


def _school(rows: int) -> Batches:
    for x, name in _rows(KNOWN, rows, 0):
        half, ask = rows // 2, torch.full((rows // 2, 1), ASK)
        told = torch.cat([name[:half, None], x[:half], ask], dim=1)
        asked = torch.cat([x[half:], ask, name[half:, None]], dim=1)
        labels = told.clone()
        labels[:, -1] = IGNORED
        yield torch.cat([told, asked]), torch.cat([labels, asked])


def _rows(rules: Tensor, rows: int, seed: int) -> Batches:
    """States (B, 8), and the number of the rule of each row (B,)."""
    draw = torch.Generator().manual_seed(seed)
    while True:
        number = torch.randint(len(rules), (rows,), generator=draw)
        states = [torch.randint(STATES, (rows,), generator=draw)]
        for _ in range(LENGTH - 1):
            obeyed = torch.rand(rows, generator=draw) < OBEYED
            other = torch.randint(STATES, (rows,), generator=draw)
            states.append(torch.where(obeyed, rules[number, states[-1]], other))
        yield torch.stack(states, dim=1) + FIRST, number
