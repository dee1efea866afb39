"""What programs and services export: every field in its slot, whatever its name, and what has none is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.export.cite import citation
from catalog.ingest import parse, read_source
from catalog.ingest.columns import meaning
from catalog.ingest.draft import Draft
from catalog.library import Library

LAMPS = {"title": "Lamps at Sea", "authors": ("Ada Quist", "Bo Rein"), "date": "2019-03", "venue": "Journal of Lamps"}
AUTHORS = [{"given": "Ada", "family": "Quist"}, {"name": "Bo Rein"}]
TEXTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "names in capitals within": ("a.json", json.dumps({"items": [
        {"paperTitle": "Lamps at Sea", "authorList": AUTHORS, "publicationDate": "2019-03", "publishedIn": "Journal of Lamps",
         "externalIds": {"ArXiv": "1903.00001", "CorpusId": "7"}, "isRead": True, "openAccessPdf": {"url": "https://a.org/p.pdf"},
         "githubRepo": "https://github.com/q/lamps", "citationCount": 3}]}),
        LAMPS | {"status": "read", "ids": {"arxiv": "1903.00001"}, "links": ["https://a.org/p.pdf", "https://github.com/q/lamps"],
                 "extras": {"externalIds", "citationCount"}}),
    "a record a line": ("a.jsonl", "".join(json.dumps({"title": t, "authors": ["Ada Quist", "Bo Rein"], "year": "2019-03", "venue":
        "Journal of Lamps", "has_been_read": read}) + "\n" for t, read in (("Lamps at Sea", "yes"), ("Other", "no"))),
        LAMPS | {"status": "read"}),
    "Crossref": ("a.json", json.dumps({"status": "ok", "message": {"items": [
        {"title": ["Lamps at Sea"], "author": AUTHORS, "issued": {"date-parts": [[2019, 3]]}, "container-title": ["Journal of Lamps"],
         "type": "journal-article", "volume": "3", "page": "1-9", "DOI": "10.1000/L1"}]}}), LAMPS | {"ids": {"doi": "10.1000/l1"}, "item": ("3", "1-9")}),
    "OpenAlex": ("a.json", json.dumps({"results": [
        {"display_name": "Lamps at Sea", "publication_date": "2019-03", "doi": "https://doi.org/10.1000/l1", "ids": {"pmid":
         "https://pubmed.ncbi.nlm.nih.gov/123456"}, "primary_location": {"source": {"display_name": "Journal of Lamps"}},
         "authorships": [{"author": {"display_name": n}, "institutions": [{"display_name": "X"}]} for n in LAMPS["authors"]],
         "biblio": {"volume": "3", "first_page": "1", "last_page": "9"}}]}),
        LAMPS | {"ids": {"doi": "10.1000/l1", "pmid": "123456"}, "item": ("3", "1-9")}),
    "DBLP": ("a.xml", """<dblp><article key="journals/l/Q19" mdate="2020-01-01"><author>Ada Quist</author><author>Bo Rein 0001</author>
