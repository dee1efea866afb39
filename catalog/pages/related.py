"""What to read beside a paper: shared tags, and words that few papers share."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from catalog.facts import Facts
from catalog.text import plain, tag_slug

_WORD = re.compile(r"[^\W\d_]{4,}")
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


@dataclass(frozen=True, slots=True)
class Related:
    """A paper to read beside another, and what the two share."""

    key: str
    shares: tuple[str, ...]


def related(
    papers: Sequence[Facts], limit: int = 5, meant: Mapping[str, Sequence[str]] = MappingProxyType({})
) -> dict[str, list[Related]]:
    """For each key the nearest papers, best first: by `meant` meaning where there is one, else by what is shared."""
    traits = {facts.key: _traits(facts) for facts in papers}
    holders: dict[str, list[str]] = defaultdict(list)
    for key, names in traits.items():
        for name in names:
            holders[name].append(key)
    most_shared_word = max(3, min(10, len(papers) // 4))
    most_shared_tag = min(_MOST_SHARED_TAG, max(3, len(papers) * 2 // 3))
    weights = {
        name: _weight(name, len(keys), len(papers))
        for name, keys in holders.items()
        if 1 < len(keys) <= (most_shared_tag if name.startswith("#") else most_shared_word) and name not in _COMMON
    }
    told = {key: _telling(names, weights) for key, names in traits.items()}
    found: dict[str, list[Related]] = {}
    for key, names in traits.items():
        shares = {}
        for other in meant.get(key, ()) if meant else _nearest(key, names, holders, weights):
            if other not in traits:
                continue
            shared = [name for name in told[key] if name in traits[other]]
            # one word is not enough where papers are many
            if meant or len(traits) < _MANY or len(shared) > 1 or (shared and shared[0][0] == "#"):
                shares[other] = tuple(names[name] for name in shared[:_MOST_NAMED])
            if len(shares) == limit:
                break
        found[key] = [Related(other, shared) for other, shared in shares.items()]
    return found


def _nearest(
    key: str, names: Collection[str], holders: Mapping[str, Sequence[str]], weights: Mapping[str, float]
) -> list[str]:
    """The others that share something, best first."""
    score: defaultdict[str, float] = defaultdict(float)
    for name in names:
        if weight := weights.get(name):
            for other in holders[name]:
                score[other] += weight
    score.pop(key, None)
    return sorted(score, key=lambda other: (-score[other], other))


def _telling(names: Collection[str], weights: Mapping[str, float]) -> list[str]:
    """What few others have of a paper: tags first, then words, but no word that a tag says."""
    tagged = {part for name in names if name.startswith("#") for part in (name[1:], *name[1:].split("-"))}
    telling = (name for name in names if name in weights and name not in tagged)
    return sorted(telling, key=lambda name: (name[0] != "#", -weights[name]))


def _weight(name: str, holders: int, total: int) -> float:
    return math.log(1 + total / holders) * (1.5 if name.startswith("#") else 0.6)


def _traits(facts: Facts) -> dict[str, str]:
    """What a paper may share, as it is compared and as it is shown: tags behind a `#`, and words."""
    words = _WORD.findall(f"{facts.heading} {plain(facts.abstract)[:5000]}".lower())
    return {f"#{tag_slug(tag)}": tag for tag in facts.tags} | dict(zip(words, words, strict=True))
