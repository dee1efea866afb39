"""Text as it is compared: case, diacritics and typography folded, cut into tokens.

The index and the query both go through here, so that SQLite only ever sees tokens whose bounds are blanks.
"""

from __future__ import annotations

import re
import unicodedata

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
_UNSPACED = re.compile(_IDEOGRAPH)
_BREAK = re.compile(r"[\W_]+")
_TOKEN = re.compile(r"[^\W_]+")


def fold(text: str) -> str:
    """The text in lower case without diacritics, ø as o and ß as ss; each Chinese, Japanese or Korean sign apart.

    Nothing outside ASCII is left but letters and digits, so blanks and ASCII punctuation alone bound the tokens.
    """
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text)
    plain = "".join([c for c in apart if not unicodedata.combining(c) or c in _VOICED])
    joined = unicodedata.normalize("NFC", plain.casefold().translate(_LETTERS))
    return _UNSPACED.sub(r" \g<0> ", _BREAK.sub(" ", joined))


def tokens(text: str) -> tuple[str, ...]:
    """The words of a text as they are compared."""
    return tuple(_TOKEN.findall(fold(text)))


def is_ideograph(token: str) -> bool:
    """Whether the token is one sign of a script written without blanks."""
    return _UNSPACED.fullmatch(token) is not None


def clean(text: str) -> str:
    """The text with what UTF-8 cannot hold (half a surrogate pair) as question marks."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
