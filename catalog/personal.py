"""What belongs to a person and not to a knowledge base, kept where no clone can bring it."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def folder() -> Path | None:
    """The folder for it, which may not be there yet; None where the system knows no home of this user."""
    if named := os.environ.get("XDG_STATE_HOME" if sys.platform != "win32" else "LOCALAPPDATA"):
        return Path(named) / "readrun" if Path(named).is_absolute() else None
    try:
        return Path.home() / ".local" / "state" / "readrun"
    except RuntimeError:
        return None


def write_new(path: Path, text: str) -> None:
    """Write a file that nobody else reads, in place at once; raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = path.with_name(f".{os.urandom(8).hex()}.tmp")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as stream:
        stream.write(text)
    aside.replace(path)
