"""The merged .bib of a knowledge base, made of what the index holds: no paper file is opened for it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from catalog.export.bib import Bib, Held, inherits, merge
from catalog.snapshot import Snapshot

if TYPE_CHECKING:
    from catalog.bibtex.normal import Wanted
    from catalog.search.tree import Query

_FEW = 200  # papers; of more, every file is looked at before


def bibliography(
    snapshot: Snapshot, asked: Query | None, shared: str, normal: Wanted | None, cited: Collection[str] | None,
    unsure: Collection[str], sort: str,
) -> Bib:  # fmt: skip
    """The entries of the papers that a query finds, or of the keys that a manuscript cites.

    Of a few papers nothing but themselves is read, unless one inherits from others.
    """
    few = _few(snapshot, asked) if asked and cited is None else None
    if few is not None and not any(map(inherits, few)):
        return merge(few, shared, None, normal, whole=False, sort=sort)
    index = snapshot.index(whole=True)
    every: list[Held] = [*index.entries(), *index.without_entries()]
    keys = {line.key for line in index.lines(asked).papers} if asked else None
    chosen = [paper for paper in every if keys is None or paper.key in keys]
    others = [paper for paper in every if keys is not None and paper.key not in keys]
    only = None if cited is None else [*cited, *unsure]
    made = merge(chosen, shared, only, normal, asked is None and cited is None, others, sort)
    return replace(made, missing=tuple(key for key in made.missing if key not in unsure))


def _few(snapshot: Snapshot, asked: Query) -> Sequence[Held] | None:
    """The papers that a query finds; None where those are many."""
    if len(snapshot.index().lines(asked, limit=_FEW + 1).papers) > _FEW:
        return None
    return snapshot.answer(lambda index: index.answer(asked)).papers
