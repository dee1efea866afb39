"""What a site is told about itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SiteOptions:
    """Title and description of the site, the address it will have (or ""), and the merged .bib it offers.

    Where `bib` is "", the entries are joined as they are. `trusted` says that the user has agreed to what the root's
    own `mkdocs.yml` says, whatever that is.
    """

    title: str = "Reading list"
    description: str = ""
    url: str = ""
    bib: str = ""
    trusted: bool = False
