"""The merged .bib of a knowledge base, made of what the index holds: no paper file is opened for it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from catalog.export.bib import Bib, Held, inherits, merge
from catalog.files import decoded, read_bytes
from catalog.search import rows
from catalog.snapshot import Snapshot

if TYPE_CHECKING:
    from catalog.bibtex.normal import Wanted
    from catalog.export.refs import Refs
    from catalog.search.tree import Query

_FEW = 200  # papers; of more, every file is looked at before


def bibliography(
    snapshot: Snapshot, asked: Query | None, shared: str, normal: Wanted | bool | None, cited: Collection[str] | None,
    unsure: Collection[str], sort: str,
) -> Bib:  # fmt: skip
    """The entries of the papers that a query finds, or of the keys that a manuscript cites.

    Of a few papers nothing but themselves is read, unless one inherits from others.
    """
    style = _style(normal)
    only = None if cited is None else [*cited, *unsure]
    few = _few(snapshot, asked) if asked and only is None else _cited(snapshot, only) if only and not asked else None
    if few is not None and not any(map(inherits, few)):
        return merge(few, shared, only, style, whole=False, sort=sort)
    index = snapshot.index(whole=True)
    every: list[Held] = [*index.ask(rows.entries), *index.ask(rows.without_entries)]
    keys = {line.key for line in index.lines(asked).papers} if asked else None
    chosen = [paper for paper in every if keys is None or paper.key in keys]
    others = [paper for paper in every if keys is not None and paper.key not in keys]
    made = merge(chosen, shared, only, style, asked is None and cited is None, others, sort)
    return replace(made, missing=tuple(key for key in made.missing if key not in unsure))


def _style(normal: Wanted | bool | None) -> Wanted | None:
    """The style that is asked for; True asks for the usual one."""
    if normal is True:
        from catalog.bibtex.normal import Wanted

        return Wanted()
    return normal or None


def _few(snapshot: Snapshot, asked: Query) -> Sequence[Held] | None:
    """The papers that a query finds; None where those are many."""
    if len(snapshot.index().lines(asked, limit=_FEW + 1).papers) > _FEW:
        return None
    return snapshot.answer(lambda index: index.answer(asked)).papers


def _cited(snapshot: Snapshot, names: Sequence[str]) -> Sequence[Held] | None:
    """The papers that a manuscript's keys name; None where those are many, or one is found in the entries alone."""
    if len(names) > _FEW:
        return None
    index = snapshot.index()
    owners = {name: [k for fact in ("key", "alias") for k in index.with_fact(fact, name.casefold())] for name in names}
    keys = list(dict.fromkeys(key for found in owners.values() for key in found))
    if not all(owners.values()) or snapshot.store.renewed(index, keys):
        return None
    return [facts for key in keys if (facts := index.get(key))]


def joined(made: str, path: Path, known: Callable[[Collection[str]], str]) -> Refs:
    """A .bib of ours with what a file holds that is not ours; `known` gives the entries of other keys as a .bib."""
    from catalog.export.refs import entries_of, join

    try:
        data, remedy = read_bytes(path), "its entries cannot be kept; --replace writes over it"
    except FileNotFoundError:
        return join(made, "", {})
    there = decoded(data, str(path), remedy).removeprefix("\ufeff").replace("\r\n", "\n")
    ours = entries_of(made)
    others = entries_of(there).keys() - ours.keys()
    return join(made, there, {**(entries_of(known(others)) if others else {}), **ours})
