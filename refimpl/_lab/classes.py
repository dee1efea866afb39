"""Classification into words: the noun class of a meaning, from its words and its gloss."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import nn
from transformers import PreTrainedTokenizerBase

from refimpl._lab import wordnet
from refimpl._lab.choices import choose, padded
from refimpl._lab.generate import encode, pieces
from refimpl._lab.losses import IGNORED, Batch
from refimpl._lab.score import Better, Sample, Score
from refimpl._lab.texts import adapted, endless


@dataclass(frozen=True, slots=True)
class Classes:
    """The noun class of a meaning, from its words and its gloss."""

    cases: int = 200
    start: int = 0  # the first of them
    name: str = "classes"
    length: int = 96
    metric: str = "accuracy"
    better: Better = "higher"

    def batches(self, tokenizer: PreTrainedTokenizerBase, length: int, batch: int, seed: int) -> Iterator[Batch]:
        nouns = nouns_of(adapted()[0])
        drawn = endless(len(nouns), seed)
        while True:
            chosen = [nouns[next(drawn)] for _ in range(batch)]
            asked = [_cut(encode(tokenizer, _question(s)), tokenizer, length) for s in chosen]
            answers = [pieces(tokenizer, f" {s.noun_class}") for s in chosen]
            rows = [a + b for a, b in zip(asked, answers, strict=True)]
            labels = [[IGNORED] * len(a) + b for a, b in zip(asked, answers, strict=True)]
            yield padded(rows, labels, tokenizer, max(map(len, rows)))

    def evaluate(self, model: nn.Module, tokenizer: PreTrainedTokenizerBase) -> Score:
        nouns = nouns_of(adapted()[1])[self.start : self.start + self.cases]
        prompts = [_cut(encode(tokenizer, _question(s)), tokenizer, self.length) for s in nouns]
        chosen = choose(model, tokenizer, prompts, wordnet.NOUN_CLASSES)
        right = sum(wordnet.NOUN_CLASSES[c] == s.noun_class for c, s in zip(chosen, nouns, strict=True))
        commonest = Counter(s.noun_class for s in nouns).most_common(1)[0][1]
        return Score(right / len(nouns), len(nouns), chance=commonest / len(nouns))

    def samples(self, model: nn.Module, tokenizer: PreTrainedTokenizerBase, n: int = 2) -> list[Sample]:
        nouns = nouns_of(adapted()[1])[:n]
        prompts = [_cut(encode(tokenizer, _question(s)), tokenizer, self.length) for s in nouns]
        chosen = choose(model, tokenizer, prompts, wordnet.NOUN_CLASSES)
        return [Sample(_question(s), wordnet.NOUN_CLASSES[c], s.noun_class) for s, c in zip(nouns, chosen, strict=True)]


def nouns_of(synsets: Sequence[wordnet.Synset]) -> list[wordnet.Synset]:
    """Those that have a class."""
    return [s for s in synsets if s.noun_class]


def _question(synset: wordnet.Synset) -> str:
    return f"{synset.line}\nclass:"


def _cut(ids: list[int], tokenizer: PreTrainedTokenizerBase, length: int) -> list[int]:
    """A gloss that is too long loses its middle: the question is at the end."""
    room = length - 8
    tail = pieces(tokenizer, "\nclass:")
    return ids if len(ids) <= room else ids[: room - len(tail)] + tail
