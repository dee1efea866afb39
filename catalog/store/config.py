"""`kb.toml`: where a knowledge base is, and its settings."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

from catalog.errors import BadFile, Finding, KbError

CONFIG = "kb.toml"


@dataclass(frozen=True, slots=True)
class Config:
    """`kb.toml`, all of it optional.

    `overdue_days` is how long a paper may stay unread before `kb stats` says so; `implemented` is a query for the
    papers of which `kb check` demands an implementation.
    """

    title: str = "Reading list"
    papers: str = "papers"
    overdue_days: int = 90
    site_url: str = ""
    implemented: str = ""


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
    raise KbError(f"no {CONFIG} in {start} or above; `kb init` makes a knowledge base, or name one with --root")


def read_config(root: Path) -> Config:
    """The settings of a knowledge base; raises `BadFile` on an unknown name or a value of the wrong kind."""
    path = root / CONFIG
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise BadFile(Finding("config", f"not valid TOML: {e}", "an empty file is fine", CONFIG)) from None
    known = {field.name: field for field in fields(Config)}
    for name, value in values.items():
        if name not in known:
            raise BadFile(Finding("config", f"{name}: no such setting", f"known are {', '.join(known)}", CONFIG))
        if type(value).__name__ != known[name].type:
            raise BadFile(Finding("config", f"{name}: {value!r} is not a {known[name].type}", "correct it", CONFIG))
    config = Config(**values)
    if Path(config.papers).is_absolute() or ".." in Path(config.papers).parts or config.papers in ("", "."):
        raise BadFile(
            Finding("config", f"papers: {config.papers!r} is not a folder below {CONFIG}", "name one", CONFIG)
        )
    return config
