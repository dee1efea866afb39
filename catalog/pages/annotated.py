"""Source beside what it says of itself: each piece of code with its docstring, read from the text and never run."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from inspect import cleandoc

from catalog.pages.docstring import docstring_html
from catalog.pages.escape import text

LONGEST = 200_000
WRAPS = 36
_HEADING = re.compile(r"# ?-{3,} ?(?P<says>[^-\s].*?) ?-{3,}\Z")
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(slots=True)
class Block:
    """A piece of source: the heading where a part of the file begins, its name, its docstring and its code as HTML."""

    heading: str = ""
    name: str = ""
    doc: str = ""
    code: str = ""
    first: int = 0
    last: int = 0
    without: set[int] = field(default_factory=set)


def annotated(source: str, anchor: str = "", said: str = "") -> list[Block]:
    """The blocks of a source, in order. `anchor` goes before the `L12` of its lines.

    A first line of its docstring that is `said` already is not said again.

    What is not Python, or far too long for a page, is one block without annotation.
    """
    lines = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    body = _body("\n".join(lines))
    blocks = list(_blocks(body, lines, said)) if body else [Block(first=1, last=len(lines))]
    shown = highlighted(lines)
    for block in blocks:
        kept = [n for n in range(block.first, block.last + 1) if n not in block.without]
        block.code = "".join(_line(n, lines[n - 1], shown[n - 1], anchor) for n in _trimmed(kept, lines))
    return [block for block in blocks if block.code or block.doc]


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
    block = Block(first=1)
    if doc := _docstring(body):
        lead, _, rest = doc[0].partition("\n")
        block.doc, block.without = docstring_html(rest if lead == said else doc[0]), doc[1]
    for node in body:
        start = min([node.lineno, *(mark.lineno for mark in getattr(node, "decorator_list", []))])
        before = block.last
        if isinstance(node, _Definition) and start > before:
            first = _with_comments(start, before, lines)
            block.last = first - 1
            if block.last >= block.first:
                yield block
            block = _definition(node, first, lines)
        elif block.name and start > before:
            yield block
            block = Block(first=before + 1)
        if not block.last:
            block.heading = _take_heading(block, start, lines)
        block.last = node.end_lineno or node.lineno
    block.last = len(lines)
    yield block


def _definition(node: _Definition, first: int, lines: list[str]) -> Block:
    doc = _docstring(node.body)
    alone = doc and min(doc[1]) > node.lineno and node.body[0].lineno > node.lineno
    block = Block(name=node.name, first=first)
    if doc and alone:
        after = max(doc[1]) + 1
        blank = after < len(lines) and not lines[after - 1].strip()
        block.doc, block.without = docstring_html(doc[0]), doc[1] | ({after} if blank else set())
    return block


def _docstring(body: list[ast.stmt]) -> tuple[str, set[int]] | None:
    """A docstring and the lines on which it stands, if nothing else stands on them."""
    first = body[0] if body else None
    if not (isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)):
        return None
    last = first.end_lineno or first.lineno
    if not isinstance(first.value.value, str) or (len(body) > 1 and body[1].lineno <= last):
        return None
    return cleandoc(first.value.value), set(range(first.lineno, last + 1))


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


def _trimmed(numbers: list[int], lines: list[str]) -> list[int]:
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
    source = "\n".join(lines)
    if len(source) > LONGEST:
        return [text(line) for line in lines]
    from pygments.lexers.python import PythonLexer
    from pygments.token import STANDARD_TYPES

    shown: list[list[str]] = [[]]
    for _, kind, value in PythonLexer().get_tokens_unprocessed(source):
        style = STANDARD_TYPES.get(kind, "")
        for number, piece in enumerate(value.split("\n")):
            if number:
                shown.append([])
            if piece:
                shown[-1].append(_styled(piece, style))
    return ["".join(pieces) for pieces in shown]


def _styled(piece: str, style: str) -> str:
    """Keywords, strings, numbers, comments and what is defined; the rest is plain."""
    coloured = style[:1] in {"k", "s", "m", "c"} or style in {"nf", "nc", "nd", "fm", "ow"}
    return f'<span class="{style}">{text(piece)}</span>' if coloured and piece.strip() else text(piece)
