"""Notes as HTML that is safe to embed: Markdown rendered, cleaned, its links resolved, its pictures not loaded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from html import escape, unescape
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

from catalog.filenames import key_of
from catalog.pages.escape import html_on_one_line, text, web_address
from catalog.pages.mathematics import typeset

MAX_LENGTH = 100_000
MAX_LINE = 20_000
MOST = {"[": 1500, "<": 3000, "\\": 4000, "```": 1000, "~~~": 1000}  # marks whose number costs its square
MOST_OPEN = 50
MAX_LEAD = 200
MAX_RUN = 800  # lines without a blank one between: headings and rules in it cost its square
_TAGS = frozenset(
    re.findall(
        r"\w+",
        "a abbr b blockquote br caption cite code dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr i img"
        " input ins kbd li mark ol p pre q s samp small span strong sub summary sup table tbody td th thead tr"
        " u ul var",
    )
)
_ATTRIBUTES = {"a": {"href", "title"}, "img": {"src", "alt"}, "ol": {"start"}, "input": {"checked"}, "abbr": {"title"}}
_ALIGN = {"left", "center", "right"}
_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)((?: [^\s=\">]+=\"[^\"]*\")*)>")
_ATTRIBUTE = re.compile(r" ([^\s=\">]+)=\"([^\"]*)\"")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_BULLET = re.compile(r"(?:[-*+]|1[.)])[ \t]+\S")
_INSIDE = re.compile(r"(?:[-*+]|\d+[.)])[ \t]|[ \t>|]|\Z")
_BLANK = re.compile(r"\n[ \t\r]*\n")
_LEAD = re.compile(r"[ \t>*+\-\d.)]*")


def notes_html(notes: str, pages: Mapping[str, str]) -> str:
    """Markdown notes as one line of clean HTML. `pages` holds the page name of each citation key."""
    if not notes.strip():
        return ""
    return typeset(html_on_one_line(_Links(pages).rewrite(_clean(notes))))


def markup_html(markup: str, pages: Mapping[str, str]) -> str:
    """HTML of strangers as one line of clean HTML; as text where it is too large or too deeply nested."""
    if _too_much(markup):
        return f"<pre>{text(markup)}</pre>"
    return typeset(html_on_one_line(_Links(pages).rewrite(_sanitised(_demote(markup)))))


@lru_cache(maxsize=8192)
def _clean(notes: str) -> str:
    """Rendered and cleaned; what is too large or too deeply nested to render is shown as it stands."""
    if _too_much(notes):
        return f"<pre>{escape(notes)}</pre>"
    try:
        markup = _renderer().reset().convert(_open_lists(notes))
    except RecursionError:
        return f"<pre>{escape(notes)}</pre>"
    return _sanitised(_demote(markup))


def _sanitised(markup: str) -> str:
    """What of the HTML may stand on a page: no script, no style, no address but of the web."""
    import nh3

    return nh3.clean(
        markup,
        tags=set(_TAGS),
        clean_content_tags={"script", "style"},
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        tag_attribute_values={"th": {"align": _ALIGN}, "td": {"align": _ALIGN}, "input": {"type": {"checkbox"}}},
        set_tag_attribute_values={"input": {"disabled": "", "type": "checkbox"}},
        allowed_classes={"span": {"arithmatex"}, "div": {"arithmatex"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noreferrer",
    )


def _too_much(notes: str) -> bool:
    """Whether notes are longer or nested deeper than anyone writes; the renderer takes forever on such."""
    return (
        len(notes) > MAX_LENGTH
        or any(notes.count(mark) > most for mark, most in MOST.items())
        or notes.count("<") - notes.count(">") > MOST_OPEN
        or any(len(line) > MAX_LINE or _lead(line) > MAX_LEAD for line in notes.splitlines())
        or any(run.count("\n") > MAX_RUN for run in _BLANK.split(notes))
    )


def _lead(line: str) -> int:
    """How long the marks are that a line begins with."""
    lead = _LEAD.match(line)
    return len(lead.group()) if lead else 0


@lru_cache(maxsize=1)
def _renderer() -> Any:
    import markdown

    return markdown.Markdown(
        extensions=[
            "markdown.extensions.tables",
            "markdown.extensions.sane_lists",
            "markdown.extensions.def_list",
            "pymdownx.superfences",
            "pymdownx.highlight",
            "pymdownx.arithmatex",
            "pymdownx.betterem",
            "pymdownx.magiclink",
            "pymdownx.tasklist",
            "pymdownx.tilde",
        ],
        extension_configs={
            "markdown.extensions.tables": {"use_align_attribute": True},
            "pymdownx.arithmatex": {"generic": True},
            "pymdownx.highlight": {"use_pygments": False},
            "pymdownx.tilde": {"subscript": False},
        },
    )


def _open_lists(notes: str) -> str:
    """A blank line before a list that follows a paragraph, as every other Markdown reader sees it."""
    lines: list[str] = []
    fence = ""
    for line in notes.split("\n"):
        mark = _FENCE.match(line)
        if mark and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        elif not fence and _BULLET.match(line) and lines and not _INSIDE.match(lines[-1]):
            lines.append("")
        lines.append(line)
    return "\n".join(lines)


def in_steps(markup: str) -> str:
    """HTML whose headings begin below one of the second level and leave no level out."""
    above: list[int] = []

    def step(found: re.Match[str]) -> str:
        nonlocal above
        level = int(found[2])
        above = above if found[1] else [*(one for one in above if one < level), level]
        return f"<{found[1]}h{min(6, 2 + len(above))}"

    return re.sub(r"<(/?)h([1-6])(?=[\s>])", step, markup)


def _demote(markup: str) -> str:
    """Headings below those of the page: h1 becomes h3, and so on."""
    return re.sub(r"<(/?)h([1-6])(?=[\s>])", lambda m: f"<{m[1]}h{min(6, int(m[2]) + 2)}", markup)


class _Links:
    """One pass over cleaned HTML: links to papers resolved, links to nothing shown as text, pictures as links."""

    def __init__(self, pages: Mapping[str, str]) -> None:
        self._pages = pages
        self._closing: list[str] = []

    def rewrite(self, markup: str) -> str:
        return _TAG.sub(self._tag, markup)

    def _tag(self, match: re.Match[str]) -> str:
        closing, name, attributes = match.groups()
        values = {key: unescape(value) for key, value in _ATTRIBUTE.findall(attributes)}
        if name == "img":
            return self._image(values)
        if name == "input":
            return f'<input type="checkbox" disabled {"checked" if "checked" in values else ""} aria-label="done">'
        if name != "a":
            return match.group().replace(' class=""', "")
        if closing:
            return self._closing.pop() if self._closing else ""
        return self._open(values.get("href", ""), values.get("title", ""))

    def _open(self, href: str, title: str) -> str:
        address = web_address(href) or self._page_of(href)
        if not address:
            self._closing.append(f" <code>{text(href)}</code>" if href and not href.startswith("#") else "")
            return ""
        self._closing.append("</a>")
        hint = f' title="{text(title)}"' if title else ""
        return f'<a href="{text(address)}"{hint} rel="noreferrer">'

    def _image(self, values: Mapping[str, str]) -> str:
        source, label = values.get("src", ""), values.get("alt", "")
        label = label or PurePosixPath(source).name or "picture"
        address = web_address(source)
        if "</a>" in self._closing:
            return text(label)
        if not address:
            return f"{text(label)} <code>{text(source)}</code>" if source else text(label)
        return f'<a class="kb-picture" href="{text(address)}" rel="noreferrer">{text(label)}</a>'

    def _page_of(self, href: str) -> str:
        """The page of the paper whose file a relative link names, or ""."""
        path = PurePosixPath(href.partition("#")[0])
        if path.suffix != ".md" or path.is_absolute():
            return ""
        try:
            page = self._pages.get(key_of(unquote(path.name))) or self._pages.get(key_of(path.name))
        except UnicodeDecodeError:
            return ""
        return f"{page}.html" if page else ""
