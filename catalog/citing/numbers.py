"""Numbers in citations: ranges of pages, ordinals, what is one number and what are several."""

from __future__ import annotations

import re

from catalog.citing.style import Style

_NUMERIC = re.compile(r"[^\W\d_]{0,4}\d+[^\W\d_]{0,4}(?:\s*[-–,&]\s*[^\W\d_]{0,4}\d+[^\W\d_]{0,4})*")
_SEVERAL = re.compile(r"(?:\d[^\W\d_]?|\b[ivxlcdm]+)\s*[-–—]\s*(?:\w*\d|[ivxlcdm]+\b)|\w\s*(?:[,&]|\band\b)\s*\w", re.I)
_RANGE = re.compile(r"(?P<first>(?P<letters>[^\W\d_]*)(?P<digits>\d+))\s*[-–]\s*(?P<prefix>[^\W\d_]*)(?P<last>\d+)")
_TENS = 10
_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"),
          (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))  # fmt: skip


def is_numeric(text: str) -> bool:
    """Whether a value is a number, or several: "12", "B12", "1-2", "3rd"."""
    return bool(_NUMERIC.fullmatch(text.strip()))


def is_plural(variable: str, text: str) -> bool:
    """Whether a value is several: a range, a list, or a count of more than one."""
    if variable.startswith("number-of"):
        return text.isdigit() and int(text) > 1
    return bool(_SEVERAL.search(text))


def dashed(text: str) -> str:
    """A value with an en dash in its ranges of numbers."""
    return re.sub(r"\s*-\s*", "–", text) if re.fullmatch(r"\w?\d+\s*-\s*\w?\d+", text) else text


def as_number(text: str, form: str, style: Style) -> str:
    """A number as a style has it: numeric, ordinal, roman; what is none stays as it is."""
    text = dashed(text)
    if not text.isdigit():
        return text
    number = int(text)
    if form == "long-ordinal" and 0 < number <= _TENS:
        return style.term(f"long-ordinal-{number:02}")
    if form in ("ordinal", "long-ordinal"):
        special = f"ordinal-{number % 100:02}" if number % 100 in (11, 12, 13) else f"ordinal-{number % 10:02}"
        return f"{number}{style.term(special) or style.term('ordinal')}"
    return _roman(number) if form == "roman" and number < 4000 else text


def _roman(number: int) -> str:
    out = ""
    for value, sign in _ROMAN:
        out, number = out + sign * (number // value), number % value
    return out


def pages(text: str, how: str) -> str:
    """Ranges of pages with an en dash, the last page as short as a style has it."""
    text = _RANGE.sub(lambda found: _range(found, how), text) if how else text
    return re.sub(r"(?<=\w)\s*-\s*(?=\w)", "–", text)


def _range(found: re.Match[str], how: str) -> str:
    first, letters, digits, last = found["first"], found["letters"], found["digits"], found["last"]
    if found["prefix"] not in ("", letters):
        return f"{first}–{found['prefix']}{last}"
    if len(last) < len(digits):
        last = digits[: len(digits) - len(last)] + last
    shown = last if int(last) <= int(digits) else last[_cut(digits, last, how) :]
    return f"{first}–{letters if shown == last and how == 'expanded' else ''}{shown}"


def _cut(first: str, last: str, how: str) -> int:
    """How many leading digits of the last page are not written."""
    if len(first) != len(last) or how == "expanded":
        return 0
    common = next((n for n, pair in enumerate(zip(first, last, strict=True)) if pair[0] != pair[1]), len(first))
    if how == "minimal":
        return common
    if how == "minimal-two":
        return min(common, max(0, len(first) - 2))
    if how.startswith("chicago"):
        number = int(first)
        if number < 100 or number % 100 == 0 or (how == "chicago-15" and len(first) > 3 and len(first) - common > 2):
            return 0
        return common if number % 100 < 10 else min(common, len(first) - 2)
    return 0
