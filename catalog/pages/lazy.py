"""Files that are made only where what they are made from has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

Body = str | bytes


@dataclass(frozen=True, slots=True)
class Lazy:
    """A file by what it is made from (`key`), and how it is made."""

    key: str
    make: Callable[[], Body]


Files = Mapping[str, Body | Lazy]


def body_of(file: Body | Lazy) -> Body:
    """What the file holds."""
    return file.make() if isinstance(file, Lazy) else file


def key(*made_from: object) -> str:
    """A key for values whose `repr` says all of them; another version of this package gives another key."""
    said = hashlib.sha256(_package())
    for value in made_from:
        said.update(repr(value).encode("utf-8", "replace"))
        said.update(b"\0")
    return said.hexdigest()[:32]


@cache
def _package() -> bytes:
    """What this package is, to the byte."""
    root = Path(__file__).parents[1]
    said = hashlib.sha256()
    for path in sorted(
        path for path in root.rglob("*") if path.suffix in {".py", ".html", ".css", ".js", ".json", ".csl"}
    ):
        said.update(path.read_bytes())
    return said.digest()
