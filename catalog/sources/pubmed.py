"""PubMed and PubMed Central: E-utilities in XML, two hundred ids a request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from catalog.bibtex import naming
from catalog.bibtex.identifiers import address, arxiv, doi, isbns
from catalog.facts import Name
from catalog.ingest.draft import Draft
from catalog.ingest.report import clean
from catalog.sources.client import Client, NotFound, batches, unknown_form
from catalog.sources.said import iso, items, person, text, work

NAME = "pmid"
match = naming.pubmed
BATCH = TOGETHER = 200
API = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils/efetch.fcgi?db=pubmed&retmode=xml&id="
CONVERTER = "https://pmc.ncbi.nlm.nih.gov/tools/idconv/api/v1/articles/?format=json&ids="
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def fetch(names: Sequence[str], client: Client) -> Iterator[tuple[str, Draft]]:
    """The works of these ids, as far as PubMed has them."""
    numbers = {name: name if name.isdigit() else _pmid(name, client) for name in names}
    wanted = [number for number in dict.fromkeys(numbers.values()) if number]
    found: dict[str, Draft] = {}
    for part in batches(wanted, BATCH):
        root = client.xml(API + ",".join(part))
        if not str(root.tag).startswith("PubmedArticle"):
            raise unknown_form("PubMed")
        for article in root.iter("PubmedArticle", "PubmedBookArticle"):
            of_book = article.tag == "PubmedBookArticle"
            number = clean(article.findtext("BookDocument/PMID" if of_book else "MedlineCitation/PMID") or "")
            if draft := _of_book(article, number) if of_book else _draft(article, number):
                found[number] = draft
    yield from ((name, found[number]) for name, number in numbers.items() if number in found)


def _pmid(name: str, client: Client) -> str:
    """The PubMed id of an article of PubMed Central; "" where it has none."""
    try:
        return text(items(client.json(CONVERTER + name), "records"), 0, "pmid")
    except NotFound:
        return ""


def _all(element: Any, path: str) -> str:
    found = element.find(path)
    return clean("".join(found.itertext())) if found is not None else ""


def _draft(article: Any, number: str) -> Draft | None:
    paper = article.find("MedlineCitation/Article")
    title = _title(paper, "ArticleTitle") or _title(paper, "VernacularTitle")
    if not title:
        return None
    ids = {
        one.get("IdType", ""): clean(one.text or "") for one in article.findall("PubmedData/ArticleIdList/ArticleId")
    }
    places = {one.get("EIdType", ""): clean(one.text or "") for one in paper.findall("ELocationID")}
    name = doi(ids.get("doi", "") or places.get("doi", ""))
    return work(
        "PubMed",
        title=title,
        names=_people(paper, "AuthorList/Author"),
        date=_date(paper),
        venue=_all(paper, "Journal/Title"),
        kind="article",
        ids={
            "doi": name,
            "pmid": number,
            "pmcid": ids.get("pmc", "").upper(),
            "arxiv": arxiv(places.get("pii", "")),
        },
        details={
            "volume": _all(paper, "Journal/JournalIssue/Volume"),
            "number": _all(paper, "Journal/JournalIssue/Issue"),
            "pages": _all(paper, "Pagination/MedlinePgn"),
        },
        summary=_abstract(paper),
        url=address("doi", name) or address("pmid", number),
    )


def _of_book(article: Any, number: str) -> Draft | None:
    """A book, or a chapter of one, as those at NCBI's Bookshelf are."""
    document = article.find("BookDocument")
    if document is None:
        return None
    chapter, book = _title(document, "ArticleTitle"), _title(document, "Book/BookTitle")
    if not (chapter or book):
        return None
    return work(
        "PubMed",
        title=chapter or book,
        names=_people(document, "AuthorList[@Type='authors']/Author") or _people(document, "Book/AuthorList/Author"),
        date=_date_of(document.find("Book/PubDate")) or _date_of(document.find("ContributionDate")),
        venue=book if chapter else _all(document, "Book/Publisher/PublisherName"),
        kind="incollection" if chapter else "book",
        ids={"pmid": number, "isbn": next(iter(isbns(_all(document, "Book/Isbn"))), "")},
        details={"publisher": _all(document, "Book/Publisher/PublisherName") if chapter else ""},
        summary=_abstract(document),
        url=address("pmid", number),
    )


def _title(element: Any, path: str) -> str:
    return _all(element, path).strip("[]").rstrip(".") if element is not None else ""


def _people(element: Any, path: str) -> list[Name]:
    names = (
        person(
            _all(one, "LastName"),
            _all(one, "ForeName") or _all(one, "Initials"),
            _all(one, "CollectiveName"),
            _all(one, "Suffix"),
        )
        for one in element.findall(path)
        if one.get("ValidYN") != "N"
    )
    return [one for one in names if one.last]


def _abstract(element: Any) -> str:
    parts = (
        f"{label.capitalize()}: {said}" if (label := part.get("Label", "")) and label != "UNLABELLED" else said
        for part in element.findall("Abstract/AbstractText")
        if (said := clean("".join(part.itertext())))
    )
    return " ".join(parts)[:20_000]


def _date(paper: Any) -> str:
    found = (_date_of(paper.find(where)) for where in ("Journal/JournalIssue/PubDate", "ArticleDate"))
    return next(filter(None, found), "")


def _date_of(said: Any) -> str:
    if said is None:
        return ""
    year, month, day = (_all(said, part) for part in ("Year", "Month", "Day"))
    year = year or _all(said, "MedlineDate")[:4]
    if month[:3].lower() in _MONTHS:
        month = str(_MONTHS.index(month[:3].lower()) + 1)
    return iso([year, *([month] if month else []), *([day] if month and day else [])])
