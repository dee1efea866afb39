"""What was gathered becomes a paper, with what the user says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from catalog.errors import KbError
from catalog.ingest.draft import Draft
from catalog.models import Paper
from catalog.sources.adding import Gathered


class Added(NamedTuple):
    """What became of one thing that was to be added.

    `key` is the paper's, "" where there is none: then `wrong` says why, or `choice` are works that may be meant. `new`
    says whether it was added now; `note` is to be said of one that was.
    """

    what: str
    key: str = ""
    new: bool = False
    note: str = ""
    wrong: str = ""
    choice: tuple[Draft, ...] = ()


def take(gathered: Gathered, add: Callable[[Draft], tuple[Paper, bool]], more: Mapping[str, Any]) -> Added:
    """Add the work that was gathered; `more` are fields that the user says (tags, status, links …)."""
    what, draft = gathered.what, gathered.draft
    if draft is None:
        return Added(what, gathered.there, False, gathered.note, gathered.wrong, gathered.choice)
    own = {name: value for name, value in more.items() if value and name not in ("links", "tags", "notes")}
    full = replace(
        draft, **own, links=(*more.get("links", ()), *draft.links), tags=(*draft.tags, *more.get("tags", ())),
        notes="\n\n".join(filter(None, (draft.notes, more.get("notes", "")))),
    )  # fmt: skip
    try:
        paper, new = add(full)
    except KbError as e:
        return Added(what, wrong=str(e))
    return Added(what, paper.key, new, gathered.note)
