"""Stop or fail every writing command at each of its calls into the system: python tests/crash.py [COMMAND ...]

`CALLS=50` tries about so many of its calls a fault, spread over all.

A command is run in a fork of this process. Before its n-th call into the modules that reach the disk it is killed, or
loses its power, or the call fails as on a full or broken disk. Afterwards the folder is as before or as after the
command, once another command has looked; what was acknowledged is there; what was typed into an editor is kept; nothing
is left lying about. Calls that only look are left out where nothing can come of them: a process may be killed before
any call that changes something, and only what is asked of the disk can fail.

Without power a disk keeps what was synced and nothing else: texts that were not are empty, and names that were given,
taken or removed since their folder was last synced are as they were before.
"""

from __future__ import annotations

import codecs
import contextlib
import datetime as dt
import errno
import importlib
import importlib.readers
import importlib.resources.readers
import os
import pkgutil
import re
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any
from unittest import mock

import filelock
import pypdf._encryption
from answers import atom, atom_entry

import catalog
from catalog.cli import main as kb
from catalog.ingest.fetch import Answer
from catalog.library import Library
from catalog.store import disk
from catalog.store import drafts as kept_drafts
from catalog.store.drafts import drafts

for _module in pkgutil.walk_packages(catalog.__path__, "catalog."):  # what is imported late would be hit in its stead
    if "pages" not in _module.name and "__main__" not in _module.name:
        importlib.import_module(_module.name)
assert filelock.FileLock
assert importlib.readers
assert importlib.resources.readers
assert pypdf._encryption
codecs.lookup("utf-8-sig")
dt.datetime.strptime("2024", "%Y")  # it loads a module at its first call

