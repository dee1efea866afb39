"""From a paper file to the facts: what it says, and its BibTeX says, and what follows. The only derivation."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from catalog.bibtex import dates, used
from catalog.bibtex.addresses import addresses, arxiv_of, doi_of, identifiers
from catalog.bibtex.commands import NO_COMMANDS, Command
from catalog.bibtex.entry import MONTHS, Entry, read
from catalog.bibtex.latex import decode, rich
from catalog.bibtex.names import people
from catalog.bibtex.scan import scan
from catalog.bibtex.shared import NOTHING, Shared
from catalog.bibtex.spoken import name as spoken_name
from catalog.errors import BadBibtex
from catalog.facts import OTHERS, ROLES, Facts, Name, Reading, Taught
from catalog.text import Rich, joined, plain, tag_slug, with_math

if TYPE_CHECKING:
    from catalog.models import Paper

__all__ = ["arxiv_of", "describe", "doi_of", "entries", "inherit", "read_first", "title"]

Parent = Callable[[str], Entry | None]

_NOTE_LINK = re.compile(r"\]\((?:\./)?([^()\s/#?]+)\.md(?:#[^()\s]*)?\)")
_NOT_INHERITED = frozenset({"crossref", "xdata", "xref", "ids", "keywords", "label", "sortkey", "key", "shorthand"})
_NO_TITLE = frozenset({"title", "subtitle", "titleaddon"})
_RENAMED = {"address": "location", "school": "institution", "journal": "journaltitle", "hyphenation": "langid",
            "language": "langid"}  # fmt: skip
_DETAILS = (
    "volume", "number", "issue", "pages", "edition", "series", "publisher", "location", "address", "institution",
    "school", "organization", "note", "addendum", "version", "part", "chapter", "eid", "type", "howpublished",
    "journaltitle", "journal", "shortjournal", "booktitle", "booksubtitle", "maintitle", "eventtitle", "venue",
    "shorttitle", "shortauthor", "shorteditor", "titleaddon", "origdate", "eventdate", "urldate", "pubstate", "volumes",
    "pagetotal", "langid", "hyphenation", "language", "entrysubtype", "issuetitle", "origlanguage", "crossref",
)  # fmt: skip
_PREPRINT = re.compile(r"arxiv\b|corr(?:\Z|\s*,)", re.I)
_INSTEAD = ("titleaddon", "maintitle", "issuetitle")
_MOST_SAID = 1000  # characters of one detail


def entries(bibtex: str) -> list[str]:
    """The entries of a paper's BibTeX: the paper's own first, then others for the same work under their own keys."""
    if bibtex.count("@") <= 1:
        return [bibtex] if bibtex else []
    return list(_several(bibtex))


@lru_cache(maxsize=2)  # a paper is asked for its first entry, and for the others
def _several(bibtex: str) -> tuple[str, ...]:
    blocks = tuple(block.text for block in scan(bibtex) if block.kind in ("entry", "broken"))
    return blocks or (bibtex,)


def read_first(bibtex: str, macros: Mapping[str, str] = MONTHS) -> Entry | None:
    """The paper's own entry; None where there is none or it cannot be read."""
    for text in entries(bibtex)[:1]:
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


def describe(paper: Paper, shared: Shared = NOTHING, parent: Parent = lambda _: None) -> Facts:
    """The facts of a paper. An entry that cannot be read counts as none; nothing here ever fails on its text."""
    entry = read_first(paper.bibtex, shared.macros)
    fields, own = (inherit(entry, parent), entry.fields) if entry else ({}, {})
    ids = identifiers(paper, fields)
    preprint = next((value for name, value in ids if name == "arxiv"), "")
    folk, others = _people(paper, fields, shared.commands)
    return Facts(
        key=paper.key,
        title=with_math(paper.title) or title(fields, shared.commands),
        people=folk,
        others=others,
        date=_date(paper, dates.date(fields, shared.commands), preprint),
        venue=_venue(fields, entry.type if entry else "", shared.commands)
        or paper.venue
        or ("arXiv" if preprint else ""),
        kind=paper.kind or (entry.type if entry else ""),
        ids=ids,
        addresses=(*addresses(paper, fields, ids), *used.files(own, shared.used)),
        abstract=rich(fields.get("abstract", ""), shared.commands) or with_math(paper.abstract),
        tags=_tags(paper.tags, used.tags(own, shared.used, shared.commands)),
        details=_details(fields, shared.commands),
        aliases=paper.aliases + _other_keys(paper),
        cites=tuple(dict.fromkeys(_NOTE_LINK.findall(paper.notes))),
        tutorials=tuple(Taught(t.name, t.date, tuple(t.versions.items()), t.notebook) for t in paper.tutorials),
        extras=tuple(paper.extras.items()),
        reading=Reading(str(paper.status), _iso(paper.added), _iso(paper.read), _iso(paper.due), paper.rating),
        bibtex=paper.bibtex,
        notes=_notes(paper.notes, used.notes(own, shared.used, shared.commands)),
    )


