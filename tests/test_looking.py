"""How much a command looks at: a large folder is not listed each time, and what changed is seen all the same."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import os
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import Kb

from catalog.errors import KbError, UnknownKey
from catalog.facts import Facts, Reading
from catalog.implemented import Implemented
from catalog.ingest.known import Known
from catalog.library import Library
from catalog.search import checks
from catalog.search import index as index_module
from catalog.search.index import Index
from catalog.store import Store, indexing

TEXT = "---\ntitle: {title}\nstatus: unread\n---\n"


@pytest.fixture
def many(library: Library, monkeypatch: pytest.MonkeyPatch) -> Library:
    """Twelve papers in a folder that counts as large, known to the index and at rest."""
    monkeypatch.setattr(indexing, "_MANY", 5)
    for number in range(12):
        write(library, f"k{number}", f"Number {number}")
    at_rest(library)
    library.index()
    return Library.open()


def write(library: Library, key: str, title: str) -> Path:
    path = library.root / "papers" / f"{key}.md"
    aside = path.with_suffix(".aside")
    aside.write_text(TEXT.format(title=title), encoding="utf-8")
    aside.replace(path)
    return path


def at_rest(library: Library) -> None:
    """As if the last change had been a while ago."""
    old = time.time() - 5
    for path in (library.root / "papers", *(library.root / "papers").iterdir()):
        os.utime(path, (old, old))


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often every paper file was looked at, and how many were read."""
    count: Counter[str] = Counter()

    def counting(name: str, old: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            count[name] += 1
            return old(*args, **options)

        return call

    for name in ("_files", "names"):
        monkeypatch.setattr(Store, name, counting("listed", getattr(Store, name)))
    monkeypatch.setattr(Store, "read", counting("read", Store.read))
    return count


@pytest.mark.parametrize(
    ("ask", "read"),
    [
        (lambda library: library.lines(), 0),
        (lambda library: library.lines("number -title:3"), 0),
        (lambda library: library.get("k3"), 0),
        (lambda library: library.resolve("k1"), 0),
        (lambda library: library.export_bib("key:k3"), 0),
        (lambda library: library.next(), 0),
        (lambda library: library.stats(), 0),
        (lambda library: library.spelled(["new"]), 0),
        (lambda library: library.mark_read(["k3"]), 1),
        (lambda library: library.tag("k3", ["new"]), 1),
        (lambda library: library.note("k3", "As [another](k4.md) says."), 1),
        (lambda library: library.add(title="One more", key="more"), 0),
    ],
)
def test_a_large_folder_is_not_looked_through(
    many: Library, counted: Counter[str], ask: Callable[[Library], object], read: int
) -> None:
    ask(many)
    assert counted["listed"] == 0
    assert counted["read"] <= read + 1, "a writer reads back what it wrote"


def test_a_change_of_our_own_leaves_nothing_to_look_for(many: Library, counted: Counter[str]) -> None:
    many.mark_read(["k3"])
    assert [paper.key for paper in Library.open().list("status:read")] == ["k3"]
    many.remove(["k4"])
    with pytest.raises(UnknownKey):
        Library.open().get("k4")
    assert counted["listed"] == 0


def test_what_was_written_this_moment_is_known_as_long_as_it_says_the_same(
    many: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its stamp tells nothing yet: another may write over it in the same moment. So its bytes do."""
    monkeypatch.setattr(indexing, "GRAIN", 3600 * 10**9)
    described: list[str] = []
    old = indexing._describe
    monkeypatch.setattr(indexing, "_describe", lambda store, files: described.extend(files) or old(store, files))
    many.tag("k3", ["new"])
    assert described == ["k3.md"]
    many.mark_read(["k3"])
    for _ in range(2):
        assert Library.open().get("k3").tags == ("new",)
        assert [paper.key for paper in Library.open().list("tag:new status:read")] == ["k3"]
        assert "k3" in [paper.key for paper in Library.open().lines(limit=20).papers]
    many.index(whole=True)
    assert described == ["k3.md"]
    path = many.root / "papers" / "k3.md"
    stamp = path.stat()
    path.write_text(path.read_text(encoding="utf-8").replace("Number 3", "Numbat 3"), encoding="utf-8")
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert Library.open().get("k3").heading == "Numbat 3"
    monkeypatch.setattr(indexing, "GRAIN", 0)
    assert Library.open().get("k3").heading == "Numbat 3"
    marks = Library.open().index().stamps(["k3"])
    assert marks == {"k3.md": indexing.mark_of(indexing.stamp_at(path) or (0, 0, 0, 0))}
    assert described == ["k3.md", "k3.md"]


def test_files_that_come_go_or_are_replaced_are_seen(many: Library) -> None:
    write(many, "new", "Zebra")
    assert [paper.key for paper in many.list("zebra")] == ["new"]
    write(many, "k3", "Okapi")
    assert [paper.key for paper in many.list("okapi")] == ["k3"]
    (many.root / "papers" / "k3.md").unlink()
    assert many.list("okapi") == []


def test_a_file_written_over_in_place_is_seen_by_what_is_about_it(many: Library) -> None:
    path = many.root / "papers" / "k3.md"
    path.write_text(TEXT.format(title="Okapi"), encoding="utf-8")
    assert many.get("k3").heading == "Okapi"
    path.write_text(TEXT.format(title="Zebra"), encoding="utf-8")
    assert [paper.heading for paper in Library.open().list("key:k3")] == ["Zebra"]


def test_a_file_written_over_in_place_is_found_when_all_is_looked_at(many: Library) -> None:
    (many.root / "papers" / "k3.md").write_text(TEXT.format(title="Okapi"), encoding="utf-8")
    assert many.list("okapi") == []
    many.index(whole=True)
    assert [paper.key for paper in many.list("okapi")] == ["k3"]


def test_all_is_looked_at_again_after_ten_minutes(many: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    (many.root / "papers" / "k3.md").write_text(TEXT.format(title="Okapi"), encoding="utf-8")
    now = time.time()
    monkeypatch.setattr(indexing.time, "time", lambda: now + 601)
    assert [paper.key for paper in many.list("okapi")] == ["k3"]


def test_a_small_folder_is_always_looked_at(library: Library) -> None:
    path = write(library, "a", "Okapi")
    at_rest(library)
    assert library.list("okapi")
    path.write_text(TEXT.format(title="Zebra"), encoding="utf-8")
    assert library.list("zebra")


@pytest.mark.parametrize("meant", ["k3", "K3", "number 3", "1706.03762", "https://arxiv.org/abs/1706.03762v2"])
def test_a_paper_is_meant_by_key_identifier_address_or_words(library: Library, meant: str) -> None:
    write(library, "k3", "Number 3\nlinks: {paper: 'https://arxiv.org/abs/1706.03762'}")
    write(library, "other", "Number 4")
    assert library.meant(meant) == "k3"


def test_words_that_several_papers_have_mean_none(library: Library) -> None:
    write(library, "a", "Number 3")
    write(library, "b", "Number 4")
    with pytest.raises(UnknownKey, match="number is said of 2 papers: a, b; write which"):
        library.meant("number")


QUICK = (
    "list",
    "list k3",
    "search number",
    "show k3",
    "show k3 --bibtex",
    "open k3 --print",
    "next",
    "stats",
    "export bib k3",
)
LOADED = """
import sys
from catalog.cli import main
for line in sys.argv[1:]:
    try:
        main(line.split())
    except SystemExit:
        pass
    print("LOADED", *sorted({"pydantic", "yaml", "rich", "refimpl", "torch", "numpy", "asyncio", "lxml"} & set(sys.modules)))
"""


def test_what_only_looks_loads_no_heavy_module(many: Library) -> None:
    """In one process of its own, each command after the other."""
    done = subprocess.run([sys.executable, "-c", LOADED, *QUICK], capture_output=True, text=True, check=True)
    assert [line for line in done.stdout.splitlines() if line.startswith("LOADED")] == ["LOADED"] * len(QUICK)


def test_what_takes_entries_loads_no_reader_of_lists(many: Library, tmp_path: Path) -> None:
    bib = tmp_path / "new.bib"
    bib.write_text("@misc{okapi, title = {Of okapis and their kin}, author = {Johnston, Harry}}")
    done = [sys.executable, "-c", LOADED, f"add {bib}", f"import {bib}"]
    said = subprocess.run(done, capture_output=True, text=True, check=True).stdout
    assert [line for line in said.splitlines() if line.startswith("LOADED")] == ["LOADED pydantic yaml"] * 2


def test_implementations_are_read_once(many: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by each command, nor for each paper that has changed; again where one of them is another."""
    reads: list[Implemented] = []
    old = Implemented.cards
    monkeypatch.setattr(Implemented, "cards", lambda self: reads.append(self) or old(self))
    own = many.root / "refimpl"
    own.mkdir()
    method = own / "mine.py"
    method.write_text('"""mine: a zebra.\n\nPaper: k3\n"""\nPAPER = "k3"\n')
    assert [paper.key for paper in many.list("zebra")] == ["k3"]
    write(many, "k4", "Okapi")
    for ask in (lambda: many.list("has:impl"), many.next, many.stats, many.implemented, lambda: many.list("okapi")):
        assert ask()
    assert len(reads) == 1
    method.write_text('"""mine: a quagga.\n\nPaper: k3\n"""\nPAPER = "k3"\n')
    assert [paper.key for paper in many.list("quagga")] == ["k3"]
    assert many.list("zebra") == []


def test_an_export_of_all_sees_every_file(many: Library, counted: Counter[str]) -> None:
    """Also one written over in place, and opens none that is as it was."""
    (many.root / "papers" / "k3.md").write_text(TEXT.format(title="Okapi"), encoding="utf-8")
    assert "Okapi" in many.export_bib().text
    assert dict(counted) == {"listed": 1, "read": 1}


def test_reading_on_describes_no_paper_again(many: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """And asks no rule; the index knows it all the same as if the paper had been read again."""
    many.add("@misc{b, title = {Okapi}, author = {A, B and C, D}, eprint = {1706.03762}}", tags=["x"], key="okapi1")
    at_rest(many)
    assert many.list("okapi tag:x status:unread arxiv:1706.03762")
    described: list[object] = []
    old = indexing._describe
    with monkeypatch.context() as watched:
        watched.setattr(indexing, "_describe", lambda *_: described.append(1) or old(*_))
        watched.setattr("catalog.check.entrance.guard", lambda *_, **__: described.append(2))
        many.mark_read(["okapi1"], dt.date(2026, 1, 2))
        assert described == []
        many.due("okapi1", dt.date(2026, 3, 4))
    at_rest(many)
    known = Library.open().get("okapi1")
    many.index().clear()
    assert (known.reading, known) == (
        Reading("read", str(dt.date.today()), "2026-01-02", "2026-03-04"),
        many.get("okapi1"),
    )
    assert [paper.key for paper in many.list("okapi tag:x status:read read:2026-01 due:2026 1706.03762")] == ["okapi1"]
    with pytest.raises(KbError, match="still to come"):
        many.mark_read(["okapi1"], dt.date.today() + dt.timedelta(days=9))


def test_only_what_changed_is_formatted_again(many: Library, counted: Counter[str]) -> None:
    assert many.fmt() == []
    first = counted["read"]
    path = many.root / "papers" / "k3.md"
    path.write_text(TEXT.format(title="Okapi") + "\n\n", encoding="utf-8")
    assert many.fmt(write=False) == ["k3.md"]
    assert many.fmt() == ["k3.md"]
    assert many.fmt() == []
    assert counted["read"] - first <= 4, "of twelve papers none but the one that changed"


def test_a_key_is_renamed_in_what_mentions_it_alone(many: Library, counted: Counter[str]) -> None:
    many.note("k5", "after [three](k3.md)")
    at_rest(many)
    many.index()
    counted.clear()
    many.rename("k3", "three")
    assert many.get("k5").notes == "after [three](three.md)"
    assert (counted["listed"] <= 2, counted["read"] <= 8) == (True, True), dict(counted)


def filled(count: int) -> Index:
    index = Index(":memory:")
    index.update(
        [
            (f"k{n}.md", "1", Facts(f"k{n}", title=(("text", f"Number {n}"),), reading=Reading(added=f"2026-01-{n % 28 + 1:02}")))
            for n in range(count)
        ],
        [],
        {f"k{n}.md": [("key", f"k{n}")] for n in range(count)},
    )  # fmt: skip
    return index


def steps(index: Index, ask: Callable[[Index], object]) -> int:
    """How many steps SQLite's machine takes, in tens: the same each time, however busy the machine is."""
    taken = itertools.count()
    index._db.set_progress_handler(lambda: next(taken) and None, 10)
    ask(index)
    index._db.set_progress_handler(None, 0)
    return next(taken)


@pytest.fixture(scope="module")
def small_and_large() -> tuple[Index, Index]:
    return filled(200), filled(2000)


@pytest.mark.parametrize(
    "ask",
    [
        lambda index: index.lines("", "-added,key", 20),
        lambda index: index.lines("", "key", 20),
        lambda index: index.get("k77"),
        lambda index: index.keys("k77"),
        lambda index: index.marked("key", ["k77"]),
        lambda index: index.stamps(["k77"]),
        lambda index: index.with_fact("cites", "k77"),
        lambda index: index.read_on("k77.md", "1", "1", Reading("read")),
        lambda index: index.ask(checks.bibtex, "k77"),
        lambda index: Known(index, Facts).keys.is_taken("k77b"),
        lambda index: Known(index, Facts).find(Facts("new", title=(("text", "Number 7"),))),
    ],
)
def test_a_look_up_reads_as_much_of_a_large_index(
    small_and_large: tuple[Index, Index], ask: Callable[[Index], object]
) -> None:
    small, large = (steps(index, ask) for index in small_and_large)
    assert large <= 2 * small + 20


def test_who_inherits_is_read_again_when_the_parent_changes(library: Library, root: Path) -> None:
    (root / "papers" / "all.md").write_text(
        "---\nstatus: unread\n---\n\n```bibtex\n@proceedings{all,\n  title = {All of 2001},\n  year = {2001}\n}\n```\n"
    )
    (root / "papers" / "one.md").write_text(
        "---\nstatus: unread\n---\n\n```bibtex\n@inproceedings{one,\n  title = {One},\n  crossref = {all}\n}\n```\n"
    )
    assert [line.key for line in library.lines("one venue:2001 year:2001").papers] == ["one"]
    library.change("all", lambda paper: paper.evolve(bibtex=paper.bibtex.replace("2001", "2002")))
    assert [line.key for line in library.lines("one venue:2002 year:2002").papers] == ["one"]
    library.remove(["all"], force=True)
    assert library.get("one").year == 0


def test_very_many_papers_are_indexed_in_parts(many: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [(paper.key, paper.heading) for paper in many.index().all()]
    (many.root / "papers" / "bad.md").write_text("---\nstatus: no\n---\n", encoding="utf-8")
    many.index().clear()
    monkeypatch.setattr(indexing, "_AT_ONCE", 5)
    assert [(paper.key, paper.heading) for paper in many.index().all()] == whole
    assert list(many.unreadable()) == ["bad.md"]
    (many.root / "papers" / "bad.md").unlink()
    assert many.unreadable() == {}


def test_a_check_reads_what_changed_since_the_last_one(many: Library, counted: Counter[str]) -> None:
    many.check()
    counted.clear()
    many.check()
    assert counted["read"] == 0
    path = many.root / "papers" / "k3.md"
    path.write_text(TEXT.format(title="Number 4"), encoding="utf-8")
    os.utime(path, (time.time() - 5,) * 2)
    assert "duplicate" in {finding.code for finding in many.check()}
    assert counted["read"] == 2, "for the index, and for the rules"


@pytest.mark.parametrize("large", [False, True])
def test_an_index_that_is_lost_while_it_is_compared_is_filled_again(
    library: Library, monkeypatch: pytest.MonkeyPatch, large: bool
) -> None:
    monkeypatch.setattr(indexing, "_MANY", 1 if large else 100)
    for number in range(3):
        write(library, f"k{number}", f"Number {number}")
    monkeypatch.setattr(indexing, "GRAIN", 10**12)
    library.index()  # while its files are young
    monkeypatch.setattr(indexing, "GRAIN", 0)
    lost = []

    def fails(db: sqlite3.Connection, stamps: object) -> None:
        lost.append(stamps)
        if len(lost) < 3:
            raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(index_module.rows, "restamp", fails)
    assert [paper.key for paper in Library.open().list()] == ["k0", "k1", "k2"]
    assert lost
    assert [paper.key for paper in Library.open().list()] == ["k0", "k1", "k2"]


def test_an_index_that_says_nonsense_is_made_anew(kb: Kb, library: Library, root: Path) -> None:
    library.add(title="A thing of note", key="a", links=["https://x.org"])
    for said in ("{{{", "3", "[[[["):
        kb("list")
        with contextlib.closing(sqlite3.connect(root / ".kb" / "index.sqlite")) as db:
            db.execute("UPDATE meta SET value = ?", (said,))
            db.commit()
        assert "A thing of note" in kb("list").out
        assert kb("tag", "a", "x").status == 0


def test_what_all_share_is_looked_at(library: Library, root: Path) -> None:
    (root / "shared.bib").write_text('@string{jr = "First"}\n')
    library.add("@article{a, title={A work of note}, author={Doe, Jane}, journal=jr, year={2001}}")
    assert library.get("a").venue == "First"
    (root / "shared.bib").write_text('@string{jr = "Second"}\n')
    assert Library.open(root).get("a").venue == "Second"


def test_what_is_away_for_a_moment_is_not_forgotten(
    library: Library, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.add(title="A work of note", key="a", links=["https://x.org"])
    assert [line.key for line in library.lines().papers] == ["a"]
    real, looks = Store.files, list[int]()

    def files(store: Store) -> dict[str, Any]:
        looks.append(1)
        return real(store) if len(looks) > 1 else {}

    monkeypatch.setattr(Store, "files", files)
    assert [line.key for line in Library.open(root).lines().papers] == ["a"]
    assert len(looks) == 2
