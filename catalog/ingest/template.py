"""The template of a list: several readings of where titles stand are scored over all siblings, and one is taken.

A line is cut where it could be: at the edges of marks and quotation marks, at brackets, dashes, bars, commas, colons
and the ends of sentences. A title is a stretch between two cuts. It is worth most where it looks like one, agrees with
the marks, and where what it leaves on either side is explained: names, a venue, a date, a link, nothing.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from catalog.ingest import values, words
from catalog.ingest.line import KIND_OF_WORK, Anchor, Line, at_paper
from catalog.ingest.tree import Mark

_MARKS = {"link": "the link", "bold": "what is in bold", "quoted": "what is in quotation marks",
          "italic": "what is in italics", "code": "what is in code", "text": "the text"}  # fmt: skip
_AFTER = {"names": "the names", "venue": "the venue", "date": "the date", "link": "the link", "short": "a short name"}
_UNTIL = {".": "a full stop", ",": "a comma", ":": "a colon", "-": "a dash", "(": "a parenthesis", "by": "“by”",
          "type": "its kind", "link": "the links", "blanks": "two blanks"}  # fmt: skip

_CUTS = re.compile(
    rf"(?P<line>\n)|(?P<type>{KIND_OF_WORK.pattern})"
    r"|(?P<blanks>(?<=\S)(?:[  ]{2,}|\u3000|\t)(?=\S))"
    r"|(?P<by>[\s,;–—-]+\(?by:?\s+(?=[A-Z\u3400-\u9fff]))"
    r"|(?P<dash>\s+[-–—|·•/\\]+\s+|\s*——\s*|\s*[｜|•]\s*|;\s+|；\s*)"
    r"|(?P<open>\s*[(（\[【《])|(?P<close>[)）\]】》])"
    r"|(?P<stop>[.?!](?=\s+(?:[\"“A-ZА-ЯЁ\d\[(\u3400-\u9fff]|arXiv|bioRxiv|medRxiv|https?:|doi:|[a-z]\w*[A-Z\d])|\s*$|[\[(*])|[。！？])"
    r"|(?P<comma>[,，、]\s*)|(?P<colon>\s*[:：](?=\s|$|[^\x00-\x7f])\s*)"
)
_KIND = {"dash": "-", "open": "(", "close": ")", "stop": ".", "comma": ",", "colon": ":"}
_ABBREVIATION = re.compile(
    r"(?:[A-Z]\.){2}[A-Z]$|\b(?:U\.[SKN]|D\.C|vs|etc|Dr|Prof|St|Mr|Mrs|Jr|Sr|No|Vol|vol|pp|eds?|i\.e|e\.g|cf|Bros|Inc|Fig|Eq|approx|v\d+|Proc|Conf|Int|Trans)$"
)
_INITIAL = re.compile(r"(?:^|[\s.,-])[A-ZÀ-ÖØ-ÞĀ-ſА-ЯЁ]$")
_BY = re.compile(r"[\s,;–—-]+\(?by:?\s+(?=[A-Z\u3400-\u9fff])")
_APA = re.compile(r"[(（](?:1[5-9]|20)\d\d[a-z]?(?:,\s*[A-Za-z]+\.?(?:\s+\d{1,2})?)?[)）][.,:]?\s*")
_YEAR_ALONE = re.compile(r"[\s(\[（【]*(?:(?:1[5-9]|20)\d\d[a-z]?)[\s)\]）】.,:]*")
_LAST_YEAR = re.compile(
    r"[\s,.;]*[(（\[]?(?:1[5-9]|20)\d\d[a-z]?(?:,\s*[A-Za-z]+\.?(?:\s+\d{1,2})?)?[)）\]]?[\s.,:;]*$"
)
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+|(?:arxiv|doi):\S+", re.I)
_PLACED = re.compile(
    r"[,.;(\[/|–—-]\s*(?:[A-Z][\w&-]+[\s'’]*){0,2}(?:19|20)\d\d[)\]]?$|[(\[（][^()\[\]（）]{0,80}(?:19|20)\d\d[)\]）]$"
)
_LAST_PAREN = re.compile(r"[(\[（]([^()\[\]（）]{3,60})[)\]）]$")
_PLACE_LAST = re.compile(r"[.,?!]\s+[Ii]n:?(?:\s+[A-Z*\d]\S*(?:\s+\S+){0,9})?$")  # "… . In Proceedings of …"
_PROSE = re.compile(
    r"\b(?:this (?:paper|work|article|study|repo|repository|is)|we (?:propose|present|show|introduce)|is an? )\b", re.I
)
_PART = re.compile(r"\s+[-–—|·•/]+\s+|\s*[|｜；;]\s*|[.。](?=\s|$)(?<![A-ZА-ЯЁ]\.)|[(（\[【]|\n")
_COMMA = re.compile(r"[,，、]\s*")
_FIRST = re.compile(r"(?:(?<!\b[A-Z])\.|[,:])\s|\s[-–—|/·]+\s")
_LAST = re.compile(rf".*(?P<at>{_FIRST.pattern})", re.S)
_EDGE = ' \t\n*_"“”„«»「」『』《》:：,.;，、·•|–—/-'
_LONGEST = 700  # characters of a line in which a title is looked for
_MOST_STARTS, _MOST_ENDS = 6, 9
_FAMILY_YEAR = re.compile(r"[A-ZÀ-ÖØ-Þ][\w'’-]{2,},? [(\[]?(?:19|20)\d\d\b")  # "Hoare (1978)"
_PAIR = re.compile(r"[A-ZÀ-ÖØ-Þ][\w'’-]+ (?:&|and|et|und|y) [A-ZÀ-ÖØ-Þ][\w'’-]+")
_SHORT_NAMES = re.compile(
    r"[A-ZÀ-ÖØ-Þ][\w'’-]+(?: [A-ZÀ-ÖØ-Þ][\w'’-]+)?(?: [ae]t\.? al| & [A-ZÀ-ÖØ-Þ][\w'’-]+)"
)  # "Ek et al."
_ROLE_LAST = re.compile(r"\s*[(（\[]([^()（）\[\]]{2,20})[)）\]]\s*$")
_CREDIT = re.compile(r"(?P<apart>\s*[-–—,(·|]\s*|\s+)(?P<by>by:?\s+)?(?P<names>[^\d]+?)\)?\s*$")
_DATED_CREDIT = re.compile(r"\s*[(（\[](?:19|20)\d\d[)）\]]\s*[-–—|·:,]\s*(?:by\s+)?(?P<names>.+?)(?:,? et al\.?)?\s*")
_LEADING_CREDIT = re.compile(
    r"(?P<names>[^\d:]+?)(?P<more>,? et al\.?)?[\s,]*[(\[]?(?P<year>(?:19|20)\d\d[a-z]?)?[)\]]?\s*[:.]?\s*"
)
_INVERTED = re.compile(r"[A-ZÀ-ÖØ-Þ][\w'’-]+, [A-ZÀ-ÖØ-Þ][\w.'’-]*(?: [A-ZÀ-ÖØ-Þ]\.?)*")  # "Quist, Ada"
_HEAD = re.compile(r"\.\s|(?<=\b[A-ZÀ-ÖØ-Þ])\.?:\s")  # what may end names: "Quist A. A title", "Quist, A.: A title"
_FULL = re.compile(r"[A-ZÀ-ÖØ-Þ][\w'’-]+, [A-ZÀ-ÖØ-Þ][\w'’-]+(?: [A-ZÀ-ÖØ-Þ]\.?)*")  # "Quist, Ada M."
_SENTENCE = re.compile(r"[.?!](?=\s+[A-ZА-ЯЁ])")
_DOING = re.compile(r"\w{3,}ing\b")
_ROMAN = re.compile(r"\b[IVX]{2,4}$")  # "Big Bird II" is no name
_CITED_SHORT = re.compile(r"\d{4}|\bet al\b|等|&")  # "Quist et al.", "Quist & Lund": whose it is
_LONE = 0.8  # what one name before a title is worth
_AS_THE_RUN = 0.25  # and what more where most of the run has names there
_TOLD = re.compile(r"\s*(?:[:：]|[-–—](?=\s))\s*(?P<rest>(?P<first>\w).*)", re.S)  # what is said of a name
_DATED_HEAD = re.compile(r"(?:1[5-9]|20)\d\d[a-z]?[)）]\s*[:.,：]?\s*(?:\S+\s+){2}\S")
_LAST_NAME = re.compile(r"[;；\n]|\b[Bb]y\s+|[-–—/|·]\s+")
_NEXT_NAME = re.compile(r"[;；\n()\[\]\"“»`]|\.(?=\s+\w{3})|(?<=\w{3})\.|,?\s+(?:[-–—/|·]|et al)")
_CJK = re.compile("[\u3040-\u9fff\uac00-\ud7af]")
_ONE_TURNED = re.compile(  # "Wright, S.", "Петрова А. А."; but "Ian H. Quist" is one name
    r"[A-ZÀ-ÖØ-ÞĀ-ſ][\w'’-]+, (?:[A-ZÀ-ÖØ-ÞĀ-ſ]\.[ -]?)+|[А-ЯЁ][\w-]+,? (?:[А-ЯЁ]\.[ -]?)+"
)
_NAME_GOES_ON = re.compile(r"\s*(?:[A-ZÀ-ÖØ-ÞĀ-ſА-ЯЁ]\.|[\w'’-]+(?:[,.:]| and | & ))")  # "James C. Corbett, Jeff Dean"
_ARTICLE = re.compile(r"(?:An?|The) ")
_MOST_RIGHT = 1.1  # times what precedes it a title is worth by what follows it
_HOPELESS = 0.3  # of the best reading so far: what is worth no more by its length is looked at no further
_BY_LENGTH = ((1, 0.35), (2, 0.85), (20, 1.0), (30, 0.7), (59, 0.25), (10_000, 0.1))  # words at most, worth


class Cut(NamedTuple):
    """A place where a line may be cut: what stands before ends at `end`, what follows begins at `start`."""

    end: int
    start: int
    kind: str


class Reading(NamedTuple):
    """Where a title stands: what is before it, how it is marked, and what ends it."""

    after: str = ""
    mark: str = "text"
    until: str = ""

    def __str__(self) -> str:
        """In words, for the report."""
        after = f" after {_AFTER[self.after]}" if self.after in _AFTER else ""
        if not after and self.mark == "text" and self.until not in _UNTIL:
            return "the whole line"
        return f"{_MARKS[self.mark]}{after}" + (f", up to {_UNTIL[self.until]}" if self.until in _UNTIL else "")


@dataclass(slots=True)
class Choice:
    """How a run of siblings was read: the reading, the next best, and how many fit it."""

    name: Reading | None
    second: Reading | None = None
    of: int = 0
    fitting: int = 0
    close: bool = False


Span = tuple[int, int]
Scored = dict[Reading, tuple[float, Span]]


def readings(line: Line, common: frozenset[str]) -> Scored:
    """Each reading of a line with how much it is worth and where it says that the title stands."""
    if line.scored is None:
        line.scored = _readings(line, common)
    return line.scored


def best(line: Line, common: frozenset[str]) -> tuple[float, Reading, Span]:
    """The best reading of a line by itself; worth 0 where there is none."""
    found = readings(line, common)
    name = max(found, key=lambda one: found[one][0], default=Reading())
    return (found[name][0], name, found[name][1]) if found else (0.0, name, (0, 0))


def _readings(line: Line, common: frozenset[str]) -> Scored:
    plain, start = line.plain, line.start
    stop = plain.find("\n", start)
    if stop > 0 and _names_first(plain[start:stop], plain[stop:], common):  # the title stands in the second line
        stop = plain.find("\n", stop + 1)
    stop = min(len(plain) if stop < 0 else stop, start + _LONGEST, line.stop or len(plain))
    cuts = _cuts(line, start, stop)
    out: Scored = {}
    most = 0.0
    for first, after, left in _starts(line, cuts, common):
        ends = [cut for cut in cuts if cut.end > first][:_MOST_ENDS]
        marked = next((c for c in cuts if c.kind == ")mark" and c.end > first and c not in ends), None)
        for cut in [*ends, marked] if marked else ends:
            span = _trimmed(plain, first, cut.end)
            title = plain[slice(*span)]
            if len(title) < 2 or _by_length(_count(title)) < _HOPELESS * most:
                continue
            mark = _mark_of(line, span, common)
            name = Reading(after, mark, _until(line, cut))
            heeded = _heeds(line, mark, span, common) * left
            worth = heeded * _look(title, name, common, _to_paper(line, span), _HOPELESS * most / heeded)
            if worth > max(0.05, _HOPELESS * most / _MOST_RIGHT):
                worth *= _right(line, cut, span, stop, after, common)
            if name not in out or worth > out[name][0]:
                out[name] = (worth, span)
                most = max(most, worth)
    return out


def _names_first(first: str, rest: str, common: frozenset[str]) -> bool:
    """Whether a first line holds names, and the second does not."""
    first, second = first.strip(_EDGE), rest.strip().partition("\n")[0]
    likely = values.likely_people(first, common, True) if _goes_on(_COMMA.split(first)[0], common, True) else 0.0
    return likely >= 0.6 and len(second.split()) > 2 and not _role(second, common, "-")


def _cuts(line: Line, start: int, stop: int) -> list[Cut]:
    """Where a line may be cut, in order; edges of marks are kinds of their own."""
    plain = line.plain
    found: list[Cut] = []
    for match in _CUTS.finditer(plain, start, stop):
        kind = _KIND.get(match.lastgroup or "", match.lastgroup or "")
        if kind == "." and _ABBREVIATION.search(plain, max(start, match.start() - 8), match.start()):
            continue
        if match[0].strip() in (";", "；"):
            edge = min((m.end for m in line.text.marks if m.end > match.end() + 2), default=stop)
            if between_names(plain[start : match.start()], plain[match.end() : edge]):
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


def between_names(before: str, after: str) -> bool:
    """Whether a semicolon between two texts parts two names: "Quist, Ada; Lund, Bo"."""
    left, right = _LAST_NAME.split(before[-80:])[-1], _NEXT_NAME.split(after[:80], maxsplit=1)[0]
    return values.is_name(left.strip(" *_(.,:")) and values.is_name(right.strip(" *_"))


def _starts(line: Line, cuts: Sequence[Cut], common: frozenset[str]) -> list[tuple[int, str, float]]:
    """Where a title may begin, what stands before it there, and how much that speaks for it."""
    plain, start = line.plain, line.start
    out = [(start, "", 1.0)]
    named, whole, last, named_starts = True, False, start, 0
    opening = {mark.end for mark in line.text.marks if mark.start <= start + 1}
    labels = [m for m in line.text.of("strong", "code") if start <= m.start < start + 90 and m.end - m.start < 40]
    for cut in cuts:
        if cut.start <= start or cut.kind == "end" or cut.start >= len(plain):
            continue
        if not plain[start : cut.start].strip(_EDGE + "()[]（）【】"):
            if cut.start > out[-1][0]:
                out.append((cut.start, "", 1.0))
            last = cut.start
            continue
        if named and cut.end > last:
            piece, begun, last = plain[last : cut.end], last, cut.start
            closed = plain.count("(", start, cut.start) == plain.count(")", start, cut.start)
            if closed and out[-1][1] == "names" and out[-1][0] <= begun + 2 and _role_alone(piece) in ("venue", "date"):
                out.append((cut.start, "names", 1.05))  # whose, where and when, and then the title
                named_starts, whole = named_starts + 1, True
                continue
            named = _dates(piece) if whole else _goes_on(piece, common, not out[1:])
        opens = cut.kind == "(mark"
        if cut.kind == ")mark" and labels[1:] and _labelled(plain, labels, start, cut.end):
            follows = plain[cut.start :].lstrip(_EDGE).partition(" · ")[0][:200]
            out.append((cut.start, "short", 0.95 if in_title_case(follows) else 0.5))
            continue
        if cut.kind == ")mark" and cut.end not in opening:
            continue  # only a mark that opens the line stands before a title
        if cut.kind == "(" or not (named or opens or cut.start - start < 90):
            continue
        after, worth = _left(line, start, cut, common, named)
        if after:
            out.append((cut.start, after, worth))
            named_starts += after == "names"
            whole = whole or (after == "names" and cut.kind in (".", ":", "-", "by"))
        elif opens:
            out.append((cut.start, "?", worth))
    if named_starts > 3:  # of many names the last are what matters
        skip = named_starts - 3
        kept = []
        for one in out:
            skip -= one[1] == "names"
            kept += [one] if one[1] != "names" or skip < 0 else []
        out = kept
    return out[:_MOST_STARTS]


def _labelled(plain: str, labels: Sequence[Mark], start: int, end: int) -> bool:
    """Whether a head is several short texts, each marked: "**BotBrain** **[Fern Group]** A title"."""
    rest, said = list(plain[start:end]), [mark for mark in labels if mark.end <= end]
    for mark in said:
        rest[mark.start - start : mark.end - start] = " " * (mark.end - mark.start)
    short = all(len(plain[m.start : m.end].split()) < 5 for m in said)
    return len(said) > 1 and short and not "".join(rest).strip(_EDGE + "[]()")


def _goes_on(piece: str, common: frozenset[str], first: bool = False) -> bool:
    """Whether a piece of a head may be of names, a year or initials, so that the names may go on."""
    piece = re.sub(r"^(?:and|und|et|y|&|with|by)\s+", "", piece.rpartition(";")[2].strip(' *_()[]"“.,;:')).strip()
    piece = without_year(piece) or piece
    if not first and _ARTICLE.match(piece):
        return False
    if len(piece) < 3 or _dates(piece) or re.fullmatch(r"[ae]t\.? al|others", piece):
        return True
    return _vancouver(piece) or bool(_SHORT_NAMES.match(piece)) or values.likely_people(piece, common) >= 0.3


def without_year(text: str) -> str:
    """A text without the year that it ends in: "Quist and Lund (2019)"."""
    last = (
        _LAST_YEAR.search(text, max(0, len(text) - 60)) if text[-1:] and any(c.isdigit() for c in text[-24:]) else None
    )
    return text[: last.start()] if last else text


def _dates(piece: str) -> bool:
    """Whether a piece of a head is a year, or the month beside one: "(2020", "May)"."""
    return bool(_YEAR_ALONE.fullmatch(piece)) or re.sub(r"[\W\d]+", "", piece).lower() in words.months()


def _like_one_name(head: str, common: frozenset[str]) -> bool:
    """Whether a text of two or three words could be one name, or two surnames: "Ada Quist", "Quist and Lund"."""
    short = len(head) < 5 if words_cjk(head) else len(head.split()) in (2, 3)
    alone = short and "," not in head and head[-2] != " " and values.is_name(head, common)
    inverted = bool(_FULL.fullmatch(head)) and values.is_name(head, common)
    return alone or inverted or bool(_PAIR.fullmatch(head))


def is_short_name(text: str) -> bool:
    """Whether a text is surnames that stand for all: "Ek et al.", "Ek & Foss"."""
    return bool(_SHORT_NAMES.fullmatch(text) or _SHORT_NAMES.fullmatch(f"{text}."))


def _vancouver(text: str) -> bool:
    """Whether a text is one name as medicine writes it: "Kingma DP"."""
    return not _ROMAN.search(text) and bool(
        re.fullmatch(
            r"(?:[a-z]{2,3} )?[A-ZÀ-ÖØ-ÞĀ-ſА-ЯЁ][\w'’-]+(?: [A-ZÀ-ÖØ-ÞĀ-ſА-ЯЁ][\w'’-]+)? [A-ZÀ-ÖØ-ÞĀ-ſА-ЯЁ]{1,3}", text
        )
    )


def _left(line: Line, start: int, cut: Cut, common: frozenset[str], named: bool) -> tuple[str, float]:
    """What a head before a title is, and how much it speaks for a title after it; "" where nothing explains it."""
    plain = line.plain
    head = plain[start : cut.end].strip(' *_"“”„«「『[](),.:：;–—-|·/`')
    whole = plain[start : cut.start]
    links = [a for a in line.anchors if a.mark.start >= start and a.mark.end <= cut.start and not a.titled]
    if links and not re.search(r"\w", _without(whole, start, links)):
        return "link", 1.0
    if _YEAR_ALONE.fullmatch(whole) or values.is_date(head):
        return "date", 1.0
    shown = values.venue(head) if len(head) < 90 and not re.search(r"[)\]?!]\s", head) else None
    if shown and shown.known and (cut.kind != "," or shown.date):
        return "venue", 1.0
    if named and cut.kind != "end" and _are_names(line, start, cut, head, common):
        return "names", 1.05
    medical = cut.kind == "." and _vancouver(head) and not _NAME_GOES_ON.match(plain, cut.start)
    if medical or (cut.kind in (":", ".") and _like_one_name(head, common)):
        return "names", _LONE  # "Ada Quist: …" and "Big Bird: …" look alike; the run tells
    if shown and shown.date and len(head) < 30 and cut.kind in (")", "-", ":", "(mark", ")mark"):
        return "venue", 1.0
    if len(head.split()) <= 3 and len(head) < 30 and cut.kind in (":", "-", "(mark"):
        return "short", 0.75 if cut.kind == "(mark" else 0.6
    return "", 0.75 if len(head) < 16 or plain[: cut.end].rstrip().endswith((":", "：")) else 0.55


def _are_names(line: Line, start: int, cut: Cut, head: str, common: frozenset[str]) -> bool:
    """Whether what stands before a cut is names, with or without a year, and all of them."""
    names = without_year(head)
    dated = names != head
    if _SHORT_NAMES.fullmatch(names.strip(" ,.;:*_")):
        return True
    names = names.strip(" ,.;")
    if cut.kind == ":" and _names_and_year(head, common):
        return True
    names += "." * bool(_ONE_TURNED.fullmatch(f"{names}."))
    likely = values.likely_people(names, common, True)
    if likely < (0.5 if dated or cut.kind in ("-", "(mark", ")", "line") else 0.55):
        return False
    cited = dated or "et al" in names
    linked = [a for a in line.anchors if a.titled and start <= a.mark.start and a.mark.end <= cut.start]
    if linked and not (cited or (len(values.people(names)) > 1 and not all(map(at_paper, linked)))):
        return False  # what a link is called rather than whose it is
    if cut.kind == "." and _unfinished(line.plain[start : cut.end], line.plain[cut.start :]):
        return False
    return cut.kind != "," or _each_name(names, common)


def _each_name(names: str, common: frozenset[str]) -> bool:
    """Whether each name of a list parted by commas is whole, so that what follows the comma is no name's rest."""
    if re.search(r"\b[ae]t\.? al\.?$", names.strip()) or ("&" in names and _PAIR.fullmatch(names.strip())):
        return True
    each = [one for one in re.split(r"\s+(?:and|&)\s+|[,，、]\s*(?:and\s+|&\s*)?", names.strip()) if one.strip()]
    return bool(each) and all(len(one.split()) > 1 and values.is_name(one.strip(), common) for one in each)


