"""Two forms of one paper, as a merge left them: what they say differently, and one paper made of both. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import SequenceMatcher
from typing import Any, Literal, NamedTuple

from catalog import conflict
from catalog.errors import BadFile, Finding, KbError
from catalog.models import Paper
from catalog.paperfile import loads

Choice = Literal["ours", "theirs", "both"]
LISTS = ("links", "tags", "tutorials", "aliases", "authors")
UNITED = (*LISTS, "notes", "extras")


class Difference(NamedTuple):
    """A field that two sides give differently."""

    field: str
    ours: Any
    theirs: Any

    @property
    def choices(self) -> tuple[Choice, ...]:
        """What can be taken."""
        return ("ours", "theirs", "both") if self.field in UNITED else ("ours", "theirs")


def read_sides(text: str, key: str, path: str) -> tuple[Paper, Paper]:
    """The paper as either side of an unresolved merge has it; raises `BadFile` where one cannot be read."""
    text = text.replace("\r\n", "\n")
    if not conflict.hunks(text):
        raise KbError(f"{path}: there is no unresolved merge")
    ours, theirs = conflict.sides(text)
    try:
        return loads(ours, key, path), loads(theirs, key, path)
    except BadFile as e:
        first = conflict.hunks(text)[0]
        why = f"one side of the merge cannot be read by itself: {e.findings[0].message}"
        raise BadFile(Finding("conflict", why, f"`kb edit {key}` opens it there", path, first.first, key)) from None


def differences(ours: Paper, theirs: Paper) -> list[Difference]:
    """What two forms of a paper say differently, in the order of its fields."""
    names = [name for name in Paper.model_fields if name != "key"]
    pairs = [(name, getattr(ours, name), getattr(theirs, name)) for name in names]
    return [Difference(*pair) for pair in pairs if pair[1] != pair[2]]


def united(ours: Paper, theirs: Paper, choices: Mapping[str, Choice]) -> Paper:
    """One paper: of each field what was chosen for it, of the others what both say. Raises `KbError`."""
    changes = {}
    for field, mine, other in differences(ours, theirs):
        choice = choices.get(field)
        if choice is None or (choice == "both" and field not in UNITED):
            raise KbError(f"{ours.key}: take whose {field}? --take {field}=ours or {field}=theirs")
        changes[field] = _both(field, mine, other) if choice == "both" else mine if choice == "ours" else other
    return ours.evolve(**changes)


def _both(field: str, mine: Any, other: Any) -> Any:
    if field == "notes":
        return united_lines(mine, other)
    if field == "extras":
        return other | mine
    return (*mine, *(item for item in other if item not in mine))


def united_lines(mine: str, other: str) -> str:
    """The lines of both texts, those in common once and in their place."""
    a, b = mine.split("\n"), other.split("\n")
    lines: list[str] = []
    for kind, a0, a1, b0, b1 in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        lines += a[a0:a1] if kind == "equal" else [*a[a0:a1], *([""] if a0 < a1 and b0 < b1 else []), *b[b0:b1]]
    return "\n".join(lines)
