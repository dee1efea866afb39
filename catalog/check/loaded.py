"""The catalog as the rules see it: every file read once, every entry read once, and where things stand."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote

from catalog.bibtex import Entry, read, scan
from catalog.bibtex.describe import describe, inherit, title
from catalog.bibtex.shared import NOTHING, Shared
from catalog.bibtex.syntax import GrammarError, Source, read_block, skip
from catalog.check.codes import NOTES
from catalog.conflict import hunks
from catalog.errors import BadBibtex, BadFile, Finding, Kind
from catalog.facts import Facts
from catalog.models import Paper
from catalog.paperfile import bibtex_line, front_matter_line, read_key
from catalog.store import SHARED, Store, Version
from catalog.store.disk import Stamp
from catalog.text import plain

if TYPE_CHECKING:
    from catalog.bibtex.scan import Block
    from refimpl import Card

Place = Literal["there", "missing", "outside"]


@dataclass(frozen=True)
class Written:
    """A BibTeX entry as it stands in a file: `line` is that of its first line, `fault` why it cannot be read.

    `fields` are the entry's own and what it inherits.
    """

    block: Block
    line: int
    entry: Entry | None
    fields: Mapping[str, str]
    fault: BadBibtex | None = None

    @cached_property
    def starts(self) -> Mapping[str, int]:
        """Where each of its fields stands in its text, the first of a name."""
        text = self.block.text
        try:
            return {span.name: span.start for span in reversed(read_block(Source(text), skip(text, 0)).fields)}
        except GrammarError:
            return {}

    def line_of(self, field: str) -> int:
        """The line of the file on which a field stands; that of the entry where it does not."""
        return self.line + self.block.text.count("\n", 0, self.starts.get(field, 0))


@dataclass(frozen=True)
class Sheet:
    """One paper file that can be read. `written` are its entries, the paper's own first."""

    file: str
    path: str
    text: str
    version: Version
    paper: Paper
    written: tuple[Written, ...]
    described: Callable[[], Facts]

    @cached_property
    def facts(self) -> Facts:
        """What is known of the paper; few rules ask."""
        return self.described()

    def finding(self, code: str, message: str, remedy: str, line: int = 1) -> Finding:
        """Something found in this file: wrong, or a note where its code is one of `NOTES`."""
        kind: Kind = "note" if code in NOTES else "error"
        return Finding(code, message, remedy, self.path, line, self.paper.key, kind)

    @property
    def fields(self) -> Mapping[str, str]:
        """What the paper's own entry says; empty where there is none."""
        return self.written[0].fields if self.written else {}

    def front_line(self, field: str, value: str = "") -> int:
        """The line of a front-matter field, or of a value within it."""
        start = front_matter_line(self.text, field)
        exact = re.compile(rf"(?<![^\s'\"\[(,]){re.escape(value)}(?![^\s'\"\]),])")
        for number, line in enumerate(self.text.split("\n")[start - 1 :] if value else (), start):
            if number > 1 and line.startswith("---"):
                break
            if exact.search(line):
                return number
        return start

    @property
    def repeats_title(self) -> bool:
        """Whether the file says the title that the entry says."""
        return bool(self.paper.title) and self.paper.title == plain(title(self.fields))

    @cached_property
    def notes_line(self) -> int:
        """The line on which the notes begin."""
        text = self.text.replace("\r\n", "\n").replace("\r", "\n").rstrip()
        return text[: len(text) - len(self.paper.notes)].count("\n") + 1


@dataclass(frozen=True)
class Loaded:
    """A whole knowledge base in memory. `unread` says what is wrong with files that cannot be read.

    `named` gives the names of its paper files, which are asked for only where a rule is about them; `gone` are paper
    files that are to go.
    """

    root: Path
    folder: str
    named: Callable[[], Collection[str]]
    sheets: tuple[Sheet, ...]
    unread: tuple[Finding, ...]
    shared: tuple[Block, ...]
    macros: Mapping[str, str]
    cards: Sequence[Card]
    today: dt.date
    gone: frozenset[str] = frozenset()

    @cached_property
    def files(self) -> tuple[str, ...]:
        """The names of the paper files, read or not, in order."""
        return tuple(sorted(self.named()))

    @cached_property
    def keys(self) -> Mapping[str, str]:
        """The key of each paper, read or not, under its folded form; former keys and further entries' too."""
        keys = {alias.casefold(): sheet.paper.key for sheet in self.sheets for alias in sheet.facts.aliases}
        return keys | {key.casefold(): key for key in map(_key_or_none, self.files) if key}

    @cached_property
    def entry_keys(self) -> frozenset[str]:
        """The folded key of each entry that others may inherit from, biblatex's `ids` among them."""
        own = {one.block.key.casefold() for sheet in self.sheets for one in sheet.written}
        ids = {
            key.strip().casefold()
            for sheet in self.sheets
            for one in sheet.written
            if one.entry and "ids" in one.entry.fields
            for key in one.entry.fields["ids"].split(",")
        }
        return frozenset(own | ids | {block.key.casefold() for block in self.shared if block.kind == "entry"})

    @cached_property
    def file_set(self) -> frozenset[str]:
        """The names of the paper files."""
        return frozenset(self.files)

    def place(self, path: Path) -> Place:
        """What stands at a path; what leads out of the knowledge base, also by a symbolic link, is not looked at."""
        if not path.is_relative_to(self.root):
            return "outside"
        if path.name in self.gone and path.parent == self.root / self.folder:
            return "missing"
        try:
            inside = path.resolve().is_relative_to(self.root.resolve())
            return "there" if inside and path.exists() else "missing" if inside else "outside"
        except (OSError, ValueError, RuntimeError):
            return "missing"

    def resolve(self, target: str) -> Path:
        """The path that a relative link leads to."""
        plain = re.split(r"[?#]", target, maxsplit=1)[0]
        return Path(os.path.normpath(self.root / self.folder / unquote(plain)))


