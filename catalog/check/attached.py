"""Rules about `files/`: PDFs without a paper, and papers whose PDF is not here."""

from __future__ import annotations

from collections.abc import Iterator

from catalog import attached
from catalog.check.loaded import Loaded
from catalog.errors import Finding
from catalog.store import Store


def attached_rules(store: Store, loaded: Loaded) -> Iterator[Finding]:
    """Notes: git does not carry PDFs, so that another's clone lacks them."""
    there = set(attached.there(store))
    wanted: set[str] = set()
    for sheet in loaded.sheets:
        for name in attached.names(store, sheet.paper.links):
            wanted.add(name)
            if name not in there:
                message = f"{attached.FOLDER}/{name} is not here"
                remedy = f"`kb fetch key:{sheet.paper.key}` may bring it, or attach it again"
                yield sheet.finding("file-gone", message, remedy, sheet.front_line("links"))
    for name in sorted(there - wanted):
        path = f"{attached.FOLDER}/{name}"
        yield Finding("file-loose", "the PDF of no paper", f"`kb attach KEY {path}`, or remove it", path, kind="note")
