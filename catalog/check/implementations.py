"""Rules about implementations: that they keep the form, that their papers are here, and that none is missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from catalog.check.folder import config_line
from catalog.check.loaded import Loaded
from catalog.errors import BadQuery, Finding
from catalog.store import Store
from catalog.store.config import CONFIG


def implementation_rules(store: Store, loaded: Loaded) -> Iterator[Finding]:
    """What is wrong with the implementations, and which papers want one."""
    yield from _wrong(loaded)
    if store.config.implemented:
        yield from _missing(store, loaded)


def _wrong(loaded: Loaded) -> Iterator[Finding]:
    """Those of this knowledge base; the ones that came with the tool may be of papers that are not in it."""
    keys = {sheet.paper.key for sheet in loaded.sheets}
    for card in loaded.cards:
        if not Path(card.path).is_relative_to(loaded.root):
            continue
        path = Path(card.path).relative_to(loaded.root).as_posix()
        for problem in card.problems:
            there = Path(problem.path).relative_to(loaded.root).as_posix()
            yield Finding("implementation", f"{card.name}: {problem.message}", problem.remedy, there, problem.line)
        if card.paper and card.paper not in keys and not _unreadable(card.paper, loaded):
            now = loaded.keys.get(card.paper.casefold())
            remedy = f'write PAPER = "{now}"' if now else "add the paper, or correct PAPER"
            message = f"{card.name}: PAPER = {card.paper!r} is not in the catalog"
            yield Finding("unknown-implementation", message, remedy, path, card.line, card.paper)


def _unreadable(key: str, loaded: Loaded) -> bool:
    """Whether the paper is there but its file cannot be read; that is said already."""
    return loaded.keys.get(key.casefold()) == key


def _missing(store: Store, loaded: Loaded) -> Iterator[Finding]:
    """Papers that kb.toml demands an implementation of."""
    there = {card.paper for card in loaded.cards if not card.problems}
    with store.open_index() as index:
        store.refresh(index)
        try:
            wanted = {line.key for line in index.lines(store.config.implemented).papers}
        except BadQuery as e:
            yield Finding(
                "config", f"implemented: {e}", "correct the query", CONFIG, config_line(store.root, "implemented")
            )
            return
    for sheet in loaded.sheets:
        if sheet.paper.key in wanted - there:
            remedy = f"`kb impls new NAME --paper {sheet.paper.key}` begins one"
            yield sheet.finding("no-implementation", f"no implementation, which {CONFIG} demands", remedy)
