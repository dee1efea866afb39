"""Lists of titles and nothing else: which lines are papers although no link, name or year says so."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from catalog.ingest import looks, template, words
from catalog.ingest.labels import label_of
from catalog.ingest.line import Line, prepared
from catalog.ingest.tree import Node, Text

TO_READ = re.compile(
    r"\b(?:papers?|articles?|literature|publications?|bibliography|to[ -]?read|read(?:ing)?)\b"
    r"|论文|论著|文献|已读|待读|読んだ|読む|논문|읽",
    re.I,
)
_NO_END = re.compile(r"(?<!\bet al)\.$|[。:：!]$")


@lru_cache(4096)
def of_papers(heading: str) -> bool:
    """Whether a heading, or a line before a list, says that papers stand under it, and no more: "To read", "Read:"."""
    name = heading.strip().rstrip(":：")
    plain = words.status_word(name) or words.is_of_papers(name) or words.is_generic(name)
    return bool(plain and TO_READ.search(name))


def are_titles(lines: Sequence[Line], common: frozenset[str], *, sure: bool, told: bool) -> bool:
    """Whether a run of lines is one of titles without links; a single word among them may name a model.

    `sure` where the heading right above says so, else their case must; `told` where one further up says it: else there
    must be two, and more of them look like titles.
    """
    texts = [(line, text) for line in lines if (text := line.plain[line.start : line.stop or None].strip())]
    if sum(bool(line.anchors) for line, _ in texts) * 5 > len(texts) or len(texts) < 2 - told:
        return False
    long = [(line, text) for line, text in texts if looks.size(text) > 1]
    like = sum(_is_title(text, line, common) and (sure or looks.in_title_case(text)) for line, text in long)
    count = sum(looks.size(text) for _, text in (long if sure else texts))
    enough = count >= (2.5 * len(long) if sure else 3 * len(texts))
    return enough and len(long) * 2 >= len(texts) and like >= (0.5 if told else 0.6) * len(long)


def alone(root: Node) -> bool:
    """Whether a text is a list and says little beside its items: no code, no table, no more than a few lines."""
    kinds: Counter[str] = Counter()
    longest = 0
    for node in root.walk():
        words_in = looks.size(node.text.plain) if node.kind in ("item", "para") else 1
        kinds[node.kind] += words_in
        longest = max(longest, words_in)
    if longest < 3:  # as titles of one or two words alone are none
        return False
    other = kinds["region"] + kinds["code"] + kinds["table"]
    return not other and kinds["para"] <= max(40, kinds["item"] / 2)


def part(root: Node, common: frozenset[str]) -> None:
    """Make items of paragraphs, and of the lines of one, that are titles; a line such as "Read:" becomes a heading."""
    for node in list(root.walk(cells=False)):
        if node.kind not in ("section", "quote"):
            continue
        paras = [child for child in node.children if child.kind == "para"]
        rows = [row for child in paras for row in _lines(child)]
        told = {text: prepared(text) for text in {text for _, text in rows} if not leads(text)}
        lines = [told[text] for _, text in rows if text in told]
        if len(lines) > 1 and are_titles(lines, common, sure=False, told=False):
            _rebuild(node)


def _rebuild(node: Node) -> None:
    out: list[Node] = []
    here = out
    for child in node.children:
        if child.kind == "para":
            here = parted(child, out, here)
            continue
        here = out if child.kind == "section" else here
        here.append(child)
    node.children = out


def parted(para: Node, out: list[Node], here: list[Node]) -> list[Node]:
    """Put the lines of a paragraph `here` as items; one that leads opens a section in `out`. What is open then."""
    for at, text in _lines(para):
        if leads(text):
            head = Node("section", at, at, Text(text.plain.rstrip(" :：")), level=7)
            out.append(head)
            here = head.children
        else:
            here.append(Node("item", at, at, text))
    return here


def _lines(para: Node) -> list[tuple[int, Text]]:
    at = [n for n, line in enumerate(para.text.plain.split("\n"), para.line) if line.strip()]
    return list(zip(at, para.text.lines(), strict=False))


def leads(text: Text) -> bool:
    """Whether a line is the heading of what follows it: "To read:", "TO READ"."""
    plain = text.plain.strip()
    return (plain.endswith((":", "：")) or plain.isupper()) and of_papers(plain)


def _is_title(text: str, line: Line, common: frozenset[str]) -> bool:
    if text[0].islower() or _NO_END.search(text) or "://" in text or words.is_role(text):
        return False
    marked = any(m.kind == "code" or (m.kind == "strong" and m.end < len(line.plain) - 1) for m in line.text.marks)
    return not marked and looks.size(text) < 25 and not label_of(line.text) and template.best(line, common)[0] >= 0.45
