"""Where the names of points go in a picture: near them, and over nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

Box = tuple[float, float, float, float]  # left, top, right, bottom
Spot = tuple[float, float]

RADIUS = 4.5
RINGS = (3, 8, 14, 22, 32, 44, 58, 74, 92, 112, 136, 164)
TURNS = 16
PASSES = 3


def place(points: Sequence[Spot], sizes: Sequence[Spot], frame: Box, strokes: Sequence[Box] = ()) -> list[Box | None]:
    """A box for each point's label of that size: inside the frame, over no point and no other label.

    What lies on a stroke (a thin thing, such as an error bar) is allowed and avoided. None where no box is free.
    """
    marks = [(x - RADIUS, y - RADIUS, x + RADIUS, y + RADIUS) for x, y in points]
    found: list[Box | None] = [None] * len(points)
    order = sorted(range(len(points)), key=lambda i: (-_crowd(points, i), points[i], i))
    for _ in range(PASSES):
        for i in order:
            others = [box for j, box in enumerate(found) if box and j != i]
            found[i] = _best(points[i], sizes[i], frame, marks, others, strokes)
    return found


def leader(point: Spot, box: Box) -> tuple[Spot, Spot] | None:
    """The line from a point to its label, None where the label is so near that none is needed."""
    (x, y), end = point, _edge(point, box)
    away = math.dist(point, end)
    if away < RADIUS + 7:
        return None
    start = x + (end[0] - x) * RADIUS / away, y + (end[1] - y) * RADIUS / away
    return start, end


def overlap(one: Box, other: Box) -> bool:
    """Whether two boxes have more than an edge in common."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _crowd(points: Sequence[Spot], i: int) -> int:
    return sum(math.dist(points[i], other) < 40 for other in points)


def _best(
    point: Spot, size: Spot, frame: Box, marks: Sequence[Box], others: Sequence[Box], strokes: Sequence[Box]
) -> Box | None:
    """The free box of the least cost; those nearest come first, so that most need not be looked at."""
    taken = [*marks, *others]
    best, least = None, math.inf
    for ring, box in _around(point, size):
        if ring >= least:
            break
        if not _within(box, frame) or any(overlap(box, other) for other in taken):
            continue
        cost = ring + 9 * sum(overlap(box, stroke) for stroke in strokes) + 12 * _crossed(point, box, taken)
        cost += 7 if _nearer(point, box, marks) else 0
        if cost < least:
            best, least = box, cost
    return best


def _around(point: Spot, size: Spot) -> Iterator[tuple[float, Box]]:
    """Boxes ring by ring, to the right and left first."""
    x, y = point
    width, height = size
    for ring in RINGS:
        for turn in sorted(range(TURNS), key=lambda t: (abs(math.sin(2 * math.pi * t / TURNS)), t)):
            across, down = (f(2 * math.pi * turn / TURNS) for f in (math.cos, math.sin))
            side = 0.0 if across > 0.3 else width if across < -0.3 else width / 2
            edge = height / 2 if abs(down) < 0.3 else 0.0 if down > 0 else height
            left, top = x + (RADIUS + ring) * across - side, y + (RADIUS + ring) * down - edge
            yield ring + 2 * abs(down), (left, top, left + width, top + height)


def _within(box: Box, frame: Box) -> bool:
    return frame[0] <= box[0] and frame[1] <= box[1] and box[2] <= frame[2] and box[3] <= frame[3]


def _nearer(point: Spot, box: Box, marks: Sequence[Box]) -> bool:
    """Whether the label stands nearer to another point than to its own."""
    own = math.dist(point, _edge(point, box))
    spots = (((mark[0] + mark[2]) / 2, (mark[1] + mark[3]) / 2) for mark in marks)
    return any(math.dist(spot, _edge(spot, box)) < own - 0.5 for spot in spots)


def _edge(point: Spot, box: Box) -> Spot:
    """The place of a box that is nearest to a point."""
    return min(max(point[0], box[0]), box[2]), min(max(point[1], box[1]), box[3])


def _crossed(point: Spot, box: Box, taken: Sequence[Box]) -> int:
    """How many taken boxes the line to the label goes through; the point's own mark is none."""
    line = leader(point, box)
    if not line:
        return 0
    (x, y), (u, v) = line
    steps = [(x + (u - x) * n / 8, y + (v - y) * n / 8) for n in range(1, 8)]
    return sum(any(b[0] < p < b[2] and b[1] < q < b[3] for p, q in steps) for b in taken)