def _unfinished(head: str, rest: str) -> bool:
    """Whether a full stop belongs to an initial after which the name goes on: "Emily M. Bender"."""
    if not _INITIAL.search(head.rstrip(".")):
        return False
    if re.match(r"\W*[A-ZÀ-ÖØ-ÞĀ-ſА-ЯЁ]\.", head) or re.match(
        r"\s*[A-ZÀ-ÖØ-ÞĀ-ſА-ЯЁ]\.", rest
    ):  # "A. Baevski, H. Zhou": initials stand before
        return True
    if _FULL.match(head) and re.search(r"\b(?:and|&)\s+[A-ZÀ-ÖØ-Þ][\w'’-]{2,} [A-ZÀ-ÖØ-Þ]\.?$", head):
        return True  # "Quist, Ada M., and Bo K.": the first name alone is turned round
    if all(map(_ONE_TURNED.fullmatch, _COMMA.split(head))) or (
        _ONE_TURNED.fullmatch(head) and not re.match(r"[^.]{2,30}, [A-Z]\.", rest)
    ):
        return False
    last = re.search(
        r"(?:[A-ZÀ-ÖØ-ÞĀ-ſА-ЯЁ]\.?,?\s+(?:and|&)\s+.*[A-ZÀ-ÖØ-ÞĀ-ſА-ЯЁ]|,\s*(?:[A-ZÀ-ÖØ-ÞĀ-ſА-ЯЁ][. -]*)+)\.?$",
        head[-60:],
    )
    if last and re.match(
        r"[^,]{2,40}, (?:[A-ZÀ-ÖØ-ÞĀ-ſА-ЯЁ]\.|[A-ZÀ-ÖØ-ÞĀ-ſА-ЯЁ][\w-]+)", head
    ):  # "Ribeiro, M. T., Singh, S."
        return False
    return not all(_vancouver(one.strip(" .")) for one in _COMMA.split(head) if one.strip(" ."))


