"""The same questions to the index here and to Postgres on 127.0.0.1, over as many invented papers as one likes.

    python benchmarks/postgres.py [--papers 1000000] [--runs 5]

Needs Debian's `postgresql`. Makes a cluster in a temporary folder, under the user postgres where root runs this, loads
key, year, title and authors of the papers of `commands.py` into both, and prints a row a question: the median of some
runs in wall seconds, asked one by one in one open connection. A new record waits for the disk in Postgres, and not in
the index here, which is derived. A million take a quarter of an hour and 4 GB of disk.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from commands import entries

from catalog.bibtex.names import people
from catalog.facts import Facts, Reading
from catalog.search.index import Index

AT_ONCE = 10_000
STATUSES = ("unread", "reading", "read")
TABLE = """
create table paper (key text, year int, status text, added date, title text, authors text, words tsvector generated
    always as (setweight(to_tsvector('english', title), 'A') || setweight(to_tsvector('simple', authors), 'B')) stored);
"""
INDEXES = """
alter table paper add primary key (key);
create index on paper using gin (words);
create index on paper (key text_pattern_ops);
create index on paper (added desc, key);
create index on paper (status);
analyze paper;
"""
QUESTIONS = (
    ("20 best of a word", "select key from paper, to_tsquery('english', 'diffusion') q where words @@ q"
     " order by ts_rank(words, q) desc, key limit 20",
     lambda index: index.lines("diffusion", limit=20).papers),
    ("an author with a status",
     "select key from paper, to_tsquery('simple', 'hinton') q where words @@ q and status = 'read'"
     " order by ts_rank(words, q) desc, key limit 20",
     lambda index: index.lines("author:hinton status:read", limit=20).papers),
    ("keys that begin so", "select key from paper where key like 'bado%' order by key limit 20",
     lambda index: index.keys("bado")[:20]),
    ("the newest 20", "select key from paper order by added desc, key limit 20",
     lambda index: index.lines("", limit=20).papers),
    ("one more record",
     "insert into paper values ('zebra' || nextval('more'), 2026, 'read', '2026-11-30', 'A zebra', 'Z')", None),
)  # fmt: skip


def papers(count: int) -> Iterator[Facts]:
    for number, entry in enumerate(entries(count)):
        reading = Reading(STATUSES[number % 3], f"2026-{1 + number % 12:02}-{1 + number % 28:02}")
        folk = (("author", people(entry["author"])[0]),)
        title = (("text", entry["title"]),)
        yield Facts(key=entry["key"], title=title, people=folk, date=entry["year"], reading=reading)


class Cluster:
    """A Postgres of our own in a folder, reached by psql."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "cluster"
        self.bin = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = str(free.getsockname()[1])
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        self.run(str(self.bin / "initdb"), "--auth=trust", "--username=kb", "--pgdata", str(self.folder))
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c shared_buffers=1GB"
        self.run(
            str(self.bin / "pg_ctl"), "--pgdata", str(self.folder), "--wait", "--log", str(folder / "log"),
            "--options", options, "start",
        )  # fmt: skip

    def run(self, *command: str) -> None:
        """A program of Postgres, which root may not run."""
        as_who = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        subprocess.run([*as_who, *command], check=True, cwd="/", stdout=subprocess.DEVNULL)

    def psql(self, text: str | Iterator[str], *more: str) -> str:
        """What psql says to a script."""
        command = ["psql", "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--tuples-only", *more]
        where = ["--host=127.0.0.1", f"--port={self.port}", "--username=kb", "--dbname=postgres"]
        with tempfile.TemporaryFile("w+") as script:
            script.writelines([text] if isinstance(text, str) else text)
            script.seek(0)
            done = subprocess.run([*command, *where], stdin=script, capture_output=True, text=True, check=True)
        return done.stdout

    def stop(self) -> None:
        self.run(str(self.bin / "pg_ctl"), "--pgdata", str(self.folder), "--mode=immediate", "stop")


def copied(count: int) -> Iterator[str]:
    """All records as a COPY of psql."""
    yield "copy paper (key, year, status, added, title, authors) from stdin;\n"
    for one in papers(count):
        authors = ", ".join(name.display for name in one.names)
        row = (one.key, str(one.year), one.reading.status, one.reading.added, one.heading, authors)
        yield "\t".join(field.replace("\\", "\\\\") for field in row) + "\n"
    yield "\\.\n"


def taken(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def fill(index: Index, count: int) -> None:
    every = papers(count)
    while some := list(islice(every, AT_ONCE)):
        index.update([(f"{one.key}.md", "1", one) for one in some], [])


def asked(cluster: Cluster, sql: str, runs: int) -> float:
    """The median of what psql says a statement took, in seconds; the first run warms the caches."""
    said = cluster.psql("\\timing on\n" + f"{sql};\n" * (runs + 1))
    times = [float(ms) / 1000 for ms in re.findall(r"^Time: ([\d.]+) ms", said, re.M)]
    return statistics.median(times[1:])


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--papers", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as temp:
        cluster = Cluster(Path(temp))
        try:
            cluster.psql(TABLE + "create sequence more;")
            theirs = taken(lambda: cluster.psql(copied(given.papers))), taken(lambda: cluster.psql(INDEXES))
            size = int(cluster.psql("select pg_total_relation_size('paper');"))
            file = Path(temp) / "index.sqlite"
            with Index(file) as index:
                ours = taken(lambda: fill(index, given.papers))
                print(f"{given.papers:,} papers | Postgres | the index here\n---|---|---")
                print(f"filled | {theirs[0]:.0f} s and {theirs[1]:.0f} s for indexes | {ours:.0f} s")
                print(f"size | {size / 1e6:.0f} MB | {file.stat().st_size / 1e6:.0f} MB")
                for name, sql, ask in QUESTIONS:
                    here = ask or (lambda index: index.update([("zebra.md", "1", Facts(key="zebra"))], []))
                    mine = statistics.median(taken(lambda: here(index)) for _ in range(given.runs + 1))  # noqa: B023 - called at once
                    print(f"{name} | {asked(cluster, sql, given.runs):.4f} s | {mine:.4f} s", flush=True)
        finally:
            cluster.stop()


if __name__ == "__main__":
    main()
