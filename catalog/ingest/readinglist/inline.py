"""The links inside a line of Markdown, in one pass over it however hostile the line is."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace

_AUTO = re.compile(r"<((?:https?|ftp)://[^\s<>]+|mailto:[^\s<>]+)>|(?<![\w/.])(?:https?://|www\.)[^\s<>\"`|]+", re.I)
_ANCHOR = re.compile(r"<a\s[^<>]*?href\s*=\s*(?:\"([^\"<>]*)\"|'([^'<>]*)'|([^\s<>\"']+))[^<>]*>", re.I)
_POINTED = re.compile(r"\(\s*<([^<>]*)>\s*(?:\"([^\"]*)\"\s*)?\)")
_TITLED = re.compile(r"""\s+(?:"([^"]*)"|'([^']*)'|\(([^()]*)\))\s*$""")
_TOKEN = re.compile(r"\\.|`+|!?\[|\]|\(|\)")
_BADGE = re.compile(r"shields\.io|badge|badgen\.net|awesome\.re/|hits\.|visitor|star-history", re.I)


@dataclass(frozen=True, slots=True)
class Inline:
    """A link in a line: where it stands, its label, address and title.

    `exact` is set where the address is to be taken to the letter. `bracketed` where the label stood in brackets of
    its own, `[[pdf]](…)`, as the name of a kind of link does. `image` is the label's picture, for a badge.
    """

    start: int
    end: int
    label: str
    url: str
    title: str = ""
    exact: bool = False
    bracketed: bool = False
    image: bool = False
    bare: bool = False


def links(text: str, definitions: Mapping[str, str]) -> list[Inline]:
    """All links of a line in order; pictures that link nowhere are no links. Nothing in code spans counts."""
    if "](" not in text and "://" not in text and "www." not in text and "<a" not in text and "][" not in text:
        return []
    code = _code_spans(text)
    found = _bracket_links(text, code, definitions) + _html_links(text)
    taken = sorted(((link.start, link.end) for link in found), key=lambda span: (span[0], -span[1]))
    for match in _AUTO.finditer(text):
        if not _inside(match.start(), taken) and not _inside(match.start(), code):
            found.append(_bare(match))
    return _outermost(found)


def images(text: str) -> list[tuple[int, int, str]]:
    """Where the pictures of a line stand, and their addresses."""
    if "![" not in text and "<img" not in text:
        return []
    pairs = _pairs(text, _code_spans(text))
    found = []
    for start, end in pairs.items():
        if text[start] == "!" and text.startswith("(", end + 1) and end + 1 in pairs:
            found.append((start, pairs[end + 1] + 1, text[end + 2 : pairs[end + 1]].strip()))
    for match in re.finditer(r"<img\s[^<>]*>", text, re.I):
        source = re.search(r"src\s*=\s*[\"']?([^\s\"'<>]*)", match[0])
        found.append((match.start(), match.end(), source[1] if source else ""))
    return sorted(found)


def is_badge(url: str) -> bool:
    """Whether a picture is a badge (stars, build state, "awesome"), which says nothing about a paper."""
    return bool(_BADGE.search(url))


def without_badges(text: str) -> tuple[str, int]:
    """The line without its badge pictures, and how many there were."""
    badges = [(start, end) for start, end, url in images(text) if is_badge(url)]
    return cut(text, badges), len(badges)


def cut(text: str, spans: list[tuple[int, int]]) -> str:
    """The text without these stretches."""
    return swap(text, [(start, end, "") for start, end in spans])


def swap(text: str, spans: list[tuple[int, int, str]]) -> str:
    """The text with each of these stretches replaced."""
    out: list[str] = []
    at = 0
    for start, end, instead in spans:
        out += [text[at : max(at, start)], instead]
        at = max(at, end)
    out.append(text[at:])
    return "".join(out)


def _bare(match: re.Match[str]) -> Inline:
    if match[1]:
        return Inline(match.start(), match.end(), "", match[1], bare=True)
    url = match[0]
    while url and (url[-1] in ".,;:!?'*_~" or (url[-1] in ")]}" and url.count(url[-1]) > url.count(_OPEN[url[-1]]))):
        url = url[:-1]
    return Inline(match.start(), match.start() + len(url), "", url, bare=True)


_OPEN = {")": "(", "]": "[", "}": "{"}


def _code_spans(text: str) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    runs: dict[int, deque[int]] = {}
    ticks = [(m.start(), m.end()) for m in re.finditer("`+", text)]
    for start, end in ticks:
        runs.setdefault(end - start, deque()).append(start)
    at = 0
    for start, end in ticks:
        same = runs[end - start]
        while same and same[0] <= start:
            same.popleft()
        if start >= at and same:
            at = same[0] + end - start
            spans.append((start, at))
    return spans


