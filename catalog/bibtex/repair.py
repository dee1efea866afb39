"""Damaged BibTeX, mended: commas and braces that are missing or too many, values without delimiters.

A repair is taken only when the result then reads as BibTeX; each is told with its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from catalog.bibtex.notes import FIELD
from catalog.bibtex.syntax import (
    ASSIGNMENT,
    CLOSER,
    HEADER,
    KNOWN_FIELD,
    NAME,
    GrammarError,
    Source,
    read_block,
    read_fields,
    read_key,
    skip,
    value_atoms,
)
from catalog.bibtex.values import Edit, is_value, value_edit

_MOST_EDITS = 60
BOUNDARY = re.compile(rf"(?<![\s,])(?P<gap>\s*+,\s*+|\s++)(?P<name>{NAME})\s*+=\s*+(?=[{{\"“”\w\\-])")
_LONE_CLOSE = re.compile(r"\n[ \t]*+(?=\}[ \t]*(?:\n|$))")
_WORD = re.compile(rf"(?P<name>{NAME})\s*+=")
_STRAY = re.compile(r"\s*+(\}(?:\s*+\})*+|,(?=\s|$))")
_LOOSE = re.compile(r"(?P<name>[A-Za-z][\w+-]*+)(?P<sign>\s*+(?::=|==|=>|[:=~-])\s*+|\s++|(?=[{\"]))(?=[{\"\d])")
_BARE_BEFORE = re.compile(r"[^{}\"&]+;")
_FALSE_COMMA = re.compile(r"[;:.]")
_NEXT_FIELD = re.compile(rf",?\s*+{NAME}\s*+=\s*+[{{\"\d]")
_BRACE_OR_AT = re.compile(r"[{}@]")
_NO_KEY_REMEDY = "a comma was added; write a key before it"
_TYPES = re.compile(
    r"@[ \t]*(article|booklet|book|bookinbook|collection|conference|dataset|electronic|inbook|incollection"
    r"|inproceedings|inreference|manual|mastersthesis|misc|mvbook|online|patent|periodical|phdthesis|proceedings"
    r"|report|software|suppbook|techreport|thesis|unpublished|xdata)",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Mended:
    """A block made readable: `text` instead of the first `stop` characters, by these edits."""

    text: str
    stop: int
    edits: tuple[Edit, ...]

    @property
    def deep(self) -> bool:
        """Whether an edit decided which brace belongs to what."""
        return any(edit.deep for edit in self.edits)


class _GiveUp(Exception):
    pass


@dataclass(slots=True)
class _Work:
    """A damaged block on its way: its text and the edits so far."""

    source: Source
    closer: str
    edits: list[Edit] = field(default_factory=list)

    @property
    def text(self) -> str:
        return self.source.text

    def edit(self, edit: Edit) -> None:
        self.edits.append(edit)
        if len(self.edits) > _MOST_EDITS:
            raise _GiveUp


def mend(text: str) -> Mended | None:
    """The block that a text begins with, made readable; None where that is not safe."""
    header = HEADER.match(text)
    if not header:
        return None
    work = _Work(Source(text), CLOSER[header["open"]])
    try:
        if header["type"].lower() == "string":
            stop = _mend_fields(work, header.end(), "", True)
        else:
            stop = _mend_entry(work, header.end())
        stop = _take_stray(work, stop)
    except _GiveUp:
        return None
    if not work.edits or FIELD.search(text, stop):
        return None
    mended = _applied(text[:stop], work.edits)
    return Mended(mended, stop, tuple(work.edits)) if _reads(mended) else None


def without_open_brace(text: str) -> Mended | None:
    """Mends a block whose `{` between type and key is lost: `@articleknuth84, title = …`."""
    found = _TYPES.match(text)
    if not found or (found[1].lower() == "booklet" and not text[found.end() :].startswith((" ", "\t"))):
        return None
    at = found.end()
    filled = text[:at] + "{" + text[at:]
    try:
        shape = read_block(Source(filled))
        mended = Mended(filled[: shape.end], shape.end, ())
    except GrammarError:
        again = mend(filled)
        if not again:
            return None
        mended = again
    edit = Edit(at, at, "{", "missing-open-brace", f"no '{{' after @{found[1]}", "a '{' was added", True)
    return Mended(mended.text, mended.stop - 1, (edit, *mended.edits))


def _reads(text: str) -> bool:
    """Whether a text is one block and nothing else."""
    header = HEADER.match(text)
    if not header:
        return False
    try:
        if header["type"].lower() == "string":
            return read_fields(Source(text), header.end(), CLOSER[header["open"]], first=True)[1] + 1 == len(text)
        return read_block(Source(text)).end == len(text)
    except GrammarError:
        return False


def _applied(text: str, edits: list[Edit]) -> str:
    parts, at = [], 0
    for edit in sorted(edits, key=lambda edit: edit[:2]):
        parts += [text[at : edit.at], edit.put]
        at = edit.stop
    return "".join([*parts, text[at:]])


def _mend_entry(work: _Work, at: int) -> int:
    try:
        _, stop = read_key(work.text, at, work.closer)
    except GrammarError as fault:
        return _mend_key(work, at, fault)
    return _mend_fields(work, stop, "", False)


def _mend_key(work: _Work, at: int, fault: GrammarError) -> int:
    if fault.code == "unclosed-entry":
        work.edit(_close(work, fault.at))
        return fault.at
    line = work.text[at : fault.at] if fault.code == "missing-comma" else ""
    assigned = _WORD.search(work.text, at, _end_of_line(work.text, at))
    if assigned and (fault.code == "missing-key" or "=" in line):
        return _key_before_name(work, at, assigned)
    if ASSIGNMENT.match(work.text, skip(work.text, fault.at)):
        work.edit(_comma_after_key(at, line))
        return _mend_fields(work, fault.at, "", True)
    raise _GiveUp


def _key_before_name(work: _Work, at: int, assigned: re.Match[str]) -> int:
    """The key and a field's name stand side by side, or even in one word: `@misc{knuth title = …`."""
    start = assigned.start("name")
    if start == at and not KNOWN_FIELD.fullmatch(assigned["name"]):
        start += _known_suffix(assigned["name"])
    key = work.text[at:start].rstrip()
    if key:
        work.edit(_comma_after_key(at, key))
    else:
        work.edit(Edit(at, at, ",", "missing-key", "the entry has no citation key", _NO_KEY_REMEDY))
    return _mend_fields(work, start, "", True)


