"""A query as a tree of values: what `query` reads and `index` evaluates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

BEYOND = "\U0010ffff"  # sorts after every character that a value may go on with


@dataclass(frozen=True, slots=True)
class Words:
    """Tokens that stand side by side in one column ("" is any); with `prefix`, the last may go on.

    `also` are other runs of tokens that will do: further forms of the word, other spellings.
    """

    tokens: tuple[str, ...]
    prefix: bool = False
    column: str = ""
    also: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Is:
    """A fact of that name has exactly this value."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Between:
    """A fact of that name has a value v with start <= v < stop, by code points."""

    name: str
    start: str
    stop: str


@dataclass(frozen=True, slots=True)
class Contains:
    """A fact of that name has this text in its value."""

    name: str
    part: str


@dataclass(frozen=True, slots=True)
class And:
    """Every part holds."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """One part holds, or more."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Node


Node: TypeAlias = Words | Is | Between | Contains | And | Or | Not


@dataclass(frozen=True, slots=True)
class Query:
    """A query that was read. `root` is None where it matches every paper."""

    text: str = ""
    root: Node | None = None

    @property
    def words(self) -> tuple[Words, ...]:
        """The words that a match holds or may hold: what results are ranked by and what may be shown marked."""
        return tuple(dict.fromkeys(_words(self.root)))


def _words(node: Node | None) -> list[Words]:
    if isinstance(node, Words):
        return [node]
    if isinstance(node, And | Or):
        return [words for part in node.parts for words in _words(part)]
    return []


def each_leaf(node: Node | None, change: Callable[[Node], Node | None]) -> Node | None:
    """The tree with everything changed that is asked for in it; what becomes None is no longer asked for."""
    match node:
        case And(parts) | Or(parts):
            kept = tuple(part for part in (each_leaf(part, change) for part in parts) if part)
            return type(node)(kept) if kept else None
        case Not(part):
            return Not(each_leaf(part, change) or part)
    return change(node) if node else None


def each_word(node: Node | None, change: Callable[[Words], Words]) -> Node | None:
    """The tree with every `Words` changed."""
    return each_leaf(node, lambda leaf: change(leaf) if isinstance(leaf, Words) else leaf)


def starting(name: str, prefix: str) -> Between:
    """A fact of that name has a value that starts so."""
    return Between(name, prefix, prefix + BEYOND)


def any_of(nodes: list[Node]) -> Node:
    """The alternative of one node or more."""
    nodes = list(dict.fromkeys(nodes))
    return nodes[0] if len(nodes) == 1 else Or(tuple(nodes))
