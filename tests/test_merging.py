"""What two people change of one paper is united; a conflict is left only where both said different things of one fact."""

from __future__ import annotations

import contextlib
import datetime as dt
from pathlib import Path

import pytest
from clones import clone, git, merged
from hypothesis import given, settings
from hypothesis import strategies as st
from support import Kb

from catalog import conflict
from catalog.errors import KbError
from catalog.library import Library
from catalog.models import Link, Paper, Status
from catalog.paperfile import dumps, loads
from catalog.store.beside import ATTRIBUTES
from catalog.store.merging import merge_files
from catalog.threeway import items, lines, marked, merge, table

ENTRY = "@misc{a,\n  title = {A},\n  year = {2020},\n}"
WAS = Paper(
    key="a",
    title="",
    tags=("x", "y"),
    links=(Link(name="paper", url="https://a.b/1"),),
    bibtex=ENTRY,
    notes="One.\n\nTwo.",
)


def both(**changes: tuple[object, object]) -> tuple[Paper, Paper]:
    """The paper as two people changed it."""
    return WAS.evolve(**{n: v[0] for n, v in changes.items()}), WAS.evolve(**{n: v[1] for n, v in changes.items()})


def test_what_two_people_add_is_united() -> None:
    code, blog = Link(name="code", url="https://a.b/2"), Link(name="blog", url="https://a.b/3")
    ours, theirs = both(
        tags=(("x", "y", "mine"), ("y", "other")),
        links=((*WAS.links, code), (*WAS.links, blog)),
        notes=(WAS.notes + "\n\nMine.", WAS.notes + "\n\nOther."),
        ids=({"isbn": "1"}, {"dblp": "conf/x"}),
        extras=({"own": "own: 1\n"}, {"foreign": "foreign: 2\n"}),
        bibtex=(ENTRY.replace("  year", "  doi = {10.1000/x},\n  year"), ENTRY.replace("2020", "2021")),
        venue=("AAAI", ""),
        rating=(0, 7),
    )
    merged = merge(WAS, ours, theirs)
    assert merged.fields == ()
    paper = merged.ours
    assert paper == merged.theirs
    assert (set(paper.tags), paper.venue, paper.rating) == ({"y", "mine", "other"}, "AAAI", 7)
    assert {link.name for link in paper.links} == {"paper", "code", "blog"}
    assert paper.notes == "One.\n\nTwo.\n\nMine.\n\nOther."
    assert (paper.ids, set(paper.extras)) == ({"isbn": "1", "dblp": "conf/x"}, {"own", "foreign"})
    assert "doi = {10.1000/x}" in paper.bibtex
    assert "2021" in paper.bibtex
    assert loads(merged.text, "a") == paper


@pytest.mark.parametrize(
    ("field", "ours", "theirs"),
    [("title", "Mine", "Other"), ("due", "2026-01-01", "2026-01-02"), ("rating", 3, 4), ("notes", "One!\n\nTwo.", "One?\n\nTwo."),
     ("ids", {"isbn": "1"}, {"isbn": "2"}), ("extras", {"o": "o: 1\n"}, {"o": "o: 2\n"}), ("abstract", "Mine.", "Other."),
     ("bibtex", ENTRY.replace("2020", "2021"), ENTRY.replace("2020", "2022")),
     ("bibtex", ENTRY.replace("  year", "  note = {1},\n  year"), ENTRY.replace("  year", "  note = {2},\n  year"))],
)  # fmt: skip
def test_two_things_said_of_one_fact_are_a_conflict(field: str, ours: object, theirs: object) -> None:
    mine, other = both(**{field: (ours, theirs), "tags": (("x", "y", "mine"), ("x", "y", "other"))})
    merged = merge(WAS, mine, other)
    assert [name.partition(".")[0] for name in merged.fields] == [field]
    assert (getattr(merged.ours, field), getattr(merged.theirs, field)) == (getattr(mine, field), getattr(other, field))
    assert merged.ours.tags == merged.theirs.tags == ("x", "y", "mine", "other")
    left, right = conflict.sides(merged.text)
    assert (loads(left, "a"), loads(right, "a")) == (merged.ours, merged.theirs)


