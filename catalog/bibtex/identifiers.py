"""DOIs, arXiv ids, ISBNs and other identifiers, in fields and in addresses."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, unquote, urlsplit

_LONGEST = 2_000  # characters of a text in which an identifier is looked for
_DOI = re.compile(r"\b10\.\d{4,9}/[^\s\"{}\\|^`]+", re.I)
_SHORT_DOI = re.compile(r"(?:https?://(?:www\.|dx\.)?doi\.org/|doi:\s*)?(10/[a-z\d]{3,12})", re.I)
_ESCAPED = re.compile(r"\\([_&%#$])")
_NEW = r"\d{4}\.\d{4,5}"
_OLD = r"[a-z][a-z-]+(?:\.[a-z-]{2,10})?/\d{7}"
_ARXIV_URL = re.compile(rf"arxiv\.org/(?:[a-z][a-z-]*/)?({_NEW}|{_OLD})(v\d+)?", re.I)
_ARXIV_PAGE = re.compile(  # of a site that shows arXiv's papers
    r"https?://[^\s?#]{0,100}(?:arxiv|alphaxiv\.org|ar5iv|(?:huggingface\.co|hf\.co|emergentmind\.com)/(?:api/)?papers)"
    r"(?:[^\s?#]{0,200}[/:]|[^\s#]{0,300}[?&]\w{1,40}=)"
    rf"(\d\d(?:0[1-9]|1[0-2])\.\d{{4,5}}|{_OLD})(v\d+)?(?:\.pdf)?(?![\w-])",
    re.I,
)
_ARXIV_DOI = re.compile(rf"10\.48550/arxiv\.({_NEW}|{_OLD})(v\d+)?", re.I)
_ARXIV_TEXT = re.compile(rf"\barxiv\s*+[:.]?\s*+(?:preprint)?\s*+(?:arxiv)?\s*+[:.]?\s*+({_NEW}|{_OLD})(v\d+)?", re.I)
_ARXIV_ID = re.compile(rf"\s*(?:arxiv:)?({_NEW}|{_OLD})(v\d+)?(?:\s*\[[\w.-]+\])?\s*", re.I)
_ISBN = re.compile(r"(?<![\d-])(?:97[89][\s-]?)?\d(?:[\s-]?\d){8}[\s-]?[\dXx](?![\d-])")
_RESOLVERS = re.compile(r"(?:www\.|dx\.)?doi[.-]org\b|sci-hub\.", re.I)
_DOI_PAGE = re.compile(  # what publishers write behind a DOI in the addresses of its pages
    r"(?:/(?:abstract|full|full-?text|e?pdf|html|meta|summary|references|download|suppl\w*|cite\w*|metrics|"
    r"(?:figures|tables)(?:/\d+)?)|\.(?:pdf|full))$",
    re.I,
)
_PREPRINT_VERSION = re.compile(r"v\d+(?:\.[a-z-]+)*$")  # at bioRxiv or medRxiv, where it is no part of the DOI
_DOI_MADE = (  # publishers whose addresses hold only the end of the DOI
    (
        re.compile(r"nature\.com/(?:articles|\w+/journal/[^?#]*)/([\w-]*\d[\w.-]*?)(\.(?:pdf|html))?/?$", re.I),
        "10.1038/{}",
    ),
    (re.compile(r"//(?:www\.)?zenodo\.org/records?/(\d+)(?:/.*)?$", re.I), "10.5281/zenodo.{}"),
    (re.compile(r"elifesciences\.org/(?:articles|reviewed-preprints)/(\d+)(?:/.*|v\d)?$", re.I), "10.7554/elife.{}"),
    (re.compile(r"peerj\.com/articles/(\d+)(?:\.pdf)?/?$", re.I), "10.7717/peerj.{}"),
    (re.compile(r"peerj\.com/articles/cs-(\d+)(?:\.pdf)?/?$", re.I), "10.7717/peerj-cs.{}"),
    (re.compile(r"ssrn\.com/(?:sol3/papers\.cfm\?abstract_?id=|abstract=)(\d+)", re.I), "10.2139/ssrn.{}"),
    (re.compile(r"dl\.acm\.org/citation\.cfm\?(?:[^#]*&)?doid=(\d+\.\d+)", re.I), "10.1145/{}"),
    (re.compile(r"nber\.org/papers/(w\d+)/?$", re.I), "10.3386/{}"),
    (re.compile(r"ijcai\.org/proceedings/(\d{4}/\d+)/?$", re.I), "10.24963/ijcai.{}"),
)  # fmt: skip
_IN_ADDRESS = (
    (
        "acl",
        re.compile(
            r"(?:aclanthology\.(?:org|info|coli\.uni-saarland\.de)|aclweb\.org/anthology|anthology\.aclweb\.org)"
            r"/(?:[\w-]+/)*([A-Z]\d\d-\d{4}|\d{4}\.[a-z][\w]*-[\w]+\.\d+)"
            r"(?:v\d+)?(?:\.(?:pdf|bib|xml|endf|Supplementary.*|\w+\.zip))?(?:/|[?#].*)?$",
            re.I,
        ),
    ),
    (
        "openreview",
        re.compile(r"openreview\.net/(?:forum|pdf|attachment|revisions|notes)\?(?:[^#]*&)?id=([\w-]+)", re.I),
    ),
    ("pmcid", re.compile(r"(?:ncbi\.nlm\.nih\.gov|europepmc\.org)/(?:[\w-]+/)*?(PMC\d{3,9})\b", re.I)),
    ("pmid", re.compile(r"(?:pubmed\.ncbi\.nlm\.nih\.gov|ncbi\.nlm\.nih\.gov/(?:m/)?pubmed|europepmc\.org/\w+/med)"
                        r"(?:/|/?\?term=)(\d{1,9})(?:\[\w+\])?(?:[/?#&].*)?$", re.I)),
    (
        "dblp",
        re.compile(
            r"dblp\d?\.(?:org|uni-trier\.de|dagstuhl\.de)/rec/(?:(?:bibtex|bib|html|xml)\d?/)?([\w-]+/[\w.-]+/[\w.+-]+?)"
            r"(?:\.(?:html|bib|xml|rdf|ris|nt|ttl))?(?:[?#].*)?$",
            re.I,
        ),
    ),
    ("s2", re.compile(r"semanticscholar\.org/(?:graph/v1/)?(?:paper|reader)/(?:[^/?#]*/)?([0-9a-f]{40})\b", re.I)),
)  # fmt: skip
_ADDRESSES = {
    "arxiv": "https://arxiv.org/abs/", "doi": "https://doi.org/", "acl": "https://aclanthology.org/",
    "openreview": "https://openreview.net/forum?id=", "pmcid": "https://www.ncbi.nlm.nih.gov/pmc/articles/",
    "pmid": "https://pubmed.ncbi.nlm.nih.gov/", "s2": "https://www.semanticscholar.org/paper/",
    "hdl": "https://hdl.handle.net/", "jstor": "https://www.jstor.org/stable/", "isbn": "https://openlibrary.org/isbn/",
}  # fmt: skip

_COPIES = {
    "arxiv": "https://arxiv.org/pdf/{}", "acl": "https://aclanthology.org/{}.pdf",
    "openreview": "https://openreview.net/pdf?id={}",
}  # fmt: skip


def doi(text: str) -> str:
    """The DOI in a field or an address, lower case and without resolver; "" where there is none."""
    if not text:
        return ""
    text = _ESCAPED.sub(r"\1", text[:_LONGEST])
    found = _DOI.search(unquote(text) if "%" in text else text)
    if not found:
        return short_doi(text)
    name = found.group().rstrip(".,;:'")
    while name and name[-1] in ")>]" and name.count(name[-1]) > name.count({")": "(", ">": "<", "]": "["}[name[-1]]):
        name = name[:-1].rstrip(".,;:'")
    return name.lower()


def short_doi(text: str) -> str:
    """The short DOI that a text is, such as 10/gf4gqc."""
    found = _SHORT_DOI.fullmatch(text.strip()) if "10/" in text else None
    return found[1].lower() if found else ""


def arxiv(text: str, bare: bool = False) -> str:
    """The arXiv id in a text, without version; `bare` also takes a text that is nothing but an id."""
    if not text:
        return ""
    text = text[:_LONGEST]
    named = "arxiv" in text.lower()
    found = (_ARXIV_URL.search(text) or _ARXIV_DOI.search(text) or _ARXIV_TEXT.search(text)) if named else None
    found = found or _ARXIV_PAGE.search(text)
    if not found and bare:
        found = _ARXIV_ID.fullmatch(text)
    return re.sub(r"\.[a-z-]+/", "/", found.group(1).lower()) if found else ""  # math.GT/0309136 is math/0309136


def isbns(text: str) -> list[str]:
    """The ISBNs in a text, as thirteen digits each; one of ten digits is converted, whatever its check digit."""
    found = [re.sub(r"[\s-]", "", one).upper() for one in _ISBN.findall(text)]
    return [_thirteen(digits) if len(digits) == 10 else digits for digits in found if "X" not in digits[:9]]


def _thirteen(digits: str) -> str:
    body = f"978{digits[:9]}"
    return body + str(-sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body)) % 10)


def doi_in_address(url: str) -> str:
    """The DOI of the work that a page of a resolver or of its publisher is about, as its address says; else ""."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    path = unquote(parts.path)
    if _RESOLVERS.match(parts.hostname or ""):
        return doi(path)
    asked = [value for name, value in parse_qsl(parts.query) if name.lower() in ("id", "doi", "doid")]
    place = re.search(r"/(10\.\d{4,9}/.+)", path)
    found = doi(place[1]) if place else next((doi(one) for one in asked if one.startswith("10.")), "")
    while found != (found := _DOI_PAGE.sub("", found)):
        pass
    if found.startswith("10.1101/"):
        return _PREPRINT_VERSION.sub("", found)
    if found:
        return re.sub(r"/\d{5,}$", "", found) if found.startswith("10.1093/") else found  # their own number of the page
    plain = url.partition("#")[0]
    made = ((pattern.search(plain) or pattern.search(plain.partition("?")[0]), form) for pattern, form in _DOI_MADE)
    return next((form.format(found_[1]).lower() for found_, form in made if found_), "")


def in_address(url: str) -> tuple[str, str]:
    """The name and value of the identifier that an address holds; two empty texts where it is none that is known."""
    url = url[:_LONGEST]
    if found := arxiv(url):
        return "arxiv", found
    if found := doi_in_address(url):
        return "doi", found
    for name, pattern in _IN_ADDRESS:
        if match := pattern.search(url):
            return name, _spelled(name, match[1])
    return "", ""


def _spelled(name: str, value: str) -> str:
    """An identifier as its service writes it."""
    if name == "acl":
        return value.upper() if value[0].isalpha() else value.lower()
    return value.upper() if name == "pmcid" else value.lower() if name == "s2" else value


def address(name: str, value: str) -> str:
    """Where an identifier leads to; "" for one that leads nowhere."""
    form = _ADDRESSES.get(name)
    return form + quoted(value) if form and value else ""


def copy(name: str, value: str) -> str:
    """Where a copy of a work is that all may read, by its identifier; "" where that does not say."""
    form = _COPIES.get(name)
    return form.format(quoted(value)) if form and value else ""


def quoted(value: str) -> str:
    """An identifier as a part of an address."""
    return quote(value, safe="/:().;-_", errors="replace")
