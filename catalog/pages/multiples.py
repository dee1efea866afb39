"""Named points for a narrow page: a row for each name, a strip for each measure, so that no label needs a place."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from catalog.pages.escape import text
from catalog.pages.scatter import LONGEST, Axis, Point, drawable
from catalog.text import shortened

NAMES, STRIP, APART, ROW, TOP = 114, 66, 14, 24, 34
MOST = 60
_HERE = Axis("")


def multiples(pictures: Sequence[tuple[Axis, Sequence[Point]]], about: str) -> str:
    """The SVG of the `y` of points, a strip for each picture; rows in the order of names. "" where nothing is drawn."""
    strips = [
        (axis, [point for point in points if drawable(Point("", 0.0, point.y), _HERE, axis)])
        for axis, points in pictures
    ]
    strips = [(axis, points) for axis, points in strips if points]
    names = list(dict.fromkeys(point.name for _, points in strips for point in points))[:MOST]
    if not names:
        return ""
    rows = {name: TOP + ROW * place + ROW / 2 for place, name in enumerate(names)}
    height, width = TOP + ROW * len(names) + 20, NAMES + len(strips) * (STRIP + APART)
    body = [_row(name, at, width) for name, at in rows.items()]
    for place, (axis, points) in enumerate(strips):
        body += _strip(axis, points, rows, NAMES + APART / 2 + place * (STRIP + APART), height)
    return (
        f'<svg class="kb-multiples" viewBox="0 0 {width} {height}" role="img" aria-label="{text(about)}">'
        f"{''.join(body)}</svg>"
    )


def _row(name: str, at: float, width: float) -> str:
    return (
        f'<path d="M0 {at + ROW / 2:g}H{width:g}"/>'
        f'<text class="kb-plot-name" x="0" y="{at + 4:g}">{text(shortened(name, 17))}</text>'
    )


def _strip(axis: Axis, points: Sequence[Point], rows: Mapping[str, float], left: float, height: float) -> list[str]:
    """A measure: its name, where it begins and ends, and a point in the row of each name."""
    values = [point.y for point in points if point.name in rows]
    low, high = min(values), max(values)

    def x(value: float) -> float:
        span = _flat(high, axis) - _flat(low, axis)
        return left + 5 + (STRIP - 10) * ((_flat(value, axis) - _flat(low, axis)) / span if span else 0.5)

    head = [
        f'<text x="{left + STRIP / 2:g}" y="{12 + 12 * line}" text-anchor="middle">{text(words)}</text>'
        for line, words in enumerate(_two_lines(axis.title))
    ]
    least, most = (axis.write(float(f"{value:.2g}")) for value in (low, high))
    unit = most.partition(" ")[2]
    ends = [(left, "start", least if low == high or not unit else least.removesuffix(f" {unit}"))]
    ends += [(left + STRIP, "end", most)] if high > low else []
    foot = [
        f'<text class="kb-end" x="{at:g}" y="{height - 6:g}" text-anchor="{anchor}">{text(value)}</text>'
        for at, anchor, value in ends
    ]
    shown = sorted((point for point in points if point.name in rows), key=lambda point: point.hollow)
    return [*head, *foot, *(_dot(point, x(point.y), rows[point.name], axis) for point in shown)]


def _dot(point: Point, x: float, y: float, axis: Axis) -> str:
    group = "own" if point.hollow else "matched"
    said = text(f"{shortened(point.name, LONGEST)} {axis.write(point.y)}")
    return f'<circle class="kb-{group}" cx="{x:.1f}" cy="{y:g}" r="4"><title>{said}</title></circle>'


def _flat(value: float, axis: Axis) -> float:
    return math.log10(value) if axis.log else value


def _two_lines(title: str) -> tuple[str, str]:
    """A title over a strip: the first word, and the rest."""
    first, _, rest = shortened(title, 24).partition(" ")
    return first, rest
