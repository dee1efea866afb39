"""The template of a list: several readings of where titles stand are scored over all siblings, and one is taken."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from catalog.ingest import values, words
from catalog.ingest.line import Anchor, Line

NAMES = {
    "link": "the first link", "bold": "what is in bold", "quoted": "what is in quotation marks",
    "italic": "what is in italics", "before-link": "what stands before the first link",
    "before-paren": "what stands before a parenthesis", "before-dash": "what stands before a dash",
    "before-comma": "what stands before a comma", "sentence": "the first sentence",
    "before-by": "what stands before “by”", "after-names": "the sentence after the names", "line": "the whole line",
    "bold-cut": "what is in bold, up to its parenthesis", "italic-cut": "what is in italics, up to a parenthesis",
    "before-blanks": "what stands before two blanks", "before-colon": "what stands before a colon",
}  # fmt: skip
_SENTENCE = re.compile(
    r"(?:[.?!。！？](?=\s+(?:[\"“A-Z\d\[(\u3400-\u9fff]|arXiv|bioRxiv|medRxiv|https?:|doi:)|\s*$|[\[(*])|[。！？])"
)
_ABBREVIATION = re.compile(
    r"(?:\b(?:vs|al|etc|Dr|Prof|St|Mr|Mrs|Jr|Sr|No|Vol|vol|pp|eds?|i\.e|e\.g|cf|Bros|Inc|Fig|Eq|approx|v\d+)|(?:^|[\s.,-])[A-Z])$"
)
_BY = re.compile(r"[\s,;–—-]+\(?by:?\s+(?=[A-Z\u3400-\u9fff])")
_DASH = re.compile(r"\s+[-–—|·]+\s+|\s*——\s*|\s*[｜]\s*")
_PAREN = re.compile(r"\s*[(（\[【]")
_DATED_PAREN = re.compile(r"\s*[(（][^()（）\n]{0,40}(?:19|20)\d\d[^()（）\n]{0,12}[)）]")
_BRACKETS = re.compile(r"\s*\[+([^\[\]\n]{2,20})\]+")
_COMMA = re.compile(r"[,，]\s+")
_COLON = re.compile(r"\s*[:：](?=\s|$|[^\x00-\x7f])\s*")
_BLANKS = re.compile(r"(?<=\S)(?:[  ]{2,}|\u3000|\t)(?=\S)")
_APA = re.compile(r"[(（](?:1[5-9]|20)\d\d[a-z]?(?:,\s*[A-Za-z]+\.?(?:\s+\d{1,2})?)?[)）][.,:]?\s*")
_NO_VENUE = re.compile(r"\s*(?:arXiv|Ph\.?D|Tech)", re.I)
_PLACED = re.compile(
    r"[,.(\[]\s*(?:[A-Z][\w&-]+[\s'’]*)?(?:19|20)\d\d[)\]]?$|[(\[](?:[\w&'’.:/-]+\s+){1,9}(?:19|20)\d\d[)\]]$"
)
_PROSE = re.compile(
    r"\b(?:this (?:paper|work|article|study|repo|repository|is)|we (?:propose|present|show|introduce)|is an? )\b", re.I
)
_STOPPED = re.compile(r"[\s,;:：|·•–—\-\[(（【*_`'‘]+$")


@dataclass(slots=True)
class Reading:
    """How a run of siblings was read: the reading, the next best, and how many fit each."""

    name: str
    second: str = ""
    of: int = 0
    fitting: int = 0
    second_fitting: int = 0
    close: bool = False


def candidates(line: Line, common: Collection[str]) -> dict[str, tuple[int, int]]:
    """Where each reading says that the title stands."""
    plain, start = line.plain, line.start
    stop = plain.find("\n", start)
    stop = len(plain) if stop < 0 else stop
    if stop - start > 700:
        stop = start + 700
    out: dict[str, tuple[int, int]] = {}
    titled = next((a for a in line.anchors if a.titled and a.mark.start >= start - 2), None)
    if titled:
        out["link"] = (titled.mark.start, titled.mark.end)
    for kind, name in (("strong", "bold"), ("em", "italic")):
        found = next((m for m in line.text.marks if m.kind == kind and m.end > start and m.end - m.start > 2), None)
        if found and not plain[found.start : found.end].rstrip().endswith((":", "：")):
            first, last = max(found.start, start), found.end
            inner = plain[first:last]
            if re.fullmatch(r"\W*\[?\d{1,4}\]?\W*", inner):
                continue
            out[name] = (first, last)
            if cut := _inner_end(line, first, last):
                out[f"{name}-cut"] = (first, cut)
    if line.quotes and line.quotes[0][0] < stop:
        out["quoted"] = line.quotes[0]
    first_link = next((a.mark.start for a in line.anchors if a.mark.start > start and not a.titled), None)
    if first_link is None:
        first_link = next((a.mark.start for a in line.anchors if a.mark.start > start + 8), None)
    if first_link is not None and first_link <= stop:
        out["before-link"] = (start, first_link)
    for mark in _BRACKETS.finditer(plain, start + 1, stop):
        if words.is_role(mark[1]) and (first_link is None or mark.start() < first_link):
            first_link = mark.start()  # a link that the list leaves open
            out["before-link"] = (start, first_link)
            break
    limit = min(stop, first_link if first_link is not None else stop)
    for name, pattern in (("before-paren", _PAREN), ("before-dash", _DASH), ("before-comma", _COMMA),
                          ("before-by", _BY), ("before-blanks", _BLANKS), ("before-colon", _COLON)):  # fmt: skip
        for mark in pattern.finditer(plain, start + 1, stop):
            if mark.start() - start >= 6 or name in ("before-colon", "before-blanks", "before-dash"):
                out[name] = (start, mark.start())
                break
    if placed := _DATED_PAREN.search(plain, start + 6, stop):  # "Learning (almost) from scratch (2011)"
        out["before-paren"] = (start, placed.start())
    if end := _sentence_end(plain, start, stop):
        out["sentence"] = (start, end)
        if limit < end:
            out.pop("sentence")
    _after_names(line, limit, stop, common, out)
    out["line"] = (start, limit if limit - start > 5 else stop)
    return {name: span for name, (a, b) in out.items() if (span := _trimmed(plain, a, b))[1] - span[0] > 1}


def _inner_end(line: Line, first: int, last: int) -> int:
    """Where a title ends inside a bold stretch that holds more: before a link, or before a parenthesis with a year."""
    link = next((a.mark.start for a in line.anchors if first < a.mark.start < last and not a.titled), 0)
    named = next((a.mark.start for a in line.anchors if first + 8 < a.mark.start < last), 0)
    paren = re.compile(r"\s*[(（\[][^()（）\[\]]{0,60}(?:19|20)\d\d[^()（）]{0,30}[)）\]]").search(
        line.plain, first + 3, last
    )
    ends = [end for end in (link, named, paren.start() if paren else 0) if end]
    return min(ends) if ends else 0


def _sentence_end(plain: str, start: int, stop: int) -> int:
    for mark in _SENTENCE.finditer(plain, start, stop):
        if mark.start() - start >= 3 and not _ABBREVIATION.search(plain[max(start, mark.start() - 6) : mark.start()]):
            return mark.end()
    return 0


def _after_names(line: Line, limit: int, stop: int, common: Collection[str], out: dict[str, tuple[int, int]]) -> None:
    """The title of a citation that opens with its authors: after "(2021). ", or after the names' full stop or colon."""
    plain, start = line.plain, line.start
    apa = _APA.search(plain, start, min(stop, start + 600))
    if (
        apa
        and apa.start() - start > 2
        and len(re.findall(r"\w{2,}", plain[apa.end() : stop].partition("http")[0])) > 1
        and values.likely_people(plain[start : apa.start()].strip(" ,"), common, True) >= 0.5
    ):
        end = _sentence_end(plain, apa.end(), stop) or stop
        out["after-names"] = (apa.end(), end)
        return
    for mark in re.finditer(r"[.:。：]\s+(?=[\"“A-Z\d\u3400-\u9fff])", plain[: min(limit, start + 600)]):
        names = plain[start : mark.start()]
        initial = len(names) <= 3 or (mark[0][0] == "." and re.search(r"(?:^|[\s.,-])[A-Z]$", names))
        if initial and not re.search(r"[A-Z]\.?,?\s+(?:and|&)\s+.*[A-Z]$|, [A-Z]$", names[-60:]):
            continue
        if values.likely_people(names, common, True) >= 0.55 and (
            len(values.people(names)) > 1 or "et al" in names or _lone(names)
        ):
            end = _sentence_end(plain, mark.end(), stop) or limit
            out["after-names"] = (mark.end(), min(end, limit) if limit > mark.end() else end)
            return
    if span := _after_commas(plain, start, limit, common):
        out["after-names"] = span


