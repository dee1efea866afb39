"""An import from beginning to end: read the sources, merge under the lock, write as a whole, say what happened."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from pydantic import ValidationError

from catalog.bibtex import scan, set_key
from catalog.bibtex.describe import describe, read_first
from catalog.bibtex.identifiers import free_key
from catalog.errors import BadBibtex, Finding, KbError, TakenKey
from catalog.ingest import decode_bytes, parse
from catalog.ingest.draft import Draft, Source
from catalog.ingest.merge import Change, Merger, why
from catalog.ingest.same import Known
from catalog.ingest.shared import macros_of, merge_shared
from catalog.models import Paper, file_name
from catalog.paperfile import dumps
from catalog.record import Record
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
    store: Store, records: Callable[[], list[Record]], sources: Iterable[tuple[str, bytes]], *, theirs: bool = False,
    dry_run: bool = False, today: dt.date | None = None,
) -> Imported:  # fmt: skip
    """Take in (path, bytes) each; `records` gives what is there, asked for once the lock is held."""
    parsed = [_read(path, data) for path, data in sources]
    with store.lock():
        have = store.shared()
        shared, findings = merge_shared(have, [text for source in parsed for text in source.shared], theirs)
        merger = _merger(store, records(), macros_of(shared), theirs=theirs, today=today or dt.date.today())
        changes = [merger.take(draft) for source in parsed for draft in source.drafts]
        findings += [finding for source in parsed for finding in source.findings] + merger.findings
        findings += _missing_notebooks(store, changes)
        if not dry_run:
            writes: dict[str, str | None] = {file_name(key): dumps(paper) for key, paper in merger.now.items()}
            store.commit(writes, shared if shared != have else None)
    return Imported(tuple(changes), tuple(sorted(findings, key=lambda f: (f.path, f.line))), dry_run)


def add_paper(store: Store, records: Callable[[], list[Record]], draft: Draft) -> Paper:
    """Add one paper; raises `TakenKey` with a free key, or `KbError` where the work is there under another key."""
    if not draft.bibtex.strip() and not draft.title.strip():
        raise KbError("nothing to add: give a BibTeX entry, or --title and --link")
    draft = replace(draft, bibtex=one_entry(draft.bibtex, draft.key))
    with store.lock():
        merger = _merger(store, records(), store.macros()[0], today=dt.date.today())
        try:
            paper, fields = merger.paper_of(draft)
        except ValidationError as e:
            raise KbError(why(e)) from None
        if paper.key.casefold() in merger.known.by_key:
            raise TakenKey(paper.key, free_key(paper.key, merger.known.by_key))
        if there := merger.known.find(describe(paper, merger.macros), fields):
            raise KbError(f"this work is there as {there.key}; `kb edit {there.key}` changes it, `kb import` merges")
        store.commit({file_name(paper.key): dumps(paper)})
    return paper


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
    store: Store, records: list[Record], macros: Mapping[str, str], *, theirs: bool = False, today: dt.date
) -> Merger:
    def load(key: str) -> Paper:
        return store.load(file_name(key))

    def fields_of(key: str) -> Mapping[str, str]:
        entry = read_first(merger.now.get(key) or load(key), macros)
        return entry.fields if entry else {}

    known = Known(fields_of)
    known.add(records)
    merger = Merger(known, load, macros, theirs, today)
    return merger


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
