"""What browsers and people keep: bookmarks, and identifiers one a line."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import replace
from typing import Any

from lxml import etree

from catalog.bibtex.identifiers import arxiv, doi
from catalog.errors import Finding
from catalog.ingest import urls, words
from catalog.ingest.draft import Draft, Source
from catalog.ingest.entry import unique_tags
from catalog.ingest.report import clean, fit_tag
from catalog.ingest.tags import tag_of
from catalog.models import Link
from catalog.text import NEAR, Lines

_QUOTED = re.compile(r"""(['"])(.{6,}?)(?:…|\1|$)""")
_BOOKMARKS = re.compile(r"\A\s*<!DOCTYPE NETSCAPE-Bookmark-file", re.I)
_SITES = (
    r"OpenReview|arXiv(?:\.org)?|ACL Anthology|Semantic Scholar|IEEE .*|PubMed|Springer.*|Nature|GitHub|alphaXiv|"
    ".*Digital Library"
)
_SITE = re.compile(rf"\s+(?:[|·–—-]\s+(?:{_SITES})|\| .{{1,40}})$")


def is_bookmarks(text: str) -> bool:
    """Whether a text is a file of bookmarks as browsers export it."""
    return bool(_BOOKMARKS.match(text))


def read_bookmarks(text: str, path: str = "") -> Source:
    """The bookmarks that lead to papers, tagged by their folders; others are told."""
    root = etree.fromstring(text.encode(errors="replace"), parser=etree.HTMLParser(huge_tree=True, encoding="utf-8"))
    drafts: list[Draft] = []
    left: list[tuple[int, str]] = []
    for element in root.iter("a") if root is not None else ():
        url = urls.mend(element.get("href") or "")[0]
        title = clean("".join(map(str, element.itertext())))
        if not urls.is_paper(url):
            left.append((_line(element), title or url))
            continue
        heads = [_head(folder) for folder in element.iterancestors("dl")]
        folders = [clean("".join(map(str, head.itertext()))) for head in heads if head is not None][::-1]
        own = [fit_tag(tag) for tag in (element.get("tags") or "").split(",")]
        tags = unique_tags([*(tag_of(name) for name in folders), *own])
        try:
            link = Link(name="paper", url=url)
        except ValueError:
            left.append((_line(element), title or url))
            continue
        drafts.append(
            Draft(
                title=page_title(title),
                status=next((status for name in reversed(folders) if (status := words.status_word(name))), None),
                links=(link,),
                tags=tags,
                order=len(drafts) + 1,
                section=tuple(folders),
                line=_line(element),
                path=path,
            )
        )
    findings = []
    if left:
        message = (
            f"{len(left)} bookmarks lead to no paper and stay there: {left[0][1][:60]!r}{' …' if len(left) > 1 else ''}"
        )
        findings = [Finding("outside-a-paper", message, path=path, line=left[0][0], kind="note")]
    return Source(tuple(drafts), findings=tuple(findings), is_list=True, left=len(left))


def page_title(title: str) -> str:
    """The title of a work out of that of its page: without the site, and arXiv's number before it."""
    return _SITE.sub("", re.sub(r"^\[(?:\d{4}\.\d{4,5}|[a-z-]+/\d{7})(?:v\d+)?\]\s*", "", title))


def _line(element: Any) -> int:
    """The line of an element in its source."""
    return int(element.sourceline or 1)


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
        if not one:
            findings.append(
                Finding(
                    "identifier",
                    f"{line[:60]!r} is no identifier of a paper",
                    "write an arXiv id, a DOI or an address",
                    path,
                    n,
                    kind="rejected",
                )
            )
            continue
        key, url = one
        while above and above[0] < n:
            status = under[above.popleft()]
        drafts.append(
            Draft(
                key=key, status=status, links=(Link(name="paper", url=url),), order=len(drafts) + 1, line=n, path=path
            )
        )
    findings.append(
        Finding(
            "no-title",
            f"{len(drafts)} papers have an identifier and no title yet",
            "`kb complete` looks them up",
            path,
            1,
            kind="note",
        )
    )
    return Source(tuple(drafts), findings=tuple(findings), is_list=True, missed=len(found) - len(drafts))


def _identified(line: str) -> tuple[str, str] | None:
    """A key and an address for an arXiv id, a DOI, or the address of a paper."""
    if len(line.split()) > 1 and not re.fullmatch(r"(?:arxiv|doi):\s*\S+(?:\s+\[[\w.-]+\])?", line, re.I):
        return None
    if paper := arxiv(line, bare=True):
        return f"arxiv-{paper.replace('/', '-')}", line if line.startswith("http") else f"https://arxiv.org/abs/{paper}"
    if (
        (name := doi(line))
        and (line.lower().startswith(("10.", "doi:", "http")))
        and " " not in line.strip().removeprefix("doi: ")
    ):
        return "doi-" + re.sub(r"[^\w.-]+", "-", name), line if line.startswith("http") else f"https://doi.org/{name}"
    if re.fullmatch(r"https?://\S+", line) and urls.is_paper(line):
        try:
            Link(name="paper", url=line)
        except ValueError:
            return None
        return re.sub(r"[^\w.-]+", "-", urls.host(line) + "-" + line.rstrip("/").rsplit("/", 1)[-1])[:80].strip(
            "-"
        ), line
    return None


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