def _without(text: str, offset: int, links: Iterable[Anchor]) -> str:
    chars = list(text)
    for anchor in links:
        chars[anchor.mark.start - offset : anchor.mark.end - offset] = " " * (anchor.mark.end - anchor.mark.start)
    return "".join(chars)


def _mark_of(line: Line, span: Span, common: frozenset[str]) -> str:
    """How a stretch as a whole is marked."""
    start, end = span
    for anchor in line.anchors:
        if anchor.titled and abs(anchor.mark.start - start) <= 2 and abs(anchor.mark.end - end) <= 2:
            return "link"
        if _is_credited(line, anchor, span, common):
            return "link"
    for kind, name in (("strong", "bold"), ("em", "italic"), ("code", "code")):
        for mark in line.text.marks:
            begins = mark.kind == kind and abs(mark.start - start) <= 2 and mark.end >= end
            if begins and not line.plain[start : mark.end].rstrip().endswith((":", "：")):
                return name  # "**Name:** …" is the beginning of a title only
    return "quoted" if any(abs(a - start) <= 1 and abs(b - end) <= 2 for a, b in line.quotes) else "text"


def _until(line: Line, cut: Cut) -> str:
    """What ends a title, as the readings name it."""
    if cut.kind not in ("(", "(mark", ")", ")mark"):
        return cut.kind
    if any(not a.titled and 0 <= a.mark.start - cut.end <= 3 for a in line.anchors):
        return "link"
    return "(" if cut.kind == "(" else "mark"


