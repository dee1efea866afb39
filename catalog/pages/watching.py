"""Hearing of changed files from the system, without looking at them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent

_WRITTEN = frozenset({"created", "modified", "deleted", "moved"})


@contextlib.contextmanager
def changes(root: Path, watched: Sequence[Path]) -> Iterator[threading.Event]:
    """An event that is set when one of these files, or something below one of these folders, has changed.

    A folder that is not there yet is heard of when it is made directly in `root`.
    """
    from watchdog.events import FileSystemEventHandler
    from watchdog.observers import Observer

    heard = threading.Event()
    places = [Path(place).resolve() for place in watched]

    class Handler(FileSystemEventHandler):
        def on_any_event(self, event: FileSystemEvent) -> None:
            paths = [Path(str(path)) for path in (event.src_path, event.dest_path) if path]
            if event.event_type in _WRITTEN and any(_concerns(path, places) for path in paths):
                follow()
                heard.set()

    handler, observer = Handler(), Observer()
    followed: set[Path] = set()

    def follow() -> None:
        for place in places:
            if place.is_dir() and place not in followed:
                followed.add(place)
                observer.schedule(handler, str(place), recursive=True)

    observer.schedule(handler, str(root), recursive=False)
    follow()
    observer.start()
    try:
        yield heard
    finally:
        observer.stop()
        observer.join()


def _concerns(path: Path, places: Sequence[Path]) -> bool:
    hidden = any(part.startswith(".") for part in path.parts[-1:])
    return not hidden and any(path == place or place in path.parents for place in places)
