"""What was done: to all papers or one, in the files of papers and of readers, and what each change did to the text."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from catalog.errors import KbError, UnknownKey
from catalog.filenames import file_name
from catalog.readers import loads
from catalog.snapshot import Snapshot
from catalog.store import Store

if TYPE_CHECKING:
    from catalog.facts import Reading
    from catalog.store.history import History, Past, Touched


def log(snapshot: Snapshot, key: str, limit: int) -> Sequence[Past]:
    """The changes, the last first; with a key those of that paper, under former keys too, and of readers about it."""
    store = snapshot.store
    with store.gate.history() as history:
        if not key:
            return history.log((), limit)
        key, paths = _places(snapshot, key)
        theirs = {store.readers.path(name) for name in store.readers.names()}
        found = []
        for past in history.log([*paths, *theirs]):
            if any(file.path in paths or (file.path in theirs and _says(history, file, key)) for file in past.files):
                found.append(past)
                if len(found) == limit:
                    break
        return found


def difference(store: Store, past: Past) -> str:
    """What a change did to the text of each file, as a unified diff."""
    lines: list[str] = []
    with store.gate.history() as history:
        for path, before, after in past.files:
            old, new = ((history.text(name) or b"").decode("utf-8", "replace") for name in (before, after))
            names = (path if before else "/dev/null", path if after else "/dev/null")
            lines += difflib.unified_diff(old.splitlines(), new.splitlines(), *names, n=2, lineterm="")
    return "\n".join(lines)


def _places(snapshot: Snapshot, key: str) -> tuple[str, Collection[str]]:
    """The key of a paper, also of one that is gone, and where it stands and stood."""
    shown = snapshot.store.shown
    try:
        key = snapshot.resolve(key)
    except UnknownKey:
        return key, [shown(file_name(key))]
    facts = snapshot.index().get(key)
    former = [shown(file_name(alias)) for alias in facts.aliases] if facts else []
    return key, [shown(snapshot.file(key)), *former]


def _says(history: History, file: Touched, key: str) -> bool:
    """Whether a change of a reader's file is about this paper."""
    said: list[Reading | None] = []
    for name in (file.before, file.after):
        try:
            said.append(loads((history.text(name) or b"").decode(), "", file.path).of(key))
        except (KbError, UnicodeDecodeError):
            said.append(None)
    return said[0] != said[1]
