"""The home page: reading progress and the table of all papers, and the data the table is made of."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Mapping, Sequence

from catalog.models import Status
from catalog.pages.escape import front_matter, meta_value, plain, script_json, text, web_address
from catalog.pages.options import SiteOptions
from catalog.pages.paper import short_authors, shown_venue
from catalog.pages.templates import fill
from catalog.record import Record

MARK = "<!-- papers -->"
_HEAD = re.compile(r"\A---[ \t]*\n.*?^---[ \t]*(?:\n|\Z)", re.S | re.M)
_TITLE = re.compile(r"^# ", re.M)


def home_page(records: Sequence[Record], slugs: Mapping[str, str], options: SiteOptions, written: str = "") -> str:
    """The Markdown of the home page.

    `written` is the text of a hand-written index.md: the table stands in place of its line `<!-- papers -->`, or at
    its end.
    """
    counts = Counter(record.status for record in records)
    body = fill(
        "home.html",
        counts=[(str(status), counts[status]) for status in (Status.read, Status.reading, Status.unread)],
        summary=f"{counts['read']} of {len(records)} papers read, {counts['reading']} being read",
        papers=[
            {"slug": slugs[record.key], "title": record.title or record.key, "by": short_authors(record)}
            for record in records
        ],
    )
    description = options.description or f"{len(records)} papers, {counts['read']} of them read"
    meta = {
        "title": meta_value(options.title),
        "description": meta_value(description),
        "kb": "home",
        "hide": ["navigation", "toc"],
    }
    return front_matter(meta) + "\n" + _around(written, f"\n\n{body}\n\n", options)


def table(
    records: Sequence[Record], slugs: Mapping[str, str], implemented: Container[str] = ()
) -> list[dict[str, object]]:
    """What the table needs of each paper, and no more; nothing that is empty. `implemented` holds keys of papers."""
    rows = [_row(record, slugs) | {"impl": record.key in implemented} for record in records]
    return [{name: value for name, value in row.items() if value} for row in rows]


def table_files(
    records: Sequence[Record], slugs: Mapping[str, str], implemented: Container[str] = ()
) -> dict[str, str]:
    """The table's data: as JSON for anyone, and as a script, which also loads from a folder on disk."""
    data = script_json(table(records, slugs, implemented))
    return {"papers.json": data + "\n", "papers.js": f"window.readrunPapers={data};\n"}


def _around(written: str, body: str, options: SiteOptions) -> str:
    written = _HEAD.sub("", written.replace("\r\n", "\n"))
    title = "" if _TITLE.search(written) else f"# {text(plain(options.title))}\n\n"
    lead = f"{text(plain(options.description))}\n\n" if options.description and not written.strip() else ""
    before, _, after = written.partition(MARK)
    return f"{title}{lead}{before.strip()}{body}{after.strip()}\n"


def _row(record: Record, slugs: Mapping[str, str]) -> dict[str, object]:
    paper = record.link("paper") or (f"https://doi.org/{record.doi}" if record.doi else "")
    return {
        "key": record.key,
        "slug": slugs[record.key],
        "title": record.title or record.key,
        "authors": list(record.authors),
        "year": record.year,
        "venue": shown_venue(record),
        "status": record.status,
        "tags": list(record.tags),
        "added": record.added,
        "read": record.read,
        "paper": web_address(paper),
        "code": web_address(record.link("code")),
    }
