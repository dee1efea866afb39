"""Papers as one SQLite file, for queries, Datasette and notebooks."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing

from catalog.export.cite import citation
from catalog.facts import SCHEMA, Facts
from catalog.text import plain

TABLES = {
    "papers": {
        "key": "citation key", "title": "as plain text", "authors": "in a line", "year": "of publication, 0 unknown",
        "date": "ISO, as precise as known; a span is 2019/2021", "venue": "journal, proceedings, publisher",
        "kind": "type of its entry, or what the list calls it", "status": "unread, reading or read",
        "added": "ISO day", "read": "ISO day", "due": "ISO day", "rating": "0 where none is given",
        "doi": "without resolver", "arxiv": "without version", "abstract": "as plain text",
        "citation": "APA, in a line", "notes": "Markdown", "bibtex": "its entries as given",
    },
    "people": {
        "paper": "key", "role": "author, editor, translator …", "position": "from 1", "family": "", "given": "",
        "particle": "van der", "suffix": "Jr.", "literal": "whole, where a name has no parts", "display": "as read",
    },
    "tags": {"paper": "key", "tag": ""},
    "ids": {"paper": "key", "name": "doi, arxiv, isbn …", "value": "normalised"},
    "addresses": {"paper": "key", "kind": "paper, code, blog …", "url": "", "label": "", "origin": "link, or what it "
                  "is computed from"},
    "details": {"paper": "key", "name": "volume, pages, publisher …", "value": "decoded"},
    "cites": {"paper": "key", "cited": "key of a paper that its notes link to"},
    "aliases": {"alias": "a former key, or one of another entry", "paper": "key"},
    "about": {"table_name": "", "column_name": "", "meaning": ""},
}  # fmt: skip
_NUMBERS = frozenset({"year", "rating", "position"})
_SEARCHED = ("title", "authors", "abstract", "notes")


def as_sqlite(papers: Iterable[Facts]) -> bytes:
    """The bytes of a database: a table of papers, and tables of what there may be several of, each by the paper's key.

    The table `about` says what each column means; `papers_fts` finds words; `user_version` is the version of the facts.
    """
    with closing(sqlite3.connect(":memory:")) as base:
        base.execute(f"PRAGMA user_version = {SCHEMA}")
        for table, columns in TABLES.items():
            base.execute(f"CREATE TABLE {table} ({', '.join(_columns(table, columns))})")
        for facts in papers:
            for table, row in _rows(facts):
                base.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608 - ours
        about = [(table, column, meaning) for table, columns in TABLES.items() for column, meaning in columns.items()]
        base.executemany("INSERT INTO about VALUES (?, ?, ?)", about)
        for table in TABLES:
            if table not in ("papers", "about"):
                base.execute(f"CREATE INDEX {table}_paper ON {table} (paper)")
        base.execute(f"CREATE VIRTUAL TABLE papers_fts USING fts5({', '.join(_SEARCHED)}, content=papers)")
        base.execute("INSERT INTO papers_fts (papers_fts) VALUES ('rebuild')")
        base.commit()
        return base.serialize()


def _columns(table: str, columns: Iterable[str]) -> Iterator[str]:
    for column in columns:
        kind = "INTEGER" if column in _NUMBERS else "TEXT"
        more = " PRIMARY KEY" if (table, column) == ("papers", "key") else ""
        yield f"{column} {kind} NOT NULL{more}" + (" REFERENCES papers (key)" if column == "paper" else "")


def _rows(facts: Facts) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    key, mine = facts.key, facts.reading
    yield "papers", (
        key, facts.heading, facts.authors(), facts.year, facts.date, facts.venue, facts.kind, mine.status, mine.added,
        mine.read, mine.due, mine.rating, facts.doi, facts.arxiv, plain(facts.abstract), citation(facts), facts.notes,
        facts.bibtex,
    )  # fmt: skip
    for role, names in facts.people:
        for position, name in enumerate(names, start=1):
            yield "people", (key, role, position, *name, name.display)
    yield from (("tags", (key, tag)) for tag in facts.tags)
    yield from (("ids", (key, *pair)) for pair in facts.ids)
    yield from (("addresses", (key, *address)) for address in facts.addresses)
    yield from (("details", (key, *pair)) for pair in facts.details)
    yield from (("cites", (key, cited)) for cited in facts.cites)
    yield from (("aliases", (alias, key)) for alias in facts.aliases)
