"""The ACL Anthology: the .bib of a paper, with its abstract."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from catalog.bibtex import naming
from catalog.bibtex.identifiers import copy
from catalog.ingest.draft import Draft
from catalog.sources.client import Client, each
from catalog.sources.said import entry_at, work

NAME = "acl"
match = naming.acl


def fetch(names: Sequence[str], client: Client) -> Iterator[tuple[str, Draft]]:
    """The works of these ids."""
    return each(names, lambda name: _one(name, client), client)


def _one(name: str, client: Client) -> Draft:
    entry = entry_at(f"https://aclanthology.org/{name}.bib", client)
    return work("the ACL Anthology", title="", bibtex=entry, ids={"acl": name}, places=[("pdf", copy("acl", name))])
