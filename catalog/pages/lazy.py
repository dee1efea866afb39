"""Files that are made only where what they are made from has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

Body = str | bytes


@dataclass(frozen=True, slots=True)
class Lazy:
    """A file by what it is made from (`key`), and how it is made.

    `lines` are keys of its lines but the first and the last, where it is made by lines: `make` takes those that stand.
    """

    key: str
    make: Callable[..., Body]
    lines: Sequence[str] = ()


Files = Mapping[str, Body | Lazy]


def body_of(file: Body | Lazy, kept: Mapping[str, bytes] = MappingProxyType({})) -> Body:
    """What the file holds; `kept` are lines of it by their keys."""
    if not isinstance(file, Lazy):
        return file
    return file.make(kept) if file.lines else file.make()


def key(*made_from: object) -> str:
    """A key for values whose `repr` says all of them; another version of this package gives another key."""
    said = "\0".join(map(repr, made_from)).encode("utf-8", "replace")
    return hashlib.sha256(_package() + said).hexdigest()[:32]


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
