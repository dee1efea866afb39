"""What is in the catalog and what has come in so far, found by look-ups: keys, entries, identifiers, titles …"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from catalog.facts import Facts
from catalog.identity import MOST_NAMESAKES, Verdict, compare, lookups, marks_of
from catalog.search.index import Index

_AGAIN = 5_000  # papers whose facts are held that were loaded: the namesakes of one are those of the next


class Keys:
    """Every key that a work has, with that of its paper: aliases, keys that came just now, and those that are spoken
    for. What the index has is looked up one by one, or `read` at once."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._owners: dict[str, str | None] = {}  # None: nobody has it
        self._cases: dict[str, str] = {}
        self._spoken_for: set[str] = set()
        self._whole = False

    def read(self) -> None:
        """All that the index has, as that is quicker where many are asked for."""
        pairs = self._index.marked("key")
        there: dict[str, str | None] = {**dict(pairs), **{key: key for key, paper in pairs if key == paper}}
        self._owners = there | {key: owner for key, owner in self._owners.items() if owner is not None}
        self._cases = {key.casefold(): key for key in there} | self._cases
        self._whole = True

    def __contains__(self, key: object) -> bool:
        return self._owner(str(key)) is not None

    def get(self, key: str) -> str:
        """The key of the paper that has a key; "" where none has, though something else may."""
        return self._owner(key) or ""

    def _owner(self, key: str) -> str | None:
        if key not in self._owners and not self._whole:
            owners = [paper for _, paper in self._index.marked("key", [key])]
            self._owners[key] = key if key in owners else owners[-1] if owners else None
        return self._owners.get(key)

    def put(self, key: str, owner: str) -> None:
        """That a paper, or "" something else, has a key."""
        self._owners[key] = owner
        self._cases.setdefault(key.casefold(), key)

    def reserve(self, keys: Iterable[str]) -> None:
        """Keys that are spoken for: no work may be newly given one."""
        self._spoken_for.update(key.casefold() for key in keys)

    def like(self, key: str) -> str:
        """A key that a work has and that differs from this one in case only, or ""."""
        return "" if key in self else self._like(key.casefold())

    def is_taken(self, folded: str) -> bool:
        """Whether no work may be newly given a key, case folded."""
        return folded in self._spoken_for or bool(self._like(folded))

    def _like(self, folded: str) -> str:
        if folded not in self._cases and not self._whole:
            there = [key for name in ("key", "alias") for key in self._index.with_fact(name, folded)]
            self._cases |= {folded: there[0]} if there else {}
        return self._cases.get(folded, "")


@dataclass(slots=True)
class Known:
    """`load` gives the facts of a paper in the catalog. Where `many` works come in, all that the index knows is read at
    once."""

    index: Index
    load: Callable[[str], Facts]
    keys: Keys = field(init=False)
    many: bool = False
    _indexed: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    _facts: dict[str, Facts] = field(default_factory=dict)
    _again: dict[str, Facts] = field(default_factory=dict)  # those that were asked for and did not come now
    _different: dict[str, set[str]] = field(default_factory=dict)
    _marks: dict[int, str | list[str]] = field(default_factory=dict)  # by their hashes; a list where there are several
    _own: dict[str, frozenset[tuple[str, str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.keys = Keys(self.index)
        for other, key in self.index.marked("different"):
            self._different.setdefault(key, set()).add(other)
            self._different.setdefault(other, set()).add(key)

    def expect(self, many: bool) -> None:
        """Whether so many works come in that to read the whole index is quicker than to look each up."""
        self.many = many
        if many:
            self.keys.read()

    def add(self, facts: Facts, bibtex: str) -> None:
        """A paper that is new, or as it is now."""
        self._facts[facts.key] = facts
        self._again.pop(facts.key, None)
        self._own[facts.key] = marks_of(facts, bibtex)
        for mark in self._own[facts.key]:
            there = self._marks.setdefault(hash(mark), facts.key)
            if isinstance(there, list):
                there.append(facts.key)
            elif there != facts.key:
                self._marks[hash(mark)] = [there, facts.key]
            if mark[0] == "key":
                if mark[1] not in self.keys:
                    self.keys.put(mark[1], facts.key)
                self.keys.reserve([mark[1]])
        self.keys.put(facts.key, facts.key)

    def of(self, key: str) -> Facts:
        """The facts of a paper."""
        facts = self._facts.get(key) or self._again.get(key)
        if facts is None:
            if len(self._again) >= _AGAIN:
                self._again.clear()
            facts = self._again[key] = self.load(key)
        return facts

    def said(self, key: str, different: Iterable[str]) -> tuple[Facts, frozenset[tuple[str, str]]]:
        """The facts of a paper that was added, and under what it is found again; it is told apart from `different`."""
        return self._facts[key], self._own[key] | {("different", other) for other in different}

    def forget(self) -> None:
        """Hold no facts any more, but by what each paper is found."""
        self._facts.clear()
        self._own.clear()

    def under(self, name: str, values: Iterable[str]) -> dict[str, list[str]]:
        """The papers that have one of these values under a mark's name, by value."""
        values = list(values)
        found = self._stored(name, values)
        for value in values:
            came = self._marks.get(hash((name, value)), [])
            keys = [came] if isinstance(came, str) else list(dict.fromkeys(came))
            if new := [key for key in keys if key not in found.get(value, ())]:
                found[value] = [*found.get(value, ()), *new]
        return found

    def _stored(self, name: str, values: list[str]) -> dict[str, list[str]]:
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
        there = [pair for pair in lookups(facts) if hash(pair) in self._marks or self._stored(pair[0], [pair[1]])]
        for name, value in sorted(there, key=lambda pair: (pair[0] == "who", pair)):
            for keys in self.under(name, [value]).values():
                yield from keys[:MOST_NAMESAKES]


def _by_value(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for value, key in pairs:
        found.setdefault(value, []).append(key)
    return found
