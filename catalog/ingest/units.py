"""Which blocks of a list are its entries: headings, items, rows or paragraphs, with what belongs to each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from catalog.ingest import bare, headings, looks, template, urls, words
from catalog.ingest.credit import credit
from catalog.ingest.judge import BIB, Judge, header, is_citation, is_fact, is_links, is_work, looks_like_a_paper
from catalog.ingest.labels import label_of
from catalog.ingest.line import Line, at_paper, prepared
from catalog.ingest.reshape import part_lines, promote
from catalog.ingest.tree import Node, Text, blanked, joined

_JOINT = re.compile(r"[\s+&;,.·|/]*(?:and\b)?[\s+&;,/]*(?P<said>(?:[A-Za-z][a-z]{2,15}:\s*)?)$")  # "; optional: "
_OF_PAPERS = ("code", "course", "thesis", "report")  # kinds of works that may be papers all the same

Section = tuple[str, ...]


@dataclass(slots=True)
class Unit:
    """An entry of the list: its block, its line, what belongs to it, and the headings above it.

    `cells` are the other columns of a row, each with its header. `run` names the siblings it is read with. `worth` is
    how much speaks for a paper.
    """

    node: Node
    line: Line
    section: Section = ()
    run: str = "item"
    body: list[Node] = field(default_factory=list)
    cells: list[tuple[str, Text]] = field(default_factory=list)
    worth: float = 0.0


@dataclass(slots=True)
class Found:
    """All entries of a list in order, and the blocks that belong to none, with the headings above each."""

    units: list[Unit] = field(default_factory=list)
    outside: list[tuple[Node, Section]] = field(default_factory=list)


class _Item(NamedTuple):
    """An item that may be an entry: the items above it that head a group, how much speaks for a paper, and whether it
    opens with a title."""

    node: Node
    groups: Section
    worth: float
    opens: bool


class Finder:
    """Looks for the entries of one list."""

    def __init__(self, root: Node) -> None:
        self.root = root
        self.judge = Judge(root)
        self.common = self.judge.common
        self.line = self.judge.line
        self.papers: set[int] = set()
        self.rows: set[int] = set()  # of tables of papers
        self.found = Found()
        self.headings = {node.text.plain.strip() for node in root.walk(cells=False) if node.kind == "section"}
        self.bare = False  # whether nothing says more than a title

    def run(self) -> Found:
        """Find them all."""
        promote(self.root, self.common)
        part_lines(self.root, self.judge)
        self.papers = headings.papers(self.root, self.judge)
        self._section(self.root)
        left = sum(looks.size(node.text.plain) > 3 for node, _ in self.found.outside if node.kind == "item")
        if sum(unit.worth >= 1 for unit in self.found.units) * 20 <= left:
            bare.part(self.root, self.common)
            if bare.alone(self.root):
                self.bare, self.found = True, Found()
                self._section(self.root)
        self.found.units.sort(key=lambda unit: unit.node.line)
        return self.found

    def looks_like_a_paper(self, node: Node, taken: set[str]) -> bool:
        """Whether a block that was not taken names a paper that no entry has; `taken` are the addresses of those.

        A row of a table of papers does where more than one of its cells says something.
        """
        texts = [block.text for block in (node.children if node.kind == "row" else [node])]
        if id(node) in self.rows and sum(words.plain(text.plain) not in ("", *words.nothing()) for text in texts) > 1:
            return True
        return looks_like_a_paper(texts, taken)

    def _section(self, root: Node) -> None:
        todo: list[tuple[Node, Section]] = [(root, ())]
        while todo:
            section, above = todo.pop()
            here = (*above, section.text.plain) if section.text.plain else above
            blocks: list[Node] = []
            for child in section.children:
                if child.kind != "section":
                    blocks.append(child)
                    continue
                self._blocks(blocks, here)
                blocks = []
                if id(child) in self.papers:
                    self._paper_section(child, here, todo)
                else:
                    todo.append((child, here))
            self._blocks(blocks, here)

    def _paper_section(self, node: Node, above: Section, todo: list[tuple[Node, Section]]) -> None:
        unit = Unit(node, self.line(node).copy(), above, f"heading {node.level}", worth=3)
        for child in node.children:
            inner = child.kind == "section" and child.level > 0 and not words.is_part(child.text.plain)
            if inner and any(id(x) in self.papers for x in child.walk()):
                todo.append((Node("section", child.line, child.end, children=[child]), above))
            elif child.kind == "item" and self.line(child).status and self.judge.stands_alone(child):
                self._items([child], above, False)
            else:
                unit.body.append(child)
        self.found.units.append(unit)

    def _blocks(self, blocks: Sequence[Node], section: Section) -> None:
        skip = any(words.is_boilerplate(name) for name in section[-1:])
        groups: list[Node] = []
        outside: list[Node] = []
        para: Unit | None = None
        for block in headings.unquoted(blocks):
            if block.kind == "table" and not skip and (column := self.judge.titles_of(block)) is not None:
                self._rows(block, column, section)
                para = None
            elif block.kind in ("item", "para") and not skip and (unit := self._labelled(block, section)):
                self.found.units.append(para := unit)
            elif block.kind == "item":
                remark = para and para.body and para.body[-1].kind == "item" and self.judge.worth(block)[0] <= 0
                if para and (self.judge.is_field(block) or remark):
                    para.body.append(block)
                else:
                    para = None
                    groups.append(block)
            elif block.kind == "para" and not skip and self._opens_paragraph(block):
                para = Unit(block, self.line(block).copy(), section, "paragraph", [*block.children], worth=1)
                self.found.units.append(para)
            elif para and block.kind in ("region", "quote", "para") and not block.text.plain.endswith(":"):
                para.body.append(block)
            elif block.kind == "region" and block.info in BIB and groups:
                groups[-1].children.append(block)
            else:
                outside.append(block)
        self._items(groups, section, skip)
        self.found.outside += [(block, section) for block in outside]

    def _labelled(self, node: Node, section: Section) -> Unit | None:
        """The entry that a line "Title: …" or "Paper: [a title](…)" opens."""
        first, *rest = node.text.lines() or [Text()]
        label = label_of(first)
        if not label:
            return None
        name, value = label
        line = prepared(value)
        titled = any(a.titled and len(a.label.split()) > 1 for a in line.anchors)
        says = words.field_of(name) == "title" and (titled or rest or node.children)
        if not line.plain or not (says or (titled and words.link_of(name) == "paper")):
            return None
        body = [Node("para", node.line + 1, node.end, joined(rest))] if rest else []
        return Unit(node, line, section, "labelled", [*body, *node.children], worth=3)

    def _opens_paragraph(self, node: Node) -> bool:
        line = self.line(node)
        if is_fact(line.text) or is_links(line):
            return False
        worth, opens = self.judge.worth(node)
        if worth < 1 or not opens:
            return False
        first, at = next(iter(line.anchors), None), line.start
        linked = first and first.titled and first.mark.start <= at + 3 and len(first.label.split()) > 1
        if linked or any(m.kind == "strong" and m.start <= at + 2 for m in line.text.marks):
            return True
        if _above_links(node) or line.rest[:1] in '"“' or (at > 1 and worth >= 2) or self.judge.is_told_after(line):
            return True
        return is_citation(line, self.common)

    def _items(self, tops: Sequence[Node], section: Section, skip: bool) -> None:
        """The items of a section's lists, deeper ones decided with the others of their depth."""
        layer: list[tuple[Node, Section]] = [(node, ()) for node in tops]
        depth = 0
        while layer:
            items = self._judged(layer, section)
            below: list[tuple[Node, Section]] = []
            for item, take in zip(items, self._chosen(items, section, skip), strict=True):
                node, line = item.node, self.line(item.node)
                inner = self._inner(node, take) if node.children else set()
                own = [child for child in node.children if id(child) not in inner]
                if take:
                    named = works(self._cited(node), self.common)
                    where = (*section, *item.groups), f"item {depth}"
                    units = [Unit(node, one, *where, worth=item.worth) for one in named]
                    units[0].body = own
                    self.found.units += units
                elif inner:
                    self.found.outside += [(child, section) for child in own if child.kind != "item"]
                else:
                    self.found.outside.append((node, section))
                text = line.rest.strip(" :：")
                heads = not take and len(text) <= 80 and not line.anchors
                group = (*item.groups, text) if heads else item.groups
                below += [(child, group) for child in node.children if id(child) in inner]
            layer, depth = below, depth + 1

    def _judged(self, layer: Sequence[tuple[Node, Section]], section: Section) -> list[_Item]:
        """The items of one depth, judged; each is a paper where all are titles and no more, as the heading says."""
        items = [_Item(node, groups, *self.judge.worth(node)) for node, groups in layer]
        lines = [self.line(node) for node, _ in layer if not node.children]
        last = section[-1] if section else ""
        states = words.status_word(last) is not None
        named = bare.of_papers(last) or (_wanted(section) and states)
        if not (named or self.bare) or len(lines) < len(layer):
            return items
        contents = sum(line.plain.strip() in self.headings for line in lines) * 2 > len(lines)
        told = named or _wanted(section) or states
        if contents or not bare.are_titles(lines, self.common, sure=named, told=told):
            return items
        return [item._replace(worth=max(item.worth, 1.0), opens=True) for item in items]

    def _cited(self, node: Node) -> Line:
        """The line of an entry, behind the label of one that cites a paper: "Paper: [Quist, A. “A title”, 2015](…)"."""
        label = label_of(node.text)
        line = prepared(label[1]) if label and words.link_of(label[0]) == "paper" else None
        return line if line and line.titled else self.line(node)

    def _inner(self, node: Node, taken: bool) -> set[int]:
        """The nested items that are entries of their own rather than fields or remarks."""
        items = [child for child in node.children if child.kind == "item"]
        if not taken:
            deep = any(self.judge.worth(x)[0] >= 1 or any(c.kind == "item" for c in x.children) for x in items)
            return {id(item) for item in items} if deep else set()
        others = [item for item in items if not self.judge.is_field(item)]
        most = sum(map(self.judge.stands_alone, others)) * 2 > len(items)
        return {id(item) for item in others if self.judge.stands_alone(item, 1.0)} if most else set()

    def _chosen(self, items: Sequence[_Item], section: Section, skip: bool) -> list[bool]:
        """Which items of one depth are papers: those that say so, and where most do those that only look alike."""
        if skip:
            return [False] * len(items)
        kind = next((k for name in reversed(section) if (k := words.kind_of(name))), "")
        if not kind and self._lists_titles(items, bool(section) and words.is_of_papers(section[-1])):
            items = [item._replace(worth=max(item.worth, 1.0)) for item in items]
        sure, opening = sum(item.opens and item.worth >= 1 for item in items), sum(item.opens for item in items)
        share = sure / opening if opening else 0.0
        least = -2.0 if share >= 0.6 and sure >= 2 and not kind else 1.5 if share < 0.25 else 1.0
        told = kind, section, share, least, sure > 0
        return [item.opens and self._is_paper(item, *told) for item in items]

    def _is_paper(self, item: _Item, kind: str, section: Section, share: float, least: float, sure: bool) -> bool:
        """Whether an item is a paper, of a `kind` as its heading says, where a `share` of its siblings surely are."""
        node, worth, line = item.node, item.worth, self.line(item.node)
        cited = kind not in ("", "code", "people") and not line.anchors and is_citation(line, self.common)
        if kind and not cited and (share <= 0.75 or kind not in _OF_PAPERS or worth < 1):
            lines = [line, *(self.line(child) for child in node.children if child.kind == "para")]
            beside = any(at_paper(anchor) for one in lines for anchor in one.anchors)
            worth -= 1.0 if beside and (kind != "people" or worth >= 3) else 2.2
        inner = [child for child in node.children if child.kind == "item"]
        if not line.anchors and worth < 1 and any(map(self.judge.stands_alone, inner[:3])):
            return False  # it heads a group
        if sure and worth <= 0 and not line.anchors and line.rest[:1].islower():
            return False  # a remark
        if not kind and _wanted(section) and line.status is not None and (line.anchors or node.text.plain):
            return True  # a task
        if worth < least or not (line.anchors or worth >= 1 or share >= 0.6):
            return False
        told = worth >= 1 and not line.anchors and not is_fact(line.text) and len(line.plain.split()) > 4
        return least > 0 or told or line.titled or template.best(line, self.common)[0] > 0.3

    def _lists_titles(self, items: Sequence[_Item], papers: bool) -> bool:
        """Whether most items open with a link as long as a title, below a heading of papers or to a note each."""
        opening = []
        for line in (self.line(item.node) for item in items):
            first = next((a for a in line.anchors if a.titled), None)
            marked = [(m.start, m.end) for m in line.text.of("strong", "code")]  # labels are
            if first and not re.search(r"\w", blanked(line.plain, marked, line.start, first.mark.start)):
                opening.append(first)
        count = sum(len(first.label.split()) for first in opening)
        notes = sum(urls.name_of_place(first.mark.url) == "notes" for first in opening)
        most = len(opening) * 10 >= len(items) * 7 and len(opening) > 2 and count >= 4 * len(opening)
        return most and (papers or notes * 10 >= len(opening) * 9)

    def _rows(self, table: Node, column: int, section: Section) -> None:
        head, body = header(table)
        self.rows |= {id(row) for row in table.children if row.kind == "row" and row.children}
        named = [self.judge.names_one(row.children[column]) for row in body if column < len(row.children)]
        width = max((len(row.children) for row in body), default=0)
        more = [n for n in range(width) if n != column and self.judge.names_works(body, n)]  # "Required", "Optional"
        linked = named.count(True) * 10 >= 6 * (len(named) - named.count(None))
        for row in body:
            cells = row.children
            main = self.line(cells[column]) if column < len(cells) else Line(Text())
            beside = [n for n in range(len(cells)) if n not in (column, *more)]
            others = [(head[n] if n < len(head) else "", cells[n].text) for n in beside]
            said = {words.plain(text.plain) for _, text in others}
            if not main.rest.strip():
                if column >= len(cells) or any(text.plain.strip() or text.marks for _, text in others):
                    self.found.outside.append((row, section))
                if linked and not any(map(self.judge.names_one, cells)):
                    self.rows.discard(id(row))  # "No class"
                continue
            empty = words.plain(main.plain) in words.nothing() and not main.anchors
            if empty or (words.is_role(main.plain) and len(said) <= 1):
                continue
            pause = (looks.size(main.plain) < 4 or main.rest[0].islower()) and linked
            pause = pause and not any(map(self.judge.names_one, cells))
            if pause:
                self.rows.discard(id(row))  # "Spring break", among papers that are all linked to
            if pause or (not any(said) and not main.anchors and len(head) > 1):
                self.found.outside.append((row, section))
                continue
            lines = works(main, self.common)
            for n in (n for n in more if n < len(cells)):
                lines += [one for one in works(self.line(cells[n]), self.common) if one.anchors]
            run = "row " + "|".join(head)
            self.found.units += [Unit(row, work, section, run, cells=others, worth=2) for work in lines]


