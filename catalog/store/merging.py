"""Merging in git: paper files are merged as papers, where git's own way would see lines."""

from __future__ import annotations

import subprocess
from pathlib import Path

from catalog.errors import BadFile, KbError
from catalog.files import read_bytes
from catalog.store.disk import write_whole

ATTRIBUTES = ".gitattributes"
DRIVER = "kb merge-driver %O %A %B %P"


def merge_files(base: Path, ours: Path, theirs: Path, name: str) -> tuple[str, ...]:
    """Merge three files into `ours`, as git asks a driver to; returns the fields that two people said differently.

    `name` is the path that they are about. Where one of them is no paper, git's own merge of lines is made, whose
    conflicts are named "lines".
    """
    from catalog.paperfile import loads, read_key
    from catalog.threeway import merge

    texts = [_text(path) for path in (base, ours, theirs)]
    try:
        key = read_key(Path(name).name)
        was, mine, other = (loads(text, key, name) if text is not None and text.strip() else None for text in texts)
        if mine is None or other is None:
            return _lines(base, ours, theirs)
        merged = merge(was, mine, other)
    except KbError:
        return _lines(base, ours, theirs)
    write_whole(ours, merged.text.encode())
    return merged.fields


def register(root: Path) -> None:
    """Tell the git of this clone how papers are merged; raises `KbError` where there is none."""
    for name, value in (("name", "papers, by what they say"), ("driver", DRIVER)):
        _git(root, "config", f"merge.kb.{name}", value)


def attributes(root: Path, papers: str) -> bool:
    """Say in `.gitattributes` which files are merged so; returns whether it was not said yet."""
    wanted = f"{papers}/*.md merge=kb\n"
    path = root / ATTRIBUTES
    try:
        there = read_bytes(path, ATTRIBUTES).decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        there = ""
    if wanted in there:
        return False
    if there and not there.endswith("\n"):
        there += "\n"
    write_whole(path, (there + wanted).encode("utf-8", "surrogateescape"))
    return True


def _text(path: Path) -> str | None:
    try:
        return read_bytes(path).decode("utf-8")
    except (FileNotFoundError, BadFile, UnicodeDecodeError):
        return None


def _lines(base: Path, ours: Path, theirs: Path) -> tuple[str, ...]:
    """git's own merge of lines."""
    labels = ["-L", "ours", "-L", "base", "-L", "theirs"]
    done = subprocess.run(  # noqa: S603 - our own arguments
        ["git", "merge-file", *labels, str(ours), str(base), str(theirs)],  # noqa: S607 - the user's own git
        capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip
    if done.returncode < 0 or done.returncode > 127:
        raise KbError(f"git could not merge it: {done.stderr.strip() or done.returncode}")
    return ("lines",) if done.returncode else ()


def _git(root: Path, *words: str) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments
            ["git", *words], cwd=root, capture_output=True, text=True, errors="replace", check=False  # noqa: S607
        )  # fmt: skip
    except OSError:
        raise KbError("git is not installed") from None
    if done.returncode:
        raise KbError(
            f"{root}: git says {done.stderr.strip().splitlines()[:1] or done.returncode}; `git init` makes one"
        )
