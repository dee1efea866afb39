"""The section of one paper: its lines go to the fields they name, and everything else to its notes."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from catalog.ingest.draft import Draft
from catalog.ingest.readinglist import entries, labels, tables, words
from catalog.ingest.readinglist.headings import Title
from catalog.ingest.readinglist.lines import Block
from catalog.ingest.readinglist.report import Report, as_code, name_for, without_title
from catalog.models import Link, Status, Tutorial

_HTML_ONLY = re.compile(r"^(?:\s*</?(?:details|summary|pre|code|p|div|br|ul|li)\b[^<>]*>)+\s*$", re.I)
_EMPTY_WRAP = re.compile(
    r"<details\b[^<>]*>\s*(?:<summary>\s*(?:<[bi]>|<strong>)?\s*[^<>]*?(?:bib|cit|links?)[^<>]*"
    r"(?:</[bi]>|</strong>)?\s*</summary>)?"
    r"\s*(?:</?(?:pre|code|p|br|div)\b[^<>]*>\s*)*</details>",
    re.I,
)
_EMPTY_PRE = re.compile(r"<(?:pre|code)\b[^<>]*>\s*(?:</?(?:code|p|br)\b[^<>]*>\s*)*</(?:pre|code)>", re.I)


@dataclass(slots=True)
class _Paper:
    """A draft in the making."""

    title: str
    line: int
    status: Status | None = None
    links: list[Link] = field(default_factory=list)
    tags: tuple[str, ...] = ()
    tutorials: list[Tutorial] = field(default_factory=list)
    bibtex: str = ""
    entry_title: str = ""
    key: str = ""
    aliases: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    year: int = 0
    venue: str = ""
    dates: dict[str, dt.date] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    exact: str | None = None
    taken: bool = False
    unwrap: bool = False
    current: str = ""
    others: list[entries.Found] = field(default_factory=list)

    def take(self) -> None:
        """Something of the section has found its place; the blank lines around it are not wanted twice."""
        self.taken = True

    def note(self, line: str) -> None:
        if not line.strip():
            if not self.notes or (self.taken and not self.notes[-1].strip()):
                return
        elif self.taken:
            self.taken = False
        self.notes.append(line)


def read_section(
    title: Title, line: int, blocks: Sequence[Block], tags: tuple[str, ...], report: Report
) -> list[Draft]:
    """The paper of a section, and before it nothing; after it the other works whose BibTeX stands there."""
    paper = _Paper(title.text, line, title.status, tags=tags)
    for found in title.links:
        if link := report.make(name_for(found), found, line):
            paper.links.append(link)
        elif found.url.strip("# "):
            paper.notes += [as_code(found.url), ""]
    paper.links = list(without_title(paper.links, paper.title))
    for rest in title.rest:
        report.add("kept", "heading-bracket", f"[{rest[:60]}] in a title is no status; kept in the notes", line)
        paper.notes += [f"[{rest}]" if "](" not in rest else rest, ""]
        paper.take()
    fill(paper, blocks, report)
    return finish(paper, report)


def read_parts(
    title: str, line: int, status: Status | None, links: Sequence[Link], notes: Sequence[str], tags: tuple[str, ...],
    blocks: Sequence[Block], report: Report,
) -> list[Draft]:  # fmt: skip
    """The paper of a list item or table row, with what is nested below it."""
    paper = _Paper(title, line, status, list(links), tags)
    if notes:
        paper.notes += [" · ".join(notes), ""]
        paper.year = _only_year(" ".join(notes))
        paper.take()
    fill(paper, blocks, report)
    paper.year = 0 if paper.bibtex else paper.year
    return finish(paper, report)


def _only_year(text: str) -> int:
    """The year that the line of a list gives a paper, where it gives just one."""
    years = set(re.findall(r"(?<![\d.:/])(?:19[5-9]\d|20[0-4]\d)(?!\d|[.:]\d)", text))
    return int(years.pop()) if len(years) == 1 else 0


def fill(paper: _Paper, blocks: Sequence[Block], report: Report) -> None:
    """Put each block where it belongs."""
    for at, block in enumerate(blocks):
        if block.kind == "text":
            _text(paper, block, blocks, at, report)
        elif block.kind == "blank":
            paper.note("")
        elif block.kind == "notes":
            paper.exact = block.text if paper.exact is None else f"{paper.exact}\n\n{block.text}"
        elif block.is_bibtex:
            _bibtex(paper, block, report)
        elif block.kind == "table":
            _table(paper, block, report)
        elif block.kind != "define":
            _other(paper, block, report)
        if block.kind not in ("blank", "text"):
            paper.current = ""


def _other(paper: _Paper, block: Block, report: Report) -> None:
    """Maths, code, comments, rules and headings below the paper's own go to the notes as they are."""
    if block.kind == "heading":
        if labels.is_citation_label(block.text):
            paper.take()
            return
        report.add("kept", "heading", f"a heading inside a paper kept in its notes: {block.text[:60]!r}", block.line)
    elif block.kind == "comment":
        report.add("kept", "comment", "a comment kept in the notes", block.line)
    elif block.kind == "rule" and not any(line.strip() for line in paper.notes):
        return
    for line in block.lines:
        paper.note(line)


