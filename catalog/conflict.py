"""What git leaves in a file where two people changed the same lines: where it stands, and the text of either side."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_OPEN, _BASE, _MIDDLE, _CLOSE = (re.compile(rf"{re.escape(c * 7)}(?:[ \t].*)?\r?\Z", re.S) for c in "<|=>")


class Hunk(NamedTuple):
    """An unresolved place: its first and last line, from 1, and the lines of either side."""

    first: int
    last: int
    ours: tuple[str, ...]
    theirs: tuple[str, ...]

    def __str__(self) -> str:
        return f"an unresolved merge, lines {self.first} to {self.last}"


def hunks(text: str) -> list[Hunk]:
    """The unresolved places of a text: markers in their order, each at the start of a line."""
    return [part for part in _parts(text) if isinstance(part, Hunk)] if "<<<<<<<" in text else []


def sides(text: str) -> tuple[str, str]:
    """The text as one side has it, and as the other has it."""
    ours: list[str] = []
    theirs: list[str] = []
    for part in _parts(text):
        ours += part.ours if isinstance(part, Hunk) else [part]
        theirs += part.theirs if isinstance(part, Hunk) else [part]
    return "\n".join(ours), "\n".join(theirs)


def _parts(text: str) -> Iterator[Hunk | str]:
    """The lines outside, and each hunk; what begins like one and is not closed is lines like any other."""
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        found = _hunk(lines, at) if _OPEN.match(lines[at]) else None
        yield found or lines[at]
        at = found.last if found else at + 1


def _hunk(lines: list[str], at: int) -> Hunk | None:
    ours: list[str] = []
    theirs: list[str] = []
    side: list[str] | None = ours
    for number in range(at + 1, len(lines)):
        line = lines[number]
        if _OPEN.match(line):
            return None
        if _CLOSE.match(line):
            return Hunk(at + 1, number + 1, tuple(ours), tuple(theirs)) if side is theirs else None
        if _MIDDLE.match(line) and side is not theirs:
            side = theirs
        elif _BASE.match(line) and side is ours:
            side = None
        elif side is not None:
            side.append(line)
    return None
