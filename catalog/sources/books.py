"""ISBNs: Open Library, fifty books a request."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from catalog.bibtex.identifiers import isbns
from catalog.ingest import values
from catalog.ingest.draft import Draft
from catalog.sources.client import Client, Unavailable
from catalog.sources.said import items, person, text, work

NAME = "isbn"
BATCH = 50
API = "https://openlibrary.org/api/books?format=json&jscmd=data&bibkeys="
_FORMS = re.compile(
    r"(?:(?:urn:)?isbn(?:-1[03])?[:\s]*|https?://(?:[\w-]+\.)*(?:openlibrary|worldcat|bookshop)\.org/isbn/|"
    r"https?://(?:www\.)?amazon\.[a-z.]+/(?:[^?#]*/)?(?:dp|gp/product|ASIN)/|https?://books\.google\.[a-z.]+/[^#]*?isbn[=:]?)?"
    r"(?P<n>[\d\s-]{9,20}[\dx])(?:[/?&#].*)?",
    re.I,
)  # fmt: skip
_DASHES = re.compile("[\u2010-\u2015\u2212]")


def match(text: str) -> str:
    """The ISBN that a text is, as thirteen digits; one whose check digit is wrong is none."""
    found = _FORMS.fullmatch(_DASHES.sub("-", text.strip()))
    digits = re.sub(r"[\s-]", "", found["n"]).upper() if found else ""
    return isbns(digits)[0] if _checks(digits) and isbns(digits) else ""


def _checks(digits: str) -> bool:
    if re.fullmatch(r"97[89]\d{10}", digits):
        return sum(int(d) * (3 if at % 2 else 1) for at, d in enumerate(digits)) % 10 == 0
    if re.fullmatch(r"\d{9}[\dX]", digits):
        return sum((10 if d == "X" else int(d)) * (10 - at) for at, d in enumerate(digits)) % 11 == 0
    return False


def fetch(names: Sequence[str], client: Client) -> Iterator[tuple[str, Draft]]:
    """The books of these ISBNs."""
    for start in range(0, len(names), BATCH):
        part = names[start : start + BATCH]
        data = client.json(API + ",".join(f"ISBN:{name}" for name in part))
        if not isinstance(data, dict):
            raise Unavailable("Open Library answered in a form that kb does not know")
        yield from ((name, _draft(name, data[f"ISBN:{name}"])) for name in part if f"ISBN:{name}" in data)


def _draft(name: str, record: Any) -> Draft:
    title = ": ".join(filter(None, (text(record, "title"), text(record, "subtitle"))))
    if not title:
        raise Unavailable("Open Library answered in a form that kb does not know: there is no title")
    said = text(record, "publish_date")
    date = values.date(said)
    names = [person(literal=text(one, "name")) for one in items(record, "authors")]
    return work(
        "Open Library",
        title=title,
        names=[one for one in names if one.last],
        date=date.value if date else "",
        venue=text(record, "publishers", 0, "name"),
        kind="book",
        ids={"isbn": name},
        url=text(record, "url"),
    )
