"""A list that is the source of truth: what changed in it since it was last read goes into the papers, three ways.

What the list no longer says goes, what it says newly comes, and what the reader changed meanwhile stays; where both
changed one thing, the reader's stays and both are shown.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from difflib import SequenceMatcher

from pydantic import ValidationError

from catalog import threeway
from catalog.errors import Finding, KbError, refused
from catalog.ingest import decode_bytes
from catalog.ingest.draft import Draft, Source
from catalog.ingest.entry import grouped, unique_tags
from catalog.ingest.lists import Remembered, by_place, keys_of, memory_of, places, read_list, remembered
from catalog.ingest.merge import RANK, Action, Change
from catalog.ingest.run import Imported, Work, imported, work_on
from catalog.ingest.shared import Sharing
from catalog.models import Paper, Status
from catalog.search import rows
from catalog.search.index import Index
from catalog.store import SHARED, Store
from catalog.store import Change as FileChange
from catalog.text import fold, quoted

_ALIKE = 0.75  # of two titles of which one may be the other, corrected
_MOST_PAIRS = 40_000
_UNSAID = ("added", "key")


@dataclass(frozen=True, slots=True)
class Synced:
    """What a sync did, or would do.

    `done` holds the papers that were added, changed ("merged") or stayed; `left` those whose entry has gone from its
    list and that stay, `pruned` those that went with it.
    """

    done: Imported
    left: tuple[str, ...] = ()
    pruned: tuple[str, ...] = ()


@dataclass(slots=True)
class _Entry:
    """A paper as one list gave it and gives it now: its entries then, and now."""

    was: list[Draft] = field(default_factory=list)
    now: list[Draft] = field(default_factory=list)


def sync_sources(
    store: Store, index: Callable[[], Index], sources: Iterable[tuple[str, bytes]], *, prune: bool = False,
    dry_run: bool = False, today: dt.date | None = None, wanted: Mapping[str, int] | None = None,
) -> Synced:  # fmt: skip
    """Bring the papers to what lists say now: (path, bytes) each. Raises `BadFile`, `KbError`."""
    sources = list(sources)

    def attempt() -> Synced:
        since = store.gate.latest()
        known = {one.path: one for one in remembered(store)}
        version, have = store.shared_version()
        sharing = Sharing(have, lambda: (one.bibtex for one in index().ask(rows.entries)))
        read, found = [], []
        for path, data in sources:
            memory, text = memory_of(store, path, known.values()), decode_bytes(data)[0]
            known[memory.path] = memory
            source = read_list(store, memory, path, data, wanted or {})
            if wrong := _no_list_now(memory, source, path):
                found += wrong
            else:
                read.append((memory, text, sharing.take(source)))
        work = work_on(store, index(), sharing, [source for *_, source in read], today=today or dt.date.today())
        syncs = [_Sync(store, work, memory, text, source, known, wanted or {}) for memory, text, source in read]
        for one in syncs:
            one.run(prune)
        changes = [change for one in syncs for change in one.changes]
        found += [finding for *_, source in read for finding in source.findings]
        found += sharing.findings + work.merger.findings + [finding for one in syncs for finding in one.findings]
        done = imported(changes, found, [source for *_, source in read], dry_run)
        if not dry_run:
            writes = [*work.changes(), *(write for one in syncs for write in one.writes)]
            writes += [FileChange(SHARED, version, sharing.text.encode())] if sharing.text != have else []
            if writes:
                names = " ".join(path for path, _ in sources)
                what = f"sync {names} ({done.count('added')} added, {done.count('merged')} changed)"
                store.commit(writes, what, since)
        return Synced(done, tuple(k for one in syncs for k in one.left), tuple(k for one in syncs for k in one.pruned))

    return store.gate.retried(attempt)


def _no_list_now(memory: Remembered, source: Source, path: str) -> list[Finding]:
    """Why a list says nothing of its papers just now: a merge that is not settled, or no paper left in it.

    Its papers have not left it, then.
    """
    if unsettled := [one for one in source.findings if one.code == "unsettled"]:
        return unsettled
    if source.drafts or not memory.keys:
        return []
    had = len(memory.keys)
    message = f"no paper is in this list, which had {had}; nothing was changed"
    remedy = f"take it from its history; where it is meant, delete {memory.file} and `kb rm` the papers"
    wrong = [one for one in source.findings if one.kind == "rejected" and one.code != "no-papers"]
    return wrong or [Finding("list-empty", message, remedy, path, kind="rejected")]


class _Sync:
    def __init__(
        self, store: Store, work: Work, memory: Remembered, text: str, source: Source, known: dict[str, Remembered],
        wanted: Mapping[str, int],
    ) -> None:  # fmt: skip
        self.store, self.work, self.memory, self.text, self.source = store, work, memory, text, source
        self.known = known  # lists by their places, those that were synced before this one as they are now
        self.readings = {**memory.readings, **wanted}
        self.changes: list[Change] = []
        self.findings: list[Finding] = []
        self.writes: list[FileChange] = []
        self.left: list[str] = []
        self.pruned: list[str] = []

    def run(self, prune: bool) -> None:
        """Pair the entries then and now, and let each paper follow.

        Raises `KbError` where a file cannot be read while a paper of the list is not known: it may be that one, and is
        not gone.
        """
        unread = self.work.merger.unread
        if unread and not all(map(self._there, self.memory.keys.values())):
            raise KbError("\n".join(one.there for one in unread.values()))
        before = self._before()
        was, now = before.drafts, self.source.drafts
        then = by_place(was)
        keyed = [(key, then[place]) for place, key in self.memory.keys.items() if place in then]
        pairs = paired([draft for _, draft in keyed], now)
        entries: dict[str, _Entry] = defaultdict(_Entry)
        for key, draft in keyed:
            entries[self._key(key)].was.append(draft)
        keys = {}
        for draft, place, other in zip(now, places(now), pairs, strict=True):
            if other is not None:
                keys[place] = self._key(keyed[other][0])
                entries[keys[place]].now.append(draft)
        for key, entry in entries.items():
            if entry.now:
                self._follow(key, entry)
        new = [draft for draft, other in zip(now, pairs, strict=True) if other is None]
        changes = self.work.merger.take_all(replace(self.source, drafts=tuple(new)))
        self.changes += changes
        named = {id(draft): place for place, draft in by_place(now).items()}
        found = keys_of(new, changes)
        keys |= {named[id(draft)]: found[place] for place, draft in by_place(new).items() if place in found}
        here, elsewhere = set(keys.values()), self._named_elsewhere()
        gone = {key: entry for key, entry in entries.items() if not entry.now and key not in here}
        said = len(self.changes)
        for key in gone.keys() & elsewhere:  # what this list filed it under goes
            self._follow(key, _Entry(gone[key].was, [replace(_united(gone[key].was), tags=(), line=1)]))
        self.changes[said:] = [change for change in self.changes[said:] if change.action != "unchanged"]  # no entry
        left = self._leave(gone, here | elsewhere, prune)
        order = list(dict.fromkeys(keys[place] for place in places(now) if place in keys))
        write = (self.memory.version or keys or None) and self.memory.change(
            text=self.text, keys=keys, order=order, left=left, readings=self.readings, sections=self.source.sections,
        )  # fmt: skip
        self.writes += [write] if write else []
        self.known[self.memory.path] = replace(self.memory, text=self.text, keys=keys, readings=self.readings)
        self.changes.sort(key=lambda change: change.line)

    def _before(self) -> Source:
        if not self.memory.version:
            return Source()
        if self.memory.text == self.text and self.readings == dict(self.memory.readings):
            return self.source
        memory = replace(self.memory, version=None)
        return read_list(self.store, memory, self.memory.path, self.memory.text.encode(), {})

    def _key(self, key: str) -> str:
        """The key that a paper has now; one that is gone keeps its own."""
        return self.work.merger.known.keys.get(key) or key

    def _follow(self, key: str, entry: _Entry) -> None:
        was, now = _united(entry.was), _united(entry.now)
        if not entry.was or not self.work.merger.known.keys.get(key):
            self._gone(key, was, now)
            return
        if _facts(was) == _facts(now):
            self.changes.append(Change(key, "unchanged", path=now.path, line=now.line))
            return
        merger = self.work.merger
        ours = merger.now.get(key) or merger.load(key)
        others = self._elsewhere(key)
        now = now if now.status else replace(now, status=was.status, read=was.read)
        try:
            base, theirs = (self._beside(self._paper(key, draft, others, ours), ours) for draft in (was, now))
            merged = threeway.merge(base, ours, theirs)
        except (ValidationError, KbError) as e:
            reason = refused(e) if isinstance(e, ValidationError) else str(e)
            self.findings.append(Finding("sync", f"{key}: {reason}", "", now.path, now.line, key, "rejected"))
            return
        after = merged.ours
        changed = [name for name in Paper.model_fields if getattr(ours, name) != getattr(after, name)]
        said = [f"{name}: {_short(ours, name)} becomes {_short(after, name)}" for name in changed]
        for name in merged.fields:
            message = f"{name} of {key} was changed here and in the list; yours stays: {_short(ours, name)}"
            remedy = f"the list says {_short(merged.theirs, name)}"
            self.findings.append(Finding("sync-conflict", message, remedy, now.path, now.line, key, "note"))
        if after != ours:
            merger.now[key] = after
            merger.known.add(merger.facts(after), after.bibtex)
        action: Action = "merged" if after != ours else "unchanged"
        self.changes.append(Change(key, action, ours, after, tuple(said), now.path, now.line))

    def _beside(self, said: Paper, ours: Paper) -> Paper:
        """What a list says of a paper, without what an entry says here that came from elsewhere."""
        if said.bibtex or not ours.bibtex:
            return said
        alone = self.work.merger.said_once(said.evolve(bibtex=ours.bibtex))
        empty = [name for name in Paper.model_fields if name != "bibtex" and not getattr(ours, name)]
        return said.evolve(**{name: getattr(alone, name) for name in empty})

    def _gone(self, key: str, was: Draft, now: Draft) -> None:
        """A paper that was deleted here stays deleted; it is said where the list has changed it."""
        self.changes.append(Change(key, "unchanged", path=now.path, line=now.line))
        if _facts(was) != _facts(now):
            message = f"{key} was removed here and has changed in the list; it stays removed"
            remedy = "`kb import` brings it back"
            self.findings.append(Finding("sync-gone", message, remedy, now.path, now.line, key, "note"))

    def _paper(self, key: str, draft: Draft, others: Sequence[Draft], ours: Paper) -> Paper:
        links = grouped([*draft.links, *(link for other in others for link in other.links)])
        tags = unique_tags([*draft.tags, *(tag for other in others for tag in other.tags)])
        paper = self.work.merger.paper_of(replace(draft, key=key, links=links, tags=tags))
        return paper.evolve(added=ours.added)

    def _elsewhere(self, key: str) -> list[Draft]:
        found = []
        for memory in self._others():
            if key in map(self._key, memory.keys.values()):
                source = read_list(self.store, replace(memory, version=None), memory.path, memory.text.encode(), {})
                mine = {place for place, name in memory.keys.items() if self._key(name) == key}
                found += [draft for place, draft in by_place(source.drafts).items() if place in mine]
        return found

    def _others(self) -> list[Remembered]:
        return [one for path, one in self.known.items() if path != self.memory.path]

    def _named_elsewhere(self) -> set[str]:
        return {self._key(key) for one in self._others() for key in one.keys.values()}

    def _leave(self, gone: Mapping[str, _Entry], stay: set[str], prune: bool) -> dict[str, str]:
        """Say which papers have left the list, of those that do not stay; with `prune` those go on which nothing of
        the reader's hangs."""
        kept = {}
        for key, mark in self.memory.left.items():
            if self._key(key) not in stay and self._there(key) and not (prune and self._remove(key, mark)):
                kept[key] = mark
        for key, entry in gone.items():
            if key in stay or not self._there(key):
                continue
            mark = self._mark(key) if self._is_the_lists(key, entry) else ""
            if prune and mark and self._remove(key, mark):
                continue
            kept[key] = mark
            self.left.append(key)
        return kept

    def _there(self, key: str) -> bool:
        return bool(self.work.merger.known.keys.get(key))

    def _is_the_lists(self, key: str, entry: _Entry) -> bool:
        """Whether a paper says nothing but what the list said of it."""
        ours = self.work.merger.now.get(key) or self.work.merger.load(key)
        try:
            base = self._paper(key, _united(entry.was), (), ours)
        except ValidationError:
            return False
        return all(getattr(base, name) == getattr(ours, name) for name in Paper.model_fields if name not in _UNSAID)

    def _mark(self, key: str) -> str:
        file, paper = self.store.file_of(key), self.work.merger.now.get(key)
        data = self.store.paper_change(file, None, paper).after if paper else self.store.read(file).data
        return hashlib.sha256(data or b"").hexdigest()[:16]

    def _cited(self) -> set[str]:
        return {key for one in self.work.merger.known.index.all() for key in one.cites}

    def _remove(self, key: str, mark: str) -> bool:
        """Remove a paper that is as it was when its entry left, and that no other points to."""
        key = self._key(key)
        if not mark or key in self.work.merger.now or self._mark(key) != mark or key in self._cited():
            return False
        file = self.store.file_of(key)
        self.writes.append(FileChange(self.store.shown(file), self.store.read(file), None))
        self.pruned.append(key)
        return True


