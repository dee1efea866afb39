"""DOIs, arXiv ids, ISBNs and other identifiers, in fields and in addresses."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

_DOI = re.compile(r"\b10\.\d{4,9}/[^\s\"{}\\|^`]+", re.I)
_NEW = r"\d{4}\.\d{4,5}"
_OLD = r"[a-z][a-z-]+(?:\.[A-Z]{2})?/\d{7}"
_ARXIV_URL = re.compile(rf"arxiv\.org/(?:abs|pdf|html|format|e-print|src)/({_NEW}|{_OLD})(v\d+)?", re.I)
_ARXIV_DOI = re.compile(rf"10\.48550/arxiv\.({_NEW}|{_OLD})(v\d+)?", re.I)
_ARXIV_TEXT = re.compile(rf"\barxiv\s*[:.]?\s*(?:preprint)?\s*(?:arxiv)?\s*[:.]?\s*({_NEW}|{_OLD})(v\d+)?", re.I)
_ARXIV_ID = re.compile(rf"\s*(?:arxiv:)?({_NEW}|{_OLD})(v\d+)?(?:\s*\[[\w.-]+\])?\s*", re.I)
_ISBN = re.compile(r"(?<![\d-])(?:97[89][\s-]?)?\d(?:[\s-]?\d){8}[\s-]?[\dXx](?![\d-])")
_IN_ADDRESS = (
    (
        "acl",
        re.compile(
            r"(?:aclanthology\.org|aclweb\.org/anthology)/(?:papers/)?(?:[A-Z]/[A-Z]\d\d/)?((?:[A-Z]\d\d-\d{4}|\d{4}\.[\w-]+\.\d+))"
        ),
    ),
    ("openreview", re.compile(r"openreview\.net/(?:forum|pdf|attachment)\?id=([\w-]+)")),
    ("pmcid", re.compile(r"ncbi\.nlm\.nih\.gov/(?:pmc/articles|articles)/(PMC\d+)", re.I)),
    ("pmid", re.compile(r"(?:pubmed\.ncbi\.nlm\.nih\.gov|ncbi\.nlm\.nih\.gov/pubmed)/(\d+)")),
    ("dblp", re.compile(r"dblp\.(?:org|uni-trier\.de)/rec/(?:bibtex/|html/)?([\w/-]+?)(?:\.(?:html|bib))?(?:\Z|[?#])")),
    ("s2", re.compile(r"semanticscholar\.org/paper/(?:[^/]*/)?([0-9a-f]{40})")),
)
_ADDRESSES = {
    "arxiv": "https://arxiv.org/abs/", "doi": "https://doi.org/", "acl": "https://aclanthology.org/",
    "openreview": "https://openreview.net/forum?id=", "pmcid": "https://www.ncbi.nlm.nih.gov/pmc/articles/",
    "pmid": "https://pubmed.ncbi.nlm.nih.gov/", "s2": "https://www.semanticscholar.org/paper/",
    "hdl": "https://hdl.handle.net/", "jstor": "https://www.jstor.org/stable/",
}  # fmt: skip


def doi(text: str) -> str:
    """The DOI in a field or an address, lower case and without resolver; "" where there is none."""
    text = text.replace("\\_", "_")
    found = _DOI.search(unquote(text) if "%2" in text else text)
    if not found:
        return ""
    name = found.group().rstrip(".,;:'")
    while name and name[-1] in ")>]" and name.count(name[-1]) > name.count({")": "(", ">": "<", "]": "["}[name[-1]]):
        name = name[:-1].rstrip(".,;:'")
    return name.lower()


def arxiv(text: str, bare: bool = False) -> str:
    """The arXiv id in a text, without version; `bare` also takes a text that is nothing but an id."""
    found = _ARXIV_URL.search(text) or _ARXIV_DOI.search(text) or _ARXIV_TEXT.search(text)
    if not found and bare:
        found = _ARXIV_ID.fullmatch(text)
    return re.sub(r"\.[a-z]{2}/", "/", found.group(1).lower()) if found else ""  # math.GT/0309136 is math/0309136


def isbns(text: str) -> list[str]:
    """The ISBNs in a text, as thirteen digits each; one of ten digits is converted, whatever its check digit."""
    found = [re.sub(r"[\s-]", "", one).upper() for one in _ISBN.findall(text)]
    return [_thirteen(digits) if len(digits) == 10 else digits for digits in found if "X" not in digits[:9]]


def _thirteen(digits: str) -> str:
    body = f"978{digits[:9]}"
    return body + str(-sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body)) % 10)


def in_address(url: str) -> tuple[str, str]:
    """The name and value of the identifier that an address holds; two empty texts where it is none that is known."""
    if found := arxiv(url):
        return "arxiv", found
    if "10." in url and (found := doi(url)):
        return "doi", found
    for name, pattern in _IN_ADDRESS:
        if match := pattern.search(url):
            return name, match[1].lower() if name == "pmcid" else match[1]
    return "", ""


def address(name: str, value: str) -> str:
    """Where an identifier leads to; "" for one that leads nowhere."""
    form = _ADDRESSES.get(name)
    return form + quote(value, safe="/:().;-_", errors="replace") if form and value else ""
