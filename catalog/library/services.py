"""What asks services of the web: adding by name, completing, looking for news, fetching open copies."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from catalog.errors import BadFile, KbError, UnknownKey
from catalog.library.edits import Edits
from catalog.snapshot import Snapshot
from catalog.store import NEWS, Change, Store
from catalog.text import some_of

if TYPE_CHECKING:
    from catalog.errors import Finding
    from catalog.facts import Facts
    from catalog.ingest.draft import Draft
    from catalog.ingest.fetch import Answer
    from catalog.models import Paper
    from catalog.sources.client import Ask, Client
    from catalog.sources.completing import Filled, Run
    from catalog.sources.news import News, Shelf
    from catalog.sources.updating import Look

_ANSWERS = "answers.sqlite"


def fetch(store: Store) -> partial[Answer]:
    """How the network is asked: in the name of the contact that kb.toml says, or the user's own settings."""
    from catalog.ingest.fetch import http_fetch
    from catalog.sources.hosts import contact as own_contact
    from catalog.trust import contact

    return partial(http_fetch, contact=contact(store.root, store.config.contact) or own_contact())


def client(store: Store, ask: Ask, fresh: float | None = None) -> Client:
    """Who asks services for a knowledge base: with its memory below `.kb/`, and the user's keys."""
    from catalog.sources.client import FRESH, Client
    from catalog.sources.hosts import keys
    from catalog.sources.memory import Memory

    store.gate.make_private()
    path = store.private / _ANSWERS if store.private.is_dir() else None
    return Client(ask, Memory(path), keys(), FRESH if fresh is None else fresh)


