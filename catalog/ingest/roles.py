"""What a stretch of a line is by itself: names, however they are written, a venue, or a date."""

from __future__ import annotations

import re
from functools import lru_cache

from catalog.ingest import values, words

_UP = "A-ZÀ-ÖØ-ÞĀ-ſА-ЯЁ"
_LATIN = "A-ZÀ-ÖØ-Þ"
YEAR_ALONE = re.compile(r"[\s(\[（【]*(?:(?:1[5-9]|20)\d\d[a-z]?|(?<=\()n\.d\.)[\s)\]）】.,:]*")
LAST_YEAR = re.compile(r"[\s,.;]*[(（\[]?(?:1[5-9]|20)\d\d[a-z]?(?:,\s*[A-Za-z]+\.?(?:\s+\d{1,2})?)?[)）\]]?[\s.,:;]*$")
COMMA = re.compile(r"[,，、]\s*")
ARTICLE = re.compile(r"(?:An?|The) ")
_PARTED = re.compile(r"\s+(?:and|&)\s+|[,，、]\s*(?:and\s+|&\s*)?")
_FIRST_OF = re.compile(r"[,，、;]|\s(?:and|&)\s")
_CJK = re.compile("[\u3040-\u9fff\uac00-\ud7af]")
_ROMAN = re.compile(r"\b[IVX]{2,4}$")  # "Big Bird II" is no name
_VANCOUVER = re.compile(rf"(?:[a-z]{{2,3}} )?[{_UP}][\w'’-]+(?: [{_UP}][\w'’-]+)? [{_UP}]{{1,3}}")  # "Kingma DP"
PAIR = re.compile(rf"[{_LATIN}][\w'’-]+ (?:&|and|et|und|y) [{_LATIN}][\w'’-]+")
SHORT_NAMES = re.compile(  # "Ek et al."
    rf"[{_LATIN}][\w'’-]+(?: [{_LATIN}][\w'’-]+)?(?: [ae]t\.? al| & [{_LATIN}][\w'’-]+)"
)
INVERTED = re.compile(rf"[{_LATIN}][\w'’-]+, [{_LATIN}][\w.'’-]*(?: [{_LATIN}]\.?)*")  # "Quist, Ada"
_FULL = re.compile(rf"[{_LATIN}][\w'’-]+, [{_LATIN}][\w'’-]+(?: [{_LATIN}]\.?)*")  # "Quist, Ada M."
ONE_TURNED = re.compile(  # "Wright, S.", "Петрова А. А."; but "Ian H. Quist" is one name
    r"[A-ZÀ-ÖØ-ÞĀ-ſ][\w'’-]+, (?:[A-ZÀ-ÖØ-ÞĀ-ſ]\.[ -]?)+|[А-ЯЁ][\w-]+,? (?:[А-ЯЁ]\.[ -]?)+"
)
_LAST_NAME = re.compile(r"[;；\n]|\b[Bb]y\s+|[-–—/|·]\s+")
_NEXT_NAME = re.compile(r"[;；\n()\[\]\"“»`]|\.(?=\s+\w{3})|(?<=\w{3})\.|,?\s+(?:[-–—/|·]|et al)")
_INITIAL_LAST = re.compile(r"(?:^|[\s.,-])[A-ZÀ-ÖØ-ÞĀ-ſА-ЯЁ]$")
_INITIAL_FIRST = re.compile(rf"\W*[{_UP}]\.")  # "A. Baevski, H. Zhou": initials stand before
_GIVEN_FIRST = re.compile(rf"\b(?:and|&)\s+[{_LATIN}][\w'’-]{{2,}} [{_LATIN}]\.?$")  # "… and Bo K."
_INITIALS_LAST = re.compile(rf"(?:[{_UP}]\.?,?\s+(?:and|&)\s+.*[{_UP}]|,\s*(?:[{_UP}][. -]*)+)\.?$")
_FAMILY_FIRST = re.compile(rf"[^,]{{2,40}}, (?:[{_UP}]\.|[{_UP}][\w-]+)")  # "Ribeiro, M. T., Singh, S."
_NEXT_TURNED = re.compile(r"[^.]{2,30}, [A-Z]\.")
_ET_AL_LAST = re.compile(r"\b[ae]t\.? al\.?$")


def is_cjk(text: str) -> bool:
    """Whether a text is written in Chinese characters, kana or Hangul."""
    return bool(_CJK.search(text))


def without_year(text: str) -> str:
    """A text without the year that it ends in: "Quist and Lund (2019)"."""
    told = any(c.isdigit() for c in text[-24:])
    last = LAST_YEAR.search(text, max(0, len(text) - 60)) if told else None
    return text[: last.start()] if last else text


def is_time(piece: str) -> bool:
    """Whether a piece is a year, or the month beside one: "(2020", "May)"."""
    return bool(YEAR_ALONE.fullmatch(piece)) or re.sub(r"[\W\d]+", "", piece).lower() in words.months()


@lru_cache(8192)
def role_alone(text: str) -> str:
    """Whether a text is a "date" or a "venue", or neither."""
    text = text.strip(' *_"“”.,;:()[]（）【】`')
    if not text:
        return ""
    if YEAR_ALONE.fullmatch(text) or values.is_date(text):
        return "date"
    shown = values.venue(text) if len(text) < 120 else None
    return "venue" if shown and (shown.known or (shown.date and len(text) < 30)) else ""


