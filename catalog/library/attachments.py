"""The PDFs of papers: kept by their bytes, fetched where they are open, searched, and what was marked in them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from catalog import attached
from catalog.errors import KbError
from catalog.files import is_pdf, read_bytes
from catalog.library.edits import Edits
from catalog.snapshot import Snapshot
from catalog.store import Store

if TYPE_CHECKING:
    from catalog.facts import Facts
    from catalog.ingest.draft import Added
    from catalog.models import Paper
    from catalog.search.pages import Pages
    from catalog.search.tree import Query
    from catalog.sources import Client
    from catalog.sources.adding import Gathered

TEXTS = "pages.sqlite"
_BESIDE = re.compile(
    r"\W*(?:supplement\w*|supporting information|appendi(?:x|ces)|erratum|corrigendum|correction)\b", re.I
)
_TOP = 2500  # characters of a PDF within which its own title stands


class Kept(NamedTuple):
    """What became of the PDF of a paper: the file's name; or why there is none, and whether somebody did not answer."""

    key: str
    name: str = ""
    wrong: str = ""
    note: str = ""
    unasked: bool = False


class Attachments:
    """The PDFs of a knowledge base; `Library` says what each does."""

    def __init__(self, store: Store, snapshot: Snapshot, edits: Edits) -> None:
        self.store = store
        self.snapshot = snapshot
        self.edits = edits

    def attach(self, key: str, data: bytes) -> Kept:
        facts = self.snapshot.get(key)
        note = _doubt(facts, data)
        name = attached.keep(self.store, data)
        link = attached.link(self.store, name)

        def edit(paper: Paper) -> Paper:
            return paper if link in paper.links else paper.evolve(links=(*paper.links, link))

        if link.url not in {one.url for one in facts.addresses if one.kind == attached.KIND}:
            self.edits.change([facts.key], edit, "attach")
        self._pages([name]).close()
        return Kept(facts.key, name, note=note)

    def linked(self, gathered: Iterable[Gathered]) -> list[Gathered]:
        """What was gathered; a work that was told from a PDF with that PDF, which is kept."""
        from dataclasses import replace

        def one_of(one: Gathered) -> Gathered:
            if not (one.pdf and one.draft):
                return one
            link = attached.link(self.store, attached.keep(self.store, _bytes(one.pdf)))
            return replace(one, draft=replace(one.draft, links=(*one.draft.links, link)))

        return [one_of(one) for one in gathered]

    def kept_with(self, done: Added, file: str) -> Added:
        """What became of a work that was told from a PDF; of one that was here, whether it has a further PDF now."""
        if not (done.key and file):
            return done
        before = self._names(self.snapshot.get(done.key))
        name = self.attach(done.key, _bytes(file)).name
        if done.new or name in before:
            return done
        return done._replace(note=f"{file} is kept with {done.key}" + (", beside its other PDF" if before else ""))

    def fetch(self, found: Iterable[Facts], client: Client) -> Iterator[Kept]:
        from catalog.sources import NotFound, Unavailable
        from catalog.sources.copies import copies

        there = set(attached.there(self.store))
        for facts in found:
            if any(name in there for name in self._names(facts)):
                continue
            wrong, unasked = "no open copy is known", False
            for url in copies(facts, client):
                try:
                    data = client.download(url, attached.MOST_BYTES)
                    doubt = _doubt(facts, data)
                except (NotFound, Unavailable) as e:
                    if isinstance(e, Unavailable) and e.offline:
                        raise
                    wrong, unasked = str(e), unasked or isinstance(e, Unavailable)
                else:
                    if not doubt:
                        yield self._attached(facts.key, data)
                        break
                    wrong = f"what {client.name(url)} gave was not taken: {doubt}"
            else:
                yield Kept(facts.key, wrong=wrong, unasked=unasked)

    def _attached(self, key: str, data: bytes) -> Kept:
        try:
            return self.attach(key, data)
        except KbError as e:
            return Kept(key, wrong=str(e), unasked=True)

    def _names(self, facts: Facts) -> list[str]:
        found = (one for one in facts.addresses if one.kind == attached.KIND)
        names = (attached.name_of(self.store.root, self.store.folder, one.url) for one in found)
        return [name for name in names if name]

    # --- their text ---

    def asked(self, query: Query) -> Query:
        """A query that has `in:pdf`, with the papers in the place of what their PDFs say."""
        from dataclasses import replace

        from catalog.cache import FAILURE
        from catalog.search.pages import in_pdfs
        from catalog.search.tree import Is

        owners: dict[str, list[str]] = {}
        for facts in self.snapshot.index().search(f"has:{attached.KIND}"):
            for name in self._names(facts):
                owners.setdefault(name, []).append(facts.key)
        with contextlib.closing(self._pages(attached.there(self.store))) as pages:
            try:
                return replace(query, root=in_pdfs(query.root, Is("in", "pdf"), pages, owners))
            except FAILURE as e:
                raise KbError(f"what the PDFs say cannot be read: {e}; remove .kb/{TEXTS}, it is made anew") from None

    def _pages(self, names: Iterable[str]) -> Pages:
        """The texts of PDFs, each of these read; where the disk keeps none of it, for as long as it is held."""
        from catalog.cache import FAILURE, MEMORY
        from catalog.search.pages import Pages

        self.store.gate.make_private()
        pages = Pages(self.store.private / TEXTS)
        try:
            self._read(pages, names)
        except FAILURE:
            pages.close()
            pages = Pages(MEMORY)
            self._read(pages, names)
        return pages

    def _read(self, pages: Pages, names: Iterable[str]) -> None:
        """Read the PDFs that have not been read yet; of one that cannot be read, nothing is to be found."""
        from catalog.sources.pdf import pages as texts

        for name in sorted(set(names) - pages.files()):
            try:
                found = texts(read_bytes(self.store.root / attached.FOLDER / name, most=attached.MOST_BYTES))
            except (KbError, FileNotFoundError):
                found = []
            pages.put(name, found)

    # --- what was marked ---

    def annotations(self, found: Iterable[Facts]) -> Iterator[tuple[str, int]]:
        """The keys of papers whose notes hold now what was marked in their PDFs, and how many marks."""
        from catalog.sources.annotations import fenced, marks

        there = set(attached.there(self.store))
        for facts in found:
            for name in (one for one in self._names(facts) if one in there):
                found_ = marks(read_bytes(self.store.root / attached.FOLDER / name, most=attached.MOST_BYTES))

                def edit(paper: Paper, name: str = name, found_: Sequence[object] = tuple(found_)) -> Paper:
                    return paper.evolve(notes=fenced(paper.notes, name, list(found_)))  # type: ignore[arg-type]  # marks

                if edit(before := self.store.load(self.snapshot.file(facts.key))) != before:
                    self.edits.change([facts.key], edit, "annotations")
                if found_:
                    yield facts.key, len(found_)


