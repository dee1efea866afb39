"""A whole site: what mkdocs makes of hand-written pages and of empty ones, these filled, and data beside them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import partial
from html import escape
from pathlib import Path
from urllib.parse import quote

from catalog.pages import card, frame, policy
from catalog.pages.assets import THEME
from catalog.pages.builder import configuration, refuse_links, run_mkdocs
from catalog.pages.lazy import Body, Files, Lazy, body_of, key
from catalog.pages.options import SiteOptions
from catalog.pages.output import as_bytes
from catalog.pages.placed import Placed, memory_of, place
from catalog.pages.policy import protected, reference
from catalog.pages.shell import FRAMED, KINDS, fill, framed, is_ours, lean, page_of, shell_name, shell_of, shells

_SITEMAPS = "http://www.sitemaps.org/schemas/sitemap/0.9"
_TO_PAPER = re.compile(r"papers/([A-Za-z0-9_-]+)\.md")
_ANCHOR = re.compile(r'\bid="([\w.:-]+)"')


def build(root: Path, files: Files, options: SiteOptions) -> Path:
    """Build the site of the knowledge base at `root` into `build/html`, which it returns.

    A `mkdocs.yml` at the root that says `INHERIT: build/mkdocs.base.yml` is used: all of it where it is trusted, else
    what cannot run code (`left_out` names the rest). Raises `KbError` with what mkdocs complains about; the site built
    before then stays as it is.
    """
    assemble(root, files, options, root / "build" / "html")
    return root / "build" / "html"


def assemble(root: Path, files: Files, options: SiteOptions, target: Path) -> Placed:
    """Bring `target` up to date, under a lock that two builds of one root share.

    mkdocs renders hand-written pages and an empty page of each kind, and only where one of them or its settings have
    changed; every other page is filled into such a shell, and only where what it is made from has changed.
    """
    from filelock import FileLock

    root = Path(root).resolve()
    refuse_links(root)
    (root / "build").mkdir(parents=True, exist_ok=True)
    with FileLock(root / "build" / ".lock"):
        frames = {path: framed(str(body_of(files[path]))) for path in FRAMED if is_ours(files.get(path, b""))}
        around = _around(root, files, {path: markdown for path, (markdown, _) in frames.items()}, options, target)
        known = reference_of(target, options)
        return place(_finished(files, frames, around, known, options), target)


def _theme_of(target: Path) -> Path:
    """Where the pages stand that mkdocs made for a site."""
    return target.with_name(target.name + ".theme")


def reference_of(target: Path, options: SiteOptions) -> str:
    """What holds the scripts that pages of a site may have."""
    return reference(_theme_of(target), options)


def _finished(
    files: Files,
    frames: Mapping[str, tuple[str, dict[str, str]]],
    around: Mapping[str, bytes],
    known: str,
    options: SiteOptions,
) -> dict[str, Body | Lazy]:
    """All files of the site: what mkdocs made, pages filled into it, and data. `known` holds the theme's scripts."""
    markup = {path: body.decode("utf-8") for path, body in around.items() if path.endswith(".html")}
    shells, scripts = _shells(markup, known, options)
    looks = {kind: key(shell) for kind, shell in shells.items()}

    def filled(path: str, file: Body | Lazy) -> Body:
        page = page_of(str(body_of(file)), path.removeprefix("papers/").removesuffix(".md"))
        return fill(shells.get(page.kind, shells["paper"]), {**page.values, "head": card.head(path, files, options)})

    empty = {shell_name(kind) for kind in KINDS}
    found: dict[str, Body | Lazy] = {
        path: body for path, body in around.items() if path not in empty and not path.startswith("sitemap.xml")
    }
    for path, file in files.items():
        page = path.removesuffix(".md") + ".html"
        if path in frames:
            found[page] = fill(lean(markup[page]), frames[path][1])
        elif _is_made(path, file):
            made_from = file.key if isinstance(file, Lazy) else key(file)
            found[page] = Lazy(key(made_from, looks, card.head(path, files, options)), partial(filled, path, file))
        elif path.endswith((".html", ".htm")):
            found[path] = protected(path, as_bytes(body_of(file)), known, options)
        elif not path.endswith(".md"):
            found[path] = file
    return found | scripts | _sitemap(found, options)


