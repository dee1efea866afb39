"""The tables of the index: their shape, and papers going in and coming out.

`paper` has a row a file with what sorting needs, `body` and `prose` the record, `fact` what fields compare whole,
`mark` by what a work is recognised, `words` (FTS5, without a copy of the text) the tokens. Rows of a paper are found
again from its record.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import json
import sqlite3
import unicodedata
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import TypeAlias

from catalog.record import Record
from catalog.search.fields import STATUSES, facts
from catalog.search.fold import clean, compounds, fold

SORTS = ("year", "added", "read", "title", "author", "key", "venue", "status", "due")

_APPLICATION = 0x6B624958
_BETWEEN = " \N{PILCROW SIGN} "  # a token that no query has, so that a phrase does not run on into the next author
_SCHEMA = (
    f"CREATE TABLE paper(id INTEGER PRIMARY KEY, file TEXT UNIQUE NOT NULL, stamp TEXT NOT NULL, {', '.join(SORTS)})",
    "CREATE INDEX paper_key ON paper(key)",
    "CREATE TABLE body(id INTEGER PRIMARY KEY, record TEXT NOT NULL)",
    "CREATE TABLE prose(id INTEGER PRIMARY KEY, abstract TEXT NOT NULL, notes TEXT NOT NULL)",
    "CREATE TABLE fact(name TEXT, value TEXT, id INTEGER, PRIMARY KEY(name, value, id)) WITHOUT ROWID",
    "CREATE TABLE mark(name TEXT, value TEXT, id INTEGER, PRIMARY KEY(name, value, id)) WITHOUT ROWID",
    "CREATE INDEX mark_id ON mark(id)",
    "CREATE VIRTUAL TABLE words USING fts5(key, title, authors, tags, venue, abstract, notes,"
    " content='', tokenize='ascii', prefix='2')",
    "CREATE VIRTUAL TABLE vocabulary USING fts5vocab(words, 'row')",
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
)
_FIELDS = tuple(field.name for field in fields(Record))
_VALUES = attrgetter(*_FIELDS)
_TUPLES = tuple(i for i, field in enumerate(fields(Record)) if str(field.type).startswith("tuple"))
_ABSTRACT, _NOTES, _LINKS = map(_FIELDS.index, ("abstract", "notes", "links"))
_decode = json.JSONDecoder().raw_decode  # half the time of json.loads, which looks for blanks around
Change: TypeAlias = tuple[str, str, Record]
Marks: TypeAlias = Mapping[str, Iterable[tuple[str, str]]]
_VERSION = zlib.crc32(repr((1, _SCHEMA, _FIELDS, unicodedata.unidata_version)).encode()) & 0x7FFFFFFF
_ADD_PAPER = "INSERT INTO paper VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_ADD_WORDS = (
    "INSERT INTO words(rowid, key, title, authors, tags, venue, abstract, notes) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_DROP_WORDS = (
    "INSERT INTO words(words, rowid, key, title, authors, tags, venue, abstract, notes)"
    " VALUES ('delete', ?, ?, ?, ?, ?, ?, ?, ?)"
)
_MARKED = "SELECT value, key FROM mark JOIN paper USING (id) WHERE name = ? ORDER BY key"
_MARKED_SO = (
    "SELECT mark.value, key FROM mark JOIN paper USING (id)"
    " WHERE name = ? AND mark.value IN (SELECT value FROM json_each(?)) ORDER BY key"
)
_BRIEF = "SELECT id, record FROM body"
_BRIEF_SOME = "SELECT id, record FROM body WHERE id IN (SELECT value FROM json_each(?))"
_WHOLE = "SELECT id, record, abstract, notes FROM body JOIN prose USING (id)"
_WHOLE_SOME = (
    "SELECT id, record, abstract, notes FROM body JOIN prose USING (id) WHERE id IN (SELECT value FROM json_each(?))"
)


class NotAnIndex(sqlite3.DatabaseError):
    """A database that is none of ours, of another version, or with rows that we cannot have written."""


def prepare(db: sqlite3.Connection) -> None:
    """Make the tables in an empty file; raises `NotAnIndex` where the file holds anything but this version's index."""
    db.execute("PRAGMA synchronous = NORMAL")
    if _is_empty(db):
        _create(db)
    stamp = [db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
    if stamp != [_APPLICATION, _VERSION]:
        raise NotAnIndex


def _create(db: sqlite3.Connection) -> None:
    db.execute("BEGIN IMMEDIATE")
    if _is_empty(db):
        for statement in _SCHEMA:
            db.execute(statement)
        with contextlib.suppress(sqlite3.OperationalError):  # one merge for ten thousand papers halves the time
            db.execute("INSERT INTO words(words, rank) VALUES ('hashsize', 33554432)")
        db.execute(f"PRAGMA application_id = {_APPLICATION}")
        db.execute(f"PRAGMA user_version = {_VERSION}")
    db.execute("COMMIT")
    with contextlib.suppress(sqlite3.OperationalError):  # readers then never wait for a writer; without it they may
        db.execute("PRAGMA journal_mode = WAL")


def _is_empty(db: sqlite3.Connection) -> bool:
    return db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None


def stamps(db: sqlite3.Connection) -> dict[str, str]:
    """File name -> stamp of each paper."""
    return {_named(file): stamp for file, stamp in db.execute("SELECT file, stamp FROM paper")}


def update(db: sqlite3.Connection, changed: Sequence[Change], removed: Iterable[str], marks: Marks) -> None:
    """Replace the rows of changed files and drop those of removed ones, within the caller's transaction.

    `marks` are, by file, the (name, value) pairs under which `marked` finds its paper.
    """
    known = {_named(file): i for file, i in db.execute("SELECT file, id FROM paper")}
    _drop(db, [known[file] for file in (*(change[0] for change in changed), *removed) if file in known])
    fresh = itertools.count(max(known.values(), default=0) + 1)
    rows = [(known.get(change[0]) or next(fresh), *change) for change in changed]
    _insert(db, rows)
    pairs = {(clean(name), clean(value), i) for i, file, *_ in rows for name, value in marks.get(file, ())}
    db.executemany("INSERT INTO mark VALUES (?, ?, ?)", sorted(pairs))


def clear(db: sqlite3.Connection) -> None:
    """Drop the rows of every paper and every meta value, within the caller's transaction."""
    db.execute("DELETE FROM paper")
    db.execute("DELETE FROM body")
    db.execute("DELETE FROM prose")
    db.execute("DELETE FROM fact")
    db.execute("DELETE FROM mark")
    db.execute("DELETE FROM meta")
    db.execute("INSERT INTO words(words) VALUES ('delete-all')")


def set_meta(db: sqlite3.Connection, name: str, value: str) -> None:
    """Keep a value under a name."""
    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))