@pytest.mark.parametrize(
    ("mine", "other", "expected"),
    [
        (ENTRY.replace("{A}", "{B}"), ENTRY.replace("2020", "2021"), "@misc{a,\n  title = {B},\n  year = {2021},\n}"),
        (ENTRY.replace("@misc{a", "@book{b"), ENTRY.replace("2020", "2021"), ENTRY.replace("@misc{a", "@book{b").replace("2020", "2021")),
        (ENTRY.replace("2020", "2021"), ENTRY.replace("@misc", "@book"), ENTRY.replace("@misc", "@book").replace("2020", "2021")),
        (ENTRY.replace("{A}", "{B}"), ENTRY.replace("  year = {2020},\n", ""), "@misc{a,\n  title = {B},\n}"),
        (ENTRY.replace("},\n}", "},\n  note = {N}\n}"), ENTRY.replace("  year", "  doi = {1},\n  year"), "@misc{a,\n  title = {A},\n  doi = {1},\n  year = {2020},\n  note = {N}\n}"),
        (ENTRY.replace("{A}", "{B}"), ENTRY.replace("{2020},", "{2021},\n  note = {N},"), "@misc{a,\n  title = {B},\n  year = {2021},\n  note = {N},\n}"),
        (ENTRY.replace("{A}", "{B}"), ENTRY.replace("{2020},", "{2021}, % why"), None),
        (ENTRY.replace("2020", "2021"), ENTRY.replace("2020", "2022"), None),
        (ENTRY.replace("  year = {2020},\n", ""), ENTRY.replace("2020", "2022"), None),
        (ENTRY.replace("{a,", "{b,"), ENTRY.replace("{a,", "{c,"), None),
        ("@misc{a, year = 1, year = 2}", ENTRY.replace("2020", "2022"), None),
    ],
)  # fmt: skip
def test_entries_are_merged_field_by_field(mine: str, other: str, expected: str | None) -> None:
    merged = merge(WAS, *both(bibtex=(mine, other)))
    assert (None if merged.fields else merged.ours.bibtex) == expected


def test_a_conflict_is_left_of_what_both_changed_alone() -> None:
    """A field, or a line, that only one of the two changed is as they have it on either side."""
    mine = ENTRY.replace("2020", "2021").replace("  title", "  volume = {1},\n  title")
    ours, theirs = both(
        bibtex=(mine, ENTRY.replace("2020", "2022").replace("{A}", "{B}")),
        notes=("One of mine.\n\nTwo.", "One of theirs.\n\nTwo, mended."),
    )
    merged = merge(WAS, ours, theirs)
    assert merged.fields == ("bibtex", "notes")
    united = "@misc{a,\n  volume = {1},\n  title = {B},\n  year = {2021},\n}"
    assert (merged.ours.bibtex, merged.theirs.bibtex) == (united, united.replace("2021", "2022"))
    assert (merged.ours.notes, merged.theirs.notes) == (
        "One of mine.\n\nTwo, mended.",
        "One of theirs.\n\nTwo, mended.",
    )
    assert [(hunk.ours, hunk.theirs) for hunk in conflict.hunks(merged.text)] == [
        (("  year = {2021},",), ("  year = {2022},",)), (("One of mine.",), ("One of theirs.",))
    ]  # fmt: skip


def test_how_far_one_is_is_one_fact() -> None:
    read = WAS.evolve(status=Status.read, read="2026-11-24")
    assert merge(WAS, read, WAS.evolve(status=Status.reading)).fields == ("status",)
    assert merge(WAS, read, WAS.evolve(due="2026-12-01")).ours.read == read.read
    assert merge(WAS, read, read).fields == ()


def test_two_people_add_one_paper() -> None:
    ours = WAS.evolve(added="2026-11-02", tags=("mine",), venue="AAAI")
    theirs = WAS.evolve(added="2026-11-01", tags=("other",))
    merged = merge(None, ours, theirs)
    assert merged.fields == ()
    assert (str(merged.ours.added), merged.ours.tags, merged.ours.venue) == ("2026-11-01", ("mine", "other"), "AAAI")


WORDS = st.lists(st.sampled_from("abcdef"), max_size=8)


@given(WORDS, WORDS, WORDS)
def test_lists_lose_only_what_somebody_took_away(was: list[str], mine: list[str], other: list[str]) -> None:
    found = items(was, mine, other)
    assert set(found) == {one for one in (*mine, *other) if one not in was or (one in mine and one in other)}
    assert items(was, other, mine) == items(was, other, mine)
    assert set(items(was, mine, other)) == set(items(was, other, mine))


MAPS = st.dictionaries(st.sampled_from("abc"), st.integers(0, 2), max_size=3)


