"""What `kb update` found out about papers, for as long as it is not settled."""

from __future__ import annotations

from collections.abc import Iterator

from catalog.check.loaded import Loaded
from catalog.errors import Finding
from catalog.sources.news import read
from catalog.store import Store


def news_rules(store: Store, loaded: Loaded) -> Iterator[Finding]:
    """A note each, with the day of the evidence in its words."""
    shelf = read(store.private)
    for sheet in loaded.sheets if shelf.news else ():
        for one in shelf.open(sheet.paper):
            yield sheet.finding(one.code, one.message, one.remedy)
