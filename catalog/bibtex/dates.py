"""When a work appeared, out of the fields of its entry: ISO, as precise as they say."""

from __future__ import annotations

import datetime as dt
import re
from calendar import monthrange
from collections.abc import Mapping

from catalog.bibtex.commands import NO_COMMANDS, Command
from catalog.bibtex.latex import decode

_POINT = re.compile(  # biblatex's form, which is that of ISO 8601-2; digits that are not known are X or u
    r"[~?%]*(?P<year>-?\d{2,3}[Xxu]{1,2}|-?\d{4})(?:-(?P<month>[~?%]*\d\d|[Xxu]{2})(?:-(?P<day>[~?%]*\d\d|[Xxu]{2})"
    r"(?:T[\d:.+Zz-]*)?)?)?[~?%]*"
)
_FORMAL = re.compile(r"[\d~?%/.XxuTZ:+\s-]*")
_YEAR_FIRST = re.compile(r"(\d{4})[-/.年](\d{1,2})(?:[-/.月](?:(\d{1,2})日?)?)?")
_MONTH_FIRST = re.compile(r"(?:(?P<one>\d{1,2})/)?(?P<other>\d{1,2})/(?P<year>\d{4})")
_TWO = re.compile(r"\s*(?:/|--+|[–—]|\s-\s)\s*")
_DAY_FIRST = re.compile(r"(\d{1,2})\.\s*(\d{1,2})\.\s*(\d{4})")
_YEAR = re.compile(r"(?<!\d)[12]\d{3}(?!\d)")
_ERA = re.compile(
    r"(?:b\.?\s*c\.?(?:\s*e\.?)?|v\.?\s*chr\.?|av(?:ant)?\.?\s*j\.?-?\s*c\.?|a\.?\s*c\.|до н\. ?э\.)", re.I
)
_BEFORE = re.compile(
    rf"(?<![\w-])(\d{{1,4}})(?:\s*(?:st|nd|rd|th))?\s*{_ERA.pattern}(?!\w)|(?:\A|(?<=\s))-0*([1-9]\d{{0,3}})(?!\d)",
    re.I,
)
_EARLY = re.compile(r"[^\w'’-]*(?:(?:ca?\.?|circa|a\.?d\.?)\s*)?(0?\d{1,3})(?:\s*(?:a\.?d\.?|c\.?e\.?))?[^\w?]*", re.I)
_SHORT = re.compile(r"['’](\d\d)")
_DECADE = re.compile(
    r"(?<!\d)([12]\d{2})(?:0['’]?s|0er|[Xxu?]|-?0-?luku)(?!\w)|(?<!\d)([12]\d)(?:[Xxu?]{2})(?!\w)", re.I
)
_SPAN = re.compile(r"(?<!\d)([12]\d{3})\s*(?:[-–—/]+|\bto\b)\s*([12]\d{3}|\d\d(?!\s*[^\W\d_]))(?!\d)")
_GOES_ON = re.compile(r"\s*([12]\d{3})\s*[-–—]+\s*")
_UNSURE = re.compile(r"[~?%]|≈|(?<![\w.])(?:ca?\.|circa|um|vers|probably|approx\w*\.?)(?=\s|\d|$)", re.I)
_ASIDE = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_MONTHS = (  # how they begin, in the languages of many bibliographies
    "jan gen ene янв sty led oca",
    "feb fév fev фев lut úno şub",
    "mar mär mrz мар maart břez",
    "apr avr abr апр kwi dub nis",
    "may mai mag мая май maj mei maí kvě",
    "jun juin giu июн cze haz",
    "jul juil lug июл lip tem",
    "aug aoû ago авг sie srp ağu",
    "sep set сен wrz eyl",
    "oct okt ott out окт paź říj eki",
    "nov noi ноя kas",
    "dec dez déc dic дек gru pro ara",
)
_MONTH = {word: number for number, words in enumerate(_MONTHS, 1) for word in words.split()}
_NUMBER = re.compile(r"\s*0?(\d{1,2})\s*[月월.]?\s*")
_BETWEEN = re.compile(r"\s*(?:--*|[–—/&]|\b(?:and|to|und|et|bis)\b)\s*")
_SEASONS = ("spring frühling frühjahr printemps primavera весна 春", "summer sommer été verano estate лето 夏",
            "autumn fall herbst automne otoño autunno осень 秋", "winter hiver invierno inverno зима 冬")  # fmt: skip
