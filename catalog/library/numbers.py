"""What to read next, and the collection in numbers, as the index counts them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence

from catalog.reading import Stats, Suggestion, count, suggest
from catalog.search import numbers as counting
from catalog.search.index import Index
from catalog.search.tree import Query
from catalog.store import Store


def suggestions(
    store: Store, index: Index, asked: Query, implemented: Collection[str], limit: int, today: dt.date
) -> Sequence[Suggestion]:
    """What to read next of the papers that a query finds, the best first; what is queued has its place there."""
    mine = store.readers.mine()
    queue = mine.reader.queue if mine else ()
    best = suggest(index.ask(counting.waiting, asked, {*implemented, *queue}, limit), limit, today, implemented, queue)
    return [Suggestion(facts, score, why) for key, score, why in best if (facts := index.get(key))]


def stats(
    store: Store, index: Index, asked: Query, named: Mapping[str, Collection[str]], runs: Mapping[str, Collection[str]],
    today: dt.date, most: int,
) -> Stats:  # fmt: skip
    """The papers that a query finds in numbers; `named` are their implementations, `runs` the devices each ran on."""
    days = store.config.overdue_days
    tried = {key: {device for name in names for device in runs.get(name, ())} for key, names in named.items()}
    numbers = index.ask(counting.numbers, asked, str(today), str(today - dt.timedelta(days=days)), tried, most)
    late = [facts for key in numbers.late if (facts := index.get(key))]
    return count(numbers, late, days, tried)
