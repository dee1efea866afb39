"""What a person typed is on the disk before anything else is tried with it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support import Kb
from test_gate import DAMAGE, GOOD

from catalog.errors import Conflict, KbError
from catalog.library import Library
from catalog.store import disk
from catalog.store.drafts import drafts


@pytest.fixture
def papers(root: Path) -> Path:
    return root / "papers"


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


def test_a_text_made_of_another_than_stands_there_is_not_taken(library: Library, papers: Path) -> None:
    (papers / "a.md").write_text(GOOD)
    read, version = library.text("a"), library.version("a")
    (papers / "a.md").write_text(GOOD + "theirs\n")
    for expected in (read, version):
        with pytest.raises(Conflict, match=r"papers/a\.md was changed"):
            library.edit("a", read + "mine\n", expected)
    assert (papers / "a.md").read_text() == GOOD + "theirs\n"


@pytest.mark.parametrize("key", ["", "a", "b"])
def test_a_text_for_a_paper_that_is_elsewhere_finds_it(
    kb: Kb, library: Library, papers: Path, editor: Callable[[str], None], key: str
) -> None:
    (papers / "a.md").write_text(GOOD)
    editor(f"{TYPED}; os.rename('papers/a.md', 'papers/b.md')")
    assert kb("edit", "a").status == 1
    editor("pass")
    assert kb("edit", "--recover", *filter(None, [key])).out == "changed b\n"
    assert "TYPED" in library.text("b")
    editor(f"{TYPED}; os.remove('papers/b.md')")
    assert kb("edit", "b").status == 1
    assert "papers/b.md is gone; `mv .kb/drafts/001-edit-" in kb("edit", "--recover").err


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
    with room.composing(library, "add", "b.md", taken=lambda: False) as compose:
        compose()  # of a work that is here already
    assert drafts(library.store.private).pop().read() == b"TYPED"
    drafts(library.store.private).pop().drop()
    assert [(draft.kind, draft.read()) for draft in drafts(library.store.private)] == [
        ("add", b"TYPED"),
        ("note", b"TYPED"),
    ]
    assert (
        "that text is for `kb note`; `kb note a - < .kb/drafts/002-note-00000000-a.md` takes it"
        in kb("edit", "--recover").err
    )


def test_what_stands_beside_an_entry_is_kept(library: Library, kb: Kb) -> None:
    assert library.add("% from a page\n@misc{k, title={A thing}}\n\nmy words\n")[0].notes == "% from a page\n\nmy words"
    refused = kb("add", "-", given="@string{s={S}}\n@misc{l, title={Another}, note=s}\n")
    assert (refused.status, "@string beside the entry; `kb import` takes both" in refused.err) == (1, True)


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
    (library.store.private / "drafts").unlink()
    editor(SCENES["no head"])
    assert kb("edit", "a").status == 1
    [draft] = (library.store.private / "drafts").iterdir()
    assert draft.stat().st_mode & 0o077 == 0, "what is half written is nobody else's"
    draft.replace(root.parent / "victim" / draft.name)
    draft.symlink_to(root.parent / "victim" / draft.name)
    assert "no text was left behind" in kb("edit", "--recover").err


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


def test_an_empty_pipe_opens_no_editor(library: Library, kb: Kb, editor: Callable[[str], None]) -> None:
    library.add(title="A", key="a")
    editor("p.write_text('TYPED')")
    done = kb("note", "a", given="")
    assert (done.status, done.err) == (1, "kb: an empty note; write something\n")
    assert not library.paper("a").notes
