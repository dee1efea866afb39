"""OpenReview: API 2, whose fields are {"value": …}, and the first API, which still has the older venues."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from typing import Any

from catalog.bibtex import naming
from catalog.bibtex.identifiers import address, copy
from catalog.ingest.draft import Draft
from catalog.sources.client import Client, NotFound, Unavailable, each, unknown_form
from catalog.sources.said import abstract, dig, items, person, work

NAME = "openreview"
match = naming.openreview
_DECIDED = re.compile(r"^(?:submitted to|withdrawn|desk reject|.*\breject)", re.I)


def fetch(names: Sequence[str], client: Client) -> Iterator[tuple[str, Draft]]:
    """The papers of these forums."""
    return each(names, lambda name: _one(name, client), client)


def _one(name: str, client: Client) -> Draft | None:
    """The paper of a forum; where the APIs refuse to say it, as its page does."""
    try:
        note = _note(name, client)
    except Unavailable as e:
        if e.offline:
            raise
        return _of_page(name, client, e)
    return _draft(name, note) if note else None


def _of_page(name: str, client: Client, refused: Unavailable) -> Draft:
    from catalog.sources import page

    try:
        return next(draft for _, draft in page.fetch([address("openreview", name)], client))
    except (Unavailable, StopIteration):
        raise refused from None


def _note(name: str, client: Client) -> Any:
    """The note of a forum, as either API has it; None where neither does."""
    for host in ("api2.openreview.net", "api.openreview.net"):
        try:
            data = client.json(f"https://{host}/notes?id={name}")
        except NotFound:
            continue
        if dig(data, "notes") is None:
            raise unknown_form("OpenReview")
        if found := items(data, "notes"):
            return found[0]
    return None


def _said(note: Any, field: str) -> Any:
    found = dig(note, "content", field)
    return found["value"] if isinstance(found, dict) and "value" in found else found


def _draft(name: str, note: Any) -> Draft:
    title = abstract(_said(note, "title"))
    authors = _said(note, "authors")
    names = [person(literal=one) for one in authors if isinstance(one, str)] if isinstance(authors, list) else []
    moment = next((at for key in ("pdate", "odate", "cdate", "tcdate") if isinstance(at := dig(note, key), int)), 0)
    day = dt.datetime.fromtimestamp(moment / 1000, dt.UTC).date().isoformat() if 0 < moment < 4e12 else ""
    venue = abstract(_said(note, "venue"))
    bibtex = _said(note, "_bibtex")
    code = next(
        (link for key in ("code", "code_link", "software") if (link := _said(note, key)) and "://" in str(link)), ""
    )
    return work(
        "OpenReview",
        title=title,
        names=names,
        date=day,
        venue="" if _DECIDED.match(venue) else venue,
        kind="inproceedings" if venue and not _DECIDED.match(venue) else "misc",
        ids={"openreview": name},
        summary=abstract(_said(note, "abstract")),
        places=[("pdf", copy("openreview", name)), *([("code", str(code))] if code else [])],
        bibtex=bibtex if isinstance(bibtex, str) else "",
        url=address("openreview", name),
    )
