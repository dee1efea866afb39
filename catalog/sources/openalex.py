"""OpenAlex: a work by its id costs nothing; lists and searches are few a day without a key."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from catalog.bibtex import naming
from catalog.bibtex.identifiers import arxiv, doi, quoted
from catalog.ingest.draft import Draft
from catalog.sources.client import Client, batches, each, unknown_form
from catalog.sources.said import abstract, dig, items, open_copy, person, text, work
from catalog.text import fold

NAME = "openalex"
match = naming.openalex
BATCH = 100
API = "https://api.openalex.org/works"
_TYPES = {
    "article": "article",
    "book": "book",
    "book-chapter": "incollection",
    "dissertation": "phdthesis",
    "report": "techreport",
    "preprint": "misc",
    "dataset": "misc",
}


def fetch(names: Sequence[str], client: Client) -> Iterator[tuple[str, Draft]]:
    """The works of these ids; the publisher's entry where the work has a DOI."""
    from catalog.sources import better

    return each(names, lambda name: better(draft(record(name, client)), client), client)


def record(name: str, client: Client) -> Any:
    """What OpenAlex has under an id, or `doi:…`, `pmid:…`. Raises `NotFound`, `Unavailable`."""
    return client.json(f"{API}/{quoted(name)}")


def works(dois: Sequence[str], client: Client) -> dict[str, Any]:
    """Whether the works of these DOIs are retracted, and how often they are cited; a hundred a request, which costs."""
    found: dict[str, Any] = {}
    for names in batches(dois, BATCH):
        part = [quoted(name) for name in names if not re.search(r"[|,]", name)]
        url = f"{API}?filter=doi:{'|'.join(part)}&per-page={BATCH}&select=doi,title,is_retracted,cited_by_count"
        data = client.json(url, cost=1)
        if not isinstance(dig(data, "results"), list):
            raise unknown_form("OpenAlex")
        found |= {doi(text(one, "doi")): one for one in items(data, "results")}
    return found


def draft(record: Any) -> Draft:
    """A record as a draft. Raises `Unavailable` for another form."""
    title = text(record, "title") or text(record, "display_name")
    name = doi(text(record, "doi"))
    preprint = arxiv(name) or arxiv(text(record, "primary_location", "landing_page_url"))
    place = dig(record, "primary_location", "source")
    shop = text(place, "type") == "ebook platform"  # which is no book
    conference = text(place, "type") == "conference"
    issue = dig(record, "biblio")
    first, last = text(issue, "first_page"), text(issue, "last_page")
    names = [person(literal=_author(one)) for one in items(record, "authorships")]
    return work(
        "OpenAlex",
        title=title,
        names=names,
        date=text(record, "publication_date")[:10] or text(record, "publication_year"),
        venue="arXiv" if preprint else "" if shop else text(place, "display_name"),
        kind="inproceedings" if conference else _TYPES.get(text(record, "type"), "misc"),
        ids={"arxiv": preprint} if preprint else {"doi": name, "pmid": text(record, "ids", "pmid").rsplit("/", 1)[-1]},
        details={
            "volume": text(issue, "volume"),
            "number": text(issue, "issue"),
            "pages": f"{first}--{last}" if last and last != first else first,
            "publisher": text(place, "host_organization_name") if shop else "",
        },
        summary=_abstract(dig(record, "abstract_inverted_index")),
        places=open_copy(text(record, "best_oa_location", "pdf_url")),
        url=text(record, "primary_location", "landing_page_url"),
    )


def _author(one: Any) -> str:
    """A name as OpenAlex has it, or as the work itself has it where they have no word in common: two were made one."""
    raw, known = text(one, "raw_author_name"), text(one, "author", "display_name")
    return known if set(fold(raw).split()) & set(fold(known).split()) else raw or known


def _abstract(index: Any) -> str:
    """The abstract out of its inverted index: each word with the places where it stands."""
    if not isinstance(index, dict):
        return ""
    words = [
        (at, word) for word, places in index.items() if isinstance(places, list) for at in places if isinstance(at, int)
    ]
    return abstract(" ".join(word for _, word in sorted(words)[:4000]))
