"""The tables of the index: their shape, and papers going in and coming out.

`paper` has a row a file with what sorting needs and a list prints, `body` and `prose` the facts, `fact` what fields
compare whole, `mark` by what a work is recognised, `words` (FTS5, without a copy of the text) the tokens. Rows of a
paper are found again from its facts.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import json
import sqlite3
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeAlias, TypeVar

from catalog.facts import SCHEMA, Facts, Line, Reading
from catalog.search.cells import (
    FIELDS,
    NOTHING,
    SORTS,
    Beside,
    as_text,
    columns,
    decode,
    from_text,
    kept,
    line,
    pairs,
    shown,
    sorts,
)
from catalog.search.fold import clean
from catalog.text import plain

T = TypeVar("T")
_FEW = 1000  # papers that are looked up one by one, however many there are

_APPLICATION = 0x6B624958
_SCHEMA = (
    f"CREATE TABLE paper(id INTEGER PRIMARY KEY, file TEXT UNIQUE NOT NULL, stamp TEXT NOT NULL, {', '.join(SORTS)},"
    " shown, authors, by)",
    "CREATE INDEX paper_key ON paper(key)",
    "CREATE INDEX paper_added ON paper(added DESC, key, id)",
    "CREATE TABLE body(id INTEGER PRIMARY KEY, facts TEXT NOT NULL)",
    "CREATE TABLE prose(id INTEGER PRIMARY KEY, abstract TEXT NOT NULL, notes TEXT NOT NULL, bibtex TEXT NOT NULL,"
    " told TEXT NOT NULL, taught TEXT NOT NULL)",
    "CREATE TABLE fact(name TEXT, value TEXT, id INTEGER, PRIMARY KEY(name, value, id)) WITHOUT ROWID",
    "CREATE TABLE mark(name TEXT, value TEXT, id INTEGER, PRIMARY KEY(name, value, id)) WITHOUT ROWID",
    "CREATE INDEX mark_id ON mark(id)",
    "CREATE VIRTUAL TABLE words USING fts5(key, title, authors, tags, venue, abstract, notes, told, taught,"
    " content='', tokenize='ascii', prefix='2')",
    "CREATE VIRTUAL TABLE vocabulary USING fts5vocab(words, 'row')",
    "CREATE TABLE vector(id INTEGER PRIMARY KEY, passages BLOB)",
    "CREATE TABLE verdict(id INTEGER PRIMARY KEY, findings TEXT NOT NULL, entries TEXT NOT NULL, tags TEXT NOT NULL)",
    "CREATE TABLE asked(id INTEGER, what TEXT, of TEXT, answer TEXT, PRIMARY KEY(id, what, of)) WITHOUT ROWID",
    "CREATE TABLE likeness(name TEXT, value TEXT, pairs TEXT NOT NULL, PRIMARY KEY(name, value)) WITHOUT ROWID",
    "CREATE TABLE formed(file TEXT PRIMARY KEY, stamp TEXT) WITHOUT ROWID",
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
)
FOUND = ("verdict", "asked", "likeness")  # what is kept of checks
Change: TypeAlias = tuple[str, str, Facts]
Marks: TypeAlias = Mapping[str, Iterable[tuple[str, str]]]
_LAYOUT = 10  # raised when the rows of a paper change their meaning
_VERSION = zlib.crc32(repr((_LAYOUT, SCHEMA, _SCHEMA, FIELDS, unicodedata.unidata_version)).encode()) & 0x7FFFFFFF
_ADD_PAPER = "INSERT INTO paper VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_ADD_WORDS = (
    "INSERT INTO words(rowid, key, title, authors, tags, venue, abstract, notes, told, taught)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_DROP_WORDS = (
    "INSERT INTO words(words, rowid, key, title, authors, tags, venue, abstract, notes, told, taught)"
    " VALUES ('delete', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_MARKED = "SELECT value, key FROM mark JOIN paper USING (id) WHERE name = ? ORDER BY key"
_MARKED_SO = (
    "SELECT mark.value, key FROM mark JOIN paper USING (id)"
    " WHERE name = ? AND mark.value IN (SELECT value FROM json_each(?)) ORDER BY key"
)
_ALIASES = "SELECT mark.value, id FROM mark JOIN paper USING (id) WHERE mark.name = 'key' AND mark.value <> key"
_ENTRIES = "SELECT id, key, bibtex FROM paper JOIN prose USING (id) WHERE bibtex <> '' ORDER BY key"
_TEXTS = (
    "SELECT key, abstract, notes, told, taught FROM paper JOIN prose USING (id)"
    " WHERE key IN (SELECT value FROM json_each(?))"
)
_BESIDE = "SELECT id, told, taught FROM prose WHERE id IN (SELECT value FROM json_each(?))"
_WHOLE = "SELECT id, facts, abstract, notes, bibtex FROM body JOIN prose USING (id)"
_LINES = "SELECT id, key, status, year, shown, authors, by FROM paper"
_SOME = " WHERE id IN (SELECT value FROM json_each(?))"


class Entries(NamedTuple):
    """A paper's key, its other names, and its BibTeX."""

    key: str
    aliases: tuple[str, ...]
    bibtex: str


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


