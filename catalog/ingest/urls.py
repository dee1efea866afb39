"""Addresses as lists hold them: mended where it is plain how, and named after the place they lead to."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_TRACKING = re.compile(
    r"trk|trkinfo|trackingid|utm_\w+|fbclid|gclid|dclid|msclkid|yclid|twclid|ref_src|ref_url|mc_cid|mc_eid|igshid|"
    r"_hsenc|_hsmi|mkt_tok|oly_enc_id|oly_anon_id|vero_id|wt_mc|spm",
    re.I,
)
_JUNK = re.compile(r"(?:%C2%A0|%E2%80%8B|%20|%0A|%0D|[\s\u00a0\u200b\u200c\u200d\u2060\ufeff])+$", re.I)
_ARXIV_PDF = re.compile(r"^(https?://(?:www\.|export\.)?arxiv\.org/pdf/[\w./-]+?)\.pdf(?=$|[?#])", re.I)
_NO_SCHEME = re.compile(
    r"^(?:www\.|(?:arxiv\.org|github\.com|huggingface\.co|doi\.org|openreview\.net|aclanthology\.org)/)", re.I
)
_AT_GITHUB = re.compile(
    r"https?://(?:www\.)?github\.com/(?P<owner>[\w.-]+/[\w.-]+?)(?:\.git)?/?(?:/blob/(?P<branch>[^/#?]+)/(?P<path>[^#?]+))?(?:[#?].*)?"
)
_PLACES_OF_PAPERS = """
    arxiv.org openreview.net aclanthology.org aclweb.org doi.org semanticscholar.org biorxiv.org medrxiv.org nips.cc
    neurips.cc mlr.press thecvf.com cv-foundation.org aaai.org ijcai.org acm.org ieee.org computer.org springer.com
    sciencedirect.com elsevier.com nature.com science.org sciencemag.org usenix.org jmlr.org mitpressjournals.org
    mitpress.mit.edu direct.mit.edu wiley.com tandfonline.com pnas.org ssrn.com hal.science archives-ouvertes.fr
    isca-speech.org isca-archive.org mdpi.com frontiersin.org plos.org cell.com oup.com pubs.acs.org aps.org iop.org
    siam.org eprint.iacr.org ncbi.nlm.nih.gov ceur-ws.org dblp.org paperswithcode.com ar5iv.org alphaxiv.org mlsys.org
    roboticsproceedings.org ecva.net bmvc.com osf.io zenodo.org researchgate.net projecteuclid.org jstor.org
    citeseerx.ist.psu.edu hindawi.com sagepub.com emerald.com cambridge.org annualreviews.org royalsocietypublishing.org
    worldscientific.com degruyter.com lrec-conf.org philpapers.org nber.org jair.org vldb.org cidrdb.org distill.pub
    biomedcentral.com bmj.com thelancet.com jamanetwork.com nejm.org europepmc.org aip.org optica.org osapublishing.org
    rsc.org aeaweb.org informs.org ams.org copernicus.org cvf.com iclr.cc icml.cc
