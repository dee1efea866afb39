"""A Markdown text as a flat list of blocks: the one place that knows where a heading or a table may stand.

Nothing inside fenced code, display maths, an HTML comment or a BibTeX entry is ever taken for structure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from catalog.errors import Finding
from catalog.ingest.readinglist.words import fold

BlockKind = Literal[
    "blank", "text", "rule", "heading", "fence", "maths", "comment", "notes", "table", "bibtex", "define"
]

ITEM = re.compile(
    r"^(?P<indent>[ \t]*)(?P<marker>[-*+•]|\(?\d{1,4}[.)]|\[\d{1,4}\]|\\\[\d{1,4}\\\])[ \t]+(?P<text>\S.*)$"
)
_ATX = re.compile(r"^ {0,3}(#{1,6})(?:[ \t]+(.*))?$")
_TIGHT_ATX = re.compile(r"^(#{2,6})([^\s#].*)$")
_SETEXT = re.compile(r"^ {0,3}(={2,}|-{2,})[ \t]*$")
_RULE = re.compile(r"^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$")
_FENCE = re.compile(r"^(?P<indent>[ \t]*(?:[-*+>][ \t]+)?)(?P<fence>`{3,}|~{3,})[ \t]*(?P<info>[^`]*)$")
_ENTRY = re.compile(r"@[ \t]*([A-Za-z]+)[ \t]*([{(])")
_TAGS = re.compile(r"<[^<>]*>")
_DEFINE = re.compile(r"^ {0,3}\[(?!\^)(?P<label>[^\[\]]{1,200})\]:[ \t]*<?(?P<url>[^\s<>]+)>?(?:[ \t]+[\"'(].*)?$")
_NOTES = re.compile(r"^<!-- notes(?P<number> \d+)? -->$")
_BIB_INFO = re.compile(r"^(?:bibtex|biblatex|bib)\b", re.I)
VERBATIM = "verbatim"  # after ```bibtex: what is fenced is one paper's, whatever it looks like
_ENTRY_PREFIX = frozenset({"", "bibtex", "bib", "citation", "cite", "bibtex:", "citation:"})


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of lines that belong together. `lines` is the source; `text` what it holds, without its marks.

    For a heading `text` is its text; for a fence, notes or entry the content. `info` is a fence's info string, or
    what stood around an unfenced entry on its first and last line.
    """

    kind: BlockKind
    line: int
    lines: tuple[str, ...]
    text: str = ""
    level: int = 0
    info: str = ""

    @property
    def is_bibtex(self) -> bool:
        """Whether it holds BibTeX: an entry as it stands, or fenced code that says or shows that it does."""
        if self.kind != "fence":
            return self.kind == "bibtex"
        return bool(_BIB_INFO.match(self.info) or _starts_with_entry(self.text))


@dataclass(frozen=True, slots=True)
class _Lines:
    """The lines, and for each of them what still comes: so that an opening without an end costs nothing."""

    lines: list[str]
    longest_fence: dict[str, list[int]]
    last_comment_end: int
    last_maths: int
    notes_ends: dict[str, int]


def blocks(text: str) -> tuple[list[Block], list[Finding]]:
    """All blocks of a text in order, and what had to be repaired to tell them apart."""
    source = _look_ahead(text.split("\n"))
    found: list[Block] = []
    findings: list[Finding] = []
    at = _front_matter(source.lines, found)
    while at < len(source.lines):
        block = _block_at(source, at, found, findings)
        found.append(block)
        at += len(block.lines)
    return found, findings


def columns(line: str) -> int:
    """The width of a line's indentation, a tab to the next multiple of four."""
    expanded = line.expandtabs(4)
    return len(expanded) - len(expanded.lstrip(" "))


def cells(row: str) -> list[str]:
    """The cells of a table row; `\\|` is a bar, and it and a bar inside a code span do not part cells."""
    row = row.strip()
    parts: list[str] = []
    current: list[str] = []
    code = False
    for piece in re.split(r"(\\.|`|\|)", row):
        code ^= piece == "`" and row.count("`") % 2 == 0
        if piece == "|" and not code:
            parts.append("".join(current).strip())
            current = []
        else:
            current.append("|" if piece == "\\|" else piece)
    parts.append("".join(current).strip())
    if row.startswith("|"):
        parts = parts[1:]
    return parts[:-1] if parts and not parts[-1] and row.endswith("|") else parts


