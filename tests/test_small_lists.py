"""Small lists as people keep them: a log, a table in another language, identifiers under words of status, citations."""

from __future__ import annotations

import datetime as dt

import pytest

from catalog.facts import OTHERS
from catalog.ingest import read_source
from catalog.ingest.draft import Draft
from catalog.ingest.entry import title_of
from catalog.models import Status

LOG = """# Reading log

2024-01-03: Read "Rivers that remember" by Quist et al. (https://arxiv.org/abs/2101.00001). Good.
2024-01-09: Read "Bells in the fog" by Lund et al. (https://arxiv.org/abs/2101.00002).
"""
GERMAN = """# Leseliste

## Gelesen
| Titel | Autoren | Jahr | Konferenz | Gelesen am |
|---|---|---|---|---|
| Flüsse im Nebel | A. Quist, B. Lund | 2017 | NeurIPS | 03.02.2024 |
"""
JAPANESE = "## 読んだ論文\n- [霧の中の川](https://arxiv.org/abs/2101.00001)（Quist ほか, NeurIPS 2017）\n"
STATUSES = """| Status | Paper | Read on | Stars |
| --- | --- | --- | --- |
| :white_check_mark: | Quist et al. (2017), [Rivers](https://arxiv.org/abs/2101.00001) | Jan 5, 2024 | ★★★★☆ |
| | Lund & Marsh (2015), [Bells](https://arxiv.org/abs/2101.00002) | | |
"""
CSV = (
    "Name;Autor;Erscheinungsjahr;Gelesen;Link\n"
    '"Rivers in fog";"Quist, Ada; Lund, Bo";2016;ja;https://arxiv.org/abs/2101.00001\n'
    '"Bells";"Marsh, Cy";2015;nein;https://arxiv.org/abs/2101.00002\n'
)
VANCOUVER = "1. Quist A, Lund BC, et al. Rivers that remember. NeurIPS, 2017.\n2. Marsh C, Holm D. Bells in the fog. ICLR 2015.\n"
BESIDE = (
    "@article{q, title={Rivers that remember}, author={Quist, Ada}, journal={Owls}, year={2017}}\n\n"
    "Also to read:\n1. Lund et al., Bells in the fog, CVPR 2016, arXiv:2101.00002\n"
    "2. Marsh & Holm, Lanterns, ICLR 2015, arXiv:2101.00003\n"
)
COURSE = (
    "## Week 1\n"
    '*Required*: Quist and Lund. "Rivers: a Method." ICLR 2015. [pdf](https://arxiv.org/pdf/2101.00001)\n'
    '*Optional*: Marsh. "Bells that Ring." ICML 2019. [pdf](https://arxiv.org/pdf/2101.00002)\n'
)
NOTE = "---\ntitle: Rivers that remember\nstatus: read\ndate_read: 2024-01-05\nurl: https://arxiv.org/abs/2101.00001\n---\nGood.\n"
BLOCKS = """Title: Rivers that remember
Authors: Ada Quist, Bo Lund
Year: 2018

Title: Bells in the fog
Authors: Cy Marsh
Year: 2017
"""
QUOTED = "### [Rivers that remember](https://arxiv.org/abs/2101.00001)\n> Ada Quist, Bo Lund\n> ICLR 2018\n"
SCHEDULE = """<table><tr><th>Date</th><th>Paper</th><th>Presenter</th></tr>
<tr><td>Jan 12, 2024</td><td><a href="https://arxiv.org/abs/2101.00001">Rivers that remember</a><br>
<i>Quist et al., ICLR 2018</i></td><td>Ana</td></tr></table>"""
MONTHS = "* `2017-06` Rivers that remember [📄](https://arxiv.org/abs/2101.00001)\n"
LINES = "Rivers that remember https://arxiv.org/abs/2101.00001\n\nBells in the fog https://arxiv.org/abs/2101.00002\n"


