"""What each reader of a shared collection says: a TOML file a reader, one line a paper, and their queue. Pure values.

    queue = [
      "dettmers2023qlora",
    ]

    [papers]
    "hu2021lora" = { status = "read", read = 2026-11-24, rating = 9 }

Such files are merged, and edited by hand: lines that do not change stay as they are, comments and all.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from catalog.conflict import hunks
from catalog.errors import BadFile, Finding, KbError
from catalog.facts import STATUSES, UNREAD, Reading
from catalog.toml import line_of, quoted, read_toml

FOLDER = "readers"
NOBODY = "nobody"
_RESERVED = frozenset({NOBODY, "me", "everyone", "con", "prn", "aux", "nul"})
_NAME = re.compile(r"[^\W_](?:[\w.-]{0,38}[^\W_])?")
_ENTRY = re.compile(r'[ \t]*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[\w-]+))[ \t]*=[ \t]*(?P<value>\{[^{}#]*\})')
_QUEUE = re.compile(r"[ \t]*queue[ \t]*=[ \t]*\[")
_REMEDY = "correct the line, or take an older form of the file from git or `kb undo`"
_MOST_SAID = 20


@dataclass(frozen=True, slots=True)
class Reader:
    """One reader: how far with each paper that is not just unread, by key, and the keys to read next in their order."""

    name: str
    papers: Mapping[str, Reading] = field(default_factory=dict)
    queue: tuple[str, ...] = ()

    def of(self, key: str, aliases: Iterable[str] = ()) -> Reading:
        """How far this reader is with a paper, which may have had other keys; what is said under the first counts."""
        keys = (key, *aliases)
        said = united_reading(self, keys)
        place = next((self.queue.index(one) + 1 for one in keys if one in self.queue), 0)
        return said._replace(place=place) if place else said


def reader_of(name: str, papers: Mapping[str, Reading], queue: Sequence[str]) -> Reader:
    """A reader, without the papers of whom nothing is said."""
    return Reader(name, {key: one for key, one in papers.items() if one != UNREAD}, tuple(queue))


def united_reading(reader: Reader, keys: Sequence[str]) -> Reading:
    """What is said of a paper under these keys, fact by fact what the first of them says."""
    said = [reader.papers[key] for key in keys if key in reader.papers]
    if len(said) < 2:
        return said[0] if said else UNREAD
    nothing = facts_of(UNREAD)
    facts = dict(nothing)
    for one in reversed(said):
        facts |= {name: value for name, value in facts_of(one).items() if value != nothing[name]}
    return reading_from(facts)


def facts_of(said: Reading) -> dict[str, Any]:
    """What is said of one paper, fact by fact; the day goes with the status."""
    return {"status": (said.status, said.read), "due": said.due, "rating": said.rating}


def reading_from(facts: Mapping[str, Any]) -> Reading:
    """The inverse of `facts_of`."""
    status, read = facts["status"]
    return Reading(status, "", read, facts["due"], facts["rating"])


def name_of(text: str) -> str:
    """The name of a reader as files and queries write it; raises `KbError` where it cannot be one."""
    name = unicodedata.normalize("NFC", text.strip().lower())
    if not _NAME.fullmatch(name) or name.removesuffix(".toml") in _RESERVED:
        raise KbError(f"{text[:40]!r} is no name for a reader; write one word of letters and digits, such as ana")
    return name


def loads(text: str, name: str, path: str) -> Reader:
    """Read a reader's file; raises `BadFile` with a finding for each thing that is wrong."""
    if unresolved := hunks(text):
        said = [(str(one), one.first) for one in unresolved]
        remedy = f"`kb resolve --reader {name}` shows both sides"
        raise BadFile(*(Finding("conflict", message, remedy, path, line) for message, line in said))
    values = read_toml(text, path, "reader", _REMEDY)
    wrong: list[Finding] = []

    def say(at: str, message: str, remedy: str) -> None:
        if len(wrong) < _MOST_SAID:
            wrong.append(Finding("reader", message, remedy, path, line_of(text, at)))

    for unknown in values.keys() - {"papers", "queue"}:
        say(unknown, f"{unknown[:60]!r}: no such field", "known are papers and queue")
    papers, queue = values.get("papers", {}), values.get("queue", [])
    if not isinstance(papers, dict):
        say("papers", "papers: not a table", "write [papers]")
        papers = {}
    if not isinstance(queue, list) or not all(isinstance(key, str) and key for key in queue):
        say("queue", "queue: not a list of keys", 'write queue = ["hu2021lora"]')
        queue = []
    found = {}
    for key, said in papers.items():
        try:
            found[key] = _reading(said)
        except ValueError as e:
            message, _, remedy = str(e).partition("; ")
            say(key, f"{key[:60]}: {message}", remedy)
    if wrong:
        raise BadFile(*wrong)
    return Reader(name, found, tuple(dict.fromkeys(queue)))


