"""Every export read back by a program that is not ours: pybtex, bibtexparser, biber, citeproc-py, rispy, typst, sqlite3."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pybtex.database
import pytest
import yaml
from support import known

from catalog.bibtex.describe import describe
from catalog.bibtex.normal import Wanted
from catalog.bibtex.scan import scan
from catalog.export.bib import merge
from catalog.export.csl import as_csl, date, item, untagged
from catalog.export.database import TABLES, as_sqlite
from catalog.export.generated import generated
from catalog.export.hayagriva import as_hayagriva
from catalog.export.ris import as_ris
from catalog.facts import SCHEMA, Address, Facts
from catalog.models import Link, Paper
from catalog.text import plain

TEXT = (Path(__file__).parent / "data" / "cite.bib").read_text(encoding="utf-8")
PAPERS = [Paper(key=block.key, bibtex=block.text) for block in scan(TEXT) if block.kind == "entry"]
FACTS = {paper.key: describe(paper) for paper in PAPERS}


def seen_by_pybtex(text: str) -> Mapping[str, Any]:
    """The entries pybtex finds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        entries: Mapping[str, Any] = pybtex.database.parse_string(text, "bibtex").entries
    return entries


def test_csl_for_citeproc() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from citeproc.source.json import CiteProcJSON

        source = CiteProcJSON(json.loads(as_csl(FACTS.values())))
    assert set(source) == set(FACTS)
    berg = source["a05"].author[0]
    assert (berg.family, berg["non-dropping-particle"], "".join(source["a05"].page)) == ("Berg", "van der", "220-41")
    assert "".join(source["b01"].DOI) == "10.5555/clm.11"
    assert source["a08"].author[0].literal == "The Open Weights Group"


@pytest.mark.parametrize(
    ("key", "kind", "some"),
    [
        ("a01", "article-journal", {"issue": "3", "page": "101-118"}),
        ("a21", "article-magazine", {}),
        ("b05", "paper-conference", {"collection-title": "Lecture Notes in Computer Science", "volume": "1234"}),
        ("b07", "paper-conference", {"event-title": "The Event 2018", "event-place": "Lisbon"}),
        ("c05", "book", {"original-date": {"date-parts": [[1869]]}}),
        ("d01", "chapter", {"container-title": "The Big Book", "publisher": "Big", "publisher-place": "Paris"}),
        ("e01", "thesis", {"genre": "PhD thesis", "publisher": "University of Tromsø"}),
        ("f02", "report", {"genre": "White paper"}),
        (
            "g01",
            "article",
            {"number": "arXiv:2302.13971", "publisher": "arXiv", "URL": "https://arxiv.org/abs/2302.13971"},
        ),
        ("g02", "article", {"number": "arXiv:2212.09720"}),
        ("g03", "webpage", {"URL": "https://example.org/blog"}),
        ("g04", "webpage", {"accessed": {"date-parts": [[2024, 3, 1]]}}),
        ("g10", "document", {}),
        ("h07", "article-journal", {"language": "de"}),
        ("a11", "article-journal", {"author": [{"family": "Ohm", "given": "Lea"}, {"literal": "others"}]}),
        ("a16", "article-journal", {"title": "The role of <i>Escherichia coli</i> in model names"}),
        ("h08", "article-journal", {"title": 'The <span class="nocase">O(n log n)</span> barrier'}),
    ],
)
def test_what_an_item_says(key: str, kind: str, some: dict[str, Any]) -> None:
    made = item(FACTS[key])
    assert made["type"] == kind
    assert {name: made.get(name) for name in some} == some


def test_dates_as_precise_as_they_are() -> None:
    assert [date(iso) for iso in ("", "2019", "2019-05", "2004-02/2005-03")] == [
        {}, {"date-parts": [[2019]]}, {"date-parts": [[2019, 5]]}, {"date-parts": [[2004, 2], [2005, 3]]},
    ]  # fmt: skip


