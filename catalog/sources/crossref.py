"""Crossref's JSON: what publishers deposit of a DOI, with corrections, retractions and preprints as relations."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from catalog.bibtex.identifiers import address, doi, quoted
from catalog.facts import Name
from catalog.ingest.draft import Draft
from catalog.sources.client import Client, NotFound, batches
from catalog.sources.said import abstract, dig, iso, items, person, text, work
from catalog.text import fold

API = "https://api.crossref.org/works"
BATCH = 40
_TYPES = {
    "journal-article": "article",
    "proceedings-article": "inproceedings",
    "book-chapter": "incollection",
    "book": "book",
    "monograph": "book",
    "edited-book": "book",
    "reference-book": "book",
    "dissertation": "phdthesis",
    "report": "techreport",
    "proceedings": "proceedings",
    "posted-content": "misc",
    "dataset": "misc",
}
_LICENCES = ("creativecommons.org", "open-access")


def works(dois: Sequence[str], client: Client) -> dict[str, Any]:
    """The records of these DOIs, as far as Crossref has them, many a request."""
    found: dict[str, Any] = {}
    for names in batches(dois, BATCH):
        part = [quoted(name) for name in names if "," not in name]
        records: list[Any] = []
        if len(part) == 1:
            with contextlib.suppress(NotFound):
                records = [dig(client.json(f"{API}/{part[0]}"), "message")]
        elif part:
            url = f"{API}?filter={','.join(f'doi:{name}' for name in part)}&rows={len(part)}"
            records = items(client.json(url), "message", "items")
        found |= {doi(text(one, "DOI")): one for one in records if text(one, "DOI")}
    return {name: found[name] for name in dois if name in found}


def draft(record: Any, bibtex: str = "") -> Draft:
    """A record as a draft, with the publisher's entry where it is given.

    Raises `NotFound` for what has no title, as an issue or a figure, and `Unavailable` for another form.
    """
    title = _title(record)
    if not title and text(record, "DOI") and text(record, "type"):
        kind = text(record, "type").replace("-", " ")
        raise NotFound(f"doi:{doi(text(record, 'DOI'))} is a {kind} without a title and no paper")
    kind = _TYPES.get(text(record, "type"), "misc")
    name = doi(text(record, "DOI"))
    preprint = text(record, "type") == "posted-content"
    return work(
        "Crossref",
        title=title,
        names=_people(record, "author"),
        editors=_people(record, "editor"),
        date=_date(record),
        kind=kind,
        venue=text(record, "container-title", 0) or (text(record, "institution", 0, "name") if preprint else ""),
        ids={"doi": name, "isbn": text(record, "ISBN", 0), "issn": text(record, "ISSN", 0)},
        details={
            "volume": text(record, "volume"),
            "number": text(record, "issue"),
            "pages": text(record, "page"),
            "publisher": text(record, "publisher") if kind != "article" else "",
        },
        summary=abstract(dig(record, "abstract")),
        places=_open(record),
        bibtex=bibtex,
        url=address("doi", name),
    )


def _title(record: Any) -> str:
    """Title and subtitle, which some publishers say twice."""
    title, sub = text(record, "title", 0), text(record, "subtitle", 0)
    return title if not sub or fold(sub) in fold(title) else f"{title}: {sub}" if title else ""


def search(title: str, client: Client) -> Iterator[Draft]:
    """Works that a bibliography would call so."""
    url = f"{API}?query.bibliographic={quote(title[:300])}&rows=5"
    for record in items(client.json(url), "message", "items"):
        if text(record, "title", 0):
            yield draft(record)


def _people(record: Any, role: str) -> list[Name]:
    return [
        person(text(one, "family"), text(one, "given"), text(one, "name"), text(one, "suffix"))
        for one in items(record, role)
    ]


def _date(record: Any) -> str:
    for name in ("published-print", "published-online", "issued", "published", "posted", "created"):
        if found := iso(items(record, name, "date-parts", 0)):
            return found
    return ""


def _open(record: Any) -> list[tuple[str, str]]:
    """The PDF, where its licence says that anybody may read it."""
    free = any(any(word in text(one, "URL") for word in _LICENCES) for one in items(record, "license"))
    pdfs = [text(one, "URL") for one in items(record, "link") if text(one, "content-type") == "application/pdf"]
    return [("pdf", pdfs[0])] if free and pdfs else []
