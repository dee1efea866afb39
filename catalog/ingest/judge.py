"""How much speaks for a block of a list being a paper: its links, what it cites, whose it says that it is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from catalog.ingest import template, urls, values, words
from catalog.ingest.credit import Credit, cites, credit
from catalog.ingest.labels import gaps, label_of, without
from catalog.ingest.line import Anchor, Line, anchors, at_paper, external, leads_to_paper, prepared
from catalog.ingest.tree import Node, Text, joined
from catalog.models import Status

BIB = ("bibtex", "verbatim")
_YEAR_LAST = re.compile(r"[\s,(](?:19|20)\d\d[\s).]*$")
_CITES_PERHAPS = re.compile(r"\d|[\[\"“(（]|et al|, ")
_CITED = re.compile(r"\(?(?:19|20)\d\d\)?|\bet al\b|\barXiv\b|\bIn [A-Z]|\bProc\b", re.I)
_PLACED = re.compile(r"[(（\[]([^()（）\[\]]{2,60})[)）\]]|[,.·|，、]\s*([A-Z][^,.()·|，]{1,50}(?:19|20)\d\d)")
_YEAR = re.compile(r"\s*(?:19|20)\d\d\s*")
_INITIALS = re.compile(r"[A-Z]\.(?:[,;]| and| &)")
_ID = re.compile(r"\b(?:doi:\s*|https?://doi\.org/)10\.\d{4}|\barXiv:\s*\d{4}\.\d{4}", re.I)
_INLINE = re.compile(r"\[[^\W\d][\w -]{0,30}::[^\[\]\n]*\]")  # "[year:: 2018]"
_SIGN = re.compile(r"([^\w\s.,;:|/()=-])\ufe0f?[\s=:–-]*([^\W\d_]+(?: [^\W\d_]+){0,2})")
_TOLD = re.compile(r",?\s+by\s[^()\n]{3,100}\([^()\n]{4,60}\)")  # "… by Ada Quist (KDD, 2011)"
_LITTLE = re.compile(r".{0,2}|and|or|links?|not .{0,7}", re.S)  # what may stand between links
_SMALL = re.compile(r"(?<![\w@/.])[a-z]{3,}(?![\w/@])")
_NO_TITLES = ("authors", "date", "link", "notes", "abstract", "status", "tags", "rating", "order", "venue")


class Judge:
    """Judges the blocks of one list; a line is prepared and judged once, however often the list has it."""

    def __init__(self, root: Node) -> None:
        self.lines: dict[int, Line] = {}
        self.texts: dict[Text, Line] = {}
        words_of = (_SMALL.findall(node.text.plain) for node in root.walk())
        self.common = frozenset(word for some in words_of for word in some)  # in lower case somewhere: hardly names
        self.legend = _legend(root)
        self.credits: dict[int, Credit | None] = {}
        self.worths: dict[int, tuple[float, bool]] = {}
        self.columns: dict[int, int | None] = {}

    def line(self, node: Node) -> Line:
        """The line of a block, which blocks of one text share: an entry gets one of its own."""
        if found := self.lines.get(id(node)):
            return found
        if node.kind in ("item", "para") and ("\n" in node.text.plain or "::" in node.text.plain):
            _part_facts(node)
        elif node.kind == "item" and node.children and node.children[0].kind == "para":
            _join_title(node, self.common)
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

    def worth(self, node: Node) -> tuple[float, bool]:
        """How much speaks for an item or paragraph being a paper, and whether it opens with a title; told once."""
        line = self.line(node)
        key = id(node) if node.children else id(line)
        if key not in self.worths:
            self.worths[key] = self._worth(node, line)
        return self.worths[key]

    def _worth(self, node: Node, line: Line) -> tuple[float, bool]:
        if not line.plain:
            return 0.0, False
        if not (node.children or line.anchors or line.badges or _CITES_PERHAPS.search(line.plain)):
            return 0.0, not words.is_role(line.plain) and not line.plain.endswith((":", "："))
        found, plain = list(filter(external, line.anchors)), line.rest
        every = [*found, *self._links_below(node)]
        cited = _says_where(plain[:1500], not every) or _says_where(f"[{line.lead_tag}]", False)
        worth = 0.0
        if any(map(at_paper, every)) or _ID.search(plain):
            worth = 2.0
        elif any(a.role == "paper" for a in every):
            worth = 1.5
        elif found and _dated_end(line):
            cited = True
        worth += any(a.bracketed and not a.role and urls.name_of_place(a.mark.url) == "paper" for a in found)
        worth += cited or (not every and not is_fact(line.text) and is_citation(line, self.common))
        credited = worth < 1 and self._credited_below(node)
        worth += credited
        worth += 2 * any(child.kind == "region" and child.info in BIB for child in node.children)
        worth += any(name in ("venue", "arxiv", "doi") for name, _ in line.badges)
        worth -= 5 * (bool(line.anchors) and all(urls.is_heading(a.mark.url, a.label) for a in line.anchors))
        opens = bool(plain.strip()) and (line.titled or credited or not words.is_role(plain))
        opens = opens and not self.is_prose(line) and (line.titled or not is_fact(line.text))
        return worth, opens and (worth >= 2 or not words.undecorated(plain).endswith((":", "：")))

    def _links_below(self, node: Node) -> Iterable[Anchor]:
        for child in node.children:
            if child.kind == "para" or (child.kind == "item" and self.is_field(child)):
                for anchor in filter(external, self.line(child).anchors):
                    if child.kind == "item" or anchor.role or anchor.bracketed:
                        yield anchor

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

    def is_prose(self, line: Line) -> bool:
        """Whether a line is a sentence that links to something rather than an entry."""
        first = next(filter(external, line.anchors), None)
        if not first or not first.titled or any(a.bracketed or a.image or a.role for a in line.anchors):
            return False
        before = line.plain[line.start : first.mark.start].strip(" *_~\"“'`")
        if len(before.split()) < 2 or not line.plain[first.mark.end :].strip(" ."):
            return False
        marked = line.text.of("strong") or not {'"', "“"}.isdisjoint(line.rest) or _CITED.search(line.rest)
        return not (marked or self.is_told_after(line))

    def is_told_after(self, line: Line) -> bool:
        """Whether the first link to a paper in a sentence is followed by whose it is and where it stood."""
        first = next(filter(is_work, line.anchors), None)
        after = _TOLD.match(line.plain, first.mark.end) if first else None
        told = credit(prepared(line.text.cut(*after.span())), self.common) if after else None
        return bool(told and told.names and told.place)

    def is_field(self, node: Node) -> bool:
        """Whether an item says something of the entry that it stands below."""
        line = self.line(node)
        told = self.credit(line)
        own = is_fact(line.text) or is_links(line)
        return own or (told is not None and told.sure and (told.place or not told.paper))

    def stands_alone(self, node: Node, least: float = 1.5) -> bool:
        """Whether an item inside a paper's is a paper by itself: a title at its beginning, and a link to a paper."""
        worth, opens = self.worth(node)
        line = self.line(node)
        best, _, span = template.best(line, self.common)
        return worth >= least and opens and best >= 0.6 and span[0] <= line.start + 4

    def sort(self, node: Node) -> str:
        """What a block below a heading is: "fact", "links", "entry" or "prose"."""
        line = self.line(node)
        if is_fact(line.text):
            return "fact"
        if is_links(line):
            return "links"
        if node.kind == "para" and (found := self.credit(line)) and found.sure and found.paper:
            return "links"
        worth, opens = self.worth(node)
        remark = node.kind == "para" and line.rest[:1].islower() and not line.titled
        return "entry" if worth >= 1 and opens and not remark else "prose"

    # tables

    def titles_of(self, table: Node) -> int | None:
        """The column of the titles, where a table lists papers; told once."""
        if id(table) not in self.columns:
            self.columns[id(table)] = self._column_of_titles(table)
        return self.columns[id(table)]

    def _column_of_titles(self, table: Node) -> int | None:
        head, body = header(table)
        if is_tutorials(head):
            return None
        names = [
            words.field_of(name) or ("paper" if words.link_of(name) == "paper" else "") or _joint(name) for name in head
        ]
        best, column = self._best_column(head, names, body)
        if column is None:
            return None
        if not any(head) and best >= 0.4 and _has_facts(body, column):
            return column
        mine = names[column] if column < len(names) else ""
        leads = sum(any(self.line(cell).leads for cell in row.children) for row in body)
        own = sum(self.line(row.children[column]).leads for row in body if column < len(row.children))
        if leads * 2 >= len(body) and (mine in ("title", "paper", "") or (mine == "tags" and own * 2 >= len(body))):
            return column  # "Topic"
        beside = [(name, title) for n, (name, title) in enumerate(zip(names, head, strict=True)) if n != column]
        others = any((name and name != "order") or words.link_of(title) for name, title in beside)
        vague = column < len(head) and words.is_vague(head[column]) and not {"authors", "venue"} & set(names)
        sure = mine in ("title", "paper") and others and (leads > 0 or not vague)
        return column if sure or (leads and mine == "title") else None

    def _best_column(self, head: Sequence[str], names: Sequence[str], body: Sequence[Node]) -> tuple[float, int | None]:
        best, column = 0.0, None
        for at in range(max((len(row.children) for row in body), default=0)):
            cells = [self.line(row.children[at]) for row in body[:200] if at < len(row.children)]
            name, named = names[at] if at < len(names) else "", self.names_works(body, at)
            if name in _NO_TITLES and not named:
                continue
            shape = sum(template.best(line, self.common)[0] for line in cells if line.rest.strip())
            shape /= max(1, len(body[:200]))
            vague = name == "title" and "paper" in names and words.is_vague(head[at])
            worth = shape + (0 if vague else 2 if name == "title" else 0.8 if name == "paper" and shape > 0.4 else 0)
            if shape > 0.15 and worth + named > best:
                best, column = worth + named, at
        return best, column

    def names_works(self, body: Sequence[Node], column: int) -> bool:
        """Whether the cells of a column that say something name works, each by a link to it."""
        cells = [row.children[column] for row in body if column < len(row.children)]
        told = [line for cell in cells if cell.text.of("link") and (line := self.line(cell)).anchors]
        return bool(told) and all(any(map(is_work, line.anchors)) for line in told)

    def names_one(self, cell: Node) -> bool | None:
        """Whether a cell names a work by a link or an identifier; None where it says nothing."""
        line = self.line(cell)
        if not line.anchors and words.plain(line.plain) in words.nothing():
            return None
        return bool(line.anchors or _ID.search(line.plain))


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


