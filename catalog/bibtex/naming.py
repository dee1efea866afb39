"""What a text that a person gives names: the identifier that it is to each service, as far as its form tells.

Nothing is asked, and nothing is loaded but the forms: what is here already is found without the sources.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from catalog.bibtex.forms import forms
from catalog.bibtex.identifiers import arxiv as arxiv_in
from catalog.bibtex.identifiers import doi as doi_in
from catalog.bibtex.identifiers import doi_in_address, in_address, isbns, short_doi

_ARXIV_STAMP = re.compile(
    r"(arxiv:\s*\S+)\s+\[[\w.-]+\]\s+\d{1,2} \w{3} \d{4}", re.I
)  # as it stands beside a first page
_ACL_ID = r"(?:\d{4}\.[a-z][\w]*-[\w]+\.\d+|[A-Z]\d\d-\d{4})"
_ACL_BARE = re.compile(
    rf"(?:acl:\s*|(?:https?://(?:dx\.|www\.)?doi\.org/|doi:\s*)?10\.18653/v1/)?({_ACL_ID})(?:\.(?:pdf|bib))?", re.I
)
_PUBMED_PMID = re.compile(r"pmid:?\s*(\d{1,9})", re.I)
_PUBMED_PMCID = re.compile(r"(?:pmcid:?\s*(?:PMC)?|PMC)(\d{3,9})(?:\.\d+)?", re.I)
_SEMANTICSCHOLAR_ID = re.compile(
    r"(?:s2:\s*)?(?P<hash>[0-9a-f]{40})|(?:corpusid:\s*|s2cid:?\s*|https?://api\.semanticscholar\.org/(?:graph/v1/paper/)?"
    r"CorpusID:)(?P<corpus>\d{3,12})(?:[/?#].*)?|https?://pdfs\.semanticscholar\.org/(?P<start>[0-9a-f]{4})/(?P<end>[0-9a-f]{36})\.pdf",
    re.I,
)  # fmt: skip
_OPENALEX_ID = re.compile(
    r"(?:openalex:\s*|https?://(?:\w+\.)?openalex\.org/(?:works/?)?(?:\?(?:[^#]*&)?zoom=)?)?(w\d{4,12})(?:[/?&#].*)?",
    re.I,
)
_DBLP_BARE = re.compile(
    r"(?:dblp:\s*(?=[\w-]+/)|(?=(?:conf|journals|books|phd|series|reference|tr)/))([\w-]+/[\w.-]+/[\w.+-]+)", re.I
)
_BOOKS_FORMS = re.compile(
    r"(?:(?:urn:)?isbn(?:-1[03])?[:\s]*|https?://(?:[\w-]+\.)*(?:openlibrary|worldcat|bookshop)\.org/isbn/|"
    r"https?://(?:www\.)?amazon\.[a-z.]+/(?:[^?#]*/)?(?:dp|gp/product|ASIN)/|https?://books\.google\.[a-z.]+/[^#]*?isbn[=:]?)?"
    r"(?P<n>[\d\s-]{9,20}[\dx])(?:[/?&#].*)?",
    re.I,
)  # fmt: skip
_OPEN_LIBRARY = re.compile(
    r"(?:https?://(?:www\.)?openlibrary\.org/(?:books|works)/|olid:?\s*)(OL\d{1,10}[MW])(?:[/.?#].*)?", re.I
)
_BOOKS_DASHES = re.compile("[\u2010-\u2015\u2212]")
_GITHUB_FORMS = re.compile(
    r"(?:github:\s*|(?:(?:https?|git)://(?:www\.)?|(?:ssh://)?git@)github\.com[/:]|https?://raw\.githubusercontent\.com/)"
    r"(?P<id>[\w-]+/[\w.-]+?)(?:\.git)?(?:/.*)?(?:[?#].*)?",
    re.I,
)
_GITHUB_OWN = ("topics", "features", "orgs", "marketplace", "sponsors", "collections", "search", "about", "settings")


def arxiv(text: str) -> str:
    """The arXiv id that a text is: any version, address, `arXiv:…`, DOI, or a page of a site that shows its papers."""
    text = text.strip()
    text = found[1] if (found := _ARXIV_STAMP.fullmatch(text)) else text.removesuffix(".pdf")
    return arxiv_in(text, bare=True) if len(text) < 400 and len(text.split()) < 4 else ""


def acl(text: str) -> str:
    """The Anthology id that a text is: `2020.acl-main.1`, `P19-1001`, an address, or the DOI that holds it."""
    found = _ACL_BARE.fullmatch(text.strip())
    name = found[1] if found else dict([in_address(text)]).get("acl", "")
    return name.upper() if re.match(r"[A-Z]\d\d-", name, re.I) else name.lower()


def openreview(text: str) -> str:
    """The id of a forum that a text names: `openreview:…` or its address."""
    found = re.fullmatch(r"openreview:\s*([\w-]{6,})", text.strip(), re.I)
    return found[1] if found else dict([in_address(text)]).get("openreview", "")


def pubmed(text: str) -> str:
    """The PubMed id (digits) or PubMed Central id (PMC…) that a text is."""
    if found := _PUBMED_PMID.fullmatch(text.strip()):
        return found[1]
    if found := _PUBMED_PMCID.fullmatch(text.strip()):
        return f"PMC{found[1]}"
    name, value = in_address(text)
    return value if name in ("pmid", "pmcid") else ""


def semanticscholar(text: str) -> str:
    """The id that a text is: forty hexadecimal digits, or `CorpusId:…`."""
    found = _SEMANTICSCHOLAR_ID.fullmatch(text.strip())
    if not found:
        return dict([in_address(text)]).get("s2", "")
    if found["corpus"]:
        return f"CorpusId:{found['corpus']}"
    return (found["hash"] or found["start"] + found["end"]).lower()


def openalex(text: str) -> str:
    """The OpenAlex id that a text is, such as W2741809807."""
    found = _OPENALEX_ID.fullmatch(text.strip())
    return found[1].upper() if found else ""


def dblp(text: str) -> str:
    """The DBLP key that a text is: `dblp:conf/nips/…` or the address of its record."""
    found = _DBLP_BARE.fullmatch(text.strip())
    return found[1] if found else dict([in_address(text)]).get("dblp", "")


def doi(text: str) -> str:
    """The DOI that a text is: `doi:…`, an address of doi.org, or of a publisher's page that has it in its path."""
    text = text.strip()
    if len(text.split()) > 2 or len(text) > 400:
        return ""
    if short := short_doi(text):
        return short
    if re.match(r"https?://", text, re.I):
        return doi_in_address(text)
    bare = re.sub(r"^(?:(?:info:|urn:)?doi[:/]?\s*)", "", text, flags=re.I)
    return doi_in(bare) if bare.startswith("10.") and " " not in bare else ""


