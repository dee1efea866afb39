"""Taking a change back, and making it again, where the files still are as it left them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from catalog.errors import Conflict, KbError
from catalog.store.change import Change
from catalog.store.disk import read_version
from catalog.store.gate import Gate
from catalog.store.history import History, Past

MOST_NAMED = 5
Look = Callable[[Sequence[Change]], None]


def undo(gate: Gate, number: int = 0, look: Look = lambda _: None) -> Past:
    """Take back the last change that stands, or that of a number; raises `Conflict` where its files have changed.

    `look` sees what will be written before it is.
    """
    with gate.history() as history:
        past = history.change(number) if number else history.to_undo()
    if past is None:
        raise KbError(f"there is no change {number}; `kb log` shows all" if number else "there is nothing to undo")
    if past.state != "done":
        raise KbError(f"change {past.number} is undone already; `kb redo` makes it again")
    return _turn(gate, past, "undo", look)


def redo(gate: Gate, look: Look = lambda _: None) -> Past:
    """Make the change again that was taken back last; raises as `undo`."""
    with gate.history() as history:
        past = history.to_redo()
    if past is None:
        raise KbError("there is nothing to redo")
    return _turn(gate, past, "redo", look)


def _turn(gate: Gate, past: Past, way: str, look: Look) -> Past:
    changes, moved = [], list[tuple[str, str]]()
    with gate.history() as history:
        for path, before, after in past.files:
            there, wanted = (after, before) if way == "undo" else (before, after)
            now = read_version(gate.root / path)
            if (now.digest if now else "") != there:
                moved.append((path, now.digest if now else ""))
            else:
                changes.append(Change(path, now, history.text(wanted)))
        said = [f"{path} was {_what_happened(history, path, now)}" for path, now in moved[:MOST_NAMED]]
    if moved:
        said += [f"so were {len(moved) - MOST_NAMED} more"] if len(moved) > MOST_NAMED else []
        raise Conflict(f"cannot {way} {past.number} ({past.what}): {'; '.join(said)}; nothing was changed")
    look(changes)
    gate.commit(changes, f"{way} {past.number}: {past.what}", turn=f"{way} {past.number}")
    return past


def _what_happened(history: History, path: str, now: str) -> str:
    """What became of a file since, that has this digest now."""
    made = (
        one
        for one in history.log([path])
        if one.state == "done" and (path, now) in ((f.path, f.after) for f in one.files)
    )
    by = next((f"`kb {one.what}`" for one in made), "another program")
    return f"{'changed' if now else 'removed'} since by {by}"
