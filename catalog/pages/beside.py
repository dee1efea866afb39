"""A function statement by statement: what its docstrings and comments say, and beside it the lines that it is about."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from inspect import cleandoc

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_PRAGMA = re.compile(r"#\s*(?:noqa|type:|fmt:|ruff:|pragma\b|pylint:|mypy:|-\*-|!)")
_MARK = re.compile(r"#[:!]?\s?")


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment of a line: what it says, and whether nothing else stands on the line."""

    says: str
    alone: bool


@dataclass(frozen=True, slots=True)
class Note:
    """What stands beside lines: a docstring, or the lines of a comment."""

    doc: str = ""
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """Lines of code by their numbers, and the notes beside them."""

    notes: tuple[Note, ...]
    numbers: tuple[int, ...]


def comment(token: str, before: str) -> Comment | None:
    """A comment as one reads it; None where it is empty or speaks to a tool. `before` stands before it on its line."""
    says = "" if _PRAGMA.match(token) else _MARK.sub("", token, count=1).rstrip()
    return Comment(says, not before.strip()) if says else None


def pieces(node: Definition, numbers: Sequence[int], comments: Mapping[int, Comment]) -> list[Piece]:
    """The lines of a definition in pieces. Lines that are comments or docstrings stand in no piece."""
    statements, docs = dict(_statements(node)), dict(_docs(node))
    inside = {n for lines, _ in docs.values() for n in lines}
    code = [n for n in numbers if n not in inside and not (n in comments and comments[n].alone)]
    notes: dict[int, list[Note]] = defaultdict(list)
    ends: set[int] = set()
    for start, (_, doc) in docs.items():
        notes[start].append(Note(doc=doc))
    for lines, after in _alone(numbers, comments, code):
        notes[after].append(Note(lines=lines))
    for number in code:
        if number in comments:
            first, last = statements.get(number, (number, number))
            notes[first].append(Note(lines=(comments[number].says,)))
            ends.add(last)
    return list(_cut(code, notes, ends))


def docstring(body: list[ast.stmt]) -> tuple[str, set[int]] | None:
    """A docstring and the lines on which it stands, if nothing else stands on them."""
    first = body[0] if body else None
    if not (isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)):
        return None
    last = first.end_lineno or first.lineno
    if not isinstance(first.value.value, str) or (len(body) > 1 and body[1].lineno <= last):
        return None
    return cleandoc(first.value.value), set(range(first.lineno, last + 1))


def _cut(code: Sequence[int], notes: Mapping[int, list[Note]], ends: set[int]) -> Iterator[Piece]:
    """A piece begins where a note does, and after a statement that had one at its end."""
    here: list[int] = []
    said: tuple[Note, ...] = ()
    for number in code:
        if number in notes or (here and here[-1] in ends):
            if here:
                yield Piece(said, tuple(here))
            here, said = [], tuple(notes.get(number, ()))
        here.append(number)
    if here or said:
        yield Piece(said, tuple(here))


def _alone(
    numbers: Sequence[int], comments: Mapping[int, Comment], code: Sequence[int]
) -> Iterator[tuple[tuple[str, ...], int]]:
    """Comments on lines of their own, those that follow each other together, and the line of code after them."""
    held: list[str] = []
    follows = set(code)
    for number in numbers:
        if number in follows:
            if held:
                yield tuple(held), number
            held = []
        elif number in comments and comments[number].alone:
            held.append(comments[number].says)
    if held and code:
        yield tuple(held), code[-1]


def _statements(node: Definition) -> Iterator[tuple[int, tuple[int, int]]]:
    """For each line the first and last one of the statement on it; of one with a body, of its head."""
    for inner in ast.walk(node):
        if not isinstance(inner, ast.stmt):
            continue
        body: Iterable[ast.stmt] = getattr(inner, "body", ())
        last = min((one.lineno for one in body), default=(inner.end_lineno or inner.lineno) + 1) - 1
        for number in range(inner.lineno, last + 1):
            yield number, (inner.lineno, last)


def _docs(node: Definition) -> Iterator[tuple[int, tuple[set[int], str]]]:
    """The docstrings of what is defined inside, by the line on which that begins."""
    for inner in ast.walk(node):
        if inner is node or not isinstance(inner, Definition):
            continue
        found = docstring(inner.body)
        if found and min(found[1]) > inner.lineno and inner.body[0].lineno > inner.lineno:
            start = min([inner.lineno, *(mark.lineno for mark in inner.decorator_list)])
            yield start, (found[1], found[0])
