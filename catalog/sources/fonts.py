"""How wide the letters of a PDF's font are: by its widths, and the letters that its codes stand for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_BLOCK = re.compile(rb"begin(bfchar|bfrange)(.*?)end\1", re.S)
_HEX = re.compile(rb"<([0-9A-Fa-f\s]*)>")
_RANGE = re.compile(rb"<(\w+)>\s*<(\w+)>\s*(?:<(\w+)>|\[([^\]]*)\])")
_MOST = 20_000


def widths_of(font: Any) -> dict[str, float]:
    """The width of each letter in thousandths of the font's size, as far as the font says."""
    try:
        codes = dict(_codes(font))
        letters = dict(_letters(font))
    except Exception:  # a font that is broken says nothing; what is in it may be of any kind
        return {}
    found: dict[str, float] = {}
    for code, width in codes.items():
        letter = letters.get(code) or (chr(code) if not letters and code < 256 else "")
        if len(letter) == 1 and width > 0:
            found.setdefault(letter, width)
    return found


def _codes(font: Any) -> Iterator[tuple[int, float]]:
    """(code, width) of a simple font, or of the one below a composite font."""
    if "/DescendantFonts" not in font:
        first = int(font.get("/FirstChar", 0))
        yield from ((first + at, float(width)) for at, width in enumerate(font.get("/Widths", [])))
        return
    row = [one.get_object() if hasattr(one, "get_object") else one for one in _below(font).get("/W", [])]
    at = 0
    while at + 1 < len(row):
        start = int(row[at])
        if isinstance(row[at + 1], list):
            yield from ((start + number, float(width)) for number, width in enumerate(row[at + 1]))
            at += 2
        else:
            yield from ((code, float(row[at + 2])) for code in range(start, min(int(row[at + 1]), start + _MOST) + 1))
            at += 3


def _below(font: Any) -> Any:
    return font["/DescendantFonts"].get_object()[0].get_object()


def _letters(font: Any) -> Iterator[tuple[int, str]]:
    """(code, text) as the font's own map to Unicode says."""
    if "/ToUnicode" not in font or not hasattr(font["/ToUnicode"].get_object(), "get_data"):
        return
    data = font["/ToUnicode"].get_object().get_data()[:2_000_000]
    for kind, body in _BLOCK.findall(data):
        if kind == b"bfchar":
            pairs = _HEX.findall(body)
            yield from ((int(code, 16), _text(text)) for code, text in zip(pairs[0::2], pairs[1::2], strict=False))
            continue
        for start, end, text, several in _RANGE.findall(body):
            first, last = int(start, 16), min(int(end, 16), int(start, 16) + _MOST)
            if several:
                yield from ((first + at, _text(one)) for at, one in enumerate(_HEX.findall(several)))
            else:
                yield from (
                    (code, chr(int(text, 16) + code - first)) for code in range(first, last + 1) if len(text) <= 4
                )


def _text(code: bytes) -> str:
    return bytes.fromhex(b"".join(code.split()).decode()).decode("utf-16-be", "replace")
