"""The headings of a list as a tree, and which of them are papers: those whose own section says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import repeat

from catalog.ingest.readinglist import entries, headings, items, labels, tables, urls, words
from catalog.ingest.readinglist.items import Item, Look
from catalog.ingest.readinglist.lines import Block, columns
from catalog.ingest.readinglist.report import Report
from catalog.models import Status

NO_TAG = "<!-- this title is no tag -->"
_STRONG_LABELS = frozenset({"tag", "tags", "keywords", "key"})


@dataclass(slots=True)
class Signs:
    """What in a section says that its heading is a paper."""

    status: Status | None = None
    entries: list[str] = field(default_factory=list)
    facts: bool = False
    links: int = 0
    weak: int = 0
    title_link: bool = False

    def add(self, other: Signs) -> None:
        """The signs of a part of the section count for the whole."""
        self.entries += other.entries
        self.facts |= other.facts
        self.links += other.links
        self.weak += other.weak


@dataclass(slots=True)
class Node:
    """A heading with the blocks up to the next one; node 0 is what stands before the first."""

    heading: Block | None
    level: int
    parent: int
    blocks: list[Block] = field(default_factory=list)
    children: list[int] = field(default_factory=list)
    signs: Signs = field(default_factory=Signs)
    listed: int = 0
    is_paper: bool = False
    papers_below: bool = False

    @property
    def text(self) -> str:
        """The heading's text."""
        return self.heading.text if self.heading else ""


def outline(blocks: Sequence[Block], report: Report) -> list[Node]:
    """The tree of a list, each heading judged."""
    nodes = _tree(blocks)
    scratch = report.scratch()
    for node in nodes:
        node.signs = _signs(node, scratch)
        node.listed = _listed(node, scratch)
    _judge(nodes, weak=False)
    if any(node.is_paper for node in nodes):
        _judge(nodes, weak=True)
    return nodes


def _tree(blocks: Sequence[Block]) -> list[Node]:
    nodes = [Node(None, 0, -1)]
    path = [0]
    for block in blocks:
        if block.kind != "heading":
            nodes[-1].blocks.append(block)
            continue
        while nodes[path[-1]].level >= block.level:
            path.pop()
        nodes.append(Node(block, block.level, path[-1]))
        nodes[path[-1]].children.append(len(nodes) - 1)
        path.append(len(nodes) - 1)
    return nodes


def _signs(node: Node, scratch: Report) -> Signs:
    signs = Signs()
    if node.heading:
        title = headings.read_title(node.text, 0, scratch)
        signs.status = title.status
        signs.title_link = headings.leads_to_paper(title)
    nested = _nested(node, scratch)
    for block in node.blocks:
        if block.line in nested:
            continue
        if block.is_bibtex:
            signs.entries += [entries.title_of(block.text)]
        elif block.kind == "text" and len(block.text) < 20_000:
            _line_signs(block.lines[0], signs, scratch)
        elif block.kind == "table" and tables.is_tutorials(block):
            signs.weak += 1
    return signs


def _line_signs(line: str, signs: Signs, scratch: Report) -> None:
    label = labels.split_label(line)
    if label and label.name.lower() in labels.FACTS:
        signs.facts |= label.name.lower() in _STRONG_LABELS and bool(label.value)
        return
    if "](" not in line and "://" not in line and "<a" not in line and "www." not in line and "][" not in line:
        return
    if not labels.is_link_line(line, scratch):
        return
    found = scratch.links_of(line)
    name = words.link_name(label.name)[0] if label else ""
    if label and label.explicit and name in words.SYNONYMS:
        signs.links += 1
    elif label and not label.explicit and not words.is_name(label.name) and name != "paper":
        signs.weak += any(words.is_name(link.label) for link in found)
    elif any(urls.is_paper(link.url) for link in found) or name == "paper":
        signs.links += 1
    else:
        signs.weak += not all(link.image for link in found)


