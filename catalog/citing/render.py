"""One item through the layout of a style's bibliography."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

from catalog.citing import dates, names
from catalog.citing.case import cased
from catalog.citing.numbers import as_number, dashed, is_numeric, is_plural, pages
from catalog.citing.pieces import FONTS, Piece, Pieces, content, joined, marked, plain, quoted, settled
from catalog.citing.pruned import pruned
from catalog.citing.style import Style
from catalog.errors import KbError

_MOST_NESTED = 60
_MOST_STEPS = 100_000  # the largest style that comes along takes 3,000


class Out(NamedTuple):
    """What an element gives. `called` says that it asked for a variable, `had` that the variable had a value."""

    pieces: Pieces
    called: bool = False
    had: bool = False


_NOTHING = Out([])
_FONTS = ("font-style", "font-variant", "font-weight", "text-decoration", "vertical-align")
_GENERATED = frozenset({"year-suffix", "citation-label", "locator"})


def cite(style: Style, item: Mapping[str, Any], number: int = 1) -> Pieces:
    """The line of a reference list for an item of CSL-JSON; `number` is its place, for the styles that count."""
    known = frozenset(name for name, value in item.items() if value)
    run = _Run(pruned(style, str(item.get("type", "")), known), item, number)
    parts = run.children(style.layout)
    if "second-field-align" in style.options and len(parts) > 1:
        parts[0] = Out([*parts[0].pieces, Piece(" ")])
    pieces = [piece for part in parts for piece in part.pieces]
    return settled(run.affixed(style.layout, pieces), style.quotes_outside)


@dataclass(slots=True)
class _Run:
    """One item on its way. `done` are variables that stood in for others and are not written again."""

    style: Style
    item: Mapping[str, Any]
    number: int
    done: set[str] = field(default_factory=set)
    used: list[str] = field(default_factory=list)
    depth: int = 0
    steps: int = 0

    def value(self, name: str) -> Any:
        if name == "citation-number":
            return str(self.number)
        if name in self.done:
            return None
        found = self.item.get(name)
        if found:
            self.used.append(name)
        return found or None

    # --- elements ---

    def children(self, element: Element, names_of: Element | None = None) -> list[Out]:
        """What the children give, each that gives something; `choose` gives those of its branch."""
        return [out for child in element for out in self.render(child, names_of)]

    def render(self, element: Element, names_of: Element | None = None) -> Iterator[Out]:
        if element.tag == "choose":
            for branch in element:
                if branch.tag == "else" or self.holds(branch):
                    yield from self.children(branch, names_of)
                    return
            return
        self.depth, self.steps = self.depth + 1, self.steps + 1
        if self.steps > _MOST_STEPS:
            raise KbError("the style calls its macros without end; mend it, or take another")
        if self.depth < _MOST_NESTED:
            made = self.one(element, names_of)
            if made.pieces or made.called:
                yield made
        self.depth -= 1

    def one(self, element: Element, names_of: Element | None) -> Out:
        match element.tag:
            case "group":
                return self.group(element)
            case "text":
                return self.text(element)
            case "number":
                return self.as_number(element)
            case "label":
                return self.label(element, element.get("variable", ""))
            case "date":
                return self.date(element)
            case "names":
                return self.names(element, names_of)
        return _NOTHING

    def group(self, element: Element) -> Out:
        parts = self.children(element)
        called, had = any(p.called for p in parts), any(p.had for p in parts)
        if called and not had:
            return Out([], True)
        pieces = joined([part.pieces for part in parts if part.pieces], element.get("delimiter", ""))
        return Out(self.affixed(element, pieces), called, bool(pieces))

    def text(self, element: Element) -> Out:
        if macro := element.get("macro"):
            parts = self.children(self.style.macros[macro]) if macro in self.style.macros else []
            pieces = [piece for part in parts for piece in part.pieces]
            called, had = any(p.called for p in parts), any(p.had for p in parts)
            return Out(self.dressed(element, pieces), called, had)
        if (variable := element.get("variable", "")) in _GENERATED:
            return _NOTHING
        if variable:
            return Out(self.dressed(element, self.said(element, variable)), True, bool(self.value(variable)))
        if term := element.get("term"):
            text = self.style.term(term, element.get("form", "long"), element.get("plural") == "true")
            return Out(self.dressed(element, [Piece(text)] if text else []))
        return Out(self.dressed(element, [Piece(element.get("value", ""))]))

    def said(self, element: Element, variable: str) -> Pieces:
        short = self.value(f"{variable}-short") if element.get("form") == "short" else None
        value = short or self.value("page" if variable == "page-first" else variable)
        if not value:
            return []
        if variable == "page":
            return [Piece(pages(str(value), self.style.options.get("page-range-format", "")))]
        if variable == "page-first":
            return [Piece(re.split(r"[-–,&]", str(value))[0].strip())]
        if variable in ("volume", "issue", "number", "collection-number"):
            return [Piece(dashed(str(value)))]
        return content(str(value)) if variable not in ("URL", "DOI") else [Piece(str(value))]

    def as_number(self, element: Element) -> Out:
        variable = element.get("variable", "")
        value = self.value(variable)
        text = as_number(str(value or ""), element.get("form", "numeric"), self.style)
        return Out(self.dressed(element, [Piece(text)] if text else []), True, bool(text))

    def label(self, element: Element, variable: str, several: bool | None = None) -> Out:
        value = self.item.get(variable)
        if not value and variable != "editortranslator":
            return _NOTHING
        rule = element.get("plural", "contextual")
        many = is_plural(variable, str(value)) if several is None else several
        text = self.style.term(variable, element.get("form", "long"), rule == "always" or (many and rule != "never"))
        return Out(self.dressed(element, [Piece(text)] if text else []))

    def date(self, element: Element) -> Out:
        value = self.value(element.get("variable", ""))
        points = value.get("date-parts") if isinstance(value, Mapping) else None
        if points and (season := int(value.get("season", 0))):
            points = [[point[0], 12 + season] for point in points]
        pieces = dates.written(self.style, points, element) if points else []
        return Out(self.dressed(element, pieces), True, bool(pieces))

    def names(self, element: Element, names_of: Element | None) -> Out:
        model = element if names_of is None or element.find("name") is not None else names_of
        roles = element.get("variable", "").split()
        found = [(role, people) for role in roles if (people := self.value(role))]
        if len(found) == 2 and found[0][1] == found[1][1] and self.style.term("editortranslator"):
            found = [("editortranslator", found[0][1])]
        parts = [self.role(model, role, people) for role, people in found]
        if parts:
            delimiter = model.get("delimiter", self.style.options.get("names-delimiter", ""))
            return Out(self.dressed(element, joined(parts, delimiter)), True, True)
        substitute = element.find("substitute")
        return self.substitute(element, substitute) if substitute is not None else Out([], True)

    def substitute(self, element: Element, substitute: Element) -> Out:
        for child in substitute:
            self.used.clear()
            parts = list(self.render(child, element))
            pieces = [piece for part in parts for piece in part.pieces]
            if pieces:
                self.done.update(self.used)
                return Out(self.dressed(element, pieces), True, True)
        return Out([], True)

    def role(self, element: Element, role: str, people: Any) -> Pieces:
        pieces = names.written(self.style, people, element.find("name"), element.find("et-al"))
        name = element.find("name")
        pieces = self.affixed(name, pieces) if name is not None else pieces
        label = element.find("label")
        if label is None:
            return pieces
        shown = self.label(label, role, len(people) > 1).pieces
        order = [child.tag for child in element]
        first = "name" in order and order.index("label") < order.index("name")
        return [*shown, *pieces] if first else [*pieces, *shown]

    # --- conditions ---

    def holds(self, branch: Element) -> bool:
        """Whether the tests of an `if` hold: all, any or none of them."""
        results = list(self.tests(branch))
        match = branch.get("match", "all")
        return any(results) if match == "any" else not any(results) if match == "none" else all(results)

    def tests(self, branch: Element) -> Iterator[bool]:
        for name, values in branch.attrib.items():
            for value in values.split():
                if name == "type":
                    yield self.item.get("type") == value
                elif name == "variable":
                    yield bool(self.item.get(value))
                elif name == "is-numeric":
                    yield is_numeric(str(self.item.get(value) or ""))
                elif name == "is-uncertain-date":
                    yield bool((self.item.get(value) or {}).get("circa"))
                elif name != "match":  # of positions and locators a bibliography has none
                    yield False

    # --- formatting ---

    def dressed(self, element: Element, pieces: Pieces) -> Pieces:
        """Pieces in the case, font and quotes that an element asks for, with what stands around them."""
        if not pieces:
            return []
        if element.get("strip-periods") == "true":
            pieces = [piece._replace(text=piece.text.replace(".", "")) for piece in pieces]
        if how := element.get("text-case"):
            own = element.tag == "label" or "term" in element.attrib  # a word of the style, not of the work
            pieces = cased(pieces, how, own or str(self.item.get("language", "en")).startswith("en"))
        return self.affixed(element, quoted(pieces) if element.get("quotes") == "true" else pieces)

    def affixed(self, element: Element, pieces: Pieces) -> Pieces:
        if not plain(pieces):
            return []
        marks, before, after = _around(element)
        for mark in marks:
            pieces = marked(pieces, mark)
        return [*before, *(piece for piece in pieces if piece.text), *after]


@lru_cache(maxsize=4096)
def _around(element: Element) -> tuple[list[str], Pieces, Pieces]:
    """The fonts that an element asks for, and what stands before and after what it gives."""
    fonts = [FONTS.get(element.get(name, ""), "") for name in _FONTS]
    before, after = (Piece(element.get(name, "")) for name in ("prefix", "suffix"))
    return [mark for mark in fonts if mark], [before] * bool(before.text), [after] * bool(after.text)