def role(text: str, common: frozenset[str], kind: str) -> str:
    """What a piece beside a title is: "names", "venue", "date", or ""; names are told more surely after some cuts."""
    if found := role_alone(COMMA.split(text, maxsplit=1)[0]):
        return found
    stripped = without_year(text.strip(" ()[]*_`")).strip(" ,.;:")
    first = _FIRST_OF.split(stripped, maxsplit=1)[0]
    if len(stripped) < 3 or not goes_on(first, common):
        return ""
    if kind == ":":
        named = SHORT_NAMES.fullmatch(stripped) or (COMMA.search(stripped) and each_name(stripped, common))
        return "names" if named else ""
    whole = kind != "by" and len(first.split()) in (2, 3) and values.is_name(first, common)
    more = re.search(r"\b[ae]t\.? al\b|等", first) or ("&" in stripped and PAIR.fullmatch(COMMA.split(stripped)[0]))
    least = 0.6 if kind in (",", "by") else 0.5
    return "names" if whole or more or values.likely_people(stripped, common, True) >= least else ""


def goes_on(piece: str, common: frozenset[str], first: bool = False) -> bool:
    """Whether a piece of a head may be of names, a year or initials, so that the names may go on."""
    piece = re.sub(r"^(?:and|und|et|y|&|with|by)\s+", "", piece.rpartition(";")[2].strip(' *_()[]"“.,;:')).strip()
    piece = without_year(piece) or piece
    if not first and ARTICLE.match(piece):
        return False
    if len(piece) < 3 or is_time(piece) or re.fullmatch(r"[ae]t\.? al|others", piece):
        return True
    return is_vancouver(piece) or bool(SHORT_NAMES.match(piece)) or values.likely_people(piece, common) >= 0.3


def between_names(before: str, after: str) -> bool:
    """Whether a semicolon between two texts parts two names: "Quist, Ada; Lund, Bo"."""
    left, right = _LAST_NAME.split(before[-80:])[-1], _NEXT_NAME.split(after[:80], maxsplit=1)[0]
    return values.is_name(left.strip(" *_(.,:")) and values.is_name(right.strip(" *_"))


def like_one_name(head: str, common: frozenset[str]) -> bool:
    """Whether a text of two or three words could be one name, or two surnames: "Ada Quist", "Quist and Lund"."""
    short = len(head) < 5 if is_cjk(head) else len(head.split()) in (2, 3)
    whole = (short and "," not in head and head[-2] != " ") or _FULL.fullmatch(head)
    return bool((whole and values.is_name(head, common)) or PAIR.fullmatch(head))


def is_vancouver(text: str) -> bool:
    """Whether a text is one name as medicine writes it: "Kingma DP"."""
    return bool(_VANCOUVER.fullmatch(text)) and not _ROMAN.search(text)


def is_surname_first(text: str, common: frozenset[str]) -> bool:
    """Whether a text is names and no more, surname first: "Abbeel P", "Quist, Ada", "Quist, Ada; Lund, Bo"."""
    inverted = INVERTED.match(text) and (";" in text or INVERTED.fullmatch(text))
    return is_vancouver(text) or (bool(inverted) and values.likely_people(text, common, True) >= 0.5)


def each_name(names: str, common: frozenset[str]) -> bool:
    """Whether each name of a list parted by commas is whole, so that what follows the comma is no name's rest."""
    names = names.strip()
    if _ET_AL_LAST.search(names) or ("&" in names and PAIR.fullmatch(names)):
        return True
    each = [one.strip() for one in _PARTED.split(names) if one.strip()]
    return bool(each) and all(len(one.split()) > 1 and values.is_name(one, common) for one in each)


def all_names(text: str, common: frozenset[str]) -> bool:
    """Whether a text parted at commas and "and" is nothing but names."""
    return all(values.is_name(name.strip(), common) for name in re.split(r",|\s(?:and|&)\s", text))


def names_and_year(head: str, common: frozenset[str]) -> bool:
    """Whether a head is surnames and a year: "Quist 2002", "Quist, Lund (2002)", but not "NeurIPS 2020"."""
    names = without_year(head)
    single = [word for word in re.split(r"\W+", names) if word]
    return names != head and all(word[1:].islower() for word in single) and all_names(names, common)


def ends_in_names(rest: str, common: frozenset[str]) -> bool:
    """Whether what follows a comma is names; one alone, or mere surnames, look like the end of an enumeration."""
    names = values.people(rest)
    several = sum(len(name.split()) > 1 and "," not in name for name in names) > 1
    return (several or len(names) == 1) and values.likely_people(rest, common) >= (0.5 if several else 0.6)


def unfinished(head: str, rest: str) -> bool:
    """Whether a full stop belongs to an initial after which the name goes on: "Emily M. Bender"."""
    if not _INITIAL_LAST.search(head.rstrip(".")):
        return False
    given = _FULL.match(head) and _GIVEN_FIRST.search(head)  # "Quist, Ada M., and Bo K.": the first alone is turned
    if given or _INITIAL_FIRST.match(head) or _INITIAL_FIRST.match(rest):
        return True
    parts = COMMA.split(head)
    if all(map(ONE_TURNED.fullmatch, parts)) or (ONE_TURNED.fullmatch(head) and not _NEXT_TURNED.match(rest)):
        return False
    if _INITIALS_LAST.search(head[-60:]) and _FAMILY_FIRST.match(head):
        return False
    return not all(is_vancouver(one.strip(" .")) for one in parts if one.strip(" ."))
