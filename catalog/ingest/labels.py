"""Labels in a line, with the value that each has; and what stands between its links."""

from __future__ import annotations

import re
from collections.abc import Iterator

from catalog.ingest import values, words
from catalog.ingest.line import Line
from catalog.ingest.tree import Text

_LABEL = re.compile(
    r"(?P<name>[^:：\[\]<>|()\n]{1,60}?(?:[(（][^()（）]{1,20}[)）])?)[ \t]*[*_]*[ \t]*[:：]{1,2}[*_]*[ \t]*"
)
_STRONG = re.compile(r"(?P<name>[^\W\d_]{2,20})[.．]?[ \t]*(?:[—–-]+[ \t]*)?")  # "**Abstract.** We show …"
_NO_COLON = re.compile(r"(?P<name>[A-Za-z][\w /-]{0,40}?[ \t]links?)[ \t]*[-–—=>]*[ \t]*(?=https?://|$)", re.I)


def label_of(text: Text) -> tuple[str, Text] | None:
    """The label that a line begins with, and the value after it; None where it has none that means something."""
    plain = text.plain
    if not text.marks and ":" not in plain and "：" not in plain and "link" not in plain.lower():
        return None
    lead = len(plain) - len(plain.lstrip(" \t>-•·"))
    match = _LABEL.match(plain, lead)
    strong = next((m for m in text.marks if m.kind in ("strong", "em") and m.start == lead), None)
    if not match and strong and (words.field_of(plain[strong.start : strong.end]) in ("abstract", "authors", "tags")):
        match = _STRONG.match(plain, lead)
    if not match:
        match = _NO_COLON.match(plain[: text.of("link")[0].start] if text.of("link") else plain, lead)
        if not match:
            return None
    name = match["name"].strip(" *_")
    address = name.lower().startswith(("http", "arxiv", "doi")) and plain[match.end() - 1] in ":/"
    if not name or (address and not text.of("link")):
        return None
    if any(m.kind == "link" and m.start < match.start() + len(match["name"]) for m in text.marks):
        return None
    value = text.cut(match.end(), len(plain))
    code = any(m.kind == "code" and m.start <= match.start() and m.end > match.start() for m in text.marks)
    if code:
        inside = next(m for m in text.marks if m.kind == "code" and m.start <= match.start())
        name = f"`{plain[inside.start : inside.end]}`" + plain[inside.end : match.start() + len(match["name"])]
    shouted = name.isupper() and words.status_word(name) and value.plain.strip()
    if shouted and not (values.day(value.plain) or words.status_word(value.plain)):
        return None  # "DONE: A title"
    known = words.field_of(name) or words.link_of(name) or re.search(r"\blinks?$", name, re.I) or code
    links = value.of("link")
    beside = zip([0, *(m.end for m in links)], [*(m.start for m in links), len(value.plain)], strict=True)
    only = bool(links) and not re.search(r"\w{2}", "".join(value.plain[a:b] for a, b in beside))
    if only and not code and not words.field_of(name) and len(name.split()) > 4:
        return None
    return (name, value) if known or only else None


def segments(first: tuple[str, Text]) -> list[tuple[str, Text]]:
    """The labels of a line that holds several: parted by bars, or each in bold."""
    name, value = first
    cuts = re.finditer(r"\s*[|·;｜]\s*|\s{2,}|\s+(?=\*)", value.plain)
    bold = [mark for mark in value.of("strong") if mark.start > 0]
    strong = [m.start for m in bold if value.plain[m.start : m.end + 1].rstrip(" ").endswith((":", "："))]
    out, at = [], 0
    for start, end in sorted({*((m.start(), m.end()) for m in cuts), *((s, s) for s in strong)}):
        after = label_of(value.cut(end, len(value.plain)))
        if after and (words.field_of(after[0]) or words.link_of(after[0])) and start >= at and not value.of("code"):
            out.append((name, value.cut(at, start)))
            name = after[0]
            at = len(value.plain) - len(after[1].plain) if value.plain.endswith(after[1].plain) else end
    return [*out, (name, value.cut(at, len(value.plain)))]


def gaps(line: Line) -> Iterator[tuple[int, int]]:
    at = line.start
    for anchor in line.anchors:
        yield at, anchor.mark.start
        at = max(at, anchor.mark.end)
    yield at, len(line.plain)


def without(line: Line) -> str:
    """A line's text between its links."""
    return " ".join(line.plain[a:b] for a, b in gaps(line))
