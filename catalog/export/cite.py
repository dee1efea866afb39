"""Papers as lines of a reference list, in a style of the Citation Style Language."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

from catalog.citing import Style, as_html, as_markdown, as_text, cite, named
from catalog.export.csl import Item, item
from catalog.facts import Facts

Form = Literal["text", "html", "markdown"]
FORMS: tuple[str, ...] = get_args(Form)
STYLE = "apa"
_WRITERS = {"text": as_text, "html": as_html, "markdown": as_markdown}


def citations(papers: Iterable[Facts], style: str | Style = STYLE, form: Form = "text") -> list[str]:
    """A line for each paper, in the order given, which is the order of a style that numbers them.

    `style` is one of `catalog.citing.NAMES`, or one that `read_style` has read. Raises `KbError` for an unknown one.
    """
    chosen = named(style) if isinstance(style, str) else style
    return [_WRITERS[form](cite(chosen, item(facts), number)) for number, facts in enumerate(papers, start=1)]


def in_styles(made: Item, styles: Iterable[str]) -> list[str]:
    """One paper, as `item` makes it, in each of these styles."""
    return [as_text(cite(named(style), made)) for style in styles]


def citation(facts: Facts, style: str | Style = STYLE) -> str:
    """One paper in a line: "Hu, E. J., & Shen, Y. (2021). LoRA: Low-rank adaptation …"."""
    return citations([facts], style)[0]
