"""ISBNs: Open Library, fifty books a request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from catalog.bibtex import naming
from catalog.ingest import values
from catalog.ingest.draft import Draft
from catalog.sources.client import Client, Unavailable
from catalog.sources.said import items, person, text, work

NAME = "isbn"
match = naming.books
BATCH = TOGETHER = 50
API = "https://openlibrary.org/api/books?format=json&jscmd=data&bibkeys="


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