<title>Lamps at Sea.</title><journal>Journal of Lamps</journal><volume>3</volume><pages>1-9</pages><year>2019</year><month>March</month>
<ee type="oa">https://doi.org/10.1000/l1</ee></article></dblp>""", LAMPS | {"links": ["https://doi.org/10.1000/l1"], "item": ("3", "1-9")}),
    "an answer of arXiv": ("a.xml", """<feed xmlns="http://www.w3.org/2005/Atom"><title>Query</title><link href="https://a.org/q"/>
<entry><id>http://arxiv.org/abs/1903.00001v2</id><published>2019-03</published><title>Lamps at
 Sea</title><author><name>Ada Quist</name></author><author><name>Bo Rein</name></author><category term="cs.LG"/></entry></feed>""",
        LAMPS | {"venue": "", "tags": ("cs.LG",), "links": ["http://arxiv.org/abs/1903.00001v2"]}),
    "EndNote XML": ("a.xml", """<xml><records><record><rec-number>1</rec-number><ref-type name="Journal Article">17</ref-type><contributors>
<authors><author><style face="normal">Quist, Ada</style></author><author>Rein, Bo</author></authors></contributors><titles><title>Lamps
 at Sea</title><secondary-title>Journal of Lamps</secondary-title></titles><volume>3</volume><pages>1-9</pages><keywords><keyword>light
</keyword></keywords><dates><year>2019-03</year></dates><urls><related-urls><url>https://a.org/p</url></related-urls></urls></record>
</records></xml>""", LAMPS | {"authors": ("Quist, Ada", "Rein, Bo"), "tags": ("light",), "links": ["https://a.org/p"], "item": ("3", "1-9")}),
    "PubMed": ("a.nbib", """PMID- 123456
OWN - NLM
TI  - Lamps at
      Sea.
FAU - Quist, Ada
AU  - Quist A
FAU - Rein, Bo
DP  - 2019 Mar
JT  - Journal of Lamps
VI  - 3
PG  - 1-9
AID - 10.1000/l1 [doi]
OT  - light
""", LAMPS | {"authors": ("Quist, Ada", "Rein, Bo"), "ids": {"pmid": "123456", "doi": "10.1000/l1"}, "tags": ("light",), "item": ("3", "1-9")}),
    "refer": ("a.enw", "%0 Journal Article\n%T Lamps at Sea\n%A Quist, Ada\n%A Rein, Bo\n%J Journal of Lamps\n%D 2019-03\n%V 3\n%P 1-9\n%K light\n",
        LAMPS | {"authors": ("Quist, Ada", "Rein, Bo"), "tags": ("light",), "item": ("3", "1-9")}),
    "Web of Science": ("a.txt", "FN X\nVR 1.0\nPT J\nAU Quist, A\n   Rein, B\nAF Quist, Ada\n   Rein, Bo\nTI Lamps\n   at Sea\nSO Journal of Lamps\n"
        "PD MAR\nPY 2019\nVL 3\nBP 1\nEP 9\nDI 10.1000/l1\nER\n\nEF\n", LAMPS | {"authors": ("Quist, Ada", "Rein, Bo"), "item": ("3", "1-9")}),
    "its table": ("a.txt", "PT\tAU\tTI\tSO\tPY\tVL\tBP\tEP\nJ\tQuist, Ada; Rein, Bo\tLamps at Sea\tJournal of Lamps\t2019-03\t3\t1\t9\n",
        LAMPS | {"authors": ("Quist, Ada", "Rein, Bo"), "item": ("3", "1-9")}),
    "Scopus": ("a.csv", '"Authors","Author full names","Author(s) ID","Title","Year","Source title","Page start","Page end","Source"\n"Quist A.; Rein B.",'
        '"Quist, Ada (12); Rein, Bo (34)","12;34","Lamps at Sea","2019-03","Journal of Lamps","1","9","Scopus"\n',
        LAMPS | {"authors": ("Quist, Ada", "Rein, Bo"), "extras": {"Author s  ID", "Source", "Authors"}, "item": ("", "1-9")}),
    "columns below a heading": ("a.csv", "Lamp group,,,,\n,,,,\nWhen,Paper,Authors,Where,Link\nWeek 1,,,,\n2019-03,Lamps at Sea,\"Ada Quist, Bo Rein\","
        "Journal of Lamps,https://arxiv.org/abs/1903.00001\n2019-04,Other,Cy Sund; Di Toft,,https://arxiv.org/abs/1904.00001\n", LAMPS),
    "Airtable": ("a.csv", "Paper Title,Lead Author,Co-authors,Published On,Publication,Read?\nLamps at Sea,Ada Quist,Bo Rein,2019-03,Journal of Lamps,checked\n",
        LAMPS | {"status": "read"}),
    "Pocket": ("a.csv", "title,url,time_added,tags,status\n[1903.00001] Lamps at Sea,https://arxiv.org/abs/1903.00001,1683000000,a|b,archive\n"
        "A cake,https://a.org/cake,1683000001,,unread\n", {"title": "Lamps at Sea", "status": "read", "tags": ("a", "b"), "added": "2023-05-02"}),
    "Zotero": ("a.csv", '"Key","Item Type","Author","Title","Publication Title","Date","Access Date","Extra","Volume","Pages"\n"AB12CD34","journalArticle",'
        '"Quist, Ada; Rein, Bo","Lamps at Sea","Journal of Lamps","2019-03","2023-01-05","PMID: 123456\nCitation Key: q19","3","1-9"\n',
        LAMPS | {"authors": ("Quist, Ada", "Rein, Bo"), "ids": {"pmid": "123456"}, "key": "q19", "item": ("3", "1-9")}),
    "cobib": ("a.yaml", "---\nQ_2019:\n  ENTRYTYPE: article\n  author:\n    - first: Ada\n      last: Quist\n    - first: Bo\n      last: Rein\n"
        "  title: Lamps at Sea\n  journal: Journal of Lamps\n  month: mar\n  year: 2019\n...\n---\nS_20:\n  title: Other\n  author: Cy Sund\n  year: 2020\n...\n",
        LAMPS | {"key": "Q_2019"}),
    "papis": ("info.yaml", "author: Quist, Ada and Rein, Bo\nauthor_list:\n- family: Quist\n  given: Ada\ntitle: Lamps at Sea\njournal: Journal of Lamps\n"
        "month: 3\nyear: 2019\nref: Q2019\ntype: article\ncitations:\n- title: Cited\n  author: X, Y\n  doi: 10.1000/x\n",
        LAMPS | {"authors": ("Quist, Ada", "Rein, Bo"), "key": "Q2019", "extras": {"author_list", "citations"}}),
    "a note as people write it": ("a.md", '---\ntitle: Lamps at Sea\nauthor: "[[Ada Quist]], [[Bo Rein]]"\nsummary: of lamps: and seas\njournal: [[Journal of Lamps]]\n'
        "date: 2019-03\nstatus: #reading\ntags: #light #sea\nrating: ⭐⭐⭐\n---\nText.\n",
        LAMPS | {"status": "reading", "tags": ("light", "sea"), "rating": 3, "abstract": "of lamps: and seas"}),
    "PubMed's XML": ("a.xml", """<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID Version="1">123456</PMID><Article><Journal>
<JournalIssue><Volume>3</Volume><PubDate><Year>2019</Year><Month>Mar</Month></PubDate></JournalIssue><Title>Journal of Lamps</Title></Journal>
<ArticleTitle>Lamps at <i>Sea</i>.</ArticleTitle><Pagination><MedlinePgn>1-9</MedlinePgn></Pagination><AuthorList><Author ValidYN="Y"><LastName>Quist
</LastName><ForeName>Ada</ForeName></Author><Author><LastName>Rein</LastName><ForeName>Bo</ForeName></Author></AuthorList></Article></MedlineCitation>
</PubmedArticle></PubmedArticleSet>""", LAMPS | {"ids": {"pmid": "123456"}, "item": ("3", "1-9")}),
    "lists with their topics": ("a.yml", "- topic: Light\n  papers:\n    - {title: Lamps at Sea, authors: 'Ada Quist, Bo Rein', venue: 'Journal of Lamps, 2019-03'}\n"
        "- topic: Dark\n  papers:\n    - {title: Other, authors: Cy Sund, year: 2020}\n", LAMPS | {"tags": ("Light",)}),
    "records by their number": ("a.json", json.dumps({"1903.00001": {"title": "Lamps at Sea", "creators": [{"firstName": "Ada", "lastName": "Quist"},
        {"firstName": "Bo", "lastName": "Rein"}, {"firstName": "Ed", "lastName": "It", "creatorType": "editor"}], "journalName": "Journal of Lamps",
        "pubDate": "2019-03", "readingStatus": "to-read"}}), LAMPS | {"ids": {"arxiv": "1903.00001"}, "status": "unread"}),
    "columns in so many words": ("a.csv", "Sl. No.;Title of the paper;Name of authors;Year of publication;Name of journal;Status (Read/Unread)\n"
        "1;Lamps at Sea;Ada Quist|Bo Rein;2019-03;Journal of Lamps;Unread\n", LAMPS | {"status": "unread"}),
    "a cell that begins with a quotation": ("a.tsv", 'Title\tAuthors\tYear\n"Lamps" at Sea\tAda Quist; Bo Rein\t2019-03\n"Half a quote\tCy Sund\t2020\n',
        {"title": '"Lamps" at Sea', "authors": LAMPS["authors"], "date": "2019-03"}),
    "a page of Logseq": ("a.md", "title:: Lamps at Sea\nauthors:: [[Ada Quist]], [[Bo Rein]]\ndate:: 2019-03\njournal:: Journal of Lamps\ntags:: light, sea\n\n- A thought\n",
        LAMPS | {"tags": ("light", "sea"), "notes": "- A thought"}),
    "schema.org under years": ("a.json", json.dumps({"2019": [{"@type": "ScholarlyArticle", "headline": "Lamps at Sea", "author": [{"givenName":
        "Ada", "familyName": "Quist"}, {"name": "Bo Rein"}], "isPartOf": {"@type": "Periodical", "name": "Journal of Lamps"}}], "2020": []}),
        LAMPS | {"date": "2019"}),
    "INSPIRE": ("a.json", json.dumps({"hits": {"hits": [{"id": "1", "metadata": {"titles": [{"title": "Lamps at Sea"}], "authors": [{"full_name": n}
        for n in LAMPS["authors"]], "arxiv_eprints": [{"value": "1903.00001"}], "publication_info": [{"journal_title": "Journal of Lamps"}]}}]}}),
        {"title": "Lamps at Sea", "authors": LAMPS["authors"], "venue": "Journal of Lamps", "ids": {"arxiv": "1903.00001"}}),
    "one author a row": ("a.csv", 'sep=;\nTitel;Autor;Erschienen;Status\nLamps at Sea;"Quist, Ada";2019;offen\nOther;"Vaz Luz, Ida";2020;gelesen\n',
        {"title": "Lamps at Sea", "authors": ("Quist, Ada",), "date": "2019", "status": "unread"}),
    "MODS": ("a.xml", """<modsCollection><mods><titleInfo><title>Lamps at Sea</title></titleInfo><name type="personal"><namePart type="given">Ada
</namePart><namePart type="family">Quist</namePart></name><name><namePart>Bo Rein</namePart></name><originInfo><dateIssued>2019-03</dateIssued>
</originInfo><relatedItem type="host"><titleInfo><title>Journal of Lamps</title></titleInfo></relatedItem></mods></modsCollection>""", LAMPS),
    "Trello": ("a.json", json.dumps({"lists": [{"id": "1", "name": "Done"}], "cards": [
        {"name": "Lamps at Sea (https://a.org/p)", "idList": "1", "desc": "by Ada"}]}),
        {"title": "Lamps at Sea", "status": "read", "links": ["https://a.org/p"], "notes": "by Ada"}),
    "texts beside records": ("a.yml", "to_read:\n  - 'Lamps at Sea (Ada Quist, 2019) https://a.org/p'\n  - title: Other\n    link: https://a.org/o\n",
        {"title": "Lamps at Sea", "authors": ("Ada Quist",), "date": "2019", "status": "unread", "links": ["https://a.org/p"]}),
    "a list with a title of its own": ("a.toml", 'title = "Mine"\n[papers.q19]\ntitle = "Lamps at Sea"\nauthors = "Ada Quist & Bo Rein"\n'
        'year = 2019\njournal = "Journal of Lamps"\n', LAMPS | {"date": "2019", "key": "q19"}),
    "more semicolons in a cell than commas in a row": ("a.csv", "year,title,authors\n2019,Lamps at Sea,Ada Quist; Bo Rein\n2020,Other,A B; C D; E F; G H; I J\n",
        {"title": "Lamps at Sea", "authors": LAMPS["authors"], "date": "2019"}),
    "an id and a type that are none of CSL": ("a.json", json.dumps({"id": "https://openalex.org/W1", "type": "article", "title": "Lamps at Sea",
        "authorships": [{"author": {"display_name": name}} for name in LAMPS["authors"]], "publication_date": "2019-03",
        "primary_location": {"source": {"display_name": "Journal of Lamps"}}, "abstract_inverted_index": {"at": [1], "Lamps": [0]}}),
        LAMPS | {"abstract": "Lamps at"}),
    "what a program would have cited": ("CITATION.cff", "title: lamps\npreferred-citation:\n  type: article\n  title: Lamps at Sea\n"
        "  authors: [{family-names: Quist, given-names: Ada}, {name: Bo Rein}]\n  journal: Journal of Lamps\n  date: 2019-03\n", LAMPS),
    "works by their titles": ("a.json", json.dumps({"Lamps at Sea": {"authors": AUTHORS, "date": "2019-03", "journal": "Journal of Lamps"}}), LAMPS),
    "EndNote, a keyword a line": ("a.enw", "%0 Journal Article\n%T Lamps at Sea\n%A Quist, Ada\n%K light\nsea\n%X Lamps\nat sea.\n",
        {"tags": ("light", "sea"), "abstract": "Lamps at sea."}),
    "a remark on a bookmark": ("a.html", '<!DOCTYPE NETSCAPE-Bookmark-file-1>\n<DL><p><DT><A HREF="https://arxiv.org/abs/1903.00001">Lamps</A>\n<DD>by the sea\n</DL>',
        {"title": "Lamps", "notes": "by the sea"}),
    "one folder of a feed": ("a.opml", '<opml><body><outline text="Sea"><outline text="Lamps" url="https://arxiv.org/abs/1903.00001"/></outline></body></opml>',
        {"title": "Lamps", "tags": ("Sea",)}),
    "identifiers with remarks": ("a.txt", "# mine\n1903.00001   # lamps\nPMID: 31178122\nhttps://doi.org/10.1000/a (sea)\n",
        {"title": "", "key": "arxiv-1903.00001", "notes": "lamps", "links": ["https://arxiv.org/abs/1903.00001"]}),
    "titles in lists by status": ("a.yaml", "done:\n  - 'Lamps at Sea: a survey'\n  - 10.1000/a\n", {"title": "Lamps at Sea: a survey", "status": "read"}),
    "headings in a column of titles": ("a.csv", "A: Sea,,\nTitle,Authors,Link\nLamps at Sea,Ada Quist,https://a.org/p\nB: Land,,\nOther lamps,Bo Rein,https://a.org/o\n",
        {"title": "Lamps at Sea", "tags": ("A: Sea",)}),
    "a table of identifiers": ("a.csv", "arxiv_id,why\n1903.00001,sea\n", {"ids": {"arxiv": "1903.00001"}, "extras": {"why"}}),
    "a surname first among several so": ("a.toml", '[r15]\ntitle = "Lamps"\nauthor = "Rein, Bo"\nyear = 2015\n[q14]\ntitle = "Laws"\n'
        'author = "Quist, Ada and Rein, Bo"\nyear = 2014\n', {"authors": ("Rein, Bo",), "key": "r15"}),
    "identifiers with titles": ("a.txt", "1903.00001 - Lamps at Sea\n1706.03762: Attention\n", {"title": "Lamps at Sea", "links": ["https://arxiv.org/abs/1903.00001"]}),
    "fields in a callout": ("a.md", "---\ncitekey: quist2020\n---\n\n> [!md]\n> **Title**:: Lamps at Sea  \n> **DOI**:: 10.1000/l1\n",
        {"title": "Lamps at Sea", "key": "quist2020", "ids": {"doi": "10.1000/l1"}}),
    "RIS without an end": ("a.ris", "TY  - JOUR\nTI  - Other\nAU  - Rein, Bo\nTY  - JOUR\nTI  - Lamps at Sea\nAU  - Quist, Ada\n", {"title": "Other", "authors": ("Rein, Bo",)}),
    "a quotation that is not closed": ("a.csv", 'Title,Year\n"Lamps,2019\nOther,2020\n', {"title": '"Lamps', "date": "2019"}),
    "items that are identifiers": ("a.md", "## Done\n\n- https://arxiv.org/abs/1903.00001\n- 10.1000/a\n", {"title": "", "status": "read"}),
    "a surname with initials in each cell": ("a.csv", "title,author\nLamps,Quist A\nOther,Rein BC\n", {"authors": ("Quist, A",)}),
    "a note named after its key": ("notes/@quist2019.md", "---\ntitle: Lamps at Sea\nyear: 2019\nauthors: [Ada Quist]\n---\nText.\n", {"key": "quist2019", "notes": "Text."}),
    "a journal by the name of its field": ("a.json", '[{"title": "Lamps", "author": "Ada Quist", "year": 2019, "journal": "Sea", "volume": 3, "pages": "1-9"}]', {"journal": "article-journal"}),
    "a DOI of arXiv": ("a.json", '[{"title": "Lamps", "doi": "10.48550/arXiv.1903.00001"}]', {"ids": {"doi": "10.48550/arxiv.1903.00001", "arxiv": "1903.00001"}}),
    "a note of Hugo": ("a.md", '+++\ntitle = "Lamps at Sea"\nauthors = ["Ada Quist", "Bo Rein"]\ndate = "2019-03"\npublication = "In *Journal of Lamps*"\n'
        '[[links]]\nname = "Slides"\nurl = "https://a.org/s.pdf"\n[params]\ndoi = "10.1000/l1"\n+++\nText.\n',
        LAMPS | {"ids": {"doi": "10.1000/l1"}, "links": ["https://a.org/s.pdf"], "extras": {"params"}}),
}  # fmt: skip