def _right(line: Line, cut: Cut, span: Span, stop: int, after: str, common: frozenset[str]) -> float:
    """How much what follows a stretch speaks for a title that ends there."""
    plain = line.plain
    at = cut.start if cut.kind != "." else cut.end
    kind = cut.kind
    if kind in (")mark", "(mark"):  # what stands right after a mark's end ends the title
        kind = {":": ":", "：": ":", ",": ",", "，": ","}.get(plain[at:].lstrip(' *_"”»」』')[:1], kind)
    title = plain[span[0] : span[1]]
    if kind == "type":
        return 1.1
    if title[-1] in "?!" and re.match(r'["”]:\s', plain[span[1] : span[1] + 3]):
        return 0.4  # "“What?”: …" is the beginning of a title
    if kind in ("by", "-", "(", ",") and any(_is_credited(line, anchor, span, common) for anchor in line.anchors):
        return 1.08
    following = plain[at:stop].lstrip(' \t*_"”»」』)]）】.,;:')
    if not following or cut.kind == "end":
        return 1.0
    at = stop - len(following)
    if any(a.mark.start <= at < max(a.mark.end, a.mark.start + 1) and not a.titled for a in line.anchors):
        return 1.0
    if _ADDRESS.match(following) or (
        following[0] in "[【(（" and any(0 <= a.mark.start - at <= 3 for a in line.anchors)
    ):
        return 1.0
    inside = re.match(r"[\[【(（`]\s*([^\[\]【】()（）`]{1,80})[\])）】`]", following)
    if inside:
        role = _role(inside[1], common, "(")
        if role or words.is_role(inside[1]) or words.status_word(inside[1]):
            return 1.05 if role else 0.97
        kind = "("
    if kind == "by" and re.match(r"[^()\n]{3,60}[(,]\s?(?:19|20)\d\d\b", following):
        kind = "-"  # a year after the name: it is one
    if _FAMILY_YEAR.match(following):
        role = "names"
    else:
        role = "" if inside else _role(_PART.split(following, maxsplit=1)[0][:400], common, kind)
    last = _tail(title) or (title if len(title.split()) < 4 and not title.isupper() else "")
    if role == "names" and kind == "," and values.likely_people(last, common, True) >= 0.5:
        return 0.3  # one name of several
    beside = re.match(r"[^().,]{3,40}\(([^()]+)\)", following) if role == "names" and kind == "," else None
    if beside and _role(beside[1], common, "(") == "names":
        return 0.3  # "Commit Early, Regret Never (Upton et al., MSR 2019)"
    within = any(
        m.start <= span[0] + 2 and cut.end < m.end - 1 for m in line.text.marks if m.kind in ("strong", "link")
    )
    if kind == ":" and len(title.split()) < 4 and not role and len(following.split()) > 3 and in_title_case(following):
        return 0.5  # "[BERT](…): Pre-training of Deep Transformers"
    if _DATED_HEAD.match(following) and _people(title, common, True) >= 0.5:
        return 0.4  # "Ada Quist (2018): A title"
    if role == "date" and after == "names" and kind in (",", "(") and _several_sentences(title):
        return 0.6  # "Quist, A. A title. Journal, 2010"
    if role:
        return (1.08 if role == "names" else 1.05) * (0.75 if within else 1.0)
    return _unexplained(plain, cut, kind) * (0.65 if within else 1.0)


