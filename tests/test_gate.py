"""Nothing is lost: what cannot be read is never overwritten, what changed meanwhile stays, what was typed is kept."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support import Kb

from catalog.errors import Conflict, KbError
from catalog.library import Library
from catalog.models import Paper
from catalog.paperfile import dumps, loads
from catalog.store import Change, Store, disk, gate
from catalog.store.drafts import drafts
from catalog.store.history import History

ENTRY = "@article{a,\n  title = {A work of note},\n  author = {Doe, Jane},\n  year = {2001}\n}"
NOTES = "Notes of mine, a year of them."
GOOD = dumps(Paper(key="a", bibtex=ENTRY, notes=NOTES))
DAMAGE = {
    "conflict in the head": GOOD.replace("---\nstatus", "---\n<<<<<<< HEAD\nstatus", 1).replace(
        "---\n\n", "=======\nstatus: reading\n>>>>>>> other\n---\n\n", 1
    ),
    "half-typed": GOOD.replace("---\nstatus", "---\ntitle: [a\nstatus", 1),
    "a bad date": GOOD.replace("---\nstatus", "---\nadded: 20x3\nstatus", 1),
    "not UTF-8": GOOD.replace("Notes", "Caf\udce9"),
    "no head": GOOD.split("---\n", 2)[2],
    "conflict in the notes": GOOD + "\n<<<<<<< HEAD\none\n=======\ntwo\n>>>>>>> other\n",
}
COMMANDS = {
    "add": ["add", "--title", "A work of note", "--key", "a", "--link", "https://x.org/1"],
    "add -": ["add", "-"],
    "import .bib": ["import", "a.bib"],
    "import a list": ["import", "list.md"],
    "import a paper file": ["import", "from/a.md"],
    "rename": ["rename", "b", "a"],
}


@pytest.fixture
def papers(root: Path) -> Path:
    return root / "papers"


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_that_cannot_be_read_is_never_overwritten(
    kb: Kb, root: Path, papers: Path, damage: str, command: str
) -> None:
    before = DAMAGE[damage].encode("utf-8", "surrogateescape")
    (papers / "a.md").write_bytes(before)
    (papers / "b.md").write_text(dumps(Paper(key="b", title="Another work", bibtex="@misc{b, title={Another work}}")))
    (root / "a.bib").write_text(ENTRY)
    (root / "list.md").write_text(f"# Works\n\n- A work of note\n\n```bibtex\n{ENTRY}\n```\n")
    (root / "from").mkdir()
    (root / "from" / "a.md").write_text(GOOD)
    done = kb(*COMMANDS[command], given=ENTRY)
    assert (papers / "a.md").read_bytes() == before
    assert done.status == 1, done.out
    assert {path.name for path in papers.iterdir()} == {"a.md", "b.md"}


def test_what_cannot_be_read_is_said_and_the_rest_goes_on(kb: Kb, papers: Path) -> None:
    (papers / "a.md").write_text(DAMAGE["conflict in the notes"])
    (papers / "c.md").write_text("---\nstatus: done\n---\n")
    (papers / "b.md").write_text(GOOD.replace("{a,", "{b,"))
    for command in (["list"], ["search", "note"], ["stats"], ["next"], ["export", "csv"], ["export", "markdown"]):
        done = kb(*command)
        assert "2 files cannot be read: papers/a.md:15, papers/c.md:2" in done.err, command
        assert done.out, command
        assert done.status == 0, command
    assert kb("export", "bib").status == 1
    for command in (["show", "a"], ["note", "a", "x"], ["mark-read", "a"], ["tag", "a", "x"]):
        done = kb(*command)
        assert "papers/a.md:15: an unresolved merge, lines 15 to 19" in done.err, command
        assert done.status == 1
    (papers / "c.md").unlink()
    assert "1 file cannot be read: papers/a.md:15 an unresolved merge, lines 15 to 19" in kb("list").err
    assert "papers/a.md:15: an unresolved merge, lines 15 to 19; `kb resolve a` shows both sides" in kb("check").out


def test_an_unreadable_file_is_read_once(library: Library, papers: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (papers / "a.md").write_text("---\nstatus: done\n---\n")
    (papers / "b.md").write_text(GOOD)
    for name in ("a.md", "b.md"):
        os.utime(papers / name, (1_000_000_000, 1_000_000_000))
    assert list(library.unreadable()) == ["a.md"]
    monkeypatch.setattr(Store, "load", lambda *_: pytest.fail("read again"))
    assert list(library.unreadable()) == ["a.md"]
    assert [record.key for record in library.list()] == ["b"]


def test_a_change_of_the_same_size_and_time_is_seen(library: Library, papers: Path) -> None:
    path = papers / "b.md"
    path.write_text(GOOD.replace("A work", "B work"))
    os.utime(path, (1_000_000_000, 1_000_000_000))
    assert library.get("b").heading == "B work of note"
    path.write_text(GOOD.replace("A work", "C work"))
    os.utime(path, (1_000_000_000, 1_000_000_000))
    assert library.get("b").heading == "C work of note"


# --- the gate ---


WRITING = {
    "tag": lambda library: library.tag("a", ["t"]),
    "mark-read": lambda library: library.mark_read(["a"]),
    "note": lambda library: library.note("a", "more"),
    "fmt": lambda library: library.fmt(),
    "check --fix": lambda library: library.fix(),
    "rename": lambda library: library.rename("a", "z"),
    "rm": lambda library: library.remove(["a"]),
    "import": lambda library: library.import_([("x.bib", ENTRY.replace("2001", "2001}, doi = {10.1000/1").encode())]),
}


@pytest.mark.parametrize("name", WRITING)
def test_an_edit_made_while_kb_writes_is_not_lost(
    library: Library, papers: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program appends while the texts go to the disk: the command does its work on what is there then."""
    path = papers / "a.md"
    path.write_text(GOOD.replace("status: unread", "status:   unread"))
    real, times = disk.sync_files, []

    def meddle(paths: list[Path]) -> None:
        real(paths)
        if not times:
            times.append(1)
            with path.open("a") as stream:
                stream.write("\nappended meanwhile\n")

    monkeypatch.setattr(disk, "sync_files", meddle)
    WRITING[name](library)
    if name == "rm":  # nothing is written aside where a file only goes
        assert not path.exists()
    else:
        assert times
        assert "appended meanwhile" in "".join(file.read_text() for file in papers.glob("*.md"))