def said(draft: Draft) -> tuple[str, tuple[str, ...], str, str]:
    """Title, families, venue and year."""
    families = tuple(
        name.partition(",")[0] if "," in name else name.split()[-1] for name in draft.authors if name != OTHERS
    )
    return draft.title, families, draft.venue, str(draft.date or draft.year or "")[:4]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("log.md", LOG, [("Rivers that remember", ("Quist",), "", ""), ("Bells in the fog", ("Lund",), "", "")]),
        ("de.md", GERMAN, [("Flüsse im Nebel", ("Quist", "Lund"), "NeurIPS", "2017")]),
        ("ja.md", JAPANESE, [("霧の中の川", ("Quist",), "NeurIPS", "2017")]),
        ("s.md", STATUSES, [("Rivers", ("Quist",), "", "2017"), ("Bells", ("Lund", "Marsh"), "", "2015")]),
        ("a.csv", CSV, [("Rivers in fog", ("Quist", "Lund"), "", "2016"), ("Bells", ("Marsh",), "", "2015")]),
        ("v.md", VANCOUVER, [("Rivers that remember", ("Quist", "Lund"), "NeurIPS", "2017"),
                             ("Bells in the fog", ("Marsh", "Holm"), "ICLR", "2015")]),
        ("c.md", COURSE, [("Rivers: a Method", ("Quist", "Lund"), "ICLR", "2015"),
                          ("Bells that Ring", ("Marsh",), "ICML", "2019")]),
        ("b.md", BLOCKS, [("Rivers that remember", ("Quist", "Lund"), "", "2018"),
                          ("Bells in the fog", ("Marsh",), "", "2017")]),
        ("q.md", QUOTED, [("Rivers that remember", ("Quist", "Lund"), "ICLR", "2018")]),
        ("s.html", SCHEDULE, [("Rivers that remember", ("Quist",), "ICLR", "2018")]),
        ("m.md", MONTHS, [("Rivers that remember", (), "", "2017")]),
        ("l.md", LINES, [("Rivers that remember", (), "", ""), ("Bells in the fog", (), "", "")]),
    ],
)  # fmt: skip
def test_a_small_list(name: str, text: str, expected: list[tuple[str, tuple[str, ...], str, str]]) -> None:
    assert [said(draft) for draft in read_source(name, text.encode(), {}).drafts] == expected


def test_days_and_answers_of_small_lists() -> None:
    def told(name: str, text: str) -> list[tuple[Status | None, dt.date | None]]:
        return [(draft.status, draft.read) for draft in read_source(name, text.encode(), {}).drafts]

    assert told("log.md", LOG) == [(Status.read, dt.date(2024, 1, 3)), (Status.read, dt.date(2024, 1, 9))]
    assert told("de.md", GERMAN) == [(Status.read, dt.date(2024, 2, 3))]
    assert told("ja.md", JAPANESE) == [(Status.read, None)]
    assert told("s.md", STATUSES) == [(Status.read, dt.date(2024, 1, 5)), (None, None)]
    assert told("a.csv", CSV) == [(Status.read, None), (Status.unread, None)]
    assert told("n.md", NOTE) == [(Status.read, dt.date(2024, 1, 5))]


def test_a_list_beside_bibtex_is_read() -> None:
    drafts = read_source("mixed.txt", BESIDE.encode(), {}).drafts
    assert [draft.title for draft in drafts if not draft.bibtex] == ["Bells in the fog", "Lanterns"]
    assert [draft.ids["arxiv"] for draft in drafts if not draft.bibtex] == ["2101.00002", "2101.00003"]
    assert read_source("n.md", NOTE.encode(), {}).drafts[0].links[0].url == "https://arxiv.org/abs/2101.00001"


def test_identifiers_stand_under_words_of_status() -> None:
    text = "TODO\nhttps://arxiv.org/abs/2101.00001\n10.1145/3292500.3330701\nDONE\narXiv:2101.00003\n"
    drafts = read_source("ids.txt", text.encode(), {}).drafts
    assert [draft.status for draft in drafts] == [Status.unread, Status.unread, Status.read]


def test_what_a_link_to_a_paper_is_called_is_its_title_even_where_it_looks_like_names() -> None:
    text = "- [Cold Starts, Warmed](https://arxiv.org/abs/2101.00001) — Rui Costa. *SOSP*, 2021.\n" + (
        "- [Rivers That Remember](https://arxiv.org/abs/2101.00002) — Ada Quist. *ICML*, 2020.\n"
    )
    drafts = read_source("list.md", text.encode(), {}).drafts
    assert [(one.title, one.authors) for one in drafts] == [
        ("Cold Starts, Warmed", ("Rui Costa",)),
        ("Rivers That Remember", ("Ada Quist",)),
    ]


def test_pictures_that_are_links_lead_each_to_its_own_place_and_a_title_keeps_its_comma_beside_a_column_of_names() -> (
    None
):
    shield = "[![{}](https://img.shields.io/badge/{}-x-blue)]({})"
    badges = " ".join(
        shield.format(*one)
        for one in (("arXiv", "arXiv", "https://arxiv.org/abs/2101.00001"), ("Code", "Code", "https://github.com/q/r"))
    )
    (draft,) = read_source("list.md", f"- **Rivers That Remember** {badges}\n".encode(), {}).drafts
    assert [(link.name, link.url[:15]) for link in draft.links] == [
        ("paper", "https://arxiv.o"),
        ("code", "https://github."),
    ]
    table = "| Title | Authors | Year |\n|---|---|---|\n" + (
        "| Small Agents, Big Worlds | Ana Cruz | 2021 |\n| Rivers in the Fog | Ada Quist, Bo Lund | 2020 |\n"
    )
    drafts = read_source("list.md", table.encode(), {}).drafts
    assert [(one.title, one.authors) for one in drafts] == [
        ("Small Agents, Big Worlds", ("Ana Cruz",)),
        ("Rivers in the Fog", ("Ada Quist", "Bo Lund")),
    ]


