"""From a paper file to what is shown of it: authors, year, venue and identifiers out of its BibTeX."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from catalog.bibtex.entry import MONTHS, Entry, read
from catalog.bibtex.identifiers import arxiv, doi
from catalog.bibtex.latex import decode
from catalog.bibtex.names import people
from catalog.bibtex.scan import scan
from catalog.errors import BadBibtex
from catalog.models import Paper
from catalog.record import Record

Parent = Callable[[str], Entry | None]

_NOTE_LINK = re.compile(r"\]\((?:\./)?([^()\s/#?]+)\.md(?:#[^()\s]*)?\)")
_YEAR = re.compile(r"(?<!\d)(1\d{3}|20\d{2})(?!\d)")
_NOT_INHERITED = frozenset({"crossref", "xdata", "xref", "ids", "keywords", "label", "sortkey", "key", "shorthand"})
_NO_TITLE = frozenset({"title", "subtitle", "titleaddon"})


def entries(bibtex: str) -> list[str]:
    """The entries of a paper's BibTeX: the paper's own first, then others for the same work under their own keys."""
    if bibtex.count("@") <= 1:
        return [bibtex] if bibtex else []
    blocks = [block.text for block in scan(bibtex) if block.kind in ("entry", "broken")]
    return blocks or [bibtex]


def read_first(paper: Paper, macros: Mapping[str, str] = MONTHS) -> Entry | None:
    """The paper's own entry; None where there is none or it cannot be read."""
    for text in entries(paper.bibtex)[:1]:
        try:
            return read(text, macros)
        except BadBibtex:
            return None
    return None


def inherit(entry: Entry, parent: Parent) -> Mapping[str, str]:
    """The entry's fields with what `crossref` and `xdata` bring: own fields win; a parent's title is a booktitle."""
    fields = dict(entry.fields)
    seen = {entry.key.casefold()}
    todo = _parents(entry)
    while todo:
        name = todo.pop(0)
        if name.casefold() in seen or not (source := parent(name)):
            continue
        seen.add(name.casefold())
        todo += _parents(source)
        data = source.type == "xdata"
        for field, value in source.fields.items():
            if field in _NOT_INHERITED:
                continue
            if field in _NO_TITLE and not data:
                field = "book" + field
            fields.setdefault(field, value)
    return fields


def _parents(entry: Entry) -> list[str]:
    names = [entry.fields.get("crossref", ""), *entry.fields.get("xdata", "").split(",")]
    return [name.strip() for name in names if name.strip()]


def describe(paper: Paper, macros: Mapping[str, str] = MONTHS, parent: Parent = lambda _: None) -> Record:
    """What is shown of a paper. An entry that cannot be read counts as none; nothing here ever fails on its text."""
    entry = read_first(paper, macros)
    fields = inherit(entry, parent) if entry else {}
    linked = next((a for link in paper.links if (a := arxiv(link.url))), "")
    preprint = arxiv_of(fields) or linked or paper.ids.get("arxiv", "")
    names, et_al = people(fields.get("author") or fields.get("editor") or "")
    return Record(
        key=paper.key,
        title=paper.title or title(fields) or paper.key,
        authors=tuple(shown for name in names if (shown := name.display)) or paper.authors,
        et_al=et_al,
        year=year(fields) or paper.year or int(paper.date[:4] or 0) or _arxiv_year(preprint),
        venue=venue(fields, entry.type if entry else "") or paper.venue or ("arXiv" if preprint and not entry else ""),
        type=entry.type if entry else "",
        status=str(paper.status),
        added=_iso(paper.added),
        read=_iso(paper.read),
        due=_iso(paper.due),
        tags=paper.tags,
        links=tuple((link.name, link.url, link.label) for link in paper.links),
        doi=doi_of(fields) or next((d for link in paper.links if (d := doi(link.url))), "") or paper.ids.get("doi", ""),
        arxiv=preprint,
        abstract=" ".join(fields.get("abstract", "").split()) or paper.abstract,
        notes=paper.notes,
        tutorials=len(paper.tutorials),
        aliases=paper.aliases + _other_keys(paper),
        cites=tuple(dict.fromkeys(_NOTE_LINK.findall(paper.notes))),
        bibtex=bool(paper.bibtex),
    )


def title(fields: Mapping[str, str]) -> str:
    """The title as shown, with its subtitle."""
    main, sub = decode(fields.get("title", "")), decode(fields.get("subtitle", ""))
    return f"{main}{'' if main[-1:] in '?!.:' else ':'} {sub}" if main and sub else main


def year(fields: Mapping[str, str]) -> int:
    """The year of `year` or biblatex's `date`; 0 where neither says."""
    for name in ("year", "date", "eventdate"):
        found = _YEAR.findall(decode(fields.get(name, "")))
        if found:
            return int(found[0] if name != "year" else found[-1])
    return 0


def _arxiv_year(identifier: str) -> int:
    """The year an arXiv id was given: 2106.09685 is of 2021."""
    digits = identifier.rpartition("/")[2][:2]
    if not digits.isdigit():
        return 0
    return (1900 if "/" in identifier and int(digits) > 90 else 2000) + int(digits)


def venue(fields: Mapping[str, str], entry_type: str) -> str:
    """Where it appeared: journal, proceedings, school, publisher; "arXiv" for a preprint."""
    for name in ("journaltitle", "journal", "booktitle", "maintitle", "eventtitle"):
        if found := decode(fields.get(name, "")):
            return "arXiv" if re.match(r"(?:arxiv|corr\b)", found, re.I) else found
    if arxiv_of(fields) and entry_type in ("misc", "article", "online", "unpublished", "preprint"):
        return "arXiv"
    for name in ("school", "institution", "organization", "publisher", "howpublished"):
        found = decode(fields.get(name, ""))
        if found and not re.search(r"https?:|www\.|\\url", fields.get(name, "")):
            return found
    return ""


def doi_of(fields: Mapping[str, str]) -> str:
    """The DOI the entry gives, also as an address; an arXiv DOI is an arXiv id and not counted."""
    found = doi(fields.get("doi", ""))
    if not found and "doi.org" in fields.get("url", ""):
        found = doi(fields["url"])
    return "" if found.startswith("10.48550/") else found


def arxiv_of(fields: Mapping[str, str]) -> str:
    """The arXiv id the entry gives: eprint, journal text, note, address or arXiv DOI."""
    kind = (fields.get("archiveprefix") or fields.get("eprinttype") or "").strip().lower()
    if kind in ("", "arxiv") and (found := arxiv(fields.get("eprint", ""), bare=True)):
        return found
    for name in ("journal", "journaltitle", "doi", "url", "howpublished", "note", "volume", "number", "pubstate"):
        if found := arxiv(fields.get(name, "").replace("\\_", "_")):
            return found
    return ""


def _other_keys(paper: Paper) -> tuple[str, ...]:
    """The keys of further entries for the same work."""
    keys = []
    for text in entries(paper.bibtex)[1:]:
        try:
            keys.append(read(text).key)
        except BadBibtex:
            continue
    return tuple(key for key in dict.fromkeys(keys) if key and key != paper.key)


def _iso(day: object) -> str:
    return str(day) if day else ""
