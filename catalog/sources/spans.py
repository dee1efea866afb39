"""What pages say in one text: the people of a work, and its day."""

from __future__ import annotations

import re

from catalog.facts import Name
from catalog.ingest import values
from catalog.sources.said import iso, person

_BETWEEN = re.compile(r"\s*;\s*|\s+(?:and|&)\s+|\s*,\s+and\s+", re.I)


def people(said: str) -> list[Name]:
    """The people that a text names: parted by semicolons or "and", or whole names parted by commas."""
    found: list[Name] = []
    for piece in filter(None, _BETWEEN.split(said.strip())):
        parts = [one.strip() for one in piece.split(",") if one.strip()]
        if len(parts) > 1 and all(" " in one for one in parts):
            found += [person(literal=one) for one in parts]
        elif len(parts) == 2:
            found.append(person(parts[0], parts[1]) if not _suffix(parts[1]) else person(literal=piece))
        else:
            found.append(person(literal=piece))
    return [name for name in found if name.last]


def _suffix(text: str) -> bool:
    return bool(re.fullmatch(r"(?:[JS]r|I{2,3}|IV|Ph\.?D|M\.?D|Esq)\.?", text, re.I))


def day(said: str) -> str:
    """A day as metadata write it, as ISO and as long as it is precise; "" where it is none."""
    said = said.replace("/", "-").split("T")[0]
    if re.fullmatch(r"\d{4}(?:-\d{1,2}){0,2}", said):
        return iso(said.split("-"))
    found = values.date(said)
    return found.value if found else ""
