"""Keeping the search index up to date with the files: what changed is read again, what cannot be is named."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from catalog.errors import BadBibtex, BadFile, Finding, UnknownKey
from catalog.store.disk import Stamp, stamp_at

if TYPE_CHECKING:
    from catalog.bibtex import Entry
    from catalog.bibtex.shared import Shared
    from catalog.facts import Facts
    from catalog.search.index import Index
    from catalog.store import Store

_GRAIN = 50_000_000  # ns: a file that young may change again without another stamp
_HEIR = re.compile(r"\b(?:crossref|xdata)\s*=", re.I)
Row = tuple[str, str, "Facts"]


def refresh(store: Store, index: Index) -> list[Finding]:
    """Read again what changed since the index was filled; returns what is wrong with files that cannot be read."""
    on_disk = {file: _mark(stamp) for file, stamp in store.files().items()}
    unread: dict[str, tuple[str, list[dict[str, object]]]] = json.loads(index.get_meta("unreadable") or "{}")
    known = index.stamps() | {file: mark for file, (mark, _) in unread.items()}
    shared = stamp_at(store.root / "shared.bib")
    shared_mark = _mark(shared) if shared else ""
    if index.get_meta("shared") != shared_mark:
        known = dict.fromkeys(known, "")
    changed = {file for file, mark in on_disk.items() if known.get(file) != mark}
    removed = [file for file in known if file not in on_disk]
    if changed or removed:
        changed.update(file for file in json.loads(index.get_meta("heirs") or "[]") if file in on_disk)
        rows, marks, bad, heirs = _describe(store, sorted(changed), on_disk)
        unread = {f: kept for f, kept in unread.items() if f in on_disk and f not in changed} | bad
        index.update(rows, [*removed, *bad], marks)
        index.set_meta("shared", shared_mark)
        index.set_meta("heirs", json.dumps(heirs))
        index.set_meta("unreadable", json.dumps(unread))
    return [Finding(**one) for file in sorted(unread) for one in unread[file][1]]  # type: ignore[arg-type]  # as written


def _mark(stamp: Stamp) -> str:
    """A stamp as the index keeps it."""
    return ".".join(map(str, stamp))


def _describe(
    store: Store, changed: Iterable[str], on_disk: Mapping[str, str]
) -> tuple[list[Row], dict[str, frozenset[tuple[str, str]]], dict[str, tuple[str, list[dict[str, object]]]], list[str]]:
    """Rows and marks for the index, what is wrong with files that cannot be read, and those whose entries inherit."""
    from catalog.bibtex.describe import describe
    from catalog.bibtex.shared import NOTHING
    from catalog.identity import marks_of

    try:
        shared = store.sharing()
    except BadFile:  # `kb check` says what is wrong with it; the papers are there all the same
        shared = NOTHING
    parents = _Parents(store, shared)
    rows: list[Row] = []
    marks = {}
    bad: dict[str, tuple[str, list[dict[str, object]]]] = {}
    heirs = []
    young = time.time_ns() - _GRAIN
    for file in changed:
        mark = on_disk[file] if int(on_disk[file].partition(".")[0]) < young else "young"  # matches no stamp
        try:
            paper = store.load(file)
        except BadFile as e:
            bad[file] = (mark, [asdict(finding) for finding in e.findings])
            continue
        except UnknownKey:  # gone since; the next look sees that
            continue
        if _HEIR.search(paper.bibtex):
            heirs.append(file)
        facts = describe(paper, shared, parents)
        rows.append((file, mark, facts))
        marks[file] = marks_of(facts, paper.bibtex)
    return rows, marks, bad, heirs


class _Parents:
    """Entries that others inherit from, looked up when one asks."""

    def __init__(self, store: Store, shared: Shared) -> None:
        self.store, self.shared = store, shared
        self.files: dict[str, str] | None = None

    def __call__(self, key: str) -> Entry | None:
        from catalog.bibtex import read
        from catalog.bibtex.describe import read_first
        from catalog.paperfile import read_key

        if text := self.shared.entries.get(key.casefold()):
            try:
                return read(text, self.shared.macros)
            except BadBibtex:
                return None
        if self.files is None:
            self.files = {read_key(file).casefold(): file for file in self.store.files()}
        file = self.files.get(key.casefold())
        try:
            return read_first(self.store.load(file), self.shared.macros) if file else None
        except (BadFile, UnknownKey):
            return None
