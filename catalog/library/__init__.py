"""`Library`: everything that `kb` can do, from Python. Each command has its twin here; the command only prints.

>>> from catalog import Library
>>> library = Library.open()                       # doctest: +SKIP
>>> [p.key for p in library.search("status:unread tag:quantization")]   # doctest: +SKIP
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from catalog.errors import Finding, KbError
from catalog.files import read_bytes
from catalog.library.edits import Edits, parse_links
from catalog.library.implementations import Implementations
from catalog.snapshot import Snapshot
from catalog.store import REPORTS, Change, Store, Version, find_root

if TYPE_CHECKING:
    from catalog.bibtex.normal import Wanted
    from catalog.citing import Style
    from catalog.export.bib import Bib
    from catalog.export.cite import Form
    from catalog.export.refs import Refs
    from catalog.facts import Facts, Line
    from catalog.ingest.draft import Added, Draft
    from catalog.ingest.fetch import Answer, Fetch
    from catalog.ingest.join import Joined
    from catalog.ingest.manuscript import Cited
    from catalog.ingest.run import Addition, Imported
    from catalog.ingest.sync import Synced
    from catalog.library.attachments import Attachments, Kept
    from catalog.library.finding import Pair
    from catalog.library.readers import Become
    from catalog.library.services import Services
    from catalog.models import Paper, Status
    from catalog.readers import Reader
    from catalog.reading import Share, Stats, Suggestion
    from catalog.reports import Ledger, Report
    from catalog.search.index import Found, Index
    from catalog.search.snippet import Snippet
    from catalog.search.tree import Query
    from catalog.sides import Choice
    from catalog.sources import Client
    from catalog.sources.adding import Gathered
    from catalog.sources.completing import Filled, Run
    from catalog.sources.news import News
    from catalog.sources.updating import Look
    from catalog.store.history import Past
    from refimpl import Card


class Library:
    """A knowledge base: a folder with a `kb.toml` and one Markdown file a paper."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.snapshot = Snapshot(store)
        self._edits = Edits(store, self.snapshot)
        self._implementations = Implementations(store, self.snapshot)

    # --- opening ---

    @classmethod
    def open(cls, root: str | Path | None = None, start: Path | None = None) -> Self:
        """The knowledge base at `root`, or the nearest one upwards from `start` (the current folder)."""
        return cls(Store(find_root(start or Path.cwd(), str(root) if root else None)))

    @classmethod
    def init(cls, folder: str | Path, title: str = "") -> Self:
        """Make a knowledge base in a folder (made if missing); raises `KbError` where there is one already."""
        from catalog.library.founding import found

        root = Path(folder).expanduser().resolve()
        found(root, title)
        return cls(Store(root))

    @staticmethod
    def is_at(folder: str | Path) -> bool:
        """Whether there is a knowledge base in a folder."""
        from catalog.library.founding import is_founded

        return is_founded(Path(folder).expanduser().resolve())

    def on_github(self) -> tuple[Sequence[str], Sequence[str]]:
        """Write what checks this knowledge base and publishes its site on GitHub, and a configuration of pre-commit.

        Gives the files that were written, and those that were there and differ, which stay as they are.
        """
        from catalog.library.founding import on_github

        return on_github(self.store)

    @property
    def root(self) -> Path:
        """The folder of the knowledge base."""
        return self.store.root

    # --- finding ---

    def index(self, whole: bool = False) -> Index:
        """The search index, up to date with the files; with `whole`, every single file was looked at."""
        return self.snapshot.index(whole)

    def unreadable(self) -> dict[str, tuple[Finding, ...]]:
        """What is wrong with each paper file that cannot be read, by its name within the papers folder."""
        return self.snapshot.unreadable()

    def unreadable_readers(self) -> dict[str, tuple[Finding, ...]]:
        """What is wrong with each reader's file that cannot be read, by its name within the readers folder."""
        return self.snapshot.unreadable_readers()

    def list(self, query: str = "", sort: str = "", limit: int = 0) -> Sequence[Facts]:
        """The papers that a query finds; without words in it the newest first. Raises `BadQuery`."""
        return self.find(query, sort, limit).papers

    def find(self, query: str, sort: str = "", limit: int = 0) -> Found[Facts]:
        """As `list`, with the typos that were forgiven and the words that the nearest papers lack."""
        from catalog.library.finding import ordered

        asked = self._asked(query)
        return ordered(self.snapshot, lambda index, *how: index.answer(asked, *how), sort, limit)

    def lines(self, query: str = "", sort: str = "", limit: int = 0) -> Found[Line]:
        """As `find`, of each paper what a list prints; quicker, as nothing else is read of it."""
        from catalog.library.finding import ordered

        asked = self._asked(query)
        return ordered(self.snapshot, lambda index, *how: index.lines(asked, *how), sort, limit)

    def _asked(self, query: str) -> Query:
        from catalog.library.finding import asked

        return asked(query, lambda tree: self._attachments.asked(tree), self.implemented)

    def like(self, text: str, limit: int = 0) -> Found[Line]:
        """The papers that mean what a text says, or what the paper with this key says; the nearest first.

        Raises `KbError` where the model that this needs is not installed.
        """
        from catalog.library.finding import like

        return like(self.snapshot, text, limit)

    def neighbours(self, limit: int = 5) -> Mapping[str, Sequence[str]]:
        """By key, the papers that mean most nearly the same; nothing where the model that this needs is missing."""
        try:
            return self.index().neighbours(limit)
        except KbError:
            return {}

    def search(self, query: str, limit: int = 0) -> Sequence[Facts]:
        """The papers that a query finds, the best first. Raises `BadQuery`."""
        return self.list(query, "", limit)

    def snippets(self, found: Found[Line], room: int) -> Mapping[str, Snippet]:
        """By key, a piece of so many characters of each paper's text with the words that were looked for."""
        return self.index().snippets([line.key for line in found.papers], found.words, room)

    def resolve(self, key: str) -> str:
        """The key that is meant, as `Snapshot.resolve` says. Raises `UnknownKey`."""
        return self.snapshot.resolve(key)

    def meant(self, text: str) -> str:
        """The key that a person means, who may give an identifier, an address or words too; see `Snapshot.meant`."""
        return self.snapshot.meant(text)

    def file(self, key: str) -> str:
        """The file of a paper, within the papers folder."""
        return self.snapshot.file(key)

    def get(self, key: str) -> Facts:
        """What is known of a paper. Raises `UnknownKey`, `BadFile`."""
        return self.snapshot.get(key)

    def paper(self, key: str) -> Paper:
        """A paper's file as it is: what it says itself. Raises `UnknownKey`, `BadFile`."""
        return self.store.load(self.file(key))

    def papers(self) -> dict[str, Paper]:
        """Every paper that can be read, by key; `unreadable` says what is wrong with the others."""
        return {paper.key: paper for paper in self.store.load_all()[0]}

    # --- adding ---

    def add(
        self, bibtex: str = "", *, title: str = "", key: str = "", links: Iterable[str] = (), tags: Iterable[str] = (),
        status: str | None = None, notes: str = "", due: dt.date | None = None,
    ) -> tuple[Paper, bool]:  # fmt: skip
        """Add one paper: from a BibTeX entry, or a title; `links` are "name=url" or "url".

        Without a status it is what the entry says, or unread. What stands beside the entry goes into the notes.

        Gives the paper, and whether it is new: a work that is there already is left as it is. Raises `TakenKey` with a
        free key where another work has its key, `BadBibtex` where the entry cannot be read.
        """
        from catalog.ingest.draft import Draft
        from catalog.ingest.run import beside
        from catalog.models import Status

        notes = "\n\n".join(filter(None, (notes, beside(bibtex))))
        return self.add_draft(Draft(
            title=title, key=key, status=Status(status) if status else None, links=parse_links(links),
            tags=self.spelled(tags), bibtex=bibtex, notes=notes, due=due,
        ))  # fmt: skip

    def add_draft(self, draft: Draft) -> tuple[Paper, bool]:
        """Add one work as a source describes it; gives the paper, and whether it is new. Raises as `add` does."""
        done = self.add_drafts([draft])[0]
        if done.wrong or not done.paper:
            raise done.wrong or KbError("nothing was added")
        return done.paper, done.new

    def add_drafts(self, drafts: Sequence[Draft]) -> Sequence[Addition]:
        """Add works as one change; what cannot be added says why, and does not keep the others from it."""
        from catalog.ingest.run import add_papers

        return add_papers(self.store, self.index, drafts, self._edits.foretell)

    def add_all(self, whats: Iterable[str], *, first: bool = False, **more: Any) -> Iterator[Added]:
        """Add what these are: identifiers, addresses, files, titles; `first` takes the likeliest work of a title.

        `more` are the fields of a `Draft` that you say yourself. Asks the network of what is not here; what is asked
        for together is added as one change.
        """
        from catalog.sources.adding import gather

        for some in gather(whats, self.client(), self.having, first=first):
            yield from self.take(some, **more)

    def take(self, gathered: Sequence[Gathered], **more: Any) -> Sequence[Added]:
        """Add what was gathered, as far as it is a work and not here; a PDF that tells of one is kept with it."""
        from catalog.sources.adding import take

        done = take(self._attachments.linked(gathered), self.add_drafts, more)
        return [self._attachments.kept_with(one, told.pdf) for one, told in zip(done, gathered, strict=True)]

    def having(self, name: str, value: str) -> str:
        """The key of the paper with an identifier, the address of a "page", or a "file" in `files/`; "" without one."""
        if name == "file":
            from catalog.attached import link

            name, value = "page", link(self.store, value).url
        return self.snapshot.having(name, value)

    def look_up(self, what: str) -> Draft:
        """The work of an identifier or address, as its source describes it. Asks the network; raises `KbError`."""
        from catalog.sources import look_up, recognise

        if found := recognise(what):
            return look_up(found, self.client())
        raise KbError(f"{what}: no identifier or address of a paper; give an arXiv id, a DOI, or its page")

    def list_at(self, address: str) -> tuple[str, bytes]:
        """The list at an address of the web: where it stands, and its bytes. Raises `KbError`."""
        from catalog.ingest.urls import file_at

        place, file = file_at(address)
        return place, self.client(fresh=0.0).get(file).data

    def client(self, fresh: float | None = None) -> Client:
        """Who asks services, for the contact that the settings name; `fresh` is how long answers count (seconds)."""
        from catalog.library.services import client

        return client(self.store, self._fetch(), fresh)

    def complete(
        self, query: str = "", what: Collection[str] = (), *, dry_run: bool = False
    ) -> tuple[Run, Iterator[Sequence[Filled]]]:
        """Fill in what the papers that a query finds lack, of `what` (all of `completing.WHAT`). Asks the network.

        Gives the run, which says what did not work, and what each batch filled, written already.
        """
        from catalog.sources.completing import WHAT

        return self._services.complete(self.list(query), self.client(), what or WHAT, dry_run)

    def attach(self, key: str, file: Path) -> Kept:
        """Keep a PDF of a paper in `files/` and link it; raises `KbError` for what is no PDF."""
        from catalog.attached import MOST_BYTES

        return self._attachments.attach(self.resolve(key), read_bytes(file, str(file), MOST_BYTES))

    def fetch_copies(self, query: str = "") -> Iterator[Kept]:
        """Fetch open copies of the papers that a query finds and that have no PDF here. Asks the network."""
        return self._attachments.fetch(self.list(query), self.client())

    def annotations(self, query: str = "") -> Iterator[tuple[str, int]]:
        """Put what was marked in the PDFs of papers into a part of their notes; gives keys, and how many marks."""
        return self._attachments.annotations(self.list(query))

    @property
    def _attachments(self) -> Attachments:
        from catalog.library.attachments import Attachments

        return Attachments(self.store, self.snapshot, self._edits)

    def update(self, query: str = "") -> tuple[Look, Iterator[Sequence[Facts]]]:
        """Look what has become of the papers that a query finds: versions, publication, retraction, citations.

        Gives what was found so far, and each part that was looked at; `check` says it until it is settled. Asks the
        network.
        """
        return self._services.look(self.list(query), self.client(fresh=86_400.0))

    def news(self, query: str = "") -> Sequence[News]:
        """What was found out about the papers that a query finds and is not settled."""
        return self._services.news(line.key for line in self.lines(query).papers)

    def news_of(self, key: str) -> Sequence[News]:
        """What was found out about one paper and is not settled."""
        return self._services.news([self.resolve(key)])

    def settle_news(self, query: str = "") -> int:
        """Take what was found out about papers for settled; returns how much there was."""
        return self._services.settle(line.key for line in self.lines(query).papers)

    def cited(self, key: str) -> tuple[int, str, str] | None:
        """How often a paper is cited, by whose count, and on what day it was asked; None where nobody was."""
        return self._services.cited(self.resolve(key))

    def take_published(self, drafts: Mapping[str, Draft], lead: str = "published") -> Sequence[Filled]:
        """Put publications beside their preprints, by key; either entry leads ("published", "beside"), both stay.

        The network is asked for the publishers' own entries.
        """
        return self._services.take(drafts, lead, self.client())

    def archived(self, query: str = "") -> Sequence[News]:
        """The links that are gone and of which the Internet Archive has a copy. Asks the network."""
        return self._services.archived(self.check_links(query), self.client())

    @property
    def _services(self) -> Services:
        from catalog.library.services import Services

        return Services(self.store, self.snapshot, self._edits)

    def _fetch(self) -> partial[Answer]:
        from catalog.library.services import fetch

        return fetch(self.store)

    def import_(
        self, sources: Iterable[tuple[str, bytes]], *, theirs: bool = False, dry_run: bool = False,
        today: dt.date | None = None, readings: Mapping[str, int] | None = None,
    ) -> Imported:  # fmt: skip
        """Take in reading lists, .bib files and paper files: (path, bytes) each, recognised by content.

        A work that is there already is merged; what is there wins, `theirs` turns that around. `dry_run` only says what
        would happen. `readings` chooses, by a list's section, its second best reading (2), as the report names it.
        """
        from collections import deque
        from dataclasses import replace

        from catalog.check.entrance import MANY, foretold
        from catalog.ingest.run import import_sources

        last = deque[Change](maxlen=MANY)
        done = import_sources(self.store, self.index, sources, theirs=theirs, dry_run=dry_run, today=today,
                              wanted=readings, written=last.append)  # fmt: skip
        if dry_run:
            return done
        self.index()  # brought up to date while the files are in memory, so that the next command is quick
        return replace(done, findings=(*done.findings, *foretold(self.store, last, done.changed)))

    def followed(self) -> Sequence[str]:
        """Where the lists stand that were read before, from the root."""
        from catalog.ingest.lists import remembered

        return [one.path for one in remembered(self.store)]

    def sync(
        self, sources: Iterable[tuple[str, bytes]], *, prune: bool = False, dry_run: bool = False,
        today: dt.date | None = None, readings: Mapping[str, int] | None = None,
    ) -> Synced:  # fmt: skip
        """Let papers follow what changed in lists since they were last read; what the reader changed stays.

        `prune` removes papers whose entry has gone and on which nothing of the reader's hangs.
        """
        from catalog.ingest.sync import sync_sources

        return sync_sources(self.store, self.index, sources, prune=prune, dry_run=dry_run, today=today, wanted=readings)

    # --- changing ---

    def change(self, key: str, edit: Callable[[Paper], Paper], what: str = "") -> Paper:
        """Change one paper, whatever others are doing meanwhile; returns it as written. `what` says it in the log."""
        return self._edits.change([key], edit, what or "change")[0]

    def mark(self, keys: Iterable[str], status: str | Status, on: dt.date | None = None) -> Sequence[Paper]:
        """Set the status of papers; `on` is the day they were read. All or none are changed."""
        return self._edits.mark(keys, status, on)

    def mark_read(self, keys: Iterable[str], on: dt.date | None = None) -> Sequence[Paper]:
        """Mark papers as read on a day (today)."""
        return self.mark(keys, "read", on or dt.date.today())

    def mark_reading(self, keys: Iterable[str]) -> Sequence[Paper]:
        """Mark papers as being read."""
        return self.mark(keys, "reading")

    def mark_unread(self, keys: Iterable[str]) -> Sequence[Paper]:
        """Mark papers as unread."""
        return self.mark(keys, "unread")

    def rate(self, key: str, rating: int) -> Paper:
        """Say how good a paper is, from 1 to 10; 0 takes that off."""
        return self.change(key, lambda paper: paper.evolve(rating=rating), f"rate {rating or 'none'}")

    # --- several readers ---

    def me(self) -> str:
        """Who I am of the readers; "" where I am none of them, or there are none."""
        return self.store.readers.me()

    def become(self, name: str, *, take: bool = False) -> Become:
        """Be a reader of that name, remembered in this clone; the first one takes over what the papers say of reading.

        `take` does so later too, with what papers say all the same. Raises `KbError` where it is no name.
        """
        from catalog.library.readers import become

        return become(self.store, name, take)

    def alone(self) -> str:
        """Put how far I am back into the papers, who am the only reader; returns who that was. Raises `KbError`."""
        from catalog.library.readers import alone

        return alone(self.store)

    def queue(self, add: Iterable[str] = (), remove: Iterable[str] = (), *, first: bool = False) -> Sequence[str]:
        """The keys that I want to read next, with these at the end, or `first`, and those taken off."""
        from catalog.library.readers import queue

        added, gone = ([self.resolve(key) for key in keys] for keys in (add, remove))
        return queue(self.store, added, gone, first)

    def readers(self, query: str = "") -> Sequence[Share]:
        """How much each reader has read of the papers that a query finds."""
        from catalog.reading import shares

        return shares(self.list(query), self.store.readers.names())

    def note(self, key: str, text: str, due: dt.date | None = None) -> Paper:
        """Add a paragraph to the notes of a paper; `due` also sets the day by which it should be read."""
        return self._edits.note(key, text, due)

    def due(self, key: str, day: dt.date | None) -> Paper:
        """Set the day by which a paper should be read, or take it off."""
        return self.due_all([key], day)[0]

    def due_all(self, keys: Iterable[str], day: dt.date | None) -> Sequence[Paper]:
        """As `due`, of several papers: all or none are changed."""
        return self._edits.change(keys, lambda paper: paper.evolve(due=day), f"due {day or 'none'}")

    def tag(self, key: str, add: Iterable[str] = (), remove: Iterable[str] = ()) -> Paper:
        """Add tags to a paper and take others off it, whatever their spelling; also off the keywords of its entry."""
        return self._edits.tag([key], add, remove)[0]

    def tag_all(self, keys: Collection[str], add: Iterable[str] = (), remove: Iterable[str] = ()) -> Sequence[Paper]:
        """As `tag`, of several papers, taken off where it is: all or none are changed."""
        return self._edits.tag(keys, add, remove, where_there=True)

    def spelled(self, tags: Iterable[str]) -> tuple[str, ...]:
        """Tags as most papers spell them."""
        return self._edits.spelled(tags)

    def link(self, key: str, add: Iterable[str] = (), remove: Iterable[str] = ()) -> Paper:
        """Add links ("name=url" or "url") to a paper, and remove those of a name or address."""
        return self._edits.link(key, add, remove)

    def edit(self, key: str, text: str, expected: Version | str) -> Paper:
        """Put a text, in its canonical form, in place of a paper file that was read; raises `BadFile`, `Conflict`.

        `expected` is what was read: a `version`, or its `text`.
        """
        return self._edits.edit(key, text, expected)

    def text(self, key: str) -> str:
        """The text of a paper file."""
        return self.store.read_text(self.file(key))

    def version(self, key: str) -> Version:
        """The file of a paper as it stands, whether it can be read or not."""
        return self.store.read(self.file(key))

    def rename(self, old: str, new: str) -> Paper:
        """Give a paper another key: its file, its entry, links to it in notes; the old key stays as an alias."""
        return self._edits.rename(old, new)

    def merge(self, key: str, other: str, take: Iterable[str] = (), dry_run: bool = False) -> Joined:
        """Make one paper of two: the first with all that only the other has; the other's key finds it from then on.

        `take` names fields (title, status, notes …) in which the other's word counts where both say something.
        """
        return self._edits.merge(key, other, take, dry_run)

    def split(self, key: str) -> Sequence[Paper]:
        """Make papers of their own of the further entries that a paper holds, or of the one whose key is given.

        Gives the paper and the new ones. Raises `KbError` where it holds none.
        """
        return self._edits.split(key)

    def tell_apart(self, key: str, other: str) -> Sequence[Paper]:
        """Say that two papers are different works, so that they are not offered as one again."""
        return self._edits.tell_apart(key, other)

    def duplicates(self, query: str = "") -> Sequence[Pair]:
        """The pairs of papers that are or may be one work, of those that a query finds."""
        from catalog.library.finding import duplicates

        return duplicates(self.snapshot, {line.key for line in self.lines(query).papers} if query else None)

    def remove(self, keys: Iterable[str], *, force: bool = False) -> Sequence[str]:
        """Delete paper files; returns their keys. Raises `KbError` where others point to one, unless forced."""
        return self._edits.remove(keys, force=force)

    def sides(self, key: str) -> tuple[Paper, Paper]:
        """A paper as either side of an unresolved merge has it. Raises `BadFile` where one cannot be read."""
        from catalog.sides import read_sides

        return read_sides(self.text(key), self.resolve(key), self.store.shown(self.file(key)))

    def settle(self, key: str, choices: Mapping[str, Choice]) -> Paper:
        """End an unresolved merge: of each field that differs, what was chosen: "ours", "theirs" or "both"."""
        return self._edits.settle(key, choices)

    def reader_sides(self, name: str) -> tuple[Reader, Reader]:
        """What a reader says as either side of an unresolved merge has it. Raises as `sides`."""
        from catalog.library.readers import sides

        return sides(self.store, name)

    def settle_reader(self, name: str, choices: Mapping[str, Choice]) -> None:
        """As `settle`, in a reader's file, of fields such as "hu2021lora.due" and the "queue"."""
        from catalog.library.readers import settle

        settle(self.store, name, choices)

    # --- taking back ---

    def log(self, key: str = "", limit: int = 0) -> Sequence[Past]:
        """The changes of the knowledge base, or of one paper, the last first."""
        from catalog.library.past import log

        return log(self.snapshot, key, limit)

    def difference(self, past: Past) -> str:
        """What a change did to the text of each file, as a unified diff."""
        from catalog.library.past import difference

        return difference(self.store, past)

    def undo(self, number: int = 0) -> Past:
        """Take back the last change, or that of a number. Raises `Conflict` where its files have changed since."""
        from catalog.store.undo import undo

        return undo(self.store.gate, number, self._edits.foretell)

    def redo(self) -> Past:
        """Make the change again that was taken back last. Raises `Conflict` where its files have changed since."""
        from catalog.store.undo import redo

        return redo(self.store.gate, self._edits.foretell)

    # --- looking at the whole ---

    def next(self, limit: int = 5, query: str = "", today: dt.date | None = None) -> Sequence[Suggestion]:
        """What to read next, and why."""
        from catalog.library.numbers import suggestions

        day = today or dt.date.today()
        return suggestions(self.store, self.index(), self._asked(query), self.implemented(), limit, day)

    def stats(self, query: str = "", today: dt.date | None = None, most: int = 0) -> Stats:
        """The collection in numbers; `most` limits how many are named of what is overdue or not implemented."""
        from catalog.library.numbers import stats

        named, day = self.implemented(), today or dt.date.today()
        runs = self.runs() if named else {}
        return stats(self.store, self.index(), self._asked(query), named, runs, day, most)

    def cards(self) -> Sequence[Card]:
        """The reference implementations: those that came with readrun, and those in the `refimpl/` folder beside.

        Each names its paper by the key that the paper has here; one that gives an identifier finds it under any key.
        """
        return self._implementations.cards()

    def implemented(self) -> dict[str, tuple[str, ...]]:
        """The names of the implementations of each paper that has some, by its key."""
        return self._implementations.named()

    def card(self, name: str) -> Card:
        """The implementation of a name or a paper's key. Raises `KbError`."""
        return self._implementations.card(name)

    def runs(self) -> dict[str, dict[str, dict[str, Any]]]:
        """What was last measured, by implementation and kind of device: `runs()["lora"]["cpu"]`."""
        return self._implementations.runs()

    def unread_runs(self) -> Sequence[Finding]:
        """What is wrong with records in `runs/` and `reports/` that cannot be read."""
        from catalog.runs import unread

        told = self._implementations.reports()[1] if (self.root / REPORTS).is_dir() else ()  # those that came are sound
        return [*unread(self.root / "runs"), *told]

    def reports(self) -> dict[str, Ledger]:
        """The headline numbers of papers and what others got, by implementation."""
        return self._implementations.reports()[0]

    def report(self, name: str, report: Report) -> Path:
        """Add what somebody got to the `reports/` of this knowledge base. Raises `KbError` for what is no figure."""
        return self._implementations.report(name, report)

    def verify(
        self, name: str, device: str = "cpu", kinds: Collection[str] = (), *, record: bool = True,
        report: Callable[[dict[str, Any]], None] = lambda _: None,
    ) -> dict[str, Any]:  # fmt: skip
        """Run the claims of an implementation; the record goes to `runs/` unless told otherwise. Needs torch."""
        return self._implementations.verify(name, device, kinds, record=record, report=report)

    def mutate(
        self, name: str, *, record: bool = True, report: Callable[[dict[str, Any]], None] = lambda _: None
    ) -> dict[str, Any]:
        """Plant faults in copies of an implementation; how many its claims notice goes to `runs/`. Needs torch."""
        return self._implementations.mutate(name, record=record, report=report)

    def demo(self, name: str, *, record: bool = False, **options: Any) -> dict[str, Any]:
        """Run the demo of an implementation; `record` keeps it with its claims in `runs/`. Needs torch."""
        return self._implementations.demo(name, record=record, **options)

    def bench(self, names: Collection[str] = (), *, restart: bool = False, **options: Any) -> dict[str, Any]:
        """Compare the methods named, or all, on one model and task; on from the record in `runs/`. Needs torch.

        `restart` measures them anew. Options: model, task, budget, steps, batch, seeds, rates, device, dtype, report.
        """
        return self._implementations.bench(names, restart=restart, **options)

    def new_implementation(self, name: str, paper: str) -> Path:
        """Write the first form of an implementation into `refimpl/`."""
        return self._implementations.new(name, paper)

    def check(self) -> Sequence[Finding]:
        """Everything that is wrong, each with file, line and remedy."""
        from catalog.check import check

        return [*check(self.store, self._implementations.to_check()), *self.unread_runs()]

    def fix(self) -> tuple[Sequence[Finding], Sequence[Finding]]:
        """Mend what is safe to mend; returns what was mended and what remains."""
        from catalog.check import fix

        return fix(self.store, self._implementations.to_check())

    def check_links(self, query: str = "", fetch: Fetch | None = None) -> Sequence[Finding]:
        """Ask every link of the papers that a query finds whether it is alive. Asks the network."""
        from catalog.check.links import check_links
        from catalog.check.sheet import sheets

        files = sorted(self.store.file_of(line.key) for line in self.lines(query).papers)
        return check_links(sheets(self.store, files), fetch or self._fetch())

    def fmt(self, write: bool = True) -> Sequence[str]:
        """Bring every paper file into its canonical form; returns the files that were not. Raises `BadFile`."""
        return self._edits.fmt(write)

    # --- handing on ---

    def cite(self, keys: Iterable[str], style: str | Style = "apa", form: Form = "text") -> Sequence[str]:
        """A line of a reference list for each paper, in a style: "text", "html" or "markdown". Raises `KbError`."""
        from catalog.export.cite import citations

        return citations([self.get(key) for key in keys], style, form)

    @staticmethod
    def cited_in(manuscripts: Iterable[str | Path]) -> Cited:
        """What manuscripts cite, with the files that they take in. Raises `KbError` where it is nothing."""
        from catalog.ingest.manuscript import cited_in

        return cited_in(map(Path, manuscripts))

    def export_bib(
        self, query: str = "", *, normal: Wanted | bool | None = None, cited: Collection[str] | None = None,
        unsure: Collection[str] = (), sort: str = "key",
    ) -> Bib:  # fmt: skip
        """The merged .bib of the papers that a query finds, or of the keys that a manuscript cites.

        With `normal` it is written in that style, with True in the usual one; `sort` is by key, year, author, title or
        type, turned round by a "-". What a manuscript cites and is `unsure` is not missed where there is no such paper.
        """
        from catalog.library.bibliography import bibliography

        asked, shared = (self._asked(query) if query.strip() else None), self.store.shared()
        return bibliography(self.snapshot, asked, shared, normal, cited, unsure, sort)

    def join_bib(self, made: str, path: str | Path) -> Refs:
        """A .bib of ours with what a file holds that is not ours; the file stays as it is. Raises `KbError`."""
        from catalog.library.bibliography import joined

        return joined(made, Path(path), lambda keys: self.export_bib(cited=keys).text)

    def export_json(self, query: str = "") -> str:
        """The papers that a query finds as a JSON list."""
        from catalog.export.tables import as_json

        return as_json(self.list(query, "key"), self.implemented())

    def export_csv(self, query: str = "") -> str:
        """The papers that a query finds as a table."""
        from catalog.export.tables import as_csv

        return as_csv(self.list(query, "key"))

    def export_csl(self, query: str = "") -> str:
        """The papers that a query finds as CSL-JSON."""
        from catalog.export.csl import as_csl

        return as_csl(self.list(query, "key"))

    def export_ris(self, query: str = "") -> str:
        """The papers that a query finds as RIS."""
        from catalog.export.ris import as_ris

        return as_ris(self.list(query, "key"))

    def export_hayagriva(self, query: str = "") -> str:
        """The papers that a query finds as Hayagriva's YAML, for Typst."""
        from catalog.export.hayagriva import as_hayagriva

        return as_hayagriva(self.list(query, "key"))

    def export_sqlite(self, query: str = "") -> bytes:
        """The papers that a query finds as the bytes of a SQLite file."""
        from catalog.export.database import as_sqlite

        return as_sqlite(self.list(query, "key"))

    def export_markdown(self, query: str = "") -> str:
        """The papers that a query finds as a reading list; importing it again gives the same catalog."""
        from catalog.export.readinglist import dumps
        from catalog.library.finding import together

        papers, found = together(self, query, "list" if self.followed() else "key")
        known = {facts.key: facts for facts in found}
        return dumps([papers[key] for key in known], known)

    def embed(self, page: str, name: str, query: str = "", style: str = "bullet") -> str:
        """A page with the papers that a query finds between its two comments, by the sections of the lists."""
        from catalog.export.embedded import dumps, into
        from catalog.ingest.lists import sections_of

        known = {facts.key: facts for facts in self.list(query, "list")}
        return into(page, dumps(sections_of(self.store, known.values()), known, style), name)

    # --- the site ---

    def pages(self, url: str = "") -> Mapping[str, str | bytes]:
        """Every page and data file of the site, by path; a paper that cannot be read has a page that says so.

        `url` is where it will be served, where that is not what kb.toml says.
        """
        from catalog.library.site import planned
        from catalog.pages.lazy import body_of

        return {path: body_of(file) for path, file in planned(self, url).items()}

    @staticmethod
    def merge_files(base: Path, ours: Path, theirs: Path, name: str) -> tuple[str, ...]:
        """Merge three forms of a paper file into `ours`; returns the fields that two people said differently."""
        from catalog.store.merging import merge_files

        return merge_files(base, ours, theirs, name)

    def use_merge_driver(self) -> None:
        """Let git merge papers by what they say: in `.gitattributes`, and in the git of this clone."""
        from catalog.library.founding import tell_git
        from catalog.store.merging import register

        register(self.root)
        tell_git(self.store)

    def trust(self) -> int:
        """Agree to what this knowledge base brings that may run code, as it is now; returns how many files that is."""
        from catalog.trust import trust

        return trust(self.root)

    def distrust(self) -> bool:
        """Take back what was agreed to; returns whether there was anything."""
        from catalog.trust import distrust

        return distrust(self.root)

    def left_out(self) -> Sequence[str]:
        """The settings of `mkdocs.yml` that the site leaves out until they are trusted."""
        from catalog.pages.builder import left_out
        from catalog.trust import is_trusted

        return [] if is_trusted(self.root) else left_out(self.root)

    def build_site(self, url: str = "") -> Path:
        """Write the pages, run mkdocs on them and finish the HTML; returns the folder of the site.

        `url` is where it will be served, where that is not what kb.toml says. Raises `KbError` where it is no address.
        """
        from catalog.library.site import options, planned
        from catalog.pages import build
        from catalog.store.config import checked

        checked("site_url", url)
        return build(self.root, planned(self, url), options(self.store, url))

    def serve_site(
        self, host: str = "127.0.0.1", port: int = 8000, started: Callable[[str], object] = print,
        report: Callable[[str], object] = print,
    ) -> None:  # fmt: skip
        """Build a preview and serve it until interrupted; a changed paper shows at once."""
        from catalog.library.site import options, planned
        from catalog.pages.server import serve

        beside = ("site", "notebooks", "kb.toml", "shared.bib", "mkdocs.yml", "refimpl", "runs", "reports")
        watched = [self.store.folder, *(self.root / name for name in beside)]
        serve(self.root, lambda: planned(self), options(self.store), host=host, port=port, open_url=started,
              report=report, watched=watched)  # fmt: skip

    def page_of(self, key: str) -> str:
        """Where the page of a paper is: its address where `kb site serve` is running, else its path in the site."""
        from catalog.library.site import page_of

        return page_of(self, key)

    def write_pages(self, folder: Path) -> tuple[int, int]:
        """Write the pages for another generator; returns how many files were written and how many removed."""
        from catalog.library.site import planned
        from catalog.pages import write

        return write(planned(self), folder)

    @staticmethod
    def schema(records: bool = False) -> str:
        """The JSON Schema of a paper file's front matter; or of what `--json` prints of a paper."""
        import json

        if records:
            from catalog.schema import records as described

            return json.dumps(described(), indent=2, ensure_ascii=False) + "\n"
        from catalog.models import Paper

        return json.dumps(Paper.model_json_schema(), indent=2, ensure_ascii=False) + "\n"
