"""Tables as records: CSV and TSV as spreadsheets and reference managers export them."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterator
from typing import Any, Literal

from catalog.ingest.columns import FACTS, meaning, spaced

_ADDRESS = re.compile(r"https?://[^\s<>\"]+")
_HEADS = 12  # lines, before which the names of the columns stand
_HALF_QUOTED = re.compile(r'(?:^|\t)"[^"\t\n]*(?:"[^"\t\n]+)?(?=\t)', re.M)  # a cell that begins with a quotation
Row = tuple[int, list[str]]


def rows_of(text: str) -> list[Row]:
    """The rows that say something, each with its first line."""
    csv.field_size_limit(10_000_000)
    between = delimiter(text)
    plain = bool(between == "\t" and _HALF_QUOTED.search(text))
    try:
        return [*_cells(text, between, plain)]
    except csv.Error as e:  # a quotation that is not closed would take all that follows for one cell
        return [*_cells(text, between, True)] if "end of data" in str(e) else [*_cells(text, between, plain, False)]


def _cells(text: str, between: str, plain: bool, strict: bool = True) -> Iterator[Row]:
    quoting: Literal[0, 3] = csv.QUOTE_NONE if plain else csv.QUOTE_MINIMAL
    reader = csv.reader(io.StringIO(text), delimiter=between, quoting=quoting, strict=strict and not plain)
    line = 1
    for row in reader:
        start, line = line, reader.line_num + 1
        if any(cell.strip() for cell in row):
            yield start, [cell.strip("\ufeff") if start == 1 else cell for cell in row]


def delimiter(text: str) -> str:
    """What parts the cells: what is there in most of the first lines, and of such what is there most often."""
    lines = [line for line in text.split("\n", _HEADS)[:_HEADS] if line.strip()]
    counts = {mark: [line.count(mark) for line in lines] for mark in "\t;|,"}
    return max(counts, key=lambda mark: (sum(map(bool, counts[mark])), max(counts[mark], default=0)))


def read(text: str, path: str = "") -> tuple[list[tuple[int, dict[str, Any]]], list[str]] | None:
    """The rows as records with their lines, and the names of the columns; None where no line names those of papers."""
    rows = rows_of(text)
    named = path.lower().endswith((".csv", ".tsv"))
    at = next((n for n, (_, row) in enumerate(rows[:_HEADS]) if _is_head(row, rows[n + 1 :], named and not n)), None)
    if at is None:
        return None
    head = _head(rows[at][1], rows[at + 1 :])
    above = _alone(rows[at - 1][1]) if at else ""
    return list(_records(head, rows[at + 1 :], above)), [name for name in head if name]


def _is_head(row: list[str], below: list[Row], alone: bool) -> bool:
    means = [meaning(name) for name in _head(row, below)]
    facts = sum(one in FACTS or one in ("paper", "tags") for one in means)
    named = "title" in means and (facts > 0 or (alone and len(row) == 1))
    return (named or not {"arxiv", "doi"}.isdisjoint(means)) and not any(map(_ADDRESS.search, row))


def _head(row: list[str], below: list[Row]) -> list[str]:
    """The names of the columns; "Paper" without addresses is of titles, and "Who" beside a year of authors."""
    head = [" ".join(name.split()) for name in row]
    means = [meaning(name) for name in head]
    if "by" in means and "authors" not in means and "date" in means:
        at = means.index("date")
        days = {cells[at].strip() for _, cells in below if at < len(cells)}
        if spaced(head[means.index("by")]) == "who" and any(day.isdecimal() for day in days):
            head[means.index("by")] = "authors"
    if "title" not in means and "paper" in means:
        at = means.index("paper")
        if not any("://" in cells[at] for _, cells in below if at < len(cells)):
            head[at] = "title"
    return head


def _records(head: list[str], rows: list[Row], above: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows by column; one cell alone, under no title, is the heading of those below it; in a column of titles,
    where one stands `above` the names of the columns, too."""
    alone = [_alone(row) for _, row in rows]
    untitled = meaning(head[0]) != "title"
    parted = bool(above) and any(alone) and not any(a and b for a, b in zip(alone, [*alone[1:], "-"], strict=True))
    headed = len(head) > 2 and (untitled or parted)
    section: tuple[str, ...] = (above,) if parted and not untitled else ()
    for (line, row), single in zip(rows, alone, strict=True):
        if headed and single:
            section = (single,)
            continue
        record: dict[str, Any] = {}
        for n, (name, cell) in enumerate(zip(head, row, strict=False)):
            if cell.strip():
                record[name if name not in record else f"{name} {n}"] = cell
        if more := [cell for cell in row[len(head) :] if cell.strip()]:
            record["beyond the columns"] = "; ".join(more)
        yield line, record | ({"\0section": section} if section else {})


def _alone(row: list[str]) -> str:
    words = row[0].strip() if row and not any(cell.strip() for cell in row[1:]) else ""
    return words if re.search(r"[^\W\d_]{3}", words) and "://" not in words else ""


def as_html(text: str) -> str:
    """The rows of a table whose first line names no columns, as HTML of as many lines; "" where there is no table."""
    rows = [row for _, row in rows_of(text)]
    if len(rows) < 2 or len({len(row) for row in rows}) > 1 or len(rows[0]) < 2 or len(rows) < text.count("\n"):
        return ""
    cells = ("".join(f"<td>{_ADDRESS.sub(_linked, html.escape(cell))}</td>" for cell in row) for row in rows)
    return "<html><table>" + "\n".join(f"<tr>{row}</tr>" for row in cells)


def _linked(address: re.Match[str]) -> str:
    return f'<a href="{address[0]}">{address[0]}</a>'
