"""A hook of mkdocs: the page that compares methods stands in the navigation, also of a `mkdocs.yml` that says its own.

mkdocs loads this file by its path; it imports nothing of readrun.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

PAGE, TITLE = "compare.md", "Compare"


def on_config(config: Any) -> Any:
    """Put the page after the first entry, where there is such a page and the navigation does not name it."""
    nav = config.get("nav")
    if isinstance(nav, list) and not _names(nav) and (Path(config["docs_dir"]) / PAGE).is_file():
        config["nav"] = [*nav[:1], {TITLE: PAGE}, *nav[1:]]
    return config


def _names(nav: Any) -> bool:
    """Whether the page stands somewhere in it."""
    below = nav.values() if isinstance(nav, dict) else nav if isinstance(nav, list) else ()
    return nav == PAGE or any(_names(part) for part in below)