def said(draft: Draft, name: str) -> Any:
    if name == "item":
        return draft.record.item.get("volume"), draft.record.item.get("page")
    if name == "journal":
        return draft.record.item.get("type")
    if name == "links":
        return [link.url for link in draft.links]
    if name == "date":
        return draft.date or str(draft.year or "")
    value = getattr(draft, name)
    return set(value) if name == "extras" else str(value) if name == "added" else value


@pytest.mark.parametrize("program", TEXTS)
def test_every_field_has_its_slot(program: str) -> None:
    name, text, wanted = TEXTS[program]
    first = read_source(name, text.encode()).drafts[0]
    assert {field: said(first, field) for field in wanted} == wanted


def test_what_was_saved_and_is_no_paper_stays_and_is_told() -> None:
    source = parse(TEXTS["Pocket"][1], "a.csv")
    assert (len(source.drafts), source.left) == (1, 1)
    assert "'A cake'" in source.findings[-1].message


def test_the_links_of_an_entry_are_no_entries() -> None:
    links = "".join(f'<link title="{name}" href="http://arxiv.org/{name}/1903.00001"/>' for name in ("pdf", "abs"))
    (draft,) = parse(f"<feed><title>Q</title><entry><title>Lamps</title>{links}</entry></feed>", "a.xml").drafts
    assert len(draft.links) == 2


