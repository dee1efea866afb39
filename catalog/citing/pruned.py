"""A style for works of one shape: branches that such a work never takes are cut off before any of them is written.

Most of a style is conditions on the type of a work and on what is known of it. A bibliography has a handful of such
shapes and thousands of works.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from functools import lru_cache
from xml.etree.ElementTree import Element

from catalog.citing.style import Style

_WHOLE = frozenset({"names", "date", "label", "number", "name", "et-al"})  # what is in them is no plain sequence


def pruned(style: Style, kind: str, known: frozenset[str]) -> Style:
    """The style for works of a type of which these variables are known."""
    same = Same(style)
    return _pruned(same, kind, known & _asked(same))


class Same:
    """A style by its identity."""

    def __init__(self, style: Style) -> None:
        self.style = style

    def __hash__(self) -> int:
        return id(self.style)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.style is self.style


@lru_cache(maxsize=64)
def _asked(same: Same) -> frozenset[str]:
    """The variables that a style's conditions ask for."""
    elements = [branch for tree in (same.style.layout, *same.style.macros.values()) for branch in tree.iter()]
    return frozenset(v for one in elements if one.tag in {"if", "else-if"} for v in one.get("variable", "").split())


@lru_cache(maxsize=2048)
def _pruned(same: Same, kind: str, known: frozenset[str]) -> Style:
    style = same.style
    macros = {name: _copy(macro, kind, known) for name, macro in style.macros.items()}
    layout = _copy(style.layout, kind, known)
    while empty := {name for name, macro in macros.items() if not len(macro)}:
        macros = {name: macro for name, macro in macros.items() if name not in empty}
        for element in (layout, *macros.values()):
            _without(element, empty)
    return replace(style, layout=layout, macros=macros)


def _copy(element: Element, kind: str, known: frozenset[str]) -> Element:
    copied = Element(element.tag, element.attrib)
    for child in element:
        copied.extend(_taken(child, kind, known))
    return copied


def _taken(child: Element, kind: str, known: frozenset[str]) -> Iterator[Element]:
    """The child, or of a choice the branch that such a work takes; a choice that hangs on values stays."""
    if child.tag != "choose":
        copied = child if child.tag in _WHOLE else _copy(child, kind, known)
        if child.tag != "group" or len(copied):
            yield copied
        return
    for branch in child:
        answer = True if branch.tag == "else" else _holds(branch, kind, known)
        if answer is None:
            yield _copy_choice(child, kind, known)
            return
        if answer:
            yield from _copy(branch, kind, known)
            return


def _copy_choice(child: Element, kind: str, known: frozenset[str]) -> Element:
    copied = Element(child.tag, child.attrib)
    copied.extend(_copy(branch, kind, known) for branch in child)
    return copied


def _holds(branch: Element, kind: str, known: frozenset[str]) -> bool | None:
    """Whether the tests of a branch hold; None where they hang on more than the type and what is known."""
    if "is-numeric" in branch.attrib or "is-uncertain-date" in branch.attrib:
        return None
    types, variables = branch.get("type", "").split(), branch.get("variable", "").split()
    others = [value for name, value in branch.attrib.items() if name not in {"type", "variable", "match"}]
    results = [
        *(kind == one for one in types),
        *(one in known for one in variables),
        *(False for value in others for _ in value.split()),
    ]
    match = branch.get("match", "all")
    return any(results) if match == "any" else not any(results) if match == "none" else all(results)


def _without(element: Element, macros: Collection[str]) -> None:
    """Take out what calls macros that give nothing, and groups that are empty then."""
    for child in list(element):
        if child.tag in _WHOLE:
            continue
        _without(child, macros)
        if child.get("macro") in macros or (child.tag == "group" and not len(child)):
            element.remove(child)
