"""Two descriptions of one work made into one paper, field by field; what the two say differently is told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from catalog.bibtex import entry_key, read, set_key
from catalog.bibtex.addresses import same_place
from catalog.bibtex.describe import describe, entries
from catalog.bibtex.held import digest, edited
from catalog.bibtex.shared import Shared
from catalog.bibtex.used import followed
from catalog.errors import BadBibtex, KbError
from catalog.ingest.shared import says_same
from catalog.models import Link, Paper, Status, Tutorial, tag_slug
from catalog.text import quoted

ALL = frozenset({"title", "status", "due", "bibtex", "authors", "year", "venue", "date", "kind", "abstract", "rating"})
_ONE = ("authors", "venue", "due", "kind", "abstract", "rating")


class Joined(NamedTuple):
    """Two papers made one: the paper, what they say differently, and the entries that did not stay."""

    paper: Paper
    before: Paper
    differences: tuple[str, ...]
    left_out: tuple[str, ...]


def joined(first: Paper, second: Paper, macros: Mapping[str, str], take: frozenset[str] = frozenset()) -> Joined:
    """The first paper with all that only the second has; where both say something, the second in fields to `take`."""
    if first.key == second.key:
        raise KbError(f"{first.key} is one paper; name two")
    if unknown := take - ALL:
        raise KbError(f"{min(unknown)} is no field to take; there are {', '.join(sorted(ALL))}")
    join = Join(macros, take)
    own, *_ = entries(second.bibtex) or [""]
    if own and not first.bibtex and entry_key(own) == second.key:
        second = second.evolve(
            bibtex=edited(second.bibtex, lambda text: set_key(text, first.key) if text == own else text)
        )
    paper = join.papers(first, second, join.status(first, second))
    keys = {first.key, *map(entry_key, entries(paper.bibtex))}
    paper = paper.evolve(
        aliases=tuple(key for key in dict.fromkeys((*paper.aliases, second.key)) if key not in keys),
        different=tuple(key for key in dict.fromkeys((*paper.different, *second.different))
                        if key not in (first.key, second.key)),
    )  # fmt: skip
    return Joined(paper, first, tuple(join.differences), tuple(join.left_out))


@dataclass(slots=True)
class Join:
    """One join under way. `theirs` names the fields in which what is brought wins; the others keep what is there.

    `used` are those of `facts.USED` whose fields follow the entry that is brought: it is kept where it comes from.
    `differences` say in a line each what differs and which side stays; `left_out` holds the entries that did not stay,
    whole.
    """

    macros: Mapping[str, str]
    theirs: frozenset[str] = frozenset()
    used: tuple[str, ...] = ()
    differences: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def papers(self, before: Paper, brought: Paper, status: tuple[Status, dt.date | None]) -> Paper:
        """The paper that is there with what is brought; how far the reader is, is given."""
        return before.evolve(
            **{name: self._one(name, getattr(before, name), getattr(brought, name)) for name in _ONE},
            **self._when(before, brought),
            title=self._title(before, brought),
            status=status[0],
            read=status[1],
            added=before.added or brought.added,
            links=self._links(before.links, brought.links),
            tags=self._tags(before.tags, brought.tags),
            tutorials=before.tutorials + self._new_tutorials(before, brought),
            aliases=tuple(dict.fromkeys((*before.aliases, *brought.aliases))),
            different=tuple(dict.fromkeys((*before.different, *brought.different))),
            ids=brought.ids | before.ids,
            extras=brought.extras | before.extras,
            bibtex=self._bibtex(before, brought),
            notes=self._notes(before.notes, brought.notes),
        )

    def status(self, before: Paper, brought: Paper) -> tuple[Status, dt.date | None]:
        """Which status stays where both sides say one."""
        if before.status is brought.status:
            return before.status, before.read or brought.read
        self.differ("status", before.status, brought.status)
        side = brought if "status" in self.theirs else before
        return side.status, side.read

    def differ(self, what: str, mine: object, brought: object, wins: bool | None = None) -> None:
        """Note that the two sides differ in something; what is brought `wins` where it is told to, or that is said."""
        here, there = quoted(mine), quoted(brought)
        wins = what in self.theirs if wins is None else wins
        self.differences.append(f"{what}: {there} replaces {here}" if wins else f"{what}: {here} stays, not {there}")

    def _one(self, name: str, mine: object, brought: object) -> object:
        return brought if (name in self.theirs and brought) or not mine else mine

    def _when(self, before: Paper, brought: Paper) -> dict[str, object]:
        """Year and date, which are one fact: a date is taken only where it says no other year than stands there."""
        if {"year", "date"} & self.theirs and (brought.year or brought.date):
            return {"year": brought.year, "date": brought.date}
        year = before.year or brought.year
        said = f"{before.year or before.date[:4] or brought.year or brought.date[:4]}"
        date = before.date or (brought.date if brought.date[:4] == said else "")
        return {"year": 0 if date and not before.year else year, "date": date}

    def _title(self, before: Paper, brought: Paper) -> str:
        if not brought.title or brought.title == (shown := describe(before, Shared(self.macros)).heading):
            return before.title
        self.differ("title", shown, brought.title)
        return brought.title if "title" in self.theirs else before.title

    def _bibtex(self, before: Paper, brought: Paper) -> str:
        """The entries of both: of one key one stays; under another key the entry is kept beside the first."""
        text = before.bibtex
        for new in entries(brought.bibtex):
            have = entries(text)
            if any(entry_key(new) in (entry_key(one), "") and digest(new) == digest(one) for one in have):
                continue
            there = next((one for one in have if entry_key(one) == entry_key(new)), None)
            if there is None:
                text = f"{text}\n\n{new}" if text else new
                if before.bibtex:
                    note = "another entry for the same work is kept beside it, under its key"
                    self.differences.append(f"{note} {entry_key(new)}")
                continue
            if "bibtex" not in self.theirs and says_same(there, new):
                continue
            stays = new if "bibtex" in self.theirs else followed(there, new, self.used)
            self._field_differences(there, new, stays)
            text = text.replace(there, stays, 1)
            self.left_out += [one for one in (there, new) if one != stays and digest(one) != digest(stays)]
        return text

    def _field_differences(self, mine: str, brought: str, stays: str) -> None:
        try:
            a, b, now = (read(text, self.macros).fields for text in (mine, brought, stays))
        except BadBibtex:
            self.differ("bibtex", mine, brought)
            return
        for name in dict.fromkeys([*a, *b]):
            here, there = a.get(name, ""), b.get(name, "")
            if here.split() != there.split():
                self.differ(name, here, there, there.split() == now.get(name, "").split())

    def _links(self, mine: tuple[Link, ...], brought: Iterable[Link]) -> tuple[Link, ...]:
        have = {same_place(link.url) for link in mine}
        new = tuple(link for link in brought if same_place(link.url) not in have)
        self.differences += [f"new {link.name} link: {link.url}" for link in new]
        return mine + new

    def _tags(self, mine: tuple[str, ...], brought: tuple[str, ...]) -> tuple[str, ...]:
        have = {tag_slug(tag) for tag in mine}
        new = tuple(tag for tag in brought if tag_slug(tag) not in have)
        self.differences += [f"new tag: {tag}" for tag in new]
        return mine + new

    def _new_tutorials(self, before: Paper, brought: Paper) -> tuple[Tutorial, ...]:
        """Those that are not there yet, under the same link or with the same date and versions."""
        links = {(t.name, t.notebook) for t in before.tutorials}
        rest = [(t.name, t.date, t.versions) for t in before.tutorials]
        other = (t for t in brought.tutorials if (t.name, t.notebook) not in links)
        new = tuple(t for t in other if (t.name, t.date, t.versions) not in rest)
        self.differences += [f"new tutorial: {t.name}" for t in new]
        return new

    def _notes(self, mine: str, brought: str) -> str:
        if not brought or _squeeze(brought) in _squeeze(mine):
            return mine
        self.differences.append(f"new notes: {quoted(brought)}")
        return f"{mine}\n\n{brought}" if mine else brought


def _squeeze(text: str) -> str:
    return " ".join(text.split())
