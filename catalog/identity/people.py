"""People, as they are compared."""

from __future__ import annotations

from typing import Literal

from catalog.facts import Facts, Name
from catalog.identity.titles import misspelt, squeezed
from catalog.text import fold

People = Literal["same", "unsure", "different", "unknown"]


def compare_people(a: Facts, b: Facts) -> People:
    mine, other = dict(a.people), dict(b.people)
    for role in ("translator", "editor"):
        if mine.get(role) and other.get(role) and _lists(mine[role], other[role], False) == "different":
            return "different"
    if (one := a.detail("shortauthor")) and (two := b.detail("shortauthor")) and fold(one) != fold(two):
        return "different"
    if bool(mine.get("translator")) != bool(other.get("translator")) and a.bibtex and b.bibtex:
        return "unsure"
    if not mine or not other:
        return "unknown" if not (a.detail("shortauthor") and b.detail("shortauthor")) else "same"
    if a.role != b.role:
        return "unsure"
    return _lists(a.names, b.names, a.others or b.others or not (a.bibtex and b.bibtex))


def _lists(mine: tuple[Name, ...], other: tuple[Name, ...], open_ended: bool) -> People:
    """Two lists of names; one that is open-ended may be shorter."""
    pairs = [_one_person(x, y) for x, y in zip(mine, other, strict=False)]
    if pairs[0] == "different":
        both = ({family(name) for name in names} for names in (mine, other))
        return "unsure" if set.intersection(*both) and len(mine) == len(other) > 1 else "different"
    if all(pair == "same" for pair in pairs) and (len(mine) == len(other) or open_ended):
        return "same"
    rest = [pair for pair in pairs[1:] if pair != "different"]
    return "unsure" if rest or len(pairs) == 1 or len(mine) != len(other) else "different"


def _one_person(x: Name, y: Name) -> People:
    if x.literal or y.literal:
        mine, other = fold(x.display), fold(y.display)
        alike = mine in other or other in mine or bool(x.literal) != bool(y.literal)
        return "same" if mine == other else "unsure" if alike else "different"
    if family(x) != family(y):
        swapped = fold(x.family) == fold(y.given) and fold(y.family) == fold(x.given)
        return "unsure" if swapped or misspelt(family(x), family(y)) else "different"
    for one, two in zip(map(_one, _given(x)), map(_one, _given(y)), strict=False):
        if not one.startswith(two) and not two.startswith(one):
            return "different" if one[0] != two[0] else "unsure"
    return "same"


def _one(word: str) -> str:
    return squeezed((word,))


def other_given(a: Facts, b: Facts) -> bool:
    """Whether two of one family name write out given names that are no slip and no short form of each other."""
    firsts = ((_given(x)[:1], _given(y)[:1]) for x, y in zip(a.names, b.names, strict=False) if family(x) == family(y))
    return any(
        min(len(one), len(two)) > 1 and not misspelt(one, two) and not _within(one, two) and not _within(two, one)
        for mine, other in firsts
        for one, two in zip(mine, other, strict=False)
    )


def _within(short: str, long: str) -> bool:
    """Whether a word has the letters of another in order: "Jon" in "John"."""
    rest = iter(long)
    return all(letter in rest for letter in short)


def organised(a: Facts, b: Facts) -> bool:
    """Whether an organisation stands first on one side: who speaks for a work is written in many ways."""
    return any(name.literal for f in (a, b) for name in f.names[:1])


def _given(name: Name) -> list[str]:
    return fold(name.given.replace(".", " ")).split()


def family(name: Name) -> str:
    """What a family name is compared by: its last word; of an organisation, all of it."""
    parts = tuple(fold(name.family or name.literal).split())
    return squeezed(parts if name.literal else parts[-1:])
