"""Which blocks of a list are its entries: headings, items, rows or paragraphs, with what belongs to each."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from catalog.ingest import bare, template, urls, values, words
from catalog.ingest.credit import Credit, cites, credit
from catalog.ingest.labels import label_of, without
from catalog.ingest.line import Anchor, Line, anchors, at_paper, external, leads_to_paper, marked_title, prepared
from catalog.ingest.tree import Node, Text, joined
from catalog.models import Status

_YEAR_LAST = re.compile(r"[\s,(](?:19|20)\d\d[\s).]*$")
_CITES_PERHAPS = re.compile(r"\d|[\[\"“(（]|et al|, ")
_A_LIST = re.compile(
    r"\b(?:awesome|papers? with code|(?:reading|paper)[ -]list|list of|collection of)\b"
    r"|合集|汇总|清单|一覧|まとめ|목록",
    re.I,
)
_CITED = re.compile(r"\(?(?:19|20)\d\d\)?|\bet al\b|\barXiv\b|\bIn [A-Z]|\bProc\b", re.I)
_INITIALS = re.compile(r"[A-Z]\.(?:[,;]| and| &)")
_ID = re.compile(r"\b(?:doi:\s*|https?://doi\.org/)10\.\d{4}|\barXiv:\s*\d{4}\.\d{4}", re.I)
_INLINE = re.compile(r"\[[^\W\d][\w -]{0,30}::[^\[\]\n]*\]")  # "[year:: 2018]"
_SIGN = re.compile(r"([^\w\s.,;:|/()=-])\ufe0f?[\s=:–-]*([^\W\d_]+(?: [^\W\d_]+){0,2})")
_TOLD = re.compile(r",?\s+by\s[^()\n]{3,100}\([^()\n]{4,60}\)")  # "… by Ada Quist (KDD, 2011)"
_JOINT = re.compile(r"[\s+&;,.·|/]*(?:and\b)?[\s+&;,/]*(?P<said>(?:[A-Za-z][a-z]{2,15}:\s*)?)$")  # "; optional: "
_SMALL = re.compile(r"(?<![\w@/.])[a-z]{3,}(?![\w/@])")
_NO_TITLES = ("authors", "date", "link", "notes", "abstract", "status", "tags", "rating", "order", "venue")
BIB = ("bibtex", "verbatim")


@dataclass(slots=True)
class Unit:
    """An entry of the list: its block, its line, what belongs to it, and the headings above it.

    `cells` are the other columns of a row, each with its header. `run` names the siblings it is read with. `worth` is
    how much speaks for a paper.
    """

    node: Node
    line: Line
    section: tuple[str, ...] = ()
    run: str = "item"
    body: list[Node] = field(default_factory=list)
    cells: list[tuple[str, Text]] = field(default_factory=list)
    worth: float = 0.0
    linked: bool = False


@dataclass(slots=True)
class Found:
    """All entries of a list in order, and the blocks that belong to none, with the headings above each."""

    units: list[Unit] = field(default_factory=list)
    outside: list[tuple[Node, tuple[str, ...]]] = field(default_factory=list)
    titled: int = 0


class Finder:
    """Looks for the entries of one list; a line is prepared and judged once, however often the list has it."""

    def __init__(self, root: Node) -> None:
        self.root = root
        self.lines: dict[int, Line] = {}
        self.texts: dict[Text, Line] = {}
        self.common = common_words(root)
        self.credits: dict[int, Credit | None] = {}
        self.worths: dict[int, tuple[float, bool]] = {}
        self.columns: dict[int, int | None] = {}
        self.papers: set[int] = set()
        self.rows: set[int] = set()  # of tables of papers
        self.found = Found()
        self.legend = _legend(root)
        self.headings = {node.text.plain.strip() for node in root.walk(cells=False) if node.kind == "section"}
        self.bare = False  # whether nothing says more than a title

    def line(self, node: Node) -> Line:
        """The line of a block, which blocks of one text share: an entry gets one of its own."""
        if found := self.lines.get(id(node)):
            return found
        if node.kind in ("item", "para") and ("\n" in node.text.plain or "::" in node.text.plain):
            _part_facts(node)
        found = self.texts.get(node.text)
        if found is None:
            found = self.texts[node.text] = prepared(node.text)
            if self.legend:
                signs = (self.legend[c] for c in found.plain[: found.start] if c in self.legend)
                found.status = next(signs, found.status)
        self.lines[id(node)] = found
        return found

    def credit(self, line: Line) -> Credit | None:
        """What a line of the list says of a work beside its title; told once."""
        if id(line) not in self.credits:
            self.credits[id(line)] = credit(line, self.common)
        return self.credits[id(line)]

    def run(self) -> Found:
        """Find them all."""
        promote(self.root, self.common)
        self._part_lines()
        self._judge_headings()
        self._section(self.root, ())
        sure = sum(unit.worth >= 1 for unit in self.found.units)
        if sure * 20 <= sum(bare.size(node.text.plain) > 3 for node, _ in self.found.outside if node.kind == "item"):
            bare.part(self.root, self.common)
            if bare.alone(self.root):
                self.bare, self.found = True, Found()
                self._section(self.root, ())
        self.found.units.sort(key=lambda unit: unit.node.line)
        return self.found

    def looks_like_a_paper(self, node: Node, taken: set[str]) -> bool:
        """Whether a block that was not taken names a paper that no entry has: by an identifier, or a link to one.

        A row of a table of papers does where more than one of its cells says something. `taken` are the addresses of
        the entries.
        """
        texts = [block.text for block in (node.children if node.kind == "row" else [node])]
        if id(node) in self.rows and sum(words.plain(text.plain) not in ("", *words.nothing()) for text in texts) > 1:
            return True
        links = [a.mark.url for text in texts if text.marks for a in anchors(text) if leads_to_paper(a)]
        named = any(_ID.search(text.plain) for text in texts)
        return (bool(links) or named) and not any(urls.same(url) in taken for url in links)

    def _part_lines(self) -> None:
        """Make items of lines that each name a paper of their own, in one paragraph, as in a log, or each in one."""
        sections = [node for node in self.root.walk(cells=False) if node.kind in ("section", "quote")]
        below = [node.children[0] for node in sections if node.kind == "section" and len(node.children) == 1]
        single = sum(node.kind == "para" and self._is_line(node) for node in below) > 1  # one below each heading
        for node in sections:
            out: list[Node] = []
            here = out
            alone = sum(child.kind == "para" and self._is_line(child) for child in node.children) > 1
            alone = alone or (single and len(node.children) == 1)
            for child in node.children:
                texts = child.text.lines() if child.kind == "para" and "\n" in child.text.plain else []
                said = [text for text in texts if not bare.leads(text)]
                if len(texts) > 1 and said and (all(map(_names_a_paper, said)) or all(map(self._is_reference, said))):
                    here = bare.parted(child, out, here)
                    continue
                here = out
                if alone and child.kind == "para" and self._is_line(child):
                    out.append(Node("item", child.line, child.end, child.text))
                else:
                    out.append(child)
            node.children = out

    def _is_reference(self, text: Text) -> bool:
        """Whether a line by itself cites a work, names first."""
        return _citation(prepared(text), self.common)

    def _is_line(self, node: Node) -> bool:
        """Whether a paragraph is a title and its address, and no more."""
        line = self.line(node)
        if "\n" in node.text.plain or line.text.of("strong", "em") or not _names_a_paper(node.text):
            return False
        if self.credit(line):
            return False
        rest = line.plain[line.anchors[0].mark.end :].strip(" .)")
        return not (rest or line.anchors[0].titled or self._is_prose(line)) and len(line.plain.split()) < 30

    # headings

    def _judge_headings(self) -> None:
        """Which headings are papers; where most of one level are, those that are not plainly topics are, too."""
        headings = [node for node in self.root.walk(cells=False) if node.kind == "section"]
        sections = [node for node in headings if node.text.plain and node.level]
        signs = {id(node): self._signs(node) for node in sections}
        for node in reversed(sections):
            if signs[id(node)] >= 2 or (signs[id(node)] >= 1 and not self._heads_a_list(node)):
                self.papers.add(id(node))
        levels: dict[int, list[Node]] = defaultdict(list)
        for node in sections:
            levels[node.level].append(node)
        for level, nodes in levels.items():
            credited = [node for node in nodes if signs[id(node)] == 0.5 and not self._heads_a_list(node)]
            sure = sum(id(node) in self.papers for node in nodes)
            if 2 <= sure + len(credited) >= 0.75 * len(nodes):
                self.papers |= set(map(id, credited))
                sure += len(credited)
            if level < 7 and sure >= 3 and sure * 2 > len(nodes):
                told = (one for one in nodes if signs[id(one)] == 0 and (one.children or bare.size(one.text.plain) > 2))
                lists = ("section", "item", "table")
                self.papers |= {id(one) for one in told if not any(child.kind in lists for child in one.children)}

    def _heads_a_list(self, node: Node) -> bool:
        """Whether there are papers under the headings below a heading: then it is the list's own, or a topic's."""
        inner = [child for child in node.children if child.kind == "section" and not words.is_part(child.text.plain)]
        if any(id(child) in self.papers for child in inner):
            return True
        blocks = (block for child in inner for block in child.walk() if block.kind in ("item", "para", "table"))
        return any(
            self._paper_table(block) is not None if block.kind == "table" else self._sort(block) == "entry"
            for block in islice(blocks, 500)
        )

    def _signs(self, node: Node) -> float:
        """How much a section says that its heading is a paper: 2 surely, 1 likely, 0 not, -1 it is a topic."""
        if marked := marked_title(node.text):
            self.lines[id(node)] = marked
        line = self.line(node)
        if line.own:
            return 2
        title = line.plain[line.start :]
        if line.status and not words.status_word(title) and title.strip():
            return 2
        plain = node.text.plain
        if node.level == 1 and _A_LIST.search(plain):
            return -1
        if words.is_generic(plain) or words.is_boilerplate(plain) or words.is_part(plain) or words.status_word(plain):
            return -1
        own = _without_quotes(list(_own_blocks(node)))
        if credited := self._credited(line, own):
            return credited
        paper_blocks = facts = links = bibs = listed = remarks = others = 0
        for block in own:
            if block.kind == "region":
                bibs += block.info in BIB
            elif block.kind == "table":
                listed += self._paper_table(block) is not None
            elif block.kind in ("para", "item"):
                sort = self._sort(block)
                listed += sort == "entry"
                facts += sort == "fact"
                name = words.field_of(block.text.plain.partition(":")[0]) if sort == "fact" else ""
                remarks += name in ("notes", "by", "date")
                links += sort == "links"
                others += sort == "prose" and block.kind == "item" and any(a.titled for a in self.line(block).anchors)
                paper_blocks += any(at_paper(a) for a in self.line(block).anchors)
        if any(leads_to_paper(anchor) for anchor in line.anchors):
            return 1 if not listed else 0
        if listed > (1 if facts + links > 2 else 0):
            return -1
        if own and plain.endswith((")", "）")) and cites(line, self.common):
            return 1  # "A title (Ada Quist, Bo Lund: May 2019)"
        if bibs:
            return 1 if bibs == 1 or facts or links or self._resembles(node, own) else 0
        if others > max(2, facts + links):
            return -1
        named = paper_blocks or any(leads_to_paper(a) for b in own for a in self.line(b).anchors)
        told = facts > remarks or named or (links and 1 < node.level < 7)
        if (facts or links) and told and paper_blocks <= max(1, links):
            return 1
        named = any(leads_to_paper(a) for b in own for a in self.line(b).anchors if not a.titled)
        return 1 if named and paper_blocks == 1 and len(own) <= 4 else 0

    def _resembles(self, node: Node, own: Sequence[Node]) -> bool:
        mine = set(re.findall(r"\w{3,}", node.text.plain.lower()))
        return any(
            mine & set(re.findall(r"\w{3,}", b.raw.lower().partition("title")[2][:200])) for b in own if b.info in BIB
        )

    def _credited(self, head: Line, own: Sequence[Node]) -> float:
        """How much what stands right below a heading is a credit: 1 with a link to the paper, 0.5 where it may be."""
        said, found, after = [head], list[Credit](), iter(own)
        for block in after:
            line = self.line(block)
            one = self.credit(line) if block.kind == "para" or not block.children else None
            if one and block.kind == "item" and one.kinds > 1:
                one = None  # an item that says more than one thing has its title, too
            if not (one or is_links(line) or is_fact(line.text)):
                after = iter([block, *after])
                break
            said.append(line)
            found += [one] if one else []
        if not found or any(block.kind in ("item", "table") for block in after):
            return 0.0
        return (
            1.0 if any(one.sure for one in found) and any(leads_to_paper(a) for x in said for a in x.anchors) else 0.5
        )

    def _sort(self, node: Node) -> str:
        """What a block below a heading is: "fact", "links", "entry" or "prose"."""
        line = self.line(node)
        if is_fact(line.text):
            return "fact"
        if is_links(line):
            return "links"
        if node.kind == "para" and (found := self.credit(line)) and found.sure and found.paper:
            return "links"
        worth, opens = self.worth(node)
        small = node.kind == "para" and line.plain[line.start : line.start + 1].islower()
        remark = small and not any(a.titled for a in line.anchors)
        return "entry" if worth >= 1 and opens and not remark else "prose"

    # judging

    def worth(self, node: Node) -> tuple[float, bool]:
        """How much speaks for an item or paragraph being a paper, and whether it opens with a title; told once."""
        line = self.line(node)
        key = id(node) if node.children else id(line)
        if key not in self.worths:
            self.worths[key] = self._worth(node)
        return self.worths[key]

    def _worth(self, node: Node) -> tuple[float, bool]:
        line = self.line(node)
        if not line.plain:
            return 0.0, False
        if not node.children and not line.anchors and not line.badges and not _CITES_PERHAPS.search(line.plain):
            return 0.0, not words.is_role(line.plain) and not line.plain.endswith((":", "："))
        found = [anchor for anchor in line.anchors if external(anchor)]
        below = [
            anchor
            for child in node.children
            if child.kind == "para" or (child.kind == "item" and self._fieldlike(child))
            for anchor in self.line(child).anchors
            if external(anchor) and (child.kind == "item" or anchor.role or anchor.bracketed)
        ]
        every = [*found, *below]
        worth = 0.0
        plain = line.plain[line.start :]
        cited = max(_cites(plain[:1500], not every), _cites(f"[{line.lead_tag}]", False))
        if any(at_paper(a) for a in every) or _ID.search(plain):
            worth += 2
        elif any(a.role == "paper" for a in every):
            worth += 1.5
        elif cited == 1 or (found and _dated_end(line)):
            cited = max(cited, 1.0)
        if any(a.bracketed and not a.role and urls.name_of_place(a.mark.url) == "paper" for a in found):
            worth += 1
        if cited:
            worth += cited
        elif not every and not is_fact(line.text) and _citation(line, self.common):
            worth += 1
        credited = worth < 1 and self._credited_below(node)
        worth += credited
        if any(child.kind == "region" and child.info in BIB for child in node.children):
            worth += 2
        if any(name in ("venue", "arxiv", "doi") for name, _ in line.badges):
            worth += 1
        if line.anchors and all(a.mark.url.startswith("#") for a in line.anchors):
            worth -= 5
        titled = any(a.titled for a in line.anchors)
        opens = (
            bool(plain.strip())
            and (titled or credited or not words.is_role(plain))
            and not self._is_prose(line)
            and (titled or not is_fact(line.text))
            and (worth >= 2 or not words.undecorated(plain).endswith((":", "：")))
        )
        return worth, opens

    def _credited_below(self, node: Node) -> bool:
        """Whether what stands below an item says whose it is, or where and when it appeared, and nothing else."""
        blocks = [child for child in node.children if child.kind in ("item", "para")]
        labels = filter(None, (label_of(block.text) for block in blocks))
        if any(words.field_of(name) in ("authors", "venue", "status") for name, _ in labels):
            return True
        if self.credit(self.line(node)):
            return False
        found = [self.credit(self.line(block)) for block in blocks[:4] if not block.children]
        sure = [one for one in found if one and one.sure]
        return bool(found) and len(sure) == len(blocks) and sum(bool(one.names) for one in sure) < 2

    def _is_prose(self, line: Line) -> bool:
        """Whether a line is a sentence that links to something rather than an entry."""
        plain = line.plain[line.start :]
        first = next((a for a in line.anchors if external(a)), None)
        if not first or any(a.bracketed or a.image or a.role for a in line.anchors):
            return False
        before = line.plain[line.start : first.mark.start].strip(" *_~\"“'`")
        if not before or line.text.of("strong") or '"' in plain or "“" in plain or _CITED.search(plain):
            return False
        if self._told_after(line):
            return False
        after = line.plain[first.mark.end :].strip(" .")
        return bool(after) and first.titled and len(before.split()) > 1

    def _told_after(self, line: Line) -> bool:
        """Whether the first link to a paper in a sentence is followed by whose it is and where it stood."""
        first = next((a for a in line.anchors if _is_work(a)), None)
        after = _TOLD.match(line.plain, first.mark.end) if first else None
        told = credit(prepared(line.text.cut(*after.span())), self.common) if after else None
        return bool(told and told.names and told.place)

    def _fieldlike(self, node: Node) -> bool:
        line = self.line(node)
        told = self.credit(line)
        return (
            is_fact(line.text) or is_links(line) or (told is not None and told.sure and (told.place or not told.paper))
        )

    def _paper_table(self, table: Node) -> int | None:
        """The column of the titles, where a table lists papers; told once."""
        if id(table) not in self.columns:
            self.columns[id(table)] = self._column_of_titles(table)
        return self.columns[id(table)]

    def _column_of_titles(self, table: Node) -> int | None:
        rows = [row for row in table.children if row.kind == "row" and row.children]
        head = _header(rows)
        body = rows[1:] if head else rows
        names = [
            words.field_of(name) or ("paper" if words.link_of(name) == "paper" else "") or _joint(name) for name in head
        ]
        if is_tutorials(head):
            return None
        best, column = 0.0, None
        for at in range(max((len(row.children) for row in body), default=0)):
            cells = [self.line(row.children[at]) for row in body[:200] if at < len(row.children)]
            name = names[at] if at < len(names) else ""
            named = self._names_works(body, at)
            if name in _NO_TITLES and not named:
                continue
            texts = [line for line in cells if line.plain[line.start :].strip()]
            shape = sum(template.best(line, self.common)[0] for line in texts) / max(1, len(body[:200]))
            vague = name == "title" and "paper" in names and words.is_vague(head[at])
            worth = shape + (0 if vague else 2 if name == "title" else 0.8 if name == "paper" and shape > 0.4 else 0)
            worth += named
            if shape > 0.15 and worth > best:
                best, column = worth, at
        if column is None:
            return None
        leads = sum(any(leads_to_paper(a) for cell in row.children for a in self.line(cell).anchors) for row in body)
        known = sum(bool(name) and name != "order" for n, name in enumerate(names) if n != column)
        mine = names[column] if column < len(names) else ""
        others = known + sum(bool(words.link_of(name)) for n, name in enumerate(head) if n != column and not names[n])
        vague = column < len(head) and words.is_vague(head[column]) and not {"authors", "venue"} & set(names)
        sure = mine in ("title", "paper") and others > 0 and (leads > 0 or not vague)
        if not any(head) and best >= 0.4 and self._has_facts(body, column):
            return column
        own = sum(
            any(map(leads_to_paper, self.line(row.children[column]).anchors))
            for row in body
            if column < len(row.children)
        )
        titled = mine in ("title", "paper", "") or (mine == "tags" and own * 2 >= len(body))  # "Topic"
        if leads * 2 >= len(body) and (titled or not head):
            return column
        return column if sure or (leads and mine == "title") else None

    def _names_works(self, body: Sequence[Node], column: int) -> bool:
        """Whether the cells of a column that say something name works, each by a link to it."""
        cells = [row.children[column] for row in body if column < len(row.children)]
        told = [line for cell in cells if cell.text.of("link") and (line := self.line(cell)).anchors]
        return bool(told) and all(any(_is_work(a) for a in line.anchors) for line in told)

    def _has_facts(self, body: Sequence[Node], column: int) -> bool:
        """Whether a column without a header, beside the titles', holds years, names or a status in most rows."""
        told: Counter[int] = Counter()
        for row in body:
            told.update(n for n, cell in enumerate(row.children) if n != column and _is_fact_alone(cell.text.plain))
        return any(count * 10 >= 7 * len(body) for count in told.values())

    # collecting

    def _section(self, node: Node, path: tuple[str, ...]) -> None:
        """The entries below a heading, which itself is none."""
        todo: list[tuple[Node, tuple[str, ...]]] = [(node, path)]
        while todo:
            section, above = todo.pop()
            here = (*above, section.text.plain) if section.text.plain else above
            blocks: list[Node] = []
            for child in section.children:
                if child.kind == "section" and id(child) in self.papers:
                    self._blocks(blocks, here)
                    blocks = []
                    self._paper_section(child, here, todo)
                elif child.kind == "section":
                    self._blocks(blocks, here)
                    blocks = []
                    todo.append((child, here))
                else:
                    blocks.append(child)
            self._blocks(blocks, here)

    def _paper_section(self, node: Node, above: tuple[str, ...], todo: list[tuple[Node, tuple[str, ...]]]) -> None:
        unit = Unit(node, self.line(node).copy(), above, f"heading {node.level}", worth=3, linked=True)
        for child in node.children:
            inner = child.kind == "section" and (
                id(child) in self.papers or any(id(x) in self.papers for x in child.walk())
            )
            if inner and child.level > 0 and not words.is_part(child.text.plain):
                todo.append((Node("section", child.line, child.end, children=[child]), above))
            elif child.kind == "item" and self.line(child).status and self._stands_alone(child):
                self._items([child], above, False)
            else:
                unit.body.append(child)
        self.found.units.append(unit)

    def _blocks(self, blocks: Sequence[Node], section: tuple[str, ...]) -> None:
        """The entries among the blocks of one section."""
        blocks = _without_quotes(blocks)
        skip = any(words.is_boilerplate(name) for name in section[-1:])
        groups: list[Node] = []
        outside: list[Node] = []
        para: Unit | None = None
        for block in blocks:
            if block.kind == "table" and not skip and (column := self._paper_table(block)) is not None:
                self._rows(block, column, section)
                para = None
            elif block.kind in ("item", "para") and not skip and (unit := self._labelled(block, section)):
                para = unit
                self.found.units.append(unit)
            elif block.kind == "item":
                remark = para and para.body and para.body[-1].kind == "item" and self.worth(block)[0] <= 0
                if para and (self._fieldlike(block) or remark):
                    para.body.append(block)
                else:
                    para = None
                    groups.append(block)
            elif block.kind == "para" and not skip and self._opens_paragraph(block):
                worth, _ = self.worth(block)
                line = self.line(block).copy()
                para = Unit(block, line, section, "paragraph", [*block.children], worth=worth, linked=True)
                self.found.units.append(para)
            elif (
                para
                and block.kind in ("para", "region", "quote")
                and not (block.kind == "para" and block.text.plain.endswith(":"))
            ):
                para.body.append(block)
            elif block.kind == "region" and block.info in BIB and not groups:
                outside.append(block)
            elif block.kind == "region" and block.info in BIB:
                groups[-1].children.append(block)
            else:
                outside.append(block)
        self._items(groups, section, skip)
        self.found.outside += [(block, section) for block in outside]

    def _labelled(self, node: Node, section: tuple[str, ...]) -> Unit | None:
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
        return Unit(node, line, section, "labelled", [*body, *node.children], worth=3, linked=True)

    def _opens_paragraph(self, node: Node) -> bool:
        line = self.line(node)
        if is_fact(line.text) or is_links(line):
            return False
        worth, opens = self.worth(node)
        first = line.anchors[0] if line.anchors else None
        at = line.start
        marked = any(m.kind == "strong" and m.start <= at + 2 for m in line.text.marks) or (
            first is not None and first.titled and first.mark.start <= at + 3 and len(first.label.split()) > 1
        )
        return (
            worth >= 1
            and opens
            and (
                marked
                or self._above_links(node)
                or line.plain[at : at + 1] in '"“'
                or (at > 1 and worth >= 2)
                or self._told_after(line)
                or _citation(line, self.common)
                or cites(line, self.common)
            )
        )

    def _above_links(self, node: Node) -> bool:
        """Whether the first line of a paragraph is words alone and the last a row of links, to a paper among others."""
        first, *rest = [*node.text.lines(), *(child.text for child in node.children)] or [Text()]
        links = prepared(rest[-1]) if rest else Line(Text())
        alone = not first.of("link") and len(first.plain.split()) <= 40 and not first.plain.endswith((".", ":", "："))
        return alone and is_links(links) and any(map(leads_to_paper, links.anchors))

    def _items(self, tops: Sequence[Node], section: tuple[str, ...], skip: bool) -> None:
        """The items of a section's lists, deeper ones decided with the others of their depth."""
        kind = next((k for name in reversed(section) if (k := words.kind_of(name))), "")
        wanted = any(map(bare.TO_READ.search, section))
        papers = bool(section) and words.is_of_papers(section[-1])
        last = section[-1] if section else ""
        states = words.status_word(last) is not None
        named = bare.of_papers(last) or (wanted and states)
        layer: list[tuple[Node, tuple[str, ...]]] = [(node, ()) for node in tops]
        depth = 0
        while layer:
            judged = [(node, groups, *self.worth(node)) for node, groups in layer]
            lines = [self.line(node) for node, _ in layer if not node.children]
            contents = sum(line.plain.strip() in self.headings for line in lines) * 2 > len(lines)
            alone = (named or self.bare) and len(lines) == len(layer) and not contents
            if alone and bare.are_titles(lines, self.common, sure=named, told=named or wanted or states):
                judged = [(node, groups, max(worth, 1.0), True) for node, groups, worth, _ in judged]
            chosen = self._chosen(judged, kind, wanted, skip, papers)
            below: list[tuple[Node, tuple[str, ...]]] = []
            for (node, groups, worth, _), take in zip(judged, chosen, strict=True):
                inner = self._inner(node, take) if node.children else set()
                if take:
                    first, *more = works(self._cited(node), self.common)
                    unit = Unit(node, first, (*section, *groups), f"item {depth}", worth=worth)
                    unit.linked = bool(self.line(node).anchors)
                    unit.body = [child for child in node.children if id(child) not in inner]
                    self.found.units.append(unit)
                    self.found.units += [replace(unit, line=line, body=[]) for line in more]
                elif inner:
                    self.found.outside += [
                        (child, section) for child in node.children if id(child) not in inner and child.kind != "item"
                    ]
                else:
                    self.found.outside.append((node, section))
                if not inner:
                    continue
                text = self.line(node).plain[self.line(node).start :].strip(" :：")
                group = (*groups, text) if not take and len(text) <= 80 and not self.line(node).anchors else groups
                below += [(child, group) for child in node.children if id(child) in inner]
            layer, depth = below, depth + 1

    def _cited(self, node: Node) -> Line:
        """The line of an entry, behind the label of one that cites a paper: "Paper: [Quist, A. “A title”, 2015](…)"."""
        label = label_of(node.text)
        line = prepared(label[1]) if label and words.link_of(label[0]) == "paper" else None
        return line if line and any(a.titled for a in line.anchors) else self.line(node)

    def _inner(self, node: Node, taken: bool) -> set[int]:
        """The nested items that are entries of their own rather than fields or remarks."""
        items = [child for child in node.children if child.kind == "item"]
        if not items:
            return set()
        if not taken:
            deep = any(self.worth(x)[0] >= 1 or any(c.kind == "item" for c in x.children) for x in items)
            return {id(item) for item in items} if deep else set()
        others = [item for item in items if not self._fieldlike(item)]
        most = sum(map(self._stands_alone, others)) * 2 > len(items)
        return {id(item) for item in others if self._stands_alone(item, 1.0)} if most else set()

    def _stands_alone(self, node: Node, least: float = 1.5) -> bool:
        """Whether an item inside a paper's is a paper by itself: a title at its beginning, and a link to a paper."""
        worth, opens = self.worth(node)
        line = self.line(node)
        best, _, span = template.best(line, self.common)
        return worth >= least and opens and best >= 0.6 and span[0] <= line.start + 4

    def _chosen(
        self,
        judged: Sequence[tuple[Node, tuple[str, ...], float, bool]],
        kind: str,
        wanted: bool,
        skip: bool,
        papers: bool,
    ) -> list[bool]:
        """Which items of one depth are papers: those that say so, and where most do those that only look alike."""
        if skip:
            return [False] * len(judged)
        if not kind and self._lists_titles(judged, papers):
            judged = [(node, groups, max(worth, 1.0), opens) for node, groups, worth, opens in judged]
        titled = [worth for _, _, worth, opens in judged if opens]
        sure = sum(worth >= 1 for worth in titled)
        share = sure / len(titled) if titled else 0.0
        out = []
        for node, _, worth, opens in judged:
            if not opens:
                out.append(False)
                continue
            line = self.line(node)
            cited = kind not in ("", "code", "people") and not line.anchors and _citation(line, self.common)
            if (
                kind
                and not cited
                and (share <= 0.75 or kind not in ("code", "course", "thesis", "report") or worth < 1)
            ):
                beside = any(at_paper(a) for a in line.anchors)
                worth -= 1.0 if beside and (kind != "people" or worth >= 3) else 2.2
            threshold = 1.0
            if share >= 0.6 and sure >= 2 and not kind:
                threshold = -2.0
            elif share < 0.25:
                threshold = 1.0 if worth >= 1.5 else 1.5
            task = wanted and line.status is not None and bool(line.anchors or node.text.plain)
            fits = worth >= threshold and (bool(line.anchors) or worth >= 1 or share >= 0.6)
            told = worth >= 1 and not line.anchors and not is_fact(line.text) and len(line.plain.split()) > 4
            shape = (
                threshold > 0
                or told
                or any(a.titled for a in line.anchors)
                or template.best(line, self.common)[0] > 0.3
            )
            items = [child for child in node.children if child.kind == "item"]
            group = not line.anchors and worth < 1 and any(map(self._stands_alone, items[:3]))
            remark = worth <= 0 and not line.anchors and line.plain[line.start : line.start + 1].islower()
            out.append(not group and not (remark and sure) and ((fits and shape) or (task and not kind)))
        return out

    def _lists_titles(self, judged: Sequence[tuple[Node, tuple[str, ...], float, bool]], papers: bool) -> bool:
        """Whether most items open with a link as long as a title, below a heading of papers or to a note each."""
        opening = []
        for node, *_ in judged:
            line = self.line(node)
            first = next((a for a in line.anchors if a.titled), None)
            if first and not re.search(r"\w", without_marks(line, first.mark.start)):
                opening.append(first)
        count = sum(len(first.label.split()) for first in opening)
        notes = sum(urls.name_of_place(first.mark.url) == "notes" for first in opening)
        most = len(opening) * 10 >= len(judged) * 7 and len(opening) > 2 and count >= 4 * len(opening)
        return most and (papers or notes * 10 >= len(opening) * 9)

    def _rows(self, table: Node, column: int, section: tuple[str, ...]) -> None:
        rows = [row for row in table.children if row.kind == "row" and row.children]
        head = _header(rows)
        self.rows |= {id(row) for row in rows}
        body = rows[1:] if head else rows
        named = [self._names_one(row.children[column]) for row in body if column < len(row.children)]
        width = max((len(row.children) for row in body), default=0)
        more = [n for n in range(width) if n != column and self._names_works(body, n)]  # "Required", "Optional"
        linked = named.count(True) * 10 >= 6 * (len(named) - named.count(None))
        for row in body:
            cells = row.children
            if column >= len(cells):
                self.found.outside.append((row, section))
                continue
            main = self.line(cells[column])
            beside = [(n, cell.text) for n, cell in enumerate(cells) if n not in (column, *more)]
            others = [(head[n] if n < len(head) else "", text) for n, text in beside]
            if not main.plain[main.start :].strip():
                if any(text.plain.strip() or text.marks for _, text in others):
                    self.found.outside.append((row, section))
                continue
            if words.plain(main.plain) in words.nothing() and not main.anchors:
                continue
            if words.is_role(main.plain) and len({words.plain(t.plain) for _, t in others}) <= 1:
                continue
            pause = bare.size(main.plain) < 4 or main.plain[main.start].islower()
            if pause and linked and not any(map(self._names_one, cells)):
                self.rows.discard(id(row))  # "Spring break", among papers that are all linked to
                self.found.outside.append((row, section))
                continue
            if not any(words.plain(text.plain) for _, text in others) and not main.anchors and len(head) > 1:
                self.found.outside.append((row, section))
                continue
            also = [
                one for n in more if n < len(cells) for one in works(self.line(cells[n]), self.common) if one.anchors
            ]
            for work in [*works(main, self.common), *also]:
                unit = Unit(row, work, section, "row " + "|".join(head), cells=others, worth=2, linked=True)
                self.found.units.append(unit)

    def _names_one(self, cell: Node) -> bool | None:
        """Whether a cell names a work by a link or an identifier; None where it says nothing."""
        line = self.line(cell)
        if not line.anchors and words.plain(line.plain) in words.nothing():
            return None
        return bool(line.anchors or _ID.search(line.plain))