@given(MAPS, MAPS, MAPS)
def test_tables(was: dict[str, int], mine: dict[str, int], other: dict[str, int]) -> None:
    found, clashes = table(was, mine, other)
    for name in "abc":
        before, ours, theirs = was.get(name), mine.get(name), other.get(name)
        assert (name in clashes) == (ours != theirs and before not in (ours, theirs))
        if name not in clashes:
            assert found.get(name) == (theirs if ours == before else ours)


TEXTS = st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=8).map("\n".join)


@given(TEXTS, TEXTS)
def test_lines_of_one_change(was: str, mine: str) -> None:
    assert lines(was, mine, was) == lines(was, was, mine) == lines(was, mine, mine) == mine


@given(TEXTS, TEXTS, TEXTS)
def test_lines_lose_nothing_new(was: str, mine: str, other: str) -> None:
    found = lines(was, mine, other)
    if found is not None:
        new = {line for line in (*mine.split("\n"), *other.split("\n")) if line and line not in was.split("\n")}
        assert new <= set(found.split("\n"))


@given(TEXTS, TEXTS)
def test_marks_hold_both_texts(ours: str, theirs: str) -> None:
    assert conflict.sides(marked(ours, theirs)) == (ours, theirs)


# --- in git ---


@pytest.fixture
def shared(root: Path, library: Library) -> Path:
    """A knowledge base of four papers under git."""
    git(root, "init", "-q", "-b", "main")
    library.use_merge_driver()
    for key in "abcd":
        library.add(ENTRY.replace("{a,", f"{{{key},").replace("{A}", f"{{On {key}}}"), tags=["old"])
    git(root, "add", ".")
    git(root, "commit", "-qm", "begin")
    return root


def test_clones_merged_pairwise_lose_nothing(tmp_path: Path) -> None:
    """`python tests/clones.py` does so with many."""
    assert merged(tmp_path, 3, 10, 1) == []


def test_one_field_set_in_two_ways_is_left_to_a_person(shared: Path) -> None:
    one, two = clone(shared, "one"), clone(shared, "two")
    for library, day, tag in ((one, "2026-11-01", "mine"), (two, "2026-11-02", "other")):
        library.mark_read(["a"], on=dt.date.fromisoformat(day))
        library.tag("a", [tag])
        git(library.root, "commit", "-qam", tag)
    said = git(one.root, "pull", "-q", "--no-rebase", str(two.root), "main", status=1)
    assert "papers/a.md" in said
    text = (one.root / "papers" / "a.md").read_text()
    [hunk] = conflict.hunks(text)
    assert (hunk.ours, hunk.theirs) == (("read: '2026-11-01'",), ("read: '2026-11-02'",))
    assert {"  - old", "  - mine", "  - other"} <= set(text.split("\n"))


def test_a_paper_that_was_renamed_is_merged_under_its_new_key(shared: Path) -> None:
    """Whatever is changed of it under the old key, also what readers say of it."""
    one, two = clone(shared, "one"), clone(shared, "two")
    for library, old, new in ((one, "2020", "2021"), (two, "2020", "2022"), (two, "On a", "On birds")):
        library.change("a", lambda paper, old=old, new=new: paper.evolve(bibtex=paper.bibtex.replace(old, new)))
    one.rename("a", "z")
    for library in (one, two):
        git(library.root, "add", "-A")
        git(library.root, "commit", "-qm", "mine")
    git(two.root, "pull", "-q", "--no-rebase", "--no-edit", str(one.root), "main", status=1)
    mine, other = (paper.bibtex for paper in two.sides("z"))
    assert (mine, other) == ("@misc{z,\n  title = {On birds},\n  year = {2022},\n}", mine.replace("2022", "2021"))
    assert two.settle("z", {"bibtex": "theirs"}).aliases == ("a",)
    text = "[papers]\na = { due = 2030-01-01 }\n"
    forms = {
        "base": text,
        "ours": "[papers]\nz = { due = 2031-01-01 }\n",
        "theirs": "[papers]\nz = { due = 2030-01-01, rating = 3 }\n",
    }
    for name, form in forms.items():
        (two.root / name).write_text(form)
    with contextlib.chdir(two.root):
        assert merge_files(*map(Path, forms), "readers/ana.toml") == ()
    assert (two.root / "ours").read_text() == "[papers]\nz = { due = 2031-01-01, rating = 3 }\n"


