"""BibTeX's grammar: where the type, the key, the field names and the values of one block stand in a text.

Values are found by counting braces as BibTeX does (a backslash escapes nothing). What BibTeX and biber disagree on is
read as either of them would have it: `%` starts a comment between tokens, keys may hold blanks.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property
from typing import NamedTuple

_SPACE = r"[\s\ufeff\u200b]"
_BLANK = rf"(?:{_SPACE}++|%[^\n]*+)*+"
NAME = r"[^\s\ufeff\u200b\"#%'(),={}@\\]++"
_BRACED = r"\{[^{}]*+(?:\{[^{}]*+\}[^{}]*+)*+\}"
_MACRO = r"[^\W\d][\w:.+*-]*+"
_NUMBER = r"\d++(?![\w.:+*-])"

BLANK = re.compile(_BLANK)
HEADER = re.compile(rf"@{_SPACE}*+(?P<type>[^\W\d][\w:+*-]*+){_SPACE}*+(?P<open>[{{(]){_BLANK}")
ASSIGNMENT = re.compile(rf"(?P<name>{NAME}){_BLANK}={_BLANK}")
MARK = re.compile(r"^[ \t\xa0\ufeff]*@(?=[ \t]*[^\W\d])", re.M)
KNOWN_FIELD = re.compile(
    r"""
    abstract|addendum|address|afterword|annotation|annotator|annote|archive|archiveprefix|arxiv|arxivid|author|
    authortype|bdsk-url-1|bibsource|biburl|bookauthor|bookpagination|booksubtitle|booktitle|booktitleaddon|chapter|
    citedate|code|collaborator|comment|commentator|conference|copyright|crossref|date|doi|edition|editor|editora|
    editorb|editortype|eid|entryset|eprint|eprintclass|eprinttype|eventdate|eventtitle|file|foreword|groups|
    howpublished|hyphenation|ids|institution|introduction|isbn|issn|issue|issuesubtitle|issuetitle|journal|
    journalsubtitle|journaltitle|key|keyword|keywords|label|langid|language|lccn|library|location|mainsubtitle|
    maintitle|month|mrnumber|nameaddon|note|number|numpages|options|organization|origdate|origlanguage|origpublisher|
    origtitle|pages|pagetotal|pagination|part|pdf|pmcid|pmid|presort|primaryclass|publisher|pubstate|related|
    reprinttitle|school|series|shortauthor|shorthand|shortjournal|shorttitle|slides|sortkey|sorttitle|subtitle|
    timestamp|title|titleaddon|translator|type|url|urldate|usera|venue|version|volume|volumes|website|xdata|year|
    zblnumber
    """,
    re.I | re.X,
)

_KEY = re.compile(r"[^,{}\n]*+")
_PAREN_KEY = re.compile(r"(?:[^,{}\n)]++|\)(?!\s|,|$))*+", re.M)
_NO_KEY = re.compile(rf"(?:^|.*\s)(?P<name>{NAME})\s*+=\s*+(?:$|\"|“|[\w.-])", re.S)
_BARE = re.compile(rf"{_MACRO}|{_NUMBER}")
_BRACE = re.compile(r"[{}]")
_QUOTE = re.compile(r'["{}]')
_SIMPLE_VALUE = rf'(?P<value>{_BRACED}|"[^"{{}}]*+"|{_MACRO}|{_NUMBER})'
_SIMPLE = {
    closer: re.compile(rf"\s*+,\s*+(?P<name>{NAME})\s*+=\s*+{_SIMPLE_VALUE}(?=\s*+[,{closer}])") for closer in "})"
}
CLOSER = {"{": "}", "(": ")"}
_NEAR = 256
_MOST_GROUPS = 2000
_MOST_SPANNED = 3


class GrammarError(Exception):
    """Where and why a text is not what the grammar says; `code` names the fault."""

    def __init__(self, code: str, message: str, at: int) -> None:
        super().__init__(message)
        self.code, self.message, self.at = code, message, at


class FieldSpan(NamedTuple):
    """Where one `name = value` stands: its name, and its value from `value` to `stop`, made of `atoms`."""

    name: str
    start: int
    value: int
    stop: int
    atoms: tuple[tuple[int, int], ...]


class Shape(NamedTuple):
    """Where the parts of one block stand. `close` is the closing delimiter, `end` the position after it."""

    type: str
    key: str
    start: int
    key_start: int
    key_stop: int
    fields: list[FieldSpan]
    close: int
    end: int


class Source:
    """A text with its braces: finds the partner of any brace in time that adds up to one pass over the text.

    `marks` are the places where a line begins with `@`. A near partner is found by looking; the pairs that are long or
    have a mark between them come from a table made once, so that no number of unclosed braces makes a second pass.
    """

    def __init__(self, text: str, marks: list[int] | None = None) -> None:
        self.text = text
        self.marks = marks or []

    def limit(self, at: int) -> int:
        """The first mark after a position, or the end of the text."""
        index = bisect_right(self.marks, at)
        return self.marks[index] if index < len(self.marks) else len(self.text)

    def closing(self, at: int) -> int:
        """The position after the brace that closes the one at a position; -1 where none does."""
        depth = 0
        near = min(self.limit(at), at + _NEAR)
        for brace in _BRACE.finditer(self.text, at, near):
            depth += 1 if brace.group() == "{" else -1
            if not depth:
                return brace.end()
        return self._far.get(at, -1) if near < len(self.text) else -1

    @cached_property
    def _far(self) -> dict[int, int]:
        """The ends of the brace pairs that are long or have a mark between them."""
        opened: list[int] = []
        ends = {}
        marks = iter([*self.marks, len(self.text)])
        mark, following = -1, next(marks)
        for brace in _BRACE.finditer(self.text):
            while following <= brace.start():
                mark, following = following, next(marks, len(self.text) + 1)
            if brace.group() == "{":
                opened.append(brace.start())
            elif opened and ((start := opened.pop()) < mark or brace.start() - start >= _NEAR - 1):
                ends[start] = brace.end()
        return ends


def skip(text: str, at: int) -> int:
    """The position of the next token: white space and `%` comments skipped."""
    found = BLANK.match(text, at)
    return found.end() if found else at


def value_atoms(source: Source, at: int) -> tuple[tuple[int, int], ...]:
    """The parts of the value that starts at a position, without the `#` between them; raises GrammarError."""
    atoms = []
    while True:
        stop = _atom_stop(source, at)
        atoms.append((at, stop))
        following = skip(source.text, stop)
        if not source.text.startswith("#", following):
            return tuple(atoms)
        at = skip(source.text, following + 1)


def _atom_stop(source: Source, at: int) -> int:
    first = source.text[at : at + 1]
    if first == "{":
        stop = source.closing(at)
        if stop < 0:
            raise GrammarError("unclosed-value", "a '{' is not closed", at)
        return stop
    if first == '"':
        return _quoted_stop(source, at)
    if bare := _BARE.match(source.text, at):
        return bare.end()
    raise GrammarError("bad-value", "a value is missing, or is neither in braces nor in quotes", at)


def _quoted_stop(source: Source, at: int) -> int:
    """The end of a quoted value. It may span a few marks and hold many groups, but not so many that a lost quote
    makes every entry look through all that follow it."""
    here, limit, spanned = at + 1, source.limit(at), 0
    for _ in range(_MOST_GROUPS):
        found = _QUOTE.search(source.text, here, limit)
        if not found and limit < len(source.text) and spanned < _MOST_SPANNED:
            here, limit, spanned = limit, source.limit(limit), spanned + 1
            continue
        if found and found.group() == '"':
            return found.end()
        here = source.closing(found.start()) if found and found.group() == "{" else -1
        if here < 0:
            break
        limit = max(limit, source.limit(here - 1))
    raise GrammarError("unclosed-value", "a '\"' is not closed", at)


def read_block(source: Source, at: int = 0) -> Shape:
    """The entry whose `@` stands at a position; raises GrammarError."""
    header = HEADER.match(source.text, at)
    if not header:
        raise GrammarError("no-entry", "no entry starts here; one looks like @article{key, title = {…}}", at)
    closer = CLOSER[header["open"]]
    key, key_stop = read_key(source.text, header.end(), closer)
    fields, close = read_fields(source, key_stop, closer)
    return Shape(header["type"].lower(), key, at, header.end(), key_stop, fields, close, close + 1)


def read_key(text: str, at: int, closer: str) -> tuple[str, int]:
    """The citation key at a position and where it ends; raises GrammarError where no comma or `closer` follows."""
    found = (_KEY if closer == "}" else _PAREN_KEY).match(text, at)
    key = found.group().rstrip() if found else ""
    stop = at + len(key)
    following = skip(text, stop)
    assigned = _NO_KEY.match(key) if "=" in key else None
    if assigned and (not _plain_bare(key, assigned) or KNOWN_FIELD.fullmatch(assigned["name"])):
        before = key[: assigned.start("name")].rstrip()
        if before:
            raise GrammarError("missing-comma", "no comma after the citation key", at + len(before))
        raise GrammarError("missing-key", "the citation key, or the comma after it, is missing", at)
    if text.startswith((",", closer), following):
        return key, stop
    if following >= len(text):
        raise GrammarError("unclosed-entry", f"the entry is not closed by '{closer}'", stop)
    raise GrammarError("missing-comma", "no comma after the citation key", stop)


def _plain_bare(key: str, assigned: re.Match[str]) -> bool:
    """Whether what follows the `=` in a key is a plain word, as it may be in `doi=10` or in a key with a `=`."""
    return assigned.end() <= len(key) and key[assigned.end() - 1] not in '="“' and not key[assigned.end() - 1].isspace()


def read_fields(source: Source, at: int, closer: str, first: bool = False) -> tuple[list[FieldSpan], int]:
    """The fields from a position on (a comma first, unless `first`), and where `closer` stands; raises GrammarError."""
    text, simple = source.text, _SIMPLE[closer]
    limit = source.limit(at)
    fields: list[FieldSpan] = []
    while True:
        while found := simple.match(text, at, limit):
            at = found.end()
            value = found.start("value")
            fields.append(FieldSpan(found["name"].lower(), found.start("name"), value, at, ((value, at),)))
        here = skip(text, at)
        if text.startswith(",", here):
            here = skip(text, here + 1)
        elif not text.startswith(closer, here) and not first:
            raise _after_value(text, at, here, closer)
        if text.startswith(closer, here):
            return fields, here
        span = _read_field(source, here, at, closer)
        fields.append(span)
        at, first = span.stop, False
        limit = source.limit(at)


def _read_field(source: Source, here: int, before: int, closer: str) -> FieldSpan:
    if here >= len(source.text):
        raise GrammarError("unclosed-entry", f"the entry is not closed by '{closer}'", before)
    assigned = ASSIGNMENT.match(source.text, here)
    if not assigned:
        raise GrammarError("bad-field", "no field name and '=' where one is expected", here)
    atoms = value_atoms(source, assigned.end())
    return FieldSpan(assigned["name"].lower(), here, assigned.end(), atoms[-1][1], atoms)


def _after_value(text: str, at: int, here: int, closer: str) -> GrammarError:
    if here >= len(text):
        return GrammarError("unclosed-entry", f"the entry is not closed by '{closer}'", at)
    if ASSIGNMENT.match(text, here):
        return GrammarError("missing-comma", "no comma between two fields", at)
    return GrammarError("bad-value", "a value goes on after its end", here)