def _text(paper: _Paper, block: Block, blocks: Sequence[Block], at: int, report: Report) -> None:
    line = block.lines[0]
    if labels.bare_images_only(line):
        report.badges += 1
        return
    if labels.is_citation_label(line) and not line.lstrip().startswith("<"):
        paper.take()
        return
    if _fact(paper, block, report):
        paper.take()
        return
    if announcing := labels.announces_links(line):
        if _links_follow(blocks, at, report):
            paper.current = announcing
            paper.take()
            return
        if labels.split_label(line).explicit:  # type: ignore[union-attr]  # a line that announces has a label
            _tables_or_nothing(paper, blocks, at, block.line, announcing, report)
            return
    taken = labels.take_links(line, block.line, report, labels.announced(paper.current) if paper.current else "")
    if taken is None:
        paper.current = ""
        paper.note(line)
        return
    paper.links += taken.links
    if taken.left:
        paper.note(taken.left)
    else:
        paper.take()


def _links_follow(blocks: Sequence[Block], at: int, report: Report) -> bool:
    """Whether the next line that is not blank holds a link."""
    for block in blocks[at + 1 : at + 4]:
        if block.kind == "text":
            return (
                bool(report.links_of(block.text)) and labels.split_label(block.text) is None
            ) or labels.is_link_line(block.text, report)
        if block.kind != "blank":
            return False
    return False


def _tables_or_nothing(paper: _Paper, blocks: Sequence[Block], at: int, line: int, name: str, report: Report) -> None:
    """`tutorial links:` before a table goes with it; before anything else it is a link without an address."""
    follows = next((block for block in blocks[at + 1 : at + 4] if block.kind != "blank"), None)
    if follows and follows.kind == "table":
        if tables.is_tutorials(follows):
            paper.take()
        else:
            paper.note(blocks[at].lines[0])
        return
    report.add("repaired", "empty-link", f"{name!r} without an address was left out", line, "add its address")
    paper.take()


def _fact(paper: _Paper, block: Block, report: Report) -> bool:
    """Take a line such as `tag: …` or `added: …`; False where it is none, or not a good one."""
    label = labels.split_label(block.lines[0])
    name = label.name.lower() if label else ""
    if not label or name not in labels.FACTS or not label.value:
        return bool(label) and name in labels.FACTS and not (label and label.value)
    if name in ("tag", "tags", "keyword", "keywords"):
        paper.tags += labels.tags(label.value, block.line, report)
        return True
    if name in ("added", "read", "due") and (day := labels.date(label.value)):
        paper.dates[name] = day
        return True
    if name in ("author", "authors") and not paper.authors and (authors := labels.authors(label.value)):
        paper.authors = authors
        return True
    if name == "year" and not paper.year and (year := labels.year(label.value)):
        paper.year = year
        return True
    if name == "venue" and not paper.venue and (venue := words.strip_marks(label.value)[:2000]):
        paper.venue = venue
        return True
    if name == "key" and (key := labels.key(label.value)):
        paper.key = key
        return True
    if name in ("alias", "aliases") and (aliases := labels.keys(label.value)):
        paper.aliases += aliases
        return True
    if name == "status" and (status := labels.status(label.value, block.line, report)):
        paper.status = paper.status or status
        return True
    report.add("kept", "label", f"not understood, kept in the notes: {block.text[:80]!r}", block.line)
    return False


def _table(paper: _Paper, block: Block, report: Report) -> None:
    whole = False
    if tables.is_tutorials(block):
        found, whole = tables.tutorials(block, report)
        paper.tutorials += found
    if whole:
        paper.take()
        return
    report.add("kept", "table", "a table kept in the notes", block.line)
    for line in block.lines:
        paper.note(line)