def stamps(db: sqlite3.Connection, keys: Iterable[str] | None = None) -> dict[str, str]:
    """File name -> stamp of the papers with these keys, or of each."""
    if keys is None:
        return _named(db.execute("SELECT file, stamp FROM paper"))
    wanted = json.dumps([clean(key) for key in keys])
    return _named(db.execute("SELECT file, stamp FROM paper WHERE key IN (SELECT value FROM json_each(?))", (wanted,)))


def update(
    db: sqlite3.Connection, changed: Sequence[Change], removed: Iterable[str], marks: Marks, say: Mapping[str, Beside]
) -> None:
    """Replace the rows of changed files and drop those of removed ones, within the caller's transaction.

    `marks` are, by file, the (name, value) pairs under which `marked` finds its paper; `say` is, by file, what others
    say of it, which is searched too.
    """
    files = [*(change[0] for change in changed), *removed]
    rows_of = (db.execute("SELECT id FROM paper WHERE file = ?", (stored(file),)).fetchone() for file in files)
    known = {file: row[0] for file, row in zip(files, rows_of, strict=True) if row}
    fresh = itertools.count(db.execute("SELECT coalesce(max(id), 0) + 1 FROM paper").fetchone()[0])
    before = _drop(db, list(known.values()))
    rows = [(known.get(change[0]) or next(fresh), *change) for change in changed]
    coming = [(*row, Beside(*map(clean, say.get(row[1], NOTHING)))) for row in rows]
    _insert(db, coming)
    after = {i: _told(one, said) for i, *_, one, said in coming}
    db.executemany("DELETE FROM vector WHERE id = ?", ((i,) for i, told in before.items() if told != after.get(i)))
    marked = {(clean(name), clean(value), i) for i, file, *_ in rows for name, value in marks.get(file, ())}
    db.executemany("INSERT INTO mark VALUES (?, ?, ?)", sorted(marked))
    _uncompare(db, [row[:1] for row in rows])


def unjudge(db: sqlite3.Connection, ids: Sequence[tuple[int]]) -> None:
    """Forget what was found in the files of these papers, and beyond them."""
    db.executemany("DELETE FROM verdict WHERE id = ?", ids)
    db.executemany("DELETE FROM asked WHERE id = ?", ids)


def _uncompare(db: sqlite3.Connection, ids: Sequence[tuple[int]]) -> None:
    """Forget which papers are alike of those that have a mark of one of these."""
    if db.execute("SELECT 1 FROM likeness LIMIT 1").fetchone():
        db.executemany("DELETE FROM likeness WHERE (name, value) IN (SELECT name, value FROM mark WHERE id = ?)", ids)


def restamp(db: sqlite3.Connection, stamps: Mapping[str, str]) -> None:
    """Keep other stamps of files that say what they said."""
    db.executemany("UPDATE paper SET stamp = ? WHERE file = ?", ((mark, stored(f)) for f, mark in stamps.items()))


