"""Reading what people have: lists, .bib files, tables, exports, notes. Recognised by content first, then by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from catalog.conflict import hunks
from catalog.errors import BadFile, Finding, KbError
from catalog.ingest.draft import FIELDS, Draft, Source
from catalog.models import Paper

__all__ = ["Draft", "Source", "decode_bytes", "parse", "read_source"]

SUFFIXES = tuple(  # of the files of a folder that may be lists
    f".{name}"
    for name in str.split(
        "md markdown bib bibtex biblatex txt org rst csv tsv ris nbib enw cff json jsonl ndjson yaml yml toml xml opml"
    )
)
_ENTRY = re.compile(r"^[ \t]*@[ \t]*[A-Za-z][\w-]*\s*[{(]", re.M)
_FIRST = re.compile(r"\s*@")
_MARKDOWN = re.compile(r"^(?:#{1,6}[ \t]+\S|[ \t]*(?:`{3,}|~{3,})|[ \t]*(?:[-*+]|\d+\.)[ \t]+\S|\|.*\|)", re.M)
_OUTSIDE = re.compile(r"^(?:#{1,6}[ \t]+\S|[ \t]*(?:`{3,}|~{3,}))", re.M)  # Markdown that no .bib has between entries
_PAPER_FILE = re.compile(r"\A---\n(?:(?!---\n).*\n)*?status:[ \t]", re.M)
_NOTE = re.compile(
    r"\A\ufeff?(?P<mark>---|\+\+\+)[ \t]*\n(?P<fields>(?:(?!(?P=mark)[ \t]*\n).*\n)*?)(?P=mark)[ \t]*(?:\n|\Z)"
)
_INLINE = re.compile(r"\s*(?:[^\W\d][\w -]*:: .*\n){2,}")  # "authors:: A. Quist"
_CALLED_OUT = re.compile(r"^>[> ]*\*{0,2}([^\W\d_][\w ]{1,30})\*{0,2}:: *(\S.*?) *$", re.M)  # "> **Title**:: Lamps"
_HTML = re.compile(r"\A\s*(?:<!doctype html|<html|<\?xml[^>]*\?>\s*<html)", re.I)
_NO_PAPERS = {
    "": "a paper is a heading with a link, status, tag or BibTeX below it, an item or a row with a link to one, "
    "or a title under a heading such as `To read`",
    "table": "its first line names the columns: title, and authors, year, doi, link or status",
    "data": "a paper has a title, and authors, a year, doi, link or status beside it",
}
_REFUSED = (  # what a file is, by how it begins, or by what a zip archive holds
    (rb"%PDF", "a PDF", "give a list of papers, or `kb add` its arXiv id or DOI"),
    (rb"SQLite format 3", "a database (Zotero's, perhaps)", "export BibTeX, CSL JSON or CSV there"),
    (rb"\x89PNG|\xff\xd8\xff|GIF8|RIFF....WEBP", "a picture", "give the list as text"),
    (rb"PK\x03\x04(?s:.{0,2000}?)(?:xl/|content\.xml)", "a spreadsheet", "save it as CSV there"),
    (rb"PK\x03\x04(?s:.{0,2000}?)ppt/", "a presentation", "give the list as text"),
    (rb"\xd0\xcf\x11\xe0", "a file of an old Office program", "save it as .docx or CSV there"),
    (rb"PAR1", "a Parquet table", "give it as CSV"),
    (rb"PK\x03\x04", "a zip archive", "unpack it first"),
    (rb"\x1f\x8b|BZh\d|\xfd7zXZ|7z\xbc\xaf|Rar!|\x28\xb5\x2f\xfd|(?s:.{257})ustar", "an archive", "unpack it first"),
)
_WORD_FILE = re.compile(rb"PK\x03\x04(?s:.{0,2000}?)word/")
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_BOMS = ((b"\xff\xfe\x00\x00", "utf-32"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


def decode_bytes(data: bytes, path: str = "") -> tuple[str, tuple[Finding, ...]]:
    """The text of a file, line ends as LF. What is not UTF-8 is read as UTF-16 or Windows-1252, and reported."""
    found: tuple[Finding, ...] = ()
    encoding = next((name for mark, name in _BOMS if data.startswith(mark)), "utf-8-sig")
    none = "", (Finding("encoding", "not a text file", "give Markdown or BibTeX", path, 1, kind="rejected"),)
    if encoding == "utf-8-sig" and data.count(b"\x00", 0, 8000) > 8:
        return none
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as e:
        if len(_BINARY.findall(data[:8000])) * 50 > len(data[:8000]):
            return none
        line = data[: e.start].count(b"\n") + 1
        text = data.decode("cp1252", errors="replace")
        found = (Finding("encoding", "not UTF-8", "read as Windows-1252", path, line, kind="repaired"),)
    return text.replace("\r\n", "\n").replace("\r", "\n"), found


def read_source(path: str, data: bytes, wanted: Mapping[str, int] | None = None) -> Source:
    """The papers of a file of any known form; what is none, or has none, is refused by name: a finding "rejected"."""
    from catalog.ingest import pandoc

    suffix = path.rsplit(".", 1)[-1].lower() if "." in path else ""
    form = "docx" if _WORD_FILE.match(data) else pandoc.FORMATS.get(suffix, "")
    packed = form in ("docx", "odt", "epub")
    kind = next((kind for mark, *kind in _REFUSED if re.match(mark, data)), None)
    if kind and not (packed and data.startswith(b"PK")):
        return Source(findings=(Finding("not-a-list", f"this is {kind[0]}", kind[1], path, 1, kind="rejected"),))
    text, found = ("", ()) if packed else decode_bytes(data, path)
    if unsettled := hunks(text):
        message, remedy = f"the file has {unsettled[0]}; nothing was taken of it", "settle it, then come again"
        found += (Finding("unsettled", message, remedy, path, unsettled[0].first, kind="rejected"),)
    if any(finding.kind == "rejected" for finding in found):
        return Source(findings=found)
    if form:
        from catalog.ingest import exports, readinglist

        try:
            source = readinglist.read_html(pandoc.to_html(data, form), path, wanted, own=False)
        except KbError as e:
            return Source(findings=(Finding("pandoc", str(e), "", path, 1, kind="rejected"),))
        source = source if packed else exports.with_lines(source, text)
    else:
        source = parse(text, path, wanted)
    if not (source.drafts or source.shared or source.missed) and data.strip():
        from catalog.ingest import nested

        wrong = nested.fault(text, suffix)
        what = f"this is no {suffix.upper()} that can be read: {wrong}" if wrong else "no paper was found here"
        form = "data" if suffix in nested.SUFFIXES else "table" if suffix in ("csv", "tsv") else ""
        remedy = "mend it, or export it again" if wrong else _NO_PAPERS[form]
        found += (Finding("no-papers", what, remedy, path, kind="rejected"),)
    return replace(source, findings=found + source.findings)


def parse(text: str, path: str = "", wanted: Mapping[str, int] | None = None) -> Source:
    """The papers of a text, whichever of the known forms it has. `wanted` names readings by section, from 1."""
    from catalog.ingest import bibfile

    suffix = path.rsplit(".", 1)[-1].lower() if "." in path else ""
    if suffix.startswith("bib") and _FIRST.match(text) and is_bib(text, suffix):
        return bibfile.read(text, path)
    from catalog.ingest import exports, nested, ours, readinglist, records, tables, tagged

    if _PAPER_FILE.match(text):
        return _paper_file(text, path)
    if exports.is_bookmarks(text):
        return records.source(list(exports.bookmarks(text)), (), path, saved=True)
    if tagged.is_tagged(text):
        found = tagged.read(text, path)
        return found if isinstance(found, Source) else records.source(found, (), path)
    if is_bib(text, suffix):
        return bibfile.read(text, path)
    if suffix not in ("md", "markdown") or not _MARKDOWN.search(text):
        if source := ours.read(text, path) or exports.read_identifiers(text, path):
            return source
        data = nested.load(text, suffix)
        source = records.read_data(data, text, path)
        if source := source or (records.read_csv(text, path) if suffix in ("csv", "tsv", "txt", "") else None):
            return source
        if suffix in nested.SUFFIXES and (data is not None or nested.fault(text, suffix)):
            return Source()  # whatever it holds, no works
        if suffix in ("csv", "tsv") and (rows := tables.as_html(text)):
            return readinglist.read_html(rows, path, wanted)
    elif (source := exports.read_identifiers(text, path)) and not source.left:
        return source  # nothing but items that are identifiers
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
    body = text[head.end() :] if head else text
    if inline := _INLINE.match(body):  # Logseq's, Dataview's
        data = {**(data or {}), **nested.front_matter(inline[0].lstrip().replace(":: ", ": "))}
        body = body[inline.end() :]
    if not isinstance(data, dict):
        return None
    for name, value in _CALLED_OUT.findall(body):
        if columns.meaning(name):
            data.setdefault(name, value)
    means = {columns.meaning(str(name)) for name in data}
    if not means & {"authors", "venue", "link", "doi", "arxiv", "status", "isbn", "abstract", "paper", "read", "key"}:
        return None
    return Source((records.read_note(path, data, body),))


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
    return Draft(key=key, line=1, path=path, **{name: getattr(paper, name) for name in FIELDS})
