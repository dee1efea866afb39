"""What columns of tables and keys of records stand for, by their words: "paperTitle", "Year Published", "已读"."""

from __future__ import annotations

import re
from functools import lru_cache

from catalog.ingest import words

LINKS = frozenset({  # what leads somewhere
    "link", "paper", "code", "homepage", "blog", "docs", "model", "dataset", "slides", "video", "demo", "poster",
    "notebook", "supp",
})  # fmt: skip
STRONG = frozenset({"authors", "date", "venue", "doi", "arxiv", "isbn", "abstract", "pmid"})  # what no page has
FACTS = STRONG | {"link", "status", "ids", "read", "rating"}
_MAY_END = LINKS | {"doi", "arxiv", "isbn", "issn", "pmid", "pmcid", "acl", "openreview", "ids", "added"}  # "arXiv id"
_CAPITALS = re.compile(r"arxiv|pubmed|bibtex|openreview|github|youtube|hugging ?face", re.I)  # one word each
_WORD = re.compile(r"(?<=[a-z\d])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[_.:@#/\\-]+")
_OF = re.compile(r"(\w+) (?:of|to) (?:the )?(\w+)")  # "name of authors", "link to the paper"
_OF_READING = re.compile(r"(?:is|has been|has|have(?: i)?|was|did i|already) (.+)")


def spaced(name: str) -> str:
    """The words of a name, however they are joined: "publicationYear", "publication_year", "prism:publication-year"."""
    return " ".join(_WORD.sub(" ", _CAPITALS.sub(lambda found: found[0].lower(), name)).lower().split())


@lru_cache(65536)
def meaning(name: str) -> str:
    """The field that the name of a column or key stands for: a slot of a draft, a detail, "link" or "code" …, or ""."""
    said = spaced(name)
    for form in (said, name.strip().lower()):
        if form in words.table("record"):
            return words.table("record")[form]
    for form in (said,) if re.search(r"[a-z][A-Z]", name) else (name, said):
        if found := words.field_of(form) or words.link_of(form):
            if found in LINKS and said.partition(" ")[0] in words.beside("pictured"):
                return ""
            return found if said.rpartition(" ")[2] not in words.beside("others") or found in _MAY_END else ""
    if asked := _OF_READING.fullmatch(said.rstrip("? ")):
        return found if (found := meaning(asked[1])) in ("read", "status") else ""
    if of := _OF.fullmatch(said):
        little, least = of[1] in words.beside("after"), of[2] in words.beside("before")
        return meaning(of[2]) if little else meaning(of[1]) if least else ""
    first, _, rest = said.partition(" ")
    before, _, last = said.rpartition(" ")
    found = meaning(before) if before and last in words.beside("after") else ""
    return found or (meaning(rest) if rest and first in words.beside("before") else "")
