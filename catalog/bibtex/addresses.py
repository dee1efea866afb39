"""Which identifiers a work has and where it is, out of its links and the fields of its entry."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from catalog.bibtex.identifiers import address, arxiv, doi, in_address, isbns
from catalog.facts import Address

if TYPE_CHECKING:
    from catalog.models import Link, Paper

CODE_HOSTS = ("github.com", "gitlab.com", "codeberg.org", "bitbucket.org")
_URL = re.compile(r"(?:https?|ftp)://[^\s{}\"<>|\\^`]+", re.I)
_ESCAPED = re.compile(r"\\([%#&_~$])(?:\{\})?|\\textasciitilde(?:\{\})?|\{\\textasciitilde\}|\{?\\sim\}?")
_ISSN = re.compile(r"\d{4}-\d{3}[\dXx]")
_SAID = {"pmid": r"\d{1,9}", "pmcid": r"(?i:pmc)?\d{1,9}", "jstor": r"[\w./-]+", "hdl": r"[\w./-]+", "mrnumber": r"\d+"}
_EPRINTS = {"pubmed": "pmid", "pmid": "pmid", "jstor": "jstor", "hdl": "hdl"}
_BESIDE = frozenset({"code", "data", "dataset", "model", "slides", "poster", "video", "talk", "supplement", "blog"})
_WORDS = ("howpublished", "note", "annote", "addendum")
_FIELDS = {  # other programs' and pages' fields for addresses, and what is there
    **dict.fromkeys(("link", "ee", "bdsk-url-1", "html", "pdf", "file"), "paper"),
    **dict.fromkeys(("code", "github", "repository"), "code"),
    **dict.fromkeys(("data", "dataset", "slides", "poster", "video", "blog", "website"), ""),
}
_WWW = re.compile(r"(?<![\w./@-])www\.[\w-]+\.[^\s{}\"<>|\\^`]+", re.I)


def identifiers(paper: Paper, fields: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Every identifier as (name, value), each name's most trusted value first: fields, the file's own, then links.

    What is beside the paper, such as its code or data, has identifiers of its own.
    """
    own = ((name, value) for name, text in paper.ids.items() for value in _normal(name, text))
    found = [*_of_fields(fields), *own, *(in_address(link.url) for link in paper.links if link.name not in _BESIDE)]
    return tuple(dict.fromkeys((name, value) for name, value in found if value and not _is_arxiv_doi(name, value)))


def addresses(
    paper: Paper, fields: Mapping[str, str], ids: tuple[tuple[str, str], ...]
) -> tuple[Address, ...]:  # fmt: skip
    """The file's links, then what the entry says or its identifiers lead to; the same place once."""
    own = [Address(link.name, link.url, link.label, _origin(link)) for link in paper.links]
    seen = {same_place(one.url) for one in own}
    more = []
    for one in _computed(fields, ids):
        if same_place(one.url) not in seen:
            seen.add(same_place(one.url))
            more.append(one)
    return (*own, *more)


def _origin(link: Link) -> str:
    """A file of the reader's own is shown to nobody else."""
    return "file" if link.name == "file" and "://" not in link.url else "link"


def same_place(url: str) -> str:
    """What two spellings of one address share: its identifier, or host, path and query."""
    if "arxiv" in url and (paper := arxiv(url)):
        return f"arxiv:{paper}"
    if "doi.org/" in url and (name := doi(url)):
        return f"doi:{name}"
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return url
    return f"{host}{parts.path.rstrip('/')}?{parts.query}#{parts.fragment}"


def doi_of(fields: Mapping[str, str]) -> str:
    """The DOI the entry gives, also as an address; an arXiv DOI is an arXiv id and not counted."""
    found = doi(fields.get("doi", ""))
    if not found and fields.get("eprinttype", "").strip().lower() == "doi":
        found = doi(fields.get("eprint", ""))
    for name in ("url", "ee"):
        if not found and "doi.org" in fields.get(name, ""):
            found = doi(fields[name])
    return "" if _is_arxiv_doi("doi", found) else found


