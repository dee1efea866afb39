"""What a reader means by a word: its other forms, the same written as one, and, where nobody has it, a typo.

Asks the index which words there are. The site's script does the same over the words that the site holds.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from typing import TypeGuard

from catalog.nearness import slips_from
from catalog.search.stem import family_prefix, stem
from catalog.search.tree import BEYOND, And, Node, Words, each_word

_MOST_FORMS = 40
_MOST_TYPOS = 5
_Phrases = tuple[tuple[str, ...], ...]


def widened(db: sqlite3.Connection, root: Node | None) -> Node | None:
    """The query, its bare words with their other forms; quoted ones mean themselves."""
    return each_word(_joined(db, root), lambda words: _also(words, _forms(db, words)) if words.prefix else words)


def forgiven(db: sqlite3.Connection, root: Node | None) -> tuple[Node | None, dict[str, str]]:
    """A widened query with the nearest words there are beside those that nobody has, in all that a right word would
    find, and the nearest of each."""
    typos: dict[str, str] = {}

    def change(words: Words) -> Words:
        if not _is_bare(words) or words.also or _starts(db, words.tokens[0]):
            return words
        near = _near(db, words.tokens[0])
        if near:
            typos[words.tokens[0]] = near[0]
        return _also(words, ((form,) for word in near for form in (word, *_goes_on(db, word), *_family(db, word))))

    return each_word(root, change), typos


def _also(words: Words, more: Iterator[tuple[str, ...]] | _Phrases) -> Words:
    return replace(words, also=tuple(dict.fromkeys((*words.also, *more))))


def _is_bare(node: Node) -> TypeGuard[Words]:
    return isinstance(node, Words) and node.prefix and len(node.tokens) == 1


def _joined(db: sqlite3.Connection, root: Node | None) -> Node | None:
    """Neighbours may be one word, as "fine tuning" is "finetuning": each of them is also that."""
    if not isinstance(root, And):
        return root
    parts = list(root.parts)
    for at in range(len(parts) - 1):
        left, right = parts[at : at + 2]
        if _is_bare(left) and _is_bare(right) and left.column == right.column:
            one = left.tokens[0] + right.tokens[0]
            forms = ((word,) for word in [*_starts(db, one), *_family(db, one)])
            both = tuple(forms)
            parts[at], parts[at + 1] = _also(left, both), _also(right, both)
    return And(tuple(parts))


def _forms(db: sqlite3.Connection, words: Words) -> Iterator[tuple[str, ...]]:
    """The other forms of the last token, and the tokens written as one word, in all its forms."""
    *before, last = words.tokens
    for word in _family(db, last):
        if not word.startswith(last):
            yield (*before, word)
    if before and (one := "".join(words.tokens)).isascii():
        for word in dict.fromkeys([*_starts(db, one), *_family(db, one)]):
            yield (word,)


def _family(db: sqlite3.Connection, token: str) -> list[str]:
    """The words of one stem with a token."""
    root = stem(token)
    start = family_prefix(token)
    found = db.execute("SELECT term FROM vocabulary WHERE term >= ? AND term < ?", (start, start + BEYOND))
    return [word for (word,) in found if stem(word) == root][:_MOST_FORMS]


def _goes_on(db: sqlite3.Connection, token: str) -> list[str]:
    """The words that begin with a token."""
    found = db.execute("SELECT term FROM vocabulary WHERE term >= ? AND term < ?", (token, token + BEYOND))
    return [word for (word,) in found][:_MOST_FORMS]


def _starts(db: sqlite3.Connection, token: str) -> list[str]:
    """The first word that begins with a token, where there is one."""
    found = db.execute("SELECT term FROM vocabulary WHERE term >= ? AND term < ? LIMIT 1", (token, token + BEYOND))
    return [word for (word,) in found]


def _near(db: sqlite3.Connection, token: str) -> list[str]:
    """The words the fewest slips of the finger away, of one in four letters or two in nine; the commonest first."""
    allowed = 0 if len(token) < 4 else 1 if len(token) < 9 else 2
    if not allowed or not token.isalpha():
        return []
    slips_to, letters = slips_from(token), set(token)
    distances: dict[str, tuple[int, int]] = {}
    sized = "SELECT term, doc FROM vocabulary WHERE length(term) BETWEEN ? AND ?"
    for word, papers in db.execute(sized, (len(token) - allowed, len(token) + allowed)):
        if len(letters.difference(word)) <= allowed and (slips := slips_to(word)) <= allowed and word.isalpha():
            distances[word] = (slips, -papers)
    best = min(distances.values(), default=(0, 0))[0]
    return sorted((w for w, (slips, _) in distances.items() if slips == best), key=lambda w: (distances[w], w))[
        :_MOST_TYPOS
    ]
