"""ISBNs: Open Library, fifty books a request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from catalog.bibtex import naming
from catalog.bibtex.identifiers import isbns
from catalog.ingest import values
from catalog.ingest.draft import Draft
from catalog.sources.client import Client, NotFound, batches, unknown_form
from catalog.sources.said import items, person, text, work

NAME = "isbn"
match = naming.books
BATCH = TOGETHER = 50
API = "https://openlibrary.org/api/books?format=json&jscmd=data&bibkeys="


def fetch(names: Sequence[str], client: Client) -> Iterator[tuple[str, Draft]]:
    """The books of these ISBNs or ids of Open Library; of a work its first edition that has an ISBN."""
    keys = {name: key for name in names if (key := _key(name, client))}
    for part in batches(list(keys.items()), BATCH):
        data = client.json(API + ",".join(key for _, key in part))
        if not isinstance(data, dict):
            raise unknown_form("Open Library")
        yield from ((name, _draft(name, data[key])) for name, key in part if key in data)


def _key(name: str, client: Client) -> str:
    """How Open Library is asked for a book; "" for a work without editions."""
    if name.isdigit():
        return f"ISBN:{name}"
    if name.endswith("M"):
        return f"OLID:{name}"
    try:
        editions = items(client.json(f"https://openlibrary.org/works/{name}/editions.json?limit=50"), "entries")
    except NotFound:
        return ""
    best = next((one for one in editions if items(one, "isbn_13") or items(one, "isbn_10")), next(iter(editions), None))
    edition = text(best, "key").rpartition("/")[2]
    return f"OLID:{edition}" if edition else ""


def _draft(name: str, record: Any) -> Draft:
    given = [text(record, "identifiers", kind, 0) for kind in ("isbn_13", "isbn_10")]
    isbn = name if name.isdigit() else next((found for one in given for found in isbns(one)), "")
    title = ": ".join(filter(None, (text(record, "title"), text(record, "subtitle"))))
    said = text(record, "publish_date")
    date = values.date(said)
    names = [person(literal=text(one, "name")) for one in items(record, "authors")]
    return work(
        "Open Library",
        title=title,
        names=names,
        date=date.value if date else "",
        venue=text(record, "publishers", 0, "name"),
        kind="book",
        ids={"isbn": isbn},
        url=text(record, "url"),
    )
