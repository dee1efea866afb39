"""DBLP: its own entries, by key."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import quote

from catalog.bibtex import naming
from catalog.ingest.draft import Draft
from catalog.sources.client import Client, each
from catalog.sources.said import dig, entry_at, items, person, text, work

NAME = "dblp"
match = naming.dblp
_TYPES = {
    "Journal Articles": "article",
    "Conference and Workshop Papers": "inproceedings",
    "Parts in Books or Collections": "incollection",
    "Books and Theses": "book",
    "Editorship": "proceedings",
}


def fetch(names: Sequence[str], client: Client) -> Iterator[tuple[str, Draft]]:
    """The works of these keys."""
    return each(names, lambda name: _one(name, client), client)


def _one(name: str, client: Client) -> Draft:
    entry = entry_at(f"https://dblp.org/rec/{name}.bib?param=1", client)
    return work("DBLP", title="", bibtex=entry, ids={"dblp": name})


def search(title: str, client: Client) -> Iterator[Draft]:
    """Works whose titles have these words."""
    words = " ".join(re.findall(r"\w+", title))[:300]  # a dash or a dollar would mean something there
    data = client.json(f"https://dblp.org/search/publ/api?format=json&h=10&q={quote(words)}")
    hits = dig(data, "result", "hits", "hit") or []
    for hit in hits if isinstance(hits, list) else [hits]:
        info = dig(hit, "info")
        authors = dig(info, "authors", "author") or []
        names = [person(literal=text(one, "text")) for one in (authors if isinstance(authors, list) else [authors])]
        venue = text(info, "venue") or text(items(info, "venue"), 0)
        if title_ := text(info, "title").rstrip("."):
            yield work(
                "DBLP",
                title=title_,
                names=names,
                date=text(info, "year"),
                venue="arXiv" if venue == "CoRR" else venue,
                kind=_TYPES.get(text(info, "type"), "misc"),
                ids={"dblp": text(info, "key"), "doi": text(info, "doi").lower()},
                details={"pages": text(info, "pages"), "volume": text(info, "volume")},
            )
