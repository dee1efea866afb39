"""The search index of very many papers, turned round: which word stands where, by stretches of the alphabet.

A query loads the words that it asks for, and of the papers found what is shown of them. The papers are in segments, so
that one that changes makes the files of one segment anew.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from itertools import pairwise
from string import ascii_lowercase, digits
from typing import NamedTuple

from catalog.facts import Facts
from catalog.pages.escape import script_json
from catalog.pages.lazy import Lazy

SEGMENT = 5000  # papers
COLUMNS = "ABCDEFGHI"
FACTS = (
    "acl", "added", "arxiv", "doi", "due", "has", "key", "link", "openreview", "pmcid", "pmid", "read", "read-by",
    "status", "tag", "type", "year",
)  # fmt: skip
_LATIN = [f"{first}{second}" for first in ascii_lowercase for second in ("", *"eilnoru")]
BOUNDS = ["", *digits, *_LATIN, *"\u00df\u0370\u0400\u0600\u3040", *map(chr, range(0x4E00, 0xA000, 0x800)), "\uac00"]
_BETWEEN = re.compile(r"[\x00-\x2f\x3a-\x60\x7b-\x7f]+")


class Row(NamedTuple):
    """What of a paper is looked for: the order of the answers by `year`, `added` and key, columns and facts."""

    key: str
    year: str
    added: str
    columns: Sequence[str]
    facts: Sequence[tuple[str, str]]


def segment_files(
    segments: Sequence[tuple[int, str, Sequence[Facts]]], row: Callable[[Facts], Row]
) -> Iterator[tuple[str, Lazy]]:
    """The files of segments (number, key of what they are made from, papers) by their paths."""

    @lru_cache(maxsize=1)  # the files of a segment are made one after the other
    def turned(number: int) -> dict[str, object]:
        return _turned([row(facts) for place, _, papers in segments if place == number for facts in papers])

    def script(number: int, name: str) -> str:
        return f"window.readrunShard({script_json(f'{number}-{name}')},{script_json(turned(number)[name])});\n"

    for number, made_from, _ in segments:
        for name in ("papers", "words", *map(str, range(len(BOUNDS))), *FACTS):
            yield f"search/{number}-{name}.js", Lazy(made_from, partial(script, number, name))


def _turned(rows: Sequence[Row]) -> dict[str, object]:
    places: dict[str, list[str]] = defaultdict(list)
    last: dict[str, int] = {}
    holders: dict[str, int] = defaultdict(int)
    values: dict[tuple[str, str], list[int]] = defaultdict(list)
    lengths = []
    for number, row in enumerate(rows):
        lengths.append(0)
        for column, text in zip(COLUMNS, row.columns, strict=True):
            at: dict[str, list[str]] = defaultdict(list)
            for place, word in enumerate(filter(None, _BETWEEN.split(text))):
                at[word].append(str(place))
                lengths[-1] += 1
            for word, found in at.items():
                holders[word] += last.get(word) != number
                places[word].append(f"{number - last.get(word, 0)}{column}{','.join(found)}")
                last[word] = number
        for fact in row.facts:
            values[fact].append(number)
    words = sorted(places)
    cut = [*(bisect_left(words, bound) for bound in BOUNDS), len(words)]
    shards = {str(k): {word: ";".join(places[word]) for word in words[a:b]} for k, (a, b) in enumerate(pairwise(cut))}
    told: dict[str, list[list[object]]] = {name: [] for name in FACTS}
    for (name, value), who in sorted(values.items()):
        if name in told:
            told[name].append([value, *who])
    papers = [[row.key, row.year, row.added, length] for row, length in zip(rows, lengths, strict=True)]
    return {"papers": papers, "words": [[word, holders[word]] for word in words], **shards, **told}
