"""How much a stretch of a line looks like a whole title, by its length, its words, and what it holds besides."""

from __future__ import annotations

import re

from catalog.ingest import roles, values, words

LONE = 0.8  # what one name before a title is worth
ABBREVIATION = re.compile(
    r"(?:[A-Z]\.){2}[A-Z]$|\b(?:U\.[SKN]|D\.C|vs|etc|Dr|Prof|St|Mr|Mrs|Jr|Sr|No|Vol|vol|pp|eds?|i\.e|e\.g|cf|Bros|Inc|Fig|Eq|approx|v\d+|Proc|Conf|Int|Trans)$"
)
_BY = re.compile(r"[\s,;–—-]+\(?by:?\s+(?=[A-Z\u3400-\u9fff])")
_APA = re.compile(r"[(（](?:1[5-9]|20)\d\d[a-z]?(?:,\s*[A-Za-z]+\.?(?:\s+\d{1,2})?)?[)）][.,:]?\s*")
_PLACED = re.compile(
    r"[,.;(\[/|–—-]\s*(?:[A-Z][\w&-]+[\s'’]*){0,2}(?:19|20)\d\d[)\]]?$|[(\[（][^()\[\]（）]{0,80}(?:19|20)\d\d[)\]）]$"
)
_LAST_PAREN = re.compile(r"[(\[（]([^()\[\]（）]{3,60})[)\]）]$")
_LAST_BRACKET = re.compile(r"[\[【(（]([^\[\]【】()（）]{2,24})[\])）】]$")
_FIRST_BRACKET = re.compile(r"[\[(（【]([^\[\]()（）【】]{2,40})[\])）】]")
_PLACE_LAST = re.compile(r"[.,?!]\s+[Ii]n:?(?:\s+[A-Z*\d]\S*(?:\s+\S+){0,9})?$")  # "… . In Proceedings of …"
_PROSE = re.compile(
    r"\b(?:this (?:paper|work|article|study|repo|repository|is)|we (?:propose|present|show|introduce)|is an? )\b", re.I
)
_FIRST = re.compile(r"(?:(?<!\b[A-Z])\.|[,:])\s|\s[-–—|/·]+\s|(?<=[a-z]):(?=[A-Z])")
_LAST = re.compile(rf".*(?P<at>{_FIRST.pattern})", re.S)
_HEAD = re.compile(r"\.\s|(?<=\b[A-ZÀ-ÖØ-Þ])\.?:\s")  # what may end names: "Quist A. A title", "Quist, A.: A title"
_SENTENCE = re.compile(r"[.?!](?=\s+[A-ZА-ЯЁ])")
_BY_LENGTH = ((1, 0.35), (2, 0.85), (20, 1.0), (30, 0.7), (59, 0.25), (10_000, 0.1))  # words at most, worth


def of_title(
    title: str, common: frozenset[str], *, marked: bool, named: bool, linked: bool, least: float = 0.0
) -> float:
    """How much a text looks like a title, about 0 to 1; what is worth less than the `least` is looked at no further.

    It may be `marked` as a whole, stand behind names (`named`), be `linked` to the paper.
    """
    count = size(title)
    worth = 0.6 if count < 2 and (marked or named) and len(title) > 2 else by_length(count)
    if title[:1].islower():
        worth *= 0.3 if title.startswith(("and ", "et ", "by ")) else 0.7 if title.split()[0].isalpha() else 0.9
    label = len(title) <= 60 and (words.is_role(title) or words.status_word(title) or values.is_date(title))
    if label or not any(map(str.isalpha, title)):
        worth *= 0.08
    if "://" in title or "www." in title:
        worth *= 0.15
    if count > 2 and _PROSE.search(title):
        worth *= 0.4
    worth *= _brackets(title, common)
    if worth < least or (worth := worth * _with_place(title, count)) < least:
        return worth
    whose = _with_names(title, common, marked, named)
    return worth * (max(whose, LONE) if linked else whose)


