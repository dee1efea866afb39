"""Hearing of changed files from the system, without looking at them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent

_WRITTEN = frozenset({"created", "modified", "deleted", "moved"})
See = Callable[[Path, bool], None]


@contextlib.contextmanager
def observing(told: Callable[[list[Path]], None]) -> Iterator[See]:
    """What makes `told` hear of the paths that change in a folder, and with True also of those further below.

    Where the system has no room for another, the folder is looked at twice a second.
    """
    from watchdog.events import FileSystemEventHandler
    from watchdog.observers import Observer
    from watchdog.observers.polling import PollingObserver

    def on_any_event(event: FileSystemEvent) -> None:
        if event.event_type in _WRITTEN:
            told([Path(str(path)) for path in (event.src_path, event.dest_path) if path])

    handler = FileSystemEventHandler()
    setattr(handler, "on_any_event", on_any_event)  # noqa: B010 - what the library asks to be overridden, without a class
    observers = (Observer(), PollingObserver(timeout=0.5))

    def see(place: Path, below: bool) -> None:
        try:
            observers[0].schedule(handler, str(place), recursive=below)
        except OSError:
            observers[1].schedule(handler, str(place), recursive=below)

    for observer in observers:
        observer.start()
    try:
        yield see
    finally:
        for observer in observers:
            observer.stop()
            observer.join()
