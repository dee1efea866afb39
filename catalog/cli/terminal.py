"""Tables and colours for a terminal: cells as wide as they are shown, columns that fit its width."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from itertools import accumulate
from unicodedata import category, east_asian_width

Cell = tuple[str, str]  # a text and its style
_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
_END = "\x1b[0m"
_ONE_EACH = re.compile("[ -~\u00a1-\u00ac\u00ae-\u02ff\u2010-\u2027✓]*").fullmatch  # signs that take one cell each
_LEAST = 8  # cells of a column that is cut
_SHARE = 0.4  # of the room that columns have before others are cut


def paint(text: str, style: str) -> str:
    """A text in a style; as it is where colours are not wanted."""
    return f"{start}{text}{_END}" if style and text.strip() and (start := _starts()[style]) else text


def _starts() -> dict[str, str]:
    """What begins each style; nothing where colours are not wanted."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return {style: "" if plain else f"\x1b[{code}m" for style, code in _CODES.items()}


def width_of(text: str) -> int:
    """How many cells of a terminal a text takes: two for 中, none for an accent that stands by itself."""
    if _ONE_EACH(text):
        return len(text)
    return sum(map(_cells, text))


def table(columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[Cell]], room: int) -> Iterator[str]:
    """The lines of a table in a terminal with so much room, its headings first.

    `columns` are (heading, how): "left", "right", "ellipsis" for one that takes what the others leave, "cut" for one
    that is cut where it leaves too little.
    """
    cells = list(zip([(heading, "bold") for heading, _ in columns], *rows, strict=True))
    taken = [[width_of(text) for text, _ in column] for column in cells]
    widths = _fitted([max(column) for column in taken], [how for _, how in columns], room - 2 * (len(columns) - 1))
    shown = [
        _column(column, own, width, how == "right", place == len(columns))
        for place, (column, own, width, (_, how)) in enumerate(zip(cells, taken, widths, columns, strict=True), 1)
    ]
    return map("  ".join, zip(*shown, strict=True))


def _column(cells: Sequence[Cell], taken: Sequence[int], width: int, right: bool, last: bool) -> Iterator[str]:
    """The cells in so many cells of the terminal each: cut with an ellipsis or filled with blanks, but not at the end
    of a line."""
    starts = _starts()
    for (text, style), own in zip(cells, taken, strict=True):
        if own > width:
            text = _cut(text, width - 1) + "…"
            own = width_of(text)
        if right:
            text = " " * (width - own) + text
        elif not last:
            text += " " * (width - own)
        start = starts.get(style)
        yield f"{start}{text}{_END}" if start else text


def _fitted(natural: Sequence[int], how: Sequence[str], room: int) -> list[int]:
    """How wide each column is: its widest cell, or less where there is no room for all."""
    widths = list(natural)
    bodies = [place for place, kind in enumerate(how) if kind == "ellipsis"]
    least = {place: min(natural[place], int(_SHARE * room) // len(bodies)) for place in bodies}
    for place in bodies:
        widths[place] = least[place]
    others = [place for place, kind in enumerate(how) if kind == "cut"]
    while others and sum(widths) > room:
        place = max(others, key=widths.__getitem__)
        if widths[place] <= _LEAST:
            break
        widths[place] -= 1
    for place in bodies:
        widths[place] += max(0, min(natural[place] - least[place], room - sum(widths)))
    return widths


def _cut(text: str, width: int) -> str:
    if _ONE_EACH(text):
        return text[:width].rstrip()
    taken = accumulate(map(_cells, text))
    return text[: sum(1 for cells in taken if cells <= width)].rstrip()


def _cells(letter: str) -> int:
    if category(letter) in ("Mn", "Me", "Cf", "Cc"):
        return 0
    return 2 if east_asian_width(letter) in "WF" else 1
