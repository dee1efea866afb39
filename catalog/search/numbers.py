"""What a collection amounts to, counted from the tables of the index: no paper is read for it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Sequence
from typing import NamedTuple

from catalog.facts import STATUSES
from catalog.search.evaluate import column, find
from catalog.search.tree import Query

_READ = STATUSES.index("read")
_BEGUN = STATUSES.index("reading")
_THESE = "(SELECT value FROM json_each(?))"
_CHOSEN = f" AND id IN {_THESE}"
_KEYS = "SELECT key FROM paper WHERE key"
_NEWEST = "ORDER BY added DESC NULLS LAST, key LIMIT ?"
_HELD = "SELECT value, count(*) FROM fact WHERE name = ?"
_HELD_READ = f"{_HELD} AND id IN (SELECT id FROM fact WHERE name = 'status' AND value = 'read')"


class Waiting(NamedTuple):
    """A paper that is not read: how many others point to it, and of its tags those that read papers have, by number."""

    key: str
    status: str
    added: str
    due: str
    cited: int
    tags: tuple[tuple[int, str], ...]


class Numbers(NamedTuple):
    """Papers by (status, month in which they were read), tags and venues as name -> (read, all), the keys that are
    late, and how many those are; which papers are among the `keys` that were asked about, and which are not."""

    read: dict[tuple[str, str], int]
    by_tag: dict[str, tuple[int, int]]
    by_venue: dict[str, tuple[int, int]]
    late: list[str]
    all_late: int
    among: list[str]
    apart: list[str]


def numbers(
    db: sqlite3.Connection, query: Query, today: str, waited_since: str, keys: Collection[str], most: int
) -> Numbers:  # fmt: skip
    """The numbers of the papers that a query finds; late is what was due before `today` or added before `waited_since`.

    At most so many keys are named of those that are late, and of those that are not among `keys`; 0 is no limit. Raises
    `BadQuery`.
    """
    ids = None if query.root is None else find(db, query).ids
    some, given = _of(ids)
    months = "SELECT status, substr(coalesce(read, ''), 1, 7) AS month, count(*) FROM paper WHERE true"
    read = {(STATUSES[s], month): n for s, month, n in db.execute(f"{months}{some} GROUP BY status, month", given)}
    late = f"FROM paper WHERE status <> {_READ} AND (due < ? OR added < ?){some}"
    values = (today, waited_since, *given)
    order = "ORDER BY due NULLS LAST, added, key LIMIT ?"
    return Numbers(
        read,
        shares(db, "tags", ids),
        shares(db, "in", ids),
        column(db, f"SELECT key {late} {order}", *values, most or -1),
        int(db.execute(f"SELECT count(*) {late}", values).fetchone()[0]),
        column(db, f"{_KEYS} IN {_THESE}{some}", json.dumps(list(keys)), *given),
        column(db, f"{_KEYS} NOT IN {_THESE}{some} {_NEWEST}", json.dumps(list(keys)), *given, most or -1),
    )


def shares(db: sqlite3.Connection, name: str, ids: Sequence[int] | None = None) -> dict[str, tuple[int, int]]:
    """Each value of a fact with how many papers have it that are read, and in all; the most frequent first."""
    some, given = _of(ids)
    read = dict(db.execute(f"{_HELD_READ}{some} GROUP BY value", (name, *given)))
    held = db.execute(f"{_HELD}{some} GROUP BY value ORDER BY count(*) DESC, value", (name, *given))
    return {value: (read.get(value, 0), count) for value, count in held}


def waiting(
    db: sqlite3.Connection, query: Query, keys: Collection[str], most: int
) -> list[Waiting]:  # fmt: skip
    """Of the papers that a query finds, those for which something speaks to be read next, and those that waited most.

    Something speaks for what is begun, is due, has one of the `keys`, is pointed to, or has a tag of a read paper that
    less than half of all have. Raises `BadQuery`.
    """
    some, given = _of(None if query.root is None else find(db, query).ids)
    cited = dict(db.execute(f"{_HELD} GROUP BY value", ("cites",)))
    papers = int(db.execute("SELECT count(*) FROM body").fetchone()[0])
    telling = {tag: read for tag, (read, held) in shares(db, "tags").items() if read and held * 2 <= papers}
    tags: dict[int, list[tuple[int, str]]] = {}
    tagged = f"SELECT id, value FROM fact WHERE name = 'tags' AND value IN {_THESE}"
    for i, tag in db.execute(f"{tagged}{some}", (json.dumps(list(telling)), *given)):
        tags.setdefault(i, []).append((telling[tag], tag))
    row = f"SELECT id, key, status, coalesce(added, ''), coalesce(due, '') FROM paper WHERE status <> {_READ}{some}"
    speaks = f"id IN {_THESE} OR key IN {_THESE}"
    chosen = f"{row} AND (status = {_BEGUN} OR due IS NOT NULL OR {speaks})"
    spoken_for = (json.dumps(list(tags)), json.dumps([*cited, *keys]))
    found = [*db.execute(chosen, (*given, *spoken_for)), *_longest(db, row, given, most)]
    return [
        Waiting(key, STATUSES[status], added, due, cited.get(key, 0), tuple(tags.get(i, ())))
        for i, key, status, added, due in dict.fromkeys(found)
    ]


def _longest(db: sqlite3.Connection, row: str, given: tuple[str, ...], most: int) -> sqlite3.Cursor:
    return db.execute(f"{row} ORDER BY added NULLS LAST, key LIMIT ?", (*given, most or -1))


def spellings(db: sqlite3.Connection, slugs: Sequence[str]) -> list[str]:
    """How papers write the tags that have these slugs, the most frequent first."""
    held = f"SELECT id FROM fact WHERE name = 'tag' AND value IN {_THESE}"
    said = f"SELECT value FROM fact WHERE name = 'tags' AND id IN ({held}) GROUP BY value ORDER BY count(*) DESC, value"
    return column(db, said, json.dumps(slugs))


def _of(ids: Sequence[int] | None) -> tuple[str, tuple[str, ...]]:
    """The condition that chooses papers, and its value."""
    return ("", ()) if ids is None else (_CHOSEN, (json.dumps(ids),))