def read_on(db: sqlite3.Connection, file: str, before: Sequence[str], stamp: str, reading: Reading) -> bool:
    """Keep how far the reader is with the paper of a file; False where it is known under none of these stamps."""
    found = db.execute("SELECT id, stamp FROM paper WHERE file = ?", (stored(file),)).fetchone()
    if found is None or found[1] not in before:
        return False
    ids = [found[0]]
    marks = list(db.execute("SELECT name, value FROM mark WHERE id = ?", ids))
    one = replace(load(db, ids)[0], reading=reading)
    update(db, [(file, stamp, one)], [], {file: marks}, {file: beside(db, ids)[ids[0]]})
    return True


def clear(db: sqlite3.Connection) -> None:
    """Drop the rows of every paper and every meta value, within the caller's transaction."""
    for table in ("paper", "body", "prose", "fact", "mark", "vector", *FOUND, "formed", "meta"):
        db.execute(f"DELETE FROM {table}")
    db.execute("INSERT INTO words(words) VALUES ('delete-all')")


def formed(db: sqlite3.Connection, form: str) -> dict[str, str]:
    """File name -> stamp of the files that were found to be in this canonical form."""
    held = db.execute("SELECT value FROM meta WHERE name = 'form'").fetchone()
    return _named(db.execute("SELECT file, stamp FROM formed")) if held == (form,) else {}


def keep_formed(db: sqlite3.Connection, stamps: Mapping[str, str], form: str) -> None:
    """Keep which files are in a canonical form; what was kept of another one goes."""
    if db.execute("SELECT value FROM meta WHERE name = 'form'").fetchone() != (form,):
        db.execute("DELETE FROM formed")
        set_meta(db, "form", form)
    db.executemany("INSERT OR REPLACE INTO formed VALUES (?, ?)", ((stored(f), mark) for f, mark in stamps.items()))


def set_meta(db: sqlite3.Connection, name: str, value: str) -> None:
    """Keep a value under a name."""
    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))


def marked(db: sqlite3.Connection, name: str, values: Iterable[str] | None) -> list[tuple[str, str]]:
    """The (value, key) pairs of papers that have one of these values under a mark's name; of all where None."""
    if values is None:
        return list(db.execute(_MARKED, (name,)))
    return list(db.execute(_MARKED_SO, (name, json.dumps([clean(value) for value in values]))))


def load(db: sqlite3.Connection, ids: Sequence[int]) -> list[Facts]:
    """The papers with these ids, in their order."""
    with uncollected():
        return _in_order(db, _WHOLE, ids, from_text)


def entries(db: sqlite3.Connection) -> list[Entries]:
    """Every paper that has BibTeX with it; what is beside the index's own words is not looked at."""
    aliases: dict[int, list[str]] = {}
    for alias, i in db.execute(_ALIASES):
        aliases.setdefault(i, []).append(alias)
    with uncollected():
        return [Entries(key, tuple(aliases.get(i, ())), text) for i, key, text in db.execute(_ENTRIES)]


def texts(db: sqlite3.Connection, keys: Sequence[str]) -> dict[str, dict[str, str]]:
    """By key, the running texts of papers, by what they are."""
    found = db.execute(_TEXTS, (json.dumps(keys),))
    return {
        key: {
            "abstract": plain(pairs(decode(abstract)[0])),
            "notes": notes,
            "implementation": told,
            "notebook": taught,
        }
        for key, abstract, notes, told, taught in found
    }


def without_entries(db: sqlite3.Connection) -> list[Facts]:
    """Every paper that has no BibTeX."""
    return load(db, [i for (i,) in db.execute("SELECT id FROM prose WHERE bibtex = '' ORDER BY id")])


def mentioning(db: sqlite3.Connection, key: str, files: Iterable[str]) -> list[str]:
    """The keys of the papers whose BibTeX may name a key, in whatever case, or whose notes one of these files.

    SQLite folds ASCII alone: where the key has other letters, any paper with BibTeX may name it.
    """
    named = "instr(lower(bibtex), ?)" if key.isascii() else "bibtex <> ?"
    linked = "notes <> '' AND EXISTS (SELECT 1 FROM json_each(?) WHERE instr(notes, value))"
    held = f"SELECT key FROM paper JOIN prose USING (id) WHERE {named} OR {linked} ORDER BY key"
    wanted = key.lower() if key.isascii() else ""
    return [found for (found,) in db.execute(held, (clean(wanted), json.dumps(list(map(clean, files)))))]