def _is_work(anchor: Anchor) -> bool:
    """Whether a link to a paper is called as a work may be."""
    return anchor.titled and at_paper(anchor) and len(anchor.label.split()) > 1


def works(line: Line, common: frozenset[str]) -> list[Line]:
    """The works that a line names by the links it is made of, with no more than "+", "and" or a credit between them."""
    links = [a for a in line.anchors if _is_work(a)]
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


def without_marks(line: Line, end: int) -> str:
    """What stands before a place of a line and is neither in bold nor code: labels there are marked."""
    marked = [(m.start, m.end) for m in line.text.of("strong", "code")]
    return "".join(
        c for n, c in enumerate(line.plain[:end]) if n >= line.start and not any(a <= n < b for a, b in marked)
    )


def _names_a_paper(text: Text) -> bool:
    """Whether a line holds words and, once, a link to a paper."""
    line = prepared(text)
    return sum(at_paper(a) for a in line.anchors) == 1 and len(re.findall(r"[^\W\d_]{3,}", without(line))) > 1


def _dated_end(line: Line) -> bool:
    """Whether a line that opens with a title's link ends in a year by itself: "[Title](…) `Company` `2019`"."""
    first = line.anchors[0]
    return first.titled and first.mark.start <= line.start + 2 and bool(_YEAR_LAST.search(line.plain, first.mark.end))