def test_ris() -> None:
    rispy = pytest.importorskip("rispy")
    found = {record["id"]: record for record in rispy.loads(as_ris(FACTS.values()))}
    assert set(found) == set(FACTS)
    for key, facts in FACTS.items():
        assert found[key]["title"] == untagged(item(facts)["title"])
        assert found[key].get("doi", "") == facts.doi
        assert found[key].get("year", "") == (f"{facts.year:04}" if facts.year else "")
        assert len(found[key].get("authors", [])) == len(dict(facts.people).get("author", ()))
    assert found["a05"]["authors"] == ["van der Berg, Sofia", "von Halle, Otto", "Davis, Sammy, Jr."]
    assert (found["a01"]["start_page"], found["a01"]["end_page"]) == ("101", "118")
    assert found["a08"]["authors"] == ["The Open Weights Group"]


def test_ris_keeps_to_its_lines() -> None:
    text = as_ris([known("a", "One\nTY  - BOOK", tags=("x",), abstract="A\r\nER  - ")])
    assert [line[:5] for line in text.split("\r\n")] == ["TY  -", "ID  -", "TI  -", "AB  -", "KW  -", "ER  -", ""]


def test_hayagriva_for_typst(tmp_path: Path) -> None:
    typst = pytest.importorskip("typst")
    text = as_hayagriva(FACTS.values())
    found = yaml.safe_load(text)
    assert found["a05"]["author"][0] == {"name": "Berg", "given-name": "Sofia", "prefix": "van der"}
    assert found["d01"]["parent"]["editor"] == [{"name": "Coe", "given-name": "Al"}]
    assert found["g01"]["serial-number"] == {"arxiv": "2302.13971"}
    (tmp_path / "refs.yml").write_text(text, encoding="utf-8")
    (tmp_path / "a.typ").write_text('@a05 @d01\n#bibliography("refs.yml", full: true)')
    assert b"%PDF" in typst.compile(str(tmp_path / "a.typ"))[:10]
    assert as_hayagriva([]) == "{}\n"


def test_sqlite(tmp_path: Path) -> None:
    path = tmp_path / "papers.db"
    more = known("x", "X", tags=("peft",), links=(("code", "https://e.org", "l"),), cites=("a01",), aliases=("old",))
    path.write_bytes(as_sqlite([*FACTS.values(), more]))
    base = sqlite3.connect(path)
    assert base.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert base.execute("PRAGMA foreign_key_check").fetchall() == []
    assert base.execute("PRAGMA user_version").fetchone() == (SCHEMA,)
    assert base.execute("SELECT count(*) FROM papers").fetchone() == (len(FACTS) + 1,)
    assert base.execute("SELECT family, particle FROM people WHERE paper = 'a05' AND position = 1").fetchone() == (
        "Berg", "van der",
    )  # fmt: skip
    assert base.execute("SELECT tag FROM tags").fetchall() == [("peft",)]
    found = base.execute("SELECT key FROM papers WHERE rowid IN (SELECT rowid FROM papers_fts('rank AND anonymous'))")
    assert found.fetchall() == [("a10",)]
    about = base.execute("SELECT table_name, column_name FROM about").fetchall()
    for table, columns in TABLES.items():
        said = [row[1] for row in base.execute(f"PRAGMA table_info({table})")]
        assert said == list(columns) == [column for name, column in about if name == table]
    base.close()


def test_biblatex() -> None:
    text = merge(PAPERS, "", normal=Wanted(biblatex=True)).text
    found = seen_by_pybtex(text)
    assert set(found) == set(FACTS)
    fields = {key: dict(entry.fields) for key, entry in found.items()}
    assert (fields["a02"]["date"], fields["a02"]["journaltitle"]) == ("2020-06", "Annals of Numbers")
    assert (found["e02"].type, fields["e02"]["type"], fields["e02"]["institution"]) == ("thesis", "mathesis", "MIT")
    assert (fields["g01"]["eprinttype"], fields["g01"]["eprintclass"]) == ("arXiv", "cs.CL")
    assert fields["a19"]["year"] == "in press"
    assert "month" in fields["a03"] or fields["a03"]["date"].startswith("2021-03")


