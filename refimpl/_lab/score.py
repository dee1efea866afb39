"""What a task is: batches to train on, a score on held-out data, and a few samples to look at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from torch import nn
from transformers import PreTrainedTokenizerBase

from refimpl._lab.losses import Batch

Better = Literal["lower", "higher"]


@dataclass(frozen=True, slots=True)
class Score:
    """The metric's value over `n` cases (tokens, for a text). `chance`: what the best guess without reading gets.

    `blanks` is the metric on tokens that are nothing but blanks, which are not among the `n`; None where none is.
    """

    value: float
    n: int
    chance: float | None = None
    blanks: float | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """What the model was given, what it said, and what would have been right."""

    given: str
    said: str
    expected: str


class Task(Protocol):
    """`length` is the number of tokens in a row where nothing else is asked for."""

    @property
    def name(self) -> str: ...
    @property
    def metric(self) -> str: ...
    @property
    def better(self) -> Better: ...
    @property
    def length(self) -> int: ...
    def batches(self, tokenizer: PreTrainedTokenizerBase, length: int, batch: int, seed: int) -> Iterator[Batch]:
        """Endless batches of `input_ids`, `labels` (-100 where nothing is learnt) and `attention_mask`."""
        ...

    def evaluate(self, model: nn.Module, tokenizer: PreTrainedTokenizerBase) -> Score: ...
    def samples(self, model: nn.Module, tokenizer: PreTrainedTokenizerBase, n: int = 2) -> list[Sample]: ...