def _part_facts(node: Node) -> None:
    """Make lines of an entry that are labels with values, after its first line, paragraphs below it."""
    if inline := list(_INLINE.finditer(node.text.plain)):
        labels = [node.text.cut(m.start() + 1, m.end() - 1) for m in inline]
        node.children[:0] = [Node("para", node.line, node.line, one) for one in labels]
        node.text = node.text.cut(0, inline[0].start())
        return
    lines = node.text.lines()
    cut = next((n for n, one in enumerate(lines) if n and is_fact(one)), 0)
    if not cut or is_fact(lines[0]):
        return
    node.text = joined(lines[:cut])
    node.children[:0] = [Node("para", node.line + n, node.line + n, one) for n, one in enumerate(lines[cut:], cut)]


def _legend(root: Node) -> dict[str, Status]:
    """What signs before titles mean where a line of the list tells it of several: "✅ read, 📖 reading"."""
    for node in root.walk(cells=False):
        signs = _SIGN.findall(node.text.plain[:300]) if node.kind == "para" and not node.text.plain.isascii() else ()
        known = {sign: status for sign, word in signs if (status := words.status_word(word))}
        if len(known) > 1:
            return known
    return {}


def promote(root: Node, common: frozenset[str]) -> None:
    """Make a paragraph all in bold, followed by links or facts, the heading of what follows it."""
    for node in list(root.walk(cells=False)):
        if node.info == "dt" and len(node.children) == 1 and _opens(node.text.plain):  # a term and its value
            value = node.children.pop()
            start = len(node.text.plain) + 2
            marks = (mark._replace(start=mark.start + start, end=mark.end + start) for mark in value.text.marks)
            node.text = Text(f"{node.text.plain}: {value.text.plain}", (*node.text.marks, *marks))
        if node.kind not in ("section", "item", "quote") or len(node.children) < 2:
            continue
        out: list[Node] = []
        head: Node | None = None
        for at, child in enumerate(node.children):
            after = node.children[at + 1] if at + 1 < len(node.children) else None
            if child.kind == "section":
                head = None
            if (
                child.kind == "para"
                and (_all_bold(child.text) or bare.leads(child.text))
                and after
                and after.kind in ("item", "para", "quote", "section", "region", "table")
                and not (after.kind == "para" and _all_bold(after.text))
                and not ((told := credit(prepared(child.text), common)) and (told.names or after.kind != "item"))
            ):
                head = Node("section", child.line, child.end, child.text, level=7, info="bold")
                out.append(head)
            elif head and child.kind != "rule":
                head.children.append(child)
            else:
                out.append(child)
        node.children = out


