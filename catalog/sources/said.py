"""What a service says of a work, as a `Draft`: text without markup, names in parts, one entry without a key.

Where a service gives an entry of the publisher's, that is kept to the letter but for its key; else one is made.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from pydantic import ValidationError

from catalog.bibtex import read, scan
from catalog.bibtex.describe import describe
from catalog.bibtex.spoken import name as spoken
from catalog.errors import BadBibtex, refused
from catalog.export.generated import generated
from catalog.facts import Address, Facts, Name
from catalog.ingest.draft import Draft
from catalog.ingest.report import clean
from catalog.models import Link, Paper
from catalog.sources.client import Client, Unavailable, unknown_form
from catalog.text import with_math

_BREAKS = re.compile(r"</?(?:jats:)?(?:p|sec|br|li|div)\b[^>]*>", re.I)
_HEADING = re.compile(r"<(?P<t>(?:jats:)?title)\b[^>]*>\s*(?:abstract|summary)?\s*</(?P=t)>", re.I)
_TAG = re.compile(r"</?[a-z][\w:.-]*(?:\s[^<>]*)?/?>", re.I)
_WRITTEN_TAG = re.compile(  # one that was escaped as if it were text
    r"</?(?:(?:jats|mml):[\w-]+|i|b|u|em|strong|italic|bold|underline|su[bp]|sc|scp|tt|span|font|inf)(?:\s[^<>]*)?/?>",
    re.I,
)
_LEADING = re.compile(r"^abstract\s*[:.—–-]?\s+(?=[A-Z])", re.I)
_NUMBERED = re.compile(r"\s+\d{4}$")
_HALF = re.compile("[\ud800-\udfff]")  # half a character, which JSON can write and no file can hold
_TURNED = re.compile("[\u202a-\u202e\u2066-\u2069]")  # which would show what follows in another order
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_MOST_PEOPLE = 6000  # the longest list of authors that there is has 5,154
_NO_ID = re.compile(r"[\s<>\"`|{}\\^\ud800-\udfff]|^.{301}")
_LONGEST, _TITLE = 20_000, 2000  # characters of an abstract and of a line that a paper can hold


def untagged(text: object) -> str:
    """A text of a service on one line, without tags; entities are the characters that they stand for."""
    said = _TURNED.sub("", _HALF.sub("\ufffd", text)) if isinstance(text, str) else ""
    said = _BREAKS.sub(" ", _HEADING.sub(" ", said))
    said = html.unescape(html.unescape(_TAG.sub("", said)))
    return clean(_WRITTEN_TAG.sub("", _BREAKS.sub(" ", said)))


def abstract(text: object) -> str:
    """An abstract, without the word that heads it; of one that is too long, its beginning."""
    return _LEADING.sub("", untagged(text))[:_LONGEST]


def dig(data: Any, *path: str | int) -> Any:
    """What stands at a path in an answer; None where the answer is shaped otherwise."""
    for step in path:
        if isinstance(data, Mapping) and isinstance(step, str):
            data = data.get(step)
        elif isinstance(data, Sequence) and not isinstance(data, str) and isinstance(step, int):
            data = data[step] if -len(data) <= step < len(data) else None
        else:
            return None
    return data


def text(data: Any, *path: str | int) -> str:
    """The text at a path in an answer, without tags; "" where there is none."""
    found = dig(data, *path)
    return untagged(str(found) if isinstance(found, int) and not isinstance(found, bool) else found)


def items(data: Any, *path: str | int) -> list[Any]:
    """The list at a path in an answer; empty where there is none."""
    found = dig(data, *path)
    return list(found) if isinstance(found, list) else []


def person(family: str = "", given: str = "", literal: str = "", suffix: str = "") -> Name:
    """A person in parts, or told apart from a name as it is spoken."""
    if family:
        return Name(family=clean(family), given=clean(given), suffix=clean(suffix))
    said = _NUMBERED.sub("", untagged(literal or given))
    return spoken(said) if any(map(str.isalpha, said)) else Name()


def iso(parts: Sequence[object]) -> str:
    """Year, month and day as far as they are known: ISO, as long as it is precise."""
    numbers = [int(str(part)) for part in parts[:3] if str(part).isdigit()]
    if not numbers or not 1000 <= numbers[0] <= 2999:
        return ""
    good = [numbers[0]]
    for number, most in zip(numbers[1:], (12, 31), strict=False):
        if not 1 <= number <= most:
            break
        good.append(number)
    return "-".join(f"{number:02}" for number in good)


def links(found: Iterable[tuple[str, str]]) -> tuple[Link, ...]:
    """Links by name; what is no address is left out."""
    good = []
    for name, url in found:
        try:
            good.append(Link(name=name, url=url))
        except ValueError:
            continue
    return tuple(dict.fromkeys(good))


def work(
    source: str,
    *,
    title: str,
    names: Iterable[Name] = (),
    date: str = "",
    venue: str = "",
    kind: str = "",
    ids: Mapping[str, str] | None = None,
    details: Mapping[str, str] | None = None,
    summary: str = "",
    places: Iterable[tuple[str, str]] = (),
    url: str = "",
    bibtex: str = "",
    editors: Iterable[Name] = (),
) -> Draft:
    """The draft of a work; without an entry of the publisher's one is made out of the rest. `kind` is a type of entry.

    `url` goes into an entry that is made, `places` are links beside it. Raises `Unavailable` where there is neither a
    title nor an entry.
    """
    if not (title or bibtex):
        raise Unavailable(f"{unknown_form(source)}: there is no title")
    known = {name: value for name, value in (ids or {}).items() if value and not _NO_ID.search(value)}
    title, date = title[:_TITLE], iso(re.split(r"[-/]", date)) if date else ""
    people = [(role, _people(some)) for role, some in (("author", names), ("editor", editors))]
    facts = Facts(
        key="KEY",
        title=with_math(title),
        people=tuple((role, who) for role, who in people if who),
        date=date,
        venue=venue,
        kind=kind,
        ids=tuple((name, value) for name, value in known.items()),
        details=tuple((name, _detail(name, value)) for name, value in (details or {}).items() if clean(value)),
        addresses=(Address("paper", url),) if url else (),
    )
    entry = one_of(bibtex) or (generated(facts, source) if title else "")
    return spare(
        Draft(
            title=title,
            authors=tuple(good for name in facts.names if (good := _author(name))),
            venue=venue[:2000],
            date=date if len(date) > 4 else "",
            year=int(date[:4]) if len(date) == 4 else 0,
            ids=known,
            abstract=summary,
            links=links(places),
            bibtex=keyless(entry),
        )
    )


def _people(names: Iterable[Name]) -> tuple[Name, ...]:
    return tuple(islice((name for name in names if name.last), _MOST_PEOPLE))


def _detail(name: str, value: str) -> str:
    """The value of a field; a span of pages with the dash that BibTeX has for it."""
    return re.sub(r"^([^-–\s]+)\s*[-–]\s*([^-–\s]+)$", r"\1--\2", clean(value)) if name == "pages" else clean(value)


def _author(name: Name) -> str:
    return re.sub(r"[`|<>{}\[\]\\]", "", name.display).strip()[:200]


def one_of(bibtex: str) -> str:
    """The entry of a text that holds just one, repaired, without what none can see; "" for anything else."""
    bibtex = _TURNED.sub("", _CONTROL.sub("", _HALF.sub("\ufffd", bibtex))).strip().removeprefix("\ufeff").strip()
    blocks = [block for block in scan(bibtex) if block.text.strip()] if bibtex.startswith("@") else []
    try:
        good = [block.kind for block in blocks] == ["entry"] and read(blocks[0].text)
    except BadBibtex:
        return ""
    return blocks[0].text.strip() if good and read(blocks[0].text).fields else ""


def entry_at(url: str, client: Client, accept: str = "") -> str:
    """The entry that a service gives at an address. Raises `NotFound`, `Unavailable`, also where it gives none."""
    if entry := one_of(client.text(url, accept)):
        return entry
    raise Unavailable(f"{client.name(url)} gave no BibTeX entry")


def open_copy(pdf: str) -> list[tuple[str, str]]:
    """The link to an open copy; arXiv's own follows from the identifier."""
    return [("pdf", pdf)] if pdf.startswith("http") and "arxiv.org" not in pdf else []