def _join_title(node: Node, common: frozenset[str]) -> None:
    """Join names with the paragraph below them that holds the title: they end in a colon, or it is quoted."""
    below, names = node.children[0], node.text.plain.rstrip(":：. \n")
    quoted = below.text.plain[:1] in ('"', "“")
    names = (names.partition(": ")[2] or names) if quoted else names
    leads = quoted or node.text.plain.endswith((":", "："))
    if leads and "," in names and values.likely_people(names, common) >= 0.6:
        node.text = joined([node.text, below.text])
        del node.children[0]


def _legend(root: Node) -> dict[str, Status]:
    """What signs before titles mean where a line of the list tells it of several: "✅ read, 📖 reading"."""
    for node in root.walk(cells=False):
        signs = _SIGN.findall(node.text.plain[:300]) if node.kind == "para" and not node.text.plain.isascii() else ()
        known = {sign: status for sign, word in signs if (status := words.status_word(word))}
        if len(known) > 1:
            return known
    return {}


def is_work(anchor: Anchor) -> bool:
    """Whether a link to a paper is called as a work may be."""
    return anchor.titled and at_paper(anchor) and len(anchor.label.split()) > 1


def names_a_paper(text: Text) -> bool:
    """Whether a line holds words and, once, a link to a paper."""
    line = prepared(text)
    named = sum(at_paper(a) and a.role in ("", "paper") for a in line.anchors)
    return named == 1 and len(re.findall(r"[^\W\d_]{3,}", without(line))) > 1


