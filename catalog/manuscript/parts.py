"""What a manuscript's file says: the keys it cites, the files it takes in, the labels that are its own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from catalog.text import Lines

Commands = Mapping[str, tuple[str, int]]
r"""LaTeX commands of the author's own that cite: the kinds of their arguments ("m", "o", "s"), and which holds keys."""


class Include(NamedTuple):
    r"""A file that another takes in: as `written` there on `line`, and the `name` that it means, "" where none can be
    told. `folder` is what `\import` puts before it, `relative` to the place of the file that says so, or to the
    manuscript's. What is `optional` is not missed where it is not there.
    """

    written: str
    name: str
    line: int
    folder: str = ""
    relative: bool = False
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What one file says. `cites` are keys in order, each once; "*" is all.

    `unsure` may be citations or something else (`@fig-one`, a name in social media): they count where there is such a
    paper, and are not missed where there is none. `labels` are the file's own, which are no keys.
    """

    cites: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    labels: frozenset[str] = frozenset()
    includes: tuple[Include, ...] = ()
    commands: Commands = field(default_factory=dict)


def included(text: str, pattern: re.Pattern[str], written: str = "") -> tuple[Include, ...]:
    """The files that a text takes in where a pattern holds their names, as `written` there: all of it if not said."""
    lines = Lines(text)
    found = pattern.finditer(text)
    return tuple(Include(m.expand(written) or m.group().strip(), m[1], lines.of(m.start()), "", True) for m in found)


def unique(keys: Iterable[str]) -> tuple[str, ...]:
    """The keys in order, each once, without the empty ones."""
    return tuple(dict.fromkeys(key for key in keys if key))
