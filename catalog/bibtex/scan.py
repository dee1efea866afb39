"""A BibTeX file in blocks: entries, macros, preambles, the text between. Nothing is lost; damage is mended or told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

from catalog.bibtex import notes
from catalog.bibtex.repair import BOUNDARY, Mended, ends_early, mend, without_open_brace
from catalog.bibtex.syntax import (
    ASSIGNMENT,
    CLOSER,
    HEADER,
    MARK,
    NAME,
    GrammarError,
    Shape,
    Source,
    read_block,
    read_fields,
    skip,
    value_atoms,
)
from catalog.errors import Finding, Kind
from catalog.text import Lines

BlockKind = Literal["entry", "string", "preamble", "comment", "broken"]

_BLANK = " \t\n\r\f\v\ufeff\u200b\xa0\u2028\u2029\u3000"
_EVENT = re.compile(r"^[ \t]*+%[^\n]*+|@", re.M)
_COMMENT_LINE = re.compile(r"[ \t]*+%[^\n]*+")
_COMMENT = re.compile(r"@[ \t]*comment(?![\w:+*-])(?:\s*+(?P<open>\{))?", re.I)
_LOST = re.compile(
    rf"@[ \t]*+[^\W\d][^\s,{{}}=()\"@]*+(?:[ \t]++[^\s,{{}}=()\"@]++)?[ \t]*+"
    rf"(?P<then>\s*+,\s*+{NAME}\s*+=|\}}|=\s*+[{{\"])"
)
_START = re.compile(r"(?<![\w.@-])@\s*[^\W\d][\w:+*-]*\s*[{(]")
_GUESS = re.compile(r"@\s*[^\W\d][\w:+*-]*\s*[{(]\s*([^\s,{}=\"]*)")
_PAREN_BODY = re.compile(r"[^\s,()]+\s*[,)]")
_TRIES = 3
_LONG = 100_000


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a BibTeX text: `raw` as it stood there, `text` the same or, where that was needed, repaired.

    A "broken" block starts as an entry or a macro and cannot be read; its text is its raw. `key` is the citation key
    or the macro's name, "" where there is none. `findings` have kind "repaired", "kept", "rejected" or "note" and
    count lines in the scanned text.
    """

    kind: BlockKind
    raw: str
    text: str
    line: int
    key: str = ""
    findings: tuple[Finding, ...] = ()


def scan(text: str) -> list[Block]:
    """The blocks of a BibTeX text in its order; their `raw` and the white space between them are the whole text."""
    return list(blocks(text))


def blocks(text: str) -> Iterator[Block]:
    """As `scan`, one after the other."""
    scanner = _Scanner(_marked(text))
    at = 0
    while at < len(text):
        start = scanner.next_start(at)
        scanner.between(at, start)
        at = scanner.take(start) if start < len(text) else start
        yield from scanner.blocks
        scanner.blocks.clear()


