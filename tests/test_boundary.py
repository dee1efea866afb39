"""No file, however odd, ends a command with a traceback or keeps it from the other files; nor does a fault of ours."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import Kb

from catalog.cli import main, out
from catalog.cli.boundary import KEPT, guarded
from catalog.errors import BadFile, KbError
from catalog.files import parse_json, read_bytes
from catalog.library import Library
from catalog.notebook import read as read_notebook
from catalog.paperfile import dumps, loads
from catalog.runs import read_runs, unread
from catalog.store.config import read_config

GOOD = "---\ntitle: Good\nstatus: unread\nlinks:\n  paper: https://example.org/y\n---\n"


@pytest.fixture(autouse=True)
def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where reports of faults go."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "readrun" / "reports"


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        (KbError("mend it"), 1, "kb: mend it\n"),
        (FileNotFoundError(2, "No such file", "a.md"), 1, "kb: a.md: No such file\n"),
        (OSError(5, "Input/output error"), 1, "Input/output error; look at the disk"),
        (MemoryError(), 1, "not enough memory"),
        (KeyboardInterrupt(), 130, "stopped"),
        (BrokenPipeError(), 0, ""),
    ],
)
def test_what_can_be_mended_is_a_line(
    error: BaseException, status: int, says: str, reports: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(os, "dup2", lambda *_: None)
    assert guarded(lambda: _raise(error)) == status
    err = capsys.readouterr().err
    assert says in err
    assert err.count("\n") == (says != "")
    assert not reports.exists()


def _raise(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize(
    "error",
    [TypeError("unhashable"), RecursionError("too deep"), UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
     AssertionError(), OverflowError("int too large"), ValueError("two\nlines\x1b[31m")],
)  # fmt: skip
def test_a_fault_of_ours_is_a_line_and_a_report(
    error: Exception, reports: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert guarded(lambda: _raise(error)) == 1
    err = capsys.readouterr().err
    assert err.startswith(f"kb: {type(error).__name__}: ")
    assert "Traceback" not in err
    assert "\x1b" not in err
    assert err.count("\n") == 1
    [report] = reports.iterdir()
    assert str(report) in err
    assert "Traceback" in report.read_text()
    assert "Python 3" in report.read_text()
    assert report.stat().st_mode & 0o077 == 0


def test_only_the_last_reports_are_kept(reports: Path) -> None:
    reports.mkdir(parents=True)
    for number in range(KEPT + 5):
        (reports / f"2000010{number % 10}-{number:06}-1.txt").touch()
    guarded(lambda: _raise(TypeError()))
    assert len(list(reports.iterdir())) == KEPT


def test_a_fault_without_a_place_for_a_report_is_still_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert guarded(lambda: _raise(TypeError("x"))) == 1
    assert "a fault of kb, not yours\n" in capsys.readouterr().err


def test_a_terminal_that_knows_few_letters_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    latin = io.TextIOWrapper(io.BytesIO(), "latin-1")
    monkeypatch.setattr(sys, "stdout", latin)
    assert guarded(lambda: print("✓ Łukasz")) == 0
    assert latin.buffer.getvalue() == b"\\u2713 \\u0141ukasz\n"


# --- files that are none ---


def _names(root: Path) -> None:
    (Path(os.fsdecode(os.fsencode(root / "papers") + b"/\xff.md"))).write_text(GOOD)
    (root / "papers" / "a\nb.md").write_text(GOOD)


def _fifos(root: Path) -> None:
    for path in ("papers/f.md", "shared.bib", "refimpl/x.py", "runs/lora.cpu.json", "runs/bench-a-b.cpu.json"):
        (root / path).parent.mkdir(exist_ok=True)
        os.mkfifo(root / path)


def _links(root: Path) -> None:
    (root / "papers" / "x.md").symlink_to("x.md")
    (root / "papers" / "y.md").symlink_to("nowhere")
    for folder, name in (("refimpl", "x.py"), ("runs", "lora.cpu.json")):
        (root / folder).mkdir()
        (root / folder / name).symlink_to("/etc/passwd")


def _runs(root: Path) -> None:
    (root / "runs").mkdir()
    bodies = [
        '{"claims": null}',
        "[{}]",
        '{"environment": []}',
        "[" * 100_000,
        '{"claims": [{"name": 1}]}',
        '"\\ud800"',
    ]
    for number, body in enumerate(bodies):
        (root / "runs" / f"r{number}.cpu.json").write_text(body)
    (root / "runs" / "lora.cpu.json").write_text('{"claims": [{"name": "\\ud800", "verdict": "holds"}], "x": 1e999}')


def _notebooks(root: Path) -> None:
    tutorials = "".join(f"  - name: {name}\n    notebook: {name}.ipynb\n" for name in "nu")
    (root / "papers" / "n.md").write_text(f"---\ntitle: N\nstatus: read\ntutorials:\n{tutorials}---\n")
    halves = {
        "cell_type": "code",
        "source": ["\ud83d", "\ude00"],
        "outputs": [{"output_type": "stream", "text": "\udfff"}],
    }
    heading = {"cell_type": "markdown", "source": "# \ud800"}
    body = {"cells": [heading, halves], "metadata": {"kernelspec": {"language": "\ud800"}}}
    (root / "papers" / "n.ipynb").write_text(json.dumps(body))
    (root / "papers" / "u.ipynb").write_text("[" * 200_000)


def _heads(root: Path) -> None:
    for number, head in enumerate(
        ["x: " + "[" * 50_000, "x: " + "{" * 50_000, "- " * 50_000, "? [a]", "[a]: b", "? " * 50_000]
    ):
        (root / "papers" / f"h{number}.md").write_text(f"---\n{head}\n---\n")
    (root / "papers" / "u.md").write_bytes(b"---\nx: \xff\n---\n")
    (root / "papers" / "d.md").mkdir()


READING = (
    ["list"], ["list", "--json"], ["search", "good"], ["show", "good"], ["stats"], ["next"], ["impls"],
    ["impls", "--json"], ["check"], ["check", "--json"], ["export", "csv"], ["tag", "good", "new"], ["site", "pages", "out"],
)  # fmt: skip


@pytest.mark.skipif(os.name == "nt", reason="no pipes and links without rights there")
@pytest.mark.parametrize("spoil", [_names, _fifos, _links, _runs, _notebooks, _heads])
def test_an_odd_file_keeps_no_command_from_the_others(
    spoil: Callable[[Path], None], root: Path, kb: Kb, reports: Path
) -> None:
    (root / "papers" / "good.md").write_text(GOOD)
    spoil(root)
    for command in READING:
        done = kb(*command)
        assert "Traceback" not in done.err, command
        assert not reports.exists(), (command, done.err)
        if command[0] in ("list", "search", "show", "export", "impls"):
            assert done.status == 0, (command, done.err)
    assert "good" in kb("list").out
    assert "new" in kb("show", "good").out
    assert kb("check").status == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes and links without rights there")
def test_a_name_takes_one_line_and_nothing_in_its_place_is_written(root: Path, kb: Kb) -> None:
    (root / "papers" / "a\n2 papers: nothing wrong\r.md").write_text(GOOD)
    assert "papers/a\\n2 papers: nothing wrong\\r.md:1" in kb("list").err
    assert "papers/a\\n2 papers" in kb("check").out
    os.mkfifo(root / "papers" / "pipe.md")
    (root / "papers" / "loop.md").symlink_to("loop.md")
    (root / "papers" / "gone.md").symlink_to("nowhere.md")
    for number, key in enumerate(("pipe", "loop", "gone")):
        words = ["--title", f"A thing of note, part {number}", "--link", f"https://x.org/{number}"]
        assert kb("add", "--key", key, *words).out.startswith(f"added {key}: papers/%")
    assert not (root / "papers" / "nowhere.md").exists()


def test_a_record_that_is_none_is_said_and_the_others_are_shown(root: Path, kb: Kb) -> None:
    _runs(root)
    assert set(read_runs(root / "runs")[0]) == {"lora"}
    assert len(unread(root / "runs")) == 6
    err = kb("impls").err
    assert (
        "runs/r0.cpu.json: not a record of a run: claims: input should be a valid list; run kb verify r0 again" in err
    )
    assert err.count("\n") == 6


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="rights do not bind this user")
def test_what_may_not_be_read_is_named(root: Path, kb: Kb) -> None:
    (root / "papers" / "good.md").write_text(GOOD)
    (root / "papers" / "mine.md").write_text(GOOD)
    (root / "papers" / "mine.md").chmod(0)
    assert "good" in kb("list").out
    assert "papers/mine.md: you may not read it" in kb("check").out


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_folder_of_our_own_that_is_a_link_is_not_followed(root: Path, kb: Kb, tmp_path: Path) -> None:
    (tmp_path / "victim").mkdir()
    (root / ".kb").symlink_to(tmp_path / "victim")
    done = kb("list")
    assert (done.status, "is a link; remove it" in done.err) == (1, True)
    assert list((tmp_path / "victim").iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
@pytest.mark.parametrize(
    ("place", "to", "command"),
    [("papers", "../out", "fmt"), ("papers", "papers", "list"), ("papers", "gone", "check"), ("readers", "../out", "me ana"),
     ("readers", "readers", "list"), ("lists", "../out", "sync list.md"), ("shared.bib", "../out/secret.md", "export bib"),
     ("site", "../out", "site build"), ("files", "../out", "attach good x.pdf"), (".github", "../out", "init --github"),
     (".gitignore", "../out/new", "init --github"), ("followed.md", "../out/secret.md", "sync")],
)  # fmt: skip
def test_nothing_is_read_or_written_through_a_link_that_leads_out(
    place: str, to: str, command: str, root: Path, kb: Kb, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (root / "kb.toml").write_text('lists = ["followed.md"]\n')
    (root / "list.md").write_text("# Works\n\n- [Beta of all things](https://example.org/b)\n")
    (root / "x.pdf").write_bytes(b"%PDF-1.4\n")
    (root / "papers" / "good.md").write_text(GOOD)
    (out / "secret.md").write_text(GOOD)
    if (root / place).is_dir():
        shutil.rmtree(root / place)
    (root / place).unlink(missing_ok=True)
    (root / place).symlink_to(to)
    done = kb("--root", str(root), *command.split())
    assert done.status == 1
    assert "link" in done.err
    assert done.err.count("\n") == 1
    assert [path.name for path in out.iterdir()] == ["secret.md"]


def test_a_file_is_read_up_to_a_size(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    assert read_bytes(tmp_path / "a", most=5) == b"12345"
    with pytest.raises(BadFile, match="a: 5 bytes; at most 4 are read"):
        read_bytes(tmp_path / "a", most=4)
    with pytest.raises(BadFile, match="not the name of a file"):
        read_bytes(tmp_path / "a\0b")
    with pytest.raises(FileNotFoundError):
        read_bytes(tmp_path / "b")
    with pytest.raises(BadFile, match=r"folder|regular"):
        read_bytes(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(BadFile, match="not a regular file"):
            read_bytes(tmp_path / "pipe")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no links and pipes")
@pytest.mark.parametrize("what", ["link to a file", "link to nothing", "link to a database", "pipe"])
@pytest.mark.parametrize("names", ["index.sqlite pages.sqlite answers.sqlite swapping me", "history.sqlite", "lock"])
def test_what_stands_in_the_place_of_our_own_file_is_not_followed(
    names: str, what: str, kb: Kb, library: Library, root: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.txt").write_text("mine\n")
    with contextlib.closing(sqlite3.connect(out / "b.sqlite")) as base:
        base.execute("create table mine(x)")
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    library.add(title="A thing of note", key="a", links=["https://x.org"])
    to = {"link to a file": "a.txt", "link to a database": "b.sqlite", "link to nothing": "new"}
    for place in (root / ".kb" / name for name in names.split()):
        place.unlink(missing_ok=True)
        if what == "pipe":
            os.mkfifo(place)
        else:
            place.symlink_to(out / to[what])
    done = [kb(*words.split()) for words in ("list", "search in:pdf", "tag a x", "log", "me ana", "list")]
    assert not [one.err for one in done if "a fault of kb" in one.err]
    assert done[0].status == 0
    library.client().memory.host("x.org")
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
def test_a_pipe_in_the_place_of_our_own_file_is_not_waited_for(kb: Kb, library: Library, root: Path) -> None:
    library.add(title="A thing of note", key="a", links=["https://x.org"])
    for name in ("me", "news.json"):
        os.mkfifo(root / ".kb" / name)
    assert kb("me", "ana").out.startswith("you are ana")
    assert (root / ".kb" / "me").read_text() == "ana\n"
    assert ".kb/news.json" in kb("update", "--settle").err
    (root / ".kb" / "swapping").mkdir()
    assert kb("list").status == 0


# --- any bytes give a value or a finding ---

PIECES = st.one_of(
    st.binary(max_size=30),
    st.sampled_from([b"a: ", b"[", b"{", b"- ", b"\n", b": ", b"'", b'"', b"#", b"---\n", b"tags:", b"links:\n  paper: ",
                     b"status: read", b"!!python/name:os.system ", b"&a ", b"*a", b"? ", b"|\n", b"\\ud800", b"9" * 50,
                     b"claims", b'"cells": ', b"]", b"}", b", ", b"papers = ", b"title = ", b"null", b"1e999", b"\x00"]),
)  # fmt: skip
BYTES = st.lists(PIECES, max_size=12).map(b"".join)


def _config(body: bytes, folder: Path) -> None:
    (folder / "kb.toml").write_bytes(body)
    read_config(folder)


def _run(body: bytes, folder: Path) -> None:
    (folder / "lora.cpu.json").write_bytes(body)
    read_runs(folder)


def _paper(body: bytes, _: Path) -> None:
    text = "---\n" + body.decode("utf-8", "replace") + "\n---\n"
    loads(text, "a")


READERS: tuple[Callable[[bytes, Path], object], ...] = (
    _config, _run, _paper, lambda body, _: read_notebook(body), lambda body, _: parse_json(body),
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(body=BYTES, reader=st.sampled_from(READERS))
def test_readers_are_total(body: bytes, reader: Callable[[bytes, Path], object], tmp_path: Path) -> None:
    try:
        reader(body, tmp_path)
    except KbError as e:
        assert str(e)


def test_half_a_character_is_not_written(library: Library) -> None:
    library.add(title="A", key="a")
    with pytest.raises(KbError, match="half a character"):
        library.note("a", "\udcff")
    assert dumps(library.paper("a")) == library.text("a")


# --- what a terminal is shown ---

UNSEEN = "\x1b]0;x\x07\u202ebidi\u2066\U000e0041\u200b\x9b31m\u200f"


@pytest.fixture
def spoofed(root: Path) -> str:
    (root / "papers" / "a.md").write_text(
        f"---\ntitle: '{UNSEEN[7:-5].replace(chr(0x9B), '')}'\nstatus: unread\n---\n\n"
        f"```bibtex\n@misc{{a, author={{X{UNSEEN} Y}}, title={{T{UNSEEN}}}, abstract={{{UNSEEN}}}}}\n```\n\n{UNSEEN}\n"
    )
    return UNSEEN


@pytest.mark.parametrize(
    "command", [["list"], ["list", "--json"], ["show", "a"], ["show", "a", "--cite"], ["next"], ["search", "bidi"],
                ["check"], ["check", "--json"], ["stats", "--json"], ["show", "a", "--json"], ["fmt"]],
)  # fmt: skip
def test_listings_show_what_steers_a_terminal_as_escapes(command: list[str], kb: Kb, spoofed: str) -> None:
    done = kb(*command)
    for unseen in set(spoofed) - set("0;xbidi31m]"):
        assert unseen not in done.out + done.err, (command, unseen)


def test_json_keeps_what_it_escapes(kb: Kb, spoofed: str) -> None:
    said = kb("show", "a", "--json").out
    assert "\\u202e" in said
    assert json.loads(said)["notes"].strip() == spoofed


def test_an_export_into_a_file_is_byte_for_byte(kb: Kb, spoofed: str) -> None:
    assert spoofed in kb("export", "bib").out
    assert spoofed in kb("show", "a", "--bibtex").out


def test_plain() -> None:
    assert out.plain("a\tb\nc") == "a\tb\nc"
    assert out.plain("\x1b[31m\u202e\x9b\r") == "\\x1b[31m\\u202e\\x9b\\x0d"


def test_a_wrong_call_quotes_nothing_raw(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["list", "--\x1b[31mx"])
    assert ended.value.code == 2
    assert "\x1b" not in capsys.readouterr().err
