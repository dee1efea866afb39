"""The console blocks of a page, run as a reader would: `kb` in a terminal of 100 columns, in a knowledge base made up.

A line `$ command` is run by the shell, and what stands below it is what it printed. Blocks without such a line are not
run. A page starts in a copy of this repository's papers, or in an empty folder where it says `<!-- starts empty -->`;
`<!-- with FILE… -->` puts files of tests/data/docs there. Today is always the same day.

    python tests/transcripts.py README.md site/guide/*.md      # write what is printed now into the pages
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
GIVEN = REPOSITORY / "tests" / "data" / "docs"
BASE = ("kb.toml", "shared.bib", "papers", "notebooks")
SHOWN_FOLDER = "/home/you/reading"
COLUMNS = 100
_PART = re.compile(
    r"^<!-- with (?P<files>[^\n]+?) -->$|^(?P<fence>`{3,})console\n(?P<block>.*?)^(?P=fence)$", re.M | re.S
)
_STEP = re.compile(r"^\$ (?P<command>[^\n]*)\n(?P<shown>(?:(?!\$ )[^\n]*\n)*)", re.M)
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07")

KB = """\
#!{python}
import datetime as dt

class Days(type):
    def __instancecheck__(cls, value):
        return isinstance(value, day)

class Date(dt.date, metaclass=Days):
    today = staticmethod(lambda: day(2026, 11, 24))

day, dt.date = dt.date, Date
from catalog.cli import main
main()
"""


@dataclass(frozen=True)
class Step:
    """A command, what the page shows of its output, and where in the page that stands."""

    command: str
    shown: str
    start: int
    stop: int
    files: tuple[str, ...] = ()


def read(page: str) -> list[Step]:
    """The commands of a page, in order, each with the files that are put there before it."""
    steps: list[Step] = []
    files: tuple[str, ...] = ()
    for part in _PART.finditer(page):
        if part["files"]:
            files += tuple(part["files"].split())
            continue
        for step in _STEP.finditer(page, part.start("block"), part.end("block")):
            steps.append(Step(step["command"], step["shown"], step.start("shown"), step.end("shown"), files))
            files = ()
    return steps


def prepare(page: str, folder: Path) -> Path:
    """The folder that the page starts in, below an empty one; and a `kb` to call in it."""
    base = folder / "reading"
    base.mkdir()
    for name in () if "<!-- starts empty -->" in page else BASE:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, base / name)
        elif source.exists():
            shutil.copy(source, base / name)
    (folder / "bin").mkdir()
    kb = folder / "bin" / "kb"
    kb.write_text(KB.format(python=sys.executable))
    kb.chmod(0o755)
    return base


def play(steps: list[Step], base: Path) -> list[str]:
    """What each command prints, as a page shows it."""
    printed = []
    for step in steps:
        for name in step.files:
            shutil.copy(GIVEN / name, base / name)
        printed.append(_tidy(_run(step.command, base), base))
    return printed


def _run(command: str, base: Path) -> str:
    env = {name: value for name, value in os.environ.items() if name not in ("KB_ROOT", "COLUMNS", "LINES")}
    env |= {"TERM": "xterm", "NO_COLOR": "1", "PYTHONPATH": str(REPOSITORY), "LC_ALL": "C.UTF-8"}
    env["PATH"] = f"{base.parent / 'bin'}{os.pathsep}{env['PATH']}"
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
    process = subprocess.Popen(
        ["sh", "-c", command], cwd=base, env=env, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    printed = b""
    while chunk := _read(ours):
        printed += chunk
    os.close(ours)
    process.wait()
    return printed.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # on Linux the end of a terminal is an error
        return b""


def _tidy(printed: str, base: Path) -> str:
    text = _ANSI.sub("", printed).replace("\r\n", "\n").replace(str(base), SHOWN_FOLDER)
    lines = [line.rstrip() for line in text.splitlines()]
    return "".join(f"{line}\n" for line in lines)


def renewed(page: str, folder: Path) -> str:
    """The page with what its commands print now."""
    steps = read(page)
    for step, printed in reversed(list(zip(steps, play(steps, prepare(page, folder)), strict=True))):
        page = page[: step.start] + printed + page[step.stop :]
    return page


if __name__ == "__main__":
    for name in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as scratch:
            Path(name).write_text(renewed(Path(name).read_text("utf-8"), Path(scratch)), encoding="utf-8")
