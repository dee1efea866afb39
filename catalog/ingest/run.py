"""An import from beginning to end: read the sources, merge under the lock, write as a whole, say what happened."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from operator import attrgetter

from pydantic import ValidationError

from catalog.bibtex import Entry, entry_key, read, scan, set_key
from catalog.bibtex.describe import describe, entries
from catalog.bibtex.shared import Shared
from catalog.errors import BadBibtex, BadFile, Finding, KbError, TakenKey, UnknownKey, refused
from catalog.facts import Facts
from catalog.ingest import lists
from catalog.ingest.draft import Draft, Source
from catalog.ingest.groups import with_groups
from catalog.ingest.known import Known as Works
from catalog.ingest.merge import Change, Merger
from catalog.ingest.shared import Sharing
from catalog.ingest.unread import unread
from catalog.keys import free_key
from catalog.models import Paper
from catalog.paperfile import loads
from catalog.search import rows
from catalog.search.index import Index
from catalog.store import SHARED, Store, Version
from catalog.store import Change as FileChange
from catalog.store.change import Known
from catalog.store.indexing import inherits
from catalog.store.written import Kept
from catalog.text import some_of

MANY = 10_000  # drafts; of more, the papers that they became are held no longer than it takes to write them
AT_ONCE = 2_000  # of those
_AS = {"keywords": "tags", "groups": "tags", "readstatus": "status", "annote": "notes", "file": "links"}


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, or would do: a change a paper, and what was found on the way.

    `entries` counts what looks like a paper in the sources, taken or not; `left` the lines that are no paper's.
    """

    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]
    dry_run: bool = False
    entries: int = 0
    left: int = 0

    def count(self, what: str) -> int:
        """How many papers were added, merged or unchanged; how many findings were repaired, kept or rejected."""
        if what in ("added", "merged", "unchanged"):
            return sum(change.action == what for change in self.changes)
        return sum(finding.kind == what for finding in self.findings)

    @property
    def changed(self) -> int:
        """How many papers came, or are not as they were."""
        return len({change.key for change in self.changes if change.action in ("added", "merged")})

    @property
    def taken(self) -> int:
        """How many papers of the sources are in the catalog now."""
        return sum(change.action != "rejected" for change in self.changes)

    @property
    def whole(self) -> bool:
        """Whether all that looks like a paper was taken, as it should be."""
        return self.taken >= self.entries and not self.count("rejected")

    @property
    def keys(self) -> dict[str, str]:
        """The key here of each work that a source gives another key; of two under one key, the later one's."""
        return {c.was: c.key for c in self.changes if c.was and c.was != c.key and c.action != "rejected"}


def import_sources(
    store: Store, index: Callable[[], Index], sources: Iterable[tuple[str, bytes]], *, theirs: bool = False,
    dry_run: bool = False, today: dt.date | None = None, wanted: Mapping[str, int] | None = None,
    written: Callable[[FileChange], object] = lambda _: None,
) -> Imported:  # fmt: skip
    """Take in (path, bytes) each; `index` is asked for once the lock is held, and then up to date.

    `wanted` chooses readings of a list by section. A list is remembered, for `kb sync`. `written` hears of each change
    to a paper's file.
    """
    known = lists.remembered(store)
    paths: list[tuple[str, bytes]] = []
    parsed: list[Source] = []
    for path, data in sources:
        parsed.append(lists.read_list(store, lists.memory_of(store, path, known), path, data, wanted or {}))
        paths.append((path, data if parsed[-1].is_list else b""))  # a .bib file may be large

    def attempt() -> Imported:
        since = store.gate.latest()
        version, have = store.shared_version()
        sharing = Sharing(have, lambda: (one.bibtex for one in index().ask(rows.entries)))
        grouped = map(with_groups, parsed) if "groups" in store.config.used_fields else parsed
        shared = [sharing.take(source) for source in grouped]
        work = work_on(store, index(), sharing, shared, theirs=theirs, today=today or dt.date.today())
        taken: list[list[Change]] = []

        def writes() -> Iterator[FileChange]:
            for change in work.take(shared, taken):
                written(change)
                yield change
            if sharing.text != have:
                yield FileChange(SHARED, version, sharing.text.encode())
            yield from lists.notes(store, zip(paths, shared, taken, strict=True), wanted or {})

        def done() -> Imported:
            memories = [lists.memory_of(store, path, known) for path, _ in paths]
            told = zip(memories, taken, strict=True)
            changes = [change for memory, one in told for change in lists.untold(memory, one)]
            findings = [finding for source in shared for finding in source.findings]
            findings += sharing.findings + work.merger.findings + work.findings + list(_used(work.merger))
            return imported(changes, findings, parsed, dry_run)

        def what() -> str:
            named = " ".join(dict.fromkeys(draft.path for source in parsed for draft in source.drafts))
            counts = Counter(change.action for changes in taken for change in changes)
            return f"import {named} ({counts['added']} added, {counts['merged']} merged)"

        if dry_run:
            taken += map(work.merger.take_all, shared)
        else:
            store.commit(writes(), what, since)
        return done()

    with rows.uncollected():
        return store.gate.retried(attempt)