def test_neither_the_heading_of_all_bookmarks_nor_the_bar_of_a_browser_is_a_tag() -> None:
    bar = '<DT><H3 PERSONAL_TOOLBAR_FOLDER="true">Bar</H3><DL><p><DT><H3>Lamps</H3><DL><p>'
    a = '<DT><A HREF="https://arxiv.org/abs/1903.00001">Sea</A></DL></DL></DL>'
    source = parse(f"<!DOCTYPE NETSCAPE-Bookmark-file-1>\n<H1>Bookmarks Menu</H1><DL><p>{bar}{a}", "a.html")
    assert [draft.tags for draft in source.drafts] == [("Lamps",)]


def test_a_list_of_identifiers_knows_each_that_can_be_added() -> None:
    text = "W19-5201\n2020.acl-main.703\nPMC1234567\nopenreview:abcDEF123\nCorpusID:3626819\nISBN 978-0-262-03561-3\n"
    assert [draft.key.partition("-")[0] for draft in parse(text, "ids.txt").drafts] == [
        "acl", "acl", "pmcid", "openreview", "s2", "isbn",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", '{"documents": [{"title": "Lamps", "year": 2019}, {"title": "Sea", "read": true}]}'),
        ("a.json", '[{"title": "Lamps", "year": 2019}, {"title": "Sea", "done": true, "mood": 3}]'),
        ("a.yaml", "- title: Lamps\n  read: false\n- title: Sea\n  read: true\n"),
        ("a.yaml", "to_read:\n  - title: Lamps\ndone:\n  - title: Sea\n    mood: good\n"),
        ("a.toml", '[[papers]]\nname = "Lamps"\n[[papers]]\nname = "Sea"\nfinished = 2024-01-02\n'),
        ("a.yaml", "Lamps at night: unread\nThe open sea: finished\n"),
    ],
)
def test_a_title_is_a_work_where_its_neighbours_or_its_list_say_so(name: str, text: str) -> None:
    drafts = parse(text, name).drafts
    assert [draft.title.split()[-1].lower() for draft in drafts] in (["lamps", "sea"], ["night", "sea"])
    assert [draft.status for draft in drafts if draft.status == "read" or draft.read] == ["read"]
    assert not any(draft.tags for draft in drafts)


