"""A line cut into pieces that may each be one value, with the place in which each stands; and titles of headings."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from catalog.ingest import roles, urls, values, words
from catalog.ingest.credit import credit
from catalog.ingest.labels import without
from catalog.ingest.line import Anchor, Line, prepared
from catalog.ingest.tree import Text

_CUT = re.compile(
    r"(?=[\s()\[\]（）【】《》|·•;；｜。—,])"  # else none of these begins here
    r"(?:\n|[()\[\]（）【】《》]|\s+[-–—|·•/]+\s+|\s*[|·•;；｜]\s*|——|(?<!,)(?<!&)(?<!\band)\s{2,}(?![A-Z][\w-]+,)"
    r"|(?<=[.。!?])(?=\s)|(?<=\bal\.),\s+(?=[A-Z])|。|(?<!accepted)\s+(?=(?:by|from)\s+[A-Z]))"
    r"|(?<=\bal\.)(?=[A-Za-z])|(?<=[.。!?])$"
)
_INITIAL = re.compile(
    r"(?:^|[\s.,(-])[A-ZА-ЯЁ]\.$|\b(?:et|vs|vol|no|pp|eds?|Proc|Trans|Conf|Int|J|St|Dr|Prof|Jr|Sr|Comput|Mach|Learn|Sci|Lett|Rev)\.$"
)


_SHORTENED = re.compile(r"(?:^|\w\w[.?!,]\s)(?:[A-Z][a-z]{1,5}\.\s?)+$")  # "Phys. Rev. Lett. 121"
_SHORTENED_ON = re.compile(r"\s(?:[A-Z][a-z]{1,5}\.(?=\s)|[A-Z]\s\d|\d)")
_QUOTED = re.compile(r"""["“”„«]([^"“”„«»]+)["“”»][.,]?""")
_NUMBER = re.compile(r"(?<=\d)\(\d{1,3}(?:[–-]\d{1,3})?\)")  # after that of a volume: "27(5)"
_WORD_LAST = re.compile(r"[^\W\d_]\s*$")
_POINTS_LAST = re.compile(r"(?:^|\W)(?:by|from|in|at|see)\s*$", re.I)
_DATED = re.compile(r"\d{4}")  # "[Quist (1970)](…)" leads to the paper
_BETWEEN_NAMES = re.compile(r"[\s,;&·|、，*†‡§¶\d]*(?:\b(?:and|und|et|y)\b)?[\s,&]*")
_AFFILIATED = re.compile(r"\([^()\d]{2,80}\)\s*[*†‡]?\s*[,;&]|\([^()\d\s]{1,20}\) [A-Z][\w-]+(?=[,;]|$)")


def _with_institutes(text: str) -> bool:
    """Whether a text is names, with institutes or short names in parentheses: "Ada Quist (KTH), Bo (B.) Lund"."""
    bare = re.sub(r"\([^()]*\)", "", text)
    last = values.venue(bare.rpartition(",")[2])
    return len(values.people(bare)) > 1 and values.likely_people(bare) >= 0.8 and not (last and last.known)


class Piece(NamedTuple):
    """A stretch of a line that may be one value, and its place in the template."""

    start: int
    end: int
    place: str

    def text(self, line: Line) -> str:
        """What it says, without the stops and quotation marks around it."""
        return line.plain[self.start : self.end].strip(' .,;:·|"“”')


