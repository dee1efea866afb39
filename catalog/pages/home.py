"""The home page: reading progress and the table of all papers, and the data the table is made of."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType

from catalog.facts import STATUSES, Facts
from catalog.pages.escape import below_head, front_matter, meta_value, plain, script_json, text, web_address
from catalog.pages.known import Known
from catalog.pages.lazy import Body, Lazy, key
from catalog.pages.mathematics import math_html
from catalog.pages.options import SiteOptions
from catalog.pages.paper import short_authors
from catalog.pages.takeaway import in_openurl, parts_of
from catalog.pages.templates import fill
from catalog.pages.verdicts import Implementation, results, standing, tallies

Shown = Mapping[str, Sequence[Implementation]]
MOST_LISTED = 300  # papers on the home page for readers without scripts
ROWS = 500  # papers in a part of the table's data
SOON = 100  # papers that stand in the table before the parts have come
MARK = "<!-- papers -->"
_TITLE = re.compile(r"^# ", re.M)


_MEANS = {
    "exact": "follows from the equations",
    "parity": "as other people's code",
    "shown": "in training, at small scale",
}


def home_files(known: Known, options: SiteOptions, written: str) -> dict[str, Body | Lazy]:
    """The home page, and where there are many papers a page that lists them, for readers without scripts."""
    papers, names = known.papers, known.names
    if len(papers) <= MOST_LISTED:
        return {"index.md": home_page(papers, names, options, written, ran=known.shown)}
    listed = Lazy(key([known.work(one) for one in papers], names), partial(_list_page, papers, names))
    return {
        "index.md": home_page(papers, names, options, written, "papers/all-papers.html", known.shown),
        "papers/all-papers.md": listed,
    }


def home_page(
    papers: Sequence[Facts],
    slugs: Mapping[str, str],
    options: SiteOptions,
    written: str = "",
    listed: str = "",
    ran: Shown = MappingProxyType({}),
) -> str:
    """The Markdown of the home page.

    `written` is the text of a hand-written index.md: the table stands in place of its line `<!-- papers -->`, or at
    its end. `listed` is the page that lists all papers; without it they are listed here. `ran` are the
    implementations by key.
    """
    counts = Counter(facts.reading.status for facts in papers)
    body = fill(
        "home.html",
        counts=[(status, counts[status]) for status in reversed(STATUSES)],
        summary=f"{counts['read']} of {len(papers)} papers read, {counts['reading']} being read",
        totals=_totals(ran),
        papers=[] if listed else _lines(papers, slugs, "papers/"),
        listed=listed,
    )
    description = options.description or f"{len(papers)} papers, {counts['read']} of them read"
    meta = {
        "title": meta_value(options.title),
        "description": meta_value(description),
        "kb": "home",
        "hide": ["navigation", "toc"],
    }
    return front_matter(meta) + "\n" + _around(written, f"\n\n{body}\n\n", options)


def _totals(ran: Shown) -> list[dict[str, str]]:
    """Over all papers, what was measured of each kind of claim, and what the kind means."""
    counted = [
        tally for ones in ran.values() for one in ones if (found := results(one)) for tally in tallies(one.card, found)
    ]
    by_kind = {label: [tally for tally in counted if tally.label == label] for label in _MEANS}
    return [
        {"label": label, "value": f"{sum(t.good for t in of)}/{sum(t.of for t in of)}", "means": _MEANS[label]}
        for label, of in by_kind.items()
        if of
    ]


def _list_page(papers: Sequence[Facts], slugs: Mapping[str, str]) -> str:
    meta = {"title": "All papers", "description": f"{len(papers)} papers", "kb": "paper", "hide": ["navigation", "toc"]}
    return front_matter(meta) + f"\n{fill('list.html', papers=_lines(papers, slugs, ''))}\n"


def _lines(papers: Sequence[Facts], slugs: Mapping[str, str], base: str) -> list[dict[str, str]]:
    return [{"href": f"{base}{slugs[one.key]}.html", "title": one.heading, "by": short_authors(one)} for one in papers]


def table(
    papers: Sequence[Facts],
    slugs: Mapping[str, str],
    shown: Shown = MappingProxyType({}),
) -> list[dict[str, object]]:
    """What the table needs of each paper, and no more; nothing that is empty. `shown` are implementations by key."""
    rows = [_row(facts, slugs) | _ran(shown.get(facts.key, ())) for facts in papers]
    return [{name: value for name, value in row.items() if value} for row in rows]


def table_files(known: Known) -> dict[str, Lazy]:
    """The table's data as scripts, which also load from a folder on disk; of many papers the first, and parts."""
    papers, many = known.papers, len(known.papers) > ROWS
    parts = dict(known.parted(ROWS)) if many else {}
    first = papers[:SOON] if many else papers
    files = {
        f"table/{number}.js": Lazy(
            known.key(of), partial(_rows_script, f"window.readrunRows({number},", of, known, ")")
        )
        for number, of in parts.items()
    }
    counts = {"Total": len(papers), "TableParts": len(parts), "Parts": parts_of(len(papers))}
    more = "".join(f";\nwindow.readrun{name}={count}" for name, count in counts.items())
    return files | {
        "papers.js": Lazy(
            known.key(first, len(papers)), partial(_rows_script, "window.readrunPapers=", first, known, more)
        )
    }


