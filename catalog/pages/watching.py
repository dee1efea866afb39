"""Which changes concern a site."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from catalog.watching import observing


@contextlib.contextmanager
def changes(root: Path, watched: Sequence[Path]) -> Iterator[threading.Event]:
    """An event that is set when one of these files, or something below one of these folders, has changed.

    A folder that is not there yet is heard of when it is made directly in `root`.
    """
    heard = threading.Event()
    places = [Path(place).resolve() for place in watched]
    followed: set[Path] = set()

    def follow() -> None:
        for place in places:
            if place.is_dir() and place not in followed:
                followed.add(place)
                see(place, True)

    def told(paths: Sequence[Path]) -> None:
        if any(_concerns(path, places) for path in paths):
            follow()
            heard.set()

    with observing(told) as see:
        see(root, False)
        follow()
        yield heard


def _concerns(path: Path, places: Sequence[Path]) -> bool:
    return not path.name.startswith(".") and any(path == place or place in path.parents for place in places)
