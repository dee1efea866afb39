"""What each service answers in its documented form, of papers that were invented."""

from __future__ import annotations

import json
from typing import Any

from services import UNKNOWN, Reply, World

ABSTRACT = "We sort whales by song. Nothing is lost, and much is gained."


def atom(*entries: str) -> Reply:
    """A feed of arXiv's API."""
    head = ('<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">\n'
            '  <link href="https://arxiv.org/api/query?id_list=x" rel="self" type="application/atom+xml"/>\n'
            '  <title type="html">ArXiv Query: id_list=x</title>\n  <id>http://arxiv.org/api/abc</id>\n'
            '  <opensearch:totalResults xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">1</opensearch:totalResults>\n')  # fmt: skip
    return Reply(head + "\n".join(entries) + "\n</feed>\n", kind="application/atom+xml; charset=UTF-8")


def atom_entry(name: str, title: str, authors: list[str], *, version: int = 1, more: str = "", published: str = "2031-03-04",
               summary: str = ABSTRACT) -> str:  # fmt: skip
    """An entry of the feed, wrapped in the middle of its title as the API does."""
    wrapped = title.replace(" ", "\n  ", 1)
    people = "".join(f"<author><name>{one}</name></author>" for one in authors)
    return (f"<entry><id>http://arxiv.org/abs/{name}v{version}</id><updated>2031-05-06T09:00:00Z</updated>"
            f"<published>{published}T09:00:00Z</published><title>{wrapped}</title>\n<summary>  {summary}\n</summary>{people}"
            f'{more}<link href="http://arxiv.org/abs/{name}v{version}" rel="alternate" type="text/html"/>'
            f'<link title="pdf" href="http://arxiv.org/pdf/{name}v{version}" rel="related" type="application/pdf"/>'
            '<arxiv:primary_category xmlns:arxiv="http://arxiv.org/schemas/atom" term="cs.SD" scheme="http://arxiv.org/schemas/atom"/>'
            '<category term="cs.SD" scheme="http://arxiv.org/schemas/atom"/></entry>')  # fmt: skip


def atom_error() -> Reply:
    """What the API says of an id that is malformed: HTTP 200."""
    return atom("<entry><id>http://arxiv.org/api/errors#incorrect_id_format_for_x</id><title>Error</title>"
                "<summary>incorrect id format for x</summary></entry>")  # fmt: skip


def crossref(doi: str, title: str, authors: list[tuple[str, str]], **more: Any) -> dict[str, Any]:
    """A record of Crossref."""
    return {
        "indexed": {"date-parts": [[2031, 7, 1]], "version": "3.0.0"}, "publisher": "Deep Sea Press", "issue": "2",
        "DOI": doi.upper(), "type": "journal-article", "created": {"date-parts": [[2031, 1, 2]]}, "page": "101-120",
        "source": "Crossref", "is-referenced-by-count": 7, "title": [title], "prefix": doi.split("/")[0], "volume": "12",
        "author": [{"given": given, "family": family, "sequence": "first" if not at else "additional", "affiliation": []}
                   for at, (given, family) in enumerate(authors)],
        "container-title": ["Journal of Whale Song"], "language": "en", "score": 1.0, "subtitle": [], "short-title": [],
        "issued": {"date-parts": [[2031, 6]]}, "URL": f"https://doi.org/{doi}", "ISSN": ["1234-5679"], "relation": {},
        "abstract": "<jats:title>Abstract</jats:title><jats:p>We sort whales by song. Nothing is <jats:italic>lost</jats:italic>, and much is gained.</jats:p>",
    } | more  # fmt: skip


