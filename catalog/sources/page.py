"""Any page about a paper: its `citation_*` metadata, Dublin Core or JSON-LD; and the identifiers that these name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urljoin, urlsplit

from lxml import etree

from catalog.bibtex.identifiers import arxiv, doi, isbns
from catalog.facts import Name
from catalog.ingest import values
from catalog.ingest.draft import Draft
from catalog.sources.client import Client, NotFound, Unavailable
from catalog.sources.said import abstract, iso, items, person, text, untagged, work

NAME = "page"
_WORKS = {
    "ScholarlyArticle",
    "Article",
    "Book",
    "Chapter",
    "Thesis",
    "Report",
    "TechArticle",
    "Dataset",
    "SoftwareSourceCode",
    "BlogPosting",
    "NewsArticle",
    "MedicalScholarlyArticle",
    "CreativeWork",
}
_METADATA = {
    "title": ("citation_title", "bepress_citation_title", "eprints.title"),
    "other title": ("dc.title",),
    "date": ("citation_publication_date", "citation_date", "citation_online_date", "dc.date", "citation_year"),
    "journal": ("citation_journal_title", "prism.publicationname"),
    "book": ("citation_conference_title", "citation_inbook_title", "citation_book_title"),
    "thesis": ("citation_dissertation_institution",),
    "report": ("citation_technical_report_institution",),
    "doi": ("citation_doi", "prism.doi", "dc.identifier"),
    "arxiv": ("citation_arxiv_id",),
    "pmid": ("citation_pmid",),
    "isbn": ("citation_isbn",),
    "volume": ("citation_volume",),
    "number": ("citation_issue",),
    "first page": ("citation_firstpage",),
    "last page": ("citation_lastpage",),
    "publisher": ("citation_publisher",),
    "abstract": ("citation_abstract", "dc.description"),
    "pdf": ("citation_pdf_url",),
}
_KINDS = {"journal": "article", "book": "inproceedings", "thesis": "phdthesis"}
_LIST = re.compile(r"\s*;\s*")


def match(text: str) -> str:
    """The address of a page."""
    text = text.strip()
    try:
        good = re.fullmatch(r"https?://[^\s<>\"]{3,2000}", text, re.I) and urlsplit(text).hostname
    except ValueError:
        return ""
    return text if good else ""


def fetch(names: Sequence[str], client: Client) -> Iterator[tuple[str, Draft]]:
    """The works that these pages are about, as their metadata says."""
    for url in names:
        answer = client.get(url, "text/html,application/xhtml+xml")
        if answer.data.startswith(b"%PDF"):
            yield url, _of_pdf(url, answer.data, client)
            continue
        root = etree.fromstring(
            answer.text.encode("utf-8", "replace") or b"<html/>", etree.HTMLParser(encoding="utf-8")
        )
        draft = None if root is None else read(root, answer.url or url, client)
        if draft is None:
            raise Unavailable(f"{client.name(url)} says of no paper that the page is about; give --title and --link")
        yield url, draft


def read(root: Any, url: str, client: Client) -> Draft | None:
    """The work that a page is about; None where it does not say."""
    from catalog.sources import better

    said: dict[str, list[str]] = {}
    for meta in root.iter("meta"):
        name = (meta.get("name") or meta.get("property") or "").lower().replace("dcterms.", "dc.")
        if value := untagged(meta.get("content") or ""):
            said.setdefault(name, []).append(value)
    draft = _of_metadata(said, url) or _of_json(root, url)
    return better(draft, client) if draft else None


def _of_metadata(said: dict[str, list[str]], url: str) -> Draft | None:
    """What its `citation_*` metadata say, or Dublin Core where it names people."""
    one = {field: next((said[name][0] for name in names if said.get(name)), "") for field, names in _METADATA.items()}
    title = one["title"] or (one["other title"] if "dc.creator" in said else "")
    if not title:
        return None
    people = said.get("citation_author") or said.get("citation_authors") or said.get("dc.creator", [])
    kind = next((kind for field, kind in _KINDS.items() if one[field]), "misc")
    return work(
        urlsplit(url).hostname or "its page",
        title=title,
        names=[_name(name) for some in people for name in _LIST.split(some) if name],
        date=_date(one["date"]),
        venue=next((one[field] for field in (*_KINDS, "report") if one[field]), ""),
        kind=kind,
        ids={
            "doi": doi(one["doi"]),
            "arxiv": arxiv(one["arxiv"], bare=True),
            "pmid": one["pmid"],
            "isbn": next(iter(isbns(one["isbn"])), ""),
        },
        details={
            **{name: one[name] for name in ("volume", "number")},
            "pages": "--".join(filter(None, (one["first page"], one["last page"]))),
            "publisher": one["publisher"] if kind != "article" else "",
        },
        summary=abstract(one["abstract"]),
        places=[("pdf", urljoin(url, one["pdf"]))] if one["pdf"] else [],
        url=url,
    )


def _name(said: str) -> Name:
    family, comma, given = said.partition(",")
    return person(family, given) if comma and given.strip() else person(literal=said)


def _date(said: str) -> str:
    said = said.replace("/", "-").split("T")[0]
    if re.fullmatch(r"\d{4}(?:-\d{1,2}){0,2}", said):
        return iso(said.split("-"))
    found = values.date(said)
    return found.value if found else ""


def _of_json(root: Any, url: str) -> Draft | None:
    """What its JSON-LD says."""
    for script in root.iter("script"):
        if (script.get("type") or "").lower() != "application/ld+json":
            continue
        try:
            data = json.loads(script.text or "")
        except (ValueError, RecursionError):
            continue
        for node in _nodes(data, 0):
            if draft := _of_node(node, url):
                return draft
    return None


def _nodes(data: Any, depth: int) -> Iterator[Any]:
    if depth > 6:
        return
    if isinstance(data, list):
        for one in data:
            yield from _nodes(one, depth + 1)
    elif isinstance(data, dict):
        yield data
        for name in ("@graph", "mainEntity", "mainEntityOfPage"):
            yield from _nodes(data.get(name), depth + 1)


def _of_node(node: Any, url: str) -> Draft | None:
    kinds = node.get("@type")
    title = text(node, "headline") or text(node, "name")
    if not title or not _WORKS & set(kinds if isinstance(kinds, list) else [str(kinds)]):
        return None
    people = node.get("author") or node.get("creator") or []
    names = [
        person(text(one, "familyName"), text(one, "givenName"), text(one, "name"))
        if isinstance(one, dict)
        else person(literal=str(one))
        for one in (people if isinstance(people, list) else [people])
    ]
    if not any(name.last for name in names):
        return None
    part = node.get("isPartOf")
    while isinstance(part, dict) and isinstance(part.get("isPartOf"), dict):
        part = part["isPartOf"]
    said = " ".join(
        [
            text(node, "identifier"),
            text(node, "identifier", "value"),
            text(node, "sameAs"),
            text(node, "@id"),
            *(str(one) for one in items(node, "sameAs")),
        ]
    )
    return work(
        urlsplit(url).hostname or "its page",
        title=title,
        names=[one for one in names if one.last],
        date=_date(text(node, "datePublished") or text(node, "dateCreated")),
        venue=text(part, "name"),
        kind="",
        ids={"doi": doi(said), "isbn": next(iter(isbns(text(node, "isbn"))), "")},
        summary=abstract(node.get("abstract") or ""),
        url=url,
    )


def _of_pdf(url: str, data: bytes, client: Client) -> Draft:
    from catalog.sources import resolved
    from catalog.sources.pdf import guess

    try:
        return resolved(guess(data), client, ("pdf", url))
    except NotFound as e:
        raise Unavailable(str(e)) from None
