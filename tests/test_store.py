"""The disk: whole files or none, whatever is killed when, however many write at once."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from support import Kb

from catalog.errors import BadFile, Conflict, KbError, UnknownKey
from catalog.models import Paper
from catalog.paperfile import dumps
from catalog.store import Change, Store, find_root

OLD, NEW = dumps(Paper(key="k", title="old")), dumps(Paper(key="k", title="new", notes="long " * 5000))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    (tmp_path / "kb.toml").touch()
    (tmp_path / "papers").mkdir()
    return Store(tmp_path)


def run_python(code: str, *args: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *args],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


KILLER = """
import os, signal, sys
from pathlib import Path
from catalog.store import Store

root, most = Path(sys.argv[1]), int(sys.argv[3])
writes = {name: open(sys.argv[2], "rb").read() for name in sys.argv[4:]}
if os.environ.get("REMOVE"):
    writes[os.environ["REMOVE"]] = None
sys.path.insert(0, os.environ["TESTS"])
from crash import reaches  # and with it every module of ours, so that the calls are those of the change
from catalog.store import SHARED, Change

def write():
    store = Store(root)
    changes = [Change("papers/" + name, store.read(name), text) for name, text in writes.items()]
    if os.environ.get("SHARED"):
        changes.append(Change(SHARED, store.shared_version()[0], b"@string{a = 1}\\n"))
    store.commit(changes, "try")

def killed_before(call):
    "Fork a writer that is killed before its call-th call into the operating system's modules; whether it was."
    child = os.fork()
    if child == 0:
        count = 0
        def watch(frame, event, arg):
            nonlocal count
            if reaches(event, arg, killing=True):
                count += 1
                if count == call:
                    os.kill(os.getpid(), signal.SIGKILL)
        sys.setprofile(watch)
        write()
        os._exit(0)
    return os.waitpid(child, 0)[1] != 0

call = 0
while call < most:
    call += 1
    killed = killed_before(call)
    print(call, killed, flush=True)
    sys.stdin.readline()          # the test looks, and puts everything back
    if not killed:
        break
