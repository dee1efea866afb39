"""When a work appeared, out of the fields of its entry: ISO, as precise as they say."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping

from catalog.bibtex.commands import NO_COMMANDS, Command
from catalog.bibtex.latex import decode

_ISO = re.compile(r"(?<![\d.-])(\d{4})(?:-(\d\d)(?:-(\d\d))?)?(?![\d])")
_YEAR = re.compile(r"(?<!\d)[12]\d{3}(?!\d)")
_EARLY = re.compile(r"[^\w-]*(?:(?:ca?\.?|circa|a\.?d\.?)\s*)?(0?\d{1,3})(?:\s*(?:a\.?d\.?|c\.?e\.?))?[^\w?]*", re.I)
_SPAN = re.compile(r"(?<!\d)([12]\d{3})\s*(?:[-–—/]+|\bto\b)\s*([12]\d{3}|\d\d)(?!\d)")
_ASIDE = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_MONTHS = (
    "jan", "feb", "mar mär mrz", "apr avr", "may mai", "jun juin", "jul juil", "aug aoû", "sep", "oct okt", "nov",
    "dec dez déc",
)  # fmt: skip
_MONTH = {word: number for number, words in enumerate(_MONTHS, 1) for word in words.split()}
_WORD = re.compile(r"[^\W\d_]{3,}")


def date(fields: Mapping[str, str], commands: Mapping[str, Command] = NO_COMMANDS) -> str:
    """ "2021", "2021-06", "2021-06-17", "0850", a span "2019/2021"; "" where no field says. biblatex's `date` wins."""
    said = {name: decode(fields.get(name, ""), commands) for name in ("date", "year", "month", "day", "eventdate")}
    if found := _iso(said["date"]):
        return found
    if year := _year(said["year"]):
        return year + ("" if "/" in year else _month(said["month"], said["day"]))
    return _iso(said["eventdate"]) or _year(said["date"])


def of_arxiv(identifier: str) -> str:
    """The month in which an arXiv id was given: 2106.09685 is of 2021-06."""
    digits = identifier.rpartition("/")[2][:4]
    if len(digits) < 4 or not digits.isdigit() or not 1 <= int(digits[2:]) <= 12:
        return ""
    century = 19 if "/" in identifier and int(digits[:2]) > 90 else 20
    return f"{century}{digits[:2]}-{digits[2:]}"


def _iso(text: str) -> str:
    """biblatex's form: one date, or two with a `/` between; what is not sure of them is not marked."""
    first, slash, last = text.partition("/")
    start, end = (_point(part) for part in (first, last))
    return f"{start}/{end}" if slash and start and end else start


def _point(text: str) -> str:
    found = _ISO.search(text.strip().rstrip("~?%"))
    if not found:
        return ""
    year, month, day = found.groups()
    if not month or not 1 <= int(month) <= 12:
        return year
    return f"{year}-{month}-{day}" if day and 1 <= int(day) <= monthrange(1904, int(month))[1] else f"{year}-{month}"


def _year(text: str) -> str:
    """The year of publication: of `2003 (1998)` what is not in brackets, of `1998--2003` both."""
    if span := _SPAN.search(text):
        start, end = span.groups()
        end = start[:2] + end if len(end) == 2 else end
        return f"{start}/{end}" if start < end else start
    found = _YEAR.search(_ASIDE.sub(" ", text)) or _YEAR.search(text)
    if found:
        return found.group()
    early = _EARLY.fullmatch(text)
    return early[1].zfill(4) if early and int(early[1]) else ""


def _month(text: str, day: str) -> str:
    """ "-06" or "-06-17" out of "June", "jun", "6", "17 June", "May–June"; "" where it is none."""
    numbers = [int(number) for number in re.findall(r"\d+", text)]
    named = next((_MONTH[word[:n]] for word in _WORD.findall(text.lower()) for n in (3, 4) if word[:n] in _MONTH), 0)
    month = named or (numbers.pop(0) if numbers else 0)
    if not 1 <= month <= 12:
        return ""
    numbers += [int(number) for number in re.findall(r"\d+", day)[:1]]
    single = len(numbers) == 1 and 1 <= numbers[0] <= 31
    return f"-{month:02}" + (f"-{numbers[0]:02}" if single else "")
