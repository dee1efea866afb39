"""Where Markdown notes lead: every address with its place, code and mathematics left out. One pass."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape

_FENCE = re.compile(r"[ \t>]*(`{3,}|~{3,})")
_LIST = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])(?:[ \t]|$)")
_TICKS = re.compile(r"(?<!\\)`+")
_MATH = re.compile(r"\$\$[^$]*\$\$|(?<![\\$])\$(?![\s$])[^$\n]*(?<![\s\\])\$(?![\d$])|\\\((?:(?!\\\)).){0,500}\\\)")
_STEP = re.compile(r"\\.|[()]|\n[ \t]*\n|(?<=\]\()[ \t\n]*<[^<>\n]*>", re.S)
_DEFINITION = re.compile(
    r"^ {0,3}\[(?!\^)[^\]\n]+\]:[ \t]*+(?P<to>\S++)[ \t]*+(?:\"[^\"\n]*\"|'[^'\n]*'|\([^()\n]*\))?[ \t]*+$", re.M
)
_HTML = re.compile(r"""<(?:a|img)\b[^<>]*?\b(?:href|src)\s*=\s*["'](?P<to>[^"'<>]*)["']""", re.I)
_AUTOLINK = re.compile(r"<(?P<to>https?://[^\s<>]*)>", re.I)
_PARTS = re.compile(r"""\s*+(?:<(?P<pointed>[^<>\n]*)>|(?P<to>\S*+))(?:\s++(?:"[^"]*"|'[^']*'|\([^()]*\)))?\s*+""")
_LOOKS_LIKE_ADDRESS = re.compile(r"https?:|www\.|\.{1,2}/|.*\.(?:md|ipynb|pdf|png|jpe?g|gif|svg|html?)$", re.I)
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")


@dataclass(frozen=True, slots=True)
class Target:
    """An address in a text: `start` and `stop` are where it stands, `line` counts from 1, `to` is what it says.

    `spaced` marks one that Markdown does not take for a link because it holds blanks.
    """

    to: str
    start: int
    stop: int
    line: int
    spaced: bool = False


def targets(notes: str) -> list[Target]:
    """Every address that the notes lead to, in their order."""
    if "](" not in notes and "<" not in notes and "]:" not in notes:
        return []
    prose = without_code(notes)
    found = [*_inline(prose), *_definitions(prose), *_matches(_HTML, prose), *_matches(_AUTOLINK, prose)]
    lines, at, out = 1, 0, []
    for start, stop, spaced in sorted(found):
        lines, at = lines + notes.count("\n", at, start), start
        to = unescape(_ESCAPED.sub(r"\1", notes[start:stop]))
        out.append(Target(to, start, stop, lines, spaced))
    return out


def without_code(notes: str) -> str:
    """The text with code, comments and mathematics blanked, every other character in its place."""
    text = _without_comments("".join(_blocks(notes)))
    if "`" in text:
        text = "".join(_without_spans(part) for part in re.split(r"(\n[ \t]*\n)", text))
    return _blank(_MATH, text) if "$" in text or "\\(" in text else text


def _blank(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(lambda m: _spaces(m.group()), text)


def _spaces(text: str) -> str:
    return "\n".join(" " * len(line) for line in text.split("\n"))


def _blocks(notes: str) -> Iterator[str]:
    """The lines, those of fenced and indented code blanked."""
    fence, after_blank, in_list = "", True, False
    for line in notes.split("\n"):
        mark = _FENCE.match(line)
        indented = line.startswith(("    ", "\t"))
        code = bool(fence) or bool(mark) or (indented and after_blank and not in_list)
        if fence:
            closes = mark and mark[1].startswith(fence) and not line[mark.end() :].strip()
            fence = "" if closes else fence
        elif mark and not (mark[1][0] == "`" and "`" in line[mark.end() :]):
            fence = mark[1]
        elif line.strip():
            in_list = bool(_LIST.match(line)) or (in_list and indented) or (in_list and not after_blank)
        after_blank = not line.strip() or (code and not fence)
        yield (" " * len(line) if code else line) + "\n"


def _without_comments(text: str) -> str:
    out, at = [], 0
    while (start := text.find("<!--", at)) >= 0 and (stop := text.find("-->", start + 4)) >= 0:
        out += [text[at:start], _spaces(text[start : stop + 3])]
        at = stop + 3
    return "".join(out) + text[at:]


def _without_spans(paragraph: str) -> str:
    """The paragraph with its code spans blanked: a run of backticks up to the next run of that length."""
    runs = [(m.start(), m.end()) for m in _TICKS.finditer(paragraph)]
    next_alike: dict[int, int] = {}
    latest: dict[int, int] = {}
    for index in range(len(runs) - 1, -1, -1):
        length = runs[index][1] - runs[index][0]
        if length in latest:
            next_alike[index] = latest[length]
        latest[length] = index
    out, at, index = [], 0, 0
    while index < len(runs):
        closing = next_alike.get(index)
        if closing is not None:
            start, stop = runs[index][0], runs[closing][1]
            out += [paragraph[at:start], _spaces(paragraph[start:stop])]
            at, index = stop, closing
        index += 1
    return "".join(out) + paragraph[at:]


def _inline(prose: str) -> Iterator[tuple[int, int, bool]]:
    """Where the addresses of `[text](address "title")` stand, parentheses counted in one pass."""
    opened: list[int] = []
    for step in _STEP.finditer(prose):
        found = step.group()
        if found == "(":
            opened.append(step.end())
        elif found == ")" and opened:
            start = opened.pop()
            if prose.startswith("](", start - 2):
                yield from _address(prose, start, step.start())
        elif found.startswith("\n"):
            opened.clear()


def _address(prose: str, start: int, stop: int) -> Iterator[tuple[int, int, bool]]:
    inner = prose[start:stop]
    parts = _PARTS.fullmatch(inner)
    if parts:
        name = "pointed" if parts["pointed"] is not None else "to"
        yield start + parts.start(name), start + parts.end(name), False
    elif _LOOKS_LIKE_ADDRESS.match(inner.strip()):
        yield start + len(inner) - len(inner.lstrip()), start + len(inner.rstrip()), True


def _definitions(prose: str) -> Iterator[tuple[int, int, bool]]:
    """Where `[label]: address` stands; one word without any mark of an address is prose."""
    return (span for span in _matches(_DEFINITION, prose) if re.search(r"[/.:#]", prose[span[0] : span[1]]))


def _matches(form: re.Pattern[str], prose: str) -> Iterator[tuple[int, int, bool]]:
    return ((found.start("to"), found.end("to"), False) for found in form.finditer(prose))
