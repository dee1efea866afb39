"""What is worth saying of blocks that can be taken as they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator

from catalog.bibtex.syntax import NAME, GrammarError, Shape, Source, read_block
from catalog.errors import Finding
from catalog.text import Lines

KEYED = re.compile(rf"(?<![\w.@-])@[ \t]*[^\W\d][\w:+*-]*\s*[{{(]\s*([^\s,{{}}()=\"@]++)(?:\s*,|\s+{NAME}\s*+=)")
FIELD = re.compile(rf"(?:^|[,\s]){NAME}\s*+=\s*+[{{\"]")
_COMMENTED_OUT = re.compile(r"^[ \t]*%[^\n@]*@[ \t]*[^\W\d][\w:+*-]*[ \t]*[{(][ \t]*([^\s,]*)", re.M)
_MOST_MARKS = 50
_TWICE = "BibTeX takes the first, biber the last; here the first counts"
_COMMENT_LINE = re.compile(r"^[ \t]*+%[^\n]*+", re.M)
_ODD_SPACE = re.compile(r"[^\S\t\n\r\f\v ]|[\ufeff\u200b]")
_ENTITY = re.compile(r"&(?:amp|lt|gt|quot|nbsp|#\d{1,6});")


def of_comment(text: str, line: int) -> Iterator[Finding]:
    """Notes on text between blocks: entries that are commented out, and what may be the rest of an entry."""
    lines = Lines(text, 0, line)
    for found in _COMMENTED_OUT.finditer(text):
        message = f"the entry '{found[1]}' is commented out"
        yield Finding("commented-out", message, line=lines.of(found.start()), key=found[1], kind="note")
    plain = _COMMENT_LINE.sub("", text).strip()
    if plain.startswith("}") or FIELD.search(plain):
        shown = plain.split("\n", 1)[0][:60]
        message = f"text between entries looks like a part of one: '{shown}'"
        yield Finding("stray-text", message, "it is kept as a comment; put it where it belongs", line=line, kind="kept")


def of_entry(text: str, shape: Shape, line: int) -> Iterator[Finding]:
    """Notes on an entry that reads cleanly and starts on `line`."""
    lines = Lines(text, shape.start, line)

    def note(code: str, at: int, message: str, remedy: str = "") -> Finding:
        return Finding(code, message, remedy, line=lines.of(at), key=shape.key, kind="note")

    raw = text[shape.start : shape.end]
    if not shape.key:
        yield note("missing-key", shape.start, "the entry has no citation key", "write one after the '{'")
    yield from (
        note("duplicate-field", at, f"'{name}' stands twice: {_TWICE}", "remove one of them")
        for name, at in _again(shape)
    )
    if "&" in raw and (entity := _ENTITY.search(raw)):
        message = f"'{entity.group()}' is HTML, not BibTeX"
        yield note("html-entity", shape.start + entity.start(), message, r"write \& for an ampersand")
    if "%" in raw and (at := next((a for a, b in _gaps(shape) if "%" in text[a:b]), -1)) >= 0:
        message = "a comment stands between the fields; biber skips it, BibTeX does not"
        yield note("comment-inside", at, message, "move it out of the entry")
    if raw.count("@") > 1:
        for inner in KEYED.finditer(raw, 1):
            at = shape.start + inner.start()
            yield note("entry-in-value", at, f"a value holds what looks like the entry '{inner[1]}'")


def with_plain_space(text: str, shape: Shape) -> str:
    """The entry with plain spaces for the odd white space between its fields, which BibTeX takes for letters."""
    parts, at = [], shape.start
    for start, stop in _gaps(shape):
        parts += [text[at:start], _ODD_SPACE.sub(_plain, text[start:stop])]
        at = stop
    return "".join([*parts, text[at : shape.end]])


def _plain(space: re.Match[str]) -> str:
    return "" if space.group() in "\ufeff\u200b" else " "


def swallows(source: Source, shape: Shape, field_begins: re.Pattern[str]) -> bool:
    """Whether a value that spans the beginning of other entries does so because its own end is lost."""
    for span in shape.fields:
        mark = source.limit(span.value)
        if mark < span.stop:
            before = source.text[span.value : mark]
            if before.rstrip().endswith("}") or field_begins.search(before) or _cuts_entries(source, mark, span.stop):
                return True
    return False


def _cuts_entries(source: Source, mark: int, stop: int) -> bool:
    """Whether what a value quotes from a mark on is more than an entry or two, or holds only a part of one."""
    most = 2 if source.text.endswith("\n\n", 0, mark) else 3
    seen = 0
    for _ in range(_MOST_MARKS):
        if mark >= stop or seen == most:
            break
        if KEYED.match(source.text, mark):
            seen += 1
            try:
                if read_block(source, mark).end >= stop:
                    return True
            except GrammarError:
                return True
        mark = source.limit(mark)
    return seen == most


def _again(shape: Shape) -> Iterator[tuple[str, int]]:
    seen = set()
    for span in shape.fields:
        if span.name in seen:
            yield span.name, span.start
        seen.add(span.name)


def _gaps(shape: Shape) -> Iterator[tuple[int, int]]:
    """Where an entry has no key and no field."""
    yield shape.start, shape.key_start
    at = shape.key_stop
    for span in shape.fields:
        yield at, span.start
        yield span.start + len(span.name), span.value
        at = span.stop
    yield at, shape.end
