"""Questions with one right answer: what is said must be that answer, to the last token and no further."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import nn
from transformers import PreTrainedTokenizerBase

from refimpl._lab import LabError
from refimpl._lab.choices import padded
from refimpl._lab.generate import encode, evaluating, greedy, pieces, place
from refimpl._lab.losses import IGNORED, Batch, logits_of
from refimpl._lab.score import Better, Sample, Score
from refimpl._lab.texts import endless

AT_ONCE = 25


@dataclass(frozen=True, slots=True)
class Question:
    """`answer` is what comes right behind `asked`; with nothing asked it is a text that is read."""

    asked: str
    answer: str


@dataclass(frozen=True, slots=True)
class Answers:
    """`taught(start)` are read and learnt; of `held(start)`, by their hash, `cases` are scored.

    Another `start` is other held-out questions. `steps` are enough to learn them, at `share` of the learning rate that
    a method has for `python`. Chance is the commonest answer.
    """

    name: str
    taught: Callable[[int], Sequence[Question]]
    held: Callable[[int], Sequence[Question]]
    cases: int = 100
    start: int = 0
    length: int = 64
    steps: int = 120
    share: float = 0.4
    metric: str = "right answers"
    better: Better = "higher"

    def batches(self, tokenizer: PreTrainedTokenizerBase, length: int, batch: int, seed: int) -> Iterator[Batch]:
        questions = self.taught(self.start)
        drawn = endless(len(questions), seed)
        while True:
            rows = [_row(questions[next(drawn)], tokenizer, length) for _ in range(batch)]
            ids, labels = zip(*rows, strict=True)
            yield padded(ids, labels, tokenizer, max(map(len, ids)))

    @torch.no_grad()
    def evaluate(self, model: nn.Module, tokenizer: PreTrainedTokenizerBase) -> Score:
        """Right is what greedy decoding would say: each token of the answer is the likeliest behind those before it."""
        scored = self.scored()
        right = 0
        with evaluating(model):
            for at in range(0, len(scored), AT_ONCE):
                right += _right(scored[at : at + AT_ONCE], model, tokenizer, self.length)
        commonest = Counter(q.answer for q in scored).most_common(1)[0][1]
        return Score(right / len(scored), len(scored), chance=commonest / len(scored))

    def samples(self, model: nn.Module, tokenizer: PreTrainedTokenizerBase, n: int = 6) -> list[Sample]:
        return [self._sample(q, model, tokenizer) for q in self.scored()[:n]]

    def _sample(self, question: Question, model: nn.Module, tokenizer: PreTrainedTokenizerBase) -> Sample:
        wanted = pieces(tokenizer, question.answer)
        said = greedy(model, tokenizer, question.asked, len(wanted) + 2)
        return Sample(question.asked, said.strip(), question.answer.strip())

    def scored(self) -> list[Question]:
        """The questions that count, chosen by hash and not by hand."""
        found = sorted(self.held(self.start), key=lambda q: hashlib.sha256(q.asked.encode()).digest())
        return found[: self.cases]


def _row(question: Question, tokenizer: PreTrainedTokenizerBase, length: int) -> tuple[list[int], list[int]]:
    """Tokens and labels: the answer and the end behind it are learnt. What is too long loses its beginning."""
    answer = [*pieces(tokenizer, question.answer), int(tokenizer.eos_token_id)]
    room = length - len(answer)
    if room < 1:
        raise LabError(f"a length of {length} tokens is less than an answer has; take a greater one")
    asked = encode(tokenizer, question.asked)
    asked = asked if len(asked) <= room else [*asked[:1], *asked[len(asked) - room + 1 :]]
    return asked + answer, [IGNORED] * len(asked) + answer


def _right(questions: Sequence[Question], model: nn.Module, tokenizer: PreTrainedTokenizerBase, length: int) -> int:
    rows, labels = zip(*(_row(q, tokenizer, length) for q in questions), strict=True)
    batch = padded(rows, labels, tokenizer, max(map(len, rows)))
    logits = logits_of(model, {name: tensor.to(place(model)) for name, tensor in batch.items()})
    wanted = batch["labels"][:, 1:]
    same = (logits[:, :-1].argmax(-1).cpu() == wanted) | (wanted == IGNORED)
    return int(same.all(1).sum())
