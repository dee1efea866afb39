"""Stop or fail every writing command at each of its calls into the system: python tests/crash.py [COMMAND ...]

A command is run in a fork of this process. Before its n-th call into the modules that reach the disk it is killed, or
loses its power (what was written and not synced is emptied), or the call fails as on a full or broken disk. Afterwards
the folder is as before or as after the command, once another command has looked; what was acknowledged is there; what
was typed into an editor is kept; nothing is left lying about.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import pkgutil
import shutil
import signal
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any
from unittest import mock

import filelock

import catalog
from catalog.cli import main as kb
from catalog.store import disk
from catalog.store.drafts import drafts

for _module in pkgutil.walk_packages(catalog.__path__, "catalog."):  # what is imported late would be hit in its stead
    if "pages" not in _module.name and "__main__" not in _module.name:
        importlib.import_module(_module.name)
assert filelock.FileLock

FAULTS: dict[str, OSError | None] = {
    "killed": None,
    "power cut": None,
    "disk full": OSError(errno.ENOSPC, "No space left on device"),
    "disk broken": OSError(errno.EIO, "Input/output error"),
    "refused": OSError(errno.EACCES, "Permission denied"),
}
REACHING = ("posix", "nt", "_io", "io", "fcntl", "sqlite3", "_sqlite3")
HEAD = "---\nstatus: unread\nadded: '2024-01-0{n}'\n---\n\n"
PAPER = (
    HEAD
    + "```bibtex\n@misc{{key{n},\n  title = {{Paper number {n}}},\n  author = {{Doe, Jane}},\n  year = {{200{n}}},\n}}\n```\n\n{notes}\n"
)
BIB = "@string{jj = {J}}\n" + "".join(
    f"@misc{{key{n},\n  title = {{Paper number {n}}},\n  author = {{Doe, Jane}},\n  year = {{200{n}}},\n  note = jj,\n}}\n"
    for n in (4, 5, 8, 9)
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
    "rm": ["rm", "-y", "-f", "key5", "key6"],
    "fmt": ["fmt"],
    "fix": ["check", "--fix"],
    "undo": ["undo"],
}
TYPED = b"\ntyped and not to be lost\n"
State = dict[str, bytes]


def make(root: Path, command: str) -> None:
    """Six papers in order; for `fmt` and `fix` out of order, for `undo` with a change of three of them."""
    (root / "papers").mkdir(parents=True)
    (root / "kb.toml").touch()
    (root / "in.bib").write_text(BIB)
    odd = command in ("fmt", "fix")
    for n in range(1, 7):
        text = PAPER.format(n=n, notes="See [one](key1.md)." if n in (2, 3) else "First.")
        (root / "papers" / f"key{n}.md").write_text(text.replace("status:", "status:  ") if odd and n < 4 else text)
    if command == "undo":
        run(root, COMMANDS["rename"])
    run(root, ["list"])


def state(root: Path) -> State:
    """What the folder says."""
    paths = [*(root / "papers").iterdir(), root / "shared.bib"]
    return {path.name: path.read_bytes() for path in paths if path.is_file()}


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


def reaches(event: str, called: Any) -> str:
    """The module that a call leads to, where it is one that reaches the disk; else ""."""
    owner = getattr(called, "__module__", None) or type(getattr(called, "__self__", None)).__module__
    return str(owner) if event == "c_call" and owner in REACHING else ""


def counting(into: Path) -> Callable[[], None]:
    """What counts the calls into the system, and writes their number when the process ends."""
    calls = 0

    def watch(_frame: FrameType, event: str, called: Any) -> None:
        nonlocal calls
        calls += bool(reaches(event, called))

    def begin() -> None:
        ending = os._exit
        mock.patch.object(os, "_exit", lambda status: (into.write_text(str(calls)), ending(status))).start()
        sys.setprofile(watch)

    return begin


def failing(fault: str, number: int, root: Path) -> Callable[[], None]:
    """What makes the n-th call into the system go wrong."""
    unsynced: set[int] = set()

    def watch(_frame: FrameType, event: str, called: Any) -> None:
        nonlocal number
        owner = reaches(event, called)
        number -= bool(owner)
        if not owner or number != 0:
            return
        sys.setprofile(None)
        if error := FAULTS[fault]:
            raise sqlite3.OperationalError(error.strerror) if "sqlite3" in owner else error
        if fault == "power cut":
            for path in root.rglob("*"):
                if path.is_file() and path.stat().st_ino in unsynced:
                    os.truncate(path, 0)
        os.kill(os.getpid(), signal.SIGKILL)

    def begin() -> None:
        write, sync = disk.write_aside, os.fsync

        def writing(*args: Any) -> Path:
            temp = write(*args)
            unsynced.add(temp.stat().st_ino)
            return temp

        def syncing(handle: int) -> None:
            sync(handle)
            unsynced.discard(os.fstat(handle).st_ino)

        mock.patch.object(disk, "write_aside", writing).start()
        mock.patch.object(os, "fsync", syncing).start()
        sys.setprofile(watch)

    return begin


def tried(root: Path, command: str, faults: Sequence[str], step: int, first: int = 1) -> Iterator[tuple[str, int, str]]:
    """Each fault at each `step`-th call: the fault, the number of the call, and what is wrong afterwards or ""."""
    origin = root / "origin"
    make(origin, command)
    old = state(origin)
    done = root / "done"
    shutil.copytree(origin, done)
    status, said = run(done, COMMANDS[command], counting(root / "calls"))
    reached, new = int((root / "calls").read_text()), state(done)
    assert new != old, said
    for fault in faults:
        for number in range(first, reached + 1, step):
            work = root / "work"
            shutil.rmtree(work, ignore_errors=True)
            shutil.copytree(origin, work)
            ended, said = run(work, COMMANDS[command], failing(fault, number, work))
            yield fault, number, judged(work, old, new, ended, status, said)


def judged(root: Path, old: State, new: State, ended: int, expected: int, said: str) -> str:
    """What is wrong after a fault; "" where nothing is."""
    if "Traceback" in said or "a fault of kb" in said:
        return f"a fault: {said.strip().splitlines()[-1]}"
    if ended >= 0 and state(root) not in (old, new) and "the next kb finishes it" not in said:
        return "half done, and not said"
    status, listed = run(root, ["list"])
    if status:
        return f"the next command fails: {listed}"
    after = state(root)
    if after not in (old, new):
        return "half done for good"
    if ended == expected and after != new:
        return "acknowledged and lost"
    typed = any(draft.read().endswith(TYPED) for draft in drafts(root / ".kb"))
    if after == old and (root / "typed").exists() and not typed:
        return f"what was typed is lost: {said}"
    run(root, ["tag", "key4", "zz"])
    left = [path.name for path in root.rglob(".*.tmp")]
    return f"left behind: {left}" if left else ""


def main() -> None:
    """Try the commands named, or all, at every call."""
    names = sys.argv[1:] or list(COMMANDS)
    wrong = 0
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            counts: Counter[str] = Counter()
            for fault, number, problem in tried(Path(folder), name, list(FAULTS), 1):
                counts[fault] += 1
                if problem:
                    wrong += 1
                    print(f"{name}, {fault} at call {number}: {problem}", flush=True)
            print(f"{name}: {dict(counts)}", flush=True)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