def size(title: str) -> int:
    """How many words a text has; where it is written without blanks, how many its characters would make."""
    count = len(title.split())
    return max(count, len(title) // 3) if not title.isascii() and roles.is_cjk(title) else count


def by_length(count: int) -> float:
    """How much the length of a text in words speaks for a title."""
    return next(worth for most, worth in _BY_LENGTH if count <= most)


def _brackets(title: str, common: frozenset[str]) -> float:
    """How much the brackets, quotation marks and bars of a text speak for a whole title."""
    worth = 0.5 if title[0] in "(（" else 1.0
    if (first := _FIRST_BRACKET.match(title)) and roles.role_alone(first[1]):
        worth *= 0.5
    last = _LAST_BRACKET.search(title) if title[-1] in ")]）】" else None
    if last and (words.is_role(last[1]) or words.status_word(last[1])):
        worth *= 0.3
    paren = re.search(r"\s*[(（]([^()（）]+)[)）]$", title) if title[-1] in ")）" else None
    if paren and roles.is_cjk(paren[1]) and not roles.is_cjk(title[: paren.start()]):  # the title in another language
        worth *= 0.7
    elif paren and roles.role(paren[1], common, "(") == "names":
        worth *= 0.5
    if any(bar in title for bar in ("|", "｜", " · ", " // ")):
        worth *= 0.6
    if any(title.count(a) != title.count(b) for a, b in ("()", "[]", "“”", "（）")) or title.count('"') % 2:
        worth *= 0.5
    return worth


def _with_names(title: str, common: frozenset[str], marked: bool, named: bool) -> float:
    likely = values.likely_people(title, common)
    worth = 0.5 if likely >= 0.5 and title[0] not in "(（" and roles.PAIR.fullmatch(title) else 1.0
    if (roles.INVERTED.fullmatch(title) or roles.is_vancouver(title)) and values.is_name(title, common):
        worth *= 0.6
    if likely >= 0.7 or title.endswith(("et al", "et al.")):
        return worth * 0.3
    if "," in title and roles.ends_in_names(title.partition(",")[2], common):
        worth *= 0.5
    head, *stop = _HEAD.split(title, maxsplit=1)
    if stop and roles.is_cjk(head) and values.likely_people(head, common) >= 0.7:
        worth *= 0.5
    elif stop and roles.is_surname_first(head, common):
        worth *= 0.6
    if not marked:
        worth *= _head(title, named, common)
        if (last := tail(title)) and values.likely_people(last, common) >= 0.5:
            worth *= 0.6
    by = _BY.search(title) if " by" in title else None
    if by and (likely := values.likely_people(title[by.end() :], common)) >= 0.5:
        apart = title[by.start() : by.end()].strip(" :")[:1] in ",;–—-("
        worth *= 0.45 if likely >= 0.6 or apart else 0.85  # "by Gradient Descent" looks like one name
    return worth


def _head(title: str, named: bool, common: frozenset[str]) -> float:
    first = _FIRST.search(title)
    if not first:
        return 1.0
    head = title[: first.start()]
    least = 0.55 if first[0][0] == ":" and not named else 0.5  # "Big Bird: …" looks like a name
    several = 1 < len(head.split()) < 9 and not roles.ARTICLE.match(head)
    if several and (roles.is_vancouver(head) or values.likely_people(head, common) >= least):
        return 0.6
    dashed = first[0].strip() in tuple("-–—") and len(head.split()) < 6
    if roles.YEAR_ALONE.fullmatch(head) or (dashed and roles.LAST_YEAR.search(head)):  # "Ade 2019 - A title"
        return 0.4
    return 0.4 if first[0] == ": " and roles.names_and_year(head, common) else 1.0


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
    elif count > 6 and goes_on(title):
        worth *= 0.6 if ". " in title else 0.95
    elif title[-1] in "0123456789)]）":
        paren = _LAST_PAREN.search(title)
        worth *= 0.55 if _PLACED.search(title) or (paren and roles.role_alone(paren[1]) == "venue") else 1.0
    return worth


def goes_on(title: str) -> bool:
    """Whether a text goes on after a sentence."""
    return any(not ABBREVIATION.search(title[: end.start()]) for end in _SENTENCE.finditer(title))


def tail(title: str) -> str:
    """What stands after the last separator of a title, where it may be names."""
    last = _LAST.match(title)
    rest = title[last.end() :].strip(" ()") if last and last["at"][0] != ":" else ""
    return rest if 1 < len(rest.split()) < 7 else ""


def in_title_case(text: str) -> bool:
    """Whether most longer words of a text begin with a capital, as in the titles of English."""
    long = [word for word in re.findall(r"[A-Za-z][\w'’-]*", text) if len(word) > 3]
    return bool(long) and sum(word[0].isupper() for word in long) >= 0.75 * len(long)
