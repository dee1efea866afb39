"""Rules about one paper file apart from its BibTeX: name, form, front matter, and where its links lead."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from catalog.attached import name_of
from catalog.bibtex.describe import arxiv_of
from catalog.bibtex.identifiers import arxiv
from catalog.check.folder import left_behind
from catalog.check.notes import Target, targets, without_code
from catalog.check.sheet import Sheet
from catalog.check.world import World
from catalog.conflict import strays
from catalog.errors import BadFile, Finding, refused
from catalog.filenames import apart_name, file_name
from catalog.ingest.urls import mend
from catalog.models import FENCE, FRONT_MATTER, READING, Link, Status
from catalog.notebook import problem
from catalog.paperfile import bibtex_line, dumps

_KEPT_AS_THEY_ARE = frozenset({"arxiv-pdf-suffix"})
PAPER_LINKS = frozenset({"paper", "arxiv", "pdf", "abstract", "preprint"})
Wrong = tuple[str, str, str]
_ENTRY_NEXT = re.compile(r"\s*@")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.I)


def file_rules(sheet: Sheet, world: World) -> Iterator[Finding]:
    """The file's name, its form, and what its front matter says."""
    yield from _name(sheet)
    if left := left_behind(sheet.file):
        yield sheet.finding("leftover", *left, 0)
    yield from _blank(sheet)
    yield from _half_settled(sheet)
    yield from _form(sheet)
    yield from _unknown_fields(sheet)
    yield from _repeated_title(sheet)
    yield from _read_in_future(sheet, world)


def link_rules(sheet: Sheet, world: World) -> Iterator[Finding]:
    """Every link of the paper: of its front matter, its tutorials and its notes."""
    for link in sheet.paper.links:
        for code, message, remedy in _wrong(world, link.url):
            yield sheet.finding(code, f"{link.name}: {message}", remedy, sheet.front_line("links", link.url))
    for tutorial in sheet.paper.tutorials:
        for code, message, remedy in _wrong(world, tutorial.notebook) if tutorial.notebook else ():
            line = sheet.front_line("tutorials", tutorial.notebook)
            yield sheet.finding(code, f"tutorial {tutorial.name}: {message}", remedy, line)
    for target in targets(sheet.paper.notes):
        for code, message, remedy in _wrong_in_notes(world, target):
            yield sheet.finding(code, message, remedy, sheet.notes_line + target.line - 1)
    yield from _other_paper(sheet)


def _name(sheet: Sheet) -> Iterator[Finding]:
    right = file_name(sheet.paper.key)
    if sheet.file not in (right, apart_name(sheet.paper.key)):
        yield sheet.finding("file-name", f"the file of {sheet.paper.key} is named {right}", f"rename it to {right}")


def _blank(sheet: Sheet) -> Iterator[Finding]:
    key = sheet.paper.key
    if re.search(r"\s", key):
        remedy = f"`kb rename {shlex.quote(key)} {shlex.quote('-'.join(key.split()))}` mends it"
        yield sheet.finding("key", f"the key {key!r} holds a blank, so nothing can cite it", remedy)


def _half_settled(sheet: Sheet) -> Iterator[Finding]:
    if "<<<<<<<" in sheet.text or ">>>>>>>" in sheet.text:
        notes = strays(without_code(sheet.paper.notes))
        found = [*((sheet.notes_line + line - 1, mark) for line, mark in notes)]
        entry = bibtex_line(sheet.text)
        found += [(entry + line - 1, mark) for line, mark in strays(sheet.paper.bibtex)]
        for line, mark in found:
            remedy = "look what the merge left around it, then remove the line"
            yield sheet.finding("conflict", f"a mark of a merge stands alone: {mark[:40]!r}", remedy, line)


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
        if sheet.paper.apart and name in READING:
            remedy = "`kb me NAME --take` gives it to that reader"
            message = f"{name}: each reader says it in a file of their own here, and not in the paper's"
            yield sheet.finding("reader", message, remedy, sheet.front_line(name))
        elif not name.startswith("#"):
            near = difflib.get_close_matches(name.lower(), FRONT_MATTER, 1, 0.75)
            remedy = f"did you mean {near[0]}?" if near else "nothing to do if another tool writes it"
            message = f"{name}: not a field of ours, kept as it is"
            yield sheet.finding("unknown-field", message, remedy, sheet.front_line(name))


def _repeated_title(sheet: Sheet) -> Iterator[Finding]:
    if sheet.repeats_title:
        line = sheet.front_line("title")
        yield sheet.finding("title-repeated", "title: the same as in the BibTeX", "remove the field", line)


def _read_in_future(sheet: Sheet, world: World) -> Iterator[Finding]:
    day = sheet.paper.read
    if sheet.paper.status is Status.read and day and not world.has_come(day):
        yield sheet.finding("future", f"read: {day} is still to come", "correct the date", sheet.front_line("read"))


def _wrong_in_notes(world: World, target: Target) -> Iterator[Wrong]:
    url = target.to.strip()
    if not url:
        yield "empty-link", "a link without an address", "give one, or write plain text"
    elif target.spaced:
        yield "bad-link", f"{url[:80]!r} holds blanks, so it is no link", "write them as %20"
    elif message := _no_address(url):
        message, _, remedy = message.partition("; ")
        yield "bad-link", message, remedy or "correct the address"
    else:
        yield from _wrong(world, url)


def _no_address(url: str) -> str:
    """Why the typed catalog would not take an address; "" where it would."""
    if url.startswith(("#", "?")):
        return ""
    try:
        Link(name="link", url=url)
    except ValidationError as e:
        return refused(e)
    return ""


def _wrong(world: World, url: str) -> Iterator[Wrong]:
    """What is wrong with where an address leads: code, message, remedy."""
    if (better := clean(url)) != url:
        yield "dirty-link", f"{url[:100]} holds what is not part of it", f"write {better}"
        url = better
    if not _SCHEME.match(url) and not url.startswith(("#", "?")):
        yield from _wrong_path(world, url)


def clean(url: str) -> str:
    """The address without what is not part of it; itself where nothing is wrong."""
    better, done = mend(url)
    return better if any(code not in _KEPT_AS_THEY_ARE for code, _ in done) else url


def _wrong_path(world: World, url: str) -> Iterator[Wrong]:
    store, path = world.store, world.resolve(url)
    if name_of(store.root, store.folder, url):
        return  # the rules about files/ look whether it is there
    here = path.parent == store.folder and path.suffix == ".md"
    if here and world.has_paper(path.name):
        return
    place = world.place(path)
    if place == "outside":
        yield "outside-link", f"{url} leads out of the knowledge base", "move the file into it, or link to the web"
    elif place == "missing" and here:
        key = world.key(path.name.removesuffix(".md"))
        remedy = f"did you mean {file_name(key)}?" if key else "correct the key, or add the paper"
        yield "unknown-paper", f"{url}: no such paper", remedy
    elif place == "missing" and path.suffix == ".ipynb":
        yield "no-notebook", f"{url}: no such notebook", "add it, or remove the link"
    elif place == "missing":
        remedy = "correct the path (it starts at the paper file), or remove the link"
        yield "broken-link", f"{url}: no such file", remedy
    elif path.suffix == ".ipynb" and (wrong := _notebook_problem(world, path)):
        yield "bad-notebook", f"{url}: {wrong[0]}", wrong[1]


def _notebook_problem(world: World, path: Path) -> tuple[str, str] | None:
    try:
        return problem(world.contents(path))
    except BadFile as e:
        return e.findings[0].message, e.findings[0].remedy
    except FileNotFoundError:  # gone since a moment ago
        return None


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
