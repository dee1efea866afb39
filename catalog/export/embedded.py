"""A reading list inside another page, between two comments: written anew, the rest of the page stays as it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from catalog.errors import KbError
from catalog.export.readinglist import escaped
from catalog.facts import Address, Facts

BEGIN, END = "<!-- kb:begin -->", "<!-- kb:end -->"
_LEVEL = 2  # of a heading of the outermost section
_PLACED = re.compile(rf"^[ \t]*{BEGIN}[ \t]*\n(?P<list>.*?)^[ \t]*{END}[ \t]*$", re.M | re.S)


class Section(NamedTuple):
    """A heading with its introduction and the papers under it; `path` are the headings above it and its own."""

    path: tuple[str, ...]
    intro: str = ""
    keys: Sequence[str] = ()


def into(page: str, made: str, name: str) -> str:
    """The page with the list between its two comments; raises `KbError` where they do not stand there once."""
    found = list(_PLACED.finditer(page))
    if len(found) != 1 or page.count(BEGIN) != 1 or page.count(END) != 1:
        where = "stand there more than once" if page.count(BEGIN) > 1 else "are not there"
        raise KbError(
            f"{name}: the comments {BEGIN} and {END} {where}; put each on a line of its own, where the list is to be"
        )
    start, end = found[0].span("list")
    return f"{page[:start]}{made}{page[end:]}"


def dumps(sections: Iterable[Section], papers: Mapping[str, Facts], style: str) -> str:
    """The sections with their papers, each in a style of `STYLES`."""
    head, item = STYLES[style]
    shift = 1 if style == "heading" else 0
    parts: list[str] = []
    seen: tuple[str, ...] = ()
    for section in sections:
        shared = next(
            (n for n, (a, b) in enumerate(zip(section.path, seen, strict=False)) if a != b),
            min(len(section.path), len(seen)),
        )
        for depth, name in enumerate(section.path[shared:], shared):
            parts.append(f"{'#' * min(_LEVEL + depth, 6 - shift)} {name}")
        seen = section.path
        parts += [section.intro] if section.intro else []
        items = [item(papers[key], min(_LEVEL + len(section.path), 6)) for key in section.keys if key in papers]
        if items:
            parts.append("\n".join([*head, *items]) if style != "heading" else "\n\n".join(items))
    return "\n" + "\n\n".join(parts) + "\n\n"


def _paper(facts: Facts) -> Address | None:
    return next((one for one in facts.addresses if one.kind == "paper" and one.origin == "link"), None) or next(
        (one for one in facts.addresses if one.kind == "paper"), None
    )


def _title(facts: Facts) -> str:
    paper, title = _paper(facts), escaped(facts.heading)
    return f"[{title}]({_url(paper.url)})" if paper else f"**{title}**"


def _url(url: str) -> str:
    return f"<{url}>" if re.search(r"[\s()]", url) else url


def _links(facts: Facts) -> str:
    paper = _paper(facts)
    others = [one for one in facts.addresses if one is not paper and one.origin == "link"]
    return " ".join(f"[[{escaped(one.kind)}]({_url(one.url)})]" for one in others)


def _names(facts: Facts) -> str:
    names = [escaped(name.display) for name in facts.names]
    return ", ".join([*names, "et al."] if facts.others else names)


def _venue_and_year(facts: Facts) -> tuple[str, str]:
    """Both as far as they are more than what the arXiv id says anyway, so that reading the list adds nothing."""
    eprint = facts.id("arxiv")
    implied = re.match(r"(\d\d)\d\d\.", eprint)
    same = implied and f"{facts.year}" == f"20{implied[1]}"
    venue = "" if eprint and "arxiv" in facts.venue.casefold() else escaped(facts.venue)
    return venue, "" if same and not venue else str(facts.year or "")


def _bullet(facts: Facts, _level: int) -> str:
    place = " ".join(filter(None, _venue_and_year(facts)))
    said = ". ".join(part.rstrip(".") for part in (_names(facts), place) if part)
    return " ".join(filter(None, (f"- {_title(facts)}", f"— {said}." if said else "", _links(facts))))


def _row(facts: Facts, _level: int) -> str:
    cells = (_title(facts), _names(facts), *_venue_and_year(facts), _links(facts))
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _heading(facts: Facts, level: int) -> str:
    said = zip(("Authors", "Venue", "Year"), (_names(facts), *_venue_and_year(facts)), strict=True)
    lines = [f"{name}: {value}" for name, value in said if value]
    return "\n\n".join(filter(None, [f"{'#' * level} {_title(facts)}", *lines, _links(facts)]))


STYLES: Mapping[str, tuple[Sequence[str], Callable[[Facts, int], str]]] = {
    "bullet": ((), _bullet),
    "table": (("| Title | Authors | Venue | Year | Links |", "|---|---|---|---|---|"), _row),
    "heading": ((), _heading),
}
