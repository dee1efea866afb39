"""What a site shows beside the papers: implementations with their records, notebooks, and what `kb bench` measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalog.files import read_bytes
from catalog.store import Store
from catalog.store.beside import notebook

if TYPE_CHECKING:
    from catalog.facts import Facts
    from catalog.pages import Comparison, Implementation, NotebookFile
    from catalog.pages.lazy import Lazy
    from catalog.reports import Ledger
    from refimpl import Card

MOST_BY_MEANING = 2000  # papers that are each compared with all others when the site is built


def notebooks(store: Store, papers: Iterable[Facts]) -> dict[str, NotebookFile]:
    """The notebooks that tutorials link to and that are here, by the address that they write; none is run."""
    from catalog.pages import NotebookFile

    addresses = {tutorial.notebook for paper in papers for tutorial in paper.tutorials}
    found = {address: notebook(store, address) for address in addresses if address}
    return {address: NotebookFile(*notebook) for address, notebook in found.items() if notebook}


def implementations(
    cards: Iterable[Card], runs: Mapping[str, dict[str, dict[str, Any]]], reports: Mapping[str, Ledger]
) -> Sequence[Implementation]:
    """Cards with their sources as text, their runs and what others report; nothing of them is run."""
    from catalog.pages import Implementation

    def source(path: str) -> str:
        there = path and Path(path).is_file() and not Path(path).is_symlink()
        return read_bytes(Path(path)).decode("utf-8", "replace") if there else ""

    return [
        Implementation(
            card, source(card.path), runs.get(card.name, {}), source(card.claims_path), reports.get(card.name)
        )
        for card in cards
        if Path(card.path).is_file()
    ]


def merged(papers: Sequence[Facts], shared: str) -> Lazy:
    """The merged .bib of all papers."""
    from catalog.export.bib import merge
    from catalog.pages.lazy import Lazy, key

    entries = [(facts.key, facts.aliases, facts.bibtex or facts) for facts in papers]
    return Lazy(key(entries, shared), lambda: merge(papers, shared).text)


def comparisons(runs: Path) -> Sequence[Comparison]:
    """What `kb bench` measured, one for each model, task and kind of device."""
    from catalog.pages import Comparison
    from catalog.runs import read_benches

    return [Comparison(*bench) for bench in read_benches(runs)[0]]
