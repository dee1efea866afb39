"""The page of a notebook that papers link to: its prose, code and outputs, all of it text of strangers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape
from pathlib import PurePosixPath

from catalog.errors import KbError
from catalog.facts import Facts, Taught
from catalog.notebook import Cell, LastRun, Notebook, Output, read
from catalog.pages.annotated import LONGEST, highlighted
from catalog.pages.escape import front_matter, meta_value, text
from catalog.pages.notes import MAX_LENGTH, MOST, markup_html, notes_html
from catalog.pages.picture import Picture, png
from catalog.pages.quantity import day
from catalog.pages.slugs import slugs
from catalog.pages.templates import cleaned, fill

PYTHON = frozenset({"python", "ipython", "python3", ""})
MOST_PICTURES = 50
_HEADING = re.compile(r"<(/?)h([3-6])>")
_SECTION = re.compile(r"<h2>(.*?)</h2>")
_TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True, slots=True)
class NotebookFile:
    """A notebook of the knowledge base: its path from the root, and its bytes."""

    path: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Shown:
    """A notebook that has a page: `papers/<page>.html`."""

    page: str
    file: NotebookFile
    notebook: Notebook
    papers: list[Facts] = field(default_factory=list)
    stated: dict[str, str] = field(default_factory=dict)

    @property
    def versions(self) -> list[tuple[str, str, str]]:
        """Of each library the version it was written for, as papers or else the notebook itself say, and the last."""
        stated = self.stated or self.notebook.written_for
        ran = self.notebook.last_run.versions
        return [(name, stated.get(name, ""), ran.get(name, "")) for name in dict.fromkeys([*stated, *ran])]


def shown_notebooks(
    papers: Iterable[Facts], files: Mapping[str, NotebookFile], taken: Iterable[str]
) -> dict[str, Shown]:
    """The notebooks that tutorials link to, by the address that they write. What cannot be read is left to `kb check`.

    `files` are those that are there, by address; `taken` are names that pages of papers have.
    """
    links = [(paper, tutorial) for paper in papers for tutorial in paper.tutorials if tutorial.notebook in files]
    notebooks: dict[str, Notebook] = {}
    for file in {files[tutorial.notebook].path: files[tutorial.notebook] for _, tutorial in links}.values():
        try:
            notebooks[file.path] = read(file.body)
        except KbError:
            continue
    pages = _pages(notebooks, taken)
    by_path: dict[str, Shown] = {}
    found: dict[str, Shown] = {}
    for paper, tutorial in links:
        file = files[tutorial.notebook]
        if file.path in notebooks:
            fresh = Shown(pages[file.path], file, notebooks[file.path])
            found[tutorial.notebook] = shown = by_path.setdefault(file.path, fresh)
            _note(shown, paper, tutorial)
    return found


def _note(shown: Shown, paper: Facts, tutorial: Taught) -> None:
    """That a tutorial of a paper leads here."""
    if paper not in shown.papers:
        shown.papers.append(paper)
    for library, version in tutorial.versions:
        shown.stated.setdefault(library, version)


def _pages(paths: Iterable[str], taken: Iterable[str]) -> dict[str, str]:
    """A name for the page of each notebook, which no page of a paper has."""
    used = {name.lower() for name in taken}
    stems = {path: PurePosixPath(path).stem for path in paths}
    names = slugs(stems.values())
    pages: dict[str, str] = {}
    for path in sorted(stems):
        name, count = f"notebook-{names[stems[path]]}", 2
        while name.lower() in used:
            name, count = f"notebook-{names[stems[path]]}-{count}", count + 1
        used.add(name.lower())
        pages[path] = name
    return pages


def notebook_files(shown: Shown, pages: Mapping[str, str]) -> dict[str, str | bytes]:
    """The page, the notebook itself to download, and its pictures. `pages` holds the page of each citation key."""
    page, notebook = shown.page, shown.notebook
    room = _Room()
    cells = [_shown_cell(cell, notebook, pages, room, page) for cell in notebook.cells]
    contents = _with_anchors(cells)
    title = notebook.title or PurePosixPath(shown.file.path).stem
    stem = page.removeprefix("notebook-")
    body = fill(
        "notebook.html",
        title=title,
        file=PurePosixPath(shown.file.path).name,
        download=f"{page}/{stem}.ipynb",
        papers=[_paper(paper, pages) for paper in shown.papers],
        versions=shown.versions,
        ran=_ran(notebook.last_run),
        cells=[cell for cell in cells if cell["prose"] or cell["code"] or cell["outputs"]],
        contents=contents,
        left_out=notebook.left_out,
    )
    meta: dict[str, object] = {
        "title": meta_value(title),
        "description": meta_value(f"A notebook that runs {', '.join(p.heading for p in shown.papers)}"[:300]),
        "kb": "notebook",
        "hide": ["navigation", "toc"],
    }
    return {
        f"papers/{page}.md": front_matter(meta) + f"\n{body}\n",
        f"papers/{page}/{stem}.ipynb": shown.file.body,
        **{f"papers/{page}/{name}": picture.body for name, picture in room.pictures.items()},
    }


class _Room:
    """What a page still has room for: prose as much as one note may hold, code to colour, pictures."""

    def __init__(self) -> None:
        self._prose = {"": MAX_LENGTH, **MOST}
        self._code = LONGEST
        self.pictures: dict[str, Picture] = {}

    def prose(self, markdown: str) -> bool:
        """Whether this much more Markdown can be rendered; the renderer's time grows faster than what it is given."""
        self._prose = {
            mark: left - (markdown.count(mark) if mark else len(markdown)) for mark, left in self._prose.items()
        }
        return min(self._prose.values()) >= 0

    def code(self, source: str) -> bool:
        """Whether this much more code can be coloured."""
        self._code -= len(source)
        return self._code >= 0

    def picture(self, encoded: str) -> tuple[str, Picture] | None:
        """A name for the picture, and the picture; None where it is none, or there are too many."""
        picture = png(encoded) if len(self.pictures) < MOST_PICTURES else None
        if not picture:
            return None
        name = f"{len(self.pictures) + 1}.png"
        self.pictures[name] = picture
        return name, picture


