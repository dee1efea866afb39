"""Rules about implementations: that they keep the form, that their papers are here, and that none is missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from catalog.check.folder import config_line
from catalog.check.world import World
from catalog.errors import BadQuery, Finding
from catalog.search.index import Index
from catalog.store import Store
from catalog.store.config import CONFIG

if TYPE_CHECKING:
    from refimpl import Card


def implementation_rules(store: Store, index: Index, world: World, cards: Sequence[Card]) -> Iterator[Finding]:
    """What is wrong with the implementations, and which papers want one."""
    yield from _wrong(store.root, index, world, cards)
    if store.config.implemented:
        yield from _missing(store, index, cards)


def _wrong(root: Path, index: Index, world: World, cards: Sequence[Card]) -> Iterator[Finding]:
    """Those of this knowledge base; the ones that came with the tool may be of papers that are not in it."""
    for card in cards:
        if not Path(card.path).is_relative_to(root):
            continue
        path = Path(card.path).relative_to(root).as_posix()
        for problem in card.problems:
            there = Path(problem.path).relative_to(root).as_posix()
            yield Finding("implementation", f"{card.name}: {problem.message}", problem.remedy, there, problem.line)
        now = world.key(card.paper)
        if card.paper and not index.has(card.paper) and now != card.paper:  # of one that cannot be read, that is said
            remedy = f'write PAPER = "{now}"' if now else "add the paper, or correct PAPER"
            message = f"{card.name}: PAPER = {card.paper!r} is not in the catalog"
            yield Finding("unknown-implementation", message, remedy, path, card.line, card.paper)


def _missing(store: Store, index: Index, cards: Sequence[Card]) -> Iterator[Finding]:
    """Papers that kb.toml demands an implementation of."""
    there = {card.paper for card in cards if not card.problems}
    try:
        wanted = {line.key for line in index.lines(store.config.implemented).papers}
    except BadQuery as e:
        line = config_line(store.root, "implemented")
        yield Finding("config", f"implemented: {e}", "correct the query", CONFIG, line)
        return
    for key in wanted - there:
        remedy = f"`kb impls new NAME --paper {key}` begins one"
        message = f"no implementation, which {CONFIG} demands"
        yield Finding("no-implementation", message, remedy, store.shown(store.file_of(key)), 1, key)
