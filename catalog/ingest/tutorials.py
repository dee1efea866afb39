"""Tables of tutorials or notebooks that a paper comes with."""

from __future__ import annotations

import re
from collections.abc import Sequence

from catalog.ingest.line import anchors
from catalog.ingest.report import Report
from catalog.ingest.tree import Node, Text
from catalog.models import Tutorial

_COLUMNS = {
    "name": r"tutorial|name|title",
    "date": r"date|year",
    "versions": r"version|librar|lib\b",
    "notebook": r"notebook|link|url|file",
}


def read(rows: Sequence[Node], head: Sequence[str], report: Report) -> tuple[list[Tutorial], bool]:
    """The tutorials of a table, and whether all that it says is in them."""
    column: dict[str, int] = {}
    for field, pattern in _COLUMNS.items():
        hits = [n for n, name in enumerate(head) if n not in column.values() and re.search(pattern, name, re.I)]
        if hits:
            column[field] = hits[0]
    whole = len(column) == len(head)
    found = []
    for row in rows:
        cells = [cell.text for cell in row.children]
        whole &= not any(cell.plain for cell in cells[len(head) :])
        one = {field: cells[at] if at < len(cells) else Text() for field, at in column.items()}
        if tutorial := _tutorial(one, row.line, report):
            found.append(tutorial)
        elif any(cell.plain for cell in cells):
            whole = False
    return found, whole


def _tutorial(one: dict[str, Text], line: int, report: Report) -> Tutorial | None:
    raw, place = one.get("name", Text()), one.get("notebook", Text())
    links = anchors(place) or [a for a in anchors(raw) if not a.mark.url.startswith("mailto:")]
    link = report.link("notebook", links[0], line) if links else None
    notebook = link.url if link else "" if links else place.plain
    name = raw.plain or notebook.rsplit("/", 1)[-1]
    try:
        date, libraries = one.get("date", Text()).plain, versions(one.get("versions", Text()))
        return Tutorial(name=name, date=date, versions=libraries, notebook=notebook)
    except ValueError:
        if any(text.plain for text in one.values()):
            message = "a tutorial without a name, or with a bad address, kept in the notes"
            report.add("kept", "tutorial", message, line)
        return None


def versions(cell: Text) -> dict[str, str]:
    """Libraries and their versions: "peft=0.7.1, torch>=2.0"; each part in code is one, whatever it holds."""
    found: dict[str, str] = {}
    codes = [cell.plain[m.start : m.end] for m in cell.of("code")]
    if codes and all("=" in code for code in codes) and len(cell.plain) <= sum(map(len, codes)) + 2 * len(codes):
        for code in codes:
            name, _, value = code.partition("=")
            found[name.replace("%3D", "=").replace("%25", "%")] = value
        return found
    for part in re.split(r"[,;，\n]", cell.plain):
        part = part.strip()
        if not part:
            continue
        match = re.search(r"={1,3}|[<>~!]=?", part) or re.search(r"[ \t:@]+", part)
        name, value = (part[: match.start()], part[match.start() :]) if match else (part, "")
        found[name.strip()] = (value.lstrip("=: \t@") if not value.startswith(("<", ">", "~", "!")) else value).strip()
    return found
