"""What was done can be taken back and made again; what a killed writer began is finished, where it still stands."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import Kb
from test_gate import ENTRY, GOOD

from catalog.errors import Conflict
from catalog.library import Library
from catalog.models import Paper
from catalog.paperfile import dumps
from catalog.store import Change, gate
from catalog.store.history import NONE, kept


@pytest.fixture
def papers(root: Path) -> Path:
    return root / "papers"


def test_every_change_can_be_taken_back_and_made_again(kb: Kb, library: Library, root: Path, papers: Path) -> None:
    (root / "a.bib").write_text(ENTRY)
    (root / "b.bib").write_text(ENTRY.replace("2001", "2002"))
    changes = [
        ["import", "a.bib"], ["mark-read", "a", "--on", "2020-01-01"], ["mark-unread", "a"], ["note", "a", "hello"],
        ["tag", "a", "x"], ["link", "a", "code=https://github.com/x/y"], ["due", "a", "+7d"], ["rename", "a", "z"],
        ["import", "--theirs", "b.bib"], ["rm", "-y", "z"],
    ]  # fmt: skip
    states = [{}]
    for change in changes:
        assert kb(*change).status == 0, change
        states.append({path.name: path.read_bytes() for path in papers.iterdir()})
    for state in reversed(states[:-1]):
        assert kb("undo").status == 0
        assert {path.name: path.read_bytes() for path in papers.iterdir()} == state
    assert kb("undo").err == "kb: there is nothing to undo\n"
    for state in states[1:]:
        assert kb("redo").status == 0
        assert {path.name: path.read_bytes() for path in papers.iterdir()} == state
    assert kb("redo").status == 1
    assert kb("undo", "3").out.count("undone: ") == 3
    assert {path.name: path.read_bytes() for path in papers.iterdir()} == states[-4]


def test_undo_refuses_where_the_folder_moved_on(kb: Kb, papers: Path) -> None:
    kb("add", "--title", "A thing of note", "--key", "a", "--link", "https://x.org")
    kb("tag", "a", "x")
    with (papers / "a.md").open("a") as stream:
        stream.write("\nby hand\n")
    done = kb("undo")
    assert (done.status, "papers/a.md was changed since by another program" in done.err) == (1, True)
    assert "by hand" in (papers / "a.md").read_text()
    kb("note", "a", "more")
    assert "was changed since by `kb note a`" in kb("undo", "--change", "2").err
    assert kb("undo").status == 0
    assert "is undone already; `kb redo` makes it again" in kb("undo", "--change", "3").err


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="nothing takes root's rights from it")
def test_a_folder_that_may_not_be_written_is_read_all_the_same(kb: Kb, root: Path, papers: Path) -> None:
    kb("add", "--title", "A thing of note", "--key", "a", "--link", "https://x.org")
    taken = "--inh-caps=-all --bounding-set=-dac_override,-dac_read_search,-fowner"
    without = ["setpriv", *taken.split()] if os.geteuid() == 0 else []
    folders = (root / ".kb", papers, root)
    for folder in folders:
        folder.chmod(0o555)

    def said(*words: str) -> tuple[int, str, str]:
        command = [*without, sys.executable, "-m", "catalog", "--root", str(root), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    try:
        status, log, _ = said("log")
        assert (status, "add a" in log) == (0, True)
        for file, words in (("a", "tag a x"), ("b", "rename a b")):
            refused = f"kb: cannot write papers/{file}.md: Permission denied (.kb)\n"
            assert said(*words.split()) == (1, "", refused)
        assert re.search("cannot (write|be written)", said("undo")[2])
    finally:
        for folder in folders:
            folder.chmod(0o755)


def test_undo_names_a_few_of_many(library: Library, papers: Path) -> None:
    names = [f"papers/k{n}.md" for n in range(3_000)]
    with library.store.gate.history() as history:
        history.done(history.begin("import", ((name, NONE, kept(b"x")) for name in names)))
    start = time.process_time()
    with pytest.raises(Conflict) as raised:
        library.undo()
    assert time.process_time() - start < 2.0
    assert str(raised.value).count("was removed since by another program") == 5
    assert "so were 2995 more; nothing was changed" in str(raised.value)


def test_a_change_is_on_the_disk_before_it_is_begun(library: Library) -> None:
    with library.store.gate.history() as history:
        said: list[str] = []
        history._db.set_trace_callback(said.append)
        history.begin("try", [])
    assert said.index("PRAGMA synchronous = FULL") < said.index("BEGIN IMMEDIATE") < said.index("COMMIT")


def test_a_history_that_is_a_link_is_not_written_through(kb: Kb, library: Library, root: Path, tmp_path: Path) -> None:
    library.add(title="A thing of note", key="a", links=["https://x.org"])
    path, theirs = root / ".kb" / "history.sqlite", tmp_path / "theirs.sqlite"
    path.rename(theirs)
    before = theirs.read_bytes()
    path.symlink_to(theirs)
    assert "it is a link" in kb("tag", "a", "t").err
    assert theirs.read_bytes() == before
    assert not path.is_symlink()


def test_the_log_says_what_was_done_and_when(kb: Kb) -> None:
    assert kb("log").err == "nothing has been changed yet\n"
    assert (kb("log", "zz").status, "no paper zz" in kb("log", "zz").err) == (1, True)
    kb("add", "--title", "A thing of note", "--key", "a", "--link", "https://x.org")
    kb("add", "--title", "Quite another thing", "--key", "b", "--link", "https://x.org/2")
    kb("rename", "a", "z")
    kb("undo")
    lines = kb("log").out.splitlines()
    assert [line[7 + len("2026-01-01 10:00") + 2 :] for line in lines] == [
        "undo 3: rename a z  2 files", "rename a z  2 files  (undone)", "add b  papers/b.md", "add a  papers/a.md",
    ]  # fmt: skip
    assert len(kb("log", "a").out.splitlines()) == 3
    assert len(kb("log", "-n", "1").out.splitlines()) == 1
    assert "+title: A thing of note" in kb("log", "-p", "-n", "1").out
    assert '"what": "add b"' in kb("log", "--json", "b").out


def test_marking_keeps_the_date_it_takes_off(kb: Kb) -> None:
    kb("add", "--title", "A thing of note", "--key", "a", "--link", "https://x.org")
    kb("mark-read", "a", "--on", "2020-02-02")
    assert kb("mark-unread", "a").out == "· a is unread; it was read on 2020-02-02, `kb log a` keeps that\n"
    assert "-read: '2020-02-02'" in kb("log", "a", "-p", "-n", "1").out


def test_the_history_is_bounded(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    library.add(title="A thing of note", key="a", links=["https://x.org"])
    monkeypatch.setattr("catalog.store.history.MOST_BYTES", 200_000)
    for number in range(60):
        text = os.urandom(4_000).hex()
        library.change("a", lambda paper, text=text: paper.evolve(notes=text), f"turn {number} of")
    assert 5 < len(library.log()) < 50
    with library.store.gate.history() as history:
        assert history._used() <= 260_000
    assert library.undo().what == "turn 59 of a"


def test_a_damaged_history_is_set_aside(kb: Kb, library: Library) -> None:
    kb("add", "--title", "A thing of note", "--key", "a", "--link", "https://x.org")
    path = library.store.private / "history.sqlite"
    for damage in (b"garbage " * 999, b"\0" * 4096):
        path.write_bytes(damage)
        done = kb("tag", "a", "x" + str(len(damage)))
        assert done.status == 0
        assert "the history cannot be read" in done.err
        assert len(library.log()) == 1
    assert len(list(library.store.private.glob("history.damaged-*"))) == 2


# --- what a killed writer leaves ---


def begun(library: Library, changes: list[Change]) -> None:
    """A change of which the first file was swapped when its writer was killed."""
    store = library.store
    with store.gate.history() as history:
        history.begin(
            "rename a z", ((c.file, kept(c.before.data if c.before else None), kept(c.after)) for c in changes)
        )
    (store.private / "swapping").touch()
    (store.root / changes[0].file).write_bytes(changes[0].after or b"")


def renaming(library: Library, papers: Path) -> list[Change]:
    store = library.store
    (papers / "a.md").write_text(GOOD)
    (papers / "b.md").write_text(dumps(Paper(key="b", title="B", notes="[a](a.md)")))
    new_b = (papers / "b.md").read_bytes().replace(b"a.md", b"z.md")
    return [
        Change("papers/z.md", None, GOOD.replace("{a,", "{z,").encode()),
        Change("papers/b.md", store.read("b.md"), new_b),
        Change("papers/a.md", store.read("a.md"), None),
    ]


def test_what_was_begun_is_finished_by_whoever_comes_next(kb: Kb, library: Library, papers: Path) -> None:
    begun(library, renaming(library, papers))
    assert [line.split("\t")[1] for line in kb("list").out.splitlines()] == ["b", "z"]
    assert "z.md" in (papers / "b.md").read_text()
    assert library.undo().what == "rename a z"
    assert (papers / "a.md").read_text() == GOOD


def test_what_was_changed_since_stays_and_is_named(kb: Kb, library: Library, papers: Path) -> None:
    begun(library, renaming(library, papers))
    (papers / "b.md").write_text(dumps(Paper(key="b", title="B by hand")))
    done = kb("list")
    assert done.status == 0
    assert "papers/b.md was changed since `kb rename a z` was cut short, and stays" in done.err
    assert "B by hand" in (papers / "b.md").read_text()
    assert not (papers / "a.md").exists()
    assert "cut short" not in kb("list").err
    assert {file.path for file in library.log()[0].files} == {"papers/a.md", "papers/z.md"}


def test_what_cannot_be_finished_blocks_nothing(kb: Kb, library: Library, papers: Path) -> None:
    changes = renaming(library, papers)
    begun(library, changes)
    (papers / "b.md").unlink()
    (papers / "b.md").mkdir()
    done = kb("list")
    assert (done.status, "papers/b.md was changed since" in done.err) == (0, True)
    with library.store.gate.history() as history:
        new = kept(b"x")
        history.begin("odd", [("../victim.md", NONE, new), ("kb.toml", kept(b""), new), ("papers/c.md", NONE, new)])
    (library.store.private / "swapping").touch()
    (papers / "c.md").write_bytes(b"x")
    assert kb("list").status == 0
    assert not (library.root.parent / "victim.md").exists()
    assert (library.root / "kb.toml").read_bytes() != b"x"
    assert kb("tag", "z", "t").status == 0


def test_a_reader_does_not_wait_for_a_writer(
    kb: Kb, library: Library, papers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (papers / "a.md").write_text(GOOD)
    monkeypatch.setattr(gate, "_GLANCES", (0.0,))
    other = Library.open(library.root)
    with other.store.lock():
        (library.store.private / "swapping").touch()
        assert kb("list").out.count("\n") == 1
        assert kb("check").out.count("\n") == 1


def test_computing_does_not_hold_the_lock(library: Library, papers: Path) -> None:
    (papers / "a.md").write_text(GOOD)
    other = Library.open(library.root)

    times: list[int] = []

    def slow(paper: Paper) -> Paper:
        if not times:
            times.append(1)
            other.note("a", "written while the other computes")
        return paper.evolve(tags=("t",))

    library.change("a", slow, "tag")
    text = (papers / "a.md").read_text()
    assert "written while the other computes" in text
    assert "  - t\n" in text


@pytest.mark.parametrize(
    "damage",
    ["text SET data = x'00'", "change SET time = x'ff', what = 12, turn = 'undo x'", "change SET state = 'pending', turn = 'undo x'",
     "change SET time = '\u202e\x1b[31m', what = 'tag \u202e'", "file SET path = '../../x.md'"],
)  # fmt: skip
def test_a_history_that_came_along_damaged_stops_nothing(kb: Kb, library: Library, root: Path, damage: str) -> None:
    library.add(title="A thing of note", key="a", links=["https://x.org"])
    library.tag("a", ["one"])
    with contextlib.closing(sqlite3.connect(root / ".kb" / "history.sqlite")) as db:
        db.execute(f"UPDATE {damage}")
        db.commit()
    for command in (["log"], ["log", "-p"], ["undo"], ["redo"]):
        done = kb(*command)
        assert "a fault of kb" not in done.err
        assert not re.search("[\u202e\x1b]", done.out + done.err)
    assert kb("tag", "a", "two").status == 0
    assert not (root.parent / "x.md").exists()
