"""An import from beginning to end: read the sources, merge under the lock, write as a whole, say what happened."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from pydantic import ValidationError

from catalog.bibtex import Entry, read, scan, set_key
from catalog.bibtex.describe import entries
from catalog.bibtex.identifiers import free_key
from catalog.bibtex.work import facts
from catalog.errors import BadBibtex, BadFile, Finding, KbError, TakenKey
from catalog.facts import Facts
from catalog.ingest import decode_bytes, parse
from catalog.ingest.draft import Draft, Source
from catalog.ingest.known import Known
from catalog.ingest.merge import Change, Merger, why
from catalog.ingest.shared import Sharing
from catalog.models import Paper
from catalog.paperfile import dumps, read_key
from catalog.search.index import Index
from catalog.store import Store


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, or would do: a change a paper, and what was found on the way."""

    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]
    dry_run: bool = False

    def count(self, what: str) -> int:
        """How many papers were added, merged or unchanged; how many findings were repaired, kept or rejected."""
        if what in ("added", "merged", "unchanged"):
            return sum(change.action == what for change in self.changes)
        return sum(finding.kind == what for finding in self.findings)

    @property
    def taken(self) -> int:
        """How many papers of the sources are in the catalog now."""
        return sum(change.action != "rejected" for change in self.changes)


def import_sources(
    store: Store, index: Callable[[], Index], sources: Iterable[tuple[str, bytes]], *, theirs: bool = False,
    dry_run: bool = False, today: dt.date | None = None,
) -> Imported:  # fmt: skip
    """Take in (path, bytes) each; `index` is asked for once the lock is held, and then up to date."""
    parsed = [_read(path, data) for path, data in sources]
    with store.lock():
        sharing = Sharing(have := store.shared())
        parsed = [sharing.take(source) for source in parsed]
        merger = _merger(store, index(), sharing, parsed, theirs=theirs, today=today or dt.date.today())
        changes = [change for source in parsed for change in merger.take_all(source)]
        findings = [finding for source in parsed for finding in source.findings] + sharing.findings + merger.findings
        findings += _missing_notebooks(store, changes)
        if not dry_run:
            new = store.new_files(key for key in merger.now if key in merger.fresh)
            writes: dict[str, str | None] = {
                new.get(key) or store.file_of(key): dumps(paper) for key, paper in merger.now.items()
            }
            store.commit(writes, sharing.text if sharing.text != have else None)
    return Imported(tuple(changes), tuple(sorted(findings, key=lambda f: (f.path, f.line))), dry_run)


def add_paper(store: Store, index: Callable[[], Index], draft: Draft) -> tuple[Paper, bool]:
    """Add one paper, or give the one that is the same work; and whether it was added.

    Raises `TakenKey` with a free key where another work has its key.
    """
    if not draft.bibtex.strip() and not draft.title.strip():
        raise KbError("nothing to add: give a BibTeX entry, or --title and --link")
    draft = replace(draft, bibtex=one_entry(draft.bibtex, draft.key))
    with store.lock():
        source = Source((draft,))
        merger = _merger(store, index(), Sharing(store.shared()), [source], today=dt.date.today())
        try:
            paper = merger.paper_of(draft)
        except ValidationError as e:
            raise KbError(why(e)) from None
        there, _ = merger.known.find(merger.facts(paper))
        if there:
            return merger.load(there.key), False
        if paper.key in merger.known.keys:
            raise TakenKey(paper.key, free_key(paper.key, merger.known.reserved))
        store.commit({store.new_files([paper.key])[paper.key]: dumps(paper)})
    return paper, True


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


def _read(path: str, data: bytes) -> Source:
    text, found = decode_bytes(data, path)
    source = parse(text, path)
    return replace(source, findings=found + source.findings)


def _merger(
    store: Store, index: Index, sharing: Sharing, sources: Iterable[Source], *, today: dt.date, theirs: bool = False
) -> Merger:
    sources = list(sources)
    drafts = {draft.key: draft.bibtex for source in sources for draft in reversed(source.drafts) if draft.key}

    def load(key: str) -> Paper:
        return store.load(store.file_of(key))

    def parent(key: str) -> Entry | None:
        text = drafts.get(key) or sharing.entries.get(key, "")
        if not text and (owner := merger.known.keys.get(key)):
            try:
                held = entries((merger.now.get(owner) or load(owner)).bibtex)
            except BadFile:
                return None
            text = next((one for one in held if _is_of(one, key)), "")
        try:
            return read(text, sharing.macros) if text else None
        except BadBibtex:
            return None

    def facts_of(paper: Paper) -> Facts:
        return facts(paper, sharing.macros, parent)

    known = Known(index, lambda key: facts_of(load(key)))
    merger = Merger(known, load, facts_of, sharing.macros, theirs, today)
    for key in (*sharing.entries, *_unreadable(store, known)):
        known.keys.setdefault(key, "")
        known.reserve([key])
    merger.reserve(sources)
    return merger


def _is_of(text: str, key: str) -> bool:
    return re.match(rf"@\s*[\w:+*-]+\s*[{{(]\s*{re.escape(key)}\s*[,}})]", text) is not None


def _unreadable(store: Store, known: Known) -> list[str]:
    """The keys of the files that the index does not know, since they cannot be read."""
    keys = []
    for file in store.stamps():
        try:
            key = read_key(file)
        except BadFile:
            continue
        if key not in known.keys:
            keys.append(key)
    return keys


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
