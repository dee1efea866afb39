"""What was gathered becomes papers, with what the user says of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from catalog.ingest.draft import Added, Draft
from catalog.ingest.run import Addition
from catalog.sources.adding import Gathered


def take(
    gathered: Sequence[Gathered], add: Callable[[Sequence[Draft]], Sequence[Addition]], more: Mapping[str, Any]
) -> list[Added]:
    """Add the works that were gathered; `more` are fields that the user says (tags, status, links …)."""
    works = [(at, _full(one.draft, more)) for at, one in enumerate(gathered) if one.draft]
    done = dict(zip((at for at, _ in works), add([draft for _, draft in works]) if works else (), strict=True))
    return [_added(one, done.get(at)) for at, one in enumerate(gathered)]


def _full(draft: Draft, more: Mapping[str, Any]) -> Draft:
    """The draft with what the user says: lists are joined, the rest counts before what the source says."""
    own = {name: value for name, value in more.items() if value and name not in ("links", "tags", "notes")}
    return replace(
        draft,
        **own,
        links=(*more.get("links", ()), *draft.links),
        tags=(*draft.tags, *more.get("tags", ())),
        notes="\n\n".join(filter(None, (draft.notes, more.get("notes", "")))),
    )


def _added(one: Gathered, done: Addition | None) -> Added:
    if done is None:
        return Added(one.what, one.there, False, one.note, one.wrong, one.choice)
    if done.paper is None:
        return Added(one.what, wrong=str(done.wrong))
    return Added(one.what, done.paper.key, done.new, one.note)
