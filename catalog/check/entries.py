"""Rules about the BibTeX of one paper: whether it is there, can be read, and says what a bibliography needs."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping

from catalog.bibtex import decode
from catalog.bibtex.describe import arxiv_of
from catalog.bibtex.identifiers import arxiv, doi
from catalog.bibtex.names import faults
from catalog.check.papers import bibtex_in_notes
from catalog.check.published import published
from catalog.check.sheet import Sheet, Written
from catalog.check.world import World
from catalog.errors import Finding

_ARTICLE = ("author", "title", "journal|journaltitle", "year|date")
_PAPER = ("author", "title", "booktitle|maintitle", "year|date")
_BOOK = ("author|editor", "title", "publisher", "year|date")
_THESIS = ("author", "title", "school|institution", "year|date")
_REPORT = ("author", "title", "institution", "year|date")
_CHAPTER = ("author|editor", "title", "chapter|pages|booktitle", "publisher", "year|date")
_TITLE = ("title",)
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "article": _ARTICLE, "inproceedings": _PAPER, "conference": _PAPER,
    "book": _BOOK, "mvbook": _BOOK, "inbook": _CHAPTER, "suppbook": _CHAPTER, "bookinbook": _CHAPTER,
    "incollection": ("author", "title", "booktitle", "publisher", "year|date"),
    "phdthesis": _THESIS, "mastersthesis": _THESIS, "thesis": _THESIS,
    "techreport": _REPORT, "report": _REPORT,
    "proceedings": ("title", "year|date"), "mvproceedings": ("title", "year|date"),
    "collection": ("editor", "title", "year|date"), "mvcollection": ("editor", "title", "year|date"),
    "unpublished": ("author", "title"), "booklet": _TITLE, "manual": _TITLE, "misc": _TITLE, "online": _TITLE,
    "electronic": _TITLE, "www": _TITLE, "dataset": _TITLE, "software": _TITLE, "patent": _TITLE, "periodical": _TITLE,
    "inreference": _TITLE, "reference": _TITLE, "mvreference": _TITLE, "suppcollection": _TITLE,
    "suppperiodical": _TITLE, "artwork": _TITLE, "audio": _TITLE, "image": _TITLE, "movie": _TITLE, "music": _TITLE,
    "performance": _TITLE, "video": _TITLE, "standard": _TITLE, "letter": _TITLE, "review": _TITLE, "legal": _TITLE,
    "legislation": _TITLE, "jurisdiction": _TITLE, "commentary": _TITLE, "bibnote": (), "set": (), "xdata": (),
}  # fmt: skip
_ONLY_BIBLATEX = re.compile(r"\|(?:journaltitle|maintitle|date)")
_RESOLVER = re.compile(r"\s*(?:https?://|doi\s*:|(?:dx\.)?doi\.org/)", re.I)
_YEAR = re.compile(r"(?<!\d)\d{4}(?!\d)|(?<!\d)\d{2}(?:XX|uu)", re.I)
_NOT_YET = re.compile(r"forthcoming|to appear|in press|n\.?\s?d\.?|submitted|in preparation|no date", re.I)
_ARXIV_WORD = re.compile(r"\barxiv\s*:\s*(\d[\w.]*)", re.I)


def entry_rules(sheet: Sheet, world: World) -> Iterator[Finding]:
    """All that is wrong with a paper's BibTeX."""
    if not sheet.paper.bibtex:
        yield from _no_bibtex(sheet)
        return
    if not sheet.written:
        line = sheet.front_line("---")
        yield sheet.finding("bibtex", "no BibTeX entry in the BibTeX block", "give one, or remove the block", line)
        return
    yield from _key(sheet)
    yield from _twice(sheet)
    for one in sheet.written:
        yield from _damage(sheet, one)
        if one.entry:
            yield from _readable(sheet, one, world)


def _no_bibtex(sheet: Sheet) -> Iterator[Finding]:
    if line := bibtex_in_notes(sheet):
        remedy = "move it up, to between the front matter and the notes"
        yield sheet.finding("bibtex-in-notes", "the BibTeX stands among the notes", remedy, line)
    elif sheet.paper.links or sheet.paper.ids:
        yield sheet.finding("no-bibtex", "no BibTeX entry", "`kb complete` may find it; add one if the work has one")
    else:
        remedy = f"`kb complete {sheet.paper.key}` may find it; or add one with `kb edit {sheet.paper.key}`"
        yield sheet.finding("unidentified", "neither a BibTeX entry nor a link says what it is", remedy)


