"""The page of one paper."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote

from catalog.export.citation import citation, inverted
from catalog.models import Link, Paper, Tutorial
from catalog.pages.escape import front_matter, meta_value, script_json, web_address
from catalog.pages.notes import has_math, notes_html, prose_html
from catalog.pages.related import Related
from catalog.pages.templates import cleaned, fill, filter_link
from catalog.record import Record

if TYPE_CHECKING:
    from catalog.errors import Finding
    from catalog.pages.notebook import Shown

_LABELS = {"docs": "Documentation", "arxiv": "arXiv", "pdf": "PDF", "doi": "DOI"}
_PREPRINT = re.compile(r"arxiv\b|corr\Z", re.I)
_Link = dict[str, str]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a page says about other papers: their records and page names, and which stand near this one.

    `notebooks` are those that have a page, by the address that tutorials write.
    """

    records: Mapping[str, Record]
    slugs: Mapping[str, str]
    pages: Mapping[str, str]
    near: Mapping[str, Sequence[Related]]
    cited_by: Mapping[str, Sequence[str]]
    notebooks: Mapping[str, Shown] = field(default_factory=dict)


def paper_page(
    paper: Paper,
    record: Record,
    around: Surroundings,
    previous: str | None = None,
    following: str | None = None,
    implementation: str = "",
) -> str:
    """The Markdown of a paper's page: front matter, and its HTML on one line. `implementation` is clean HTML."""
    notes = notes_html(paper.notes, around.pages)
    abstract = prose_html(record.abstract)
    title = record.title or record.key
    body = fill(
        "paper.html",
        record=record,
        title=title,
        status=record.status,
        slug=around.slugs[record.key],
        when=_when(record),
        venue=shown_venue(record),
        tags=record.tags,
        filter_link=filter_link("../index.html"),
        buttons=[_button(link) for link in paper.links],
        notes=cleaned(notes),
        abstract=cleaned(abstract),
        tutorials=[_tutorial(tutorial, around) for tutorial in paper.tutorials],
        implementation=cleaned(implementation),
        citation=citation(record),
        bibtex=paper.bibtex,
        facts=_facts(record),
        neighbours=_neighbours(record, around),
        previous=_near(previous, around) if previous else None,
        next=_near(following, around) if following else None,
    )
    meta: dict[str, object] = {
        "title": meta_value(title),
        "description": meta_value(_description(record)),
        "kb": "paper",
        "hide": ["navigation", "toc"],
        "jsonld": script_json(_json_ld(record)),
    }
    meta |= {"math": True} if has_math(notes + abstract + implementation) else {}
    return front_matter(meta | ({"implementation": True} if implementation else {})) + f"\n{body}\n"


def unreadable_page(key: str, findings: Sequence[Finding]) -> str:
    """The page of a paper whose file cannot be read: what is wrong with it."""
    body = fill("unreadable.html", key=key, findings=[str(finding) for finding in findings])
    meta = {"title": meta_value(key), "kb": "paper", "hide": ["navigation", "toc"], "search": {"exclude": True}}
    return front_matter(meta) + f"\n{body}\n"


def short_authors(record: Record) -> str:
    """First author and year, as one says it: "Hu et al., 2021"."""
    several = record.et_al or len(record.authors) > 2
    names = [inverted(name).partition(", ")[0] for name in record.authors[: 1 if several else 2]]
    people = " and ".join(names) + (" et al." if several else "")
    return ", ".join(part for part in (people, str(record.year or "")) if part)


def shown_venue(record: Record) -> str:
    """Where it appeared, in a form that papers share: all preprints of arXiv under one name."""
    preprint = _PREPRINT.match(record.venue)
    return "arXiv" if preprint or (record.arxiv and not record.venue) else record.venue


def day(date: str) -> str:
    """An ISO date as people write it: 24 Nov 2026."""
    try:
        return f"{dt.date.fromisoformat(date):%-d %b %Y}"
    except ValueError:
        return date


