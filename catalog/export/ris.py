"""Papers as RIS, which EndNote, Mendeley, Zotero and library catalogues read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from catalog.export.csl import item, name_of, untagged
from catalog.facts import Facts

_TYPES = {
    "article": "UNPB", "article-journal": "JOUR", "article-magazine": "MGZN", "article-newspaper": "NEWS",
    "paper-conference": "CPAPER", "book": "BOOK", "chapter": "CHAP", "entry-encyclopedia": "ENCYC", "thesis": "THES",
    "report": "RPRT", "webpage": "ELEC", "post-weblog": "BLOG", "software": "COMP", "dataset": "DATA", "patent": "PAT",
    "manuscript": "UNPB", "pamphlet": "PAMP", "motion_picture": "VIDEO", "song": "SOUND", "standard": "STAND",
    "graphic": "ART", "personal_communication": "PCOMM", "legal_case": "CASE", "legislation": "STAT",
}  # fmt: skip
_PLAIN = (
    ("VL", "volume"), ("IS", "issue"), ("PB", "publisher"), ("CY", "publisher-place"), ("ET", "edition"),
    ("T3", "collection-title"), ("M3", "genre"), ("DO", "DOI"), ("UR", "URL"), ("LA", "language"), ("N1", "note"),
)  # fmt: skip
_BREAKS = re.compile(r"\s+")


def as_ris(papers: Iterable[Facts]) -> str:
    """A record a paper, in the order given; lines end in CRLF, as the format has it."""
    return "".join(f"{line}\r\n" for facts in papers for line in record_of(facts))


def record_of(facts: Facts) -> list[str]:
    """The lines of one paper's record."""
    return [f"{tag}  - {_BREAKS.sub(' ', text).strip()}" for tag, text in _record(facts)]


def _record(facts: Facts) -> Iterator[tuple[str, str]]:
    made = item(facts)
    yield "TY", _TYPES.get(made["type"], "GEN")
    yield "ID", facts.key
    yield "TI", untagged(made.get("title", ""))
    for tag, role in (("AU", "author"), ("ED", "editor"), ("A4", "translator")):
        yield from ((tag, _name(person)) for person in made.get(role, ()) if person.get("literal") != "others")
    yield from _dates(made)
    if container := made.get("container-title", ""):
        yield "T2", container
    yield from _pages(made.get("page", ""))
    yield from ((tag, str(made[variable])) for tag, variable in _PLAIN if made.get(variable))
    yield from (("SN", made[variable]) for variable in ("ISBN", "ISSN") if made.get(variable))
    if number := made.get("number", ""):
        yield "M1", number
    if abstract := made.get("abstract", ""):
        yield "AB", abstract
    yield from (("KW", tag) for tag in facts.tags)
    yield "ER", ""


def _name(person: Mapping[str, str]) -> str:
    """ "van der Berg, Sofia, Jr."; what has no parts as it is, its commas aside, which would part it."""
    name = name_of(person)
    if name.literal or not name.given:
        return (name.literal or name.last).replace(",", "")
    return ", ".join(filter(None, (name.last, name.given, name.suffix)))


def _dates(made: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for tag, variable in (("DA", "issued"), ("Y2", "accessed")):
        if points := made.get(variable, {}).get("date-parts"):
            parts = [f"{part:0{4 if not place else 2}}" for place, part in enumerate(points[0])]
            if variable == "issued":
                yield "PY", parts[0]
            if len(parts) > 1 or variable == "accessed":
                yield tag, "/".join([*parts, "", ""][:3]) + "/"


def _pages(pages: str) -> Iterator[tuple[str, str]]:
    first, dash, last = pages.partition("-")
    if pages and "," not in pages and "-" not in last:
        yield "SP", first
        yield from [("EP", last)] if dash else []
    elif pages:
        yield "SP", pages
