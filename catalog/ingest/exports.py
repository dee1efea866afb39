"""What browsers and people keep: bookmarks, and identifiers one a line."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from lxml import etree

from catalog.bibtex.identifiers import arxiv, doi
from catalog.errors import Finding
from catalog.ingest import urls, words
from catalog.ingest.draft import Draft, Source
from catalog.ingest.report import clean
from catalog.models import Link
from catalog.text import NEAR, Lines

_QUOTED = re.compile(r"""(['"])(.{6,}?)(?:…|\1|$)""")
_BOOKMARKS = re.compile(r"\A\s*<!DOCTYPE NETSCAPE-Bookmark-file", re.I)
_SITES = (
    r"OpenReview|arXiv(?:\.org)?|ACL Anthology|Semantic Scholar|IEEE .*|PubMed|Springer.*|Nature|GitHub|alphaXiv|"
    "ScienceDirect|SpringerLink|Wiley.*|ACM.*|(?:bio|med)Rxiv|SSRN|JSTOR|PLOS.*|MDPI|Frontiers.*|PNAS|Science|Cell|"
    "Taylor & Francis.*|Oxford Academic|Cambridge Core|ResearchGate|Hugging Face|PMLR|HAL|.*Digital Library"
)
_SITE = re.compile(rf"\s+(?:[|·–—-]\s+(?:{_SITES})|\| .{{1,40}})$")


def is_bookmarks(text: str) -> bool:
    """Whether a text is a file of bookmarks as browsers export it."""
    return bool(_BOOKMARKS.match(text))


def bookmarks(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The bookmarks as records, each with its line, in the folders in which they are filed."""
    root = etree.fromstring(text.encode(errors="replace"), parser=etree.HTMLParser(huge_tree=True, encoding="utf-8"))
    for element in root.iter("a") if root is not None else ():
        heads = [_head(folder) for folder in element.iterancestors("dl")]
        folders = [clean("".join(map(str, head.itertext()))) for head in heads if head is not None][::-1]
        said = {"title": clean("".join(map(str, element.itertext()))), "url": element.get("href"),
                "tags": element.get("tags"), "added": element.get("add_date"), "\0section": tuple(folders)}  # fmt: skip
        yield int(str(element.sourceline or 1)), said


def page_title(title: str) -> str:
    """The title of a work out of that of its page: without the site, and arXiv's number before it."""
    return _SITE.sub("", re.sub(r"^\[(?:\d{4}\.\d{4,5}|[a-z-]+/\d{7})(?:v\d+)?\]\s*", "", title))


def _head(folder: Any) -> Any:
    """The heading of a folder of bookmarks: it stands right before its list."""
    before = folder.getprevious()
    while before is not None and before.tag not in ("h1", "h3", "dt"):
        before = before.getprevious()
    if before is not None and before.tag == "dt":
        return before.find("h3")
    if before is not None and before.tag == "h3":
        return before
    parent = folder.getparent()
    return parent.find("h3") if parent is not None and parent.tag == "dt" else None


def read_identifiers(text: str, path: str = "") -> Source | None:
    """Identifiers and addresses of papers, one a line, perhaps under words of status; None where lines are others."""
    lines = [
        (n, line.strip().lstrip("-*•# ").strip("<>: "))
        for n, line in enumerate(text.split("\n"), 1)
        if line.strip() and (not line.startswith("#") or words.status_word(line.strip("#: ")))
    ]
    if not lines or any(len(line) > 400 for _, line in lines):
        return None
    under = {n: status for n, line in lines if (status := words.status_word(line))}
    found = [(n, line, _identified(line)) for n, line in lines if n not in under]
    if sum(bool(one) for _, _, one in found) * 10 < len(found) * 8:
        return None
    drafts: list[Draft] = []
    findings = []
    above, status = deque(under), None
    for n, line, one in found:
        while above and above[0] < n:
            status = under[above.popleft()]
        if one:
            link = Link(name="paper", url=one[1])
            drafts.append(Draft(key=one[0], status=status, links=(link,), order=len(drafts) + 1, line=n, path=path))
        else:
            message = f"{line[:60]!r} is no identifier of a paper"
            remedy = "write an arXiv id, a DOI or an address"
            findings.append(Finding("identifier", message, remedy, path, n, kind="rejected"))
    message = f"{len(drafts)} papers have an identifier and no title yet"
    findings.append(Finding("no-title", message, "`kb complete` looks them up", path, 1, kind="note"))
    return Source(tuple(drafts), findings=tuple(findings), is_list=True, missed=len(found) - len(drafts))


def _identified(line: str) -> tuple[str, str] | None:
    """A key and an address for an arXiv id, a DOI, or the address of a paper."""
    if len(line.split()) > 1 and not re.fullmatch(r"(?:arxiv|doi):\s*\S+(?:\s+\[[\w.-]+\])?", line, re.I):
        return None
    address = re.fullmatch(r"https?://\S+", line)
    if paper := arxiv(line, bare=True):
        return f"arxiv-{paper.replace('/', '-')}", line if address else f"https://arxiv.org/abs/{paper}"
    name = doi(line) if re.match(r"10\.|doi:|http", line, re.I) else ""
    if name and " " not in line.removeprefix("doi: "):
        return "doi-" + re.sub(r"[^\w.-]+", "-", name), line if address else f"https://doi.org/{name}"
    if not address or not urls.is_paper(line):
        return None
    try:
        Link(name="paper", url=line)
    except ValueError:
        return None
    last = line.rstrip("/").rsplit("/", 1)[-1]
    return re.sub(r"[^\w.-]+", "-", f"{urls.host(line)}-{last}")[:80].strip("-"), line


def with_lines(source: Source, text: str) -> Source:
    """What was read of a text that was converted, by the lines of the text: where titles begin, and what is quoted."""
    drafts, at, lines = [], 0, Lines(text)
    for draft in source.drafts:
        place = text.find(draft.title[:24], at, at + NEAR) if draft.title else -1
        at = max(at, place)
        drafts.append(replace(draft, line=lines.of(at)))
    findings = []
    for finding in source.findings:
        quoted = _QUOTED.search(finding.message)
        place = text.find(quoted[2][:24]) if quoted else -1
        findings.append(replace(finding, line=text.count("\n", 0, place) + 1) if place >= 0 else finding)
    return replace(source, drafts=tuple(drafts), findings=tuple(findings))
