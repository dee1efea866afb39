"""Where open copies of a paper are: at arXiv, the Anthology, OpenReview, as its links or OpenAlex say. Nothing else."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from catalog.bibtex.identifiers import copy
from catalog.facts import Facts
from catalog.sources import openalex
from catalog.sources.client import Client, NotFound, Unavailable


def copies(facts: Facts, client: Client) -> Iterator[str]:
    """The addresses of open copies, the likeliest first."""
    seen: set[str] = set()
    for url in _copies(facts, client):
        if url not in seen and url.startswith(("http://", "https://")):
            seen.add(url)
            yield url


def _copies(facts: Facts, client: Client) -> Iterator[str]:
    yield from filter(None, (copy(name, facts.id(name)) for name in ("arxiv", "acl", "openreview")))
    yield from (one.url for one in facts.addresses if one.kind == "pdf" or one.url.lower().endswith(".pdf"))
    if facts.doi:
        with contextlib.suppress(NotFound, Unavailable):
            yield from (link.url for link in openalex.draft(openalex.record(f"doi:{facts.doi}", client)).links)