FAULTS: dict[str, OSError | None] = {
    "killed": None,
    "power cut": None,
    "disk full": OSError(errno.ENOSPC, "No space left on device"),
    "disk broken": OSError(errno.EIO, "Input/output error"),
    "refused": OSError(errno.EACCES, "Permission denied"),
}
REACHING = ("posix", "nt", "_io", "io", "fcntl", "sqlite3", "_sqlite3")
NEVER_FAILING = {
    "fspath",
    "getpid",
    "getcwd",
    "_path_normpath",
    "isatty",
    "reconfigure",
    "getvalue",
    "stat of DirEntry",
}
LOOKING = {"stat", "lstat", "fstat", "scandir", "listdir", "access", "read", "readline", "fetchone", "fetchall", "tell"}
HEAD = "---\nstatus: unread\nadded: '2024-01-0{n}'\n---\n\n"
PAPER = (
    HEAD
    + "```bibtex\n@misc{{key{n},\n  title = {{Paper number {n}}},\n  author = {{Doe, Jane}},\n  year = {{200{n}}},\n}}\n```\n\n{notes}\n"
)
BIB = "@string{jj = {J}}\n" + "".join(
    f"@misc{{key{n},\n  title = {{Paper number {n}}},\n  author = {{Doe, Jane}},\n  year = {{200{n}}},\n  note = jj,\n}}\n"
    for n in (4, 5, 8, 9)
)
LIST = "# Works\n\n" + "".join(
    f"- [ ] [{name} of all things](https://arxiv.org/abs/2101.0000{n})\n"
    for n, name in enumerate(["Alpha", "Beta", "Gamma"])
)
COMMANDS: dict[str, list[str]] = {
    "add": ["add", "--title", "A new thing of note", "--key", "new", "--link", "https://example.org"],
    "mark-read": ["mark-read", "key1", "key2", "--on", "2024-05-05"],
    "tag": ["tag", "key1", "one"],
    "due": ["due", "key1", "2030-01-01"],
    "note": ["note", "key2", "a note"],
    "edit": ["edit", "key3"],
    "rename": ["rename", "key1", "zkey"],
    "import": ["import", "in.bib"],
    "sync": ["sync", "in.md"],
    "rm": ["rm", "-y", "-f", "key5", "key6"],
    "fmt": ["fmt"],
    "fix": ["check", "--fix"],
    "undo": ["undo"],
    "redo": ["redo"],
    "link": ["link", "key1", "code=https://example.org/code"],
    "merge": ["merge", "key5", "key6"],
    "split": ["split", "other"],
    "resolve": ["resolve", "key1", "--ours"],
    "me": ["me", "ana"],
    "me again": ["me", "bo"],
    "mark-read of mine": ["mark-read", "key1", "key2", "--on", "2024-05-05"],
    "queue": ["queue", "key3"],
    "rename of mine": ["rename", "key1", "zkey"],
    "alone": ["me", "--alone"],
    "take": ["me", "ana", "--take"],
    "resolve of mine": ["resolve", "--reader", "ana", "--theirs"],
    "rate": ["rate", "key1", "7"],
    "note and due": ["note", "key2", "a note", "--due", "2030-01-01"],
    "tag of a query": ["tag", "-y", "-q", "number", "many"],
    "theirs": ["import", "--theirs", "in.bib"],
    "prune": ["sync", "--prune", "in.md"],
    "recover": ["edit", "--recover"],
    "attach": ["attach", "key1", "in.pdf"],
    "fetch": ["fetch"],
    "complete": ["complete", "--only", "bibtex"],
    "update": ["update"],
    "settle": ["update", "--settle"],
    "report": ["report", "lomo", "--of", "wic-7b", "--value", "69", "--setting", "a", "--address", "https://a.org/3"],
    "export": ["export", "bib", "-o", "out.bib"],
    "into": ["export", "markdown", "--into", "out.md"],
    "init": ["init", "founded"],
    "github": ["init", "--github"],
    "merge-driver": ["merge-driver"],
    "merge of git": ["merge-driver", "base.md", "out.md", "theirs.md", "papers/key1.md"],
    "commit": ["tag", "key1", "one"],
}
READ = ("me again", "mark-read of mine", "queue", "rename of mine", "alone", "take", "resolve of mine")  # ana is there
IN_GIT = ("merge-driver", "commit")
FOLLOWING = {  # what was done before
    "undo": ["rename"], "redo": ["rename", "undo"], "settle": ["update"],
}  # fmt: skip
PIECEWISE = ("github", "fetch", "attach", "complete", "fix")  # as far as it came, or as files could be read
PDF = b"%PDF-1.4\nnot much of one\n"
NAMED = (".md", ".bib", ".toml", ".pdf", ".json", ".yml", ".yaml")
HONEST = (
    "cannot be read",
    "you may not read it",
    "said in two ways: lines",
    "completed 0 of 1",
)  # what was asked for, but for a file that the disk kept
ELSEWHERE = ("github", "init", "export", "into", "merge of git")  # what they write aside stands beside what they write
LINKED = re.compile(rb"\.\./files/(\S+\.pdf)")
TYPED = b"\ntyped and not to be lost\n"
ALSO = ("shared.bib", ".gitattributes", ".gitignore", ".pre-commit-config.yaml", ".kb/news.json")
State = dict[str, bytes]


