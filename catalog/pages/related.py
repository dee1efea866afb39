"""What to read beside a paper: shared tags, and words that few papers share."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from catalog.facts import Facts
from catalog.pages import lazy
from catalog.pages.known import Known
from catalog.pages.placed import Memory, memory_of
from catalog.text import plain, tag_slug

_SHORTEST = 4  # letters of a word that says something
_WORD = re.compile(r"[^\W\d_]+")
_BETWEEN = {code: " " for code in range(128) if not chr(code).isalpha()}
_COMMON = frozenset(
    _WORD.findall(
        "about above across after against also among analysis approach based been being best better between"
        " beyond both could data does each efficient effective even first framework from general given good"
        " have high improving into introduce large learning less like many method methods model models more"
        " most much network networks neural novel number only other over paper performance present propose"
        " proposed recent results several show shows simple some state such task tasks than that their them"
        " then there these they this those through toward towards training under used using very well were"
        " what when where which while will with without within work your"
    )
)
_MOST_SHARED_TAG = 300
_MOST_NAMED = 4  # of what two papers share
_MANY = 30  # papers, of which two share some word by chance


class Related(NamedTuple):
    """A paper to read beside another, and what the two share."""

    key: str
    shares: tuple[str, ...]


def related(
    papers: Sequence[Facts], limit: int = 5, meant: Mapping[str, Sequence[str]] = MappingProxyType({})
) -> dict[str, list[Related]]:
    """For each key the nearest papers, best first: by `meant` meaning where there is one, else by what is shared."""
    tags = {facts.key: {f"#{tag_slug(tag)}": tag for tag in facts.tags} for facts in papers}
    traits = {facts.key: dict.fromkeys((*tags[facts.key], *_words(facts))) for facts in papers}
    counted = Counter(chain.from_iterable(traits.values()))
    most_shared_word = max(3, min(10, len(papers) // 4))
    most_shared_tag = min(_MOST_SHARED_TAG, max(3, len(papers) * 2 // 3))
    weights = {
        name: _weight(name, count, len(papers))
        for name, count in counted.items()
        if 1 < count <= (most_shared_tag if name[0] == "#" else most_shared_word if len(name) >= _SHORTEST else 0)
        and name not in _COMMON
    }
    counting = {key: [name for name in names if name in weights] for key, names in traits.items()}
    holders: dict[str, list[str]] = defaultdict(list)
    for key, names in counting.items():
        for name in names:
            holders[name].append(key)
    found: dict[str, list[Related]] = {}
    for key, names in counting.items():
        shared: defaultdict[str, list[str]] = defaultdict(list)
        for name in _telling(tags[key], names, weights):
            for other in holders[name]:
                shared[other].append(name)
        others = meant.get(key, ()) if meant else _nearest(key, names, holders, weights)
        if not meant and len(traits) >= _MANY:  # one word is not enough
            others = [other for other in others if len(of := shared[other]) > 1 or (of[:1] and of[0][0] == "#")]
        near = [other for other in others if other in traits][:limit]
        found[key] = [
            Related(other, tuple(tags[key].get(name, name) for name in shared[other][:_MOST_NAMED])) for other in near
        ]
    return found


def remembered(known: Known, meant: Mapping[str, Sequence[str]], site: Path | None) -> dict[str, list[Related]]:
    """As `related`; where the works are those of the last time that this site was built, what was found then."""
    memory = memory_of(site / "related") if site else Memory(None)
    made_from = lazy.key([known.work(facts) for facts in known.papers], meant)
    if memory.known.pop("", []) == [made_from]:
        return {paper: [Related(*near) for near in nears] for paper, nears in memory.known.items()}
    found = related(known.papers, meant=meant)
    memory.known = {"": [made_from], **found}
    memory.keep()
    return found


def _nearest(
    key: str, names: Collection[str], holders: Mapping[str, Sequence[str]], weights: Mapping[str, float]
) -> list[str]:
    """The others that share something, best first."""
    score: defaultdict[str, float] = defaultdict(float)
    for name in names:
        for other in holders[name]:
            score[other] += weights[name]
    score.pop(key, None)
    return sorted(score, key=lambda other: (-score[other], other))


def _telling(tags: Collection[str], counting: Sequence[str], weights: Mapping[str, float]) -> list[str]:
    """What few others have of a paper: tags first, then words, but no word that a tag says."""
    tagged = {part for name in tags for part in (name[1:], *name[1:].split("-"))}
    return sorted((name for name in counting if name not in tagged), key=lambda name: (name[0] != "#", -weights[name]))


def _weight(name: str, holders: int, total: int) -> float:
    return math.log(1 + total / holders) * (1.5 if name.startswith("#") else 0.6)


def _words(facts: Facts) -> list[str]:
    told = f"{facts.heading} {plain(facts.abstract)[:5000]}".lower()
    return told.translate(_BETWEEN).split() if told.isascii() else _WORD.findall(told)
