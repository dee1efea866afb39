"""Keeping the search index up to date with the files: what changed is read again, what cannot be is named."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from catalog.errors import BadBibtex, BadFile, Finding, UnknownKey
from catalog.facts import Facts, Reading
from catalog.implemented import Told, by_paper, text_of
from catalog.progress import each
from catalog.store.disk import Stamp, Version, digest, stamp_at
from catalog.store.readers import GRAIN
from catalog.store.taught import keep, restless, texts

if TYPE_CHECKING:
    from catalog.bibtex import Entry
    from catalog.bibtex.shared import Shared
    from catalog.search.index import Index
    from catalog.store import Store
    from catalog.store.change import Change

_MANY = 2000  # papers: below, every file is looked at before each command
_AT_ONCE = 2_000  # papers that are described and then written as one
_FEW = 50  # files whose change is told to the index at once
_LONG_AGO = 600  # s: after that, a large folder is looked through again whatever its stamp says
_YOUNG = "young "  # the mark of a file that was read so early that its stamp tells nothing, before its digest
_READING = frozenset({"status", "read", "due", "rating"})
_HEIR = re.compile(r"\b(?:crossref|xdata)\s*=")
Row = tuple[str, str, "Facts"]
_Unread = dict[str, tuple[str, list[dict[str, object]]]]  # by file: its mark, and what is wrong with it


def refresh(store: Store, index: Index, whole: bool = False) -> list[Finding]:
    """Read again what changed since the index was filled; returns what is wrong with files that cannot be read.

    A large folder is not listed each time: its own stamp tells of files that came, went or were replaced. It is listed
    when that has changed, when it was last listed long ago, and when the `whole` is asked for; a file that was written
    over in place is `renewed` by the commands about it. Raises `CacheLost` where the index is lost meanwhile.
    """
    _follow_readers(store, index)
    seen, folder = _seen(index), folder_mark(store)
    if whole or seen.papers < _MANY or seen.folder != folder or not 0 <= time.time() - seen.when < _LONG_AGO:
        count = _look_through(store, index, folder)
        index.set_meta("seen", json.dumps((folder if _at_rest(store) else "", count, time.time())))
    readers = index.get_json("readers", {}).get("wrong", [])
    return [*(one for found in unreadable(index).values() for one in found), *(Finding(**one) for one in readers)]


def unreadable(index: Index) -> dict[str, list[Finding]]:
    """What is wrong with each file that could not be read, as of the last `refresh`."""
    unread = _unread(index)
    return {file: [Finding(**one) for one in unread[file][1]] for file in sorted(unread)}  # type: ignore[arg-type]  # as written


def renewed(store: Store, index: Index, keys: Iterable[str]) -> bool:
    """Look at the files of these papers; whether some are not as they were. Those that changed are read again.

    Where a file is gone the paper may stand in another by now: the next look at the folder finds both at once.
    """
    from catalog.search.index import CacheLost

    known = index.stamps(keys)
    on_disk = {file: stamp_at(store.folder / file) for file in known}
    try:
        changed = _changed(store, index, known, {file: mark_of(stamp) for file, stamp in on_disk.items() if stamp})
        _take(store, index, changed, [], told(index))
    except CacheLost:
        return True
    return bool(changed) or not all(on_disk.values())


def noted(store: Store, changes: Iterable[Change], before: str) -> None:
    """Tell the index of changes that were made just now, so that the next command has nothing to look for.

    `before` is the folder's mark from before that; an index that knew another finds out by itself.
    """
    from catalog.search.index import CacheLost

    made = {Path(change.file).name: change for change in changes}
    with contextlib.suppress(CacheLost), store.open_index() as index:  # an empty one is filled by the next command
        seen, heirs = _seen(index), _heirs(index)
        if seen.papers < _MANY or seen.folder != before or len(made) + len(heirs) > _FEW:
            return
        read_on = {file for file, change in made.items() if _is_read_on(store, index, file, change)}
        files = made.keys() - read_on
        on_disk = {file: stamp_at(store.folder / file) for file in (*files, *(heirs if files else ()))}
        changed = {file: mark_of(stamp) for file, stamp in on_disk.items() if stamp}
        _take(store, index, changed, [file for file in files if file not in changed], told(index))
        index.set_meta("seen", json.dumps((folder_mark(store), seen.papers, seen.when)))


def _is_read_on(store: Store, index: Index, file: str, change: Change) -> bool:
    """Tell the index of a change that is of nothing but how far the reader is; False where it takes the whole file."""
    stamp = stamp_at(store.folder / file)
    if not stamp or not change.before or not change.after or not change.meant or not change.only(_READING):
        return False
    paper = change.meant
    added, read, due = (day.isoformat() if day else "" for day in (paper.added, paper.read, paper.due))
    reading = Reading(str(paper.status), added, read, due, paper.rating)
    new = _aged(mark_of(stamp), _YOUNG + digest(change.after))
    return index.read_on(file, marks_of_version(change.before), new, reading)


def _aged(mark: str, young: str = _YOUNG) -> str:
    """The mark of a file as the index keeps it; `young` where it is so young that it may change without another."""
    return mark if int(mark.partition(".")[0]) < time.time_ns() - GRAIN else young


def _changed(store: Store, index: Index, known: Mapping[str, str], on_disk: Mapping[str, str]) -> dict[str, str]:
    """Those of the files on the disk, by name with their marks, that are not as they are known. Of one that was young
    when it was read, what it says tells; its mark is kept as soon as it can be."""
    changed = {file: mark for file, mark in on_disk.items() if known.get(file) != mark}
    marks = {}
    for file in [file for file in changed if known.get(file, "").startswith(_YOUNG)]:
        with contextlib.suppress(BadFile, UnknownKey):
            version = store.read(file)
            young = _YOUNG + version.digest
            if known[file] == young:
                marks[file] = _aged(mark_of(version.stamp), young)
                del changed[file]
    if aged := {file: mark for file, mark in marks.items() if mark != known[file]}:
        index.restamp(aged)
    return changed


def folder_mark(store: Store) -> str:
    """What changes when a paper file comes, goes or is replaced, and when what all papers depend on changes."""
    stamp = stamp_at(store.folder)
    return "|".join([mark_of(stamp) if stamp else "", shared_mark(store), store.implemented.mark()])


def shared_mark(store: Store) -> str:
    """What changes with what all entries share, and with which fields of theirs are used."""
    stamp = stamp_at(store.root / "shared.bib")
    return "|".join([mark_of(stamp) if stamp else "", ",".join(store.config.used_fields)])


def told(index: Index) -> list[Told]:
    """What the implementations say, as of the last `refresh`."""
    return _told(index)[1]


def _at_rest(store: Store) -> bool:
    """Whether nothing changed so lately that the next change might have the same stamp."""
    stamps = (stamp_at(store.folder), stamp_at(store.root / "shared.bib"))
    return all(time.time_ns() - stamp[0] > GRAIN for stamp in stamps if stamp)


def _look_through(store: Store, index: Index, mark: str) -> int:
    """Compare every file with what the index, at that mark, knows of it; returns how many there are."""
    known = index.stamps() | {file: mark for file, (mark, _) in _unread(index).items()}
    on_disk = {file: mark_of(stamp) for file, stamp in store.files().items()}  # after: else what came meanwhile is gone
    shared, _, implemented = mark.partition("|")[2].rpartition("|")
    if index.get_meta("shared") != shared:
        known = dict.fromkeys(known, "")
    changed = set(_changed(store, index, known, on_disk))
    changed |= restless(store, index) & on_disk.keys()
    before, said = _told(index)
    if before != implemented:
        was, said = said, store.implemented.told()
        changed |= _about(index, set(was) ^ set(said)) & on_disk.keys()
    removed = [file for file in known if file not in on_disk]
    if removed:  # one that was renamed may be back by now
        there = store.files()
        removed = [file for file in removed if file not in there]
    if changed or removed:
        changed.update(file for file in _heirs(index) if file in on_disk)
        _take(store, index, {file: on_disk[file] for file in sorted(changed)}, removed, said)
    if index.get_meta("shared") != shared:
        index.set_meta("shared", shared)
    if before != implemented:
        index.set_meta("told", json.dumps([implemented, said]))
    return len(on_disk)


def _about(index: Index, implementations: Iterable[Told]) -> set[str]:
    """The files of the papers that these implement."""
    pairs = {pair for one in implementations for pair in (*one.ids, ("key", one.paper), ("alias", one.paper))}
    keys = {key for name, value in pairs for key in index.with_fact(name, value.casefold())}
    return set(index.stamps(keys))


def _follow_readers(store: Store, index: Index) -> None:
    """Read the papers again of which a reader says something else than the index knows."""
    kept = index.get_json("readers", {})
    was, before = kept.get("mark", ""), kept.get("said", {})
    mark = store.readers.mark()
    if mark == was:
        return
    said = store.readers.digests() if mark else {}
    wrong = [asdict(finding) for finding in store.readers.all()[1]]
    know = {"mark": mark if not mark or store.readers.at_rest() else "young", "said": said, "wrong": wrong}
    keys: set[str] | None = None  # where the first reader came or the last one went, every paper is read in another way
    if mark and was:
        keys = {key for key in {**before, **said} if before.get(key) != said.get(key)}
        keys |= {owner for key in keys for owner in index.with_fact("alias", key.casefold())}
    files = [*index.stamps(keys), *(_unread(index) if keys is None else ())]
    stamps = {file: stamp_at(store.folder / file) for file in files}
    _take(store, index, {file: mark_of(stamp) for file, stamp in stamps.items() if stamp}, [], told(index))
    index.set_meta("readers", json.dumps(know))


def _take(store: Store, index: Index, changed: Mapping[str, str], gone: Sequence[str], told: Iterable[Told]) -> None:
    """Read the changed files, whose marks are given, into the index, and forget those that are gone; of very many some
    thousand at a time, so that they never fill the memory."""
    going = each(changed.items(), "indexing")
    while part := dict(islice(going, _AT_ONCE)):
        _take_some(store, index, part, gone, told)
        gone = []
    if gone:
        _take_some(store, index, {}, gone, told)


def _take_some(
    store: Store, index: Index, changed: Mapping[str, str], gone: Sequence[str], told: Iterable[Told]
) -> None:  # fmt: skip
    from catalog.search.cells import Beside

    rows, marks, bad, heirs = _describe(store, changed)
    unread = {file: kept for file, kept in _unread(index).items() if file not in changed and file not in gone} | bad
    inheriting = {*(file for file in _heirs(index) if file not in changed and file not in gone), *heirs}
    by = by_paper(told)
    taught, notebooks = texts(store, ((file, facts) for file, _, facts in rows if facts.tutorials))
    beside = ((file, Beside(text_of(facts, by), taught.get(file, ""))) for file, _, facts in rows)
    index.update(rows, [*gone, *bad], marks, {file: say for file, say in beside if any(say)})
    keep(index, notebooks, {*changed, *gone})
    index.set_meta("heirs", json.dumps(sorted(inheriting)))
    index.set_meta("unreadable", json.dumps(unread))


class _Seen(NamedTuple):
    """The folder's mark when it was last looked through, how many papers it had then, and when that was."""

    folder: str = ""
    papers: int = 0
    when: float = 0.0


