"""Two forms of one paper, or of what a reader says, as a merge left them: what they say differently, and one made of
both. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import SequenceMatcher
from typing import Any, Literal, NamedTuple, TypeVar

from catalog import conflict, readers
from catalog.errors import BadFile, Finding, KbError
from catalog.facts import UNREAD
from catalog.models import Paper
from catalog.paperfile import loads
from catalog.readers import Reader, facts_of, reader_of, reading_from

T = TypeVar("T")
Choice = Literal["ours", "theirs", "both"]
LISTS = ("links", "tags", "tutorials", "aliases", "authors")
UNITED = (*LISTS, "notes", "extras", "queue")


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
    return _both_read(text, path, lambda side: loads(side, key, path), f"`kb edit {key}` opens it there")


def read_reader_sides(text: str, name: str, path: str) -> tuple[Reader, Reader]:
    """What a reader says as either side of an unresolved merge has it. Raises as `read_sides`."""
    return _both_read(text, path, lambda side: readers.loads(side, name, path), "correct it there")


def _both_read(text: str, path: str, read: Callable[[str], T], remedy: str) -> tuple[T, T]:
    text = text.replace("\r\n", "\n")
    if not (unresolved := conflict.hunks(text)):
        raise KbError(f"{path}: there is no unresolved merge")
    try:
        ours, theirs = map(read, conflict.sides(text))
    except BadFile as e:
        why = f"one side of the merge cannot be read by itself: {e.findings[0].message}"
        raise BadFile(Finding("conflict", why, remedy, path, unresolved[0].first)) from None
    return ours, theirs


def differences(ours: Paper, theirs: Paper) -> list[Difference]:
    """What two forms of a paper say differently, in the order of its fields."""
    names = [name for name in Paper.model_fields if name != "key"]
    pairs = [(name, getattr(ours, name), getattr(theirs, name)) for name in names]
    return [Difference(*pair) for pair in pairs if pair[1] != pair[2]]


def reader_differences(ours: Reader, theirs: Reader) -> list[Difference]:
    """What two forms of a reader's file say differently: `KEY.status`, `KEY.due`, `KEY.rating`, and the `queue`."""
    found = []
    for key in sorted({*ours.papers, *theirs.papers}):
        mine, other = (facts_of(side.papers.get(key, UNREAD)) for side in (ours, theirs))
        pairs = ((name, _shown(mine[name]), _shown(other[name])) for name in mine)
        found += [Difference(f"{key}.{name}", a, b) for name, a, b in pairs if a != b]
    queues = Difference("queue", ours.queue, theirs.queue)
    return [*found, *([queues] if ours.queue != theirs.queue else [])]


def _shown(fact: Any) -> str:
    return " ".join(filter(None, fact)) if isinstance(fact, tuple) else str(fact or "")


def united_reader(ours: Reader, theirs: Reader, choices: Mapping[str, Choice]) -> Reader:
    """What one reader says: of each field that differs what was chosen for it. Raises `KbError`."""
    chosen = {one.field: _chosen(ours.name, one, choices) for one in reader_differences(ours, theirs)}
    papers = {}
    for key in {*ours.papers, *theirs.papers}:
        mine, other = (facts_of(side.papers.get(key, UNREAD)) for side in (ours, theirs))
        facts = {name: (other if chosen.get(f"{key}.{name}") == "theirs" else mine)[name] for name in mine}
        papers[key] = reading_from(facts)
    queue = theirs.queue if chosen.get("queue") == "theirs" else ours.queue
    return reader_of(ours.name, papers, _added(queue, theirs.queue) if chosen.get("queue") == "both" else queue)


def united(ours: Paper, theirs: Paper, choices: Mapping[str, Choice]) -> Paper:
    """One paper: of each field what was chosen for it, of the others what both say. Raises `KbError`."""
    changes = {}
    for one in differences(ours, theirs):
        choice = _chosen(ours.key, one, choices)
        both = choice == "both"
        changes[one.field] = _both(*one) if both else one.ours if choice == "ours" else one.theirs
    return ours.evolve(**changes)


def _chosen(of: str, one: Difference, choices: Mapping[str, Choice]) -> Choice:
    choice = choices.get(one.field)
    if choice is None or choice not in one.choices:
        raise KbError(f"{of}: take whose {one.field}? --take {one.field}=ours or {one.field}=theirs")
    return choice


def _both(field: str, mine: Any, other: Any) -> Any:
    if field == "notes":
        return united_lines(mine, other)
    if field == "extras":
        return other | mine
    return _added(mine, other)


def _added(mine: tuple[T, ...], other: tuple[T, ...]) -> tuple[T, ...]:
    return (*mine, *(item for item in other if item not in mine))


def united_lines(mine: str, other: str) -> str:
    """The lines of both texts, those in common once and in their place."""
    a, b = mine.split("\n"), other.split("\n")
    lines: list[str] = []
    for kind, a0, a1, b0, b1 in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        lines += a[a0:a1] if kind == "equal" else [*a[a0:a1], *([""] if a0 < a1 and b0 < b1 else []), *b[b0:b1]]
    return "\n".join(lines)
