"""The site: a pure function from papers to pages, and the driver that builds and serves them with mkdocs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from catalog.errors import Finding
from catalog.facts import Facts
from catalog.pages import lineage
from catalog.pages.assembly import build
from catalog.pages.assets import assets
from catalog.pages.atom import feed
from catalog.pages.card import cards
from catalog.pages.comparison import PAGE, Comparison, Places, comparison_page
from catalog.pages.finding import search_files
from catalog.pages.handed import handed_on
from catalog.pages.home import home_files, table_files
from catalog.pages.known import Known
from catalog.pages.lazy import Body, Lazy, body_of, key
from catalog.pages.notebook import NotebookFile, Shown, notebook_files, shown_notebooks
from catalog.pages.options import SiteOptions
from catalog.pages.output import write
from catalog.pages.paper import Surroundings, made_from, paper_page, unreadable_page
from catalog.pages.related import Related, remembered
from catalog.pages.slugs import slugs
from catalog.pages.takeaway import parts
from catalog.pages.verdicts import Implementation

__all__ = [
    "Comparison", "Implementation", "NotebookFile", "SiteOptions", "build", "plan", "render", "slugs", "write",
]  # fmt: skip


def render(papers: Sequence[Facts], options: SiteOptions, *shown: Any, **more: Any) -> dict[str, Body]:
    """All files of a site by their path, as `plan` says them."""
    return {path: body_of(file) for path, file in plan(papers, options, *shown, **more).items()}


def plan(
    papers: Sequence[Facts],
    options: SiteOptions,
    hand_written: Mapping[str, str] | None = None,
    implementations: Iterable[Implementation] = (),
    comparisons: Sequence[Comparison] = (),
    notebooks: Mapping[str, NotebookFile] | None = None,
    unreadable: Mapping[str, Sequence[Finding]] | None = None,
    meant: Mapping[str, Sequence[str]] | None = None,
    site: Path | None = None,
) -> dict[str, Body | Lazy]:
    """All files of a site by their path: pages in Markdown, data, the merged .bib, the feed, scripts and styles.

    What is costly is made when it is asked for, and says by a key what it is made from.
    Papers stand in list order. Hand-written pages are trusted and taken as they are; an `index.md` among them frames
    the table of papers (see `home_page`). Implementations are shown with their papers; of two with one name, the last.
    Where there are comparisons, a page shows them, unless a hand-written one has its place.
    Notebooks, by the address that tutorials write, have pages of their own; what is none has no page.
    `unreadable` are papers whose files cannot be read: the page of such a one says so. `meant` are the papers that mean
    most nearly the same as each, where that is known. Of a `site` it is remembered which papers are related.
    """
    papers = [facts.public for facts in papers]
    every = slugs([*(facts.key for facts in papers), *(unreadable or ())])
    names = {facts.key: every[facts.key] for facts in papers}
    written = dict(hand_written or {})
    shown = _implemented(papers, implementations)
    taught = shown_notebooks(papers, notebooks or {}, names.values())
    known = Known(papers, names, shown)
    files: dict[str, Body | Lazy] = {path: body for path, body in written.items() if path != "index.md"}
    files |= home_files(known, options, written.get("index.md", ""))
    files |= _papers(known, taught, remembered(known, meant or {}, site))
    files |= {f"papers/{every[key]}.md": unreadable_page(key, why) for key, why in (unreadable or {}).items()}
    files |= {**table_files(known), **parts(known), **search_files(known, written, taught)}
    files |= {file: source for ones in shown.values() for one in ones for file, source in one.files.items()}
    files |= _taught(papers, names, taught)
    files |= {"library.bib": _merged(papers, options.shared), "feed.xml": feed(papers, names, options)}
    files |= {**handed_on(known, options), **cards(known, options)}
    if comparisons and PAGE not in written:
        files[PAGE] = comparison_page(comparisons, _places(papers, names, shown))
    if lineage.PAGE not in written and (drawn := lineage.map_page(known)):
        files[lineage.PAGE] = drawn
    return files | dict(assets())


def _places(
    all_papers: Sequence[Facts], names: Mapping[str, str], shown: Mapping[str, Sequence[Implementation]]
) -> Places:
    """Where papers and implementations stand, for a page at the top of the site."""
    papers = {alias: f"papers/{names[facts.key]}" for facts in all_papers for alias in facts.aliases}
    papers |= {key: f"papers/{name}" for key, name in names.items()}
    sections = {key: f"{papers[key]}.html#implementation" for key in shown} | {
        one.card.name: f"{papers[key]}.html#{f'{place}-' if place else ''}implementation"
        for key, ones in shown.items()
        for place, one in enumerate(ones)
    }
    return Places(papers, sections)


def _implemented(
    all_papers: Sequence[Facts], implementations: Iterable[Implementation]
) -> dict[str, list[Implementation]]:
    """The implementations of each paper, by its key; of papers that are here."""
    keys = {alias: facts.key for facts in all_papers for alias in facts.aliases}
    keys |= {facts.key: facts.key for facts in all_papers}
    found: dict[str, list[Implementation]] = defaultdict(list)
    for one in {one.card.name: one for one in implementations}.values():
        if one.card.paper in keys:
            found[keys[one.card.paper]].append(one)
    return dict(found)


def _papers(known: Known, taught: Mapping[str, Shown], near: Mapping[str, Sequence[Related]]) -> dict[str, Lazy]:
    papers, names = known.papers, known.names
    keys = [facts.key for facts in papers]
    by_key = {facts.key: facts for facts in papers}
    around = Surroundings(by_key, names, _by_key(papers, names), near, _cited_by(by_key), taught)
    before: list[str | None] = [None, *keys[:-1]][: len(keys)]
    after: list[str | None] = [*keys[1:], None][: len(keys)]
    return {
        f"papers/{names[facts.key]}.md": Lazy(
            key(known.mark(facts), made_from(facts, around, previous, following), known.ran(facts.key)),
            partial(paper_page, facts, around, previous, following, known.shown.get(facts.key, ())),
        )
        for facts, previous, following in zip(papers, before, after, strict=True)
    }


def _taught(papers: Sequence[Facts], names: Mapping[str, str], taught: Mapping[str, Shown]) -> dict[str, Body]:
    """The pages of notebooks and what belongs to them."""
    pages = _by_key(papers, names)
    once = {shown.page: shown for shown in taught.values()}
    return {path: body for shown in once.values() for path, body in notebook_files(shown, pages).items()}


def _by_key(papers: Sequence[Facts], names: Mapping[str, str]) -> dict[str, str]:
    """The page name of each key, former ones too."""
    return {alias: names[facts.key] for facts in papers for alias in facts.aliases} | dict(names)


def _cited_by(papers: Mapping[str, Facts]) -> dict[str, list[str]]:
    citing: dict[str, list[str]] = defaultdict(list)
    for facts in papers.values():
        for cited in dict.fromkeys(facts.cites):
            if cited in papers and cited != facts.key:
                citing[cited].append(facts.key)
    return citing


def _merged(papers: Sequence[Facts], shared: str) -> Lazy:
    """The entries of all papers as one .bib."""
    from catalog.export.bib import merge

    entries = [(facts.key, facts.aliases, facts.bibtex or facts) for facts in papers]
    return Lazy(key(entries, shared), lambda: merge(papers, shared).text)