def _after_commas(plain: str, start: int, limit: int, common: Collection[str]) -> tuple[int, int] | None:
    """The title in "Ada Quist, Bo Lund and Cy Marsh, A title, A Venue, 2021", where all is parted by commas."""
    parts = [
        (m.start(), m.end()) for m in re.finditer(r"[^,，]+", plain[: min(limit, start + 1200)]) if m.start() >= start
    ]
    first = next((n for n, (a, b) in enumerate(parts) if not _all_names(plain[a:b], common)), 0)
    if not first or (first == 1 and not _lone(plain[start : parts[0][1]].strip())):
        return None
    begin, end = parts[first]
    if len(plain[begin:end].split()) < 3:
        return None
    ends = [end]
    for a, b in parts[first + 1 :]:
        shown, year = values.venue(plain[a:b]), re.fullmatch(r"\W*(?:19|20)\d\d\W*", plain[a:b])
        if year and len(ends) > 1:
            ends.pop()  # a year by itself: the venue stands before it
        if year or (shown and (shown.known or shown.date)) or _NO_VENUE.match(plain, a):
            break
        ends.append(b)
    end = ends[-1]
    sentence = _sentence_end(plain, begin + 1, end)
    return begin, sentence or end


def _all_names(text: str, common: Collection[str]) -> bool:
    text = re.sub(r"(?:^|\s)et\.? al\.?$", "", text.strip())
    if not text:
        return True
    names = [name for name in re.split(r"\s+(?:and|&)\s+|^\s*(?:and|&)\s+", text) if name.strip()]
    return bool(names) and all(len(name.split()) > 1 and values.is_name(name.strip(), common) for name in names)