@pytest.mark.parametrize("how", ["--no-rebase", "--rebase"])
def test_what_one_reader_says_follows_a_paper_that_was_renamed_elsewhere(shared: Path, how: str) -> None:
    base = Library.open(shared)
    base.become("ana")
    base.mark_reading(["a"])
    git(shared, "add", ".")
    git(shared, "commit", "-qm", "begin to read")
    one, two = clone(shared, "one"), clone(shared, "two")
    for library in (one, two):
        library.become("ana")
    one.rename("a", "z")
    day = dt.date(2026, 11, 1)
    one.mark_read(["z"], day)
    two.mark_read(["a"], day)
    two.rate("a", 4)
    for library in (one, two):
        git(library.root, "add", "-A")
        git(library.root, "commit", "-qm", "mine")
    git(two.root, "pull", "-q", how, "--no-edit", str(one.root), "main")
    said = '[papers]\n"z" = { status = "read", read = 2026-11-01, rating = 4 }\n'
    assert (two.root / "readers" / "ana.toml").read_text() == said


def test_what_is_no_paper_is_merged_by_lines(tmp_path: Path) -> None:
    for name, text in (("base", "a\nb\nc\n"), ("ours", "A\nb\nc\n"), ("theirs", "a\nb\nC\n")):
        (tmp_path / name).write_text(text)
    files = [tmp_path / name for name in ("base", "ours", "theirs")]
    assert merge_files(*files, "papers/x.md") == ()
    assert (tmp_path / "ours").read_text() == "A\nb\nC\n"
    (tmp_path / "theirs").write_text("Z\nb\nc\n")
    assert merge_files(*files, "papers/x.md") == ("lines",)
    assert "<<<<<<< ours" in (tmp_path / "ours").read_text()
    said = b'[papers]\na = { status = "read" }\n'
    for name, more in (("base", b""), ("ours", b"b = { rating = 3 }\n"), ("theirs", b"# caf\xe9\n")):
        (tmp_path / name).write_bytes(said + more)
    assert merge_files(*files, "readers/ana.toml") == ("lines",), "what cannot be read is not nothing"
    assert all(text in (tmp_path / "ours").read_bytes() for text in (said, b"rating = 3", b"# caf\xe9\n"))


def test_the_command(kb: Kb, root: Path) -> None:
    assert (root / ATTRIBUTES).read_text() == "papers/*.md merge=kb\n"
    assert "git init" in kb("merge-driver").err
    git(root, "init", "-q")
    assert kb("merge-driver").status == 0
    assert "merge-driver %O %A %B %P" in git(root, "config", "merge.kb.driver")
    for name, paper in (("o", WAS), ("a", WAS.evolve(rating=1)), ("b", WAS.evolve(rating=2))):
        (root / name).write_text(dumps(paper))
    done = kb("merge-driver", "o", "a", "b", "papers/a.md")
    assert (done.status, done.err) == (1, "papers/a.md: said in two ways: rating\n")
    assert kb("merge-driver", "o").status == 2


def test_a_gitattributes_of_ones_own_stays(root: Path, library: Library) -> None:
    git(root, "init", "-q")
    (root / ATTRIBUTES).write_bytes(b"*.pdf binary")
    library.use_merge_driver()
    library.use_merge_driver()
    assert (root / ATTRIBUTES).read_bytes() == b"*.pdf binary\npapers/*.md merge=kb\n"


@settings(max_examples=60)
@given(st.sampled_from(["", "x", "---\n"]), st.binary(max_size=30))
def test_any_bytes_are_merged_or_said(tmp_path_factory: pytest.TempPathFactory, start: str, body: bytes) -> None:
    """Of a reader's file too, of which nothing that can be read goes where the other side cannot be read."""
    folder = tmp_path_factory.mktemp("merge")
    for name, data in (("o", b""), ("a", start.encode() + body), ("b", dumps(WAS).encode())):
        (folder / name).write_bytes(data)
    try:
        merge_files(folder / "o", folder / "a", folder / "b", "papers/a.md")
    except KbError as e:
        assert str(e)
    said = b'[papers]\n"a" = { rating = 3 }\n'
    for name, data in (("o", b"[papers]\n"), ("a", said), ("b", start.encode() + body + b"\xff")):
        (folder / name).write_bytes(data)
    with contextlib.suppress(KbError):
        merge_files(folder / "o", folder / "a", folder / "b", "readers/ana.toml")
    assert b'"a" = { rating = 3 }' in (folder / "a").read_bytes()
