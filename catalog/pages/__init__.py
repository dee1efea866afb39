"""The site: a pure function from papers to pages, and the driver that builds and serves them with mkdocs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from catalog.errors import Finding
from catalog.models import Paper
from catalog.pages.assets import assets
from catalog.pages.atom import feed
from catalog.pages.builder import build
from catalog.pages.comparison import Comparison, Places, comparison_page
from catalog.pages.finding import search_files
from catalog.pages.home import home_page, table_files
from catalog.pages.implementation import Implementation, implementation_html
from catalog.pages.navigation import PAGE
from catalog.pages.notebook import NotebookFile, Shown, notebook_files, shown_notebooks
from catalog.pages.options import SiteOptions
from catalog.pages.output import write
from catalog.pages.paper import Surroundings, paper_page, unreadable_page
from catalog.pages.related import related
from catalog.pages.server import serve
from catalog.pages.slugs import slugs
from catalog.record import Record

__all__ = [
    "Comparison", "Implementation", "NotebookFile", "SiteOptions", "build", "render", "serve", "slugs", "write",
]  # fmt: skip

Files = dict[str, str | bytes]


def render(
    entries: Sequence[tuple[Paper, Record]],
    options: SiteOptions,
    hand_written: Mapping[str, str] | None = None,
    implementations: Iterable[Implementation] = (),
    comparisons: Sequence[Comparison] = (),
    notebooks: Mapping[str, NotebookFile] | None = None,
    unreadable: Mapping[str, Sequence[Finding]] | None = None,
) -> Files:
    """All files of a site by their path: pages in Markdown, data, the merged .bib, the feed, scripts and styles.

    Entries stand in list order. Hand-written pages are trusted and taken as they are; an `index.md` among them frames
    the table of papers (see `home_page`). Implementations are shown with their papers; of two with one name, the last.
    Where there are comparisons, a page shows them, unless a hand-written one has its place.
    Notebooks, by the address that tutorials write, have pages of their own; what is none has no page.
    `unreadable` are papers whose files cannot be read: the page of such a one says so.
    """
    records = [record for _, record in entries]
    every = slugs([*(record.key for record in records), *(unreadable or ())])
    names = {record.key: every[record.key] for record in records}
    written = dict(hand_written or {})
    shown = _implemented(records, implementations)
    taught = shown_notebooks([paper for paper, _ in entries], notebooks or {}, names.values())
    pages = _papers(entries, every, shown, taught)
    pages |= {f"papers/{every[key]}.md": unreadable_page(key, why) for key, why in (unreadable or {}).items()}
    files: Files = {path: body for path, body in written.items() if path != "index.md"}
    files |= {"index.md": home_page(records, names, options, written.get("index.md", ""))}
    files |= {**pages, **table_files(records, names, shown), **search_files(records, names, shown, written)}
    files |= {file: source for ones in shown.values() for one in ones for file, source in one.files.items()}
    files |= _taught(records, names, taught)
    files |= {"library.bib": options.bib or _joined(entries), "feed.xml": feed(records, names, options)}
    if comparisons and PAGE not in written:
        files[PAGE] = comparison_page(comparisons, _places(records, names, shown))
    markup = (body for path, body in files.items() if path.startswith("papers/") or path == PAGE)
    math = any("\nmath: true\n" in body for body in markup if isinstance(body, str))
    return files | dict(assets(math=math))


def _places(
    records: Sequence[Record], names: Mapping[str, str], shown: Mapping[str, Sequence[Implementation]]
) -> Places:
    """Where papers and implementations stand, for a page at the top of the site."""
    papers = {alias: f"papers/{names[record.key]}" for record in records for alias in record.aliases}
    papers |= {key: f"papers/{name}" for key, name in names.items()}
    sections = {key: f"{papers[key]}.html#implementation" for key in shown} | {
        one.card.name: f"{papers[key]}.html#{f'{place}-' if place else ''}implementation"
        for key, ones in shown.items()
        for place, one in enumerate(ones)
    }
    return Places(papers, sections)


def _implemented(
    records: Sequence[Record], implementations: Iterable[Implementation]
) -> dict[str, list[Implementation]]:
    """The implementations of each paper, by its key; of papers that are here."""
    keys = {alias: record.key for record in records for alias in record.aliases}
    keys |= {record.key: record.key for record in records}
    found: dict[str, list[Implementation]] = defaultdict(list)
    for one in {one.card.name: one for one in implementations}.values():
        if one.card.paper in keys:
            found[keys[one.card.paper]].append(one)
    return dict(found)


def _papers(
    entries: Sequence[tuple[Paper, Record]],
    names: Mapping[str, str],
    shown: Mapping[str, Sequence[Implementation]],
    taught: Mapping[str, Shown],
) -> dict[str, str]:
    keys = [record.key for _, record in entries]
    records = {record.key: record for _, record in entries}
    near = related(list(records.values()))
    around = Surroundings(records, names, _by_key(list(records.values()), names), near, _cited_by(records), taught)
    before: list[str | None] = [None, *keys[:-1]][: len(keys)]
    after: list[str | None] = [*keys[1:], None][: len(keys)]
    return {
        f"papers/{names[record.key]}.md": paper_page(
            paper, record, around, previous, following, implementation_html(shown.get(record.key, ()))
        )
        for (paper, record), previous, following in zip(entries, before, after, strict=True)
    }


def _taught(records: Sequence[Record], names: Mapping[str, str], taught: Mapping[str, Shown]) -> Files:
    """The pages of notebooks and what belongs to them."""
    pages, by_key = _by_key(records, names), {record.key: record for record in records}
    once = {shown.page: shown for shown in taught.values()}
    return {path: body for shown in once.values() for path, body in notebook_files(shown, by_key, pages).items()}


def _by_key(records: Sequence[Record], names: Mapping[str, str]) -> dict[str, str]:
    """The page name of each key, former ones too."""
    return {alias: names[record.key] for record in records for alias in record.aliases} | dict(names)


def _cited_by(records: Mapping[str, Record]) -> dict[str, list[str]]:
    citing: dict[str, list[str]] = defaultdict(list)
    for record in records.values():
        for key in dict.fromkeys(record.cites):
            if key in records and key != record.key:
                citing[key].append(record.key)
    return citing


def _joined(entries: Sequence[tuple[Paper, Record]]) -> str:
    return "\n\n".join(paper.bibtex for paper, _ in entries if paper.bibtex) + "\n"