def _bibtex(paper: _Paper, block: Block, report: Report) -> None:
    """The first entry is the paper's own; one of the same work is kept, another work becomes a paper."""
    if _HTML_ONLY.match(block.info.replace("\n", "")) and block.kind == "bibtex":
        paper.unwrap = True
        for line in block.info.split("\n"):
            paper.note(line)
    found = entries.find(block, report)
    if not found:
        for line in block.lines:
            paper.note(line)
    for entry in found:
        if not entry.is_entry:
            report.add("kept", "beside-bibtex", "text beside BibTeX kept in the notes", entry.line)
            for line in ("", *entry.text.split("\n"), ""):
                paper.note(line)
        elif not paper.bibtex:
            paper.bibtex, paper.entry_title = entry.text, entry.title
            paper.take()
        elif entries.same_title(entry.title, paper.entry_title):
            _second(paper, entry, report)
        else:
            report.add(
                "note", "other-entry", "another work's BibTeX in this section became a paper of its own", entry.line
            )
            paper.others.append(entry)


def _second(paper: _Paper, entry: entries.Found, report: Report) -> None:
    """A further entry of the same work: beside the first under its own key, in the notes under one that is there."""
    if entries.key_of(entry.text) not in map(entries.key_of, paper.bibtex.split("\n\n@")):
        report.add("note", "second-entry", "a second BibTeX entry of this work is kept beside the first", entry.line)
        paper.bibtex += f"\n\n{entry.text}"
        return
    report.add("kept", "second-entry", "a second BibTeX entry under the same key is kept in the notes", entry.line)
    for line in ("", *entries.fenced(entry.text), ""):
        paper.note(line)


def finish(paper: _Paper, report: Report) -> list[Draft]:
    """The draft of the paper, and those of other works in its section."""
    tags = labels.unique_tags(paper.tags)
    draft = Draft(
        title=paper.title, authors=paper.authors, year=paper.year, venue=paper.venue, key=paper.key,
        status=paper.status, read=paper.dates.get("read"),
        added=paper.dates.get("added"), due=paper.dates.get("due"), links=_grouped(paper.links), tags=tags,
        tutorials=tuple(paper.tutorials), aliases=paper.aliases, bibtex=paper.bibtex, notes=_notes(paper, report),
        line=paper.line,
    )  # fmt: skip
    return [draft, *(entries.draft(entry, tags) for entry in paper.others)]


def _grouped(links: Sequence[Link]) -> tuple[Link, ...]:
    """Each link once, those of one name side by side."""
    names = list(dict.fromkeys(link.name for link in links))
    once = {(link.name, link.url): link for link in reversed(links)}
    ordered = list(once.values())[::-1]
    return tuple(sorted(ordered, key=lambda link: names.index(link.name)))


def _notes(paper: _Paper, report: Report) -> str:
    text = "\n".join(line.rstrip() if paper.taken else line for line in paper.notes)
    text = _EMPTY_PRE.sub("", _EMPTY_WRAP.sub("", text)) if "<" in text and (paper.bibtex or paper.links) else text
    text = _with_definitions(_trim(text), report)
    if paper.exact is None:
        return _guard(text, paper)
    return f"{text}\n\n{paper.exact}" if text else paper.exact


def _trim(text: str) -> str:
    return re.sub(r"\A(?:[ \t]*\n)+", "", text.rstrip())


def _guard(text: str, paper: _Paper) -> str:
    """Notes may not begin with a BibTeX block where the paper has none: it would be read as the paper's own."""
    begins = re.match(r"(?:`{3,}|~{3,})[ \t]*bib", text, re.I)
    return f"BibTeX that could not be read:\n\n{text}" if begins and not paper.bibtex else text


def _with_definitions(text: str, report: Report) -> str:
    """The text, followed by the definitions of the reference links in it."""
    if not report.definitions or "]" not in text:
        return text
    used = dict.fromkeys(
        label for match in re.finditer(r"\[([^\[\]]{1,200})\](?!\()", text)
        if (label := words.fold(match[1])) in report.definitions
    )  # fmt: skip
    lines = [f"[{label}]: {report.definitions[label]}" for label in used]
    return "\n\n".join([text, "\n".join(lines)]) if lines else text
