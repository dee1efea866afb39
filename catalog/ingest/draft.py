"""What a reader of a source hands on: papers as the source describes them, not yet given a key or merged."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from catalog.errors import Finding
from catalog.models import Link, Status, Tutorial


@dataclass(frozen=True, slots=True)
class Draft:
    """One paper as a source describes it.

    `status` is None where the source does not say. `bibtex` is the text of one entry, repaired where that was needed.
    `key` is set only where the source names it apart from the BibTeX. `line` is where it stands in the source.
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
    bibtex: str = ""
    notes: str = ""
    line: int = 0
    path: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """All that one source holds: papers, what its entries share, and what was found on the way.

    `shared` are the texts of `@string`, `@preamble`, `@xdata` and comments of a .bib file, in its order. `findings`
    have kind "repaired", "kept" (verbatim, in some paper's notes or in `shared`), "rejected" or "note".
    """

    drafts: tuple[Draft, ...] = ()
    shared: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