def _opens(term: str) -> bool:
    """Whether a term belongs in one line with what is told of it: a label, or whose work it is."""
    return (
        bool(words.field_of(term) or words.link_of(term))
        or values.likely_people(re.sub(r"^(?:\[.\]|\W)\s*", "", term), lead=True) >= 0.5
    )


def _without_quotes(blocks: Sequence[Node]) -> list[Node]:
    """The blocks, with those in quotes in the place of the quotes."""
    out, todo = [], list(reversed(blocks))
    while todo:
        block = todo.pop()
        if block.kind == "quote":
            todo += reversed(block.children)
        else:
            out.append(block)
    return out


def _all_bold(text: Text) -> bool:
    plain = text.plain.strip()
    strong = text.of("strong")
    if len(strong) != 1 or strong[0].start > 2 or strong[0].end < len(plain) - 2 or not 0 < len(plain) < 300:
        return False
    return "\n" not in plain and not text.of("link") and not is_fact(text) and not plain.endswith((":", "："))


def _own_blocks(node: Node) -> Iterator[Node]:
    """The blocks right below a heading, and those below headings of mere parts such as "Citation"."""
    for child in node.children:
        if child.kind == "section":
            if words.is_part(child.text.plain) or not child.text.plain or child.info == "details":
                yield from _own_blocks(child)
        else:
            yield child
            if child.kind == "item" and not child.text.plain:
                yield from child.children


