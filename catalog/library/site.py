"""The site of a knowledge base: papers, implementations with their records, notebooks, and what `kb bench` measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalog.files import read_bytes
from catalog.snapshot import key_or_name
from catalog.store import Store
from catalog.store.beside import hand_written, lists, notebook

if TYPE_CHECKING:
    from catalog.facts import Facts
    from catalog.library import Library
    from catalog.pages import Comparison, Implementation, NotebookFile, SiteOptions
    from catalog.pages.lazy import Files
    from catalog.reports import Ledger
    from refimpl import Card

_MOST_BY_MEANING = 2000  # papers that are each compared with all others when the site is built


def planned(library: Library, url: str = "") -> Files:
    """The files of the site; what is costly is made when it is asked for. `url` is where it will be served."""
    from catalog.pages import plan
    from catalog.reading import everyone

    store = library.store
    library.index(whole=True)  # a file that was written in place is no news to its folder
    found = library.list("", "list" if lists(store.root) else "-added,key")
    written = hand_written(library.root)
    texts = {path: body.decode("utf-8", "replace") for path, body in written.items() if path.endswith(".md")}
    others = {path: body for path, body in written.items() if path not in texts}
    keys = {key for facts in found for key in (facts.key, *facts.aliases)}
    cards = () if keys.isdisjoint(library.implemented()) else library.cards()  # each is read for it
    implementations = _implementations(cards, library.runs(), library.reports()) if cards else ()
    bad = {key_or_name(file): findings for file, findings in library.unreadable().items()}
    found = [everyone(facts) for facts in found] if store.readers.names() else found
    near = library.neighbours() if len(found) <= _MOST_BY_MEANING else {}
    files = plan(found, options(store, url), texts, implementations, _comparisons(library.root / "runs"),
                 _notebooks(store, found), bad, near, library.root)  # fmt: skip
    return {**files, **others}


def page_of(library: Library, key: str) -> str:
    """Where the page of a paper is: its address where `kb site serve` is running, else its path in the site."""
    from catalog.pages.server import served
    from catalog.pages.slugs import slugs

    return f"{served(library.root)}papers/{slugs(library.index().keys())[key]}.html"


def options(store: Store, url: str = "") -> SiteOptions:
    """What the site is called, where it will be served, and whether it may run what the knowledge base brings."""
    from catalog.pages import SiteOptions
    from catalog.trust import is_trusted

    config = store.config
    return SiteOptions(config.title, url=url or config.site_url, shared=store.shared(), trusted=is_trusted(store.root))


def _notebooks(store: Store, papers: Iterable[Facts]) -> dict[str, NotebookFile]:
    """The notebooks that tutorials link to and that are here, by the address that they write; none is run."""
    from catalog.pages import NotebookFile

    addresses = {tutorial.notebook for paper in papers for tutorial in paper.tutorials}
    found = {address: notebook(store, address) for address in addresses if address}
    return {address: NotebookFile(*one) for address, one in found.items() if one}


def _implementations(
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


def _comparisons(runs: Path) -> Sequence[Comparison]:
    """What `kb bench` measured, one for each model, task and kind of device."""
    from catalog.pages import Comparison
    from catalog.runs import read_benches

    return [Comparison(*bench) for bench in read_benches(runs)[0]]