def _shown_cell(cell: Cell, notebook: Notebook, pages: Mapping[str, str], room: _Room, page: str) -> dict[str, object]:
    if cell.kind != "code":
        prose = _prose(cell.source, pages, room) if cell.kind == "markdown" else _as_it_is(cell.source)
        return {"prose": prose, "code": "", "outputs": [], "number": 0}
    outputs = [_shown_output(output, cell, pages, room, page) for output in cell.outputs]
    return {"prose": "", "code": _code(cell.source, notebook, room), "outputs": outputs, "number": cell.number}


def _prose(markdown: str, pages: Mapping[str, str], room: _Room) -> str:
    """Markdown as HTML whose headings begin with h2: the page's own is h1."""
    if not markdown.strip():
        return ""
    if not room.prose(markdown):
        return _as_it_is(markdown)
    return _HEADING.sub(lambda m: f"<{m[1]}h{max(2, int(m[2]) - 2)}>", notes_html(markdown, pages))


def _as_it_is(source: str) -> str:
    return f"<pre>{text(source)}</pre>" if source.strip() else ""


def _code(source: str, notebook: Notebook, room: _Room) -> object:
    source = source.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    if not source:
        return ""
    if notebook.language not in PYTHON or not room.code(source):
        return cleaned(text(source))
    return cleaned("&#10;".join(highlighted(source.split("\n"))))


def _shown_output(output: Output, cell: Cell, pages: Mapping[str, str], room: _Room, page: str) -> dict[str, object]:
    label = f"{'Error' if output.kind == 'error' else 'Output'} of cell {cell.number or ''}".rstrip()
    shown: dict[str, object] = {
        "label": label, "text": output.text, "left_out": output.left_out, "error": output.kind == "error",
        "picture": "", "markup": "",
    }  # fmt: skip
    if output.kind == "picture":
        found = room.picture(output.text)
        if not found:
            return shown | {"text": "(a picture that cannot be shown here)"}
        return shown | {"picture": f"{page}/{found[0]}", "width": found[1].width, "height": found[1].height}
    if output.kind == "markdown":
        return shown | {"markup": cleaned(_prose(output.text, pages, room))}
    if output.kind == "html" and room.prose(output.text):
        return shown | {"markup": cleaned(markup_html(output.text, pages))}
    return shown


def _with_anchors(cells: Sequence[dict[str, object]]) -> list[tuple[str, str]]:
    """Give each section a name to link to; returns names and headings."""
    contents: list[tuple[str, str]] = []

    def named(match: re.Match[str]) -> str:
        contents.append((f"section-{len(contents) + 1}", unescape(_TAG.sub("", match[1]))[:200]))
        return f'<h2 id="{contents[-1][0]}">{match[1]}</h2>'

    for cell in cells:
        cell["prose"] = cleaned(_SECTION.sub(named, str(cell["prose"])))
    return contents


def _paper(paper: Facts, pages: Mapping[str, str]) -> dict[str, str]:
    return {"title": paper.heading, "href": f"{pages[paper.key]}.html#tutorials"}


def _ran(run: LastRun) -> dict[str, str]:
    return {"date": day(run.date), "device": run.device, "python": run.python}
