"""What is known of a paper, as typed values: derived once from its file, and asked by everything that shows papers.

`Facts` is about the work and the same for every reader; `Reading` is how far one reader is. Standard library only:
listing and searching never pay for pydantic.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

SCHEMA = 1  # the version of what `--json` prints; raised when a field changes its meaning or goes

Rich: TypeAlias = tuple[tuple[str, str], ...]
"""Text in pieces of (kind, text): "text" and "em", "strong", "sc", "sub", "sup", "code" as Unicode, "math" as TeX."""

ROLES = ("author", "editor", "translator", "director", "holder")  # in the order in which they stand for missing authors


class Name(NamedTuple):
    """A person's name in parts, as the entry gives them; an organisation, or what has no parts, is a `literal`."""

    family: str = ""
    given: str = ""
    particle: str = ""
    suffix: str = ""
    literal: str = ""


class Address(NamedTuple):
    """Where something is. `kind` says what ("paper", "code", "blog" …), `origin` who says so.

    `origin` is "link" for the file's own, else the field of the entry or the identifier that it is computed from:
    "url", "howpublished", "doi", "eprint", "pmid" … Computed addresses are never written into a file.
    """

    kind: str
    url: str
    label: str = ""
    origin: str = "link"


@dataclass(frozen=True, slots=True)
class Reading:
    """How far a reader is with a paper. Dates are ISO or ""; `rating` is 0 where none is given."""

    status: str = "unread"
    added: str = ""
    read: str = ""
    due: str = ""
    rating: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """A work, with LaTeX decoded, macros and what it inherits resolved. What is not known is empty.

    `people` holds the names by role in the order of `ROLES`; `others` says that the first list goes on ("and
    others"). `date` is ISO and as long as it is precise: "2021", "2021-06", "2021-06-17", "0850"; a span is
    "2019/2021". `kind` is the entry's type in lower case, or what the file says the work is. `ids` are (name, value),
    normalised: "doi", "arxiv", "isbn", "issn", "pmid", "pmcid", "acl", "openreview", "dblp", "s2". `details` are the
    other fields of the entry that citations and comparisons need, decoded, by their biblatex name: "volume", "number",
    "pages", "edition", "series", "publisher", "location", "institution", "note", "version", "part", "shortauthor" …
    """

    key: str
    title: Rich = ()
    people: tuple[tuple[str, tuple[Name, ...]], ...] = ()
    others: bool = False
    date: str = ""
    venue: str = ""
    kind: str = ""
    ids: tuple[tuple[str, str], ...] = ()
    addresses: tuple[Address, ...] = ()
    abstract: Rich = ()
    tags: tuple[str, ...] = ()
    details: tuple[tuple[str, str], ...] = ()
    aliases: tuple[str, ...] = ()
    cites: tuple[str, ...] = field(default=(), metadata={"doc": "keys of papers that the notes link to"})
    tutorials: int = 0
    bibtex: bool = False
    notes: str = ""
    reading: Reading = Reading()

    @property
    def year(self) -> int:
        """The year of publication (of a span its first); 0 where none is known."""
        digits = self.date.partition("/")[0].split("-")[0]
        return int(digits) if digits.isdigit() else 0

    @property
    def role(self) -> str:
        """The role of those who stand as its authors: "author", or "editor" … where it has none; "" without people."""
        return self.people[0][0] if self.people else ""

    @property
    def names(self) -> tuple[Name, ...]:
        """Those who stand as its authors."""
        return self.people[0][1] if self.people else ()

    def id(self, name: str) -> str:
        """The identifier of that name, or ""."""
        return next((value for n, value in self.ids if n == name), "")

    def detail(self, name: str) -> str:
        """The detail of that name, or ""."""
        return next((value for n, value in self.details if n == name), "")

    def address(self, kind: str = "paper") -> str:
        """The first address of that kind, or ""."""
        return next((address.url for address in self.addresses if address.kind == kind), "")
