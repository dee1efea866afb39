"""Doing something again whenever files change, until interrupted."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from catalog.watching import observing

_SETTLES = 0.1  # s: a program that saves a file touches it several times


def watch(files: Callable[[], Collection[Path]], folder: Path, act: Callable[[], object]) -> None:
    """Act now, and whenever one of these files changes, comes or goes, or a Markdown file of the folder does.

    `files` are asked for anew each time, since a manuscript may take in others. Ends when interrupted.
    """
    changed = threading.Event()
    watched: set[Path] = set()
    seen: set[Path] = set()
    folder = folder.resolve()

    def told(paths: Sequence[Path]) -> None:
        if any(path in watched or (path.parent == folder and path.suffix == ".md") for path in paths):
            changed.set()

    with observing(told) as see, contextlib.suppress(KeyboardInterrupt):
        while True:
            new = {path.resolve() for path in files()} - watched
            watched |= new
            for place in {folder, *(path.parent for path in watched)} - seen:
                seen.add(place)
                if place.is_dir():
                    see(place, False)
            if not new:  # else what is watched from now on may just have changed
                while not changed.wait(1):  # in steps, so that an interrupt is heard on every system
                    pass
                changed.clear()
                while changed.wait(_SETTLES):
                    changed.clear()
            act()
