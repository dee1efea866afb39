"""What the notebooks beside papers say, as the index keeps it, and which of them have changed since."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from catalog.errors import KbError
from catalog.store.beside import notebook, notebook_at
from catalog.store.disk import Stamp, stamp_at

if TYPE_CHECKING:
    from catalog.facts import Facts
    from catalog.search.index import Index
    from catalog.store import Store

_Kept = dict[str, dict[str, list[int]]]  # by paper file: the stamp of each notebook, by the address that it writes


def restless(store: Store, index: Index) -> set[str]:
    """The paper files of which a notebook is not as the index knows it."""
    kept = _kept(index)
    now = {address: list(_stamp(store, address)) for known in kept.values() for address in known}
    return {file for file, known in kept.items() if any(now[address] != stamp for address, stamp in known.items())}


def texts(store: Store, papers: Iterable[tuple[str, Facts]]) -> tuple[dict[str, str], _Kept]:
    """By paper file what its notebooks say, and what has to be kept to see later whether they changed."""
    from catalog.notebook import Notebook, read, said_in

    said: dict[str, str] = {}
    kept: _Kept = {}
    read_before: dict[str, Notebook | None] = {}
    for file, facts in papers:
        addresses = dict.fromkeys(tutorial.notebook for tutorial in facts.tutorials if tutorial.notebook)
        for address in addresses:
            kept.setdefault(file, {})[address] = list(_stamp(store, address))
            if address not in read_before:
                try:
                    found = notebook(store, address)
                    read_before[address] = read(found[1]) if found else None
                except KbError:  # `kb check` says what is wrong with it
                    read_before[address] = None
        if text := said_in(one for address in addresses if (one := read_before[address])):
            said[file] = text
    return said, kept


def keep(index: Index, fresh: _Kept, looked_at: Collection[str]) -> None:
    """Keep the stamps of the notebooks of the papers that were looked at, in the place of what was known of them."""
    before = _kept(index)
    after = {file: known for file, known in before.items() if file not in looked_at} | fresh
    if after != before:
        index.set_meta("notebooks", json.dumps(after))


def _kept(index: Index) -> _Kept:
    kept: _Kept = index.get_json("notebooks", {})
    return kept


def _stamp(store: Store, address: str) -> Stamp | tuple[()]:
    path = notebook_at(store, address)
    return (stamp_at(path) or ()) if path else ()
