"""Where in a paper the words of a query stand: a piece of its text, with the words that were found marked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from catalog.search.fold import tokens
from catalog.search.stem import is_stopword
from catalog.search.tree import Words

_WORD = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
_BLANK = re.compile(r"\s+")


class Snippet(NamedTuple):
    """A piece of a text: in what it was found ("abstract", "notes" …), and its parts, each marked or not."""

    where: str
    parts: tuple[tuple[str, bool], ...]


class Wanted:
    """The words that a text is searched for, in all forms in which they were found."""

    def __init__(self, words: Iterable[Words]) -> None:
        words = list(words)
        telling = [one for one in words if not all(map(is_stopword, one.tokens))] or words
        starts = {one.tokens[-1] for one in telling if one.prefix}
        self._starts = tuple(starts)
        whole = {token for one in telling for tokens in (one.tokens, *one.also) for token in tokens}
        self._whole = {token for token in whole if not is_stopword(token)} or whole

    def among(self, word: str) -> str:
        """What of the wanted a word of a text is; "" where it is none."""
        for token in tokens(word):
            if token in self._whole:
                return token
            if self._starts and token.startswith(self._starts):
                return next(start for start in self._starts if token.startswith(start))
        return ""


def snippet(texts: Mapping[str, str], wanted: Wanted, room: int) -> Snippet | None:
    """The piece of at most so many characters with the most of the words; None where no text has one."""
    best: tuple[int, str, str, list[tuple[int, int]]] | None = None
    for where, said in texts.items():
        text = _BLANK.sub(" ", said).strip()
        hits = list(_hits(text, wanted))
        for place, (start, _, _) in enumerate(hits):
            within = [hit for hit in hits[place:] if hit[1] <= start + room - 2]
            count = len({word for *_, word in within})
            if within and (best is None or count > best[0]):
                best = count, where, text, [hit[:2] for hit in within]
    if best is None:
        return None
    _, where, text, spans = best
    return Snippet(where, tuple(_parts(text, spans, room)))


def _hits(text: str, wanted: Wanted) -> Iterator[tuple[int, int, str]]:
    for found in _WORD.finditer(text):
        whole = found.group()
        if "-" in whole and (word := wanted.among(whole.replace("-", ""))):
            yield found.start(), found.end(), word
            continue
        at = found.start()
        for part in whole.split("-"):
            if word := wanted.among(part):
                yield at, at + len(part), word
            at += len(part) + 1


def _parts(text: str, spans: list[tuple[int, int]], room: int) -> Iterator[tuple[str, bool]]:
    """The text around the spans, in whole words, cut where it goes on."""
    spare = max(0, room - 2 - (spans[-1][1] - spans[0][0]))
    low = max(0, spans[0][0] - spare // 3)
    high = min(len(text), low + room - 2)
    low = 0 if low == 0 else text.find(" ", low, spans[0][0]) + 1 or spans[0][0]
    high = high if high == len(text) else max(text.rfind(" ", spans[-1][1], high), spans[-1][1])
    at = low
    if low:
        yield "…", False
    for start, stop in spans:
        yield text[at:start], False
        yield text[start:stop], True
        at = stop
    yield text[at:high] + ("…" if high < len(text) else ""), False