_SEASON = {word: number for number, words in enumerate(_SEASONS, 1) for word in words.split()}
_SAID = ("date", "year", "month", "day", "eventdate")


def date(fields: Mapping[str, str], commands: Mapping[str, Command] = NO_COMMANDS) -> str:
    """ "2021", "2021-06", "2021-06-17", "0850", "-0043" (44 BC); a span "2019/2021", one that goes on "2019/..", a
    decade "1990/1999"; "" where no field says. biblatex's `date` wins.
    """
    said = {name: _plain(fields.get(name, ""), commands) for name in _SAID}
    if found := _iso(said["date"]) or _loose(said["date"]):
        return found
    if year := _year(said["year"]):
        return year if "/" in year else _with_month(year, said["month"], said["day"])
    return _iso(said["eventdate"]) or _loose(said["eventdate"])


def marks(fields: Mapping[str, str], commands: Mapping[str, Command] = NO_COMMANDS) -> dict[str, str]:
    """What is said of the date beyond it: "circa" where it is not sure, "season" from 1 (spring) to 4 (winter)."""
    text = _plain(fields.get("date") or fields.get("year", ""), commands)
    found = {"circa": text} if _UNSURE.search(text) else {}
    month = decode(fields.get("month", ""), commands) if not fields.get("date") else text
    named = next((_SEASON[word] for word in _words(month) if word in _SEASON), 0)
    numbered = re.fullmatch(r"-?\d{4}-2([1-4])[~?%]*", text)
    season = int(numbered[1]) if numbered else named
    return found | ({"season": str(season)} if season else {})


def _plain(text: str, commands: Mapping[str, Command]) -> str:
    """The text; a `~` in biblatex's form means that it is not sure, and is no blank. Any script's digits are 0 to 9."""
    if not text.isascii():
        text = "".join(str(int(char)) if char.isdecimal() else char for char in text)
    return decode(text.replace("~", "?") if "~" in text and _FORMAL.fullmatch(text) else text, commands)


def of_arxiv(identifier: str) -> str:
    """The month in which an arXiv id was given: 2106.09685 is of 2021-06."""
    digits = identifier.rpartition("/")[2][:4]
    if len(digits) < 4 or not digits.isdigit() or not 1 <= int(digits[2:]) <= 12:
        return ""
    century = 19 if "/" in identifier and int(digits[:2]) > 90 else 20
    return f"{century}{digits[:2]}-{digits[2:]}"


def _iso(text: str) -> str:
    """biblatex's form: one date, or two with a `/` between, of which one may be open; "" for any other."""
    text = text.strip()
    if members := re.fullmatch(r"[\[{](.*)[\]}]", text):  # one of several
        text = re.split(r",|\.\.", members[1].strip(" ."))[0].strip()
    first, slash, last = text.partition("/")
    if not slash:
        return _point(first)
    start, end = _point(first), _point(last)
    if start and last in ("", "..", "open"):
        return f"{start}/.." if "/" not in start else start
    if start and end:
        return f"{start.split('/')[0]}/{end.split('/')[-1]}"
    return end if first in ("", "..", "unknown", "open") else start if last == "unknown" else ""


def _point(text: str) -> str:
    found = _POINT.fullmatch(text.strip())
    if not found:
        return ""
    year, month, day = (re.sub("[~?%]", "", part or "") for part in found.group("year", "month", "day"))
    if not year.lstrip("-").isdigit():
        ends = [re.sub("[Xxu]", digit, year) for digit in ("90" if year[0] == "-" else "09")]
        return "/".join(ends)
    return _dated(year, month, day)


