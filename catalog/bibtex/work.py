"""A paper as the facts that tell works apart."""

from __future__ import annotations

import re
from collections.abc import Mapping

from catalog.bibtex import names as bibnames
from catalog.bibtex.describe import Parent, describe, inherit, read_first
from catalog.bibtex.entry import MONTHS
from catalog.bibtex.latex import decode
from catalog.facts import Address, Facts, Name
from catalog.models import Paper

_DETAILS = ("volume", "number", "pages", "edition", "part", "chapter", "version", "eid", "issue", "shortauthor",
            "crossref", "publisher", "series")  # fmt: skip
_MONTHS = tuple(MONTHS)


def facts(paper: Paper, macros: Mapping[str, str] = MONTHS, parent: Parent = lambda _: None) -> Facts:
    """What is known of a paper's work."""
    record = describe(paper, macros, parent)
    entry = read_first(paper, macros)
    fields = inherit(entry, parent) if entry else {}
    people = tuple(
        (role, names)
        for role in ("author", "editor", "translator")
        if (names := tuple(map(_name, bibnames.people(fields.get(role, ""))[0])))
    )
    ids = [(name, value) for name, value in (("doi", record.doi), ("arxiv", record.arxiv)) if value]
    ids += [(name, decode(fields[name])) for name in ("isbn", "pmid", "pmcid") if fields.get(name, "").strip()]
    addresses = [Address(*link) for link in record.links]
    if url := fields.get("url", "").strip():
        addresses.append(Address("paper", url, "", "url"))
    details = tuple((name, value) for name in _DETAILS if (value := decode(fields.get(name, ""))))
    return Facts(
        key=paper.key,
        title=(("text", record.title),) if record.title != paper.key or paper.title or fields.get("title") else (),
        people=people or ((("author", tuple(map(_shown, paper.authors))),) if paper.authors else ()),
        others=record.et_al,
        date=_date(record.year, fields),
        venue=record.venue,
        kind=record.type,
        ids=tuple(ids),
        addresses=tuple(addresses),
        details=details,
        aliases=record.aliases,
        bibtex=record.bibtex,
    )


def _name(name: bibnames.Name) -> Name:
    if name.literal:
        return Name(literal=decode(name.last))
    return Name(decode(name.last), decode(name.first), decode(name.von), decode(name.jr))


def _shown(author: str) -> Name:
    return _name(bibnames.people(author.replace(" and ", " "))[0][0])


def _date(year: int, fields: Mapping[str, str]) -> str:
    month = decode(fields.get("month", "")).strip().casefold()
    found = re.match(r"\d{4}-\d\d", fields.get("date", ""))
    if found:
        return found.group()
    number = next((i for i, name in enumerate(_MONTHS, 1) if month.startswith(name)), 0)
    return f"{year:04}-{number:02}" if year and number else f"{year:04}" if year else ""
