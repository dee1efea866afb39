"""What browsers and people keep: bookmarks, and identifiers one a line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from lxml import etree

from catalog.bibtex.identifiers import address as address_of
from catalog.bibtex.naming import identifier
from catalog.errors import Finding
from catalog.ingest import urls, words
from catalog.ingest.draft import Draft, Source
from catalog.ingest.report import clean
from catalog.models import Link
from catalog.text import NEAR, Lines

_FOLDER: Any = etree.XPath(  # the heading of a folder of bookmarks: it stands right before its list
    "(preceding-sibling::h3|preceding-sibling::dt/h3|parent::dt/h3)[last()]"
    "[not(@personal_toolbar_folder or @unfiled_bookmarks_folder)]"
)
_QUOTED = re.compile(r"""(['"])(.{6,}?)(?:…|\1|$)""")
_BOOKMARKS = re.compile(r"\A\s*<!DOCTYPE NETSCAPE-Bookmark-file", re.I)
_REMARK = re.compile(
    r"(?P<id>.*?)(?:\s+(?:#+|//|%+|;)\s*(?P<said>.*)|\s+[(（](?P<aside>.*)[)）]|(?:\s+[-–—|]+\s+|\t\s*|:\s+)(?P<title>[^\W\d].*))?"
)
_ALONE = re.compile(r"\w\S*|(?:arxiv|doi):\s*\S+(?:\s+\[[\w.-]+\])?|\w+[: -]+[\w-]+", re.I)
_TELLING = re.compile(r"\d|://")  # what an identifier or an address has
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
        heads = [found for folder in element.iterancestors("dl") for found in _FOLDER(folder)]
        folders = [clean("".join(map(str, head.itertext()))) for head in reversed(heads)]
        above: Any = element.getparent()
        beside = above.getnext() if above.tag == "dt" else None
        remark = str(beside.text or "") if beside is not None and beside.tag == "dd" else ""
        said = {"title": clean("".join(map(str, element.itertext()))), "url": element.get("href"),
                "tags": element.get("tags"), "added": element.get("add_date"), "notes": clean(remark),
                "\0section": tuple(folders)}  # fmt: skip
        yield int(str(element.sourceline or 1)), said


def page_title(title: str) -> str:
    """The title of a work out of that of its page: without the site, and arXiv's number before it."""
    return _SITE.sub("", re.sub(r"^\[(?:\d{4}\.\d{4,5}|[a-z-]+/\d{7})(?:v\d+)?\]\s*", "", title))


def read_identifiers(text: str, path: str = "") -> Source | None:
    """Identifiers and addresses of papers, one a line, with remarks, perhaps under words of status; None where lines
    are others."""
    drafts: list[Draft] = []
    findings: list[Finding] = []
    status, said = None, 0
    lines = text.split("\n")
    for n, line in enumerate(map(str.strip, lines), 1):
        comment, bare = line.startswith("#"), line.lstrip("-*•# ").strip("<>: ")
        if len(line) > 400 or len(findings) * 5 > len(lines):  # too many are others by now
            return None
        if found := words.status_word(bare):
            status = found
        elif not bare or comment:
            said += comment
        elif draft := identified(bare) if _TELLING.search(bare) else None:
            drafts.append(replace(draft, status=status, order=len(drafts) + 1, line=n, path=path))
        else:
            message = f"{line[:60]!r} is no identifier of a paper"
            remedy = "write an arXiv id, a DOI or an address"
            findings.append(Finding("identifier", message, remedy, path, n, kind="rejected"))
    missed = len(findings)
    if missed * 4 > len(drafts) or not drafts:
        return None
    if untitled := sum(not draft.title for draft in drafts):
        message = f"{untitled} papers have an identifier and no title yet"
        findings.append(Finding("no-title", message, "`kb complete` looks them up", path, 1, kind="note"))
    return Source(tuple(drafts), findings=tuple(findings), is_list=True, missed=missed, left=said)


def identified(line: str) -> Draft | None:
    """A paper of which a line says no more than its arXiv id, its DOI, another identifier, or its address."""
    parts = _REMARK.fullmatch(line)
    line, title, remark = (parts["id"], parts["title"], parts["said"] or parts["aside"]) if parts else (line, "", "")
    address = re.fullmatch(r"https?://\S+", line)
    name, value = identifier(line) if _ALONE.fullmatch(line) else ("", "")
    if name in ("", "github", "page"):
        name, value = (
            (urls.host(line), line.rstrip("/").rsplit("/", 1)[-1]) if address and urls.is_paper(line) else ("", "")
        )
    if not name:
        return None
    url = line if address else address_of(name, value)
    try:
        links = (Link(name="paper", url=url),) if url else ()
    except ValueError:
        return None
    key = re.sub(r"[^\w.-]+", "-", f"{name}-{value}")[:80].strip("-")
    notes, ids = clean(remark or ""), {} if url else {name: value}
    return Draft(key="" if title else key, title=clean(title or ""), links=links, ids=ids, notes=notes)


class Titles:
    """Where titles stand in a text, each sought from the one before it on."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.lines = text, 0, Lines(text)

    def line(self, title: str) -> int:
        """The first line that holds the beginning of a title; where none does, that of the title before it."""
        start = title[:40].split("\n")[0]
        place = self.text.find(start, self.at, self.at + NEAR) if start else -1
        self.at = max(self.at, place)
        return self.lines.of(self.at)


def with_lines(source: Source, text: str) -> Source:
    """What was read of a text that was converted, by the lines of the text: where titles begin, and what is quoted."""
    titles = Titles(text)
    drafts = tuple(replace(draft, line=titles.line(draft.title[:24])) for draft in source.drafts)
    findings = []
    for finding in source.findings:
        quoted = _QUOTED.search(finding.message)
        place = text.find(quoted[2][:24]) if quoted else -1
        findings.append(replace(finding, line=text.count("\n", 0, place) + 1) if place >= 0 else finding)
    return replace(source, drafts=drafts, findings=tuple(findings))
