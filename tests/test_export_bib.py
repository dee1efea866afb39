"""The merged .bib: what goes in, in which order, byte for byte, and what another program reads in it."""

from __future__ import annotations

import warnings
from pathlib import Path

import bibtexparser
import pybtex.database
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pybtex.exceptions import PybtexError
from support import Kb

from catalog.bibtex import MONTHS, read
from catalog.bibtex.normal import Wanted
from catalog.bibtex.scan import scan
from catalog.export.bib import merge
from catalog.library import Library
from catalog.models import Link, Paper

BIBS = Path(__file__).parent.parent.parent / "shared" / "bibs"
NASTY = (Path(__file__).parent / "data" / "nasty.bib").read_text().strip()
SHARED = """@preamble{ "\\newcommand{\\noop}[1]{}" # other }

% the team's macros
@string{pub = {Press}}

@string{acm = "ACM" # pub}

@string{unused = {x}}

@xdata{ams, publisher = {AMS}, address = unused}

@comment{jabref-meta: groups}
"""


def paper(key: str, fields: str = "title = {A}", **more: object) -> Paper:
    """A paper with an entry of these fields."""
    return Paper.model_validate({"key": key, "bibtex": f"@misc{{{key}, {fields}}}", **more})


def keys(text: str) -> list[str]:
    """The keys another library finds, in order."""
    return [entry.key for entry in bibtexparser.parse_string(text).entries]


def test_order_and_bytes() -> None:
    papers = [
        paper("Zoo", "month = jan#{~1}"),
        paper("apple", "journal = acm"),
        paper("parent"),
        paper("child", "crossref = {Parent}"),
        paper("top"),
        Paper(key="nasty1", bibtex=NASTY),
    ]
    text = merge(papers, SHARED).text
    assert keys(text) == ["ams", "apple", "child", "nasty1", "top", "Zoo", "parent", "Parent"][:7]
    assert NASTY in text
    assert "@misc{Zoo, month = jan#{~1}}" in text
    places = [text.index(part) for part in ("@preamble", "@string{pub", "@string{acm", "@xdata", "apple", "@comment")]
    assert places == sorted(places)
    assert "% the team's macros" in text
    assert text.endswith("@comment{jabref-meta: groups}\n")
    assert "\n\n\n" not in text


def test_nothing_is_nothing() -> None:
    assert merge([], "").text == ""


def test_a_selection_takes_only_what_it_uses() -> None:
    used = merge([paper("a", "journal = acm, xdata = {ams}, title = {\\noop{1}}")], SHARED, whole=False).text
    for part in ("@preamble", "@string{pub", "@string{acm", "@string{unused", "@xdata{ams"):
        assert part in used
    assert "@comment" not in used
    assert "%" not in used
    assert merge([paper("b")], SHARED, whole=False).text == "@misc{b, title = {A}}\n"


def test_a_preamble_without_commands_is_kept() -> None:
    shared = '@preamble{"\\hyphenation{ad-ap-ter}"}'
    assert "@preamble" in merge([paper("b")], shared, whole=False).text
    assert merge([], shared, whole=False).text == ""


def test_parents_come_along_and_after() -> None:
    child, middle, top = paper("z", "crossref = {m}"), paper("m", "crossref = {a}"), paper("a")
    assert keys(merge([child], "", whole=False, others=[middle, top, paper("x")]).text) == ["z", "m", "a"]
    assert keys(merge([child, middle, top], "", only=["Z"]).text) == ["Z", "m", "a"]


def test_crossref_in_a_circle_ends() -> None:
    text = merge([paper("a", "crossref = {b}"), paper("b", "crossref = {a}"), paper("c", "crossref = {c}")], "").text
    assert sorted(keys(text)) == ["a", "b", "c"]


def test_granular_xdata_is_found() -> None:
    shared = "@xdata{my-pub, publisher = {P}}\n\n@xdata{no, note = {x}}\n"
    text = merge([paper("a", "publisher = {xdata=my-pub-publisher-1}")], shared, whole=False).text
    assert keys(text) == ["my-pub", "a"]


def test_wanted_keys() -> None:
    papers = [paper("hu2021lora", aliases=("lora", "hu21")), paper("b", "ids = {bee, bea}"), paper("c")]
    bib = merge(papers, SHARED, only=["LORA", "hu2021lora", "bee", "nobody", "Nobody"])
    assert keys(bib.text) == ["b", "hu2021lora", "LORA"]
    assert "@misc{LORA, title = {A}}" in bib.text
    assert bib.missing == ("nobody",)
    assert keys(merge(papers, "", only=["*", "lora"]).text) == ["b", "c", "hu2021lora", "lora"]