def arxiv_of(fields: Mapping[str, str]) -> str:
    """The arXiv id the entry gives: eprint, journal text, note, address or arXiv DOI."""
    kind = (fields.get("archiveprefix") or fields.get("eprinttype") or "").strip().lower()
    if kind in ("", "arxiv") and (found := arxiv(fields.get("eprint", ""), bare=True)):
        return found
    group = fields.get("primaryclass") or fields.get("eprintclass") or ""
    if kind == "arxiv" and (found := arxiv(f"{group.strip()}/{fields.get('eprint', '').strip()}", bare=True)):
        return found
    for name in ("arxivid", "arxiv"):
        if found := arxiv(fields.get(name, ""), bare=True):
            return found
    for name in ("journal", "journaltitle", "doi", "url", "howpublished", "note", "volume", "number", "pubstate"):
        if found := arxiv(fields.get(name, "").replace("\\_", "_")):
            return found
    return ""


def _normal(name: str, value: str) -> list[str]:
    """An identifier as a file writes it in the form that is compared; as it stands where it has none."""
    if name == "isbn":
        return isbns(value) or [value]
    known = {"doi": doi(value), "arxiv": arxiv(value, bare=True), "pmcid": value.upper()}
    return [known.get(name) or value]


def _is_arxiv_doi(name: str, value: str) -> bool:
    return name == "doi" and value.startswith("10.48550/")


def _of_fields(fields: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    yield "doi", doi_of(fields)
    yield "arxiv", arxiv_of(fields)
    yield from (("isbn", value) for value in isbns(fields.get("isbn", "")))
    if issn := _ISSN.search(fields.get("issn", "")):
        yield "issn", issn.group().upper()
    for name, form in _SAID.items():
        if (value := fields.get(name, "").strip()) and re.fullmatch(form, value):
            yield name, value.upper() if name == "pmcid" else value
    kind = _EPRINTS.get((fields.get("eprinttype") or fields.get("archiveprefix") or "").strip().lower())
    if kind and re.fullmatch(_SAID[kind], value := fields.get("eprint", "").strip()):
        yield kind, value
    for field in ("url", "biburl", "howpublished"):
        if url := _url(fields.get(field, "")):
            yield in_address(url)


def _computed(fields: Mapping[str, str], ids: tuple[tuple[str, str], ...]) -> Iterator[Address]:
    if url := _url(fields.get("url", "")):
        yield Address(_kind(url), url, "", "url")
    for field, kind in _FIELDS.items():
        if field in fields and (url := _url(fields[field])):
            yield Address(kind or field, url, "", "url" if field in ("link", "file") else field)
    books = [one for one in ids if one[0] == "isbn"]
    for name, value in ids:
        if name != "isbn" and (url := address(name, value)):
            yield Address("paper", url, "", "eprint" if name == "arxiv" and fields.get("eprint") else name)
    for field in _WORDS:
        if url := _url(fields.get(field, "")):
            yield Address(_kind(url), url, "", field)
    yield from (Address("paper", address(*book), "", "isbn") for book in books[:1])  # last: a book may hold many papers


def _url(text: str) -> str:
    r"""The first address in a field, `\url{…}` and LaTeX's escapes undone."""
    text = _ESCAPED.sub(lambda m: m[1] or "~", text) if "\\" in text else text
    if "://" not in text:
        bare = _WWW.search(text) if "www." in text.lower() else None
        text = f"http://{bare.group()}" if bare else ""
    found = _URL.search(text)
    return found.group().rstrip(".,;:)'") if found and urlsplit_works(found.group()) else ""


def urlsplit_works(url: str) -> bool:
    """Whether an address has a host, as far as Python can tell."""
    try:
        return bool(urlsplit(url).hostname)
    except ValueError:
        return False


def _kind(url: str) -> str:
    host = (urlsplit(url).hostname or "").removeprefix("www.")
    return "code" if host in CODE_HOSTS else "paper"
