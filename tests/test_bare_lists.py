"""Lists of titles and no more, as most people begin one; and lists in which not every line is a paper."""

from __future__ import annotations

import pytest
from support import Kb

from catalog.ingest import read_source
from catalog.models import Status

A, B, C = "Rivers That Remember", "Deep Lanterns for Shallow Water", "BELLS: Bringing Echoes to Large Lakes"
TITLES = {
    "lines.txt": f"{A}\n{B}\n{C}\n",
    "bullets.md": f"- {A}\n- {B}\n- {C}\n",
    "numbers.md": f"1. {A}\n2. {B}\n3. {C}\n",
    "boxes.md": f"- [ ] {A}\n- [ ] {B}\n- [ ] {C}\n",
    "topics.md": f"# My reading list\n\n## Water\n1. {A}\n2. {B}\n\n## Sound\n1. {C}\n",
    "paragraphs.md": f"# To read\n\n{A}\n\n{B}\n\n{C}\n",
    "ideas.md": f"# Notes\n\n## Ideas\n- Try dropout\n- Ask Bo about it\n\n## Papers to read\n- {A}\n- {B}\n- {C}\n",
    "column.csv": f"Title\n{A}\n{B}\n{C}\n",
}


@pytest.mark.parametrize("name", TITLES)
def test_titles_alone(name: str) -> None:
    source = read_source(name, TITLES[name].encode())
    assert sorted(draft.title for draft in source.drafts) == sorted((A, B, C))


@pytest.mark.parametrize(
    "text",
    [
        f"# To read\n- {A}\n- Bells\n\n# Read\n- {B}\n",
        f"To read:\n- {A}\n- Bells\n\nRead:\n- {B}\n",
        f"To read:\n{A}\n\nRead:\n{B}\n",
    ],
)
def test_what_stands_above_says_how_far_one_is(text: str) -> None:
    found = {draft.title: draft.status for draft in read_source("l.md", text.encode()).drafts}
    assert (found[A], found[B]) == (Status.unread, Status.read)


@pytest.mark.parametrize(
    "text",
    [
        "# Groceries\n- milk\n- bread\n- two dozen eggs\n",
        "# Minutes\n- Bo will ask for more machines.\n- Ada reads the draft until Monday.\n",
        "# fastlib\n\n## Features\n- fast and small\n- no dependencies at all\n- works on every platform\n",
        "We met on Monday and talked about the draft,\nwhich Ada will read,\nand then went home.\n",
    ],
)
def test_other_lists_are_none_of_papers(text: str) -> None:
    assert not read_source("l.md", text.encode()).drafts


ROWS = {
    "l.tsv": f"{A}\tQuist et al.\t2017\tread\n{B}\tLund and Marsh\t2016\tunread\n",
    "l.csv": f"{A};Quist et al.;2017;read\n{B};Lund and Marsh;2016;unread\n",
    "l.md": f"| {A} | Quist et al. | 2017 | read |\n|---|---|---|---|\n| {B} | Lund and Marsh | 2016 | unread |\n",
}


@pytest.mark.parametrize("name", ROWS)
def test_columns_without_a_header_are_told_by_what_they_hold(name: str) -> None:
    found = read_source(name, ROWS[name].encode()).drafts
    assert [(one.title, one.authors, one.year, one.status) for one in found] == [
        (A, ("Quist", "others"), 2017, Status.read),
        (B, ("Lund", "Marsh"), 2016, Status.unread),
    ]


def test_a_line_each_names_first() -> None:
    text = f"Quist et al 2017 - {A}\nLund & Marsh 2016 - {B}\n"
    found = read_source("l.txt", text.encode()).drafts
    assert [(one.title, one.authors, one.year) for one in found] == [
        (A, ("Quist", "others"), 2017),
        (B, ("Lund", "Marsh"), 2016),
    ]


@pytest.mark.parametrize("text", [f'["{A}", "{B}"]', f'{{"papers": ["{A}", "{B}"]}}', f"- {A}\n- {B}\n"])
def test_strings_alone(text: str) -> None:
    found = read_source("l.json" if text[0] in "[{" else "l.yaml", text.encode()).drafts
    assert [one.title for one in found] == [A, B]


def test_pages_and_hashtags_as_obsidian_has_them_and_what_is_struck_out() -> None:
    text = f"# Queue\n\n- [ ] [[{A}]] #water #toread\n- [[notes/b|{B}]] #water/light\n- ~~{C}~~\n"
    found = read_source("l.md", text.encode()).drafts
    assert [(one.title, one.tags, one.status) for one in found] == [
        (A, ("water",), Status.unread),
        (B, ("water/light",), None),
        (C, (), Status.read),
    ]
    linked = read_source("l.md", b"- [Rivers that remember](https://arxiv.org/abs/2101.00001) #water #read\n").drafts
    assert (linked[0].tags, linked[0].status, linked[0].notes) == (("water",), Status.read, "")


