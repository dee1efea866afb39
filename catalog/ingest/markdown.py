"""Markdown as a tree: cmark-gfm parses it, after the slips that real lists have are mended, line for line.

BibTeX (fenced or not), notes that an export fenced off, formulas and comments are cut out before, so that nothing in
them is taken for structure. Every line keeps its number.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import cmarkgfm
from cmarkgfm.cmark import Options

from catalog.errors import Finding
from catalog.export.embedded import BEGIN, END
from catalog.export.readinglist import FRONT_MATTER
from catalog.ingest.tree import Node, Region, from_html

_WIKI = re.compile(
    r"(?<!\[)\[\[(?:[^\[\]()|\n]+\|)?(?P<name>(?!@)[^\[\]()|\n]*\w{2}[^\[\]()|\n]*)\]\](?![\[(:\]])"
)  # a page's
VERBATIM = "verbatim"  # after ```bibtex: what is fenced is one paper's, whatever it looks like
ITEM = re.compile(
    r"^(?P<indent>[ \t]*)(?P<marker>[-*+•●▪◦‣–]|(?:\(?\d{1,4}[.)]|\\?\[\d{1,4}\\?\])(?=[ \t]+\S))(?:[ \t]+(?=\S)|$)"
)
_TIGHT_ITEM = re.compile(  # but "*[Ada Quist](…), Bo Lund.*" is in italics; a task needs no bullet
    r"^[ \t]*(?:(?:[-+]|\*(?!.*\w[^\s*]*\*))(?=\[[^\]])|(?=\[[ xX✓✔~/-]\][ \t]+\S))"
)
_ATX = re.compile(r"^ {0,3}(#{1,6})(?:[ \t]+(.*))?$")
_TIGHT_ATX = re.compile(r"^(#{2,6})([^\s#].*)$")
_BULLET = re.compile(r"^[ \t]*[-*+][ \t]+(?=#{1,6}[ \t]+\S)")  # "- ### Topic": a heading all the same
_SETEXT = re.compile(r"^ {0,3}(={2,}|-{2,})[ \t]*$")
_RULE = re.compile(r"^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$")
_FENCE = re.compile(r"^(?P<indent>[ \t]*(?:[-*+>][ \t]+)?)(?P<fence>`{3,}|~{3,})[ \t]*(?P<info>[^`]*)$")
_CUT_OUT = re.compile(r"[@<]|```|~~~|\$\$")  # what lines hold that are cut out before parsing
_HTML_BLOCK = re.compile(r"[ \t]*</?(?:table|tr|td|th|tbody|thead|ul|ol|li|dl|p)\b", re.I)
_ENTRY = re.compile(r"@[ \t]*([A-Za-z]+)[ \t]*([{(])")
_TAGS = re.compile(r"<[^<>]*>")
_NOTES = re.compile(r"^<!-- notes(?P<number> \d+)? -->$")
_BIB_INFO = re.compile(r"^(?:bibtex|biblatex|bib)\b", re.I)
_ENTRY_PREFIX = frozenset({"", "bibtex", "bib", "citation", "cite", "bibtex:", "citation:"})
_STRUCTURE = re.compile(
    r"[ \t]*(?:<summary\b[^<>]*>(?P<summary>.*?)</summary>|</?(?:details|summary|div|center|p|span|pre|code)\b[^<>]*>)",
    re.I,
)
_ANGLED = re.compile(  # "<A title>", "<[A title](…)>"
    r"`[^`\n]*`|\]\(\s*<[^<>\n]*>|<(?P<link>\[[^\[\]\n]+\]\([^()\s]*\))>|<(?P<said>(?P<first>[^\W\d_][^\s<>=@`]*)(?:\s[^<>=@`\n]{1,300})?)>"
)
LINE_TAGS = re.compile(r"<(tr|li|dt|h[1-6]|p|table|ul|ol|td|th)\b(?=[\s>])", re.I)
_OPTIONS = Options.CMARK_OPT_SOURCEPOS | Options.CMARK_OPT_UNSAFE


class Markdown(NamedTuple):
    """A parsed list: its tree, its source lines, and what had to be repaired to parse it."""

    root: Node
    lines: Sequence[str]
    findings: list[Finding]


def parse(text: str) -> Markdown:
    """The tree of a Markdown text."""
    source = text.split("\n")
    amended = _Amended(source)
    amended.run()
    extensions = ["table", "autolink", "strikethrough"]
    html = cmarkgfm.markdown_to_html_with_extensions("\n".join(amended.out), _OPTIONS, extensions=extensions)
    return Markdown(from_html(html, amended.regions, "\n"), source, amended.findings)


def width(line: str) -> int:
    """The width of a line's indentation, a tab to the next multiple of four."""
    head = line[: len(line) - len(line.lstrip(" \t"))]
    return len(head.expandtabs(4)) if "\t" in head else len(head)


