"""Three forms of one paper: as it was, and as two people changed it. What both say is united; pure values.

A conflict is left only where two people said different things of one fact. Lists, links, tags, identifiers and fields
of others are sets of facts; notes are lines, of which those that two people add at one place stand one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from catalog.bibtex import scan
from catalog.bibtex.syntax import Source, read_block, skip
from catalog.bibtex.united import united
from catalog.facts import UNREAD, Reading
from catalog.models import Paper
from catalog.paperfile import dumps
from catalog.readers import Reader, facts_of, reader_of, reading_from, united_reading

MOST_LINES = 5_000
LISTS = ("links", "tags", "tutorials", "aliases")
TABLES = ("ids", "extras")
TEXTS = ("bibtex", "notes")
_APART = ("key", "apart", "status", "read", *LISTS, *TABLES, *TEXTS)


class Merged(NamedTuple):
    """Both changes in one: as `ours` where two people said different things of a field, and as `theirs`."""

    ours: Paper
    theirs: Paper
    fields: tuple[str, ...]

    @property
    def text(self) -> str:
        """The file of the paper, with git's marks where a field is said in two ways."""
        return marked(dumps(self.ours), dumps(self.theirs)) if self.fields else dumps(self.ours)


def merge(base: Paper | None, ours: Paper, theirs: Paper) -> Merged:
    """Unite two changes of a paper; without `base` two people wrote it at once.

    Raises `KbError` where what they say together cannot be.
    """
    was = base or Paper(key=ours.key)
    plain = [name for name in Paper.model_fields if name not in _APART]
    mine, other = {name: getattr(ours, name) for name in plain}, {name: getattr(theirs, name) for name in plain}
    if base is None and ours.added and theirs.added:
        mine["added"] = other["added"] = min(ours.added, theirs.added)
    first, clashes = table({name: getattr(was, name) for name in plain}, mine, other)
    second = {name: other[name] if name in clashes else value for name, value in first.items()}
    reading = [(paper.status, paper.read) for paper in (was, ours, theirs)]
    if (how := one(*reading)) is None and ours.status == theirs.status and not (ours.read and theirs.read):
        how = (ours.status, ours.read or theirs.read)  # one of the two says when, too
    if how is None:
        clashes = (*clashes, "status")
    for chosen, said in ((first, how or reading[1]), (second, how or reading[2])):
        chosen["status"], chosen["read"] = said
    for name in LISTS:
        first[name] = second[name] = items(*(getattr(paper, name) for paper in (was, ours, theirs)))
    for name in TABLES:
        first[name], wrong = table(*(getattr(paper, name) for paper in (was, ours, theirs)))
        second[name] = first[name] | {key: getattr(theirs, name)[key] for key in wrong if key in getattr(theirs, name)}
        clashes = (*clashes, *(f"{name}.{key}" for key in wrong))
    for name in TEXTS:
        said = [getattr(paper, name) for paper in (was, ours, theirs)]
        first[name], second[name] = _notes(*said) if name == "notes" else _bibtex(*said)
        clashes = clashes if first[name] == second[name] else (*clashes, name)
    return Merged(ours.evolve(**first), ours.evolve(**second), tuple(clashes))


def merge_readers(was: Reader, ours: Reader, theirs: Reader) -> tuple[Reader, Reader, tuple[str, ...]]:
    """Unite two changes of what a reader says: as `ours` where a field of a paper is said in two ways, as `theirs`
    there, and which these are."""
    first, second, clashes = dict[str, Reading](), dict[str, Reading](), list[str]()
    for key in sorted({*was.papers, *ours.papers, *theirs.papers}):
        before, mine, other = (facts_of(reader.papers.get(key, UNREAD)) for reader in (was, ours, theirs))
        said, wrong = table(before, mine, other)
        first[key] = reading_from(said)
        second[key] = reading_from(said | {name: other[name] for name in wrong})
        clashes += [f"{key}: {name}" for name in wrong]
    queue = items(was.queue, ours.queue, theirs.queue)
    return reader_of(ours.name, first, queue), reader_of(ours.name, second, queue), tuple(clashes)


def rekeyed(readers: Sequence[Reader], now: Mapping[str, str]) -> list[Reader]:
    """What readers say, under the keys that papers have `now` by former ones, where something is said under both."""
    used = {key for reader in readers for key in (*reader.papers, *reader.queue)}
    moved = {former: key for former, key in now.items() if former in used and key in used}
    found = []
    for reader in readers:
        keys = dict.fromkeys(moved.get(key, key) for key in reader.papers)
        former = {key: [old for old in reader.papers if moved.get(old) == key] for key in keys}
        queue = dict.fromkeys(moved.get(key, key) for key in reader.queue)
        papers = {key: united_reading(reader, [key, *former[key]]) for key in keys}
        found.append(reader_of(reader.name, papers, tuple(queue)))
    return found


def one(was: Any, mine: Any, other: Any) -> Any | None:
    """What a single fact is after two changes; None where they differ."""
    if mine == other or other == was:
        return mine
    return other if mine == was else None


