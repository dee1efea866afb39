"""The theme's pages around ours: mkdocs renders one page of each kind with marks in it, and every page fills them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from catalog.pages.escape import front_matter, in_html, parted

KINDS = ("paper", "run", "notebook")  # pages below papers/: with another head each
FRAMED = ("index.md", "compare.md", "map.md")  # pages at the top that the navigation names
_MARK = re.compile(r"kbmark(title|description|jsonld|head|body|page)kbmark")
_HOME = re.compile(r'^<section class="kb-home".*$', re.M)
_HEADING = "<h1>kbmarkheadingkbmark</h1>"  # the theme puts one where a page has none
_MADE_WITH = re.compile(r'<meta name="generator" content="[^"<>]*">')
_SPACE = re.compile(r"\s+")
_KEPT = re.compile(r"(<(?:script|style|pre)\b.*?</(?:script|style|pre)>)", re.S)


@dataclass(frozen=True, slots=True)
class Page:
    """What a page puts into its shell; all of it HTML."""

    values: Mapping[str, str]
    kind: str


def is_ours(page: object) -> bool:
    """Whether a page is written by `front_matter`, as one of the kinds that this site makes."""
    return isinstance(page, str) and page.startswith('---\ntitle: "') and '\nkb: "' in page[:20_000]


def page_of(markdown: str, name: str) -> Page:
    """The page that is written as Markdown: values in its front matter, and HTML on one line."""
    meta, body = parted(markdown)
    kind = str(meta.get("kb", "paper"))
    values = {part: str(meta.get(part, "")) for part in ("title", "description", "jsonld")}
    return Page(values | {"body": in_html(body), "page": name}, "run" if meta.get("implementation") else kind)


def shells() -> dict[str, str]:
    """The Markdown of an empty page of each kind."""
    return {f"papers/{_mark('page')}-{kind}.md": _shell(kind) for kind in KINDS}


def framed(markdown: str) -> tuple[str, dict[str, str]]:
    """A page at the top with marks in place of what papers and records say, and what stands there."""
    meta, body = parted(markdown)
    found = _HOME.search(body)
    inner = found.group() if found else body
    heading = "" if found else _HEADING
    frame = body.replace(inner, f"<div>{_mark('body')}{heading}</div>", 1)
    values = {"body": in_html(inner)} | {name: str(meta[name]) for name in ("description", "jsonld") if name in meta}
    marks = {name: _mark(name) for name in values if name != "body"}
    return front_matter(meta | marks) + f"\n{frame}\n", values


def shell_of(markup: str, kind: str) -> str:
    """The page of a kind as mkdocs made it, ready to be filled."""
    return (
        lean(_MADE_WITH.sub("", markup)).replace(f"{_mark('page')}-{kind}.", f"{_mark('page')}.").replace(_HEADING, "")
    )


def fill(shell: str, values: Mapping[str, str]) -> str:
    """A page of the theme with its marks replaced."""
    parts = _MARK.split(shell.replace(_HEADING, ""))
    return "".join(values.get(part, "") if place % 2 else part for place, part in enumerate(parts))


def lean(markup: str) -> str:
    """HTML without the white space between its elements that a template leaves."""
    kept = _KEPT.split(markup)
    return "".join(part if place % 2 else _SPACE.sub(" ", part) for place, part in enumerate(kept)).strip()


def shell_name(kind: str) -> str:
    """Where mkdocs puts the page of a kind."""
    return f"papers/{_mark('page')}-{kind if kind in KINDS else 'paper'}.html"


def _shell(kind: str) -> str:
    meta: dict[str, object] = {name: _mark(name) for name in ("title", "description", "jsonld", "head")}
    meta |= {"kb": "notebook" if kind == "notebook" else "paper", "hide": ["navigation", "toc"]}
    return (
        front_matter(meta | ({"implementation": True} if kind == "run" else {}))
        + f"\n<div>{_mark('body')}{_HEADING}</div>\n"
    )


def _mark(name: str) -> str:
    return f"kbmark{name}kbmark"