def _inside(at: int, spans: list[tuple[int, int]]) -> bool:
    low, high = 0, len(spans)
    while low < high:
        middle = (low + high) // 2
        if spans[middle][0] <= at:
            low = middle + 1
        else:
            high = middle
    return low > 0 and at < spans[low - 1][1]


def _pairs(text: str, code: list[tuple[int, int]]) -> dict[int, int]:
    """Where each bracket and parenthesis that opens is closed; a picture's stands at its `!`."""
    closed: dict[int, int] = {}
    square: list[int] = []
    round_: list[int] = []
    for match in _TOKEN.finditer(text):
        mark = match[0]
        if mark[0] in "\\`" or _inside(match.start(), code):
            continue
        if mark == "(":
            round_.append(match.start())
        elif mark.endswith("["):
            square.append(match.start())
        else:
            stack = square if mark == "]" else round_
            if stack:
                closed[stack.pop()] = match.start()
    return closed


def _bracket_links(text: str, code: list[tuple[int, int]], definitions: Mapping[str, str]) -> list[Inline]:
    pairs = _pairs(text, code)
    found = []
    for start, end in pairs.items():
        if text[start] == "[" and (link := _bracket_link(text, start, end, pairs, definitions)):
            found.append(link)
    return found


def _bracket_link(
    text: str, start: int, end: int, pairs: Mapping[int, int], definitions: Mapping[str, str]
) -> Inline | None:
    label = text[start + 1 : end] if end - start < 4000 else ""
    after = end + 1
    if text.startswith("(", after) or (
        text.startswith(" (", after) and re.match(r" \(<?(?:https?:|www\.)", text[after:])
    ):
        return _labelled(_destination(text, text.index("(", after), pairs), start, label)
    if definitions and text.startswith("[", after) and after in pairs:
        ref = text[after + 1 : pairs[after]] or label
        if url := definitions.get(" ".join(ref.split()).casefold()):
            return _labelled(Inline(start, pairs[after] + 1, label, url), start, label)
    elif definitions and (url := definitions.get(" ".join(label.split()).casefold())):
        return _labelled(Inline(start, after, label, url), start, label)
    return None


def _labelled(link: Inline | None, start: int, label: str) -> Inline | None:
    """The link with its label read: a picture in it, brackets of its own."""
    if link is None:
        return None
    image = label.lstrip().startswith(("![", "<img"))
    if image:
        alt = re.match(r"\s*!\[([^\]]*)\]", label)
        label = alt[1] if alt else ""
    bare = label.strip().strip("*_` ")
    bracketed = bare.startswith("[") and bare.endswith("]") and "]" not in bare[1:-1]
    return replace(
        link, start=start, label=bare[1:-1].strip() if bracketed else label, bracketed=bracketed, image=image
    )


def _destination(text: str, at: int, pairs: Mapping[int, int]) -> Inline | None:
    """The address in the parentheses that open at `at`."""
    if pointed := _POINTED.match(text, at):
        title = pointed[2] or ""
        return Inline(at, pointed.end(), "", pointed[1].strip(), title, exact=title.startswith("="))
    if at not in pairs:
        return None
    inner = text[at + 1 : pairs[at]].strip()
    titled = _TITLED.search(inner) if len(inner) < 4000 and inner.endswith(("'", '"', ")")) else None
    title = next((group for group in titled.groups() if group is not None), "") if titled else ""
    return Inline(at, pairs[at] + 1, "", inner[: titled.start()].strip() if titled else inner, title)


def _html_links(text: str) -> list[Inline]:
    found: list[Inline] = []
    lower = text.lower()
    if "</a" not in lower:
        return found
    for match in _ANCHOR.finditer(text):
        close = lower.find("</a", match.end())
        if close < 0:
            break
        end = lower.find(">", close)
        label = re.sub(r"<[^<>]*>", "", text[match.end() : close]).strip() if close - match.end() < 4000 else ""
        url = match[1] or match[2] or match[3] or ""
        image = "<img" in lower[match.end() : min(close, match.end() + 4000)]
        bracketed = label.startswith("[") and label.endswith("]")
        label = label.strip("[]") if bracketed else label
        found.append(Inline(match.start(), end + 1 or len(text), label, url.strip(), image=image, bracketed=bracketed))
    return found


def _outermost(found: list[Inline]) -> list[Inline]:
    out: list[Inline] = []
    for link in sorted(found, key=lambda link: (link.start, -link.end)):
        if not out or link.start >= out[-1].end:
            out.append(link)
    return out
