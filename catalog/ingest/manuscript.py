"""What a manuscript cites, with the files it takes in."""

from __future__ import annotations

from pathlib import Path

from catalog.errors import KbError
from catalog.export.cited import cited_keys, included


def cited_in(manuscript: Path) -> list[str]:
    """The keys that an `.aux` or `.tex` file cites, and the files below its folder that it includes.

    Raises `KbError` where it cites nothing.
    """
    folder = manuscript.resolve().parent
    keys: dict[str, None] = {}
    todo, seen = [manuscript.resolve()], set()
    while todo:
        path = todo.pop()
        if path in seen or not path.is_file() or not path.is_relative_to(folder):
            continue
        seen.add(path)
        text = path.read_text(encoding="utf-8", errors="replace")
        keys |= dict.fromkeys(cited_keys(text, path.name))
        for name in included(text, path.name):
            inner = folder / name
            todo.append((inner if inner.suffix else inner.with_suffix(manuscript.suffix)).resolve())
    if not keys:
        raise KbError(f"{manuscript}: no citation in it")
    return list(keys)