@pytest.mark.skipif(not shutil.which("biber"), reason="biber is not installed")
def test_biblatex_for_biber(tmp_path: Path) -> None:
    (tmp_path / "a.bib").write_text(merge(PAPERS, "", normal=Wanted(biblatex=True)).text, encoding="utf-8")
    done = subprocess.run(
        ["biber", "--tool", "--output-file=b.bib", "a.bib"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert [line for line in done.stdout.splitlines() if "WARN - " in line and "in press" not in line] == []
    assert (tmp_path / "b.bib").read_text().count("\n@") + 1 >= len(FACTS)


MADE = [
    (known("a", "A & B with LoRA", ("Ann Lee", "Jan van Dyk"), 2021, venue="ICLR"), "inproceedings", "booktitle"),
    (known("b", "B", ("Ann Lee",), 2021, venue="Journal of Lists", doi="10.5555/x"), "article", "journal"),
    (known("c", "C", et_al=True, authors=("Ann Lee",), arxiv="2106.09685", venue="arXiv"), "misc", "archiveprefix"),
    (known("d", "D", kind="book", venue="Press"), "book", "publisher"),
    (known("e", "E", links=(("blog", "https://e.org/{x}_%20", ""),)), "misc", "url"),
]


@pytest.mark.parametrize(("facts", "kind", "field"), MADE)
def test_an_entry_is_made_for_a_paper_without(facts: Facts, kind: str, field: str) -> None:
    (entry,) = seen_by_pybtex(generated(facts)).values()
    assert entry.type == kind
    assert field in entry.fields
    assert "by kb" in entry.fields["generated"]
    again = describe(Paper(key=facts.key, bibtex=generated(facts)))
    assert (plain(again.title), again.names, again.others) == (plain(facts.title), facts.names, facts.others)
    assert (again.date, again.doi, again.arxiv) == (facts.date or again.date, facts.doi, facts.arxiv)


@pytest.mark.skipif(not shutil.which("bibtex"), reason="bibtex is not installed")
@pytest.mark.parametrize(
    ("venue", "kind", "tag"),
    [("NeurIPS", "paper-conference", "CPAPER"), ("Journal of Fish", "article-journal", "JOUR"), ("arXiv", "article", "UNPB")],
)  # fmt: skip
def test_a_paper_that_says_no_type_is_cited_with_its_venue(venue: str, kind: str, tag: str) -> None:
    facts = known("doe2020fish", "Fish", ["Doe, Jane"], 2020, venue=venue)
    made = item(facts)
    assert made["type"] == kind
    assert venue in (made.get("container-title"), made.get("publisher"))
    assert f"TY  - {tag}\r\n" in as_ris([facts])


def test_made_entries_are_ones_that_bibtex_reads(tmp_path: Path) -> None:
    (tmp_path / "a.bib").write_text("\n\n".join(generated(facts) for facts, _, _ in MADE), encoding="utf-8")
    (tmp_path / "a.aux").write_text("\\citation{*}\n\\bibstyle{plain}\n\\bibdata{a}\n")
    done = subprocess.run(["bibtex", "a"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "error" not in done.stdout.lower(), done.stdout
    assert (tmp_path / "a.bbl").read_text().count("\\bibitem") == len(MADE)


def test_a_made_entry_holds_what_the_file_says() -> None:
    paper = Paper(
        key="post", title="100% of $C_2$", authors=("Ann Lee", "OpenAI"), year=2024, venue="NeurIPS",
        links=(Link(name="paper", url="https://e.org/p"),),
    )  # fmt: skip
    assert merge([paper], "").text == (
        "@inproceedings{post,\n  author = {Lee, Ann and {OpenAI}},\n  title = {100\\% of {$C_2$}},\n"
        "  booktitle = {NeurIPS},\n  year = {2024},\n  url = {https://e.org/p},\n"
        "  generated = {by kb, from the reading list},\n}\n"
    )
    facts = known("k", "T", ("A B",))
    assert "url" not in generated(facts)
    assert Address("paper", "https://e.org/p") in describe(paper).addresses
