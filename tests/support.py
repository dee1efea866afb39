"""Types that tests share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from catalog.bibtex.spoken import name
from catalog.facts import Address, Facts, Reading
from catalog.text import with_math


@dataclass
class Ran:
    """What a call of `kb` did."""

    status: int
    out: str
    err: str


Kb = Callable[..., Ran]


def known(
    key: str, title: str = "", authors: Iterable[str] = (), year: int = 0, *, et_al: bool = False,
    links: Iterable[tuple[str, str, str]] = (), abstract: str = "", doi: str = "", arxiv: str = "", status: str = "unread",
    added: str = "", read: str = "", due: str = "", **more: Any,
) -> Facts:  # fmt: skip
    """Facts out of plain values: names as a list writes them, links as (kind, url, label)."""
    return Facts(
        key=key,
        title=with_math(title),
        people=(("author", tuple(map(name, authors))),) if authors else (),
        others=et_al,
        date=f"{year:04}" if year > 0 else "",
        addresses=tuple(Address(*link) for link in links),
        abstract=with_math(abstract),
        ids=tuple(pair for pair in (("doi", doi), ("arxiv", arxiv)) if pair[1]),
        reading=Reading(status, added, read, due),
        **more,
    )