def _look_ahead(lines: list[str]) -> _Lines:
    longest: dict[str, list[int]] = {"`": [0] * (len(lines) + 1), "~": [0] * (len(lines) + 1)}
    for number in range(len(lines) - 1, -1, -1):
        bare = lines[number].strip(" \t>")
        for mark, known in longest.items():
            is_close = len(bare) >= 3 and not bare.strip(mark)
            known[number] = max(known[number + 1], len(bare) if is_close else 0)
    ends = [number for number, line in enumerate(lines) if "-->" in line]
    maths = [number for number, line in enumerate(lines) if "$$" in line]
    notes_ends = {line: number for number, line in enumerate(lines) if line.startswith("<!-- /notes")}
    return _Lines(lines, longest, ends[-1] if ends else -1, maths[-1] if maths else -1, notes_ends)


def _front_matter(lines: list[str], found: list[Block]) -> int:
    """Take the YAML at the head of a page, if there is one, as a comment; how many lines that are."""
    if lines[0].rstrip() != "---":
        return 0
    for number, line in enumerate(lines[1:200], 1):
        if line.rstrip() in ("---", "..."):
            found.append(Block("comment", 1, tuple(lines[: number + 1])))
            return number + 1
        if line.strip() and not re.match(r"[\w-]+[ \t]*:|[ \t]+\S|- |#", line):
            break
    return 0


def _block_at(source: _Lines, at: int, before: Sequence[Block], findings: list[Finding]) -> Block:
    line = source.lines[at]
    if not line.strip():
        return Block("blank", at + 1, (line,))
    if atx := heading(line):
        return Block("heading", at + 1, (line,), atx[1], atx[0])
    for recognise in _RECOGNISERS:
        if block := recognise(source, at):
            return _mended(block, findings)
    if setext := _setext(source.lines, at, before):
        return setext
    if _RULE.match(line):
        return Block("rule", at + 1, (line,))
    if _DEFINE.match(line):
        return Block("define", at + 1, (line,), line.strip())
    return Block("text", at + 1, (line,), line.strip())


def heading(line: str) -> tuple[int, str] | None:
    """Level and text of an ATX heading, also of one that lacks the space after its marks."""
    match = _ATX.match(line) or _TIGHT_ATX.match(line)
    if not match:
        return None
    text = " ".join((match[2] or "").split())
    bare = text.rstrip("#")
    return len(match[1]), bare.rstrip() if not bare or bare[-1] in " \t" else text


def definition(line: str) -> tuple[str, str] | None:
    """Label and address of a link definition, `[label]: address`."""
    match = _DEFINE.match(line)
    return (fold(match["label"]), match["url"]) if match else None


def _setext(lines: list[str], at: int, before: Sequence[Block]) -> Block | None:
    if at + 1 >= len(lines) or (before and before[-1].kind == "text"):
        return None
    mark = _SETEXT.match(lines[at + 1])
    text = lines[at].strip()
    if not mark or columns(lines[at]) > 3 or ITEM.match(lines[at]) or text[0] in "|>":
        return None
    if mark[1][0] == "-" and (re.match(r"[*_]*[\w -]{1,30}[*_]*:", text) or text.startswith(("<", "!", "http"))):
        return None
    return Block("heading", at + 1, (lines[at], lines[at + 1]), text, 1 if mark[1][0] == "=" else 2)


def _notes(source: _Lines, at: int) -> Block | None:
    """Notes that an export fenced off, so that nothing in them is read as structure."""
    opened = _NOTES.match(source.lines[at])
    if not opened:
        return None
    close = f"<!-- /notes{opened['number'] or ''} -->"
    if source.notes_ends.get(close, -1) <= at:
        return None
    end = source.lines.index(close, at + 1)
    return Block("notes", at + 1, tuple(source.lines[at : end + 1]), "\n".join(source.lines[at + 1 : end]))


def _comment(source: _Lines, at: int) -> Block | None:
    line = source.lines[at].lstrip()
    if not line.startswith("<!--") or at > source.last_comment_end:
        return None
    end = at
    while "-->" not in source.lines[end][4 if end == at else 0 :]:
        end += 1
        if end >= len(source.lines):
            return None
    if end == at and not line.rstrip().endswith("-->"):
        return None
    return Block("comment", at + 1, tuple(source.lines[at : end + 1]))


def _fence(source: _Lines, at: int) -> Block | None:
    opened = _FENCE.match(source.lines[at])
    if not opened:
        return None
    mark, size = opened["fence"][0], len(opened["fence"])
    closed = source.longest_fence[mark][at + 1] >= size
    bibtex = bool(_BIB_INFO.match(opened["info"])) and VERBATIM not in opened["info"]
    if not closed and not bibtex:
        return None
    end = at + 1
    first_heading = depth = 0
    while end < len(source.lines):
        bare = source.lines[end].strip(" \t>")
        if len(bare) >= size and not bare.strip(mark):
            return _fenced(source.lines, at, end, opened, end + 1)
        if bibtex and not first_heading and heading(source.lines[end]):
            first_heading = end
            if depth <= 0:
                break
        depth += source.lines[end].count("{") - source.lines[end].count("}")
        again = _FENCE.match(source.lines[end]) if bare.startswith(mark * size) else None
        if bibtex and again and _BIB_INFO.match(again["info"]):
            break
        end += 1
    end = first_heading or end
    return _fenced(source.lines, at, end, opened, end)


