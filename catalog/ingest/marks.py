"""How a stretch of a line is marked, and how well it agrees with the marks of the line: links, bold, quotation."""

from __future__ import annotations

import re

from catalog.ingest import roles, values, words
from catalog.ingest.cuts import Cut, Span
from catalog.ingest.line import Anchor, Line, at_paper
from catalog.ingest.looks import in_title_case

_BESIDE = re.compile(r"\s[-–—|·]\s|,\s")
_ROLE_LAST = re.compile(r"\s*[(（\[]([^()（）\[\]]{2,20})[)）\]]\s*$")
_CREDIT = re.compile(r"(?P<apart>\s*[-–—,(·|]\s*|\s+)(?P<by>by:?\s+)?(?P<names>[^\d]+?)\)?\s*$")
_DATED_CREDIT = re.compile(r"\s*[(（\[](?:19|20)\d\d[)）\]]\s*[-–—|·:,]\s*(?:by\s+)?(?P<names>.+?)(?:,? et al\.?)?\s*")
_LEADING_CREDIT = re.compile(
    r"(?P<names>[^\d:]+?)(?P<more>,? et al\.?)?[\s,]*[(\[]?(?P<year>(?:19|20)\d\d[a-z]?)?[)\]]?\s*[:.]?\s*"
)
_DOING = re.compile(r"\w{3,}ing\b")
_CITED_SHORT = re.compile(r"\d{4}|\bet al\b|等|&")  # "Quist et al.", "Quist & Lund": whose it is
_TOLD = re.compile(r"\s*(?:[:：]|[-–—](?=\s))\s*(?P<rest>(?P<first>\w).*)", re.S)  # what is said of a name


def mark_of(line: Line, span: Span, common: frozenset[str]) -> str:
    """How a stretch as a whole is marked: "link", "bold", "italic", "code", "quoted", or "text"."""
    start, end = span
    for anchor in line.anchors:
        if anchor.titled and abs(anchor.mark.start - start) <= 2 and abs(anchor.mark.end - end) <= 2:
            return "link"
        if is_credited(line, anchor, span, common):
            return "link"
    for kind, name in (("strong", "bold"), ("em", "italic"), ("code", "code")):
        for mark in line.text.marks:
            begins = mark.kind == kind and abs(mark.start - start) <= 2 and mark.end >= end
            if begins and not line.plain[start : mark.end].rstrip().endswith((":", "：")):
                return name  # "**Name:** …" is the beginning of a title only
    return "quoted" if any(abs(a - start) <= 1 and abs(b - end) <= 2 for a, b in line.quotes) else "text"


def until(line: Line, cut: Cut) -> str:
    """What ends a title, as the readings name it."""
    if cut.kind not in ("(", "(mark", ")", ")mark"):
        return cut.kind
    if any(not a.titled and 0 <= a.mark.start - cut.end <= 3 for a in line.anchors):
        return "link"
    return "(" if cut.kind == "(" else "mark"


def to_paper(line: Line, span: Span) -> bool:
    """Whether a stretch is what a link to a paper is called: rather its title than whose it is."""
    found = (a for a in line.anchors if a.titled and abs(a.mark.start - span[0]) + abs(a.mark.end - span[1]) < 3)
    return any(at_paper(a) and not _CITED_SHORT.search(a.label) for a in found)


def heeds(line: Line, mark: str, span: Span, common: frozenset[str]) -> float:
    """Whether the span agrees with the marks: one that cuts a mark, or takes in one and more text, is worth less."""
    start, end = span
    around = line.plain[max(0, start - 1) : start] + line.plain[end : end + 1]
    factor = 0.6 if around in ("()", "（）") and " " not in line.plain[start:end] else 1.0  # "(GloVe) A title"
    for anchor in line.anchors:
        if anchor.mark.start < end and anchor.mark.end > start and anchor.mark.start < anchor.mark.end:
            factor = min(factor, _heeds_link(line, anchor, mark, span, common))
    for kind, a, b, long in _stretches(line):
        if a < end and b > start:
            factor = min(factor, _heeds_mark(line, kind, (a, b), long, mark, span))
    if mark in ("bold", "quoted") or (mark == "link" and (end - start > 25 or not _names_link(line, span, common))):
        factor *= 1.25 if mark == "link" or end - start > 8 else 1.1
    return factor


def _heeds_link(line: Line, anchor: Anchor, mark: str, span: Span, common: frozenset[str]) -> float:
    (start, end), (a, b) = span, (anchor.mark.start, anchor.mark.end)
    if (start > a + 2 or end < b - 2) and anchor.titled:
        if is_credited(line, anchor, span, common):
            return 1.0
        return 0.7 if mark in ("quoted", "bold") else 0.35
    if not anchor.titled:
        return 0.3
    if (a - start <= 3 and end - b <= 3) or mark in ("bold", "quoted"):
        return 1.0
    told = a - start <= 1 and _TOLD.match(line.plain[b:end])  # "[BGE](…) - embeddings in many tongues"
    if told and told["first"].islower():
        return 0.5
    if told and len(anchor.label.split()) < 4 and in_title_case(told["rest"]):
        return 1.0
    ended = a - start <= 1 and line.plain[b : b + 2] == ". "  # "[Mamba](…). Linear in time."
    return 0.5 if ended or len(anchor.label.split()) > 1 else 0.8


