"""What a site is told about itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SiteOptions:
    """Title and description of the site, the address it will have (or ""), and the merged .bib it offers.

    Where `bib` is "", the entries are joined as they are.
    """

    title: str = "Reading list"
    description: str = ""
    url: str = ""
    bib: str = ""
