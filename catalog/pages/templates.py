"""The templates of the pages, filled so that every value is text unless it was cleaned before."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from catalog.pages.assets import THEME
from catalog.pages.escape import text


def fill(name: str, **values: Any) -> str:
    """The template as HTML on one line, which no reader of Markdown takes apart."""
    lines = _template(name).render(**values).split("\n")
    return " ".join(line.strip() for line in lines if line.strip())


def cleaned(markup: str) -> Any:
    """Marks HTML as clean: it goes into a template as it is."""
    from markupsafe import Markup

    return Markup(markup)  # noqa: S704  # only for what nh3 cleaned or `text` encoded


def filter_link(home: str) -> Callable[[str, object], str]:
    """Addresses of the table of papers, filtered."""
    return lambda name, value: f"{home}#{urlencode({name: value}, errors='replace')}"


@lru_cache(maxsize=8)
def _template(name: str) -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(THEME / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=lambda value: value if hasattr(value, "__html__") else cleaned(text(value)),
    )
    return environment.get_template(name)
