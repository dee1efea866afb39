"""The typed catalog: what a paper file may say, checked at the border.

A `Paper` is one paper file in memory. Facts that its BibTeX holds (authors, year, venue, DOI, arXiv id) are not
repeated here; `catalog.bibtex.describe` computes what is known.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from catalog import checked
from catalog.checked import Checked, Kind, day, flag, made, named, one_of, several, slot, text, whole
from catalog.conflict import hunks
from catalog.errors import KbError, refused
from catalog.filenames import file_name
from catalog.text import tag_slug as tag_slug

SCHEMES = ("http", "https", "mailto", "ftp")
FENCE = re.compile(r"^(?P<fence>`{3,}|~{3,})[ \t]*(?:bibtex|biblatex|bib)\b[^\n`]*$", re.I | re.M)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f\u2028\u2029\ufeff\ud800-\udfff]")
_HALF = re.compile("[\ud800-\udfff]")
_SPACE = re.compile(r"\s+")


class Status(StrEnum):
    """How far the reader is."""

    unread = "unread"
    reading = "reading"
    read = "read"


def one_line(text: str) -> str:
    """The text on one line, white space folded; refuses control characters."""
    text = _SPACE.sub(" ", text).strip()
    if bad := _CONTROL.search(text):
        raise ValueError(f"{text[:60]!r} holds the control character {bad.group()!r}; remove it")
    return text


def _url(text: str) -> str:
    text = text.strip()
    if not text:
        raise ValueError("the address is empty; give one or remove the link")
    if "](" in text:  # a link's label and address are written with it between them
        raise ValueError(f"{text[:80]!r} is a link in Markdown, not an address: write what stands in its parentheses")
    if _SPACE.search(text) or _CONTROL.search(text) or any(c in text for c in '<>"`\\'):
        raise ValueError(f"{text[:80]!r} is not an address: write spaces and quotes percent-encoded")
    try:
        parts = urlsplit(text)
    except ValueError as e:
        raise ValueError(f"{text[:80]!r} is not an address: {e}") from None
    if parts.scheme and parts.scheme.lower() not in SCHEMES:
        raise ValueError(f"{text[:80]!r} is not allowed as a link; use http, https, ftp, mailto or a relative path")
    if parts.scheme.lower() in ("http", "https", "ftp") and not parts.hostname:
        raise ValueError(f"{text[:80]!r} names no host; write https://host/path")
    if not parts.scheme and text.startswith(("/", "\\")):
        raise ValueError(f"{text[:80]!r} is neither an address nor a path relative to the paper file")
    return text


def _tag(text: str) -> str:
    text = one_line(text)
    if not text:
        raise ValueError("an empty tag; remove it")
    if len(text) > 100 or any(c in text for c in '`|<>"{}[]\\'):
        raise ValueError(f'{text[:60]!r} is not a tag; at most 100 characters, none of ` | < > " {{ }} [ ] \\')
    return text


def _key(text: str) -> str:
    text = text.strip()
    if not text:
        raise ValueError("the citation key is empty; give one, such as hu2021lora")
    if _CONTROL.search(text) or any(c in text for c in "{},\n\t"):
        raise ValueError(f"{text[:60]!r} is not a citation key: no braces, commas or line breaks")
    if len(file_name(text).encode()) > 240:
        raise ValueError(f"{text[:60]!r}… is too long for a file name; at most 230 bytes")
    return text


def _link_name(text: str) -> str:
    text = one_line(text).lower()
    if not text or len(text) > 60 or any(c in text for c in '`|<>"{}[]\\:'):
        raise ValueError(f"{text[:60]!r} is not a link's name; use a word such as paper, code, blog, docs, model")
    return text


def _year(value: Any) -> Any:
    if isinstance(value, str):
        if not re.fullmatch(r"[12]\d{3}", value.strip()):
            raise ValueError(f"{value!r} is not a year; write four digits")
        return int(value)
    return value


def _author(text: str) -> str:
    text = one_line(text)
    if not text or any(c in text for c in "`|<>{}[]\\"):
        raise ValueError(f"{text[:60]!r} is not an author's name; none of ` | < > {{ }} [ ] \\")
    return text


def _iso_prefix(text: str) -> str:
    text = text.strip()
    whole = text + "-01-01"[len(text) - 4 :] if len(text) in (4, 7) else text
    try:
        if text:
            dt.date.fromisoformat(whole)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is not a date; write YYYY, YYYY-MM or YYYY-MM-DD") from None
    return text


def _kind(text: str) -> str:
    text = one_line(text).lower()
    if len(text) > 40 or any(c in text for c in '`|<>"{}[]\\:'):
        raise ValueError(f"{text[:60]!r} is not a kind of work; use a word such as paper, book, code, dataset, blog")
    return text


def _ids(ids: dict[str, str]) -> dict[str, str]:
    for name, value in ids.items():
        if not re.fullmatch(r"[a-z][a-z0-9]{1,19}", name):
            raise ValueError(f"{name[:40]!r} is not the name of an identifier; use doi, arxiv, isbn, pmid, acl …")
        if not value or re.search(r"""[\s<>"`|{}\\^]""", value):
            raise ValueError(f"{name}: {value[:60]!r} is not an identifier; write it without blanks and quotes")
    return ids


