"""Names of pages: from citation keys, safe in addresses and on every file system."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable

_RESERVED = re.compile(r"(?:index|readme|all-papers|con|prn|aux|nul|com\d|lpt\d)", re.I)


def slugs(keys: Iterable[str]) -> dict[str, str]:
    """A name for each key: ASCII letters, digits, `-` and `_`; no two alike, also when case is ignored.

    A key that is such a name keeps it, so addresses are stable while other papers come and go.
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    found = {key: _slug(key) for key in keys}
    for key in sorted(found, key=lambda k: (found[k] != k, k)):
        name, length = found[key], 6
        while name.lower() in taken:
            name = f"{found[key]}-{hashlib.sha256(key.encode('utf-8', 'replace')).hexdigest()[:length]}"
            length += 2
        taken.add(name.lower())
        names[key] = name
    return names


def _slug(key: str) -> str:
    ascii_key = unicodedata.normalize("NFKD", key).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^A-Za-z0-9_]+", "-", ascii_key)[:100].strip("-_")
    return f"paper-{slug}".rstrip("-") if not slug or _RESERVED.fullmatch(slug) else slug
