"""An entry by biblatex's names: what BibTeX calls otherwise, and the date that it has in two fields."""

from __future__ import annotations

import re
from collections.abc import Iterable

from catalog.bibtex.entry import MONTHS

Field = tuple[str, str]

_TYPES = {"conference": "inproceedings", "electronic": "online", "www": "online", "techreport": "report",
          "phdthesis": "thesis", "mastersthesis": "thesis"}  # fmt: skip
_SUBTYPES = {"techreport": "techreport", "phdthesis": "phdthesis", "mastersthesis": "mathesis"}
_FIELDS = {"journal": "journaltitle", "address": "location", "school": "institution", "annote": "annotation",
           "archiveprefix": "eprinttype", "primaryclass": "eprintclass", "key": "sortkey", "pdf": "file"}  # fmt: skip
_MONTHS = {name: number for number, name in enumerate(MONTHS, 1)}
_YEAR = re.compile(r"[{\"]?\s*(\d{4})\s*[}\"]?")


def modern(kind: str, fields: Iterable[Field]) -> tuple[str, list[Field]]:
    """Type and fields (name, value as written) as biblatex calls them; a plain year and month become a `date`.

    A name that the entry has already stays as it is, and so does what biblatex reads as it stands.
    """
    pairs = list(fields)
    names = [name for name, _ in pairs]
    renamed = [
        (_FIELDS[name] if name in _FIELDS and _FIELDS[name] not in names else name, value) for name, value in pairs
    ]
    if kind in _SUBTYPES and "type" not in names:
        renamed.append(("type", f"{{{_SUBTYPES[kind]}}}"))
    return _TYPES.get(kind, kind), _dated(renamed)


def _dated(fields: list[Field]) -> list[Field]:
    said = [(name, value) for name, value in fields if name in ("year", "month", "date")]
    years = [found[1] for name, value in said if name == "year" and (found := _YEAR.fullmatch(value))]
    months = [value for name, value in said if name == "month"]
    plain = all(month in _MONTHS for month in months) and len(months) < 2
    if len(years) != 1 or not plain or any(name == "date" for name, _ in said) or len(said) != 1 + len(months):
        return fields
    date = years[0] + (f"-{_MONTHS[months[0]]:02}" if months else "")
    return [("date", f"{{{date}}}") if name == "year" else (name, value) for name, value in fields if name != "month"]
