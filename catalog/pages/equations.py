r"""Equations as one types them, `W' = W + (alpha / r) B A`, as TeX; what is not surely understood is left alone."""

from __future__ import annotations

import re
from dataclasses import dataclass

from catalog.pages.typed import equation

_GAP = re.compile(r" {3,}")


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a group of equations: TeX with `&` at its relation, and a remark that stands beside it."""

    tex: str
    remark: str = ""


def rows(lines: list[str]) -> list[Row] | None:
    """Lines that are equations, all of them, as rows; None where one is not, or may be something else.

    Cells stand three spaces apart or more. The first is an equation; each other is one too, or a remark. Two spaces
    may stand between an equation and what follows it.
    """
    found: list[Row] = []
    for line in lines:
        first, *others = _GAP.split(line.strip())
        begun, remark = _cell(first, continued=bool(found))
        if not begun:
            return None
        found += begun
        found.append(_remarked(found.pop(), remark))
        for cell in others:
            more, remark = _cell(cell)
            found += more
            found.append(_remarked(found.pop(), remark))
    return found


def display(found: list[Row]) -> str:
    """Rows as one piece of display mathematics."""
    if len(found) == 1:
        return found[0].tex.replace("&", "", 1)
    return r"\begin{aligned}" + r" \\ ".join(row.tex for row in found) + r"\end{aligned}"


def _cell(cell: str, continued: bool = False) -> tuple[list[Row], str]:
    """The equations at the beginning of a cell, and the remark that is the rest of it."""
    found: list[Row] = []
    pieces = cell.split("  ")
    for piece in pieces:
        tex = equation(piece.strip(), continued)
        if not tex:
            break
        found.append(Row(tex))
    return found, " ".join(pieces[len(found) :])


def _remarked(row: Row, remark: str) -> Row:
    return Row(row.tex, "; ".join(filter(None, (row.remark, remark))))
