"""A paper file as the rules see it: read once, with each of its entries and where things stand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from catalog.bibtex import Entry, read, scan
from catalog.bibtex.describe import Parent, inherit, title
from catalog.bibtex.entry import MONTHS
from catalog.bibtex.scan import Block
from catalog.bibtex.syntax import GrammarError, Source, read_block, skip
from catalog.check.codes import NOTES
from catalog.errors import BadBibtex, BadFile, Finding, Kind, UnknownKey
from catalog.models import Paper
from catalog.paperfile import bibtex_line, front_matter_line
from catalog.store import Store, Version
from catalog.text import plain


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


def sheet_of(
    store: Store, file: str, version: Version, paper: Paper, macros: Mapping[str, str] = MONTHS,
    parent: Parent = lambda _: None,
) -> Sheet:  # fmt: skip
    """What was read of a file, as the rules see it; its entries inherit from what `parent` gives."""
    text = store.text_of(file, version)
    return Sheet(file, store.shown(file), text, version, paper, tuple(_entries(paper, text, macros, parent)))


def sheets(store: Store, files: Iterable[str]) -> Iterator[Sheet]:
    """Some papers, each by itself; those that cannot be read are left out."""
    mine = store.readers.mine()
    for file in files:
        try:
            version, paper = store.load_as(file, mine)
        except (BadFile, UnknownKey):
            continue
        yield sheet_of(store, file, version, paper)


def _entries(paper: Paper, text: str, macros: Mapping[str, str], parent: Parent) -> Iterator[Written]:
    """The entries of a paper, each with its line in the file."""
    if not paper.bibtex:
        return
    start = _first_line(text)
    for block in scan(paper.bibtex):
        if block.kind in ("entry", "broken"):
            line = start + block.line - 1
            try:
                entry = read(block.text, macros)
                yield Written(block, line, entry, inherit(entry, parent))
            except BadBibtex as e:
                yield Written(block, line, None, {}, e)


def _first_line(text: str) -> int:
    """The line of the file on which the text of its entries begins, blank lines before it passed over."""
    lines = text.replace("\r\n", "\n").split("\n")
    line = bibtex_line(text)
    while line < len(lines) and not lines[line - 1].strip():
        line += 1
    return line
