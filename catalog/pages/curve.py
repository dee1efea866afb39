"""A loss curve as a small picture that takes its colours from the page."""

from __future__ import annotations

import math
from collections.abc import Sequence

from catalog.pages.escape import text

WIDTH, HEIGHT = 360, 180
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 10, 34
POINTS = 160


def curve(losses: Sequence[float], about: str = "Training loss") -> str:
    """The SVG of a curve over steps; "" where there are fewer than two numbers. What is not finite is left out."""
    points = [(step, loss) for step, loss in enumerate(losses, 1) if math.isfinite(loss) and abs(loss) < 1e30]
    if len(points) < 2:
        return ""
    low, high = min(loss for _, loss in points), max(loss for _, loss in points)
    ticks = _ticks(low, high)
    bottom, top = min(low, ticks[0]), max(high, ticks[-1])
    steps = len(losses)

    def x(step: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (step - 1) / max(1, steps - 1)

    def y(loss: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - (loss - bottom) / ((top - bottom) or 1))

    line = " ".join(f"{x(step):.1f},{y(loss):.1f}" for step, loss in _thinned(points))
    middle = (TOP + HEIGHT - BOTTOM) / 2
    first, last = points[0][1], points[-1][1]
    label = f"{about}: from {first:.3g} at step 1 to {last:.3g} at step {points[-1][0]}"
    return (
        f'<svg class="kb-curve" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{text(label)}">'
        + "".join(_level(tick, y(tick)) for tick in ticks)
        + "".join(_step(step, x(step), steps) for step in dict.fromkeys((1, (1 + steps) // 2, steps)))
        + f'<text x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{HEIGHT - 3}" text-anchor="middle">step</text>'
        f'<text transform="translate(10 {middle:.0f}) rotate(-90)" text-anchor="middle">loss</text>'
        f'<polyline points="{line}"/><circle cx="{x(points[-1][0]):.1f}" cy="{y(last):.1f}" r="2.5"/></svg>'
    )


def _ticks(low: float, high: float) -> list[float]:
    """Three to six round numbers from below the lowest to above the highest."""
    span = (high - low) or abs(high) or 1.0
    size = 10.0 ** math.floor(math.log10(span / 4))
    step = next(size * n for n in (1, 2, 5, 10) if span / (size * n) <= 4)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [n * step for n in range(first, max(last, first + 1) + 1)]


def _thinned(points: list[tuple[int, float]]) -> list[tuple[float, float]]:
    """At most `POINTS` points; where there are more, each is the mean of its neighbours."""
    size = math.ceil(len(points) / POINTS)
    if size == 1:
        return [(float(step), loss) for step, loss in points]
    groups = [points[at : at + size] for at in range(0, len(points), size)]
    return [(sum(s for s, _ in g) / len(g), sum(v for _, v in g) / len(g)) for g in groups]


def _level(tick: float, y: float) -> str:
    return (
        f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'
        f'<text x="{LEFT - 6}" y="{y + 3.5:.1f}" text-anchor="end">{text(f"{tick:.6g}".replace("-", "−"))}</text>'
    )


def _step(step: int, x: float, steps: int) -> str:
    anchor = "start" if step == 1 else "end" if step == steps else "middle"
    return f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 14}" text-anchor="{anchor}">{step}</text>'
