"""The JSON that `kb export json` writes, read back: of what it says, that which no entry or link says already."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from catalog.bibtex import dates
from catalog.bibtex.describe import describe
from catalog.facts import SCHEMA, Facts
from catalog.ingest.draft import Draft, Source
from catalog.models import Link, Paper, Status, Tutorial

_OURS = frozenset({"schema", "key", "people", "rich", "addresses", "bibtex", "extras"})


def read(text: str, path: str = "") -> Source | None:
    """The papers of our own JSON; None where the text is anything else."""
    if text.lstrip()[:1] != "[" or '"schema"' not in text[:200]:
        return None
    try:
        data = json.loads(text)
        if not all(one["schema"] == SCHEMA and one.keys() >= _OURS for one in data):
            return None
        return Source(tuple(_draft(one, place, path) for place, one in enumerate(data, start=1)))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, ValidationError):
        return None


def _draft(one: Mapping[str, Any], place: int, path: str) -> Draft:
    links = tuple(
        Link(name=a["kind"], url=a["url"], label=a["label"]) for a in one["addresses"] if a["origin"] == "link"
    )
    bibtex = str(one["bibtex"])
    said = describe(Paper(key=one["key"], links=links, bibtex=bibtex))
    read_on, added, due = (dt.date.fromisoformat(one[n]) if one[n] else None for n in ("read", "added", "due"))
    return Draft(
        key="" if bibtex else str(one["key"]), title="" if said.heading == one["title"] else str(one["title"]),
        bibtex=bibtex, links=links, tags=tuple(map(str, one["tags"])), notes=str(one["notes"]),
        status=Status(one["status"]), read=read_on, added=added, due=due,
        rating=int(one["rating"]), aliases=tuple(key for key in map(str, one["aliases"]) if key not in said.aliases),
        tutorials=tuple(Tutorial(**tutorial) for tutorial in one["tutorials"]), extras=dict(one["extras"]), order=place,
        line=place, path=path, **({} if bibtex else _of_the_work(one, said)),
    )  # fmt: skip


def _of_the_work(one: Mapping[str, Any], said: Facts) -> dict[str, Any]:
    """What a paper without an entry says itself of its work, beyond what follows from its links."""
    ids = {pair["name"]: pair["value"] for pair in one["ids"] if (pair["name"], pair["value"]) not in said.ids}
    given = str(one["date"]) != dates.of_arxiv(str(one["arxiv"]))
    return {
        "authors": tuple(map(str, one["authors"])), "date": str(one["date"]) if given else "",
        "venue": str(one["venue"]) if one["venue"] != said.venue else "", "kind": str(one["kind"]), "ids": ids,
        "abstract": str(one["abstract"]),
    }  # fmt: skip
