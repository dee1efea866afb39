"""Many clones of one collection, changed by chance and merged in git: python tests/clones.py [CLONES [OPERATIONS]]

People note, tag, link, add, rename, remove, mark, rate, queue and set fields, each in a clone of their own; two and two
clones are one reader's. In each of a few rounds all is merged pairwise with the driver. A conflict is left where two
people set one field of one paper to different values, and nowhere else; every word that was written is there in the end.

The driver runs in this process: what git calls hands it the names of the files, as starting Python for each of some
thousand files would take most of the time.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import json
import os
import random
import re
import shlex
import socketserver
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from catalog import conflict
from catalog.cli import main as kb
from catalog.errors import Finding
from catalog.library import Library
from catalog.sides import differences, reader_differences

SHARED = 24
ENTRY = """@article{{{key},
  title = {{A work on {key}}},
  author = {{Doe, Jane}},
  journal = {{Acta}},
  year = {{2020}},
  abstract = {{{abstract}}},
  volume = {{1}}
}}"""
ABSTRACT = "\n    ".join(f"Sentence {n} of an abstract that is as long as such texts are." for n in range(12))
SAID = re.compile(r"^(\S+): said in two ways: (.+)$", re.M)
Field = tuple[str, str]  # of which paper or reader's paper, and which
ASKING = """
import json, os, socket, sys
line = socket.create_connection(("127.0.0.1", int(sys.argv[1]))).makefile("rw")
print(json.dumps([os.getcwd(), *sys.argv[2:]]), file=line, flush=True)
status, said = json.loads(line.readline())
sys.exit((sys.stderr.write(said), status)[1])
"""


class _Driver(socketserver.StreamRequestHandler):
    """Answers one call of git's with the status of `kb merge-driver`, and what it says."""

    def handle(self) -> None:
        folder, *words = json.loads(self.rfile.readline())
        said, status = io.StringIO(), 99
        with contextlib.chdir(folder), contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            try:
                kb(["merge-driver", *words])
            except SystemExit as ended:
                status = int(ended.code or 0)
        self.wfile.write(json.dumps([status, said.getvalue()]).encode() + b"\n")