def _shells(markup: Mapping[str, str], known: str, options: SiteOptions) -> tuple[dict[str, str], dict[str, Body]]:
    """The shell of each kind of page, and the script with what they have in common.

    A configuration that is trusted may bring shells of any shape, and scripts of its own: they stay whole.
    """
    whole = {kind: shell_of(markup[shell_name(kind)], kind) for kind in KINDS}
    parted = {kind: frame.taken_out(shell, policy.scripts(known, options.url), "..") for kind, shell in whole.items()}
    scripts = {script for _, script in parted.values()}
    if options.trusted or len(scripts) > 1 or "" in scripts:
        return whole, {}
    return {kind: shell for kind, (shell, _) in parted.items()}, {frame.SCRIPT: scripts.pop()}


def _is_made(path: str, file: Body | Lazy) -> bool:
    """Whether a page is made of papers and notebooks, not written by hand."""
    return path.startswith("papers/") and path.endswith(".md") and (isinstance(file, Lazy) or is_ours(file))


def _sitemap(found: Mapping[str, object], options: SiteOptions) -> dict[str, Body]:
    """The addresses of all pages, where that of the site is known. The theme loads the first file with each page."""
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    if not options.url:
        return {"sitemap.xml": f'{head}<urlset xmlns="{_SITEMAPS}"></urlset>\n'}
    base = options.url.rstrip("/") + "/"
    pages = sorted(path for path in found if path.endswith(".html") and path not in {"404.html", "embed.html"})
    lines = "".join(f"<url><loc>{escape(base + quote(path))}</loc></url>\n" for path in pages)
    whole = f"<sitemap><loc>{escape(base)}sitemap-pages.xml</loc></sitemap>"
    return {
        "sitemap.xml": f'{head}<sitemapindex xmlns="{_SITEMAPS}">{whole}</sitemapindex>\n',
        "sitemap-pages.xml": f'{head}<urlset xmlns="{_SITEMAPS}">\n{lines}</urlset>\n',
    }


def _around(
    root: Path, files: Files, frames: Mapping[str, str], options: SiteOptions, target: Path
) -> dict[str, bytes]:
    """What mkdocs makes of everything that is not made of papers: by path, the policy in each page."""
    pages = {path: file for path, file in files.items() if path.endswith(".md") and not _is_made(path, file)}
    written = {path: str(body_of(file)) for path, file in pages.items()}
    docs: dict[str, Body] = {path: b"" for path in files if not path.endswith(".md")}
    docs |= {**written, **frames} | shells() | _named(written.values(), files)
    theirs = _theme_of(target)
    made_from = key(docs, configuration(root, files, options), sorted((p, *_stamp(p)) for p in _theme_files()))
    memory = memory_of(theirs)
    if options.trusted or memory.known.get("") != [made_from] or not (theirs / "404.html").is_file():
        run_mkdocs(root, docs, files, options, theirs)
        memory.known = {"": [made_from]}
        memory.keep()
    made = {path.relative_to(theirs).as_posix(): path for path in theirs.rglob("*") if path.is_file()}
    return {path: file.read_bytes() for path, file in made.items() if path not in docs}


def _named(written: Iterable[str], files: Files) -> dict[str, str]:
    """Of papers that hand-written pages lead to, the anchors alone, so that mkdocs finds them."""
    named = {f"papers/{name}.md" for text in written for name in _TO_PAPER.findall(text)} & files.keys()
    wanted = {path: str(body_of(files[path])) for path in named if _is_made(path, files[path])}
    anchors = {path: dict.fromkeys(_ANCHOR.findall(body)) for path, body in wanted.items()}
    return {path: "".join(f'<i id="{anchor}"></i>\n' for anchor in ids) or "-\n" for path, ids in anchors.items()}


def _theme_files() -> list[Path]:
    from importlib.util import find_spec

    found = [Path(spec.origin) for name in ("mkdocs", "material") if (spec := find_spec(name)) and spec.origin]
    return [*found, *(THEME / "overrides").rglob("*.html")]


def _stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size
