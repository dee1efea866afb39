"""What a person types into an editor, in files of its own below `.kb/drafts/` until it has been taken.

The editor works on the draft itself, so that a text is on the disk whatever becomes of `kb`, the editor or the paper.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from catalog.errors import KbError
from catalog.files import read_bytes

_NAME = re.compile(r"(?P<number>\d{3,})-(?P<kind>[a-z]+)-(?P<base>[0-9a-f]{8})-(?P<file>.+)", re.S)


@dataclass(frozen=True, slots=True)
class Draft:
    """A text under way: for which command, for which file, and the beginning of the digest of what it was made from."""

    path: Path
    kind: str
    base: str
    file: str

    def read(self) -> bytes:
        """The text as it stands; empty where the editor has removed it. Raises `BadFile` where it is no file now."""
        try:
            return read_bytes(self.path)
        except FileNotFoundError:
            return b""

    def drop(self) -> None:
        """The text has been taken, or was never written."""
        self.path.unlink(missing_ok=True)


def begin(private: Path, kind: str, file: str, text: bytes, base: str = "") -> Draft:
    """A new draft that holds a text, under a name that nothing has yet."""
    folder = private / "drafts"
    if folder.is_symlink():
        raise KbError(f"{folder} is a link; remove it, kb makes a folder of its own")
    try:
        folder.mkdir(exist_ok=True)
        number = max((int(draft.path.name.partition("-")[0]) for draft in drafts(private)), default=0)
        while True:
            number += 1
            path = folder / f"{number:03}-{kind}-{(base or '0' * 8)[:8]}-{file}"
            try:
                handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
            except FileExistsError:
                continue
            with os.fdopen(handle, "wb") as stream:
                stream.write(text)
            return Draft(path, kind, (base or "0" * 8)[:8], file)
    except OSError as e:
        raise KbError(f"cannot write {folder}: {e.strerror}; nothing can be edited without a place for it") from None


def drafts(private: Path) -> list[Draft]:
    """The texts that were written and not taken, the oldest first."""
    folder = private / "drafts"
    if folder.is_symlink() or not folder.is_dir():
        return []
    found = [(_NAME.fullmatch(path.name), path) for path in folder.iterdir() if not path.is_symlink()]
    named = [
        (int(name["number"]), Draft(path, name["kind"], name["base"], name["file"])) for name, path in found if name
    ]
    return [draft for _, draft in sorted(named, key=lambda pair: pair[0])]
