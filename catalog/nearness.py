"""How near two texts are, letter by letter, worked out on the bits of whole numbers. Standard library only.

A library for it is a fifth of what the whole package may weigh.
"""

from __future__ import annotations

from collections.abc import Callable


def ratio(one: str, two: str) -> float:
    """How much of two texts is the same in the same order, of a hundred: twice the longest common subsequence."""
    whole = len(one) + len(two)
    return 200 * _common(one, two) / whole if whole else 100.0


def within(part: str, whole: str) -> float:
    """How much of a text stands in one piece of a longer one, of a hundred."""
    from difflib import SequenceMatcher  # which the search has no use for

    if len(part) > len(whole):
        part, whole = whole, part
    blocks = SequenceMatcher(None, whole, part, autojunk=False).get_matching_blocks()
    starts = {max(0, min(block.a - block.b, len(whole) - len(part))) for block in blocks}
    return max(ratio(part, whole[start : start + len(part)]) for start in starts)


def slips_from(one: str) -> Callable[[str], int]:
    """What counts the slips of the finger from a text to others: a letter more, less, another one, two exchanged.

    The distance of optimal string alignment, a column of its table at a time (Hyyrö 2003).
    """
    marks, full = _marks(one), (1 << len(one)) - 1
    last = (full + 1) >> 1

    def slips(two: str) -> int:
        more, less, same, before, count = full, 0, 0, 0, len(one)
        for letter in two:
            at = marks.get(letter, 0)
            same = (((at & more) + more) ^ more) | at | less | ((((~same & at) << 1) & before) & full)
            up, down = (less | ~(same | more)) & full, same & more
            count += bool(up & last) - bool(down & last)
            up, down = (up << 1 | 1) & full, (down << 1) & full
            more, less, before = (down | ~(same | up)) & full, up & same, at
        return count if one else len(two)

    return slips


def _common(one: str, two: str) -> int:
    """The length of the longest common subsequence: each zero of the row is a letter of it (Hyyrö 2004)."""
    marks, full = _marks(one), (1 << len(one)) - 1
    row = full
    for letter in two:
        found = row & marks.get(letter, 0)
        row = ((row + found) | (row - found)) & full
    return len(one) - row.bit_count()


def _marks(text: str) -> dict[str, int]:
    """Where each letter stands, as the bits of a number."""
    marks: dict[str, int] = {}
    for place, letter in enumerate(text):
        marks[letter] = marks.get(letter, 0) | 1 << place
    return marks