def _known_suffix(word: str) -> int:
    """Where a field's name begins that ends a word; 0 where none does."""
    return next((i for i in range(max(1, len(word) - 20), len(word)) if KNOWN_FIELD.fullmatch(word, i)), 0)


def _end_of_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _mend_fields(work: _Work, at: int, before: str, comma: bool) -> int:
    """Reads fields up to the end of the block, mending on the way; gives the position after it."""
    text, end = work.text, at
    while True:
        at = skip(text, at)
        if at >= len(text):
            work.edit(_close(work, end))
            return end
        if text[at] == ",":
            if comma:
                work.edit(Edit(at, at + 1, "", "extra-comma", f"an extra comma after '{before}'", "it was removed"))
            at, comma = at + 1, True
        elif text[at] == work.closer:
            return at + 1
        else:
            if not comma and _is_false_comma(work, at):
                work.edit(_comma(at, f"a '{text[at]}' after '{before}'", at + 1))
                at, comma = at + 1, True
                continue
            assigned = _assigned(text, at)
            if not assigned:
                raise _GiveUp
            if not comma:
                work.edit(_comma(end, f"no comma between '{before}' and '{assigned['name']}'"))
            before, comma = assigned["name"], False
            if assigned.re is _LOOSE:
                work.edit(_equals(assigned))
            end = at = _mend_value(work, before, assigned.end())
            if at < 0:
                return -at


def _close(work: _Work, at: int) -> Edit:
    put = "\n" * ("\n" in work.text[:at]) + work.closer
    remedy = f"a '{work.closer}' was added"
    return Edit(at, at, put, "unclosed-entry", f"the entry is not closed by '{work.closer}'", remedy, True)


def _comma(at: int, message: str, stop: int = -1) -> Edit:
    remedy = "a comma was added" if stop < 0 else "a comma was put instead"
    return Edit(at, max(at, stop), ",", "missing-comma", message, remedy)


def _comma_after_key(at: int, key: str) -> Edit:
    end = at + len(key)
    if key[:-1].strip() and key[-1] in ";:":
        return _comma(end - 1, f"a '{key[-1]}' after the citation key '{key[:-1]}'", end)
    return _comma(end, f"no comma after the citation key '{key}'")


def _equals(assigned: re.Match[str]) -> Edit:
    sign = assigned["sign"].strip()
    what = f"'{sign}' stands for '=' after" if sign else "no '=' after"
    at, stop = assigned.span("sign")
    message = f"{what} '{assigned['name']}'"
    return Edit(at, stop, " = ", "missing-equals", message, "'=' was put instead" if sign else "one was added")


def _assigned(text: str, at: int) -> re.Match[str] | None:
    """A field's name with its `=` at a position, or a known name with another sign or none before a value."""
    found = ASSIGNMENT.match(text, at)
    if found and text[found.end() : found.end() + 1] != "=" and not found["name"].endswith(":"):
        return found
    loose = _LOOSE.match(text, at)
    return loose if loose and KNOWN_FIELD.fullmatch(loose["name"]) else found


