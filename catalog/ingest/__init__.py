"""Reading what people have: Markdown reading lists, .bib files, paper files. Recognised by content, not by name."""

from __future__ import annotations

import re
from dataclasses import replace

from catalog.errors import BadFile, Finding
from catalog.ingest.draft import Draft, Source
from catalog.models import Paper

__all__ = ["Draft", "Source", "decode_bytes", "parse"]

SUFFIXES = (".md", ".markdown", ".bib", ".bibtex", ".biblatex", ".txt")
_ENTRY = re.compile(r"^[ \t]*@[ \t]*[A-Za-z][\w-]*\s*[{(]", re.M)
_MARKDOWN = re.compile(r"^(?:#{1,6}[ \t]+\S|[ \t]*(?:`{3,}|~{3,})|[ \t]*(?:[-*+]|\d+\.)[ \t]+\S|\|.*\|)", re.M)
_PAPER_FILE = re.compile(r"\A---\n(?:(?!---\n).*\n)*?status:[ \t]", re.M)


def decode_bytes(data: bytes, path: str = "") -> tuple[str, tuple[Finding, ...]]:
    """The text of a file, line ends as LF. What is not UTF-8 is read as UTF-16 or Windows-1252, and reported."""
    found: tuple[Finding, ...] = ()
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    if encoding != "utf-16" and data.count(b"\x00", 0, 8000) > 8:
        return "", (Finding("encoding", "not a text file", "give Markdown or BibTeX", path, 1, kind="rejected"),)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as e:
        line = data[: e.start].count(b"\n") + 1
        text = data.decode("cp1252", errors="replace")
        found = (Finding("encoding", "not UTF-8", "read as Windows-1252", path, line, kind="repaired"),)
    return text.replace("\r\n", "\n").replace("\r", "\n"), found


def parse(text: str, path: str = "") -> Source:
    """The papers of a text, whichever of the known forms it has."""
    from catalog.ingest import bibfile, readinglist

    if _PAPER_FILE.match(text):
        return _paper_file(text, path)
    if is_bib(text):
        return bibfile.read(text, path)
    return readinglist.read(text, path)


def is_bib(text: str) -> bool:
    """Whether a text is BibTeX rather than Markdown that holds some: no Markdown outside the entries."""
    first = _ENTRY.search(text)
    if not first:
        return False
    if not _MARKDOWN.search(text):
        return True
    from catalog.bibtex import scan

    between = "\n".join(block.raw for block in scan(text) if block.kind == "comment")
    return not re.search(r"^(?:#{1,6}[ \t]+\S|[ \t]*(?:`{3,}|~{3,}))", between, re.M)


def _paper_file(text: str, path: str) -> Source:
    """A paper file of another knowledge base."""
    from catalog.bibtex.describe import read_first
    from catalog.paperfile import loads, read_key

    name = path.replace("\\", "/").rsplit("/", 1)[-1]
    try:
        paper = loads(text, read_key(name) if name.endswith(".md") else "paper", path)
    except BadFile as e:
        return Source(findings=tuple(replace(finding, kind="rejected") for finding in e.findings))
    entry = read_first(paper)
    key = "" if entry else paper.key
    return Source((_draft(paper, key, path),))


def _draft(paper: Paper, key: str, path: str) -> Draft:
    same = {name: getattr(paper, name) for name in Paper.model_fields if name != "key"}
    return Draft(key=key, line=1, path=path, **same)
