"""Values in a text: people, dates, venues, identifiers, ratings. Each function reads one; none guesses a place."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from catalog.facts import OTHERS
from catalog.ingest import words

_NEXT_YEAR = dt.date.today().year + 1
_PARTICLES_NAMES = (
    "van von der den de del della di da dos das du la le el al bin ibn ben ter ten zu zur af av y e i jr jr. "
    "sr sr. ii iii iv"
)
_PARTICLES = frozenset(_PARTICLES_NAMES.split(" "))
_BETWEEN_NAMES = _PARTICLES | {"and", "by", "with", "et", "al", "und", "others", "from"}
_TITLES = re.compile(r"^(?:prof\.?|professor|dr\.?|mr\.?|mrs\.?|ms\.?|sir)\s+(?=\w)", re.I)
_ET_AL = re.compile(
    r"[\s,;]*(?:\b(?:[ae]t\s*\.?\s*al|and\s+others|and\s+colleagues|u\.\s?a)\b\.?,?|\.\.\.|…|等人?|ほか|他|ら|외)\s*(?:\([^()]*\))?[\s.,]*$",
    re.I,
)
_ET_AL_LAST = re.compile(r"\b[ae]t\s*\.?\s*al\b|(?:等人?|ほか|他|외)\s*$")
_BY = re.compile(r"^\W{0,3}(?:by|authors?|written by|von|par|por|от|作者)\b\s*:?\s+", re.I)
_FOOT = re.compile(r"(?<=[^\W\d_])[\d*†‡§¶∗,]*[\d*†‡§¶∗]+(?=[\s,;.]|$)|[*†‡§¶∗]+")
_HIDDEN = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028\u2029\ufeff]")  # as text from a PDF holds
_INITIALS_DOT = re.compile(r"(?:[^\W\d_]\.?[\s-]?){1,2}(?:[^\W\d_]\.[\s-]?){0,3}(?:\s?(?:[Jj]r|[Ss]r)\.?)?")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
_HAN = re.compile(r"[\u3400-\u9fff]+")
_CJK_NAME = re.compile(r"[\u3400-\u9fff]{2,4}|[\uac00-\ud7af]{2,4}|[\u3040-\u30ff\u3400-\u9fff·・ ]{2,9}")
_PARTICLE = re.compile(  # of Japanese prose, or one word in katakana: a name from abroad is parted
    r"[をがはでと]|(?:^|[\u3400-\u9fff])の[\u3400-\u9fff]|^[^・ ]*[\u30a1-\u30fa][^・ ]*$"
)
VANCOUVER = re.compile(r"((?:[a-z]{2,3} )?[A-ZÀ-ÖØ-Þ][\w'’-]+(?: [A-ZÀ-ÖØ-Þ][\w'’-]+)?) ([A-Z]{1,3})")  # "Kingma DP"
_WORD = re.compile(r"[^\W\d_](?:[\w'’`–-]*[\w'’`])?\.?|(?:[^\W\d_]\.-?){1,3}[^\W\d_]?")

_LETTERS = re.compile(r"[^\W\d_]+")
_TOLD = re.compile("[:：]")
_TOLD_YEAR = re.compile(r"\d[:：]")  # "Quist, Lund 2017: A title"

_YEAR = r"(?:1[5-9]|20)\d\d"
_DATES = (
    re.compile(
        rf"(?<![\d/.:-])(?P<y>{_YEAR})\s?[-/.年]\s?(?P<m>\d{{1,2}})\s?[-/.月]\s?(?P<d>\d{{1,2}})(?:日)?(?:T\d\d:\d\d[\d:.]*(?:Z|[+-]\d\d:?\d\d)?)?(?![\d])"
    ),
    re.compile(rf"(?<![\d/.:-])(?P<y>{_YEAR})\s?[-/.年]\s?(?P<m>0?[1-9]|1[0-2])(?:月)?(?![\d\w])"),
    re.compile(rf"(?<![\d/.:-])(?P<m>0?[1-9]|1[0-2])[/.](?P<y>{_YEAR})(?![\d/])"),
)
_DAY_FIRST = re.compile(
    rf"(?<![\d/.:-])(?P<d>\d{{1,2}})(?:\.\s?(?P<m>\d{{1,2}})\.\s?|/(?P<m2>\d{{1,2}})/)(?P<y>{_YEAR})(?!\d)"
)
_EITHER = re.compile(rf"(\d{{1,2}})/(\d{{1,2}})/({_YEAR})")  # which is the month, another day of the column tells
_DAY_MONTH = re.compile(
    rf"\b(?:(?P<d>\d{{1,2}})(?:st|nd|rd|th|\.)?\s+(?:de\s+)?)?(?P<w>[^\W\d_]{{3,10}})\.?,?\s+(?:de\s+)?(?:(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?,?\s+)?(?P<y>{_YEAR})\b"
)
_YEAR_MONTH = re.compile(rf"\b(?P<y>{_YEAR}),?\s+(?P<w>[^\W\d_]{{3,10}})(?:\s+(?P<d>\d{{1,2}}))?\b")
_ONLY_YEAR = re.compile(
    rf"(?<![\d./:_#=–-])(?P<y>{_YEAR})(?!\d|[A-Z]\d|[./:]\d|[-–—]\s?(?!(?:19|20)\d\d(?!\d))\d|%)"  # no number of a page
)
_SHORT_YEAR = re.compile(r"(?<=[A-Za-z])\s?(?:['’`‘]\s?(\d\d)(?!\d)|(?<!\d)(\d\d)['’`‘](?!\w))")  # also "OSDI 23'"
_GLUED_YEAR = re.compile(rf"(?<=[A-Za-z&)])(?:[-_']?|(?<=[A-Z]) )({_YEAR}|\d\d)\b(?!\.\d|\s?[(,:]\s?\d)")  # no volume


_ANY_YEAR = re.compile(_YEAR)


class Found(NamedTuple):
    """A value and where it stands."""

    value: str
    start: int
    end: int


@lru_cache(32768)  # a text is asked again when a run votes, and when its entry is read
def date(text: str) -> Found | None:
    """The first date in a text as an ISO prefix: "2021-07-15", "2021-07" or "2021"; never beyond next year."""
    if not _ANY_YEAR.search(text):
        return None
    for pattern in (*_DATES, _DAY_FIRST, _DAY_MONTH, _YEAR_MONTH):
        for match in pattern.finditer(text):
            if iso := _iso(match):
                return Found(iso, *match.span())
    for match in _ONLY_YEAR.finditer(text):
        if int(match["y"]) <= _NEXT_YEAR:
            return Found(match["y"], *match.span())
    return None


def is_date(text: str) -> bool:
    """Whether a text is a date and no more than two other characters."""
    found = date(text) if len(text) < 40 else None
    return found is not None and found.end - found.start >= len(text) - 2


def _iso(match: re.Match[str]) -> str:
    parts = match.groupdict()
    year = int(parts["y"])
    if parts.get("m2"):  # "03/14/2021", "14/03/2021"; which of two is the month is told only where one is beyond 12
        first, second = int(parts["d"]), int(parts["m2"])
        if first <= 12 and second <= 12 and first != second:
            return ""
        month, day = (second, first) if first > 12 else (first, second)
        parts |= {"m": str(month), "d": str(day)}
    month = int(parts.get("m") or 0) or words.months().get((parts.get("w") or "").lower(), 0)
    day = int(parts.get("d") or parts.get("d2") or 0)
    if not month or year > _NEXT_YEAR:
        return ""
    try:
        dt.date(year, month, day or 1)
    except ValueError:
        return ""
    return f"{year}-{month:02}-{day:02}" if day else f"{year}-{month:02}"


def day_first(texts: Iterable[str]) -> bool | None:
    """Whether days such as 03/02/2021 begin with the day, as one beyond 12 among them tells; None where none does."""
    found = [match for text in texts if (match := _EITHER.fullmatch(text.strip()))]
    first, second = any(int(m[1]) > 12 for m in found), any(int(m[2]) > 12 for m in found)
    return first if first != second else None


def in_order(text: str, first: bool | None) -> str:
    """A day as ISO where all that it needs is whether it begins with the day; else the text itself."""
    match = _EITHER.fullmatch(text.strip())
    if not match or first is None:
        return text
    d, m = (match[1], match[2]) if first else (match[2], match[1])
    return f"{match[3]}-{int(m):02}-{int(d):02}"


def day(text: str) -> dt.date | None:
    """A whole day in a text, or None."""
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text.strip()):
        try:
            return dt.date.fromisoformat(text.strip())
        except ValueError:
            return None
    found = date(text)
    return dt.date.fromisoformat(found.value) if found and len(found.value) == 10 else None


def rating(text: str) -> int:
    """The rating that stars or "4/5" give, 1 to 10; 0 where there is none."""
    if stars := text.count("⭐") + text.count("★") + text.count("🌟") + text.count(":star:"):
        return min(stars, 10)
    found = re.fullmatch(r"\s*(\d{1,2})(?:\.\d+)?\s*(?:/\s*(?:5|10))?\s*", text)
    return int(found[1]) if found and 1 <= int(found[1]) <= 10 else 0


@lru_cache(8192)
def people(text: str, lead: bool = False) -> tuple[str, ...]:
    """The names in a text of nothing but names, each as it is written; `lead`: "Fox, Eve" is one, surname first."""
    return tuple(name for name in authors(text, lead) if name != OTHERS)


def authors(text: str, lead: bool = False) -> tuple[str, ...]:
    """The names in a text as `people` tells them, with `OTHERS` behind where it says that there are more: "et al."."""
    text = _BY.sub("", _HIDDEN.sub("", text).strip().strip('*_`"“”'))
    text = re.sub(r"\((?:[^()]*)\)|\[[^\[\]]*\]|<[^<>]*>", " ", text)
    text = re.sub(r"(?<=\b[A-ZА-ЯЁ]\.)(?=[A-ZА-ЯЁ][a-zа-яё]{2})", " ", text)
    text = re.sub(r",\s*(?:\.\.\.|…)\s*(?=,|&|and\b)", ",", text)
    text, more = _ET_AL.subn("", text)
    text = " ".join(_FOOT.sub("", text).split()).strip(" ,;:·•|")
    if not text:
        return ()
    if ";" in text or "；" in text or " | " in text:
        parts = re.split(r"\s*[;；|]\s*", text)
    elif _CJK.search(text):
        parts = re.split(r"\s*[,，、・/]\s*|\s+(?:and|&|和|与)\s+", text)
        if len(parts) == 1:  # else a blank stands between family and given name
            parts = re.split(r"(?<=[\u3400-\u9fff]{2})\s+(?=[\u3400-\u9fff]{2})", text)
    else:
        parts = _latin(text, lead)
    parts = [part for part in parts if re.search(r"[^\W\d_]", part)]
    names = [name for part in parts if (name := _TITLES.sub("", part.strip(' ,;:*_`"')).strip())]
    if len(names) > 1 and all(VANCOUVER.fullmatch(name) for name in names):
        names = [VANCOUVER.sub(r"\1, \2", name) for name in names]
    else:  # the full stop after the last initial went with what ended the names
        cut = re.compile(r"[\s.-][A-ZА-ЯЁ]$" if "." in text else r", [A-ZА-ЯЁ]$")
        names = [f"{name}." if cut.search(name) else name for name in names]
    return (*names, OTHERS) if names and more else tuple(names)


def _latin(text: str, lead: bool) -> list[str]:
    """The names of a text in Latin letters; "Ruiz, A., & Chen, B." holds two."""
    by_and = [p for p in re.split(r",?\s+(?:and|und|et|y)\s+|\s*,?\s*&\s*", text) if p.strip()]
    pairs = [part.split(",") for part in by_and]
    if len(by_and) > 1 and all(len(p) == 2 and len(p[0].split()) <= 3 for p in pairs):
        return [part.strip() for part in by_and]
    parts = [p.strip() for part in by_and for p in part.split(",") if p.strip()]
    if len(pairs) > 1 and len(pairs[-1]) == 2 and len(parts) % 2 == 0 and all(len(p.split()) < 3 for p in parts):
        return [f"{a}, {b}" for a, b in zip(parts[::2], parts[1::2], strict=True)]  # "Quist, Ada, Lund, Bo, and Ek, Cy"
    sizes = [len(part.split()) for part in parts]
    if len(parts) > 2 and sizes[0] == 1 and sizes[1] < 3 and min(sizes[2:]) > 1:
        lead = True  # "Quist, Ada, Bo Lund, and Cy Marsh"
    elif len(parts) > 2 and max(sizes) == 1:
        lead = False  # "Quist, Lund, Marsh"
    out: list[str] = []
    for part in parts:
        family = out and "," not in out[-1] and len(out[-1].split()) <= 3 and not _is_initials(out[-1])
        if family and _is_initials(part):
            out[-1] = f"{out[-1]}, {part}"
        elif lead and len(out) == 1 and "," in by_and[0] and "," not in out[0] and len(out[0].split()) == 1:
            out[0] = f"{out[0]}, {part}"
        else:
            out.append(part)
    return out


def _is_initials(text: str) -> bool:
    """Whether a text is initials or a suffix, "A. P.", "AP" or "Jr.", rather than a short name such as "Yu"."""
    return bool(_INITIALS_DOT.fullmatch(text)) and ("." in text or text.isupper())


@lru_cache(16384)
def is_name(name: str, common: frozenset[str] = frozenset()) -> bool:
    """Whether one name looks like a person's: a few capitalised words, initials, particles, or Chinese characters."""
    if not 2 <= len(name) <= 60 or any(c.isdigit() or c in '?!:/=+#@()[]{}<>"' for c in name):
        return False
    if _CJK.search(name):
        return bool(_CJK_NAME.fullmatch(name)) and not _PARTICLE.search(name)
    parts = name.replace(",", " ").split()
    if len(parts) > 6 or not all(_WORD.fullmatch(p) for p in parts):
        return False
    solid = [p for p in parts if p not in _PARTICLES]  # "Ben" may be a whole given name
    if not solid or not all(p[0].isupper() or (p[0] in "d'’" and len(p) > 2) for p in solid):
        return False
    if len(solid) > 1 and any(len(p) > 4 and p.isupper() and "." not in p for p in solid):
        return False
    if any(len(p) > 1 and p.lower() in words.title_words() for p in parts):
        return False
    plain = [p for p in solid if len(p.rstrip(".")) > 2]
    known = sum(p.lower() in common for p in plain)
    short = sum(len(p) == 2 and not p[1].isupper() for p in solid)  # "R. Pike", "Cy Marsh", wherever a pike is named
    return known * 2 <= len(plain) + short if len(plain) > 1 or len(solid) > len(plain) else not known