def _lone(names: str) -> bool:
    return bool(re.search(r"\b[A-Z]\.", names)) or len(names.split()) in (2, 3)


def _trimmed(plain: str, start: int, end: int) -> tuple[int, int]:
    """The span without what surrounds a title: blanks, quotation marks, brackets that open, full stops, dashes."""
    while start < end and plain[start] in ' \t\n*_"“”„«»「」『』:：,.;·•|–—-':
        start += 1
    while end > start:
        if (
            plain[end - 1] in ' \t\n*_"“”«»「」『』,;:：|·•–—-。'
            or (plain[end - 1] == "." and not plain[start:end].endswith("..."))
            or plain[end - 1] in "([（【"
            or (plain[end - 1] in ")]" and not any(c in plain[start:end] for c in "(["))
        ):
            end -= 1
        else:
            break
    if plain[start : start + 1] == "[" and plain[end - 1 : end] == "]":
        start, end = start + 1, end - 1
    return start, end


def score(line: Line, name: str, span: tuple[int, int], common: Collection[str]) -> float:
    """How much a span looks like a whole title, about 0 to 1.3: by its length and words, and by the marks it heeds."""
    plain = line.plain
    title = plain[span[0] : span[1]]
    count = len(title.split())
    if not title.isascii() and words_cjk(title):
        count = max(count, len(title) // 3)
    worth = (
        0.35
        if count < 2
        else 0.75
        if count == 2
        else 1.0
        if count <= 20
        else 0.7
        if count <= 30
        else 0.25
        if count < 60
        else 0.1
    )
    if count < 2 and name in ("bold", "link", "quoted") and len(title) > 2:
        worth = 0.6
    if title[:1].islower():
        worth *= 0.7
    if words.is_role(title) or words.status_word(title) or not any(c.isalpha() for c in title):
        worth *= 0.08
    if len(words.plain(title)) < 3:
        worth *= 0.3
    if "://" in title or "www." in title:
        worth *= 0.15
    if any(title.count(a) != title.count(b) for a, b in ("()", "[]", "“”")) or title.count('"') % 2:
        worth *= 0.5
    if "," in title or " and " in title or "et al" in title:
        if values.likely_people(title, common) >= 0.7:
            worth *= 0.3
        elif "," in title and _ends_in_names(title.partition(",")[2], common):
            worth *= 0.5
    elif 2 <= count <= 6 and values.likely_people(title, common) >= 0.75:
        worth *= 0.6
    apa = _APA.search(title) if "(" in title or "（" in title else None
    if apa and title[apa.end() :].strip():
        worth *= 0.35
    by = _BY.search(title) if " by" in title else None
    if by and (likely := values.likely_people(title[by.end() :], common)) >= 0.5:
        worth *= 0.45 if likely >= 0.6 else 0.85  # "by Gradient Descent" looks like one name
    if count > 2 and _PROSE.search(title):
        worth *= 0.4
    shown = values.venue(title) if count <= 4 else None
    if shown and shown.known and (shown.date or shown.name.lower() in words.acronyms()):
        worth *= 0.2
    elif count > 6 and (more := re.search(r"([.?!])\s+[A-Z]", title)):
        worth *= 0.9 if more[1] == "?" else 0.6  # "Quo Vadis? A New Model"
    elif _PLACED.search(title):
        worth *= 0.55
    return worth * _heeds(line, name, span, common) * _before(line, span, common)


def _ends_in_names(rest: str, common: Collection[str]) -> bool:
    """Whether what follows a comma is names; one alone, or mere surnames, look like the end of an enumeration."""
    names = values.people(rest)
    several = sum(len(name.split()) > 1 and "," not in name for name in names) > 1
    return (several or len(names) == 1) and values.likely_people(rest, common) >= (0.5 if several else 0.6)


def words_cjk(text: str) -> bool:
    """Whether a text is written in Chinese characters, kana or Hangul."""
    return any("\u3040" <= c <= "\u9fff" or "\uac00" <= c <= "\ud7af" for c in text)


def _heeds(line: Line, name: str, span: tuple[int, int], common: Collection[str]) -> float:
    """Whether the span agrees with the marks: one that cuts a mark, or takes in one and more text, is worth less."""
    start, end = span
    factor = 1.0
    for anchor in line.anchors:
        a, b = anchor.mark.start, anchor.mark.end
        if a >= end or b <= start or a == b:
            continue
        if (start > a + 2 or end < b - 2) and anchor.titled:
            factor = min(factor, 0.7 if name in ("quoted", "after-names", "bold", "bold-cut") else 0.35)
        elif not anchor.titled:
            factor = min(factor, 0.3)
        elif (a - start > 3 or end - b > 3) and name not in ("bold", "quoted"):
            factor = min(factor, 0.5 if len(anchor.label.split()) > 1 else 0.8)
    for mark in line.text.marks:
        if mark.kind != "strong" or mark.start >= end or mark.end <= start or mark.end - mark.start < 3:
            continue
        if start > mark.start + 2 or end < mark.end - 3:
            factor = min(factor, 0.8 if name in ("link", "quoted", "bold-cut", "after-names") else 0.45)
        elif mark.start - start > 3 or end - mark.end > 3:
            factor = min(
                factor,
                0.45
                if (mark.end - mark.start > 12 or _DASH.match(line.plain, mark.end))
                and not _whole(line, mark.start, mark.end, start)
                else 0.8,
            )
    for first, last in line.quotes:
        if start < first - 3 and end >= last and last - first > 4:
            factor = min(factor, 0.5)
    if name in ("bold", "quoted") or (name == "link" and (end - start > 25 or not _names_link(line, span, common))):
        factor *= 1.25 if name == "link" or end - start > 8 else 1.1
    return factor


def _whole(line: Line, a: int, b: int, start: int) -> bool:
    """Whether what a span holds beside a mark is only an ending such as ": A survey"."""
    return a - start <= 3 and not {":", "："}.isdisjoint(line.plain[b - 1 : b + 1])


def _names_link(line: Line, span: tuple[int, int], common: Collection[str]) -> bool:
    text = re.sub(r"\(?(?:1[5-9]|20)\d\d[a-z]?\)?", "", line.plain[span[0] : span[1]]).strip(" ,.")
    return values.likely_people(text, common) >= 0.45


def _before(line: Line, span: tuple[int, int], common: Collection[str]) -> float:
    """What a title leaves before it should be explained: nothing, names, a venue, a date."""
    head = line.plain[line.start : span[0]].strip(' *_"“”„«「『[](),.:：;–—-|·')
    if len(head) < 3 or any(
        a.mark.start >= line.start and a.mark.end <= span[0] and not a.titled for a in line.anchors
    ):
        return 1.0
    if values.likely_people(re.sub(r"\(?(?:19|20)\d\d[^()]{0,20}\)?$", "", head).strip(" ,."), common, True) >= 0.5:
        return 1.05
    shown = values.venue(head)
    if shown and (shown.known or (shown.date and len(head) < 30)):
        return 1.0
    return 0.75 if len(head) < 16 or line.plain[: span[0]].rstrip().endswith((":", "：")) else 0.55


def choose(
    lines: Sequence[Line], common: Collection[str], wanted: str = ""
) -> tuple[list[tuple[str, tuple[int, int]]], Reading]:
    """For each line of a run its reading and the span of its title, and how the run was read on the whole.

    The run's best reading is taken where it fits a line; a line that it fits badly is read anew by the readings that
    the other such lines favour, and below eight lines its own best counts for more.
    """
    scored: list[dict[str, tuple[float, tuple[int, int]]]] = []
    for line in lines:
        found = {name: (score(line, name, span, common), span) for name, span in candidates(line, common).items()}
        scored.append(found)
    main, second = _favour(scored)
    if wanted:
        main = wanted
    left = [s for s in scored if s and _fit(s, main) < 0.6]
    peeled, _ = _favour(left) if len(left) >= max(2, 0.03 * len(scored)) else ("", "")
    trust = 0.25 if len(lines) >= 8 else 0.12
    out = []
    for found in scored:
        best, most = "", -1.0
        for name, (worth, _) in found.items():
            bonus = trust if name == main else trust * 0.6 if name == peeled else 0.0
            bonus += 10 if name == wanted and worth > 0.1 else 0
            if worth + bonus > most:
                best, most = name, worth + bonus
        out.append((best, found[best][1]) if best else ("line", (0, 0)))
    counts = Counter(name for name, _ in out)
    fitting = sum(_fit(s, second) >= 0.6 for s in scored) if second else 0
    close = fitting * 10 >= len(lines) * 8 and _spans_differ(scored, main, second)
    return out, Reading(main, second, len(lines), counts[main], fitting, close)


def _fit(found: dict[str, tuple[float, tuple[int, int]]], name: str) -> float:
    best = max((worth for worth, _ in found.values()), default=0.0)
    return found[name][0] / best if name in found and best > 0 else 0.0


def _spans_differ(scored: Iterable[dict[str, tuple[float, tuple[int, int]]]], one: str, other: str) -> bool:
    pairs = [(s[one][1], s[other][1]) for s in scored if one in s and other in s]
    return sum(a != b for a, b in pairs) * 2 > len(pairs)


def _favour(scored: Sequence[dict[str, tuple[float, tuple[int, int]]]]) -> tuple[str, str]:
    """The reading that does best over all lines, and the next that reads them otherwise."""
    sums: dict[str, float] = defaultdict(float)
    for found in scored:
        for name, (worth, _) in found.items():
            sums[name] += min(worth, 1.3)
    ranked = sorted(sums, key=lambda name: -sums[name])
    if not ranked:
        return "line", ""
    second = next((name for name in ranked[1:] if _spans_differ(scored, ranked[0], name)), "")
    return ranked[0], second


def first_titled(found: Iterable[Anchor]) -> Anchor | None:
    """The first link whose label could be a title."""
    return next((anchor for anchor in found if anchor.titled), None)