def test_a_file_that_appears_meanwhile_is_not_overwritten(
    library: Library, papers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = disk.sync_files

    def meddle(paths: list[Path]) -> None:
        real(paths)
        (papers / "new.md").write_text("theirs")

    monkeypatch.setattr(disk, "sync_files", meddle)
    with pytest.raises(KbError):
        library.add(title="A new one of many", key="new", links=["https://x.org"])
    assert (papers / "new.md").read_text() == "theirs"
    assert not list(library.store.private.glob("*.tmp"))


def test_absent_means_absent_in_any_case_and_form(library: Library, papers: Path) -> None:
    store = library.store
    (papers / "M\u00fcller.md").write_text("theirs")
    for name in ("M\u00fcller.md", "Mu\u0308ller.md", "m\u00fcller.md", "MU\u0308LLER.md"):
        with pytest.raises(Conflict, match="is there already"):
            store.commit([Change(f"papers/{name}", None, b"mine")], "try")
    assert [path.name for path in papers.iterdir()] == ["M\u00fcller.md"]


def test_what_would_not_read_back_is_not_written(
    library: Library, papers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (papers / "a.md").write_text(GOOD)
    for wrong in (lambda _: "---\nstatus: unread\n---\n", lambda _: "no head"):
        with monkeypatch.context() as patch:
            patch.setattr("catalog.paperfile.dumps", wrong)
            with pytest.raises(KbError, match=r"papers/a\.md: what was to be written"):
                library.tag("a", ["t"])
        assert (papers / "a.md").read_text() == GOOD
    assert library.log() == []


@pytest.mark.parametrize(
    "head",
    [
        "tags:: x\nstatus: unread\ntags:\n  - y\n",
        "x: {a: 1,\ntags: 2}\nstatus: unread\n",
        "title: 'long\n  tags: no\n  status: no'\nstatus: unread\n",
        "{status: unread, tags: [a], odd: '1'}\n",
        "odd: |\n  # no comment\n\n  tags: x\nstatus: unread\n",
        "? odd\n: value\nstatus: unread\n",
    ],
)
def test_odd_heads_survive_every_change(library: Library, papers: Path, head: str) -> None:
    import yaml

    (papers / "a.md").write_text(f"---\n{head}---\n\n{NOTES}\n")
    before = yaml.load(head, Loader=yaml.BaseLoader)  # noqa: S506 - strings alone
    library.mark_read(["a"])
    library.fmt()
    library.tag("a", ["new"])
    text = (papers / "a.md").read_text()
    after = yaml.load(text.split("---\n")[1], Loader=yaml.BaseLoader)  # noqa: S506 - strings alone
    changed = {"status", "read", "tags"}
    assert {k: v for k, v in after.items() if k not in changed} == {k: v for k, v in before.items() if k not in changed}
    assert set(before.get("tags", [])) < set(after["tags"])
    assert NOTES in text


def test_comments_stay_where_they_stand(library: Library, papers: Path) -> None:
    head = (
        "# on top\ntitle: A  # of the title\nstatus: unread\nlinks:\n  # not yet: a\n  paper: https://x.org/#1 # good\n"
        "  # and no code\ntags: # todo\n  - a # first\n  # between\n  - b\n# last\n"
    )
    (papers / "a.md").write_text(f"---\n{head}---\n")
    library.mark_read(["a"])
    text = (papers / "a.md").read_text()
    for kept in (
        "# on top\ntitle: A # of the title\n", "links:\n  # not yet: a\n  paper: https://x.org/#1 # good\n  # and no code\n",
        "tags: # todo\n  - a # first\n  # between\n  - b\n", "# last\n---",
    ):  # fmt: skip
        assert kept in text
    library.tag("a", remove=["a", "b"])
    library.link("a", remove=["paper"])
    text = (papers / "a.md").read_text()
    for comment in (
        "# on top",
        "# of the title",
        "# not yet: a",
        "# good",
        "# and no code",
        "# todo",
        "# first",
        "# between",
    ):
        assert comment in text


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_paper_that_is_a_link_is_written_through(library: Library, root: Path, papers: Path) -> None:
    (root / "other").mkdir()
    (root / "other" / "a.md").write_text(GOOD)
    (papers / "a.md").symlink_to("../other/a.md")
    library.mark_read(["a"])
    assert (papers / "a.md").is_symlink()
    assert "status: read" in (root / "other" / "a.md").read_text()
    for change in (lambda: library.remove(["a"]), lambda: library.rename("a", "z")):
        with pytest.raises(KbError, match="is a link"):
            change()
    assert (papers / "a.md").is_symlink()


def test_an_export_is_whole_or_not_there(kb: Kb, root: Path, papers: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (papers / "a.md").write_text(GOOD)
    (root / "all.bib").write_text("what was there")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(disk, "sync_files", full)
    assert kb("export", "bib", "-o", "all.bib").status == 1
    assert (root / "all.bib").read_text() == "what was there"
    assert sorted(path.name for path in root.glob("*.bib")) == ["all.bib"]
    assert not list(root.glob(".*.tmp"))


def test_each_text_and_each_folder_is_on_the_disk_before_it_is_relied_on(
    library: Library, papers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut forgets what was not synced: texts before the change is decided, names before it is done."""
    steps: list[str] = []

    def noting(module: object, name: str, word: Callable[..., str]) -> None:
        real = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *a, **k: (steps.append(word(*a)), real(*a, **k))[1])

    synced: list[int] = []
    real_fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: (synced.append(os.fstat(handle).st_ino), real_fsync(handle))[1])
    noting(disk, "sync_files", lambda paths: f"texts {len(paths)}")
    noting(disk, "sync_folder", lambda folder: f"folder {folder.name}")
    noting(disk, "put", lambda _temp, path, _stamp: f"put {path.name}")
    noting(History, "begin", lambda *_: "decided")
    noting(History, "done", lambda *_: "done")
    library.add(title="A new one of many", key="new", links=["https://x.org"])
    assert steps == ["texts 1", "decided", "put new.md", "folder papers", "done"]
    assert (papers / "new.md").stat().st_ino in synced, "the text itself"
    assert papers.stat().st_ino in synced, "its name"
    steps.clear()
    library.rename("new", "newer")
    assert steps[:2] == ["texts 1", "decided"]
    assert steps[-2:] == ["folder papers", "done"]


# --- history ---


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


def test_the_log_says_what_was_done_and_when(kb: Kb) -> None:
    assert kb("log").err == "nothing has been changed yet\n"
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
        history.begin("rename a z", ((c.file, c.before.data if c.before else None, c.after) for c in changes))
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


def test_what_cannot_be_finished_blocks_nothing(kb: Kb, library: Library, papers: Path) -> None:
    changes = renaming(library, papers)
    begun(library, changes)
    (papers / "b.md").unlink()
    (papers / "b.md").mkdir()
    done = kb("list")
    assert (done.status, "papers/b.md was changed since" in done.err) == (0, True)
    with library.store.gate.history() as history:
        history.begin("odd", [("../victim.md", None, b"x"), ("kb.toml", b"", b"x"), ("papers/c.md", None, b"x")])
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


# --- drafts ---


@pytest.fixture
def editor(root: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """An editor that runs Python on the file `p`, in the knowledge base's folder."""
    script = root.parent / "editor"

    def use(code: str) -> None:
        script.write_text(f"#!{sys.executable}\nimport os, sys, pathlib\np = pathlib.Path(sys.argv[-1])\n{code}\n")
        script.chmod(0o755)
        monkeypatch.setenv("EDITOR", str(script))
        monkeypatch.delenv("VISUAL", raising=False)

    return use


TYPED = "p.write_text(p.read_text() + '\\nTYPED\\n')"
SCENES = {
    "renamed meanwhile": f"{TYPED}; os.rename('papers/a.md', 'papers/q.md')",
    "removed meanwhile": f"{TYPED}; os.remove('papers/a.md')",
    "changed meanwhile": f"{TYPED}; q = pathlib.Path('papers/a.md'); q.write_text(q.read_text() + 'theirs')",
    "damaged meanwhile": f"{TYPED}; pathlib.Path('papers/a.md').write_text('<<<<<<<')",
    "a folder in its place": f"{TYPED}; os.remove('papers/a.md'); os.mkdir('papers/a.md')",
    "the editor fails": f"{TYPED}; sys.exit(1)",
    "the editor is killed": f"{TYPED}; os.kill(os.getpid(), 9)",
    "Latin-1": "p.write_bytes(p.read_bytes() + b'TYPED caf\\xe9')",
    "UTF-16": "p.write_bytes((p.read_text() + 'TYPED').encode('utf-16'))",
    "a list as a key": "p.write_text(p.read_text().replace('---', '---\\n[a]: TYPED', 1))",
    "half-typed": "p.write_text(p.read_text().replace('---', '---\\ntitle: [TYPED', 1))",
    "no head": "p.write_text('TYPED')",
    "a bad date": "p.write_text(p.read_text().replace('status', 'read: TYPED\\nstatus', 1))",
    "a merge in it": f"{TYPED}; p.write_text(p.read_text() + '<<<<<<< a\\nx\\n=======\\ny\\n>>>>>>> b\\n')",
    "an entry twice": "p.write_text(p.read_text().replace('---', '---\\nstatus: read\\nstatus: TYPED', 1))",
    "a read-only folder": f"{TYPED}; os.rename('.kb/history.sqlite', '.kb/h'); os.mkdir('.kb/history.sqlite')",
}


@pytest.mark.parametrize("scene", SCENES)
def test_what_was_typed_is_never_lost(
    kb: Kb, library: Library, papers: Path, editor: Callable[[str], None], scene: str
) -> None:
    (papers / "a.md").write_text(GOOD)
    kb("tag", "a", "x")
    editor(SCENES[scene])
    done = kb("edit", "a")
    assert done.status == 1, done
    kept = [draft.read() for draft in drafts(library.store.private)]
    assert len(kept) == 1
    assert b"TYPED" in kept[0].replace(b"\0", b"")  # UTF-16
    said = (done.err + done.out).strip().splitlines()
    assert any("your text is in .kb/drafts/001-edit-" in line for line in said)
    assert len([line for line in said if "Traceback" in line]) == 0


@pytest.mark.parametrize("where", ["sync_files", "put", "write_aside"])
@pytest.mark.parametrize("number", [28, 5, 13, 1])
def test_what_was_typed_survives_a_disk_that_fails(
    kb: Kb, library: Library, papers: Path, editor: Callable[[str], None], monkeypatch: pytest.MonkeyPatch,
    where: str, number: int,
) -> None:  # fmt: skip
    (papers / "a.md").write_text(GOOD)

    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(disk, where, fail)
    editor(TYPED)
    done = kb("edit", "a")
    assert (done.status, (papers / "a.md").read_text()) == (1, GOOD)
    assert b"TYPED" in drafts(library.store.private)[0].read()
    assert "cannot write papers/a.md" in done.err


def test_a_text_left_behind_is_taken_up_again(
    kb: Kb, library: Library, papers: Path, editor: Callable[[str], None]
) -> None:
    (papers / "a.md").write_text(GOOD)
    editor("p.write_text(p.read_text().replace('status: unread', 'status: TYPED'))")
    assert kb("edit", "a").status == 1
    with (papers / "a.md").open("a") as stream:
        stream.write("\ntheirs\n")
    editor("assert 'TYPED' in p.read_text(); p.write_text(p.read_text().replace('TYPED', 'reading') + 'mine')")
    done = kb("edit", "--recover")
    assert (done.status, done.out) == (0, "changed a\n")
    assert "a has changed since that text was written" in done.err
    assert library.paper("a").status == "reading"
    assert not drafts(library.store.private)
    assert "no text was left behind" in kb("edit", "--recover").err
    assert kb("undo").status == 0
    assert "theirs" in (papers / "a.md").read_text()


def test_a_draft_of_an_entry_or_a_note_is_kept(
    kb: Kb, library: Library, papers: Path, editor: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    (papers / "a.md").write_text(GOOD)
    monkeypatch.setattr("sys.stdin", None)
    library.store.gate.make_private()
    from catalog.cli import editor as room

    editor("p.write_text('TYPED')")
    for kind, act in (("add", lambda text: library.add(text)), ("note", lambda _: library.note("nobody", "x"))):
        with pytest.raises(KbError, match="your text is in"), room.composing(library, kind, "a.md") as compose:
            act(compose())
    assert [(draft.kind, draft.read()) for draft in drafts(library.store.private)] == [
        ("add", b"TYPED"),
        ("note", b"TYPED"),
    ]
    assert (
        "that text is for `kb note`; `kb note a - < .kb/drafts/002-note-00000000-a.md` takes it"
        in kb("edit", "--recover").err
    )


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_drafts_follow_no_link(
    kb: Kb, library: Library, root: Path, papers: Path, editor: Callable[[str], None]
) -> None:
    (papers / "a.md").write_text(GOOD)
    library.store.gate.make_private()
    (root.parent / "victim").mkdir()
    (library.store.private / "drafts").symlink_to(root.parent / "victim")
    editor(TYPED)
    assert "is a link; remove it" in kb("edit", "a").err
    assert not list((root.parent / "victim").iterdir())


def test_the_editor_opens_an_unreadable_file_at_its_line(
    kb: Kb, papers: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (papers / "a.md").write_text(DAMAGE["conflict in the notes"])
    script = root.parent / "vim"
    script.write_text(
        f"#!{sys.executable}\nimport sys\nprint(sys.argv[1])\np = sys.argv[2]\nopen(p, 'w').write({GOOD!r})\n"
    )
    script.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(script))
    monkeypatch.delenv("VISUAL", raising=False)
    done = kb("edit", "a")
    assert (done.status, done.out) == (0, "changed a\n")
    assert "papers/a.md:15: an unresolved merge" in done.err
    assert (papers / "a.md").read_text() == GOOD


def test_a_note_comes_from_a_pipe(kb: Kb, library: Library, papers: Path) -> None:
    (papers / "a.md").write_text(GOOD)
    assert kb("note", "a", given="from a pipe\n").out == "noted on a\n"
    assert kb("note", "a", "-", given="and again\n").status == 0
    assert library.paper("a").notes.endswith("from a pipe\n\nand again")
    refused = kb("note", "a", "x\n<<<<<<< a\nx\n=======\ny\n>>>>>>> b", "--due", "tomorrow")
    assert (refused.status, library.paper("a").due) == (1, None), "both or neither"


def test_a_due_day_is_set_and_taken_off(kb: Kb, library: Library, papers: Path) -> None:
    import datetime as dt

    (papers / "a.md").write_text(GOOD)
    today = dt.date.today()
    for word, days in (("today", 0), ("tomorrow", 1), ("+7d", 7), ("+2w", 14), ("+1m", 30)):
        assert kb("due", "a", word).out == f"a is due {today + dt.timedelta(days=days)}\n"
    assert kb("due", "a", "2030-01-02").out == "a is due 2030-01-02\n"
    assert kb("due", "a", "none").out == "a has no due date\n"
    assert library.paper("a").due is None
    assert kb("due", "a", "20300102").status == 2


# --- merges ---


def test_a_merge_is_resolved_field_by_field(kb: Kb, library: Library, papers: Path) -> None:
    text = (
        "---\ntitle: T\n<<<<<<< HEAD\nstatus: read\nread: '2020-01-01'\n=======\nstatus: reading\n>>>>>>> b\n"
        "tags:\n<<<<<<< HEAD\n  - mine\n||||||| base\n=======\n  - theirs\n>>>>>>> b\n---\n\n"
        "same\n\n<<<<<<< HEAD\none\n=======\ntwo\n>>>>>>> b\n"
    )
    (papers / "a.md").write_text(text)
    asked = kb("resolve", "a")
    assert (asked.status, (papers / "a.md").read_text()) == (1, text)
    assert "status\n  ours    read\n  theirs  reading\n" in asked.out
    assert "--take status=ours|theirs" in asked.err
    done = kb("resolve", "a", "--take", "tags=both", "--take", "notes=both", "--theirs")
    assert done.out.endswith("a is one again\n")
    paper = library.paper("a")
    assert (paper.status, paper.read, paper.tags, paper.notes) == (
        "reading",
        None,
        ("mine", "theirs"),
        "same\n\none\n\ntwo",
    )
    assert kb("resolve", "a", "--ours").status == 1
    kb("undo")
    assert (papers / "a.md").read_text() == text
    assert kb("resolve", "a", "--take", "title=ours").status == 2
    assert kb("resolve", "a", "--ours").status == 0
    assert library.paper("a").tags == ("mine",)
    (library.root / "shared.bib").write_text("@string{a = 1}\n<<<<<<< a\n=======\n@string{b = 2}\n>>>>>>> b\n")
    assert "shared.bib:2: an unresolved merge, lines 2 to 5; keep one side" in kb("check").out


def test_leftovers_are_findings_of_their_own(kb: Kb, papers: Path) -> None:
    (papers / "a.md").write_text(GOOD)
    copy = "a (Ana's conflicted copy 2026-11-30)"
    (papers / f"{copy}.md").write_text(GOOD)
    for name in ("a.md.orig", ".a.md.swp", "a.md~", "a_REMOTE_123.md", ".#b.md"):
        (papers / name).write_text("x") if name != ".#b.md" else (papers / name).symlink_to("me@host.1")
    out = kb("check").out
    assert f"papers/{copy}.md: a copy that a sync service made of a file changed twice" in out
    assert not [
        line for line in out.splitlines() if "conflicted copy" in line and line.startswith("note: ") and "sync" in line
    ]
    for name in ("a.md.orig", ".a.md.swp", "a.md~", ".#b.md"):
        assert f"note: papers/{name}: " in out, name


def test_the_site_says_which_paper_cannot_be_read(kb: Kb, library: Library, papers: Path, tmp_path: Path) -> None:
    (papers / "a.md").write_text(DAMAGE["conflict in the notes"])
    (papers / "b.md").write_text(dumps(Paper(key="b", title="B", links=(), notes="See [a](a.md).")))
    done = kb("site", "pages", str(tmp_path / "out"))
    assert (done.status, "1 file cannot be read" in done.err) == (1, True)
    page = (tmp_path / "out" / "papers" / "a.md").read_text()
    assert "cannot be read" in page
    assert "<<<<<<<" not in page
    assert (tmp_path / "out" / "papers" / "b.md").exists()


def test_a_change_is_a_commit_where_one_asks_for_it(kb: Kb, root: Path, papers: Path) -> None:
    import subprocess

    def git(*words: str) -> str:
        who = ["-c", "user.name=A", "-c", "user.email=a@b.c"]
        return subprocess.run(["git", *who, *words], cwd=root, capture_output=True, text=True, check=True).stdout

    (root / "kb.toml").write_text("autocommit = true\n")
    assert kb("add", "--title", "A thing of note", "--key", "a", "--link", "https://x.org").status == 0
    git("init", "-q")
    git("config", "user.name", "A")
    git("config", "user.email", "a@b.c")
    (root / "mine.txt").write_text("not kb's")
    git("add", "mine.txt")
    kb("tag", "a", "x")
    kb("rename", "a", "z")
    kb("rm", "-y", "z")
    assert git("log", "--format=%s").splitlines() == ["kb rm z", "kb rename a z", "kb tag a"]
    assert git("show", "--format=", "--name-only", "--no-renames", "HEAD~1").split() == ["papers/a.md", "papers/z.md"]
    assert git("status", "--porcelain", "mine.txt") == "A  mine.txt\n"


def test_a_paper_reads_back_from_every_text(library: Library) -> None:
    """What `loads` takes `dumps` gives back, also where a link or a label looks like the other."""
    paper = loads("---\nstatus: unread\nlinks:\n  a: '[x](y](https://x.org/](z)'\n---\n", "k")
    assert loads(dumps(paper), "k") == paper
