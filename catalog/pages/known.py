"""The papers of a site with the names of their pages and what runs, and keys for what is made from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from operator import attrgetter

from catalog.facts import Facts
from catalog.pages.lazy import key
from catalog.pages.verdicts import Implementation

_OF_READERS = ("reading", "readers", "notes", "cites")
_MINE = attrgetter(*_OF_READERS)
_WORK = attrgetter(*(one.name for one in fields(Facts) if one.name not in _OF_READERS))


@dataclass(slots=True)
class Known:
    """Papers in list order, the name of each one's page, and its implementations, by its key."""

    papers: Sequence[Facts]
    names: Mapping[str, str]
    shown: Mapping[str, Sequence[Implementation]]
    _marks: dict[str, str] = field(default_factory=dict)
    _works: dict[str, str] = field(default_factory=dict)
    _ran: dict[str, str] = field(default_factory=dict)

    def mark(self, facts: Facts) -> str:
        """A key for all that is known of a paper."""
        if facts.key not in self._marks:
            self._marks[facts.key] = key(self.work(facts), *_MINE(facts), self.names[facts.key])
        return self._marks[facts.key]

    def work(self, facts: Facts) -> str:
        """A key for what is known of a work, whoever reads it and whatever they note."""
        if facts.key not in self._works:
            self._works[facts.key] = key(_WORK(facts))
        return self._works[facts.key]

    def ran(self, paper: str) -> str:
        """A key for its implementations and their records; "" where it has none."""
        if paper not in self._ran:
            self._ran[paper] = key(self.shown[paper]) if paper in self.shown else ""
        return self._ran[paper]

    def key(self, papers: Sequence[Facts], *more: object) -> str:
        """A key for what is made from some papers, their implementations, and more."""
        return key([(self.mark(facts), self.ran(facts.key)) for facts in papers], *more)

    def parted(self, size: int) -> Iterator[tuple[int, Sequence[Facts]]]:
        """The papers in parts of a size, numbered from the end: one that comes in front changes the last part alone."""
        for number, end in enumerate(range(len(self.papers), 0, -size)):
            yield number, self.papers[max(0, end - size) : end]
