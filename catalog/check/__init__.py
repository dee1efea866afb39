"""Everything that is wrong with a catalog, each with file, line and remedy; and the mending of what is safe to mend.

Rules are functions from a loaded catalog to findings. A finding of kind "error" is wrong; a "note" is worth a look.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from catalog.check.codes import CODES
from catalog.errors import Finding

if TYPE_CHECKING:
    from catalog.check.loaded import Loaded
    from catalog.store import Store
    from refimpl import Card

__all__ = ["CODES", "check", "fix", "fixable"]


def check(store: Store, cards: Sequence[Card] = (), today: dt.date | None = None) -> list[Finding]:
    """All findings, by path and line. Asks no network, changes nothing."""
    from catalog.check.loaded import read_catalog

    return _check(store, read_catalog(store, cards, today))


def fix(store: Store, cards: Sequence[Card] = (), today: dt.date | None = None) -> tuple[list[Finding], list[Finding]]:
    """Mend what is safe to mend, as a whole; returns what was mended and what remains."""
    from catalog.check.fixes import mended
    from catalog.check.loaded import read_catalog

    def attempt() -> list[Finding]:
        before = read_catalog(store, cards, today)
        store.commit(mended(before), "check --fix")
        return _check(store, before)

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


def _check(store: Store, loaded: Loaded) -> list[Finding]:
    return sorted(_findings(store, loaded), key=lambda f: (f.path, f.line, f.code, f.message))


def _findings(store: Store, loaded: Loaded) -> Iterator[Finding]:
    from catalog.check.attached import attached_rules
    from catalog.check.drift import drift_rules
    from catalog.check.entries import entry_rules
    from catalog.check.folder import folder_rules
    from catalog.check.implementations import implementation_rules
    from catalog.check.news import news_rules
    from catalog.check.papers import file_rules, link_rules
    from catalog.check.readers import reader_rules
    from catalog.check.whole import whole_rules

    for sheet in loaded.sheets:
        yield from file_rules(sheet, loaded)
        yield from entry_rules(sheet, loaded)
        yield from link_rules(sheet, loaded)
        yield from drift_rules(sheet, store)
    yield from whole_rules(loaded)
    yield from implementation_rules(store, loaded)
    yield from folder_rules(store, loaded)
    yield from news_rules(store, loaded)
    yield from reader_rules(store, loaded)
    yield from attached_rules(store, loaded)
