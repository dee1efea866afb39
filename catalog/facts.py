"""What is known of a paper, as typed values: derived once from its file, and asked by everything that shows papers.

`Facts` is about the work and the same for every reader; `Reading` is how far one reader is. Standard library only:
listing and searching never pay for pydantic.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any, NamedTuple

from catalog.text import Rich as Rich
from catalog.text import plain

STATUSES = ("unread", "reading", "read")  # how far a reader may be
SCHEMA = 1  # the version of what `--json` prints; raised when a field changes its meaning or goes
ROLES = ("author", "editor", "translator", "director", "holder")  # in the order in which they stand for missing authors
OTHERS = "others"  # the last of the authors that a paper file gives where there are more, as in BibTeX
USED = ("keywords", "groups", "readstatus", "annote", "file")  # what of an entry can be tags, a status, notes, links
_HAN = "[\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3130-\u318f\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7ff]"
_VIETNAMESE = "[ăđơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]"


def is_han(text: str) -> bool:
    """Whether it has a Chinese, Japanese or Korean sign."""
    return not text.isascii() and _han().search(text) is not None


def is_vietnamese(text: str) -> bool:
    """Whether it has a letter that Vietnamese alone has."""
    return not text.isascii() and _vietnamese().search(text) is not None


@lru_cache(maxsize=10_000)
def _year(date: str) -> int:
    """The year of a date, or the first of a span; below 0 before our era: -43 is 44 BC."""
    found = re.match(r"-?\d{4}(?!\d)", date)
    return int(found.group()) if found else 0


@cache
def _han() -> re.Pattern[str]:
    return re.compile(_HAN)  # takes 2 ms, which most commands never need


@cache
def _vietnamese() -> re.Pattern[str]:
    return re.compile(_VIETNAMESE, re.I)


class Name(NamedTuple):
    """A person's name in parts, as the entry gives them; an organisation, or what has no parts, is a `literal`."""

    family: str = ""
    given: str = ""
    particle: str = ""
    suffix: str = ""
    literal: str = ""

    @property
    def display(self) -> str:
        """The name as read: "Sofia van der Berg", "Sammy Davis, Jr.", "王小明", "Nguyễn Văn An"."""
        if self.literal:
            return self.literal
        if is_han(self.family) and not re.search(r"[A-Za-z]", self.given):
            return self.family + self.given
        words = (self.given, self.particle, self.family)
        if self.given and not self.particle and is_vietnamese(self.family + self.given):
            words = (self.family, self.given, "")
        name = " ".join(filter(None, words))
        return f"{name}, {self.suffix}" if self.suffix else name

    @property
    def last(self) -> str:
        """What one calls the person or organisation by in a text: "van der Berg", "NASA"."""
        return self.literal or " ".join(filter(None, (self.particle, self.family))) or self.given

    @property
    def sort(self) -> str:
        """What the name is sorted by: "Berg, Sofia van der, Jr."."""
        given = " ".join(filter(None, (self.given, self.particle)))
        return self.literal or ", ".join(filter(None, (self.family, given, self.suffix)))


class Address(NamedTuple):
    """Where something is. `kind` says what ("paper", "code", "blog" …), `origin` who says so.

    `origin` is "link" for the file's own, else the field of the entry or the identifier that it is computed from:
    "url", "howpublished", "doi", "eprint", "pmid" … Computed addresses are never written into a file. One of origin
    "file" is a path on the machine of whoever kept the entry, and no site shows it.
    """

    kind: str
    url: str
    label: str = ""
    origin: str = "link"


class Taught(NamedTuple):
    """A tutorial: its name, date, the versions it was written for as (library, version), and where its notebook is."""

    name: str
    date: str = ""
    versions: tuple[tuple[str, str], ...] = ()
    notebook: str = ""


class Line(NamedTuple):
    """A paper as a list prints it; a list of ten thousand is made of these alone."""

    key: str
    status: str
    year: int
    title: str
    authors: str
    by: str


class Reading(NamedTuple):
    """How far a reader is with a paper. Dates are ISO or ""; `rating` is 0 where none is given.

    `place` is that in the reader's queue, from 1; 0 where the paper is not in it.
    """

    status: str = "unread"
    added: str = ""
    read: str = ""
    due: str = ""
    rating: int = 0
    place: int = 0


UNREAD = Reading()