@lru_cache(16384)  # a text is asked again by each reading of a line, when a run votes, and when its entry is read
def likely_people(text: str, common: frozenset[str] = frozenset(), lead: bool = False) -> float:
    """How much a text looks like a list of names, 0 to 1. `common` are words that are none."""
    if len(text) < 2 or len(text) > 3000:
        return 0.0
    head = text[:400]
    plain = _LETTERS.findall(head)
    small = [word for word in plain if word.islower() and word not in _BETWEEN_NAMES]
    names = people(text, lead) if len(small) * 5 <= len(plain) * 2 else ()
    if not names or _TOLD.search(names[0]) or _TOLD_YEAR.search(names[-1]):
        return 0.0
    if len(names) > 1 and min(map(len, names)) > 3 and all(map(_HAN.fullmatch, names)):
        return 0.0  # names of four characters are rare: a remark
    good = sum(is_name(name, common) for name in names[:12])
    share = good / min(len(names), 12)
    if share >= 0.5 and (_BY.match(head) or _ET_AL_LAST.search(text[-40:])):
        return 1.0
    initials = bool(re.search(r"(?:^|[\s,])[A-ZА-ЯЁ]\.(?:[\s,A-ZА-ЯЁ-]|$)", text))
    if len(names) == 1:
        size = len(names[0].split())
        if _CJK.fullmatch(names[0]):
            return 0.3 * share
        usual = 0.5 if size in (2, 3) or "," in names[0] else 0.3
        return 0.0 if share < 1 else 0.75 if initials and size > 1 else usual
    if share < 1 and any(_CJK.search(name) and not is_name(name, common) for name in names):
        return 0.0  # a remark
    singles = sum(len(name.split()) == 1 for name in names) / len(names)
    unlike = share == 1 and singles == 0.5 and len(names) == 2 and not re.search("[,.]", text)  # "Red Pines and Ferns"
    return share * (0.95 if initials else 0.9) * (0.6 if (singles > 0.5 or unlike) and not _CJK.search(text) else 1.0)


