"""What is shown of a paper: plain values, computed from its file, cheap to store and to load.

Kept apart from `models` so that listing and searching never pay for pydantic.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import asdict, dataclass, field, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Record:
    """A paper as lists, searches, exports and pages show it: LaTeX decoded, macros and crossrefs resolved.

    Dates are ISO strings ("2026-11-24") or "". `links` holds (name, url, label) triples in the file's order. `year`
    is 0 where none is known. `implementations` is filled by whoever knows the registry.
    """

    key: str
    title: str
    authors: tuple[str, ...] = ()
    year: int = 0
    venue: str = ""
    type: str = ""
    status: str = "unread"
    added: str = ""
    read: str = ""
    due: str = ""
    tags: tuple[str, ...] = ()
    links: tuple[tuple[str, str, str], ...] = ()
    doi: str = ""
    arxiv: str = ""
    abstract: str = ""
    notes: str = ""
    tutorials: int = 0
    aliases: tuple[str, ...] = ()
    cites: tuple[str, ...] = field(default=(), metadata={"doc": "keys of papers that the notes link to"})
    bibtex: bool = False
    et_al: bool = field(default=False, metadata={"doc": "the entry ends its authors with `and others`"})

    def as_dict(self) -> dict[str, Any]:
        """The record as JSON-ready values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Record:
        """The inverse of `as_dict`, also after a trip through JSON (lists become tuples again)."""
        return cls(**{f.name: _tuples(values[f.name]) for f in fields(cls) if f.name in values})

    @property
    def first_author(self) -> str:
        """The first author's name as shown, or ""."""
        return self.authors[0] if self.authors else ""

    def link(self, name: str) -> str:
        """The address of the first link of that name, or ""."""
        return next((url for n, url, _ in self.links if n == name), "")


def tag_slug(tag: str) -> str:
    """What two spellings of one tag share: "Long Context" and "long-context" give "long-context"."""
    folded = unicodedata.normalize("NFKC", tag).casefold()
    return re.sub(r"[^\w+#.]+", "-", folded).strip("-") or folded


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value