"""


def kill_everywhere(root: Path, new: Path, files: list[str], check, env: dict[str, str]) -> int:
    """Kill a writer before each of its system calls in turn; `check` looks at the folder after each. How many kills."""
    kills = 0
    with subprocess.Popen(
        [sys.executable, "-c", KILLER, str(root), str(new), "2000", *files],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | env | {"TESTS": str(Path(__file__).parent)},
    ) as process:  # fmt: skip
        assert process.stdin
        assert process.stdout
        for line in process.stdout:
            killed = line.split()[1] == "True"
            kills += killed
            check(killed)
            process.stdin.write("\n")
            process.stdin.flush()
    assert process.returncode == 0
    return kills


def test_a_killed_write_leaves_the_old_or_the_new_file(store: Store, tmp_path: Path) -> None:
    path, new = store.folder / "k.md", tmp_path / "new.txt"
    path.write_text(OLD)
    new.write_text(NEW)
    seen = set()

    def check(killed: bool) -> None:
        text = path.read_text()
        assert text in (OLD, NEW)
        assert killed or text == NEW
        seen.add(text == NEW)
        assert Store(store.root).load("k.md").title in ("old", "new")
        with store.lock():
            assert [p.name for p in store.folder.iterdir()] == ["k.md"], "what the killed writer left is cleared away"
        path.write_text(OLD)

    kills = kill_everywhere(store.root, new, ["k.md"], check, {})
    assert kills > 10
    assert seen == {False, True}


def test_a_killed_change_of_several_files_happens_as_a_whole(store: Store, tmp_path: Path) -> None:
    new = tmp_path / "new.txt"
    new.write_text(NEW)
    names = ["a.md", "b.md", "c.md"]

    def reset() -> None:
        for name in (*names, "gone.md"):
            (store.folder / name).write_text(OLD)
        (store.root / "shared.bib").unlink(missing_ok=True)

    seen = set()

    def check(killed: bool) -> None:
        fresh = Store(store.root)
        files = fresh.files()
        texts = {fresh.read_text(name) for name in names}
        assert len(texts) == 1, "all old or all new, once somebody has looked"
        done = texts == {NEW}
        assert ("gone.md" in files) is not done
        assert bool(fresh.shared()) is done
        assert killed or done
        seen.add(done)
        reset()

    reset()
    kills = kill_everywhere(store.root, new, names, check, {"REMOVE": "gone.md", "SHARED": "1"})
    assert kills > 30
    assert seen == {False, True}


def test_writers_wait_for_each_other_and_lose_nothing(store: Store) -> None:
    (store.folder / "k.md").write_text(OLD)
    code = """
    import sys
    from pathlib import Path
    from catalog.store import Store
    store = Store(Path(sys.argv[1]))
    for i in range(15):
        store.change("k.md", lambda p: p.evolve(tags=(*p.tags, f"{sys.argv[2]}-{i}")), "tag")
    """
    running = [
        subprocess.Popen([sys.executable, "-c", textwrap.dedent(code), str(store.root), str(n)]) for n in range(8)
    ]
    assert [process.wait(120) for process in running] == [0] * 8
    assert len(store.load("k.md").tags) == 8 * 15


def test_a_change_under_ones_hands_is_a_conflict(store: Store) -> None:
    (store.folder / "k.md").write_text(OLD)
    read = store.read("k.md")
    (store.folder / "k.md").write_text(NEW)
    with pytest.raises(Conflict, match=r"papers/k\.md was changed"):
        store.commit([store.paper_change("k.md", read, Paper(key="k", title="mine"))], "edit k")
    assert store.read_text("k.md") == NEW


def test_links_that_leave_the_knowledge_base_are_not_read(store: Store, tmp_path: Path) -> None:
    secret = tmp_path.parent / "secret.md"
    secret.write_text(OLD)
    (store.folder / "s.md").symlink_to(secret)
    (store.folder / "t.md").symlink_to(store.folder / "k.md")
    (store.folder / "k.md").write_text(OLD)
    assert set(store.files()) == {"k.md", "t.md"}
    secret.unlink()


def test_what_is_no_paper_is_left_alone(store: Store) -> None:
    for name in ("README.md", ".hidden.md", "_draft.md", "x.txt"):
        (store.folder / name).write_text("x")
    (store.folder / "sub.md").mkdir()
    assert store.files() == {}


def test_files_that_cannot_be_read_say_so(store: Store) -> None:
    (store.folder / "latin.md").write_bytes(b"---\ntitle: caf\xe9\n---\n")
    with pytest.raises(BadFile, match=r"papers/latin\.md:2: not UTF-8; save the file as UTF-8"):
        store.load("latin.md")
    with pytest.raises(UnknownKey):
        store.load("none.md")
    papers, findings = store.load_all()
    assert not papers
    assert len(findings) == 1


def test_the_root_is_found_upwards_or_named(store: Store, tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert find_root(inner) == tmp_path
    with pytest.raises(KbError, match="kb init"):
        find_root(inner, str(inner))
    with pytest.raises(KbError, match="kb init"):
        find_root(Path("/"))
    (inner / "kb.toml").mkdir()
    with pytest.raises(KbError, match=r"kb\.toml is no file that can be read; remove it"):
        find_root(inner)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("title = 3", "title: 3 is not a text; write it in quotes"),
        ("nme = 'x'", "nme: no such setting; known are title"),
        ("papers = '../x'", "not a folder below"),
        ("papers = '/x'", "not a folder below"),
        ("=", "not valid TOML"),
        ("overdue_days = true", "overdue_days: True is not a whole number; write it in digits"),
        ("\noverdue_days = -1", "kb.toml:2: overdue_days: not a number of days; write one from 0 to"),
        ("overdue_days = " + "9" * 50, "overdue_days: not a number of days"),
        ("overdue_days = " + "9" * 5000, "not valid TOML"),
        ("title = 'x'\n" + "a={" * 5000, "kb.toml:2: not valid TOML: nested too deeply"),
        ("title = {a = 1}", "title: a table or list is not a text"),
        ('title = "a\\u202eb"', "is not a title"),
        ('papers = "a\\u0000b"', "not a folder below"),
        ("papers = './'", "not a folder below"),
        ("papers = 'Build/papers'", "build/ is where kb keeps other things; name another, such as papers"),
        ("papers = 2020-01-01", "papers: 2020-01-01 is not a text; write it in quotes"),
        ("autocommit = 'yes'", "autocommit: yes is not true or false"),
        ("lists = 'a.md'", r"lists: a.md is not a list of words; write \["),
        ("lists = ['.git/config']", r"lists: '\.git/config' is not a list below kb\.toml"),
        ("papers = '.git'", "not a folder below"),
        ("papers = 'a/.kb'", "not a folder below"),
        ("papers = 'C:\\x'", "not a folder below"),
        ("site_url = 'javascript:alert(1)'", "site_url: .* is not an address; write https://host/path"),
        ("site_url = 'https://x/\"><script>'", "is not an address"),
        ("site_url = 'https://u:p@x/'", "is not an address"),
        ("site_url = 'https://x:99999/'", "is not an address"),
        ("contact = 'x'", "contact: 'x' is no address; write you@example.org"),
    ],
)
def test_settings_are_checked(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "kb.toml").write_text(text)
    assert re.search(says, "\n".join(map(str, Store(tmp_path).settings.wrong)))


@pytest.mark.parametrize(
    "text", ["= [", "title = 3\noverdue_days = 7", "a." * 9000 + "b = 1", "\udcff", "colour = 'red'"]
)
def test_settings_that_cannot_be_stop_no_reader_and_every_writer(kb: Kb, root: Path, text: str) -> None:
    kb("add", "--title", "A work of note", "--key", "a", "--link", "https://example.org/a")
    (root / "kb.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    for command in (["list"], ["search", "note"], ["stats"], ["next"], ["export", "csv"]):
        done = kb(*command)
        assert "note" in done.out or command == ["stats"], done.err
        assert "kb.toml" in done.err
    checked = kb("check")
    assert (checked.status, checked.out.startswith("kb.toml")) == (1, True)
    done = kb("tag", "a", "x")
    assert done.status == (0 if "colour" in text else 1)
    assert "kb.toml" in done.err or not done.status


def test_settings_that_are_fine(tmp_path: Path) -> None:
    (tmp_path / "kb.toml").write_text(
        'title = "Ł"\nsite_url = "https://müller.example/~a/b%20c/"\ncontact = "a.b+c@example.org"\npapers = "x/y z"\n'
    )
    assert Store(tmp_path).config.contact == "a.b+c@example.org"
    assert Store(tmp_path).folder == tmp_path / "x/y z"


def put(store: Store, name: str, text: str | None) -> int:
    before = store.read(name) if (store.folder / name).exists() else None
    return store.commit([Change(f"papers/{name}", before, text.encode() if text is not None else None)], "put")


def test_an_unchanged_file_is_not_written(store: Store) -> None:
    put(store, "k.md", OLD)
    before = (store.folder / "k.md").stat()
    assert put(store, "k.md", OLD) == 0
    after = (store.folder / "k.md").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_the_mode_of_a_file_stays(store: Store) -> None:
    put(store, "k.md", OLD)
    (store.folder / "k.md").chmod(0o600)
    put(store, "k.md", NEW)
    assert (store.folder / "k.md").stat().st_mode & 0o777 == 0o600
