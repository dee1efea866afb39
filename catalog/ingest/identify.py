"""From an identifier to the BibTeX that its registry gives: arXiv and DOI."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import quote

from catalog.bibtex import set_key
from catalog.bibtex.describe import describe
from catalog.bibtex.identifiers import arxiv, doi
from catalog.errors import KbError
from catalog.ingest.fetch import Fetch, NoAnswer, http_fetch
from catalog.keys import propose_key
from catalog.models import Paper

BIBTEX = "application/x-bibtex"


def fetch_bibtex(identifier: str, fetch: Fetch = http_fetch) -> str:
    """The BibTeX of an arXiv id (any version, address, `arXiv:…`) or a DOI (address, `doi:…`).

    Raises `KbError` where the identifier is neither, the registry does not know it, or what it gives is no BibTeX.
    """
    name, url = _registry(identifier)
    try:
        answer = fetch(url, accept=BIBTEX)
    except NoAnswer as e:
        raise KbError(f"{name} could not be asked: {e}; try again, or give the BibTeX yourself") from None
    if answer.status in (400, 404, 410):
        raise KbError(f"{name} is not known at {_host(url)}; look for a typing mistake")
    if answer.status != 200:
        raise KbError(f"{name}: {_host(url)} answered {answer.status}; try again, or give the BibTeX yourself")
    return _bibtex(answer.text, name, _host(url))


def keyed(bibtex: str, pattern: str, used: Collection[str]) -> str:
    """The entry under a free key by the pattern, since a registry's own says little; `used` as in `free_key`."""
    return set_key(bibtex, propose_key(describe(Paper(key="?", bibtex=bibtex)), used, pattern))


def _registry(identifier: str) -> tuple[str, str]:
    """What is looked for, and the address that knows it."""
    text = identifier.strip()
    if paper := arxiv(text, bare=True):
        return f"arXiv:{paper}", f"https://arxiv.org/bibtex/{paper}"
    if found := doi(text):
        return f"doi:{found}", f"https://doi.org/{quote(found, safe='/:;()._-')}"
    shown = f"{text[:60]!r} is" if text else "that is"
    raise KbError(f"{shown} neither an arXiv id nor a DOI; write 2106.09685, 10.1145/3292500.3330701, or its address")


def _bibtex(text: str, name: str, host: str) -> str:
    from catalog.bibtex import scan

    text = text.strip().removeprefix("\ufeff").strip()
    blocks = scan(text) if text.startswith("@") else []
    if [block.kind for block in blocks if block.text.strip()] != ["entry"]:
        raise KbError(f"{name}: what {host} gave is not a BibTeX entry; copy it from the paper's page")
    return next(block.text for block in blocks if block.kind == "entry").strip()


def _host(url: str) -> str:
    return url.split("/")[2]