def test_what_stands_among_works_and_is_none_is_said() -> None:
    source = parse('[{"title": "Lamps", "year": 2019}, {"colour": "blue"}]', "a.json")
    assert (len(source.drafts), source.missed) == (1, 1)


def test_the_kind_of_a_record_of_endnote_is_its_name() -> None:
    text = (
        '<xml><records><record><ref-type name="Journal Article">17</ref-type><contributors><authors>'
        "<author>Quist, Ada</author></authors></contributors><titles><title>Lamps</title><secondary-title>Seas"
        "</secondary-title></titles><volume>4</volume><dates><year>2015</year><pub-dates><date>Mar</date></pub-dates>"
        "</dates></record></records></xml>"
    )
    (draft,) = parse(text, "a.xml").drafts
    assert (draft.record.item["type"], draft.record.item["issued"]) == ("article-journal", "2015-03")


def test_identifiers_under_names_have_the_status_of_these() -> None:
    source = parse("reading:\n  - 10.1000/a\ndone:\n  - https://arxiv.org/abs/1903.00001\n", "a.yaml")
    assert [draft.status for draft in source.drafts] == ["reading", "read"]


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "x", "version": "1", "author": "A B", "repository": "https://github.com/a/b"}',
        '{"name": "my app", "description": "y", "url": "https://app.org", "author": "me", "version": "2"}',
    ],
)
def test_what_a_package_says_of_itself_is_no_paper(text: str) -> None:
    assert not parse(text, "package.json").drafts