def _dated(year: str, month: str, day: str = "") -> str:
    """As precise as there is such a day."""
    if not month.isdigit() or not 1 <= int(month) <= 12:
        return year
    whole = f"{year}-{int(month):02}"
    return f"{whole}-{int(day):02}" if day.isdigit() and 1 <= int(day) <= monthrange(1904, int(month))[1] else whole


def _loose(text: str) -> str:
    """A date as people write it: 2021/6/7, 17.06.2021, "June 17, 2021", "1850-1855", "44 BC"."""
    if (found := _YEAR_FIRST.fullmatch(text)) and 1 <= int(found[2]) <= 12:
        return _dated(found[1], found[2], found[3] or "")
    if found := _DAY_FIRST.fullmatch(text):
        return _dated(found[3], found[2], found[1])
    if found := _MONTH_FIRST.fullmatch(text):
        return _numbered(found["year"], int(found["one"] or 0), int(found["other"]))
    first, *last = _TWO.split(text)
    if (
        len(last) == 1
        and (_words(text) or _BEFORE.search(text))
        and (start := _loose(first))
        and (end := _loose(last[0]))
    ):
        return f"{start}/{end}"
    year = _year(text)
    if len(year) != 4 or not year.isdigit():
        return year
    return _with_month(year, text.replace(year, " ", 1).strip(" ,."), "") if _words(text) else year


def _numbered(year: str, one: int, other: int) -> str:
    """A year with a month, or with month and day where it can be told which is which."""
    day, month = (one, other) if other < 13 else (other, one)
    return year if 0 < one < 13 and other < 13 and one != other else _dated(year, str(month), str(day or ""))


def _year(text: str) -> str:
    """The year of publication: of `2003 (1998)` what is not in brackets, of `1998--2003` both."""
    if found := _BEFORE.search(text):
        return f"-{int(found[1]) - 1:04}" if found[1] else f"-{int(found[2]):04}"
    if decades := _DECADE.findall(text):
        (ten, hundred), (last, end) = decades[0], decades[-1]
        return f"{ten}0/{last or ten}9" if ten else f"{hundred}00/{end or hundred}99"
    if span := _SPAN.search(text):
        start, end = span.groups()
        end = start[:2] + end if len(end) == 2 else end
        return f"{start}/{end}" if start < end else start
    if found := _GOES_ON.fullmatch(text):
        return f"{found[1]}/.."
    found = _YEAR.search(_ASIDE.sub(" ", text)) or _YEAR.search(text)
    if found:
        return found.group()
    if short := _SHORT.fullmatch(text.strip()):
        return f"{19 if int(short[1]) > dt.date.today().year % 100 else 20}{short[1]}"
    early = _EARLY.fullmatch(text)
    return early[1].zfill(4) if early and int(early[1]) else ""


def _with_month(year: str, text: str, day: str) -> str:
    """A year with what "June", "jun", "6", "17 June", "May–June", "30 June – 2 July" add to it."""
    if number := _NUMBER.fullmatch(text):
        return _dated(year, number[1], day.strip())
    first, *more = _BETWEEN.split(text, maxsplit=1)
    start, end = (_month_and_day(part) for part in (first, *(more or [""])))
    if more and not start[0]:  # "1–3 June"
        start = (end[0], start[1])
    end = (end[0] or start[0], end[1])
    if not start[0]:
        return year
    begins = _dated(year, str(start[0]), start[1] or ("" if more else day.strip()))
    ends = _dated(year, str(end[0]), end[1]) if more else begins
    return f"{begins}/{ends}" if begins < ends and len(begins) == len(ends) else begins


def _month_and_day(text: str) -> tuple[int, str]:
    month = next((_MONTH[word[:n]] for word in _words(text) for n in (5, 4, 3) if word[:n] in _MONTH), 0)
    numbers = re.findall(r"(?<![\d.])\d{1,2}(?!\d)", text)
    return month, numbers[0] if len(numbers) == 1 else ""


def _words(text: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[^\W\d_]+", text) if len(word) > 2 or word in _SEASON]