def _listed(node: Node, scratch: Report) -> int:
    """How many entries of a list or table stand right under a heading."""
    found, outside = items.gather(node.blocks)
    looks = items.looks(found, scratch)
    rows = sum(len(block.lines) - 2 for block in outside if block.kind == "table" and is_paper_table(block, scratch))
    return rows + sum(map(_entry_like, found, looks, repeat(scratch)))


def _nested(node: Node, scratch: Report) -> set[int]:
    """The lines that are nested below an entry of a list, and so say nothing of the heading above it."""
    found, _ = items.gather(node.blocks)
    inside: list[bool] = []
    lines: set[int] = set()
    for item, look in zip(found, items.looks(found, scratch), strict=True):
        above = item.parent >= 0 and inside[item.parent]
        inside.append(above or (item.marked and _entry_like(item, look, scratch)))
        lines |= {item.line} if above else set()
        lines |= {block.line for block in item.blocks if columns(block.lines[0]) > item.indent} if inside[-1] else set()
    return lines


def _entry_like(item: Item, look: Look, scratch: Report) -> bool:
    return look.titled and look.evidence and not labels.is_link_line(item.text, scratch)


def is_paper_table(table: Block, report: Report) -> bool:
    """Whether each row of a table is a paper."""
    return not tables.is_tutorials(table) and tables.title_column(table, report) is not None


def _judge(nodes: list[Node], weak: bool) -> None:
    """Judge from the leaves up: a section's generic parts ("Citation", "Links") count for the heading above them."""
    below = [node.listed for node in nodes]
    for at in range(len(nodes) - 1, 0, -1):
        node = nodes[at]
        children = [nodes[child] for child in node.children]
        node.papers_below = any(child.is_paper or child.papers_below for child in children)
        below[at] += sum(below[child] for child in node.children)
        signs = Signs(node.signs.status, list(node.signs.entries), node.signs.facts, node.signs.links, node.signs.weak,
                      node.signs.title_link)  # fmt: skip
        for child in children:
            if not child.is_paper and not child.papers_below and headings.is_generic(child.text):
                signs.add(child.signs)
        only_title = node.level == 1 or node.parent == 0
        node.is_paper = _is_paper(node, signs, below[at], weak, only_title)


def _is_paper(node: Node, signs: Signs, listed: int, weak: bool, top: bool) -> bool:
    if signs.status:
        return True
    if headings.is_generic(node.text) or (top and node.papers_below and not node.signs.entries):
        return False
    if listed >= 3 or (listed and not (signs.links or signs.facts or signs.entries)):
        return False
    if len(signs.entries) > 1 and not (signs.links or signs.facts):
        return any(entries.resembles(node.text, title) for title in signs.entries)
    if signs.entries and node.papers_below and not node.signs.entries:
        return False
    weak = weak and not (node.parent and headings.is_part(node.text))
    return bool(signs.facts or signs.links or signs.entries or signs.title_link or (weak and signs.weak))


def section(nodes: Sequence[Node], at: int) -> tuple[list[Block], set[int]]:
    """The blocks of a paper's section, with the headings below it that are no papers, and the nodes those are."""
    blocks = list(nodes[at].blocks)
    absorbed: set[int] = set()
    for number in range(at + 1, len(nodes)):
        node = nodes[number]
        if node.level <= nodes[at].level:
            break
        if (
            node.heading
            and not node.is_paper
            and not node.papers_below
            and (node.parent == at or node.parent in absorbed)
        ):
            absorbed.add(number)
            blocks += [node.heading, *node.blocks]
    return blocks, absorbed


def tags_of(nodes: Sequence[Node]) -> list[tuple[str, ...]]:
    """For each heading, the tags that the headings above it give."""
    above: list[tuple[str, ...]] = [()]
    for node in nodes[1:]:
        parent = nodes[node.parent]
        above.append(above[node.parent] + own_tags(parent))
    return above


def own_tags(node: Node) -> tuple[str, ...]:
    """The tag that a heading itself gives to what stands under it."""
    first = node.blocks[0] if node.blocks else None
    if not node.heading or node.is_paper or (first and first.lines[0] == NO_TAG):
        return ()
    tag = headings.tag_of(node.text)
    return (tag,) if tag else ()