def title(fields: Mapping[str, str], commands: Mapping[str, Command] = NO_COMMANDS) -> Rich:
    """The title with its subtitle; where there is none what describes the work, or is the title of the whole."""
    main, sub = (rich(fields.get(name, ""), commands) for name in ("title", "subtitle"))
    if not main:
        main = rich(next((fields[name] for name in _INSTEAD if fields.get(name)), ""), commands)
    if not main or not sub:
        return main
    return joined((main, (("text", " " if plain(main)[-1:] in "?!.:" else ": "),), sub))


def _tags(own: tuple[str, ...], said: tuple[str, ...]) -> tuple[str, ...]:
    """The file's tags, then those of its entry that are not among them in any spelling."""
    have = {tag_slug(tag) for tag in own} if said else ()
    return own + tuple(tag for tag in said if tag_slug(tag) not in have)


def _notes(own: str, said: tuple[str, ...]) -> str:
    """The file's notes, then those of its entry that it does not hold."""
    have = " ".join(own.split()) if said else ""
    return "\n\n".join(filter(None, (own, *(one for one in said if " ".join(one.split()) not in have))))


def _people(
    paper: Paper, fields: Mapping[str, str], commands: Mapping[str, Command]
) -> tuple[tuple[tuple[str, tuple[Name, ...]], ...], bool]:
    """Names by role, and whether the first list goes on. A file's own authors stand where the entry names nobody."""
    language = fields.get("langid") or fields.get("language") or fields.get("hyphenation") or ""
    found: dict[str, tuple[Name, ...]] = {}
    goes_on: dict[str, bool] = {}
    for role in ROLES:
        said = decode(fields.get(f"{role}type", "")) if role == "editor" else ""
        names, others = people(fields[role], commands, language) if role in fields else ((), False)
        if names:
            role = said if said in ROLES else role
            found.setdefault(role, names)
            goes_on.setdefault(role, others)
    if "author" not in found and paper.authors:
        names = tuple(spoken_name(name) for name in paper.authors if name != OTHERS)
        found |= {"author": names} if names else {}
        goes_on["author"] = OTHERS in paper.authors
    ordered = tuple((role, found[role]) for role in ROLES if role in found)
    return ordered, bool(ordered) and goes_on.get(ordered[0][0], False)


def _date(paper: Paper, said: str, preprint: str) -> str:
    """What the entry says, or the file where that is more precise; else when the preprint was given its id."""
    own = paper.date or (f"{paper.year:04}" if paper.year else "")
    if said and own.startswith(said):
        return own
    return said or own or dates.of_arxiv(preprint)


def _venue(fields: Mapping[str, str], entry_type: str, commands: Mapping[str, Command]) -> str:
    """Where it appeared: journal, proceedings, school, publisher; "arXiv" for a preprint."""
    for name in ("journaltitle", "journal", "booktitle", "maintitle", "eventtitle"):
        if found := decode(fields.get(name, ""), commands):
            return "arXiv" if _PREPRINT.match(found) else found
    if arxiv_of(fields) and entry_type in ("misc", "article", "online", "unpublished", "preprint"):
        return "arXiv"
    for name in ("school", "institution", "organization", "publisher", "howpublished"):
        found = decode(fields.get(name, ""), commands)
        if found and not re.search(r"https?:|www\.|\\url", fields.get(name, "")):
            return found
    return ""


def _details(fields: Mapping[str, str], commands: Mapping[str, Command]) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    for name in _DETAILS:
        if name in fields and (value := decode(fields[name][:_MOST_SAID], commands)):
            found.setdefault(_RENAMED.get(name, name), value)
    return tuple((found | dates.marks(fields, commands)).items())


def _other_keys(paper: Paper) -> tuple[str, ...]:
    """The keys of further entries for the same work."""
    keys = []
    for text in entries(paper.bibtex)[1:]:
        with contextlib.suppress(BadBibtex):
            keys.append(read(text).key)
    return tuple(key for key in dict.fromkeys(keys) if key and key != paper.key)


def _iso(day: object) -> str:
    return str(day) if day else ""
