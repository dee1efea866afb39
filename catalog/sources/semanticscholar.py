"""Semantic Scholar: papers under many kinds of ids, five hundred a request."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from catalog.bibtex import naming
from catalog.bibtex.identifiers import address, arxiv, doi
from catalog.ingest.draft import Draft
from catalog.sources.client import Client, NotFound, batches, each, unknown_form
from catalog.sources.said import abstract, dig, items, open_copy, person, text, work

NAME = "s2"
match = naming.semanticscholar
BATCH = 500
API = "https://api.semanticscholar.org/graph/v1/paper"
FIELDS = (
    "title,authors,year,publicationDate,venue,journal,abstract,externalIds,openAccessPdf,publicationTypes,citationCount"
)
_PREFIX = {"arxiv": "ARXIV", "doi": "DOI", "acl": "ACL", "pmid": "PMID", "pmcid": "PMCID", "s2": ""}


def fetch(names: Sequence[str], client: Client) -> Iterator[tuple[str, Draft]]:
    """The works of these ids; the publisher's entry, or arXiv's, where the work is there."""
    from catalog.sources import better

    def one(name: str) -> Draft:
        return better(draft(client.json(f"{API}/{quote(name, safe=':')}?fields={FIELDS}")), client)

    return each(names, one, client)


def named(ids: Sequence[tuple[str, str]], client: Client) -> dict[tuple[str, str], Any]:
    """The records of identifiers (name, value), as far as they are known, many a request."""
    asked = [(name, value) for name, value in ids if name in _PREFIX]
    found: dict[tuple[str, str], Any] = {}
    for part in batches(asked, BATCH):
        names = [f"{_PREFIX[name]}:{value}".lstrip(":") for name, value in part]
        try:
            data = client.json(f"{API}/batch?fields={FIELDS}", json.dumps({"ids": names}).encode())
        except NotFound:  # so it says where it knows none of them
            continue
        if not isinstance(data, list) or len(data) != len(part):
            raise unknown_form("Semantic Scholar")
        found |= {pair: record for pair, record in zip(part, data, strict=True) if text(record, "title")}
    return found


def draft(record: Any) -> Draft:
    """A record as a draft. Raises `Unavailable` for another form."""
    title = text(record, "title")
    external = dig(record, "externalIds") or {}
    name = doi(text(external, "DOI"))
    ids = {
        "doi": "" if arxiv(name) else name,
        "arxiv": arxiv(text(external, "ArXiv"), bare=True),
        "acl": text(external, "ACL"),
        "pmid": text(external, "PubMed"),
        "s2": text(record, "paperId"),
    }
    kinds = [str(one) for one in items(record, "publicationTypes")]
    venue = text(record, "venue") or text(record, "journal", "name")
    names = [person(literal=text(one, "name")) for one in items(record, "authors")]
    return work(
        "Semantic Scholar",
        title=title,
        names=names,
        date=text(record, "publicationDate")[:10] or text(record, "year"),
        venue=venue,
        kind="inproceedings" if "Conference" in kinds else "article" if "JournalArticle" in kinds else "",
        ids=ids,
        details={
            "volume": text(record, "journal", "volume"),
            "pages": text(record, "journal", "pages"),
        },
        summary=abstract(dig(record, "abstract")),
        places=open_copy(text(record, "openAccessPdf", "url")),
        url=address("doi", name),
    )
