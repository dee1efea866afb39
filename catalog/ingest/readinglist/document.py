"""A whole reading list: its papers under headings, in lists and in tables, in the order in which they stand."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from catalog.ingest.draft import Draft, Source
from catalog.ingest.readinglist import entries, headings, items, labels, sections, tables, words
from catalog.ingest.readinglist.items import Item, Look
from catalog.ingest.readinglist.lines import Block, blocks, definition
from catalog.ingest.readinglist.outline import NO_TAG, Node, is_paper_table, outline, own_tags, section, tags_of
from catalog.ingest.readinglist.report import Report

_MARKDOWN = re.compile(
    r"^(?: {0,3}#{1,6}[ \t]+\S|[ \t]*(?:`{3,}|~{3,})|[ \t]*(?:[-*+]|\d+\.)[ \t]+\S|[^\n|]{0,200}\|)", re.M
)
_TO_READ = re.compile(r"\b(?:papers?|articles?|literature|publications?|to[ -]?read|reading)\b", re.I)
_ENTRY = re.compile(r"^[ \t]*@[ \t]*[A-Za-z]+[ \t]*[{(]", re.M)


@dataclass(slots=True)
class _Part:
    """A topic's own part of the list: its items, judged, and what else stands there."""

    node: Node
    tags: tuple[str, ...]
    items: list[Item]
    looks: list[Look]
    outside: list[Block]
    boilerplate: bool
    to_read: bool = False
    papers: set[int] = field(default_factory=set)


def looks_like(text: str) -> bool:
    """Whether a text is Markdown rather than a .bib file."""
    marks = len(_MARKDOWN.findall(text))
    first = text.lstrip("\ufeff \t\r\n")[:1]
    return marks > 0 and (first not in ("@", "%") or marks >= len(_ENTRY.findall(text)))


def read(text: str, path: str = "") -> Source:
    """The papers of a Markdown reading list, and every repair, doubt and leftover with its line."""
    found, findings = blocks(text)
    defined = (definition(block.lines[0]) for block in found if block.kind == "define")
    report = Report(dict(filter(None, defined)), findings)
    nodes = outline(found, report)
    drafts = _drafts(nodes, report)
    if report.badges:
        report.add("note", "badges", f"{report.badges} badge pictures were not taken", 0)
    if not drafts:
        remedy = (
            "a paper is a heading with a link, status, tag or BibTeX below it, or a list item with a link to a paper"
        )
        report.add("note", "no-papers", "no paper was found in this Markdown", 0, remedy)
    done = sorted((replace(finding, path=path) for finding in report.findings), key=lambda finding: finding.line)
    return Source(tuple(replace(draft, path=path) for draft in drafts), tuple(report.shared), tuple(done))


def _drafts(nodes: list[Node], report: Report) -> list[Draft]:
    above = tags_of(nodes)
    drafts: list[Draft] = []
    absorbed: set[int] = set()
    parts: list[_Part] = []
    for at, node in enumerate(nodes):
        if at in absorbed:
            continue
        if node.is_paper and node.heading:
            inside, taken = section(nodes, at)
            absorbed |= taken
            title = headings.read_title(node.text, node.heading.line, report)
            drafts += sections.read_section(title, node.heading.line, inside, above[at], report)
        else:
            parts.append(_part(nodes, at, above[at] + own_tags(node), report))
    _choose(parts)
    for part in parts:
        drafts += _topic(part, report)
    return sorted(drafts, key=lambda draft: draft.line)


def _part(nodes: Sequence[Node], at: int, tags: tuple[str, ...], report: Report) -> _Part:
    node = nodes[at]
    found, outside = items.gather(node.blocks)
    looks = items.looks(found, report.scratch())
    boilerplate = to_read = False
    up = at
    while up > 0:
        to_read |= bool(_TO_READ.search(nodes[up].text))
        boilerplate |= nodes[up].level > 1 and headings.is_boilerplate(nodes[up].text)
        up = nodes[up].parent
    return _Part(node, tags, found, looks, outside, boilerplate, to_read)


def _choose(parts: Sequence[_Part]) -> None:
    """Which items are papers: those that say so, and in a list where most do, also those that only look alike."""
    everywhere = [look for part in parts for look in part.looks if look.titled]
    sure = sum(look.evidence for look in everywhere)
    whole = sure >= 2 and sure * 2 >= len(everywhere)
    for part in parts:
        here = [look for look in part.looks if look.titled]
        near = sum(look.evidence for look in here)
        lenient = whole or (near >= 2 and near * 2 >= len(here))
        for number, (item, look) in enumerate(zip(part.items, part.looks, strict=True)):
            alike = lenient and look.linked and item.marked
            task = look.task and part.to_read
            if not part.boilerplate and ((look.titled and (look.evidence or alike)) or task):
                part.papers.add(number)
        part.papers -= {number for number in part.papers if not _stands_alone(part, number)}


