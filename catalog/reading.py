"""What the reading says: what to read next and why, and the collection in numbers."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from catalog.record import Record


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A paper to read next, and why."""

    record: Record
    score: float
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stats:
    """The collection in numbers. `by_tag` and `by_venue` are (read, all); `overdue` is what waits too long.

    `implemented` says how many papers have an implementation, and how many one that ran on which kind of device;
    `unimplemented` are the keys of those without.
    """

    total: int
    by_status: dict[str, int]
    read_per_month: dict[str, int]
    undated: int
    by_tag: dict[str, tuple[int, int]]
    by_venue: dict[str, tuple[int, int]]
    overdue: tuple[Record, ...]
    overdue_days: int
    implemented: dict[str, int]
    unimplemented: tuple[str, ...]


def suggest(
    candidates: Iterable[Record], everything: Sequence[Record], limit: int, today: dt.date,
    implemented: Collection[str] = (),
) -> list[Suggestion]:  # fmt: skip
    """The papers to read next, best first: begun ones, those due, those that many others point to or resemble.

    Each reason adds to the score what it is worth; ties go to the one that has waited longest.
    """
    cited = Counter(key for record in everything for key in record.cites if key != record.key)
    tags = Counter(tag for record in everything for tag in record.tags)
    telling = {tag for tag, held in tags.items() if held * 2 <= len(everything)}
    read_tags = Counter(t for record in everything if record.status == "read" for t in record.tags if t in telling)
    found = []
    for record in candidates:
        if record.status == "read":
            continue
        reasons = list(_reasons(record, cited[record.key], read_tags, today, record.key in implemented))
        found.append(Suggestion(record, sum(weight for weight, _ in reasons), tuple(why for _, why in reasons if why)))
    found.sort(key=lambda s: (-s.score, s.record.added or "9999", s.record.key))
    return found[:limit] if limit else found


def _reasons(
    record: Record, cited: int, read_tags: Counter[str], today: dt.date, implemented: bool
) -> Iterable[tuple[float, str]]:
    if record.status == "reading":
        yield 100, "you have begun it"
    if record.due:
        days = (dt.date.fromisoformat(record.due) - today).days
        if days < 0:
            yield 80, f"it was due {-days} {_plural(days, 'day')} ago"
        elif days <= 30:
            yield 60 - days, f"it is due in {days} {_plural(days, 'day')}" if days else "it is due today"
    if cited:
        yield 10 * min(cited, 5), f"the notes of {cited} {'papers point' if cited > 1 else 'paper points'} to it"
    near = [(read_tags[tag], tag) for tag in record.tags if read_tags[tag]]
    if near:
        count, tag = max(near)
        yield min(len(near), 4) + min(count, 10) / 10, f"you have read {count} on {tag}"
    if implemented:
        yield 3, "there is an implementation to run"
    if record.added and (days := (today - dt.date.fromisoformat(record.added)).days) > 30:
        yield min(days / 90, 5), f"it has waited {days} days"


def _plural(count: int, word: str) -> str:
    return word if abs(count) == 1 else word + "s"


def count(records: Sequence[Record], overdue_days: int, today: dt.date, tried: Mapping[str, Collection[str]]) -> Stats:
    """The collection in numbers; a paper is overdue past its due date, or unread longer than `overdue_days`.

    `tried` holds, for each paper with an implementation, the kinds of devices that it ran on.
    """
    months = Counter(record.read[:7] for record in records if record.read)
    limit = str(today - dt.timedelta(days=overdue_days))
    late = [
        r for r in records if r.status != "read" and ((r.due and r.due < str(today)) or (r.added and r.added < limit))
    ]
    return Stats(
        total=len(records),
        by_status={status: sum(r.status == status for r in records) for status in ("read", "reading", "unread")},
        read_per_month=dict(sorted(months.items())),
        undated=sum(r.status == "read" and not r.read for r in records),
        by_tag=_shares((tag, r) for r in records for tag in r.tags),
        by_venue=_shares((r.venue, r) for r in records if r.venue),
        overdue=tuple(sorted(late, key=lambda r: (r.due or "9999", r.added, r.key))),
        overdue_days=overdue_days,
        implemented=_coverage([tried[r.key] for r in records if r.key in tried]),
        unimplemented=tuple(r.key for r in records if r.key not in tried),
    )


def _coverage(tried: Sequence[Collection[str]]) -> dict[str, int]:
    devices = Counter(device for ran in tried for device in ran)
    return {"all": len(tried), **dict(sorted(devices.items()))}


def _shares(pairs: Iterable[tuple[str, Record]]) -> dict[str, tuple[int, int]]:
    """Name -> (read, all), the largest first."""
    read: Counter[str] = Counter()
    all_: Counter[str] = Counter()
    for name, record in pairs:
        all_[name] += 1
        read[name] += record.status == "read"
    return {name: (read[name], total) for name, total in sorted(all_.items(), key=lambda item: (-item[1], item[0]))}
