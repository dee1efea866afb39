"""What reference implementations say of the papers they implement: text that the search finds a paper by."""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from catalog.facts import Facts

if TYPE_CHECKING:
    from refimpl import Card


class Told(NamedTuple):
    """An implementation as the index keeps it: its name, the key and the identifiers of its paper, what it says."""

    name: str
    paper: str
    ids: tuple[tuple[str, str], ...]
    text: str


class Implemented:
    """The implementations that came with readrun, and those in the `refimpl/` folder of a knowledge base."""

    def __init__(self, root: Path) -> None:
        self._own = root / "refimpl"
        self._mark = ""
        self._cards: list[Card] = []

    def mark(self) -> str:
        """A text that changes when an implementation is added, changed or removed; none of them is read for it."""
        stamps = [_stamps(folder) if folder.is_relative_to(self._own) else _once(folder) for folder in self._folders()]
        return f"{zlib.crc32(repr(stamps).encode()):x}"

    def told(self) -> list[Told]:
        """What the search takes of every implementation; each is read for it."""
        return [Told(card.name, card.paper, tuple(card.ids), said([card])) for card in self.cards()]

    def cards(self) -> list[Card]:
        """Every implementation, as it names its paper; read again where a file has changed."""
        from refimpl import cards

        if (mark := self.mark()) != self._mark:
            there = cards()
            own = self._own.is_dir() and not any(card.path.startswith(str(self._own)) for card in there)
            self._cards, self._mark = there + cards(self._own) if own else there, mark
        return self._cards

    def _folders(self) -> Iterator[Path]:
        for folder in dict.fromkeys((*_shipped(), self._own)):
            yield from (folder, folder / "claims")


@cache
def _shipped() -> tuple[Path, ...]:
    found = find_spec("refimpl")
    return tuple(Path(place) for place in (found.submodule_search_locations or ())) if found else ()


def _stamps(folder: Path) -> list[tuple[str, int]]:
    stamps = []
    with contextlib.suppress(OSError), os.scandir(folder) as listing:
        for item in listing:
            if item.name.endswith(".py"):
                with contextlib.suppress(OSError):
                    stamps.append((item.name, item.stat().st_mtime_ns))
    return sorted(stamps)


_once = cache(_stamps)  # of what came with readrun: it does not change under a command that runs


def by_paper(told: Iterable[Told]) -> Mapping[tuple[str, str], Sequence[Told]]:
    """Implementations by each identifier of their paper, and by its key."""
    found: dict[tuple[str, str], list[Told]] = {}
    for one in told:
        for name in (*one.ids, ("key", one.paper)):
            found.setdefault(name, []).append(one)
    return found


def text_of(facts: Facts, told: Mapping[tuple[str, str], Sequence[Told]]) -> str:
    """What a paper's implementations say; "" where it has none. One that only has its key, but another identifier, is
    another paper's."""
    by_id = [one for name in facts.ids for one in told.get(name, ())]
    by_key = [one for key in (facts.key, *facts.aliases) for one in told.get(("key", key), ())]
    own = (one for one in by_key if not any(facts.id(name) not in ("", value) for name, value in one.ids))
    return "\n\n".join(dict.fromkeys(one.text for one in (*by_id, *own)))


def said(cards: Iterable[Card]) -> str:
    """What implementations say: their names, docstrings and claims."""
    return "\n\n".join(
        "\n".join([card.name, card.doc, card.parts, *(claim.says for claim in card.claims)]) for card in cards
    )