def make(root: Path, command: str) -> None:
    """Six papers in order; where a command needs it out of order, with two works in one, a merge left open, a reader."""
    (root / "papers").mkdir(parents=True)
    (root / "kb.toml").touch()
    (root / "in.bib").write_text(BIB)
    (root / "in.md").write_text(LIST)
    odd = command in ("fmt", "fix")
    for n in range(1, 7):
        text = PAPER.format(n=n, notes="See [one](key1.md)." if n in (2, 3) else "First.")
        (root / "papers" / f"key{n}.md").write_text(text.replace("status:", "status:  ") if odd and n < 4 else text)
    if command == "split":
        text = (root / "papers" / "key4.md").read_text()
        other = "@misc{other,\n  title = {Another work altogether},\n  author = {Roe, Ann},\n}"
        (root / "papers" / "key4.md").write_text(text.replace("}\n```", "}\n\n" + other + "\n```"))
    if command == "resolve":
        text = (root / "papers" / "key1.md").read_text()
        sides = "<<<<<<< a\nFirst.\n=======\nSecond.\n>>>>>>> b"
        (root / "papers" / "key1.md").write_text(text.replace("First.", sides))
    if command == "resolve of mine":
        (root / "readers").mkdir()
        said = "[papers]\n<<<<<<< a\nkey1 = { rating = 3 }\n=======\nkey1 = { rating = 4 }\n>>>>>>> b\n"
        (root / "readers" / "ana.toml").write_text(said)
    if command in ("fetch", "complete", "update", "settle"):
        links = "links:\n  paper: https://arxiv.org/abs/3103.00001\n  pdf: https://x.org/a.pdf\n"
        (root / "papers" / "web.md").write_text(
            HEAD.format(n=1).replace("added", f"title: Whales of kind 1\n{links}added")
        )
    (root / "in.pdf").write_bytes(PDF)
    (root / "out.bib").write_text("@misc{mine, title={My own}}\n")
    (root / "out.md").write_text(
        PAPER.format(n=1, notes="Ours.")
        if command == "merge of git"
        else "# My page\n\n<!-- kb:begin -->\n<!-- kb:end -->\n"
    )
    for name in ("base", "theirs"):
        (root / f"{name}.md").write_text(PAPER.format(n=1, notes="" if name == "base" else "Theirs."))
    if command in IN_GIT:
        for words in (["init", "-q"], ["config", "user.name", "a"], ["config", "user.email", "a@b.c"]):
            subprocess.run(["git", *words], cwd=root, check=True)
        (root / "kb.toml").write_text("autocommit = true\n")
    if command in ("sync", "prune"):
        run(root, COMMANDS["sync"])
        (root / "in.md").write_text(LIST.replace("- [ ]", "- [x]").replace("Gamma", "Delta"))
    for before in [["me", "ana"]] * (command in READ and command != "resolve of mine") + [
        COMMANDS[name] for name in FOLLOWING.get(command, ())
    ]:
        run(root, before)
    if command == "take":
        (root / "papers" / "key1.md").write_text(PAPER.format(n=1, notes="").replace("unread", "read"))
    run(root, ["list"])
    if command == "recover":
        was = (root / "papers" / "key3.md").read_bytes()
        kept_drafts.begin(root / ".kb", "edit", "key3.md", was + TYPED, disk.digest(was))


def state(root: Path) -> State:
    """What the folder says."""
    paths = [path for name in ("papers", "readers", "lists", "reports") for path in (root / name).glob("*")]
    paths += [*root.glob("out.*"), *(root / ".github").rglob("*"), *(root / name for name in ALSO)]
    if (root / "founded" / "kb.toml").exists():
        paths += (root / "founded").rglob("*")
    return {
        str(path.relative_to(root)): path.read_bytes() for path in paths if path.is_file() and path.suffix != ".tmp"
    }


def run(root: Path, args: Sequence[str], before: Callable[[], None] = lambda: None) -> tuple[int, str]:
    """A command in a fork: its exit status, negative for a signal, and what it said."""
    with tempfile.TemporaryFile() as said:
        child = os.fork()
        if child == 0:
            status = 99
            with contextlib.suppress(BaseException):
                for stream, name in ((1, "stdout"), (2, "stderr")):
                    os.dup2(said.fileno(), stream)
                    setattr(sys, name, os.fdopen(os.dup(stream), "w", buffering=1))
                sys.stdin = open(os.devnull)  # noqa: SIM115, PTH123 - this process ends soon
                os.chdir(root)
                mock.patch("click.edit", _type).start()
                mock.patch.object(Library, "_fetch", return_value=_asked).start()
                before()
                try:
                    kb(list(args))
                except SystemExit as ended:
                    status = int(ended.code or 0)
                sys.setprofile(None)
                sys.stdout.flush()
            os._exit(status)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        said.seek(0)
        return status, said.read().decode(errors="replace")


def _type(filename: str, editor: str | None = None) -> None:
    Path(filename).write_bytes(Path(filename).read_bytes() + TYPED)
    Path("typed").touch()


