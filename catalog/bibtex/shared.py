"""What the entries of a knowledge base share: the macros and commands they use, and entries that they inherit from."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from catalog.bibtex.commands import NO_COMMANDS, Command, defined
from catalog.bibtex.entry import MONTHS, strings
from catalog.bibtex.scan import scan
from catalog.errors import BadBibtex
from catalog.facts import USED


@dataclass(frozen=True, slots=True)
class Shared:
    """`macros` of `@string`s with the months, `commands` of `@preamble`s, and the text of each entry by folded key.

    `used` says which of `used.USED` count in the entries.
    """

    macros: Mapping[str, str] = field(default_factory=lambda: MONTHS)
    commands: Mapping[str, Command] = field(default_factory=lambda: NO_COMMANDS)
    entries: Mapping[str, str] = field(default_factory=dict)
    used: tuple[str, ...] = USED

    @classmethod
    def of(cls, text: str, used: tuple[str, ...] = USED) -> Self:
        """What a text in BibTeX shares; blocks that cannot be read share nothing."""
        macros: dict[str, str] = dict(MONTHS)
        commands: dict[str, Command] = {}
        entries: dict[str, str] = {}
        for block in scan(text) if text else ():
            with contextlib.suppress(BadBibtex):
                if block.kind == "string":
                    macros.update(strings(block.text, macros))
                elif block.kind == "preamble":
                    commands.update(defined(block.text))
                elif block.kind == "entry":
                    entries[block.key.casefold()] = block.text
        return cls(macros, commands, entries, used)


NOTHING = Shared()
