"""What a site is told about itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SiteOptions:
    """Title and description of the site, the address it will have (or "").

    `shared` is what the entries of its papers share (`shared.bib`). `trusted` says that the user has agreed to what the
    root's own `mkdocs.yml` says, whatever that is.
    """

    title: str = "Reading list"
    description: str = ""
    url: str = ""
    shared: str = ""
    trusted: bool = False