"""
_PAPER_HOSTS = frozenset(_PLACES_OF_PAPERS.split())
_CODE_HOSTS = frozenset({"github.com", "gitlab.com", "bitbucket.org", "codeberg.org", "gitee.com"})
_AT_HUGGING_FACE = {"blog": "blog", "datasets": "dataset", "spaces": "demo", "papers": "paper", "docs": "docs"}
_VIDEO_HOSTS = frozenset({"youtube.com", "youtu.be", "vimeo.com", "bilibili.com"})


def mend(url: str) -> tuple[str, list[tuple[str, str]]]:
    """The address without what does not belong to it, and (code, what was done) for each change."""
    done: list[tuple[str, str]] = []
    for code, message, change in _STEPS:
        better = change(url)
        if better != url:
            done.append((code, f"{message}: {url[:150]}"))
            url = better
    return url, done


def _junk(url: str) -> str:
    return _JUNK.sub("", url) if url[-1:] in "\xa0\u200b\u200c\u200d\u2060\ufeff \t" or url[-3:-2] == "%" else url


def _tracking(url: str) -> str:
    head, mark, query = url.partition("?")
    if not mark:
        return url
    query, hash_, fragment = query.partition("#")
    kept = [part for part in query.split("&") if not _TRACKING.fullmatch(part.partition("=")[0].removeprefix("amp;"))]
    if len(kept) == query.count("&") + 1:
        return url
    return head + ("?" + "&".join(kept) if any(kept) else "") + hash_ + fragment


def _scheme(url: str) -> str:
    if _NO_SCHEME.match(url):
        return f"https://{url}"
    url = re.sub(r"^(?:https?:?/*)(?=https?://)", "", url, flags=re.I)
    return re.sub(r"^(h?ttps?|htps?|hhttps?|http|https)(?::/?|/{1,2}|::?//)(?=[\w-]+\.)", _spelt, url, flags=re.I)


def _spelt(match: re.Match[str]) -> str:
    scheme = match[1].lower()
    return ("https" if scheme.endswith("s") else "http") + "://"


def _nested(url: str) -> str:
    inner = re.fullmatch(r"\[[^\[\]]*\]\((?P<url>[^\s()]+)\)", url)
    return inner["url"] if inner else url.replace("](", "]%28")


_STEPS = (
    ("url-nested", "a link written as an address taken for what it leads to", _nested),
    ("url-junk", "blank characters at the end of an address removed", _junk),
    ("url-entity", "&amp; in an address written as &", lambda url: url.replace("&amp;", "&")),
    (
        "url-space",
        "spaces in an address percent-encoded",
        lambda url: re.sub(r"\s+", "%20", url) if "://" in url else url,
    ),
    ("tracking-parameter", "tracking parameter removed from an address", _tracking),
    ("url-scheme", "https:// completed in an address", _scheme),
    ("arxiv-pdf-suffix", ".pdf removed from an arXiv address", lambda url: _ARXIV_PDF.sub(r"\1", url)),
)


def file_at(url: str) -> tuple[str, str]:
    """Where a list stands, and the address of its file: of a repository at GitHub the README, of its page the file."""
    match = _AT_GITHUB.fullmatch(url)
    if not match:
        return url, url
    owner, branch, path = match["owner"], match["branch"] or "HEAD", match["path"] or "README.md"
    page, raw = f"https://github.com/{owner}/blob", f"https://raw.githubusercontent.com/{owner}"
    return f"{page}/{branch}/{path}", f"{raw}/{branch}/{path}"


def host(url: str) -> str:
    """The host an address names, without `www.`, or ""."""
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def same(url: str) -> str:
    """What two spellings of an address share: no scheme, no version, no ending."""
    bare = re.sub(r"^https?://(?:www\.|export\.)?", "", mend(url)[0].strip().lower()).rstrip("/")
    return re.sub(r"(?:v\d+)?(?:\.pdf)?$", "", bare).replace("arxiv.org/pdf/", "arxiv.org/abs/")


def is_external(url: str) -> bool:
    """Whether an address leads out into the web."""
    return url.lower().startswith(("http://", "https://", "www.", "ftp://")) or bool(_NO_SCHEME.match(url))


def is_heading(url: str, label: str) -> bool:
    """Whether a link leads to a heading of a list, as those of a table of contents do: "[Big Birds](…#big-birds)"."""
    place = url.rpartition("#")[2]
    return url.startswith("#") or (place != url and re.sub(r"\W+", "", place) == re.sub(r"\W+", "", label.lower()))


def is_front_page(url: str) -> bool:
    """Whether an address names a place, and nothing there."""
    return not re.search(r"//[^/]+/.", url if "://" in url else f"//{url}")


def is_of_paper(url: str) -> bool:
    """Whether an address leads to a paper, as `is_paper`, or to a PDF beside the list."""
    return is_paper(url) or (url.lower().endswith(".pdf") and not is_external(url) and not url.startswith("#"))


def is_paper(url: str) -> bool:
    """Whether an address leads to a paper, as far as host and ending tell."""
    if not is_external(url):
        return False
    if is_front_page(url):
        return False
    parts = host(url if "://" in url else f"https://{url}").split(".")
    above = (".".join(parts[at:]) for at in range(len(parts) - 1))
    return url.lower().split("?")[0].endswith(".pdf") or any(place in _PAPER_HOSTS for place in above)


def name_of_place(url: str) -> str:
    """The kind of link that an address by itself is: code, video, blog, model, dataset; "paper" where nothing tells."""
    place = host(url)
    written = re.search(r"\.(?:md|markdown|org|rst|txt|html?)(?:#|$)", url, re.I)
    if written and (not place or (place in _CODE_HOSTS and "/blob/" in url)):
        return "notes"
    if place in _CODE_HOSTS or place.endswith(".github.com"):
        return "code"
    if place in _VIDEO_HOSTS:
        return "video"
    if place in ("huggingface.co", "hf.co"):
        parts = [part for part in urlsplit(url).path.split("/") if part]
        return _AT_HUGGING_FACE.get(parts[0] if parts else "", "model")
    if re.search(r"\.pdf(?:$|[?#])", url, re.I):
        return "paper"
    if place == "colab.research.google.com":
        return "notebook"
    if "blog" in place or place.endswith(("medium.com", "substack.com", "zhihu.com")) or "/blog" in url:
        return "blog"
    if place.endswith((".github.io", "readthedocs.io")):
        return "docs" if place.endswith("readthedocs.io") else "homepage"
    return "paper"
