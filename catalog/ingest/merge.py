"""From drafts to paper files: a new paper, or one merged into the paper that is there already.

Pure: takes what is there and what is brought, returns what would change. What is there wins over what is brought;
`theirs` turns that around. Within one import, a paper named twice is read if it is read in one place.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from dataclasses import fields as fields_of
from operator import attrgetter
from typing import Any, Literal
from unicodedata import is_normalized, normalize

from pydantic import ValidationError

from catalog.bibtex import Entry, decode, entry_key, read, set_key
from catalog.bibtex import used as said
from catalog.bibtex.addresses import same_place
from catalog.bibtex.describe import entries, read_first
from catalog.bibtex.held import REFERENCES, digest, refers, with_references
from catalog.errors import BadBibtex, Finding, Kind, refused
from catalog.export.generated import MARK, SOURCE
from catalog.facts import Facts
from catalog.identity import Verdict
from catalog.ingest.draft import FIELDS, Draft, Source
from catalog.ingest.join import ALL, Join
from catalog.ingest.known import Known
from catalog.ingest.unread import Unread
from catalog.keys import PATTERN, free_key, propose_key
from catalog.models import FRONT_MATTER, Paper, Status
from catalog.progress import each
from catalog.search.numbers import spellings
from catalog.text import fold, tag_slug

Action = Literal["added", "merged", "unchanged", "rejected"]
RANK = {Status.unread: 0, Status.reading: 1, Status.read: 2}
_REFERS = re.compile(rf"\b(?:{'|'.join(REFERENCES)})\s*=\s*[\"{{]?\s*([^\"{{}}]+)", re.I)
_OF_BARE = frozenset({"bibtex", "key", "tags", "section", "line", "path", "order"})  # what a .bib file says of an entry
_BESIDE = attrgetter(*(field.name for field in fields_of(Draft) if field.name not in _OF_BARE))
_BESIDE_NOTHING = _BESIDE(Draft())
_ADDRESS = re.compile(r"https?://\S+")
_LONGEST = 230  # bytes of a key
_MANY = 200  # drafts; to look up fewer one by one is quicker than to read the whole index


@dataclass(frozen=True, slots=True)
class Change:
    """What an import does to one paper.

    `was` is the key that the source gives it, "" where it gives none. `differences` are what the two sides say
    differently, and which one stays; `left_out` holds, whole, what did not stay. `maybe` are the papers that may be the
    same work, each with the reason.
    """

    key: str
    action: Action
    before: Paper | None = None
    after: Paper | None = None
    differences: tuple[str, ...] = ()
    path: str = ""
    line: int = 0
    was: str = ""
    left_out: tuple[str, ...] = ()
    maybe: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Merger:
    """One import under way: what is known, and each paper as it stands so far."""

    known: Known
    load: Callable[[str], Paper]
    facts: Callable[[Paper], Facts]
    macros: Mapping[str, str]
    theirs: bool = False
    today: dt.date = field(default_factory=dt.date.today)
    now: dict[str, Paper] = field(default_factory=dict)
    fresh: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)
    entries: dict[str, list[str]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)  # slug of a tag -> how it is spelt
    unread: Mapping[str, Unread] = field(default_factory=dict)
    used: tuple[str, ...] = ()
    pattern: str = PATTERN
    counts: dict[str, Counter[str]] = field(default_factory=dict)  # path of a source -> how often it says what is used

    def reserve(self, sources: Iterable[Source]) -> None:
        """Keep every key that a source gives from being given to anything else, and look up which entries are here."""
        drafts = [draft for source in sources for draft in source.drafts]
        self.known.expect(len(drafts) > _MANY)
        self.known.keys.reserve(key for draft in drafts for key in (draft.key, *draft.aliases) if key)
        bare = [_bare(draft) for draft in drafts]
        own = (d.bibtex for d, is_bare in zip(drafts, bare, strict=True) if not (d.key and is_bare))
        self.known.keys.reserve(entry_key(text) for bibtex in own for text in entries(bibtex))
        if self.known.index.size():
            texts = (d.bibtex.strip() for d, is_bare in zip(drafts, bare, strict=True) if is_bare)
            self.entries |= self.known.under("entry", map(digest, texts))
        if slugs := {tag_slug(tag) for draft in drafts for tag in draft.tags}:
            self.tags |= {tag_slug(tag): tag for tag in reversed(self.known.index.ask(spellings, list(slugs)))}

    def take_all(self, source: Source) -> list[Change]:
        """Take the drafts of a source."""
        return sorted(self.taking(source), key=attrgetter("line"))

    def taking(self, source: Source) -> Iterator[Change]:
        """Take one draft after the other: parents first, so that those who inherit from one call it by its key here."""
        moved: dict[str, str] = {}
        own = {draft.key for draft in source.drafts}
        for draft in each(_parents_first(source.drafts), "importing"):
            bibtex = with_references(draft.bibtex.strip(), moved, own.__contains__)
            change = self.take(draft if bibtex == draft.bibtex else replace(draft, bibtex=bibtex))
            if change.was and change.action != "rejected" and self.known.keys.get(change.was) != change.key:
                moved.setdefault(change.was, change.key)
            yield change

    def take(self, draft: Draft) -> Change:
        """Add a draft, or merge it with the paper that is the same work."""
        was = draft.key or entry_key(draft.bibtex)
        if there := self._unchanged(draft, was if _may_be(was) else ""):
            return Change(there, "unchanged", path=draft.path, line=draft.line, was=was)
        try:
            paper = self.paper_of(draft)
        except ValidationError as e:
            self._note("rejected", draft, f"{(draft.title or draft.key or 'a paper')[:80]}: {refused(e)}", "rejected")
            return self._rejected(draft, was)
        facts = self.facts(paper)
        there_facts, maybe = self.known.find(facts)
        if reason := self.hidden(facts, new=not there_facts):
            self._note("key-reserved", draft, reason, "rejected")
            return self._rejected(draft, was)
        if there_facts:
            return replace(self._merge(there_facts.key, paper, draft), was=was)
        if paper.key in self.known.keys:
            paper = self._rekey(paper, draft)
            facts = self.facts(paper)
        self._note_alike(facts, draft, maybe)
        self.bring(paper, facts)
        alike = tuple((other.key, verdict.why) for other, verdict in maybe)
        return Change(paper.key, "added", None, paper, path=draft.path, line=draft.line, was=was, maybe=alike)

    def hidden(self, work: Facts, *, new: bool) -> str:
        """Why a work cannot come in, where a file that cannot be read has its key, or, if it is `new`, may hold it."""
        if held := self.unread.get(work.key):
            return held.there
        return next(filter(None, (one.may_be(work) for one in self.unread.values())), "") if new else ""

    def bring(self, paper: Paper, facts: Facts) -> None:
        """A new paper, and what is known of it."""
        self.known.add(facts, paper.bibtex)
        self.now[paper.key] = paper
        self.fresh.add(paper.key)

    def _rejected(self, draft: Draft, was: str) -> Change:
        left = tuple(filter(None, (draft.title, draft.bibtex, draft.notes)))
        return Change(draft.key, "rejected", path=draft.path, line=draft.line, was=was, left_out=left)

    def _unchanged(self, draft: Draft, key: str) -> str:
        """The paper that holds this very entry, under its key or the one it was given here; "" where none does.

        A record is unchanged where it is what we export of the paper it names.
        """
        name, record, _ = draft.record
        if record and (owner := self.known.keys.get(name)):
            from catalog.export.again import is_exported

            if is_exported(record, self.known.of(owner)):
                return owner
        if self.theirs or not self.entries or not _bare(draft):
            return ""
        owner = self.known.keys.get(key)
        there = self.entries.get(digest(draft.bibtex), ())
        found = owner if owner in there else ""
        if there and (not key or (owner and not found)):
            found = there[0]
        return found if found and self._tagged(found, draft.tags) else ""

    def _tagged(self, key: str, tags: tuple[str, ...]) -> bool:
        return not tags or {tag_slug(tag) for tag in tags} <= {tag_slug(tag) for tag in self.known.of(key).tags}

    def paper_of(self, draft: Draft) -> Paper:
        """The draft as a paper of its own; raises `ValidationError`."""
        if draft.bibtex != draft.bibtex.strip():
            draft = replace(draft, bibtex=draft.bibtex.strip())
        title = " ".join(draft.title.split())
        title = "" if draft.links and _ADDRESS.fullmatch(title) else title
        day = draft.date if len(draft.date) > 4 else ""
        year = draft.year or _year(draft.date)
        draft = replace(draft, tags=tuple(self.tags.setdefault(tag_slug(tag), tag) for tag in draft.tags))
        entry = read_first(draft.bibtex, self.macros)
        key = draft.key or (entry.key if entry else "" if title else _of_address(draft))
        if not _may_be(key):
            known = draft.bibtex or _as_bibtex(draft.record.item, "k")
            probe = Paper(key="?", title=title, authors=draft.authors, year=year, date=day, bibtex=known)
            key, draft = self._named(draft, probe, key)
        if draft.record.item and not draft.bibtex:
            draft, title, year, day = _as_entry(draft, key), "", 0, ""
            entry = read_first(draft.bibtex, self.macros)
        self._count(entry, draft)
        tags, notes = said.beyond(draft.tags, draft.notes, entry.fields if entry else {}, self.used)
        if entry and title:
            listed = decode(entry.fields.get("title", "")) or entry.key  # by which a list heads a work without a title
            if title == listed:
                title = ""
            elif title.casefold() == listed.casefold():
                self._note("title-case", draft, f"the list and the BibTeX of {key} write the title in different case",
                           "repaired", "both are kept; the list's is shown", key)  # fmt: skip
        fields = {name: getattr(draft, name) for name in FIELDS} | {
            "title": title, "year": year, "date": day, "added": draft.added or self.today, "tags": tags, "notes": notes,
            "status": draft.status or _said_status(entry, self.used) or Status.unread, "ids": dict(draft.ids),
            "extras": _beside(draft.extras),
        }  # fmt: skip
        return Paper.model_validate({"key": key, **{name: value for name, value in fields.items() if value}})

    def _named(self, draft: Draft, probe: Paper, key: str) -> tuple[str, Draft]:
        is_taken = self.known.keys.is_taken
        mended = normalize("NFC", "-".join(key.split()))
        if not _may_be(mended):
            new, why = propose_key(self.facts(probe), is_taken, self.pattern), "is too long for a file name"
        elif len(key.split()) > 1:
            new, why = free_key(mended, is_taken), "holds a blank, so nothing can cite it"
        else:
            new, why = mended, "is written with letters and their accents apart"
        if draft.bibtex and _readable(draft.bibtex):
            draft = replace(draft, bibtex=set_key(draft.bibtex, new))
            what = f"the entry's key {key[:60]!r} {why}" if key else "the entry has no key"
            self._note("no-key", draft, what, "repaired", f"it was given the key {new}", new)
        return new, draft

    def _rekey(self, paper: Paper, draft: Draft) -> Paper:
        key = free_key(paper.key, self.known.keys.is_taken)
        own, *others = entries(paper.bibtex) or [""]
        if own:
            own = set_key(own, key) if _readable(own) else own
        self._note("key-taken", draft, f"the key {paper.key} belongs to another work", "repaired",
                   f"this one was given the key {key}", key)  # fmt: skip
        return paper.evolve(key=key, bibtex="\n\n".join([own, *others]))

    def _note_alike(self, facts: Facts, draft: Draft, maybe: list[tuple[Facts, Verdict]]) -> None:
        """Say of a newcomer which works it may be, and whose key is its own but for case."""
        for there, verdict in maybe[:3]:
            remedy = f"they stay two; `kb merge {there.key} {facts.key}` makes them one"
            self._note("possible-duplicate", draft, f"{facts.key} may be {there.key}: {verdict.why}", "note", remedy,
                       facts.key)  # fmt: skip
        if like := self.known.keys.like(facts.key):
            self._note("key-case", draft, f"{facts.key} and {like} differ in case only", "note",
                       "biber tells them apart, BibTeX does not", facts.key)  # fmt: skip

    def _under(self, there: Paper, brought: Paper, draft: Draft) -> Paper:
        """What is brought, its entry under the key that it has here: it was given one, has been renamed since, or is
        the first entry of a paper with another key, which answers to the entry's from then on."""
        own, *others = entries(brought.bibtex) or [""]
        moved = brought.key in self.known.keys and brought.key != there.key
        given = entry_key(draft.bibtex)
        first = not there.bibtex and brought.key != there.key and not moved
        if not own or not _readable(own) or not (moved or first or not given):
            return brought
        if brought.key in map(entry_key, entries(there.bibtex)):
            return brought
        aliases = (*brought.aliases, given) if first and given and given not in brought.aliases else brought.aliases
        return brought.evolve(bibtex="\n\n".join([set_key(own, there.key), *others]), aliases=aliases)

    def _beyond(self, there: Paper, brought: Paper, join: Join) -> Paper:
        """What is brought, without what an export made of the paper, and what its entry says already or better."""
        if MARK in brought.bibtex and (made := read_first(brought.bibtex)) and made.fields.get(MARK, "")[:5] == "by kb":
            record = SOURCE in made.fields[MARK]
            if there.bibtex or not record:
                brought = brought.evolve(bibtex="")
            if there.bibtex and record:
                self._tell_more(made, self.facts(there), join)
        entry = read_first(there.bibtex, self.macros)
        if not entry or brought.evolve(status="unread", read=None) == Paper(
            key=brought.key, added=brought.added, bibtex=brought.bibtex
        ):
            return brought
        known = self.facts(there)
        tags, notes = said.beyond(brought.tags, brought.notes, entry.fields, self.used)
        same = {(one.kind, same_place(one.url)) for one in known.addresses if one.origin not in ("link", "file")}
        less = {
            "authors": known.names, "year": known.year, "venue": known.venue, "abstract": known.abstract,
            "kind": not self.theirs or brought.kind == known.kind,
            "date": known.date and not (brought.date.startswith(known.date) and len(brought.date) > len(known.date)),
        }  # fmt: skip
        for name, mine in (("year", known.year), ("venue", known.venue)):
            if mine and (other := getattr(brought, name)) and fold(str(other)) != fold(str(mine)):
                join.differ(name, mine, other, wins=False)
        for name, value in brought.ids.items():
            if known.id(name) and (name, value) not in known.ids:
                join.differ(name, known.id(name), value, wins=False)
        return brought.evolve(
            tags=tags, notes=notes, aliases=tuple(key for key in brought.aliases if key not in known.aliases),
            ids={name: value for name, value in brought.ids.items() if not known.id(name)},
            links=tuple(link for link in brought.links if (link.name, same_place(link.url)) not in same),
            extras={name: text for name, text in brought.extras.items()
                    if not known.detail(name) or fold(text.partition(":")[2]) != fold(known.detail(name))},
            **{name: Paper.model_fields[name].default for name, held in less.items() if held},
        )  # fmt: skip

    def _tell_more(self, brought: Entry, known: Facts, join: Join) -> None:
        """Say what a record of another program says beyond the entry that is here."""
        for name in ("volume", "number", "pages", "edition", "series", "publisher"):
            if (value := decode(brought.fields.get(name, ""))) and not known.detail(name) and value != known.venue:
                join.differ(name, "", value, wins=False)

    def _merge(self, key: str, brought: Paper, draft: Draft) -> Change:
        before = self.now.get(key) or self.load(key)
        join = Join(self.macros, ALL if self.theirs else frozenset(), self.used)
        brought = self._beyond(before, self._under(before, brought, draft), join)
        after = join.papers(before, brought, self._status(before, brought, draft, join))
        after = self.said_once(after) if after.bibtex and not before.bibtex else after
        self.now[key] = after
        self.known.add(self.facts(after), after.bibtex)
        action: Action = "unchanged" if after == before else "merged"
        told, left = tuple(join.differences), tuple(join.left_out)
        return Change(key, action, before, after, told, draft.path, draft.line, left_out=left)

    def said_once(self, paper: Paper) -> Paper:
        """A paper that has got an entry, without what stood in for one and is said there, too."""
        known = self.facts(Paper(key=paper.key, bibtex=paper.bibtex))
        mine = self.facts(paper.evolve(bibtex=""))
        same = {
            "title": paper.title == known.heading, "year": paper.year == known.year,
            "authors": {fold(name.last) for name in mine.names} <= {fold(name.last) for name in known.names},
            "venue": fold(paper.venue) == fold(known.venue), "date": known.date.startswith(paper.date),
        }  # fmt: skip
        return paper.evolve(**{name: Paper.model_fields[name].default for name, is_same in same.items() if is_same})

    def _status(self, before: Paper, brought: Paper, draft: Draft, join: Join) -> tuple[Status, dt.date | None]:
        if draft.status is None:
            return self._followed(before, brought, join)
        if before.key not in self.fresh or before.status is brought.status:
            return join.status(before, brought)
        stays = max(before, brought, key=lambda paper: RANK[paper.status])
        self._note("status", draft, f"{before.key} is {before.status} in one place and {brought.status} in another",
                   "repaired", f"{stays.status} was taken", before.key)  # fmt: skip
        return stays.status, stays.read

    def _followed(self, before: Paper, brought: Paper, join: Join) -> tuple[Status, dt.date | None]:
        """The status as the entry that is brought says it anew, where the reader has not changed it since."""
        was, now = (_said_status(read_first(paper.bibtex, self.macros), self.used) for paper in (before, brought))
        if not now or now in (was, before.status):
            return before.status, before.read
        follows = self.theirs or before.status == (was or Status.unread)
        join.differ("status", before.status, now, follows)
        return (now, None) if follows else (before.status, before.read)

    def _count(self, entry: Entry | None, draft: Draft) -> None:
        if entry:
            self.counts.setdefault(draft.path, Counter()).update(said.what_is_used(entry, self.used))

    def _note(self, code: str, draft: Draft, message: str, kind: Kind, remedy: str = "", key: str = "") -> None:
        self.findings.append(Finding(code, message, remedy, draft.path, draft.line, key or draft.key, kind))


