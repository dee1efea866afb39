"""The ACL Anthology: the .bib of a paper, with its abstract."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from catalog.bibtex import naming
from catalog.ingest.draft import Draft
from catalog.sources.client import Client, Unavailable, each
from catalog.sources.said import one_of, work

NAME = "acl"
match = naming.acl


def fetch(names: Sequence[str], client: Client) -> Iterator[tuple[str, Draft]]:
    """The works of these ids."""
    return each(names, lambda name: _one(name, client), client)


def _one(name: str, client: Client) -> Draft:
    entry = one_of(client.text(f"https://aclanthology.org/{name}.bib"))
    if not entry:
        raise Unavailable("the ACL Anthology gave no BibTeX entry")
    pdf = [("pdf", f"https://aclanthology.org/{name}.pdf")]
    return work("the ACL Anthology", title="", bibtex=entry, ids={"acl": name}, places=pdf)
