"""What was changed, when, by which command, with the texts before and after: an SQLite file below `.kb/`.

A change is written here before any file is touched and marked as done after the last one: so it is also the journal by
which the next command finishes what a killed one began. What is older than `MOST_BYTES` of texts goes first.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from catalog.errors import KbError
from catalog.store.disk import digest

MOST_BYTES = 64 << 20
_APPLICATION = 0x6B624854
_VERSION = 1
_SCHEMA = (
    "CREATE TABLE change(id INTEGER PRIMARY KEY AUTOINCREMENT, time TEXT NOT NULL, what TEXT NOT NULL,"
    " state TEXT NOT NULL, turn TEXT NOT NULL)",
    "CREATE TABLE file(change INTEGER, path TEXT, before TEXT, after TEXT, PRIMARY KEY(change, path)) WITHOUT ROWID",
    "CREATE INDEX file_path ON file(path)",
    "CREATE TABLE text(digest TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID",
)
_NOT_WRITABLE = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL)
_ORPHANS = (
    "DELETE FROM text WHERE digest NOT IN (SELECT before FROM file WHERE before IS NOT NULL)"
    " AND digest NOT IN (SELECT after FROM file WHERE after IS NOT NULL)"
)


class Touched(NamedTuple):
    """A file of a change: its path below the root, and the digests of its text before and after ("" where none)."""

    path: str
    before: str
    after: str


class Kept(NamedTuple):
    """A text as the history keeps it: its digest, "" where there is none, and its bytes compressed."""

    digest: str
    packed: bytes


NONE = Kept("", b"")


def kept(data: bytes | None) -> Kept:
    """A text to keep."""
    return NONE if data is None else Kept(digest(data), zlib.compress(data, 1))  # half the time, a hundredth larger


class Past(NamedTuple):
    """One change. `state` is pending, done or undone; `turn` is "do", or "undo 7", "redo 7" of another change."""

    number: int
    time: str
    what: str
    state: str
    turn: str
    files: tuple[Touched, ...]


class History:
    """One connection to the history; raises `KbError` where the file cannot be used, and sets a damaged one aside."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notice = ""
        if path.is_symlink():
            self._set_aside("it is a link")
        try:
            self._db = _connect(path)
        except sqlite3.DatabaseError as e:
            if isinstance(e, sqlite3.OperationalError) and not _is_damage(e):
                raise KbError(
                    f"the history {path} cannot be written: {e}; look at the disk and the rights of the folder"
                ) from None
            self._set_aside(str(e))
            self._db = _connect(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(sqlite3.Error):  # what was asked for is written, or said not to be
            self._db.close()

    def begin(self, what: str, files: Iterable[tuple[str, Kept, Kept]], turn: str = "do") -> int:
        """Write down a change that is decided on: (path, text before, text after) each; it is on the disk then."""
        now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        with self._writing("FULL"):
            number = self._db.execute(
                "INSERT INTO change(time, what, state, turn) VALUES (?, ?, 'pending', ?)", (now, what, turn)
            ).lastrowid
            assert number is not None
            for path, before, after in files:
                rows = [kept for kept in (before, after) if kept.digest]
                self._db.executemany("INSERT OR IGNORE INTO text VALUES (?, ?)", rows)
                self._db.execute("INSERT INTO file VALUES (?, ?, ?, ?)", (number, path, before.digest, after.digest))
        return number

    def done(self, number: int, without: Iterable[str] = ()) -> None:
        """The change has happened, but for some of its files; one that takes back another, or repeats it, marks that
        one. The oldest changes are dropped where there are too many."""
        with self._writing("NORMAL"):
            self._db.execute("UPDATE change SET state = 'done' WHERE id = ?", (number,))
            self._db.executemany("DELETE FROM file WHERE change = ? AND path = ?", ((number, path) for path in without))
            turn = self._db.execute("SELECT turn FROM change WHERE id = ?", (number,)).fetchone()[0]
            turn = str(turn).split()
            if len(turn) == 2 and turn[0] in ("undo", "redo") and turn[1].isdecimal():
                state = {"undo": "undone", "redo": "done"}[turn[0]]
                self._db.execute("UPDATE change SET state = ? WHERE id = ?", (state, int(turn[1])))
            self._keep_small(number)

    def drop(self, number: int) -> None:
        """Nothing of this change has happened."""
        with self._writing("NORMAL"):
            self._db.execute("DELETE FROM file WHERE change = ?", (number,))
            self._db.execute("DELETE FROM change WHERE id = ?", (number,))
            self._db.execute(_ORPHANS)

    def latest(self) -> int:
        """The number of the last change; 0 where there is none."""
        return int(self._ask("SELECT coalesce(max(id), 0) FROM change")[0][0])

    def pending(self) -> list[Past]:
        """Changes that were decided on, and are not known to have happened."""
        return self._past("WHERE state = 'pending' ORDER BY id")

    def log(self, paths: Sequence[str] = (), limit: int = 0) -> list[Past]:
        """The changes, the last first; those of some files where they are named."""
        wanted = json.dumps(list(paths))
        touching = "(? = '[]' OR id IN (SELECT change FROM file WHERE path IN (SELECT value FROM json_each(?))))"
        rest = f"WHERE state != 'pending' AND {touching} ORDER BY id DESC LIMIT ?"
        return self._past(rest, wanted, wanted, limit or -1)

    def change(self, number: int) -> Past | None:
        """The change of a number."""
        return next(iter(self._past("WHERE id = ?", number)), None)

    def to_undo(self) -> Past | None:
        """The last change that stands and takes back no other."""
        return next(iter(self._past("WHERE state = 'done' AND turn = 'do' ORDER BY id DESC LIMIT 1")), None)

    def to_redo(self) -> Past | None:
        """The change that was taken back last and has not been repeated."""
        last = "(SELECT max(id) FROM change WHERE turn = 'undo ' || c.id)"
        return next(iter(self._past(f"AS c WHERE state = 'undone' ORDER BY {last} DESC LIMIT 1")), None)

    def text(self, name: str) -> bytes | None:
        """The bytes of a digest; None for "". Raises `KbError` where they are not kept any more."""
        if not name:
            return None
        found = self._ask("SELECT data FROM text WHERE digest = ?", name)
        data = b""
        with contextlib.suppress(zlib.error, TypeError, MemoryError):  # damaged, or made to be
            data = zlib.decompress(found[0][0]) if found else b""
        if digest(data) != name:
            raise KbError(f"the text {name[:12]} is not in the history any more")
        return data

    def _past(self, rest: str, *values: object) -> list[Past]:
        found = self._ask(f"SELECT id, time, what, state, turn FROM change {rest}", *values)  # noqa: S608 - our own words
        said = ((n, *map(str, words)) for n, *words in found)
        return [Past(n, time, what, state, turn, tuple(self._files(n))) for n, time, what, state, turn in said]

    def _files(self, number: int) -> Iterator[Touched]:
        return (Touched(*row) for row in self._ask("SELECT path, before, after FROM file WHERE change = ?", number))

    def _ask(self, question: str, *values: object) -> list[Any]:
        try:
            return self._db.execute(question, values).fetchall()
        except sqlite3.Error as e:
            raise KbError(f"the history {self.path} cannot be read: {e}; move it away to go on without it") from None

    @contextlib.contextmanager
    def _writing(self, synchronous: str) -> Iterator[None]:
        try:
            self._db.execute(f"PRAGMA synchronous = {synchronous}")
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                raise
        except sqlite3.Error as e:
            raise KbError(
                f"the history {self.path} cannot be written: {e}; look at the disk and the rights of the folder"
            ) from None

    def _keep_small(self, newest: int) -> None:
        """Drop the oldest quarter of the changes until the rest fits; the newest stays whatever its size."""
        while self._used() > MOST_BYTES:
            oldest = [row[0] for row in self._db.execute("SELECT id FROM change WHERE id < ? ORDER BY id", (newest,))]
            if not oldest:
                return
            last = oldest[len(oldest) // 4]
            self._db.execute("DELETE FROM file WHERE change <= ?", (last,))
            self._db.execute("DELETE FROM change WHERE id <= ?", (last,))
            self._db.execute(_ORPHANS)

    def _used(self) -> int:
        whole, free, size = (
            self._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
        )
        return int((whole - free) * size)

    def _set_aside(self, why: str) -> None:
        other = next(
            path for n in range(1, 10_000) if not (path := self.path.with_name(f"history.damaged-{n}")).exists()
        )
        self.path.replace(other)
        for end in ("-wal", "-shm", "-journal"):
            self.path.with_name(self.path.name + end).unlink(missing_ok=True)
        self.notice = f"the history cannot be read ({why}); it was moved to .kb/{other.name}, and a new one begun"


def _connect(path: Path) -> sqlite3.Connection:
    """The history as it is, or a new one; where nothing may be written beside it, what is there to be read."""
    try:
        return _opened(str(path))
    except sqlite3.OperationalError as e:
        if not path.is_file() or getattr(e, "sqlite_errorcode", 0) & 0xFF not in _NOT_WRITABLE:
            raise
        return _opened(f"{path.absolute().as_uri()}?immutable=1", uri=True)


def _opened(place: str, uri: bool = False) -> sqlite3.Connection:
    db = sqlite3.connect(place, timeout=5, isolation_level=None, check_same_thread=False, uri=uri)
    try:
        if not db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
            _create(db)
        stamp = [db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
        if stamp != [_APPLICATION, _VERSION]:
            raise sqlite3.DatabaseError("not a history of this version")
    except sqlite3.Error:
        db.close()
        raise
    return db


def _create(db: sqlite3.Connection) -> None:
    with contextlib.suppress(sqlite3.OperationalError):  # one sync a change in place of four
        db.execute("PRAGMA journal_mode = WAL")
    db.execute("BEGIN IMMEDIATE")
    if not db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
        for statement in _SCHEMA:
            db.execute(statement)
        db.execute(f"PRAGMA application_id = {_APPLICATION}")
        db.execute(f"PRAGMA user_version = {_VERSION}")
    db.execute("COMMIT")


def _is_damage(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