def imported(
    changes: Sequence[Change], findings: Iterable[Finding], sources: Sequence[Source], dry_run: bool
) -> Imported:
    """What was done with these sources."""
    ordered = tuple(sorted(findings, key=lambda f: (f.path, f.line)))
    entries = len(changes) + sum(source.missed for source in sources)
    return Imported(tuple(changes), ordered, dry_run, entries, sum(source.left for source in sources))


@dataclass(frozen=True, slots=True)
class Addition:
    """What became of a work that was to be added: its paper and whether that is new; or why there is none."""

    paper: Paper | None = None
    new: bool = False
    wrong: KbError | None = None


def add_papers(
    store: Store, index: Callable[[], Index], drafts: Sequence[Draft], added: Callable[[list[FileChange]], None]
) -> list[Addition]:
    """Add papers as one change; of one that is the same work as one here, that one. `added` hears of the change.

    What cannot be added does not keep the others from it; it is a `TakenKey` with a free key where another work has its
    key.
    """
    singles = [_single(draft) for draft in drafts]
    good = tuple(one for one in singles if isinstance(one, Draft))

    def attempt() -> list[Addition]:
        since = store.gate.latest()
        work = work_on(store, index(), Sharing(store.shared()), [Source(good)], today=dt.date.today())
        done = [_added(work.merger, one) if isinstance(one, Draft) else Addition(wrong=one) for one in singles]
        fresh = [one.paper.key for one in done if one.paper and one.new]
        if fresh:
            changes = list(work.changes())
            store.commit(changes, f"add {some_of(fresh, ' ')}", since)
            added(changes)
        return done

    return store.gate.retried(attempt)


def _single(draft: Draft) -> Draft | KbError:
    if not (draft.bibtex.strip() or draft.title.strip() or (draft.key and (draft.links or draft.ids))):
        return KbError("nothing to add: give a BibTeX entry, or --title and --link")
    try:
        text = one_entry(draft.bibtex, draft.key)
        key = draft.key or (read(text).key if text else "")
    except KbError as e:
        return e
    if re.search(r"\s", key):
        return KbError(f"the key {key!r} holds a blank, so nothing can cite it; say --key {'-'.join(key.split())}")
    return replace(draft, bibtex=text)


def _added(merger: Merger, draft: Draft) -> Addition:
    try:
        paper = merger.paper_of(draft)
    except ValidationError as e:
        return Addition(wrong=KbError(refused(e)))
    facts = merger.facts(paper)
    there, _ = merger.known.find(facts)
    if reason := merger.hidden(facts, new=not there):
        return Addition(wrong=KbError(reason))
    if there:
        return Addition(merger.now.get(there.key) or merger.load(there.key))
    if paper.key in merger.known.keys:
        return Addition(wrong=TakenKey(paper.key, free_key(paper.key, merger.known.keys.is_taken)))
    merger.bring(paper, facts)
    return Addition(paper, True)


def one_entry(bibtex: str, key: str = "") -> str:
    """The one entry of a text, repaired; raises `BadBibtex` where there is none, several, or an unreadable one."""
    if not bibtex.strip():
        return ""
    blocks = [block for block in scan(bibtex.strip()) if block.kind in ("entry", "broken")]
    if not blocks:
        raise BadBibtex("no BibTeX entry here; it begins with @article{key, or another type")
    if len(blocks) > 1:
        raise BadBibtex(f"{len(blocks)} entries here; `kb import` takes several")
    if blocks[0].kind == "broken":
        raise BadBibtex("; ".join(f.message for f in blocks[0].findings) or "not a BibTeX entry", blocks[0].line)
    return set_key(blocks[0].text, key) if key else blocks[0].text


def beside(bibtex: str) -> str:
    """What stands beside the one entry of a text; raises `BadBibtex` where it is for several, such as `@string`."""
    one_entry(bibtex)  # that there are several says more than what they share
    others = [block for block in scan(bibtex.strip()) if block.kind not in ("entry", "broken")]
    if shared := next((block for block in others if block.kind != "comment"), None):
        raise BadBibtex(f"@{shared.kind} beside the entry; `kb import` takes both", shared.line)
    return "\n\n".join(filter(None, (block.text.strip() for block in others)))


