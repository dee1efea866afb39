"""What a reader means by a word: its other forms, the same written as one or cut short, and, where nobody has it, a
word that means nearly the same, or a typo.

Asks the index which words there are. The site's script does the same over the words that the site holds.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TypeGuard

from catalog.nearness import slips_from
from catalog.search.stem import family_prefix, is_stopword, stem
from catalog.search.synonyms import LONGEST, alike, short_for, stands_for
from catalog.search.tree import BEYOND, And, Node, Words, each_word

_MOST_FORMS = 40
_MOST_TYPOS = 5
_MEASURE = re.compile(r"([0-9]+)([a-z]+)")  # "4bit", "24gb"
_NAMES = ("authors", "venue")
_Phrases = tuple[tuple[str, ...], ...]


def widened(db: sqlite3.Connection, root: Node | None) -> Node | None:
    """The query, its bare words with their other forms; quoted ones mean themselves."""
    return each_word(_joined(db, root), lambda words: _also(words, _forms(db, words)) if words.prefix else words)


def forgiven(db: sqlite3.Connection, root: Node | None) -> tuple[Node | None, dict[str, str]]:
    """A widened query with the nearest words there are beside those that nobody has, in all that a right word would
    find, and the nearest of each."""
    typos: dict[str, str] = {}

    def change(words: Words) -> Words:
        if not _is_bare(words) or words.also or is_stopword(words.tokens[0]) or _going_on(db, words.tokens[0], 1):
            return words
        near = related(db, words)[:1] or _near(db, words.tokens[0])
        if near:
            typos[words.tokens[0]] = near[0]
        return _also(
            words, ((form,) for word in near for form in (word, *_going_on(db, word, _MOST_FORMS), *_family(db, word)))
        )

    return each_word(root, change), typos


def _also(words: Words, more: Iterator[tuple[str, ...]] | _Phrases) -> Words:
    return replace(words, also=tuple(dict.fromkeys((*words.also, *more))))


def _is_bare(node: Node) -> TypeGuard[Words]:
    return isinstance(node, Words) and node.prefix and len(node.tokens) == 1


def related(db: sqlite3.Connection, words: Words) -> list[str]:
    """The words there are that mean nearly what a bare one means, in all their forms; names mean nothing."""
    others = alike(words.tokens[0]) if _is_bare(words) and words.column not in _NAMES else ()
    return [word for other in others for word in _family(db, other)]


def _joined(db: sqlite3.Connection, root: Node | None) -> Node | None:
    """Neighbours may be one word, as "fine tuning" is "finetuning", or have an abbreviation: each is also that."""
    if not isinstance(root, And):
        return root
    parts = list(root.parts)
    for count in range(2, LONGEST + 1):
        for at in range(len(parts) - count + 1):
            run = [part for part in parts[at : at + count] if _is_bare(part)]
            if len(run) == count and (short := short_for([words.tokens[0] for words in run])):
                parts[at : at + count] = [_also(words, ((short,), (f"{short}s",))) for words in run]
    for at in range(len(parts) - 1):
        left, right = parts[at : at + 2]
        if _is_bare(left) and _is_bare(right) and left.column == right.column:
            both = _as_one(db, left.tokens[0] + right.tokens[0])
            parts[at], parts[at + 1] = _also(left, both), _also(right, both)
    return And(tuple(parts))


def _forms(db: sqlite3.Connection, words: Words) -> Iterator[tuple[str, ...]]:
    """The other forms of the last token, and the tokens written as one word, in all its forms."""
    *before, last = words.tokens
    for word in _family(db, last):
        if not word.startswith(last):
            yield (*before, word)
    for full in () if before else stands_for(last):
        for word in _family(db, full[-1]):
            yield (*full[:-1], word)
    if measure := None if before else _MEASURE.fullmatch(last):
        for unit in (measure[2], *_family(db, measure[2])):
            yield (measure[1], unit)
    if before and (one := "".join(words.tokens)).isascii():
        yield from _as_one(db, one)


def _as_one(db: sqlite3.Connection, token: str) -> _Phrases:
    """The words that some written as one are: the first that begins so, and all of that stem."""
    return tuple((word,) for word in (*_going_on(db, token, 1), *_family(db, token)))


def _family(db: sqlite3.Connection, token: str) -> list[str]:
    """The words of one stem with a token."""
    root = stem(token)
    return [word for word in _going_on(db, family_prefix(token)) if stem(word) == root][:_MOST_FORMS]


def _going_on(db: sqlite3.Connection, token: str, most: int = -1) -> list[str]:
    """The words, or so many of them, that begin with a token."""
    found = "SELECT term FROM vocabulary WHERE term >= ? AND term < ? LIMIT ?"
    return [word for (word,) in db.execute(found, (token, token + BEYOND, most))]


def _near(db: sqlite3.Connection, token: str) -> list[str]:
    """The words the fewest slips of the finger away, of one in five letters or two in nine; the commonest first. Those
    with the same first letter come before others, and where there is none, those of which the beginning is near, as
    "promt" is near "prompts"."""
    allowed = 0 if len(token) < 5 else 1 if len(token) < 9 else 2
    if not allowed or not token.isalpha():
        return []
    shortest, longest = len(token) - allowed, len(token) + allowed
    sized = "SELECT term, term, doc FROM vocabulary WHERE term >= ? AND term < ? AND length(term) BETWEEN ? AND ?"
    for start in (token[0], ""):
        if near := _fewest_slips(token, allowed, db.execute(sized, (start, start + BEYOND, shortest, longest))):
            return near
    begun = "SELECT term, doc FROM vocabulary WHERE term >= ? AND term < ? AND length(term) > ?"
    found = db.execute(begun, (token[0], token[0] + BEYOND, longest))
    cut = ((word[:size], word, papers) for word, papers in found for size in range(shortest, longest + 1))
    return _fewest_slips(token, allowed, cut)


def _fewest_slips(token: str, allowed: int, compared: Iterable[tuple[str, str, int]]) -> list[str]:
    """Of (what is compared, the word it is of, how many papers have that), the words nearest to a token."""
    slips_to, letters = slips_from(token), set(token)
    distances: dict[str, tuple[int, int]] = {}
    for part, word, papers in compared:
        if len(letters.difference(part)) <= allowed and (slips := slips_to(part)) <= allowed and word.isalpha():
            distances[word] = min(distances.get(word, (slips, -papers)), (slips, -papers))
    best = min(distances.values(), default=(0, 0))[0]
    near = [word for word, (slips, _) in distances.items() if slips == best]
    return sorted(near, key=lambda word: (distances[word], word))[:_MOST_TYPOS]
