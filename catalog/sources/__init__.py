"""Where papers are looked up: small modules of two functions over one polite client.

A source has `NAME`, `match(text)`, which gives the identifier that a text is to it or "", and `fetch(names, client)`,
which yields (identifier, `Draft`) for those that it knows and raises `Unavailable` where it cannot say. It is given as
many at once as its `TOGETHER` says (one without it). Others are found by the entry point `readrun.sources` and asked
first.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import NamedTuple, Protocol, cast

from catalog.bibtex import naming
from catalog.bibtex.forms import forms
from catalog.errors import KbError
from catalog.identity import compare
from catalog.identity.titles import compare_titles
from catalog.identity.works import WORK_IDS
from catalog.ingest.draft import Draft
from catalog.nearness import within
from catalog.sources.client import Client, NotFound, Unavailable
from catalog.sources.said import facts_of, links, spare
from catalog.text import fold

__all__ = [
    "Client",
    "Found",
    "NotFound",
    "Source",
    "Unavailable",
    "better",
    "look_up",
    "recognise",
    "resolved",
    "sources",
]

OWN = ("arxiv", "acl", "openreview", "pubmed", "semanticscholar", "openalex", "dblp", "doi", "books", "github", "page")
GROUP = "readrun.sources"
IDS = (*WORK_IDS, "isbn")


class Source(Protocol):
    """A place where papers are looked up."""

    NAME: str

    def match(self, text: str) -> str:
        """The identifier that a text is to this source; "" where it is none."""
        ...

    def fetch(self, names: Sequence[str], client: Client) -> Iterator[tuple[str, Draft]]:
        """The works of these identifiers that the source knows. Raises `Unavailable`."""
        ...


class Found(NamedTuple):
    """What a text is: the source that knows it, and its identifier there."""

    source: Source
    name: str

    @property
    def id(self) -> tuple[str, str]:
        """The identifier as papers have it: its name and value."""
        return naming.called(self.source.NAME, self.name), self.name


@cache
def sources() -> tuple[Source, ...]:
    """All sources, those of others first. One of others that cannot be loaded is an error that names it."""
    others: list[Source] = []
    for entry in entry_points(group=GROUP):
        try:
            others.append(cast("Source", entry.load()))
        except Exception as e:  # code of others may fail in any way
            raise KbError(
                f"the source {entry.name} of {entry.value} cannot be loaded: {e}; uninstall or mend it"
            ) from None
    return (*others, *(cast("Source", import_module(f"catalog.sources.{name}")) for name in OWN))


def recognise(text: str) -> Found | None:
    """What a text is an identifier of, as a person may write it (`forms`); None where it is none."""
    for form in forms(text):
        for source in sources():
            if name := source.match(form):
                return Found(source, name)
    return None


def look_up(found: Found, client: Client) -> Draft:
    """The work of an identifier. Raises `NotFound`, `Unavailable`."""
    try:
        for name, draft in found.source.fetch([found.name], client):
            if name == found.name:
                return draft
    except Unavailable:
        client.forget_last()
        raise
    raise unknown(found)


def unknown(found: Found) -> NotFound:
    """That nobody knows an identifier."""
    return NotFound(f"{called(found)} is not known; look for a typing mistake")


def called(found: Found) -> str:
    """An identifier as one names it: "arXiv:2106.09685", "doi:10.…"; an address as it is."""
    name, value = found.id
    prefix = {"arxiv": "arXiv:", "page": "", "pmcid": "", "github": "github.com/"}.get(name, f"{name}:")
    return prefix + value


def better(draft: Draft, client: Client) -> Draft:
    """The work as its publisher, arXiv or DBLP says it, where the draft names it there; with what the draft has beyond.

    Where they do not answer, or say another title, the draft stays.
    """
    facts = facts_of(draft)
    dblp = facts.id("dblp")
    text = facts.doi or (f"arXiv:{facts.arxiv}" if facts.arxiv else f"dblp:{dblp}" if dblp else "")
    found = recognise(text) if text else None
    if not found or found.source.NAME not in ("doi", "arxiv", "acl", "dblp"):
        return draft
    with contextlib.suppress(NotFound, Unavailable):
        published = look_up(found, client)
        if compare_titles(facts, facts_of(published)) in ("equal", "close", "longer", "unknown"):
            return joined(published, draft)
    return draft


def joined(first: Draft, second: Draft) -> Draft:
    """The first draft with what only the second says: identifiers, links, abstract."""
    there = {link.name for link in first.links}
    more = tuple(link for link in second.links if link.name not in there or link.name == "code")
    said = facts_of(second)
    return spare(
        replace(
            first,
            ids={**{name: value for name, value in said.ids if name in IDS}, **second.ids, **first.ids},
            links=tuple(dict.fromkeys((*first.links, *more))),
            abstract=first.abstract or second.abstract,
        )
    )


@dataclass(frozen=True, slots=True)
class Guess:
    """What a document lets one guess: an identifier as text, and a title; `head` is the text of its first pages."""

    identifier: str = ""
    title: str = ""
    head: str = field(default="", compare=False)

    def says(self, title: str) -> bool:
        """Whether a title stands on the first pages, as far as they have text: an identifier may be that of another."""
        return not (self.head.strip() and title) or within(fold(title), fold(self.head)) >= 85


def resolved(guess: Guess, client: Client, place: tuple[str, str] | None = None) -> Draft:
    """The work that a document is, by its identifier or title; its title alone where nobody knows it.

    Raises `NotFound` where there is nothing to go by, `Unavailable`.
    """
    draft = None
    found = recognise(guess.identifier) if guess.identifier else None
    if found:
        with contextlib.suppress(NotFound):
            draft = look_up(found, client)
            draft = draft if guess.says(facts_of(draft).heading) else None
    if draft is None and guess.title:
        from catalog.sources.titles import candidates

        wanted = facts_of(Draft(title=guess.title))
        same = [
            one
            for one in candidates(guess.title, client)
            if compare_titles(wanted, facts_of(one)) in ("equal", "close")
        ]
        draft = better(same[0], client) if same else Draft(title=guess.title)
    if draft is None:
        raise NotFound("neither an identifier nor a title is to be found in it; give --title")
    return replace(draft, links=(*draft.links, *links([place]))) if place else draft


def same_work(a: Draft, b: Draft) -> bool:
    """Whether two drafts are of one work."""
    return compare(facts_of(a, "a"), facts_of(b, "b")).answer == "same"
