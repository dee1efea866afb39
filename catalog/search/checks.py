"""What was found out about papers, kept beside their rows until these change: findings, what they rest on, and which
papers are alike."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import combinations
from typing import NamedTuple, TypeAlias

from catalog.facts import Facts
from catalog.search import rows

Asked: TypeAlias = tuple[str, str, str]
"""What was asked, of whom, and what the answer was."""
Likeness: TypeAlias = tuple[str, str, str, str]
"""The keys of two papers, the answer whether they are one work, and why."""

_HELD = (
    " IN (SELECT id FROM fact WHERE name IN ('key', 'alias') AND value{0}"
    " UNION SELECT id FROM mark WHERE name = 'holds' AND value{0})"
)
_SAME = " IN (SELECT value FROM json_each(?))"
_CHANGED = (
    "SELECT id FROM asked WHERE (what, of, answer) IN (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'),"
    " json_extract(value, '$[2]') FROM json_each(?))"
)
_MAY_BE_TWICE = (
    "SELECT value FROM (SELECT value FROM fact WHERE name = 'key' GROUP BY value HAVING count(*) > 1)"
    " UNION SELECT value FROM fact WHERE name = 'alias' UNION SELECT value FROM mark WHERE name = 'holds'"
)


class Kept(NamedTuple):
    """What was found in the file of a paper that has this stamp, as JSON: findings; entries, each with its line,
    and tags, for what is found in several papers at once; and what was asked beyond the file."""

    file: str
    stamp: str
    findings: str
    entries: str
    tags: str
    asked: Collection[Asked]


def asked(db: sqlite3.Connection) -> list[Asked]:
    """Everything that was asked beyond the files of papers."""
    return list(db.execute("SELECT DISTINCT what, of, answer FROM asked"))


def unchecked(db: sqlite3.Connection, changed: Sequence[Asked]) -> dict[str, str]:
    """File name -> stamp of the papers of which nothing is kept, or that rest on one of these."""
    held = f"SELECT file, stamp FROM paper WHERE id NOT IN (SELECT id FROM verdict) OR id IN ({_CHANGED}) ORDER BY file"
    return {rows.named(file): stamp for file, stamp in db.execute(held, (json.dumps(changed),))}


def keep(db: sqlite3.Connection, found: Iterable[Kept]) -> list[str]:
    """Keep what was found; returns the files that have another stamp by now, of which nothing is kept."""
    lost = []
    for one in found:
        row = db.execute("SELECT id FROM paper WHERE file = ? AND stamp = ?", (rows.stored(one.file), one.stamp))
        if held := row.fetchone():
            rows.unjudge(db, [held])
            db.execute("INSERT INTO verdict VALUES (?, ?, ?, ?)", (*held, one.findings, one.entries, one.tags))
            db.executemany("INSERT INTO asked VALUES (?, ?, ?, ?)", ((*held, *asked) for asked in one.asked))
        else:
            lost.append(one.file)
    return lost


def forget(db: sqlite3.Connection) -> None:
    """Forget all that was found out, with nothing else."""
    for table in rows.FOUND:
        db.execute(f"DELETE FROM {table}")


def findings(db: sqlite3.Connection) -> list[str]:
    """What was found in each paper in which something was."""
    return [found for (found,) in db.execute("SELECT findings FROM verdict WHERE findings <> '[]'")]


def entries(db: sqlite3.Connection, keys: Collection[str]) -> list[tuple[str, str, str]]:
    """File, key and entries of the papers that hold an entry with a key that another one may hold as well, or that is
    one of these, case folded."""
    some = json.dumps([*(key for (key,) in db.execute(_MAY_BE_TWICE)), *keys])
    return _told(db, "entries", f"id{_HELD.format(_SAME)}", some, some)


def lines(db: sqlite3.Connection, keys: Collection[str]) -> list[tuple[str, str, str]]:
    """File, key and entries of these papers."""
    return _told(db, "entries", f"key{_SAME}", json.dumps(list(keys)))


def tags(db: sqlite3.Connection) -> list[tuple[str, int]]:
    """The tags of papers as their files have them, and how many have these."""
    return list(db.execute("SELECT tags, count(*) FROM verdict WHERE tags <> '[]' GROUP BY tags"))


def tagged(db: sqlite3.Connection, tags: Sequence[str]) -> list[str]:
    """The files of the papers that have exactly these tags, as `tags` gives them."""
    held = f"SELECT file FROM paper JOIN verdict USING (id) WHERE tags{_SAME} ORDER BY file"
    return [rows.named(file) for (file,) in db.execute(held, (json.dumps(tags),))]


def _told(db: sqlite3.Connection, column: str, which: str, *values: str) -> list[tuple[str, str, str]]:
    held = f"SELECT file, key, {column} FROM paper JOIN verdict USING (id) WHERE {which} ORDER BY file"
    return [(rows.named(file), key, told) for file, key, told in db.execute(held, values)]


def bibtex(db: sqlite3.Connection, key: str) -> list[str]:
    """The BibTeX of the papers that may hold an entry with this key, case folded."""
    held = (
        f"SELECT bibtex FROM paper JOIN prose USING (id) WHERE id{_HELD.format(' = ?')} AND bibtex <> '' ORDER BY file"
    )
    return [text for (text,) in db.execute(held, (key, key))]


def uncompared(db: sqlite3.Connection) -> list[tuple[str, str]]:
    """The marks that several papers have and under which they have not been compared as they are."""
    return list(db.execute(
        "SELECT name, value FROM mark WHERE name NOT IN ('key', 'holds', 'entry', 'different')"
        " GROUP BY name, value HAVING count(*) > 1 EXCEPT SELECT name, value FROM likeness"
    ))  # fmt: skip


def compare(
    db: sqlite3.Connection, marks: Sequence[tuple[str, str]], judge: Callable[[Facts, Facts], tuple[str, str]],
    most: int,
) -> None:  # fmt: skip
    """Compare the papers that have one of these marks, of each the first so many, and keep what `judge` says but for
    "different"."""
    held = "SELECT id FROM mark JOIN paper USING (id) WHERE name = ? AND value = ? ORDER BY file LIMIT ?"
    groups = {mark: [i for (i,) in db.execute(held, (*mark, most))] for mark in marks}
    ids = sorted({i for group in groups.values() for i in group})
    facts = dict(zip(ids, rows.load(db, ids), strict=True))
    judged: dict[tuple[int, int], tuple[str, str]] = {}
    for mark, group in groups.items():
        for pair in combinations(group, 2):
            if pair not in judged:
                judged[pair] = judge(facts[pair[0]], facts[pair[1]])
        alike = [
            (facts[a].key, facts[b].key, *judged[a, b]) for a, b in combinations(group, 2)
            if judged[a, b][0] != "different"
        ]  # fmt: skip
        db.execute("INSERT OR REPLACE INTO likeness VALUES (?, ?, ?)", (*mark, json.dumps(alike)))


def alike(db: sqlite3.Connection) -> list[Likeness]:
    """The pairs of papers that are or may be one work, each once, in the order of the second's key."""
    held = (json.loads(pairs) for (pairs,) in db.execute("SELECT pairs FROM likeness WHERE pairs <> '[]'"))
    found = {(first, second, answer, why) for pairs in held for first, second, answer, why in pairs}
    return sorted(found, key=lambda pair: (pair[1], pair[0]))
