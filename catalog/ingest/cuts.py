"""Where a line may be cut: at the edges of marks and quotation marks, at separators, and at the ends of sentences."""

from __future__ import annotations

import re
from typing import NamedTuple

from catalog.ingest import looks, roles, words
from catalog.ingest.line import KIND_OF_WORK, Line

EDGE = ' \t\n*_<>"“”„«»「」『』《》:：,.;，、·•|–—/-'  # what surrounds a title
_CUTS = re.compile(
    r"(?=[\s\[\](（)）【】《》,，、;；:：.?!。！？｜|•–—-])"  # else none of these begins here
    rf"(?:(?P<line>\n)|(?P<type>{KIND_OF_WORK.pattern})"
    r"|(?P<blanks>(?<=\S)(?:[  ]{2,}|\u3000|\t)(?=\S))"
    r"|(?P<by>[\s,;–—-]+\(?by:?\s+(?=[A-Z\u3400-\u9fff]))"
    r"|(?P<dash>\s+[-–—|·•/\\]+\s+|\s*——\s*|\s*[｜|•]\s*|;\s+|；\s*)"
    r"|(?P<open>\s*[(（\[【《])|(?P<close>[)）\]】》])"
    r"|(?P<stop>[.?!](?=\s+(?:[\"“A-ZА-ЯЁ\d\[(\u3400-\u9fff]|arXiv|bioRxiv|medRxiv|https?:|doi:|[a-z]\w*[A-Z\d])|\s*$|[\[(*])|[。！？])"
    r"|(?P<comma>[,，、]\s*)|(?P<colon>\s*[:：](?=\s|$|[^\x00-\x7f])\s*|(?<=[a-z]):(?=[A-Z][\w-]*[\s:,])))"
)
_KIND = {"dash": "-", "open": "(", "close": ")", "stop": ".", "comma": ",", "colon": ":"}

Span = tuple[int, int]


class Cut(NamedTuple):
    """A place where a line may be cut: what stands before ends at `end`, what follows begins at `start`."""

    end: int
    start: int
    kind: str


def cuts(line: Line, start: int, stop: int) -> list[Cut]:
    """Where a line may be cut, in order; edges of marks are kinds of their own."""
    plain = line.plain
    found: list[Cut] = []
    for match in _CUTS.finditer(plain, start, stop):
        kind = _KIND.get(match.lastgroup or "", match.lastgroup or "")
        if kind == "." and looks.ABBREVIATION.search(plain, max(start, match.start() - 8), match.start()):
            continue
        if match[0].strip() in (";", "；"):
            edge = min((m.end for m in line.text.marks if m.end > match.end() + 2), default=stop)
            if roles.between_names(plain[start : match.start()], plain[match.end() : edge]):
                continue
        if any(a.mark.start < match.start() < a.mark.end - 1 for a in line.anchors if not a.titled):
            continue  # within an address, or a label that is none of the title
        found.append(Cut(match.start() + (match.lastgroup == "stop"), match.end(), kind))
    for mark in line.text.marks:
        if mark.end > mark.start >= start - 2 and mark.kind in ("link", "strong", "em", "code") and mark.start < stop:
            found += [Cut(max(mark.start, start), max(mark.start, start), "(mark"), Cut(mark.end, mark.end, ")mark")]
    for first, last in line.quotes:
        whole = len(plain[first:last].split()) > 2 or not plain[start : first - 1].rstrip()[-1:].isalnum()
        if first < stop and whole:  # else one or two words of a title stand in quotation marks
            found += [Cut(first - 1, first, "(mark"), Cut(last, last + 1, ")mark")]
    found.append(Cut(stop, stop, "end"))
    return sorted(set(found))


def trimmed(plain: str, start: int, end: int) -> Span:
    """The span without what surrounds a title: blanks, quotation marks, brackets that open, full stops, dashes."""
    while start < end and (plain[start] in EDGE or (plain[start] > "\u2000" and words.is_pictograph(plain[start]))):
        start += 1
    while end > start and (_ends_badly(plain[start:end]) or plain[end - 2 : end] in (" +", " &")):
        end -= 1
    if start and plain[start - 1] == '"' and plain.count('"', start, end) % 2:
        start -= 1  # a word of the title stands in quotation marks
    if plain[start : start + 1] in ("[", "《") and plain[end - 1 : end] in ("]", "》"):
        start, end = start + 1, end - 1
    return start, end


def _ends_badly(text: str) -> bool:
    last = text[-1]
    if last in EDGE or last in "([（【" or (last > "\u2000" and words.is_pictograph(last)):
        return not (last == "." and text.endswith("..."))
    return last in ")]）】" and not any(c in text for c in "([（【")
