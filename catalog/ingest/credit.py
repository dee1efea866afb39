"""Lines that say whose a work is, where and when it appeared, and lead to it, and say nothing more."""

from __future__ import annotations

import re
from typing import NamedTuple

from catalog.ingest import roles, template, values, words
from catalog.ingest.labels import gaps
from catalog.ingest.line import Line, external, leads_to_paper, prepared

_PIECE = re.compile(r"\s*[|·•｜\n\[\]（）【】]\s*|\s+[-–—/]+\s+|(?<!\b[A-ZÀ-Þ])[.。](?=\s|$)|\s{3,}")
_IN_PARENTHESES = re.compile(r"\(([^()]+)\)?$")
_COMMA = re.compile(r"[,，、;；]\s*|[:：]\s+")
_PLACES = 8  # venues and dates at the end of a line, of which two or three are usual
_LONE = 0.6  # what looks no more like names than this may be a title of two words


class Credit(NamedTuple):
    """What a line says of a work beside its title: how much like names it is, where and when, and links."""

    names: float = 0.0
    place: bool = False
    links: bool = False
    paper: bool = False

    @property
    def sure(self) -> bool:
        """Whether it cannot be a title: one name by itself may be one of two words."""
        return self.names >= _LONE or (self.place and not self.names)

    @property
    def kinds(self) -> int:
        """How many of these it says."""
        return bool(self.names) + self.place + self.links


def credit(line: Line, common: frozenset[str], beside: bool = False) -> Credit | None:
    """What a line of names, a venue, a date and links says; None where it holds anything else, or links alone.

    `beside` a title it may say, too, whether that has been read.
    """
    if any(anchor.titled and external(anchor) for anchor in line.anchors) or (line.status and not beside):
        return None
    bold = (line.plain[m.start : m.end] for m in line.text.of("strong"))
    if any(len(text.split()) > 2 and values.likely_people(text, common) < _LONE for text in bold):
        return None  # a title
    free = [span for a, b in gaps(line) for span in line.free(a, b)]
    pieces = [piece for a, b in free for piece in _PIECE.split(line.plain[a:b])]
    names, place = 0.0, bool(line.badges)
    for piece in pieces:
        text = piece.strip(" \t*_\"“”«»'’`.,;:()<>")
        if not re.search(r"\w", text) or words.link_of(text) or words.plain(text) in ("and", "links"):
            continue
        rest = _without_place(text)
        place |= rest != text
        if rest:
            likely = max(values.likely_people(rest, common, True), float(bool(roles.SHORT_NAMES.fullmatch(rest))))
            if rest != text and values.is_name(rest, common):  # "(Quist, ICML 2020)"
                likely = max(likely, 0.5)
            elif len(rest.split()) < 2:
                return None
            if likely < 0.5 or ":" in rest:
                return None
            names = max(names, likely)
    links = any(map(external, line.anchors))
    return Credit(names, place, links, any(map(leads_to_paper, line.anchors))) if names or place else None


def cites(line: Line, common: frozenset[str]) -> bool:
    """Whether a line is a title and a credit and no more: with a place, a link to the paper, or the title marked."""
    worth, name, (start, end) = template.best(line, common)
    if worth < 0.35:
        return False
    before = line.start if name.after != "short" else start  # "(GloVe) A title"
    sides = [line.text.cut(before, start), line.text.cut(end, len(line.plain))]
    said = [credit(prepared(side), common, beside=True) for side in sides if re.search(r"\w", side.plain)]
    found = [one for one in said if one]
    marked = name.mark in ("bold", "quoted", "italic", "code")
    named = any(one.names >= _LONE or (one.names and (one.place or not marked)) for one in found)
    told = named and (marked or any(one.place for one in found))
    sure = worth >= 0.5 or any(one.names for one in found)
    return sure and bool(found) and len(found) == len(said) and (told or any(map(leads_to_paper, line.anchors)))


def _without_place(text: str, most: int = _PLACES) -> str:
    """A text without the venue and the date that it is, or that stand at its end, in parentheses or after a comma; of
    more than so many, only the last."""
    whole = _is_place(text)
    for apart in [*_IN_PARENTHESES.finditer(text), *list(_COMMA.finditer(text))[-3:]]:
        head, tail = text[: apart.start()].strip(" (),*_"), text[apart.end() :] or apart[0]
        told = apart[0].strip() in (":", "：")  # "Quist: May 2019", but "A title: why" is none
        if told and len(tail.split()) > 3:
            continue
        least = 0.5 if told else 0.3 if whole else 0.0
        if head and _is_place(tail) and values.likely_people(head) >= least:
            return _without_place(head, most - 1) if most else head
    return "" if whole else text


def _is_place(text: str) -> bool:
    if values.is_date(text):
        return True
    shown = values.venue(text) if len(text.split()) < 12 else None
    return bool(shown and (shown.known or (shown.date and len(text.split()) < 4)))
