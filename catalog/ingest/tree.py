"""A list as a tree: sections, items, rows, paragraphs, each with its lines in the source. Knows no words.

Everything comes as HTML: Markdown from cmark, other formats from pandoc, bookmarks as they are.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from lxml import etree

from catalog.export.embedded import BEGIN, END

NodeKind = Literal["section", "item", "para", "table", "row", "code", "quote", "rule", "region"]
_MARKS = {"strong": "strong", "b": "strong", "em": "em", "i": "em", "code": "code", "tt": "code", "del": "del",
          "s": "del", "strike": "del", "a": "link", "sub": "sub", "sup": "sup", "kbd": "code"}  # fmt: skip
_BLOCKS_NAMES = (
    "h1 h2 h3 h4 h5 h6 p li dt dd table tr td th pre blockquote div details summary ul ol dl section hr "
    "center body html thead tbody tfoot article main header footer figure"
)
_BLOCKS = frozenset(_BLOCKS_NAMES.split(" "))
_NESTED = frozenset({"li", "dt", "dd", "blockquote", "details"})
_CONTAINERS = _NESTED | {"table", "tr", "td", "th"}
_BIBTEX = re.compile(r"\s*@[A-Za-z]+\s*[{(]")
_LINE_END = re.compile(r" ?\n ?")
_SPACE = re.compile(r"[ \t\r\f\v]+")
_ANCHOR = re.compile(r"<a\b(?![^<>]*\bhref\b)[^<>]*>(?:\s*</a>)?", re.I)  # a place to jump to, often never closed


class Mark(NamedTuple):
    """A stretch of a text that is marked: strong, em, code, del, link or image (`title` is its alt text)."""

    kind: str
    start: int
    end: int
    url: str = ""
    title: str = ""


class Text(NamedTuple):
    """Inline text and its marks; a line break is a newline in `plain`."""

    plain: str = ""
    marks: tuple[Mark, ...] = ()

    def of(self, *kinds: str) -> list[Mark]:
        """The marks of these kinds, in order."""
        return [mark for mark in self.marks if mark.kind in kinds]

    def cut(self, start: int, end: int) -> Text:
        """The part from start to end, without blanks around it."""
        piece = self.plain[start:end]
        if not self.marks:
            return Text(piece.strip())
        first, last = start, end
        start += len(piece) - len(piece.lstrip())
        end = start + len(piece.strip())
        marks = tuple(
            m._replace(start=min(max(m.start, start), end) - start, end=min(max(m.end, start), end) - start)
            for m in self.marks
            if (m.start < end and m.end > start if m.end > m.start else first <= m.start <= last)
        )
        return Text(self.plain[start:end], marks)

    def lines(self) -> list[Text]:
        """Its lines, the empty ones left out unless a picture stands there."""
        if "\n" not in self.plain:
            return [self] if self.plain.strip() or self.marks else []
        lines, starts, at = self.plain.split("\n"), [], 0
        for line in lines:
            starts.append(at)
            at += len(line) + 1
        marks: list[list[Mark]] = [[] for _ in lines]
        for mark in self.marks:
            for n in range(max(bisect_right(starts, mark.start) - 1, 0), bisect_right(starts, mark.end)):
                marks[n].append(mark)
        out = []
        for line, start, here in zip(lines, starts, marks, strict=True):
            one = Text(self.plain, tuple(here)).cut(start, start + len(line))
            if one.plain or one.marks:
                out.append(one)
        return out


@dataclass(slots=True)
class Node:
    """A block. `line` and `end` are its first and last line; a section's children are what stands under its heading.

    A row's children are its cells, as paragraphs. `raw` is the content of code, or of a region cut out beforehand,
    whose sort `info` then names.
    """

    kind: NodeKind
    line: int = 0
    end: int = 0
    text: Text = Text()  # noqa: RUF009  # it cannot change
    children: list[Node] = field(default_factory=list)
    level: int = 0
    info: str = ""
    raw: str = ""

    def walk(self, cells: bool = True) -> Iterator[Node]:
        """The node and all below it, in order, with the cells of rows or without."""
        todo = [self]
        while todo:
            node = todo.pop()
            yield node
            if node.children and (cells or node.kind != "row"):
                todo += reversed(node.children)


class Region(NamedTuple):
    """Lines that were cut out before parsing: BibTeX, fenced notes, formulas, comments."""

    kind: str
    line: int
    end: int
    raw: str
    info: str = ""


@dataclass(slots=True)
class _Open:
    """A container under construction, with the sections open inside it; `depth` of its element, 0 where it has none."""

    node: Node
    sections: list[Node] = field(default_factory=list)
    depth: int = 0

    def top(self) -> Node:
        return self.sections[-1] if self.sections else self.node


class _Builder:
    """Turns parsed HTML into nodes, one pass, without recursion: lists may be nested a thousand deep."""

    def __init__(self, regions: Mapping[str, Region], soft: str) -> None:
        self.regions, self.soft = regions, soft
        self.open = [_Open(Node("section"))]
        self.parts: list[str] = []
        self.length = 0
        self.marks: list[Mark] = []
        self.pending: list[tuple[str, int, str, str]] = []
        self.line = 1
        self.began = 0
        self.spans: list[tuple[int, int]] = []
        self.pre = 0
        self.exact = False

    def say(self, text: str | None) -> None:
        """Add text to the block under way."""
        if not text or (not self.length and not self.pre and text.isspace()):
            return
        if not self.pre:
            text = text.expandtabs(1) if self.exact else _SPACE.sub(" ", text)
            if "\n" in text:
                inside = any(kind != "code" for kind, *_ in self.pending)
                text = _LINE_END.sub(" " if inside or not (self.exact and self.soft) else self.soft, text)
            if self.length == 0 or self.parts[-1].endswith("\n"):
                text = text.lstrip(" ") if self.length else text.lstrip(" \n")
        if text:
            self.parts.append(text)
            self.length += len(text)

    def flush(self, target: Node | None = None) -> None:
        """The block under way is complete: it becomes the text of `target`, or a paragraph."""
        if (self.parts or self.marks) and any(text := self._text()):
            self.pending = [(kind, 0, url, title) for kind, _, url, title in self.pending] if self.pending else []
            line, end = (max(at, self.line) for at in (self.spans[-1] if self.spans else (0, 0)))
            owner = target or self.open[-1].node
            if target is None and owner.kind == "item" and not owner.children and not owner.text.plain:
                target = owner
            if target is not None:
                target.text = text
            else:
                self.open[-1].top().children.append(Node("para", line, end, text))

    def _text(self) -> Text:
        plain, marks = "".join(self.parts), tuple(sorted(self.marks, key=lambda m: (m.start, -m.end)))
        self.parts, self.length, self.marks = [], 0, []
        return Text(plain, marks).cut(0, len(plain))

    def start(self, element: Any, tag: str) -> None:
        if tag == "code" and element.get("role"):  # interpreted text: the role is a label
            self.pending.append(("role", self.length, "", ""))
            self.say(f"{element.get('role')}: ")
        elif tag in _MARKS:
            url = (element.get("href") or "") if tag == "a" else ""
            self.pending.append((_MARKS[tag], self.length, url, element.get("title") or ""))
        elif tag == "br":
            self.parts.append("\n")
            self.length += 1
        elif tag == "img":
            alt = element.get("alt") or ""
            self.marks.append(Mark("image", self.length, self.length, element.get("src") or "", alt))
        elif tag == "input" and element.get("type") == "checkbox":
            self.say("[x] " if element.get("checked") is not None else "[ ] ")
        elif tag in _BLOCKS:
            self._block(element, tag)
        if tag not in ("script", "style", "title"):
            self.say(element.text)

    def _block(self, element: Any, tag: str) -> None:
        self.flush()
        if tag in ("td", "th") and self.spans:  # where its row stands
            self.spans.append(self.spans[-1])
            self._open("para", tag)
            return
        position = element.get("data-sourcepos")
        if position:
            first, _, last = position.partition("-")
            after = element.getnext() if first == "0:0" else None  # the table, no blank before it
            if after is not None:
                first = (after.get("data-sourcepos") or first).partition("-")[0]
                last = f"{int(first.partition(':')[0]) + ''.join(element.itertext()).count(chr(10))}:0"
            self.line = int(first.partition(":")[0])
            span = (self.line, int(last.partition(":")[0]))
        else:
            self.line = int(element.get("data-line") or self.line)
            span = (self.line, self.line)
        self.exact = bool(position)
        self.spans.append(span)
        inside = self.open[-1]
        before = inside.top().children[-1:] if tag == "dd" else []
        if before and before[0].info == "dt":  # what is said of a term belongs to it
            self.open.append(_Open(before[0], depth=len(self.spans)))
        elif tag in _NESTED:
            kind: NodeKind = "quote" if tag == "blockquote" else "section" if tag == "details" else "item"
            node = Node(kind, *span, level=7 if tag == "details" else 0, info=tag)
            inside.top().children.append(node)
            self.open.append(_Open(node, depth=len(self.spans)))
        elif tag in ("table", "tr", "td", "th"):
            self._open("table" if tag == "table" else "row" if tag == "tr" else "para", tag)
        elif tag == "hr":
            inside.top().children.append(Node("rule", *span))
        elif tag == "pre":
            self.pre += 1

    def _open(self, kind: NodeKind, tag: str) -> None:
        node = Node(kind, *self.spans[-1], info=tag)
        self.open[-1].top().children.append(node)
        self.open.append(_Open(node, depth=len(self.spans)))

    def end(self, element: Any, tag: str) -> None:
        if tag in _MARKS and self.pending:
            kind, start, url, title = self.pending.pop()
            if self.length > start or kind == "link":
                self.marks.append(Mark(kind, start, self.length, url, title))
        elif tag in _BLOCKS and self.spans:
            self._close(element, tag)
            self.spans.pop()
            self.exact = bool(element.getparent() is not None and element.getparent().get("data-sourcepos"))
        self.say(element.tail)

    def _close(self, element: Any, tag: str) -> None:
        while tag in _CONTAINERS and self.open[-1].depth != len(self.spans):  # what stands open inside it ends with it
            self.flush()
            self.open.pop()
        inside = self.open[-1]
        if tag[0] == "h" and tag[1:].isdigit():
            self._section(int(tag[1]))
        elif tag == "pre":
            self.pre -= 1
            code = element.find("code")
            language = (code.get("class") or "") if code is not None else ""
            raw = "".join(element.itertext()).rstrip("\n")
            self._text()
            node = Node("code", *self.spans[-1], raw=raw, info=language.removeprefix("language-"))
            if not self.regions and _BIBTEX.match(raw):
                node.kind, node.info = "region", "bibtex"
            inside.top().children.append(node)
        elif tag == "summary" and inside.node.info == "details":
            self.flush(inside.node)
        elif tag in ("td", "th"):
            cell = inside.node
            if cell.children and any(node.kind == "table" for node in cell.walk()):  # it lays out the page
                self.flush()
                self.open.pop()
                cell.kind = "section"
                return
            text = self._text()
            if cell.children:  # blocks inside a cell become its lines
                text = joined([*(node.text for node in cell.walk() if node.text.plain or node.text.marks), text])
            cell.text, cell.children = text, []
            self.open.pop()
        else:
            self.flush()
            if tag in _CONTAINERS:
                self.open.pop()
            cells = [cell for row in inside.node.children for cell in row.children] if tag == "table" else []
            if any(cell.kind == "section" for cell in cells):
                siblings = self.open[-1].top().children
                siblings[-1:] = [block for cell in cells for block in _laid_out(cell)]

    def _section(self, level: int) -> None:
        inside = self.open[-1]
        while inside.sections and inside.sections[-1].level >= level:
            inside.sections.pop()
        node = Node("section", *self.spans[-1], level=level)
        self.flush(node)
        inside.top().children.append(node)
        inside.sections.append(node)

    def comment(self, text: str) -> None:
        """A comment stands for what was cut out before parsing."""
        region = self.regions.get(text.strip())
        if not region:
            return
        self.flush()
        self.line = region.line
        if region.kind == "open":
            node = Node("section", region.line, region.end, level=7, info="details")
            self.open[-1].top().children.append(node)
            self.open.append(_Open(node))
        elif region.kind == "close":
            if not self.open[-1].depth and len(self.open) > 1:
                self.open.pop().node.end = region.line
        elif region.kind == "summary" and self.open[-1].node.info == "details":
            self.open[-1].node.text = Text(region.raw)
        elif region.kind != "summary":
            node = Node("region", region.line, region.end, info=region.kind, raw=region.raw)
            node.text = Text(region.info)
            self.open[-1].top().children.append(node)
        if region.raw.strip() == BEGIN:
            self.began = len(self.open[-1].sections)
        elif region.raw.strip() == END:  # what follows stands where the list does, not in its last section
            del self.open[-1].sections[self.began :]


def _laid_out(cell: Node) -> list[Node]:
    return cell.children if cell.kind == "section" else [cell] if cell.text.plain or cell.text.marks else []


def blanked(plain: str, spans: Iterable[tuple[int, int]], start: int = 0, end: int | None = None) -> str:
    """A text, or what stands of it between start and end, with blanks in the place of some stretches."""
    chars = list(plain[start:end])
    for first, last in spans:
        a = max(first - start, 0)
        b = max(min(last - start, len(chars)), a)
        chars[a:b] = " " * (b - a)
    return "".join(chars)


def joined(texts: list[Text]) -> Text:
    """Texts as lines of one."""
    plain, marks = "", []
    for text in texts:
        if not text.plain and not text.marks:
            continue
        at = len(plain) + (1 if plain else 0)
        plain = f"{plain}\n{text.plain}" if plain else text.plain
        marks += [m._replace(start=m.start + at, end=m.end + at) for m in text.marks]
    return Text(plain, tuple(marks))


def relined(root: Node, write: Callable[[Text], str]) -> tuple[list[str], list[int]]:
    """Give each block a line of its own, as for a source in which each has one: those lines, and the lines they had.

    `write` gives a text as such a line.
    """
    lines: list[str] = []
    real: list[int] = [0]

    def say(text: str, line: int) -> int:
        lines.append(text)
        real.append(line)
        return len(lines)

    todo = [(node, "") for node in reversed(root.children)]
    while todo:
        node, indent = todo.pop()
        if node.kind == "row":
            cells = " | ".join(write(cell.text).replace("|", "\\|") for cell in node.children)
            node.line = node.end = say(f"| {cells} |", node.line)
            for cell in node.children:
                cell.line = cell.end = node.line
            continue
        mark = {"item": "- ", "section": "#" * min(node.level, 6) + " ", "quote": "> "}.get(node.kind, "")
        texts = write(node.text).split("\n") if node.text.plain else []
        texts = [f"```\n{node.raw}\n```"] if node.kind == "code" else texts
        first = len(lines) + 1
        if texts and node.kind != "item":
            say("", node.line)  # blocks stand apart
            first += 1
        for n, text in enumerate(texts):
            say(f"{indent}{mark if not n else ' ' * len(mark)}{text}", node.line)
        node.line = node.end = min(first, max(len(lines), 1)) if texts else first
        node.end = max(node.line, len(lines))
        inner = indent + "  " if node.kind == "item" and texts else indent
        todo += [(child, inner) for child in reversed(node.children)]
    return lines, real


def from_html(html: str, regions: Mapping[str, Region] | None = None, soft: str = "") -> Node:
    """The tree of an HTML text. `soft` is what a line end in the source becomes: "" for a blank, or a newline."""
    builder = _Builder(regions or {}, soft)
    parser = etree.HTMLParser(huge_tree=True, encoding="utf-8")
    root = etree.fromstring(f"<body>{_ANCHOR.sub('', html)}</body>".encode(errors="replace"), parser=parser)
    if root is None:
        return builder.open[0].node
    for event, element in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        if event == "comment":
            builder.comment(element.text or "")
            builder.say(element.tail)
        elif event == "pi":
            builder.say(element.tail)
        elif event == "start":
            builder.start(element, element.tag)
        else:
            builder.end(element, element.tag)
    builder.flush()
    return builder.open[0].node