def test_pictures_that_lead_somewhere_or_are_badges_are_no_pictures_that_were_not_taken() -> None:
    item = "- **Rivers That Remember** [![arXiv](https://img.shields.io/badge/arXiv-2101.00001-b31b1b)](https://arxiv.org/abs/2101.00001)"
    badge, drawing = " ![](https://img.shields.io/badge/NeurIPS-2021-green)", " ![](rivers.png)"
    said = [read_source("list.md", f"{item}{more}\n".encode(), {}).findings for more in (badge, badge + drawing)]
    assert [[one.message for one in found if one.code == "badges"] for found in said] == [
        [],
        ["a picture was not taken"],
    ]


def test_names_that_end_in_et_al_stand_before_a_comma_and_no_sentence_belongs_to_a_title_in_bold() -> None:
    url = "https://arxiv.org/abs/2101.0000"
    text = (
        f"- Ada Quist, Bo Lund et al., Rivers that remember, ICML 2020. {url}2\n- Cy Marsh, Di Holm et al., Bells that "
    )
    drafts = read_source("list.md", f"{text}ring in the fog, ICLR 2021. {url}3\n".encode(), {}).drafts
    assert [draft.title for draft in drafts] == ["Rivers that remember", "Bells that ring in the fog"]
    text = f"- **Rivers** We present a method for rivers. [pdf]({url}4)\n- **Bells** This is a survey. [pdf]({url}5)\n"
    assert [draft.title for draft in read_source("list.md", text.encode(), {}).drafts] == ["Rivers", "Bells"]


def test_a_line_in_bold_heads_what_follows_it_up_to_the_next_heading() -> None:
    text = "# Group\n\n**We meet on Mondays**\n\n- in room 4\n\n## Program\n\n- [Rivers that remember]"
    drafts = read_source("list.md", f"{text}(https://arxiv.org/abs/2101.00001)\n".encode(), {}).drafts
    assert [draft.section for draft in drafts] == [("Group", "Program")]


ARXIV = "https://arxiv.org/abs/2101.0000"
BIBTEX = "```bibtex\n@article{{{0}, title={{{1}}}, author={{Quist, Ada}}, year={{2019}}}}\n```\n"


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("# Notes\n\n" + "".join(f"## {title}\n\n### Citation\n\n{BIBTEX.format(title[:5], title)}\n" for title in (
            "Rivers that remember", "Bells that ring in fog")), ["Rivers that remember", "Bells that ring in fog"]),
        (f"# List\n\n### An Old Paper on Lakes\n\n[pdf]({ARXIV}1) is worth it, as it says how lakes came.\n",
         ["An Old Paper on Lakes"]),
        (f"## Talks\n\n| Date | Paper | Who |\n|-|-|-|\n| May 1 | [Rivers that remember]({ARXIV}1) | Ada |\n| May 8 | [Bells that "
         f"ring]({ARXIV}2) | Bo |\n| May 15 | Spring break | |\n| May 22 | TBD | |\n| May 29 | TBD | |\n| June 2 | TBD | |\n",
         ["Rivers that remember", "Bells that ring"]),
        (f"# List\n\n- [Rivers that remember]({ARXIV}1)\n- [code](https://github.com/a/b)\n- [a talk](https://youtu.be/a)\n"
         "- Rivers of old ![ICML](https://img.shields.io/badge/ICML-2019-blue)\n", ["Rivers that remember", "Rivers of old"]),
        (f"# A Reading List on Rivers\n\npaper link: [here]({ARXIV}1)\n\n# Lakes\n\n- [Bells that ring]({ARXIV}2)\n",
         ["Bells that ring"]),
    ],
    ids=["bibtex below a part", "a link in prose", "no talk", "a badge", "the list's own heading"],
)  # fmt: skip
def test_entries_are_told_from_what_stands_beside_them(text: str, titles: list[str]) -> None:
    drafts = read_source("list.md", text.encode(), {}).drafts
    assert [draft.title or title_of(draft.bibtex) for draft in drafts] == titles


def test_a_term_and_what_is_told_of_it_are_two_lines_unless_it_is_a_label() -> None:
    said = (
        ("Rivers that remember their banks", "Ada Quist, Bo Lund. ICML 2020", 1),
        ("Bells that ring in fog", "Cy Marsh. ICLR 2021", 2),
    )
    rows = (f'<dt>{title}</dt><dd>{told}. <a href="{ARXIV}{n}">pdf</a></dd>' for title, told, n in said)
    drafts = read_source("list.html", "<h1>Papers</h1><dl>{}</dl>".format("\n".join(rows)).encode(), {}).drafts
    assert [draft.authors for draft in drafts] == [("Ada Quist", "Bo Lund"), ("Cy Marsh",)]