def found(world: World) -> dict[str, str]:
    """Let every service know a paper; what is to be added by the name of the source."""
    routes = world.routes
    authors = ["Ana María Gómez", "Wei Li", "Ørjan Nyström"]
    routes["export.arxiv.org/api/query?id_list=3103.00001"] = atom(atom_entry(
        "3103.00001", "Sorting Whales by $\\alpha$-Song &amp; Sea", authors, version=3,
        more='<arxiv:comment xmlns:arxiv="http://arxiv.org/schemas/atom">12 pages, code at https://github.com/whales/song</arxiv:comment>',
    ))  # fmt: skip
    routes["doi.org/10.5555/whale.1"] = Reply(
        " @article{G_mez_2031, title={Sorting Whales, Again}, volume={12}, url={http://dx.doi.org/10.5555/whale.1}, DOI={10.5555/whale.1},"
        " number={2}, journal={Journal of Whale Song}, publisher={Deep Sea Press}, author={Gómez, Ana María and Li, Wei}, year={2031},"
        " month=jun, pages={101–120} }\n",
        kind="application/x-bibtex",
    )  # fmt: skip
    record = crossref("10.5555/whale.1", "Sorting Whales, Again", [("Ana María", "Gómez"), ("Wei", "Li")])
    routes["api.crossref.org/works/10.5555/whale.1"] = Reply(
        {"status": "ok", "message-type": "work", "message": record}
    )
    routes["api.openalex.org/works/doi:10.5555/whale.1"] = Reply(
        openalex("W123456789", "Sorting Whales, Again", doi="10.5555/whale.1")
    )
    routes["api.openalex.org/works/W223456789"] = Reply(openalex("W223456789", "Whales in Open Water"))
    routes["aclanthology.org/2031.acl-main.7.bib"] = Reply(
        '@inproceedings{gomez-etal-2031-sorting,\n    title = "Sorting {W}hales in Context",\n    author = "G{\\\'o}mez, Ana Mar{\\\'\\i}a  and\n'
        '      Li, Wei",\n    editor = "Roe, Ann",\n    booktitle = "Proceedings of the 69th Annual Meeting",\n    month = jul,\n    year = "2031",\n'
        '    address = "Bergen, Norway",\n    publisher = "Association for Computational Linguistics",\n'
        '    url = "https://aclanthology.org/2031.acl-main.7/",\n    doi = "10.18653/v1/2031.acl-main.7",\n    pages = "70--81",\n'
        f'    abstract = "{ABSTRACT}"\n}}\n',
        kind="application/x-bibtex; charset=utf-8",
    )  # fmt: skip
    bibtex = ("@inproceedings{\ngomez2031whales,\ntitle={Whales Under Review},\nauthor={Ana Mar{\\'\\i}a G{\\'o}mez and Wei Li},\n"
              "booktitle={The Nineteenth International Conference on Whale Representations},\nyear={2031},\n"
              "url={https://openreview.net/forum?id=WhaLe12345}\n}")  # fmt: skip
    note = {"id": "WhaLe12345", "forum": "WhaLe12345", "cdate": 1927152000000, "pdate": 1932152000000, "invitations": ["x"], "content": {
        "title": {"value": "Whales Under Review"}, "authors": {"value": ["Ana María Gómez", "Wei Li"]}, "authorids": {"value": ["~A1"]},
        "abstract": {"value": ABSTRACT}, "venue": {"value": "IWR 2031 poster"}, "venueid": {"value": "IWR.cc/2031/Conference"},
        "pdf": {"value": "/pdf/abc.pdf"}, "_bibtex": {"value": bibtex}, "paperhash": {"value": "gomez|whales"}}}  # fmt: skip
    routes["api2.openreview.net/notes?id=WhaLe12345"] = Reply({"notes": [note], "count": 1})
    routes["eutils.ncbi.nlm.nih.gov/entrez/eutils/efetch.fcgi?db=pubmed"] = lambda where, _: pubmed(
        "31234567" in where.rpartition("id=")[2]
    )
    routes["pmc.ncbi.nlm.nih.gov/tools/idconv"] = lambda where, _: Reply({"status": "ok", "records": [
        {"doi": "10.5555/med.1", "pmcid": "PMC7654321", "pmid": 31234567, "requested-id": "PMC7654321"} if "PMC7654321" in where
        else {"pmcid": where.rpartition("=")[2], "status": "error", "errmsg": "invalid article id"}]})  # fmt: skip
    routes["openlibrary.org/api/books"] = lambda where, _: Reply({"ISBN:9783161484100": {
        "url": "https://openlibrary.org/books/OL1M/Whales", "key": "/books/OL1M", "title": "Whales", "subtitle": "a field guide",
        "authors": [{"url": "https://openlibrary.org/authors/OL1A", "name": "Ana María Gómez"}], "number_of_pages": 321,
        "identifiers": {"isbn_13": ["9783161484100"], "openlibrary": ["OL1M"]}, "publishers": [{"name": "Deep Sea Press"}],
        "publish_date": "March 2, 2024", "cover": {"small": "https://covers.openlibrary.org/b/id/1-S.jpg"}}
        } if "9783161484100" in where else {})  # fmt: skip
    s2 = {"paperId": "a" * 40, "externalIds": {"DBLP": "journals/x", "CorpusId": 9}, "title": "Whales Seen by Machines", "venue": "WhaleConf",
          "year": 2031, "abstract": ABSTRACT, "openAccessPdf": {"url": "https://whales.example/p.pdf", "status": "GREEN", "license": None},
          "publicationTypes": ["Conference"], "publicationDate": "2031-02-03", "citationCount": 3, "journal": {"pages": "1-9"},
          "authors": [{"authorId": "1", "name": "Ana María Gómez"}, {"authorId": "2", "name": "Wei Li"}]}  # fmt: skip
    routes["api.semanticscholar.org/graph/v1/paper/" + "a" * 40] = Reply(s2)
    routes["dblp.org/rec/conf/whale/Gomez31.bib"] = Reply(
        "@inproceedings{DBLP:conf/whale/Gomez31,\n  author       = {Ana Mar{\\'{\\i}}a G{\\'{o}}mez and\n                  Wei Li},\n"
        "  title        = {Whales in a Bibliography},\n  booktitle    = {Whales 2031, Bergen, Norway, May 1-3, 2031},\n  pages        = {1--9},\n"
        "  publisher    = {{ACM}},\n  year         = {2031},\n  timestamp    = {Mon, 05 May 2031 10:00:00 +0200},\n"
        "  biburl       = {https://dblp.org/rec/conf/whale/Gomez31.bib},\n  bibsource    = {dblp computer science bibliography, https://dblp.org}\n}\n",
        kind="text/plain; charset=utf-8",
    )  # fmt: skip
    routes["raw.githubusercontent.com/whales/song/HEAD/CITATION.cff"] = Reply(
        "cff-version: 1.2.0\nmessage: Please cite the paper.\ntitle: song\ntype: software\nauthors:\n  - family-names: Li\n    given-names: Wei\n"
        "preferred-citation:\n  type: article\n  title: Whales as Software\n  authors:\n    - family-names: Gómez\n      given-names: Ana María\n"
        "    - name: The Whale Group\n  journal: Journal of Open Whales\n  year: 2031\n  volume: 3\n  issue: 2\n",
    )  # fmt: skip
    routes["whales.example/article/7"] = Reply(page(), kind="text/html; charset=utf-8")
    return {
        "arxiv": "https://arxiv.org/abs/3103.00001v2", "doi": "https://doi.org/10.5555/whale.1", "openalex": "https://openalex.org/W223456789",
        "acl": "https://aclanthology.org/2031.acl-main.7/", "openreview": "https://openreview.net/forum?id=WhaLe12345",
        "pmid": "https://pubmed.ncbi.nlm.nih.gov/31234567/", "isbn": "978-3-16-148410-0", "s2": f"https://www.semanticscholar.org/paper/Whales-Gomez/{'a' * 40}",
        "dblp": "https://dblp.org/rec/conf/whale/Gomez31.html", "github": "https://github.com/whales/song", "page": "https://whales.example/article/7",
    }  # fmt: skip