def _rating(value: Any) -> Any:
    if isinstance(value, str):
        if not re.fullmatch(r"10|\d", value.strip()):
            raise ValueError(f"{value[:40]!r} is not a rating; write a whole number from 1 to 10")
        return int(value)
    return value


def _read_date(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return dt.date.fromisoformat(value.strip())
        except ValueError:
            raise ValueError(f"{value!r} is not a date; write YYYY-MM-DD") from None
    return value


def _read_status(value: Any) -> Any:
    if isinstance(value, str) and value not in tuple(Status):
        raise ValueError(f"{value!r} is not a status; write unread, reading or read")
    return value


ONE_LINE = text(one_line, most=2000)
KEY = text(_key)
DAY = day(_read_date)


class Link(Checked):
    """A typed link: `name` says what is there (paper, code, blog, docs, model, …), `label` what the list called it.

    In a file: `code: https://…`, or `model: ['[7B](https://…)', 'https://…']` where there are several or a label.
    """

    name: str = slot(text(_link_name))
    url: str = slot(text(_url, most=4000))
    label: str = slot(text(one_line, most=200), default="")

    def scalar(self) -> str:
        """The link as it stands in a file, its name apart."""
        return f"[{self.label}]({self.url})" if self.label else self.url

    @classmethod
    def from_scalar(cls, name: str, text: str) -> Link:
        """Read `https://…` or `[label](https://…)`."""
        text = text.strip()
        if text.startswith("[") and text.endswith(")") and "](" in text:
            label, _, url = text[1:-1].rpartition("](")
            return cls(name=name, label=label, url=url)
        return cls(name=name, url=text)


class Tutorial(Checked):
    """A notebook or page that teaches the paper, and the library versions it was written for."""

    name: str = slot(ONE_LINE)
    date: str = slot(ONE_LINE, default="")
    versions: dict[str, str] = slot(named(ONE_LINE, name=ONE_LINE), default={})
    notebook: str = slot(text(), default="")

    def written(self) -> dict[str, Any]:
        """What a file says of it, defaults left out."""
        said = {name: getattr(self, name) for name in Tutorial.model_fields}
        return {name: value for name, value in said.items() if value}

    def _whole(self) -> None:
        if not self.name:
            raise ValueError("a tutorial without a name; write name: …")
        if self.notebook:
            _url(self.notebook)


def _read_links(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    links = []
    for name, urls in value.items():
        if not isinstance(urls, str | list | tuple):
            raise ValueError(f"{name}: {urls!r} is not an address; write {name}: https://…")
        for url in [urls] if isinstance(urls, str) else urls:
            if not isinstance(url, str):
                raise ValueError(f"{name}: {url!r} is not an address; write - https://…")
            links.append(Link.from_scalar(str(name), url))
    return tuple(links)


def _write_links(links: Iterable[Link]) -> dict[str, str | list[str]]:
    out: dict[str, str | list[str]] = {}
    for link in links:
        there = out.get(link.name)
        if there is None:
            out[link.name] = link.scalar()
        else:
            out[link.name] = [*([there] if isinstance(there, str) else there), link.scalar()]
    return out


def _group_links(links: tuple[Link, ...]) -> tuple[Link, ...]:
    """Links of one name side by side, as the file holds them; the same link once."""
    names = list(dict.fromkeys(link.name for link in links))
    grouped = sorted(links, key=lambda link: names.index(link.name))
    return tuple({(link.name, link.url): link for link in reversed(grouped)}.values())[::-1]


def _unique_tags(tags: tuple[str, ...]) -> tuple[str, ...]:
    """Each tag once, whatever its spelling; the first spelling stays."""
    first: dict[str, str] = {}
    for tag in tags:
        first.setdefault(tag_slug(tag), tag)
    return tuple(first.values())


def _as_text(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value if isinstance(value, dict) else str(value)


_WRITTEN: dict[str, Callable[[Any], Any]] = {
    "links": _write_links,
    "tutorials": lambda tutorials: [one.written() for one in tutorials],
}
_scalar_link = {"minLength": 1, "type": "string"}
_LINKS = {
    "type": "object",
    "description": "name: address, or a list of addresses; an address may be written [label](address)",
    "additionalProperties": {"anyOf": [_scalar_link, {"items": _scalar_link, "type": "array"}]},
}


class Paper(Checked):
    """One paper file. The fields stand in the order of its front matter; `key` is its file name.

    `apart` says that how far one is with it stands not in this file, but in one of each reader.
    """

    key: str = slot(KEY, hidden=True)
    title: str = slot(ONE_LINE, default="", about="only where there is no BibTeX, or the list shows another title")
    authors: tuple[str, ...] = slot(
        several(text(_author, most=200)), default=(), about="only where the BibTeX names none"
    )
    year: int = slot(whole(0, 2999, _year), default=0, about="only where the BibTeX has none")
    venue: str = slot(ONE_LINE, default="", about="only where the BibTeX has none")
    status: Status = slot(one_of(Status, _read_status), default=Status.unread)
    read: dt.date | None = slot(DAY, default=None, about="the day it was read; only with status: read")
    added: dt.date | None = slot(DAY, default=None, about="the day it came into the catalog")
    due: dt.date | None = slot(DAY, default=None, about="the day it should be read by")
    links: tuple[Link, ...] = slot(
        Kind(several(made(Link), before=_read_links, after=_group_links).read, _LINKS), default=()
    )
    tags: tuple[str, ...] = slot(several(text(_tag), after=_unique_tags), default=())
    tutorials: tuple[Tutorial, ...] = slot(several(made(Tutorial)), default=())
    aliases: tuple[str, ...] = slot(several(KEY), default=(), about="keys this paper had before")
    date: str = slot(text(_iso_prefix), default="", about="YYYY-MM or YYYY-MM-DD, where more than the year is known")
    kind: str = slot(text(_kind), default="", about="book, code, dataset, blog, video …, where it is no paper")
    ids: dict[str, str] = slot(
        named(text(most=300), after=_ids), default={}, about="name: identifier, where neither BibTeX nor a link says it"
    )
    abstract: str = slot(text(one_line, most=20_000), default="")
    rating: int = slot(whole(0, 10, _rating), default=0, about="how good it is, 1 to 10; 0 where it has none")
    different: tuple[str, ...] = slot(
        several(KEY), default=(), about="keys of papers that look like it and are other works"
    )
    apart: bool = slot(flag(), default=False, hidden=True)
    extras: dict[str, str] = slot(named(text()), default={}, hidden=True)
    bibtex: str = slot(text(), default="", hidden=True)
    notes: str = slot(text(), default="", hidden=True)

    def _whole(self) -> None:
        if self.read and self.status is not Status.read:
            raise ValueError(f"read: {self.read} with status: {self.status}; write status: read or remove the date")
        object.__setattr__(self, "notes", _trim(self.notes))
        object.__setattr__(self, "bibtex", _trim(self.bibtex))
        if _HALF.search(self.notes) or _HALF.search(self.bibtex):
            raise ValueError("half a character, which no file can hold; write the text again")
        if hunks(self.notes) or hunks(self.bibtex):
            raise ValueError("both sides of an unresolved merge; keep one of them")
        if not self.bibtex and FENCE.match(self.notes):
            raise ValueError("the notes begin with a BibTeX block; it would be read as the paper's own")

    def written(self) -> dict[str, Any]:
        """What its front matter says beside the defaults, as strings, lists and mappings, in its order."""
        said = {name: getattr(self, name) for name in FRONT_MATTER}
        said = {name: value for name, value in said.items() if value != Paper.model_fields[name].default}
        return {name: _WRITTEN.get(name, _as_text)(value) for name, value in (said | {"status": self.status}).items()}

    def evolve(self, **changes: Any) -> Paper:
        """A copy with these fields changed, checked like a new one; raises `KbError` where one is refused."""
        try:
            return Paper(**{name: getattr(self, name) for name in Paper.model_fields} | changes)
        except checked.ValidationError as e:
            raise KbError(refused(e)) from None


def _trim(text: str) -> str:
    """The text without blank lines at its ends, its line ends as LF."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").rstrip()
    return re.sub(r"\A(?:[ \t]*\n)+", "", text)


FRONT_MATTER = tuple(n for n in Paper.model_fields if n not in ("key", "apart", "extras", "bibtex", "notes"))
READING = ("status", "read", "due", "rating")


def schema() -> dict[str, Any]:
    """The JSON Schema of the front matter of a paper file."""
    from catalog.schema import DIALECT

    status = {"description": Status.__doc__, "enum": list(Status), "title": "Status", "type": "string"}
    named_apart = {"Status": status, "Tutorial": checked.described(Tutorial)}
    return {"$defs": named_apart, "$id": "urn:readrun:paper:1", "$schema": DIALECT} | checked.described(Paper)
