"""The shapes in which people name papers and services answer, with the oddities that real ones have; invented papers."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest
from answers import atom, atom_entry, crossref, openalex
from lxml import etree

from catalog.bibtex.forms import mistaken
from catalog.bibtex.identifiers import in_address
from catalog.errors import KbError
from catalog.facts import Facts
from catalog.ingest.fetch import Answer
from catalog.sources import (
    Client,
    Found,
    NotFound,
    Source,
    Unavailable,
    arxiv,
    books,
    datacite,
    doi,
    look_up,
    openreview,
    page,
    pubmed,
    recognise,
)
from catalog.sources import crossref as crossref_
from catalog.sources import openalex as openalex_
from catalog.sources.adding import within
from catalog.sources.said import facts_of

# --- what a person gives ---

IDS = {
    "arxiv:3103.00001": (
        "[3103.00001]", "3103.00001v2.", "“arXiv:3103.00001”", "arXiv:3103.00001v2 [cs.CL] 17 Mar 2031", "\u200b3103.00001\ufeff",
        "[a paper](https://arxiv.org/abs/3103.00001)", "<https://arxiv.org/pdf/3103.00001v3.pdf#page=2>", "arxiv.org/ps/3103.00001",
        "https://arxiv-org.proxy.uni.example/abs/3103.00001v1", "https://arxiv.org.ezproxy.uni.example/abs/3103.00001",
        "https://www.google.com/url?q=https%3A%2F%2Farxiv.org%2Fabs%2F3103.00001&sa=D", "https://scirate.com/arxiv/3103.00001",
        "https://web.archive.org/web/20310401/https://arxiv.org/abs/3103.00001", "https://papers.cool/arxiv/3103.00001v2",
        "https://arxiv-sanity-lite.com/?rank=pid&pid=3103.00001", "https://www.emergentmind.com/papers/3103.00001",
        "https://www.alphaxiv.org/resources/3103.00001v1", "https://huggingface.co/api/papers/3103.00001",
    ),
    "arxiv:cond-mat/0309136": ("cond-mat.mes-hall/0309136v2", "https://arxiv.org/abs/cond-mat.mes-hall/0309136"),
    "doi:10.5555/w(1)": (
        "10.5555/W(1)", "(10.5555/w(1))", "10.5555/w(1);", "info:doi/10.5555/w(1)", "urn:doi:10.5555/w(1)", "DOI 10.5555/w(1)",
        "doi-org.ezproxy.lib.uni.example/10.5555/w(1)", "https://proxy.uni.example/login?url=https://doi.org/10.5555/w(1)",
        "https://doi.org/10.5555%2Fw(1)", "http://dx.doi.org/10.5555/w(1).", "https://m.doi.org/10.5555/w(1)",
        "https://l.social.example/l.php?u=https%3A%2F%2Fdoi.org%2F10.5555%2Fw(1)",
    ),
    "doi:10.1038/s41586-031-1-2": (
        "https://www.nature.com/articles/s41586-031-1-2.pdf", "https://www-nature-com.libproxy.uni.example/articles/s41586-031-1-2#Fig1",
    ),
    "doi:10.5281/zenodo.77": ("https://zenodo.org/records/77/files/x.pdf", "zenodo.org/record/77"),
    "doi:10.1088/1-2/3/004": ("https://iop.example/article/10.1088/1-2/3/004/pdf", "https://iop.example/article/10.1088/1-2/3/004/meta"),
    "doi:10.1093/whale/btz6": ("https://academic.example/whale/article/doi/10.1093/whale/btz6/5566506",),
    "doi:10.1145/9.8": ("https://dl.acm.org/citation.cfm?doid=9.8", "https://dl-acm-org.proxy.uni.example/doi/fullHtml/10.1145/9.8?x=1"),
    "acl:P31-1001": (
        "https://aclanthology.info/papers/P31-1001/p31-1001", "https://aclanthology.org/P31-1001v2.pdf",
        "http://anthology.aclweb.org/P/P31/P31-1001.bib", "https://aclanthology.org/attachments/P31-1001.Supplementary.pdf",
    ),
    "acl:2031.acl-main.7": ("https://aclanthology.org/anthology-files/pdf/acl/2031.acl-main.7.pdf", "2031.acl-main.7.pdf"),
    "pmid:31234567": (
        "https://www.ncbi.nlm.nih.gov/m/pubmed/31234567/", "http://www.ncbi.nlm.nih.gov/pubmed?term=31234567",
        "https://europepmc.org/article/MED/31234567", "https://pubmed.ncbi.nlm.nih.gov/31234567/?from_term=whale",
    ),
    "pmcid:PMC7654321": ("pmcid: 7654321", "PMC7654321.2", "https://www.ncbi.nlm.nih.gov/labs/pmc/articles/PMC7654321/"),
    "isbn:9783161484100": (
        "978–3–16–148410–0", "isbn:316148410X", "https://www.amazon.com/Whales/dp/316148410X/ref=x", "https://www.worldcat.org/isbn/9783161484100",
        "https://books.google.com/books?vid=ISBN9783161484100",
    ),
    "openlibrary:OL77M": ("https://openlibrary.org/books/OL77M/Whales", "OLID: OL77M"), "openlibrary:OL7W": ("openlibrary.org/works/OL7W.json",),
    "s2:" + "0a" * 20: (
        "https://pdfs.semanticscholar.org/0a0a/" + "0a" * 18 + ".pdf", "https://api.semanticscholar.org/graph/v1/paper/" + "0a" * 20 + "?fields=x",
    ),
    "openalex:W2741809807": ("https://openalex.org/works?page=1&zoom=w2741809807", "https://explore.openalex.org/works/W2741809807"),
    "dblp:conf/whale/Gomez31": (
        "conf/whale/Gomez31", "https://dblp1.uni-trier.de/rec/conf/whale/Gomez31.html", "https://dblp.org/rec/bibtex1/conf/whale/Gomez31",
    ),
    "github:a/b": ("ssh://git@github.com/a/b.git", "https://m.github.com/a/b", "https://raw.githubusercontent.com/a/b/main/README.md"),
}  # fmt: skip


@pytest.mark.parametrize("what", IDS)
def test_every_form_in_which_one_names_it(what: str) -> None:
    for text in IDS[what]:
        known = recognise(text)
        assert known, text
        assert ":".join(known.id) == what, text


@pytest.mark.parametrize(
    "url",
    [
        "https://x.example/arxiv/3113.00001",
        "https://x.example/arxiv-notes/3103.00001-review",
        "https://x.example/a?url=nowhere",
    ],
)
def test_what_only_looks_like_one(url: str) -> None:
    known = recognise(url)
    assert known
    assert known.id == ("page", url)


def test_what_a_publisher_puts_behind_a_doi_is_none_of_it() -> None:
    assert in_address("https://link.springer.com/content/pdf/10.1007/s1-2.pdf") == ("doi", "10.1007/s1-2")
    assert in_address("https://www.biorxiv.org/content/10.1101/2031.01.02.3v2.full.pdf") == (
        "doi",
        "10.1101/2031.01.02.3",
    )
    assert in_address("https://x.example/doi/10.5555/a.pdf.b/full/html") == ("doi", "10.5555/a.pdf.b")


def test_what_a_copied_reference_names() -> None:
    one = within("A. Gómez et al. Sorting whales (with Li, W.). J. Whale Song 12, 2031. https://doi.org/10.5555/w(1).")
    assert one
    assert one.id == ("doi", "10.5555/w(1)")
    two = within("LoRA [paper](https://arxiv.org/abs/3103.00001v2) [code](https://github.com/a/b)")
    assert two
    assert two.id == ("arxiv", "3103.00001")
    assert within("one 10.5555/a and another 10.5555/b") is None
    assert within("a title in words") is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("978-3-16-148410-1", "check digit"), ("9783161484101", "check digit"), ("isbn:316148410", "check digit"),
        ("31234567", "write pmid:31234567"), ("file:///etc/passwd", "no address of the web"), ("a/b", "write github:a/b"), ("words", ""),
    ],
)  # fmt: skip
def test_what_looks_like_an_identifier_and_is_none(text: str, says: str) -> None:
    assert recognise(text) is None
    assert says in mistaken(text)
    assert bool(says) == bool(mistaken(text))


# --- what services answer ---


def saying(**answers: Any) -> Client:
    """A client to whom every address that holds a name answers the same."""

    def ask(url: str, **_: object) -> Answer:
        body = next((body for name, body in answers.items() if name in url), None)
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return Answer(404 if body is None else 200, url, data.decode(), data=data)

    return Client(ask, sleep=lambda _: None)


def of_crossref(**more: Any) -> Facts:
    return facts_of(crossref_.draft(crossref("10.5555/Whale.9", "Whales", [("Ana", "Gómez")]) | more))


def test_crossref() -> None:
    odd = of_crossref(
        title=["\n   Whales &lt;i&gt;at&lt;/i&gt; <mml:math><mml:mi>α</mml:mi></mml:math> &amp;amp; sea\n"], subtitle=["Whales at α & Sea"],
        author=[{"name": "The Whale Group", "sequence": "first"}, {"given": "Suharto"}, {"family": "Li", "given": "Wei", "suffix": "Jr."}],
        **{"published-print": {"date-parts": [[None]]}, "issued": {"date-parts": [[2031, 13, 1]]}, "ISSN": None},
    )  # fmt: skip
    assert odd.heading == "Whales at α & sea"
    assert [name.display for name in odd.names] == ["The Whale Group", "Suharto", "Wei Li, Jr."]
    assert (odd.date, odd.doi) == ("2031", "10.5555/whale.9")
    assert of_crossref(subtitle=["a field guide"]).heading == "Whales: a field guide"


def test_what_has_no_title_keeps_none_of_the_others_from_their_entries() -> None:
    records = [crossref(f"10.5555/w.{n}", f"Whales {n}", [("Ana", "Gómez")]) for n in range(9)]
    records[3] |= {"title": [], "type": "component"}
    client = saying(**{"api.crossref.org": {"message": {"items": records}}})
    found = dict(doi.fetch([f"10.5555/w.{n}" for n in range(9)], client))
    assert sorted(found) == [f"10.5555/w.{n}" for n in range(9) if n != 3]
    with pytest.raises(NotFound, match="a component without a title"):
        crossref_.draft(records[3])


def test_arxiv() -> None:
    people = ["The Whale Collaboration", ":", "Sammy Davis, Jr.", "Ana María Gómez"]
    odd = atom_entry("3103.00007", "50% of Whales &amp; {Seals} at $n_1$", people)
    client = saying(**{"export.arxiv.org": atom(odd).data()})
    facts = facts_of(arxiv.versions(["3103.00007"], client)["3103.00007"].draft)
    assert [name.family or name.literal for name in facts.names] == ["The Whale Collaboration", "Davis", "Gómez"]
    assert facts.names[1].suffix == "Jr."
    assert facts.heading.startswith("50% of Whales & ")


def test_openalex() -> None:
    place = {"is_oa": False, "landing_page_url": None, "pdf_url": None}
    people = [
        {"raw_author_name": "V. G. Kuznetsov", "author": {"id": None, "display_name": "В. Г. Кузнецов"}},
        {"raw_author_name": "LI WEI", "author": {"display_name": "Wei Li"}}, {"raw_author_name": None, "author": None},
    ]  # fmt: skip
    record = openalex("W1", "Whales", doi=None, abstract_inverted_index=None, authorships=people, best_oa_location=None)
    shop = record | {"type": "book-chapter", "primary_location": place | {
        "source": {"display_name": "Deep Sea eBooks", "type": "ebook platform", "host_organization_name": "Deep Sea"}}}  # fmt: skip
    facts = facts_of(openalex_.draft(shop))
    assert [name.display for name in facts.names] == ["V. G. Kuznetsov", "Wei Li"]
    assert (facts.kind, facts.detail("publisher"), facts.detail("booktitle")) == ("incollection", "Deep Sea", "")
    meeting = record | {"primary_location": place | {"source": {"display_name": "WhaleConf", "type": "conference"}}}
    assert facts_of(openalex_.draft(meeting)).kind == "inproceedings"
    assert facts_of(openalex_.draft(record | {"primary_location": None, "biblio": None})).venue == ""


def test_datacite() -> None:
    record = {
        "titles": [{"title": "Wale", "lang": "de"}, {"title": "Whales", "titleType": "TranslatedTitle"}], "publisher": {"name": "Deep Sea"},
        "publicationYear": 2031, "dates": [], "creators": [{"name": "Whale Group", "nameType": "Organizational"}], "container": None,
        "types": {"resourceTypeGeneral": "JournalArticle", "bibtex": "article"}, "descriptions": None,
        "relatedItems": [{"relationType": "IsPublishedIn", "titles": [{"title": "Zeitschrift für Wale"}], "volume": "4",
                          "firstPage": "5", "lastPage": "9"}],
    }  # fmt: skip
    facts = facts_of(datacite.draft("10.5555/x", saying(**{"api.datacite.org": {"data": {"attributes": record}}})))
    assert (facts.kind, facts.venue, facts.detail("volume"), facts.detail("pages")) == (
        "article", "Zeitschrift für Wale", "4", "5–9",
    )  # fmt: skip
    assert [name.display for name in facts.names] == ["Whale Group"]


def test_pubmed() -> None:
    article = (
        "<PubmedArticle><MedlineCitation><PMID>1</PMID><Article><Journal><Title>Wale heute</Title><JournalIssue><PubDate>"
        "<MedlineDate>2031 Spring</MedlineDate></PubDate></JournalIssue></Journal><ArticleTitle/><VernacularTitle>Wale.</VernacularTitle>"
        "<ELocationID EIdType='pii'>arXiv:3103.00001v1</ELocationID><ELocationID EIdType='doi'>10.5555/W</ELocationID>"
        "<AuthorList><Author ValidYN='N'><LastName>Gomz</LastName></Author><Author ValidYN='Y'><LastName>Gómez</LastName>"
        "<Initials>A</Initials></Author></AuthorList></Article></MedlineCitation></PubmedArticle>"
    )
    book = (
        "<PubmedBookArticle><BookDocument><PMID>2</PMID><Book><Publisher><PublisherName>Deep Sea</PublisherName></Publisher>"
        "<BookTitle>Whales <i>now</i></BookTitle><PubDate><Year>2031</Year></PubDate><Isbn>9783161484100</Isbn></Book>"
        "<ArticleTitle>Their songs.</ArticleTitle><AuthorList Type='authors'><Author><CollectiveName>Whale Group</CollectiveName>"
        "</Author></AuthorList><Abstract><AbstractText Label='UNLABELLED'>We sing.</AbstractText></Abstract></BookDocument></PubmedBookArticle>"
    )
    body = f"<PubmedArticleSet>{article}{book}</PubmedArticleSet>".encode()
    assert etree.fromstring(body) is not None
    found = {name: facts_of(draft) for name, draft in pubmed.fetch(["1", "2"], saying(eutils=body))}
    assert (found["1"].heading, found["1"].date, found["1"].doi, found["1"].arxiv) == (
        "Wale",
        "2031",
        "10.5555/w",
        "3103.00001",
    )
    assert [name.display for name in found["1"].names] == ["A Gómez"]
    two = found["2"]
    assert (two.heading, two.kind, two.venue, two.date) == ("Their songs", "incollection", "Whales now", "2031")
    assert [name.display for name in two.names] == ["Whale Group"]


# --- pages ---

WORK: dict[str, Any] = {
    "@context": "https://schema.org", "@type": "ScholarlyArticle", "headline": "Whales in Graphs", "author": {"name": "Ana Gómez"},
    "datePublished": "2031-05-06T00:00:00Z",
}  # fmt: skip
PART = {
    "@type": "PublicationIssue",
    "issueNumber": "2",
    "isPartOf": {"@type": ["PublicationVolume", "Periodical"], "name": "Graphs", "volumeNumber": 4},
}
GRAPH = {"@graph": [{"@type": "Article", "headline": "Whales in Graphs", "author": {"@id": "#a"}, "isPartOf": {"@id": "#w"}},
                    {"@type": "Person", "@id": "#a", "name": "Ana Gómez"}, {"@type": "WebSite", "@id": "#w", "name": "A blog"}]}  # fmt: skip
LINKED: list[tuple[Any, str]] = [
    (WORK, ""), ([{"@type": "BreadcrumbList"}, WORK], ""), (WORK | {"@type": "http://schema.org/ScholarlyArticle"}, ""),
    (WORK | {"@type": ["schema:ScholarlyArticle"]}, ""), (GRAPH, ""), (WORK | {"isPartOf": [PART]}, "Graphs 4(2)"),
    ("<!-- " + json.dumps(WORK) + " -->", ""), (json.dumps(WORK) + ";", ""), ("//<![CDATA[\n" + json.dumps(WORK) + "\n//]]>", ""),
    (json.dumps(WORK).replace("Whales in", "Whales\nin"), ""),
    (WORK | {"identifier": [{"@type": "PropertyValue", "propertyID": "doi", "value": "https://doi.org/10.5555/L"}, "x"]}, "10.5555/l"),
]  # fmt: skip


def of_page(body: bytes, kind: str = "text/html", **more: Any) -> Facts:
    client = saying(**more)
    ask = client.fetch

    def page_too(url: str, **options: Any) -> Answer:
        if "page.example" not in url:
            return ask(url, **options)
        charset = kind.partition("charset=")[2] or "utf-8"
        return Answer(200, url, body.decode(charset, "replace"), content_type=kind, data=body)

    client.fetch = page_too
    return facts_of(look_up(Found(cast("Source", page), "https://page.example/a"), client))


@pytest.mark.parametrize(("data", "also"), LINKED)
def test_what_json_ld_says(data: Any, also: str) -> None:
    said = data if isinstance(data, str) else json.dumps(data)
    facts = of_page(f'<html><head><script type="application/ld+json">{said}</script></head></html>'.encode())
    assert (facts.heading, [name.display for name in facts.names]) == ("Whales in Graphs", ["Ana Gómez"])
    assert also in f"{facts.venue} {facts.detail('volume')}({facts.detail('number')}) {facts.doi}"


@pytest.mark.parametrize(
    "metas",
    [
        {"citation_title": "Wale", "citation_author": "Gómez, Ana and Li, Wei"}, {"citation_title": "Wale", "citation_authors": "Ana Gómez; Wei Li"},
        {"CITATION_TITLE": "Wale", "citation_authors": "Ana Gómez, Wei Li"}, {"DCTERMS.title": "Wale", "dcterms.creator": "Ana Gómez & Wei Li"},
        {"eprints.title": "Wale", "eprints.creators_name": "Gómez, Ana; Li, Wei"}, {"bepress_citation_title": "Wale", "bepress_citation_author": "Ana Gómez and Wei Li"},
    ],
)  # fmt: skip
def test_whom_metadata_name(metas: dict[str, str]) -> None:
    head = "".join(f'<meta name="{name}" content="{value}">' for name, value in metas.items())
    facts = of_page(f"<html><head>{head}</head></html>".encode())
    assert [name.display for name in facts.names] == ["Ana Gómez", "Wei Li"]


@pytest.mark.parametrize(
    ("charset", "kind", "head"),
    [
        ("windows-1251", "text/html", '<meta charset="windows-1251">'), ("utf-8", "text/html; charset=iso-8859-1", ""),
        ("utf-16", "text/html", ""), ("koi8-r", "text/html; charset=koi8-r", '<meta charset="utf-8">'),
        ("windows-1251", "text/html", '<meta http-equiv="Content-Type" content="text/html; charset=windows-1251">'),
    ],
)  # fmt: skip
def test_pages_in_any_charset(charset: str, kind: str, head: str) -> None:
    body = f'<html><head>{head}<meta name="citation_title" content="Киты"><meta name="citation_author" content="Иван Петров"></head></html>'
    assert of_page(body.encode(charset), kind).heading == "Киты"


def test_a_page_that_only_links_to_its_paper() -> None:
    feed = atom(atom_entry("3103.00009", "Whales in the Open Sea", ["Ana Gómez"])).data()
    links = '<a href="https://arxiv.org/pdf/3103.00009v2">PDF</a><a href="https://github.com/a/b">Code</a>'
    facts = of_page(
        f"<html><body><h1>Whales in the Open Sea</h1>{links}</body></html>".encode(), **{"export.arxiv.org": feed}
    )
    assert (facts.arxiv, facts.address("homepage")) == ("3103.00009", "https://page.example/a")
    with pytest.raises(Unavailable, match="says of no paper"):
        of_page(
            f"<html><body><h1>Our favourite squids</h1>{links}</body></html>".encode(), **{"export.arxiv.org": feed}
        )
    with pytest.raises(Unavailable, match="lets no program in"):
        of_page(b"<html><head><title>Just a moment...</title></head></html>")


META = '<meta name="citation_title" content="Whales at Rest"><meta name="citation_author" content="Gómez, Ana">'
OWN = "@inproceedings{gomez31, title = {Whales at Rest}, author = {G{\\'o}mez, Ana}, booktitle = {Proc. of Whales}, year = 2031}"
OTHER = "@misc{x, title = {Quite Another Matter}, author = {Roe, Ann}, year = 2020}"


def test_the_page_s_own_entry_is_taken() -> None:
    shown = of_page(f"<html><head>{META}</head><body><pre>{OTHER}</pre><pre>{OWN}</pre></body></html>".encode())
    assert "booktitle = {Proc. of Whales}" in shown.bibtex
    assert "generated" not in shown.bibtex
    body = f'<html><head>{META}</head><body><a href="/paper/7-Bibtex.bib">BibTeX</a></body></html>'.encode()
    client = saying(**{"7-Bibtex.bib": OWN.encode(), "page.example/a": body})
    draft = look_up(Found(cast("Source", page), "https://page.example/a"), client)
    assert "Proc. of Whales" in draft.bibtex
    made = of_page(
        f'<html><head>{META}</head><body><a href="https://elsewhere.example/x.bib">x</a><pre>{OTHER}</pre></body></html>'.encode()
    )
    assert "by kb, from page.example" in made.bibtex


def test_where_openreview_s_apis_refuse_its_page_is_read() -> None:
    client = saying(**{"openreview.net/forum": f"<html><head>{META}</head></html>".encode()})
    ask = client.fetch

    def refusing(url: str, **options: Any) -> Answer:
        return Answer(403, url) if "/notes" in url else ask(url, **options)

    client.fetch = refusing
    facts = facts_of(dict(openreview.fetch(["WhaLe12345"], client))["WhaLe12345"])
    assert (facts.heading, facts.id("openreview")) == ("Whales at Rest", "WhaLe12345")


def test_what_would_turn_a_text_round_is_left_out() -> None:
    head = '<meta name="citation_title" content="Whales \u202egpj.exe\u202c"><meta name="citation_author" content="Ana\u2066 G\u2069">'
    assert of_page(f"<html><head>{head}</head></html>".encode()).heading == "Whales gpj.exe"


def test_open_library_s_own_ids() -> None:
    book = {
        "title": "Whales",
        "authors": [{"name": "Ana Gómez"}],
        "identifiers": {"isbn_10": ["316148410X"]},
        "publish_date": "1 Mar 2031",
    }
    editions = {"entries": [{"key": "/books/OL1M"}, {"key": "/books/OL77M", "isbn_10": ["316148410X"]}]}
    client = saying(**{"works/OL7W/editions": editions, "api/books": {"OLID:OL77M": book}})
    found = {name: facts_of(draft) for name, draft in books.fetch(["OL77M", "OL7W", "9780306406157"], client)}
    assert sorted(found) == ["OL77M", "OL7W"]
    assert {facts.id("isbn") for facts in found.values()} == {"9783161484100"}


def test_a_changed_form_is_told_from_a_thing_without_title() -> None:
    with pytest.raises(KbError, match="form that kb does not know"):
        crossref_.draft({"payload": {}})
