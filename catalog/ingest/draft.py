"""What a reader of a source hands on: papers as the source describes them, not yet given a key or merged."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

from catalog.errors import Finding
from catalog.models import Link, Paper, Status, Tutorial

FIELDS = tuple(name for name in Paper.model_fields if name not in ("key", "apart"))  # what a draft and a paper say


class Record(NamedTuple):
    """A reference of another program: its name there, what it says as `export.again.canonical` has it, and as CSL."""

    name: str = ""
    said: str = ""
    item: Mapping[str, Any] = MappingProxyType({})


_NOTHING: Mapping[str, str] = MappingProxyType({})
_NO_RECORD = Record()


@dataclass(frozen=True, slots=True)
class Draft:
    """One work as a source describes it; what it does not say is empty, or None.

    `date` is ISO and as long as it is precise ("2021", "2021-06", "2021-06-17"); `year` may stand alone. `kind` is ""
    for a paper, else "book", "code", "dataset", "blog", "video", "course" … `ids` are by name: "doi", "arxiv", "isbn",
    "pmid", "acl", "openreview" … `order` counts the entries of the source from 1; `section` is the path of headings
    above it. `bibtex` is the text of one entry, repaired where that was needed. `key` is set only where the source
    names it apart from the BibTeX. `extras` holds what has no slot, as lines of YAML by name (`paperfile.extra`).
    `line` is where it stands in the source.
    """

    title: str = ""
    authors: tuple[str, ...] = ()
    year: int = 0
    venue: str = ""
    key: str = ""
    status: Status | None = None
    read: dt.date | None = None
    added: dt.date | None = None
    due: dt.date | None = None
    links: tuple[Link, ...] = ()
    tags: tuple[str, ...] = ()
    tutorials: tuple[Tutorial, ...] = ()
    aliases: tuple[str, ...] = ()
    different: tuple[str, ...] = ()
    bibtex: str = ""
    notes: str = ""
    date: str = ""
    kind: str = ""
    ids: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    abstract: str = ""
    rating: int = 0
    order: int = 0
    section: tuple[str, ...] = ()
    extras: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    record: Record = _NO_RECORD
    line: int = 0
    path: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """All that one source holds: papers, what its entries share, and what was found on the way.

    `shared` are the texts of `@string`, `@preamble`, `@xdata` and comments of a .bib file, in its order. `findings`
    have kind "repaired", "kept" (verbatim, in some paper's notes or in `shared`), "rejected" or "note". `is_list` says
    that it is a reading list, as a person keeps one; `sections` are the introductions of its sections, by their path.
    `missed` counts what looks like a paper and was not taken (a finding of kind "rejected" each), `left` the lines that
    are no paper's and stay in the list.
    """

    drafts: tuple[Draft, ...] = ()
    shared: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    is_list: bool = False
    sections: tuple[tuple[tuple[str, ...], str], ...] = ()
    missed: int = 0
    left: int = 0


class Added(NamedTuple):
    """What became of one thing that was to be added.

    `key` is the paper's, "" where there is none: then `wrong` says why, or `choice` are works that may be meant. `new`
    says whether it was added now; `note` is to be said of one that was.
    """

    what: str
    key: str = ""
    new: bool = False
    note: str = ""
    wrong: str = ""
    choice: tuple[Draft, ...] = ()