def openalex(name: str, title: str, doi: str = "", **more: Any) -> dict[str, Any]:
    """A work of OpenAlex."""
    words = ABSTRACT.split()
    return {
        "id": f"https://openalex.org/{name}", "doi": f"https://doi.org/{doi}" if doi else None, "title": title, "display_name": title,
        "publication_year": 2031, "publication_date": "2031-06-01", "type": "article", "is_retracted": False, "cited_by_count": 12,
        "ids": {"openalex": f"https://openalex.org/{name}"}, "language": "en", "biblio": {"volume": "1", "issue": None, "first_page": "3", "last_page": "9"},
        "authorships": [{"author_position": "first", "author": {"id": "https://openalex.org/A1", "display_name": "Ana María Gómez"}},
                        {"author_position": "last", "author": {"id": "https://openalex.org/A2", "display_name": "Wei Li"}}],
        "primary_location": {"is_oa": True, "landing_page_url": "https://whales.example/w", "pdf_url": None,
                             "source": {"display_name": "Open Whales", "type": "journal"}},
        "best_oa_location": {"pdf_url": "https://whales.example/w.pdf"}, "open_access": {"is_oa": True, "oa_status": "gold"},
        "abstract_inverted_index": {word: [at for at, one in enumerate(words) if one == word] for word in words},
    } | more  # fmt: skip


