"""What to read next, and the collection in numbers, as the index counts them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence

from catalog.reading import Stats, Suggestion, count, suggest
from catalog.search.index import Index
from catalog.search.tree import Query


def suggestions(
    index: Index, asked: Query, implemented: Collection[str], limit: int, today: dt.date, queue: Sequence[str] = ()
) -> Sequence[Suggestion]:
    """What to read next of the papers that a query finds, the best first; what is queued has its place there."""
    best = suggest(index.waiting(asked, {*implemented, *queue}, limit), limit, today, implemented, queue)
    return [Suggestion(facts, score, why) for key, score, why in best if (facts := index.get(key))]


def stats(
    index: Index, asked: Query, tried: Mapping[str, Collection[str]], days: int, today: dt.date, most: int
) -> Stats:
    """The papers that a query finds in numbers; `tried` are the devices that their implementations ran on."""
    numbers = index.numbers(asked, str(today), str(today - dt.timedelta(days=days)), tried, most)
    late = [facts for key in numbers.late if (facts := index.get(key))]
    return count(numbers, late, days, tried)
