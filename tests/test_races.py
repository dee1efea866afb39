"""Many `kb` at once: every add and every mark is there afterwards."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from crash import COMMANDS, FAULTS, tried
from race import race

from catalog.library import Library
from catalog.store import Store
from catalog.store.disk import Stamp

PROCESSES = 4
WORKER = """
import sys
from catalog.library import Library
from catalog.store import Store
from catalog.store.disk import Stamp
library, me = Library.open(), sys.argv[1]
for i in range(4):
    library.add("@misc{p%s%d, title = {Work %s of number %d}, author = {A%s B}}" % (me, i, me, i, me))
    library.tag("shared", ["tag-%s-%d" % (me, i)])
    library.mark_read(["p%s%d" % (me, i)])
"""


def test_processes_add_and_mark_at_once(library: Library, root: Path) -> None:
    library.add("@misc{shared, title = {The shared work of all}}")
    running = [
        subprocess.Popen([sys.executable, "-c", WORKER, str(n)], cwd=root, stderr=subprocess.PIPE, text=True)
        for n in range(PROCESSES)
    ]
    errors = [process.communicate(timeout=120)[1] for process in running]
    assert errors == [""] * PROCESSES
    assert len(library.papers()) == 1 + 4 * PROCESSES
    assert len(library.paper("shared").tags) == 4 * PROCESSES
    assert len(library.list("status:read")) == 4 * PROCESSES
    assert not [path for path in (root / "papers").iterdir() if path.suffix != ".md"]


def test_the_same_paper_added_by_several_at_once_is_there_once(library: Library, root: Path) -> None:
    code = "from catalog.cli import main; main(['add', '--title', 'One work of many words', '--key', 'one'])"
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code], cwd=root, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
        )
        for _ in range(PROCESSES)
    ]
    said = sorted(process.communicate(timeout=120)[0].partition(":")[0] for process in running)
    assert said == ["added one"] + ["already here"] * (PROCESSES - 1)
    assert list(library.papers()) == ["one"]


def test_nobody_loses_anything_to_anybody(tmp_path: Path) -> None:
    assert race(tmp_path / "base", 3, 6, several=True) == []


def test_every_command_is_tried_at_night() -> None:
    text = (Path(__file__).parent.parent / ".github" / "workflows" / "nightly.yml").read_text()
    runs = map(shlex.split, re.findall(r"- python tests/crash\.py (.+)", text))
    assert sorted(name for names in runs for name in names) == sorted(COMMANDS)


@pytest.mark.skipif(os.name == "nt", reason="there is no fork")
@pytest.mark.parametrize(("command", "most"), [("rename", 3), ("edit", 1)])
def test_a_fault_at_any_call_leaves_before_or_after(tmp_path: Path, command: str, most: int) -> None:
    """A few calls for each fault; `python tests/crash.py` tries all of every command."""
    problems = [found for found in tried(tmp_path, command, list(FAULTS), most) if found[2]]
    assert problems == []


def test_what_comes_while_the_folder_is_listed_is_not_forgotten(
    library: Library, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.add("@misc{first, title = {The first of two}}")
    library.list()
    listed, others = Store.files, Library.open(root)

    def slowly(store: Store) -> dict[str, Stamp]:
        files = listed(store)
        if store is library.store and "second" not in others.papers():
            others.add("@misc{second, title = {What somebody else adds meanwhile}}")
            others.list()
        return files

    monkeypatch.setattr(Store, "files", slowly)
    library.list()
    monkeypatch.undo()
    with library.store.open_index() as index:
        assert index.has("second")