def books(text: str) -> str:
    """The ISBN that a text is, as thirteen digits, or the id that a book has at Open Library.

    One whose check digit is wrong is none.
    """
    if known := _OPEN_LIBRARY.fullmatch(text.strip()):
        return known[1].upper()
    found = _BOOKS_FORMS.fullmatch(_BOOKS_DASHES.sub("-", text.strip()))
    digits = re.sub(r"[\s-]", "", found["n"]).upper() if found else ""
    return isbns(digits)[0] if _checks(digits) and isbns(digits) else ""


def _checks(digits: str) -> bool:
    if re.fullmatch(r"97[89]\d{10}", digits):
        return sum(int(d) * (3 if at % 2 else 1) for at, d in enumerate(digits)) % 10 == 0
    if re.fullmatch(r"\d{9}[\dX]", digits):
        return sum((10 if d == "X" else int(d)) * (10 - at) for at, d in enumerate(digits)) % 11 == 0
    return False


def github(text: str) -> str:
    """The repository that a text names, as owner/name."""
    found = _GITHUB_FORMS.fullmatch(text.strip())
    return found["id"] if found and found["id"].partition("/")[0].lower() not in _GITHUB_OWN else ""


def page(text: str) -> str:
    """The address of a page."""
    text = text.strip()
    try:
        good = re.fullmatch(r"https?://[^\s<>\"]{3,2000}", text, re.I) and urlsplit(text).hostname
    except ValueError:
        return ""
    return text if good else ""


MATCHES = (
    ("arxiv", arxiv), ("acl", acl), ("openreview", openreview), ("pmid", pubmed), ("s2", semanticscholar),
    ("openalex", openalex), ("dblp", dblp), ("doi", doi), ("isbn", books), ("github", github), ("page", page),
)  # fmt: skip


def called(name: str, value: str) -> str:
    """What an identifier of a source is called: PubMed has two kinds, and so have books."""
    other = {"pmid": "pmcid", "isbn": "openlibrary"}.get(name, name)
    return name if value.isdigit() else other


def identifier(text: str) -> tuple[str, str]:
    """The name and value of the identifier that a text is, in any of its forms; two empty texts where it is none."""
    for form in forms(text):
        for name, match in MATCHES:
            if value := match(form):
                return called(name, value), value
    return "", ""
