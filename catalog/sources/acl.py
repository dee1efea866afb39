"""The ACL Anthology: the .bib of a paper, with its abstract."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from catalog.bibtex.identifiers import in_address
from catalog.ingest.draft import Draft
from catalog.sources.client import Client, NotFound, Unavailable
from catalog.sources.said import one_of, work

NAME = "acl"
_ID = r"(?:\d{4}\.[a-z][\w]*-[\w]+\.\d+|[A-Z]\d\d-\d{4})"
_BARE = re.compile(
    rf"(?:acl:\s*|(?:https?://(?:dx\.|www\.)?doi\.org/|doi:\s*)?10\.18653/v1/)?({_ID})(?:\.(?:pdf|bib))?", re.I
)


def match(text: str) -> str:
    """The Anthology id that a text is: `2020.acl-main.1`, `P19-1001`, an address, or the DOI that holds it."""
    found = _BARE.fullmatch(text.strip())
    name = found[1] if found else dict([in_address(text)]).get("acl", "")
    return name.upper() if re.match(r"[A-Z]\d\d-", name, re.I) else name.lower()


def fetch(names: Sequence[str], client: Client) -> Iterator[tuple[str, Draft]]:
    """The works of these ids."""
    for name in names:
        try:
            entry = one_of(client.text(f"https://aclanthology.org/{name}.bib"))
        except NotFound:
            continue
        if not entry:
            raise Unavailable("the ACL Anthology gave no BibTeX entry")
        pdf = [("pdf", f"https://aclanthology.org/{name}.pdf")]
        yield name, work("the ACL Anthology", title="", bibtex=entry, ids={"acl": name}, places=pdf)