@contextlib.contextmanager
def driving() -> Iterator[str]:
    """The command by which git reaches the driver in this process."""
    with socketserver.TCPServer(("127.0.0.1", 0), _Driver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        words = [sys.executable, "-I", "-S", "-c", ASKING, str(server.server_address[1])]
        yield f"{shlex.join(words).replace('%', '%%')} %O %A %B %P"
        server.shutdown()


def git(folder: Path, *words: str, status: int | None = 0) -> str:
    """What git says in a folder."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    env |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    env |= {"PATH": f"{Path(sys.executable).parent}:{env['PATH']}"}
    for who in ("AUTHOR", "COMMITTER"):
        env |= {f"GIT_{who}_NAME": "x", f"GIT_{who}_EMAIL": "x@example.org"}
    done = subprocess.run(["git", *words], cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert status is None or done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def clone(of: Path, name: str, driver: str = "") -> Library:
    """Another person's copy, with the driver registered, or another way to it."""
    git(of.parent, "clone", "-q", str(of), name)
    library = Library.open(of.parent / name)
    library.use_merge_driver()
    if driver:
        git(library.root, "config", "merge.kb.driver", driver)
    return library


@dataclass
class Person:
    """One clone: whose it is, which fields were set in it since the last round, and what must be there in the end."""

    number: int
    library: Library
    reader: str
    said: dict[Field, str] = field(default_factory=dict)
    words: dict[str, set[str]] = field(default_factory=dict)
    mine: list[str] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)

    def act(self, chance: random.Random, turn: int) -> None:
        """One thing that a person does."""
        library, word, key = self.library, f"w{self.number}x{turn}x", f"base{chance.randrange(SHARED)}"
        match chance.choice(
            ("note", "tag", "link", "add", "rename", "rm", "venue", "entry", "entry", "queue", "read", "read")
        ):
            case "note":
                library.note(key, word)
            case "tag":
                library.tag(key, [word])
            case "link":
                library.link(key, [f"code=https://example.org/{word}"])
            case "add":
                library.add(title=f"Title {word}", key=word, links=[f"https://example.org/{word}"])
                self.mine.append(word)
                key = word
            case "rename":
                key = f"base{self.number % SHARED}"  # one of which nobody else changes the name
                library.rename(key, f"{word}renamed")
            case "rm":
                if self.mine:
                    self.gone.add(self.mine.pop(chance.randrange(len(self.mine))))
                    library.remove(self.gone & {line.key for line in library.lines().papers})
                return
            case "queue":
                library.queue([key])
                return
            case "read":
                self.read(key, chance)
                return
            case what:
                self.correct(key, what, word, chance)
                return
        self.words.setdefault(key, set()).add(word)

    def correct(self, key: str, what: str, word: str, chance: random.Random) -> None:
        """A field of a paper, or of its entry, set to something of one's own."""
        name = "venue" if what == "venue" else chance.choice(["journal", "year", "volume"])
        if what == "venue":
            self.library.change(key, lambda paper: paper.evolve(venue=word))
            self.said[key, name] = word
            return
        value = str(chance.randrange(1900, 2020)) if name == "year" else word
        field = re.compile(rf"^(  {name} = ).*?(,?)$", re.M)
        self.library.change(key, lambda paper: paper.evolve(bibtex=field.sub(rf"\g<1>{{{value}}}\2", paper.bibtex)))
        self.said[key, f"entry {name}"] = value

    def read(self, key: str, chance: random.Random) -> None:
        """Something about reading, which is this reader's own."""
        what = chance.choice(["mark", "due", "rate"])
        day = dt.date(2020, 1, 1) + dt.timedelta(chance.randrange(2000))
        if what == "mark":
            self.library.mark_read([key], day)
            self.said[f"{self.reader} {key}", "status"] = str(day)
        elif what == "due":
            self.library.due(key, day)
            self.said[f"{self.reader} {key}", "due"] = str(day)
        else:
            rating = chance.randrange(1, 11)
            self.library.rate(key, rating)
            self.said[f"{self.reader} {key}", "rating"] = str(rating)

    def commit(self, what: str) -> None:
        """Commit all that there is."""
        git(self.library.root, "add", "-A")
        git(self.library.root, "commit", "-qm", what, "--allow-empty")

    def pull(self, other: Person) -> Iterator[str]:
        """Merge another's work; what is wrong with what git leaves open. What is left open is then settled."""
        answer = git(
            self.library.root, "pull", "-q", "--no-rebase", "--no-edit", str(other.library.root), "main", status=None
        )
        open_ = git(self.library.root, "diff", "--name-only", "--diff-filter=U").split()
        found = {(path, name) for path, names in SAID.findall(answer) for name in names.split(", ")}
        yield from (f"{path} is in conflict, and nothing of it is said" for path in open_ if path not in dict(found))
        wanted = {one for one in self.said.keys() & other.said.keys() if self.said[one] != other.said[one]}
        expected = set(map(self.shown, wanted))
        yield from (f"a conflict of nobody: {one}" for one in sorted(found - expected))
        for path in open_:
            self.settle(path)
        self.said = other.said | self.said
        missed = {one for one in wanted if self.shown(one) in expected - found}
        told = [finding for finding in self.library.check() if "are one paper" in finding.message] if missed else []
        for one in sorted(missed):
            yield from self.missed(one, told)
        for key, words in other.words.items():
            self.words.setdefault(key, set()).update(words)
        self.gone |= other.gone
        self.commit(f"merge {other.number}")

    def missed(self, one: Field, told: list[Finding]) -> Iterator[str]:
        """What is wrong with a field that was set in two ways, and left no conflict: nothing where `kb check` says so, as
        of a paper that one of the two gave another name meanwhile."""
        path, name = self.shown(one)
        key, _, field = name.partition(": ")
        if not any(finding.path == path and key in finding.message and field in finding.message for finding in told):
            yield f"decided by nobody: {path} {name}"
            return
        reading = dict(self.library.get(key).readers)[one[0].partition(" ")[0]]
        self.said[one] = {"status": reading.read, "due": reading.due, "rating": str(reading.rating)}[field]

    def shown(self, one: Field) -> Field:
        """Where a field stands, and how the driver names it."""
        who, _, key = one[0].rpartition(" ")
        named = self.library.store.folder / f"{key}.md"
        file = named.name if named.exists() else self._renamed(key)
        if who:
            return f"readers/{who}.toml", f"{file.removesuffix('.md')}: {one[1]}"
        return f"papers/{file}", "bibtex" if one[1].startswith("entry ") else one[1]

    def _renamed(self, key: str) -> str:
        """The file of a paper that had this key, whether it can be read or not."""
        return next(
            path.name for path in self.library.store.folder.glob("*.md") if f"\n  - {key}\n" in path.read_text()
        )

    def settle(self, path: str) -> None:
        """Take what this side says."""
        file = self.library.root / path
        if not conflict.hunks(file.read_text() if file.exists() else ""):
            return  # git did not see that the paper has another name now, and left one side
        if path.startswith("papers/"):
            key = file.name.removesuffix(".md")
            choices = dict.fromkeys((one.field for one in differences(*self.library.sides(key))), "ours")
            self.library.settle(key, choices)
        else:
            fields = reader_differences(*self.library.reader_sides(file.stem))
            self.library.settle_reader(file.stem, dict.fromkeys((one.field for one in fields), "ours"))


