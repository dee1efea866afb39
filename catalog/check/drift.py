"""Whether the libraries that are installed are those that tutorials were written for.

Another major version is one whose first number that is not 0 differs: 5.23 is another than 4.36, and 0.21 than 0.7, as
releases before 1.0 promise nothing from one second number to the next. A library that is not installed says nothing,
and so does a statement that is not one version (`>=4`, `main`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from catalog.errors import Finding, KbError
from catalog.models import Tutorial
from catalog.notebook import OWN, read
from catalog.store.beside import notebook_at

if TYPE_CHECKING:
    from catalog.check.sheet import Sheet
    from catalog.check.world import World

_VERSION = re.compile(
    r"\s*(?:===?|~=|\^)?\s*v?(?P<numbers>\d{1,6}(?:\.\d{1,6}){0,7})(?:\.[x*])?"
    r"(?:[-_.]?(?:a|b|c|rc|alpha|beta|pre|preview|dev|post)[-_.]?\d{0,9}){0,3}(?:\+[\w.-]{0,60})?\s*\Z",
    re.I,
)
_ITEM = re.compile(r"(?P<indent>[ \t]*)-(?:[ \t]|\Z)")

_REMEDY = "run the notebook with what is installed, and state the versions that it runs with"


def drift_rules(sheet: Sheet, world: World) -> Iterator[Finding]:
    """Tutorials of a paper that link a notebook, and state another version than is installed."""
    for place, tutorial in enumerate(sheet.paper.tutorials):
        if not tutorial.notebook:
            continue  # a tutorial without a notebook is remembered, and not run
        for library, stated, installed in drifted(tutorial.versions, world.installed):
            line = _line(sheet, place, library)
            yield sheet.finding("drift", _message(tutorial.name, library, stated, installed), _REMEDY, line)
        yield from _in_notebook(sheet, tutorial, world)


def _in_notebook(sheet: Sheet, tutorial: Tutorial, world: World) -> Iterator[Finding]:
    """What the notebook itself states, as far as the paper does not."""
    path = notebook_at(world.store, tutorial.notebook)
    if not path:
        return
    try:
        body = world.contents(path)
        stated = read(body).written_for
    except (KbError, FileNotFoundError):
        return  # said already, as a link to what is no notebook
    new = {library: version for library, version in stated.items() if library not in tutorial.versions}
    for library, version, installed in drifted(new, world.installed):
        message = _message(tutorial.name, library, version, installed)
        shown = path.relative_to(world.store.root).as_posix()
        yield Finding("drift", message, _REMEDY, shown, _line_in_notebook(body, library), sheet.paper.key, "note")


def _message(name: str, library: str, stated: str, installed: str) -> str:
    return f"tutorial {name}: written for {library} {stated}, and {installed} is installed"


def drifted(versions: Mapping[str, str], version: Callable[[str], str]) -> Iterator[tuple[str, str, str]]:
    """The libraries of which another major version is installed than is stated: name, stated, installed."""
    for library, stated in versions.items():
        installed = version(library)
        if installed and not compatible(stated, installed):
            yield library, stated, installed


def compatible(stated: str, installed: str) -> bool:
    """Whether two versions are of one kind: the same up to the first number that is not 0, as far as both say."""
    ours, theirs = _numbers(stated), _numbers(installed)
    if not ours or not theirs:
        return True
    for mine, other in zip(ours, theirs, strict=False):
        if mine != other:
            return False
        if mine:
            return True
    return True


def _numbers(version: str) -> tuple[int, ...]:
    """The numbers of a version; none where it is not one version."""
    match = _VERSION.match(version[:200])
    return tuple(map(int, match["numbers"].split("."))) if match else ()


def _line(sheet: Sheet, place: int, library: str) -> int:
    """The line of a library among the versions of a tutorial, the first of which has the place 0."""
    first = sheet.front_line("tutorials")
    lines = sheet.text.split("\n")
    indent, seen, start = "", -1, first
    for number in range(first + 1, len(lines) + 1):
        line = lines[number - 1]
        if line.startswith("---"):
            break
        item = _ITEM.match(line)
        if item and (seen < 0 or item["indent"] == indent):
            indent, seen = item["indent"], seen + 1
            start = number if seen == place else start
        if seen == place and re.match(rf"[-\s]*['\"]?{re.escape(library)}['\"]?\s*:", line):
            return number
    return start


def _line_in_notebook(body: bytes, library: str) -> int:
    """The line on which a notebook says what version of a library it was written for."""
    lines = body.decode("utf-8", "replace").split("\n")
    own = next((number for number, line in enumerate(lines) if f'"{OWN}"' in line), 0)
    within = next((number for number in range(own, len(lines)) if '"written_for"' in lines[number]), 0)
    named = json.dumps(library) + ":"
    found = (number for number in range(within, len(lines)) if named in lines[number])
    return next(found, within) + 1
