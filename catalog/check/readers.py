"""Rules about the files of readers, where there are several."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from catalog.check.world import World
from catalog.errors import Finding
from catalog.facts import UNREAD
from catalog.readers import FOLDER, Reader, facts_of
from catalog.store import Store
from catalog.store.disk import names_in
from catalog.toml import line_of


def reader_rules(store: Store, world: World) -> Iterator[Finding]:
    """What cannot be read, what is still to come, what is said of papers that are not here, and what is no reader."""
    readers, wrong = store.readers.all()
    yield from wrong
    latest = str(world.today + dt.timedelta(days=1))  # a day ahead is another time zone
    for reader in readers:
        path = store.readers.path(reader.name)
        text = store.readers.load(reader.name)[0].data.decode()
        for key, said in reader.papers.items():
            if said.read > latest:
                message = f"{key}: read on {said.read}, which is still to come"
                yield Finding("future", message, "correct the date", path, line_of(text, key))
        yield from _in_two_ways(reader, path, text, world)
        for key in (*reader.papers, *reader.queue):
            if not world.key(key):
                remedy = "nothing to do if it comes back"
                yield Finding(
                    "unknown-paper", f"{key}: no such paper here", remedy, path, line_of(text, key), kind="note"
                )
    known = {f"{name}.toml" for name in store.readers.names()}
    for name in sorted(names_in(store.readers.folder)):
        if name not in known and name[0] not in "._" and name.upper() != "README.MD":
            remedy = "name it after its reader, such as ana.toml"
            yield Finding("ignored", "not read: not the file of a reader", remedy, f"{FOLDER}/{name}", 0, kind="note")


def _in_two_ways(reader: Reader, path: str, text: str, world: World) -> Iterator[Finding]:
    """What is said of one paper under two of its keys, differently, as a merge leaves it where one was renamed."""
    first: dict[str, str] = {}
    for key in reader.papers:
        other = first.setdefault(world.key(key) or key, key)
        pairs = zip(facts_of(reader.papers[other]).items(), facts_of(reader.papers[key]).items(), strict=True)
        nothing = facts_of(UNREAD)
        if names := [name for (name, a), (_, b) in pairs if a != b and nothing[name] not in (a, b)]:
            message = f"{other} and {key} are one paper, and of its {' and '.join(names)} two things are said"
            yield Finding("reader", message, "keep one of the two lines", path, line_of(text, key), kind="note")
