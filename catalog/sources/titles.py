"""A title in words: the works that may be meant, the likeliest first."""

from __future__ import annotations

from rapidfuzz import fuzz

from catalog.ingest.draft import Draft
from catalog.sources import arxiv, crossref, dblp
from catalog.sources.client import Client, NotFound, Unavailable
from catalog.sources.said import facts_of
from catalog.text import fold

MOST = 8
_ENOUGH = 60.0  # of a hundred, what a title has to share with the words


def candidates(words: str, client: Client) -> list[Draft]:
    """Works whose titles are near to the words, each once. Raises `Unavailable` where nobody answers."""
    from catalog.sources import same_work

    found: list[Draft] = []
    silent: Unavailable | None = None
    answered = 0
    for source in (crossref, arxiv, dblp):
        try:
            new = list(source.search(words, client))
            answered += 1
        except NotFound:
            answered += 1
            continue
        except Unavailable as e:
            silent = e
            continue
        for draft in new:
            if not any(same_work(draft, other) for other in found):
                found.append(draft)
    if silent and not answered:
        raise silent
    scored = [(likeness(words, facts_of(draft).heading), draft) for draft in found]
    good = [(score, draft) for score, draft in scored if score >= _ENOUGH]
    return [draft for _, draft in sorted(good, key=lambda pair: -pair[0])[:MOST]]


def likeness(words: str, title: str) -> float:
    """How near a title is to some words, of a hundred; a title that holds them all is near."""
    one, two = fold(words), fold(title)
    if not one or not two:
        return 0.0
    whole = fuzz.token_sort_ratio(one, two)
    within = 90.0 if len(one) > 5 and set(one.split()) <= set(two.split()) else 0.0
    return max(whole, within)
