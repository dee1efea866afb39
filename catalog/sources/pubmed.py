"""PubMed and PubMed Central: E-utilities in XML, two hundred ids a request."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from catalog.bibtex.identifiers import doi
from catalog.ingest.draft import Draft
from catalog.ingest.report import clean
from catalog.sources.client import Client, NotFound, Unavailable
from catalog.sources.said import iso, items, person, text, work

NAME = "pmid"
BATCH = 200
API = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils/efetch.fcgi?db=pubmed&retmode=xml&id="
CONVERTER = "https://pmc.ncbi.nlm.nih.gov/tools/idconv/api/v1/articles/?format=json&ids="
_PMID = re.compile(
    r"(?:pmid:?\s*|https?://(?:www\.)?(?:pubmed\.ncbi\.nlm\.nih\.gov|ncbi\.nlm\.nih\.gov/pubmed)/)(\d{1,9})/?"
    r"(?:[?#].*)?",
    re.I,
)
_PMCID = re.compile(
    r"(?:pmcid:?\s*|https?://(?:www\.)?(?:ncbi\.nlm\.nih\.gov/pmc|pmc\.ncbi\.nlm\.nih\.gov|europepmc\.org)/"
    r"(?:articles?/)?(?:pmc/)?)?(PMC\d{3,9})(?:/.*)?(?:[?#].*)?",
    re.I,
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def match(text: str) -> str:
    """The PubMed id (digits) or PubMed Central id (PMC…) that a text is."""
    if found := _PMID.fullmatch(text.strip()):
        return found[1]
    found = _PMCID.fullmatch(text.strip())
    return found[1].upper() if found else ""


def fetch(names: Sequence[str], client: Client) -> Iterator[tuple[str, Draft]]:
    """The works of these ids, as far as PubMed has them."""
    numbers = {name: name if name.isdigit() else _pmid(name, client) for name in names}
    wanted = [number for number in dict.fromkeys(numbers.values()) if number]
    found: dict[str, Draft] = {}
    for start in range(0, len(wanted), BATCH):
        root = client.xml(API + ",".join(wanted[start : start + BATCH]))
        if not str(root.tag).startswith("PubmedArticle"):
            raise Unavailable("PubMed answered in a form that kb does not know")
        for article in root.iter("PubmedArticle"):
            number = clean(article.findtext("MedlineCitation/PMID") or "")
            if draft := _draft(article, number):
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
    title = _all(paper, "ArticleTitle").strip("[]").rstrip(".") if paper is not None else ""
    if not title:
        return None
    ids = {
        one.get("IdType", ""): clean(one.text or "") for one in article.findall("PubmedData/ArticleIdList/ArticleId")
    }
    abstract = " ".join(
        f"{label.capitalize()}: {said}" if (label := part.get("Label", "")) else said
        for part in paper.findall("Abstract/AbstractText")
        if (said := clean("".join(part.itertext())))
    )
    names = [
        person(
            _all(one, "LastName"),
            _all(one, "ForeName") or _all(one, "Initials"),
            _all(one, "CollectiveName"),
            _all(one, "Suffix"),
        )
        for one in paper.findall("AuthorList/Author")
    ]
    name = doi(ids.get("doi", ""))
    return work(
        "PubMed",
        title=title,
        names=[one for one in names if one.last],
        date=_date(paper),
        venue=_all(paper, "Journal/Title"),
        kind="article",
        ids={"doi": name, "pmid": number, "pmcid": ids.get("pmc", "").upper()},
        details={
            "volume": _all(paper, "Journal/JournalIssue/Volume"),
            "number": _all(paper, "Journal/JournalIssue/Issue"),
            "pages": _all(paper, "Pagination/MedlinePgn"),
        },
        summary=abstract[:20_000],
        url=f"https://doi.org/{name}" if name else f"https://pubmed.ncbi.nlm.nih.gov/{number}/",
    )


def _date(paper: Any) -> str:
    for where in ("Journal/JournalIssue/PubDate", "ArticleDate"):
        if (found := paper.find(where)) is None:
            continue
        year, month, day = (_all(found, part) for part in ("Year", "Month", "Day"))
        year = year or _all(found, "MedlineDate")[:4]
        if month[:3].lower() in _MONTHS:
            month = str(_MONTHS.index(month[:3].lower()) + 1)
        if date := iso([year, *([month] if month else []), *([day] if month and day else [])]):
            return date
    return ""
