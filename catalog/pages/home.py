"""The home page: reading progress and the table of all papers, and the data the table is made of."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Mapping, Sequence

from catalog.facts import Facts
from catalog.models import Status
from catalog.pages.escape import front_matter, meta_value, plain, script_json, text, web_address
from catalog.pages.options import SiteOptions
from catalog.pages.paper import short_authors
from catalog.pages.templates import fill

MARK = "<!-- papers -->"
_HEAD = re.compile(r"\A---[ \t]*\n.*?^---[ \t]*(?:\n|\Z)", re.S | re.M)
_TITLE = re.compile(r"^# ", re.M)


def home_page(papers: Sequence[Facts], slugs: Mapping[str, str], options: SiteOptions, written: str = "") -> str:
    """The Markdown of the home page.

    `written` is the text of a hand-written index.md: the table stands in place of its line `<!-- papers -->`, or at
    its end.
    """
    counts = Counter(facts.reading.status for facts in papers)
    body = fill(
        "home.html",
        counts=[(str(status), counts[status]) for status in (Status.read, Status.reading, Status.unread)],
        summary=f"{counts['read']} of {len(papers)} papers read, {counts['reading']} being read",
        papers=[{"slug": slugs[facts.key], "title": facts.heading, "by": short_authors(facts)} for facts in papers],
    )
    description = options.description or f"{len(papers)} papers, {counts['read']} of them read"
    meta = {
        "title": meta_value(options.title),
        "description": meta_value(description),
        "kb": "home",
        "hide": ["navigation", "toc"],
    }
    return front_matter(meta) + "\n" + _around(written, f"\n\n{body}\n\n", options)


def table(
    papers: Sequence[Facts], slugs: Mapping[str, str], implemented: Container[str] = ()
) -> list[dict[str, object]]:
    """What the table needs of each paper, and no more; nothing that is empty. `implemented` holds keys of papers."""
    rows = [_row(facts, slugs) | {"impl": facts.key in implemented} for facts in papers]
    return [{name: value for name, value in row.items() if value} for row in rows]


def table_files(papers: Sequence[Facts], slugs: Mapping[str, str], implemented: Container[str] = ()) -> dict[str, str]:
    """The table's data as a script, which also loads from a folder on disk."""
    return {"papers.js": f"window.readrunPapers={script_json(table(papers, slugs, implemented))};\n"}


def _around(written: str, body: str, options: SiteOptions) -> str:
    written = _HEAD.sub("", written.replace("\r\n", "\n"))
    title = "" if _TITLE.search(written) else f"# {text(plain(options.title))}\n\n"
    lead = f"{text(plain(options.description))}\n\n" if options.description and not written.strip() else ""
    before, _, after = written.partition(MARK)
    return f"{title}{lead}{before.strip()}{body}{after.strip()}\n"


def _row(facts: Facts, slugs: Mapping[str, str]) -> dict[str, object]:
    return {
        "key": facts.key,
        "slug": slugs[facts.key],
        "title": facts.heading,
        "authors": [name.display for name in facts.names],
        "sort": facts.names[0].sort if facts.names else "",
        "year": facts.year,
        "venue": facts.venue,
        "status": facts.reading.status,
        "tags": list(facts.tags),
        "added": facts.reading.added,
        "read": facts.reading.read,
        "paper": web_address(facts.address()),
        "code": web_address(facts.address("code")),
    }
