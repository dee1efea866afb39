"""What to read beside a paper: shared tags, and words that few papers share."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
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
        if 1 < len(keys) <= (most_shared_tag if name.startswith("#") else most_shared_word)
    }
    if meant:
        near = {key: [other for other in meant.get(key, ()) if other in traits][:limit] for key in traits}
    else:
        near = {key: _nearest(key, traits, holders, weights, limit) for key in traits}
    return {
        key: [
            Related(
                other, tuple(traits[key][name] for name in _shared(traits[key], traits[other], weights)[:_MOST_NAMED])
            )
            for other in others
        ]
        for key, others in near.items()
    }


def _nearest(
    key: str, traits: Mapping[str, Mapping[str, str]], holders: Mapping[str, Sequence[str]],
    weights: Mapping[str, float], limit: int,
) -> list[str]:  # fmt: skip
    """The best others. Where one word is not enough, as papers are many, they share a tag or several words."""
    score: Counter[str] = Counter()
    for name in traits[key]:
        if weight := weights.get(name):
            for other in holders[name]:
                score[other] += weight  # type: ignore[assignment]  # a Counter adds floats as well
    del score[key]
    alone = len(traits) < _MANY
    best: list[str] = []
    for other in sorted(score, key=lambda other: (-score[other], other)):
        shared = () if alone else _shared(traits[key], traits[other], weights)
        if alone or len(shared) > 1 or any(name.startswith("#") for name in shared):
            best.append(other)
        if len(best) == limit:
            break
    return best


def _shared(names: Collection[str], others: Collection[str], weights: Mapping[str, float]) -> list[str]:
    """What two papers share and few others have: tags first, then words, but no word that a tag says."""
    tagged = {part for name in names if name.startswith("#") for part in (name[1:], *name[1:].split("-"))}
    both = (name for name in names if name in others and name in weights and name not in tagged)
    return sorted(both, key=lambda name: (name[0] != "#", -weights[name]))


def _weight(name: str, holders: int, total: int) -> float:
    return math.log(1 + total / holders) * (1.5 if name.startswith("#") else 0.6)


def _traits(facts: Facts) -> dict[str, str]:
    """What a paper may share, as it is compared and as it is shown: tags behind a `#`, and words."""
    words = {word.lower(): word.lower() for word in _WORD.findall(f"{facts.heading} {plain(facts.abstract)[:5000]}")}
    tags = {f"#{tag_slug(tag)}": tag for tag in facts.tags}
    return tags | {word: word for word in words if word not in _COMMON}