def test_a_key_in_another_case_is_written_as_cited_but_once() -> None:
    assert keys(merge([paper("Key")], "", only=["key"]).text) == ["key"]
    assert keys(merge([paper("Key")], "", only=["key", "Key", "KEY"]).text) == ["Key"]


def test_keys_that_differ_in_case_are_two_keys() -> None:
    papers = [paper("chen_17"), paper("Chen_17", "title = {B}"), paper("chen_17b")]
    bib = merge(papers, "", only=["Chen_17", "CHEN_17B", "CHEN_17"])
    assert keys(bib.text) == ["Chen_17", "CHEN_17B"]
    assert "@misc{Chen_17, title = {B}}" in bib.text
    assert bib.guessed == (("CHEN_17B", "chen_17b"),)
    assert bib.missing == ("CHEN_17",)
    both = merge(papers, "", only=["Chen_17", "chen_17"])
    assert sorted(keys(both.text)) == ["Chen_17", "chen_17"]
    assert both.clashing == (("Chen_17", "chen_17"),)
    assert not both.guessed
    assert not merge(papers, "", only=["chen_17"]).clashing


def test_the_file_name_is_an_alias_of_the_entry() -> None:
    odd = Paper(key="new", bibtex="@misc{old, title = {A}}\n\n@misc{second, title = {B}}")
    assert keys(merge([odd], "").text) == ["old", "second"]
    assert keys(merge([odd], "", only=["new", "second"]).text) == ["new", "second"]


def test_what_cannot_be_read_is_left_out_and_told() -> None:
    papers = [
        Paper(key="broken", bibtex="@misc{broken, title = {A", aliases=("bro",)),
        Paper(key="blank", bibtex="@misc{a key, title = {A}}"),
        Paper(key="no-key", bibtex="@misc{, title = {A}}"),
        Paper(key="bare"),
        paper("fine"),
    ]
    bib = merge(papers, "@preamble{foo bar}\n")
    assert keys(bib.text) == ["fine"]
    assert {finding.path for finding in bib.left_out} == {
        "shared.bib",
        *(f"papers/{key}.md" for key in ("broken", "blank", "no-key", "bare")),
    }
    wanted = merge(papers, "", only=["fine", "BRO"])
    assert [finding.key for finding in wanted.left_out] == ["broken"]
    assert wanted.missing == ("BRO",)


def test_a_shared_key_is_written_once() -> None:
    papers = [Paper(key="a", bibtex="@misc{b, title = {other}}"), paper("b", "title = {own}")]
    bib = merge(papers, "")
    assert bib.text == "@misc{b, title = {own}}\n"
    assert [(finding.path, finding.key) for finding in bib.left_out] == [("papers/a.md", "b")]


def test_a_paper_without_bibtex_can_be_cited() -> None:
    title = "100% of C# & {x} $5_a ~ ^ \\b LoRA }"
    links = (Link(name="code", url="https://e.org/code"), Link(name="blog", url="https://e.org/~u/a%20b?x={1}&y#z"))
    text = merge([Paper(key="post", title=title, links=links)], "").text
    assert text == (
        "@misc{post,\n"
        "  title = {100\\% of C\\# \\& \\textbraceleft{}x\\textbraceright{} \\$5\\_a \\textasciitilde{} "
        "\\textasciicircum{} \\textbackslash{}b {LoRA} \\textbraceright{}},\n"
        "  url = {https://e.org/~u/a%20b?x=%7B1%7D&y#z},\n  generated = {by kb, from the reading list},\n"
        "}\n"
    )
    assert read(text.strip()).key == "post"
    assert "url" not in merge([Paper(key="post", title="T")], "").text


def test_normal() -> None:
    text = merge([paper("a", "MONTH = 3, journal = acm")], SHARED, normal=Wanted()).text
    assert "@misc{a,\n  month = mar,\n  journal = acm,\n}" in text


def test_sorting() -> None:
    papers = [
        paper("a", "year = 2021, author = {Ng, B.}, title = {Z}"),
        paper("b", "year = 2019, author = {van Dyk, A.}"),
        paper("c", "year = 2023, author = {Ek, C.}, crossref = {a}"),
    ]
    orders = {sort: keys(merge(papers, "", sort=sort).text) for sort in ("key", "-key", "year", "-year", "author")}
    assert orders == {
        "key": ["b", "c", "a"], "-key": ["c", "b", "a"], "year": ["b", "c", "a"], "-year": ["c", "b", "a"],
        "author": ["b", "c", "a"],
    }  # fmt: skip


