"""Any page about a paper: its `citation_*` metadata, Dublin Core or JSON-LD, or the one work that it links to."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urljoin, urlsplit

from lxml import etree

from catalog.bibtex import naming, scan
from catalog.bibtex.identifiers import arxiv, doi, isbns
from catalog.files import is_pdf
from catalog.identity.titles import compare_titles
from catalog.ingest.draft import Draft
from catalog.ingest.fetch import Answer, charset
from catalog.sources import jsonld
from catalog.sources.client import Client, NotFound, Unavailable, each
from catalog.sources.said import abstract, facts_of, links, one_of, untagged, work
from catalog.sources.spans import day, people

NAME = "page"
match = naming.page
_METADATA = {
    "title": ("citation_title", "bepress_citation_title", "eprints.title"),
    "other title": ("dc.title",),
    "date": (
        "citation_publication_date",
        "citation_date",
        "citation_online_date",
        "bepress_citation_date",
        "eprints.date",
        "dc.issued",
        "dc.date",
        "citation_year",
    ),
    "journal": (
        "citation_journal_title",
        "prism.publicationname",
        "bepress_citation_journal_title",
        "eprints.publication",
    ),
    "book": ("citation_conference_title", "citation_inbook_title", "citation_book_title"),
    "thesis": ("citation_dissertation_institution", "bepress_citation_dissertation_institution"),
    "report": ("citation_technical_report_institution",),
    "doi": ("citation_doi", "prism.doi", "bepress_citation_doi", "eprints.id_number", "dc.identifier"),
    "arxiv": ("citation_arxiv_id",),
    "pmid": ("citation_pmid",),
    "isbn": ("citation_isbn",),
    "volume": ("citation_volume", "prism.volume", "bepress_citation_volume", "eprints.volume"),
    "number": ("citation_issue", "prism.number", "bepress_citation_issue", "eprints.number"),
    "first page": ("citation_firstpage", "prism.startingpage", "bepress_citation_firstpage"),
    "last page": ("citation_lastpage", "prism.endingpage", "bepress_citation_lastpage"),
    "publisher": ("citation_publisher",),
    "abstract": ("citation_abstract", "eprints.abstract", "dc.abstract", "dc.description"),
    "pdf": ("citation_pdf_url", "bepress_citation_pdf_url"),
}
_PEOPLE = ("citation_author", "citation_authors", "bepress_citation_author", "eprints.creators_name", "dc.creator")
_KINDS = {"journal": "article", "book": "inproceedings", "thesis": "phdthesis"}
_GUARDED = re.compile(
    r"<title[^>]*>\s*(?:just a moment|attention required|access denied|are you a (?:ro)?bot|client challenge)", re.I
)
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w-]{1,40})", re.I)
_BIB = re.compile(r"\.bib(?:$|[?#])|\bbibtex\b", re.I)
_MOST_TEXT = 300_000  # characters of a page in which its own BibTeX may stand
_MOST_NAMED = 3  # identifiers on a page without metadata, of which it may be about one


def fetch(names: Sequence[str], client: Client) -> Iterator[tuple[str, Draft]]:
    """The works that these pages are about, as their metadata says."""
    return each(names, lambda url: _one(url, client), client)


def _one(url: str, client: Client) -> Draft:
    answer = client.get(url, "text/html,application/xhtml+xml")
    if is_pdf(answer.data):
        return _of_pdf(url, answer.data, client)
    said = _decoded(answer)
    if _GUARDED.search(said):
        raise Unavailable(f"{client.name(url)} lets no program in; give the DOI")
    root = etree.fromstring(said.encode("utf-8", "replace") or b"<html/>", etree.HTMLParser(encoding="utf-8"))
    draft = None if root is None else read(root, answer.url or url, client)
    if draft is None:
        raise Unavailable(f"{client.name(url)} says of no paper that the page is about; give --title")
    return draft


def _decoded(answer: Answer) -> str:
    """The text of a page: UTF-8 where it is that, whatever is said; else as the answer or the page itself says."""
    with contextlib.suppress(UnicodeDecodeError):
        return answer.data.decode("utf-8-sig")
    named = _META_CHARSET.search(answer.data[:4000])
    if "charset" in answer.content_type.lower() or answer.data[:2] in (b"\xff\xfe", b"\xfe\xff") or not named:
        wide = answer.data[:2] in (b"\xff\xfe", b"\xfe\xff")
        return answer.data.decode("utf-16", "replace") if wide else answer.text
    return answer.data.decode(charset(f"charset={named[1].decode()}"), "replace")


def read(root: Any, url: str, client: Client) -> Draft | None:
    """The work that a page is about; None where it does not say."""
    from catalog.sources import better

    said: dict[str, list[str]] = {}
    for meta in root.iter("meta"):
        name = (meta.get("name") or meta.get("property") or "").lower().replace("dcterms.", "dc.")
        if value := untagged(meta.get("content") or ""):
            said.setdefault(name, []).append(value)
    host = urlsplit(url).hostname or "its page"
    scripts = (
        one.text or "" for one in root.iter("script") if (one.get("type") or "").lower() == "application/ld+json"
    )
    draft = _of_metadata(said, url, host) or jsonld.read(scripts, url, host)
    if not draft:
        return _named(root, url, client)
    registered = better(draft, client)
    return registered if registered is not draft else _with_own_entry(draft, root, url, host, client)


def _with_own_entry(draft: Draft, root: Any, url: str, host: str, client: Client) -> Draft:
    """The work with the BibTeX that its page holds or links to, where that is of the same title."""
    for entry in _entries(root, url, client):
        if compare_titles(facts_of(draft), facts_of(Draft(bibtex=entry))) in ("equal", "close"):
            made = facts_of(draft)
            ids = {name: value for name, value in made.ids if name != "url"}
            places = [(link.name, link.url) for link in draft.links]
            return work(host, title="", bibtex=entry, ids=ids, summary=draft.abstract, places=places)
    return draft


def _entries(root: Any, url: str, client: Client) -> Iterator[str]:
    """The BibTeX entries of a page: those that stand in it, then those of files on its host that it links to."""
    for shown in scan("".join(root.itertext())[:_MOST_TEXT]):
        if shown.kind == "entry" and (entry := one_of(shown.text)):
            yield entry
    files = [urljoin(url, link.get("href") or "") for link in root.iter("a") if _BIB.search(link.get("href") or "")]
    for file in dict.fromkeys(one for one in files if urlsplit(one).hostname == urlsplit(url).hostname):
        with contextlib.suppress(NotFound, Unavailable):
            yield one_of(client.text(file))
            return


def _named(root: Any, url: str, client: Client) -> Draft | None:
    """The work whose identifier a page without metadata links to, if the page has its title, too; with that page."""
    from catalog.sources import Guess, look_up, recognise

    headings = [" ".join(one.itertext()) for one in root.iter("title", "h1", "h2")]
    guess = Guess(head="\n".join(headings))
    found = {
        one.id: one
        for link in root.iter("a")
        if (one := recognise(link.get("href") or "")) and one.id[0] in ("doi", "arxiv", "acl")
    }
    if not headings or len(found) > _MOST_NAMED:
        return None
    for one in found.values():
        with contextlib.suppress(NotFound, Unavailable):
            draft = look_up(one, client)
            if guess.says(facts_of(draft).heading):
                return replace(draft, links=(*draft.links, *links([("homepage", url)])))
    return None


def _of_metadata(said: dict[str, list[str]], url: str, host: str) -> Draft | None:
    """What its `citation_*` metadata say, or Dublin Core where it names people."""
    one = {field: next((said[name][0] for name in names if said.get(name)), "") for field, names in _METADATA.items()}
    title = one["title"] or (one["other title"] if "dc.creator" in said else "")
    if not title:
        return None
    authors = next((said[name] for name in _PEOPLE if name in said), [])
    kind = next((kind for field, kind in _KINDS.items() if one[field]), "misc")
    return work(
        host,
        title=title,
        names=[name for some in authors for name in people(some)],
        date=day(one["date"]),
        venue=next((one[field] for field in (*_KINDS, "report") if one[field]), ""),
        kind=kind,
        ids={
            "doi": doi(one["doi"]),
            "arxiv": arxiv(one["arxiv"], bare=True),
            "pmid": one["pmid"],
            "isbn": next(iter(isbns(one["isbn"])), ""),
        },
        details={
            **{name: one[name] for name in ("volume", "number")},
            "pages": "--".join(filter(None, (one["first page"], one["last page"]))),
            "publisher": one["publisher"] if kind != "article" else "",
        },
        summary=abstract(one["abstract"]),
        places=[("pdf", urljoin(url, one["pdf"]))] if one["pdf"] else [],
        url=url,
    )


def _of_pdf(url: str, data: bytes, client: Client) -> Draft:
    from catalog.sources import resolved
    from catalog.sources.pdf import guess

    try:
        return resolved(guess(data), client, ("pdf", url))
    except NotFound as e:
        raise Unavailable(str(e)) from None