def pubmed(there: bool) -> Reply:
    """An answer of E-utilities."""
    article = (
        "<PubmedArticle><MedlineCitation Status='MEDLINE' Owner='NLM'><PMID Version='1'>31234567</PMID><Article PubModel='Print'>"
        "<Journal><ISSN IssnType='Print'>1234-5679</ISSN><JournalIssue CitedMedium='Print'><Volume>9</Volume><Issue>4</Issue><PubDate>"
        "<Year>2031</Year><Month>Apr</Month><Day>3</Day></PubDate></JournalIssue><Title>Medicine of whales</Title></Journal>"
        "<ArticleTitle>Whales and their <i>health</i>.</ArticleTitle><Pagination><MedlinePgn>11-19</MedlinePgn></Pagination>"
        "<Abstract><AbstractText Label='BACKGROUND'>Whales are ill.</AbstractText><AbstractText Label='RESULTS'>Now well.</AbstractText></Abstract>"
        "<AuthorList CompleteYN='Y'><Author ValidYN='Y'><LastName>Gómez</LastName><ForeName>Ana María</ForeName><Initials>AM</Initials></Author>"
        "<Author ValidYN='Y'><CollectiveName>Whale Health Group</CollectiveName></Author></AuthorList></Article></MedlineCitation>"
        "<PubmedData><ArticleIdList><ArticleId IdType='pubmed'>31234567</ArticleId><ArticleId IdType='doi'>10.5555/med.1</ArticleId>"
        "<ArticleId IdType='pmc'>PMC7654321</ArticleId></ArticleIdList></PubmedData></PubmedArticle>"
    )
    head = '<?xml version="1.0" ?>\n<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2025//EN" "https://dtd.nlm.nih.gov/x.dtd">\n'
    return Reply(
        f"{head}<PubmedArticleSet>{article if there else ''}</PubmedArticleSet>", kind="text/xml; charset=UTF-8"
    )


def page() -> str:
    """A publisher's page with the metadata that Highwire began."""
    said = {"citation_title": "Whales on a Page", "citation_publication_date": "2031/05/17", "citation_journal_title": "Pages of the Sea",
            "citation_volume": "4", "citation_firstpage": "5", "citation_lastpage": "17", "citation_pdf_url": "/article/7.pdf",
            "citation_abstract": ABSTRACT}  # fmt: skip
    metas = "".join(f'<meta name="{name}" content="{value}">' for name, value in said.items())
    metas += "".join(f'<meta name="citation_author" content="{name}">' for name in ("Gómez, Ana María", "Wei Li"))
    return f"<!doctype html><html><head><title>Whales on a Page | Sea</title>{metas}</head><body><p>…</p></body></html>"


MISSING = {
    "arxiv": "3103.99999", "doi": "10.5555/nobody", "openalex": "W999999999", "acl": "2031.acl-main.999", "openreview": "openreview:NoBody12345",
    "pmid": "pmid:99999999", "isbn": "9780306406157", "s2": "b" * 40, "dblp": "dblp:conf/no/Body31", "github": "github.com/no/body",
    "page": "https://whales.example/nothing",
}  # fmt: skip


def not_found(world: World) -> None:
    """How each service says that it knows nothing."""
    world.routes["export.arxiv.org/api/query"] = atom()
    world.routes["api.datacite.org/dois/"] = Reply(
        {"errors": [{"status": "404", "title": "The resource you are looking for doesn't exist."}]}, 404
    )
    world.routes["api2.openreview.net/"] = Reply(
        {"name": "NotFoundError", "message": "The Note was not found", "status": 404}, 404
    )
    world.routes["api.semanticscholar.org/"] = Reply({"error": "Paper with id b not found"}, 404)
    world.routes["dblp.org/"] = UNKNOWN


CHANGED = json.dumps({"version": 9, "payload": {"entry": {"heading": "Whales"}}})
