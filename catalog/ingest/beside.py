"""What stands before and behind a title in its line, and how much that speaks for a title there."""

from __future__ import annotations

import re
from collections.abc import Sequence

from catalog.ingest import looks, roles, values, words
from catalog.ingest.cuts import EDGE, Cut, Span
from catalog.ingest.line import KIND_OF_WORK, Line, at_paper
from catalog.ingest.marks import is_credited
from catalog.ingest.tree import Mark, blanked

_MOST_STARTS = 6
_MOST_NAMES = 3
MOST_RIGHT = 1.1  # times what precedes it a title is worth by what follows it
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+|(?:arxiv|doi):\S+", re.I)
_PART = re.compile(r"\s+[-–—|·•/]+\s+|\s*[|｜；;]\s*|[.。](?=\s|$)(?<![A-ZА-ЯЁ]\.)|[(（\[【]|\n")
_INSIDE = re.compile(r"[\[【(（`]\s*([^\[\]【】()（）`]{1,80})[\])）】`]")
_FAMILY_YEAR = re.compile(r"[A-ZÀ-ÖØ-Þ][\w'’-]{2,},? [(\[]?(?:19|20)\d\d\b")  # "Hoare (1978)"
_PLACE_YEAR = re.compile(  # "Fog-IoT(2020)", "11th Workshop on Piers(2009)", "小型微型计算机系统(2017)"
    r"(?:[A-Z\d][^\s.,:()]*(?: [^\s.,:()]+){0,5}|[\u3400-\u9fff]{2,15}) ?[(（](?:19|20)\d\d[)）]"
)
_SMALL = r"(?:[A-Z][\w.&-]*|\([^()\d]{2,30}\)|of|the|and|in|for|on)"
_VOLUME = (
    re.compile(  # "in: …", "Geophysics 51 (1986) 54", "Bull. Soc. Am. 58 (1) (1968) 367", "Math. of Comput., 47, 437"
        rf"[Ii]n:\s|[A-Z][\w.&-]*(?:,?\s{_SMALL}){{0,9}}"
        r"(?:,?\s\d{1,4}(?:\s?\(\d[\d–-]*\))?\s?\((?:19|20)\d\d\)|,\s\d{1,4}(?:\(\d[\d–-]*\))?,\s[A-Z]?\d)"
    )
)
_COLUMN = re.compile(r"\s+[|·｜]\s+")
_LAST_OF_NAMES = re.compile(r"(?:and|et|und|y|&)\s")
_NAMED_YEAR = re.compile(r"[^()\n]{3,60}[(,]\s?(?:19|20)\d\d\b")
_NAMED_PLACE = re.compile(r"[^().,]{3,40}\(([^()]+)\)")
_DATED_HEAD = re.compile(r"(?:1[5-9]|20)\d\d[a-z]?[)）]\s*[:.,：]?\s*(?:\S+\s+){2}\S")
_NAME_GOES_ON = re.compile(r"\s*(?:[A-ZÀ-ÖØ-ÞĀ-ſА-ЯЁ]\.|[\w'’-]+(?:[,.:]| and | & ))")  # "James C. Corbett, Jeff Dean"
_MARKED_BY = {":": ":", "：": ":", ",": ",", "，": ","}  # what stands right after a mark's end ends the title


def starts(line: Line, cuts: Sequence[Cut], common: frozenset[str]) -> list[tuple[int, str, float]]:
    """Where a title may begin, what stands before it there, and how much that speaks for it."""
    plain, start = line.plain, line.start
    out = [(start, "", 1.0)]
    named, whole, last = True, False, start
    opening = {mark.end for mark in line.text.marks if mark.start <= start + 1}
    labels = [m for m in line.text.of("strong", "code") if start <= m.start < start + 90 and m.end - m.start < 40]
    for cut in cuts:
        if cut.start <= start or cut.kind == "end" or cut.start >= len(plain):
            continue
        if not plain[start : cut.start].strip(EDGE + "()[]（）【】"):
            if cut.start > out[-1][0]:
                out.append((cut.start, "", 1.0))
            last = cut.start
            continue
        if named and cut.end > last:
            piece, begun, last = plain[last : cut.end], last, cut.start
            closed = plain.count("(", start, cut.start) == plain.count(")", start, cut.start)
            behind = closed and out[-1][1] == "names" and out[-1][0] <= begun + 2
            if behind and roles.role_alone(piece) in ("venue", "date"):
                out.append((cut.start, "names", 1.05))  # whose, where and when, and then the title
                whole = True
                continue
            named = roles.is_time(piece) if whole else roles.goes_on(piece, common, not out[1:])
        if cut.kind == ")mark" and labels[1:] and _labelled(plain, labels, start, cut.end):
            follows = plain[cut.start :].lstrip(EDGE).partition(" · ")[0][:200]
            out.append((cut.start, "short", 0.95 if looks.in_title_case(follows) else 0.5))
            continue
        if cut.kind == "(" or (cut.kind == ")mark" and cut.end not in opening):
            continue  # only a mark that opens the line stands before a title
        if not (named or cut.kind == "(mark" or cut.start - start < 90):
            continue
        after, worth = _left(line, start, cut, common, named)
        if after or cut.kind == "(mark":
            out.append((cut.start, after or "?", worth))
        whole = whole or (after == "names" and cut.kind in (".", ":", "-", "by"))
    names = [one for one in out if one[1] == "names"][:-_MOST_NAMES]  # of many the last are what matters
    return [one for one in out if one not in names][:_MOST_STARTS]


