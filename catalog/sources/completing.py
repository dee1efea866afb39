"""What papers lack, filled in from services in batches; never over what somebody wrote.

Who knows most at least cost is asked first. After each batch what came is handed out, so that it can be written: a run
that is ended goes on where it was, as what is there is not asked for again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, cast

from catalog.bibtex import set_key
from catalog.bibtex.describe import describe
from catalog.facts import Facts
from catalog.identity import compare
from catalog.identity.titles import compare_titles
from catalog.identity.works import WORK_IDS, is_named
from catalog.ingest.draft import Draft
from catalog.models import Link, Paper
from catalog.sources import (
    Source,
    acl,
    arxiv,
    books,
    dblp,
    doi,
    github,
    huggingface,
    openalex,
    openreview,
    page,
    pubmed,
    semanticscholar,
)
from catalog.sources.adding import stub_key
from catalog.sources.client import Client, NotFound, Unavailable, batches
from catalog.sources.hosts import host_of
from catalog.sources.said import facts_of, keyless
from catalog.text import plain

WHAT = ("bibtex", "authors", "venue", "year", "abstract", "ids", "code")
_MAIN = frozenset({"bibtex", "authors", "venue", "year", "abstract"})
_ALIKE = ("equal", "close", "longer", "unknown")


class Step(NamedTuple):
    """A source to ask: the identifier it goes by, how many at once, and how."""

    name: str
    batch: int
    fetch: Callable[[Sequence[str], Client], Iterable[tuple[str, Draft]]]


STEPS = (
    Step("doi", doi.BATCH, doi.fetch),
    Step("arxiv", arxiv.BATCH, arxiv.fetch),
    Step("pmid", pubmed.BATCH, pubmed.fetch),
    Step("pmcid", 20, pubmed.fetch),
    Step("acl", 10, acl.fetch),
    Step("openreview", 10, openreview.fetch),
    Step("isbn", books.BATCH, books.fetch),
    Step("dblp", 10, dblp.fetch),
)


def lacking(facts: Facts, code: bool = True) -> frozenset[str]:
    """What a paper lacks, of `WHAT`."""
    there = {
        "bibtex": facts.bibtex, "authors": facts.names, "venue": facts.venue, "year": facts.year,
        "abstract": facts.abstract, "ids": is_named(facts),
        "code": facts.address("code") or not code or not facts.arxiv,
    }  # fmt: skip
    return frozenset(name for name, value in there.items() if not value)


def is_stub(facts: Facts) -> bool:
    """Whether a paper's key was made out of an identifier or address alone, though its people are known now."""
    if not (facts.names and facts.year):
        return False
    urls = [one.url for one in facts.addresses]
    places = (("github", github.match), ("openalex", openalex.match), ("page", str))
    named = (*facts.ids, *((name, match(url)) for url in urls for name, match in places))
    return any(value and facts.key == stub_key(name, value) for name, value in named)


@dataclass
class Run:
    """A completion under way: `notes` say who did not answer and what was not taken.

    `unasked` are keys of papers that lack something of which somebody did not answer. `now` says what is asked for at
    the moment, with how long that takes (seconds) where it goes one paper at a time.
    """

    client: Client
    wanted: frozenset[str]
    facts: dict[str, Facts]
    notes: list[str] = field(default_factory=list)
    now: tuple[str, float] = ("", 0.0)
    _silent_of: set[str] = field(default_factory=set)

    @property
    def unasked(self) -> set[str]:
        return {key for key in self._silent_of & self.facts.keys() if lacking(self.facts[key]) & self.wanted}

    def batches(self) -> Iterator[Mapping[str, Draft]]:
        """Drafts by the key of the paper that lacks what they have, a batch at a time."""
        for step in STEPS:
            yield from self._by_ids(step)
        yield from self._by_scholar()
        yield from self._by_place()
        yield from self._by_title()
        yield from self._codes()

    def update(self, facts: Facts, old: str = "") -> None:
        """A paper as it is now; `old` is the key that it had."""
        self.facts.pop(old, None)
        self.facts[facts.key] = facts
        if old in self._silent_of:
            self._silent_of.add(facts.key)

    def _todo(self, of: Collection[str]) -> list[Facts]:
        return [one for one in self.facts.values() if lacking(one) & self.wanted & set(of)]

    def _by_ids(self, step: Step) -> Iterator[Mapping[str, Draft]]:
        todo = [one for one in self._todo(_MAIN) if one.id(step.name)]
        for some in batches(todo, step.batch):
            part = {one.id(step.name): one for one in some}
            found: dict[str, Draft] = {}
            try:
                for name, draft in step.fetch(list(part), self.client):
                    if self._fits(part[name], draft, f"{step.name}:{name}"):
                        found[part[name].key] = draft
            except (Unavailable, NotFound) as e:
                self._silent(part.values(), e)
            yield found

    def _by_scholar(self) -> Iterator[Mapping[str, Draft]]:
        """What the graph of Semantic Scholar has, five hundred at once, of those that still lack something."""
        todo = self._todo(_MAIN)
        pairs = {pair: one for one in todo for pair in _best_id(one)}
        for part in batches(list(pairs), semanticscholar.BATCH):
            try:
                records = semanticscholar.named(part, self.client)
            except (Unavailable, NotFound) as e:
                self._silent(todo, e)
                return
            drafts = {pairs[pair]: semanticscholar.draft(record) for pair, record in records.items()}
            yield {one.key: draft for one, draft in drafts.items() if self._fits(one, draft, "Semantic Scholar")}

    def _by_place(self) -> Iterator[Mapping[str, Draft]]:
        """What the pages of papers say that have no other identifier, and repositories of those to be cited for."""
        todo = [(one, place) for one in self._todo({"bibtex"}) if (place := _place(one))]
        for number, (one, (source, name)) in enumerate(todo):
            self.now = f"the pages of {len(todo) - number} papers", 1.5 * (len(todo) - number)
            found = {}
            try:
                for _, draft in source.fetch([name], self.client):
                    if self._fits(one, draft, name):
                        found[one.key] = draft
            except NotFound:
                pass
            except Unavailable as e:
                if e.offline:
                    self._silent((left for left, _ in todo[number:]), e)
                    return
                if not one.title:  # of a post that says nothing of itself there is nothing to tell each time
                    self._silent([one], e)
            yield found

    def _by_title(self) -> Iterator[Mapping[str, Draft]]:
        """Works that are the same as a paper of which only title and people are known."""
        from catalog.sources.titles import works

        todo = [one for one in self._todo({"ids", "bibtex"}) if not is_named(one)]
        for number, one in enumerate(todo):
            if one.title:
                self.now = f"the titles of {len(todo) - number} papers", 4.2 * (len(todo) - number)
                found = works(plain(one.title), self.client)
                try:
                    same = next((draft for draft in found if compare(one, facts_of(draft)).answer == "same"), None)
                except Unavailable as e:
                    self._silent(todo[number:], e)
                    return
                yield {one.key: same} if same else {}

    def _codes(self) -> Iterator[Mapping[str, Draft]]:
        todo = self._todo({"code"})
        for start in range(0, len(todo), 20):
            left = len(todo) - start
            self.now = f"the code of {left} papers at Hugging Face", left * host_of("huggingface.co").every
            found: dict[str, Draft] = {}
            silent = None
            for number, one in enumerate(todo[start : start + 20], start):
                try:
                    url = huggingface.code(one.arxiv, self.client)
                except Unavailable as e:
                    silent = todo[number:], e
                    break
                if url:
                    found[one.key] = Draft(links=(Link(name="code", url=url),))
            yield found
            if silent:
                self._silent(*silent)
                return

    def _fits(self, one: Facts, draft: Draft, name: str) -> bool:
        said = facts_of(draft)
        if compare_titles(one, said) in _ALIKE:
            return True
        self.notes.append(f"{one.key}: {name} is “{said.heading[:100]}”; not taken")
        return False

    def _silent(self, papers: Iterable[Facts], error: Exception) -> None:
        self.client.forget_last()
        if isinstance(error, Unavailable):
            self._silent_of |= {one.key for one in papers}
        if str(error) not in self.notes:
            self.notes.append(str(error))


