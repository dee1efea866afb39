"""`kb.toml`: where a knowledge base is, and what it is told about itself, checked at the border.

Without pydantic, whose import alone would double the time of `kb list`: a setting is a name, a default and a check.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from catalog.errors import BadFile, Finding, KbError
from catalog.facts import USED
from catalog.files import read_text
from catalog.keys import PATTERN, parse
from catalog.toml import line_of, read_toml

CONFIG = "kb.toml"
LONGEST = 1_000_000
_KINDS = MappingProxyType({
    str: ("a text", 'write it in quotes: "…"'), int: ("a whole number", "write it in digits, without quotes"),
    bool: ("true or false", "write one of the two, without quotes"), tuple: ("a list of words", 'write ["…", "…"]'),
})  # fmt: skip
_TAKEN = frozenset({"build", "lists", "readers", "reports", "runs", "site"})  # folders where kb keeps other things
_NEVER = frozenset({"..", ".git", ".kb"})  # in the path of anything that is read or written
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_UNFIT_IN_ADDRESS = re.compile(r"[\s\x00-\x1f\x7f-\x9f\"'<>`\\{}|^\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+", re.A)


@dataclass(frozen=True, slots=True)
class Config:
    """`kb.toml`, all of it optional.

    `overdue_days` is how long a paper may stay unread before `kb stats` says so; `implemented` is a query for the
    papers of which `kb check` demands an implementation; `contact` is how hosts that are asked can reach the one who
    asks: an address, or "git" for that of the git identity; `autocommit` makes one git commit a change; `used_fields`
    are the fields of entries that count as tags, status, notes and links; `key_pattern` is how a key is made for what
    comes without one; `journals` is a list of names of journals, for exports that change how entries are written;
    `lists` are the lists, or folders of them, that `kb sync` follows.
    """

    title: str = "Reading list"
    papers: str = "papers"
    overdue_days: int = 90
    site_url: str = ""
    implemented: str = ""
    contact: str = ""
    autocommit: bool = False
    used_fields: tuple[str, ...] = USED
    key_pattern: str = PATTERN
    journals: str = ""
    lists: tuple[str, ...] = ()


def find_root(start: Path, named: str | None = None) -> Path:
    """The knowledge base that is named, or the nearest folder upwards from `start` with a `kb.toml`."""
    if named:
        root = Path(named).expanduser().absolute()
        if not (root / CONFIG).is_file():
            raise KbError(f"{named}: no {CONFIG} there; `kb init {named}` makes a knowledge base")
        return root
    for folder in (start.absolute(), *start.absolute().parents):
        if (folder / CONFIG).is_file():
            return folder
        if os.path.lexists(folder / CONFIG):
            raise KbError(f"{folder / CONFIG} is no file that can be read; remove it, or put the file in its place")
    raise KbError(f"no {CONFIG} in {start} or above; `kb init` makes a knowledge base, or name one with --root")


class Settings(NamedTuple):
    """The settings of a knowledge base, where one cannot be its default; what is wrong; and whether anything is unsure.

    Sure is a file of which only a name is unknown, as a later version may write it.
    """

    config: Config
    wrong: tuple[Finding, ...] = ()
    unsure: bool = False


def read_config(root: Path) -> Settings:
    """The settings of a knowledge base; whatever stands in the file, there are some."""
    try:
        text = read_text(root / CONFIG, CONFIG, LONGEST)
        values = read_toml(text, CONFIG, "config", "an empty file is fine")
    except FileNotFoundError:
        return Settings(Config())
    except BadFile as e:
        return Settings(Config(), e.findings, True)
    known = [field.name for field in fields(Config)]
    wrong = []
    for name in values.keys() - set(known):
        shown = name[:60] if name.isprintable() else repr(name[:60])
        remedy = f"known are {', '.join(known)}"
        wrong.append(Finding("config", f"{shown}: no such setting", remedy, CONFIG, line_of(text, name)))
    right, unsure = {}, False
    for name in values.keys() & set(known):
        try:
            right[name] = _checked(name, values[name])
        except ValueError as e:
            unsure = True
            wrong.append(_bad(name, str(e), line_of(text, name)))
    return Settings(Config(**right), tuple(sorted(wrong, key=lambda one: one.line)), unsure)


def _checked(name: str, value: Any) -> Any:
    """The value of a setting; raises `ValueError` where it cannot be."""
    wanted = type(getattr(Config(), name))
    if wanted is tuple and isinstance(value, list) and all(isinstance(one, str) for one in value):
        value = tuple(value)
    if type(value) is not wanted:
        said = "a table or list" if isinstance(value, dict | list) else str(value)[:60]
        what, remedy = _KINDS[wanted]
        raise ValueError(f"{said} is not {what}; {remedy}")
    CHECKS[name](value)
    return value


def is_address(url: str) -> bool:
    """Whether a text is the address of a web page, and nothing that a page could take for more."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return (
        parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0 and not _UNFIT_IN_ADDRESS.search(url)
    )


