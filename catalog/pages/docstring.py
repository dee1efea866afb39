"""A docstring as HTML: prose as prose, its equations as mathematics, and what is neither exactly as it was written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from catalog.pages.equations import Row, display, rows
from catalog.pages.escape import text
from catalog.pages.mathematics import math_html

_CODE = re.compile(r"``([^`]+)``|`([^`]+)`")
_BULLET = re.compile(r"[-*] +(?=\S)")
_EQUATION = re.compile(r"\b[Ee]q(?:uations?|s?\.)\s+(\d+)(?:(?:\s+and\s+|\s*,\s*)(\d+))?:?$")
LONGEST_GROUP = 40


def docstring_html(doc: str) -> str:
    """The docstring (its indentation taken out) as one line of HTML."""
    return "".join(_block(lines) for lines in _blocks(doc))


def comment_html(lines: list[str]) -> str:
    """A comment: equations where all of it is such, else a sentence."""
    found = rows(lines) if len(lines) <= LONGEST_GROUP else None
    return "".join(_equations(found)) if found else f"<p>{_prose(lines)}</p>"


def numbered(doc: str) -> dict[str, str]:
    """The equations of a docstring as HTML, by the numbers that the paragraph before them gives them."""
    found: dict[str, str] = {}
    numbers: list[str] = []
    for lines in _blocks(doc):
        if not lines[0].startswith("    "):
            last = _EQUATION.search(" ".join(lines))
            numbers = [number for number in last.groups() if number] if last else []
        elif numbers and rows(lines):
            for number in numbers:
                found.setdefault(number, _indented(lines))
            numbers = []
    return found


def _blocks(doc: str) -> Iterator[list[str]]:
    """Runs of lines with no blank one between; a run ends too where its indentation begins or ends."""
    block: list[str] = []
    for line in [*doc.split("\n"), ""]:
        turned = bool(block) and line.startswith("    ") != block[-1].startswith("    ")
        if block and (not line.strip() or (turned and not _BULLET.match(block[0]))):
            yield block
            block = []
        if line.strip():
            block.append(line.rstrip())


def _block(lines: list[str]) -> str:
    if lines[0].startswith("    "):
        return _indented(lines)
    if not any(_BULLET.match(line) for line in lines):
        return f"<p>{_prose(lines)}</p>"
    return "".join(_list(lines))


def _indented(lines: list[str]) -> str:
    found = rows(lines) if len(lines) <= LONGEST_GROUP else None
    if found is None:
        margin = min(len(line) - len(line.lstrip(" ")) for line in lines)
        shown = "\n".join(line[margin:] for line in lines)
        return (
            f'<div class="kb-asis" tabindex="0" role="group" aria-label="As written"><code>{text(shown)}</code></div>'
        )
    return "".join(_equations(found))


def _equations(found: list[Row]) -> Iterator[str]:
    """Rows up to a remark as one piece of mathematics, then the remark."""
    group: list[Row] = []
    for row in found:
        group.append(row)
        if row.remark or row is found[-1]:
            yield math_html(display(group), block=True)
            group = []
        if row.remark:
            yield f'<p class="kb-remark">{_prose([row.remark])}</p>'


def _list(lines: list[str]) -> Iterator[str]:
    """Bullets with their continued lines; what stands before the first is a paragraph."""
    items: list[list[str]] = [[]]
    for line in lines:
        mark = _BULLET.match(line)
        if mark:
            items.append([line[mark.end() :]])
        else:
            items[-1].append(line)
    if items[0]:
        yield f"<p>{_prose(items[0])}</p>"
    yield "<ul>" + "".join(f"<li>{_prose(item)}</li>" for item in items[1:]) + "</ul>"


def inline_html(said: str) -> str:
    """A sentence, with what stands between backticks as code."""
    return _prose([said])


def _prose(lines: list[str]) -> str:
    """Lines as running text, with what stands between backticks as code."""
    pieces = _CODE.split(" ".join(line.strip() for line in lines))
    shown = []
    for plain, double, single in zip(pieces[::3], [*pieces[1::3], ""], [*pieces[2::3], ""], strict=True):
        code = double or single or ""
        shown.append(text(plain) + (f"<code>{text(code)}</code>" if code else ""))
    return "".join(shown)
