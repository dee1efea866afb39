"""The site: a pure function from papers to pages, and the driver that builds and serves them with mkdocs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from catalog.models import Paper
from catalog.pages.assets import assets
from catalog.pages.atom import feed
from catalog.pages.builder import build
from catalog.pages.comparison import Comparison, Places, comparison_page
from catalog.pages.home import home_page, table_files
from catalog.pages.implementation import Implementation, implementation_html
from catalog.pages.navigation import PAGE
from catalog.pages.options import SiteOptions
from catalog.pages.output import write
from catalog.pages.paper import Surroundings, paper_page
from catalog.pages.related import related
from catalog.pages.server import serve
from catalog.pages.slugs import slugs
from catalog.record import Record

__all__ = ["Comparison", "Implementation", "SiteOptions", "build", "render", "serve", "slugs", "write"]

Files = dict[str, str | bytes]


def render(
    entries: Sequence[tuple[Paper, Record]],
    options: SiteOptions,
    hand_written: Mapping[str, str] | None = None,
    implementations: Iterable[Implementation] = (),
    comparisons: Sequence[Comparison] = (),
) -> Files:
    """All files of a site by their path: pages in Markdown, data, the merged .bib, the feed, scripts and styles.

    Entries stand in list order. Hand-written pages are trusted and taken as they are; an `index.md` among them frames
    the table of papers (see `home_page`). Implementations are shown with their papers; of two with one name, the last.
    Where there are comparisons, a page shows them, unless a hand-written one has its place.
    """
    records = [record for _, record in entries]
    names = slugs(record.key for record in records)
    written = dict(hand_written or {})
    shown = _implemented(records, implementations)
    pages = _papers(entries, names, shown)
    files: Files = {path: body for path, body in written.items() if path != "index.md"}
    files |= {"index.md": home_page(records, names, options, written.get("index.md", ""))}
    files |= {**pages, **table_files(records, names, shown)}
    files |= {file: source for ones in shown.values() for one in ones for file, source in one.files.items()}
    files |= {"library.bib": options.bib or _joined(entries), "feed.xml": feed(records, names, options)}
    if comparisons and PAGE not in written:
        files[PAGE] = pages[PAGE] = comparison_page(comparisons, _places(records, names, shown))
    return files | dict(assets(math=any("\nmath: true\n" in page for page in pages.values())))


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
    entries: Sequence[tuple[Paper, Record]], names: Mapping[str, str], shown: Mapping[str, Sequence[Implementation]]
) -> dict[str, str]:
    keys = [record.key for _, record in entries]
    records = {record.key: record for _, record in entries}
    earlier = {alias: names[record.key] for record in records.values() for alias in record.aliases}
    near = related(list(records.values()))
    around = Surroundings(records, names, {**earlier, **names}, near, _cited_by(records))
    before: list[str | None] = [None, *keys[:-1]][: len(keys)]
    after: list[str | None] = [*keys[1:], None][: len(keys)]
    return {
        f"papers/{names[record.key]}.md": paper_page(
            paper, record, around, previous, following, implementation_html(shown.get(record.key, ()))
        )
        for (paper, record), previous, following in zip(entries, before, after, strict=True)
    }


def _cited_by(records: Mapping[str, Record]) -> dict[str, list[str]]:
    citing: dict[str, list[str]] = defaultdict(list)
    for record in records.values():
        for key in dict.fromkeys(record.cites):
            if key in records and key != record.key:
                citing[key].append(record.key)
    return citing


def _joined(entries: Sequence[tuple[Paper, Record]]) -> str:
    return "\n\n".join(paper.bibtex for paper, _ in entries if paper.bibtex) + "\n"