def looks_like_a_paper(texts: Sequence[Text], taken: set[str]) -> bool:
    """Whether texts name a paper that no entry has, by an identifier or a link to one; `taken` are the addresses that
    entries have."""
    every = [a for text in texts if text.marks for a in anchors(text) if leads_to_paper(a)]
    links = [a.mark.url for a in every if not urls.is_heading(a.mark.url, a.label)]
    named = bool(links) or any(_ID.search(text.plain) for text in texts)
    return named and not any(urls.same(url) in taken for url in links)


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
    if not any(map(external, line.anchors)) or is_work(line.anchors[0]):
        return False
    short = len(line.anchors) > 1 and all(not a.titled or len(a.label.split()) <= 4 for a in line.anchors)
    if line.titled and not (short and any(a.role for a in line.anchors)):
        return False
    between = (words.plain(line.plain[a:b]) for a, b in gaps(line))
    return all(_LITTLE.fullmatch(part) or words.link_of(part) for part in between)


def is_tutorials(head: Sequence[str]) -> bool:
    """Whether a table lists tutorials or notebooks."""
    some = any(re.search(r"\b(?:tutorials?|notebooks?)\b", name, re.I) for name in head)
    return some and not any(re.search(r"\b(?:title|papers?|publications?|article)\b", name, re.I) for name in head[:1])


