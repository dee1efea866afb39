"""A built site in its folder: a file is made and written only where what it is made from has changed.

What each file was made from is remembered in the user's own folder, not beside the files: a folder that came with a
clone is built anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from catalog import personal
from catalog.pages.lazy import Body, Files, Lazy, body_of
from catalog.pages.output import as_bytes, checked, replace

_MOST_LINES = 20_000  # of a file whose old lines are read to be kept; more take too much room
Stamp = tuple[int, int]


@dataclass(slots=True)
class Placed:
    """The paths that were written and that were removed."""

    written: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Memory:
    """What a folder's files were made from: by path a key, the time of change, the size, and keys of lines."""

    file: Path | None
    known: dict[str, list[Any]] = field(default_factory=dict)

    def keep(self) -> None:
        """Remember it for the next time, where there is a place for it."""
        if self.file:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            replace(self.file, as_bytes(json.dumps(self.known)))


def memory_of(folder: Path) -> Memory:
    """What is remembered of a folder; nothing where nothing is, or it was damaged."""
    mine = personal.folder()
    if not mine:
        return Memory(None)
    file = mine / "sites" / f"{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:24]}.json"
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
        return Memory(file, {str(path): list(entry) for path, entry in known.items()})
    except (OSError, ValueError, TypeError, AttributeError):
        return Memory(file)


def place(files: Files, folder: Path) -> Placed:
    """Make the folder hold these files and no others."""
    memory = memory_of(folder)
    if not memory.known:
        shutil.rmtree(folder, ignore_errors=True)
    there = dict(_stamps(folder, "")) if folder.is_dir() else {}
    known, memory.known, done = memory.known, {}, Placed()
    for path, file in files.items():
        made_from, lines = _made_from(file)
        before = known.get(path, [])
        stands = path in there and before[1:3] == [*there[path]]
        if not stands or before[0] != made_from:
            kept = _lines_of(folder / path, before[3:]) if stands and before[3:] else {}
            there[path] = _put(folder / checked(path), as_bytes(body_of(file, kept)), fresh=path not in there)
            done.written.append(path)
        memory.known[path] = [made_from, *there[path], *lines]
    for path in there.keys() - files.keys():
        (folder / path).unlink(missing_ok=True)
        done.removed.append(path)
    memory.keep()
    return done


def _made_from(file: Body | Lazy) -> tuple[str, Sequence[str]]:
    """The key of a file, and those of its lines where it is made by lines and they are not too many to keep."""
    if not isinstance(file, Lazy):
        return hashlib.sha256(as_bytes(file)).hexdigest(), ()
    return file.key, file.lines if len(file.lines) <= _MOST_LINES else ()


def _lines_of(path: Path, keys: Sequence[str]) -> dict[str, bytes]:
    """The lines of a file but the first and the last, without the comma at their end, by their keys."""
    lines = path.read_bytes().splitlines()[1:-1]
    return {key: line.removesuffix(b",") for key, line in zip(keys, lines, strict=True)}


def _put(path: Path, body: bytes, *, fresh: bool) -> Stamp:
    if fresh:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    else:
        replace(path, body)
    found = path.stat()
    return found.st_mtime_ns, found.st_size


def _stamps(folder: Path | str, below: str) -> Iterator[tuple[str, Stamp]]:
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            yield from _stamps(entry.path, f"{below}{entry.name}/")
        else:
            found = entry.stat(follow_symlinks=False)
            yield f"{below}{entry.name}", (found.st_mtime_ns, found.st_size)
