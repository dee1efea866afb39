"""The services of the web as they are today, one request each: `make test-live`, for who has a network."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from catalog.facts import Facts
from catalog.ingest.fetch import http_fetch
from catalog.sources import (
    Client,
    acl,
    arxiv,
    books,
    crossref,
    datacite,
    dblp,
    doi,
    huggingface,
    openalex,
    openreview,
    pubmed,
    semanticscholar,
)
from catalog.sources.hosts import contact, keys
from catalog.sources.said import facts_of, one_of, work
from catalog.sources.updating import archived

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def client() -> Client:
    return Client(partial(http_fetch, contact=contact()), keys=keys())


def _doi(client: Client) -> Facts:
    entry = client.text("https://doi.org/10.1038/nature14539", doi.BIBTEX)
    return facts_of(work("doi.org", title="", bibtex=one_of(entry)))


ASKED: dict[str, tuple[Callable[[Client], Facts], str]] = {
    "arXiv": (lambda c: facts_of(arxiv.versions(["1706.03762"], c)["1706.03762"].draft), "attention is all you need"),
    "doi.org": (_doi, "deep learning"),
    "Crossref": (lambda c: facts_of(crossref.draft(crossref.works(["10.1038/nature14539"], c)["10.1038/nature14539"])), "deep learning"),
    "DataCite": (lambda c: facts_of(datacite.draft("10.48550/arxiv.1706.03762", c)), "attention is all you need"),
    "OpenAlex": (lambda c: facts_of(openalex.draft(openalex.record("doi:10.1038/nature14539", c))), "deep learning"),
    "Semantic Scholar": (
        lambda c: facts_of(semanticscholar.draft(semanticscholar.named([("arxiv", "1706.03762")], c)["arxiv", "1706.03762"])),
        "attention is all you need",
    ),
    "DBLP": (lambda c: facts_of(dict(dblp.fetch(["conf/nips/VaswaniSPUJGKP17"], c))["conf/nips/VaswaniSPUJGKP17"]), "attention is all you need"),
    "ACL Anthology": (lambda c: facts_of(dict(acl.fetch(["N19-1423"], c))["N19-1423"]), "bert"),
    "OpenReview": (lambda c: facts_of(dict(openreview.fetch(["nZeVKeeFYf9"], c))["nZeVKeeFYf9"]), "lora"),
    "PubMed": (lambda c: facts_of(dict(pubmed.fetch(["26017442"], c))["26017442"]), "deep learning"),
    "Open Library": (lambda c: facts_of(dict(books.fetch(["9780262035613"], c))["9780262035613"]), "deep learning"),
}  # fmt: skip


@pytest.mark.parametrize("name", ASKED)
def test_a_service_answers_in_the_form_that_is_read(name: str, client: Client) -> None:
    ask, title = ASKED[name]
    facts = ask(client)
    assert title in facts.heading.lower()
    assert facts.names
    assert facts.year


def test_hugging_face_and_github(client: Client) -> None:
    assert "github.com" in huggingface.code("2106.09685", client)
    assert "cff-version" in client.text("https://raw.githubusercontent.com/huggingface/transformers/HEAD/CITATION.cff")


def test_the_internet_archive(client: Client) -> None:
    assert archived("https://example.org/", client).startswith("https://web.archive.org/")
