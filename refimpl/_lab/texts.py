"""Tasks that go on reading: other text than the model knows, in nats a token on text that is held out."""

from __future__ import annotations

import functools
import hashlib
import random
import sysconfig
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedTokenizerBase

from refimpl._lab import LabError, wordnet
from refimpl._lab.generate import evaluating, greedy, pieces, place
from refimpl._lab.losses import Batch, logits_of
from refimpl._lab.score import Better, Sample, Score

HELD_OUT = Path(__file__).parent / "data" / "held_out.jsonl.gz"
TRAIN_FILES, TEST_FILES, CHARACTERS = 24, 8, 20_000
SHOWN, TOKENISED = 24, 64
AT_ONCE = 2048  # tokens whose losses are known at a time


@dataclass(frozen=True, slots=True)
class Text:
    """`texts()` returns texts to train on and texts held out, of which `rows` rows of `length` tokens are measured.

    Blanks are learnt with the rest, and scored apart from it: how many there are is soon learnt, and says nothing else.
    """

    name: str
    texts: Callable[[], tuple[list[str], list[str]]]
    given: Callable[[str], str]  # the beginning of a held-out text that a sample continues
    length: int = 128
    rows: int = 96
    metric: str = "nats a token without blanks"
    better: Better = "lower"

    def batches(self, tokenizer: PreTrainedTokenizerBase, length: int, batch: int, seed: int) -> Iterator[Batch]:
        rows = _rows(self.texts()[0], tokenizer, length)
        drawn = endless(len(rows), seed)
        while True:
            yield _batch(rows[[next(drawn) for _ in range(batch)]])

    @torch.no_grad()
    def evaluate(self, model: nn.Module, tokenizer: PreTrainedTokenizerBase) -> Score:
        rows = _rows(self.texts()[1], tokenizer, self.length, self.rows)
        with evaluating(model):
            losses = torch.cat([_losses(model, part) for part in rows.split(max(1, AT_ONCE // self.length))])
        blank = torch.isin(rows[:, 1:], _blanks(tokenizer))
        return Score(losses[~blank].mean().item(), int((~blank).sum()), blanks=_mean(losses[blank]))

    def samples(self, model: nn.Module, tokenizer: PreTrainedTokenizerBase, n: int = 2) -> list[Sample]:
        held = self.texts()[1]
        return [self._sample(model, tokenizer, text) for text in held[:: max(1, len(held) // n)][:n]]

    def _sample(self, model: nn.Module, tokenizer: PreTrainedTokenizerBase, text: str) -> Sample:
        given = self.given(text)
        expected = tokenizer.decode(pieces(tokenizer, text[len(given) :])[:SHOWN])
        return Sample(given, greedy(model, tokenizer, given, SHOWN), str(expected))


def python() -> Text:
    """From glosses to the source of Python's standard library, which is on every machine."""
    return Text("python", _python, lambda text: text[: text.index("\n", 200)])


def glosses() -> Text:
    """Glosses that the tiny model has never read."""
    return Text("glosses", _glosses, lambda text: text.partition(":")[0] + ":")


@functools.cache
def adapted() -> tuple[list[wordnet.Synset], list[wordnet.Synset]]:
    """The meanings that the tiny model has never read: four in five to adapt to, and one in five to test on."""
    held = sorted(wordnet.read(HELD_OUT), key=lambda s: _hash(s.id))
    cut = len(held) * 4 // 5
    return held[:cut], held[cut:]


@functools.cache
def _blanks(tokenizer: PreTrainedTokenizerBase) -> Tensor:
    """The tokens that are nothing but spaces and line ends."""
    said = tokenizer.batch_decode([[token] for token in range(len(tokenizer))])
    return torch.tensor([token for token, text in enumerate(said) if text and not text.strip()])


def _losses(model: nn.Module, ids: Tensor) -> Tensor:
    """Of each token but the first of a row, in nats, (B, T - 1)."""
    logits = logits_of(model, {name: t.to(place(model)) for name, t in _batch(ids).items()})[:, :-1]
    wide = logits if logits.dtype == torch.float64 else logits.float()
    return F.cross_entropy(wide.transpose(1, 2), ids[:, 1:].to(wide.device), reduction="none").cpu()


def _mean(losses: Tensor) -> float | None:
    return losses.mean().item() if len(losses) else None


def endless(n: int, seed: int) -> Iterator[int]:
    """The numbers below n in a random order, again and again, each time in another."""
    order = random.Random(seed)
    numbers = list(range(n))
    while True:
        order.shuffle(numbers)
        yield from numbers


def _glosses() -> tuple[list[str], list[str]]:
    train, test = adapted()
    return [s.text for s in train], [s.text for s in test]


@functools.cache
def _python() -> tuple[list[str], list[str]]:
    """The beginnings of the library's top-level modules, in the order of the hash of their names."""
    folder = Path(sysconfig.get_paths()["stdlib"])
    files = sorted(folder.glob("*.py"), key=lambda file: _hash(file.name))
    texts = [file.read_text(encoding="utf-8", errors="replace")[:CHARACTERS] for file in files]
    texts = [text for text in texts if len(text) > 2_000][: TRAIN_FILES + TEST_FILES]
    if len(texts) < TRAIN_FILES + TEST_FILES:
        raise LabError(f"this Python has no source of its standard library in {folder}; take another task")
    return texts[TEST_FILES:], texts[:TEST_FILES]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _rows(texts: list[str], tokenizer: PreTrainedTokenizerBase, length: int, most: int | None = None) -> Tensor:
    """The texts, each behind the token that ends one, cut into rows of `length` tokens; the rest is dropped."""
    if length < 2:
        raise LabError(f"rows of {length} tokens say nothing of what comes next; take 2 or more")
    flat: list[int] = []
    for at in range(0, len(texts), TOKENISED):
        if most is not None and len(flat) >= most * length:
            break
        tokens = tokenizer(texts[at : at + TOKENISED], add_special_tokens=False, verbose=False)["input_ids"]
        flat += [token for text in tokens for token in (tokenizer.eos_token_id, *text)]
    rows = len(flat) // length
    if not rows:
        raise LabError(f"a length of {length} tokens is more than the whole text has; take a smaller one")
    return torch.tensor(flat[: rows * length]).view(rows, length)[:most]


def _batch(ids: Tensor) -> Batch:
    return {"input_ids": ids, "labels": ids, "attention_mask": torch.ones_like(ids)}
