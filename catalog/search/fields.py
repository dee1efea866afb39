"""The fields a query may name: what each means, and how the value after its colon is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from catalog.errors import BadQuery
from catalog.facts import STATUSES, Facts
from catalog.search.fold import clean, is_ideograph, tokens
from catalog.search.stem import said_of_language
from catalog.search.tree import BEYOND, Between, Contains, Is, Node, Not, Words, any_of, starting
from catalog.text import tag_slug

_YEAR = re.compile(r"[0-9]{4}\Z")
_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?\Z")
_COMPARED = re.compile(r"(>=|<=|>|<)(.*)\Z", re.S)
_A_YEAR = re.compile(r"1[0-9]{3}|20[0-9]{2}")
_AN_ADDRESS = re.compile(r"(?:https?://)?(?:www\.)?((?:[\w-]+\.)+[a-z]{2,}(?::[0-9]+)?/\S*[^\s/])/?", re.I)


@dataclass(frozen=True, slots=True)
class Value:
    """One value as it was written; a quoted one means itself, whole."""

    text: str
    quoted: bool = False

    @property
    def prefix(self) -> str | None:
        """What stands before a final `*`, where there is one that means "goes on"."""
        return self.text[:-1] if self.text.endswith("*") and not self.quoted else None


@dataclass(frozen=True, slots=True)
class Field:
    """What a field means, an example, and how its value is read; `read` raises `BadQuery`."""

    meaning: str
    example: str
    read: Callable[[Value], Node]


def words(value: Value, column: str = "") -> Words | None:
    """The words of a text, the last as the start of a word unless quoted; None where it has no letter or digit."""
    found = tokens(value.text)
    if not found:
        return None
    return Words(found, not value.quoted and not is_ideograph(found[-1]), column)


def bare(value: Value) -> Node | None:
    """A word that stands alone: its tokens; a year or an identifier is that as well, an address a link's."""
    found = words(value)
    if found is None or value.quoted:
        return found
    text = value.text.strip(",;.")
    known = dict(_identified(text))
    if "arxiv" in known:
        known.pop("doi", "")
    meant: list[Node] = [] if known.keys() & {"arxiv", "doi"} else [found]
    if _A_YEAR.fullmatch(text):
        meant.append(Is("year", text))
    meant += [_has_id(name, value) for name, value in known.items()]
    if "doi" in known:
        meant.append(Contains("link", known["doi"]))
    if address := _AN_ADDRESS.fullmatch(text):
        meant.append(Contains("link", address[1].casefold()))
    return any_of(meant)


def _text(column: str) -> Callable[[Value], Node]:
    def read(value: Value) -> Node:
        found = words(value, column)
        if found is None:
            raise BadQuery(f"{value.text!r} has no letter and no digit; write a word")
        return found

    return read


def _author(value: Value) -> Node:
    """Words of a name, which may stand as in a bibliography: "Hu, Edward"."""
    family, comma, given = value.text.partition(",")
    return _text("authors")(Value(f"{given} {family}", quoted=True) if comma and value.quoted else value)


def _status(value: Value) -> Node:
    status = value.text.lower()
    if status not in STATUSES:
        raise BadQuery(f"{value.text!r} is not a status; write unread, reading or read")
    return Is("status", status)


def _whole(name: str) -> Callable[[Value], Node]:
    """Reads what is compared whole, or, before a `*`, as the start of it."""

    def read(value: Value) -> Node:
        if value.prefix is not None:
            return starting(name, value.prefix.casefold())
        return Is(name, value.text.strip().casefold())

    return read


def _read_by(value: Value) -> Node:
    named: dict[str, Node] = {"me": Is("status", "read"), "nobody": Not(starting("read-by", ""))}
    return named.get(value.text.strip().casefold()) or _whole("read-by")(value)


def _place(value: Value) -> Node:
    if value.text.lower() != "pdf":
        raise BadQuery(f"{value.text!r} is no place to look in; write in:pdf")
    return Is("in", "pdf")


def _tag(value: Value) -> Node:
    if value.prefix is None:
        return Is("tag", tag_slug(value.text))
    return starting("tag", tag_slug(value.prefix + "x")[:-1])  # the x keeps a hyphen before it


def _key(value: Value) -> Node:
    return _whole("key")(value) if value.quoted or value.prefix is not None else _part("key")(value)


def _part(name: str) -> Callable[[Value], Node]:
    return lambda value: Contains(name, value.text.casefold())


def _has(value: Value) -> Node:
    return Is("has", _singular(value.text.strip().casefold()))


@cache
def _identifiers() -> list[tuple[str, str, re.Pattern[str]]]:
    return [(name, before, re.compile(pattern, re.I)) for name, before, pattern in said_of_language()["identifiers"]]


def _identified(text: str) -> Iterator[tuple[str, str]]:
    """The identifiers, as (name, value), that a text is or is an address of; an ISBN without its last digit."""
    for name, before, pattern in _identifiers():
        if found := pattern.fullmatch(text):
            yield name, (before + "".join(filter(None, found.groups()))).casefold()


def _has_id(name: str, value: str) -> Node:
    """A paper has an identifier; of some the start is enough."""
    return starting(name, value) if name in ("arxiv", "doi", "isbn") else Is(name, value)


def _identifier(name: str) -> Callable[[Value], Node]:
    def read(value: Value) -> Node:
        text = (value.text if value.prefix is None else value.prefix).strip()
        found = dict(_identified(text)).get(name, text.casefold())
        if value.quoted and name != "isbn":
            return Is(name, found)
        return _has_id(name, found) if value.prefix is None else starting(name, found)

    return read


