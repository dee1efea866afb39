"""DOIs: the publisher's own entry by content negotiation, with abstract and open copy from the registries."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

from catalog.bibtex import naming
from catalog.bibtex.identifiers import address
from catalog.ingest.draft import Draft
from catalog.sources import crossref, datacite, openalex
from catalog.sources.client import Client, NotFound, Unavailable, each
from catalog.sources.said import one_of, work

NAME = "doi"
match = naming.doi
BATCH = crossref.BATCH
TOGETHER, FEW = 100, 8  # so many are asked for at once, but for a few the publishers' own entries
BIBTEX = "application/x-bibtex"


def fetch(names: Sequence[str], client: Client) -> Iterator[tuple[str, Draft]]:
    """The works of these DOIs; of a few the publisher's own entries, of many what Crossref makes of theirs."""
    if len(names) <= FEW:
        return each(names, lambda name: one(name, client), client)
    records = crossref.works(names, client)
    return each(
        names,
        lambda name: crossref.draft(records[name]) if name in records else datacite.draft(name, client),
        client,
    )


def one(name: str, client: Client) -> Draft:
    """The work of a DOI. Raises `NotFound`, `Unavailable`."""
    try:
        entry = one_of(client.text(address("doi", name), BIBTEX))
        silent = None if entry else Unavailable("what doi.org gave is not a BibTeX entry")
        if silent:
            client.forget_last()
    except Unavailable as e:
        entry, silent = "", e
    if silent and silent.offline:
        raise silent
    found = _registered(name, client, entry)
    if found is None:
        if silent:
            raise silent
        found = work("doi.org", title="", bibtex=entry)
    return _completed(found, name, client)


def _registered(name: str, client: Client, entry: str) -> Draft | None:
    """What Crossref says, or DataCite; None where neither does."""
    with contextlib.suppress(NotFound, Unavailable):
        if record := crossref.works([name], client).get(name):
            return crossref.draft(record, entry)
    with contextlib.suppress(NotFound, Unavailable):
        return datacite.draft(name, client, entry)
    return None


def _completed(draft: Draft, name: str, client: Client) -> Draft:
    """With the abstract and the open copy that OpenAlex knows, where the registry says none."""
    if draft.abstract and any(link.name == "pdf" for link in draft.links):
        return draft
    with contextlib.suppress(NotFound, Unavailable):
        more = openalex.draft(openalex.record(f"doi:{name}", client))
        pdf = () if any(link.name == "pdf" for link in draft.links) else more.links
        return replace(draft, abstract=draft.abstract or more.abstract, links=(*draft.links, *pdf))
    return draft