def heading(line: str) -> tuple[int, str] | None:
    """Level and text of an ATX heading, also of one that lacks the space after its marks."""
    match = _ATX.match(line) or _TIGHT_ATX.match(line)
    return (len(match[1]), match[2] or "") if match else None


def is_bibtex(text: str) -> bool:
    """Whether fenced code is BibTeX by its look."""
    start = text.lstrip()
    return bool(_ENTRY.match(start)) or (start.startswith("%") and bool(_ENTRY.search(start)))


_NO_DIGIT = re.compile(r"\D")
_NUMBER_ALONE = re.compile(r"^(\d{1,9})([.)])(?=[ \t]*$)")  # a text, no item that says nothing
_YEAR_FIRST = re.compile(r"^((?:19|20)\d\d)([.)])(?=\s)")  # in an item a year, no number of a list inside it


def _without_marker(line: str, number: re.Pattern[str]) -> str:
    """A line that begins with a number which is part of its text, so that the parser takes it for no item."""
    found = number.match(line)
    return f"{found[1]}\\{line[found.start(2) :]}" if found else line


class _Amended:
    """The source on its way to the parser: the lines as they will be parsed, and the regions cut out of them."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.out: list[str] = []
        self.regions: dict[str, Region] = {}
        self.findings: list[Finding] = []
        self.stack: list[tuple[int, int]] = []  # open items: their indentation in the source, and that of their content
        self.html = 0
        self.longest: dict[str, list[int]] = {mark: [0] * (len(lines) + 1) for mark in "`~"}
        for number in range(len(lines) - 1, -1, -1):
            bare = lines[number].strip(" \t>") if lines[number].lstrip(" \t>")[:1] in ("`", "~") else ""
            for mark, known in self.longest.items():
                closes = len(bare) >= 3 and not bare.strip(mark)
                known[number] = max(known[number + 1], len(bare) if closes else 0)
        self.last_comment = max((n for n, line in enumerate(lines) if "-->" in line), default=-1)
        self.last_maths = max((n for n, line in enumerate(lines) if "$$" in line), default=-1)
        self.notes_ends = {line: n for n, line in enumerate(lines) if line.startswith("<!-- /notes")}

    def run(self) -> None:
        at = self._front_matter()
        while at < len(self.lines):
            at = self._step(at)

    def _step(self, at: int) -> int:
        line = self.lines[at]
        if not line.strip():
            self.out.append("")
            self.html = 0
            return at + 1
        if _CUT_OUT.search(line):
            for recognise in (self._notes, self._comment, self._fence, self._maths, self._entry):
                if end := recognise(at):
                    return end
        if found := heading(_BULLET.sub("", line)) if "#" in line else None:
            self.stack.clear()
            self.out.append(f"{'#' * found[0]} {found[1]}")
            return at + 1
        if self._structure(at) or self._setext(at):
            return len(self.out)
        if "|" in line and at + 1 < len(self.lines) and _is_delimiter(self.lines[at + 1]):
            return self._table(at)
        if ("<" in line and _HTML_BLOCK.match(line)) or self.html:
            self.html = 1
            self.out.append(LINE_TAGS.sub(rf'<\1 data-line="{at + 1}"', line.strip()))
            return at + 1
        line = _ANGLED.sub(_in_quotes, line) if "<" in line else line
        line = _WIKI.sub(r"\g<name>", line) if "[[" in line else line
        self.out.append(self._placed(line, at))
        return at + 1

    def _cut(self, at: int, end: int, kind: str, raw: str, info: str = "", indent: int | None = None) -> int:
        name = f"kb:{len(self.regions)}"
        self.regions[name] = Region(kind, at + 1, end, raw, info)
        place = self._indent(width(self.lines[at]) if indent is None else indent, at)
        self.out += [" " * place + f"<!--{name}-->", *[""] * (end - at - 1)]
        return end

    def _indent(self, wide: int, at: int) -> int:
        """The indentation that a line, which is no item, has for the parser."""
        blank = at > 0 and not self.lines[at - 1].strip()
        wide = 0 if blank and wide < 2 else wide  # a slip of one blank puts nothing below an item
        while self.stack and wide <= self.stack[-1][0] and (blank or wide < self.stack[-1][0]):
            self.stack.pop()
        return self.stack[-1][1] if self.stack and wide > self.stack[-1][0] else 0

    def _placed(self, line: str, at: int) -> str:
        """The line with the indentation that its place in the lists asks for."""
        item = ITEM.match(line) or _TIGHT_ITEM.match(line)
        wide = width(line)
        before = self.lines[at - 1].strip() if at else ""
        if item and not self.stack and before and not self._may_begin(item[0]):
            item = None
        if not item or _RULE.match(line):
            return " " * self._indent(wide, at) + _without_marker(line.lstrip(" \t"), _NUMBER_ALONE)
        while self.stack and wide <= self.stack[-1][0]:
            self.stack.pop()
        place = self.stack[-1][1] if self.stack else 0
        self.stack.append((wide, place + 2))
        return " " * place + "- " + _without_marker(line[item.end() :], _YEAR_FIRST)

    def _may_begin(self, marker: str) -> bool:
        """Whether a list may begin right after a line of text: with a bullet, with 1, or where a number goes on."""
        number = _NO_DIGIT.sub("", marker)
        return not number or number in ("0", "1") or not self.out[-1] or self.out[-1].startswith(("#", "<!--"))

    def _front_matter(self) -> int:
        if self.lines[0].rstrip() != "---":
            return 0
        for number, line in enumerate(self.lines[1:200], 1):
            if line.rstrip() in ("---", "..."):
                self.out += [""] * (number + 1)
                return number + 1
            if line.strip() and not re.match(r"[\w-]+[ \t]*:|[ \t]+\S|- |#", line):
                break
        return 0

    def _notes(self, at: int) -> int:
        """Notes that an export fenced off, so that nothing in them is read as structure."""
        opened = _NOTES.match(self.lines[at])
        close = f"<!-- /notes{opened['number'] or ''} -->" if opened else ""
        if not opened or self.notes_ends.get(close, -1) <= at:
            return 0
        end = self.lines.index(close, at + 1)
        return self._cut(at, end + 1, "notes", "\n".join(self.lines[at + 1 : end]))

    def _comment(self, at: int) -> int:
        line = self.lines[at].lstrip()
        if not line.startswith("<!--") or at > self.last_comment:
            return 0
        end = at
        while "-->" not in self.lines[end][4 if end == at else 0 :]:
            end += 1
            if end >= len(self.lines):
                return 0
        if end == at and not line.rstrip().endswith("-->"):
            return 0
        kind = "none" if self.lines[at].strip() in (BEGIN, END) else "comment"
        return self._cut(at, end + 1, kind, "\n".join(self.lines[at : end + 1]))

    def _fence(self, at: int) -> int:
        opened = _FENCE.match(self.lines[at])
        if not opened:
            return 0
        mark, size = opened["fence"][0], len(opened["fence"])
        closed = self.longest[mark][at + 1] >= size
        bibtex = bool(_BIB_INFO.match(opened["info"])) and VERBATIM not in opened["info"]
        if not closed and not bibtex:
            self.out.append("")  # an odd fence would swallow the rest of the list
            return at + 1
        end, first_heading, depth = at + 1, 0, 0
        while end < len(self.lines):
            bare = self.lines[end].strip(" \t>")
            if len(bare) >= size and not bare.strip(mark):
                return self._fenced(at, end, opened, end + 1)
            if bibtex and not first_heading and heading(self.lines[end]):
                first_heading = end
                if depth <= 0:
                    break
            depth += self.lines[end].count("{") - self.lines[end].count("}")
            again = _FENCE.match(self.lines[end]) if bare.startswith(mark * size) else None
            if bibtex and again and _BIB_INFO.match(again["info"]):
                break
            end += 1
        end = first_heading or end
        message = "the fence around this BibTeX is not closed; it was taken to end before the next heading or fence"
        self.findings.append(Finding("unclosed-fence", message, line=at + 1, kind="repaired"))
        return self._fenced(at, end, opened, end)

    def _fenced(self, at: int, end: int, opened: re.Match[str], until: int) -> int:
        indent = width(opened["indent"]) if not opened["indent"].strip() else len(opened["indent"])
        raw = "\n".join(_dedent(line, indent) for line in self.lines[at + 1 : end])
        info = opened["info"].strip()
        bibtex = _BIB_INFO.match(info) or is_bibtex(raw)
        kind = "verbatim" if bibtex and VERBATIM in info else "bibtex" if bibtex else "code"
        kind = "front matter" if info == FRONT_MATTER else kind
        return self._cut(at, until, kind, raw, "fence")

    def _maths(self, at: int) -> int:
        """Display maths over several lines; a heading after a blank line shows that its end is missing."""
        line = self.lines[at].strip()
        if not line.startswith("$$") or line.count("$$") % 2 == 0 or at >= self.last_maths:
            return 0
        end = at + 1
        while "$$" not in self.lines[end]:
            if heading(self.lines[end]) and not self.lines[end - 1].strip():
                return 0
            end += 1
        return self._cut(at, end + 1, "maths", "\n".join(self.lines[at : end + 1]))

    def _entry(self, at: int) -> int:
        """A BibTeX entry that stands in the text without a fence, perhaps after HTML tags on its line."""
        first = self.lines[at]
        start = _ENTRY.search(first) if "@" in first else None
        if not start or _TAGS.sub("", first[: start.start()]).strip(" \t-*>").lower() not in _ENTRY_PREFIX:
            return 0
        opening, closing = ("{", "}") if start[2] == "{" else ("(", ")")
        depth, end, cut = 0, at, len(first)
        while end < len(self.lines):
            line = self.lines[end] if end > at else " " * start.start() + first[start.start() :]
            if end > at and (heading(line) or _FENCE.match(line) or _ENTRY.match(line.lstrip())):
                break
            cut, depth = _balance(line, depth, opening, closing)
            end += 1
            if depth <= 0:
                break
        margin = start.start() if not first[: start.start()].strip(" \t>") else 0
        body = [first[start.start() :], *(_dedent(line, margin) for line in self.lines[at + 1 : end])]
        tail = self.lines[end - 1][cut:] if depth <= 0 else ""
        body[-1] = body[-1][: len(body[-1]) - len(tail)] if tail else body[-1]
        wide = width(first) if self.stack else 0
        return self._cut(at, end, "bibtex", "\n".join(body).rstrip(), _TAGS.sub("", tail).strip(), wide)

    def _structure(self, at: int) -> bool:
        """A line of nothing but `<details>`, `<summary>` and the like: its tags open and close sections."""
        line = self.lines[at]
        if "<" not in line:
            return False
        names, end = [], 0
        while found := _STRUCTURE.match(line, end):
            tag = found[0].strip().lower()
            kind = "none" if re.match("</?(?:pre|code)", tag) else "skip"
            kind = "open" if tag.startswith("<details") else "close" if tag.startswith("</details") else kind
            raw = _TAGS.sub("", found["summary"] or "").strip()
            name = f"kb:{len(self.regions)}"
            self.regions[name] = Region("summary" if found["summary"] is not None else kind, at + 1, at + 1, raw)
            names.append(f"<!--{name}-->")
            end = found.end()
        if not names or line[end:].strip() or (re.match(r"[ \t]*<(?:pre|code)", line) and not self._around_entry(at)):
            return False
        self.out.append("".join(names))
        return True

    def _around_entry(self, at: int) -> bool:
        """Whether BibTeX stands right below, so that `<pre>` only wraps it."""
        below = next((line for line in self.lines[at + 1 : at + 4] if line.strip()), "")
        return bool(_ENTRY.match(below.strip()))

    def _setext(self, at: int) -> bool:
        """A heading that is underlined; a rule right below a paragraph or a label is none."""
        mark = _SETEXT.match(self.lines[at + 1]) if at + 1 < len(self.lines) else None
        line = self.lines[at]
        text = line.strip()
        if not mark or width(line) > 3 or ITEM.match(line) or text[0] in "|>" or _is_delimiter(line):
            return False
        label = re.match(r"[*_]*[\w -]{1,30}[*_]*:", text) or text.startswith(("<", "!", "http"))
        one_line = not self.out or not self.out[-1].strip() or self.out[-1].startswith(("#", "<!--"))
        if not one_line or (mark[1][0] == "-" and label):
            self.out += [self._placed(line, at), ""]
            return True
        self.stack.clear()
        self.out += [f"{'#' if mark[1][0] == '=' else '##'} {text}", ""]
        return True

    def _table(self, at: int) -> int:
        """A table whose rows are all as wide as its widest, so that the parser keeps every cell."""
        end = at + 2
        while end < len(self.lines) and "|" in self.lines[end] and not heading(self.lines[end]):
            end += 1
        place = " " * self._indent(width(self.lines[at]), at)
        rows = [self.lines[at], *self.lines[at + 2 : end]]
        wide = [_columns(row) for row in rows]
        most = min(max(wide), 60)
        head = self.lines[at].strip().removesuffix("|") + "|" + " |" * (most - wide[0])
        head = head if head.startswith("|") else f"|{head}"
        self.out += [f"{place}{head}", f"{place}|{'-|' * max(most, wide[0])}"]
        for row in rows[1:]:
            row = row.strip()
            self.out.append(place + (row if row.startswith("|") else f"|{row}"))
        return end


def _in_quotes(angled: re.Match[str]) -> str:
    """Words between angle brackets in quotation marks, unless they are a tag of HTML or an address."""
    from lxml.html.defs import tags

    first, said = angled["first"], angled["said"]
    if angled["link"]:
        return f"“{angled['link']}”"
    if not said or ":" in first[:-1] or (first.lower() in tags and (said.isupper() or said.islower() or first == said)):
        return angled[0]
    return f"“{said.strip()}”"


def _columns(row: str) -> int:
    bare = row.strip().removeprefix("|").removesuffix("|")
    return 1 + bare.count("|") - bare.count("\\|")


def _is_delimiter(line: str) -> bool:
    line = line.strip()
    return "|" in line and not line.strip("|:- \t") and all("-" in cell for cell in line.strip("|").split("|"))


def _dedent(line: str, indent: int) -> str:
    strip = 0
    while strip < min(indent, len(line)) and line[strip] in " \t>":
        strip += 1
    return line[strip:]


def _balance(line: str, depth: int, opening: str, closing: str) -> tuple[int, int]:
    """Where on the line the depth comes back to zero (or its length), and the depth there."""
    for mark in re.finditer(rf"[{re.escape(opening + closing)}]", line):
        depth += 1 if mark[0] == opening else -1
        if depth == 0:
            return mark.end(), 0
    return len(line), depth if depth else 1
