"""What Markdown cites: pandoc's `[@key]`, as Quarto, R Markdown and many editors have it, and MyST's roles."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from catalog.manuscript.latex import latex_keys
from catalog.manuscript.parts import Include, Reading, unique
from catalog.text import Lines

if TYPE_CHECKING:
    from markdown_it.token import Token

_FRONT = re.compile(r"\A\ufeff?---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*$", re.S | re.M)
_KEY = re.compile(
    r"(?<![\w\\])@(?:\{(?P<braced>[^{}\s]+)\}|(?P<bare>\w(?:\w|[:.#$%&+?<>~/-](?=\w)|[:/](?=/))*)|(?P<all>\*))"
)
_CITES = re.compile(
    r"@|cite|bibentry|cquote|\{c[:}]", re.I
)  # a text with none of it cites nothing, and is not taken apart
_ADDRESS = re.compile(r"(?<!@\{)\bhttps?://\S+")
_DATA_CITE = re.compile(r"<cite\s[^<>]*\bdata-cite=[\"']([^\"'<>]+)[\"']", re.I)
_CROSS_REFERENCE = re.compile(
    r"(?:fig|tbl|sec|eq|lst|thm|lem|cor|prp|cnj|def|exm|exr|sol|rem|alg|tip|nte|wrn|imp|cau|apx|vid)-[\w-]+"
    r"|(?:fig|tab|eq|sec|lst):[\w:-]+"
)
_TAG = re.compile(
    r"<!--(?:.*?-->|.*)|<(?P<code>script|style|pre|code)\b(?:.*?</(?P=code)\s*>|.*)|<[^<>]*>", re.S | re.I
)
_ROLE = re.compile(r"\{(?:foot)?(?:cite|c)(?::[\w:*]+)?\}\Z")
_ROLE_NOTE = re.compile(r"\{[^{}]*\}")
_OPTION = re.compile(r"^[ \t]*(?:#|//|--|%)\|(.*)$", re.M)
_INCLUDE = re.compile(r"\{\{<\s*include\s+(?P<quarto>[^\s>]+)\s*>\}\}|^[ \t]*:?\{include\}[ \t]*(?P<myst>\S+)", re.M)
_CHILD = re.compile(r"\bchild\s*=\s*(?:c\(([^()]*)\)|(\"[^\"]*\"|'[^']*'))")
_QUOTED = re.compile(r"[\"']([^\"']+)[\"']")


def read_markdown(text: str) -> Reading:
    """What Markdown cites, in its front matter too; code, comments and addresses do not count."""
    text = text.replace("\r\n", "\n")
    front = _FRONT.match(text)
    meta = "\n".join(line for line in front[1].split("\n") if not line.lstrip().startswith("#")) if front else ""
    body = text[front.end() :] if front else text
    tokens = _tokens(body) if _CITES.search(body) else []
    found = [*_keys(meta, nocite="nocite" in meta), *(key for piece in _pieces(tokens) for key in piece)]
    keys = [key for key in found if not _CROSS_REFERENCE.fullmatch(key)]
    unsure = [key for key in found if _CROSS_REFERENCE.fullmatch(key)]
    unsure += [key for token in tokens for key in latex_keys(_text(token))]  # in what becomes HTML it cites nothing
    return Reading(unique(keys), unique(unsure), includes=tuple(_includes(text)))


def read_notebook(text: str) -> Reading:
    """What the Markdown cells of a Jupyter notebook cite."""
    try:
        cells = json.loads(text).get("cells", [])
        sources = [cell.get("source", "") for cell in cells if cell.get("cell_type") == "markdown"]
    except (ValueError, AttributeError, RecursionError):
        return Reading()
    joined = "\n\n".join("".join(map(str, source)) if isinstance(source, list) else str(source) for source in sources)
    return read_markdown(joined)


def _tokens(text: str, html: bool = True) -> list[Token]:
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": html}).disable(["reference", "text_join"])
    return reader.parse(text)


def _text(token: Token) -> str:
    return "".join(child.content for child in token.children or () if child.type in ("text", "text_special"))


def _keys(text: str, nocite: bool = False) -> list[str]:
    found = _KEY.finditer(_ADDRESS.sub(" ", text))
    return [m["braced"] or m["bare"] or "*" for m in found if nocite or not m["all"]]


def _pieces(tokens: Sequence[Token]) -> Iterator[list[str]]:
    before = ""
    for token in tokens:
        if token.type in ("text", "text_special"):
            yield [] if token.type == "text_special" else _keys(token.content)
            before = token.content
            continue
        if token.type == "fence":
            yield [key for option in _OPTION.findall(token.content) for key in _keys(option)]
        elif token.type == "code_inline" and _ROLE.search(before):
            yield [key.strip() for key in _ROLE_NOTE.sub("", token.content).split(",")]
        elif token.type == "html_inline":
            yield _named(token.content)
        elif token.type == "html_block":
            yield _named(token.content)
            yield from _pieces(_tokens(_TAG.sub(" ", token.content), html=False))
        elif token.children:
            yield from _pieces(token.children)
        before = ""


def _named(html: str) -> list[str]:
    """The keys of `<cite data-cite="key">`, as notebooks have it."""
    return [key.strip() for keys in _DATA_CITE.findall(html) for key in keys.split(",")]


def _includes(text: str) -> Iterator[Include]:
    lines = Lines(text)
    for found in _INCLUDE.finditer(text):
        name = found["quarto"] or found["myst"]
        yield Include(found.group().strip(), name.strip("\"'"), lines.of(found.start()), "", True)
    for found in _CHILD.finditer(text):
        for name in _QUOTED.findall(found[1] or found[2]):
            yield Include(f"child={name}", name, lines.of(found.start()), "", True)