def paired(was: Sequence[Draft], now: Sequence[Draft]) -> list[int | None]:
    """For each entry now, which it was then: by title and links, title, address; without links by likeness."""
    found: list[int | None] = [None] * len(now)
    free = dict.fromkeys(range(len(was)))
    marks: tuple[Callable[[Draft], Sequence[object]], ...] = (
        lambda d: [(fold(d.title), d.links, d.section)],
        lambda d: [(fold(d.title), d.links)],
        lambda d: [fold(d.title)] if d.title else [],
        lambda d: [link.url for link in d.links] + [f"{name}:{value}" for name, value in d.ids.items()],
    )
    for mark in marks:
        there: dict[object, list[int]] = defaultdict(list)
        for i in free:
            for one in mark(was[i]):
                there[one].append(i)
        for j, draft in enumerate(now):
            if found[j] is None:
                hit = next((i for one in mark(draft) for i in there[one] if i in free), None)
                if hit is not None:
                    found[j] = hit
                    del free[hit]
    rest = [j for j, one in enumerate(found) if one is None]
    if len(rest) * len(free) <= _MOST_PAIRS:
        for j in rest:
            scored = [(_alike(was[i].title, now[j].title), -i) for i in free if not (was[i].links and now[j].links)]
            best = max(scored, default=(0.0, 0))
            if best[0] >= _ALIKE:
                found[j] = -best[1]
                del free[-best[1]]
    return found