class Services:
    """The changes that services of the web bring; `Library` says what each does."""

    def __init__(self, store: Store, snapshot: Snapshot, edits: Edits) -> None:
        self.store = store
        self.snapshot = snapshot
        self.edits = edits

    def complete(
        self, found: Iterable[Facts], client: Client, wanted: Collection[str], dry_run: bool
    ) -> tuple[Run, Iterator[Sequence[Filled]]]:
        from catalog.sources.completing import Run, lacking

        code, found = "code" in wanted, list(found)
        papers = {facts.key: facts for facts in found if lacking(facts, code) & set(wanted)}
        run = Run(client, frozenset(wanted), papers)
        stubs = [] if dry_run or "bibtex" not in wanted else found
        return run, self._filled(run, dry_run, stubs)

    def _filled(self, run: Run, dry_run: bool, stubs: Sequence[Facts]) -> Iterator[Sequence[Filled]]:
        from catalog.bibtex.describe import describe

        shared = self.store.sharing()
        now: dict[str, Paper] = {}
        yield self._rekeyed(stubs, run)
        for drafts in run.batches():
            done = self._fill(drafts, run.wanted, now, dry_run)
            for one in done:
                run.update(describe(one.after, shared))
            yield done
            if not dry_run and "bibtex" in run.wanted:
                yield self._rekeyed([describe(one.after, shared) for one in done], run)

    def _rekeyed(self, found: Iterable[Facts], run: Run) -> list[Filled]:
        """Give papers whose keys were made from an identifier alone ones of the usual form; the old ones stay, too."""
        from catalog.bibtex.describe import describe
        from catalog.keys import propose_key
        from catalog.sources.completing import Filled, is_stub

        stubs = {facts.key: facts for facts in found if is_stub(facts)}
        if not stubs:
            return []
        before = {key: self.store.load(self.snapshot.file(key)) for key in stubs}

        def news() -> dict[str, str]:
            used = self.snapshot.taken()
            to: dict[str, str] = {}
            for key, facts in stubs.items():
                to[key] = propose_key(facts, used.__contains__, self.store.config.key_pattern)
                used.add(to[key].casefold())
            return to

        done = [Filled(before[old], after) for old, after in zip(stubs, self.edits.rename_all(news), strict=True)]
        for one in done:
            if one.before.key in run.facts:
                run.update(describe(one.after, self.store.sharing()), one.before.key)
        return done

    def _fill(
        self, drafts: Mapping[str, Draft], wanted: Collection[str], now: dict[str, Paper], dry_run: bool
    ) -> list[Filled]:
        """Write what a batch of drafts brings; what is to be written is worked out on the files as they are then."""
        from catalog.sources.completing import filled

        def edit(key: str, paper: Paper) -> Paper:
            return filled(now.get(key, paper) if dry_run else paper, drafts[key], wanted)

        done = self._edited(drafts, edit, "complete", dry_run)
        now |= {one.after.key: one.after for one in done}
        return done

    def look(self, found: Sequence[Facts], client: Client) -> tuple[Look, Iterator[Sequence[Facts]]]:
        from catalog.sources.updating import Look

        looking = Look(client)
        return looking, self._looked(looking, found)

    def _looked(self, looking: Look, found: Sequence[Facts]) -> Iterator[Sequence[Facts]]:
        """Each part that was looked at, once what was found of it is kept."""
        from catalog.sources.updating import LOOKED

        kept = 0
        for part in looking.at(found):
            keys = [one.key for one in part if one.key not in looking.unasked]
            fresh, kept = looking.news[kept:], len(looking.news)
            with self.store.lock():
                shelf = self.shelf()
                shelf.put(keys, [one for one in fresh if one.key in keys], LOOKED)
                shelf.cited |= looking.cited
                self.keep(shelf)
            yield part

    def cited(self, key: str) -> tuple[int, str, str] | None:
        """As the news say; where there are none, nothing is loaded to read them."""
        return self._seen().cited.get(key) if self.knows() else None

    def knows(self) -> bool:
        """Whether anything was ever found out."""
        return (self.store.private / NEWS).exists()

    def news(self, keys: Iterable[str]) -> list[News]:
        if not self.knows():
            return []
        shelf = self._seen()
        papers = (self.store.load(self.snapshot.file(key)) for key in keys if key in shelf.news)
        return [one for paper in papers for one in shelf.open(paper)]

    def settle(self, keys: Iterable[str]) -> int:
        with self.store.lock():
            shelf = self.shelf()
            count = shelf.settle(keys)
            self.keep(shelf)
        return count

    def shelf(self) -> Shelf:
        from catalog.sources.news import read

        return read(self.store.private)

    def _seen(self) -> Shelf:
        """The shelf for who only looks, to whom one that cannot be read is empty; `kb check` says what is wrong."""
        from catalog.sources.news import Shelf

        with contextlib.suppress(BadFile):
            return self.shelf()
        return Shelf()

    def keep(self, shelf: Shelf) -> None:
        from catalog.sources.news import dumps

        self.store.gate.make_private()
        self.store.write_file(self.store.private / NEWS, dumps(shelf))

    def archived(self, gone: Iterable[Finding], client: Client) -> list[News]:
        """Of links that are gone, those of which there is a copy."""
        import datetime as dt

        from catalog.sources import Unavailable
        from catalog.sources.news import News
        from catalog.sources.updating import archived

        found: list[News] = []
        for one in gone:
            url = one.message.partition(": is gone")[0]
            try:
                copy = archived(url, client) if one.code == "link-gone" else ""
            except Unavailable:
                break
            if copy:
                remedy = f"`kb link {one.key} -r {url} {copy}` puts it in its place"
                message = f"{url} is gone; there is a copy at {copy}"
                found.append(News(one.key, "link-archived", message, remedy, url, dt.date.today().isoformat()))
        with self.store.lock():
            shelf = self.shelf()
            shelf.put({one.key for one in found}, found, ("link-archived",))
            self.keep(shelf)
        return found

    def take(self, drafts: Mapping[str, Draft], lead: str, client: Client) -> list[Filled]:
        """Put the entries of publications, as their publishers give them, into the papers of their preprints."""
        from catalog.sources import better
        from catalog.sources.preprints import with_publication

        drafts = {key: better(draft, client) for key, draft in drafts.items()}
        taken = self.snapshot.taken()

        def edit(key: str, paper: Paper) -> Paper:
            return with_publication(paper, drafts[key], lead, taken)

        return self._edited(drafts, edit, "update")

    def _edited(
        self, keys: Collection[str], edit: Callable[[str, Paper], Paper], what: str, dry_run: bool = False
    ) -> list[Filled]:
        """Change papers as one change; one that has gone or cannot be read meanwhile is left."""
        from catalog.sources.completing import Filled

        def attempt() -> list[Filled]:
            done: list[Filled] = []
            changes: list[Change] = []
            for key in keys:
                try:
                    file = self.snapshot.file(key)
                    version, before = self.store.load_version(file)
                    after = edit(key, before)
                except (BadFile, UnknownKey):
                    continue
                except KbError as e:
                    self.store.gate.notices.append(f"{key}: {e}")
                    continue
                if after != before:
                    done.append(Filled(before, after))
                    changes.append(self.store.paper_change(file, version, after))
            if changes and not dry_run:
                named = some_of([one.after.key for one in done], " ")
                self.edits.commit(changes, f"{what} {named}", strict=False)
            return done

        return self.store.gate.retried(attempt)
