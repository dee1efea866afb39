"""The catalog for other programs: JSON with everything in it, CSV for a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping

from catalog.facts import Facts
from catalog.text import plain

COLUMNS = (
    "key", "title", "authors", "year", "venue", "type", "status", "added", "read", "due", "tags", "doi", "arxiv",
    "links", "tutorials", "aliases", "abstract", "notes",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def as_json(papers: Iterable[Facts], implemented: Mapping[str, tuple[str, ...]] | None = None) -> str:
    """A list of objects, in the order given, each as `Facts.as_dict` has it. `implemented` names implementations."""
    named = implemented or {}
    objects = [facts.as_dict(named.get(facts.key, ())) for facts in papers]
    return json.dumps(objects, ensure_ascii=False, indent=2) + "\n"


def as_csv(papers: Iterable[Facts]) -> str:
    """A table as RFC 4180 has it: a header, CRLF line ends, quotes where needed; lists joined with "; ".

    A spreadsheet runs a cell that begins with `=`, `+`, `-` or `@` as a formula. Such a cell, and one that begins
    with a tab or a carriage return, gets an apostrophe in front, which spreadsheets read as "this is text".
    """
    out = io.StringIO(newline="")
    table = csv.writer(out, lineterminator="\r\n")
    table.writerow(COLUMNS)
    for facts in papers:
        table.writerow(row_of(facts).values())
    return out.getvalue()


def inert(cell: str) -> str:
    """The cell as a spreadsheet shows it, whatever it begins with."""
    return f"'{cell}" if cell.startswith(("\t", "\r", "\n")) or cell.lstrip().startswith(_FORMULA) else cell


def row_of(facts: Facts) -> dict[str, str]:
    """One paper's cells by column."""
    reading = facts.reading
    names = [name.display for name in facts.names]
    row = {
        "key": facts.key,
        "title": facts.heading,
        "authors": _joined([*names, "et al."] if facts.others else names),
        "year": str(facts.year or ""),
        "venue": facts.venue,
        "type": facts.kind,
        "status": reading.status,
        "added": reading.added,
        "read": reading.read,
        "due": reading.due,
        "tags": _joined(facts.tags),
        "doi": facts.doi,
        "arxiv": facts.arxiv,
        "links": _joined(f"{address.kind}: {address.url}" for address in facts.addresses),
        "tutorials": str(len(facts.tutorials) or ""),
        "aliases": _joined(facts.aliases),
        "abstract": plain(facts.abstract),
        "notes": facts.notes,
    }
    return {column: inert(row[column]) for column in COLUMNS}


def _joined(items: Iterable[str]) -> str:
    return "; ".join(items)
