"""What the JSON-LD of a page says of the work that it is about: a graph of things with types of schema.org."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from catalog.bibtex.identifiers import arxiv, doi, isbns
from catalog.facts import Name
from catalog.ingest.draft import Draft
from catalog.sources.said import abstract, items, person, text, work
from catalog.sources.spans import day, people

_WORKS = {
    "ScholarlyArticle": "", "MedicalScholarlyArticle": "article", "Article": "", "TechArticle": "", "CreativeWork": "",
    "BlogPosting": "misc", "NewsArticle": "misc", "Book": "book", "Chapter": "incollection", "Thesis": "phdthesis",
    "Report": "techreport", "Dataset": "misc", "SoftwareSourceCode": "misc",
}  # fmt: skip
_SITES = {"WebSite", "WebPage", "Blog"}  # which hold works, and are no place where they appeared
_WRAPPED = re.compile(r"^\s*(?:<!--|(?://|/\*)?\s*<!\[CDATA\[(?:\s*\*/)?)|(?:-->|(?://|/\*)?\s*\]\]>(?:\s*\*/)?|;)\s*$")
_DEEPEST = 6
_SCHOLARLY = ("ScholarlyArticle", "MedicalScholarlyArticle", "Thesis", "Report")


def read(scripts: Iterator[str], url: str, host: str) -> Draft | None:
    """The work that the scripts of a page describe; None where they describe none that has people."""
    for script in scripts:
        try:
            data = json.loads(_WRAPPED.sub("", _WRAPPED.sub("", script)), strict=False)
        except (ValueError, RecursionError):
            continue
        nodes = list(_nodes(data, 0))
        named = {one["@id"]: one for one in nodes if isinstance(one.get("@id"), str) and len(one) > 1}
        for node in nodes:
            if draft := _draft(node, named, url, host):
                return draft
    return None


def _nodes(data: Any, depth: int) -> Iterator[dict[str, Any]]:
    if depth > _DEEPEST:
        return
    if isinstance(data, list):
        for one in data:
            yield from _nodes(one, depth + 1)
    elif isinstance(data, dict):
        yield data
        for name in ("@graph", "mainEntity", "mainEntityOfPage"):
            yield from _nodes(data.get(name), depth + 1)


def _types(node: Mapping[str, Any]) -> set[str]:
    """The types of a thing without the prefix or address of their vocabulary."""
    said = node.get("@type")
    return {re.split(r"[/#:]", str(one))[-1] for one in (said if isinstance(said, list) else [said])}


def _all(value: Any, named: Mapping[str, Any]) -> list[Any]:
    """The things that a property names, those that stand elsewhere in the graph in the place of their ids."""
    many = value if isinstance(value, list) else [value] if value else []
    return [
        named.get(one["@id"], one) if isinstance(one, dict) and isinstance(one.get("@id"), str) else one for one in many
    ]


def _draft(node: Mapping[str, Any], named: Mapping[str, Any], url: str, host: str) -> Draft | None:
    types = _types(node)
    title = text(node, "headline") or text(node, "name")
    if not title or not types & _WORKS.keys():
        return None
    names = [name for one in _all(node.get("author") or node.get("creator"), named) for name in _names(one)]
    if not names:
        return None
    kind = next((kind for one, kind in _WORKS.items() if one in types and kind), "")
    whole, parts = "", {"volume": "", "number": ""}
    for part in _within(node, named):
        whole = text(part, "name") or whole
        parts = {
            "volume": parts["volume"] or text(part, "volumeNumber"),
            "number": parts["number"] or text(part, "issueNumber"),
        }
    said = _said_to_be(node, named)
    publisher = text(next(iter(_all(node.get("publisher"), named)), None), "name")
    span = "--".join(filter(None, (text(node, "pageStart"), text(node, "pageEnd")))) or text(node, "pagination")
    return work(
        host,
        title=title,
        names=names,
        date=day(text(node, "datePublished") or text(node, "dateCreated")),
        venue=whole or (publisher if kind == "book" else ""),
        kind=kind,
        ids={"doi": doi(said), "arxiv": arxiv(said), "isbn": next(iter(isbns(text(node, "isbn"))), "")},
        details={**parts, "pages": span},
        summary=abstract(node.get("abstract") or (node.get("description") if types & {*_SCHOLARLY} else "")),
        url=url,
    )


def _names(one: Any) -> list[Name]:
    if not isinstance(one, dict):
        return people(str(one))
    if family := text(one, "familyName"):
        return [person(family, text(one, "givenName"))]
    return people(text(one, "name"))


def _within(node: Mapping[str, Any], named: Mapping[str, Any]) -> Iterator[Any]:
    """What a work is part of, from the nearest on: an issue, a volume, a journal."""
    for _ in range(_DEEPEST):
        part = next(iter(_all(node.get("isPartOf"), named)), None)
        if not isinstance(part, dict) or _types(part) & _SITES:
            return
        yield part
        node = part


def _said_to_be(node: Mapping[str, Any], named: Mapping[str, Any]) -> str:
    """Everything that is said to name the same work, as one text."""
    many = [
        *_all(node.get("identifier"), named),
        *_all(node.get("sameAs"), named),
        node.get("@id"),
        *items(node, "url"),
    ]
    return " ".join(one if isinstance(one, str) else text(one, "value") or text(one, "@id") for one in many)
