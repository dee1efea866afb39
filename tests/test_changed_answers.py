"""Answers that were changed anywhere are works, or one line: never a traceback, never half a paper."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from answers import atom, atom_entry, crossref, found, page, pubmed
from hypothesis import given, settings
from hypothesis import strategies as st
from services import Reply, World

from catalog.errors import KbError
from catalog.ingest.draft import Draft
from catalog.ingest.fetch import Answer
from catalog.models import Paper
from catalog.sources import Client, look_up, recognise
from catalog.sources.said import facts_of
from catalog.sources.titles import candidates

ODD: list[Any] = [
    None, "", 0, -1, True, [], {}, "x" * 3000, "\ud800", "<i>a</i> & b", "2031-99-99", "{", "}", "\x00\x1f\u2028", [None], [[]], {"a": None},
    ["x", 1], 10**30, 1.5, "https://[", "javascript:alert(1)", "10.5555/<a>\"b", "@article{", "﷽" * 50, {"value": {"value": 1}}, [[{"name": 7}]],
]  # fmt: skip


def changed(data: Any, chance: random.Random, times: int) -> Any:
    """A copy of which some values, anywhere, are something else."""
    data = copy.deepcopy(data)
    for _ in range(times):
        places = list(_places(data))
        holder, key = chance.choice(places)
        holder[key] = copy.deepcopy(chance.choice(ODD))
    return data


def _places(data: Any) -> Iterator[tuple[Any, Any]]:
    for key in list(data) if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ():
        yield data, key
        yield from _places(data[key])


def _world() -> tuple[World, dict[str, str]]:
    world = World()
    names = found(world)
    world.routes["api.crossref.org/works?query"] = Reply(
        {"message": {"items": [crossref("10.5555/w", "Sorting Whales", [("A", "B")])]}}
    )
    hit = {
        "info": {
            "authors": {"author": [{"text": "A B"}]},
            "title": "Sorting Whales.",
            "year": "2031",
            "key": "a/b",
            "venue": ["X", "Y"],
        }
    }
    world.routes["dblp.org/search"] = Reply({"result": {"hits": {"hit": [hit]}}})
    world.routes["export.arxiv.org/api/query?search"] = atom(atom_entry("3103.00001", "Sorting Whales", ["A B"]))
    return world, names


WORLD, NAMES = _world()


def _asker(change: Callable[[Reply], Reply]) -> Callable[..., Answer]:
    def ask(url: str, **_: object) -> Answer:
        where = url.removeprefix("https://")
        starts = [start for start in WORLD.routes if where.startswith(start)]
        route = WORLD.routes[max(starts, key=len)] if starts else Reply("no", 404)
        reply = change(route if isinstance(route, Reply) else route(where, b""))
        data = reply.data() if not isinstance(reply.body, dict | list) else json.dumps(reply.body).encode()
        return Answer(reply.status, url, data.decode("utf-8", "replace"), content_type=reply.media(), data=data)

    return ask


def _tried(act: Callable[[], Draft | list[Draft]]) -> None:
    try:
        done = act()
    except KbError as e:
        assert str(e)
        assert "\n" not in str(e)
        return
    for draft in done if isinstance(done, list) else [done]:
        facts = facts_of(draft)
        assert facts.title or facts.key
        Paper(key="k", title=draft.title, authors=draft.authors, venue=draft.venue, ids=dict(draft.ids), abstract=draft.abstract,
              date=draft.date, year=draft.year, links=draft.links, bibtex=draft.bibtex)  # fmt: skip


@given(seed=st.integers(0, 10**9), times=st.integers(1, 6), name=st.sampled_from([*NAMES, "title"]))
@settings(max_examples=250)
def test_values_that_changed_anywhere(seed: int, times: int, name: str) -> None:
    chance = random.Random(seed)

    def change(reply: Reply) -> Reply:
        if isinstance(reply.body, dict | list):
            return Reply(changed(reply.body, chance, times), reply.status, reply.kind)
        text = reply.data().decode()
        for _ in range(times):
            at = chance.randrange(len(text) + 1)
            text = (
                text[:at]
                + chance.choice(["", "<", "{", '"', "\x00", "é", "&#0;", "</entry>", "\\"])
                + text[at + chance.randrange(12) :]
            )
        return Reply(text, reply.status, reply.kind)

    client = Client(_asker(change), sleep=lambda _: None)
    if name == "title":
        _tried(lambda: candidates("sorting whales", client))
        return
    known = recognise(NAMES[name])
    assert known
    _tried(lambda: look_up(known, client))


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"{}", b'"x"', b"1", b"[" * 50_000, b"\xff\xfe\x00", page().encode(), pubmed(True).data()],
)
@pytest.mark.parametrize("name", NAMES)
def test_an_answer_of_another_kind(name: str, body: bytes) -> None:
    client = Client(_asker(lambda _: Reply(body, kind="application/json")), sleep=lambda _: None)
    known = recognise(NAMES[name])
    assert known
    _tried(lambda: look_up(known, client))