def _asked(url: str, **_: object) -> Answer:
    """What the web says: of any work at arXiv the same, one PDF, and of the rest nothing."""
    if url.endswith(".pdf"):
        return Answer(200, url, data=PDF)
    if "export.arxiv.org" not in url:
        return Answer(404, url)
    feed = atom(atom_entry("3103.00001", "Whales of kind 1", ["Ana Lee"])).data()
    return Answer(200, url, feed.decode(), content_type="application/atom+xml", data=feed)


def reaches(event: str, called: Any, killing: bool = False) -> str:
    """The module that a call leads to, where it is one whose calls can fail; "" for others.

    If `killing`, only where it changes something: to be killed before looking is to be killed before the next change.
    """
    if event != "c_call":
        return ""
    owner, name = getattr(called, "__self__", None), called.__name__
    module = str(getattr(called, "__module__", None) or type(owner).__module__)
    kind = type(owner).__name__
    if module not in REACHING or name in NEVER_FAILING or kind in ("DirEntry", "ScandirIterator", "StringIO"):
        return ""
    if name == "close" and kind in ("Cursor", "Connection"):  # SQLite's never fail
        return ""
    return "" if killing and (name in LOOKING or kind == "BufferedReader") else module


def counting(into: Path) -> Callable[[], None]:
    """What counts the calls into the system, and writes their numbers when the process ends: all, and the changing."""
    calls = [0, 0]

    def watch(_frame: FrameType, event: str, called: Any) -> None:
        for n in (0, 1):
            calls[n] += bool(reaches(event, called, killing=bool(n)))

    def begin() -> None:
        ending = os._exit
        report = mock.patch.object(
            os, "_exit", lambda status: (into.write_text(f"{calls[0]} {calls[1]}"), ending(status))
        )
        report.start()
        sys.setprofile(watch)

    return begin


