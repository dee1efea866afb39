"""What has become of papers: new versions, publication, retraction, whether they are there, how often they are cited.

Everything is evidence with its source and day; nothing is called invented.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from catalog.bibtex.identifiers import arxiv as arxiv_id
from catalog.bibtex.identifiers import doi as doi_in
from catalog.facts import Facts
from catalog.identity import compare
from catalog.identity.numbers import is_preprint
from catalog.identity.titles import compare_titles
from catalog.identity.works import is_named
from catalog.ingest.draft import Draft
from catalog.sources import arxiv, crossref, datacite, dblp, openalex, semanticscholar
from catalog.sources.client import Client, NotFound, Unavailable, batches
from catalog.sources.news import News
from catalog.sources.preprints import appeared
from catalog.sources.said import dig, facts_of, iso, items, text
from catalog.text import plain

LOOKED = ("new-version", "appeared", "retracted", "corrected", "other-title", "not-found")
_PART = 100
_WITHDRAWN = re.compile(
    r"\b(?:paper|article|manuscript|submission|preprint|work|version)\s+(?:(?:has been|is|was)\s+)?withdrawn\b"
    r"(?!\s+from)|^withdrawn\b(?!\s+from)|\b(?:authors?|i|we)\s+(?:have\s+|has\s+)?withdr(?:aw|ew|awn)\s+(?:this|the)\b",
    re.I,
)
_EARLIER = re.compile(r"\b(?:earlier|first|previous(?:ly)?|replaces?|supersedes?|old)\b[^.;]{0,40}withdr", re.I)
_RETRACTED = re.compile(r"^\W*(?:retracted(?: article)?|withdrawn)\b\W*", re.I)
_RETRACTIONS = ("retraction", "withdrawal", "removal", "partial_retraction")
_CORRECTIONS = ("correction", "corrigendum", "erratum", "expression_of_concern", "addendum", "clarification")
_VERSION = re.compile(r"(?:\d{4}\.\d{4,5}|/\d{7})v(\d+)")


@dataclass(slots=True)
class Look:
    """Looking at papers: `news` is what was found, `publications` the works that preprints became, by their keys.

    `unasked` are keys of which somebody did not answer; `notes` say who.
    """

    client: Client
    day: str = field(default_factory=lambda: dt.date.today().isoformat())
    news: list[News] = field(default_factory=list)
    publications: dict[str, Draft] = field(default_factory=dict)
    cited: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    unasked: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    _known: dict[str, Any] = field(default_factory=dict)

    def at(self, papers: Sequence[Facts]) -> Iterator[Sequence[Facts]]:
        """Look at papers, and give those that are done, a part at a time."""
        for part in batches(papers, _PART):
            hints = {one.key: [] for one in part}  # type: dict[str, list[str]]
            self._versions(part, hints)
            self._records(part)
            self._scholar(part, hints)
            self._open(part)
            candidates = self._candidates([one for one in part if is_preprint(one)], hints)
            for one in part:
                if is_preprint(one):
                    self._publication(one, candidates.get(one.key, []))
                elif not is_named(one):
                    self._existence(one)
            yield part

    def _say(self, one: Facts, code: str, message: str, remedy: str, about: str) -> None:
        self.news.append(News(one.key, code, message, remedy, about, self.day))

    def _silent(self, papers: Iterable[Facts], error: Exception) -> None:
        self.client.forget_last()
        self.unasked |= {one.key for one in papers}
        if str(error) not in self.notes:
            self.notes.append(str(error))

    # --- arXiv ---

    def _versions(self, papers: Sequence[Facts], hints: dict[str, list[str]]) -> None:
        there = [one for one in papers if one.arxiv]
        try:
            found = arxiv.versions([one.arxiv for one in there], self.client) if there else {}
        except (Unavailable, NotFound) as e:
            self._silent(there, e)
            return
        for one in there:
            latest = found.get(one.arxiv)
            if latest is None:
                self._say(
                    one, "not-found", f"arXiv knows no arXiv:{one.arxiv} ({self.day})", "correct the id", one.arxiv
                )
                continue
            hints[one.key] += [latest.doi] if latest.doi else []
            had = max(
                (int(v) for v in _VERSION.findall(f"{one.bibtex} {' '.join(a.url for a in one.addresses)}")), default=0
            )
            newer = latest.number > had if had else latest.number > 1 and latest.day > (one.reading.added or self.day)
            if newer:
                message = f"version {latest.number} of {latest.day} is at arXiv" + (
                    f", the paper names version {had}" if had else ""
                )
                self._say(one, "new-version", message, _look_at(one), f"v{latest.number}")
            if _WITHDRAWN.search(latest.comment) and not _EARLIER.search(latest.comment):
                self._say(
                    one,
                    "retracted",
                    f"withdrawn at arXiv: {latest.comment[:120]}",
                    "tag it retracted",
                    f"arXiv:{one.arxiv}",
                )

    # --- DOIs ---

    def _records(self, papers: Sequence[Facts]) -> None:
        there = [one for one in papers if one.doi]
        try:
            found = crossref.works([one.doi for one in there], self.client) if there else {}
        except NotFound:
            found = {}
        except Unavailable as e:
            self._silent(there, e)
            return
        self._known |= found
        for one in there:
            if record := found.get(one.doi):
                self._judge(one, record)
            else:
                self._elsewhere(one)

    def _judge(self, one: Facts, record: Any) -> None:
        title = text(record, "title", 0)
        updates = [(_kind_of(update), update) for update in items(record, "updated-by")]
        if _RETRACTED.match(title) and not any(kind in _RETRACTIONS for kind, _ in updates):
            self._say(one, "retracted", f"its title at Crossref is “{title[:120]}”", "tag it retracted", one.doi)
        said = facts_of(Draft(title=_RETRACTED.sub("", title)))
        if compare_titles(one, said) in ("other", "part") and one.title:
            message = f"doi:{one.doi} leads to “{title[:120]}” (Crossref, {self.day})"
            self._say(one, "other-title", message, "correct the DOI or the title", one.doi)
            return
        for kind, update in updates:
            notice, source = doi_in(text(update, "DOI")), text(update, "source")
            source = "Retraction Watch" if source == "retraction-watch" else "Crossref"
            when = iso(items(update, "updated", "date-parts", 0))
            by = f"by doi:{notice}" if notice else ""
            message = " ".join(filter(None, (kind.replace("_", " "), by, when and f"on {when}")))
            if kind in _RETRACTIONS:
                self._say(one, "retracted", f"{message} ({source})", "tag it retracted", notice or one.doi)
            elif kind in _CORRECTIONS:
                self._say(
                    one,
                    "corrected",
                    f"{message} ({source})",
                    _look_at(one),
                    notice or one.doi,
                )

    def _elsewhere(self, one: Facts) -> None:
        """A DOI that Crossref does not have: DataCite's, or nobody's."""
        try:
            said = facts_of(datacite.draft(one.doi, self.client))
        except NotFound:
            message = f"doi:{one.doi} was not found at Crossref or DataCite ({self.day})"
            self._say(one, "not-found", message, "look whether it is written right", one.doi)
        except Unavailable as e:
            self._silent([one], e)
        else:
            if compare_titles(one, said) in ("other", "part") and one.title:
                message = f"doi:{one.doi} leads to “{said.heading[:120]}” (DataCite, {self.day})"
                self._say(one, "other-title", message, "correct the DOI or the title", one.doi)

    # --- the graph ---

    def _scholar(self, papers: Sequence[Facts], hints: dict[str, list[str]]) -> None:
        pairs = {("arxiv", one.arxiv) if one.arxiv else ("doi", one.doi): one for one in papers if one.arxiv or one.doi}
        try:
            found = semanticscholar.named(list(pairs), self.client) if pairs else {}
        except (Unavailable, NotFound) as e:
            self._silent((), e)
            return
        for pair, record in found.items():
            one = pairs[pair]
            count = dig(record, "citationCount")
            if isinstance(count, int) and compare_titles(one, facts_of(Draft(title=text(record, "title")))) != "other":
                self.cited[one.key] = (count, "Semantic Scholar", self.day)
            name = doi_in(text(record, "externalIds", "DOI"))
            if name and not arxiv_id(name) and name not in hints[one.key]:
                hints[one.key].append(name)

    def _open(self, papers: Sequence[Facts]) -> None:
        """What OpenAlex counts and knows as retracted, of those of which nobody has said so."""
        there = {one.doi: one for one in papers if one.doi}
        try:
            found = openalex.works(list(there), self.client) if there else {}
        except (Unavailable, NotFound) as e:
            self._silent((), e)
            return
        told = {one.key for one in self.news if one.code == "retracted"}
        for name, record in found.items():
            if not (one := there.get(name)):
                continue
            if dig(record, "is_retracted") is True and one.key not in told:
                self._say(one, "retracted", f"retracted, as OpenAlex knows ({self.day})", "tag it retracted", name)
            count = dig(record, "cited_by_count")
            if isinstance(count, int) and one.key not in self.cited:
                self.cited[one.key] = (count, "OpenAlex", self.day)

    # --- publication ---

    def _candidates(self, papers: Sequence[Facts], hints: Mapping[str, Sequence[str]]) -> dict[str, list[Any]]:
        """The records, by the preprint's key, of DOIs that authors, the graph or registries name as its publication."""
        named: dict[str, list[str]] = {}
        for one in papers:
            related = items(self._known.get(one.doi), "relation", "is-preprint-of")
            names = [*hints[one.key], *(doi_in(text(other, "id")) for other in related)]
            named[one.key] = [name for name in dict.fromkeys(names) if name and name != one.doi]
        try:
            found = crossref.works(list({name for names in named.values() for name in names}), self.client)
        except (Unavailable, NotFound) as e:
            self._silent((one for one in papers if named[one.key]), e)
            return {}
        return {key: [found[name] for name in names if name in found] for key, names in named.items()}

    def _publication(self, one: Facts, records: Sequence[Any]) -> None:
        """The work that a preprint became: as authors and registries say, else one of the same title and people."""
        try:
            found = next(self._published(one, records), None)
        except (Unavailable, NotFound) as e:
            self._silent([one], e)
            return
        if found:
            draft, why, name = found
            said = facts_of(draft)
            self.publications[one.key] = draft
            place = ", ".join(filter(None, (said.venue, str(said.year or ""), name)))
            remedy = f"`kb update --take published key:{one.key}` puts its entry before the preprint's, both stay"
            self._say(one, "appeared", f"has appeared: {place} ({why})", remedy, said.doi or name)

    def _published(self, one: Facts, records: Sequence[Any]) -> Iterator[tuple[Draft, str, str]]:
        for record in records:
            if text(record, "type") not in ("posted-content", "dissertation") and text(record, "title", 0):
                draft = crossref.draft(record)
                if why := appeared(one, facts_of(draft), asserted=True):
                    yield draft, why, f"doi:{doi_in(text(record, 'DOI'))}"
        for draft in dblp.search(plain(one.title), self.client) if one.title and one.names else ():
            said = facts_of(draft)
            if why := appeared(one, said, asserted=False):
                yield draft, why, f"doi:{said.doi}" if said.doi else f"dblp:{said.id('dblp')}"

    # --- existence ---

    def _existence(self, one: Facts) -> None:
        from catalog.sources.titles import works

        if not one.title or one.kind not in ("", "article", "inproceedings", "misc", "paper", "incollection"):
            return
        found = works(plain(one.title), self.client)
        try:
            there = any(compare(one, facts_of(draft)).answer != "different" for draft in found)
        except Unavailable as e:
            self._silent([one], e)
            return
        if not there:
            message = f"not found in Crossref, arXiv and DBLP by its title ({self.day})"
            self._say(
                one,
                "not-found",
                message,
                _look_at(one),
                "",
            )


def _kind_of(update: Any) -> str:
    """What an update of a work is, such as retraction."""
    return text(update, "type").lower().replace("-", "_").replace(" ", "_")


def _look_at(one: Facts) -> str:
    return f"look at it, then `kb update --settle key:{one.key}`"


def archived(url: str, client: Client) -> str:
    """The address of the newest copy that the Internet Archive has of a page; "" where it has none."""
    from urllib.parse import quote

    try:
        data = client.json(f"https://archive.org/wayback/available?url={quote(url, safe='')}")
    except NotFound:
        return ""
    closest = dig(data, "archived_snapshots", "closest")
    copy = text(closest, "url") if text(closest, "status").startswith("2") else ""
    return re.sub(r"^http://", "https://", copy)
