"""Which papers of an index a query matches, and in what order: a tree in, row ids out."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

from catalog.errors import BadQuery
from catalog.search.cells import SORTS
from catalog.search.stem import is_stopword
from catalog.search.tree import And, Between, Contains, Is, Node, Not, Or, Query, Words, each_word
from catalog.search.widen import forgiven, related, widened

_ENOUGH = 0.6  # of the weight that the nearest paper has
_AT_ONCE = 50  # words in one full-text expression
_LEAST = 0.3  # of it that the first few must have
_FEW = 3
_SHARE = 0.2  # and of what all the words weigh together
_HEAD = 1.2  # of the weight of a word: where it stands in what names the paper
_ALIKE = 0.7  # where another word of that meaning stands
_LESS = 0.5  # where it only begins a word, or stands in a notebook alone
_NAMED = "key title authors tags"
_OWN = f"{_NAMED} venue abstract notes"
_PROPER = f"{_OWN} told"  # all columns but that of notebooks
_QUESTION = 4  # words, from which a query is one
_PAIR = 2  # words that are looked up rather than asked: a paper that has both is enough
_RANKING = ("", "title", "abstract", "notes")
_SCORED = (  # weights of key, title, authors, tags, venue, abstract, notes, told, taught
    "SELECT rowid, bm25(words, 10, 10, 6, 5, 3, 2, 1, 0.5, 0.5) FROM words WHERE words MATCH ?"
)


class Answer(NamedTuple):
    """Ids of papers, and what the reader has to know: words shown for others, words that a paper lacks; and the words
    that were looked for, in all their forms."""

    ids: list[int]
    typos: Mapping[str, str] = MappingProxyType({})
    lacking: Mapping[int, tuple[str, ...]] = MappingProxyType({})
    words: tuple[Words, ...] = ()


def find(db: sqlite3.Connection, query: Query, sort: str = "", limit: int = 0, forgiving: bool = True) -> Answer:
    """The matching papers, sorted as asked, else best first; where none matches, the nearest. Raises `BadQuery`.

    A word matches in all its forms. Several words must stand outside of notebooks, which are so long that they hold
    most words somewhere; they count again among the nearest. Where nothing matches, words that nobody has are read as
    typos, then words that questions are made of ("how", "with") no longer count, then the papers with most of the words
    are taken. Unless `forgiving`, no word is read as a typo.
    """
    order = _order_by(sort) if sort.strip() else ""
    root = widened(db, query.root)
    typos: dict[str, str] = {}
    matched = None if root is None else _ids(db, _proper(root))
    if matched is not None and not matched and query.words and forgiving:
        root, typos = forgiven(db, root)
        matched = _ids(db, _proper(root)) if typos and root else matched
    near: dict[int, float] = {}
    lacking: dict[int, tuple[str, ...]] = {}
    if matched is not None and not matched and isinstance(root, And):
        root = _asked(root)
        matched = _ids(db, _proper(root)) if len(root.parts) <= _PAIR else set()
        if not matched:
            near, lacking = _nearest(db, root)
            matched = set(near)
    ids = _sorted(db, Query(query.text, root), matched, order, limit)
    if near and not order:
        ids.sort(key=lambda i: near[i])
    return Answer(ids[:limit] if limit > 0 else ids, typos, lacking, Query(query.text, root).words)


def _sorted(db: sqlite3.Connection, query: Query, matched: set[int] | None, order: str, limit: int) -> list[int]:
    """The ids in order; of all papers no more than the limit, which an index has ready."""
    ranking = [] if order else [words for words in query.words if words.column in _RANKING]
    order = order or ("year DESC NULLS LAST" if ranking else "added DESC NULLS LAST")
    ids = _ordered(db, matched, f"{order}, id" if "key " in order else f"{order}, key, id", limit)
    if ranking and len(ids) > 1:
        score = _scores(db, ranking)
        ids.sort(key=lambda i: round(score.get(i, 0.0), 9))
    return ids


def _proper(root: Node) -> Node:
    """The query whose several words stand in the paper itself; one word alone may stand in its notebooks, a few in what
    its implementation says."""
    words = sum(bool(Query("", part).words) for part in root.parts) if isinstance(root, And) else 0
    if not isinstance(root, And) or words < 2:
        return root
    columns = _OWN if words >= _QUESTION else _PROPER
    return And(tuple(
        part if isinstance(part, Not) else each_word(part, lambda one: _within(one, columns)) or part
        for part in root.parts
    ))  # fmt: skip


def _within(words: Words, columns: str) -> Words:
    return words if words.column else replace(words, column=columns)


def _asked(root: And) -> And:
    """The query without the words that any question holds, where others are left."""
    kept = [p for p in root.parts if not (isinstance(p, Words) and p.prefix and is_stopword(p.tokens[-1]))]
    return And(tuple(kept)) if any(isinstance(part, Words) for part in kept) else root


def _nearest(db: sqlite3.Connection, root: And) -> tuple[dict[int, float], dict[int, tuple[str, ...]]]:
    """The papers that hold most of the words, weighed by how rare each is (the best lowest), and what each lacks.

    What is no word (a field, a range, a NOT) must hold all the same.
    """
    words = [part for part in root.parts if isinstance(part, Words)]
    held = [part for part in root.parts if not isinstance(part, Words)]
    within = _all_of(db, held) if held else None
    papers = len(within) if within is not None else column(db, "SELECT count(*) FROM body")[0]
    score: dict[int, float] = {}
    whole = 0.0
    having: list[tuple[str, set[int]]] = []
    for part in words:
        weight: dict[int, float] = {}
        for counts, other in _taken_for(db, part):
            ids = _ids(db, other) if within is None else _ids(db, other) & within
            rare = counts * math.log(1 + papers / max(1, len(ids)))
            weight |= {i: rare for i in ids if weight.get(i, 0.0) < rare}
        whole += math.log(1 + papers / max(1, len(ids)))
        for i, rare in weight.items():
            score[i] = score.get(i, 0.0) + rare
        having.append((" ".join(part.tokens), ids))
    best = sorted(score.values(), reverse=True)
    least = max(min(_ENOUGH * best[0], *best[:_FEW]), _LEAST * best[0], _SHARE * whole) if best else 0.0
    near = {i: -round(weight, 6) for i, weight in score.items() if weight >= least}
    lacking = {i: tuple(name for name, ids in having if i not in ids) for i in near}
    return near, lacking if any(lacking.values()) else {}


def _taken_for(db: sqlite3.Connection, part: Words) -> Iterator[tuple[float, Words]]:
    """What a word is taken for, each with how much of its weight that counts; the word as it was asked for is last."""
    whole = _within(replace(part, prefix=False), _PROPER)
    yield _HEAD, _within(replace(part, prefix=False), _NAMED)
    yield 1.0, whole
    if others := [(word,) for word in related(db, part)]:
        yield _ALIKE, replace(whole, tokens=others[0], also=tuple(others[1:]))
    yield _LESS, part


def _order_by(sort: str) -> str:
    terms = []
    for name in sort.split(","):
        column = name.strip().lower().removeprefix("-")
        if column not in SORTS:
            raise BadQuery(f"cannot sort by {name.strip()[:40]!r}; known are {', '.join(SORTS)}, or -year and so on")
        last = "" if column == "key" else " NULLS LAST"  # every paper has a key
        terms.append(f"{column} {'DESC' if name.strip().startswith('-') else 'ASC'}{last}")
    return ", ".join(dict.fromkeys(terms))


def _ordered(db: sqlite3.Connection, ids: set[int] | None, order: str, limit: int) -> list[int]:
    """The ids, or all there are, in an order that is made of the names in `SORTS` alone."""
    if ids is None:
        return column(db, f"SELECT id FROM paper ORDER BY {order} LIMIT ?", limit if limit > 0 else -1)
    chosen = f"SELECT id FROM paper WHERE id IN (SELECT value FROM json_each(?)) ORDER BY {order}"
    return column(db, chosen, json.dumps(list(ids)))


def _ids(db: sqlite3.Connection, node: Node) -> set[int]:
    match node:
        case Words():
            return _with_words(db, [node])
        case And(parts):
            return _all_of(db, parts)
        case Or(parts):
            return set().union(*(_ids(db, part) for part in parts))
        case Not(part):
            return _every(db) - _ids(db, part)
    return set(column(db, *_fact_sql(node)))


def _all_of(db: sqlite3.Connection, parts: Sequence[Node]) -> set[int]:
    words = [part for part in parts if isinstance(part, Words)]
    held = [part for part in parts if not isinstance(part, Words | Not)]
    ids = _with_words(db, words) if words else None if held else _every(db)
    for part in held:
        found = _ids(db, part) if ids is None or ids else ids
        ids = found if ids is None else ids & found
    for other in parts:
        if isinstance(other, Not) and ids:
            ids -= _ids(db, other.part)
    return ids or set()


def _every(db: sqlite3.Connection) -> set[int]:
    return set(column(db, "SELECT id FROM body"))


def _fact_sql(node: Is | Between | Contains) -> tuple[str, str, *tuple[str, ...]]:
    start = "SELECT DISTINCT id FROM fact WHERE name = ? AND"
    match node:
        case Is(name, value):
            return f"{start} value = ?", name, value
        case Between(name, low, high):
            return f"{start} value >= ? AND value < ?", name, low, high
        case Contains(name, part):
            return f"{start} instr(value, ?)", name, part


def _with_words(db: sqlite3.Connection, words: Sequence[Words]) -> set[int]:
    """The papers that hold all of these."""
    found: set[int] | None = None
    for at in range(0, len(words), _AT_ONCE):
        expression = " AND ".join(map(_expression, words[at : at + _AT_ONCE]))
        ids = set(column(db, "SELECT rowid FROM words WHERE words MATCH ?", expression))
        found = ids if found is None else found & ids
    return found or set()


def _scores(db: sqlite3.Connection, words: Sequence[Words]) -> dict[int, float]:
    """BM25 by paper, the best lowest: a whole word counts beside its start, and once more in title or key."""
    expressions = []
    for asked in words[:_AT_ONCE]:
        expressions.append(_expression(asked))
        if asked.prefix:
            expressions.append(_expression(replace(asked, prefix=False, also=())))
        if not asked.column:
            expressions.append(f"{{key title}} : {_expression(asked)}")
    return dict(db.execute(_SCORED, (" OR ".join(expressions),)))


def _expression(words: Words) -> str:
    """Full-text syntax; tokens are letters and digits alone, so nothing of the user's can mean anything in it."""
    phrases = [f'"{" ".join(words.tokens)}"{" *" if words.prefix else ""}']
    phrases += [f'"{" ".join(other)}"' for other in words.also]
    either = f"({' OR '.join(phrases)})" if words.also else phrases[0]
    return f"{{{words.column}}} : {either}" if words.column else either


def column(db: sqlite3.Connection, sql: str, *values: str | int) -> list[Any]:
    """The first column of what a statement gives."""
    return [value for (value,) in db.execute(sql, values)]