def _rows_script(before: str, papers: Sequence[Facts], known: Known, after: str) -> str:
    return f"{before}{script_json(table(papers, known.names, known.shown))}{after};\n"


def _around(written: str, body: str, options: SiteOptions) -> str:
    written = below_head(written)
    title = "" if _TITLE.search(written) else f"# {text(plain(options.title))}\n\n"
    lead = f"{text(plain(options.description))}\n\n" if options.description and not written.strip() else ""
    before, _, after = written.partition(MARK)
    return f"{title}{lead}{before.strip()}{body}{after.strip()}\n"


def _ran(ones: Sequence[Implementation]) -> dict[str, object]:
    """What the implementations of a paper showed: their verdicts, and on which devices."""
    if not ones:
        return {}
    counted = [tally for one in ones for tally in tallies(one.card, results(one))]
    found = {"gpu" if device != "cpu" else device for one in ones for device in results(one)}
    shown = [[t.label, f"{t.good}/{t.of}", t.verdict.replace(" ", "-")] for t in counted] if found else []
    return {"run": shown or [["not yet run", "", ""]], "on": sorted(found), "standing": standing(ones)}


def _rich(facts: Facts) -> list[tuple[str, str]]:
    """The title in pieces, with its formulas set; nothing where its plain form says the same."""
    if not any(kind in {"em", "strong", "sub", "sup", "code", "math"} for kind, _ in facts.title):
        return []
    return [(kind, math_html(text) if kind == "math" else text) for kind, text in facts.title]


def _named(facts: Facts) -> list[str]:
    """The authors as reference managers part them right; nothing where they do so anyway."""
    named = [in_openurl(name) for name in facts.names]
    return [] if named == [name.display for name in facts.names] else named


def _row(facts: Facts, slugs: Mapping[str, str]) -> dict[str, object]:
    return {
        "key": facts.key,
        "slug": slugs[facts.key],
        "title": facts.heading,
        "rich": _rich(facts),
        "doi": facts.doi,
        "authors": [name.display for name in facts.names],
        "named": _named(facts),
        "sort": facts.names[0].sort if facts.names else "",
        "year": facts.year,
        "venue": facts.venue,
        "status": facts.reading.status,
        "tags": list(facts.tags),
        "added": facts.reading.added,
        "read": facts.reading.read,
        "readers": {name: [said.status, said.read] for name, said in facts.readers if said.status != "unread"},
        "paper": web_address(facts.address()),
        "code": web_address(facts.address("code")),
    }
