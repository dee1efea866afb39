"""How far long work is: told to whoever shows it, by whoever goes through many things."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from time import monotonic
from typing import TypeVar

T = TypeVar("T")
Show = Callable[[str, int, int], object]
LEAST = 2000  # things: fewer are mostly done before one could read how far it is
LONG = 1.0  # seconds, after which that is said of few things too
_showing: list[Show] = []


def show_by(show: Show) -> None:
    """Let this hear of all work from now on: what it is, how many things are done, and of how many."""
    _showing[:] = [show]


def each(things: Iterable[T], what: str, count: int = 0) -> Iterator[T]:
    """The things one after the other, telling how far it is a hundred times where it is known how many they are."""
    count = len(things) if isinstance(things, Sized) else count
    if not _showing or not count:
        yield from things
        return
    step = max(1, count // 100)
    told, since = count >= LEAST, monotonic() + LONG
    for done, thing in enumerate(things):
        if done % step == 0 and (told := told or monotonic() >= since):
            for show in _showing:
                show(what, min(done, count), count)
        yield thing
    for show in _showing if told else ():
        show(what, count, count)