def is_fact(text: Text) -> bool:
    """Whether a line is a label that we know, and its value."""
    name, value = label_of(text) or ("", text)
    if words.status_word(name) and len(value.plain.split()) > 4:  # "DONE: A title"
        return False
    if words.field_of(name) or re.search(r"\blinks?$", name, re.I) or words.plain(name) in ("citation", "bibtex"):
        return True
    return bool(words.link_of(name)) and len(re.findall(r"\w{2,}", without(prepared(value)))) <= 3


def is_links(line: Line) -> bool:
    """Whether a line holds nothing but links whose labels say what they lead to."""
    if not line.anchors or not any(external(a) for a in line.anchors):
        return False
    first = line.anchors[0]
    if first.titled and at_paper(first) and len(first.label.split()) > 1:
        return False
    if any(a.titled for a in line.anchors) and not (
        all(not a.titled or len(a.label.split()) <= 4 for a in line.anchors)
        and any(a.role for a in line.anchors)
        and len(line.anchors) > 1
    ):
        return False
    rest, at = [], line.start
    for anchor in line.anchors:
        rest.append(line.plain[at : anchor.mark.start])
        at = max(at, anchor.mark.end)
    rest.append(line.plain[at:])
    left = [words.plain(part) for part in rest]
    return all(
        not part
        or words.link_of(part)
        or len(part) <= 2
        or part in ("and", "or", "links", "link")
        or (part.startswith("not ") and len(part) < 12)
        for part in left
    )


