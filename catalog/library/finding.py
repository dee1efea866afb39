"""What a query finds, where the index alone does not know: implementations, the text of PDFs, the order of lists."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from catalog.errors import SeveralKeys
from catalog.search.query import parse
from catalog.search.tree import Is, Or, each_leaf
from catalog.snapshot import P, Snapshot
from catalog.text import plain

if TYPE_CHECKING:
    from catalog.facts import Facts, Line
    from catalog.library import Library
    from catalog.models import Paper
    from catalog.search.index import Found, Index
    from catalog.search.tree import Query


def asked(query: str, in_pdfs: Callable[[Query], Query], implemented: Callable[[], Mapping[str, object]]) -> Query:
    """A query, with the papers in the place of what the index does not know of them: `in:pdf`, `has:impl`."""
    tree = parse(query)
    text = tree.text.casefold()
    if "in:pdf" in text:
        tree = in_pdfs(tree)
    if "impl" not in text:
        return tree
    keys = Or(tuple(Is("key", key) for key in sorted(map(str.casefold, implemented()))))
    return replace(tree, root=each_leaf(tree.root, lambda leaf: keys if leaf == Is("has", "impl") else leaf))


def ordered(snapshot: Snapshot, ask: Callable[[Index, str, int], Found[P]], sort: str, limit: int) -> Found[P]:
    """What the index answers; "list" sorts by the lists that were read, what stands in none last."""
    if sort.strip() not in ("list", "-list"):
        return snapshot.answer(lambda index: ask(index, sort, limit))
    from catalog.ingest.lists import in_list_order

    found = snapshot.answer(lambda index: ask(index, "-added,key", 0))
    order = in_list_order(snapshot.store, [one.key for one in found.papers])
    order = order[::-1] if sort.strip() == "-list" else order
    return found._replace(papers=[found.papers[n] for n in order[: limit or None]])


def like(snapshot: Snapshot, text: str, limit: int) -> Found[Line]:
    """The papers that mean what a text says, or what the paper with this key says."""
    try:
        key = snapshot.named(text)
    except SeveralKeys:
        key = ""
    if not key:
        return snapshot.index().like(text, limit)
    one = snapshot.get(key)
    return snapshot.index().like(f"{one.heading} {plain(one.abstract)}", limit, one.key)


class Pair(NamedTuple):
    """Two works that are one ("same") or may be ("maybe"), and why."""

    first: Facts
    second: Facts
    answer: str
    why: str


def duplicates(snapshot: Snapshot, some: Collection[str] | None) -> Sequence[Pair]:
    """The pairs of papers that are or may be one work; with keys, those with one of them."""
    from catalog.check.whole import alike

    index = snapshot.index(whole=True)
    found = [pair for pair in alike(index) if some is None or {*pair[:2]} & {*some}]
    facts = {key: index.get(key) for pair in found for key in pair[:2]}
    pairs = ((facts[a], facts[b], answer, why) for a, b, answer, why in found)
    return [Pair(first, second, answer, why) for first, second, answer, why in pairs if first and second]


def together(library: Library, query: str, sort: str) -> tuple[Mapping[str, Paper], Sequence[Facts]]:
    """Every paper, and what is known of those that a query finds, as they were at one moment.

    The folder is looked at again where another command changed it in between.
    """
    gate = library.store.gate
    for _ in range(5):
        since = gate.latest()
        papers, found = library.papers(), library.list(query, sort)
        if since == gate.latest() and all(facts.key in papers for facts in found):
            break
    return papers, [facts for facts in found if facts.key in papers]
