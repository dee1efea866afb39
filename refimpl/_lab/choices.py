"""Tasks that end in a choice between words: the one that the model finds likeliest is its answer."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from refimpl._lab import LabError, wordnet
from refimpl._lab.generate import encode, evaluating, pieces, place
from refimpl._lab.losses import IGNORED, Batch, logits_of
from refimpl._lab.score import Better, Sample, Score
from refimpl._lab.texts import adapted, endless

AT_ONCE = 16
VALUES = ("red", "green", "blue", "white", "black", "yellow", "brown", "gray")


@torch.no_grad()
def choose(
    model: nn.Module, tokenizer: PreTrainedTokenizerBase, prompts: Sequence[list[int]], words: Sequence[str]
) -> list[int]:
    """Of each prompt, the number of the word with the greatest log-likelihood behind it.

    A word is as likely as its tokens together, so it is never likelier than its beginning: where each word is one
    token, every prompt is run once, and else again for the words whose beginning is likelier than the best whole word.
    """
    spelt = [tuple(pieces(tokenizer, f" {word}")) for word in words]
    starts = sorted({word[:i] for word in spelt for i in range(len(word))}, key=lambda start: (len(start), start))
    score = torch.zeros(len(prompts), len(words))
    with evaluating(model):
        for start in starts:
            n = len(start)
            whole = [w for w, word in enumerate(spelt) if len(word) <= n]
            under = [w for w, word in enumerate(spelt) if len(word) > n and word[:n] == start]
            left = list(range(len(prompts)))
            if whole:
                hope = score[:, under].amax(1) > score[:, whole].amax(1)
                left = hope.nonzero().flatten().tolist()
            if left:
                after = _next(model, tokenizer, [[*prompts[p], *start] for p in left])  # (P, V)
                for w in under:
                    score[left, w] += after[:, spelt[w][n]]
    return score.argmax(1).tolist()


def _next(model: nn.Module, tokenizer: PreTrainedTokenizerBase, rows: Sequence[list[int]]) -> Tensor:
    """Log-probabilities of the token after each row, (R, V)."""
    found = []
    for at in range(0, len(rows), AT_ONCE):
        part = rows[at : at + AT_ONCE]
        batch = padded(part, part, tokenizer, max(map(len, part)))
        logits = logits_of(model, {name: tensor.to(place(model)) for name, tensor in batch.items()})
        last = torch.tensor([len(row) - 1 for row in part], device=logits.device)
        found.append(logits[torch.arange(len(part), device=logits.device), last].float().log_softmax(-1).cpu())
    return torch.cat(found)


def padded(
    rows: Sequence[list[int]], labels: Sequence[list[int]], tokenizer: PreTrainedTokenizerBase, length: int
) -> Batch:
    """Rows of one length, filled up on the right."""
    fill = tokenizer.pad_token_id
    return {
        "input_ids": torch.tensor([row + [fill] * (length - len(row)) for row in rows]),
        "labels": torch.tensor([row + [IGNORED] * (length - len(row)) for row in labels]),
        "attention_mask": torch.tensor([[1] * len(row) + [0] * (length - len(row)) for row in rows]),
    }


@dataclass(frozen=True, slots=True)
class Classes:
    """The noun class of a meaning, from its words and its gloss."""

    cases: int = 200
    name: str = "classes"
    length: int = 96
    metric: str = "accuracy"
    better: Better = "higher"

    def batches(self, tokenizer: PreTrainedTokenizerBase, length: int, batch: int, seed: int) -> Iterator[Batch]:
        nouns = _nouns(adapted()[0])
        drawn = endless(len(nouns), seed)
        while True:
            chosen = [nouns[next(drawn)] for _ in range(batch)]
            asked = [_cut(encode(tokenizer, _question(s)), tokenizer, length) for s in chosen]
            answers = [pieces(tokenizer, f" {s.noun_class}") for s in chosen]
            rows = [a + b for a, b in zip(asked, answers, strict=True)]
            labels = [[IGNORED] * len(a) + b for a, b in zip(asked, answers, strict=True)]
            yield padded(rows, labels, tokenizer, max(map(len, rows)))

    def evaluate(self, model: nn.Module, tokenizer: PreTrainedTokenizerBase) -> Score:
        nouns = _nouns(adapted()[1])[: self.cases]
        prompts = [_cut(encode(tokenizer, _question(s)), tokenizer, self.length) for s in nouns]
        chosen = choose(model, tokenizer, prompts, wordnet.NOUN_CLASSES)
        right = sum(wordnet.NOUN_CLASSES[c] == s.noun_class for c, s in zip(chosen, nouns, strict=True))
        commonest = Counter(s.noun_class for s in nouns).most_common(1)[0][1]
        return Score(right / len(nouns), len(nouns), chance=commonest / len(nouns))

    def samples(self, model: nn.Module, tokenizer: PreTrainedTokenizerBase, n: int = 2) -> list[Sample]:
        nouns = _nouns(adapted()[1])[:n]
        prompts = [_cut(encode(tokenizer, _question(s)), tokenizer, self.length) for s in nouns]
        chosen = choose(model, tokenizer, prompts, wordnet.NOUN_CLASSES)
        return [Sample(_question(s), wordnet.NOUN_CLASSES[c], s.noun_class) for s, c in zip(nouns, chosen, strict=True)]


@dataclass(frozen=True, slots=True)
class Recall:
    """Pairs of a word and a colour, then one of the words: which colour was it? Made up anew for every row."""

    length: int = 256
    cases: int = 100
    name: str = "recall"
    metric: str = "accuracy"
    better: Better = "higher"

    def batches(self, tokenizer: PreTrainedTokenizerBase, length: int, batch: int, seed: int) -> Iterator[Batch]:
        """Half of each row are pairs; then they are asked for in another order, and the colours are what is learnt."""
        order = random.Random(seed)  # noqa: S311  # not for secrets
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
        order = random.Random(0)  # noqa: S311  # the same questions every time
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
    for key in order.sample(keys, min(len(keys), length)):
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
    words = {s.words[0] for s in _nouns(synsets) if s.words[0].isascii() and s.words[0].isalpha()}
    return sorted(word for word in words if len(word) <= 6 and len(pieces(tokenizer, word)) <= 3)


def _nouns(synsets: Sequence[wordnet.Synset]) -> list[wordnet.Synset]:
    return [s for s in synsets if s.noun_class]


def _question(synset: wordnet.Synset) -> str:
    return f"{synset.line}\nclass:"


def _cut(ids: list[int], tokenizer: PreTrainedTokenizerBase, length: int) -> list[int]:
    """A gloss that is too long loses its middle: the question is at the end."""
    room = length - 8
    tail = pieces(tokenizer, "\nclass:")
    return ids if len(ids) <= room else ids[: room - len(tail)] + tail
