"""How a style writes dates: as precise as they are given, spans with what they share written once."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from catalog.citing.case import cased
from catalog.citing.pieces import Piece, Pieces, joined
from catalog.citing.style import Style

_PARTS = ("year", "month", "day")


def written(style: Style, points: Sequence[Sequence[int]], date: Element) -> Pieces:
    """One date, or a span of two, as a `date` element has it; [] where nothing of it is asked for."""
    pattern = style.dates.get(date.get("form", ""))
    wanted = (date.get("date-parts") or "year-month-day").split("-") if pattern is not None else list(_PARTS)
    source = date if pattern is None else pattern
    own = {part.get("name", ""): part.attrib for part in date.findall("date-part")}
    parts = [(part.get("name", ""), {**part.attrib, **own.get(part.get("name", ""), {})}) for part in
             source.findall("date-part") if part.get("name") in wanted]  # fmt: skip
    delimiter = source.get("delimiter", date.get("delimiter", ""))
    values = [dict(zip(_PARTS, point, strict=False)) for point in points]
    if len(values) == 1:
        return _row(style, parts, values[0], delimiter)
    return _span(style, parts, values, delimiter)


_Part = tuple[str, dict[str, str]]


def _row(style: Style, parts: Sequence[_Part], value: dict[str, int], delimiter: str) -> Pieces:
    pieces: Pieces = []
    for name, attributes in parts:
        if text := _part(style, name, attributes, value.get(name, 0)):
            pieces += [Piece(delimiter)] if pieces and delimiter else []
            pieces += [Piece(attributes.get("prefix", "")), *text, Piece(attributes.get("suffix", ""))]
    return [piece for piece in pieces if piece.text]


def _span(style: Style, parts: Sequence[_Part], values: list[dict[str, int]], delimiter: str) -> Pieces:
    start, end = values
    level = next((n for n, name in enumerate(_PARTS) if start.get(name) != end.get(name)), None)
    if level is None:
        return _row(style, parts, start, delimiter)
    differ = [part for part in parts if part[0] in _PARTS[level:]]
    if not differ:
        return _row(style, parts, start, delimiter)
    sign = next((a.get("range-delimiter", "–") for name, a in differ if name == _PARTS[level]), "–")
    last, first = differ[-1], differ[0]
    before = [(name, {**a, "suffix": ""} if (name, a) == last else a) for name, a in differ]
    after = [(name, {**a, "prefix": ""} if (name, a) == first else a) for name, a in differ]
    begins, ends = _row(style, before, start, delimiter), _row(style, after, end, delimiter)
    if not begins or not ends:
        return _row(style, parts, start, delimiter)
    rows = [[*begins, Piece(sign), *ends] if part == first else _row(style, [part], start, delimiter) for part in parts
            if part == first or part not in differ]  # fmt: skip
    return joined([row for row in rows if row], delimiter)


def _part(style: Style, name: str, attributes: dict[str, str], value: int) -> Pieces:
    if not value:
        return []
    form = attributes.get("form", "long" if name != "day" else "numeric")
    if name == "month" and value > 12:
        text = style.term(f"season-{value - 12:02}")
    elif name == "month" and form in ("long", "short"):
        text = style.term(f"month-{value:02}", form)
    elif name == "year":
        text = str(abs(value))[-2:] if form == "short" else str(abs(value)) + style.term(_era(value))
    else:
        text = f"{value:02}" if form == "numeric-leading-zeros" else str(value)
    text = text.replace(".", "") if attributes.get("strip-periods") == "true" else text
    how = attributes.get("text-case")
    return cased([Piece(text)], how) if how else [Piece(text)]


def _era(year: int) -> str:
    return "bc" if year < 0 else "ad" if year < 1000 else ""
