"""A title in words: the works that may be meant, the likeliest first."""

from __future__ import annotations

from collections.abc import Iterator

from catalog.ingest.draft import Draft
from catalog.nearness import ratio
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
    try:
        for draft in works(words, client):
            if not any(same_work(draft, other) for other in found):
                found.append(draft)
    except Unavailable:
        if not found:
            raise
    scored = [(likeness(words, facts_of(draft).heading), draft) for draft in found]
    good = [(score, draft) for score, draft in scored if score >= _ENOUGH]
    return [draft for _, draft in sorted(good, key=lambda pair: -pair[0])[:MOST]]


def works(words: str, client: Client) -> Iterator[Draft]:
    """What services find for the words, one after the other, arXiv last as it is asked least often.

    Raises `Unavailable` at the end where one of them did not answer, since it may have known.
    """
    silent: Unavailable | None = None
    for source in (crossref, dblp, arxiv):
        try:
            yield from source.search(words, client)
        except NotFound:
            continue
        except Unavailable as e:
            client.forget_last()
            silent = e
    if silent:
        raise silent


def likeness(words: str, title: str) -> float:
    """How near a title is to some words, of a hundred; a title that holds them all is near."""
    one, two = fold(words), fold(title)
    if not one or not two:
        return 0.0
    whole = ratio(*(" ".join(sorted(text.split())) for text in (one, two)))
    within = 90.0 if len(one) > 5 and set(one.split()) <= set(two.split()) else 0.0
    return max(whole, within)