def read_catalog(store: Store, cards: Sequence[Card] = (), today: dt.date | None = None) -> Loaded:
    """Read everything once. What cannot be read becomes a finding."""
    unread: list[Finding] = []
    sharing, shared = _shared(store, unread)
    loaded, findings = store.load_versions()
    unread += findings
    files = {*loaded, *(file for finding in findings if (file := Path(finding.path).name))}
    sheets = tuple(_sheets(store, loaded, sharing, shared, store.known_facts()))
    return Loaded(
        store.root, store.config.papers, lambda: files, sheets, tuple(unread), shared, sharing.macros, cards,
        today or dt.date.today(),
    )  # fmt: skip


def read_some(
    store: Store, named: Callable[[], Collection[str]], loaded: Mapping[str, tuple[Version, Paper]],
    today: dt.date | None = None, gone: Collection[str] = (),
) -> Loaded:  # fmt: skip
    """Some papers as if the folder held these files: what rules about single papers need to know."""
    sharing, shared = _shared(store, [])
    sheets = tuple(_sheets(store, loaded, sharing, shared))
    return Loaded(
        store.root, store.config.papers, named, sheets, (), shared, sharing.macros, (), today or dt.date.today(),
        frozenset(gone),
    )  # fmt: skip


def _shared(store: Store, unread: list[Finding]) -> tuple[Shared, tuple[Block, ...]]:
    try:
        text = store.shared()
        for hunk in hunks(text):
            remedy = "keep one side, or both one after the other"
            unread.append(Finding("conflict", str(hunk), remedy, SHARED, hunk.first))
        return store.sharing(), tuple(scan(text))
    except BadFile as e:
        unread += e.findings
        return NOTHING, ()


def _sheets(
    store: Store, loaded: Mapping[str, tuple[Version, Paper]], sharing: Shared, shared: tuple[Block, ...],
    known: Mapping[str, tuple[Stamp, Facts]] = MappingProxyType({}),
) -> Iterator[Sheet]:  # fmt: skip
    texts = [(file, store.text_of(file, version), version, paper) for file, (version, paper) in loaded.items()]
    bare = [list(_entries(paper, text, sharing.macros)) for _, text, _, paper in texts]
    parents = {one.entry.key.casefold(): one.entry for written in bare for one in reversed(written) if one.entry}
    for block in shared:
        if block.kind == "entry" and (entry := _read(block.text, sharing.macros)[0]):
            parents[block.key.casefold()] = entry

    def parent(key: str) -> Entry | None:
        return parents.get(key.casefold())

    for (file, text, version, paper), written in zip(texts, bare, strict=True):
        full = tuple(replace(one, fields=inherit(one.entry, parent)) if one.entry else one for one in written)
        stamp, facts = known.get(file, (None, None))
        described = (lambda facts=facts: facts) if stamp == version.stamp else partial(describe, paper, sharing, parent)
        yield Sheet(file, store.shown(file), text, version, paper, full, described)


def _entries(paper: Paper, text: str, macros: Mapping[str, str]) -> Iterator[Written]:
    """The entries of a paper, each with its line in the file."""
    if not paper.bibtex:
        return
    start = _first_line(text)
    for block in scan(paper.bibtex):
        if block.kind in ("entry", "broken"):
            entry, fault = _read(block.text, macros)
            yield Written(block, start + block.line - 1, entry, {}, fault)


def _first_line(text: str) -> int:
    """The line of the file on which the text of its entries begins, blank lines before it passed over."""
    lines = text.replace("\r\n", "\n").split("\n")
    line = bibtex_line(text)
    while line < len(lines) and not lines[line - 1].strip():
        line += 1
    return line


def _read(text: str, macros: Mapping[str, str]) -> tuple[Entry | None, BadBibtex | None]:
    try:
        return read(text, macros), None
    except BadBibtex as e:
        return None, e


def _key_or_none(file: str) -> str:
    try:
        return read_key(file)
    except BadFile:
        return ""