def _labelled(plain: str, labels: Sequence[Mark], start: int, end: int) -> bool:
    """Whether a head is several short texts, each marked: "**BotBrain** **[Fern Group]** A title"."""
    said = [(mark.start, mark.end) for mark in labels if mark.end <= end]
    short = all(len(plain[a:b].split()) < 5 for a, b in said)
    return len(said) > 1 and short and not blanked(plain, said, start, end).strip(EDGE + "[]()")


def _left(line: Line, start: int, cut: Cut, common: frozenset[str], named: bool) -> tuple[str, float]:
    """What a head before a title is, and how much it speaks for a title after it; "" where nothing explains it."""
    plain = line.plain
    head, whole = plain[start : cut.end].strip(' *_"“”„«「『[](),.:：;–—-|·/`'), plain[start : cut.start]
    if cut.kind == "," and _LAST_OF_NAMES.match(plain, cut.start):
        return "", 0.0
    if "\n" in whole and values.likely_people(head.partition(": ")[2], common) >= 0.6:
        return "names", 1.05  # below what the work is called, and whose it is
    inside = (a for a in line.anchors if a.mark.start >= start and a.mark.end <= cut.start and not a.titled)
    links = [(a.mark.start, a.mark.end) for a in inside]
    if links and not re.search(r"\w", blanked(plain, links, start, cut.start)):
        return "link", 1.0
    if roles.YEAR_ALONE.fullmatch(whole) or values.is_date(head):
        return "date", 1.0
    shown = values.venue(head) if len(head) < 90 and not re.search(r"[)\]?!]\s", head) else None
    if shown and shown.known and (cut.kind != "," or shown.date) and all(map(roles.role_alone, _COLUMN.split(head))):
        return "venue", 1.0
    if named and cut.kind != "end" and _are_names(line, start, cut, head, common):
        return "names", 1.05
    if cut.kind == "." and KIND_OF_WORK.search(plain, cut.end) and not roles.unfinished(whole, plain[cut.start :]):
        return "names", 1.05  # "STONE A, 林海. A title[J]. Neural Networks, 2021"
    medical = cut.kind == "." and roles.is_vancouver(head) and not _NAME_GOES_ON.match(plain, cut.start)
    if medical or (cut.kind in (":", ".") and roles.like_one_name(head, common)):
        return "names", looks.LONE  # "Ada Quist: …" and "Big Bird: …" look alike; the run tells
    if shown and shown.date and len(head) < 30 and cut.kind in (")", "-", ":", "(mark", ")mark"):
        return "venue", 1.0
    if len(head.split()) <= 3 and len(head) < 30 and cut.kind in (":", "-", "(mark"):
        return "short", 0.75 if cut.kind == "(mark" else 0.6
    return "", 0.75 if len(head) < 16 or plain[: cut.end].rstrip().endswith((":", "：")) else 0.55


def _are_names(line: Line, start: int, cut: Cut, head: str, common: frozenset[str]) -> bool:
    """Whether what stands before a cut is names, with or without a year, and all of them."""
    names = roles.without_year(head)
    dated = names != head
    if roles.SHORT_NAMES.fullmatch(names.strip(" ,.;:*_")) or (cut.kind == ":" and roles.names_and_year(head, common)):
        return True
    names = names.strip(" ,.;")
    names += "." * bool(roles.ONE_TURNED.fullmatch(f"{names}."))
    least = 0.5 if dated or cut.kind in ("-", "(mark", ")", "line") else 0.55
    if values.likely_people(names, common, True) < least:
        return False
    linked = [a for a in line.anchors if a.titled and start <= a.mark.start and a.mark.end <= cut.start]
    if linked and not (dated or "et al" in names or (len(values.people(names)) > 1 and not all(map(at_paper, linked)))):
        return False  # what a link is called rather than whose it is
    if cut.kind == "." and roles.unfinished(line.plain[start : cut.end], line.plain[cut.start :]):
        return False
    return cut.kind != "," or dated or roles.each_name(names, common)


