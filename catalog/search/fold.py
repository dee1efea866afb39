"""Text as it is compared: case, diacritics and typography folded, cut into tokens.

The index and the query both go through here, so that SQLite only ever sees tokens whose bounds are blanks.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

_LETTERS = str.maketrans(
    {
        **{"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ŧ": "t", "ƀ": "b", "ɨ": "i", "ʉ": "u"},
        **{"æ": "ae", "œ": "oe", "þ": "th", "ĸ": "k", "ŋ": "n"},
        **dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff"),
    }
)
_VOICED = "\u3099\u309a"
_IDEOGRAPH = (
    "[\u1100-\u11ff\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3130-\u318f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_GREEK = {
    chr(code): unicodedata.name(chr(code)).split()[3].lower().replace("lamda", "lambda")
    for code in (*range(0x3B1, 0x3C2), *range(0x3C3, 0x3CA))
}
_LONE_GREEK = re.compile(r"(?<![\u0370-\u03ff])[\u03b1-\u03c9](?![\u0370-\u03ff])")
_SIGNED = re.compile(r"(?<![a-z0-9])([cf])(\+\+|#)(?![a-z0-9])")
_SIGNS = {"++": "plusplus", "#": "sharp"}
_POWER = re.compile(r"(?<=[a-z0-9])\^\{?(?=[a-z0-9])")
_COMPOUND = re.compile(r"[^\W_]+(?:[-'][^\W_]+)+")
_JOINERS = {0x2010: "-", 0x2011: "-", 0x2013: "-", 0x2019: "'"}
_BREAK = re.compile(r"[\W_]+")
_TOKEN = re.compile(r"[^\W_]+")


def fold(text: str) -> str:
    """The text in lower case without diacritics, ø as o and ß as ss; each Chinese, Japanese or Korean sign apart.

    A Greek letter among others is its name, as in "alpha-stable" and "delta W"; C++, C# and mc^2 are words. Nothing
    beyond ASCII is left but letters and digits, so blanks and ASCII punctuation alone bound the tokens.
    """
    if text.isascii():
        return _signs(text.lower())
    text = _signs(text)
    apart = unicodedata.normalize("NFKD", text)
    plain = "".join([c for c in apart if not unicodedata.combining(c) or c in _VOICED])
    joined = unicodedata.normalize("NFC", plain.casefold().translate(_LETTERS))
    apart = _ideograph().sub(r" \g<0> ", _BREAK.sub(" ", joined))
    return _LONE_GREEK.sub(lambda letter: f" {_GREEK[letter.group()]} ", apart)


def _signs(text: str) -> str:
    if "^" in text:
        text = _POWER.sub("", text.lower())
    if "+" not in text and "#" not in text:
        return text
    return _SIGNED.sub(lambda m: m[1] + _SIGNS[m[2]], text.lower())


@cache
def _ideograph() -> re.Pattern[str]:
    return re.compile(_IDEOGRAPH)  # takes 2 ms, which most commands never need


def compounds(text: str) -> tuple[str, ...]:
    """The words with hyphens or apostrophes in a text, written as one: "fine-tuning" gives "finetuning"."""
    text = text if text.isascii() else text.translate(_JOINERS)
    if "-" not in text and "'" not in text:
        return ()
    return tuple(fold(found.replace("-", "").replace("'", "")) for found in _COMPOUND.findall(text))


def tokens(text: str) -> tuple[str, ...]:
    """The words of a text as they are compared."""
    return tuple(_TOKEN.findall(fold(text)))


def is_ideograph(token: str) -> bool:
    """Whether the token is one sign of a script written without blanks."""
    return not token.isascii() and _ideograph().fullmatch(token) is not None


def clean(text: str) -> str:
    """The text with what UTF-8 cannot hold (half a surrogate pair) as question marks."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
