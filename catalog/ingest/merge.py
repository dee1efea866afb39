"""From drafts to paper files: a new paper, or one merged into the paper that is there already.

Pure: takes what is there and what is brought, returns what would change. What is there wins over what is brought;
`theirs` turns that around. Within one import, a paper named twice is read if it is read in one place.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import urlsplit

from pydantic import ValidationError

from catalog.bibtex import MONTHS, decode, read, set_key
from catalog.bibtex.describe import describe, entries, read_first
from catalog.bibtex.identifiers import arxiv, free_key, propose_key
from catalog.errors import BadBibtex, Finding
from catalog.ingest.draft import Draft
from catalog.ingest.same import Known, family
from catalog.models import Link, Paper, Status, Tutorial, tag_slug

Action = Literal["added", "merged", "unchanged", "rejected"]
Load = Callable[[str], Paper]
_RANK = {Status.unread: 0, Status.reading: 1, Status.read: 2}


@dataclass(frozen=True, slots=True)
class Change:
    """What an import does to one paper. `differences` are what the two sides say differently, and which one stays."""

    key: str
    action: Action
    before: Paper | None = None
    after: Paper | None = None
    differences: tuple[str, ...] = ()
    path: str = ""
    line: int = 0


@dataclass(slots=True)
class Merger:
    """One import under way: what is known, and each paper as it stands so far."""

    known: Known
    load: Load
    macros: Mapping[str, str] = field(default_factory=lambda: MONTHS)
    theirs: bool = False
    today: dt.date = field(default_factory=dt.date.today)
    now: dict[str, Paper] = field(default_factory=dict)
    fresh: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)

    def take(self, draft: Draft) -> Change:
        """Add a draft, or merge it with the paper that is the same work."""
        try:
            paper, fields = self.paper_of(draft)
        except ValidationError as e:
            self._note("rejected", draft, f"{(draft.title or draft.key or 'a paper')[:80]}: {why(e)}", "rejected")
            return Change(draft.key, "rejected", path=draft.path, line=draft.line)
        record = describe(paper, self.macros)
        there = self.known.find(record, fields)
        if there:
            return self._merge(there.key, paper, draft)
        if record.key.casefold() in self.known.by_key:
            paper = self._rekey(paper, draft)
            record = describe(paper, self.macros)
        self.known.add([record])
        self.now[paper.key] = paper
        self.fresh.add(paper.key)
        return Change(paper.key, "added", None, paper, path=draft.path, line=draft.line)

    def paper_of(self, draft: Draft) -> tuple[Paper, Mapping[str, str]]:
        """The draft as a paper of its own, and the fields of its entry."""
        draft = replace(draft, bibtex=draft.bibtex.strip())
        probe = Paper(key=draft.key or "?", bibtex=draft.bibtex)
        entry = read_first(probe, self.macros)
        shown = describe(probe, self.macros)
        key = draft.key or (entry.key if entry else "")
        title = " ".join(draft.title.split())
        if not key:
            author = family(shown.first_author)
            key = propose_key(title or (shown.title if entry else ""), author, shown.year, self.known.by_key)
            if entry:
                draft = replace(draft, bibtex=set_key(draft.bibtex, key))
                self._note("no-key", draft, "the entry has no key", "repaired", f"it was given the key {key}", key)
        if entry and title and (listed := decode(entry.fields.get("title", ""))):
            if title == listed:
                title = ""
            elif title.casefold() == listed.casefold():
                self._note("title-case", draft, f"the list and the BibTeX of {key} write the title in different case",
                           "repaired", "both are kept; the list's is shown", key)  # fmt: skip
        paper = Paper(
            key=key, title=title, authors=draft.authors, year=draft.year or _year(draft.date),
            venue=draft.venue,
            status=draft.status or Status.unread, read=draft.read, due=draft.due,
            added=draft.added or self.today, links=draft.links, tags=draft.tags, tutorials=draft.tutorials,
            aliases=draft.aliases, date=draft.date if len(draft.date) > 4 else "", kind=draft.kind, ids=dict(draft.ids),
            abstract=draft.abstract, rating=draft.rating, extras=dict(draft.extras), bibtex=draft.bibtex,
            notes=draft.notes,
        )  # fmt: skip
        return paper, entry.fields if entry else {}

    def _rekey(self, paper: Paper, draft: Draft) -> Paper:
        """Another key for a work whose key another work has."""
        key = free_key(paper.key, self.known.by_key)
        own, *others = entries(paper.bibtex) or [""]
        if own:
            own = set_key(own, key) if _readable(own) else own
        self._note("key-taken", draft, f"the key {paper.key} belongs to another work", "repaired",
                   f"this one was given the key {key}", key)  # fmt: skip
        return paper.evolve(key=key, bibtex="\n\n".join([own, *others]))

    def _under(self, there: Paper, brought: Paper, draft: Draft) -> Paper:
        """What is brought, its entry under the key that it has here: it was given one, or has been renamed since."""
        own, *others = entries(brought.bibtex) or [""]
        owner = self.known.by_key.get(brought.key.casefold())
        moved = owner is not None and brought.key.casefold() != there.key.casefold()
        if not own or not _readable(own) or not (moved or not _key(draft.bibtex)):
            return brought
        if brought.key.casefold() in (_key(one).casefold() for one in entries(there.bibtex)):
            return brought
        return brought.evolve(bibtex="\n\n".join([set_key(own, there.key), *others]))

    def _merge(self, key: str, brought: Paper, draft: Draft) -> Change:
        before = self.now.get(key) or self.load(key)
        brought = self._under(before, brought, draft)
        differences: list[str] = []
        status, read = self._status(before, brought, draft, differences)
        bibtex = self._bibtex(before, brought, differences)
        title = before.title
        if brought.title and brought.title != (shown := describe(before, self.macros).title):
            differences.append(self._differ("title", shown, brought.title))
            title = brought.title if self.theirs else title
        after = before.evolve(
            title=title,
            authors=before.authors or brought.authors,
            year=before.year or brought.year,
            venue=before.venue or brought.venue,
            status=status,
            read=read,
            added=before.added or brought.added,
            due=before.due or brought.due,
            links=_union_links(before.links, brought.links, differences),
            tags=_union_tags(before.tags, brought.tags, differences),
            tutorials=before.tutorials + _new_tutorials(before, brought, differences),
            aliases=tuple(dict.fromkeys((*before.aliases, *brought.aliases))),
            date=before.date or brought.date,
            kind=before.kind or brought.kind,
            ids=brought.ids | before.ids,
            abstract=before.abstract or brought.abstract,
            rating=before.rating or brought.rating,
            extras=brought.extras | before.extras,
            bibtex=bibtex,
            notes=_join_notes(before.notes, brought.notes, differences),
        )
        action: Action = "unchanged" if after == before else "merged"
        self.now[key] = after
        self.known.add([describe(after, self.macros)])
        return Change(key, action, before, after, tuple(differences), draft.path, draft.line)

    def _status(
        self, before: Paper, brought: Paper, draft: Draft, differences: list[str]
    ) -> tuple[Status, dt.date | None]:
        if draft.status is None or before.status is brought.status:
            return before.status, before.read or (brought.read if before.status is Status.read else None)
        brought_wins = self.theirs
        if before.key in self.fresh:
            brought_wins = _RANK[brought.status] > _RANK[before.status]
            stays = brought.status if brought_wins else before.status
            self._note("status", draft, f"{before.key} is {before.status} in one place and {brought.status} in another",
                       "repaired", f"{stays} was taken", before.key)  # fmt: skip
        else:
            differences.append(self._differ("status", before.status, brought.status))
        return (brought.status, brought.read) if brought_wins else (before.status, before.read)

    def _bibtex(self, before: Paper, brought: Paper, differences: list[str]) -> str:
        """The entries of both: of one key one stays; under another key the entry is kept beside the first."""
        have = entries(before.bibtex)
        for text in entries(brought.bibtex):
            if any(_squeeze(text) == _squeeze(one) for one in have):
                continue
            key = _key(text)
            place = next((i for i, one in enumerate(have) if _key(one).casefold() == key.casefold()), None)
            if place is None:
                have.append(text)
                if before.bibtex:
                    differences.append(f"another entry for the same work is kept beside it, under its key {key}")
                continue
            differences += self._field_differences(have[place], text)
            if self.theirs:
                have[place] = text
        return "\n\n".join(have)

    def _field_differences(self, mine: str, brought: str) -> list[str]:
        if not (_readable(mine) and _readable(brought)):
            return [self._differ("bibtex", mine, brought)]
        a, b = read(mine, self.macros).fields, read(brought, self.macros).fields
        return [
            self._differ(name, a.get(name, ""), b.get(name, ""))
            for name in dict.fromkeys([*a, *b])
            if a.get(name, "").split() != b.get(name, "").split()
        ]

    def _differ(self, what: str, mine: object, brought: object) -> str:
        here, there = _short(mine), _short(brought)
        return f"{what}: {there} replaces {here}" if self.theirs else f"{what}: {here} stays, not {there}"

    def _note(
        self, code: str, draft: Draft, message: str, kind: Literal["repaired", "rejected"], remedy: str = "",
        key: str = "",
    ) -> None:  # fmt: skip
        self.findings.append(Finding(code, message, remedy, draft.path, draft.line, key or draft.key, kind))


def why(error: ValidationError) -> str:
    """What a model refused, in its own words."""
    first = error.errors()[0]
    if first["type"] in ("too_long", "string_too_long"):
        return f"{first['loc'][0]}: longer than the {first['ctx']['max_length']} characters it may have"
    return str(first.get("ctx", {}).get("error", first["msg"]))


def _union_links(mine: tuple[Link, ...], brought: Iterable[Link], differences: list[str]) -> tuple[Link, ...]:
    have = {_address(link.url) for link in mine}
    new = tuple(link for link in brought if _address(link.url) not in have)
    differences += [f"new {link.name} link: {link.url}" for link in new]
    return mine + new


def _union_tags(mine: tuple[str, ...], brought: tuple[str, ...], differences: list[str]) -> tuple[str, ...]:
    have = {tag_slug(tag) for tag in mine}
    new = tuple(tag for tag in brought if tag_slug(tag) not in have)
    differences += [f"new tag: {tag}" for tag in new]
    return mine + new


def _new_tutorials(before: Paper, brought: Paper, differences: list[str]) -> tuple[Tutorial, ...]:
    """Those that are not there yet, under the same link or with the same date and versions."""
    links = {(t.name, t.notebook) for t in before.tutorials}
    rest = [(t.name, t.date, t.versions) for t in before.tutorials]
    new = tuple(
        t for t in brought.tutorials if (t.name, t.notebook) not in links and (t.name, t.date, t.versions) not in rest
    )
    differences += [f"new tutorial: {t.name}" for t in new]
    return new


def _join_notes(mine: str, brought: str, differences: list[str]) -> str:
    if not brought or _squeeze(brought) in _squeeze(mine):
        return mine
    differences.append(f"new notes: {_short(brought)}")
    return f"{mine}\n\n{brought}" if mine else brought


def _address(url: str) -> str:
    """What two spellings of one address share."""
    if paper := arxiv(url):
        return f"arxiv:{paper}"
    parts = urlsplit(url)
    host = (parts.hostname or "").removeprefix("www.")
    return f"{host}{parts.path.rstrip('/')}?{parts.query}#{parts.fragment}"


def _year(date: str) -> int:
    return int(date[:4]) if len(date) == 4 else 0


def _key(text: str) -> str:
    try:
        return read(text).key
    except BadBibtex:
        return ""


def _readable(text: str) -> bool:
    try:
        read(text)
    except BadBibtex:
        return False
    return True


def _squeeze(text: str) -> str:
    return " ".join(text.split())


def _short(value: object) -> str:
    text = _squeeze(str(value))
    if not text:
        return "nothing"
    return f"“{text[:77]}…”" if len(text) > 78 else f"“{text}”"
