"""readrun: a reading list as typed paper files, and what is done with them. `kb` is its command.

`from catalog import Library` is the way in from Python; it is loaded when asked for.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as in typing, which takes as long to load as a completion
if TYPE_CHECKING:
    from typing import Any

    from catalog.errors import Finding, KbError
    from catalog.facts import Facts
    from catalog.library import Library
    from catalog.models import Link, Paper, Status, Tutorial

__version__ = "0.2.0"
__all__ = ["Facts", "Finding", "KbError", "Library", "Link", "Paper", "Status", "Tutorial", "__version__"]

_HOMES = {
    "Finding": "errors", "KbError": "errors", "Library": "library", "Link": "models", "Paper": "models",
    "Facts": "facts", "Status": "models", "Tutorial": "models",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'catalog' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"catalog.{_HOMES[name]}"), name)
