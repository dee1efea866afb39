"""Writing a site's files: only what changed, each at once or not at all, and nothing that is not ours."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path, PurePosixPath

from catalog.errors import KbError
from catalog.pages.lazy import Files, body_of

MANIFEST = ".readrun-pages.json"


def write(files: Files, folder: Path) -> tuple[int, int]:
    """Make the folder hold these files; returns how many were written and how many removed.

    Files written before and no longer given are removed; the folder's manifest knows them. Raises `KbError` where a
    file stands in the way that was not written by us.
    """
    folder = Path(folder)
    before = _manifest(folder)
    contents = {checked(path): as_bytes(body_of(file)) for path, file in files.items()}
    changed = {path: body for path, body in contents.items() if not _same(folder / path, body)}
    _refuse_strangers([path for path in changed if path not in before], folder)
    folder.mkdir(parents=True, exist_ok=True)
    _remember(folder, before | set(contents))
    stale = [path for path in sorted(before - set(contents)) if (folder / path).is_file()]
    for path in stale:
        _remove(folder, path)
    for path, body in changed.items():
        replace(folder / path, body)
    _remember(folder, set(contents))
    return len(changed), len(stale)


def as_bytes(body: str | bytes) -> bytes:
    """Text as UTF-8, whatever it holds."""
    return body if isinstance(body, bytes) else body.encode("utf-8", "replace")


def replace(path: Path, body: bytes) -> None:
    """Put a file in place at once: a reader sees the old or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".readrun-")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(body)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def checked(path: str) -> str:
    """The path if it stays inside its folder; raises `KbError`."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\\" in path or path == MANIFEST:
        raise KbError(f"{path!r} is not a path inside the site; rename the page")
    return path


def _manifest(folder: Path) -> set[str]:
    try:
        paths = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return {checked(path) for path in paths}
    except (OSError, ValueError, TypeError, AttributeError, KbError):
        return set()


def _remember(folder: Path, paths: set[str]) -> None:
    body = as_bytes(json.dumps(sorted(paths), indent=0))
    if not _same(folder / MANIFEST, body):
        replace(folder / MANIFEST, body)


def _same(path: Path, body: bytes) -> bool:
    try:
        return path.stat().st_size == len(body) and path.read_bytes() == body
    except OSError:
        return False


def _refuse_strangers(paths: list[str], folder: Path) -> None:
    there = [path for path in paths if (folder / path).exists()]
    if there:
        raise KbError(
            f"{folder / there[0]} was not written by kb and would be overwritten; give an empty folder, or remove it"
        )


def _remove(folder: Path, path: str) -> None:
    (folder / path).unlink(missing_ok=True)
    for parent in PurePosixPath(path).parents:
        if str(parent) == ".":
            break
        with contextlib.suppress(OSError):
            (folder / parent).rmdir()