@pytest.mark.parametrize(
    ("name", "field"),
    [("Document Title", "title"), ("first_author", "authors"), ("Author Affiliations", ""), ("yearOfPublication", "date"),
     ("CitesURL", ""), ("arxivId", "arxiv"), ("prism:publicationName", "venue"), ("isRead", "read"), ("isPublished", "")],
)  # fmt: skip
def test_names_of_fields_by_their_words(name: str, field: str) -> None:
    assert meaning(name) == field


KEYS = st.sampled_from(
    str.split("title authors author year date-parts journal name venue url links doi ids externalIds tags status read month day page volume"
    " issued editor note id key type items paper metadata primary_location creators full_name @text #text value publisher pages folder")
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.sampled_from(["10.1000/x", "Ek, A", "2001-05", "https://a.org/x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.dictionaries(KEYS, VALUES, max_size=6), max_size=3))
def test_whatever_a_record_holds_it_is_read(data: list[dict[str, Any]]) -> None:
    source = read_source("a.json", json.dumps([{"title": "Lamps", "year": 2001, **one} for one in data]).encode())
    assert all(isinstance(draft.title, str) for draft in source.drafts)


def test_all_of_it_comes_in_stays_as_it_is_and_is_cited_in_full(library: Library) -> None:
    files = [(f"{n}.{name.rpartition('.')[2]}", text.encode()) for n, (name, text, _) in enumerate(TEXTS.values())]
    library.import_(files)
    assert not [finding for finding in library.check() if finding.kind == "error"]
    before = library.papers()
    again = library.import_([*files, ("a.json", library.export_csl().encode())])
    assert (library.papers(), again.count("merged")) == (before, 0)
    full = [citation(facts) for facts in library.list()]
    assert "Quist, A., & Rein, B. (2019). Lamps at Sea. Journal of Lamps, 3, 1–9. https://doi.org/10.1000/l1" in full


def test_the_text_of_a_note_is_no_record_beside_its_front_matter() -> None:
    note = "---\ntitle: Rivers that remember\nauthors: [Ada Quist]\nyear: 2021\n---\nSee also [[Bells in the fog]].\n"
    (draft,) = read_source("note.md", note.encode(), {}).drafts
    assert (draft.title, draft.notes) == ("Rivers that remember", "See also [[Bells in the fog]].")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [("a.yaml", "title: Lamps\n  year: [", "no YAML that can be read"), ("a.csv", "a,b\n1,2\n", "names the columns"),
     ("a.json", '[{"title": "Lamps", "year": 1}, {"title": "", "year": 2}]', "a row without a title")],
)  # fmt: skip
def test_what_cannot_be_taken_is_told_by_its_form(name: str, text: str, said: str) -> None:
    source = read_source(name, text.encode())
    assert said in " ".join(f"{one.message} {one.remedy}" for one in source.findings if one.kind == "rejected")
