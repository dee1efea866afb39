"""Rules about the folder itself: kb.toml, and what lies among the papers and is not read."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Set
from pathlib import Path

from catalog.errors import Finding, Kind
from catalog.files import inside
from catalog.search.checks import asked
from catalog.search.index import Index
from catalog.store import Store
from catalog.store.config import CONFIG
from catalog.store.disk import names_in
from catalog.store.indexing import unreadable
from catalog.toml import line_of

_LEFT = (
    (r"conflicted copy|\.sync-conflict-|\(case conflict\)", "a copy that a sync service made of a file changed twice",
     "move what only this one holds to the other, then remove it"),
    (r"\.orig$|\.rej$|[._](?:BACKUP|BASE|LOCAL|REMOTE)[._]\d+\.md$", "left behind by a merge or a patch",
     "take from it what is missing, then remove it"),
    (r"^\..*\.sw[a-p]$|^\.#", "an editor has the file open, or was killed",
     "close it there; vim -r recovers the text"),
    (r"~$|^#.*#$", "a copy that an editor made", "remove it"),
)  # fmt: skip


def folder_rules(store: Store, index: Index, read: Set[str]) -> Iterator[Finding]:
    """What is wrong outside the paper files, which have these names."""
    yield from store.settings.wrong
    if not store.folder.is_dir():
        message = f"{store.config.papers}/ is not a folder" if store.folder.exists() else "there is no papers folder"
        yield Finding("config", message, f"make {store.config.papers}/, or name another in {CONFIG}", CONFIG, 1)
        return
    yield from _ignored(store, index, read)


def left_behind(name: str) -> tuple[str, str] | None:
    """What a file is by its name that a merge, a sync service or an editor has left, and what to do."""
    return next((said for form, *said in _LEFT if re.search(form, name, re.I)), None)  # type: ignore[return-value]  # each row holds two more


def config_line(root: Path, name: str) -> int:
    """The line of kb.toml, which has been read, on which a setting stands."""
    return line_of((root / CONFIG).read_text("utf-8-sig"), name)


def _ignored(store: Store, index: Index, read: Set[str]) -> Iterator[Finding]:
    bad = unreadable(index)
    others = set(names_in(store.folder)) - (read - bad.keys())  # of what can be read, the rules about it say so
    linked = _linked(store, index) if others - read else set()
    for name in sorted(others):
        if left := left_behind(name):
            kind: Kind = "error" if name in read | linked else "note"
            yield Finding("leftover", left[0], left[1], store.shown(name), 0, kind=kind)
            continue
        plain = name.startswith(".") or name.upper() == "README.MD" or name in read | linked
        if not plain and (why := _why_ignored(store.folder / name, store.root)):
            yield Finding("ignored", f"not read: {why[0]}", why[1], store.shown(name), 0, kind="note")


def _linked(store: Store, index: Index) -> set[str]:
    """The names, within the papers folder, of what papers link to."""
    here = store.folder.relative_to(store.root).parts
    places = (Path(of).parts for what, of, _ in index.ask(asked) if what == "place")
    return {parts[len(here)] for parts in places if len(parts) > len(here) and parts[: len(here)] == here}


def loose_rules(store: Store, index: Index) -> Iterator[Finding]:
    """A note for each PDF in `files/` that no paper links to."""
    from catalog.attached import FOLDER, there

    for name in sorted({*there(store)} - {of for what, of, _ in index.ask(asked) if what == "pdf"}):
        path = f"{FOLDER}/{name}"
        yield Finding("file-loose", "the PDF of no paper", f"`kb attach KEY {path}`, or remove it", path, kind="note")


def _why_ignored(item: Path, root: Path) -> tuple[str, str] | None:
    if item.is_symlink() and not inside(item, root):
        return "the link leads out of the knowledge base", "copy the file here"
    if item.is_symlink() and not os.path.exists(item):  # noqa: PTH110 - a link to itself raises with pathlib
        return "the link leads nowhere", "remove it"
    if item.is_dir():
        nested = any(name.endswith(".md") for _, _, names in os.walk(item) for name in names)
        return ("papers in folders below are not read", "move the files up") if nested else None
    if item.name.startswith("_"):
        return "names that begin with _ are not papers", "rename it"
    return "not a Markdown file, and no paper links to it", "remove it, or move it elsewhere"