def _bad(name: str, message: str, line: int) -> Finding:
    what, _, remedy = message.partition("; ")
    return Finding("config", f"{name}: {what}", remedy, CONFIG, line)


def _title(text: str) -> None:
    if len(text) > 200 or _UNFIT.search(text):
        raise ValueError(f"{text[:60]!r} is not a title; at most 200 characters on one line")


def _below(text: str, what: str, hidden: bool = False) -> Sequence[str]:
    """The parts of a path; raises `ValueError` where it leads to nothing below the root, or to what is `hidden`."""
    parts = PurePosixPath(text.replace("\\", "/")).parts
    outside = not parts or text.startswith(("/", "\\")) or not _NEVER.isdisjoint(map(str.lower, parts)) or ":" in text
    if outside or len(text) > 200 or _UNFIT.search(text) or (not hidden and any(part[0] == "." for part in parts)):
        kind, such = what.split(", ")
        raise ValueError(f"{text[:60]!r} is not a {kind} below {CONFIG}; name one, such as {such}")
    return parts


def _papers(text: str) -> None:
    if (first := _below(text, "folder, papers")[0].lower()) in _TAKEN:
        raise ValueError(f"{first}/ is where kb keeps other things; name another, such as papers")


def _overdue_days(days: int) -> None:
    if not 0 <= days <= 100_000:
        raise ValueError("not a number of days; write one from 0 to 100000")


def _site_url(url: str) -> None:
    parts = urlsplit(url) if is_address(url) else None
    if url and (parts is None or parts.query or parts.fragment or parts.username is not None or len(url) > 2000):
        raise ValueError(f"{url[:80]!r} is not an address; write https://host/path")


def _implemented(query: str) -> None:
    if len(query) > 10_000:
        raise ValueError("longer than a query may be; at most 10000 characters")


def _contact(text: str) -> None:
    if text not in ("", "git") and not (_MAIL.fullmatch(text) or (is_address(text) and len(text) <= 200)):
        raise ValueError(f"{text[:60]!r} is no address; write you@example.org, https://example.org/you or git")


def _used_fields(names: tuple[str, ...]) -> None:
    if unknown := [name for name in names if name not in USED]:
        raise ValueError(f"{unknown[0]!r:.60} is none of {', '.join(USED)}; an empty list uses nothing")


CHECKS: Mapping[str, Callable[[Any], object]] = MappingProxyType({
    "title": _title, "papers": _papers, "overdue_days": _overdue_days, "site_url": _site_url,
    "implemented": _implemented, "contact": _contact, "autocommit": lambda _: None,
    "used_fields": _used_fields, "key_pattern": parse,
    "journals": lambda text: text and _below(text, "file, journals.csv"),
    "lists": lambda paths: [_below(path, "list, README.md", hidden=True) for path in paths],
})  # fmt: skip


def checked(name: str, value: Any) -> None:
    """Raise `KbError` where a setting cannot have this value."""
    try:
        CHECKS[name](value)
    except ValueError as e:
        raise KbError(f"{name}: {e}") from None
