"""What git leaves in a file where two people changed the same lines: where it stands, and the text of either side."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_SIZE = 7  # characters of a mark; git writes more where it is told to, or merges merges
_LONGEST = 40
_MARKS = frozenset(one * _SIZE for one in "<|=>")
_MARK = re.compile(rf"(?P<mark>(?P<one>[<|=>])(?P=one){{{_SIZE - 1},{_LONGEST - 1}}})(?:[ \t].*)?\r?\Z", re.S)


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
        found = _hunk(lines, at) if lines[at].startswith("<" * _SIZE) else None
        yield found or lines[at]
        at = found.last if found else at + 1


def _hunk(lines: list[str], at: int) -> Hunk | None:
    """The hunk that begins at a line; its marks are all as long as the first, longer ones are what a side says."""
    size = len(_mark(lines[at]))
    ours: list[str] = []
    theirs: list[str] = []
    side: list[str] | None = ours
    for number in range(at + 1, len(lines)) if size else ():
        line = lines[number]
        mark = _mark(line) if line[:_SIZE] in _MARKS else ""
        kind = mark[:1] if len(mark) == size else ""
        if kind == "<":
            return None
        if kind == ">":
            return Hunk(at + 1, number + 1, tuple(ours), tuple(theirs)) if side is theirs else None
        if kind == "=" and side is not theirs:
            side = theirs
        elif kind == "|" and side is ours:
            side = None
        elif side is not None:
            side.append(line)
    return None


def _mark(line: str) -> str:
    found = _MARK.match(line)
    return found["mark"] if found else ""


def strays(text: str) -> list[tuple[int, str]]:
    """The marks that stand alone, with their lines, from 1: of a merge that somebody settled by half."""
    if not any(one * _SIZE in text for one in "<>"):
        return []
    found, line = [], 1
    for part in _parts(text):
        if isinstance(part, str) and part[:_SIZE] in ("<" * _SIZE, ">" * _SIZE) and part[_SIZE:][:1] in ("", " "):
            found.append((line, part.rstrip()))
        line = part.last + 1 if isinstance(part, Hunk) else line + 1
    return found