def cut(line: Line, start: int, end: int, prefix: str, title: tuple[int, int]) -> Iterator[Piece]:
    """The pieces of a stretch: cut at separators, parentheses, emphasis, and the ends of sentences."""
    plain = line.plain
    for part in re.finditer(r"[^\n]+", plain[start:end]):
        if "(" in part[0] and _AFFILIATED.search(part[0]) and _with_institutes(part[0]):
            a, b = start + part.start(), start + part.end()
            if start < a:
                yield from cut(line, start, a, prefix, title)
            yield Piece(a, b, "names")
            if b < end:
                yield from cut(line, b, end, prefix, title)
            return
    edges = {start, end}
    for mark in line.text.marks:
        if mark.kind in ("em", "strong") and mark.end > mark.start:
            if end <= title[0] and (plain[mark.end :].lstrip()[:1] == "," or plain[: mark.start].rstrip()[-1:] == ","):
                continue  # one of several names, as a group marks its own
            joins = re.search(r"\b[Ii]n:?\s*$", plain[start : mark.start])
            edges |= {e for e in (mark.start, mark.end) if start < e < end and not (joins and e == mark.start)}
    numbers = [number.span() for number in _NUMBER.finditer(plain, start, end)] if "(" in plain else []
    for apart in _CUT.finditer(plain, start, end):
        if numbers and any(a <= apart.start() < b for a, b in numbers):
            continue
        before = plain[max(0, apart.start() - 24) : apart.start()]
        blank = apart[0] != "\n" and len(apart[0]) < 2 and not apart[0].strip()
        if blank and _INITIAL.search(plain[max(start, apart.start() - 7) : apart.start()]) and before[-3:] != "al.":
            continue
        if _SHORTENED.search(before) and _SHORTENED_ON.match(plain, apart.start()):
            continue
        parts = apart[0].strip() in (";", "；")
        if parts and roles.between_names(plain[start : apart.start()], plain[apart.end() : end]):
            continue
        edges |= {apart.start(), apart.end()}
    side = "before " if end <= title[0] else ""
    last = None
    for at in sorted(edges):
        if last is not None and at > last:
            piece = plain[last:at]
            if re.search(r"\w", piece):
                italic = any(m.kind == "em" and m.start <= last and m.end >= at for m in line.text.marks)
                shape = "paren" if plain[last - 1 : last] in ("(", "[", "（", "【") else "em" if italic else "text"
                row = plain.count("\n", title[1] if title[1] > 0 else 0, last) if last > title[1] else 0
                yield from by_comma(plain, last, at, f"{side}{prefix}{' ' if prefix else ''}{shape} {row}")
        last = at


def by_comma(plain: str, start: int, end: int, place: str) -> Iterator[Piece]:
    """A piece; "names, VENUE 2021" is two of them."""
    text = plain[start:end]
    lead = re.match(r"\W*([^,]{3,40}\d), ", text)
    shown = values.venue(lead[1]) if lead and values.likely_people(text[lead.end() :]) >= 0.5 else None
    if lead and shown and shown.known and shown.date:
        yield Piece(start, start + lead.end(1), f"{place} lead")  # "ACL 2022, Ada Quist, Bo Lund"
        start += lead.end()
        text = plain[start:end]
    for comma in reversed(list(re.finditer(r"[,:]\s+|[，、]\s*", text))[-3:]):
        tail = text[comma.end() :]
        most = 14 if words.venue_opening().match(tail) else 8
        shown = values.venue(tail) if len(tail.split()) < most else None
        found = values.date(tail)
        only_date = found and not tail[: found.start].strip(" (") and not tail[found.end :].strip(" ).,;")
        if (shown and shown.known) or only_date:
            head = text[: comma.start()]
            if re.search(r"\w", head):
                yield from by_comma(plain, start, start + comma.start(), place)
            yield Piece(start + comma.end(), end, f"{place} tail")
            return
    yield Piece(start, end, place)


def numbered(pieces: Iterator[Piece] | Sequence[Piece]) -> list[Piece]:
    """The pieces with their number among those of one place."""
    seen: Counter[str] = Counter()
    out = []
    for piece in sorted(pieces, key=lambda p: p.start):
        out.append(piece._replace(place=f"{piece.place} {min(seen[piece.place], 3)}"))
        seen[piece.place] += 1
    return out


def pieces_of(line: Line) -> list[Piece]:
    """The pieces of what nothing has taken of a line without a title."""
    return numbered([piece for a, b in line.free(line.start) for piece in cut(line, a, b, "", (-1, -1))])