def _is_false_comma(work: _Work, at: int) -> bool:
    """Whether a `;`, `:` or `.` stands between two fields, or between the last one and the end."""
    if not _FALSE_COMMA.match(work.text, at):
        return False
    after = skip(work.text, at + 1)
    return work.text.startswith((work.closer, ","), after) or bool(_assigned(work.text, after))


def _mend_value(work: _Work, name: str, at: int) -> int:
    """The end of the value at a position; negative where the block ends with it."""
    if _is_missing(work, at):
        work.edit(Edit(at, at, "{}", "missing-value", f"'{name}' has no value", "it was left empty"))
        return at
    try:
        stop = value_atoms(work.source, at)[-1][1]
    except GrammarError:
        stop = -1
    if stop >= 0 and _ends_well(work, at, stop):
        return stop
    boundary = _boundary(work.text, stop if stop >= 0 and skip(work.text, stop) < len(work.text) else at)
    if boundary < 0 and stop >= 0 and _prose_follows(work, stop):
        work.edit(_close(work, stop))
        return -stop
    for end in [boundary] if boundary >= 0 else _last_ends(work.text, max(at, stop)):
        chunk = work.text[at:end].rstrip().removesuffix(",").rstrip()
        if chunk.endswith(";") and (is_value(chunk[:-1].rstrip()) or _BARE_BEFORE.fullmatch(chunk)):
            chunk = chunk[:-1].rstrip()
        edit = value_edit(name, at, chunk)
        if edit:
            if edit.code:
                work.edit(edit)
            return at + len(chunk)
    raise _GiveUp


def _is_missing(work: _Work, at: int) -> bool:
    """Whether a comma, the end or the next field stands where a value should."""
    following = ASSIGNMENT.match(work.text, at)
    return work.text.startswith((",", work.closer), at) or bool(following and KNOWN_FIELD.fullmatch(following["name"]))


def _ends_well(work: _Work, at: int, stop: int) -> bool:
    """Whether what follows a value shows that it ends there."""
    text, following = work.text, skip(work.text, stop)
    if following >= len(text):
        return _boundary(text[:stop], at) < 0
    if text[following] == ",":
        after = skip(text, following + 1)
        return after >= len(text) or text[after] in (work.closer, ",") or bool(_assigned(text, after))
    delimited = following > stop or text[stop - 1] in '"}'
    if delimited and _is_false_comma(work, following):
        return True
    if text[following] == work.closer:
        return not ends_early(text, following + 1)
    return bool(_assigned(text, following)) and delimited


def ends_early(text: str, end: int, limit: int | None = None) -> bool:
    """Whether what stands behind a closed block belongs into it: another `}`, `, name =`, or text and then a `}`."""
    limit = len(text) if limit is None else limit
    after = skip(text, end)
    if after >= limit or text[after] == "@":
        return False
    if text[after] == "," and text[after + 1 : after + 2].strip() == "":
        return True
    if text[after] == "}" or _NEXT_FIELD.match(text, after, limit):
        return True
    brace = _BRACE_OR_AT.search(text, after, limit)
    return brace is not None and brace.group() == "}"


def _boundary(text: str, at: int) -> int:
    """Where the next field begins (the gap before its name): a known name anywhere, or else any name on a new line."""
    first = -1
    for found in BOUNDARY.finditer(text, at):
        if KNOWN_FIELD.fullmatch(found["name"]):
            return found.start()
        if first < 0 and "\n" in found["gap"]:
            first = found.start()
    return first


def _prose_follows(work: _Work, stop: int) -> bool:
    """Whether the text goes on, on a new line, with something that is no part of the entry."""
    following = skip(work.text, stop)
    apart = "\n" in work.text[stop:following] and work.text[following : following + 1] not in (",", work.closer)
    return apart and not _LONE_CLOSE.search(work.text, following)


def _last_ends(text: str, at: int) -> Iterator[int]:
    """Where the last value of an entry may end: before a `}` on its own line, the last `}`, or the end."""
    if lone := _LONE_CLOSE.search(text, at):
        yield lone.start()
    last = text.rfind("}", at)
    if last >= 0:
        yield last
    yield len(text)


def _take_stray(work: _Work, stop: int) -> int:
    """Takes a `}` or a comma that follows the block into it, and removes it."""
    found = _STRAY.match(work.text, stop)
    if not found:
        return stop
    code, what = ("extra-brace", "an extra '}'") if "}" in found[1] else ("stray-comma", "a comma")
    work.edit(Edit(stop, found.end(), "", code, f"{what} after the end of the entry", "it was removed", True))
    return found.end()
