"""SQLite files below `.kb/` that may be thrown away at any time: opened, or made anew where they are none of ours."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

MEMORY = ":memory:"
FAILURE = (sqlite3.DatabaseError, UnicodeDecodeError)  # the latter where SQLite quotes garbage in its message
_REFUSED = {  # the file may be sound, but it cannot be used now; any other error is damage
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
}
Prepare = Callable[[sqlite3.Connection], object]


def opened(path: str, prepare: Prepare, wait: float = 10.0) -> sqlite3.Connection:
    """The cache at a path, waited for so long (seconds) where another writes; what is none of ours is replaced, links
    and pipes too. In memory where the file cannot be used. `prepare` makes the tables, and raises where it is damaged.
    """
    for _ in range(2):
        try:
            if path != MEMORY and os.path.lexists(path) and not stat.S_ISREG(os.lstat(path).st_mode):
                discard(path)
            return connected(path, prepare, wait)
        except FAILURE as error:
            if not is_damage(error):
                break
            discard(path)
        except OSError:
            break
    return connected(MEMORY, prepare, wait)


def connected(path: str, prepare: Prepare, wait: float = 10.0) -> sqlite3.Connection:
    """As `opened`, of a file as it is; raises one of `FAILURE`."""
    db = sqlite3.connect(path, timeout=wait, isolation_level=None, check_same_thread=False)
    try:
        prepare(db)
    except FAILURE:
        db.close()
        raise
    return db


def is_damage(error: Exception) -> bool:
    """Whether an error says that the file is none that can be used, and not that it cannot be just now."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF not in _REFUSED


def discard(path: str) -> None:
    """Remove a cache, and what SQLite keeps beside it."""
    for end in ("-wal", "-shm", "-journal", ""):
        with contextlib.suppress(OSError):
            Path(path + end).unlink()


@contextlib.contextmanager
def transaction(db: sqlite3.Connection, kind: str = "DEFERRED") -> Iterator[None]:
    """All that is asked and changed meanwhile is so at one moment; it is kept as a whole, or not at all."""
    db.execute(f"BEGIN {kind}")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            db.execute("ROLLBACK")
        raise