class Venue(NamedTuple):
    """A venue as written, without its year, and the year beside it as ISO or ""."""

    name: str
    date: str
    known: bool


_STATED_ID = re.compile(r"[\s,;]*\b(?:arXiv:\s?\d{4}\.\d{4,5}(?:v\d+)?|doi:\s?10\.\d{4,}/\S+)", re.I)
_DIGIT = re.compile(r"\d")
_EMPTY = re.compile(r"\s*\(\s*\)|\[\s*\]")
_LED_BY = re.compile(r"^(?:[Ii]n:?|presented at|published in|appeared (?:in|at)|accepted (?:by|to|at)|at|@)\s+(?=\S)")
_ACRONYM = re.compile(r"(?<![\w/])([A-Z0-9][A-Za-z0-9&‑-]*[A-Za-z&])(?:\b|(?=['’\d_]))")
_SAYS_MORE = re.compile(r"oral|spotlight|poster|best paper(?: award)?|highlight|accepted|to appear|under review")
_MORE = re.compile(rf"(?<![\s,;–—-])[\s,;–—-]*[(\[]?\b(?:{_SAYS_MORE.pattern})\b[)\]]?[\s.,]*", re.I)
_PAGES = re.compile(
    r",?\s*\b(?:vol(?:ume)?\.?|no\.|issue|pp?\.|S\.|pages?)\s*[\d(][\w–:(),.\s-]*$|[\s,]+\d+\s*(?:\(\d+\)|\.\d+)[\s\d:,()–-]*$|[\s,]+\d+[\s,:–-]+\d+[–-]\d+\.?$|,\s*\d+$|(?<=[a-z.])\s\d{1,3}$|(?<=arXiv)\s\d{4}$|\s:\s\d+(?:[–:-]\d+)*$",
    re.I,
)