@dataclass(slots=True)
class Work:
    """A merger at work on the files of a store, and what was read of each paper that it looked at.

    `away` are the files of the papers that it holds no more, since there are so many.
    """

    store: Store
    merger: Merger
    read: dict[str, Version]
    findings: list[Finding] = field(default_factory=list)
    away: dict[str, str] = field(default_factory=dict)

    def take(self, sources: Sequence[Source], taken: list[list[Change]]) -> Iterator[FileChange]:
        """Take in sources, and what becomes of each paper's file. Of very many papers some thousand at a time, which
        then are held no more: who asks for these changes has written them by the next one."""
        many = sum(len(source.drafts) for source in sources) > MANY and not self.store.readers.names()
        names: set[str] | None = set() if many else None
        for source in sources:
            done = []
            going = self.merger.taking(source)
            while part := list(islice(going, AT_ONCE)):
                self.findings += _missing_notebooks(self.store, part)
                if many:
                    yield from self.changes(names)
                    self._put_away()
                    part = [replace(change, before=None, after=None) for change in part]
                done += part
            taken.append(sorted(done, key=attrgetter("line")))
        yield from self.changes(names)

    def changes(self, names: set[str] | None = None) -> Iterator[FileChange]:
        """What becomes of the file of each paper that is held; `names` are those of other files."""
        merger = self.merger
        new = (key for key in merger.now if key in merger.fresh and key not in self.away)
        files = self.away | self.store.new_files(new, merger.known.index, taken=names)
        for key, paper in merger.now.items():
            file = files.get(key) or self.store.file_of(key)
            known = None if inherits(paper.bibtex) else Known(*merger.known.said(key, paper.different))
            if names is not None:
                self.away[key] = file
            yield self.store.paper_change(file, self.read.get(key), paper, known=known)

    def _put_away(self) -> None:
        self.merger.now.clear()
        self.merger.known.forget()


def work_on(
    store: Store, index: Index, sharing: Sharing, sources: Iterable[Source], *, today: dt.date, theirs: bool = False
) -> Work:
    sources = list(sources)
    drafts = {draft.key: draft.bibtex for source in sources for draft in reversed(source.drafts) if draft.key}
    versions: dict[str, Version] = {}
    away: dict[str, str] = {}

    def put_away(key: str) -> Kept | None:
        return store.written.get(away[key]) if key in away else None

    def load(key: str) -> Paper:
        if kept := put_away(key):
            return loads(kept[0].decode("utf-8", "surrogatepass"), key)
        versions[key], paper = store.load_version(store.file_of(key))
        return paper

    def parent(key: str) -> Entry | None:
        text = drafts.get(key) or sharing.entries.get(key, "")
        if not text and (owner := merger.known.keys.get(key)):
            try:
                held = entries((merger.now.get(owner) or load(owner)).bibtex)
            except (BadFile, UnknownKey):
                return None
            text = next((one for one in held if entry_key(one) == key), "")
        try:
            return read(text, sharing.macros) if text else None
        except BadBibtex:
            return None

    shared = Shared(sharing.macros, sharing.commands, used=store.config.used_fields)

    def facts_of(paper: Paper) -> Facts:
        return describe(paper, shared, parent)

    def facts_again(key: str) -> Facts:
        kept = put_away(key)
        return kept[1].facts if kept and kept[1] else facts_of(load(key))

    known = Works(index, facts_again)
    merger = Merger(
        known, load, facts_of, sharing.macros, theirs, today, unread=unread(store, index, known.keys),
        used=shared.used, pattern=store.config.key_pattern,
    )  # fmt: skip
    for key in (*sharing.entries, *merger.unread):
        if key not in known.keys:
            known.keys.put(key, "")
        known.keys.reserve([key])
    merger.reserve(sources)
    return Work(store, merger, versions, away=away)


def _used(merger: Merger) -> Iterator[Finding]:
    """What was taken from the entries of each source beside what is cited, and what it has become."""
    for path, counts in merger.counts.items():
        said = ", ".join(f"{name} of {counts[name]} as {_AS[name]}" for name in _AS if counts[name])
        if said:
            yield Finding("used-fields", f"used {said}", "`used_fields` in kb.toml says which", path, kind="note")


def _missing_notebooks(store: Store, changes: Iterable[Change]) -> list[Finding]:
    found = []
    folder = store.config.papers
    for change in changes:
        for tutorial in change.after.tutorials if change.after else ():
            target = tutorial.notebook.partition("#")[0]
            if target and "://" not in target and not (store.folder / target).exists():
                message = f"the notebook {target} of {change.key} is not there"
                remedy = f"put it at {os.path.normpath(f'{folder}/{target}')}, or change the link"
                found.append(Finding("no-notebook", message, remedy, change.path, change.line, change.key, "note"))
    return found