def _joint(name: str) -> str:
    """The field of a column that holds several: "Title & Authors"."""
    parts = [words.field_of(part) for part in re.split(r"\s*(?:&|/|,|\+|\band\b|和|与|、)\s*", name)]
    return "title" if "title" in parts else next(filter(None, parts), "")


def header(table: Node) -> tuple[list[str], list[Node]]:
    """The names of the columns of a table, none where the first row is not a header, and the other rows."""
    rows = [row for row in table.children if row.kind == "row" and row.children]
    first = rows[0].children if rows else []
    names = [cell.text.plain.strip() for cell in first]
    told = [bool(words.field_of(name) or words.link_of(name)) for name in names]
    if sum(map(_is_fact_alone, names)) > sum(told):
        return [], rows  # a row as the others, which Markdown asks to be the header
    if first and (first[0].info == "th" or all(one for one, name in zip(told, names, strict=True) if name)):
        return names, rows[1:]
    return [], rows


def _has_facts(body: Sequence[Node], column: int) -> bool:
    """Whether a column without a header, beside the titles', holds years, names or a status in most rows."""
    told: Counter[int] = Counter()
    for row in body:
        told.update(n for n, cell in enumerate(row.children) if n != column and _is_fact_alone(cell.text.plain))
    return any(count * 10 >= 7 * len(body) for count in told.values())


def _is_fact_alone(text: str) -> bool:
    text = text.strip()
    if values.is_date(text) or words.status_word(text):
        return True
    return len(text.split()) > 1 and values.likely_people(text) >= 0.6


def _dated_end(line: Line) -> bool:
    """Whether a line that opens with a title's link ends in a year by itself: "[Title](…) `Company` `2019`"."""
    first = line.anchors[0]
    return first.titled and first.mark.start <= line.start + 2 and bool(_YEAR_LAST.search(line.plain, first.mark.end))


def _says_where(plain: str, linkless: bool) -> bool:
    """Whether a text names a venue or a year in the manner of a citation."""
    for place in (match[1] or match[2] for match in _PLACED.finditer(plain)):
        shown = values.venue(place)
        if _YEAR.fullmatch(place) or (shown and (shown.known or (shown.date and len(place) < 40))):
            return True
    ended = re.search(r"(?<=\w), (?:19|20)\d\d\s*$", plain) if linkless else None
    if ended and values.likely_people(plain[: ended.start()]) < 0.5:
        return True
    parts = re.split(r"[.,]\s+", plain)[1:6] if values.date(plain) else []
    return bool(parts) and ("et al" in plain or any((shown := values.venue(part)) and shown.known for part in parts))


def is_citation(line: Line, common: frozenset[str]) -> bool:
    """Whether a line cites a work: names and a title, one of them marked or the names plainly several; or a title and
    a credit."""
    worth, name, span = template.best(line, common)
    head = line.plain[line.start : span[0]] if name.after == "names" and worth >= 0.5 else ""
    several = head and len(values.people(head, True)) > 1 and (name.mark != "text" or _INITIALS.search(head))
    return bool(several or (head and _CITED.search(line.plain)) or cites(line, common))