_JOURNAL = re.compile(
    r"[\u3040-\u9fff](?:学报|學報|期刊|杂志|雜誌|学刊|论文集|論文誌|学会誌)$|[\uac00-\ud7af](?:학회지|논문지)$"
)


@lru_cache(32768)
def venue(text: str) -> Venue | None:
    """The venue that a short text is, with its year: "ICML 2021", "NeurIPS'20", "In *Proceedings of …*, 2017"."""
    text, numbered = " ".join(text.split()), bool(_DIGIT.search(text))
    text = (_STATED_ID.sub(" ", text) if numbered else text).strip(" .,;:()[]（）【】*_`-–—|")
    if not 2 <= len(text) <= 300:
        return None
    found = date(text) if numbered else None
    year, rest = "", text
    if found:
        year, rest = found.value, f"{text[: found.start]} {text[found.end :]}"
    elif short := numbered and (_SHORT_YEAR.search(text) or _GLUED_YEAR.search(text)):
        said = next(filter(None, short.groups()))
        two = said[-2:]
        year = said if len(said) == 4 else f"{'20' if int(two) < 60 else '19'}{two}"
        if int(year) > _NEXT_YEAR:
            return None
        rest = f"{text[: short.start()]} {text[short.end() :]}"
    rest = rest.strip(" .,;:()[]'’-–—/")
    while numbered and (shorter := _PAGES.sub("", rest).strip(" .,;:()[]'’-–—/")) != rest:
        rest = shorter
    name = " ".join(rest.split())
    name = (_EMPTY.sub("", name) if "(" in name or "[" in name else name).strip(" .,;:-–—/'’")
    name = _LED_BY.sub("", name, count=1)
    trimmed = (_MORE.sub(" ", name) if _SAYS_MORE.search(name.lower()) else name).strip(" .,;:()[]-")
    if not trimmed or trimmed.lower() in words.months():
        return None
    trimmed += ")" * (trimmed.count("(") - trimmed.count(")"))
    known = _is_acronym(trimmed) or bool(words.venue_opening().match(trimmed) or _JOURNAL.search(trimmed))
    if not known and len(trimmed.split()) <= 8:
        said = [m[1] for m in _ACRONYM.finditer(trimmed) if m[1][0].isupper() and len(m[1]) > 1]
        known = any((kept := words.acronyms().get(one.lower())) and (one.isupper() or one == kept) for one in said)
    return Venue(words.acronyms().get(trimmed.lower(), trimmed) if trimmed.isupper() else trimmed, year, known)