def _year(text: str) -> str:
    if not _YEAR.match(text):
        raise BadQuery(f"{text!r} is not a year; write 2021, 2021..2023, 2021.. or >=2021")
    return text


def _date(text: str) -> str:
    import datetime as dt

    match = _DATE.match(text)
    try:
        if match is None:
            raise ValueError
        dt.date(int(match[1]), int(match[2] or 1), int(match[3] or 1))
    except ValueError:
        raise BadQuery(f"{text!r} is not a date; write 2026, 2026-01, 2026-01-31 or a range 2026-01..2026-03") from None
    return text


def _span(name: str, point: Callable[[str], str]) -> Callable[[Value], Node]:
    """Reads `a`, `a..b`, `a..`, `..b`, `>a`, `>=a`, `<a`, `<=a`; both ends belong to a range."""

    def read(value: Value) -> Node:
        if compared := _COMPARED.match(value.text):
            return _compared(name, compared[1], point(compared[2]))
        low, dots, high = value.text.partition("..")
        if not dots:
            return starting(name, point(low))
        if not (low or high):
            raise BadQuery("the range has no ends; write a start, an end or both")
        start, stop = (point(low) if low else ""), (point(high) + BEYOND if high else BEYOND)
        if start >= stop:
            raise BadQuery(f"the range {value.text} ends before it starts; write {high}..{low}")
        return Between(name, start, stop)

    return read


def _compared(name: str, operator: str, point: str) -> Between:
    if operator[0] == ">":
        return Between(name, point + BEYOND if operator == ">" else point, BEYOND)
    return Between(name, "", point if operator == "<" else point + BEYOND)


FIELDS: dict[str, Field] = {
    "abstract": Field("words of the abstract", "abstract:attention", _text("abstract")),
    "added": Field("when it came into the catalog: a date or a range", "added:2026-01..2026-03", _span("added", _date)),
    "arxiv": Field("arXiv id, whatever its version, or the start of one", "arxiv:2106.09685", _identifier("arxiv")),
    "author": Field("words of the authors' names", 'author:dettmers or author:"Edward Hu"', _author),
    "doi": Field("DOI, or the start of one", "doi:10.18653/", _identifier("doi")),
    "due": Field("when it should be read by: a date or a range", "due:..2026-12-31", _span("due", _date)),
    "has": Field(
        "a link of that name (code, blog, …), or notes, bibtex, abstract, doi, arxiv, tutorial, year, tags, links, due,"
        " impl (an implementation)",
        "has:code",
        _has,
    ),
    "in": Field("where words are looked for: pdf, the text of PDFs that are here", "in:pdf", _place),
    "isbn": Field(
        "ISBN, of ten digits or thirteen, or the start of one", "isbn:978-0-262-03561-3", _identifier("isbn")
    ),
    "key": Field("part of the citation key; quoted, all of it", "key:hu2021", _key),
    "link": Field("part of a link's address", "link:github.com", _part("link")),
    "notes": Field("words of the notes", "notes:compare", _text("notes")),
    "pmid": Field("number in PubMed", "pmid:31452104", _identifier("pmid")),
    "read": Field("when it was read: a date or a range", "read:2026", _span("read", _date)),
    "read-by": Field("who has read it, where there are several readers; * is anyone", "read-by:ana", _read_by),
    "status": Field("unread, reading or read", "status:unread,reading", _status),
    "tag": Field("a whole tag, or its start with *", 'tag:quantization, tag:"long context" or tag:quant*', _tag),
    "title": Field("words of the title", 'title:"low rank"', _text("title")),
    "type": Field("BibTeX entry type", "type:article", _whole("type")),
    "venue": Field("words of the journal or conference", "venue:aaai", _text("venue")),
    "year": Field("year of publication, or a range", "year:2021..2023", _span("year", _year)),
}


def unknown_field(name: str) -> str:
    """What to say of a field there is none of: the nearest one, the known ones, and how to search for the text."""
    import difflib

    near = difflib.get_close_matches(name.lower(), FIELDS, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]}:?" if near else "."
    return (
        f'no field is called {name[:40]!r}{hint} Known are {", ".join(FIELDS)}. To search for the text, put it in "…"'
    )


def facts(one: Facts) -> set[tuple[str, str]]:
    """All that fields compare whole, as (name, value) pairs; what is empty or unknown is no fact."""
    reading = one.reading
    pairs = [
        ("key", one.key.casefold()),
        ("type", one.kind.casefold()),
        *(("alias", alias.casefold()) for alias in one.aliases),
        ("status", reading.status.lower()),
        ("year", f"{one.year:04}" if 0 < one.year <= 9999 else ""),
        ("added", reading.added),
        ("read", reading.read),
        ("due", reading.due),
        *(("read-by", name.casefold()) for name, said in one.readers if said.status == "read"),
        *((name, value.casefold()) for name, value in one.ids),
        *(("tag", tag_slug(clean(tag))) for tag in one.tags),
        *(("link", address.url.casefold()) for address in one.addresses),
        *(("has", name) for name in _present(one)),
    ]
    return {(name, clean(value)) for name, value in pairs if value}


def _present(one: Facts) -> Iterable[str]:
    named = {
        "abstract": one.abstract,
        "bibtex": one.bibtex,
        "due": one.reading.due,
        "link": one.addresses,
        "notes": one.notes,
        "tag": one.tags,
        "tutorial": one.tutorials,
        "year": one.year,
    }
    yield from (name for name, value in named.items() if value)
    yield from (name for name, _ in one.ids)
    yield from (_singular(address.kind.casefold()) for address in one.addresses)


def _singular(name: str) -> str:
    same = {"links": "link", "tags": "tag", "tutorials": "tutorial", "implementation": "impl"}
    return same.get(name, name)
