"""What the entries of a merged .bib share: `@string`s, `@preamble`s and comments, and which of it some entries need."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from catalog.bibtex import MONTHS, read, strings
from catalog.bibtex.scan import Block, scan
from catalog.bibtex.syntax import CLOSER, HEADER, GrammarError, Source, read_fields, skip, value_atoms
from catalog.errors import BadBibtex, Finding

SHARED = "shared.bib"
_DEFINED = re.compile(
    r"\\(?:re|provide)?(?:new)?(?:command|robustcmd)\*?\s*+(?:\{\s*+)?\\([A-Za-z@]+)"
    r"|\\Declare\w*Command\*?\s*+(?:\{\s*+)?\\([A-Za-z@]+)|\\(?:[gex]?def|let)\s*\\([A-Za-z@]+)"
)
_COMMAND = re.compile(r"\\([A-Za-z@]+)")


@dataclass(frozen=True, slots=True)
class Definition:
    """A `@string` or `@preamble`: the macros it defines and those it uses, or the LaTeX commands it brings."""

    text: str
    names: frozenset[str] = frozenset()
    uses: frozenset[str] = frozenset()
    commands: frozenset[str] = frozenset()
    preamble: bool = False


@dataclass(slots=True)
class Shared:
    """The text of `shared.bib` in parts, each in its order; `macros` are the months and all its `@string`s."""

    definitions: list[Definition] = field(default_factory=list)
    entries: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    faults: list[Finding] = field(default_factory=list)
    macros: dict[str, str] = field(default_factory=lambda: dict(MONTHS))


def read_shared(text: str) -> Shared:
    """The parts of a `shared.bib`; a definition that cannot be read is a fault."""
    shared = Shared()
    for block in scan(text) if text.strip() else ():
        try:
            _place(block, shared)
        except BadBibtex as error:
            shared.faults.append(_fault(block, str(error)))
    return shared


def needed(shared: Shared, entries: Iterable[str]) -> list[Definition]:
    """The definitions that some entries use: macros, also through each other, and preambles that define a command.

    A preamble that defines no command is needed by any entry, since what it does cannot be told.
    """
    texts = list(entries)
    macros = {name.lower() for text in texts for name in read(text, {}).undefined}
    commands = {name for text in texts if "\\" in text for name in _COMMAND.findall(text)}
    kept: list[Definition] = []
    for definition in reversed(shared.definitions):
        if definition.preamble:
            wanted = bool(texts) and (not definition.commands or not commands.isdisjoint(definition.commands))
        else:
            wanted = not macros.isdisjoint(definition.names)
        if wanted:
            kept.append(definition)
            macros |= definition.uses
            commands.update(_COMMAND.findall(definition.text))
    return kept[::-1]


def _place(block: Block, shared: Shared) -> None:
    text = block.text.strip()
    if block.kind == "string":
        shared.macros.update(strings(text, shared.macros))
        shared.definitions.append(_string(text))
    elif block.kind == "preamble":
        shared.definitions.append(_preamble(text))
    elif block.kind in ("entry", "broken"):
        shared.entries.append(text)
    elif text:
        shared.comments.append(text)


def _string(text: str) -> Definition:
    source, header = _opened(text)
    try:
        spans, _ = read_fields(source, header.end(), CLOSER[header["open"]], first=True)
    except GrammarError as error:
        raise BadBibtex(error.message) from None
    atoms = (text[start:stop] for span in spans for start, stop in span.atoms)
    return Definition(text, frozenset(span.name for span in spans), _macros(atoms))


def _preamble(text: str) -> Definition:
    source, header = _opened(text)
    try:
        spans = value_atoms(source, header.end())
    except GrammarError as error:
        raise BadBibtex(error.message) from None
    if not text.startswith(CLOSER[header["open"]], skip(text, spans[-1][1])):
        raise BadBibtex("it is not one value in braces or quotes")
    atoms = [text[start:stop] for start, stop in spans]
    commands = {name for found in _DEFINED.findall(text) for name in found if name}
    return Definition(text, uses=_macros(atoms), commands=frozenset(commands), preamble=True)


def _opened(text: str) -> tuple[Source, re.Match[str]]:
    header = HEADER.match(text, skip(text, 0))
    if not header:
        raise BadBibtex("no block starts here")
    return Source(text), header


def _macros(atoms: Iterable[str]) -> frozenset[str]:
    return frozenset(atom.lower() for atom in atoms if atom[0] not in '{"' and not atom[0].isdecimal())


def _fault(block: Block, message: str) -> Finding:
    return Finding(
        "export-left-out",
        f"a @{block.kind} that cannot be read is left out: {message}",
        "mend it, `kb check` says why",
        SHARED,
        block.line,
        block.key,
        "rejected",
    )