def _is_acronym(text: str) -> bool:
    """Whether a text is a venue's acronym; one that is a word as well ("FAST") only as it is written."""
    lower = text.lower()
    known = words.acronyms().get(lower)
    return known is not None and (text in (known, known.upper()) or lower not in words.title_words())


def is_venue_like(name: str) -> bool:
    """Whether a text could be the short name of a venue that no list knows."""
    if name.lower() in words.title_words():  # "Google", "Meta": whose it is
        return False
    begins = name[0].isupper() or bool(_CJK.fullmatch(name))
    return 2 <= len(name) <= 60 and len(name.split()) <= 6 and begins and not name.endswith((".", "?"))


_ISBN = re.compile(r"(?:97[89][- ]?)?(?:\d[- ]?){9}[\dXx]")
_IDS = {
    "pmid": re.compile(r"\bPMID:?\s*(\d{4,9})\b|pubmed\.ncbi\.nlm\.nih\.gov/(\d+)", re.I),
    "pmcid": re.compile(r"\b(PMC\d{5,8})\b"),
    "isbn": re.compile(rf"\bISBN(?:-1[03])?:?\s*({_ISBN.pattern})", re.I),
}


def identifiers(text: str) -> dict[str, str]:
    """Identifiers that a text states with their name: PMID, PMC, ISBN."""
    found = {}
    lower = text.lower()
    for name, pattern in _IDS.items() if any(mark in lower for mark in ("pm", "pubmed", "isbn")) else ():
        if match := pattern.search(text):
            found[name] = next(group for group in match.groups() if group).replace("-", "").replace(" ", "")
    return found
