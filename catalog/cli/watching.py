"""Doing something again whenever files change, until interrupted."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent
    from watchdog.observers.api import BaseObserver

_SETTLES = 0.1  # s: a program that saves a file touches it several times


def watch(files: Callable[[], Collection[Path]], folder: Path, act: Callable[[], object]) -> None:
    """Act now, and whenever one of these files changes, comes or goes, or a Markdown file of the folder does.

    `files` are asked for anew each time, since a manuscript may take in others. Ends when interrupted.
    """
    changed = threading.Event()
    watched: set[Path] = set()

    def told(event: FileSystemEvent) -> None:
        places = {Path(str(path)) for path in (event.src_path, event.dest_path) if path}
        if event.event_type in ("modified", "created", "moved", "deleted") and any(
            path in watched or (path.parent == folder and path.suffix == ".md") for path in places
        ):
            changed.set()

    folder = folder.resolve()
    seen: set[Path] = set()
    with _observing() as observer, contextlib.suppress(KeyboardInterrupt):
        while True:
            new = {path.resolve() for path in files()} - watched
            watched |= new
            for place in {folder, *(path.parent for path in watched)} - seen:
                _see(observer, place, told)
                seen.add(place)
            if not new:  # else what is watched from now on may just have changed
                while not changed.wait(1):  # in steps, so that an interrupt is heard on every system
                    pass
                changed.clear()
                while changed.wait(_SETTLES):
                    changed.clear()
            act()


def _see(observer: BaseObserver, place: Path, told: Callable[[FileSystemEvent], None]) -> None:
    from watchdog.events import FileSystemEventHandler

    handler = FileSystemEventHandler()
    setattr(handler, "on_any_event", told)  # noqa: B010 - what the library asks to be overridden, without a class
    if place.is_dir():
        observer.schedule(handler, str(place))


@contextlib.contextmanager
def _observing() -> Iterator[BaseObserver]:
    """What hears of changes from the system; where that has no room for another, what looks twice a second."""
    from watchdog.observers import Observer
    from watchdog.observers.polling import PollingObserver

    observer: BaseObserver = Observer()
    try:
        observer.start()
    except OSError:
        observer = PollingObserver(timeout=0.5)
        observer.start()
    try:
        yield observer
    finally:
        observer.stop()
        observer.join()
