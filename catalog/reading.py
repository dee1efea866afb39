"""What the reading says: what to read next and why, and the collection in numbers."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from catalog.facts import Facts


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A paper to read next, and why."""

    facts: Facts
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
    overdue: tuple[Facts, ...]
    overdue_days: int
    implemented: dict[str, int]
    unimplemented: tuple[str, ...]


def suggest(
    candidates: Iterable[Facts], everything: Sequence[Facts], limit: int, today: dt.date,
    implemented: Collection[str] = (),
) -> list[Suggestion]:  # fmt: skip
    """The papers to read next, best first: begun ones, those due, those that many others point to or resemble.

    Each reason adds to the score what it is worth; ties go to the one that has waited longest.
    """
    cited = Counter(key for facts in everything for key in facts.cites if key != facts.key)
    tags = Counter(tag for facts in everything for tag in facts.tags)
    telling = {tag for tag, held in tags.items() if held * 2 <= len(everything)}
    read_tags = Counter(t for facts in everything if facts.reading.status == "read" for t in facts.tags if t in telling)
    found = []
    for facts in candidates:
        if facts.reading.status == "read":
            continue
        reasons = list(_reasons(facts, cited[facts.key], read_tags, today, facts.key in implemented))
        found.append(Suggestion(facts, sum(weight for weight, _ in reasons), tuple(why for _, why in reasons if why)))
    found.sort(key=lambda s: (-s.score, s.facts.reading.added or "9999", s.facts.key))
    return found[:limit] if limit else found


def _reasons(
    facts: Facts, cited: int, read_tags: Counter[str], today: dt.date, implemented: bool
) -> Iterable[tuple[float, str]]:
    if facts.reading.status == "reading":
        yield 100, "you have begun it"
    if facts.reading.due:
        days = (dt.date.fromisoformat(facts.reading.due) - today).days
        if days < 0:
            yield 80, f"it was due {-days} {_plural(days, 'day')} ago"
        elif days <= 30:
            yield 60 - days, f"it is due in {days} {_plural(days, 'day')}" if days else "it is due today"
    if cited:
        yield 10 * min(cited, 5), f"the notes of {cited} {'papers point' if cited > 1 else 'paper points'} to it"
    near = [(read_tags[tag], tag) for tag in facts.tags if read_tags[tag]]
    if near:
        count, tag = max(near)
        yield min(len(near), 4) + min(count, 10) / 10, f"you have read {count} on {tag}"
    if implemented:
        yield 3, "there is an implementation to run"
    if facts.reading.added and (days := (today - dt.date.fromisoformat(facts.reading.added)).days) > 30:
        yield min(days / 90, 5), f"it has waited {days} days"


def _plural(count: int, word: str) -> str:
    return word if abs(count) == 1 else word + "s"


def count(papers: Sequence[Facts], overdue_days: int, today: dt.date, tried: Mapping[str, Collection[str]]) -> Stats:
    """The collection in numbers; a paper is overdue past its due date, or unread longer than `overdue_days`.

    `tried` holds, for each paper with an implementation, the kinds of devices that it ran on.
    """
    months = Counter(facts.reading.read[:7] for facts in papers if facts.reading.read)
    limit = str(today - dt.timedelta(days=overdue_days))
    late = [
        r
        for r in papers
        if r.reading.status != "read"
        and ((r.reading.due and r.reading.due < str(today)) or (r.reading.added and r.reading.added < limit))
    ]
    return Stats(
        total=len(papers),
        by_status={status: sum(r.reading.status == status for r in papers) for status in ("read", "reading", "unread")},
        read_per_month=dict(sorted(months.items())),
        undated=sum(r.reading.status == "read" and not r.reading.read for r in papers),
        by_tag=_shares((tag, r) for r in papers for tag in r.tags),
        by_venue=_shares((r.venue, r) for r in papers if r.venue),
        overdue=tuple(sorted(late, key=lambda r: (r.reading.due or "9999", r.reading.added, r.key))),
        overdue_days=overdue_days,
        implemented=_coverage([tried[r.key] for r in papers if r.key in tried]),
        unimplemented=tuple(r.key for r in papers if r.key not in tried),
    )


def _coverage(tried: Sequence[Collection[str]]) -> dict[str, int]:
    devices = Counter(device for ran in tried for device in ran)
    return {"all": len(tried), **dict(sorted(devices.items()))}


def _shares(pairs: Iterable[tuple[str, Facts]]) -> dict[str, tuple[int, int]]:
    """Name -> (read, all), the largest first."""
    read: Counter[str] = Counter()
    all_: Counter[str] = Counter()
    for name, facts in pairs:
        all_[name] += 1
        read[name] += facts.reading.status == "read"
    return {name: (read[name], total) for name, total in sorted(all_.items(), key=lambda item: (-item[1], item[0]))}
