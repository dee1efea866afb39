"""Nothing is lost: what cannot be read is never overwritten, what changed meanwhile stays, what was typed is kept."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import Kb

from catalog.errors import Conflict, KbError
from catalog.library import Library
from catalog.models import Paper
from catalog.paperfile import dumps, loads
from catalog.store import Change, Store, disk
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


@pytest.mark.parametrize(
    "brought",
    [["import", "list.md"], ["import", "other.bib"], ["sync", "list.md"], ["add", "-"],
     ["add", "--title", "Déep Nets  of many {K}inds", "--link", "https://x.org/pdf"],
     ["add", "--title", "Deep", "--link", "https://www.x.org/a/?b=1"]],
)  # fmt: skip
def test_a_work_that_an_unreadable_file_may_hold_is_not_taken_for_new(
    kb: Kb, root: Path, papers: Path, brought: list[str]
) -> None:
    text = "---\ntitle: Deep nets of many kinds\n<<<<<<< a\nvenue: A\n=======\nvenue: B\n>>>>>>> b\nids:\n  arxiv: '2101.00001'\n"
    text += (
        "links:\n  paper: https://x.org/a?b=1\n---\n\n```bibtex\n@misc{k, title={D{\\'e}ep}, doi={10.1000/AB.c}}\n```\n"
    )
    (papers / "mine.md").write_text(text)
    (root / "list.md").write_text(
        "# A\n\n- [Deep nets](https://arxiv.org/abs/2101.00001v3)\n- [A wholly other thing](https://arxiv.org/abs/2101.00002)\n"
    )
    (root / "other.bib").write_text(
        "@misc{other, title={Of deep nets}, doi={10.1000/ab.C}}\n@misc{new, title={Of many kinds}, doi={10.1000/ab}}\n"
    )
    done = kb(*brought, given=(root / "other.bib").read_text().splitlines()[0])
    assert done.status == 1, done
    assert "papers/mine.md cannot be read (line 3: an unresolved merge, lines 3 to 7) and names" in done.err + done.out
    assert (papers / "mine.md").read_text() == text
    others = [path.name for path in papers.iterdir() if path.name != "mine.md"]
    assert len(others) == (brought[0] in ("import", "sync"))  # what is another work is taken


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
    (papers / "z.md").write_text(
        "---\ntitle: Z\nstatus: unread\nlinks:\n  paper: https://x.org/z\naliases:\n  - a\n---\n"
    )
    (papers / "%41.md").write_text("---\ntitle: A\nstatus: unread\nlinks:\n  paper: https://x.org/A\n---\n")
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


MOMENTS = {"texts go to the disk": (disk, "sync_files"), "the change is written down": (History, "begin")}


@pytest.fixture(params=MOMENTS)
def meanwhile(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[], object]], list[int]]:
    """Lets another program do something, once, at a moment of a change; the list tells whether it came to that."""
    owner, name = MOMENTS[request.param]

    def meddle(act: Callable[[], object]) -> list[int]:
        real, times = getattr(owner, name), list[int]()

        def then(*args: object, **options: object) -> object:
            done = real(*args, **options)
            if not times:
                times.append(1)
                act()
            return done

        monkeypatch.setattr(owner, name, then)
        return times

    return meddle


def append(path: Path) -> None:
    with path.open("a") as stream:
        stream.write("\nappended meanwhile\n")


@pytest.mark.parametrize("name", WRITING)
def test_an_edit_made_while_kb_writes_is_not_lost(
    library: Library, papers: Path, name: str, meanwhile: Callable[[Callable[[], object]], list[int]]
) -> None:
    """Another program appends: the command does its work on what is there then."""
    path = papers / "a.md"
    path.write_text(GOOD.replace("status: unread", "status:   unread"))
    times = meanwhile(lambda: append(path))
    WRITING[name](library)
    assert times
    with library.store.gate.history() as history:
        kept = [history.text(file.before) or b"" for file in history.log()[0].files]
    assert any(b"appended meanwhile" in text for text in kept)
    assert name == "rm" or "appended meanwhile" in "".join(file.read_text() for file in papers.glob("*.md"))


def test_another_change_of_ours_in_between_is_seen(
    library: Library, papers: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link to the paper that is renamed, in a file that was not to be changed."""
    for name in "ab":
        (papers / f"{name}.md").write_text(GOOD.replace("{a,", f"{{{name},"))
    real, times, first = disk.sync_files, list[int](), "a"

    def meddle(paths: list[Path]) -> None:
        real(paths)
        if not times:
            times.append(1)
            Library.open(root).note("b", f"See [the first]({first}.md).")

    monkeypatch.setattr(disk, "sync_files", meddle)
    library.rename("a", "z")
    assert "See [the first](z.md)." in library.text("b")
    times.clear()
    first = "z"
    library.tag("z", ["t"])
    assert library.text("b").count("See [the first]") == 2
    assert library.paper("z").tags == ("t",)
    assert [past.what for past in library.log(limit=2)] == ["tag z", "note b"]


