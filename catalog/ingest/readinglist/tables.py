"""Tables: of tutorials, of papers, and those that are neither."""

from __future__ import annotations

import re
from dataclasses import dataclass

from catalog.ingest.readinglist import headings, inline, urls, words
from catalog.ingest.readinglist.inline import Inline
from catalog.ingest.readinglist.lines import Block, cells
from catalog.ingest.readinglist.report import Report, as_code, name_for, tidy, without_title
from catalog.models import Link, Status, Tutorial

_TITLE_HEAD = re.compile(
    r"\b(?:title|papers?|publications?|article|work|works|paper title|paper name)\b|^(?:name|method|model)$", re.I
)
_SURE_HEAD = re.compile(r"\b(?:title|papers?|publications?|article)\b", re.I)
_OTHER_HEAD = re.compile(
    r"\b(?:links?|pdf|code|github|venue|year|date|conference|journal|authors?|source|project|published?|"
    r"publication|arxiv|url|"
    r"status|read|notes?|comments?|tags?|topics?|keywords?|abstract|summary|tl;?dr|key ?words?|resources?)\b",
    re.I,
)
_TUTORIAL = {
    "name": r"tutorial|name|title",
    "date": r"date|year",
    "versions": r"version|librar|lib\b",
    "notebook": r"notebook|link|url|file",
}
_STATUS_HEAD = re.compile(r"^(?:status|read\??|done\??|state|[✅✔☑✓]\ufe0f?)$", re.I)
_TAG_HEAD = re.compile(r"^(?:tags?|keywords?|key ?words?|topics?|categor(?:y|ies))$", re.I)
_PARTS = re.compile(r"(?:&(?:#\w{1,8}|\w{1,30});|[^,;，])+")  # an entity keeps its semicolon
_NOTHING = ("", "-", "--", "---", "–", "—", "n/a", "na", "none", "x", "❌", "/", "tbd", "\\", "coming soon")


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table of papers."""

    line: int
    title: str
    status: Status | None
    links: tuple[Link, ...]
    tags: tuple[str, ...]
    notes: tuple[str, ...]


def header(table: Block) -> list[str]:
    """The names of the columns."""
    return [words.strip_marks(cell) for cell in cells(table.lines[0])]


def is_tutorials(table: Block) -> bool:
    """Whether a table lists tutorials or notebooks."""
    return any(re.search(r"\b(?:tutorials?|notebooks?)\b", name, re.I) for name in header(table)) and not any(
        _SURE_HEAD.search(name) for name in header(table)[:1]
    )


def tutorials(table: Block, report: Report) -> tuple[tuple[Tutorial, ...], bool]:
    """The tutorials of a table, and whether all that it says is in them."""
    names = header(table)
    column: dict[str, int] = {}
    for field, pattern in _TUTORIAL.items():
        hits = [n for n, name in enumerate(names) if n not in column.values() and re.search(pattern, name, re.I)]
        if hits:
            column[field] = hits[0]
    whole = len(column) == len(names)
    found = []
    for number, row in enumerate(table.lines[2:], table.line + 2):
        values = cells(row)
        whole &= len(values) <= len(names)
        one = {field: values[at] if at < len(values) else "" for field, at in column.items()}
        tutorial = _tutorial(one, number, report)
        if tutorial:
            found.append(tutorial)
        elif any(values):
            whole = False
    return tuple(found), whole


def _tutorial(one: dict[str, str], number: int, report: Report) -> Tutorial | None:
    raw = one.get("name", "")
    named = [link for link in report.links_of(raw) if not link.bare or link.url == raw]
    links = report.links_of(one.get("notebook", "")) or named
    name = words.strip_marks(named[0].label) if named else words.unescape(_unwrap(raw))
    link = report.make("notebook", links[0], number) if links else None
    notebook = link.url if link else ("" if links else words.unescape(one.get("notebook", "")))
    name = name or notebook.rsplit("/", 1)[-1]
    try:
        return Tutorial(
            name=name,
            date=words.unescape(one.get("date", "")),
            versions=versions(one.get("versions", "")),
            notebook=notebook,
        )
    except ValueError:
        if any(one.values()):
            report.add(
                "kept", "tutorial", "a tutorial without a name, or with a bad address, kept in the notes", number
            )
        return None


def _unwrap(cell: str) -> str:
    for mark in ("**", "`", "*"):
        if len(cell) > 2 * len(mark) and cell.startswith(mark) and cell.endswith(mark):
            return cell[len(mark) : -len(mark)]
    return cell


def versions(cell: str) -> dict[str, str]:
    """Libraries and their versions: "peft=0.7.1, torch>=2.0"."""
    found: dict[str, str] = {}
    for part in _PARTS.findall(re.sub(r"<br ?/?>", ",", _unwrap(cell))):
        part = part.strip().strip("`")
        if not part:
            continue
        match = re.search(r"={1,3}|[<>~!]=?", part) or re.search(r"[ \t:@]+", part)
        name, value = (part[: match.start()], part[match.start() :]) if match else (part, "")
        value = value.lstrip("=: \t@") if not value.startswith(("<", ">", "~", "!")) else value
        found[words.unescape(name)] = words.unescape(value)
    return found


def title_column(table: Block, report: Report) -> int | None:
    """The column that holds the titles, where a table lists papers; None where it lists something else."""
    names = header(table)
    sure = [n for n, name in enumerate(names) if _SURE_HEAD.search(name)]
    maybe = sure or [n for n, name in enumerate(names) if _TITLE_HEAD.search(name)]
    if not maybe:
        return None
    by_title = [n for n in sure if re.search(r"title|name", names[n], re.I)]
    column = (by_title or maybe)[0]
    rows = [cells(row) for row in table.lines[2:]]
    if not by_title and len(maybe) > 1:
        column = max(maybe, key=lambda n: sum(_looks_titled(row[n], report) for row in rows if n < len(row)))
    column = _titles_elsewhere(column, names, rows, report)
    leads = sum(any(urls.is_paper(link.url) for cell in row for link in report.links_of(cell)) for row in rows)
    others = sum(bool(_OTHER_HEAD.search(name)) for n, name in enumerate(names) if n != column)
    titled = sum(column < len(row) and _looks_titled(row[column], report) for row in rows)
    return column if titled and (leads * 2 >= len(rows) or (sure and others)) else None


def _titles_elsewhere(column: int, names: list[str], rows: list[list[str]], report: Report) -> int:
    """Where the column called "paper" holds only links, the one called "name" or "method" holds the titles."""
    if any(column < len(row) and _looks_titled(row[column], report) for row in rows):
        return column
    others = [n for n, name in enumerate(names) if n != column and _TITLE_HEAD.search(name)]
    return others[0] if others else column


def _looks_titled(cell: str, report: Report) -> bool:
    found = report.links_of(cell)
    labels = [link for link in found if not words.is_name(link.label) and not link.image]
    rest = inline.cut(cell, [(link.start, link.end) for link in found])
    return any(len(link.label) > 3 for link in labels) or len(words.strip_marks(rest).strip(" -[]()|,")) > 3


def rows(table: Block, column: int, report: Report) -> tuple[list[Row], list[int]]:
    """The papers of a table, and the lines of the rows without a title."""
    names = header(table)
    found: list[Row] = []
    bad: list[int] = []
    for number, line in enumerate(table.lines[2:], table.line + 2):
        values = cells(line)
        if not any(value.strip(" -:") for value in values):
            continue
        row = _row(names, values, column, number, report)
        if row:
            found.append(row)
        else:
            bad.append(number)
    return found, bad


def _row(names: list[str], values: list[str], column: int, number: int, report: Report) -> Row | None:
    if column >= len(values):
        return None
    title, status, links, notes = _title_cell(values[column], number, report)
    if not title:
        return None
    tags: tuple[str, ...] = ()
    for at, value in enumerate(values):
        name = names[at] if at < len(names) else ""
        if at == column or words.strip_marks(value).lower() in _NOTHING:
            continue
        if _STATUS_HEAD.match(name) and (mark := _status_cell(value, number, report)):
            status = mark
            continue
        if _TAG_HEAD.match(name) and not report.links_of(value):
            tags += tuple(
                filter(None, (headings.fit_tag(words.strip_marks(part)) for part in re.split(r"[,;|]|<br ?/?>", value)))
            )
            continue
        more, rest = _cell(value, name, number, report)
        links += more
        if rest:
            notes.append(f"{name}: {rest}" if name else rest)
    return Row(number, title, status, links, tags, tuple(notes))


def _status_cell(value: str, number: int, report: Report) -> Status | None:
    plain = words.strip_marks(value).strip("[] ")
    if (plain[:1] in "✅☑✔✓" and plain) or plain.lower() in ("x", "yes", "y"):
        return Status.read
    if (plain[:1] in "⬜☐🔲" and plain) or plain.lower() in ("no", "n"):
        return Status.unread
    return headings.status_of(plain, number, report)


def _title_cell(cell: str, number: int, report: Report) -> tuple[str, Status | None, tuple[Link, ...], list[str]]:
    cell, badges = inline.without_badges(re.sub(r"<br ?/?>", " ", cell))
    report.badges += badges
    cell = re.sub(r"^\s*\d{1,4}[.)]\s+", "", cell)
    found = report.links_of(cell)
    titled = next(
        (link for link in found if len(link.label) > 1 and not words.is_name(link.label) and not link.image), None
    )
    strong = re.match(r"\s*(\*\*|__)(?P<in>.+?)\1", cell)
    if titled and not cell[: titled.start].strip(" *_~\"“'"):
        title, span = titled.label, (titled.start, titled.end)
    elif strong and not report.links_of(strong["in"]):
        title, span = strong["in"], strong.span()
    elif titled:
        title, span = titled.label, (titled.start, titled.end)
    else:
        title, span = inline.cut(cell, [(link.start, link.end) for link in found]), (0, len(cell))
    wanted = [link for link in found if _is_kind(link) or (span[0] <= link.start and link.end <= span[1])]
    links, rest = _take(cell, wanted, "", number, report, span)
    parsed = headings.read_title(tidy(title), number, report)
    return (
        parsed.text,
        parsed.status,
        without_title(links, parsed.text),
        [part for part in (*parsed.rest, rest) if part],
    )


def _is_kind(link: Inline) -> bool:
    return link.image or link.bracketed or link.bare or words.is_name(link.label)


def _cell(cell: str, name: str, number: int, report: Report) -> tuple[tuple[Link, ...], str]:
    cell, badges = inline.without_badges(re.sub(r"<br ?/?>", " ", cell)) if not report.links_of(cell) else (cell, 0)
    report.badges += badges
    column = words.link_name(name)[0] if words.is_name(name) else ""
    found = report.links_of(cell)
    rest = tidy(inline.cut(cell, [(link.start, link.end) for link in found]))
    if len(words.strip_marks(rest)) > 40:
        found = [link for link in found if _is_kind(link)]
    return _take(cell, found, "" if column in ("link", "links") else column, number, report)


def _take(
    cell: str, found: list[Inline], column: str, number: int, report: Report, also: tuple[int, int] = (0, 0)
) -> tuple[tuple[Link, ...], str]:
    made = []
    spans = [(*also, "")] if also[1] else []
    for link in found:
        one = report.make(name_for(link, column), link, number)
        spans.append(
            (link.start, link.end, "" if one or not link.url.strip("# ") else as_code(cell[link.start : link.end]))
        )
        if one:
            made.append(one)
    rest, badges = inline.without_badges(inline.swap(cell, sorted(spans)))
    report.badges += badges
    return tuple(made), tidy(rest).lstrip("-–—:,. ").strip()
