"""Which headings of a list are papers: those below which stands what belongs to one, and no entries."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice

from catalog.ingest import looks, words
from catalog.ingest.credit import Credit, cites
from catalog.ingest.judge import BIB, Judge, is_fact, is_links
from catalog.ingest.line import Line, at_paper, leads_to_paper, marked_title
from catalog.ingest.tree import Node

_A_LIST = re.compile(
    r"\b(?:awesome|papers? with code|(?:reading|paper)[ -]list|list of|collection of)\b"
    r"|合集|汇总|清单|一覧|まとめ|목록",
    re.I,
)
_LOOKED_AT = 500  # blocks below a heading that tell whether it is a topic's


def papers(root: Node, judge: Judge) -> set[int]:
    """The headings that are papers, by `id`; where most of one level are, so are those that are not plainly topics."""
    sections = [n for n in root.walk(cells=False) if n.kind == "section" and n.text.plain and n.level]
    signs = {id(node): _signs(node, judge) for node in sections}
    found: set[int] = set()
    for node in reversed(sections):
        if signs[id(node)] >= 2 or (signs[id(node)] >= 1 and not _heads_a_list(node, found, judge)):
            found.add(id(node))
    levels: dict[int, list[Node]] = defaultdict(list)
    for node in sections:
        levels[node.level].append(node)
    for level, nodes in levels.items():
        credited = [node for node in nodes if signs[id(node)] == 0.5 and not _heads_a_list(node, found, judge)]
        sure = sum(id(node) in found for node in nodes)
        if 2 <= sure + len(credited) >= 0.75 * len(nodes):
            found |= set(map(id, credited))
            sure += len(credited)
        if level < 7 and sure >= 3 and sure * 2 > len(nodes):
            told = (one for one in nodes if signs[id(one)] == 0 and (one.children or looks.size(one.text.plain) > 2))
            lists = ("section", "item", "table")
            found |= {id(one) for one in told if not any(child.kind in lists for child in one.children)}
    return found


def _heads_a_list(node: Node, found: set[int], judge: Judge) -> bool:
    """Whether there are papers under the headings below a heading: then it is the list's own, or a topic's."""
    inner = [child for child in node.children if child.kind == "section" and not words.is_part(child.text.plain)]
    if any(id(child) in found for child in inner):
        return True
    blocks = (block for child in inner for block in child.walk() if block.kind in ("item", "para", "table"))
    return any("entry" in _tells(block, judge) for block in islice(blocks, _LOOKED_AT))


def _signs(node: Node, judge: Judge) -> float:
    """How much a section says that its heading is a paper: 2 surely, 1 likely, 0 not, -1 it is a topic."""
    if marked := marked_title(node.text):
        judge.lines[id(node)] = marked
    line, plain = judge.line(node), node.text.plain
    if line.own or (line.status and line.rest.strip() and not words.status_word(line.rest)):
        return 2
    if node.level == 1 and _A_LIST.search(plain):
        return -1
    if words.is_generic(plain) or words.is_boilerplate(plain) or words.is_part(plain) or words.status_word(plain):
        return -1
    own = unquoted(list(_own_blocks(node)))
    if credited := _credited(line, own, judge):
        return credited
    said = Counter(told for block in own for told in _tells(block, judge))
    facts, links = said["fact"], said["links"]
    if line.leads:
        return 1 if not said["entry"] else 0
    if said["entry"] > (1 if facts + links > 2 else 0):
        return -1
    if own and plain.endswith((")", "）")) and cites(line, judge.common):
        return 1  # "A title (Ada Quist, Bo Lund: May 2019)"
    if said["bib"]:
        return 1 if said["bib"] == 1 or facts or links or _resembles(node, own) else 0
    if said["other"] > max(2, facts + links):
        return -1
    leading = [a for block in own for a in judge.line(block).anchors if leads_to_paper(a)]
    told = facts > said["remark"] or said["paper"] or leading or (links and 1 < node.level < 7)
    if (facts or links) and told and said["paper"] <= max(1, links):
        return 1
    return 1 if said["paper"] == 1 and len(own) <= 4 and not all(a.titled for a in leading) else 0


def _tells(block: Node, judge: Judge) -> Iterator[str]:
    """What a block right below a heading is, and that it is a mere remark, leads to a paper, or to something else."""
    if block.kind == "region" and block.info in BIB:
        yield "bib"
    elif block.kind == "table" and judge.titles_of(block) is not None:
        yield "entry"
    elif block.kind in ("para", "item"):
        yield (sort := judge.sort(block))
        if sort == "fact" and words.field_of(block.text.plain.partition(":")[0]) in ("notes", "by", "date"):
            yield "remark"
        if sort == "prose" and block.kind == "item" and judge.line(block).titled:
            yield "other"
        if any(map(at_paper, judge.line(block).anchors)):
            yield "paper"


def _resembles(node: Node, own: Sequence[Node]) -> bool:
    mine = set(re.findall(r"\w{3,}", node.text.plain.lower()))
    titles = (block.raw.lower().partition("title")[2][:200] for block in own if block.info in BIB)
    return any(mine & set(re.findall(r"\w{3,}", title)) for title in titles)


def _credited(head: Line, own: Sequence[Node], judge: Judge) -> float:
    """How much what stands right below a heading is a credit: 1 with a link to the paper, 0.5 where it may be."""
    said, found = [head], list[Credit]()
    for at, block in enumerate(own):
        line = judge.line(block)
        one = judge.credit(line) if block.kind == "para" or not block.children else None
        if one and block.kind == "item" and one.kinds > 1:
            one = None  # an item that says more than one thing has its title, too
        if not (one or is_links(line) or is_fact(line.text)):
            if any(other.kind in ("item", "table") for other in own[at:]):
                return 0.0
            break
        said.append(line)
        found += [one] if one else []
    return 0.0 if not found else 1.0 if any(one.sure for one in found) and any(line.leads for line in said) else 0.5


def unquoted(blocks: Sequence[Node]) -> list[Node]:
    """The blocks, with those in quotes in the place of the quotes."""
    out, todo = [], list(reversed(blocks))
    while todo:
        block = todo.pop()
        if block.kind == "quote":
            todo += reversed(block.children)
        else:
            out.append(block)
    return out


def _own_blocks(node: Node) -> Iterator[Node]:
    for child in node.children:
        if child.kind == "section":
            if words.is_part(child.text.plain) or not child.text.plain or child.info == "details":
                yield from _own_blocks(child)
        else:
            yield child
            if child.kind == "item" and not child.text.plain:
                yield from child.children