def beside(db: sqlite3.Connection, ids: Sequence[int]) -> dict[int, Beside]:
    """What others say of the papers with these ids."""
    return {i: Beside(told, taught) for i, told, taught in db.execute(_BESIDE, (json.dumps(ids),))}


def lines(db: sqlite3.Connection, ids: Sequence[int]) -> list[Line]:
    """What a list prints of the papers with these ids, in their order."""
    with uncollected():
        return _in_order(db, _LINES, ids, line)


def _in_order(db: sqlite3.Connection, sql: str, ids: Sequence[int], make: Callable[..., T]) -> list[T]:
    some = len(ids) <= _FEW or 2 * len(ids) < _count(db)
    found = db.execute(sql + _SOME, (json.dumps(ids),)) if some else db.execute(sql)
    try:
        papers = {row[0]: make(*row[1:]) for row in found}
        return [papers[i] for i in ids]
    except (ValueError, TypeError, LookupError):
        raise NotAnIndex from None


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """The facts of ten thousand papers at once hold no cycles; looking for some takes up to a quarter of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _count(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM body").fetchone()[0])


def _drop(db: sqlite3.Connection, ids: Sequence[int]) -> dict[int, object]:
    """Forget papers but for their vectors; returns what these were made of."""
    known = load(db, ids)
    said = beside(db, ids)
    db.executemany(_DROP_WORDS, ((i, *columns(one, said[i])) for i, one in zip(ids, known, strict=True)))
    db.executemany(
        "DELETE FROM fact WHERE name = ? AND value = ? AND id = ?",
        sorted((*fact, i) for i, one in zip(ids, known, strict=True) for fact in kept(one)),
    )
    these = [(i,) for i in ids]
    _uncompare(db, these)
    unjudge(db, these)
    for table in ("paper", "body", "prose", "mark"):
        db.executemany(f"DELETE FROM {table} WHERE id = ?", these)
    return {i: _told(one, said[i]) for i, one in zip(ids, known, strict=True)}


def _told(one: Facts, said: Beside) -> object:
    """What `meaning` makes the vectors of a paper of."""
    return one.heading, one.tags, one.abstract, one.notes, said.told


def _insert(db: sqlite3.Connection, changes: Sequence[tuple[int, str, str, Facts, Beside]]) -> None:
    papers = ((i, stored(file), stamp, *sorts(one), *shown(one)) for i, file, stamp, one, _ in changes)
    db.executemany(_ADD_PAPER, papers)
    db.executemany("INSERT INTO body VALUES (?, ?)", ((i, as_text(one)) for i, *_, one, _ in changes))
    prose = ((i, json.dumps(one.abstract), clean(one.notes), clean(one.bibtex), *say) for i, *_, one, say in changes)
    db.executemany("INSERT INTO prose VALUES (?, ?, ?, ?, ?, ?)", prose)
    known = sorted((*fact, i) for i, *_, one, _ in changes for fact in kept(one))
    db.executemany("INSERT INTO fact VALUES (?, ?, ?)", known)
    db.executemany(_ADD_WORDS, ((i, *columns(one, say)) for i, *_, one, say in changes))


def stored(file: str) -> str | bytes:
    """A file name as the table holds it: some are no UTF-8."""
    return file if file.isascii() else file.encode("utf-8", "surrogatepass")


def _named(found: Iterable[tuple[str | bytes, str]]) -> dict[str, str]:
    """Stamps by the names of files, which nearly all are as they are stored."""
    held = dict(found)
    for odd in [file for file in held if type(file) is not str]:
        held[named(odd)] = held.pop(odd)
    return held  # type: ignore[return-value]  # no other key is left


def named(stored: str | bytes) -> str:
    try:
        return stored if isinstance(stored, str) else stored.decode("utf-8", "surrogatepass")
    except (ValueError, AttributeError):
        raise NotAnIndex from None
