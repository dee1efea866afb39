"""What the site's search knows: the same columns and facts as the index of the command line, and the written pages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from catalog.facts import Facts
from catalog.implemented import said
from catalog.notebook import said_in
from catalog.pages.escape import below_head, script_json
from catalog.pages.known import Known
from catalog.pages.lazy import Body, Lazy
from catalog.pages.notebook import Shown
from catalog.pages.paper import short_authors
from catalog.pages.shards import BOUNDS, SEGMENT, Row, segment_files
from catalog.search.cells import Beside, columns
from catalog.search.fields import facts
from catalog.search.fold import fold
from catalog.search.stem import said_of_language

PART = 200  # papers
WHOLE = 5000  # papers whose index is read whole; of more, a query loads the words that it asks for
_TITLE = re.compile(r"^#[ \t]+(.+?)[ \t]*#*$", re.M)
_HEADING = re.compile(r"^#{2,6}[ \t]+(.+?)[ \t]*#*$", re.M)
_MARKUP = re.compile(r"\]\([^()\s]*\)|<[^<>\n]*>|[`*_\[\]|]")


def search_files(known: Known, written: Mapping[str, str], taught: Mapping[str, Shown]) -> dict[str, Body | Lazy]:
    """The index as scripts, which also load from a folder on disk. Papers stand in the order of the table, in parts."""
    many = len(known.papers) > WHOLE
    language = said_of_language()
    pages = [_page(path, body) for path, body in written.items() if path.endswith(".md") and path != "index.md"]
    found: dict[str, Body | Lazy] = {
        f"search/{number}.js": Lazy(
            known.key(papers, many, *_notebooks(papers, taught)),
            partial(_part, number, papers, known, taught, whole=not many),
        )
        for number, papers in known.parted(PART)
    }
    about: dict[str, object] = {"language": language, "pages": pages, "parts": len(found)}
    if many:
        about |= {"total": len(known.papers), "part": PART, "segment": SEGMENT, "bounds": BOUNDS}
        segments = [
            (number, known.key(papers, *_notebooks(papers, taught)), papers) for number, papers in known.parted(SEGMENT)
        ]
        found |= segment_files(segments, partial(_row, known=known, taught=taught))
    return found | {"search.js": f"window.readrunIndex={script_json(about)};\n"}


def _notebooks(papers: Sequence[Facts], taught: Mapping[str, Shown]) -> Iterator[Shown]:
    addresses = dict.fromkeys(tutorial.notebook for one in papers for tutorial in one.tutorials)
    yield from (taught[address] for address in addresses if address in taught)


def _part(
    number: int, papers: Sequence[Facts], known: Known, taught: Mapping[str, Shown], *, whole: bool = True
) -> str:
    rows = [_shown(one, known.names[one.key]) | (_row(one, known, taught)._asdict() if whole else {}) for one in papers]
    return f"window.readrunSearchPart({number},{script_json(rows)});\n"


def _shown(one: Facts, slug: str) -> dict[str, object]:
    return {"slug": slug, "title": one.heading, "by": short_authors(one), "status": one.reading.status}


def _row(one: Facts, known: Known, taught: Mapping[str, Shown]) -> Row:
    told = said(ran.card for ran in known.shown.get(one.key, ()))
    say = Beside(told, said_in(shown.notebook for shown in _notebooks([one], taught)))
    named = facts(one) | ({("has", "impl")} if told else set())
    year = f"{one.year:04}" if one.year else ""
    return Row(one.key, year, one.reading.added, columns(one, say), sorted(named))


def _page(path: str, body: str) -> dict[str, object]:
    body = below_head(body)
    found = _TITLE.search(body)
    title = _MARKUP.sub("", found[1]) if found else path.removesuffix(".md")
    headings = [_MARKUP.sub("", heading) for heading in _HEADING.findall(body)]
    text = _MARKUP.sub(" ", body)
    folder = path.rpartition("/")[0]
    return {
        "key": path,
        "slug": path.removesuffix(".md") + ".html",
        "title": title,
        "by": folder.capitalize() or "Page",
        "year": "",
        "added": "",
        "status": "",
        "columns": ["", fold(title), "", fold(" ¶ ".join(headings)), "", "", fold(text), "", ""],
        "facts": [],
    }
