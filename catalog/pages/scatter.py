"""Named points as a small picture that takes its colours from the page."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from catalog.pages.escape import text
from catalog.pages.labels import Box, leader, place
from catalog.pages.quantity import number
from catalog.text import shortened

WIDTH, HEIGHT = 460, 340
LEFT, RIGHT, TOP, BOTTOM = 64, 10, 12, 44
FONT = 10.5
LONGEST, MOST = 22, 60
SMALLEST, LARGEST = 1e-30, 1e30


@dataclass(frozen=True, slots=True)
class Point:
    """A point with its name; `spread` is how far its bar goes up and down, `hollow` tells one group from the other."""

    name: str
    x: float
    y: float
    spread: float = 0.0
    hollow: bool = False


@dataclass(frozen=True, slots=True)
class Axis:
    """What an axis shows, whether by powers of ten, and how its numbers are written."""

    title: str
    log: bool = False
    write: Callable[[float], str] = number


def drawable(point: Point, across: Axis, up: Axis) -> bool:
    """Whether a point has a place in the picture; zero has none where powers of ten are."""
    return all(_fits(value, axis) for value, axis in ((point.x, across), (point.y, up)))


def scatter(points: Sequence[Point], across: Axis, up: Axis, about: str, level: tuple[str, float] | None = None) -> str:
    """The SVG of the points that can be drawn, at most `MOST`; "" where there is none.

    `level` is a line across, with its name; it is left out where it would press the points together.
    """
    shown = [point for point in points if drawable(point, across, up)][:MOST]
    if not shown:
        return ""
    ends = [p.y + side * _spread(p, up) for p in shown for side in (-1, 1)]
    line = level if level and _fits(level[1], up) and _near(level[1], ends) else None
    x = _Scale([p.x for p in shown], across, LEFT, WIDTH - RIGHT)
    y = _Scale([*ends, *([line[1]] if line else [])], up, HEIGHT - BOTTOM, TOP)
    body = [*(_tick_up(at) for at in y.ticks()), *(_tick_across(at) for at in x.ticks())]
    body += [_level(line[0], y(line[1]))] if line else []
    body += _drawn(shown, x, y, up, [_level_box(line[0], y(line[1]))] if line else [])
    label = f"{about}: {', '.join(_said(point, across, up) for point in shown)}"
    return (
        f'<svg class="kb-scatter" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{text(label)}">'
        + "".join(body)
        + f'<text x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{HEIGHT - 6}" text-anchor="middle">'
        f"{text(across.title)}</text>"
        f'<text transform="translate(11 {(TOP + HEIGHT - BOTTOM) / 2:.0f}) rotate(-90)" text-anchor="middle">'
        f"{text(up.title)}</text></svg>"
    )


class _Scale:
    """From values to places along one side of the picture."""

    def __init__(self, values: Sequence[float], axis: Axis, begin: float, end: float) -> None:
        self._axis, self._begin, self._end = axis, begin, end
        low, high = (self._flat(f(values)) for f in (min, max))
        apart = high - low > 1e-9 * max(abs(low), abs(high), SMALLEST)
        pad = 0.07 * (high - low) if apart else 0.3 if axis.log else 0.1 * abs(high) or 1.0
        self._low, self._high = low - pad, high + pad

    def __call__(self, value: float) -> float:
        return self._begin + (self._end - self._begin) * (self._flat(value) - self._low) / (self._high - self._low)

    def ticks(self) -> list[tuple[float, str]]:
        """Where the round numbers are, and how they are written."""
        candidates = _powers(self._low, self._high) if self._axis.log else _rounds(self._low, self._high)
        inside = [tick for tick in candidates if self._low <= self._flat(tick) <= self._high]
        return [(self(tick), self._axis.write(float(f"{tick:.6g}"))) for tick in inside]

    def _flat(self, value: float) -> float:
        return math.log10(value) if self._axis.log else value


def _rounds(low: float, high: float) -> list[float]:
    """Three to seven round numbers."""
    size = 10.0 ** math.floor(math.log10((high - low) / 6))
    step = next((size * n for n in (1, 2, 5) if high - low <= 6 * size * n), 10 * size)
    return [n * step for n in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _powers(low: float, high: float) -> list[float]:
    """Powers of ten and, where these are few, round numbers between them."""
    steps = (1,) if high - low > 2.2 else (1, 2, 5) if high - low > 0.8 else (1, 1.5, 2, 3, 4, 6, 8)
    apart = max(1, math.ceil((high - low) / 7))
    return [step * 10.0**power for power in range(math.floor(low), math.ceil(high) + 1, apart) for step in steps]


def _fits(value: float, axis: Axis) -> bool:
    return math.isfinite(value) and abs(value) < LARGEST and (not axis.log or value > SMALLEST)


def _spread(point: Point, up: Axis) -> float:
    """How far the bar goes; none where it would leave what the axis can show."""
    ends = (point.y - point.spread, point.y + point.spread)
    return point.spread if point.spread > 0 and all(_fits(end, up) for end in ends) else 0.0


def _near(value: float, ends: Sequence[float]) -> bool:
    low, high = min(*ends, value), max(*ends, value)
    return high == low or (max(ends) - min(ends)) / (high - low) >= 0.5


# --- what is drawn ---


def _drawn(points: Sequence[Point], x: _Scale, y: _Scale, up: Axis, lines: Sequence[Box]) -> list[str]:
    """Bars, then lines to labels, then points, then labels."""
    spots = [(x(point.x), y(point.y)) for point in points]
    bars = [
        (at, y(point.y + _spread(point, up)), y(point.y - _spread(point, up)))
        for point, (at, _) in zip(points, spots, strict=True)
        if _spread(point, up)
    ]
    names = [shortened(point.name, LONGEST) for point in points]
    sizes = [(_width(name), FONT * 1.15) for name in names]
    strokes = [*((at - 1.5, top, at + 1.5, bottom) for at, top, bottom in bars), *lines]
    boxes = place(spots, sizes, (LEFT + 3, TOP - 8, WIDTH - 2, HEIGHT - BOTTOM - 2), strokes)
    leaders = [leader(spot, box) for spot, box in zip(spots, boxes, strict=True) if box]
    return [
        *(f'<path class="kb-plot-bar" d="M{at:.1f} {top:.1f}V{bottom:.1f}"/>' for at, top, bottom in bars),
        *(
            f'<path class="kb-plot-to" d="M{a:.1f} {b:.1f}L{c:.1f} {d:.1f}"/>'
            for (a, b), (c, d) in filter(None, leaders)
        ),
        *(_mark(point, spot) for point, spot in zip(points, spots, strict=True)),
        *(_label(name, box, spot) for name, box, spot in zip(names, boxes, spots, strict=True) if box),
    ]


def _mark(point: Point, spot: tuple[float, float]) -> str:
    group = "kb-plot-own" if point.hollow else "kb-plot-matched"
    at = f'cx="{spot[0]:.1f}" cy="{spot[1]:.1f}"'
    return f'<circle class="{group}" {at} r="3.5"><title>{text(shortened(point.name, LONGEST))}</title></circle>'


def _label(name: str, box: Box, spot: tuple[float, float]) -> str:
    """The name in its box, at the side that is next to the point: a text may be narrower than its box."""
    left = (box[0] + box[2]) / 2 >= spot[0]
    at, anchor = (box[0], "start") if left else (box[2], "end")
    y = box[1] + FONT * 0.92
    return f'<text class="kb-plot-name" x="{at:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text(name)}</text>'


def _tick_up(tick: tuple[float, str]) -> str:
    at, said = tick
    return (
        f'<path d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}"/>'
        f'<text x="{LEFT - 6}" y="{at + 3.5:.1f}" text-anchor="end">{text(said)}</text>'
    )


def _tick_across(tick: tuple[float, str]) -> str:
    at, said = tick
    return (
        f'<path d="M{at:.1f} {TOP}V{HEIGHT - BOTTOM}"/>'
        f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 14}" text-anchor="middle">{text(said)}</text>'
    )


def _level(name: str, at: float) -> str:
    return (
        f'<path class="kb-plot-level" d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}"/>'
        f'<text x="{WIDTH - RIGHT}" y="{at - 4:.1f}" text-anchor="end">{text(shortened(name, LONGEST))}</text>'
    )


def _level_box(name: str, at: float) -> Box:
    return WIDTH - RIGHT - _width(shortened(name, LONGEST)), at - 4 - FONT, WIDTH - RIGHT, at + 1.5


def _said(point: Point, across: Axis, up: Axis) -> str:
    return f"{shortened(point.name, LONGEST)} {up.write(point.y)} at {across.write(point.x)}"


def _width(said: str) -> float:
    """About how wide a text is, rather too wide than too narrow."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in said)
    capitals = sum(c.isupper() or c in "mwMW%@" for c in said)
    return FONT * (0.6 * len(said) + 0.16 * capitals + 0.5 * wide) + 2
