"""Recall across a context: what was said of a key, anywhere before."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import nn
from transformers import PreTrainedTokenizerBase

from refimpl._lab import LabError, wordnet
from refimpl._lab.choices import choose, padded
from refimpl._lab.classes import nouns_of
from refimpl._lab.generate import encode, pieces
from refimpl._lab.losses import IGNORED, Batch
from refimpl._lab.score import Better, Sample, Score
from refimpl._lab.texts import adapted

VALUES = ("red", "green", "blue", "white", "black", "yellow", "brown", "gray")


@dataclass(frozen=True, slots=True)
class Recall:
    """Pairs of a word and a colour, then one of the words: which colour was it? Made up anew for every row."""

    length: int = 256
    cases: int = 100
    start: int = 0  # other questions for every number
    name: str = "recall"
    metric: str = "accuracy"
    better: Better = "higher"

    def batches(self, tokenizer: PreTrainedTokenizerBase, length: int, batch: int, seed: int) -> Iterator[Batch]:
        """Half of each row are pairs; then they are asked for in another order, and the colours are what is learnt."""
        order = random.Random(seed)
        keys = _keys(adapted()[0], tokenizer)
        while True:
            made = [self._row(tokenizer, keys, length, order) for _ in range(batch)]
            yield padded([row for row, _ in made], [labels for _, labels in made], tokenizer, length)

    def _row(
        self, tokenizer: PreTrainedTokenizerBase, keys: list[str], length: int, order: random.Random
    ) -> tuple[list[int], list[int]]:
        row, pairs = _pairs(tokenizer, keys, length // 2, order)
        labels = [IGNORED] * len(row)
        for key, value in order.sample(pairs, len(pairs)):
            ask, answer = pieces(tokenizer, f"{key}:"), pieces(tokenizer, f" {value}")
            end = pieces(tokenizer, "\n")
            row += ask + answer + end
            labels += [IGNORED] * len(ask) + answer + [IGNORED] * len(end)
        return row[:length], labels[:length]

    def evaluate(self, model: nn.Module, tokenizer: PreTrainedTokenizerBase) -> Score:
        asked = self._questions(tokenizer, self.cases)
        chosen = choose(model, tokenizer, [ids for ids, _ in asked], VALUES)
        right = sum(VALUES[c] == value for c, (_, value) in zip(chosen, asked, strict=True))
        return Score(right / len(asked), len(asked), chance=1 / len(VALUES))

    def samples(self, model: nn.Module, tokenizer: PreTrainedTokenizerBase, n: int = 2) -> list[Sample]:
        asked = self._questions(tokenizer, n)
        chosen = choose(model, tokenizer, [ids for ids, _ in asked], VALUES)
        return [
            Sample(str(tokenizer.decode(ids[1:])), VALUES[c], value)
            for c, (ids, value) in zip(chosen, asked, strict=True)
        ]

    def _questions(self, tokenizer: PreTrainedTokenizerBase, n: int) -> list[tuple[list[int], str]]:
        order = random.Random(self.start)
        keys = _keys(adapted()[1], tokenizer)
        found = []
        for _ in range(n):
            row, pairs = _pairs(tokenizer, keys, self.length - 12, order)
            key, value = order.choice(pairs)
            found.append((row + pieces(tokenizer, f"{key}:"), value))
        return found


def _pairs(
    tokenizer: PreTrainedTokenizerBase, keys: list[str], length: int, order: random.Random
) -> tuple[list[int], list[tuple[str, str]]]:
    """As many lines `key: colour` as go into `length` tokens, each key once."""
    row, pairs = encode(tokenizer, ""), []
    for key in order.sample(keys, min(len(keys), max(length, 0))):
        value = order.choice(VALUES)
        line = pieces(tokenizer, f"{key}: {value}\n")
        if len(row) + len(line) > length:
            break
        row += line
        pairs.append((key, value))
    if not pairs:
        raise LabError(f"a length of {length} tokens holds no pair; take a greater one")
    return row, pairs


def _keys(synsets: Sequence[wordnet.Synset], tokenizer: PreTrainedTokenizerBase) -> list[str]:
    """Short single words, each once."""
    words = {s.words[0] for s in nouns_of(synsets) if s.words[0].isascii() and s.words[0].isalpha()}
    return sorted(word for word in words if len(word) <= 6 and len(pieces(tokenizer, word)) <= 3)