def _unexplained(plain: str, cut: Cut, kind: str) -> float:
    """How much speaks for a title that ends at a cut behind which stands nothing that a work is told by."""
    if kind == "by" or cut.kind in (")mark", "(mark"):
        told = plain[: cut.end].rstrip(" *_")[-1:] in ":："  # "**Name:** …" is the beginning of a title
        return 0.5 if told else 0.85 if kind in (":", ",") else 0.9
    if kind == "." and plain[cut.end - 1] in "?!":
        return 0.6  # a title often goes on after its question
    return {",": 0.5, ":": 0.75, "(": 0.8, ")": 0.8, ".": 0.85, "-": 0.85}.get(kind, 0.85)


@lru_cache(8192)
def _role_alone(text: str) -> str:
    text = text.strip(' *_"“”.,;:()[]（）【】`')
    if not text:
        return ""
    if _YEAR_ALONE.fullmatch(text) or values.is_date(text):
        return "date"
    shown = values.venue(text) if len(text) < 120 else None
    return "venue" if shown and (shown.known or (shown.date and len(text) < 30)) else ""


def _role(text: str, common: frozenset[str], kind: str) -> str:
    """What a piece beside a title is: "names", "venue", "date", or ""; names are told more surely after some cuts."""
    if role := _role_alone(_COMMA.split(text, maxsplit=1)[0]):
        return role
    stripped = without_year(text.strip(" ()[]*_`")).strip(" ,.;:")
    first = re.split(r"[,，、;]|\s(?:and|&)\s", stripped, maxsplit=1)[0]
    if len(stripped) < 3 or not _goes_on(first, common):
        return ""
    if kind == ":":
        return "names" if _COMMA.search(stripped) and _each_name(stripped, common) else ""
    alone = kind != "by" and len(first.split()) in (2, 3) and values.is_name(first, common)
    alone = (
        alone
        or bool(re.search(r"\b[ae]t\.? al\b|等", first))
        or ("&" in stripped and bool(_PAIR.fullmatch(_COMMA.split(stripped)[0])))
    )
    least = 0.6 if kind in (",", "by") else 0.5
    return "names" if alone or values.likely_people(stripped, common, True) >= least else ""