def is_tutorials(head: Sequence[str]) -> bool:
    """Whether a table lists tutorials or notebooks."""
    some = any(re.search(r"\b(?:tutorials?|notebooks?)\b", name, re.I) for name in head)
    return some and not any(re.search(r"\b(?:title|papers?|publications?|article)\b", name, re.I) for name in head[:1])


def _joint(name: str) -> str:
    """The field of a column that holds several: "Title & Authors"."""
    parts = [words.field_of(part) for part in re.split(r"\s*(?:&|/|,|\+|\band\b|和|与|、)\s*", name)]
    return "title" if "title" in parts else next((part for part in parts if part), "")


def _header(rows: Sequence[Node]) -> list[str]:
    """The names of the columns; empty where the first row is not a header."""
    first = rows[0].children if rows else []
    names = [cell.text.plain.strip() for cell in first]
    if sum(map(_is_fact_alone, names)) > sum(bool(words.field_of(n) or words.link_of(n)) for n in names):
        return []  # a row as the others, which Markdown asks to be the header
    if first and (first[0].info == "th" or all(words.field_of(n) or words.link_of(n) for n in names if n)):
        return names if any(names) else [""] * len(names)
    return []


def _is_fact_alone(text: str) -> bool:
    """Whether a cell is a year, names, or a status, and no more."""
    text = text.strip()
    return (
        values.is_date(text)
        or bool(words.status_word(text))
        or (len(text.split()) > 1 and values.likely_people(text) >= 0.6)
    )


