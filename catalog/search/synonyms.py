"""Abbreviations with what they stand for, and words that mean nearly the same: `language.json` lists both."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from catalog.search.stem import said_of_language, stem

LONGEST = 6  # words that an abbreviation stands for


class _Synonyms(NamedTuple):
    full: dict[str, tuple[tuple[str, ...], ...]]
    short: dict[tuple[str, ...], str]  # by stems
    alike: dict[str, tuple[str, ...]]  # by stem


@cache
def _synonyms() -> _Synonyms:
    said = said_of_language()
    full = {short: tuple(tuple(text.split()) for text in texts) for short, texts in said["same"].items()}
    short = {tuple(map(stem, words)): name for name, texts in full.items() for words in texts}
    alike: dict[str, tuple[str, ...]] = {}
    for group in map(str.split, said["alike"]):
        for root in dict.fromkeys(map(stem, group)):
            others = [word for word in group if stem(word) != root]
            alike[root] = tuple(dict.fromkeys((*alike.get(root, ()), *others)))
    return _Synonyms(full, short, alike)


def stands_for(token: str) -> tuple[tuple[str, ...], ...]:
    """The words of which a token is the abbreviation: "gnns" stands for "graph neural network"."""
    full = _synonyms().full
    return full.get(token) or full.get(token.removesuffix("s"), ())


def short_for(words: Sequence[str]) -> str:
    """The abbreviation of some words, in whatever form they stand; "" where there is none."""
    return _synonyms().short.get(tuple(map(stem, words)), "")


def alike(token: str) -> tuple[str, ...]:
    """The words that mean nearly what a token means."""
    return _synonyms().alike.get(stem(token), ())
