"""Rules about one paper file apart from its BibTeX: name, form, front matter, and where its links lead."""

from __future__ import annotations

import datetime as dt
import difflib
import json
import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from catalog.bibtex.describe import arxiv_of, title
from catalog.bibtex.identifiers import arxiv
from catalog.check.loaded import Loaded, Sheet
from catalog.check.notes import Target, targets, without_code
from catalog.errors import Finding
from catalog.ingest.readinglist.urls import mend
from catalog.models import FENCE, FRONT_MATTER, Link, Status, file_name
from catalog.paperfile import dumps

KEPT_AS_THEY_ARE = frozenset({"arxiv-pdf-suffix"})
PAPER_LINKS = frozenset({"paper", "arxiv", "pdf", "abstract", "preprint"})
_MOST_BYTES = 50_000_000
_ENTRY_NEXT = re.compile(r"\s*@")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.I)


def file_rules(sheet: Sheet, loaded: Loaded) -> Iterator[Finding]:
    """The file's name, its form, and what its front matter says."""
    yield from _name(sheet)
    yield from _form(sheet)
    yield from _unknown_fields(sheet)
    yield from _repeated_title(sheet)
    yield from _read_in_future(sheet, loaded.today)


def link_rules(sheet: Sheet, loaded: Loaded) -> Iterator[Finding]:
    """Every link of the paper: of its front matter, its tutorials and its notes."""
    for link in sheet.paper.links:
        line = sheet.front_line("links", link.url)
        yield from _address(sheet, loaded, f"{link.name}: ", link.url, line)
    for tutorial in sheet.paper.tutorials:
        if tutorial.notebook:
            line = sheet.front_line("tutorials", tutorial.notebook)
            yield from _address(sheet, loaded, f"tutorial {tutorial.name}: ", tutorial.notebook, line)
    for target in targets(sheet.paper.notes):
        yield from _note_link(sheet, loaded, target)
    yield from _other_paper(sheet)


def _name(sheet: Sheet) -> Iterator[Finding]:
    right = file_name(sheet.paper.key)
    if sheet.file != right:
        yield sheet.finding("file-name", f"the file of {sheet.paper.key} is named {right}", f"rename it to {right}")


def _form(sheet: Sheet) -> Iterator[Finding]:
    canonical = dumps(sheet.paper)
    if sheet.text == canonical:
        return
    if sheet.text.replace("\r\n", "\n") == canonical:
        yield sheet.finding("format", "line ends are CRLF", "run `kb fmt`", 1)
        return
    pairs = zip(f"{sheet.text}\0".split("\n"), f"{canonical}\0".split("\n"), strict=False)
    line = next((number for number, (mine, other) in enumerate(pairs, 1) if mine != other), 1)
    yield sheet.finding("format", "not in canonical form", "run `kb fmt`", line)


def _unknown_fields(sheet: Sheet) -> Iterator[Finding]:
    for name in sheet.paper.extras:
        if not name.startswith("#"):
            near = difflib.get_close_matches(name.lower(), FRONT_MATTER, 1, 0.75)
            remedy = f"did you mean {near[0]}?" if near else "nothing to do if another tool writes it"
            message = f"{name}: not a field of ours, kept as it is"
            yield sheet.finding("unknown-field", message, remedy, sheet.front_line(name), "note")


def _repeated_title(sheet: Sheet) -> Iterator[Finding]:
    if sheet.paper.title and sheet.paper.title == title(sheet.fields):
        line = sheet.front_line("title")
        yield sheet.finding("title-repeated", "title: the same as in the BibTeX", "remove the field", line, "note")


def _read_in_future(sheet: Sheet, today: dt.date) -> Iterator[Finding]:
    """A day ahead is another time zone."""
    day = sheet.paper.read
    if sheet.paper.status is Status.read and day and day > today + dt.timedelta(days=1):
        yield sheet.finding("future", f"read: {day} is still to come", "correct the date", sheet.front_line("read"))


def _note_link(sheet: Sheet, loaded: Loaded, target: Target) -> Iterator[Finding]:
    line = sheet.notes_line + target.line - 1
    shown = target.to.strip()
    if not shown:
        yield sheet.finding("empty-link", "a link without an address", "give one, or write plain text", line)
    elif target.spaced:
        message = f"{shown[:80]!r} holds blanks, so it is no link"
        yield sheet.finding("bad-link", message, "write them as %20", line)
    else:
        yield from _address(sheet, loaded, "", shown, line)