def _heeds_mark(line: Line, kind: str, marked: Span, long: bool, mark: str, span: Span) -> float:
    """How well a span agrees with a stretch in bold, italics, code or quotation marks that it meets."""
    (start, end), (a, b) = span, marked
    cuts, holds = start > a + 2 or end < b - 3, a - start > 3 or end - b > 3
    if kind == "bold" and cuts:
        return 0.8 if mark in ("link", "quoted", "bold") else 0.45
    if kind == "bold" and holds:
        apart = long or line.plain[b:].lstrip()[:1] in "-–—|·"
        ending = a - start <= 3 and not {":", "："}.isdisjoint(line.plain[b - 1 : b + 1])  # what follows: ": A survey"
        return 0.45 if apart and not ending else 0.8
    if kind == "quoted" and ((holds and end >= b and (start >= a - 1 or start < a - 3)) or (cuts and long)):
        return 0.5
    if long and (holds or (cuts and line.plain[end:].lstrip()[:1] in tuple(".:?!,"))):
        return 0.6  # a title in italics or code and more, or a part of it
    return 1.0


def _stretches(line: Line) -> list[tuple[str, int, int, bool]]:
    """What is marked in a line as a title may be: how, from where to where, and whether it is as long as one."""
    if line.stretches is None:
        kinds = {"strong": "bold", "em": "italic", "code": "code"}
        found = [(kinds[m.kind], m.start, m.end) for m in line.text.of(*kinds) if m.end - m.start > 2]
        found += [("quoted", a, b) for a, b in line.quotes if b - a > 4]
        label = (":", "：")
        found = [(kind, a, b) for kind, a, b in found if kind == "bold" or line.plain[:b].rstrip()[-1:] not in label]
        long = [b - a > 12 and (kind == "bold" or line.plain[a:b].rstrip().count(" ") > 1) for kind, a, b in found]
        line.stretches = [(*one, is_long) for one, is_long in zip(found, long, strict=True)]
    return line.stretches


def is_credited(line: Line, anchor: Anchor, span: Span, common: frozenset[str]) -> bool:
    """Whether a link says only whose or what it is after a title: "[A title - by Ada Quist](…)", "[… (pdf)](…)"."""
    a, b = anchor.mark.start, anchor.mark.end
    if anchor.titled and span[0] > a + 2 and abs(span[1] - b) <= 2:  # "[Quist, Lund 2002: A title](…)"
        lead = _LEADING_CREDIT.fullmatch(line.plain[a : span[0]])
        return bool(lead and (lead["more"] or lead["year"]) and roles.all_names(lead["names"], common))
    if not anchor.titled or not (a - 2 <= span[0] <= a + 2 and span[1] < b):
        return False
    rest = line.plain[span[1] : b]
    beside = [piece for piece in _BESIDE.split(f" {rest} ") if piece.strip()]
    if len(beside) > 1 and all(map(roles.role_alone, beside)):
        return True  # "[A title - CVPR - 2018](…)"
    if dated := _DATED_CREDIT.fullmatch(rest):  # "[A title (2019) - Quist, Lund](…)"
        return roles.all_names(dated["names"], common)
    if (role := _ROLE_LAST.search(rest)) and words.is_role(role[1]):
        rest = rest[: role.start()]
        if not rest.strip():
            return True
    if rest[:1] in ",，" and (shown := values.venue(rest.strip(" ,，"))) and shown.known:
        return True
    paren = re.fullmatch(r"\s*[(（]([^()（）]+)[)）]\s*", rest)
    if paren and (shown := values.venue(paren[1])) and shown.known and shown.date:
        return True
    if paren and roles.role(paren[1], common, "(") == "names":
        return True
    if rest[:1] == "." and roles.role(rest[1:].strip(), common, ".") == "names":
        return True  # "[A title. Quist et al., ICML 2013](…)"
    if rest[:1] == ":" and roles.SHORT_NAMES.fullmatch(rest[1:].strip(" .")):
        return True  # "[A title: Quist et al.](…)"
    by = _CREDIT.match(rest)
    if not by or not (by["by"] or by["apart"].strip() in ("-", "–", "—")):
        return False
    names = values.people(by["names"])
    if names and _DOING.match(names[0]):  # "… by Deleting Rows and Columns"
        return False
    whole = bool(by["apart"].strip()) or "et al" in rest or all(len(name.split()) > 1 for name in names)
    least = 0.8 if not by["by"] else 0.5 if by["apart"].strip() else 0.6
    return whole and values.likely_people(by["names"], common) >= least


def _names_link(line: Line, span: Span, common: frozenset[str]) -> bool:
    text = re.sub(r"\(?(?:1[5-9]|20)\d\d[a-z]?\)?", "", line.plain[span[0] : span[1]]).strip(" ,.")
    return values.likely_people(text, common) >= 0.45
