"""The typed catalog: what a paper file may say, checked at the border.

A `Paper` is one paper file in memory. Facts that its BibTeX holds (authors, year, venue, DOI, arXiv id) are not
repeated here; `catalog.bibtex.describe` computes what is known.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema

from catalog.conflict import hunks
from catalog.errors import KbError, refused
from catalog.filenames import file_name
from catalog.schema import DIALECT
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


OneLine = Annotated[str, AfterValidator(one_line), Field(max_length=2000)]
Url = Annotated[str, AfterValidator(_url), Field(max_length=4000)]
Tag = Annotated[str, AfterValidator(_tag)]
Key = Annotated[str, AfterValidator(_key)]
Author = Annotated[str, AfterValidator(_author), Field(max_length=200)]
Year = Annotated[int, BeforeValidator(_year), Field(ge=0, le=2999)]
IsoPrefix = Annotated[str, AfterValidator(_iso_prefix)]
Kind = Annotated[str, AfterValidator(_kind)]
Ids = Annotated[dict[str, Annotated[str, Field(max_length=300)]], AfterValidator(_ids)]
Rating = Annotated[int, BeforeValidator(_rating), Field(ge=0, le=10)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Link(_Model):
    """A typed link: `name` says what is there (paper, code, blog, docs, model, …), `label` what the list called it.

    In a file: `code: https://…`, or `model: ['[7B](https://…)', 'https://…']` where there are several or a label.
    """

    name: Annotated[str, AfterValidator(_link_name)]
    url: Url
    label: Annotated[OneLine, Field(max_length=200)] = ""

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


class Tutorial(_Model):
    """A notebook or page that teaches the paper, and the library versions it was written for."""

    name: OneLine
    date: OneLine = ""
    versions: dict[OneLine, OneLine] = Field(default_factory=dict)
    notebook: str = ""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.name:
            raise ValueError("a tutorial without a name; write name: …")
        if self.notebook:
            _url(self.notebook)
        return self


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


_scalar_link = {"type": "string", "minLength": 1}
Links = Annotated[
    tuple[Link, ...],
    BeforeValidator(_read_links),
    AfterValidator(_group_links),
    PlainSerializer(_write_links),
    WithJsonSchema(
        {
            "type": "object",
            "description": "name: address, or a list of addresses; an address may be written [label](address)",
            "additionalProperties": {"anyOf": [_scalar_link, {"type": "array", "items": _scalar_link}]},
        }
    ),
]
Date = Annotated[dt.date | None, BeforeValidator(_read_date)]


class Paper(_Model):
    """One paper file. The fields stand in the order of its front matter; `key` is its file name.

    `apart` says that how far one is with it stands not in this file, but in one of each reader.
    """

    model_config = ConfigDict(json_schema_extra={"$schema": DIALECT, "$id": "urn:readrun:paper:1"})

    key: SkipJsonSchema[Key]
    title: Annotated[OneLine, Field(description="only where there is no BibTeX, or the list shows another title")] = ""
    authors: Annotated[
        tuple[Author, ...], Field(description="only where the BibTeX names none; `others` at the end: and more")
    ] = ()
    year: Annotated[Year, Field(description="only where the BibTeX has none")] = 0
    venue: Annotated[OneLine, Field(description="only where the BibTeX has none")] = ""
    status: Annotated[Status, BeforeValidator(_read_status)] = Status.unread
    read: Annotated[Date, Field(description="the day it was read; only with status: read")] = None
    added: Annotated[Date, Field(description="the day it came into the catalog")] = None
    due: Annotated[Date, Field(description="the day it should be read by")] = None
    links: Links = ()
    tags: Annotated[tuple[Tag, ...], AfterValidator(_unique_tags)] = ()
    tutorials: tuple[Tutorial, ...] = ()
    aliases: Annotated[tuple[Key, ...], Field(description="keys this paper had before")] = ()
    date: Annotated[IsoPrefix, Field(description="YYYY-MM or YYYY-MM-DD, where more than the year is known")] = ""
    kind: Annotated[Kind, Field(description="book, code, dataset, blog, video …, where it is no paper")] = ""
    ids: Annotated[Ids, Field(description="name: identifier, where neither BibTeX nor a link says it")] = Field(
        default_factory=dict
    )
    abstract: Annotated[str, AfterValidator(one_line), Field(max_length=20_000)] = ""
    rating: Annotated[Rating, Field(description="how good it is, 1 to 10; 0 where it has none")] = 0
    different: Annotated[
        tuple[Key, ...], Field(description="keys of papers that look like it and are other works")
    ] = ()
    apart: SkipJsonSchema[bool] = False
    extras: SkipJsonSchema[dict[str, str]] = Field(default_factory=dict)
    bibtex: SkipJsonSchema[str] = ""
    notes: SkipJsonSchema[str] = ""

    @model_validator(mode="after")
    def _check(self) -> Self:
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
        return self

    def evolve(self, **changes: Any) -> Paper:
        """A copy with these fields changed, checked like a new one; raises `KbError` where one is refused."""
        try:
            return Paper.model_validate({name: getattr(self, name) for name in Paper.model_fields} | changes)
        except ValidationError as e:
            raise KbError(refused(e)) from None


def _trim(text: str) -> str:
    """The text without blank lines at its ends, its line ends as LF."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").rstrip()
    return re.sub(r"\A(?:[ \t]*\n)+", "", text)


FRONT_MATTER = tuple(n for n in Paper.model_fields if n not in ("key", "apart", "extras", "bibtex", "notes"))
READING = ("status", "read", "due", "rating")
