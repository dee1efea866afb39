"""Blocks of a list made what they stand for: paragraphs in bold headings, lines that each name a paper items."""

from __future__ import annotations

import re

from catalog.ingest import bare, values, words
from catalog.ingest.credit import credit
from catalog.ingest.judge import Judge, is_citation, is_fact, is_links, is_work, names_a_paper
from catalog.ingest.line import anchors, prepared
from catalog.ingest.tree import Node, Text

_HEADED = ("item", "para", "quote", "section", "region", "table")


def promote(root: Node, common: frozenset[str]) -> None:
    """Make a paragraph all in bold, followed by links or facts, the heading of what follows it."""
    for node in list(root.walk(cells=False)):
        if node.info == "dt" and len(node.children) == 1 and _opens(node.text):  # a term and its value
            value = node.children.pop()
            start = len(node.text.plain) + 2
            marks = (mark._replace(start=mark.start + start, end=mark.end + start) for mark in value.text.marks)
            node.text = Text(f"{node.text.plain}: {value.text.plain}", (*node.text.marks, *marks))
        if node.kind not in ("section", "item", "quote") or len(node.children) < 2:
            continue
        out: list[Node] = []
        head: Node | None = None
        for child, after in zip(node.children, [*node.children[1:], None], strict=True):
            if child.kind == "section":
                head = None
            if child.kind == "para" and after and _heads(child.text, after, common):
                head = Node("section", child.line, child.end, child.text, level=7, info="bold")
                out.append(head)
            elif head and child.kind != "rule":
                head.children.append(child)
            else:
                out.append(child)
        node.children = out


def _heads(text: Text, after: Node, common: frozenset[str]) -> bool:
    if not (_all_bold(text) or bare.leads(text)) or after.kind not in _HEADED:
        return False
    if after.kind == "para" and _all_bold(after.text):
        return False
    told = credit(prepared(text), common)
    return not (told and (told.names or after.kind != "item"))


def _opens(text: Text) -> bool:
    """Whether a term belongs in one line with what is told of it: a label, or whose work it is."""
    term = text.plain
    if words.field_of(term) or words.link_of(term):
        return True
    name = re.sub(r"^(?:\[.\]|\W)\s*", "", term)
    return values.likely_people(name, lead=True) >= 0.5 and not any(map(is_work, anchors(text)))


def _all_bold(text: Text) -> bool:
    plain = text.plain.strip()
    strong = text.of("strong")
    if len(strong) != 1 or strong[0].start > 2 or strong[0].end < len(plain) - 2 or not 0 < len(plain) < 300:
        return False
    return "\n" not in plain and not text.of("link") and not is_fact(text) and not plain.endswith((":", "："))


def part_lines(root: Node, judge: Judge) -> None:
    """Make items of lines that each name a paper of their own, in one paragraph, as in a log, or each in one."""
    nodes = [node for node in root.walk(cells=False) if node.kind in ("section", "quote")]
    below = [node.children[0] for node in nodes if node.kind == "section" and len(node.children) == 1]
    single = sum(_is_entry(node, judge) for node in below) > 1  # one below each heading
    for node in nodes:
        out: list[Node] = []
        here = out
        alone = sum(_is_entry(child, judge) for child in node.children) > 1 or (single and len(node.children) == 1)
        for child in node.children:
            if child.kind == "para" and _are_entries(child.text, judge):
                here = bare.parted(child, out, here)
                continue
            here = out
            entry = alone and _is_entry(child, judge)
            out.append(Node("item", child.line, child.end, child.text) if entry else child)
        node.children = out


def _are_entries(text: Text, judge: Judge) -> bool:
    """Whether a text has several lines, and each names a paper, or each cites a work, names first."""
    if "\n" not in text.plain:
        return False
    lines = text.lines()
    said = [line for line in lines if not bare.leads(line)]
    if len(lines) < 2 or not said:
        return False
    return all(map(names_a_paper, said)) or all(is_citation(prepared(line), judge.common) for line in said)


def _is_entry(node: Node, judge: Judge) -> bool:
    """Whether a block is a paragraph of a title and its address, or links from there on, and no more."""
    if node.kind != "para":
        return False
    line = judge.line(node)
    if "\n" in node.text.plain or line.text.of("strong", "em") or not names_a_paper(node.text):
        return False
    told, first = judge.credit(line), line.anchors[0]
    if (told and told.sure) or first.titled or judge.is_prose(line) or len(line.plain.split()) >= 30:
        return False
    links = prepared(line.text.cut(first.mark.start, len(line.plain)))
    return not line.plain[first.mark.end :].strip(" .)") or is_links(links)
