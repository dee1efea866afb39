"""The findings of each paper, kept in the index until its file changes, or the answer to what was asked beyond it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import astuple
from itertools import islice
from typing import TYPE_CHECKING

from catalog.check.world import Question, World, entry_in
from catalog.errors import BadFile, Finding, UnknownKey
from catalog.files import own_code
from catalog.search import checks
from catalog.search.index import Index
from catalog.snapshot import key_or_name
from catalog.store import Store
from catalog.store.disk import digest
from catalog.store.indexing import marks_of_version, unreadable

if TYPE_CHECKING:
    from catalog.check.sheet import Sheet

_AT_ONCE = 1000  # papers that are read before what was found in them is kept


def world_of(store: Store, index: Index, files: Collection[str], today: dt.date) -> World:
    """What the rules ask, answered by an index that is up to date with the files."""
    unread = unreadable(index)
    unread_keys = {key.casefold(): key for key in map(key_or_name, unread)}

    def key_of(folded: str) -> str:
        own = index.with_fact("key", folded)
        return own[0] if own else unread_keys.get(folded) or next(iter(index.with_fact("alias", folded)), "")

    def entry_of(folded: str) -> str:
        return next(filter(None, (entry_in(text, folded) for text in index.ask(checks.bibtex, folded))), "")

    return World(store, today, files.__contains__, key_of, entry_of)


def of_papers(store: Store, index: Index, world: World) -> Iterator[Finding]:
    """What is wrong with papers, each by itself; read are those that changed, or rest on what did."""
    _trust(store, index, world)
    changed = [one for one in index.ask(checks.asked) if world.remembered(Question(*one[:2])) != one[2]]
    todo = iter(index.ask(checks.unchecked, changed).items())
    while part := dict(islice(todo, _AT_ONCE)):
        yield from _look(store, index, world, part)
    for found in index.ask(checks.findings):
        yield from (Finding(*one) for one in json.loads(found))


def _trust(store: Store, index: Index, world: World) -> None:
    """Forget what was found by other rules, with other settings, or on a day that is still to come."""
    shared = digest(world.shared_text.encode())
    rules, today = [own_code(), store.config.papers, shared], world.today.isoformat()
    kept = index.get_json("rules", [])
    if kept[:-1] != rules or kept[-1] > today:
        index.keep_checked(checks.forget)
    if kept != [*rules, today]:
        index.set_meta("rules", json.dumps([*rules, today]))


def _look(store: Store, index: Index, world: World, part: Mapping[str, str]) -> Iterator[Finding]:
    """Look at papers, known by these stamps; gives what is found in those of which nothing could be kept, as they have
    changed since a moment ago."""
    from catalog.check.rules import rules
    from catalog.check.sheet import sheet_of

    mine = store.readers.mine()
    found: dict[str, list[Finding]] = {}
    kept = []
    for file, stamp in part.items():
        world.asked.clear()
        try:
            version, paper = store.load_as(file, mine)
        except BadFile as e:
            found[file] = [*e.findings]
            continue
        except UnknownKey:
            continue
        sheet = sheet_of(store, file, version, paper, world.shared.macros, world.parent)
        found[file] = list(rules(sheet, world))
        if stamp in marks_of_version(version):
            kept.append(_kept(sheet, stamp, found[file], world))
    lost = {*found} - {one.file for one in kept} | {*index.keep_checked(checks.keep, kept)}
    for file in lost:
        yield from found[file]


def _kept(sheet: Sheet, stamp: str, found: list[Finding], world: World) -> checks.Kept:
    entries = [(one.entry.key if one.entry else "", one.line) for one in sheet.written]
    asked = [(*question, world.remembered(question)) for question in world.asked]
    said, tags = json.dumps([*map(astuple, found)]), json.dumps(sheet.paper.tags)
    return checks.Kept(sheet.file, stamp, said, json.dumps(entries), tags, asked)
