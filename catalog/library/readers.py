"""Several readers of one collection: becoming one, being alone again, and the queue of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from catalog import conflict
from catalog.errors import BadFile, KbError
from catalog.files import decoded
from catalog.readers import edited, name_of, with_comments
from catalog.sides import read_reader_sides, united_reader
from catalog.store import Change, Store
from catalog.store.beside import ATTRIBUTES
from catalog.store.merging import attributes
from catalog.store.readers import new_text, reading_of

if TYPE_CHECKING:
    from catalog.facts import Reading
    from catalog.models import Paper
    from catalog.readers import Reader
    from catalog.sides import Choice
    from catalog.store import Version


class Become(NamedTuple):
    """Who one is now, whether that reader is new, and of how many papers the state went from their files to theirs."""

    name: str
    new: bool
    moved: int


def become(store: Store, name: str, take: bool = False) -> Become:
    """Be a reader, a new one where there is none of that name; the first one gets what the papers say of reading.

    With `take`, what papers say of reading all the same becomes this reader's. Raises `KbError` where it is no name.
    """
    name = name_of(name)

    def attempt() -> Become:
        names = store.readers.names()
        if not names:
            return _first(store, name)
        new = [_new_reader(store, name, {})] if name not in names else []
        store.commit([*new, *_merged_in_git(store)], f"me {name}")
        store.readers.remember(name)
        return Become(name, name not in names, _taken(store, name) if take else 0)

    return store.gate.retried(attempt)


def _first(store: Store, name: str) -> Become:
    loaded = _every(store)
    mine = _new_reader(store, name, {paper.key: reading_of(paper) for _, paper in loaded.values()})
    changes = [_rewritten(store, file, version, paper, apart=True) for file, (version, paper) in loaded.items()]
    store.commit([*changes, mine, *_merged_in_git(store)], f"me {name}")
    store.readers.remember(name)
    return Become(name, True, len(mine.reader.papers) if mine.reader else 0)


def _new_reader(store: Store, name: str, said: dict[str, Reading]) -> Change:
    data, reader = new_text(name, said)
    return Change(store.readers.path(name), None, data, reader=reader)


def _every(store: Store) -> dict[str, tuple[Version, Paper]]:
    """What was read of each paper file, and the paper; raises `BadFile` where one cannot be read, and would be left."""
    loaded, wrong = store.load_versions()
    if wrong:
        raise BadFile(*wrong)
    return loaded


def _merged_in_git(store: Store) -> Iterator[Change]:
    """Where git is told how papers are merged, tell it of readers too."""
    told = (store.root / ATTRIBUTES).is_file()
    if told and (change := attributes(store.root, store.config.papers, readers=True)):
        yield change


def _taken(store: Store, name: str) -> int:
    """Take what papers say of reading; returns of how many. Those that cannot be read are named."""
    changes = []
    loaded, wrong = store.load_versions()
    store.gate.notices += [f"{one.where} cannot be read; what it says of reading stays there" for one in wrong]
    for file, (version, paper) in loaded.items():
        before, mine = store.typed(store.text_of(file, version), paper.key, file, version)
        if mine.extras != paper.extras:
            changes.append(store.paper_change(file, before, mine))
    store.commit(changes, f"me {name} --take")
    return len(changes)


def alone(store: Store) -> str:
    """Put back into the papers how far I am, who am the only reader; returns who that was. Raises `KbError`."""

    def attempt() -> str:
        mine = store.readers.mine()
        if mine is None:
            raise KbError("there are no readers here: the papers say how far one is")
        others = [name for name in store.readers.names() if name != mine.name]
        if others or mine.version is None:
            said = (
                f"{', '.join(others)} {'read' if len(others) > 1 else 'reads'} here"
                if others
                else "you are nobody here"
            )
            raise KbError(f"{said}; only who is the one reader can be alone again")
        changes = []
        for file, (version, paper) in _every(store).items():
            before, own = store.typed(store.text_of(file, version), paper.key, file, version)
            changes.append(_rewritten(store, file, before, own, apart=False))
        store.commit([*changes, Change(store.readers.path(mine.name), mine.version, None)], "me --alone")
        return mine.name

    return store.gate.retried(attempt)


def _rewritten(store: Store, file: str, version: Version, paper: Paper, apart: bool) -> Change:
    from catalog.paperfile import dumps

    paper = paper.model_copy(update={"apart": apart})
    return Change(store.shown(file), version, dumps(paper).encode(), paper)


def sides(store: Store, name: str) -> tuple[Reader, Reader]:
    """What a reader says as either side of an unresolved merge has it. Raises `BadFile`, `KbError`."""
    return _sides(store, name_of(name))[2:]


def settle(store: Store, name: str, choices: Mapping[str, Choice]) -> None:
    """End an unresolved merge in a reader's file: of each field that differs, what was chosen. Raises `KbError`."""
    name = name_of(name)
    version, text, ours, theirs = _sides(store, name)
    after = united_reader(ours, theirs, choices)
    mine, other = conflict.sides(text)
    data = with_comments(edited(mine, ours, after), other).encode()
    store.commit([Change(store.readers.path(name), version, data, reader=after)], f"resolve --reader {name}")


def _sides(store: Store, name: str) -> tuple[Version, str, Reader, Reader]:
    version, path = store.readers.read(name), store.readers.path(name)
    text = decoded(version.data, path)
    return version, text, *read_reader_sides(text, name, path)


def queue(store: Store, add: Sequence[str] = (), remove: Sequence[str] = (), first: bool = False) -> Sequence[str]:
    """My queue, with these keys at its end (or its beginning) and those taken off. Raises `KbError`."""

    def attempt() -> Sequence[str]:
        mine = store.readers.mine()
        if mine is None:
            raise KbError("a queue is one reader's; `kb me NAME` makes you one")
        rest = [key for key in mine.reader.queue if key not in (*add, *remove)]
        after = replace(mine.reader, queue=tuple([*add, *rest] if first else [*rest, *add]))
        if after != mine.reader:
            path, version, data, reader = store.readers.rewritten(mine, after)
            store.commit([Change(path, version, data, reader=reader)], "queue " + " ".join([*add, *remove]))
        return after.queue

    return store.gate.retried(attempt)
