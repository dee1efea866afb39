"""Whether two papers are one work: same key, DOI, arXiv id, or normalised title with the same first author."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from catalog.bibtex.identifiers import fold
from catalog.record import Record

FieldsOf = Callable[[str], Mapping[str, str]]

_TELL_APART = ("volume", "number", "edition", "part", "chapter", "isbn", "issue", "eid")
MOST_NAMESAKES = 100  # works of one title that are compared; an "Editorial" may have thousands
_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv"})


@dataclass(slots=True)
class Known:
    """What is in the catalog already, found by any of its identities. `fields_of` gives a paper's BibTeX fields."""

    fields_of: FieldsOf
    records: dict[str, Record] = field(default_factory=dict)
    by_key: dict[str, str] = field(default_factory=dict)
    by_id: dict[tuple[str, str], str] = field(default_factory=dict)
    by_title: dict[str, list[str]] = field(default_factory=dict)

    def add(self, records: Iterable[Record]) -> None:
        """More records, or newer forms of some."""
        for record in records:
            self.records[record.key] = record
            for key in (record.key, *record.aliases):
                self.by_key.setdefault(key.casefold(), record.key)
            for identity in identifiers(record):
                self.by_id.setdefault(identity, record.key)
            keys = self.by_title.setdefault(fold(record.title), [])
            if record.key not in keys:
                keys.append(record.key)

    def find(self, record: Record, fields: Mapping[str, str]) -> Record | None:
        """The record that is the same work, if there is one."""
        same_key = self.records.get(self.by_key.get(record.key.casefold(), ""))
        if same_key and not _contradict(record, same_key):
            return same_key
        for identity in identifiers(record):
            there = self.records.get(self.by_id.get(identity, ""))
            if there and _alike(record.title, there.title):
                return there
        title = fold(record.title)
        for key in self.by_title.get(title, [])[:MOST_NAMESAKES] if title else ():
            there = self.records[key]
            one = _same_author(record, there, title) and not _contradict(record, there)
            if one and not _apart(fields, self.fields_of(key)):
                return there
        return None


def identifiers(record: Record) -> list[tuple[str, str]]:
    """The DOI and the arXiv id, where known."""
    return [pair for pair in (("doi", record.doi), ("arxiv", record.arxiv)) if pair[1]]


def family(name: str) -> str:
    """The folded family name of a name as shown."""
    words = [word for word in fold(name).split() if word not in _SUFFIXES]
    return words[-1] if words else ""


def _contradict(a: Record, b: Record) -> bool:
    """Whether what both say shows them to be different works: other DOI, other arXiv id, or wholly another title."""
    if (a.doi and b.doi and a.doi != b.doi) or (a.arxiv and b.arxiv and a.arxiv != b.arxiv):
        return True
    if set(identifiers(a)) & set(identifiers(b)):
        return False
    return not _alike(a.title, b.title)


def _alike(a: str, b: str) -> bool:
    """Whether two titles may be one: equal, one within the other, or mostly the same letters."""
    a, b = fold(a)[:300], fold(b)[:300]
    if not a or not b or a in b or b in a:
        return True
    match = SequenceMatcher(None, a, b, autojunk=False)
    return match.quick_ratio() > 0.6 and match.ratio() > 0.6


def _same_author(a: Record, b: Record, title: str) -> bool:
    """The same first author; a list often names none, then a title of several words must do."""
    if not a.authors or not b.authors:
        return len(title.split()) > 2 or _same_links(a, b)
    return family(a.first_author) == family(b.first_author)


def _same_links(a: Record, b: Record) -> bool:
    """Whether works of one short title lead to one address; without authors and links nothing tells them apart."""
    mine, other = ({url.rstrip("/") for _, url, _ in record.links} for record in (a, b))
    return bool(mine & other) or not (a.authors or b.authors or (mine and other))


def _apart(a: Mapping[str, str], b: Mapping[str, str]) -> bool:
    """Whether a field that numbers works of one title differs: volumes and editions of a book, issues of a column."""
    return any(a.get(name, b.get(name)) != b.get(name, a.get(name)) for name in _TELL_APART)