def _key(sheet: Sheet) -> Iterator[Finding]:
    own, key = sheet.written[0], sheet.paper.key
    there = own.entry.key if own.entry else ""
    if not own.entry or there == key:
        return
    if not there:
        yield sheet.finding("key", "the entry has no citation key", f"write {key} after the opening brace", own.line)
        return
    remedy = f"run `kb rename {key} {there}`, or write {key} in the entry"
    yield sheet.finding("key", f"the entry's key is {there}, the file's is {key}", remedy, own.line)


def _twice(sheet: Sheet) -> Iterator[Finding]:
    seen: set[str] = set()
    for one in sheet.written:
        key = one.entry.key if one.entry else ""
        if key and key.casefold() in seen:
            message = f"two entries of this paper have the key {key}"
            yield sheet.finding("duplicate-key", message, "keep one, or give it another key", one.line)
        seen.add(key.casefold())


def _damage(sheet: Sheet, one: Written) -> Iterator[Finding]:
    repaired = [found for found in one.block.findings if found.kind == "repaired"]
    base = one.line - one.block.line
    for found in repaired:
        remedy = "`kb check --fix` writes the repaired entry"
        yield sheet.finding("bibtex-damage", found.message, remedy, base + found.line)
    if one.fault:
        line = one.line + one.fault.line - 1
        remedy = "correct it; until then it is exported as it stands"
        yield sheet.finding("bibtex", f"BibTeX that cannot be read: {one.fault}", remedy, line)


def _readable(sheet: Sheet, one: Written, world: World) -> Iterator[Finding]:
    yield from _macros(sheet, one)
    yield from _notes(sheet, one)
    yield from _missing(sheet, one)
    yield from _parents(sheet, one, world)
    yield from _names(sheet, one)
    yield from _year(sheet, one, world)
    yield from _doi(sheet, one)
    yield from _arxiv(sheet, one)
    if said := published(one.entry.type if one.entry else "", one.fields):
        field, what = said
        remedy = "cite the published version; keep the arXiv id as eprint"
        message = f"a preprint that was published: {field} = {what}"
        yield sheet.finding("published", message, remedy, one.line_of(field))


def _own(one: Written) -> Mapping[str, str]:
    return one.entry.fields if one.entry else {}


def _macros(sheet: Sheet, one: Written) -> Iterator[Finding]:
    if not one.entry or not one.entry.undefined:
        return
    fields = {word: name for name, raw in reversed(list(one.entry.raw.items())) for word in _outside(raw)}
    for macro in one.entry.undefined:
        field = fields.get(macro, "")
        remedy = f"define it in shared.bib: @string{{{macro} = {{…}}}}, or put the value in braces"
        yield sheet.finding("macro", f"{field}: {macro} is not defined", remedy, one.line_of(field))


def _outside(raw: str) -> list[str]:
    """The words of a value that stand outside braces and quotes, as macros do."""
    return [] if raw[:1] in '{"' and "#" not in raw else re.findall(r"[^\s#{}\"]+", raw)


def _notes(sheet: Sheet, one: Written) -> Iterator[Finding]:
    """What reads cleanly and is still worth a look."""
    for found in one.block.findings:
        line = one.line - one.block.line + found.line
        if found.code == "duplicate-field":
            yield sheet.finding("duplicate-field", found.message, found.remedy, line)
        elif found.code == "missing-key" and one is not sheet.written[0]:
            yield sheet.finding("key", found.message, found.remedy, line)
        elif found.kind == "note" and found.code != "missing-key":
            yield sheet.finding("bibtex-note", found.message, found.remedy, line)