def keyless(entry: str) -> str:
    """An entry without its key, so that it is given one of the kind that the others here have."""
    return re.sub(r"^(@\s*\w+\s*[{(])\s*[^\s,{}()]*(?=\s*,)", r"\1", entry, count=1)


def spare(draft: Draft) -> Draft:
    """The draft without what its entry or its links say already: each fact stands in one place."""
    if not draft.bibtex:
        return draft
    said = describe(_paper(Draft(bibtex=draft.bibtex, links=draft.links), "KEY"))
    precise = draft.date if draft.date.startswith(said.date) and len(draft.date) > len(said.date) else ""
    return replace(
        draft,
        title="" if said.title else draft.title,
        authors=() if said.people else draft.authors,
        venue="" if said.venue else draft.venue,
        date=precise if said.date else draft.date,
        year=0 if said.date else draft.year,
        ids={name: value for name, value in draft.ids.items() if not said.id(name) and name != "url"},
        abstract="" if said.abstract else draft.abstract,
        links=tuple(
            link for link in draft.links if link.url not in {one.url for one in said.addresses if one.origin != "link"}
        ),
    )


def facts_of(draft: Draft, key: str = "KEY") -> Facts:
    """What a draft says, as facts, to be compared. Raises `Unavailable` for what no paper can hold."""
    return describe(_paper(draft, key))


def _paper(draft: Draft, key: str) -> Paper:
    fields = ("title", "authors", "year", "venue", "date", "ids", "abstract", "links", "bibtex")
    try:
        return Paper(key=key, **{name: getattr(draft, name) for name in fields})
    except ValidationError as e:
        raise Unavailable(f"an answer that no paper can hold: {refused(e)}") from None