def marked(db: sqlite3.Connection, name: str, values: Iterable[str] | None) -> list[tuple[str, str]]:
    """The (value, key) pairs of papers that have one of these values under a mark's name; of all where None."""
    if values is None:
        return list(db.execute(_MARKED, (name,)))
    return list(db.execute(_MARKED_SO, (name, json.dumps([clean(value) for value in values]))))


def load(db: sqlite3.Connection, ids: Sequence[int], brief: bool = False) -> list[Record]:
    """The papers with these ids, in their order; `brief` leaves out abstract and notes."""
    if 2 * len(ids) < _count(db):
        found = db.execute(_BRIEF_SOME if brief else _WHOLE_SOME, (json.dumps(ids),))
    else:
        found = db.execute(_BRIEF if brief else _WHOLE)
    try:
        with _uncollected():
            papers = {row[0]: _record(*row[1:]) for row in found}
        return [papers[i] for i in ids]
    except (ValueError, TypeError, LookupError):
        raise NotAnIndex from None


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Ten thousand records at once hold no cycles; looking for some takes a quarter of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _count(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM body").fetchone()[0])


def _drop(db: sqlite3.Connection, ids: Sequence[int]) -> None:
    records = load(db, ids)
    db.executemany(_DROP_WORDS, ((i, *columns(record)) for i, record in zip(ids, records, strict=True)))
    db.executemany(
        "DELETE FROM fact WHERE name = ? AND value = ? AND id = ?",
        sorted((*fact, i) for i, record in zip(ids, records, strict=True) for fact in facts(record)),
    )
    db.executemany("DELETE FROM paper WHERE id = ?", ((i,) for i in ids))
    db.executemany("DELETE FROM body WHERE id = ?", ((i,) for i in ids))
    db.executemany("DELETE FROM prose WHERE id = ?", ((i,) for i in ids))
    db.executemany("DELETE FROM mark WHERE id = ?", ((i,) for i in ids))


def _insert(db: sqlite3.Connection, changes: Sequence[tuple[int, str, str, Record]]) -> None:
    papers = ((i, _stored(file), stamp, *_sorts(record)) for i, file, stamp, record in changes)
    db.executemany(_ADD_PAPER, papers)
    db.executemany("INSERT INTO body VALUES (?, ?)", ((i, _text(record)) for i, *_, record in changes))
    prose = ((i, clean(record.abstract), clean(record.notes)) for i, *_, record in changes)
    db.executemany("INSERT INTO prose VALUES (?, ?, ?)", prose)
    pairs = sorted((*fact, i) for i, *_, record in changes for fact in facts(record))
    db.executemany("INSERT INTO fact VALUES (?, ?, ?)", pairs)
    db.executemany(_ADD_WORDS, ((i, *columns(record)) for i, *_, record in changes))


def _stored(file: str) -> str | bytes:
    """A file name as the table holds it: some are no UTF-8."""
    return file if file.isascii() else file.encode("utf-8", "surrogatepass")


def _named(stored: str | bytes) -> str:
    try:
        return stored if isinstance(stored, str) else stored.decode("utf-8", "surrogatepass")
    except (ValueError, AttributeError):
        raise NotAnIndex from None


def _text(record: Record) -> str:
    """All of a record but its prose, as a JSON array in the order of its fields."""
    values = list(_VALUES(record))
    values[_ABSTRACT] = values[_NOTES] = ""
    return json.dumps(values)


def _record(text: str, abstract: str = "", notes: str = "") -> Record:
    values = _decode(text)[0]
    values[_ABSTRACT], values[_NOTES] = abstract, notes
    for i in _TUPLES:
        values[i] = tuple(values[i])
    values[_LINKS] = tuple(map(tuple, values[_LINKS]))
    return Record(*values)


def columns(record: Record) -> tuple[str, ...]:
    """The text of each column of `words`, folded."""
    authors, tags = _BETWEEN.join(map(fold, record.authors)), _BETWEEN.join(map(fold, record.tags))
    prose = _running(record.abstract), _running(record.notes)
    return (fold(record.key), _running(record.title), authors, tags, fold(record.venue), *prose)


def _running(text: str) -> str:
    """A text, and apart from it its words with hyphens written as one."""
    return _BETWEEN.join([fold(text), *compounds(text)])


def _sorts(record: Record) -> tuple[str | int | None, ...]:
    """What each of `SORTS` compares; None where there is no value."""
    status = STATUSES.index(record.status) if record.status in STATUSES else None
    year = record.year if 0 < record.year <= 9999 else None
    added, read, due = (clean(date) or None for date in (record.added, record.read, record.due))
    names = record.title, _family_first(record.first_author), record.venue
    title, author, venue = (fold(name) or None for name in names)
    return year, added, read, title, author, clean(record.key), venue, status, due


def _family_first(name: str) -> str:
    *given, family = name.split() or [""]
    return name if "," in name else " ".join([family, *given])
