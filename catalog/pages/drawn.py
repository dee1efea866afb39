"""Trees, graphs and steps as pictures that take their colours from the page and whose nodes are links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from catalog.pages.escape import text
from catalog.text import shortened

ROW, INDENT, LETTER = 26, 22, 7.6
SMALLEST = 0.75  # of its size, at which a graph can still be read; where there is less room it is scrolled
NODE_WIDTH, NODE_HEIGHT, COLUMN, GAP, LEFT, PASSING = 142, 30, 204, 46, 30.0, 14


def drawn_tree(title: str, rows: Sequence[tuple[int, str, str]]) -> str:
    """A tree from the left to the right: depth, words and address ("" for none) of each row."""
    lines: list[str] = []
    last: dict[int, float] = {0: 8.0}
    for place, (depth, says, href) in enumerate(rows):
        x, y = 14 + INDENT * depth, 20 + ROW * place
        lines.append(f'<path d="M{x - 8} {last.get(depth, 8.0):g}V{y}H{x + 4}"/>')
        last = {**{level: at for level, at in last.items() if level <= depth}, depth: y, depth + 1: y + 7}
        label = f'<text x="{x + 10}" y="{y + 4}"{"" if href else " class=kb-family"}>{text(says)}</text>'
        dot = f'<circle cx="{x + 4}" cy="{y}" r="3.5"/>'
        lines.append(f'<a href="{text(href)}">{dot}{label}</a>' if href else f"{dot}{label}")
    height, width = 24 + ROW * len(rows), max(40 + INDENT * depth + LETTER * len(says) for depth, says, _ in rows)
    return (
        f'<svg class="kb-tree" viewBox="0 0 {width:.0f} {height}" style="max-width:{width:.0f}px" role="group" '
        f'aria-label="Family tree: {text(title)}">'
        f"{''.join(lines)}</svg>"
    )


def drawn_graph(nodes: Mapping[str, tuple[int, str, str]], edges: Sequence[tuple[str, str]]) -> str:
    """Papers in columns by year (year, words, address), and a line from each to those that it builds on.

    A line that passes a column has a place of its own there, so that it does not go behind a paper.
    """
    years = sorted({year for year, _, _ in nodes.values()})
    column = {key: years.index(year) for key, (year, _, _) in nodes.items()}
    lines = [_stations(n, one, other, column) for n, (one, other) in enumerate(edges)]
    column |= {key: place for line in lines for key, place in line if key not in nodes}
    columns = {place: [key for key, at in column.items() if at == place] for place in range(len(years))}
    columns = _untangled(columns, [pair for line in lines for pair in pairwise([key for key, _ in line])])
    high = {key: GAP if key in nodes else PASSING for key in column}
    tall = [sum(high[key] for key in keys) for keys in columns.values()]
    at: dict[str, tuple[float, float]] = {}
    for place, keys in columns.items():
        top = 30 + (max(tall) - tall[place]) / 2
        for key in keys:
            at[key] = (place * COLUMN + LEFT, top + (high[key] - (GAP - NODE_HEIGHT)) / 2)
            top += high[key]
    height, width = 30 + max(tall), len(years) * COLUMN + LEFT - GAP
    shown = [
        f'<text class="kb-year" x="{n * COLUMN + LEFT:g}" y="14">{year or "?"}</text>' for n, year in enumerate(years)
    ]
    shown += [_line([at[key] for key, _ in line]) for line in lines]
    shown += [_node(at[key][0], at[key][1] - NODE_HEIGHT / 2, says, href) for key, (_, says, href) in nodes.items()]
    return (
        f'<svg class="kb-graph" viewBox="0 0 {width:g} {height:g}" role="group" '
        f'aria-label="Which paper builds on which" '
        f'style="max-width:{width:g}px;min-width:{SMALLEST * width:.0f}px">{"".join(shown)}</svg>'
    )


def _stations(number: int, one: str, other: str, column: Mapping[str, int]) -> list[tuple[str, int]]:
    """Where a line passes, from the younger paper to the older: each with its column."""
    between = range(column[one] - 1, column[other], -1)
    return [(one, column[one]), *((f"\0{number} {place}", place) for place in between), (other, column[other])]


def drawn_reading(months: Sequence[tuple[str, int, int]]) -> str:
    """Two lines that rise: papers in the list, and papers read."""
    width, height, left, right, bottom = 640, 200, 4, 540, 176
    most = max(there for _, there, _ in months) or 1

    def x(place: int) -> float:
        return left + (right - left) * place / max(1, len(months) - 1)

    def y(count: int) -> float:
        return bottom - (bottom - 14) * count / most

    def line(counts: Sequence[int], name: str) -> str:
        points = [(x(place), y(count)) for place, count in enumerate(counts)]
        steps = [f"H{b[0]:.1f}V{b[1]:.1f}" for _, b in pairwise(points)]
        return (
            f'<path class="kb-{name}" d="M{points[0][0]:.1f} {points[0][1]:.1f}{"".join(steps)}"/>'
            f'<text x="{points[-1][0] + 6:.1f}" y="{points[-1][1] + 4:.1f}">{counts[-1]} {name}</text>'
        )

    first, last = months[0][0], months[-1][0]
    return (
        f'<svg class="kb-months" viewBox="0 0 {width} {height}" style="max-width:{width}px" role="img" '
        f'aria-label="From {text(first)} to {text(last)}: {months[-1][1]} papers, {months[-1][2]} of them read">'
        f'<path class="kb-axis" d="M{left} {bottom}H{right}"/>'
        f'<text x="{left}" y="{bottom + 21}">{text(first)}</text>'
        f'<text x="{right}" y="{bottom + 21}" text-anchor="end">{text(last)}</text>'
        f"{line([there for _, there, _ in months], 'added')}{line([read for *_, read in months], 'read')}</svg>"
    )


def _untangled(columns: dict[int, list[str]], edges: Sequence[tuple[str, str]]) -> dict[int, list[str]]:
    """Each column in the order of the middle of its papers' neighbours, a few times over."""
    near: dict[str, list[str]] = {}
    for one, other in edges:
        near.setdefault(one, []).append(other)
        near.setdefault(other, []).append(one)
    for _ in range(4):
        place = {key: row - len(keys) / 2 for keys in columns.values() for row, key in enumerate(keys)}
        for year, keys in columns.items():
            middle = {key: sum(place[n] for n in near.get(key, [key])) / len(near.get(key, [key])) for key in keys}
            columns[year] = sorted(keys, key=lambda key, middle=middle: (middle[key], key))  # type: ignore[misc]  # a default
    return columns


