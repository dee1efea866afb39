"""What a paper's headline numbers are, what others got, and what became of them here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from catalog.pages.escape import text, web_address
from catalog.pages.quantity import number
from catalog.pages.records import items, mapping, quantity, string
from catalog.pages.templates import cleaned

if TYPE_CHECKING:
    from catalog.reports import Figure, Ledger, Report

WIDTH, HEIGHT, EDGE = 150, 18, 8
MOST = 100
LEAST = 0.1  # of the paper's number: a line goes at least so far each way, so that what is close looks close


def reported(
    ledger: Ledger | None, results: Mapping[str, Mapping[str, Mapping[str, Any]]], anchor: str
) -> list[dict[str, Any]]:
    """A row for each figure, with its reports; `results` are the rows of the claims by kind of device."""
    figures = [] if ledger is None else ledger.figure[:MOST]
    return [_row(figure, ledger.of(figure)[:MOST] if ledger else [], results, anchor) for figure in figures]


def _row(
    figure: Figure, reports: list[Report], results: Mapping[str, Mapping[str, Mapping[str, Any]]], anchor: str
) -> dict[str, Any]:
    return {
        "what": figure.what,
        "value": _said(figure),
        "unit": figure.unit,
        "where": figure.where,
        "address": web_address(figure.address),
        "reports": [
            {
                "value": _said(report),
                "setting": report.setting,
                "address": web_address(report.address),
                "on": report.on.isoformat() if report.on else "",
            }
            for report in reports
        ],
        "spread": cleaned(_spread(figure, reports)),
        "here": [one for rows in results.values() if (one := _here(mapping(rows.get(figure.claim))))],
        "href": f"#{anchor}claims",
    }


def _said(one: Figure | Report) -> str:
    return number(one.value) + (f" ± {number(one.spread)}" if one.spread is not None else "")


def _here(row: Mapping[str, Any]) -> str:
    """The verdict of the claim that tries the same at small scale, and what it measured first."""
    if not (verdict := string(row.get("verdict"))):
        return ""
    first = mapping((items(row.get("measured")) or [None])[0])
    value = quantity(first.get("value"))
    return f"{verdict}: {string(first.get('what'), 300)}{'' if value is None else f' {number(value)}'}"


def _spread(figure: Figure, reports: list[Report]) -> str:
    """A line with a bar for the paper's number and a dot for each other, as far as they go; "" where there is none."""
    if not reports:
        return ""
    values = [figure.value, *(report.value for report in reports)]
    least = max(LEAST * abs(figure.value), 2 * (figure.spread or 0)) or 1.0
    low, high = min(*values, figure.value - least), max(*values, figure.value + least)

    def x(value: float) -> float:
        return EDGE + (WIDTH - 2 * EDGE) * (value - low) / (high - low)

    said = f"the paper {number(figure.value)}, others {', '.join(number(report.value) for report in reports)}"
    dots = "".join(f'<circle cx="{x(report.value):.1f}" cy="{HEIGHT / 2:g}" r="3"/>' for report in reports)
    return (
        f'<svg class="kb-spread" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" '
        f'aria-label="{text(said)}"><line x1="{EDGE}" x2="{WIDTH - EDGE}" y1="{HEIGHT / 2:g}" y2="{HEIGHT / 2:g}"/>'
        f'<rect x="{x(figure.value) - 1.5:.1f}" y="2" width="3" height="{HEIGHT - 4}"/>{dots}</svg>'
    )
