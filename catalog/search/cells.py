"""A paper as the index holds it: the cells of its rows, made of its facts, and facts made of them."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from operator import attrgetter
from typing import NamedTuple

from catalog.facts import STATUSES, Address, Facts, Line, Name, Reading, Taught
from catalog.search.fields import facts
from catalog.search.fold import clean, compounds, fold
from catalog.text import plain

SORTS = ("year", "added", "read", "title", "author", "key", "venue", "status", "due")
_BETWEEN = " \N{PILCROW SIGN} "  # a token that no query has, so that a phrase does not run on into the next author
_LETTERS = re.compile(r"(?<![^\W\d_])[^\W\d_]{2,}(?![^\W\d_])")
FIELDS = tuple(field.name for field in fields(Facts))
_VALUES = attrgetter(*FIELDS)
_PROSE = tuple(map(FIELDS.index, ("abstract", "notes", "bibtex")))
decode = json.JSONDecoder().raw_decode  # half the time of json.loads, which looks for blanks around


class Beside(NamedTuple):
    """What others say of a paper: its implementations, and its notebooks."""

    told: str = ""
    taught: str = ""


NOTHING = Beside()


def kept(one: Facts) -> set[tuple[str, str]]:
    """What fields compare, and beside it what is only counted: tags and venue as they are written, the keys cited."""
    counted = [("tags", tag) for tag in one.tags] + [("cites", key) for key in one.cites if key != one.key]
    return facts(one) | {(name, clean(value)) for name, value in (*counted, ("in", one.venue)) if value}


def as_text(one: Facts) -> str:
    """All facts but prose, as a JSON array in the order of the fields."""
    values = list(_VALUES(one))
    for place in _PROSE:
        values[place] = ""
    return json.dumps(values)


def from_text(text: str, abstract: str, notes: str, bibtex: str) -> Facts:
    """The facts, of what `as_text` wrote and of the prose beside it."""
    (key, title, people, others, date, venue, kind, ids, addresses, _, tags, details, aliases, cites, tutorials,
     extras, reading, readers, *_) = decode(text)[0]  # fmt: skip
    return Facts(
        key, pairs(title), tuple((role, tuple(Name(*name) for name in names)) for role, names in people), others, date,
        venue, kind, pairs(ids), tuple(Address(*one) for one in addresses), pairs(decode(abstract)[0]), tuple(tags),
        pairs(details), tuple(aliases), tuple(cites),
        tuple(Taught(name, day, pairs(versions), notebook) for name, day, versions, notebook in tutorials),
        pairs(extras), Reading(*reading), tuple((name, Reading(*said)) for name, said in readers), bibtex, notes,
    )  # fmt: skip


def pairs(values: list[list[str]]) -> tuple[tuple[str, str], ...]:
    """Pairs as JSON holds them."""
    return tuple(map(tuple, values))  # type: ignore[arg-type]  # what was written are pairs


def line(key: str, status: int, year: int | None, shown: str, authors: str, by: str) -> Line:
    """What a list prints, of the cells that hold it."""
    return Line(key, STATUSES[status], year or 0, shown, authors, by)


def columns(one: Facts, say: Beside = NOTHING) -> tuple[str, ...]:
    """The text of each column of `words`, folded; `say` is what others say of the paper."""
    authors = _BETWEEN.join(_running(said) for name in one.names for said in _called(name))
    notes = _BETWEEN.join(map(_running, filter(None, (one.notes, *(taught.name for taught in one.tutorials)))))
    tags, prose = _BETWEEN.join(map(fold, one.tags)), (_running(plain(one.abstract)), notes)
    return _key(one.key), _running(plain(one.title)), authors, tags, fold(one.venue), *prose, *map(_running, say)


def _called(name: Name) -> tuple[str, ...]:
    """A name as it is read, and without the given names after the first: "Edward J Hu" is Edward Hu."""
    first, *more = name.given.split() or [""]
    short = name._replace(given=first).display if more and len(first.strip(".")) > 1 else name.display
    return tuple(dict.fromkeys((name.display, short)))


def _key(key: str) -> str:
    """A key, and apart from it the words that it is made of: "he2016resnet" has "resnet"."""
    folded = fold(key)
    parts = _LETTERS.findall(folded)
    return _BETWEEN.join([folded, *parts]) if len(parts) > 1 else folded


def _running(text: str) -> str:
    """A text, and apart from it its words with hyphens written as one."""
    return _BETWEEN.join([fold(text), *compounds(text)])


def sorts(one: Facts) -> tuple[str | int | None, ...]:
    """What each of `SORTS` compares; None where there is no value."""
    reading = one.reading
    status = STATUSES.index(reading.status) if reading.status in STATUSES else None
    year = one.year if 0 < one.year <= 9999 else None
    added, read, due = (clean(date) or None for date in (reading.added, reading.read, reading.due))
    texts = plain(one.title), one.names[0].sort if one.names else "", one.venue
    title, author, venue = (fold(text) or None for text in texts)
    return year, added, read, title, author, clean(one.key), venue, status, due


def shown(one: Facts) -> tuple[str, str, str]:
    """Title, authors and who made it, as a list prints them."""
    said = one.line
    return clean(said.title), clean(said.authors), clean(said.by)