def _alike(one: str, other: str) -> float:
    matcher = SequenceMatcher(None, one.casefold(), other.casefold(), autojunk=False)
    return matcher.ratio() if one and other and matcher.real_quick_ratio() >= _ALIKE else 0.0


def _united(drafts: Sequence[Draft]) -> Draft:
    """The entries of one paper as one: the first says its facts, all of them its tags, links and notes."""
    if len(drafts) < 2:
        return drafts[0] if drafts else Draft()
    first, said = drafts[0], [draft for draft in drafts if draft.status]
    most = max(said, key=lambda draft: RANK[draft.status or Status.unread], default=first)
    single = {
        one.name: next(filter(None, (getattr(draft, one.name) for draft in drafts)), getattr(first, one.name))
        for one in fields(Draft)
    }
    return Draft(**single | {
        "status": most.status, "read": most.read,
        "notes": "\n\n".join(dict.fromkeys(draft.notes for draft in drafts if draft.notes)),
        "links": grouped([link for draft in drafts for link in draft.links]),
        "tags": unique_tags([tag for draft in drafts for tag in draft.tags]),
        "tutorials": tuple(dict.fromkeys(one for draft in drafts for one in draft.tutorials)),
        "ids": {name: value for draft in reversed(drafts) for name, value in draft.ids.items()},
        "extras": {name: value for draft in reversed(drafts) for name, value in draft.extras.items()},
    })  # fmt: skip


def _facts(draft: Draft) -> Draft:
    return replace(draft, line=0, path="", order=0, section=())


def _short(paper: Paper, name: str) -> str:
    field_name, _, inner = name.partition(".")
    value = getattr(paper, field_name)
    value = value.get(inner, "") if inner else value
    if isinstance(value, tuple):
        value = ", ".join(getattr(one, "url", "") or getattr(one, "name", "") or str(one) for one in value)
    return quoted(value)
