"""What services have answered, kept under `.kb/` for a while and within a bound; and when each host may be asked again.

All of it is derived: it may be deleted at any time, and what is damaged is begun anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
import zlib
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

from catalog.cache import MEMORY, opened

MOST_BYTES = 64_000_000
LARGEST = 8_000_000
_TABLES = """
create table if not exists answer (name text primary key, asked real, size integer, head text, body blob);
create table if not exists host (name text primary key, last real, until real, day text, spent integer);
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer that was kept: when it was asked for (seconds since 1970), its status, headers and bytes."""

    asked: float
    status: int
    url: str
    headers: Mapping[str, str]
    data: bytes


@dataclass(frozen=True, slots=True)
class Host:
    """When a host was last asked and may be asked again, and what was spent of its budget on a day."""

    last: float = 0.0
    until: float = 0.0
    day: str = ""
    spent: int = 0


class Memory:
    """The answers and hosts of one knowledge base; without a path, of this process alone."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._base = self._opened()

    def _opened(self) -> sqlite3.Connection:
        return opened(str(self.path or MEMORY), lambda db: db.executescript(f"pragma synchronous = off; {_TABLES}"))

    def close(self) -> None:
        """Give the file back."""
        self._base.close()

    def answer(self, name: str) -> Kept | None:
        """What was kept under a name."""
        with self._safe() as base:
            row = base.execute("select asked, head, body from answer where name = ?", (_digest(name),)).fetchone()
            if row:
                status, url, headers = json.loads(row[1])
                return Kept(row[0], status, url, headers, zlib.decompress(row[2]))
        return None

    def keep(self, name: str, kept: Kept) -> None:
        """Keep an answer; the oldest go where there are too many."""
        if len(kept.data) > LARGEST:
            return
        head, body = json.dumps([kept.status, kept.url, dict(kept.headers)]), zlib.compress(kept.data)
        with self._safe() as base:
            row = (_digest(name), kept.asked, len(body) + len(head), head, body)
            base.execute("insert or replace into answer values (?, ?, ?, ?, ?)", row)
            total = base.execute("select sum(size) from answer").fetchone()[0] or 0
            if total > MOST_BYTES:
                for old, size in base.execute("select name, size from answer order by asked").fetchall():
                    base.execute("delete from answer where name = ?", (old,))
                    total -= size
                    if total <= MOST_BYTES * 9 // 10:
                        break

    def drop(self, name: str) -> None:
        """Forget an answer."""
        with self._safe() as base:
            base.execute("delete from answer where name = ?", (_digest(name),))

    def host(self, name: str) -> Host:
        """What is known of a host."""
        with self._safe() as base:
            row = base.execute("select last, until, day, spent from host where name = ?", (name,)).fetchone()
            if row:
                return Host(*row)
        return Host()

    def note(self, name: str, host: Host) -> None:
        """Keep what is known of a host."""
        with self._safe() as base:
            row = (name, host.last, host.until, host.day, host.spent)
            base.execute("insert or replace into host values (?, ?, ?, ?, ?)", row)

    @contextlib.contextmanager
    def _safe(self) -> Generator[sqlite3.Connection, None, None]:
        """The database; what is wrong with it is as if nothing were kept."""
        try:
            yield self._base
        except (sqlite3.Error, zlib.error, ValueError, TypeError):
            self._base.close()
            self._base = self._opened()


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
