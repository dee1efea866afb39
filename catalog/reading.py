"""What the reading says: what to read next and why, and the collection in numbers."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from catalog.facts import Facts, Reading

if TYPE_CHECKING:
    from catalog.search.numbers import Numbers, Waiting


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A paper to read next, and why."""

    facts: Facts
    score: float
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """How much one reader has read: papers by status, and the day of the last one; "" where none has a day."""

    name: str
    read: int
    reading: int
    unread: int
    last: str


@dataclass(frozen=True, slots=True)
class Stats:
    """The collection in numbers. `by_tag` and `by_venue` are (read, all); `overdue` is what waits too long, `late` how
    many papers do.

    `implemented` says how many papers have an implementation, and how many one that ran on which kind of device;
    `unimplemented` are the keys of those without.
    """

    total: int
    by_status: dict[str, int]
    read_per_month: dict[str, int]
    undated: int
    by_tag: dict[str, tuple[int, int]]
    by_venue: dict[str, tuple[int, int]]
    overdue: tuple[Facts, ...]
    late: int
    overdue_days: int
    implemented: dict[str, int]
    unimplemented: tuple[str, ...]


def shares(papers: Sequence[Facts], names: Iterable[str]) -> list[Share]:
    """How much of these papers each reader has read."""
    found = []
    for name in names:
        said = [one for facts in papers for who, one in facts.readers if who == name]
        read, reading = (sum(one.status == status for one in said) for status in ("read", "reading"))
        last = max((one.read for one in said), default="")
        found.append(Share(name, read, reading, len(papers) - read - reading, last))
    return found


def everyone(facts: Facts) -> Facts:
    """The facts as nobody in particular sees them: as far as any reader is, and read when the first one had read it."""
    said = [one for _, one in facts.readers]
    status = next((status for status in ("read", "reading") if any(one.status == status for one in said)), "unread")
    read = min((one.read for one in said if one.read), default="")
    return replace(facts, reading=Reading(status, facts.reading.added, read))


def suggest(
    candidates: Iterable[Waiting],
    limit: int,
    today: dt.date,
    implemented: Collection[str] = (),
    queue: Sequence[str] = (),
) -> list[tuple[str, float, tuple[str, ...]]]:
    """Keys, scores and reasons of the papers to read next, best first: begun ones, those due, those that many others
    point to or resemble.

    Each reason adds to the score what it is worth; ties go to the one that has waited longest.
    """
    found, places = [], {key: place for place, key in enumerate(queue, 1)}
    for paper in candidates:
        place = places.get(paper.key, 0)
        reasons = list(_reasons(paper, today, paper.key in implemented, place))
        found.append((paper, sum(weight for weight, _ in reasons), tuple(why for _, why in reasons if why)))
    found.sort(key=lambda item: (-item[1], item[0].added or "9999", item[0].key))
    return [(paper.key, score, reasons) for paper, score, reasons in (found[:limit] if limit else found)]


def _reasons(paper: Waiting, today: dt.date, implemented: bool, place: int) -> Iterable[tuple[float, str]]:
    if paper.status == "reading":
        yield 100, "you have begun it"
    if place:
        yield 90 - min(place, 80) / 10, f"it is number {place} of your queue"
    if paper.due:
        days = (dt.date.fromisoformat(paper.due) - today).days
        if days < 0:
            yield 80, f"it was due {-days} {_plural(days, 'day')} ago"
        elif days <= 30:
            yield 60 - days, f"it is due in {days} {_plural(days, 'day')}" if days else "it is due today"
    if paper.cited:
        point = "papers point" if paper.cited > 1 else "paper points"
        yield 10 * min(paper.cited, 5), f"the notes of {paper.cited} {point} to it"
    if paper.tags:
        count, tag = max(paper.tags)
        yield min(len(paper.tags), 4) + min(count, 10) / 10, f"you have read {count} on {tag}"
    if implemented:
        yield 3, "there is an implementation to run"
    if paper.added and (days := (today - dt.date.fromisoformat(paper.added)).days) > 30:
        yield min(days / 90, 5), f"it has waited {days} days"


def _plural(count: int, word: str) -> str:
    return word if abs(count) == 1 else word + "s"


def count(numbers: Numbers, late: Iterable[Facts], overdue_days: int, tried: Mapping[str, Collection[str]]) -> Stats:
    """The collection in numbers. `late` are the papers that wait too long.

    `tried` holds, for each paper with an implementation, the kinds of devices that it ran on.
    """
    by_status = dict.fromkeys(("read", "reading", "unread"), 0)
    months: dict[str, int] = {}
    for (status, month), papers in numbers.read.items():
        by_status[status] += papers
        if month:
            months[month] = months.get(month, 0) + papers
    return Stats(
        total=sum(by_status.values()),
        by_status=by_status,
        read_per_month=dict(sorted(months.items())),
        undated=numbers.read.get(("read", ""), 0),
        by_tag=numbers.by_tag,
        by_venue=numbers.by_venue,
        overdue=tuple(late),
        late=numbers.all_late,
        overdue_days=overdue_days,
        implemented=_coverage([tried[key] for key in numbers.among]),
        unimplemented=tuple(numbers.apart),
    )


def _coverage(tried: Sequence[Collection[str]]) -> dict[str, int]:
    devices = Counter(device for ran in tried for device in ran)
    return {"all": len(tried), **dict(sorted(devices.items()))}
