"""The client of a knowledge base: its memory below `.kb/`, the user's keys, the contact of its settings."""

from __future__ import annotations

from catalog.sources.client import FRESH, Ask, Client
from catalog.sources.hosts import keys
from catalog.sources.memory import Memory
from catalog.store import Store

ANSWERS = "answers.sqlite"


def client(store: Store, ask: Ask, fresh: float | None = None) -> Client:
    """Who asks services for a knowledge base."""
    store.gate.make_private()
    path = store.private / ANSWERS if store.private.is_dir() else None
    return Client(ask, Memory(path), keys(), FRESH if fresh is None else fresh)
