"""Rules about the folder itself: kb.toml, and what lies among the papers and is not read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from catalog.check.loaded import Loaded
from catalog.check.notes import targets
from catalog.check.papers import left_behind
from catalog.errors import Finding, Kind
from catalog.files import inside
from catalog.store import Store
from catalog.store.config import CONFIG
from catalog.toml import line_of


def folder_rules(store: Store, loaded: Loaded) -> Iterator[Finding]:
    """What is wrong outside the paper files."""
    yield from store.settings.wrong
    if not store.folder.is_dir():
        message = f"{store.config.papers}/ is not a folder" if store.folder.exists() else "there is no papers folder"
        yield Finding("config", message, f"make {store.config.papers}/, or name another in {CONFIG}", CONFIG, 1)
        return
    yield from _ignored(store, loaded)


def config_line(root: Path, name: str) -> int:
    """The line of kb.toml, which has been read, on which a setting stands."""
    return line_of((root / CONFIG).read_text("utf-8-sig"), name)


def _ignored(store: Store, loaded: Loaded) -> Iterator[Finding]:
    read, sheets = set(loaded.files), {sheet.file for sheet in loaded.sheets}
    with os.scandir(store.folder) as listing:
        items = sorted(listing, key=lambda item: item.name)
    if len(items) > len(read):
        read |= _linked(loaded)
    for item in items:
        if left := left_behind(item.name):
            kind: Kind = "error" if item.name in read else "note"
            if item.name not in sheets:  # of a paper that can be read, the rules about it say so
                yield Finding("leftover", left[0], left[1], store.shown(item.name), 0, kind=kind)
            continue
        plain = item.name.startswith(".") or item.name.upper() == "README.MD" or item.name in read
        if not plain and (why := _why_ignored(item, store.root)):
            path = store.shown(item.name)
            yield Finding("ignored", f"not read: {why[0]}", why[1], path, 0, kind="note")


def _linked(loaded: Loaded) -> frozenset[str]:
    """The names, within the papers folder, of what papers link to."""
    addresses = [link.url for sheet in loaded.sheets for link in sheet.paper.links]
    addresses += [tutorial.notebook for sheet in loaded.sheets for tutorial in sheet.paper.tutorials]
    addresses += [target.to for sheet in loaded.sheets for target in targets(sheet.paper.notes)]
    here = loaded.root / loaded.folder
    paths = [loaded.resolve(url) for url in addresses if url and "://" not in url]
    return frozenset(path.relative_to(here).parts[0] for path in paths if path != here and path.is_relative_to(here))


def _why_ignored(item: os.DirEntry[str], root: Path) -> tuple[str, str] | None:
    if item.is_symlink() and not inside(Path(item.path), root):
        return "the link leads out of the knowledge base", "copy the file here"
    if item.is_symlink() and not os.path.exists(item.path):  # noqa: PTH110 - a link to itself raises with pathlib
        return "the link leads nowhere", "remove it"
    if item.is_dir():
        nested = any(name.endswith(".md") for _, _, names in os.walk(item.path) for name in names)
        return ("papers in folders below are not read", "move the files up") if nested else None
    if item.name.startswith("_"):
        return "names that begin with _ are not papers", "rename it"
    return "not a Markdown file, and no paper links to it", "remove it, or move it elsewhere"