class Disk:
    """What a disk would hold after a power cut: it is told of all writing, and forgets what was not synced."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.texts: set[int] = set()  # inodes
        self.names: list[tuple[Path, bytes | None]] = []  # what had been there before

    def begin(self) -> None:
        """Watch what is written and synced from now on."""
        write, sync = disk.write_aside, os.fsync

        def writing(*args: Any) -> str:
            temp = write(*args)
            self.texts.add(Path(temp).stat().st_ino)
            return temp

        def syncing(handle: int) -> None:
            sync(handle)
            about = os.fstat(handle)
            self.texts.discard(about.st_ino)
            if stat.S_ISDIR(about.st_mode):
                self.names = [(path, was) for path, was in self.names if path.parent.stat().st_ino != about.st_ino]

        mock.patch.object(disk, "write_aside", writing).start()
        mock.patch.object(os, "fsync", syncing).start()
        for name, place in (("replace", 1), ("rename", 1), ("link", 1), ("unlink", 0)):
            mock.patch.object(os, name, self._naming(getattr(os, name), place)).start()

    def _naming(self, call: Callable[..., None], place: int) -> Callable[..., None]:
        def naming(*args: Any, **options: Any) -> None:
            path = Path(args[place])
            ours = path.suffix in NAMED and path.is_relative_to(self.root)
            was = path.read_bytes() if ours and path.exists() else None
            call(*args, **options)
            if ours:
                self.names.append((path, was))

        return naming

    def lose_power(self) -> None:
        """Forget."""
        for path in self.root.rglob("*"):
            if path.is_file() and path.stat().st_ino in self.texts:
                os.truncate(path, 0)
        for path, was in reversed(self.names):
            path.unlink(missing_ok=True)
            if was is not None:
                path.write_bytes(was)


def failing(fault: str, number: int, root: Path) -> Callable[[], None]:
    """What makes the n-th call into the system go wrong; without so many calls power is cut when the command ends."""
    there = Disk(root)
    killing = FAULTS[fault] is None

    def watch(_frame: FrameType, event: str, called: Any) -> None:
        nonlocal number
        owner = reaches(event, called, killing)
        number -= bool(owner)
        if not owner or number != 0:
            return
        sys.setprofile(None)
        if error := FAULTS[fault]:
            raise sqlite3.OperationalError(error.strerror) if "sqlite3" in owner else error
        if fault == "power cut":
            there.lose_power()
        os.kill(os.getpid(), signal.SIGKILL)

    def begin() -> None:
        if fault == "power cut":
            there.begin()
            ending = os._exit
            mock.patch.object(os, "_exit", lambda status: (there.lose_power(), ending(status))).start()
        sys.setprofile(watch)

    return begin


def tried(root: Path, command: str, faults: Sequence[str], most: int = 0) -> Iterator[tuple[str, int, str]]:
    """Each fault at each call, or at `most` calls spread over all: the fault, the call, and what is wrong or ""."""
    origin = root / "origin"
    make(origin, command)
    old = state(origin)
    done = root / "done"
    shutil.copytree(origin, done)
    status, said = run(done, COMMANDS[command], counting(root / "calls"))
    calls, changing = map(int, (root / "calls").read_text().split())
    new = state(done)
    assert new != old, said
    for nth, fault in enumerate(faults):
        last = (changing if FAULTS[fault] is None else calls) + (fault == "power cut")
        step = max(1, last // most) if most else 1
        for number in range(last, 0, -step) if fault == "power cut" else range(1 + nth % step, last + 1, step):
            work = root / "work"
            shutil.rmtree(work, ignore_errors=True)
            shutil.copytree(origin, work)
            ended, said = run(work, COMMANDS[command], failing(fault, number, work))
            yield fault, number, judged(work, command, old, new, ended, status, said)


def judged(root: Path, command: str, old: State, new: State, ended: int, expected: int, said: str) -> str:
    """What is wrong after a fault; "" where nothing is."""
    if "Traceback" in said or "a fault of kb" in said:
        return f"a fault: {said.strip().splitlines()[-1]}"
    left_out = [name for name in old if f"{name} cannot be read; what it says of others stays" in said]
    right = [old, new, new | {name: old[name] for name in left_out}]
    if command in PIECEWISE:
        right += [_some_of(state(root), old, new)]
    if ended in (1, expected) and any(why in said for why in HONEST):
        return ""
    if ended >= 0 and state(root) not in right and "the next kb finishes it" not in said:
        return "half done, and not said"
    status, listed = run(root, ["list"])
    if status:
        return f"the next command fails: {listed}"
    after = state(root)
    if after not in right:
        return "half done for good"
    if ended == expected and after not in right[1:3]:
        return "acknowledged and lost"
    if broken := [name for text in after.values() for name in LINKED.findall(text) if not _is_whole(root, name)]:
        return f"linked and not there: {broken}"
    typed = any(draft.read().endswith(TYPED) for draft in drafts(root / ".kb"))
    if after == old and (root / "typed").exists() and not typed:
        return f"what was typed is lost: {said}"
    run(root, COMMANDS[command] if command in ELSEWHERE else ["tag", "key4", "zz"])
    left = [path.name for path in root.rglob(".*.tmp")]
    return f"left behind: {left}" if left else ""


def _some_of(there: State, old: State, new: State) -> State:
    """The new state as far as it is there, file by file: what a command is that makes one change after the other."""
    return {name: text for name, text in there.items() if text in (old.get(name), new.get(name))}


def _is_whole(root: Path, name: bytes) -> bool:
    path = root / "files" / name.decode()
    return path.is_file() and path.read_bytes() == PDF


def main() -> None:
    """Try the commands named, or all, at every call."""
    names, most = sys.argv[1:] or list(COMMANDS), int(os.environ.get("CALLS", "0"))
    wrong = 0
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            counts: Counter[str] = Counter()
            for fault, number, problem in tried(Path(folder), name, list(FAULTS), most):
                counts[fault] += 1
                if problem:
                    wrong += 1
                    print(f"{name}, {fault} at call {number}: {problem}", flush=True)
            print(f"{name}: {dict(counts)}", flush=True)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
