"""The query language: words, "phrases", fields, AND, OR, NOT and parentheses, read into a tree.

    (lora OR adapter) status:unread tag:quantization year:2021..2023 has:code -tag:survey

Pure: it knows nothing of where the papers are kept; `index` evaluates the tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, NoReturn, TypeAlias

from catalog.errors import BadQuery
from catalog.search.fields import FIELDS as _FIELDS
from catalog.search.fields import Value, bare, unknown_field, words
from catalog.search.fold import clean
from catalog.search.tree import And, Node, Not, Or, Query, any_of

__all__ = ["DEEPEST", "EXAMPLES", "FIELDS", "LONGEST", "Query", "parse"]

LONGEST = 10_000
DEEPEST = 100
FIELDS: Mapping[str, str] = MappingProxyType({name: field.meaning for name, field in _FIELDS.items()})
EXAMPLES: Mapping[str, str] = MappingProxyType({name: field.example for name, field in _FIELDS.items()})

_Kind: TypeAlias = Literal["(", ")", "AND", "OR", "NOT", "term"]
_OPERATORS: dict[str, _Kind] = {"AND": "AND", "OR": "OR", "NOT": "NOT"}
_NAME = re.compile(r"(read-by|[A-Za-z]+):", re.I)
_TEXT_AFTER_COLON = re.compile(r"\s|\)|//|\Z")
_WORD_END = re.compile(r'[\s()"]|\Z')
_BARE_END = re.compile(r'[\s()",]|\Z')
_IDENTIFIER = re.compile(r"https?://|10\.[0-9]{4}")
_MINUS = re.compile(r"-(?=[^\s)])")


@dataclass(frozen=True, slots=True)
class _Token:
    kind: _Kind
    start: int
    node: Node | None = None


@dataclass(slots=True)
class _Group:
    """What stands between two parentheses: alternatives, each of parts that must all hold.

    A part that is None (a word without a letter) asks for nothing.
    """

    start: int
    alternatives: list[list[Node | None]] = field(default_factory=lambda: [[]])
    waiting: _Token | None = None
    negate_next: bool = False


def parse(text: str) -> Query:
    """Read a query; an empty one matches every paper. Raises `BadQuery`, which says where and what to write."""
    text = clean(text)
    if len(text) > LONGEST:
        raise BadQuery(f"the query has {len(text):,} characters; at most {LONGEST:,} are read")
    groups = [_Group(-1)]
    for token in _lex(text):
        _take(text, groups, token)
    if len(groups) > 1:
        _bad(text, groups[-1].start, "this parenthesis is not closed; add ) or quote the text")
    root = _close(text, groups[0])
    if root is None and text.strip():
        raise BadQuery(f"nothing to search for in {text[:40]!r}: no letter and no digit")
    return Query(text, root)


def _take(text: str, groups: list[_Group], token: _Token) -> None:
    top = groups[-1]
    if token.kind == "term":
        _add(top, token.node)
    elif token.kind == "(":
        if len(groups) > DEEPEST:
            _bad(text, token.start, f"parentheses more than {DEEPEST} deep; write the query flatter")
        groups.append(_Group(token.start))
    elif token.kind == ")":
        if len(groups) == 1:
            _bad(text, token.start, "this parenthesis was not opened; remove it or quote the text")
        node = _close(text, groups.pop())
        _add(groups[-1], node)
    else:
        _operate(text, top, token)


def _add(group: _Group, node: Node | None) -> None:
    if node is not None and group.negate_next:
        node = node.part if isinstance(node, Not) else Not(node)
    group.alternatives[-1].append(node)
    group.negate_next, group.waiting = False, None


def _operate(text: str, group: _Group, token: _Token) -> None:
    if token.kind == "NOT":
        group.negate_next = not group.negate_next
    elif group.waiting or not group.alternatives[-1]:
        _bad(text, token.start, f"{token.kind} has nothing before it; to search for the word, quote it")
    elif token.kind == "OR":
        group.alternatives.append([])
    group.waiting = token


def _close(text: str, group: _Group) -> Node | None:
    if group.waiting:
        _bad(text, group.waiting.start, f"{group.waiting.kind} has nothing after it; to search for the word, quote it")
    if group.start >= 0 and not group.alternatives[-1]:
        _bad(text, group.start, "nothing between the parentheses; remove them")
    every = [_joined(And, parts) for parts in group.alternatives]
    return _joined(Or, every)


def _joined(kind: type[And] | type[Or], parts: list[Node | None]) -> Node | None:
    asked = tuple(dict.fromkeys(part for part in parts if part is not None))
    if len(asked) < 2:
        return asked[0] if asked else None
    return kind(asked)


def _lex(text: str) -> Iterator[_Token]:
    pairs = _pairs(text)
    at = 0
    while at < len(text):
        char = text[at]
        if char.isspace():
            at += 1
        elif char in "()":
            yield _Token("(" if char == "(" else ")", at)
            at += 1
        elif _MINUS.match(text, at):
            yield _Token("NOT", at)
            at += 1
        else:
            token, at = _term(text, at, pairs)
            yield token


def _term(text: str, at: int, pairs: Mapping[int, int]) -> tuple[_Token, int]:
    """The phrase, field or word that starts here, and where it ends."""
    if text[at] == '"':
        phrase, end = _quoted(text, at)
        return _Token("term", at, words(phrase)), end
    name = _NAME.match(text, at)
    if name and name[1].lower() in _FIELDS:
        return _field(text, name.end(), name[1].lower(), pairs)
    if name and not _TEXT_AFTER_COLON.match(text, name.end()):
        _bad(text, at, unknown_field(name[1]))
    value, end = _bare(text, at, pairs) if _IDENTIFIER.match(text, at) else _until(_WORD_END, text, at)
    word = value.text
    if word in _OPERATORS:
        return _Token(_OPERATORS[word], at), end
    return _Token("term", at, bare(Value(word))), end


def _field(text: str, at: int, name: str, pairs: Mapping[int, int]) -> tuple[_Token, int]:
    """A field's values, from behind its colon on: quoted or bare, several with commas between."""
    start, spec, nodes = at, _FIELDS[name], []
    while True:
        where = at
        value, at = _quoted(text, at) if text[at : at + 1] == '"' else _bare(text, at, pairs)
        try:
            if value.text.strip():
                nodes.append(spec.read(value))
        except BadQuery as e:
            _bad(text, where, f"{name}: {e}")
        if text[at : at + 1] != ",":
            break
        at += 1
    if not nodes:
        _bad(text, start, f"{name}: needs a value right after the colon, such as {spec.example}")
    return _Token("term", start, any_of(nodes)), at


