"""Completion in the shells that are here, typed into a terminal: a key is a word, whatever a clone named its file."""

from __future__ import annotations

import datetime as dt
import os
import re
import select
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest
from support import Kb

from catalog.cli import commands
from catalog.cli.options import complete_keys
from catalog.cli.shell import quoted
from catalog.completion import ALL, FIRST, offered
from catalog.filenames import file_name
from catalog.library import Library
from catalog.models import Paper
from catalog.paperfile import dumps

pty = pytest.importorskip("pty")

SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'eval "$(kb completion bash)"'),
    "zsh": (["zsh", "-f", "-i"], 'autoload -U compinit; compinit -u -D; eval "$(kb completion zsh)"'),
    "fish": (["fish", "--no-config", "-i"], "kb completion fish | source"),
}
KEYS = ("hu$(touch FIRED)", "vas;touch FIRED;", "wu`touch FIRED`", "ze'q", "ba\\ck")


def place(library: Library, key: str, title: str) -> None:
    """A file that somebody else named."""
    paper = Paper(key=key, title=title, added=dt.date(2026, 1, 1))
    (library.store.folder / file_name(key)).write_text(dumps(paper))


def typed(shell: str, lines: list[tuple[str, str]], folder: Path) -> str:
    """What a terminal shows after each line was typed and its mark was seen, or ten seconds went by."""
    args, _ = SHELLS[shell]
    env = os.environ | {"TERM": "dumb", "HOME": str(folder.parent), "XDG_STATE_HOME": str(folder.parent / "state")}
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
    child, terminal = pty.fork()
    if not child:
        os.chdir(folder)
        os.execvpe(args[0], args, env)  # noqa: S606 - a shell is what is tested
    shown = b""
    for line, mark in lines:
        os.write(terminal, line.encode())
        start, end = len(shown), time.monotonic() + 30
        while mark.encode() not in shown[start:] and time.monotonic() < end:
            if select.select([terminal], [], [], 0.1)[0]:
                shown += os.read(terminal, 65_536)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(terminal)
    return shown.decode("utf-8", "replace")


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("key", KEYS)
def test_a_hostile_key_is_a_word(shell: str, key: str, library: Library) -> None:
    if not shutil.which(shell):
        pytest.skip(f"no {shell} on this machine")
    place(library, key, "The title of it $(touch FIRED) `touch FIRED` ;touch FIRED")
    steps = [
        (SHELLS[shell][1] + '; echo rea""dy\n', "ready"),
        (f"kb show {key[:2]}\t", re.findall(r"\w+", key)[-1]),
        ("\n", "unread, added"),
    ]
    shown = typed(shell, steps, library.root)
    assert "The title of it" in shown
    assert not (library.root / "FIRED").exists()


def test_what_is_offered_is_quoted(kb: Kb, library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in (*KEYS, "Müller2020", "a!b", "~x", "y*", "-y"):
        place(library, key, f"On {key}")
    (library.root / "papers" / "\u202eok.md").write_text("---\nstatus: read\ntitle: x\n---\n")
    monkeypatch.setenv("_KB_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "kb show ")
    monkeypatch.setenv("COMP_CWORD", "2")
    offered = [line.partition(",")[2] for line in kb().out.splitlines()]
    assert sorted(offered) == sorted([*map(quoted, KEYS), "Müller2020", "a\\!b", "\\~x", "y\\*"])


def test_a_broken_base_offers_nothing(kb: Kb, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "kb.toml").write_bytes(b"\xff")
    for name, value in (("_KB_COMPLETE", "zsh_complete"), ("COMP_WORDS", "kb show "), ("COMP_CWORD", "2")):
        monkeypatch.setenv(name, value)
    done = kb()
    assert (done.out.strip(), done.err) == ("", "")


def test_the_quick_answer_is_for_commands_that_take_keys() -> None:
    first, every = set(), set()
    for name, command in commands().items():
        taken = next((p for p in command.params if p.param_type_name == "argument"), None)
        if taken and taken._custom_shell_complete is complete_keys and taken.name != "name" and taken.name != "names":
            (every if taken.nargs == -1 else first).add(name)
    assert (first, every) == (set(FIRST), set(ALL))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    ("line", "quick"),
    [
        ("kb show a", True), ("kb show ab", True), ("kb show ", True), ("kb mark-read abc1 ab", True),
        ("kb show A", False), ("kb show zz", False), ("kb show --json a", False), ("kb show -", False),
        ("kb show abc1 a", False), ("kb list a", False), ("kb sho", False), ("kb --root . show a", False),
        ("kb show 'a", False), ("kb open ../a", False), ("kb merge abc1 a", False),
    ],
)  # fmt: skip
def test_the_quick_answer_is_that_of_the_whole_program(
    kb: Kb, library: Library, monkeypatch: pytest.MonkeyPatch, shell: str, line: str, quick: bool
) -> None:
    for key in ("abc1", "abd2", "b.c-d_e+f"):
        library.add(title=f"A: {key} on a long title that goes on until it is longer than sixty signs", key=key)
    for path in (library.root / "papers", *(library.root / "papers").iterdir()):
        os.utime(path, (1e9, 1e9))
    library.index()
    words = line.split(" ")
    monkeypatch.setenv("_KB_COMPLETE", f"{shell}_complete")
    monkeypatch.setenv("COMP_WORDS", line.strip() if shell == "fish" else line)
    monkeypatch.setenv("COMP_CWORD", words[-1] if shell == "fish" else str(len(words) - 1))
    found = offered()
    assert (found is not None) == quick
    if quick:
        assert f"{found}\n" == kb().out


def test_a_quick_answer_knows_a_file_that_has_just_come(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    library.add(title="A", key="abc1")
    for name, value in (("_KB_COMPLETE", "zsh_complete"), ("COMP_WORDS", "kb show a"), ("COMP_CWORD", "2")):
        monkeypatch.setenv(name, value)
    assert offered() is None, "the index is not up to date"
    for path in (library.root / "papers", *(library.root / "papers").iterdir()):
        os.utime(path, (1e9, 1e9))
    library.index()
    assert offered() == "plain\nabc1\nA"
    (library.root / "papers" / "abc2.md").write_text("---\ntitle: B\nstatus: unread\n---\n")
    assert offered() is None
    (library.root / ".kb" / "index.sqlite").write_bytes(b"garbage")
    assert offered() is None