def _button(link: Link) -> _Link:
    label = _LABELS.get(link.name, link.name[:1].upper() + link.name[1:])
    href = web_address(link.url)
    return {"label": label, "href": href, "detail": link.label if href else link.url}


def _tutorial(tutorial: Tutorial, around: Surroundings) -> dict[str, object]:
    href = web_address(tutorial.notebook)
    file = "" if href else tutorial.notebook
    name = PurePosixPath(file).name
    if name.endswith(".md") and name.removesuffix(".md") in around.pages:
        href, file = f"{around.pages[name.removesuffix('.md')]}.html", ""
    shown = around.notebooks.get(tutorial.notebook)
    if shown:
        href, file = f"{shown.page}.html", ""
    run = shown.notebook.last_run if shown else None
    return {
        "name": tutorial.name,
        "date": day(tutorial.date),
        "versions": list((tutorial.versions or (shown.notebook.written_for if shown else {})).items()),
        "ran": [(name, version) for name, _, version in shown.versions if version] if shown else [],
        "ran_on": day(run.date) if run else "",
        "href": href,
        "file": file,
    }


def _facts(record: Record) -> list[tuple[str, str, str]]:
    """Name, value and address of what is known about a paper, without what is not."""
    facts = [
        ("Key", record.key, ""),
        ("Read", day(record.read), ""),
        ("Due", day(record.due), ""),
        ("Added", day(record.added), ""),
        ("DOI", record.doi, f"https://doi.org/{_quoted(record.doi)}"),
        ("arXiv", record.arxiv, f"https://arxiv.org/abs/{_quoted(record.arxiv)}"),
        ("Type", record.type, ""),
        ("Earlier keys", ", ".join(record.aliases), ""),
    ]
    return [fact for fact in facts if fact[1]]


def _when(record: Record) -> str:
    """The date that goes with the status."""
    if record.read:
        return day(record.read)
    dates = (("due", record.due), ("added", record.added))
    return next((f"{word} {day(date)}" for word, date in dates if date), "")


def _quoted(part: str) -> str:
    return quote(part, safe="/:().;-_", errors="replace")


def _neighbours(record: Record, around: Surroundings) -> list[tuple[str, list[_Link]]]:
    cites = [key for key in record.cites if key in around.records and key != record.key]
    lists = [
        ("Mentions", [_near(key, around) for key in cites]),
        ("Mentioned by", [_near(key, around) for key in around.cited_by.get(record.key, ())]),
        ("Related", [_near(near.key, around, near.shares) for near in around.near.get(record.key, ())]),
    ]
    return [(heading, papers) for heading, papers in lists if papers]


def _near(key: str, around: Surroundings, shares: Sequence[str] = ()) -> _Link:
    record = around.records[key]
    href = f"{around.slugs[key]}.html"
    return {
        "href": href,
        "title": record.title or key,
        "by": short_authors(record),
        "shares": f"shares {', '.join(shares)}" if shares else "",
    }


def _description(record: Record) -> str:
    about = short_authors(record) + (f", {shown_venue(record)}" if shown_venue(record) else "")
    start = " ".join(record.abstract[:400].split())[:160]
    return ". ".join(part for part in (about, start) if part) or f"{record.title or record.key}: notes and BibTeX"


def _json_ld(record: Record) -> dict[str, object]:
    """The page is a note about the paper; the paper is what it is about."""
    about: dict[str, object] = {"@type": "ScholarlyArticle", "name": record.title or record.key}
    about |= {"author": [{"@type": "Person", "name": name} for name in record.authors]} if record.authors else {}
    about |= {"datePublished": str(record.year)} if record.year else {}
    about |= {"isPartOf": {"@type": "PublicationIssue", "name": record.venue}} if record.venue else {}
    about |= {"sameAs": f"https://doi.org/{_quoted(record.doi)}"} if record.doi else {}
    about |= {"keywords": list(record.tags)} if record.tags else {}
    name = f"Notes on {record.title or record.key}"
    return {"@context": "https://schema.org", "@type": "WebPage", "name": name, "about": about}