def _quoted(text: str, at: int) -> tuple[Value, int]:
    end = text.find('"', at + 1)
    if end < 0:
        _bad(text, at, 'this " is not closed; add another or remove it')
    return Value(text[at + 1 : end], quoted=True), end + 1


def _bare(text: str, at: int, pairs: Mapping[int, int]) -> tuple[Value, int]:
    """A value up to a blank, comma or quote; parentheses belong to it where they are closed within it."""
    end = _find(_BARE_END, text, at)
    while end in pairs:
        end = _find(_BARE_END, text, pairs[end] + 1)
    return Value(text[at:end]), end


def _pairs(text: str) -> dict[int, int]:
    """Opening -> closing parenthesis, of those with neither blank nor quote between them."""
    pairs: dict[int, int] = {}
    opened: list[int] = []
    for at, char in enumerate(text):
        if char == "(":
            opened.append(at)
        elif char == ")" and opened:
            pairs[opened.pop()] = at
        elif char == '"' or char.isspace():
            opened.clear()
    return pairs


def _until(pattern: re.Pattern[str], text: str, at: int) -> tuple[Value, int]:
    end = _find(pattern, text, at)
    return Value(text[at:end]), end


def _find(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.search(text, at)
    return found.start() if found else len(text)


def _bad(text: str, at: int, problem: str) -> NoReturn:
    rest = text[at : at + 40]
    place = f"at character {at + 1}, {rest!r}" if rest.strip() else "at its end"
    raise BadQuery(f"{problem} (in the query, {place})")