@dataclass(frozen=True, slots=True)
class Facts:
    """A work, with LaTeX decoded, macros and what it inherits resolved. What is not known is empty.

    `people` holds the names by role in the order of `ROLES`; `others` says that the first list goes on ("and
    others"). `date` is ISO and as long as it is precise: "2021", "2021-06", "2021-06-17", "0850", "-0043" (44 BC); a
    span is "2019/2021", one that goes on "2019/..". `kind` is the entry's type in lower case, or what the file says the
    work is. `ids` are (name, value), normalised: "doi", "arxiv", "isbn", "issn", "pmid", "pmcid", "acl", "openreview",
    "dblp", "s2". `details` are the other fields of the entry that citations and comparisons need, decoded, by their
    biblatex name: "volume", "number", "pages", "edition", "series", "publisher", "location", "institution", "note",
    "version", "part", "shortauthor" …; "circa" and "season" say more of the date.
    `cites` are the keys of papers that the notes link to. `reading` is how far I am; `readers` how far each one is
    who says anything of it, by name, where a collection has several. `bibtex` is the text of its entries, as the file
    has it.
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
    cites: tuple[str, ...] = ()
    tutorials: tuple[Taught, ...] = ()
    extras: tuple[tuple[str, str], ...] = ()
    reading: Reading = UNREAD
    readers: tuple[tuple[str, Reading], ...] = ()
    bibtex: str = ""
    notes: str = ""

    @property
    def heading(self) -> str:
        """The title as plain text; the key where there is none."""
        return plain(self.title) or self.key

    @property
    def year(self) -> int:
        """The year of publication (of a span its first); 0 where none is known."""
        return _year(self.date)

    @property
    def role(self) -> str:
        """The role of those who stand as its authors: "author", or "editor" … where it has none; "" without people."""
        return self.people[0][0] if self.people else ""

    @property
    def names(self) -> tuple[Name, ...]:
        """Those who stand as its authors."""
        return self.people[0][1] if self.people else ()

    def authors(self, most: int = 0) -> str:
        """The names in a line, of many the first ones: "Edward Hu, Yelong Shen et al."."""
        shown = self.names[:most] if most else self.names
        more = self.others or len(shown) < len(self.names)
        return ", ".join(name.display for name in shown) + (" et al." if more and shown else "")

    @property
    def by(self) -> str:
        """Who made it, as one says it: "Hu", "Hu and Shen", "Hu et al."."""
        several = self.others or len(self.names) > 2
        said = " and ".join(name.last for name in self.names[: 1 if several else 2])
        return f"{said} et al." if several and said else said

    @property
    def places(self) -> tuple[Address, ...]:
        """The addresses to show: what is said outright; what an identifier leads to where nothing else is the paper."""
        said = tuple(one for one in self.addresses if one.origin not in ("eprint", "file") and not self.id(one.origin))
        other = next((one for one in self.addresses if one not in said and one.kind == "paper"), None)
        return said if other is None or any(one.kind == "paper" for one in said) else (*said, other)

    @property
    def public(self) -> Facts:
        """What everybody may know: without the files on the machine of whoever keeps it."""
        if all(one.origin != "file" for one in self.addresses):
            return self
        return replace(self, addresses=tuple(one for one in self.addresses if one.origin != "file"))

    @property
    def line(self) -> Line:
        """What a list prints."""
        return Line(self.key, self.reading.status, self.year, self.heading, self.authors(3), self.by)

    @property
    def doi(self) -> str:
        """Its DOI, or ""."""
        return self.id("doi")

    @property
    def arxiv(self) -> str:
        """Its arXiv id without version, or ""."""
        return self.id("arxiv")

    def _readers(self) -> list[dict[str, Any]]:
        names = ("status", "read", "due", "rating")
        return [{"name": name, **{one: getattr(said, one) for one in names}} for name, said in self.readers]

    def id(self, name: str) -> str:
        """The identifier of that name, or ""."""
        return next((value for n, value in self.ids if n == name), "")

    def detail(self, name: str) -> str:
        """The detail of that name, or ""."""
        return next((value for n, value in self.details if n == name), "")

    def address(self, kind: str = "paper") -> str:
        """The first address of that kind, or ""."""
        return next((address.url for address in self.addresses if address.kind == kind), "")

    def as_dict(self, implementations: tuple[str, ...] = ()) -> dict[str, Any]:
        """The facts as JSON-ready values, in the one shape that every command prints; `catalog.schema` describes it.

        `title`, `authors`, `abstract` are plain text, as lists show it; their parts stand in `rich` and `people`.
        `implementations` are the names of those that implement the paper.
        """
        reading = self.reading
        return {
            "schema": SCHEMA,
            "key": self.key,
            "title": self.heading,
            "authors": [name.display for name in self.names],
            "others": self.others,
            "year": self.year,
            "date": self.date,
            "venue": self.venue,
            "kind": self.kind,
            "status": reading.status,
            "added": reading.added,
            "read": reading.read,
            "due": reading.due,
            "rating": reading.rating,
            **({"readers": self._readers()} if self.readers else {}),
            "tags": list(self.tags),
            "doi": self.doi,
            "arxiv": self.arxiv,
            "ids": [{"name": name, "value": value} for name, value in self.ids],
            "links": [{"name": one.kind, "url": one.url, "label": one.label} for one in self.places],
            "addresses": [address._asdict() for address in self.addresses],
            "abstract": plain(self.abstract),
            "people": {role: [_given(name) for name in names] for role, names in self.people},
            "rich": {"title": _pieces(self.title), "abstract": _pieces(self.abstract)},
            "details": dict(self.details),
            "aliases": list(self.aliases),
            "cites": list(self.cites),
            "tutorials": [one._asdict() | {"versions": dict(one.versions)} for one in self.tutorials],
            "implementations": list(implementations),
            "extras": dict(self.extras),
            "notes": self.notes,
            "bibtex": self.bibtex,
        }


def _given(name: Name) -> dict[str, str]:
    return {part: value for part, value in name._asdict().items() if value}


def _pieces(rich: Rich) -> list[dict[str, str]]:
    return [{"kind": kind, "text": text} for kind, text in rich]
