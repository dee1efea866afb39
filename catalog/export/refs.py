"""A .bib that others write too: what is not ours in it stays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import NamedTuple

from catalog.bibtex import decode, read
from catalog.bibtex.scan import Block, scan
from catalog.errors import BadBibtex

_ALIKE = 0.6
_IDS = ("doi", "eprint", "isbn", "url")


@dataclass(frozen=True, slots=True)
class Refs:
    """Our entries and those that a file held already. `kept` are the keys of others' entries, `replaced` those of ours
    that read otherwise there, `clashing` the keys under which the file holds another work, which stays instead of ours.
    """

    text: str
    kept: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    clashing: tuple[str, ...] = ()


class _Parts(NamedTuple):
    definitions: list[Block]
    entries: list[Block]
    comments: list[Block]
    broken: list[Block]


def join(made: str, there: str, known: Mapping[str, str]) -> Refs:
    """Our .bib with what a file holds that is not ours: entries, macros, comments and what cannot be read.

    `known` has the text of every entry of ours by key, also of those that are not in `made`. An entry there is ours
    where it has one of these keys and is the same work. Ours come last, so that what others inherit from stands behind
    them, as BibTeX wants it. Joining again changes nothing.
    """
    ours, theirs = _parts(scan(made)), _parts(scan(there))
    mine = {block.key: block.text.strip() for block in ours.entries}
    foreign = [block for block in theirs.entries if block.key not in known or not _same(block.text, known[block.key])]
    kept = dict.fromkeys(block.key for block in foreign)
    replaced = [block.key for block in theirs.entries if block.key not in kept
                and mine.get(block.key, block.text.strip()) != block.text.strip()]  # fmt: skip
    own = [block for block in ours.entries if block.key not in kept]
    said = {block.text.strip() for block in (*ours.definitions, *ours.comments)}
    others = [block for block in (*theirs.definitions, *theirs.comments) if block.text.strip() not in said]
    blocks = [
        *ours.definitions,
        *(block for block in others if block.kind != "comment"),
        *(block for block in others if block.kind == "comment"),
        *{block.text.strip(): block for block in foreign}.values(),
        *_defined_again(ours.definitions, others),
        *own,
        *ours.comments,
        *ours.broken,
        *(block for block in theirs.broken if block.text.strip() not in {one.text.strip() for one in ours.broken}),
    ]
    text = "\n\n".join(block.text.strip("\n") for block in blocks)
    return Refs(f"{text}\n" if text else "", tuple(kept), tuple(replaced), tuple(key for key in kept if key in mine))


def entries_of(text: str) -> dict[str, str]:
    """The entries of a .bib by key."""
    return {block.key: block.text for block in reversed(_parts(scan(text)).entries)}


def _parts(blocks: Iterable[Block]) -> _Parts:
    parts = _Parts([], [], [], [])
    for block in blocks:
        if block.kind in ("string", "preamble"):
            parts.definitions.append(block)
        elif block.kind == "entry":
            parts.entries.append(block)
        elif block.kind == "comment":
            parts.comments.append(block)
        else:
            parts.broken.append(block)
    return parts


def _defined_again(ours: Iterable[Block], others: Iterable[Block]) -> Iterator[Block]:
    """Our macros that another definition stands against, once more, for our entries."""
    names = {block.key.lower() for block in others if block.kind == "string"}
    yield from (block for block in ours if block.kind == "string" and block.key.lower() in names)


def _same(one: str, other: str) -> bool:
    """Whether two entries under one key may be one work: by an identifier, else by how alike their titles are."""
    try:
        first, second = read(one, {}).fields, read(other, {}).fields
    except BadBibtex:
        return one.strip() == other.strip()
    if any(first.get(name, "").casefold() == second.get(name, "-").casefold() for name in _IDS):
        return True
    ours, theirs = (_squeezed(fields.get("title", "")) for fields in (first, second))
    if not ours or not theirs:
        return True
    return ours in theirs or theirs in ours or SequenceMatcher(None, ours, theirs).ratio() > _ALIKE


def _squeezed(title: str) -> str:
    return "".join(char for char in decode(title).casefold() if char.isalnum())
