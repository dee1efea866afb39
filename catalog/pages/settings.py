"""What of a clone's `mkdocs.yml` is obeyed before the user has agreed to it: words and addresses, nothing that runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from catalog.errors import BadFile
from catalog.pages.escape import plain
from catalog.store.config import is_address

LONGEST = 200_000
DEEPEST = 6
MOST = 2_000
_WORD = re.compile(r"[\w. ()/:,'-]{1,100}")
_PAGE = re.compile(r"(?!/)(?:(?!\.\.)[\w~ .-]+/)*[\w~ .-]+\.(?:md|html|ipynb|pdf|txt)(?:#[\w.-]*)?")


def obeyed(body: bytes) -> tuple[dict[str, Any], list[str]]:
    """The settings that are safe, and the names of those that are left out."""
    from catalog.paperfile import read_yaml

    try:
        given = read_yaml(body[: LONGEST + 1].decode("utf-8-sig")) if len(body) <= LONGEST else None
    except (BadFile, UnicodeDecodeError):
        given = None
    if given is None:
        return {}, ["all of it"]
    safe: dict[str, Any] = {}
    left_out: list[str] = []
    for name, value in given.items():
        if name == "INHERIT":
            continue
        if name == "theme" and isinstance(value, dict):
            safe["theme"], left = _picked(value, THEME)
            left_out += [f"theme.{one}" for one in left]
        elif name in SETTINGS and (found := SETTINGS[name](value)) is not None:
            safe[name] = found
        else:
            left_out.append(name)
    return safe, [plain(name)[:60] for name in left_out]


def _picked(given: Mapping[str, Any], known: Mapping[str, Callable[[Any], Any]]) -> tuple[dict[str, Any], list[str]]:
    found = {name: known[name](value) if name in known else None for name, value in given.items()}
    left = [name for name, value in found.items() if value is None and given[name] != "material"]
    return {name: value for name, value in found.items() if value is not None}, left


def _title(value: Any) -> str | None:
    """A text as the theme may print it, which escapes nothing."""
    if not isinstance(value, str) or len(value) > 300:
        return None
    return plain(value).replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def _address(value: Any) -> str | None:
    return value if isinstance(value, str) and (not value or is_address(value)) else None


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and _WORD.fullmatch(value) else None


def _words(value: Any) -> list[str] | None:
    if not isinstance(value, list) or len(value) > MOST or not all(map(_word, value)):
        return None
    return value


def _palette(value: Any) -> Any:
    if isinstance(value, list):
        parts = [_palette(one) for one in value[:MOST]]
        return parts if all(part is not None for part in parts) else None
    if isinstance(value, dict):
        inner = {name: _palette(one) if name == "toggle" else _word(one) for name, one in value.items()}
        return inner if all(inner.values()) and all(map(_word, inner)) else None
    return None


def _nav(value: Any, depth: int = 0) -> Any:
    """Pages of the site and addresses elsewhere, under titles."""
    if isinstance(value, str):
        return value if _PAGE.fullmatch(value) or is_address(value) else None
    if isinstance(value, list) and len(value) <= MOST and depth < DEEPEST:
        parts = [_nav(one, depth + 1) for one in value]
        return parts if all(part is not None for part in parts) else None
    if isinstance(value, dict) and len(value) == 1 and depth < DEEPEST:
        [(name, inner)] = value.items()
        title, below = _title(name), _nav(inner, depth + 1)
        return {title: below} if title and below is not None else None
    return None


SETTINGS: Mapping[str, Callable[[Any], Any]] = MappingProxyType({
    "site_name": _title, "site_description": _title, "site_author": _title, "site_url": _address,
    "repo_url": _address, "repo_name": _title, "nav": _nav,
})  # fmt: skip
THEME: Mapping[str, Callable[[Any], Any]] = MappingProxyType({
    "language": _word, "features": _words, "palette": _palette,
})  # fmt: skip