def linked_names(line: Line, title: tuple[int, int]) -> list[tuple[int, int]]:
    """The stretches beside a title in which names lead to their owners' pages: "[Ada Quist](…), Bo Lund"."""
    found = []
    for part in re.finditer(r"[^\n]+", line.plain):
        for start, end in _beside(part.start(), part.end(), title):
            end = min((a.mark.start for a in line.anchors if not a.titled and start <= a.mark.start < end), default=end)
            linked = [a for a in line.anchors if a.titled and start <= a.mark.start and a.mark.end <= end]
            if not linked or any(urls.is_paper(a.mark.url) or a.bracketed for a in linked):
                continue
            text = line.plain[start:end].strip(" \t.,;:·|–—-([")
            names = values.people(text)
            if len(names) >= len(linked) and not _DATED.search(text) and all(map(values.is_name, names)):
                first = line.plain.index(text, start)
                found.append((first, first + len(text)))
                continue
            while linked:
                run = [linked.pop(0)]
                while linked and _BETWEEN_NAMES.fullmatch(line.plain, run[-1].mark.end, linked[0].mark.start):
                    run.append(linked.pop(0))
                labels = ", ".join(a.label for a in run)
                if len(run) > 1 and not _DATED.search(labels) and all(map(values.is_name, values.people(labels))):
                    found.append((run[0].mark.start, run[-1].mark.end))
    return found


def _beside(start: int, end: int, title: tuple[int, int]) -> list[tuple[int, int]]:
    if title[1] <= start or title[0] >= end:
        return [(start, end)]
    return [(a, b) for a, b in ((start, title[0]), (title[1], end)) if a < b]


def in_prose(line: Line, anchor: Anchor, title: tuple[int, int]) -> bool:
    """Whether a link stands in a sentence, which would lack it."""
    ends = [title[1], line.start, *(a.mark.end for a in line.anchors if a.mark.end <= anchor.mark.start)]
    at = anchor.mark.start
    before = line.plain[max(e for e in ends if e <= at) : at] if at >= title[1] else ""
    return bool(_WORD_LAST.search(before)) and not _POINTS_LAST.search(before)


def with_marks(plain: str, span: tuple[int, int]) -> tuple[int, int]:
    """The span with the quotation marks and brackets right around it, and the stop that ends it."""
    start, end = span
    if plain[start - 2 : start] == "« " and plain[end : end + 2] == " »":  # as French sets them
        start, end = start - 1, end + 1
    while (
        start > 0 and end < len(plain) and plain[start - 1] in "\"“'‘«»「『【[*_" and plain[end] in "\"”'’»«」』】].,*_"
    ):
        start, end = start - 1, end + 1
    return start, end


def heading_title(line: Line, common: frozenset[str]) -> tuple[int, int]:
    """The title in a heading: without links that only point, and the bracket or the marks around it that are none."""
    start, end = _in_heading(line, common)
    quoted = _QUOTED.fullmatch(line.plain, start, end)
    return quoted.span(1) if quoted else (start, end)


def _in_heading(line: Line, common: frozenset[str]) -> tuple[int, int]:
    if line.own and not any(a.titled or a.role for a in line.anchors) and "[" not in line.plain[: line.used[0][0]]:
        return 0, len(line.plain[: line.used[0][0]].rstrip())
    whole = next((anchor for anchor in line.anchors if anchor.titled), None)
    if whole and whole.mark.start <= line.start and not re.search(r"\w", without(line)):
        return whole.mark.start, whole.mark.end
    start, end = line.start, len(line.plain)
    for first, last in line.free(line.start):
        start, end = first, last
        break
    for anchor in line.anchors:
        if not anchor.titled and anchor.mark.start <= start + 1 and not anchor.image:  # [[arXiv:…](…)] Title
            start = len(line.plain) - len(line.plain[anchor.mark.end :].lstrip(" ]):.–—-"))
        elif not anchor.titled and start < anchor.mark.start < end and anchor.label:
            end = anchor.mark.start
    while True:
        text = line.plain[start:end].rstrip(" [(:|,")
        end = start + len(text)
        bracket = re.search(
            r"\s*(?:\[(?P<in>[^\[\]]{1,80})\]|【(?P<cn>[^【】]{1,80})】)$|\s*\((?P<paren>[^()]{2,60})\)$", text
        )
        if not bracket or bracket.start() == 0:
            stops = re.search(r"[^.\s]{3}( ?\.)$", text) if len(text.split()) > 1 and not line.own else None
            return start, start + stops.start(1) if stops else end
        paren = bracket["paren"]
        shown = values.venue(paren) if paren else None
        placed = shown and (shown.known or (shown.date and len(paren) < 30))
        told = credit(prepared(Text(paren)), common) if paren and not placed else None
        if paren and not (placed or (told and told.names and told.place)) and not words.status_word(paren):
            return start, end
        end = start + bracket.start()
