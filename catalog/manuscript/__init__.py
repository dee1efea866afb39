"""Manuscripts of every kind: which keys a text cites, and which files it takes in."""

from __future__ import annotations

import re

from catalog.manuscript.latex import read_aux, read_bcf, read_tex
from catalog.manuscript.markdown import read_markdown, read_notebook
from catalog.manuscript.markup import read_asciidoc, read_lyx, read_org, read_rst, read_typst
from catalog.manuscript.parts import Commands, Include, Reading

READERS = {
    "aux": read_aux, "bcf": read_bcf, "ipynb": read_notebook, "org": read_org, "typ": read_typst, "lyx": read_lyx,
    **dict.fromkeys(("adoc", "asciidoc"), read_asciidoc),
    **dict.fromkeys(("rst", "rest"), read_rst),
    **dict.fromkeys(("md", "markdown", "mdown", "qmd", "rmd", "rmarkdown", "mdx", "myst"), read_markdown),
}  # fmt: skip
TEX = frozenset({"tex", "ltx", "latex", "sty", "cls", "rnw", "dtx", "tikz", "pgf"})
NOT_TEXT = frozenset({"pdf", "docx", "doc", "odt", "rtf", "epub", "pages", "zip"})
_AUX = re.compile(r"^\\(?:relax\b|citation\{|abx@aux@|bibstyle\{|bibdata\{|@input\{|gdef\s*\\@abspage)", re.M)
_BCF = re.compile(r"<bcf:controlfile")
_TEX = re.compile(r"\\(?:documentclass|begin\s*\{|[A-Za-z]*cite[a-z]*\*?\s*[\[{]|input\b|section\s*\{)")


def ending(name: str) -> str:
    """The ending of a file's name, in lower case, without the dot; "" where it has none."""
    return name.lower().rpartition(".")[2] if "." in name.rpartition("/")[2] else ""


def read(text: str, name: str = "", commands: Commands = {}) -> Reading:  # noqa: B006 - never changed
    """What a manuscript's file says. Its kind is told by the ending of its `name`, or else by what is in it.

    `commands` are the citing commands that other files of a LaTeX manuscript define.
    """
    kind = ending(name)
    if kind not in READERS and kind not in TEX:
        kind = "aux" if _AUX.search(text) else "bcf" if _BCF.search(text) else "tex" if _TEX.search(text) else "md"
    return READERS[kind](text) if kind in READERS else read_tex(text, commands)


__all__ = ["NOT_TEXT", "READERS", "TEX", "Commands", "Include", "Reading", "ending", "read"]