def test_a_field_that_stands_twice_is_told() -> None:
    bib = merge([paper("a", "title = {A}, title = {B}, year = 1, year = 1")], "", normal=Wanted())
    assert bib.twice == (("a", "title"),)
    assert bib.text.count("title") == 2
    assert bib.text.count("year") == 1


VALUES = st.text(st.characters(codec="utf-8", exclude_characters="{}@\\", exclude_categories=("C", "Z")), max_size=12)
KEYS = st.from_regex(r"[A-Za-z][A-Za-z0-9:_-]{0,8}", fullmatch=True)


@given(st.dictionaries(KEYS, VALUES, max_size=6))
def test_two_other_libraries_read_the_same(values: dict[str, str]) -> None:
    distinct = {key.lower(): (key, value) for key, value in values.items() if key.lower() != "ams"}
    papers = [paper(key, f"note = {{{value}}}, journal = acm, month = jan") for key, value in distinct.values()]
    text = merge(papers, SHARED.replace(" # other", "")).text
    ours = bibtexparser.parse_string(text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = pybtex.database.parse_string(text, "bibtex").entries
    assert not ours.failed_blocks
    assert {entry.key for entry in ours.entries} == {key for key, _ in distinct.values()} | {"ams"} == set(theirs)
    for key, value in distinct.values():
        assert ours.entries_dict[key]["note"] == value
        assert theirs[key].fields["note"] == value
        assert theirs[key].fields["journal"] == "ACMPress"
        assert theirs[key].fields["month"] == MONTHS["jan"]


def split(text: str) -> tuple[list[Paper], str]:
    """The entries of a .bib as papers, each key once, and what they share."""
    entries: dict[str, str] = {}
    shared = []
    for block in scan(text):
        if block.kind == "entry" and not block.text.lower().startswith("@xdata"):
            entries.setdefault(block.key, block.text)
        else:
            shared.append(block.text)
    return [Paper(key=key, bibtex=bibtex) for key, bibtex in entries.items()], "\n\n".join(shared)


def seen_by_pybtex(text: str) -> dict[str, tuple[str, dict[str, str], dict[str, list[str]]]]:
    """What pybtex makes of a .bib: type, fields and people of each entry."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = pybtex.database.parse_string(text, "bibtex").entries
    return {
        key: (entry.type, dict(entry.fields), {role: list(map(str, people)) for role, people in entry.persons.items()})
        for key, entry in found.items()
    }


@pytest.mark.skipif(not BIBS.is_dir(), reason="the collection of real .bib files is not here")
@pytest.mark.parametrize("file", sorted(BIBS.glob("*.bib")), ids=lambda file: file.name)
def test_real_files(file: Path) -> None:
    source = file.read_bytes().decode("utf-8-sig", "replace").replace("\r\n", "\n")
    papers, shared = split(source)
    bib = merge(papers, shared)
    assert not [finding for finding in bib.left_out if finding.path != "shared.bib"]
    assert all(paper.bibtex in bib.text for paper in papers)
    try:
        expected = seen_by_pybtex(source)
    except PybtexError:
        return
    assert seen_by_pybtex(bib.text) == expected


def test_the_entries_of_a_reading_list() -> None:
    source = (Path(__file__).parent / "data" / "peft.md").read_text()
    papers, _ = split(source)
    text = merge(papers, "").text
    assert len(papers) == 14
    assert len(seen_by_pybtex(text)) == 14
    assert all(paper.bibtex in source and paper.bibtex in text for paper in papers)
    blocks = source.split("```")[1::2]
    lists = "\n".join(block.partition("\n")[2] for block in blocks if "@" in block)
    assert seen_by_pybtex(text) == seen_by_pybtex(lists)


def test_the_list_of_journals_that_kb_toml_names(kb: Kb, root: Path) -> None:
    kb("add", "-", given="@article{a, title = {T}, author = {A, B}, journal = {Journal of Owls}, year = 2001}")
    (root / "kb.toml").write_text('journals = "j.csv"\n')
    assert "no such list of journals" in kb("export", "bib", "--normalize").err
    (root / "j.csv").write_text("Journal of Owls;J. Owls\n")
    assert "journal = {J. Owls}" in kb("export", "bib", "--normalize").out
    assert "journal = {Journal of Owls}" in kb("export", "bib").out
    (root / "kb.toml").write_text('journals = "../j.csv"\n')
    assert "journals: '../j.csv' is not a file below kb.toml" in kb("export", "bib").err


def test_the_usual_style_is_asked_for_by_true(library: Library) -> None:
    library.add("@MISC{a, TITLE = {A thing}, year = 2001}")
    assert library.export_bib(normal=True).text == library.export_bib(normal=Wanted()).text != library.export_bib().text
