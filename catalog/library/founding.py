"""How a knowledge base begins: its settings, what git should know of it, and what checks and publishes it on GitHub."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path

from catalog import __version__
from catalog.errors import KbError
from catalog.files import read_bytes, stays_within
from catalog.store import Store
from catalog.store.beside import ATTRIBUTES
from catalog.store.config import CONFIG, checked
from catalog.store.disk import write_own
from catalog.store.merging import attributes, register
from catalog.toml import quoted

CONFIG_TEXT = """\
# A knowledge base of papers. Everything here is optional.
# title = "Reading list"      # the name of the site
# overdue_days = 90           # how long a paper may stay unread before `kb stats` says so
# implemented = "status:read" # papers of which `kb check` demands an implementation
# site_url = "https://…"      # where the site will be served, for its feed
# contact = "you@example.org" # whom a host that is asked may write to
# key_pattern = "{auth}{year}{shorttitle}" # how keys are made; {family}{year}{word} where this is not set
# used_fields = ["keywords"]  # what of an entry counts as tags, status, notes, links; all of it where this is not set
"""
IGNORED = ("build/", ".kb/")
GITHUB = {"papers.yml": ".github/workflows/papers.yml", "pre-commit.yaml": ".pre-commit-config.yaml"}


def found(root: Path, title: str = "") -> None:
    """Make a knowledge base in a folder (made if missing); raises `KbError` where there is one already."""
    if is_founded(root):
        raise KbError(f"{root / CONFIG} is there already; this is a knowledge base")
    checked("title", title)
    named = f"title = {quoted(title)}  #"
    text = CONFIG_TEXT.replace('# title = "Reading list"      #', named) if title else CONFIG_TEXT
    try:
        (root / "papers").mkdir(parents=True, exist_ok=True)
        stays_within(root / "papers", root)
        if change := attributes(root, "papers"):
            write_own(root, root / ATTRIBUTES, change.after or b"")
        _ignore(root / ".gitignore", IGNORED)
        write_own(root, root / CONFIG, text.encode())  # last: what makes it a knowledge base
    except OSError as e:
        raise KbError(f"cannot make a knowledge base in {root}: {e.strerror}") from None
    if any((folder / ".git").exists() for folder in (root, *root.parents)):
        with contextlib.suppress(KbError):  # a folder that only looks like one of git's
            register(root)


def is_founded(root: Path) -> bool:
    """Whether there is a knowledge base in a folder."""
    return (root / CONFIG).is_file()


def tell_git(store: Store) -> None:
    """Say in `.gitattributes` how papers are merged, unless it says so."""

    def attempt() -> None:
        if change := attributes(store.root, store.config.papers):
            store.commit([change], "merge-driver")

    store.gate.retried(attempt)


def on_github(store: Store) -> tuple[Sequence[str], Sequence[str]]:
    """Write what checks and publishes a knowledge base on GitHub.

    Gives the files that were written, and those that were there and differ, which stay as they are. Raises `KbError`
    where it is not at the root of its repository.
    """
    above = next((folder for folder in (store.root, *store.root.parents) if (folder / ".git").exists()), store.root)
    if above != store.root:
        raise KbError(f"GitHub runs workflows at the root of a repository only, {above}; make the knowledge base there")
    written, kept = [], []
    tell_git(store)
    with store.lock():
        _ignore(store.root / ".gitignore", IGNORED)
        for name, place in GITHUB.items():
            path = store.root / place
            text = (files("catalog.library") / "founded" / name).read_text(encoding="utf-8")
            text = text.replace("{{version}}", __version__).replace("{{papers}}", re.escape(store.config.papers))
            if not path.exists():
                store.write_file(path, text)
                written.append(place)
            elif read_bytes(path) != text.encode():
                kept.append(place)
    return written, kept


def _ignore(path: Path, lines: Iterable[str]) -> None:
    """Add the lines that a `.gitignore` lacks."""
    try:
        there = read_bytes(path).decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        there = ""
    known = {line.strip().strip("/") for line in there.splitlines()}
    if missing := [line for line in lines if line.strip("/") not in known]:
        start = there if not there or there.endswith("\n") else there + "\n"
        write_own(
            path.parent, path, (start + "".join(f"{line}\n" for line in missing)).encode("utf-8", "surrogateescape")
        )