def _reading(said: Any) -> Reading:
    if not isinstance(said, dict):
        raise ValueError(f'{str(said)[:40]!r} says nothing of a paper; write {{ status = "read" }}')
    if unknown := said.keys() - {"status", "read", "due", "rating"}:
        raise ValueError(f"{sorted(unknown)[0][:40]!r}: no such field; known are status, read, due, rating")
    status, rating = said.get("status", "unread"), said.get("rating", 0)
    if status not in STATUSES:
        raise ValueError(f"status: {str(status)[:40]!r} is not a status; write unread, reading or read")
    if type(rating) is not int or not 0 <= rating <= 10:
        raise ValueError(f"rating: {str(rating)[:40]!r} is not a rating; write a whole number from 1 to 10")
    read, due = (_day(name, said.get(name, "")) for name in ("read", "due"))
    if read and status != "read":
        raise ValueError(f'read: {read} with status {status}; write status = "read" or remove the date')
    return Reading(status, "", read, due, rating)


def _day(name: str, value: Any) -> str:
    try:
        if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
            return value.isoformat()
        return dt.date.fromisoformat(value).isoformat() if value else ""
    except (ValueError, TypeError):
        raise ValueError(f"{name}: {str(value)[:40]!r} is not a date; write YYYY-MM-DD") from None


def dumps(reader: Reader) -> str:
    """The canonical text of a reader's file."""
    lines = _queue(reader.queue)
    said = [_line(key, _table(one)) for key, one in sorted(reader.papers.items()) if _table(one)]
    return "".join([*lines, *(["\n"] if lines else []), "[papers]\n", *said])


def edited(text: str, before: Reader, after: Reader) -> str:
    """The text of `before` as it says `after`; what did not change stands as it stood."""
    lines = text.removeprefix("\ufeff").splitlines(keepends=True) or ["[papers]\n"]
    if lines[-1][-1:] != "\n":
        lines[-1] += "\n"
    keys = {key for key in {**before.papers, **after.papers} if before.papers.get(key) != after.papers.get(key)}
    lines = _with_papers(lines, {key: _table(after.papers.get(key, UNREAD)) for key in keys})
    if before.queue != after.queue:
        lines = _with_queue(lines, after.queue)
    return "".join(lines)


def with_comments(text: str, other: str, was: str = "") -> str:
    """A text with the comments of another form of it at its end, but for those that it has, or that `was` had."""
    there = text + was
    lines = (f"{line}\n" for line in other.splitlines() if line.lstrip().startswith("#"))
    return text + "".join(line for line in lines if line not in there)


def _with_papers(lines: list[str], tables: Mapping[str, str]) -> list[str]:
    """The lines with those of these papers set, taken away where nothing is said, or added in the order of the keys."""
    start = next((n + 1 for n, line in enumerate(lines) if line.strip() == "[papers]"), 0)
    if not start:
        lines = [*lines, *(["\n"] if lines else []), "[papers]\n"]
        start = len(lines)
    stop = next((n for n in range(start, len(lines)) if lines[n].lstrip().startswith("[")), len(lines))
    entries = {n: _key(entry) for n in range(start, stop) if (entry := _ENTRY.match(lines[n]))}
    new = [key for key in sorted(tables, reverse=True) if tables[key] and key not in entries.values()]
    found, between = lines[:start], list[str]()  # the lines before an entry, which may be about it
    for number in range(start, stop):
        key = entries.get(number)
        if key is None:
            between.append(lines[number])
            continue
        while new and new[-1] < key:
            found.append(_line(new[-1], tables[new.pop()]))
        found += between
        between = []
        if key not in tables:
            found.append(lines[number])
        elif tables[key] and (entry := _ENTRY.match(lines[number])):
            found.append(f"{lines[number][: entry.start('value')]}{tables[key]}{lines[number][entry.end() :]}")
    found += [_line(key, tables[key]) for key in reversed(new)]
    return [*found, *between, *lines[stop:]]


def _line(key: str, table: str) -> str:
    return f"{quoted(key)} = {table}\n"


def _key(entry: re.Match[str]) -> str:
    if entry["bare"] is not None:
        return entry["bare"]
    try:
        return str(json.loads(f'"{entry["quoted"]}"'))
    except ValueError:
        return entry["quoted"]


def _with_queue(lines: list[str], queue: Sequence[str]) -> list[str]:
    start = next((n for n, line in enumerate(lines) if _QUEUE.match(line)), None)
    if start is None:
        new = _queue(queue)
        return [*new, *(["\n"] if new else []), *lines]
    stop = next((n for n in range(start, len(lines)) if "]" in lines[n].split("#")[0]), len(lines) - 1)
    kept = [line for line in lines[start : stop + 1] if line.lstrip().startswith("#")]
    return [*lines[:start], *kept, *_queue(queue), *lines[stop + 1 :]]


def _queue(queue: Sequence[str]) -> list[str]:
    return ["queue = [\n", *(f"  {quoted(key)},\n" for key in queue), "]\n"] if queue else []


def _table(one: Reading) -> str:
    """What a reader says of a paper as an inline table; "" where that is nothing."""
    said = list(_said(one))
    return f"{{ {', '.join(said)} }}" if said else ""


def _said(one: Reading) -> Iterator[str]:
    if one.status != "unread":
        yield f'status = "{one.status}"'
    yield from (f"{name} = {day}" for name, day in (("read", one.read), ("due", one.due)) if day)
    if one.rating:
        yield f"rating = {one.rating}"
