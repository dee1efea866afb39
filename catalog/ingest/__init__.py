"""Reading what people have: lists, .bib files, tables, exports, notes. Recognised by content first, then by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from catalog.errors import BadFile, Finding, KbError
from catalog.ingest.draft import Draft, Source
from catalog.models import Paper

__all__ = ["Draft", "Source", "decode_bytes", "parse", "read_source"]

SUFFIXES = (".md", ".markdown", ".bib", ".bibtex", ".biblatex", ".txt", ".org", ".rst", ".csv", ".tsv", ".ris", ".cff")
_ENTRY = re.compile(r"^[ \t]*@[ \t]*[A-Za-z][\w-]*\s*[{(]", re.M)
_MARKDOWN = re.compile(r"^(?:#{1,6}[ \t]+\S|[ \t]*(?:`{3,}|~{3,})|[ \t]*(?:[-*+]|\d+\.)[ \t]+\S|\|.*\|)", re.M)
_OUTSIDE = re.compile(r"^(?:#{1,6}[ \t]+\S|[ \t]*(?:`{3,}|~{3,}))", re.M)  # Markdown that no .bib has between entries
_PAPER_FILE = re.compile(r"\A---\n(?:(?!---\n).*\n)*?status:[ \t]", re.M)
_NOTE = re.compile(
    r"\A\ufeff?(?P<mark>---|\+\+\+)[ \t]*\n(?P<fields>(?:(?!(?P=mark)[ \t]*\n).*\n)*?)(?P=mark)[ \t]*(?:\n|\Z)"
)
_HTML = re.compile(r"\A\s*(?:<!doctype html|<html|<\?xml[^>]*\?>\s*<html)", re.I)
_NO_PAPERS = (
    "a paper is a heading with a link, status, tag or BibTeX below it, an item or a row with a link to one, "
    "or a title under a heading such as `To read`"
)
_REFUSED = (
    (b"%PDF", "a PDF", "give a list of papers, or `kb add` its arXiv id or DOI"),
    (b"\x1f\x8b", "a gzip archive", "unpack it first"),
    (b"BZh", "a bzip2 archive", "unpack it first"),
    (b"\xfd7zXZ", "an xz archive", "unpack it first"),
    (b"7z\xbc\xaf", "a 7z archive", "unpack it first"),
    (b"Rar!", "a RAR archive", "unpack it first"),
    (b"SQLite format 3", "a database (Zotero's, perhaps)", "export BibTeX, CSL JSON or CSV there"),
    (b"\x89PNG", "a picture", "give the list as text"),
    (b"\xff\xd8\xff", "a picture", "give the list as text"),
    (b"GIF8", "a picture", "give the list as text"),
)


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


def read_source(path: str, data: bytes, wanted: Mapping[str, int] | None = None) -> Source:
    """The papers of a file of any known form; what is none, or has none, is refused by name: a finding "rejected"."""
    from catalog.ingest import exports, pandoc, readinglist

    suffix = path.rsplit(".", 1)[-1].lower() if "." in path else ""
    form = pandoc.FORMATS.get(suffix, "")
    packed = form in ("docx", "odt", "epub")
    kind = next(((what, remedy) for magic, what, remedy in _REFUSED if data.startswith(magic)), None)
    if data.startswith(b"PK\x03\x04") and not packed:
        kind = ("a zip archive", "unpack it first; a Word file is read where its name ends in .docx")
    if kind:
        return Source(findings=(Finding("not-a-list", f"this is {kind[0]}", kind[1], path, 1, kind="rejected"),))
    text, found = ("", ()) if packed else decode_bytes(data, path)
    if any(finding.kind == "rejected" for finding in found):
        return Source(findings=found)
    if form:
        try:
            source = readinglist.read_html(pandoc.to_html(data, form), path, wanted, own=False)
        except KbError as e:
            return Source(findings=(Finding("pandoc", str(e), "", path, 1, kind="rejected"),))
        source = source if packed else exports.with_lines(source, text)
    else:
        source = parse(text, path, wanted)
    if data.strip() and not (source.drafts or source.shared or source.missed):
        found += (Finding("no-papers", "no paper was found here", _NO_PAPERS, path, kind="rejected"),)
    return replace(source, findings=found + source.findings)


def parse(text: str, path: str = "", wanted: Mapping[str, int] | None = None) -> Source:
    """The papers of a text, whichever of the known forms it has. `wanted` names readings by section, from 1."""
    from catalog.ingest import bibfile, exports, ours, readinglist, records, tables, tagged

    suffix = path.rsplit(".", 1)[-1].lower() if "." in path else ""
    if _PAPER_FILE.match(text):
        return _paper_file(text, path)
    if exports.is_bookmarks(text):
        return exports.read_bookmarks(text, path)
    if tagged.is_tagged(text):
        return records.read_tagged(text, path)
    if is_bib(text, suffix):
        return bibfile.read(text, path)
    if suffix not in ("md", "markdown") or not _MARKDOWN.search(text):
        source = (
            ours.read(text, path)
            or exports.read_identifiers(text, path)
            or records.read_data(text, path)
            or (records.read_csv(text, path) if suffix in ("csv", "tsv", "txt", "") else None)
        )
        if source:
            return source
        if lines := records.strings(text, path):
            return parse("\n".join(lines), "", wanted)
        if suffix in ("csv", "tsv") and (rows := tables.as_html(text)):
            return readinglist.read_html(rows, path, wanted)
    if suffix in ("html", "htm") or _HTML.match(text):
        return readinglist.read_html(text, path, wanted)
    source = readinglist.read(text, path, wanted)
    if len(source.drafts) < 2 and (note := _note(text, path)):
        return note
    return source


def is_bib(text: str, suffix: str = "bib") -> bool:
    """Whether a text is BibTeX rather than a list that holds some: nothing of a list stands outside the entries."""
    if not _ENTRY.search(text):
        return False
    outside = _OUTSIDE if suffix.startswith("bib") else _MARKDOWN
    if not outside.search(text):
        return True
    from catalog.bibtex import scan

    between = "\n".join(block.raw for block in scan(text) if block.kind == "comment")
    return not outside.search(between)


def _note(text: str, path: str) -> Source | None:
    """A note on a paper, with its facts as front matter (Obsidian, Hugo, Jekyll, Zotero); None where it is none."""
    from catalog.ingest import columns, nested, records

    head = _NOTE.match(text)
    data = nested.front_matter(head["fields"], toml=head["mark"] == "+++") if head else None
    if not head or not isinstance(data, dict):
        return None
    means = {columns.meaning(str(name)) for name in data}
    if not means & {"authors", "venue", "link", "doi", "arxiv", "status", "isbn", "abstract", "paper", "read", "key"}:
        return None
    return Source((records.read_note(path, data, text[head.end() :]),))


def _paper_file(text: str, path: str) -> Source:
    """A paper file of another knowledge base; a note whose fields have the same names, but are not so strict, too."""
    from catalog.bibtex.describe import read_first
    from catalog.paperfile import loads, read_key

    name = path.replace("\\", "/").rsplit("/", 1)[-1]
    try:
        paper = loads(text, read_key(name) if name.endswith(".md") else "paper", path)
    except BadFile as e:
        note = _note(text, path)
        if note:
            return note
        return Source(findings=tuple(replace(finding, kind="rejected") for finding in e.findings))
    if paper.extras and not paper.links and (note := _note(text, path)):
        return note  # its fields have names of another program
    entry = read_first(paper.bibtex)
    key = "" if entry else paper.key
    return Source((_draft(paper, key, path),))


def _draft(paper: Paper, key: str, path: str) -> Draft:
    same = {name: getattr(paper, name) for name in Paper.model_fields if name not in ("key", "apart")}
    return Draft(key=key, line=1, path=path, **same)
