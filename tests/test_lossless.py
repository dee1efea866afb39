"""Any folder of any bytes, any sequence of commands: no byte is lost, no traceback, no new error that was not said.

`EXAMPLES=2000 pytest tests/test_lossless.py` looks longer.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from answers import atom, atom_entry
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_gate import DAMAGE

from catalog.cli import main
from catalog.errors import Finding, KbError
from catalog.ingest.fetch import Answer, NoAnswer
from catalog.library import Library
from catalog.models import Link, Paper, Status
from catalog.paperfile import dumps
from catalog.sources import Client
from catalog.store.disk import digest

NAMES = ("a.md", "b.md", "c.md", "\u00e4.md", "a\u0308.md", "B.md", "d e.md", "README.md", "x.md.orig")
PAPERS = (
    Paper(key="a", bibtex="@misc{a, title={Alpha of all things}, author={Doe, Jane}}", notes="See [b](b.md)."),
    Paper(
        key="b", title="Beta among the others", links=(Link(name="paper", url="https://x.org/b"),), tags=("low-rank",)
    ),
    Paper(key="c", bibtex="@inproceedings{c, title={Gamma}, crossref={a}}", status=Status.reading, tags=("Low rank",)),
    Paper(
        key="d",
        title="Delta in song",
        links=(Link(name="paper", url="https://arxiv.org/abs/3103.00001"), Link(name="pdf", url="https://x.org/a.pdf")),
    ),
)
ODD = (
    "---\n# c\ntags:: x\nstatus: unread # s\nlinks:\n  # l\n  paper: https://x.org\n---\n\nnotes\n",
    "---\r\nstatus: unread\r\ntitle: W\r\n---\r\n\r\nnotes\r\n",
    "---\n{status: unread, tags: [a]}\n---\n",
    "---\nx: {a: 1,\ntags: 2}\n---\n",
    "",
)
TEXTS = [dumps(paper) for paper in PAPERS] + list(DAMAGE.values()) + list(ODD)
contents = st.one_of(
    st.sampled_from(TEXTS).map(lambda text: text.encode("utf-8", "surrogateescape")), st.binary(max_size=60)
)
said = st.one_of(
    st.sampled_from([b"[papers]\n", b'[papers]\n# c\na = { status = "read", read = 2020-01-01 } # d\n', b"queue = ['a']\n", b"<<<<<<< a\n=======\n>>>>>>> b\n"]),
    st.binary(max_size=40),
)  # fmt: skip
keys = st.sampled_from(["a", "b", "c", "B", "\u00e4", "d e", "q", "new"])
words = st.sampled_from(
    ["low rank", "Low-Rank", "see [b](b.md)", "see [q](q.md)", "<<<<<<< a\n=======\n>>>>>>> b", "\u202e\x07", "---"]
)
rest = st.one_of(
    st.sampled_from([b"@string{j = {J}}\n", b"@misc{x, title={X}}\n% c\n", b"@comment{\n", b"{}", b'{"entries": [[', b"overdue_days = 3\n", b"autocommit = 1\n", b"papers = 'x'\nx = [\n"]),
    st.binary(max_size=40),
)  # fmt: skip
IMPORTED = {
    "in.bib": "@string{j = {J}}\n@misc{a, title={Alpha of all things}, author={Doe, Jane}, year=2001}\n@misc{new, title={New}}\n",
    "in.md": "# Works\n\n- [Beta among the others](https://x.org/b) read\n- [Gamma](https://y.org/c)\n",
    "in.csv": "title,status,tags\nGamma,read,x;y\nWholly new matter,unread,\n",
    "in.ris": "TY  - JOUR\nTI  - Alpha of all things\nAU  - Doe, Jane\nN1  - a note\nER  - \n",
}
LATER = "# Works\n\n- [x] [Beta among all others](https://x.org/b)\n- [Delta of the rest](https://y.org/d): why\n"
commands = st.one_of(
    st.tuples(st.sampled_from(["mark-read", "mark-unread", "mark-reading"]), keys),
    st.tuples(st.just("mark-read"), keys, st.just("--on"), st.sampled_from(["2020-01-01", "2999-01-01"])),
    st.tuples(st.just("tag"), keys, words),
    st.tuples(st.just("tag"), keys, st.just("-r"), st.just("low-rank")),
    st.tuples(st.just("link"), keys, st.sampled_from(["github.com/x/y", "code=nowhere.py", "paper=https://x.org/2"])),
    st.tuples(st.just("note"), keys, words),
    st.tuples(st.just("note"), keys, words, st.just("--due"), st.sampled_from(["2030-01-01", "never"])),
    st.tuples(st.sampled_from(["tag", "due"]), st.just("-y"), st.just("-q"), st.sampled_from(["", "among", "tag:low-rank"]), st.sampled_from(["+7d", "none"])),
    st.tuples(st.just("link"), keys, st.just("-r"), st.sampled_from(["paper", "code"])),
    st.tuples(st.just("merge"), keys, keys),
    st.tuples(st.just("merge"), keys, keys, st.just("--take"), st.sampled_from(["title", "status", "bibtex"])),
    st.tuples(st.just("split"), keys),
    st.tuples(st.just("attach"), keys, st.just("in.pdf")),
    st.tuples(st.just("sync"), st.just("in.md"), st.sampled_from(["--prune", "--dry-run"])),
    st.tuples(st.sampled_from(["sync", "list edited, then sync"]), st.just("in.md")),
    st.tuples(st.just("add"), st.sampled_from(["in.bib", "-"])),
    st.tuples(st.just("undo"), st.sampled_from(["2", "--change=1"])),
    st.tuples(st.just("queue"), st.just("--first"), keys, st.just("-r"), keys),
    st.tuples(st.just("due"), keys, st.sampled_from(["tomorrow", "none"])),
    st.tuples(st.just("rename"), keys, keys),
    st.tuples(st.just("me"), st.sampled_from(["ana", "bo", "--alone", "A b"])),
    st.tuples(st.just("me"), st.just("ana"), st.just("--take")),
    st.tuples(st.just("queue"), keys),
    st.tuples(st.just("rate"), keys, st.sampled_from(["7", "none"])),
    st.tuples(st.just("rm"), st.just("-y"), keys),
    st.tuples(st.just("rm"), st.just("-y"), st.just("-f"), st.just("-q"), st.sampled_from(["beta", "status:read"])),
    st.tuples(st.just("add"), st.just("--title"), st.sampled_from(["Alpha of all things", "Wholly new matter"]), st.just("--key"), keys),
    st.tuples(st.just("import"), st.sampled_from(sorted(IMPORTED))),
    st.tuples(st.just("import"), st.just("--theirs"), st.sampled_from(sorted(IMPORTED))),
    st.tuples(st.just("edit"), keys),
    st.tuples(st.just("resolve"), keys, st.sampled_from(["--ours", "--theirs"])),
    st.tuples(st.just("resolve"), st.just("--reader"), st.sampled_from(["ana", "bo"]), st.sampled_from(["--ours", "--theirs"])),
    st.tuples(st.just("complete"), st.sampled_from(["--only=bibtex", "--only=abstract", "--dry-run"])),
    st.tuples(st.just("update"), st.sampled_from(["--settle", "--take=published", "--links"])),
    st.tuples(st.just("report"), st.just("lomo"), st.just("--of"), st.just("wic-7b"), st.just("--value"), st.sampled_from(["69", "nan", "1e400"]),
              st.just("--setting"), words, st.just("--address"), st.just("https://a.org/3")),
    st.tuples(st.just("merge-driver"), st.just("papers/a.md"), st.sampled_from(["papers/b.md", "readers/ana.toml"]), st.sampled_from(["papers/c.md", "in.pdf"]),
              st.sampled_from(["papers/b.md", "readers/ana.toml"])),
    st.sampled_from([("fmt",), ("check", "--fix"), ("undo",), ("redo",), ("list",), ("export", "bib"), ("log", "-p"),
                     ("edit", "--recover"), ("annotations",), ("init", "--github"), ("export", "markdown", "--into", "in.md"),
                     ("fetch",), ("update",), ("complete",), ("merge-driver",), ("next",), ("stats",), ("duplicates",), ("search", "in:pdf")]),
)  # fmt: skip
RESTORING = (
    "import",
    "add",
    "sync",
    "undo",
    "redo",
    "edit",
    "resolve",
    "split",
    "complete",
    "update",
)  # what comes from elsewhere may be wrong; `check` says so


TYPED = itertools.cycle([b"\ntyped\n", b"\n\xff\n", b"\n<<<<<<< a\nb\n=======\nc\n>>>>>>> d\n", b"\n@misc{x\n", b""])


def call(root: Path, args: tuple[str, ...]) -> tuple[int, str]:
    out = io.TextIOWrapper(io.BytesIO(), "utf-8", errors="backslashreplace", write_through=True)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out), contextlib.ExitStack() as stack:
        stack.enter_context(
            mock.patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"@misc{c, title={Gamma}, note={n}}")))
        )
        stack.enter_context(mock.patch("click.edit", type_into))
        stack.enter_context(mock.patch.object(Library, "client", return_value=Client(asked, sleep=lambda _: None)))
        stack.enter_context(mock.patch.object(Library, "_fetch", return_value=asked))
        try:
            main(["--root", str(root), *args])
        except SystemExit as ended:
            return int(ended.code or 0), out.buffer.getvalue().decode("utf-8", "replace")
    raise AssertionError("main returned")


ANSWERS = itertools.cycle(["a feed", "a PDF", "JSON", "a feed", "unknown", "no answer", "bytes", "a PDF", "nothing"])


def type_into(filename: str, editor: str | None = None) -> None:
    """An editor that adds a line, each time another."""
    with Path(filename).open("ab") as stream:
        stream.write(next(TYPED))


def asked(url: str, **_: object) -> Answer:
    """The web: each time another answer."""
    feed = atom(atom_entry("3103.00001", "Delta in \u202e song", ["Ana Lee"])).data()
    bodies = {
        "a feed": feed,
        "a PDF": b"%PDF-1.4\nnot much of one\n",
        "JSON": b'{"message": {"items": [[[',
        "nothing": b"",
        "bytes": b"\xff\x00<",
    }
    match next(ANSWERS):
        case "no answer":
            raise NoAnswer("connection", "x.org: no answer")
        case "unknown":
            return Answer(404, url)
        case what:
            data = bodies[what]
            return Answer(200, url, data.decode("utf-8", "replace"), content_type="text/html", data=data)


def merged(root: Path, command: tuple[str, ...]) -> tuple[str, ...]:
    """The call of the merge driver with copies, as git makes them."""
    _, *names, name = command
    for copy, original in zip(("base", "mine", "other"), names, strict=True):
        (root / copy).write_bytes((root / original).read_bytes() if (root / original).is_file() else b"")
    return "merge-driver", "base", "mine", "other", name


def files(root: Path) -> dict[str, bytes]:
    paths = [path for name in ("papers", "readers", "lists", "files", "reports") for path in (root / name).glob("*")]
    paths += [root / "shared.bib", root / "kb.toml"]
    return {str(path.relative_to(root)): path.read_bytes() for path in paths if path.is_file()}


def wrong(root: Path) -> list[Finding]:
    return [finding for finding in Library.open(root).check() if finding.kind == "error"]


@contextlib.contextmanager
def folder(contents: dict[str, bytes]) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        Library.init(root)
        for file, data in contents.items():
            (root / file).parent.mkdir(exist_ok=True)
            (root / file).write_bytes(data)
        for file, text in IMPORTED.items():
            (root / file).write_text(text)
        (root / "in.pdf").write_bytes(b"%PDF-1.4\n")
        with contextlib.chdir(root):
            yield root


@settings(
    max_examples=int(os.environ.get("EXAMPLES", "15")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    st.builds(
        lambda papers, readers, others: papers | readers | others,
        st.dictionaries(st.sampled_from(NAMES).map("papers/{}".format), contents, min_size=1, max_size=5),
        st.dictionaries(st.sampled_from(["ana", "bo"]).map("readers/{}.toml".format), said, max_size=1),
        st.dictionaries(st.sampled_from(["shared.bib", "kb.toml", "lists/in.json"]), rest, max_size=1),
    ),
    st.lists(commands, min_size=1, max_size=7),
)
def test_no_byte_is_lost(start: dict[str, bytes], sequence: list[tuple[str, ...]]) -> None:
    with folder(start) as root:
        for command in sequence:
            before, faults = files(root), wrong(root)
            if command[0] == "list edited, then sync":
                (root / "in.md").write_text(LATER)
                command = ("sync", *command[1:])
            if command[0] == "merge-driver" and len(command) == 5:
                command = merged(root, command)
            status, said = call(root, command)
            assert "Traceback" not in said, command
            assert "a fault of kb" not in said, (command, said)
            now = files(root)
            with Library.open(root).store.gate.history() as history:
                for path, data in before.items():
                    kept = data in now.values() or now.get(path) == data
                    try:
                        assert kept or history.text(digest(data)) == data, (command, path)
                    except KbError:
                        raise AssertionError((command, path, said)) from None
            if status == 0 and command[0] not in RESTORING:
                more = Counter(finding.code for finding in wrong(root)) - Counter(finding.code for finding in faults)
                new = [finding for finding in wrong(root) if more[finding.code] and finding not in faults]
                codes = {finding.code for finding in new if finding.message in said}
                assert set(more) <= codes, (command, said, [str(finding) for finding in new])