def _bytes(file: str) -> bytes:
    return read_bytes(Path(file), file, attached.MOST_BYTES)


def _doubt(facts: Facts, data: bytes) -> str:
    """Why a PDF may be of another paper; "" where nothing speaks against it."""
    from catalog.facts import Facts as _Facts
    from catalog.identity.titles import compare_titles
    from catalog.sources import Guess, recognise
    from catalog.sources.pdf import guess
    from catalog.text import with_math

    if not is_pdf(data):
        return "it is no PDF"
    try:
        told = guess(data)
    except KbError:
        return ""
    beside = _BESIDE.match(told.title)
    if beside and not _BESIDE.match(facts.heading):
        return f"it is called “{told.title[:80]}”"
    top = Guess(head=told.head[:_TOP])
    if len(facts.heading) >= 20 and top.head.strip() and top.says(facts.heading):
        return ""  # its title stands there, so what else is named there is of others
    known = recognise(told.identifier) if told.identifier else None
    if known and (own := facts.id(known.id[0])):
        return "" if own == known.id[1] else f"it says {known.id[0]}:{known.id[1]}, the paper is {known.id[0]}:{own}"
    other = _Facts(key="?", title=with_math(told.title))
    if told.title and facts.title and compare_titles(facts, other) == "other":
        return f"it is called “{told.title[:80]}”"
    return ""