def _fenced(lines: list[str], at: int, end: int, opened: re.Match[str], until: int) -> Block:
    indent = columns(opened["indent"]) if not opened["indent"].strip() else len(opened["indent"])
    body = [_dedent(line, indent) for line in lines[at + 1 : end]]
    return Block(
        "fence", at + 1, tuple(lines[at:until]), "\n".join(body), 0 if until > end else 1, opened["info"].strip()
    )


def _mended(block: Block, findings: list[Finding]) -> Block:
    """Report a BibTeX fence that nothing closed (its level is 1)."""
    if block.kind == "fence" and block.level:
        message = "the fence around this BibTeX is not closed; it was taken to end before the next heading or fence"
        findings.append(Finding("unclosed-fence", message, line=block.line, kind="repaired"))
    return block


def _dedent(line: str, indent: int) -> str:
    strip = 0
    while strip < min(indent, len(line)) and line[strip] in " \t>":
        strip += 1
    return line[strip:]


def _maths(source: _Lines, at: int) -> Block | None:
    """Display maths over several lines; a heading after a blank line shows that its end is missing."""
    line = source.lines[at].strip()
    if not line.startswith("$$") or line.count("$$") % 2 == 0 or at >= source.last_maths:
        return None
    end = at + 1
    while "$$" not in source.lines[end]:
        if heading(source.lines[end]) and not source.lines[end - 1].strip():
            return None
        end += 1
    return Block("maths", at + 1, tuple(source.lines[at : end + 1]))


def _table(source: _Lines, at: int) -> Block | None:
    lines = source.lines
    if "|" not in lines[at] or at + 1 >= len(lines) or not _is_delimiter(lines[at + 1]):
        return None
    end = at + 2
    while end < len(lines) and "|" in lines[end] and lines[end].strip() and not heading(lines[end]):
        end += 1
    return Block("table", at + 1, tuple(lines[at:end]))


def _is_delimiter(line: str) -> bool:
    return (
        "|" in line
        and "-" in line
        and not line.strip().strip("|:- \t")
        and all("-" in cell for cell in line.strip().strip("|").split("|"))
    )


def _starts_with_entry(text: str) -> bool:
    start = text.lstrip()
    return bool(_ENTRY.match(start)) or (start.startswith("%") and bool(_ENTRY.search(start)))


def _entry(source: _Lines, at: int) -> Block | None:
    """A BibTeX entry that stands in the text without a fence, perhaps after HTML tags on its line."""
    first = source.lines[at]
    start = _ENTRY.search(first)
    if not start or _TAGS.sub("", first[: start.start()]).strip(" \t-*>").lower() not in _ENTRY_PREFIX:
        return None
    opening, closing = ("{", "}") if start[2] == "{" else ("(", ")")
    depth = 0
    end = at
    cut = len(first)
    while end < len(source.lines):
        line = source.lines[end] if end > at else " " * start.start() + first[start.start() :]
        if end > at and (heading(line) or _FENCE.match(line) or _ENTRY.match(line.lstrip())):
            break
        cut, depth = _balance(line, depth, opening, closing)
        end += 1
        if depth <= 0:
            break
    body = [first[start.start() :], *(_dedent(line, _margin(first, start)) for line in source.lines[at + 1 : end])]
    last = source.lines[end - 1]
    tail = last[cut:] if depth <= 0 else ""
    body[-1] = body[-1][: len(body[-1]) - len(tail)] if tail else body[-1]
    around = f"{first[: start.start()].strip()}\n{tail.strip()}".strip()
    return Block("bibtex", at + 1, tuple(source.lines[at:end]), "\n".join(body).rstrip(), info=around)


def _margin(first: str, start: re.Match[str]) -> int:
    """The width of the indentation or quote marks before an entry, which its other lines have too."""
    return start.start() if not first[: start.start()].strip(" \t>") else 0


def _balance(line: str, depth: int, opening: str, closing: str) -> tuple[int, int]:
    """Where on the line the depth comes back to zero (or its length), and the depth there."""
    for mark in re.finditer(rf"[{re.escape(opening + closing)}]", line):
        depth += 1 if mark[0] == opening else -1
        if depth == 0:
            return mark.end(), 0
    return len(line), depth if depth else 1


_RECOGNISERS: tuple[Callable[[_Lines, int], Block | None], ...] = (_notes, _comment, _fence, _maths, _table, _entry)