def test_a_file_that_appears_meanwhile_is_not_overwritten(
    library: Library, papers: Path, meanwhile: Callable[[Callable[[], object]], list[int]]
) -> None:
    meanwhile(lambda: (papers / "new.md").write_text("theirs"))
    with pytest.raises(KbError):
        library.add(title="A new one of many", key="new", links=["https://x.org"])
    assert (papers / "new.md").read_text() == "theirs"
    assert not list(library.store.private.glob("*.tmp"))


def test_what_goes_wrong_half_way_is_taken_back_but_for_an_edit_since(
    library: Library, papers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {name: GOOD.replace("{a,", f"{{{name},") for name in "ab"}
    for name, text in before.items():
        (papers / f"{name}.md").write_text(text)
    real, places = disk.put, list[Path]()

    def fail(temp: str, path: str, expected: disk.Stamp | None) -> None:
        places.append(Path(path))
        if len(places) == 2:
            if edited:
                append(places[0])
            raise OSError(28, "No space left on device")
        real(temp, path, expected)

    monkeypatch.setattr(disk, "put", fail)
    for edited in (False, True):
        places.clear()
        with pytest.raises(KbError, match="No space left"):
            library.tag_all(["a", "b"], ["t"])
        first, second = (path.read_text() for path in places[:2])
        assert second == before[places[1].stem]
        assert (first == before[places[0].stem]) is not edited
        assert ("appended meanwhile" in first) is edited
    with library.store.gate.history() as history:
        assert (history.pending(), history.log()) == ([], [])


def test_what_refers_to_a_paper_and_cannot_be_read_is_named(kb: Kb, papers: Path) -> None:
    (papers / "a.md").write_text(GOOD)
    (papers / "b.md").write_text(GOOD.replace("{a,", "{b,").replace(NOTES, "Not [a](a.md)."))
    (papers / "c.md").write_text("---\nstatus: done\n---\n\nSee [a](a.md).\n")
    for command in (["rename", "a", "z"], ["merge", "z", "b"]):
        done = kb(*command)
        assert (done.status, "papers/c.md:2 cannot be read; what it says of others stays" in done.err) == (0, True), (
            done
        )
    assert "[a](a.md)" in (papers / "c.md").read_text()


def test_what_would_be_too_large_to_be_read_is_not_written(
    kb: Kb, papers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (papers / "a.md").write_text(GOOD)
    monkeypatch.setattr("catalog.store.gate.MOST_SHOWN", 1_000)
    done = kb("note", "a", "x" * 1_000)
    assert (done.status, done.err.count("\n")) == (1, 1)
    assert re.search(r"papers/a\.md would have 1,\d{3} bytes; at most 1,000 are read", done.err)
    assert (papers / "a.md").read_text() == GOOD


def test_what_could_not_be_written_aside_takes_no_room(tmp_path: Path) -> None:
    def endless() -> Iterator[bytes]:
        yield b"x" * 1000
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        disk.write_aside(tmp_path / "x", endless(), tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_is_renamed_is_never_in_neither_place(
    library: Library, papers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (papers / "a.md").write_text(GOOD)
    for moment in ("put", "take_away"):
        real = getattr(disk, moment)

        def looked(*args: object, real: Callable[..., None] = real) -> None:
            real(*args)
            assert list(papers.glob("*.md"))

        monkeypatch.setattr(disk, moment, looked)
    library.rename("a", "z")
    assert [path.name for path in papers.glob("*.md")] == ["z.md"]


def test_a_folder_in_the_place_of_a_file_of_ours_is_said_before_anything_changes(
    kb: Kb, library: Library, papers: Path, root: Path
) -> None:
    (papers / "a.md").write_text(GOOD)
    library.tag("a", ["t"])
    before, private = library.text("a"), library.store.private
    for name in ("swapping", "swapped", "lock", "history.sqlite"):
        kept = (private / name).read_bytes() if (private / name).exists() else b""
        (private / name).unlink(missing_ok=True)
        (private / name).mkdir()
        looks: list[None] = []
        library.store.gate.steady(lambda looks=looks: looks.append(None))
        assert len(looks) == 1
        done = kb("rename", "a", "z")
        assert (done.status, done.err) == (
            1, f"kb: {private / name} is a folder; remove it, kb makes a file of its own\n",
        )  # fmt: skip
        assert [path.name for path in papers.iterdir()] == ["a.md"]
        assert library.text("a") == before
        (private / name).rmdir()
        if name == "history.sqlite":
            (private / name).write_bytes(kept)
    assert (private / ".gitignore").read_text() == "*\n"
    (private / ".gitignore").unlink()
    assert kb("rename", "a", "z").status == 0
    assert (private / ".gitignore").read_text() == "*\n"


def test_nothing_is_written_through_a_link_that_leads_out(library: Library, papers: Path, tmp_path: Path) -> None:
    victim = tmp_path.parent / f"{tmp_path.name}-victim.md"
    victim.write_text(GOOD)
    (papers / "a.md").symlink_to(victim)
    store = library.store
    with pytest.raises(KbError, match=r"papers/a\.md is a link to .*; change or remove the file itself"):
        store.commit([Change("papers/a.md", store.read("a.md"), b"mine")], "try")
    assert victim.read_text() == GOOD
    (library.root / "lists").symlink_to(tmp_path.parent)
    with pytest.raises(KbError, match=r"lists is a link to .* that leads out"):
        store.commit([Change("lists/x.json", None, b"{}")], "try")


def test_a_disk_without_hard_links_overwrites_nothing_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_source: str, path: str) -> None:
        if theirs:
            Path(path).write_text("theirs")
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    place, temp = tmp_path / "a.md", tmp_path / ".temp"
    for theirs in (True, False):
        temp.write_text("mine")
        with pytest.raises(PermissionError) if theirs else contextlib.nullcontext():
            disk.put(str(temp), str(place), None)
        assert place.read_text() == ("theirs" if theirs else "mine")
        place.unlink()


def test_what_is_renamed_while_all_are_read_is_read_in_its_new_place(
    library: Library, papers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (papers / "a.md").write_text(GOOD)
    real = Store.read

    def read(store: Store, file: str) -> disk.Version:
        if (papers / "a.md").exists():
            (papers / "a.md").rename(papers / "z.md")
        return real(store, file)

    monkeypatch.setattr(Store, "read", read)
    assert [*library.papers()] == ["z"]


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
                library.store.change("a.md", lambda paper: paper.evolve(tags=("t",)))
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
    library.link("a", ["code=https://x.org/c"], remove=["paper"])
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


@pytest.mark.parametrize(
    ("command", "file"),
    [("export bib", "papers/a.md"), ("export markdown", "papers/new.md"), ("export csv", "kb.toml"),
     ("export sqlite", ".kb/history.sqlite"), ("schema", "shared.bib"), ("export json", "readers/ana.toml"),
     ("export ris", "link.ris"), ("export csl", "lists/a.json")],
)  # fmt: skip
def test_an_export_takes_the_place_of_nothing_of_ours(
    command: str, file: str, kb: Kb, root: Path, papers: Path
) -> None:
    (papers / "a.md").write_text(GOOD)
    (root / "link.ris").symlink_to("papers/a.md")
    kb("list")
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file() and "index" not in path.name}
    done = kb(*command.split(), "-o", str(root / file))
    assert (done.status, "the knowledge base's own file" in done.err) == (1, True)
    assert before == {path: path.read_bytes() for path in before}
    assert not {path.name for path in root.rglob("*") if path.suffix in (".md", ".toml", ".json")} - {
        p.name for p in before
    }
    assert kb("export", "csv", "-o", str(root / "papers" / "all.csv")).status == 0


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
    noting(disk, "put", lambda _temp, path, _stamp: f"put {Path(path).name}")
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
    steps.clear()
    disk.write_whole(library.root / "x.bib", b"x")
    assert steps == ["texts 1", f"folder {library.root.name}"]
    for write in (
        lambda: library.store.commit([Change("lists/x.json", None, b"{}")], "try"),
        lambda: disk.write_own(library.root, library.root / "runs" / "x.json", b"{}"),
    ):
        steps.clear()
        write()
        assert steps[0] == f"folder {library.root.name}", "the name of a new folder"


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


@pytest.mark.parametrize(
    ("left", "wrong"),
    [("<<<<<<< HEAD\nA\n=======\nB", "+0: a mark of a merge stands alone: '<<<<<<< HEAD'"),
     ("A\n=======\nB\n>>>>>>> other", "+3: a mark of a merge stands alone: '>>>>>>> other'"),
     ("<<<<<<< Conflict 1 of 1\n%%%%%%% Changes\n-a\n+b\n+++++++ side\nc\n>>>>>>> ends", "+0: a mark of a merge"),
     ("<<<<<<<<< a\nA\n<<<<<<< b\n=======\n=========\nB\n>>>>>>>>> c", "+0: an unresolved merge"),
     ("A\n=======\n\n> > quoted\n\n>>>>>>>> deep", ""), ("```\n<<<<<<< HEAD\n```", "")],
)  # fmt: skip
def test_a_merge_that_was_settled_by_half_is_a_finding(kb: Kb, papers: Path, left: str, wrong: str) -> None:
    (papers / "a.md").write_text(GOOD.replace(NOTES, left))
    first = GOOD.partition(NOTES)[0].count("\n") + 1
    said = [line for line in kb("check").out.splitlines() if "merge" in line]
    line, _, what = wrong.partition(":")
    assert [one for one in said[:1] if not one.startswith(f"papers/a.md:{first + int(line or 0)}:{what}")] == []
    assert len(said) == (what.count("merge") if "Conflict" not in left else 2)


def test_a_mark_in_the_head_is_named(kb: Kb, papers: Path) -> None:
    (papers / "a.md").write_text(GOOD.replace("status:", ">>>>>>> other\nstatus:", 1))
    assert "papers/a.md:2: a mark of a merge stands alone: '>>>>>>> other'" in kb("check").out


def test_what_a_merge_left_open_is_not_imported(kb: Kb, root: Path, papers: Path) -> None:
    (root / "list.md").write_text(
        "# L\n\n<<<<<<< ours\n- [One](https://x.org/1)\n=======\n- [Two](https://x.org/2)\n>>>>>>> b\n"
    )
    (root / "x.bib").write_text(f"<<<<<<< ours\n{ENTRY}\n=======\n{ENTRY.replace('2001', '2002')}\n>>>>>>> b\n")
    for name, line in (("list.md", 3), ("x.bib", 1)):
        done = kb("import", name)
        assert done.status == 1
        assert f"{name}:{line}: the file has an unresolved merge, lines {line} to" in done.out + done.err
    assert not list(papers.iterdir())


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


def test_a_change_is_a_commit_where_one_asks_for_it(
    kb: Kb, root: Path, papers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    assert kb("me", "ana").status == 0
    assert git("show", "--format=", "--name-only").split() == [".gitattributes", "papers/a.md", "readers/ana.toml"]
    kb("undo")
    kb("rename", "a", "z")
    kb("rm", "-y", "z")
    assert git("log", "--format=%s").splitlines() == [
        "kb rm z",
        "kb rename a z",
        "kb undo 3: me ana",
        "kb me ana",
        "kb tag a",
    ]
    assert git("show", "--format=", "--name-only", "--no-renames", "HEAD~1").split() == ["papers/a.md", "papers/z.md"]
    assert git("status", "--porcelain", "mine.txt") == "A  mine.txt\n"
    for key in ("q", "[a-z]"):  # a name that git could take for a pattern
        kb("add", "--title", f"The work {key}", "--key", key, "--link", f"https://x.org/{key[0]}")
    (papers / "q.md").write_text((papers / "q.md").read_text() + "\nmine\n")
    kb("tag", "[a-z]", "y")
    assert git("status", "--porcelain", "papers") == " M papers/q.md\n"
    before = git("rev-parse", "HEAD")
    for name in ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD"):
        (root / ".git" / name).write_text(before)
        assert kb("tag", "[a-z]", name).err == "", "nothing is tried"
        assert git("rev-parse", "HEAD") == before
        (root / ".git" / name).unlink()
    (root / ".git" / "index.lock").touch()
    assert "kb: autocommit: fatal: Unable to create " in kb("tag", "[a-z]", "another-git-at-work").err
    (root / ".git" / "index.lock").unlink()
    subprocess.run(["git", "init", "-q", "theirs"], cwd=root.parent, check=True)
    monkeypatch.setenv("GIT_DIR", str(root.parent / "theirs" / ".git"))
    kb("tag", "[a-z]", "within-a-hook")
    monkeypatch.delenv("GIT_DIR")
    assert git("log", "-1", "--format=%s") == "kb tag [a-z]\n"
    assert git("rev-parse", "HEAD") != before


def test_a_git_folder_that_came_along_runs_nothing(
    kb: Kb, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unpacked archive brings a `.git/` with hooks, monitors, filters and programs of its own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    fired = tmp_path / "fired"

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True).stdout

    def program(path: Path) -> str:
        path.write_text(f"#!/bin/sh\ntouch '{fired}'\n")
        path.chmod(0o755)
        return str(path)

    (root / "kb.toml").write_text("autocommit = true\n")
    git("init", "-q")
    for hook in ("pre-commit", "prepare-commit-msg", "post-commit", "post-index-change", "reference-transaction"):
        program(root / ".git" / "hooks" / hook)
    named = program(tmp_path / "program")
    settings = {"user.name": "A", "user.email": "a@b.c", "commit.gpgSign": "true"}
    settings |= dict.fromkeys(["core.fsmonitor", "gpg.program", "core.editor", "core.pager", "diff.external"], named)
    for name, value in settings.items():
        git("config", name, value)
    kb("add", "--title", "A thing of note", "--key", "a", "--link", "https://x.org")
    assert (git("--no-pager", "log", "--format=%s"), fired.exists()) == ("kb add a\n", False)
    git("config", "filter.x.clean", named)
    (root / ".gitattributes").write_text("*.md filter=x\n")
    said = kb("tag", "a", "new")
    assert "git would run filter.x.clean of this folder; `kb trust` agrees" in said.err
    assert (said.status, fired.exists()) == (0, False)
    git("config", "--unset", "filter.x.clean")
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))  # as within a hook of another repository
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other"))
    kb("tag", "a", "newer")
    monkeypatch.delenv("GIT_INDEX_FILE")
    monkeypatch.delenv("GIT_DIR")
    assert git("--no-pager", "log", "-1", "--format=%s") == "kb tag a\n"
    assert not (tmp_path / "index").exists()
    kb("trust")
    kb("tag", "a", "newest")
    assert fired.exists()


def test_a_key_that_is_an_entrys_or_looks_left_behind_is_refused(kb: Kb, library: Library, root: Path) -> None:
    library.add("@misc{a, title={Alpha of things}}")
    library.change("a", lambda paper: paper.evolve(bibtex=paper.bibtex + "\n\n@misc{b, title={Beta within it}}"))
    (root / "shared.bib").write_text("@misc{shared, title={Shared by all}}\n")
    for key in ("b", "shared", "SHARED"):
        assert re.search(f"{key} is taken; `kb rename a {key}\\S+` gives it a free one", kb("rename", "a", key).err)
    assert "a copy that a sync service made" in kb("rename", "a", "a.sync-conflict-1").err
    assert list(library.papers()) == ["a"]
    added = kb("add", "--title", "A new thing", "--link", "https://x.org", "--key", "a.sync-conflict-1")
    assert "`kb check` will say: papers/a.sync-conflict-1.md: a copy" in added.err


def test_undo_says_what_comes_back_wrong(kb: Kb, library: Library, papers: Path) -> None:
    (papers / "a.md").write_text("---\nstatus:   unread\nlinks:\n  paper: https://x.org/a?utm_source=b\n---\n")
    assert kb("check", "--fix").status == 0
    undone = kb("undo")
    assert undone.status == 0
    assert "`kb check` will say: papers/a.md" in undone.err
    assert "`kb check` will say" not in kb("redo").err
    for n in range(9):
        (papers / f"k{n}.md").write_text(f"---\ntitle:   Thing {n} of note\nstatus: unread\n---\n")
    kb("fmt")
    assert next(line for line in kb("undo").err.splitlines() if "canonical" in line).endswith(
        "run `kb fmt`, and 8 more"
    )


@pytest.mark.skipif(os.name == "nt", reason="whether a process lives cannot be asked")
def test_what_a_killed_writer_wrote_aside_goes_with_the_next_change(kb: Kb, library: Library, root: Path) -> None:
    library.add(title="A thing of note", key="a", links=["https://x.org"])
    child = os.fork()
    if child == 0:
        disk.write_aside(root / "papers" / "a.md", b"half", root / ".kb")
        os._exit(0)
    os.waitpid(child, 0)
    assert list((root / ".kb").glob(".*.tmp"))
    assert kb("tag", "a", "x").status == 0
    assert not list((root / ".kb").glob(".*.tmp"))


def test_whatever_a_query_chooses_from_what_cannot_be_read_is_said(kb: Kb, library: Library, papers: Path) -> None:
    library.add(title="A thing of note", key="b", links=["https://x.org"])
    (papers / "a.md").write_text("---\nstatus: red\n---\n")
    chosen = [("tag", "-y", "-q", "note", "x"), ("fetch", "tag:none"), ("complete", "tag:none"), ("update", "--settle")]
    for command in (*chosen, ("duplicates",), ("annotations", "tag:none")):
        assert "1 file cannot be read: papers/a.md:2" in kb(*command).err, command


def test_an_export_leads_nowhere_else(kb: Kb, library: Library, root: Path, tmp_path: Path) -> None:
    """A clone can bring a link; where what is handed on goes to is the user's to say."""
    library.add(title="A thing of note", key="b", links=["https://x.org"])
    mine = tmp_path / "mine"
    mine.write_text("mine")
    (root / "refs.bib").symlink_to(mine)
    for name in ("refs.bib", str(root / "refs.bib")):
        done = kb("export", "bib", "--replace", "-o", name)
        assert (done.status, mine.read_text()) == (1, "mine")
        assert "refs.bib is a link to" in done.err
    (tmp_path / "out.bib").symlink_to(mine)  # a link of one's own, elsewhere
    assert kb("export", "bib", "--replace", "-o", str(tmp_path / "out.bib")).status == 0
    assert mine.read_text().startswith("@misc{b,")


def test_a_paper_reads_back_from_every_text(library: Library) -> None:
    """What `loads` takes `dumps` gives back, also where a link or a label looks like the other."""
    paper = loads("---\nstatus: unread\nlinks:\n  a: '[x](y](https://x.org/](z)'\n---\n", "k")
    assert loads(dumps(paper), "k") == paper


# --- what `kb check` knows, commands know ---


@pytest.fixture
def filed(kb: Kb) -> Kb:
    """Two papers with nothing wrong, one of which points to the other and inherits from it."""
    kb("add", "-", given="@proceedings{a, title = {A meeting of minds}, year = {2001}}")
    child = "@inproceedings{b, title = {Words of note}, author = {Doe, Jane}, year = {2001}, crossref = {a}}"
    assert kb("add", "-", "--tag", "low-rank", "--note", "See [a](a.md).", given=child).err == ""
    return kb


def test_what_check_would_call_wrong_is_refused(filed: Kb, library: Library) -> None:
    assert [str(finding) for finding in library.check() if finding.kind == "error"] == []
    for command, says in {
        ("mark-read", "a", "--on", "2199-01-01"): "papers/a.md:3: read: 2199-01-01 is still to come; correct the date",
        ("link", "a", "code=nowhere/x.py"): "nowhere/x.py: no such file; correct the path",
        ("link", "a", "paper=https://x.org/?utm_source=y", "code=../../x"): "leads out of the knowledge base",
        ("note", "a", "see [that](q.md)"): "q.md: no such paper; correct the key, or add the paper",
        ("note", "a", "see [that](https://x.org/a b)"): "holds blanks, so it is no link",
        ("rename", "a", "a b"): "the key 'a b' holds a blank, so nothing can cite it; `kb rename 'a b' a-b` mends it",
        ("rm", "-y", "a"): "a.md: no such paper; correct the key, or add the paper",
    }.items():
        done = filed(*command)
        assert done.status == 1, command
        assert says in done.err, command
        assert done.err.endswith("nothing was changed\n")
    assert [str(finding) for finding in library.check() if finding.kind == "error"] == []
    assert "crossref: there is no entry a" in filed("rm", "-y", "a").err
    assert filed("rm", "-y", "a", "b").status == 0
    filed("undo")
    assert filed("rm", "-y", "--force", "a").status == 0


def test_what_is_brought_is_taken_and_what_check_will_say_is_said(filed: Kb, library: Library) -> None:
    done = filed("add", "--title", "Nothing says what it is", "--key", "x")
    assert done.status == 0
    assert "`kb check` will say: papers/x.md:1: neither a BibTeX entry nor a link says what it is" in done.err
    done = filed("add", "-", given="@article{y, title = {An article of some kind}, author = {Roe, Ann}, year = {2003}}")
    assert "`kb check` will say: papers/y.md:7: @article without journal" in done.err
    said = {finding.message: finding.kind for finding in library.check()}
    assert set(said.values()) == {"note"}
    assert set(said) == {"neither a BibTeX entry nor a link says what it is", "@article without journal"}


def test_an_address_is_completed_and_a_tag_spelt_as_elsewhere(filed: Kb, library: Library) -> None:
    assert filed("link", "a", "github.com/x/y").out == "a: code https://github.com/x/y\n"
    assert filed("tag", "a", "Low rank", "new one").out == "a: low-rank, new one\n"
    filed("add", "--title", "Another of many", "--key", "x", "--link", "https://x.org", "--tag", "LOW RANK")
    assert library.paper("x").tags == ("low-rank",)
    assert [str(finding) for finding in library.check() if finding.kind == "error"] == []


def test_very_many_files_are_written_aside_at_a_time(tmp_path: Path) -> None:
    """Each under a name of its own; also where an earlier process of the same number left some."""
    aside = [Path(disk.write_aside(tmp_path / "x.md", b"x", tmp_path)) for _ in range(3000)]
    assert len(set(aside)) == 3000
    left = tmp_path / f"{aside[-1].name[:-10]}{int(aside[-1].name[-10:-4], 16) + 1 & 0xFFFFFF:06x}.tmp"
    left.write_bytes(b"left")
    assert Path(disk.write_aside(tmp_path / "x.md", b"x", tmp_path)) not in {left, *aside}
    assert left.read_bytes() == b"left"
