"""What belongs to a person and not to a knowledge base, kept where no clone can bring it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO


def folder() -> Path | None:
    """The folder for it, which may not be there yet; None where the system knows no home of this user."""
    return _named("XDG_STATE_HOME", ".local/state")


def cache() -> Path | None:
    """As `folder`, for what can be made again."""
    return _named("XDG_CACHE_HOME", ".cache")


def _named(variable: str, below_home: str) -> Path | None:
    if named := os.environ.get(variable if sys.platform != "win32" else "LOCALAPPDATA"):
        return Path(named) / "readrun" if Path(named).is_absolute() else None
    try:
        return Path.home() / below_home / "readrun"
    except RuntimeError:
        return None


def write_new(path: Path, text: str) -> None:
    """Write a file that nobody else reads, in place at once; raises `OSError`."""
    make_new(path, lambda stream: stream.write(text.encode("utf-8", "backslashreplace")))


def make_new(path: Path, fill: Callable[[IO[bytes]], object]) -> None:
    """As `write_new`, with what a function writes into it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = path.with_name(f".{os.urandom(8).hex()}.tmp")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with os.fdopen(handle, "wb") as stream:
            fill(stream)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