def _wanted(section: Section) -> bool:
    return any(map(bare.TO_READ.search, section))


def _above_links(node: Node) -> bool:
    """Whether the first line of a paragraph is words alone and the last a row of links, to a paper among others."""
    first, *rest = [*node.text.lines(), *(child.text for child in node.children)] or [Text()]
    alone = not first.of("link") and len(first.plain.split()) <= 40 and not first.plain.endswith((".", ":", "："))
    links = prepared(rest[-1]) if rest and alone else Line(Text())
    return links.leads and is_links(links)


def works(line: Line, common: frozenset[str]) -> list[Line]:
    """The works that a line names by the links it is made of, with no more than "+", "and" or a credit between them."""
    links = list(filter(is_work, line.anchors))
    if len(links) < 2:
        return [line.copy()]
    starts, ends = [0], []
    for before, link in zip([None, *links], links, strict=False):
        start = before.mark.end if before else line.start
        joint = _JOINT.search(line.plain, start, link.mark.start)
        told = line.text.cut(start, joint.start() if joint else link.mark.start)
        if not joint or (told.plain and not credit(prepared(told), common)):
            return [line.copy()]
        if before:
            starts.append(joint.start("said"))
            ends.append(joint.start())
    return [prepared(line.text.cut(a, b)) for a, b in zip(starts, [*ends, len(line.plain)], strict=True)]