def _missing(sheet: Sheet, one: Written) -> Iterator[Finding]:
    kind = one.entry.type if one.entry else ""
    if kind not in REQUIRED:
        message = f"@{kind} is no entry type that styles know; they treat it as @misc"
        yield sheet.finding("entry-type", message, "use a common type", one.line)
    absent = [need for need in REQUIRED.get(kind, _TITLE) if not any(_says(one, name) for name in need.split("|"))]
    if absent:
        needs = ", ".join(_ONLY_BIBLATEX.sub("", need).replace("|", " or ") for need in absent)
        yield sheet.finding("missing-field", f"@{kind} without {needs}", "add what is missing", one.line)


def _says(one: Written, name: str) -> bool:
    return bool(one.fields.get(name, "").strip('{}" \t\r\n'))


def _parents(sheet: Sheet, one: Written, world: World) -> Iterator[Finding]:
    for field in ("crossref", "xdata"):
        for name in filter(None, map(str.strip, _own(one).get(field, "").split(","))):
            if not world.has_entry(name):
                remedy = "add that entry, or correct the key"
                yield sheet.finding("no-parent", f"{field}: there is no entry {name}", remedy, one.line_of(field))


def _names(sheet: Sheet, one: Written) -> Iterator[Finding]:
    for field in ("author", "editor"):
        for fault in faults(_own(one)[field]) if _own(one).get(field, "").strip() else ():
            message, _, remedy = fault.partition("; ")
            remedy = remedy or "write names as `Family, Given and Family, Given`"
            yield sheet.finding("name", f"{field}: {message}", remedy, one.line_of(field))


def _year(sheet: Sheet, one: Written, world: World) -> Iterator[Finding]:
    for field in ("year", "date"):
        value = decode(_own(one).get(field, "")).strip()
        if not value or _NOT_YET.search(value):
            continue
        found = _YEAR.search(value) or _YEAR.search(_own(one)[field])
        wrong = "" if found else "is not a year"
        if found and found.group().isdecimal() and not world.has_come(dt.date(max(int(found.group()) - 5, 1), 1, 1)):
            wrong = "is far in the future"
        if wrong and not (field == "date" and re.fullmatch(r"[-+]?\d{1,3}\D.*|-?\d{4,}.*|\$.*", value)):
            yield sheet.finding("year", f"{field}: {value[:40]!r} {wrong}", "write four digits", one.line_of(field))


def _doi(sheet: Sheet, one: Written) -> Iterator[Finding]:
    value = _own(one).get("doi", "").strip().replace("\\_", "_")
    if not value:
        return
    found = doi(value)
    if value.lower() == found:
        return
    line = one.line_of("doi")
    if not found:
        message = f"doi: {value[:60]!r} is not a DOI"
        yield sheet.finding("doi", message, "write it as 10.1234/name, without address", line)
    elif _RESOLVER.match(value):
        yield sheet.finding("doi-resolver", "doi: with an address before it", f"write {found}", line)
    else:
        yield sheet.finding("doi", f"doi: {value[:60]!r} holds more than a DOI", f"write {found}", line)


def _arxiv(sheet: Sheet, one: Written) -> Iterator[Finding]:
    own = _own(one)
    value = own.get("eprint", "").strip()
    kind = (own.get("archiveprefix") or own.get("eprinttype") or "").strip().lower()
    if value and kind == "arxiv" and not _plausible(arxiv(value, bare=True)):
        message = f"eprint: {value[:40]!r} is not an arXiv id"
        yield sheet.finding("arxiv-id", message, "write it as 2106.09685", one.line_of("eprint"))
    elif value and re.match(r"(?:https?://|arxiv:)", value, re.I) and (found := arxiv(value)):
        line = one.line_of("eprint")
        yield sheet.finding("arxiv-resolver", "eprint: with more than the id", f"write {found}", line)
    for field in ("journal", "journaltitle"):
        word = _ARXIV_WORD.search(own.get(field, ""))
        if word and not _plausible(arxiv_of({field: own[field]})):
            message = f"{field}: {word.group(1)!r} is not an arXiv id"
            yield sheet.finding("arxiv-id", message, "write it as 2106.09685", one.line_of(field))


def _plausible(paper: str) -> bool:
    """Whether an arXiv id has a month in it and, as since 2015, five digits after the dot."""
    number = paper.rpartition("/")[2]
    if not number or not 1 <= int(number[2:4]) <= 12:
        return False
    return "." not in number or len(number) == (10 if number[:4] >= "1501" else 9)
