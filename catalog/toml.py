"""TOML that others left, read in time that grows with its length alone: any text gives values or a finding."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

from catalog.errors import BadFile, Finding

LONGEST = 5_000_000
_MOST_DOTS = 200  # in a line: the standard library takes the square of the parts of a dotted name
_AT_LINE = re.compile(r"\(at line (\d+), column \d+\)")


def read_toml(text: str, path: str, code: str, remedy: str) -> dict[str, Any]:
    """The values of a TOML text; raises `BadFile` with a finding of that code and remedy where it is none."""
    if len(text) > LONGEST:
        raise BadFile(Finding(code, f"{len(text):,} characters; at most {LONGEST:,} are read", remedy, path))
    if text.count(".") > _MOST_DOTS:
        for number, line in enumerate(text.split("\n"), 1):
            if line.count(".") > _MOST_DOTS:
                raise BadFile(Finding(code, f"more than {_MOST_DOTS} dots in a line", remedy, path, number))
    try:
        return tomllib.loads(text.removeprefix("\ufeff"))
    except RecursionError:
        lines = text.split("\n")
        deepest = max(range(len(lines)), key=lambda number: lines[number].count("[") + lines[number].count("{")) + 1
        raise BadFile(Finding(code, "not valid TOML: nested too deeply", remedy, path, deepest)) from None
    except ValueError as e:
        found = _AT_LINE.search(str(e))
        said = _AT_LINE.sub("", str(e)).strip() or "not valid TOML"
        raise BadFile(Finding(code, f"not valid TOML: {said}", remedy, path, int(found[1]) if found else 0)) from None


def line_of(text: str, name: str) -> int:
    """The line on which a name stands, from 1; 1 where it does not."""
    found = re.search(rf"^[ \t]*['\"]?{re.escape(name)}\b", text, re.M)
    return text.count("\n", 0, found.start()) + 1 if found else 1


def quoted(text: str) -> str:
    """A text as a basic string: JSON's form, in which TOML also wants DEL escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
