"""What is in the catalog and what has come in so far, found by look-ups: keys, entries, identifiers, titles …"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from catalog.facts import Facts
from catalog.identity import MOST_NAMESAKES, Verdict, compare, lookups, marks_of
from catalog.search.index import Index


@dataclass(slots=True)
class Known:
    """`load` gives the facts of a paper in the catalog. `keys` holds every key that a work has, aliases among them, and
    the key of its paper; `reserved` all keys that no work may be newly given, case folded. Where `many` works come in,
    all that the index knows is read at once."""

    index: Index
    load: Callable[[str], Facts]
    keys: dict[str, str] = field(default_factory=dict)
    reserved: set[str] = field(default_factory=set)
    many: bool = False
    _cases: dict[str, str] = field(default_factory=dict)
    _indexed: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    _facts: dict[str, Facts] = field(default_factory=dict)
    _different: dict[str, set[str]] = field(default_factory=dict)
    _marks: dict[tuple[str, str], str | list[str]] = field(default_factory=dict)  # a list where there are several
    _own: dict[str, frozenset[tuple[str, str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        pairs = self.index.marked("key")
        self.keys |= dict(pairs) | {key: key for key, paper in pairs if key == paper}
        self._cases |= {key.casefold(): key for key in self.keys}
        self.reserve(self.keys)
        for other, key in self.index.marked("different"):
            self._different.setdefault(key, set()).add(other)
            self._different.setdefault(other, set()).add(key)

    def reserve(self, keys: Iterable[str]) -> None:
        """Keys that are spoken for."""
        self.reserved.update(key.casefold() for key in keys)

    def add(self, facts: Facts, bibtex: str) -> None:
        """A paper that is new, or as it is now."""
        self._facts[facts.key] = facts
        self._own[facts.key] = marks_of(facts, bibtex)
        for mark in self._own[facts.key]:
            there = self._marks.setdefault(mark, facts.key)
            if isinstance(there, list):
                there.append(facts.key)
            elif there != facts.key:
                self._marks[mark] = [there, facts.key]
            if mark[0] == "key":
                self.keys.setdefault(mark[1], facts.key)
                self.reserved.add(mark[1].casefold())
                self._cases.setdefault(mark[1].casefold(), mark[1])
        self.keys[facts.key] = facts.key

    def of(self, key: str) -> Facts:
        """The facts of a paper."""
        if key not in self._facts:
            self._facts[key] = self.load(key)
        return self._facts[key]

    def marks(self, key: str) -> frozenset[tuple[str, str]]:
        """Under what a paper that was added is found again."""
        return self._own.get(key, frozenset())

    def under(self, name: str, values: Iterable[str]) -> dict[str, list[str]]:
        """The papers that have one of these values under a mark's name, by value."""
        values = list(values)
        found = self._stored(name, values)
        for value in values:
            came = self._marks.get((name, value), [])
            keys = [came] if isinstance(came, str) else list(dict.fromkeys(came))
            if new := [key for key in keys if key not in found.get(value, ())]:
                found[value] = [*found.get(value, ()), *new]
        return found

    def like(self, key: str) -> str:
        """A key that a work has and that differs from this one in case only, or ""."""
        found = self._cases.get(key.casefold(), "")
        return "" if key in self.keys else found

    def _stored(self, name: str, values: list[str]) -> dict[str, list[str]]:
        """What the index has under these values."""
        if not self.many:
            return _by_value(self.index.marked(name, values))
        if name not in self._indexed:
            self._indexed[name] = _by_value(self.index.marked(name))
        there = self._indexed[name]
        return {value: there[value] for value in values if value in there}

    def find(self, facts: Facts) -> tuple[Facts | None, list[tuple[Facts, Verdict]]]:
        """The paper that is the same work, if there is one, and else those that may be."""
        maybe = []
        for key in dict.fromkeys(self._near(facts)):
            if key in self._different.get(facts.key, ()):
                continue
            there = self.of(key)
            mine = replace(facts, key=key) if facts.key != key and self.keys.get(facts.key) == key else facts
            verdict = compare(mine, there)
            if verdict.answer == "same":
                return there, []
            if verdict.answer == "maybe":
                maybe.append((there, verdict))
        return None, maybe

    def _near(self, facts: Facts) -> Iterator[str]:
        if owner := self.keys.get(facts.key):
            yield owner
        for name, value in sorted(lookups(facts), key=lambda pair: (pair[0] == "who", pair)):
            for keys in self.under(name, [value]).values():
                yield from keys[:MOST_NAMESAKES]


def _by_value(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for value, key in pairs:
        found.setdefault(value, []).append(key)
    return found
