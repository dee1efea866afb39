"""Several readers of one collection: each has a file of their own, and the papers say nothing of reading."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import Kb

from catalog.errors import BadFile, Conflict, KbError
from catalog.facts import UNREAD, Reading
from catalog.library import Library
from catalog.paperfile import loads as paper_of
from catalog.readers import Reader, dumps, edited, loads, name_of
from catalog.threeway import merge_readers

DAY = dt.date(2026, 1, 5)
keys = st.sampled_from(["a", "b", "É", "x/y", 'q"r', "a.b", "#"])
days = st.sampled_from(["", "2026-01-05", "2025-12-31"])
readings = st.builds(
    lambda status, read, due, rating: Reading(status, "", read if status == "read" else "", due, rating),
    st.sampled_from(["unread", "reading", "read"]), days, days, st.integers(0, 10),
)  # fmt: skip
papers = st.dictionaries(keys, readings.filter(lambda said: said != UNREAD))
queues = st.lists(keys, unique=True).map(tuple)
readers = st.builds(Reader, st.just("ana"), papers, queues)


@pytest.fixture
def several(library: Library, monkeypatch: pytest.MonkeyPatch) -> Library:
    """Papers one to four; ana has read one before there were readers, bo came later."""
    monkeypatch.delenv("KB_ME", raising=False)
    for name in ("one", "two", "three", "four"):
        library.add(title=f"The {name} of all", key=name, links=[f"https://example.org/{name}"])
    library.mark_read(["one"], DAY)
    library.due("two", dt.date(2030, 1, 1))
    library.become("Ana")
    library.become("bo")
    return library


def keys_of(library: Library, query: str) -> list[str]:
    return sorted(facts.key for facts in library.list(query))


def test_the_first_reader_takes_over_and_can_be_alone_again(library: Library, root: Path) -> None:
    library.add(title="The one of all", key="one", links=["https://example.org/1"])
    library.mark_read(["one"], DAY)
    library.rate("one", 8)
    before = (root / "papers" / "one.md").read_bytes()
    assert library.become("ana") == ("ana", True, 1)
    text = (root / "papers" / "one.md").read_text()
    assert "status" not in text
    assert "rating" not in text
    assert (root / "readers" / "ana.toml").read_text() == (
        '[papers]\n"one" = { status = "read", read = 2026-01-05, rating = 8 }\n'
    )
    assert library.get("one").reading.rating == 8
    assert library.fmt(write=False) == []
    assert not [found for found in library.check() if found.kind == "error"]
    assert library.alone() == "ana"
    assert (root / "papers" / "one.md").read_bytes() == before
    assert library.store.readers.names() == []
    library.undo()
    library.undo()
    assert (root / "papers" / "one.md").read_bytes() == before


def test_each_has_a_state_of_their_own(several: Library, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = {path: path.read_bytes() for path in (root / "papers").iterdir()}
    several.mark_read(["two"], DAY)
    several.mark_reading(["three"])
    several.due("four", DAY)
    assert {path: path.read_bytes() for path in (root / "papers").iterdir()} == shared
    assert keys_of(several, "status:read") == ["two"]
    assert keys_of(several, "read-by:ana") == ["one"]
    assert keys_of(several, "read-by:me") == ["two"]
    assert keys_of(several, "read-by:*") == ["one", "two"]
    assert keys_of(several, "read-by:nobody") == keys_of(several, "-read-by:*") == ["four", "three"]
    assert keys_of(several, "due:2026") == ["four"]
    monkeypatch.setenv("KB_ME", "ana")
    other = Library.open(root)
    assert keys_of(other, "status:read") == ["one"]
    assert keys_of(other, "due:2030") == ["two"]
    assert other.get("two").readers[1] == ("bo", Reading("read", "", "2026-01-05"))
    assert [(share.name, share.read, share.reading, share.unread) for share in other.readers()] == [
        ("ana", 1, 0, 3),
        ("bo", 1, 1, 2),
    ]
    assert json.loads(json.dumps(other.get("two").as_dict()))["readers"][0]["name"] == "ana"


def test_a_change_of_a_paper_leaves_reading_alone_and_a_rename_takes_it_along(several: Library, root: Path) -> None:
    several.mark_read(["two"], DAY)
    mine = (root / "readers" / "bo.toml").read_bytes()
    several.note("two", "a note")
    several.rename("two", "second")
    several.edit("second", several.text("second") + "\nmore\n", several.version("second"))
    assert (root / "readers" / "bo.toml").read_bytes() == mine
    assert several.get("second").reading.status == "read"
    several.mark_reading(["second"])
    assert '"two"' not in (root / "readers" / "bo.toml").read_text()
    assert next(past.what for past in several.log("second")) == "mark-reading second"
    text = several.text("second").replace("---\n", "---\nstatus: read\nread: '2026-02-02'\n", 1)
    several.edit("second", text, several.version("second"))
    assert "status" not in several.text("second")
    assert several.get("second").reading.read == "2026-02-02"
    text = several.text("second").replace("---\n", "---\nstatus: reading\n", 1)
    several.edit("second", text, several.version("second"))
    assert several.get("second").reading == Reading("reading", several.get("second").reading.added)


def test_two_of_my_changes_at_once_are_both_kept(several: Library, root: Path) -> None:
    version, paper = several.store.load_version("two.md")
    several.due("two", DAY)
    late = several.store.paper_change("two.md", version, paper.evolve(rating=3))
    with pytest.raises(Conflict):
        several.store.commit([late], "rate")
    several.rate("two", 3)
    assert (root / "readers" / "bo.toml").read_text() == '[papers]\n"two" = { due = 2026-01-05, rating = 3 }\n'


def test_a_folder_of_readers_elsewhere_is_none(kb: Kb, several: Library, root: Path, tmp_path: Path) -> None:
    (root / "readers").rename(tmp_path / "elsewhere")
    (root / "readers").symlink_to(tmp_path / "elsewhere")
    for change in (lambda: several.become("eve"), lambda: several.mark_read(["two"])):
        with pytest.raises(KbError, match="out of the knowledge base"):
            change()
    assert "leads out of the knowledge base" in kb("me", "eve").err
    assert not (tmp_path / "elsewhere" / "eve.toml").exists()
    (root / "readers").unlink()
    (root / "readers").mkdir()
    (root / "readers" / "ana.toml").touch()
    (root / "readers" / "eve.toml").symlink_to(tmp_path / "elsewhere" / "bo.toml")
    assert "readers/eve.toml a link out of the knowledge base" in kb("list").err
    (root / ".kb" / "me").write_bytes(b"\xff/..")
    assert kb("list").status == 0


def test_nobody_marks_nothing(kb: Kb, several: Library, root: Path) -> None:
    (root / ".kb" / "me").unlink()
    done = kb("mark-read", "two")
    assert (done.status, "who are you? `kb me NAME` says it; here read ana, bo" in done.err) == (1, True)
    assert "`kb me NAME` says who you are" in kb("list").err
    assert kb("add", "--title", "A fifth one", "--link", "https://example.org/5", "--key", "five").status == 0
    assert kb("tag", "five", "x").status == 0
    assert "status" not in several.text("five")
    assert kb("me", "../x").status == 1
    assert kb("me", "nobody").status == 1


def test_the_commands(kb: Kb, several: Library) -> None:
    assert kb("me").out == "bo\n"
    assert kb("queue", "three", "one").out == "  1  three\n  2  one\n"
    assert "number 1 of your queue" in kb("next").out
    assert kb("mark-read", "three").status == 0
    assert kb("queue").out == "  1  one\n"
    assert "ana: 1 read, the last on 2026-01-05, 0 being read, 3 unread" in kb("stats", "--readers").out
    assert "2 papers read by nobody" in kb("stats", "--readers").out
    assert "ana: read on 2026-01-05" in kb("show", "one").out
    assert kb("rate", "one", "7").out == "one is rated 7\n"
    assert "bo reads here" not in kb("me", "--alone").err
    assert "ana reads here" in kb("me", "--alone").err
    assert kb("undo").status == 0
    assert several.get("one").reading.rating == 0


def test_what_is_undone_among_readers_is_foretold_as_it_will_be(kb: Kb, library: Library) -> None:
    library.add(title="A thing of note", key="one", links=["https://x.org"])
    library.mark_read(["one"])
    for words in (["me", "ana"], ["me", "--alone"], ["undo"], ["undo"], ["redo"], ["redo"]):
        done = kb(*words)
        assert (done.status, done.err) == (0, ""), words
    assert not [finding for finding in library.check() if finding.kind == "error"]


@pytest.mark.parametrize(
    "text",
    ["[papers]\na = 1\n", '[papers]\na = { status = "done" }\n', "queue = 3\n", "x = 1\n", "[[papers]]\n", "papers = [\n",
     '[papers]\na = { read = "2026-13-01", status = "read" }\n', "[papers]\na = { read = 2026-01-01 }\n", "a." * 3000 + "b=1",
     "[papers]\na = { rating = true }\n", "[papers]\na = { rating = 11 }\n", "<<<<<<< a\n=======\n>>>>>>> b\n", "x=" + "[" * 9000],
)  # fmt: skip
def test_what_no_reader_says(text: str) -> None:
    with pytest.raises(BadFile, match=r"^readers/bo\.toml:"):
        loads(text, "bo", "readers/bo.toml")


def test_a_file_that_cannot_be_read_is_said_and_stays(kb: Kb, several: Library, root: Path) -> None:
    path = root / "readers" / "bo.toml"
    for data in (b"[papers]\na = 1\n", b"\xff", b"[papers\n"):
        path.write_bytes(data)
        done = kb("list")
        assert done.status == 0
        assert done.out.count("\n") == 4
        assert "1 file cannot be read: readers/bo.toml:" in done.err
    assert kb("mark-read", "one").status == 1
    assert path.read_bytes() == data
    checked = kb("check")
    assert checked.status == 1
    assert "readers/bo.toml:1" in checked.out
    assert keys_of(several, "read-by:ana") == ["one"]


def test_a_merge_left_open_in_a_readers_file_is_resolved(kb: Kb, several: Library, root: Path) -> None:
    path = root / "readers" / "ana.toml"
    text = (
        '# mine\nqueue = [\n<<<<<<< HEAD\n  "a",\n=======\n  "b",\n>>>>>>> b\n]\n\n[papers]\n'
        '<<<<<<< HEAD\na = { status = "read", read = 2024-01-01, rating = 3 } # c\n=======\n# theirs\n'
        'a = { status = "reading", rating = 3 }\nb = { due = 2030-01-01 }\n>>>>>>> b\n'
    )
    path.write_text(text)
    assert "readers/ana.toml:3: an unresolved merge, lines 3 to 7; `kb resolve --reader ana` shows" in kb("check").out
    asked = kb("resolve", "--reader", "Ana")
    assert (asked.status, path.read_text()) == (1, text)
    assert "a.status\n  ours    read 2024-01-01\n  theirs  reading\n" in asked.out
    assert "--take a.status=ours|theirs" in asked.err
    assert kb("resolve", "--reader", "ana", "--take", "b.due=both", "--ours").status == 1
    done = kb("resolve", "--reader", "ana", "--take", "queue=both", "--take", "b.due=theirs", "--ours")
    assert done.out.endswith("ana is one again\n")
    after = loads(path.read_text(), "ana", "")
    assert after.queue == ("a", "b")
    assert after.papers == {"a": Reading("read", "", "2024-01-01", "", 3), "b": Reading(due="2030-01-01")}
    assert all(comment in path.read_text() for comment in ("# mine", "# c", "# theirs"))
    assert kb("resolve", "--reader", "ana").status == 1
    assert kb("undo").status == 0
    assert path.read_text() == text
    for wrong in ([], ["one", "--reader", "ana"]):
        assert kb("resolve", *wrong).status == 2
    for nobody in ("../kb", "cleo"):
        assert kb("resolve", "--reader", nobody, "--ours").status == 1


def test_what_papers_say_all_the_same_is_kept_said_and_can_be_taken(kb: Kb, several: Library, root: Path) -> None:
    path = root / "papers" / "four.md"
    path.write_text(path.read_text().replace("---\n", "---\nstatus: read\n", 1))
    assert "papers/four.md:2: status: each reader says it" in kb("check").out
    assert several.get("four").reading.status == "unread"
    several.tag("four", ["x"])
    assert "status: read" in path.read_text()
    (root / "papers" / "bad.md").write_text("---\nstatus: [read\n---\n")
    done = kb("me", "bo", "--take")
    assert done.out == "you are bo, with how far you are with 1 paper\n"
    assert "papers/bad.md:3 cannot be read; what it says of reading stays there" in done.err
    (root / "papers" / "bad.md").unlink()
    assert "status" not in path.read_text()
    assert keys_of(several, "status:read") == ["four"]
    (root / "readers" / "bo.toml").write_text('[papers]\n"gone" = { status = "read", read = 2999-01-01 }\n')
    (root / "readers" / "B O.toml").touch()
    codes = [found.code for found in several.check() if found.path.startswith("readers/")]
    assert codes == ["ignored", "future", "unknown-paper"]


@given(readers, readers)
def test_what_is_written_reads_back_and_comments_stay(before: Reader, after: Reader) -> None:
    text = dumps(before)
    assert loads(text, "ana", "x") == before
    assert edited(text, before, before) == text
    lines = [line for part in text.splitlines(keepends=True) for line in ("# c\n", part)]
    changed = edited("".join(lines), before, after)
    assert loads(changed, "ana", "x") == after
    assert changed.count("# c\n") == lines.count("# c\n")
    for mark in ("", "\ufeff"):
        assert loads(edited(mark + text, before, after), "ana", "x") == after
        assert loads(mark + text, "ana", "x") == before


@given(readers, readers, readers)
def test_two_changes_of_a_reader_are_united(was: Reader, mine: Reader, other: Reader) -> None:
    merged, their, clashes = merge_readers(was, mine, other)
    assert merge_readers(was, mine, mine) == (mine, mine, ())
    assert merge_readers(was, mine, was)[0].papers == mine.papers
    assert (merged == their) == (not clashes)
    for key in {*mine.papers, *other.papers}:
        if mine.papers.get(key) == was.papers.get(key):
            assert merged.papers.get(key) == other.papers.get(key)


@given(st.binary(max_size=80) | st.text(max_size=80).map(lambda text: f"[papers]\n{text}".encode()))
def test_any_bytes_are_a_reader_or_a_finding(data: bytes) -> None:
    try:
        reader = loads(data.decode("utf-8", "replace"), "ana", "readers/ana.toml")
    except BadFile as e:
        assert all(found.path == "readers/ana.toml" for found in e.findings)
    else:
        assert loads(dumps(reader), "ana", "x").papers == {
            key: said for key, said in reader.papers.items() if said != UNREAD
        }


def test_what_is_said_under_two_keys_of_one_paper_is_united_and_named(kb: Kb, several: Library, root: Path) -> None:
    several.rename("one", "uno")
    path = root / "readers" / "bo.toml"
    path.write_text('[papers]\none = { due = 2030-01-01, rating = 3 }\nuno = { status = "reading", rating = 4 }\n')
    assert dict(several.get("uno").readers)["bo"] == Reading("reading", "", "", "2030-01-01", 4)
    assert (
        "note: readers/bo.toml:3: one and uno are one paper, and of its rating two things are said" in kb("check").out
    )
    path.write_text("[papers]\none = { due = 2030-01-01 }\nuno = { rating = 4 }\n")
    assert "are one paper" not in kb("check").out


def test_names() -> None:
    assert name_of(" Zoë ") == "zoë"
    for bad in ("", "a b", "../a", "a/b", ".a", "a.", "me", "con", "x" * 41, "a\u202eb"):
        with pytest.raises(KbError):
            name_of(bad)


def test_a_paper_apart_keeps_what_it_says_of_reading() -> None:
    text = "---\nstatus: read\n# c\nread: '2020-01-01'\nrating: x\n---\n"
    paper = paper_of(text, "a", apart=True)
    assert (paper.status, paper.read) == ("unread", None)
    assert set(paper.extras) == {"status", "read", "#read", "rating"}


def test_who_i_am_is_not_read_through_a_link(several: Library, root: Path, tmp_path: Path) -> None:
    assert several.store.readers.named() == "bo"
    (root / ".kb").rename(tmp_path / "elsewhere")
    (root / ".kb").symlink_to(tmp_path / "elsewhere")
    assert several.store.readers.named() == ""