def begin(root: Path, readers: list[str]) -> None:
    """A collection of shared papers under git."""
    library = Library.init(root)
    git(root, "init", "-q", "-b", "main")
    library.use_merge_driver()
    for n in range(SHARED):
        key = f"base{n}"
        library.add(
            ENTRY.format(key=key, abstract=ABSTRACT),
            tags=["old"],
            notes=f"See [another](base{(n + 1) % SHARED}.md).\n\nOf {key}.",
        )
    for name in readers:
        library.become(name)
    git(root, "add", ".")
    git(root, "commit", "-qm", "begin")


def merged(root: Path, clones: int, operations: int, rounds: int = 4, driver: str = "") -> list[str]:
    """Let people work and merge, with another way to the driver if one is given; everything that is wrong on the way
    and afterwards."""
    chance = random.Random(clones * operations)
    readers = [f"reader{n // 2}" for n in range(clones)]
    begin(root / "base", sorted(set(readers)))
    people = [Person(n, clone(root / "base", f"clone{n}", driver), readers[n]) for n in range(clones)]
    wrong: list[str] = []
    for person in people:
        person.library.become(person.reader)
    for round_ in range(rounds):
        for person in people:
            for turn in range(operations // rounds):
                person.act(chance, round_ * operations + turn)
            person.commit(f"work of {person.number}")
        step = 1
        while step < clones:
            for n in range(0, clones - step, 2 * step):
                wrong += people[n].pull(people[n + step])
            step *= 2
        for person in people[1:]:
            git(person.library.root, "pull", "-q", "--ff-only", str(people[0].library.root), "main")
        for person in people:
            person.said = {}
            person.words = {key: set(words) for key, words in people[0].words.items()}
    return [*wrong, *_lost(people)]


def _lost(people: list[Person]) -> Iterator[str]:
    library = people[-1].library
    for key in people[0].words.keys() - people[0].gone:
        words = people[0].words[key]
        text = library.text(key)
        yield from (f"lost: {word} of {key}" for word in words if word not in text and word not in library.file(key))
    yield from (f"check: {finding}" for finding in library.check() if finding.kind == "error")


def main() -> None:
    """Merge, and say what is wrong."""
    clones, operations = (*map(int, sys.argv[1:]), *(16, 200)[len(sys.argv) - 1 :])[:2]
    with tempfile.TemporaryDirectory() as folder, driving() as driver:
        wrong = merged(Path(folder), clones, operations, driver=driver)
    print("\n".join(wrong) or f"{clones} clones, {operations} operations each: nothing lost, no conflict of nobody")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