def _place(facts: Facts) -> tuple[Source, str] | None:
    """The page, or else the repository, of a paper that has no identifier by which it can be asked for."""
    if is_named(facts):
        return None
    for one in facts.addresses:
        if name := openalex.match(one.url):
            return cast("Source", openalex), name
        if one.kind == "paper" and not github.match(one.url) and page.match(one.url):
            return cast("Source", page), one.url
    if facts.title:  # a repository may be that of several papers
        return None
    return next(((cast("Source", github), name) for one in facts.addresses if (name := github.match(one.url))), None)


def _best_id(facts: Facts) -> list[tuple[str, str]]:
    return [(name, facts.id(name)) for name in ("arxiv", "doi", "acl", "pmid", "s2") if facts.id(name)][:1]


def filled(paper: Paper, draft: Draft, wanted: Collection[str], facts: Callable[[Paper], Facts] = describe) -> Paper:
    """The paper with what it lacks of what is wanted, and the draft has; nothing that it says is changed.

    A title is taken out of the file where the entry that came says the very same.
    """
    own = facts(paper)
    if "bibtex" in wanted and not paper.bibtex and draft.bibtex:
        paper = paper.evolve(bibtex=set_key(keyless(draft.bibtex), paper.key))
        own = facts(paper)
        if paper.title and plain(facts(paper.evolve(title="")).title) == paper.title:
            paper = paper.evolve(title="")
    said = facts_of(draft)
    changes: dict[str, object] = {}
    if not own.title and said.title:
        changes["title"] = said.heading
    if "authors" in wanted and not own.names and said.names:
        changes["authors"] = tuple(name.display for name in said.names)
    if "venue" in wanted and not own.venue and said.venue:
        changes["venue"] = said.venue
    if "year" in wanted and not own.year and said.year:
        changes["year"] = said.year
    if "abstract" in wanted and not own.abstract and said.abstract:
        changes["abstract"] = plain(said.abstract)
    if "ids" in wanted and (more := _more_ids(own, said)):
        changes["ids"] = {**paper.ids, **more}
    if links := _more_links(own, draft, wanted):
        changes["links"] = (*paper.links, *links)
    return paper.evolve(**changes) if changes else paper


def _more_ids(own: Facts, said: Facts) -> dict[str, str]:
    """Identifiers of the same work; not the DOI of what may be a preprint's publication."""
    found = {name: value for name, value in said.ids if name in WORK_IDS and not own.id(name)}
    if own.arxiv and "doi" in found:
        del found["doi"]
    if own.doi and "arxiv" in found:
        del found["arxiv"]
    return found


def _more_links(own: Facts, draft: Draft, wanted: Collection[str]) -> list[Link]:
    there = {address.kind for address in own.addresses}
    kinds = {"pdf", "code"} if "code" in wanted else {"pdf"}
    return [link for link in draft.links if link.name in kinds and link.name not in there]


class Filled(NamedTuple):
    """What a paper gained: as it was, and as it is."""

    before: Paper
    after: Paper

    @property
    def gained(self) -> list[str]:
        """The fields that it has now and had not."""
        names = ("key", "bibtex", "title", "authors", "venue", "year", "abstract", "ids", "links")
        return [
            name
            for name in names
            if getattr(self.after, name) and getattr(self.after, name) != getattr(self.before, name)
        ]
