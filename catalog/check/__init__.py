"""Everything that is wrong with a catalog, each with file, line and remedy; and the mending of what is safe to mend.

Rules about one paper are functions from its sheet to findings, which are kept in the index; what shows in several at
once is asked of the index. A finding of kind "error" is wrong; a "note" is worth a look.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from catalog.check.codes import CODES
from catalog.errors import Finding

if TYPE_CHECKING:
    from catalog.search.index import Index
    from catalog.store import Store
    from refimpl import Card

T = TypeVar("T")
__all__ = ["CODES", "check", "fix", "fixable", "looked_up"]


def check(store: Store, cards: Sequence[Card] = (), today: dt.date | None = None) -> list[Finding]:
    """All findings, by path and line. Asks no network, changes nothing."""
    return looked_up(store, lambda index: _check(store, index, cards, today or dt.date.today()))


def fix(store: Store, cards: Sequence[Card] = (), today: dt.date | None = None) -> tuple[list[Finding], list[Finding]]:
    """Mend what is safe to mend, as a whole; returns what was mended and what remains."""
    from catalog.check.fixes import mended
    from catalog.check.sheet import sheets
    from catalog.check.whole import preferred_tags

    def attempt() -> list[Finding]:
        before = check(store, cards, today)
        files = sorted({finding.path.rpartition("/")[2] for finding in before if fixable(finding.code)})
        tags = looked_up(store, preferred_tags) if files else {}
        store.commit(mended(sheets(store, files), tags), "check --fix")
        return before

    found = store.gate.retried(attempt)
    remaining = check(store, cards, today)
    left = Counter((finding.code, finding.path, finding.message) for finding in remaining)
    fixed = []
    for finding in found:
        same = (finding.code, finding.path, finding.message)
        if left[same]:
            left[same] -= 1
        elif fixable(finding.code):
            fixed.append(finding)
    return fixed, remaining


def fixable(code: str) -> bool:
    """Whether `fix` mends findings with this code."""
    from catalog.check.fixes import FIXABLE

    return code in FIXABLE


def looked_up(store: Store, ask: Callable[[Index], T]) -> T:
    """What is asked of an index for which every file was looked at."""
    from catalog.search.index import CacheLost

    with store.open_index() as index:
        try:
            store.refresh(index, whole=True)
            return ask(index)
        except CacheLost:  # it was damaged and has been emptied: fill it again
            store.refresh(index, whole=True)
            return ask(index)


def _check(store: Store, index: Index, cards: Sequence[Card], today: dt.date) -> list[Finding]:
    return sorted(_findings(store, index, cards, today), key=lambda f: (f.path, f.line, f.code, f.message))


def _findings(store: Store, index: Index, cards: Sequence[Card], today: dt.date) -> Iterator[Finding]:
    from catalog.check.folder import folder_rules, loose_rules
    from catalog.check.implementations import implementation_rules
    from catalog.check.kept import of_papers, world_of
    from catalog.check.news import news_rules
    from catalog.check.readers import reader_rules
    from catalog.check.whole import whole_rules
    from catalog.store.indexing import unreadable

    bad = unreadable(index)
    files = {*index.files(), *bad}
    world = world_of(store, index, files, today)
    for wrong in bad.values():
        yield from wrong
    yield from of_papers(store, index, world)
    yield from whole_rules(store, index, world, files)
    yield from implementation_rules(store, index, world, cards)
    yield from folder_rules(store, index, files)
    yield from news_rules(store)
    yield from reader_rules(store, world)
    if (store.root / "files").is_dir():
        yield from loose_rules(store, index)
