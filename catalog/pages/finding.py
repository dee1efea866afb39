"""What the site's search knows: the same columns and facts as the index of the command line, and the written pages."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files

from catalog.facts import Facts
from catalog.pages.escape import script_json
from catalog.pages.paper import short_authors
from catalog.search.fields import facts
from catalog.search.fold import fold
from catalog.search.rows import columns

_HEAD = re.compile(r"\A---[ \t]*\n.*?^---[ \t]*(?:\n|\Z)", re.S | re.M)
_TITLE = re.compile(r"^#[ \t]+(.+?)[ \t]*#*$", re.M)
_HEADING = re.compile(r"^#{2,6}[ \t]+(.+?)[ \t]*#*$", re.M)
_MARKUP = re.compile(r"\]\([^()\s]*\)|<[^<>\n]*>|[`*_\[\]|]")


def search_files(
    papers: Sequence[Facts], slugs: Mapping[str, str], told: Mapping[str, str], written: Mapping[str, str]
) -> dict[str, str]:
    """The index as a script, which also loads from a folder on disk. Papers stand in the order of the table.

    `told` is what the implementations of a paper say, by its key.
    """
    language = json.loads(files("catalog.search").joinpath("language.json").read_text("utf-8"))
    rows = [_paper(one, slugs[one.key], told.get(one.key, "")) for one in papers]
    pages = [_page(path, body) for path, body in written.items() if path.endswith(".md") and path != "index.md"]
    return {
        "search.js": f"window.readrunIndex={script_json({'language': language, 'papers': rows, 'pages': pages})};\n"
    }


def _paper(one: Facts, slug: str, told: str) -> dict[str, object]:
    named = facts(one) | ({("has", "impl")} if told else set())
    return {
        "key": one.key,
        "slug": slug,
        "title": one.heading,
        "by": short_authors(one),
        "year": f"{one.year:04}" if one.year else "",
        "added": one.reading.added,
        "status": one.reading.status,
        "columns": columns(one, told),
        "facts": sorted(named),
    }


def _page(path: str, body: str) -> dict[str, object]:
    body = _HEAD.sub("", body)
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
        "columns": ["", fold(title), "", fold(" ¶ ".join(headings)), "", "", fold(text), ""],
        "facts": [],
    }
