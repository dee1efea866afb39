"""GitHub: the paper of a repository, from its CITATION.cff or the BibTeX in its README; a repository itself else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from catalog.bibtex import naming, scan
from catalog.bibtex.describe import describe
from catalog.facts import Name
from catalog.ingest import nested
from catalog.ingest.draft import Draft
from catalog.models import Link, Paper
from catalog.sources.client import Client, NotFound, each
from catalog.sources.said import dig, iso, items, keyless, one_of, person, text, work

NAME = "github"
match = naming.github
RAW = "https://raw.githubusercontent.com"
_CFF_TYPES = {
    "article": "article",
    "conference-paper": "inproceedings",
    "book": "book",
    "thesis": "phdthesis",
    "report": "techreport",
    "proceedings": "proceedings",
}


def fetch(names: Sequence[str], client: Client) -> Iterator[tuple[str, Draft]]:
    """The works that these repositories ask to be cited for, each with the repository as its code.

    The paper that a CITATION.cff prefers, else one whose BibTeX stands in the README, else the software.
    """
    return each(names, lambda name: _one(name, client), client)


def _one(name: str, client: Client) -> Draft | None:
    from catalog.sources import better

    data = _citation(name, client)
    paper = _of_record(dig(data, "preferred-citation"))
    draft = better(paper, client) if paper else _in_readme(name, client) or _of_record(data)
    if not draft:
        return None
    code = Link(name="code", url=f"https://github.com/{name}")
    there = {link.url.rstrip("/").lower() for link in draft.links}
    return draft if code.url.lower() in there else replace(draft, links=(*draft.links, code))


def _citation(name: str, client: Client) -> Any:
    """What its CITATION.cff holds; None without one."""
    try:
        return nested.load(client.text(f"{RAW}/{name}/HEAD/CITATION.cff"), "yaml")
    except NotFound:
        return None


def _of_record(record: Any) -> Draft | None:
    """The work that a record of a CITATION.cff describes; None where it has no title."""
    title = text(record, "title")
    if not title:
        return None
    date = text(record, "date-published") or text(record, "date-released")
    return work(
        "its CITATION.cff",
        title=title,
        names=map(_author, items(record, "authors")),
        date=date[:10] or iso([text(record, "year"), text(record, "month")]),
        venue=text(record, "journal") or text(record, "collection-title") or text(record, "conference", "name"),
        kind=_CFF_TYPES.get(text(record, "type"), "misc"),
        ids={"doi": text(record, "doi").lower()} | _more_ids(record),
        details={
            "volume": text(record, "volume"),
            "number": text(record, "issue"),
            "version": text(record, "version"),
            "pages": "--".join(filter(None, (text(record, "start"), text(record, "end")))),
            "publisher": text(record, "publisher", "name"),
        },
        summary=text(record, "abstract")[:20_000],
        url=text(record, "url"),
    )


def _author(one: Any) -> Name:
    family = " ".join(filter(None, (text(one, "name-particle"), text(one, "family-names"))))
    return person(family, text(one, "given-names"), text(one, "name") or text(one, "alias"), text(one, "name-suffix"))


def _more_ids(record: Any) -> dict[str, str]:
    from catalog.bibtex.identifiers import in_address

    found = (in_address(text(one, "value")) for one in items(record, "identifiers"))
    return {name: value for name, value in found if value}


def _in_readme(name: str, client: Client) -> Draft | None:
    """The first entry in its CITATION.bib or README that can be read; of several, the one that says the repository."""
    for file in ("CITATION.bib", "README.md", "readme.md", "README.rst"):
        try:
            readme = client.text(f"{RAW}/{name}/HEAD/{file}")
        except NotFound:
            continue
        entries = [entry for block in scan(readme) if block.kind == "entry" and (entry := one_of(block.text))]
        good = [entry for entry in entries if describe(Paper(key="KEY", bibtex=entry)).title]
        own = [entry for entry in good if name.lower() in entry.lower()]
        if good:
            return work("its README", title="", bibtex=keyless((own or good)[0]))
    return None
