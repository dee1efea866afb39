"""DataCite's JSON: DOIs of data, code, preprints and theses that are not at Crossref."""

from __future__ import annotations

from typing import Any

from catalog.bibtex.identifiers import address, quoted
from catalog.ingest.draft import Draft
from catalog.ingest.report import clean
from catalog.sources.client import Client
from catalog.sources.said import abstract, dig, items, person, text, work

API = "https://api.datacite.org/dois"
_TYPES = {
    "JournalArticle": "article",
    "ConferencePaper": "inproceedings",
    "Dissertation": "phdthesis",
    "Book": "book",
    "Report": "techreport",
    "BookChapter": "incollection",
}
_PREFERRED = ("Issued", "Available", "Created", "Submitted")


def draft(name: str, client: Client, bibtex: str = "") -> Draft:
    """The work of a DOI. Raises `NotFound`, `Unavailable`."""
    record = dig(client.json(f"{API}/{quoted(name)}"), "data", "attributes")
    titles = [one for one in items(record, "titles") if not dig(one, "titleType")] or items(record, "titles")
    title = text(titles, 0, "title")
    general, said = text(record, "types", "resourceTypeGeneral"), text(record, "types", "bibtex")
    kind = _TYPES.get(general) or (said if said in _TYPES.values() and general in ("", "Text") else "misc")
    within = next((one for one in items(record, "relatedItems") if text(one, "relationType") == "IsPublishedIn"), None)
    venue = text(record, "container", "title") or text(within, "titles", 0, "title") or text(within, "titles", "title")
    if not venue and general not in _TYPES:
        kind = "misc"
    summary = next((one for one in items(record, "descriptions") if text(one, "descriptionType") == "Abstract"), None)
    publisher = text(record, "publisher") or text(record, "publisher", "name")
    names = [
        person(text(one, "familyName"), text(one, "givenName"), _spoken(text(one, "name")))
        for one in items(record, "creators")
    ]
    return work(
        "DataCite",
        title=title,
        names=names,
        date=_date(record),
        venue=venue or (publisher if kind not in ("article", "inproceedings", "incollection") else ""),
        kind=kind,
        ids={"doi": name},
        summary=abstract(dig(summary, "description")),
        bibtex=bibtex,
        details={
            "volume": text(within, "volume") if kind == "article" else "",
            "number": text(within, "issue"),
            "pages": "--".join(filter(None, (text(within, "firstPage"), text(within, "lastPage")))),
            "publisher": publisher if venue and kind != "article" else "",
            "version": text(record, "version"),
        },
        url=address("doi", name),
    )


def _spoken(name: str) -> str:
    family, comma, given = name.partition(", ")
    return f"{clean(given)} {clean(family)}" if comma else name


def _date(record: Any) -> str:
    dates = {text(one, "dateType"): text(one, "date") for one in items(record, "dates")}
    found = next((dates[name][:10] for name in _PREFERRED if dates.get(name)), "")
    return found if found[:4].isdigit() else text(record, "publicationYear")