@dataclass(slots=True)
class _Scanner:
    """The blocks so far, and which line the latest one starts on."""

    source: Source
    blocks: list[Block] = field(default_factory=list)
    start: int = 0
    line: int = 1
    lines: Lines = field(init=False)
    spent: int = 0

    @property
    def text(self) -> str:
        return self.source.text

    def next_start(self, at: int) -> int:
        """Where the next block begins that is not text between blocks, or the end."""
        comment = _COMMENT_LINE.match(self.text, at)
        for found in _EVENT.finditer(self.text, comment.end() if comment else at):
            if found.group() == "@" and _starts(self.text, found.start(), at):
                return found.start()
        return len(self.text)

    def between(self, at: int, stop: int) -> None:
        """Takes the text between two blocks as a comment."""
        inner = self.text[at:stop].strip(_BLANK)
        if inner:
            self.begin(self.text.index(inner, at))
            self.blocks.append(Block("comment", inner, inner, self.line, "", tuple(notes.of_comment(inner, self.line))))

    def begin(self, start: int) -> None:
        """The next block starts here."""
        self.line += self.text.count("\n", self.start, start)
        self.start = start
        self.lines = Lines(self.text, start, self.line)

    def finding(self, code: str, kind: Kind, at: int, key: str, message: str, remedy: str = "") -> Finding:
        """A finding at a position of the block that has begun."""
        return Finding(code, message, remedy, line=self.lines.of(at), key=key, kind=kind)

    def add(self, kind: BlockKind, stop: int, key: str = "", found: tuple[Finding, ...] = (), text: str = "") -> int:
        """Adds the block that has begun, as it stands or with another `text`; gives where it ends."""
        raw = self.text[self.start : stop]
        self.blocks.append(Block(kind, raw, text or raw, self.line, key, found))
        return stop

    def take(self, start: int) -> int:
        """Takes the block that starts at a position; gives the position after it."""
        self.begin(start)
        if comment := _COMMENT.match(self.text, start):
            return self.take_comment(comment)
        header = HEADER.match(self.text, start)
        if not header:
            fault = GrammarError("missing-open-brace", "no '{' after the type", start)
            return self.take_damaged("entry", fault)
        kind = header["type"].lower()
        if kind == "preamble":
            return self.take_preamble(header)
        return self.take_string(header) if kind == "string" else self.take_entry()

    def take_comment(self, found: re.Match[str]) -> int:
        """`@comment{…}`, or `@comment` up to the end of its line."""
        stop = self.source.closing(found.end() - 1) if found["open"] else -1
        if stop < 0 or ends_early(self.text, stop, self.source.limit(stop)):
            end = self.text.find("\n", self.start)
            return self.add("comment", len(self.text) if end < 0 else end)
        hidden = tuple(
            self.finding("hidden-entry", "note", key.start(), key[1], f"a comment holds the entry '{key[1]}'")
            for key in notes.KEYED.finditer(self.text, found.end(), stop)
        )
        return self.add("comment", stop, "", hidden)

    def take_preamble(self, header: re.Match[str]) -> int:
        """`@preamble{…}`."""
        fault = GrammarError("unclosed-entry", "@preamble is not closed", self.start)
        mark = self.source.limit(self.start)
        braced = header["open"] == "{"
        stop = self.source.closing(header.start("open")) if braced else self.close_of_value(header.end())
        if stop < 0 or (stop > mark and HEADER.match(self.text, mark)):
            return self.take_broken(fault)
        return self.add("preamble", stop)

    def close_of_value(self, at: int) -> int:
        """The position after the `)` that follows a value; -1 where none does."""
        try:
            stop = skip(self.text, value_atoms(self.source, at)[-1][1])
        except GrammarError:
            return -1
        return stop + 1 if self.text.startswith(")", stop) else -1

    def take_string(self, header: re.Match[str]) -> int:
        """`@string{name = value}`."""
        try:
            spans, close = read_fields(self.source, header.end(), CLOSER[header["open"]], first=True)
        except GrammarError as fault:
            return self.take_damaged("string", fault)
        if ends_early(self.text, close + 1, self.source.limit(close)) and (mended := self.mended(None)):
            return self.add_mended("string", mended)
        return self.add("string", close + 1, spans[0].name if spans else "")

    def take_entry(self) -> int:
        """An entry: as it stands where it reads cleanly, mended where that helps."""
        try:
            shape = read_block(self.source, self.start)
        except GrammarError as fault:
            return self.take_damaged("entry", fault)
        spans = shape.end > self.source.limit(self.start)
        swallows = spans and notes.swallows(self.source, shape, BOUNDARY)
        if swallows:
            return self.take_damaged("entry", GrammarError("unclosed-value", "a value is not closed", self.start))
        if ends_early(self.text, shape.end, self.source.limit(shape.end - 1)) and (mended := self.mended(None)):
            return self.add_mended("entry", mended)
        return self.add_clean(shape)

    def add_clean(self, shape: Shape) -> int:
        """An entry that reads cleanly, with what is worth a note."""
        raw = self.text[self.start : shape.end]
        plain = raw if raw.isascii() else notes.with_plain_space(self.text, shape)
        found = tuple(notes.of_entry(self.text, shape, self.line))
        if plain != raw:
            message = "odd white space between the fields, such as a non-breaking space"
            odd = self.finding("odd-space", "repaired", self.start, shape.key, message, "plain spaces were put instead")
            found = (odd, *found)
        return self.add("entry", shape.end, shape.key, found, "" if plain is raw else plain)

    def take_damaged(self, kind: BlockKind, fault: GrammarError) -> int:
        """A damaged block, mended if it can be, else broken."""
        mended = self.mended(fault)
        return self.add_mended(kind, mended) if mended else self.take_broken(fault)

    def add_mended(self, kind: BlockKind, mended: Mended) -> int:
        """A mended block, each edit told."""
        shape = read_block(Source(mended.text)) if kind == "entry" else None
        key = shape.key if shape else _macro(mended.text)
        told = [
            self.finding(edit.code, "repaired", self.start + edit.at, key, edit.message, edit.remedy)
            for edit in sorted(mended.edits, key=lambda edit: edit.at)
        ]
        if shape:
            codes = {finding.code for finding in told}
            told += [note for note in notes.of_entry(mended.text, shape, self.line) if note.code not in codes]
        return self.add(kind, self.start + mended.stop, key, tuple(told), mended.text)

    def take_broken(self, fault: GrammarError) -> int:
        """A block that cannot be read, up to where the next one begins."""
        strong = self.source.limit(self.start)
        weak = self.weak_mark(strong)
        raw = self.text[self.start : weak if weak >= 0 else strong].rstrip(_BLANK)
        guess = _GUESS.match(raw)
        key = guess[1] if guess else ""
        inside = ", ".join(f"'{found[1]}'" for found in islice(notes.KEYED.finditer(raw, 1), 10))
        name = f"the entry '{key}'" if key else raw.split("\n", 1)[0][:60]
        message = f"{name} cannot be read: {fault.message}" + (f"; it also holds {inside}" if inside else "")
        stop = self.start + len(raw)
        at = min(max(fault.at, self.start), stop)
        remedy = "it is kept as it stands; mend it by hand"
        return self.add("broken", stop, key, (self.finding(fault.code, "rejected", at, key, message, remedy),))

    def mended(self, fault: GrammarError | None) -> Mended | None:
        """The block mended, within the region that it may fill."""
        strong = self.source.limit(self.start)
        quoting = self.mended_quoting(fault) if fault and fault.at > strong else None
        if quoting:
            return quoting
        weak = self.weak_mark(strong)
        whole = self.mended_up_to(strong) if weak < 0 or strong - self.start < _LONG else None
        if weak < 0 or (whole and not whole.deep):
            return whole
        return self.mended_up_to(weak) or whole

    def mended_up_to(self, stop: int) -> Mended | None:
        self.spent += stop - self.start
        if self.spent > 20 * len(self.text) + _LONG:
            return None
        region = self.text[self.start : stop]
        return mend(region) if HEADER.match(region) else without_open_brace(region)

    def mended_quoting(self, fault: GrammarError) -> Mended | None:
        """The block mended where one of its values quotes another entry, and the damage lies behind that."""
        end = self.source.limit(self.start)
        for _ in range(_TRIES):
            end = self.source.limit(end)
            if fault.at < end:
                mended = self.mended_up_to(end)
                return None if mended is None or mended.deep or _swallows(mended.text) else mended
        return None

    def weak_mark(self, stop: int) -> int:
        """Where an entry begins within a line that reads on its own; -1 where none does."""
        for tries, found in enumerate(_START.finditer(self.text, self.start + 1, stop)):
            if tries == _TRIES:
                break
            try:
                if read_block(self.source, found.start()).end <= stop:
                    return found.start()
            except GrammarError:
                continue
        return -1


def _starts(text: str, at: int, block_end: int) -> bool:
    """Whether an `@` between blocks starts a block, and is no e-mail address or handle."""
    before = text[at - 1 : at] if at > block_end else ""
    if before.isalnum() or before in (".", "_", "-", "@"):
        return False
    header = HEADER.match(text, at)
    if (header and header["open"] == "{") or _COMMENT.match(text, at):
        return True
    first = not text[max(block_end, at - 200) : at].rpartition("\n")[2].strip(_BLANK)
    if header:
        return first and bool(header["type"].lower() in ("string", "preamble") or _PAREN_BODY.match(text, header.end()))
    lost = _LOST.match(text, at)
    return bool(lost and (first or lost["then"].lstrip().startswith(",")))


def _marked(text: str) -> Source:
    return Source(text, [found.end() - 1 for found in MARK.finditer(text)])


def _swallows(text: str) -> bool:
    source = _marked(text)
    return notes.swallows(source, read_block(source), BOUNDARY)


def _macro(text: str) -> str:
    header = HEADER.match(text)
    found = ASSIGNMENT.match(text, header.end()) if header else None
    return found["name"].lower() if found else ""