def _ends_badly(text: str) -> bool:
    """Whether the last character of a text cannot be a title's."""
    last = text[-1]
    if last in _EDGE or last in "([（【" or (last > "\u2000" and words.is_pictograph(last)):
        return not (last == "." and text.endswith("..."))
    return last in ")]）】" and not any(c in text for c in "([（【")


def _trimmed(plain: str, start: int, end: int) -> Span:
    """The span without what surrounds a title: blanks, quotation marks, brackets that open, full stops, dashes."""
    while start < end and (plain[start] in _EDGE or (plain[start] > "\u2000" and words.is_pictograph(plain[start]))):
        start += 1
    while end > start and (_ends_badly(plain[start:end]) or plain[end - 2 : end] in (" +", " &")):
        end -= 1
    if start and plain[start - 1] == '"' and plain.count('"', start, end) % 2:
        start -= 1  # a word of the title stands in quotation marks
    if plain[start : start + 1] in ("[", "《") and plain[end - 1 : end] in ("]", "》"):
        start, end = start + 1, end - 1
    return start, end


def _to_paper(line: Line, span: Span) -> bool:
    """Whether a stretch is what a link to a paper is called: rather its title than whose it is."""
    found = (a for a in line.anchors if a.titled and abs(a.mark.start - span[0]) + abs(a.mark.end - span[1]) < 3)
    return any(at_paper(a) and not _CITED_SHORT.search(a.label) for a in found)


def _look(title: str, name: Reading, common: frozenset[str], linked: bool, least: float) -> float:
    """How much a text looks like a whole title, about 0 to 1, by its length and its words; `linked` to the paper.

    What is worth less than the `least` is looked at no further.
    """
    count = _count(title)
    worth = _by_length(count)
    if count < 2 and (name.mark != "text" or name.after == "names") and len(title) > 2:
        worth = 0.6
    if title[:1].islower():
        worth *= 0.3 if title.startswith(("and ", "et ", "by ")) else 0.7 if title.split()[0].isalpha() else 0.9
    if words.is_role(title) or words.status_word(title) or values.is_date(title) or not any(map(str.isalpha, title)):
        worth *= 0.08
    if "://" in title or "www." in title:
        worth *= 0.15
    if count > 2 and _PROSE.search(title):
        worth *= 0.4
    worth *= _brackets(title, common)
    if worth < least or (worth := worth * _with_place(title, count)) < least:
        return worth
    named = _with_names(title, name, common)
    return worth * (max(named, _LONE) if linked else named)


