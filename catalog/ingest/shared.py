"""What the entries of .bib files share, kept in one text: `@string`s, `@preamble`s, `@xdata`, comments.

A source's names give way where the text has them with another meaning: its own entries then call them by a new name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from catalog.bibtex import MONTHS, read, scan, set_key, strings
from catalog.bibtex.commands import Command, defined
from catalog.bibtex.held import with_macros, with_references
from catalog.bibtex.normal import Wanted, normalize
from catalog.bibtex.scan import Block
from catalog.errors import BadBibtex, Finding
from catalog.ingest.draft import Source
from catalog.text import quoted


@dataclass(slots=True)
class Sharing:
    """The shared text while sources come in. `macros` are the months and what its `@string`s say, `commands` what
    its `@preamble`s define, `entries` its `@xdata` and `@set` by key. `held` gives the entries of all papers: a comment
    in one of them is here, wherever a normalised export puts it."""

    text: str
    held: Callable[[], Iterable[str]] = tuple
    macros: dict[str, str] = field(default_factory=lambda: dict(MONTHS))
    commands: dict[str, Command] = field(default_factory=dict)
    entries: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    _own: set[str] = field(default_factory=set)
    _there: set[str] = field(default_factory=set)
    _comments: str = "\n"
    _within: set[str] | None = None

    def __post_init__(self) -> None:
        for block in scan(self.text) if self.text.strip() else ():
            self._know(block)

    def take(self, source: Source) -> Source:
        """Take in what a source shares; gives the source, its drafts calling what they use by its name here."""
        blocks = [block for text in source.shared for block in scan(text)]
        env = dict(self.macros)
        for block in blocks:
            env |= values_of(block.text, env)
        macros: dict[str, str] = {}
        keys: dict[str, str] = {}
        for block in blocks:
            if block.kind == "string":
                macros |= self._renamed(block, env, source)
        for block in blocks:
            if block.kind == "entry":
                text = with_macros(block.text, macros)
                keys |= self._rekeyed(block.key, text, source)
        for block in blocks:
            text = with_references(with_macros(block.text, macros), keys)
            if block.kind == "entry" and block.key in keys:
                text = set_key(text, keys[block.key])
            self._append(text)
        if not macros and not keys:
            return source
        texts = [with_references(with_macros(draft.bibtex, macros), keys) for draft in source.drafts]
        drafts = zip(source.drafts, texts, strict=True)
        return replace(source, drafts=tuple(replace(draft, bibtex=text) for draft, text in drafts))

    def _renamed(self, block: Block, env: Mapping[str, str], source: Source) -> dict[str, str]:
        new = {}
        for name, value in values_of(block.text, env).items():
            if name in self._own and self.macros[name] != value:
                new[name] = self._free(name, value, env)
                message = f"@string {name} is here with another value, {quoted(self.macros[name], 58)}"
                remedy = f"the entries of this file now call theirs, {quoted(value, 58)}, {new[name]}"
                path = source.drafts[0].path if source.drafts else ""
                self.findings.append(Finding("string-clash", message, remedy, path, 0, name, "repaired"))
        return new

    def _free(self, name: str, value: str, taken: Mapping[str, str]) -> str:
        number = 2
        while (new := f"{name}-{number}") in taken and not (new in self._own and self.macros[new] == value):
            number += 1
        return new

    def _rekeyed(self, key: str, text: str, source: Source) -> dict[str, str]:
        """The key that an `@xdata` is given where another has its own."""
        number, new = 1, key
        while new in self.entries and not says_same(set_key(text, new), self.entries[new]):
            number += 1
            new = f"{key}-{number}"
        if new == key:
            return {}
        path = source.drafts[0].path if source.drafts else ""
        message, remedy = f"shared.bib has another entry {key}", f"this one was given the key {new}"
        self.findings.append(Finding("key-taken", message, remedy, path, 0, new, "repaired"))
        return {key: new}

    def _append(self, text: str) -> None:
        block = scan(text)[0]
        if block.kind == "comment":
            there = _lines(text) in self._comments or self._in_entries(text.split("\n"))
        else:
            there = _squeeze(text) in self._there or self._defines(values_of(text, self.macros))
            there = there or (block.key in self.entries and says_same(text, self.entries[block.key]))
        if not there:
            self.text = (self.text.rstrip("\n") + "\n\n" if self.text.strip() else "") + text.strip() + "\n"
            self._know(block)

    def _in_entries(self, lines: list[str]) -> bool:
        """Whether these lines of comment end lines of entries, as they do between fields."""
        left = [line.rstrip() for line in lines if line.strip()]
        if not all(line.startswith("%") for line in left):
            return False
        left = [line for line in left if f"{line}\n" not in self.text]
        if left and self._within is None:
            self._within = {ending for entry in self.held() if "%" in entry for ending in _endings(entry)}
        return not left or (self._within is not None and self._within.issuperset(left))

    def _defines(self, values: Mapping[str, str]) -> bool:
        return bool(values) and all(name in self._own and self.macros[name] == values[name] for name in values)

    def _know(self, block: Block) -> None:
        if block.kind == "comment":
            self._comments += _lines(block.text)[1:]
            return
        self._there.add(_squeeze(block.text))
        values = values_of(block.text, self.macros)
        self.macros |= values
        self._own |= values.keys()
        if block.kind == "entry":
            self.entries[block.key] = block.text
        elif block.kind == "preamble":
            self.commands |= defined(block.text)


def values_of(text: str, macros: Mapping[str, str] = MONTHS) -> dict[str, str]:
    """The macros that one `@string` defines, unresolved ones by name; empty for any other block."""
    if not text.lstrip()[:8].lower().replace(" ", "").startswith("@string"):
        return {}
    try:
        return strings(text, macros)
    except BadBibtex:
        return {}


def says_same(one: str, other: str) -> bool:
    """Whether two entries say the same, whichever of them is written as `kb export biblatex` writes it."""
    if _squeeze(one) == _squeeze(other):
        return True
    try:
        first, second = (read(normalize(text, wanted=Wanted(biblatex=True))) for text in (one, other))
    except BadBibtex:
        return False
    return (first.type, first.key, first.fields) == (second.type, second.key, second.fields)


def _endings(text: str) -> Iterator[str]:
    return (found[1].rstrip() for found in re.finditer(r"(?=(%[^\n]*))", text))


def _squeeze(text: str) -> str:
    return " ".join(text.split())


def _lines(text: str) -> str:
    return "\n" + "".join(f"{line}\n" for line in map(str.strip, text.split("\n")) if line)
