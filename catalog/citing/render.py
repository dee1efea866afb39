"""One item through the layout of a style's bibliography.

The elements of a style become functions, each when it is first needed; a work is then cited by calling them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

from catalog.citing import dates, names
from catalog.citing.case import cased
from catalog.citing.numbers import as_number, dashed, is_numeric, is_plural, pages
from catalog.citing.pieces import FONTS, Piece, Pieces, content, joined, marked, quoted, settled
from catalog.citing.style import Style
from catalog.errors import KbError

_MOST_NESTED = 60
_MOST_STEPS = 100_000  # the largest style that comes along takes 3,000


class Out(NamedTuple):
    """What an element gives. `called` says that it asked for a variable, `had` that the variable had a value."""

    pieces: Pieces
    called: bool = False
    had: bool = False


_CALLED = Out([], called=True)
_FONTS = ("font-style", "font-variant", "font-weight", "text-decoration", "vertical-align")
_GENERATED = frozenset({"year-suffix", "citation-label", "locator"})


def cite(style: Style, item: Mapping[str, Any], number: int = 1) -> Pieces:
    """The line of a reference list for an item of CSL-JSON; `number` is its place, for the styles that count."""
    layout, affix = _program(style)
    parts = _Run(item, number).outs(layout)
    if "second-field-align" in style.options and len(parts) > 1:
        parts[0] = Out([*parts[0].pieces, Piece(" ")])
    return settled(affix([piece for part in parts for piece in part.pieces]), style.quotes_outside)


@dataclass(slots=True)
class _Run:
    """One item on its way. `done` are variables that stood in for others and are not written again."""

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

    def outs(self, steps: Sequence[_Step]) -> list[Out]:
        """What elements give, each that gives something."""
        out: list[Out] = []
        self.depth, self.steps = self.depth + 1, self.steps + 1
        if self.steps > _MOST_STEPS:
            raise KbError("the style calls its macros without end; mend it, or take another")
        if self.depth < _MOST_NESTED:
            for step in steps:
                step(self, out)
        self.depth -= 1
        return out


_Step = Callable[[_Run, list[Out]], None]
_Dress = Callable[[_Run, Pieces], Pieces]


@lru_cache(maxsize=16)
def _program(style: Style) -> tuple[list[_Step], Callable[[Pieces], Pieces]]:
    """The layout of a style as functions, and what stands around all of it."""
    return _Program(style).steps(style.layout), _affixing(style.layout)


@dataclass(slots=True)
class _Program:
    """Makes functions of the elements of a style; of a macro when it is first called."""

    style: Style
    macros: dict[str, list[_Step]] = field(default_factory=dict)
    asked: dict[str, frozenset[str]] = field(default_factory=dict)

    def steps(self, element: Element, names_of: Element | None = None) -> list[_Step]:
        """A function for each child that can give something."""
        return [step for child in element if (step := self.quick(child, names_of))]

    def quick(self, element: Element, names_of: Element | None) -> _Step | None:
        """The function of an element, which is not called where nothing that it asks for is known."""
        step = self.step(element, names_of)
        if step is None or element.tag not in ("group", "names", "text") or not self.is_silent(element):
            return step
        asked = self.asks(element)

        def quick(run: _Run, out: list[Out]) -> None:
            if asked.isdisjoint(run.item):
                out.append(_CALLED)
            else:
                step(run, out)

        return step if "citation-number" in asked else quick

    def is_silent(self, element: Element, above: frozenset[str] = frozenset()) -> bool:
        """Whether an element says nothing, but that it asked, where it knows nothing of what it asks for."""
        if macro := element.get("macro"):
            below = self.style.macros.get(macro, ()) if macro not in above else ()
            return bool(len(below)) and all(self.is_silent(one, above | {macro}) for one in below)
        if element.tag == "group":
            asking = [one for one in element if one.tag != "label" and not {"term", "value"} & one.attrib.keys()]
            return bool(asking) and all(self.is_silent(one, above) for one in asking)
        if element.tag == "names":
            return all(self.is_silent(one, above) for one in element.findall("substitute/*"))
        return element.tag in ("text", "number", "date") and element.get("variable") not in {None, *_GENERATED}

    def asks(self, element: Element) -> frozenset[str]:
        """The variables that an element asks for, itself or in what it calls."""
        found: set[str] = set()
        for one in element.iter():
            for name in one.get("variable", "").split():
                found |= {name, f"{name}-short", "page" if name == "page-first" else name}
            if (macro := one.get("macro")) and macro in self.style.macros:
                if macro not in self.asked:
                    self.asked[macro] = frozenset()  # so that one that calls itself comes to an end
                    self.asked[macro] = self.asks(self.style.macros[macro])
                found |= self.asked[macro]
        return frozenset(found)

    def step(self, element: Element, names_of: Element | None) -> _Step | None:
        match element.tag:
            case "choose":
                return self.choose(element, names_of)
            case "group":
                return self.group(element)
            case "text":
                return self.text(element)
            case "number":
                return self.number(element)
            case "label":
                return self.label(element)
            case "date":
                return self.date(element)
            case "names":
                return self.names(element, names_of)
        return None

    def choose(self, element: Element, names_of: Element | None) -> _Step:
        branches = [(place, branch, _testing(branch)) for place, branch in enumerate(element)]
        taken: dict[int, list[_Step]] = {}  # made when they are first taken

        def step(run: _Run, out: list[Out]) -> None:
            for place, branch, holds in branches:
                if holds(run):
                    if place not in taken:
                        taken[place] = self.steps(branch, names_of)
                    for one in taken[place]:
                        one(run, out)
                    return

        return step

    def group(self, element: Element) -> _Step:
        steps, delimiter, affix = self.steps(element), element.get("delimiter", ""), _affixing(element)

        def step(run: _Run, out: list[Out]) -> None:
            parts = run.outs(steps)
            called, had = _flags(parts)
            if called and not had:
                out.append(_CALLED)
                return
            pieces = joined([part.pieces for part in parts if part.pieces], delimiter)
            _give(out, affix(pieces), called, bool(pieces))

        return step

    def text(self, element: Element) -> _Step | None:
        dress = _dressing(element)
        if macro := element.get("macro"):
            return self.macro(macro, dress)
        if (variable := element.get("variable", "")) in _GENERATED:
            return None
        if variable:
            said = _saying(self.style, variable, element.get("form") == "short")

            def step(run: _Run, out: list[Out]) -> None:
                pieces, had = said(run), bool(run.value(variable))
                out.append(Out(dress(run, pieces), True, had) if had or pieces else _CALLED)

            return step
        term = element.get("term", "")
        form, many = element.get("form", "long"), element.get("plural") == "true"
        text = self.style.term(term, form, many) if term else element.get("value", "")
        return (lambda run, out: _give(out, dress(run, [Piece(text)]))) if text else None

    def macro(self, name: str, dress: _Dress) -> _Step | None:
        if name not in self.style.macros:
            return None

        def step(run: _Run, out: list[Out]) -> None:
            if name not in self.macros:
                self.macros[name] = self.steps(self.style.macros[name])
            parts = run.outs(self.macros[name])
            _give(out, dress(run, [piece for part in parts for piece in part.pieces]), *_flags(parts))

        return step

    def number(self, element: Element) -> _Step:
        variable, form, dress = element.get("variable", ""), element.get("form", "numeric"), _dressing(element)

        def step(run: _Run, out: list[Out]) -> None:
            text = as_number(str(run.value(variable) or ""), form, self.style)
            out.append(Out(dress(run, [Piece(text)] if text else []), True, bool(text)))

        return step

    def label(self, element: Element) -> _Step:
        variable, said = element.get("variable", ""), self.labelling(element)
        return lambda run, out: _give(out, said(run, variable))

    def labelling(self, element: Element) -> Callable[..., Pieces]:
        rule, form, dress = element.get("plural", "contextual"), element.get("form", "long"), _dressing(element)

        def said(run: _Run, variable: str, several: bool | None = None) -> Pieces:
            value = run.item.get(variable)
            if not value and variable != "editortranslator":
                return []
            many = is_plural(variable, str(value)) if several is None else several
            text = self.style.term(variable, form, rule == "always" or (many and rule != "never"))
            return dress(run, [Piece(text)] if text else [])

        return said

    def date(self, element: Element) -> _Step:
        variable, dress = element.get("variable", ""), _dressing(element)

        def step(run: _Run, out: list[Out]) -> None:
            value = run.value(variable)
            points = value.get("date-parts") if isinstance(value, Mapping) else None
            if points and (season := int(value.get("season", 0))):
                points = [[point[0], 12 + season] for point in points]
            pieces = dates.written(self.style, points, element) if points else []
            out.append(Out(dress(run, pieces), True, bool(pieces)))

        return step

    def names(self, element: Element, names_of: Element | None) -> _Step:
        model = element if names_of is None or element.find("name") is not None else names_of
        roles, said, dress = element.get("variable", "").split(), self.role(model), _dressing(element)
        delimiter = model.get("delimiter", self.style.options.get("names-delimiter", ""))
        as_both = bool(self.style.term("editortranslator"))
        others = [other for child in element.findall("substitute/*") if (other := self.quick(child, element))]

        def step(run: _Run, out: list[Out]) -> None:
            found = [(role, people) for role in roles if (people := run.value(role))]
            if len(found) == 2 and found[0][1] == found[1][1] and as_both:
                found = [("editortranslator", found[0][1])]
            if parts := [said(run, role, people) for role, people in found]:
                out.append(Out(dress(run, joined(parts, delimiter)), True, True))
                return
            for other in others:
                run.used.clear()
                if pieces := [piece for part in run.outs([other]) for piece in part.pieces]:
                    run.done.update(run.used)
                    out.append(Out(dress(run, pieces), True, True))
                    return
            out.append(_CALLED)

        return step

    def role(self, element: Element) -> Callable[[_Run, str, Any], Pieces]:
        name, et_al, label = (element.find(tag) for tag in ("name", "et-al", "label"))
        written = names.writing(self.style, name, et_al)
        affix = _affixing(name) if name is not None else lambda pieces: pieces
        labelled = self.labelling(label) if label is not None else lambda *_: []
        order = [child.tag for child in element]
        first = "label" in order and "name" in order and order.index("label") < order.index("name")

        def said(run: _Run, role: str, people: Any) -> Pieces:
            pieces, shown = (
                affix([piece for piece in written(people) if piece.text]),
                labelled(run, role, len(people) > 1),
            )
            return [*shown, *pieces] if first else [*pieces, *shown]

        return said


def _flags(parts: Sequence[Out]) -> tuple[bool, bool]:
    """Whether some asked for a variable, and whether one had a value."""
    called = had = False
    for _, asked, found in parts:
        called, had = called or asked, had or found
    return called, had


def _give(out: list[Out], pieces: Pieces, called: bool = False, had: bool = False) -> None:
    if pieces or called:
        out.append(Out(pieces, called, had))


def _saying(style: Style, variable: str, short: bool) -> Callable[[_Run], Pieces]:
    """What `text` says of a variable."""
    name = "page" if variable == "page-first" else variable
    ranges = style.options.get("page-range-format", "")

    def said(run: _Run) -> Pieces:
        value = (run.value(f"{variable}-short") if short else None) or run.value(name)
        return _written(variable, str(value), ranges) if value else []

    return said


def _written(variable: str, value: str, ranges: str) -> Pieces:
    if variable == "page":
        return [Piece(pages(value, ranges))]
    if variable == "page-first":
        first = re.split(r"[-–,&]", value)[0].strip()
        return [Piece(first)] if first else []
    if variable in ("volume", "issue", "number", "collection-number"):
        return [Piece(dashed(value))]
    return content(value) if variable not in ("URL", "DOI") else [Piece(value)]


# --- conditions ---


def _testing(branch: Element) -> Callable[[_Run], bool]:
    """Whether the tests of an `if` hold: all, any or none of them; those of an `else` always do."""
    tests = [(name, value) for name, values in branch.attrib.items() if name != "match" for value in values.split()]
    match = branch.get("match", "all")
    kinds = frozenset(value for name, value in tests if name == "type")
    if branch.tag == "else":
        return lambda _: True
    if len(kinds) == len(tests) and match == "any":
        return lambda run: run.item.get("type") in kinds
    if match in ("any", "none"):
        return lambda run: any(_holds(run, *test) for test in tests) == (match == "any")
    return lambda run: all(_holds(run, *test) for test in tests)


def _holds(run: _Run, name: str, value: str) -> bool:
    if name == "type":
        return bool(run.item.get("type") == value)
    if name == "variable":
        return bool(run.item.get(value))
    if name == "is-numeric":
        return is_numeric(str(run.item.get(value) or ""))
    return name == "is-uncertain-date" and bool(
        (run.item.get(value) or {}).get("circa")
    )  # a bibliography has no others


# --- formatting ---


def _dressing(element: Element) -> _Dress:
    """Gives pieces the case, font and quotes that an element asks for, with what stands around them."""
    strip, how, quotes = (
        element.get("strip-periods") == "true", element.get("text-case"), element.get("quotes") == "true",
    )  # fmt: skip
    own = element.tag == "label" or "term" in element.attrib  # a word of the style, not of the work
    affix = _affixing(element)

    def dress(run: _Run, pieces: Pieces) -> Pieces:
        if strip:
            pieces = [Piece(text, piece.marks) for piece in pieces if (text := piece.text.replace(".", ""))]
        if how and pieces:
            pieces = cased(pieces, how, own or str(run.item.get("language", "en")).startswith("en"))
        return affix(quoted(pieces) if quotes and pieces else pieces)

    return dress if strip or how or quotes else lambda _, pieces: affix(pieces)


def _affixing(element: Element) -> Callable[[Pieces], Pieces]:
    """Gives pieces the fonts that an element asks for, and what stands before and after them."""
    marks = [mark for name in _FONTS if (mark := FONTS.get(element.get(name, ""), ""))]
    before, after = ([Piece(text)] if (text := element.get(name, "")) else [] for name in ("prefix", "suffix"))

    def affix(pieces: Pieces) -> Pieces:
        for mark in marks if pieces else ():
            pieces = marked(pieces, mark)
        return [*before, *pieces, *after] if pieces else []

    return affix if marks or before or after else lambda pieces: pieces