LOG = """## 2024-03-01
Read [Mamba](https://arxiv.org/abs/2312.00001). Linear time. To try on birds.

## 2024-03-04
- skimmed Hyenas (https://arxiv.org/abs/2302.00002)
"""
TASKS = """- [x] Rivers That Remember 📅 2024-01-10 ✅ 2024-01-12
- [ ] Deep Lanterns for Shallow Water 📅 2024-05-01
"""
HEADS = """READ
Rivers That Remember, Quist et al., 2017
BELL, Lund et al., 2019

TO READ
Deep Lanterns for Shallow Water, Marsh et al., 2020
"""
CONFERENCE = """# Seminar

* Optional: Quist et al. (2019). Rivers that remember. NeurIPS.
* Required: Lund et al. (2020). Deep lanterns. *ICML 2020*.
"""


def test_what_a_diary_says_was_done() -> None:
    mamba, hyenas = read_source("l.md", LOG.encode()).drafts
    assert (mamba.title, mamba.status, mamba.notes) == ("Mamba", Status.read, "Linear time. To try on birds.")
    assert (hyenas.title, hyenas.status) == ("Hyenas", Status.reading)


def test_days_of_tasks() -> None:
    first, second = read_source("l.md", TASKS.encode()).drafts
    assert (first.title, str(first.read), str(first.due)) == (A, "2024-01-12", "2024-01-10")
    assert (second.title, second.read, str(second.due)) == (B, None, "2024-05-01")


def test_words_in_capitals_above_lines() -> None:
    found = read_source("l.txt", HEADS.encode()).drafts
    assert [(one.title, one.authors, one.status) for one in found] == [
        (A, ("Quist", "others"), Status.read),
        ("BELL", ("Lund", "others"), Status.read),
        (B, ("Marsh", "others"), Status.unread),
    ]


def test_what_is_optional_says_so() -> None:
    found = read_source("l.md", CONFERENCE.encode()).drafts
    assert [(one.title, one.tags) for one in found] == [
        ("Rivers that remember", ("optional",)),
        ("Deep lanterns", ("required",)),
    ]


def test_a_column_called_paper_holds_titles() -> None:
    text = (
        f"Paper,Link,Read?,Rating\n{A},https://arxiv.org/abs/1706.00001,Y,5\n{B},https://arxiv.org/abs/1706.00002,N,\n"
    )
    found = read_source("l.csv", text.encode()).drafts
    assert [(one.title, one.status, one.rating, len(one.links)) for one in found] == [
        (A, Status.read, 5, 1),
        (B, Status.unread, 0, 1),
    ]


SCHEDULE = """# Reading group

| Date | Speaker | Paper |
|---|---|---|
| 2023-09-05 | Ada | [Rivers that remember](https://arxiv.org/abs/2203.00001), Quist et al. 2022 |
| 2023-09-12 | | no meeting (deadline) |
| 2023-09-19 | Bo | [Lanterns in water](https://arxiv.org/abs/2203.00002) |
| 2023-09-26 | Cy | [Bells and lakes](https://arxiv.org/abs/2203.00003) + [Echoes of bells](https://arxiv.org/abs/2303.00004) |
"""


def test_a_schedule_has_pauses_meetings_and_two_works_a_day() -> None:
    source = read_source("l.md", SCHEDULE.encode())
    rivers, lanterns, bells, echoes = source.drafts
    assert (rivers.title, rivers.authors, rivers.year) == ("Rivers that remember", ("Quist", "others"), 2022)
    assert (lanterns.date, "Date: 2023-09-19" in lanterns.notes) == ("", True)
    assert (bells.title, echoes.title) == ("Bells and lakes", "Echoes of bells")
    assert [len(one.links) for one in (bells, echoes)] == [1, 1]
    assert (source.missed, source.left) == (0, 1)


def test_those_who_are_not_named_are_cited(kb: Kb) -> None:
    kb("import", "-", given="# Papers\n\n- Quist et al., *Rivers that remember*, NeurIPS 2022, arXiv:2203.00001\n")
    assert "author = {{Quist} and others}" in kb("export", "bib").out
    assert "Quist et al." in kb("show", "quist").out
    assert '"others": true' in kb("show", "quist", "--json").out
