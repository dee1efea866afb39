"""What `kb update` found out about papers, for as long as it is not settled."""

from __future__ import annotations

from collections.abc import Iterator

from catalog.errors import BadFile, Finding
from catalog.store import NEWS, Store


def news_rules(store: Store) -> Iterator[Finding]:
    """A note each, with the day of the evidence in its words."""
    if not (store.private / NEWS).exists():
        return
    from catalog.check.sheet import sheets
    from catalog.sources.news import read

    try:
        shelf = read(store.private)
    except BadFile as e:
        yield from e.findings
        return
    for sheet in sheets(store, (store.file_of(key) for key, found in sorted(shelf.news.items()) if found)):
        for one in shelf.open(sheet.paper):
            yield sheet.finding(one.code, one.message, one.remedy)