def table(
    was: Mapping[str, Any], mine: Mapping[str, Any], other: Mapping[str, Any]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Facts by name: united, and the names of those that two changes give differently, which stay as mine."""
    found: dict[str, Any] = {}
    clashes = []
    absent = object()
    for name in dict.fromkeys([*mine, *other, *was]):
        before, ours, theirs = (values.get(name, absent) for values in (was, mine, other))
        if ours == theirs or theirs == before:
            value = ours
        elif ours == before:
            value = theirs
        else:
            clashes.append(name)
            value = ours
        if value is not absent:
            found[name] = value
    return found, tuple(clashes)


def items(was: Sequence[Any], mine: Sequence[Any], other: Sequence[Any]) -> tuple[Any, ...]:
    """A list of facts: without what either took away, with what either added."""
    gone = [one for one in was if one not in mine or one not in other]
    found: list[Any] = []
    for one in (*mine, *other):
        if one not in gone and one not in found:
            found.append(one)
    return tuple(found)


def lines(was: str, mine: str, other: str) -> str | None:
    """A text; what both add at one place stands one after the other. None where both changed the same lines."""
    ours, theirs = _notes(was, mine, other)
    return ours if ours == theirs else None


def _notes(was: str, mine: str, other: str) -> tuple[str, str]:
    """A text with both changes: with my lines where both changed the same, and with those of the other."""
    if (simple := one(was, mine, other)) is not None:
        return simple, simple
    return _woven(was, mine, other, lambda a, b: [*a, *([""] if a and b and a[-1] and b[0] else []), *b])


def _bibtex(was: str, mine: str, other: str) -> tuple[str, str]:
    """As `_notes`, of an entry, field by field where lines do not tell."""
    if (simple := one(was, mine, other)) is not None:
        return simple, simple
    ours, theirs = _woven(was, mine, other, lambda a, b: [*a, *b])
    return (ours, ours) if ours == theirs and _sound(ours) else united(was, mine, other) or (mine, other)


def _sound(text: str) -> bool:
    """Whether it is entries that can be read, with each field once."""
    for block in scan(text):
        if block.kind == "broken" or block.findings:
            return False
        if block.kind == "entry":
            names = [span.name for span in read_block(Source(block.text), skip(block.text, 0)).fields]
            if len(set(names)) < len(names):
                return False
    return True


Join = Callable[[list[str], list[str]], list[str]]


def _woven(was: str, mine: str, other: str, join: Join) -> tuple[str, str]:
    """Both changes of a text, line by line; `join` puts together what both add at one place."""
    base, ours, theirs = was.split("\n") if was else [], mine.split("\n"), other.split("\n")
    if max(map(len, (base, ours, theirs))) > MOST_LINES:
        return mine, other
    first: list[str] = []
    second: list[str] = []
    for old, a, b in _regions(base, ours, theirs):
        both = _joined(old, a, b, join)
        first += a if both is None else both
        second += b if both is None else both
    return "\n".join(first), "\n".join(second)


def _joined(old: list[str], mine: list[str], other: list[str], join: Join) -> list[str] | None:
    """Some lines with both changes; None where both changed the same."""
    if other in (mine, old):
        return mine
    if mine == old:
        return other
    if (around := _added(old, mine)) and (others := _added(old, other)):
        return [*join(around[0], others[0]), *old, *join(around[1], others[1])]
    if around:
        return [*around[0], *other, *around[1]]
    if around := _added(old, other):
        return [*around[0], *mine, *around[1]]
    return None


def _added(old: list[str], new: list[str]) -> tuple[list[str], list[str]] | None:
    """The lines that were added before and behind those that were there, where nothing else was changed."""
    if new[: len(old)] == old:
        return [], new[len(old) :]
    return (new[: len(new) - len(old)], []) if new[len(new) - len(old) :] == old else None


def _regions(base: list[str], ours: list[str], theirs: list[str]) -> Iterable[tuple[list[str], list[str], list[str]]]:
    """What lies between the lines that all three share, and these lines themselves, in their order."""
    a = _matches(base, ours)
    b = _matches(base, theirs)
    at = (0, 0, 0)
    for place in sorted(set(a) & set(b)):
        here = (place, a[place], b[place])
        if here[1] < at[1] or here[2] < at[2]:
            continue
        yield base[at[0] : here[0]], ours[at[1] : here[1]], theirs[at[2] : here[2]]
        yield ([base[place]],) * 3
        at = (here[0] + 1, here[1] + 1, here[2] + 1)
    yield base[at[0] :], ours[at[1] :], theirs[at[2] :]


def _matches(base: Sequence[str], other: Sequence[str]) -> dict[int, int]:
    """Where each line of the base that stays has gone."""
    blocks = SequenceMatcher(None, base, other, autojunk=False).get_matching_blocks()
    return {block.a + step: block.b + step for block in blocks for step in range(block.size)}


def marked(ours: str, theirs: str) -> str:
    """Two texts in one, with git's marks around the lines in which they differ."""
    a, b = ours.split("\n"), theirs.split("\n")
    found: list[str] = []
    for kind, a0, a1, b0, b1 in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if kind == "equal":
            found += a[a0:a1]
        else:
            found += ["<<<<<<< ours", *a[a0:a1], "=======", *b[b0:b1], ">>>>>>> theirs"]
    return "\n".join(found)