def _node(x: float, y: float, says: str, href: str) -> str:
    short = shortened(says, 18)
    return (
        f'<a href="{text(href)}" aria-label="{text(says)}">'
        f'<rect x="{x:g}" y="{y:g}" width="{NODE_WIDTH}" height="{NODE_HEIGHT}" rx="5"/>'
        f'<text x="{x + NODE_WIDTH / 2:g}" y="{y + 19:g}" text-anchor="middle">{text(short)}</text></a>'
    )


def _line(points: Sequence[tuple[float, float]]) -> str:
    """From the left side of a paper to the right side of the older one; within a year along their left sides."""
    (x, y), *rest = points
    if x == rest[-1][0]:
        return f'<path d="M{x:g} {y:g}C{x - 26:g} {y:g} {x - 26:g} {rest[-1][1]:g} {x:g} {rest[-1][1]:g}"/>'
    path = f"M{x:g} {y:g}"
    for left, b in rest:
        right = left + NODE_WIDTH
        bend = (x - right) / 2
        path += f"C{x - bend:g} {y:g} {right + bend:g} {b:g} {right:g} {b:g}"
        path += f"H{left:g}" if (left, b) != rest[-1] else ""
        x, y = left, b
    return f'<path d="{path}"/><circle cx="{right:g}" cy="{b:g}" r="2.5"/>'
