"""How politely each service is asked: how often, how much a day, and where a key of the user's goes."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from catalog.files import read_text
from catalog.toml import read_toml


@dataclass(frozen=True, slots=True)
class Host:
    """A service: its name, the seconds between two requests, and what may be spent of it on a day (0: no bound).

    `key` names the key that raises the bound to `with_key`; it goes into the header or parameter `into`. `keeps` is how
    long its answers count (seconds), also that something is not there, where that is longer than usual.
    """

    name: str
    every: float = 1.0
    daily: int = 0
    key: str = ""
    into: str = ""
    with_key: int = 0
    with_key_every: float = 0.0
    keeps: float = 0.0


_ARXIV, _GITHUB = Host("arXiv", 3.0), Host("GitHub", 0.5)
HOSTS: Mapping[str, Host] = {
    "export.arxiv.org": _ARXIV,
    "arxiv.org": _ARXIV,
    "doi.org": Host("doi.org", 0.2),
    "api.crossref.org": Host("Crossref", 0.2),
    "api.datacite.org": Host("DataCite", 0.2),
    # a work by its id costs nothing; a list costs 1, a search 10 of what a day without a key allows
    "api.openalex.org": Host("OpenAlex", 0.1, 100, "openalex", "?api_key", 10_000),
    "api.semanticscholar.org": Host("Semantic Scholar", 1.1, 0, "semanticscholar", "x-api-key"),
    "dblp.org": Host("DBLP", 1.0),
    "aclanthology.org": Host("the ACL Anthology", 0.5),
    "api2.openreview.net": Host("OpenReview", 0.5),
    "api.openreview.net": Host("OpenReview", 0.5),
    "eutils.ncbi.nlm.nih.gov": Host("PubMed", 0.35, 0, "ncbi", "?api_key", with_key_every=0.11),
    "pmc.ncbi.nlm.nih.gov": Host("PubMed Central", 0.35),
    "openlibrary.org": Host("Open Library", 1.0),
    "huggingface.co": Host("Hugging Face", 0.65, 0, "huggingface", "bearer", keeps=30 * 86_400.0),
    "raw.githubusercontent.com": _GITHUB,
    "archive.org": Host("the Internet Archive", 1.0),
}
_VARIABLES = {
    "openalex": "OPENALEX_API_KEY",
    "semanticscholar": "S2_API_KEY",
    "ncbi": "NCBI_API_KEY",
    "huggingface": "HF_TOKEN",
}


def host_of(name: str) -> Host:
    """How a host is asked that is none of the services."""
    return HOSTS.get(name) or Host(name)


def keys() -> dict[str, str]:
    """The user's keys by service: of the environment, else of the `[keys]` in the user's own settings."""
    said = settings().get("keys", {})
    there = {name: str(value) for name, value in said.items()} if isinstance(said, dict) else {}
    return there | {name: os.environ[at] for name, at in _VARIABLES.items() if os.environ.get(at)}


def contact() -> str:
    """Whom hosts may write to, as the user's own settings say; "" where they say no address."""
    from catalog.store.config import CHECKS

    said = settings().get("contact", "")
    try:
        CHECKS["contact"](said)
    except (ValueError, TypeError):
        return ""
    return str(said) if said != "git" else ""


def settings_file() -> Path | None:
    """`~/.config/readrun/config.toml`, or where the system keeps such; None where this user has no home."""
    if named := os.environ.get("XDG_CONFIG_HOME" if sys.platform != "win32" else "APPDATA"):
        return Path(named) / "readrun" / "config.toml" if Path(named).is_absolute() else None
    try:
        return Path.home() / ".config" / "readrun" / "config.toml"
    except RuntimeError:
        return None


def settings() -> dict[str, object]:
    """The user's own settings, which no clone can bring: `contact`, and `[keys]`. Raises `BadFile`."""
    path = settings_file()
    try:
        text = read_text(path).removeprefix("\ufeff") if path else ""
    except FileNotFoundError:
        return {}
    return read_toml(text, str(path), "config", "correct it, or remove it")
