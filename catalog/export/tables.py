"""The catalog for other programs: JSON with everything in it, CSV for a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from catalog.models import Paper, Tutorial
from catalog.record import Record

COLUMNS = (
    "key", "title", "authors", "year", "venue", "type", "status", "added", "read", "due", "tags", "doi", "arxiv",
    "links", "tutorials", "aliases", "abstract", "notes",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def as_json(records: Sequence[Record], papers: Mapping[str, Paper]) -> str:
    """A list of objects, in the order given: each record, its links and tutorials typed, its BibTeX as text.

    A record whose paper is not among `papers` has no tutorials and no BibTeX.
    """
    objects = [_as_object(record, papers.get(record.key)) for record in records]
    return json.dumps(objects, ensure_ascii=False, indent=2) + "\n"


def as_csv(records: Iterable[Record]) -> str:
    """A table as RFC 4180 has it: a header, CRLF line ends, quotes where needed; lists joined with "; ".

    A spreadsheet runs a cell that begins with `=`, `+`, `-` or `@` as a formula. Such a cell, and one that begins
    with a tab or a carriage return, gets an apostrophe in front, which spreadsheets read as "this is text".
    """
    out = io.StringIO(newline="")
    table = csv.writer(out, lineterminator="\r\n")
    table.writerow(COLUMNS)
    for record in records:
        table.writerow([inert(cell) for cell in _row(record)])
    return out.getvalue()


def inert(cell: str) -> str:
    """The cell as a spreadsheet shows it, whatever it begins with."""
    return f"'{cell}" if cell.startswith(("\t", "\r", "\n")) or cell.lstrip().startswith(_FORMULA) else cell


def _as_object(record: Record, paper: Paper | None) -> dict[str, Any]:
    return record.as_dict() | {
        "links": [{"name": name, "url": url, "label": label} for name, url, label in record.links],
        "tutorials": [_as_tutorial(tutorial) for tutorial in paper.tutorials] if paper else [],
        "bibtex": paper.bibtex if paper else "",
    }


def _as_tutorial(tutorial: Tutorial) -> dict[str, Any]:
    return {
        "name": tutorial.name,
        "date": tutorial.date,
        "versions": dict(tutorial.versions),
        "notebook": tutorial.notebook,
    }


def _row(record: Record) -> list[str]:
    special = {
        "authors": _joined([*record.authors, "et al."] if record.et_al else record.authors),
        "year": str(record.year or ""),
        "tags": _joined(record.tags),
        "links": _joined(f"{name}: {url}" for name, url, _ in record.links),
        "tutorials": str(record.tutorials or ""),
        "aliases": _joined(record.aliases),
    }
    return [special[column] if column in special else str(getattr(record, column)) for column in COLUMNS]


def _joined(items: Iterable[str]) -> str:
    return "; ".join(items)