def _cites(plain: str, linkless: bool) -> float:
    """Whether a text names a venue or a year in the manner of a citation: 1 where it does, less for a bare year."""
    bare = 0.0
    for match in re.finditer(
        r"[(（\[]([^()（）\[\]]{2,60})[)）\]]|[,.·|，、]\s*([A-Z][^,.()·|，]{1,50}(?:19|20)\d\d)", plain
    ):
        inner = match[1] or match[2]
        shown = values.venue(inner)
        if shown and (shown.known or (shown.date and len(inner) < 40)):
            return 1.0
        if match[1] and re.fullmatch(r"\s*(?:19|20)\d\d\s*", inner):
            bare = 1.0
    ended = re.search(r"(?<=\w), (?:19|20)\d\d\s*$", plain)
    if ended and linkless and values.likely_people(plain[: ended.start()]) < 0.5:
        bare = 1.0
    if bare or not values.date(plain):
        return bare
    parts = re.split(r"[.,]\s+", plain)[1:6]
    return float("et al" in plain or any((v := values.venue(part)) is not None and v.known for part in parts))


def _citation(line: Line, common: frozenset[str]) -> bool:
    """Whether a line cites a work: names and a title, one of them marked or the names plainly several."""
    worth, name, span = template.best(line, common)
    if name.after == "names" and worth >= 0.5:
        head = line.plain[line.start : span[0]]
        several = len(values.people(head, True)) > 1 and (name.mark != "text" or bool(_INITIALS.search(head)))
        return several or bool(_CITED.search(line.plain))
    return cites(line, common)


def common_words(root: Node) -> frozenset[str]:
    """The words of a list that stand in lower case somewhere: none of them is likely to be a name."""
    return frozenset(word for node in root.walk() for word in _SMALL.findall(node.text.plain))
