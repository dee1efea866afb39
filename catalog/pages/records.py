"""Reading records of strangers: JSON may hold anything, a page asks for what it can show."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from catalog.pages.quantity import number

MOST = 50


def mapping(value: Any) -> Mapping[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def items(value: Any) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def string(value: Any, longest: int = 10_000) -> str:
    """The value if it is a text, cut where it is longer than anyone writes; else ""."""
    said = value if isinstance(value, str) else ""
    return said if len(said) <= longest else said[:longest] + " …"


def quantity(value: Any) -> float | None:
    """The value if it is a number, which may be infinite or none; else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def finite(value: Any) -> float | None:
    """The value if it is a number that can be drawn and sorted; else None."""
    found = quantity(value)
    return found if found is not None and math.isfinite(found) else None


def plain(value: Any) -> str:
    """A setting as text: a number, a word, or a list of such."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if (found := quantity(value)) is not None:
        return number(found)
    if isinstance(value, list):
        return ", ".join(filter(None, (plain(item) for item in value[:MOST] if not isinstance(item, list))))
    return string(value)


def versions(environment: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Python's version and those of libraries, of what a record says it ran with."""
    named = [("python", environment.get("python")), *mapping(environment.get("versions")).items()]
    return [(name, string(version, 60)) for name, version in named[:MOST] if string(version)]
