"""What an import of a list says last: how much of what was understood, and what was not, once."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import Kb

from catalog import Library

LIST = """# Nets

Some words on nets.

- **Nets that learn** (ICML 2021), Ada Quist [[pdf](https://arxiv.org/pdf/2101.00001)]
- **Nets that forget** (ICML 2022), Bo Lund [[pdf](https://arxiv.org/pdf/2201.00002)]
- **Nets that sleep** (ICML 2023), Cy Marsh [[pdf](https://arxiv.org/pdf/2301.00003)]
"""
PROSE = "\nMuch of this goes back to [work on loops](https://arxiv.org/abs/1901.00009) and to others.\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(Library.init(tmp_path / "kb").root)
    return tmp_path / "kb"


def test_the_last_line_says_how_much_of_what(kb: Kb, here: Path) -> None:
    (here / "list.md").write_text(LIST)
    done = kb("import", "list.md")
    assert (done.status, done.out.splitlines()[-1]) == (
        0,
        "took 3 of 3 entries; 1 line left as it is (prose); 3 added",
    )
    again = kb("import", "list.md")
    assert (again.status, again.out) == (0, "took 3 of 3 entries; 1 line left as it is (prose); 3 unchanged\n")


def test_what_looks_like_a_paper_and_is_none_is_listed_once_and_counted_always(kb: Kb, here: Path) -> None:
    (here / "list.md").write_text(LIST + PROSE)
    done = kb("import", "list.md")
    assert done.status == 1
    assert "rejected: list.md:9: looks like a paper and was not taken: 'Much of this goes back" in done.out
    assert "took 3 of 4 entries" in done.out
    again = kb("import", "list.md")
    assert (again.status, again.out.count("\n")) == (1, 1)
    assert "took 3 of 4 entries" in again.out
    assert kb("sync").status == 1


def test_what_was_said_of_a_changed_list_is_not_said_again(kb: Kb, here: Path) -> None:
    (here / "list.md").write_text(LIST)
    kb("import", "list.md")
    (here / "list.md").write_text(f"{LIST}{PROSE}\n> Words of somebody.\n")
    assert "looks like a paper" in kb("import", "list.md").out
    assert kb("import", "list.md").out.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "text", "of"),
    [
        ("a.csv", "title,year,url\nNets,2021,https://a.org/1\n,2022,\n", "1 of 2"),
        ("a.txt", "arXiv:2101.00001\n10.1000/abc\n2101.00003\n2101.00004\n2101.00005\nnothing\n", "5 of 6"),
    ],
)
def test_rows_that_are_no_entry_are_counted(kb: Kb, here: Path, name: str, text: str, of: str) -> None:
    (here / name).write_text(text)
    done = kb("import", name)
    assert (done.status, f"took {of} entries" in done.out) == (1, True)
    assert kb("import", name).out.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "text", "status"),
    [("a.md", "Words alone.\n", 1), ("a.md", "", 0), ("a.csv", "a,b\n1,2\n", 1), ("a.bib", "nothing here", 1)],
)
def test_a_source_that_gives_nothing_fails_unless_it_is_empty(
    kb: Kb, here: Path, name: str, text: str, status: int
) -> None:
    (here / name).write_text(text)
    assert kb("import", name).status == status


def test_a_folder_may_hold_what_is_no_list_if_some_are(kb: Kb, here: Path) -> None:
    (here / "lists").mkdir()
    (here / "lists" / "LICENCE.txt").write_text("You may.\n")
    assert kb("import", "lists").status == 1
    (here / "lists" / "nets.md").write_text(LIST)
    done = kb("import", "lists")
    assert (done.status, "note: no paper in 1 file of the folder: lists/LICENCE.txt" in done.out) == (0, True)


def test_what_stays_in_a_merge_is_told_once(kb: Kb, here: Path) -> None:
    (here / "list.md").write_text(LIST)
    kb("import", "list.md")
    (here / "other.md").write_text(LIST.replace("**Nets that learn**", "**Nets That Learn!**"))
    assert "stays, not" in kb("import", "other.md").out
    assert kb("import", "other.md").out.count("\n") == 1
