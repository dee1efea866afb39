"""The search index: what the paper files say, in an SQLite file that may be deleted at any time.

It answers from the last `update`; whoever owns the files compares `stamps` with them first.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from heapq import nsmallest
from itertools import islice
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Generic, NamedTuple, NoReturn, Self, TypeVar

from catalog.cache import FAILURE, MEMORY, connected, discard, is_damage, opened, transaction
from catalog.errors import KbError
from catalog.facts import Facts, Line, Reading
from catalog.search import rows
from catalog.search.cells import Beside
from catalog.search.evaluate import Answer, column, find
from catalog.search.fold import clean, tokens
from catalog.search.query import parse
from catalog.search.snippet import Snippet, Wanted, snippet
from catalog.search.tree import BEYOND, And, Query, Words

T = TypeVar("T")
P = TypeVar("P", Facts, Line)

WAIT_SECONDS = 2.0
_WORDS = 40  # of a text that is compared by words too
_PASTED = 20  # words, from which a text is one that was copied, with nobody's typos in it
_SMOOTH = 4  # how little the first place in the order of the words counts more than the next
_PARTLY = 0.5  # how much these count where no paper has them all


class CacheLost(KbError):
    """The index was damaged and has been emptied: bring it up to date again."""


class Found(NamedTuple, Generic[P]):
    """The papers that a query finds. `typos` are words that nobody has, with what was shown for each; `lacking` says by
    key which words of the query a paper lacks, where none has them all. `words` were looked for, in all their forms.
    `far` is whether none of the papers means what was asked, which are shown all the same.
    """

    papers: list[P]
    typos: Mapping[str, str]
    lacking: Mapping[str, tuple[str, ...]]
    words: tuple[Words, ...] = ()
    far: bool = False

    def lacked_by_all(self) -> list[str]:
        """The words that every one of the papers lacks."""
        first, *rest = [*self.lacking.values()] or [()]
        return [word for word in first if all(word in words for words in rest)]


class Index:
    """One connection to an index, for one thread at a time.

    A file that is no index of this version is replaced by an empty one. Where the file cannot be used at all (folder
    not writable, locked for long, disk full) the index goes on in memory. `CacheLost` is the only error of its own.
    """

    def __init__(self, path: Path | str) -> None:
        self._path = str(path)
        self._db = opened(self._path, rows.prepare, WAIT_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file; what was updated is in it."""
        self._db.close()

    # --- keeping up with the files ---

    def stamps(self, keys: Iterable[str] | None = None) -> dict[str, str]:
        """File name -> stamp, as last indexed, of these papers or all; empty after damage, so all is indexed again."""
        with contextlib.suppress(CacheLost):
            return self._run(lambda db: rows.stamps(db, keys))
        return {}

    def update(
        self, changed: Iterable[rows.Change], removed: Iterable[str], marks: rows.Marks = MappingProxyType({}),
        say: Mapping[str, Beside] = MappingProxyType({}),
    ) -> None:  # fmt: skip
        """Take in changed files and forget removed ones, all or nothing; `marks`, `say` as for `rows.update`."""
        latest = {change[0]: change for change in changed}
        gone = [file for file in dict.fromkeys(removed) if file not in latest]
        if latest or gone:
            self._run(lambda db: _write(db, rows.update, list(latest.values()), gone, marks, say))

    def restamp(self, stamps: Mapping[str, str]) -> None:
        """Keep other stamps of files that say what they said."""
        self._run(lambda db: _write(db, rows.restamp, stamps))

    def read_on(self, file: str, before: Sequence[str], stamp: str, reading: Reading) -> bool:
        """Keep how far the reader is with the paper of a file; False where it is known under none of these stamps."""
        return self._run(lambda db: _write(db, rows.read_on, file, before, stamp, reading))

    def formed(self, form: str) -> dict[str, str]:
        """File name -> stamp of the files that were found to be in this canonical form."""
        with contextlib.suppress(CacheLost):
            return self._run(lambda db: rows.formed(db, form))
        return {}

    def keep_formed(self, stamps: Mapping[str, str], form: str) -> None:
        """Keep which files are in a canonical form; what was kept of another one goes."""
        with contextlib.suppress(CacheLost):
            self._run(lambda db: _write(db, rows.keep_formed, stamps, form) if stamps else None)

    def keep_checked(self, keep: Callable[..., T], *values: object) -> T:
        """What a function of `checks` gives that keeps something, or forgets it."""
        return self._run(lambda db: _write(db, keep, *values))

    def clear(self) -> None:
        """Forget every paper and every meta value."""
        with contextlib.suppress(CacheLost):
            self._run(lambda db: _write(db, rows.clear))

    def get_json(self, name: str, default: Any) -> Any:
        """A value kept with `set_meta` as JSON, or the default; raises `CacheLost` where it is damaged."""
        text = self.get_meta(name)
        try:
            value = json.loads(text) if text else default
        except (ValueError, RecursionError):
            value = None
        if type(value) is not type(default):
            self._start_again()
        return value

    def get_meta(self, name: str) -> str:
        """A value kept with `set_meta`, or ""."""
        found = self._run(lambda db: db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone())
        return str(found[0]) if found else ""

    def set_meta(self, name: str, value: str) -> None:
        """Keep a value with the index; it is lost when the index is."""
        self._run(lambda db: _write(db, rows.set_meta, name, value))

    # --- asking ---

    def search(self, query: Query | str, sort: str = "", limit: int = 0) -> list[Facts]:
        """The papers that match, best first; without words in the query, the last added first.

        `sort` names one of `rows.SORTS` or several with commas, `-` before one turns it around; what has no value comes
        last. `limit` 0 is no limit. Raises `BadQuery`.
        """
        return self.answer(query, sort, limit).papers

    def answer(self, query: Query | str, sort: str = "", limit: int = 0) -> Found[Facts]:
        """As `search`, with what the reader has to know where other words were shown, or not all were found."""
        asked = parse(query) if isinstance(query, str) else query
        return self._found(asked, sort, limit, rows.load)

    def lines(self, query: Query | str, sort: str = "", limit: int = 0) -> Found[Line]:
        """As `answer`, of each paper what a list prints; quicker by far, as its facts are not read."""
        asked = parse(query) if isinstance(query, str) else query
        return self._found(asked, sort, limit, rows.lines)

    def like(self, text: str, limit: int = 0, apart: str = "") -> Found[Line]:
        """The papers whose meaning is near to a text, the nearest first, without the one with the key `apart`.

        To how near it is comes the place in the order of the words, which counts half where no paper has them all.
        """
        from catalog.search.encoder import encoder
        from catalog.search.meaning import nearest

        near, far = self._run(lambda db: nearest(db, text, apart))
        worded = encoder().worded

        def found(db: sqlite3.Connection) -> Found[Line]:
            asked = And(tuple(Words((token,), True) for token in tokens(text)[:_WORDS]))
            answer = find(db, Query(text, asked), forgiving=len(asked.parts) < _PASTED) if asked.parts else Answer([])
            partly = bool(answer.lacking or answer.typos or not answer.ids)
            places = {i: place for place, i in enumerate(i for i in answer.ids if i in near)}
            some = {*places, *islice(near, limit + len(places) if limit else None)}  # no other can be among the first
            there = set(
                column(db, "SELECT id FROM paper WHERE id IN (SELECT value FROM json_each(?))", json.dumps([*some]))
            )
            most = worded * (_PARTLY if partly else 1)
            by_words = {i: most / (_SMOOTH + place) for i, place in places.items()}
            weight = {i: near[i] + by_words.get(i, 0.0) for i in some & there}
            papers = rows.lines(db, nsmallest(limit or len(weight), weight, key=lambda i: (-weight[i], i)))
            return Found(papers, {}, {}, far=far and partly)

        return self._read(found)

    def ask(self, question: Callable[..., T], *values: object) -> T:
        """What a function of `rows`, `numbers` or `checks` gives of what is kept."""
        return self._read(lambda db: question(db, *values))

    def neighbours(self, limit: int = 5) -> dict[str, list[str]]:
        """By key, the papers whose whole text means most nearly the same. Raises `KbError` where there is no model."""
        from catalog.search.meaning import neighbours

        return self._run(lambda db: neighbours(db, limit))

    def _found(
        self, asked: Query, sort: str, limit: int, load: Callable[[sqlite3.Connection, Sequence[int]], list[P]]
    ) -> Found[P]:
        def found(db: sqlite3.Connection) -> Found[P]:
            answer = find(db, asked, sort, limit)
            papers = load(db, answer.ids)
            by_id = zip(answer.ids, papers, strict=True) if answer.lacking else ()
            lacking = {paper.key: answer.lacking.get(i, ()) for i, paper in by_id}
            return Found(papers, answer.typos, lacking, answer.words)

        return self._read(found)

    def get(self, key: str) -> Facts | None:
        """The paper with exactly this key."""
        return self._read(
            lambda db: next(iter(rows.load(db, column(db, "SELECT id FROM paper WHERE key = ?", clean(key)))), None)
        )

    def size(self) -> int:
        """How many papers there are."""
        return int(self._run(lambda db: column(db, "SELECT count(*) FROM paper"))[0])

    def files(self) -> list[str]:
        """The names of their files."""
        return self._run(lambda db: [rows.named(file) for file in column(db, "SELECT file FROM paper")])

    def has(self, key: str) -> bool:
        """Whether there is a paper with exactly this key."""
        return bool(self._run(lambda db: column(db, "SELECT 1 FROM paper WHERE key = ? LIMIT 1", clean(key))))

    def with_fact(self, name: str, value: str) -> list[str]:
        """The keys of the papers of which a fact has exactly this value, in order."""
        held = "SELECT key FROM paper WHERE id IN (SELECT id FROM fact WHERE name = ? AND value = ?) ORDER BY key"
        return self._run(lambda db: column(db, held, name, clean(value)))

    def all(self) -> list[Facts]:
        """Every paper, by key."""
        return self._read(lambda db: rows.load(db, column(db, "SELECT id FROM paper ORDER BY key, id")))

    def snippets(self, keys: Sequence[str], words: Iterable[Words], room: int) -> dict[str, Snippet]:
        """By key, a piece of so many characters of each paper's text with the words in it, where there is one."""
        wanted, texts = Wanted(words), self._read(lambda db: rows.texts(db, keys))
        found = ((key, snippet(texts[key], wanted, room)) for key in keys if key in texts)
        return {key: piece for key, piece in found if piece}

    def keys(self, prefix: str = "") -> list[str]:
        """The keys that start so, in order; where none does, those that do in another case."""
        start = clean(prefix)
        exact = "SELECT key FROM paper WHERE key >= ? AND key < ? ORDER BY key"
        folded = (
            "SELECT key FROM paper WHERE id IN (SELECT id FROM fact WHERE name = 'key' AND value >= ? AND value < ?)"
            " ORDER BY key"
        )
        return self._run(
            lambda db: (
                column(db, exact, start, start + BEYOND)
                or column(db, folded, start.casefold(), start.casefold() + BEYOND)
            )
        )

    def marked(self, name: str, values: Iterable[str] | None = None) -> list[tuple[str, str]]:
        """The (value, key) pairs of papers that have one of these values, or any, under a mark's name."""
        asked = None if values is None else list(values)
        return self._run(lambda db: rows.marked(db, name, asked))

    # --- when the file fails ---

    def _read(self, act: Callable[[sqlite3.Connection], T]) -> T:
        """What several questions give that are asked at one moment, whatever others write meanwhile."""

        def at_once(db: sqlite3.Connection) -> T:
            with transaction(db):
                return act(db)

        return self._run(at_once)

    def _run(self, act: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return act(self._db)
        except sqlite3.ProgrammingError:
            raise  # a misuse of this object, such as after `close`
        except FAILURE as error:
            if is_damage(error):
                self._start_again()
            self._go_private()
        try:
            return act(self._db)
        except FAILURE:  # a copy fails as well: what was copied is at fault
            self._start_again()

    def _start_again(self) -> NoReturn:
        self._db.close()
        discard(self._path)
        self._db = opened(self._path, rows.prepare, WAIT_SECONDS)
        raise CacheLost("the search cache was damaged and has been emptied; run the command again")

    def _go_private(self) -> None:
        """Go on in memory with what the file holds."""
        held, self._db = self._db, connected(MEMORY, rows.prepare)
        try:
            held.backup(self._db)
        except FAILURE:
            self._db = connected(MEMORY, rows.prepare)
            raise CacheLost("the search cache cannot be read; run the command again") from None
        finally:
            held.close()


def _write(db: sqlite3.Connection, change: Callable[..., T], *values: object) -> T:
    with transaction(db, "IMMEDIATE"):
        return change(db, *values)