def _count(title: str) -> int:
    """How many words a text has; where it is written without blanks, how many its characters would make."""
    count = len(title.split())
    return max(count, len(title) // 3) if not title.isascii() and words_cjk(title) else count


def _by_length(count: int) -> float:
    """How much the length of a text in words speaks for a title."""
    return next(worth for most, worth in _BY_LENGTH if count <= most)


def _brackets(title: str, common: frozenset[str]) -> float:
    """How much the brackets, quotation marks and bars of a text speak for a whole title."""
    worth = 0.5 if title[0] in "(（" else 1.0
    if (first := re.match(r"[\[(（【]([^\[\]()（）【】]{2,40})[\])）】]", title)) and _role_alone(first[1]):
        worth *= 0.5
    closed = title[-1] in ")]）】"
    last = re.search(r"[\[【(（]([^\[\]【】()（）]{2,24})[\])）】]$", title) if closed else None
    if last and (words.is_role(last[1]) or words.status_word(last[1])):
        worth *= 0.3
    paren = re.search(r"\s*[(（]([^()（）]+)[)）]$", title) if closed else None
    if paren and words_cjk(paren[1]) and not words_cjk(title[: paren.start()]):  # the title in another language
        worth *= 0.7
    elif paren and _role(paren[1], common, "(") == "names":
        worth *= 0.5
    if "|" in title or " · " in title or "｜" in title:
        worth *= 0.6
    if any(title.count(a) != title.count(b) for a, b in ("()", "[]", "“”", "（）")) or title.count('"') % 2:
        worth *= 0.5
    return worth


def _with_names(title: str, name: Reading, common: frozenset[str]) -> float:
    """How much speaks against a text that holds names: alone, in front, at the end, or after "by"."""
    worth = 0.5 if _PAIR.fullmatch(title) and title[0] not in "(（" and _people(title, common) >= 0.5 else 1.0
    if (_INVERTED.fullmatch(title) or _vancouver(title)) and values.is_name(title, common):
        worth *= 0.6
    if _people(title, common) >= 0.7:
        return worth * 0.3
    if "," in title and _ends_in_names(title.partition(",")[2], common):
        worth *= 0.5
    head, *stop = _HEAD.split(title, maxsplit=1)
    if stop and words_cjk(head) and _people(head, common) >= 0.7:
        worth *= 0.5
    elif stop and _surname_first(head, common):
        worth *= 0.6
    if name.mark == "text":
        worth *= _head(title, name, common)
        if (tail := _tail(title)) and _people(tail, common) >= 0.5:
            worth *= 0.6
    by = _BY.search(title) if " by" in title else None
    if by and (likely := _people(title[by.end() :], common)) >= 0.5:
        apart = title[by.start() : by.end()].strip(" :")[:1] in ",;–—-("
        worth *= 0.45 if likely >= 0.6 or apart else 0.85  # "by Gradient Descent" looks like one name
    return worth


def _surname_first(text: str, common: frozenset[str]) -> bool:
    """Whether a text is names and no more, surname first: "Abbeel P", "Quist, Ada", "Quist, Ada; Lund, Bo"."""
    inverted = _INVERTED.match(text) and (";" in text or _INVERTED.fullmatch(text))
    return _vancouver(text) or (bool(inverted) and values.likely_people(text, common, True) >= 0.5)


def _head(title: str, name: Reading, common: frozenset[str]) -> float:
    """How much speaks against a text whose first part is names or a year."""
    first = _FIRST.search(title)
    if not first:
        return 1.0
    head = title[: first.start()]
    least = 0.55 if first[0].startswith(":") and name.after != "names" else 0.5  # "Big Bird: …" looks like a name
    several = 1 < len(head.split()) < 9 and not _ARTICLE.match(head)
    if several and (_vancouver(head) or _people(head, common) >= least):
        return 0.6
    dated = (
        first[0].strip() in tuple("-–—") and len(head.split()) < 6 and _LAST_YEAR.search(head)
    )  # "Ade 2019 - A title"
    said = first[0] == ": " and _names_and_year(head, common)
    return 0.4 if _YEAR_ALONE.fullmatch(head) or dated or said else 1.0


def _with_place(title: str, count: int) -> float:
    """How much speaks against a text that holds a venue or a date, or goes on after one sentence."""
    worth = 0.5 if re.match(r"(?:19|20)\d\d[-/.]\d{1,2}(?:[-/.]\d{1,2})?\s", title) else 1.0
    last = title.rpartition(". ")[2]
    if _PLACE_LAST.search(title) or (last != title and (shown := values.venue(last[:90])) and shown.known):
        worth *= 0.4
    apa = _APA.search(title) if "(" in title or "（" in title else None
    if apa and title[apa.end() :].strip():
        worth *= 0.35
    shown = values.venue(title) if count <= 4 else None
    if shown and shown.known and (shown.date or shown.name.lower() in words.acronyms()):
        worth *= 0.2
    elif count > 6 and _several_sentences(title):
        worth *= 0.6 if ". " in title else 0.95
    elif title[-1] in "0123456789)]）" and (
        _PLACED.search(title) or ((paren := _LAST_PAREN.search(title)) and _role_alone(paren[1]) == "venue")
    ):
        worth *= 0.55
    return worth


def _several_sentences(title: str) -> bool:
    """Whether a text goes on after a sentence."""
    return any(not _ABBREVIATION.search(title[: end.start()]) for end in _SENTENCE.finditer(title))


_people = values.likely_people


def _ends_in_names(rest: str, common: frozenset[str]) -> bool:
    """Whether what follows a comma is names; one alone, or mere surnames, look like the end of an enumeration."""
    names = values.people(rest)
    several = sum(len(name.split()) > 1 and "," not in name for name in names) > 1
    return (several or len(names) == 1) and values.likely_people(rest, common) >= (0.5 if several else 0.6)


def _tail(title: str) -> str:
    """What stands after the last separator of a title, where it may be names."""
    last = _LAST.match(title)
    tail = title[last.end() :].strip(" ()") if last and last["at"][0] != ":" else ""
    return tail if 1 < len(tail.split()) < 7 else ""


def in_title_case(text: str) -> bool:
    """Whether most longer words of a text begin with a capital, as in the titles of English."""
    long = [word for word in re.findall(r"[A-Za-z][\w'’-]*", text) if len(word) > 3]
    return bool(long) and sum(word[0].isupper() for word in long) >= 0.75 * len(long)


def words_cjk(text: str) -> bool:
    """Whether a text is written in Chinese characters, kana or Hangul."""
    return bool(_CJK.search(text))


def _heeds(line: Line, mark: str, span: Span, common: frozenset[str]) -> float:
    """Whether the span agrees with the marks: one that cuts a mark, or takes in one and more text, is worth less."""
    start, end = span
    around = line.plain[max(0, start - 1) : start] + line.plain[end : end + 1]
    factor = 0.6 if around in ("()", "（）") and " " not in line.plain[start:end] else 1.0  # "(GloVe) A title"
    for anchor in line.anchors:
        a, b = anchor.mark.start, anchor.mark.end
        if a >= end or b <= start or a == b:
            continue
        if (start > a + 2 or end < b - 2) and anchor.titled:
            if _is_credited(line, anchor, span, common):
                continue
            factor = min(factor, 0.7 if mark in ("quoted", "bold") else 0.35)
        elif not anchor.titled:
            factor = min(factor, 0.3)
        elif (a - start > 3 or end - b > 3) and mark not in ("bold", "quoted"):
            ended = a - start <= 1 and line.plain[b : b + 2] == ". "  # "[Mamba](…). Linear in time."
            told = a - start <= 1 and _TOLD.match(line.plain[b:end])  # "[BGE](…) - embeddings in many tongues"
            if told and told["first"].islower():
                factor = min(factor, 0.5)
            elif not (told and len(anchor.label.split()) < 4 and in_title_case(told["rest"])):
                factor = min(factor, 0.5 if ended or len(anchor.label.split()) > 1 else 0.8)
    for kind, a, b, long in _stretches(line):
        if a >= end or b <= start:
            continue
        cuts, holds = start > a + 2 or end < b - 3, a - start > 3 or end - b > 3
        if kind == "bold" and cuts:
            factor = min(factor, 0.8 if mark in ("link", "quoted", "bold") else 0.45)
        elif kind == "bold" and holds:
            apart = long or line.plain[b:].lstrip()[:1] in "-–—|·"
            factor = min(factor, 0.45 if apart and not _whole(line, a, b, start) else 0.8)
        elif kind == "quoted" and ((holds and end >= b and (start >= a - 1 or start < a - 3)) or (cuts and long)):
            factor = min(factor, 0.5)
        elif long and (holds or (cuts and line.plain[end:].lstrip()[:1] in tuple(".:?!,"))):
            factor = min(factor, 0.6)  # a title in italics or code and more, or a part of it
    if mark in ("bold", "quoted") or (mark == "link" and (end - start > 25 or not _names_link(line, span, common))):
        factor *= 1.25 if mark == "link" or end - start > 8 else 1.1
    return factor


def _stretches(line: Line) -> list[tuple[str, int, int, bool]]:
    """What is marked in a line as a title may be: how, from where to where, and whether it is as long as one."""
    if line.stretches is None:
        kinds = {"strong": "bold", "em": "italic", "code": "code"}
        found = [(kinds[m.kind], m.start, m.end) for m in line.text.of(*kinds) if m.end - m.start > 2]
        found += [("quoted", a, b) for a, b in line.quotes if b - a > 4]
        shown = [(kind, a, b, line.plain[a:b].rstrip()) for kind, a, b in found]
        line.stretches = [
            (kind, a, b, b - a > 12 and (kind == "bold" or text.count(" ") > 1))
            for kind, a, b, text in shown
            if kind == "bold" or not text.endswith((":", "："))
        ]
    return line.stretches


def _is_credited(line: Line, anchor: Anchor, span: Span, common: frozenset[str]) -> bool:
    """Whether a link says only whose or what it is after a title: "[A title - by Ada Quist](…)", "[… (pdf)](…)"."""
    a, b = anchor.mark.start, anchor.mark.end
    if anchor.titled and span[0] > a + 2 and abs(span[1] - b) <= 2:  # "[Quist, Lund 2002: A title](…)"
        lead = _LEADING_CREDIT.fullmatch(line.plain[a : span[0]])
        return bool(lead and (lead["more"] or lead["year"]) and _all_names(lead["names"], common))
    if not anchor.titled or not (a - 2 <= span[0] <= a + 2 and span[1] < b):
        return False
    rest = line.plain[span[1] : b]
    beside = [piece for piece in re.split(r"\s[-–—|·]\s|,\s", f" {rest} ") if piece.strip()]
    if len(beside) > 1 and all(map(_role_alone, beside)):
        return True  # "[A title - CVPR - 2018](…)"
    if dated := _DATED_CREDIT.fullmatch(rest):  # "[A title (2019) - Quist, Lund](…)"
        return _all_names(dated["names"], common)
    if (role := _ROLE_LAST.search(rest)) and words.is_role(role[1]):
        rest = rest[: role.start()]
        if not rest.strip():
            return True
    if rest[:1] in ",，" and (shown := values.venue(rest.strip(" ,，"))) and shown.known:
        return True
    paren = re.fullmatch(r"\s*[(（]([^()（）]+)[)）]\s*", rest)
    if paren and (shown := values.venue(paren[1])) and shown.known and shown.date:
        return True
    if paren and _role(paren[1], common, "(") == "names":
        return True
    if rest[:1] == "." and _role(rest[1:].strip(), common, ".") == "names":
        return True  # "[A title. Quist et al., ICML 2013](…)"
    by = _CREDIT.match(rest)
    if not by or not (by["by"] or by["apart"].strip() in ("-", "–", "—")):
        return False
    names = values.people(by["names"])
    if names and _DOING.match(names[0]):  # "… by Deleting Rows and Columns"
        return False
    whole = bool(by["apart"].strip()) or "et al" in rest or all(len(name.split()) > 1 for name in names)
    least = 0.8 if not by["by"] else 0.5 if by["apart"].strip() else 0.6
    return whole and values.likely_people(by["names"], common) >= least


def _all_names(text: str, common: frozenset[str]) -> bool:
    """Whether a text parted at commas and "and" is nothing but names."""
    return all(values.is_name(name.strip(), common) for name in re.split(r",|\s(?:and|&)\s", text))


def _names_and_year(head: str, common: frozenset[str]) -> bool:
    """Whether a head is surnames and a year: "Quist 2002", "Quist, Lund (2002)", but not "NeurIPS 2020"."""
    names = without_year(head)
    single = [word for word in re.split(r"\W+", names) if word]
    return names != head and all(word[1:].islower() for word in single) and _all_names(names, common)


def _whole(line: Line, a: int, b: int, start: int) -> bool:
    """Whether what a span holds beside a mark is only an ending such as ": A survey"."""
    return a - start <= 3 and not {":", "："}.isdisjoint(line.plain[b - 1 : b + 1])


def _names_link(line: Line, span: Span, common: frozenset[str]) -> bool:
    text = re.sub(r"\(?(?:1[5-9]|20)\d\d[a-z]?\)?", "", line.plain[span[0] : span[1]]).strip(" ,.")
    return values.likely_people(text, common) >= 0.45


def choose(
    lines: Sequence[Line], common: frozenset[str], wanted: Reading | None = None
) -> tuple[list[tuple[Reading, Span]], Choice]:
    """For each line of a run its reading and the span of its title, and how the run was read on the whole.

    The run's best reading is taken where it fits a line; a line that it fits badly is read anew by the readings that
    the other such lines favour, and below eight lines its own best counts for more.
    """
    scored = [readings(line, common) for line in lines]
    main, second = _favour(scored)
    main = wanted or main
    left = [s for s in scored if s and _fit(s, main) < 0.6]
    peeled, _ = _favour(left) if len(left) >= max(2, 0.03 * len(scored)) else (None, None)
    trust = 0.25 if len(lines) >= 8 else 0.12
    out: list[tuple[Reading, Span]] = []
    for found in scored:
        chosen, most = Reading(), -1.0
        for name, (worth, _) in found.items():
            bonus = trust * max(_alike(name, main), 0.6 * _alike(name, peeled))
            bonus += _AS_THE_RUN if main and main.after == "names" == name.after else 0
            bonus += 10 if name == wanted and worth > 0.1 else 0
            if worth + bonus > most:
                chosen, most = name, worth + bonus
        out.append((chosen, found[chosen][1]) if found else (chosen, (0, 0)))
    counts = Counter(name for name, _ in out)
    fitting = sum(_fit(s, second) >= 0.6 for s in scored) if second else 0
    close = fitting * 10 >= len(lines) * 8 and _spans_differ(scored, main, second)
    return out, Choice(main, second, len(lines), counts[main] if main else 0, close)


def _alike(one: Reading, other: Reading | None) -> float:
    """How much of a reading another shares, 0 to 1."""
    if other is None:
        return 0.0
    return 1.0 if one == other else 0.4 if one[:2] == other[:2] else 0.2 if one[1:] == other[1:] else 0.0


def _fit(found: Scored, name: Reading | None) -> float:
    most = max((worth for worth, _ in found.values()), default=0.0)
    return found[name][0] / most if name is not None and name in found and most > 0 else 0.0


def _spans_differ(scored: Iterable[Scored], one: Reading | None, other: Reading | None) -> bool:
    if one is None or other is None:
        return False
    pairs = [(s[one][1], s[other][1]) for s in scored if one in s and other in s]
    return sum(a != b for a, b in pairs) * 2 > len(pairs)


def _favour(scored: Sequence[Scored]) -> tuple[Reading | None, Reading | None]:
    """The reading that does best over all lines, and the next that reads them otherwise."""
    sums: dict[Reading, float] = defaultdict(float)
    for found in scored:
        for name, (worth, _) in found.items():
            sums[name] += min(worth, 1.3)
    ranked = sorted(sums, key=lambda name: -sums[name])
    if not ranked:
        return None, None
    return ranked[0], next((name for name in ranked[1:] if _spans_differ(scored, ranked[0], name)), None)