def _seen(index: Index) -> _Seen:
    return _Seen(*index.get_json("seen", []))


def _told(index: Index) -> tuple[str, list[Told]]:
    """The mark of the implementations when they were read, and what they said."""
    mark, kept = index.get_json("told", ["", []])
    return mark, [Told(name, paper, tuple(map(tuple, ids)), text) for name, paper, ids, text in kept]


def _unread(index: Index) -> _Unread:
    unread: _Unread = index.get_json("unreadable", {})
    return unread


def _heirs(index: Index) -> list[str]:
    heirs: list[str] = index.get_json("heirs", [])
    return heirs


def kept_mark(stamp: Stamp) -> str:
    """A stamp that is kept of a file that was read: what is too young to be trusted matches none."""
    return _aged(mark_of(stamp))


def marks_of_version(version: Version) -> tuple[str, str]:
    """What a file that was read may have for a stamp in the index, as long as it is as it was."""
    return mark_of(version.stamp), _YOUNG + version.digest


def mark_of(stamp: Stamp) -> str:
    """A stamp as the index keeps it."""
    return "%d.%d.%d.%d" % stamp  # noqa: UP031 - twice as quick, for each of a hundred thousand files


def _describe(
    store: Store, changed: Mapping[str, str]
) -> tuple[list[Row], dict[str, frozenset[tuple[str, str]]], _Unread, list[str]]:
    """Rows and marks for the index, what is wrong with files that cannot be read, and those whose entries inherit."""
    from catalog.bibtex.describe import describe
    from catalog.bibtex.shared import NOTHING
    from catalog.identity import marks_of
    from catalog.store.change import Known

    try:
        shared = store.sharing()
    except BadFile:  # `kb check` says what is wrong with it; the papers are there all the same
        shared = NOTHING
    common, parents = shared_mark(store), _Parents(store, shared)
    rows: list[Row] = []
    readers, me, mine = store.readers.all()[0], store.readers.me(), store.readers.mine()
    marks = {}
    bad: _Unread = {}
    heirs = []
    for file, mark in changed.items():
        try:
            version = store.read(file)
            known = None if mine else store.written.known(file, version.data, common)
            if known is None:
                paper = store.load_as(file, mine, version)[1]
                facts = describe(paper, shared, parents)
                known = Known(facts, marks_of(facts, paper.bibtex, paper.different))
        except BadFile as e:
            bad[file] = (_aged(mark), [asdict(finding) for finding in e.findings])
            continue
        except UnknownKey:  # gone since; the next look sees that
            continue
        facts, marks[file] = known
        if inherits(facts.bibtex):
            heirs.append(file)
        facts = store.readers.told(facts, readers, me) if readers else facts
        rows.append((file, _aged(mark, _YOUNG + version.digest), facts))
    return rows, marks, bad, heirs


def inherits(bibtex: str) -> bool:
    """Whether an entry takes something from another one, so that what is known of it depends on that."""
    low = bibtex.lower()
    return ("crossref" in low or "xdata" in low) and bool(_HEIR.search(low))


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
            return read_first(self.store.load(file).bibtex, self.shared.macros) if file else None
        except (BadFile, UnknownKey):
            return None