def _of_address(draft: Draft) -> str:
    """The key of a paper that has no title: what its address identifies."""
    from catalog.ingest.exports import identified  # which loads a parser of pages

    return next((found.key for link in draft.links if (found := identified(link.url))), "")


def _parents_first(drafts: Iterable[Draft]) -> list[Draft]:
    drafts = list(drafts)
    wanted = {key.strip().casefold() for draft in drafts if refers(draft.bibtex)
              for keys in _REFERS.findall(draft.bibtex) for key in keys.split(",")}  # fmt: skip
    return sorted(drafts, key=lambda draft: draft.key.casefold() not in wanted) if wanted else drafts


def _bare(draft: Draft) -> bool:
    """Whether a draft is an entry and its groups, and nothing else, as a .bib file gives it."""
    return bool(draft.bibtex) and _BESIDE(draft) == _BESIDE_NOTHING


def _as_bibtex(item: Mapping[str, Any], key: str) -> str:
    """The reference of another program as an entry; "" where there is none. What reads them is loaded for none else."""
    if not item:
        return ""
    from catalog.ingest.references import entry_of

    return entry_of(item, key)


def _as_entry(draft: Draft, key: str) -> Draft:
    """The reference of another program as an entry, and beside it what that does not say."""
    entry = read(text := _as_bibtex(draft.record.item, key))
    held = {"doi", "isbn", "issn", "arxiv"} & {*entry.fields, *(["arxiv"] if "eprint" in entry.fields else [])}
    held |= {"isbn", "issn"} if held & {"isbn", "issn"} else set()  # RIS has one field for both
    there = entry.fields.get("url"), f"https://doi.org/{entry.fields.get('doi')}"
    links = tuple(link for link in draft.links if link.url not in there)
    ids = {name: value for name, value in draft.ids.items() if name not in held}
    return replace(draft, bibtex=text, title="", authors=(), year=0, date="", venue="", kind="", ids=ids, links=links)


def _said_status(entry: Entry | None, used: tuple[str, ...]) -> Status | None:
    found = said.status(entry.fields, used) if entry else ""
    return Status(found) if found else None


def _beside(extras: Mapping[str, str]) -> dict[str, str]:
    """What has no slot; under a name that a field has, with a mark behind it."""
    marked = ((f"{name}_" if name in FRONT_MATTER else name, text[len(name) :]) for name, text in extras.items())
    return {name: f"{name}{rest}" for name, rest in marked}


def _year(date: str) -> int:
    return int(date[:4]) if len(date) == 4 else 0


def _may_be(key: str) -> bool:
    """Whether a key can be one here: one word in composed letters, and not too long for a file's name."""
    return len(key.split()) == 1 and len(key.encode("utf-8", "replace")) <= _LONGEST and is_normalized("NFC", key)


def _readable(text: str) -> bool:
    try:
        read(text)
    except BadBibtex:
        return False
    return True