def _stands_alone(part: _Part, number: int) -> bool:
    """Whether an item is an entry by itself, not a remark below one: an item inside a paper's must lead to a paper."""
    up = part.items[number].parent
    while up >= 0 and up not in part.papers:
        up = part.items[up].parent
    if up < 0:
        return True
    text = part.items[number].text
    return part.looks[number].evidence and bool(
        re.match(r"(?:\[[ xX]\][ \t]+)?\*{0,2}\[(?!\[)[^\]]*[ \t][^\]]*\]\(", text)
    )


def _topic(part: _Part, report: Report) -> list[Draft]:
    drafts: list[Draft] = []
    owner = _owners(part)
    outside = [*part.outside, *_hand_down(part, owner)]
    left: list[Block] = []
    for number in sorted(part.papers):
        item = part.items[number]
        one = items.read_item(item, report)
        below = [_dedented(block, item) for block in sorted(item.blocks, key=lambda block: block.line)]
        tags = part.tags + _groups(part, number)
        drafts += sections.read_parts(one.title, item.line, one.status, one.links, one.notes, tags, below, report)
    for block in outside:
        if block.is_bibtex:
            drafts += [
                entries.draft(entry, labels.unique_tags(part.tags))
                for entry in entries.find(block, report)
                if entry.is_entry
            ]
        elif block.kind == "table" and is_paper_table(block, report):
            drafts += _rows(block, part.tags, report)
        else:
            left.append(block)
    _report_left(part, left, [draft.line for draft in drafts], report)
    return drafts


def _owners(part: _Part) -> list[int]:
    """For each item the paper it belongs to: itself, or the nearest one it is nested in; -1 for none."""
    owner: list[int] = []
    for number, item in enumerate(part.items):
        owner.append(number if number in part.papers else owner[item.parent] if item.parent >= 0 else -1)
    return owner


def _hand_down(part: _Part, owner: Sequence[int]) -> list[Block]:
    """Give what is nested in a paper's item to it; the rest is left over, but for headings of groups."""
    left: list[Block] = []
    parents = {part.items[number].parent for number in part.papers}
    for number, item in enumerate(part.items):
        if owner[number] == number:
            continue
        own = Block("text", item.line, (" " * item.indent + ("- " if item.marked else "") + item.text,), item.text)
        target = part.items[owner[number]].blocks if owner[number] >= 0 else left
        target += [*([] if owner[number] < 0 and number in parents else [own]), *item.blocks]
    return left


def _groups(part: _Part, number: int) -> tuple[str, ...]:
    """The tags of the items above a paper that only head a group of them."""
    tags: list[str] = []
    up = part.items[number].parent
    while up >= 0:
        text = part.items[up].text
        if up not in part.papers and len(text) <= 80 and not part.looks[up].linked and (tag := headings.tag_of(text)):
            tags.insert(0, tag)
        up = part.items[up].parent
    return tuple(tags)


def _dedented(block: Block, item: Item) -> Block:
    """A block below an item without the indentation that it has for that."""
    if block.kind in ("bibtex", "fence") and block.is_bibtex:
        return block
    cut = item.indent + 2
    lines = tuple(
        line.expandtabs(4)[min(cut, len(line.expandtabs(4)) - len(line.expandtabs(4).lstrip())) :]
        for line in block.lines
    )
    return replace(block, lines=lines)


def _rows(table: Block, tags: tuple[str, ...], report: Report) -> list[Draft]:
    column = tables.title_column(table, report)
    found, bad = tables.rows(table, column or 0, report)
    for line in bad:
        report.add("kept", "row", "a row without a title stays in the list", line, "give it a title")
    drafts = []
    for row in found:
        drafts += sections.read_parts(
            row.title, row.line, row.status, row.links, row.notes, tags + row.tags, (), report
        )
    return drafts


def _report_left(part: _Part, left: Iterable[Block], taken: Sequence[int], report: Report) -> None:
    """Say for each stretch of text that belongs to no paper where it stands."""
    if re.search(r"\b(?:contents|toc)\b", part.node.text, re.I):
        return
    papers = sorted(taken)
    stretches: dict[int, list[Block]] = {}
    for block in sorted(left, key=lambda block: block.line):
        if _says_something(block, report):
            stretches.setdefault(bisect_left(papers, block.line), []).append(block)
    for first, *rest in stretches.values():
        shown = words.strip_marks(first.lines[0])[:60]
        lines = len(first.lines) - 1 + sum(len(block.lines) for block in rest)
        more = f" and {lines} more line{'s' * (lines > 1)}, up to line {[first, *rest][-1].line}" if lines else ""
        message = f"belongs to no paper and stays in the list: {shown!r}{more}"
        report.add("note", "outside-a-paper", message, first.line)


def _says_something(block: Block, report: Report) -> bool:
    if block.kind in ("blank", "rule", "define", "comment") or block.lines[0] == NO_TAG:
        return False
    text = block.lines[0].strip()
    if block.kind == "text" and (labels.bare_images_only(text) or re.fullmatch(r"(?:\s*</?[A-Za-z][^<>]*>)+\s*", text)):
        return False
    found = report.links_of(text)
    if found:
        return any(not link.url.startswith("#") for link in found)
    return bool(words.strip_marks(text).strip("-*+ \\"))
