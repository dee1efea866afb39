"""Source beside what it says of itself, statement by statement; read from the text and never run."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from catalog.pages.beside import Comment, Definition, Note, Piece, comment, docstring, pieces
from catalog.pages.docstring import comment_html, docstring_html, numbered
from catalog.pages.escape import text

LONGEST = 200_000
WRAPS = 36
_HEADING = re.compile(r"# ?-{3,} ?(?P<says>[^-\s].*?) ?-{3,}\Z")
_NUMBERED = re.compile(r"\b[Ee]q(?:uations?|s?\.)\s+(\d+)(?:(?:\s+and\s+|\s*,\s*)(\d+))?")
_PLUMBING = frozenset({"save", "load", "save_peft", "load_peft"})


@dataclass(frozen=True, slots=True)
class Row:
    """Lines of code as HTML, and what is said beside them."""

    note: str
    code: str


@dataclass(slots=True)
class Block:
    """A piece of source: the heading where a part of the file begins, its name, and its rows.

    `folded` says what it is where it is nothing to read at first: imports, settings, saving and loading.
    """

    heading: str = ""
    name: str = ""
    doc: str = ""
    rows: list[Row] = field(default_factory=list)
    folded: str = ""
    first: int = 0
    last: int = 0
    without: set[int] = field(default_factory=set)
    node: Definition | None = None

    @property
    def lines(self) -> int:
        """How many lines of code it shows."""
        return self.code.count('class="kb-line"')

    @property
    def code(self) -> str:
        """All its lines."""
        return "".join(row.code for row in self.rows)


def annotated(source: str, anchor: str = "", said: str = "") -> list[Block]:
    """The blocks of a source, in order. `anchor` goes before the `L12` of its lines.

    A first line of its docstring that is `said` already is not said again. Comments of a function or class stand
    beside the statement that they are about, and so do equations that its docstring names by their number.
    What is not Python, or far too long for a page, is one block without annotation.
    """
    lines = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    body = _body("\n".join(lines))
    blocks = list(_blocks(body, lines, said)) if body else [Block(first=1, last=len(lines))]
    beside = {n for block in blocks if block.node for n in range(block.first, block.last + 1)}
    comments, shown = _read(lines, beside)
    doc = docstring(body)
    equations = numbered(doc[0]) if doc else {}
    for block in blocks:
        kept = [n for n in range(block.first, block.last + 1) if n not in block.without]
        found = pieces(block.node, kept, comments) if block.node else [Piece((), tuple(kept))]
        block.without = block.without | (set(kept) - {n for piece in found for n in piece.numbers})
        if block.node:
            block.doc = _said(docstring(block.node.body), equations) if block.doc else ""
        listed = (
            Row(
                "".join(_note(one, equations) for one in piece.notes),
                "".join(_line(n, lines[n - 1], shown[n - 1], anchor) for n in _trimmed(piece.numbers, lines)),
            )
            for piece in found
        )
        block.rows = [row for row in listed if row.note or row.code]
    return [block for block in blocks if block.rows or block.doc]


def _note(note: Note, equations: Mapping[str, str]) -> str:
    return _said((note.doc, set()), equations) if note.doc else comment_html(list(note.lines))


def _said(doc: tuple[str, set[int]] | None, equations: Mapping[str, str]) -> str:
    """A docstring as HTML, with the equations that it names by their number."""
    if not doc:
        return ""
    named = dict.fromkeys(n for match in _NUMBERED.finditer(doc[0]) for n in match.groups() if n)
    return docstring_html(doc[0]) + "".join(equations.get(number, "") for number in named)


def _body(source: str) -> list[ast.stmt]:
    """The statements of a source; none where it cannot be read."""
    if len(source) > LONGEST:
        return []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def _blocks(body: list[ast.stmt], lines: list[str], said: str) -> Iterator[Block]:
    """A block for each function and class, and one for what stands together between them."""
    block, between = Block(first=1), list[ast.stmt]()
    if doc := docstring(body):
        lead, _, rest = doc[0].partition("\n")
        block.doc, block.without = docstring_html(rest if lead == said else doc[0]), doc[1]
    for node in body:
        start = min([node.lineno, *(mark.lineno for mark in getattr(node, "decorator_list", []))])
        before = block.last
        if isinstance(node, Definition) and start > before:
            first = _with_comments(start, before, lines)
            block.last = first - 1
            if block.last >= block.first:
                block.folded = block.folded or _settings(between)
                yield block
            block, between = _definition(node, first), []
        elif block.name and start > before:
            yield block
            block, between = Block(first=before + 1), []
        if not block.last:
            block.heading = _take_heading(block, start, lines)
        block.last = node.end_lineno or node.lineno
        between.append(node)
    block.last = len(lines)
    block.folded = block.folded or ("" if block.name else _settings(between))
    yield block


def _settings(nodes: list[ast.stmt]) -> str:
    """What statements between definitions are, where they are nothing but imports and names for values."""
    imports = [isinstance(node, ast.Import | ast.ImportFrom | ast.If | ast.Try) for node in nodes]
    names = [isinstance(node, ast.Assign | ast.AnnAssign) for node in nodes]
    docs = [isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in nodes]
    if not all(map(any, zip(imports, names, docs, strict=True))) or not any(imports + names):
        return ""
    return " and ".join(word for word, there in (("imports", any(imports)), ("settings", any(names))) if there)


def _definition(node: Definition, first: int) -> Block:
    doc = docstring(node.body)
    alone = doc and min(doc[1]) > node.lineno and node.body[0].lineno > node.lineno
    block = Block(name=node.name, first=first, node=node)
    if doc and alone:
        block.doc, block.without = docstring_html(doc[0]), doc[1]
    elif node.name.startswith("_"):
        block.folded = "a helper"
    if node.name in _PLUMBING:
        block.folded = "saving" if node.name.startswith("save") else "loading"
    return block


def _with_comments(start: int, after: int, lines: list[str]) -> int:
    """The first line of what begins at `start`: comments right above belong to it, and so does a heading."""
    first = start
    while first - 1 > after and lines[first - 2].startswith("#"):
        first -= 1
    above = first
    while above - 1 > after and not lines[above - 2].strip():
        above -= 1
    return above - 1 if above - 1 > after and _HEADING.match(lines[above - 2]) else first


def _take_heading(block: Block, until: int, lines: list[str]) -> str:
    """The heading among the comments at the beginning of a block; it is not shown again in the code."""
    for number in range(block.first, until):
        if match := _HEADING.match(lines[number - 1]):
            block.without = block.without | {number}
            return match["says"]
    return ""


def _trimmed(numbers: Sequence[int], lines: list[str]) -> Sequence[int]:
    """Without blank lines at both ends."""
    written = [place for place, number in enumerate(numbers) if lines[number - 1].strip()]
    return numbers[written[0] : written[-1] + 1] if written else []


def _line(number: int, line: str, shown: str, anchor: str) -> str:
    name = f"{anchor}L{number}"
    indent = len(line) - len(line.lstrip(" "))
    hang = f' style="--i:{min(indent, 40)}"' if len(line) > WRAPS else ""
    link = f'<a href="#{name}" data-n="{number}" tabindex="-1" aria-hidden="true"></a>'
    return f'<span class="kb-line" id="{name}"{hang}>{link}{shown}&#10;</span>'


def highlighted(lines: list[str]) -> list[str]:
    """Each line of Python as HTML, with the classes that the theme colours."""
    return _read(lines, frozenset())[1]


def _read(lines: list[str], beside: set[int] | frozenset[int]) -> tuple[dict[int, Comment], list[str]]:
    """The comments of lines where they stand beside the code, and each line as HTML, without those."""
    source = "\n".join(lines)
    if len(source) > LONGEST:
        return {}, [text(line) for line in lines]
    from pygments.lexers.python import PythonLexer
    from pygments.token import STANDARD_TYPES
    from pygments.token import Comment as CommentToken

    shown: list[list[tuple[str, str]]] = [[]]
    comments: dict[int, Comment] = {}
    cut: set[int] = set()
    for _, kind, value in PythonLexer().get_tokens_unprocessed(source):
        style = STANDARD_TYPES.get(kind, "")
        for number, piece in enumerate(value.split("\n")):
            if number:
                shown.append([])
            here = len(shown)
            if piece and kind in CommentToken and here in beside and not _HEADING.match(piece):
                if found := comment(piece, "".join(text for text, _ in shown[-1])):
                    comments[here] = found
                cut.add(here)
            elif piece:
                shown[-1].append((piece, style))
    return comments, [_styled_line(pieces, number in cut) for number, pieces in enumerate(shown, start=1)]


def _styled_line(pieces: list[tuple[str, str]], cut: bool) -> str:
    if cut and pieces:
        pieces = [*pieces[:-1], (pieces[-1][0].rstrip(), pieces[-1][1])]
    return "".join(_styled(piece, style) for piece, style in pieces if piece)


def _styled(piece: str, style: str) -> str:
    """Keywords, strings, numbers, comments and what is defined; the rest is plain."""
    coloured = style[:1] in {"k", "s", "m", "c"} or style in {"nf", "nc", "nd", "fm", "ow"}
    return f'<span class="{style}">{text(piece)}</span>' if coloured and piece.strip() else text(piece)