def _address(sheet: Sheet, loaded: Loaded, what: str, url: str, line: int) -> Iterator[Finding]:
    if url.startswith("#"):
        return
    mended = [message for code, message in mend(url)[1] if code not in KEPT_AS_THEY_ARE]
    if mended:
        better = mend(url)[0]
        yield sheet.finding("dirty-link", f"{what}{url[:100]} holds what is not part of it", f"write {better}", line)
        url = better
    try:
        Link(name="link", url=url)
    except ValidationError as e:
        message, _, remedy = str(e.errors()[0].get("ctx", {}).get("error", e.errors()[0]["msg"])).partition("; ")
        yield sheet.finding("bad-link", f"{what}{message}", remedy or "correct the address", line)
        return
    if not _SCHEME.match(url) and not url.startswith("?"):
        yield from _relative(sheet, loaded, what, url, line)


def _relative(sheet: Sheet, loaded: Loaded, what: str, url: str, line: int) -> Iterator[Finding]:
    path = loaded.resolve(url)
    place = loaded.place(url)
    if place == "outside":
        message = f"{what}{url} leads out of the knowledge base"
        yield sheet.finding("outside-link", message, "move the file into it, or link to the web", line)
    elif place == "missing" and path.parent == loaded.root / loaded.folder and path.suffix == ".md":
        yield _no_paper(sheet, loaded, what, url, path.name, line)
    elif path.suffix == ".ipynb":
        yield from _notebook(sheet, loaded, what, url, line)
    elif place == "missing":
        remedy = "correct the path (it starts at the paper file), or remove the link"
        yield sheet.finding("broken-link", f"{what}{url}: no such file", remedy, line)


def _no_paper(sheet: Sheet, loaded: Loaded, what: str, url: str, name: str, line: int) -> Finding:
    key = loaded.keys.get(name.removesuffix(".md").casefold())
    remedy = f"did you mean {file_name(key)}?" if key else "correct the key, or add the paper"
    return sheet.finding("unknown-paper", f"{what}{url}: no such paper", remedy, line)


def _notebook(sheet: Sheet, loaded: Loaded, what: str, url: str, line: int) -> Iterator[Finding]:
    path = loaded.resolve(url)
    if not path.is_file():
        yield sheet.finding("no-notebook", f"{what}{url}: no such notebook", "add it, or remove the link", line)
    elif not path.resolve().is_relative_to(loaded.root.resolve()):
        message = f"{what}{url} leads out of the knowledge base"
        yield sheet.finding("outside-link", message, "move the file into it, or link to the web", line)
    elif problem := _notebook_problem(path):
        yield sheet.finding("bad-notebook", f"{what}{url}: {problem}", "save it from Jupyter again", line)


def _notebook_problem(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST_BYTES:
            return ""
        values = json.loads(path.read_bytes())
    except OSError as e:
        return f"cannot be read: {e.strerror}"
    except (ValueError, RecursionError):
        return "not a notebook: not JSON"
    cells = isinstance(values, dict) and ("cells" in values or "worksheets" in values)
    return "" if cells else "not a notebook: no cells in it"


def _other_paper(sheet: Sheet) -> Iterator[Finding]:
    """A link to the paper that leads to another one than the entry is about."""
    own = arxiv_of(sheet.fields)
    linked = {arxiv(link.url): link for link in sheet.paper.links if link.name in PAPER_LINKS and arxiv(link.url)}
    if own and linked and own not in linked:
        other, link = next(iter(linked.items()))
        message = f"{link.name}: the link leads to arXiv:{other}, the BibTeX is about arXiv:{own}"
        line = sheet.front_line("links", link.url)
        yield sheet.finding("other-paper", message, "correct one of the two", line)


def bibtex_in_notes(sheet: Sheet) -> int:
    """The line on which an entry stands among the notes; 0 where none does."""
    notes = sheet.paper.notes
    at = [found.start() for found in FENCE.finditer(notes) if _ENTRY_NEXT.match(notes, found.end())]
    if not at and "@" in notes:
        prose = without_code(notes)
        at = [found.start() for found in re.finditer(r"^[ \t]*@[A-Za-z]+[ \t]*\{[^{}\s,]+,", prose, re.M)]
    return sheet.notes_line + notes.count("\n", 0, at[0]) if at else 0
