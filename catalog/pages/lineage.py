"""The page of pictures: families of methods, which paper builds on which, and reading over time, each as text too.

A family tree is a nested list in a paper's notes whose items lead to other papers: a survey's taxonomy, as a reader
notes it down. A paper builds on those that its notes lead to and that are not younger.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from catalog.facts import Facts
from catalog.pages.drawn import drawn_graph, drawn_reading, drawn_tree
from catalog.pages.escape import front_matter
from catalog.pages.known import Known
from catalog.pages.templates import cleaned, fill

PAGE, TITLE = "map.md", "Map"
FEWEST, MOST = 3, 60  # papers in a picture
LONGEST = 60_000


@dataclass(slots=True)
class Branch:
    """An item of a tree: what it says, the paper it leads to, and what stands below it."""

    says: str
    key: str = ""
    below: list[Branch] = field(default_factory=list)

    def keys(self) -> Iterator[str]:
        """The papers in it."""
        yield from filter(None, (self.key,))
        for branch in self.below:
            yield from branch.keys()


def map_page(known: Known) -> str:
    """The Markdown of the page; "" where there is nothing to draw."""
    papers = {facts.key: facts for facts in known.papers}
    trees = [tree for facts in known.papers if len(facts.cites) >= FEWEST and (tree := family(facts, papers))]
    edges = builds_on(papers)
    months = reading(known.papers)
    if not (trees or len(edges) >= FEWEST or len(months) >= FEWEST):
        return ""
    named = {
        key: _Named(facts, f"papers/{known.names[key]}.html", _short(facts, known)) for key, facts in papers.items()
    }
    body = fill(
        "map.html",
        trees=[_tree(tree, named) for tree in trees],
        graph=_graph(edges, named) if len(edges) >= FEWEST else None,
        reading=_reading(months) if len(months) >= FEWEST else None,
    )
    meta = {"title": TITLE, "description": "Families of papers, and which builds on which", "kb": "map"}
    return front_matter(meta | {"hide": ["navigation", "toc"]}) + f"\n{body}\n"


def family(facts: Facts, papers: Mapping[str, Facts]) -> Branch | None:
    """The largest nested list in a paper's notes that leads to several other papers, under the paper itself."""
    if len(facts.notes) > LONGEST or "](" not in facts.notes:
        return None
    from markdown_it import MarkdownIt

    trees = _lists(iter(MarkdownIt("commonmark", {"maxNesting": 20}).parse(facts.notes)), papers)
    found = [Branch(facts.heading, facts.key, below) for below in trees if any(branch.below for branch in below)]
    largest = max(found, key=lambda tree: len(set(tree.keys())), default=None)
    return largest if largest and len(set(largest.keys())) > FEWEST else None


def builds_on(papers: Mapping[str, Facts]) -> list[tuple[str, str]]:
    """Pairs of a paper and one that it builds on. A family tree is no such thing: surveys are left out."""
    return [
        (facts.key, other)
        for facts in papers.values()
        if not (len(facts.cites) >= FEWEST and family(facts, papers))
        for other in dict.fromkeys(facts.cites)
        if other in papers and other != facts.key and papers[other].year <= (facts.year or 9999)
    ]


def reading(papers: Iterable[Facts]) -> list[tuple[str, int, int]]:
    """Of each month in which something happened, how many papers were there at its end, and how many were read."""
    days = [(facts.reading.added[:7], facts.reading.read[:7]) for facts in papers]
    added, read = Counter(a for a, _ in days if a), Counter(r for _, r in days if r)
    there, done, found = 0, 0, []
    for month in sorted({*added, *read}):
        there, done = there + added[month], done + read[month]
        found.append((month, there, done))
    return found


# --- lists in notes ---


def _lists(tokens: Iterator[Any], papers: Mapping[str, Facts]) -> list[list[Branch]]:
    """The lists at the top of notes."""
    found = []
    for token in tokens:
        if token.type in {"bullet_list_open", "ordered_list_open"}:
            found.append(_items(tokens, papers))
    return found


def _items(tokens: Iterator[Any], papers: Mapping[str, Facts]) -> list[Branch]:
    """The items up to the end of a list."""
    items: list[Branch] = []
    for token in tokens:
        if token.type in {"bullet_list_close", "ordered_list_close"}:
            break
        if token.type == "list_item_open":
            items.append(Branch(""))
        elif token.type in {"bullet_list_open", "ordered_list_open"} and items:
            items[-1].below += _items(tokens, papers)
        elif token.type == "inline" and items and not items[-1].says:
            items[-1].says, items[-1].key = _said(token, papers)
    return [item for item in items if item.says]


def _said(token: Any, papers: Mapping[str, Facts]) -> tuple[str, str]:
    """What an item says, and the first paper it leads to."""
    text = "".join(child.content for child in token.children if child.type in {"text", "code_inline"})
    links = [str(child.attrGet("href") or "") for child in token.children if child.type == "link_open"]
    keys = [PurePosixPath(link.partition("#")[0]).name.removesuffix(".md") for link in links]
    return re.split(r"[:.;]\s|\s[–—]\s", text)[0].strip()[:80], next((key for key in keys if key in papers), "")


# --- pictures with the same as text ---


@dataclass(frozen=True, slots=True)
class _Named:
    facts: Facts
    href: str
    short: str


def _tree(tree: Branch, named: Mapping[str, _Named]) -> dict[str, object]:
    rows = list(_rows(tree.below, named, 0))
    return {
        "title": tree.says,
        "href": named[tree.key].href,
        "svg": cleaned(drawn_tree(tree.says, rows)),
        "rows": [{"says": says, "href": href, "depth": depth} for depth, says, href in rows],
    }


def _rows(branches: Sequence[Branch], named: Mapping[str, _Named], depth: int) -> Iterator[tuple[int, str, str]]:
    for branch in branches:
        yield depth, branch.says, named[branch.key].href if branch.key else ""
        yield from _rows(branch.below, named, depth + 1)


def _graph(edges: Sequence[tuple[str, str]], named: Mapping[str, _Named]) -> dict[str, object]:
    degree = Counter(key for edge in edges for key in edge)
    kept = {key for key, _ in degree.most_common(MOST)}
    shown = [edge for edge in edges if kept.issuperset(edge)]
    nodes = {
        key: (named[key].facts.year, named[key].short, named[key].href)
        for key in sorted(kept, key=lambda key: (named[key].facts.year, key))
    }
    on: dict[str, list[str]] = {}
    for key, other in edges:
        on.setdefault(key, []).append(other)
    return {
        "svg": cleaned(drawn_graph(nodes, shown)),
        "left_out": len(degree) - len(kept),
        "rows": [
            {
                "says": named[key].short, "year": named[key].facts.year or "", "href": named[key].href,
                "on": [{"says": named[o].short, "href": named[o].href} for o in others],
            }
            for key, others in on.items()
        ],
    }  # fmt: skip


def _reading(months: Sequence[tuple[str, int, int]]) -> dict[str, object]:
    return {"svg": cleaned(drawn_reading(months)), "rows": months}


def _short(facts: Facts, known: Known) -> str:
    """What one calls a paper: its method's name, what stands before a colon in its title, or who wrote it when."""
    if (ones := known.shown.get(facts.key, ())) and ones[0].card.title:
        return ones[0].card.title
    name, colon, _ = facts.heading.partition(":")
    return name if colon and len(name) <= 24 else " ".join(filter(None, (facts.by, str(facts.year or "")))) or facts.key