def right(line: Line, cut: Cut, span: Span, stop: int, after: str, common: frozenset[str]) -> float:
    """How much what follows a stretch speaks for a title that ends there."""
    plain, title, kind = line.plain, line.plain[span[0] : span[1]], cut.kind
    at = cut.start if kind != "." else cut.end
    if kind in (")mark", "(mark"):
        kind = _MARKED_BY.get(plain[at:].lstrip(' *_"”»」』')[:1], kind)
    if kind == "type":
        return MOST_RIGHT
    if title[-1] in "?!" and re.match(r'["”]:\s', plain[span[1] : span[1] + 3]):
        return 0.4  # "“What?”: …" is the beginning of a title
    if kind in ("by", "-", "(", ",", ":") and any(is_credited(line, anchor, span, common) for anchor in line.anchors):
        return 1.08
    following = plain[at:stop].lstrip(' \t*_"”»」』)]）】.,;:')
    if not following or cut.kind == "end" or _is_link(line, following, stop - len(following)):
        return 1.0
    inside = _INSIDE.match(following)
    role = roles.role(inside[1], common, "(") if inside else ""
    if inside and (role or words.is_role(inside[1]) or words.status_word(inside[1])):
        return 1.05 if role else 0.97
    kind = "(" if inside else "-" if kind == "by" and _NAMED_YEAR.match(following) else kind  # a year after the name
    if _FAMILY_YEAR.match(following):
        role = "names"
    elif (kind == "." and _PLACE_YEAR.match(following)) or (kind in (".", ",", ":") and _VOLUME.match(following)):
        role = "venue"
    elif not inside:
        role = roles.role(_PART.split(following, maxsplit=1)[0][:400], common, kind)
    comma = max(title.rfind(", "), title.rfind(": "))
    if comma > 0 and _VOLUME.match(plain, span[0] + comma + 2):
        return 0.5  # the journal after it begins before its end
    glued = plain[span[1] : span[1] + 1] in ("(", "（")  # "A title. Fog-IoT(2020)"
    if role == "date" and (after == "names" or glued) and kind in (",", "(") and looks.goes_on(title):
        return 0.6  # "Quist, A. A title. Journal, 2010"
    if (less := _contradicted(title, following, kind, role, common)) < 1:
        return less
    marks = line.text.of("strong", "link")
    within = any(mark.start <= span[0] + 2 and cut.end < mark.end - 1 for mark in marks)
    if role:
        return (1.08 if role == "names" else 1.05) * (0.75 if within else 1.0)
    return _unexplained(plain, cut, kind) * (0.65 if within else 1.0)


def _is_link(line: Line, following: str, at: int) -> bool:
    """Whether what follows a title is a link that only points, an address, or a bracket with a link in it."""
    if any(a.mark.start <= at < max(a.mark.end, a.mark.start + 1) and not a.titled for a in line.anchors):
        return True
    bracketed = following[0] in "[【(（" and any(0 <= a.mark.start - at <= 3 for a in line.anchors)
    return bracketed or bool(_ADDRESS.match(following))


def _contradicted(title: str, following: str, kind: str, role: str, common: frozenset[str]) -> float:
    """How much what follows speaks against a title before it: more of it, or of the names that it then is."""
    if role == "names" and kind == ",":
        last = looks.tail(title) or (title if len(title.split()) < 4 and not title.isupper() else "")
        if values.likely_people(last, common, True) >= 0.5:
            return 0.3  # one name of several
        beside = _NAMED_PLACE.match(following)
        if beside and roles.role(beside[1], common, "(") == "names":
            return 0.3  # "Commit Early, Regret Never (Upton et al., MSR 2019)"
    short = kind == ":" and len(title.split()) < 4 and not role
    if short and len(following.split()) > 3 and looks.in_title_case(following):
        return 0.5  # "[BERT](…): Pre-training of Deep Transformers"
    if _DATED_HEAD.match(following) and values.likely_people(title, common, True) >= 0.5:
        return 0.4  # "Ada Quist (2018): A title"
    return 1.0


def _unexplained(plain: str, cut: Cut, kind: str) -> float:
    """How much speaks for a title that ends at a cut behind which stands nothing that a work is told by."""
    if kind == "by" or cut.kind in (")mark", "(mark"):
        told = plain[: cut.end].rstrip(" *_")[-1:] in ":："  # "**Name:** …" is the beginning of a title
        return 0.5 if told else 0.85 if kind in (":", ",") else 0.9
    if kind == "." and plain[cut.end - 1] in "?!":
        return 0.6  # a title often goes on after its question
    return {",": 0.5, ":": 0.75, "(": 0.8, ")": 0.8, ".": 0.85, "-": 0.85}.get(kind, 0.85)
