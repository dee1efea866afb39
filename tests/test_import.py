"""Importing: what is there is merged, what is given is kept, what is found is said."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.bibtex.normal import Wanted
from catalog.ingest.merge import Merger
from catalog.ingest.run import Imported
from catalog.library import Library
from catalog.models import Paper
from catalog.paperfile import dumps

DAY = dt.date(2026, 11, 24)
READ = {"nikdan2024rosa", "lv2023full", "peft", "ding2022delta", "li2021prefix", "hu2021lora"}


def take(library: Library, text: str, name: str = "list.md", **options: bool) -> Imported:
    return library.import_([(name, text.encode())], today=DAY, **options)


def files(library: Library) -> dict[str, str]:
    return {path.name: path.read_text() for path in library.store.folder.glob("*.md")}


def entry(key: str, title: str, author: str = "Ada Lovelace", **fields: str) -> str:
    rest = "".join(f",\n  {name} = {{{value}}}" for name, value in fields.items())
    return f"@article{{{key},\n  title = {{{title}}},\n  author = {{{author}}}{rest}\n}}"


def test_the_seed_becomes_fourteen_papers(library: Library, seed: bytes) -> None:
    done = library.import_([("peft.md", seed)], today=DAY)
    records = {record.key: record for record in library.list()}
    assert len(records) == done.count("added") == 14
    assert {key for key, record in records.items() if record.reading.status == "read"} == READ
    assert done.count("rejected") == 0
    assert records["hu2021lora"].address("paper") == "https://arxiv.org/pdf/2106.09685"
    assert records["chen2023longlora"].address("paper") == "https://arxiv.org/pdf/2309.12307"
    assert records["chen2023longlora"].heading.startswith("LongLoRA: ")
    assert not records["dettmers2023qlora"].address("code")
    tutorial = library.paper("dettmers2023qlora").tutorials[0]
    assert (tutorial.name, tutorial.date) == ("tutorial_qlora", "2024.01")
    assert tutorial.versions == {"bitsandbytes": "0.41.3", "peft": "0.7.1"}
    assert tutorial.notebook == "../notebooks/tutorial_qlora.ipynb"


def test_the_dirt_of_the_seed_is_reported_with_its_line(library: Library, seed: bytes) -> None:
    done = library.import_([("peft.md", seed)], today=DAY)
    lines = seed.decode().splitlines()
    found = {(f.code, lines[f.line - 1].strip()[:24]) for f in done.findings if f.line}
    codes = {code for code, _ in found}
    assert {"empty-link", "title-case", "no-notebook"} <= codes
    for dirt in ("github link: [here]()", "paper link: [here](https"):
        assert any(place.startswith(dirt[:20]) for _, place in found)
    text = "\n".join(map(str, done.findings))
    assert "trk" in text
    assert "%C2%A0" in text


def test_every_bibtex_entry_of_the_seed_is_kept_byte_for_byte(library: Library, seed: bytes) -> None:
    library.import_([("peft.md", seed)], today=DAY)
    for paper in library.papers().values():
        assert paper.bibtex in seed.decode()
        assert paper.bibtex.startswith("@")


def test_importing_twice_changes_nothing(library: Library, seed: bytes) -> None:
    library.import_([("peft.md", seed)], today=DAY)
    before = files(library)
    again = library.import_([("peft.md", seed)], today=dt.date(2027, 1, 1))
    assert files(library) == before
    assert again.count("unchanged") == 14
    assert not any(change.differences for change in again.changes)


def test_a_dry_run_changes_nothing(library: Library, seed: bytes) -> None:
    done = library.import_([("peft.md", seed)], dry_run=True)
    assert done.count("added") == 14
    assert not files(library)


def test_what_the_user_changed_stays(library: Library, seed: bytes) -> None:
    library.import_([("peft.md", seed)], today=DAY)
    library.mark_unread(["hu2021lora"])
    library.note("hu2021lora", "Mine.")
    before = files(library)
    again = library.import_([("peft.md", seed)], today=DAY)
    assert files(library) == before
    (change,) = [c for c in again.changes if c.key == "hu2021lora"]
    assert change.differences == ("status: “unread” stays, not “read”",)
    library.import_([("peft.md", seed)], today=DAY, theirs=True)
    assert library.paper("hu2021lora").status == "read"
    assert "Mine." in library.paper("hu2021lora").notes


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (entry("a", "One Title of a Thing"), entry("a", "One title of a thing")),
        (entry("a", "A", doi="10.1000/X.1"), entry("b", "A", "Other Person", doi="https://doi.org/10.1000/x.1")),
        (entry("a", "A", eprint="2106.09685"), entry("b", "A", "O P", journal="arXiv preprint arXiv:2106.09685v2")),
        (entry("a", "Deep {R}esidual Learning!"), entry("b", "Deep residual learning", "Lovelace, Ada")),
        (entry("a", 'Gr{\\"o}{\\ss}e'), entry("b", "Größe", "A. Lovelace")),
    ],
)
def test_the_same_work_is_one_paper(library: Library, first: str, second: str) -> None:
    take(library, first, "a.bib")
    take(library, second, "b.bib")
    (paper,) = library.papers().values()
    assert paper.key == "a"
    exported = library.export_bib().text
    assert first in exported
    if "{b," in second:
        assert second in exported, "an entry under another key is kept beside the first"
        assert library.resolve("b") == "a"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (entry("a", "The Art", volume="1"), entry("b", "The Art", volume="2")),
        (entry("a", "Introduction", "A B"), entry("b", "Introduction", "C D")),
        (entry("a", "Editorial", doi="10.1000/1"), entry("b", "Editorial", doi="10.1000/2")),
        (entry("a", "Whales and their song", doi="10.1000/1"), entry("b", "On the tides of moons", doi="10.1000/1")),
    ],
)
def test_different_works_stay_apart(library: Library, first: str, second: str) -> None:
    take(library, first + "\n\n" + second, "a.bib")
    assert set(library.papers()) == {"a", "b"}


def test_another_work_under_a_taken_key_gets_a_key_of_its_own(library: Library) -> None:
    take(library, entry("smith", "Whales and their song"), "a.bib")
    done = take(library, entry("smith", "On the tides of moons", "B C"), "b.bib")
    assert set(library.papers()) == {"smith", "smithb"}
    assert "@article{smithb," in library.paper("smithb").bibtex
    (finding,) = [f for f in done.findings if f.code == "key-taken"]
    assert finding.kind == "repaired"
    assert [(change.was, change.key) for change in done.changes] == [("smith", "smithb")]


def test_keys_that_differ_in_case_are_two_keys(library: Library) -> None:
    take(library, entry("smith", "Whales and their song"), "a.bib")
    done = take(library, entry("Smith", "On the tides of moons", "B C"), "b.bib")
    assert set(library.papers()) == {"smith", "Smith"}
    assert [f.kind for f in done.findings if f.code == "key-case"] == ["note"]
    names = [path.name.casefold() for path in library.store.folder.glob("*.md")]
    assert len(set(names)) == 2, "also where the file system ignores case"
    library.note("Smith", "Tides.")
    assert library.get("Smith").notes == "Tides."
    assert library.get("smith").notes == ""


def test_differences_are_shown_and_theirs_turns_it_around(library: Library) -> None:
    take(library, entry("a", "A title of words", year="2020", note="x"), "a.bib")
    newer = entry("a", "A title of words", year="2021", doi="10.1000/1")
    done = take(library, newer, "b.bib")
    assert done.changes[0].differences == (
        "year: “2020” stays, not “2021”",
        "note: “x” stays, not nothing",
        "doi: nothing stays, not “10.1000/1”",
    )
    assert library.get("a").year == 2020
    take(library, newer, "b.bib", theirs=True)
    assert library.paper("a").bibtex == newer


def test_one_paper_in_several_sections_has_several_tags_and_is_read(library: Library) -> None:
    text = (
        f"# Methods\n\n## Small\n\n### A Title of Things [`UNREAD`]\n\n```bibtex\n{entry('a', 'A Title of Things')}\n```\n\n"
        f"## Large\n\n### A Title of Things [`READ`]\n\n```bibtex\n{entry('a', 'A Title of Things')}\n```\n"
    )
    done = take(library, text)
    paper = library.paper("a")
    assert {"Small", "Large"} <= set(paper.tags)
    assert paper.status == "read"
    assert any(f.code == "status" and "read was taken" in f.remedy for f in done.findings)


def test_a_damaged_entry_is_kept_and_said(library: Library) -> None:
    broken = "@article{bad,\n  title = {An {unclosed thing},\n  author = {A B}"
    done = take(library, broken + "\n\n" + entry("good", "Good thing of two"), "a.bib")
    assert set(library.papers()) == {"bad", "good"}
    assert done.count("rejected") + done.count("repaired") >= 1
    assert library.paper("good").bibtex == entry("good", "Good thing of two")


def test_what_a_bib_file_shares_survives(library: Library) -> None:
    text = (
        '@string{acm = "ACM " # "Press"}\n@preamble{"\\newcommand{\\x}{}"}\n% a remark\n\n'
        "@comment{jabref-meta: databaseType:bibtex;}\n\n"
        "@inproceedings{a,\n  title = {T of a},\n  author = {A B},\n  crossref = {P}\n}\n\n"
        "@proceedings{P,\n  title = {Proceedings of X},\n  publisher = acm,\n  year = 2001\n}\n"
    )
    take(library, text, "a.bib")
    assert library.get("a").venue == "Proceedings of X"
    assert library.get("a").year == 2001
    exported = library.export_bib().text
    for part in ('@string{acm = "ACM " # "Press"}', "\\newcommand{\\x}", "jabref-meta", "publisher = acm", "a remark"):
        assert part in exported
    assert exported.index("@inproceedings{a") < exported.index("@proceedings{P"), "bibtex wants the parent last"
    before = files(library), library.store.shared()
    take(library, text, "a.bib")
    assert (files(library), library.store.shared()) == before


def test_a_macro_with_two_meanings_keeps_both(library: Library) -> None:
    take(library, "@string{j = {One}}\n@misc{a, title = {A b c}, journal = j}", "a.bib")
    text = "@string{J = {Two}}\n@misc{b, title = {B c d}, journal = j # { Letters}}\n@misc{c, title = {C}, note = {j}}"
    done = take(library, text, "b.bib")
    (finding,) = [f for f in done.findings if f.code == "string-clash"]
    assert finding.kind == "repaired"
    assert [library.get(key).venue for key in "ab"] == ["One", "Two Letters"]
    assert library.get("c").bibtex == "@misc{c, title = {C}, note = {j}}"
    before = files(library), library.store.shared()
    assert take(library, text, "b.bib").count("unchanged") == 2
    assert (files(library), library.store.shared()) == before


def test_an_entry_without_a_key_is_given_one(library: Library) -> None:
    done = take(
        library, "@article{,\n  title = {The Great Thing},\n  author = {Ada Lovelace},\n  year = 1843\n}", "a.bib"
    )
    assert set(library.papers()) == {"lovelace1843great"}
    assert "@article{lovelace1843great," in library.paper("lovelace1843great").bibtex
    assert any(f.kind == "repaired" for f in done.findings)


def test_a_section_without_bibtex_is_an_entry(library: Library) -> None:
    take(library, "# List\n\n## A blog post about things [`READ`]\n\nblog link: [here](https://x.org/p)\n")
    (paper,) = library.papers().values()
    assert paper.key == "blog-post-about-things"
    assert paper.title == "A blog post about things"
    assert paper.links[0].name == "blog"


def test_text_of_windows_is_read(library: Library) -> None:
    done = library.import_([("a.bib", entry("a", "Caf\xe9 of words").replace("\n", "\r\n").encode("cp1252"))])
    assert library.get("a").heading == "Café of words"
    assert [f.code for f in done.findings if f.code != "will-say"] == ["encoding"]


def test_what_is_no_text_is_refused(library: Library) -> None:
    done = library.import_([("a.out", b"\x7fELF" + bytes(100) + b"@misc{a, title={b}}")])
    assert [(f.kind, f.message) for f in done.findings if f.code == "encoding"] == [("rejected", "not a text file")]
    assert not library.papers()


@pytest.mark.parametrize(
    ("data", "what"),
    [(b"%PDF-1.5\n", "a PDF"), (b"\x1f\x8b\x08", "an archive"), (b"PK\x03\x04" + bytes(26) + b"xl/workbook.xml", "a spreadsheet"),
     (b"PK\x03\x04" + bytes(26) + b"a/list.md", "a zip archive"), (b"\xd0\xcf\x11\xe0" + bytes(99), "a file of an old Office program"),
     (b"\x80\x04\x95\x10" + b"\x94\x8c\x01a\x01\x02" * 9, "not a text file"), (b"SQLite format 3\0", "a database"),
     (b'{"title": "x", ', "no JSON that can be read")],
)  # fmt: skip
def test_what_is_no_list_is_refused_by_name_whatever_its_own(library: Library, data: bytes, what: str) -> None:
    done = library.import_([("list.json", data)])
    (wrong,) = [finding for finding in done.findings if finding.kind == "rejected"]
    assert (what in wrong.message, bool(wrong.remedy), done.whole) == (True, True, False)


def test_a_word_file_is_one_under_any_name(library: Library) -> None:
    done = library.import_([("list.md", b"PK\x03\x04" + bytes(26) + b"word/document.xml")])
    assert "docx" in done.findings[0].message


def test_utf_16_is_read(library: Library) -> None:
    library.import_([("a.bib", entry("a", "Größe of words").encode("utf-16"))])
    assert library.get("a").heading == "Größe of words"


def test_a_paper_file_of_another_base_is_taken(library: Library) -> None:
    paper = Paper(key="k", title="A thing of words", status="reading", tags=("x",), added=DAY, notes="Mine.")
    library.import_([("elsewhere/k.md", dumps(paper).encode())])
    assert library.paper("k") == paper


def test_the_export_of_the_seed_imports_to_the_same_catalog(library: Library, seed: bytes, tmp_path: Path) -> None:
    library.import_([("peft.md", seed)], today=DAY)
    library.mark_read(["hu2021lora"], dt.date(2026, 1, 2))
    library.note("hu2021lora", "# A heading\n\ntag: `not a tag`\n\n```bibtex\n@misc{no,title={no}}\n```")
    library.tag("hu2021lora", ["low rank", "RAG"])
    library.link("hu2021lora", ["code=https://github.com/microsoft/LoRA", "model=[7B](https://x.org/7b)"])
    other = Library.init(tmp_path / "other")
    other.import_([("list.md", library.export_markdown().encode())], today=dt.date(2030, 1, 1))
    assert files(other) == files(library)


bib_titles = (
    st.text("abcdefghij ", min_size=8, max_size=30).map(lambda t: " ".join(t.split())).filter(lambda t: len(t) > 6)
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(bib_titles, st.sampled_from(["A B", "C D", "E {F G}"])), min_size=1, max_size=12))
def test_no_entry_of_a_bib_file_is_ever_lost(
    tmp_path_factory: pytest.TempPathFactory, works: list[tuple[str, str]]
) -> None:
    library = Library.init(tmp_path_factory.mktemp("base") / "kb")
    entries = [entry(f"k{i}", title, author) for i, (title, author) in enumerate(works)]
    library.import_([("a.bib", "\n\n".join(entries).encode())])
    exported = library.export_bib().text
    assert all(text in exported for text in entries)
    assert exported.count("@article") == len(entries)


@pytest.mark.parametrize(
    "text",
    [
        "# Bird blog [UNREAD]\n\nblog link: [here](https://example.org/birds)\n",
        "# Notes [READ]\n\nOnly prose.\n",
        "## 微調整\n\n* **低ランク適応：大規模言語モデル** [[論文](https://arxiv.org/abs/2106.09685)]\n",
        "## Birds\n\n- **Fly** <https://arxiv.org/abs/2101.00001v2>\n",
    ],
)
def test_a_short_title_without_authors_is_not_taken_twice(library: Library, text: str) -> None:
    assert take(library, text).count("added") == 1
    before = files(library)
    assert take(library, text).count("unchanged") == 1
    assert files(library) == before


def test_works_of_one_short_title_that_lead_elsewhere_stay_apart(library: Library) -> None:
    text = "".join(f"# Introduction [UNREAD]\n\nblog link: https://example.org/{n}\n\n" for n in "ab")
    assert take(library, text).count("added") == 2
    assert take(library, text).count("unchanged") == 2


def test_an_entry_that_was_given_another_key_is_not_taken_twice(library: Library) -> None:
    text = "\n\n".join([
        entry("dup", "Sparse birds"), entry("Dup", "An unrelated look at the sea", "Grace Hopper"),
        entry("", "No key at all", "Alan Turing"),
    ])  # fmt: skip
    take(library, text, "a.bib")
    before = files(library)
    assert take(library, text, "a.bib").count("unchanged") == 3
    assert files(library) == before


def test_an_entry_that_was_renamed_is_not_taken_twice(library: Library) -> None:
    take(library, entry("old", "Sparse birds"), "a.bib")
    library.rename("old", "new")
    before = files(library)
    assert take(library, entry("old", "Sparse birds"), "a.bib").count("unchanged") == 1
    assert files(library) == before


def test_the_key_made_from_a_title_keeps_its_kana_and_hangul(library: Library) -> None:
    take(
        library,
        "## A\n\n- [モデル](https://arxiv.org/abs/2101.00001)\n- [언어 모델](https://arxiv.org/abs/2101.00002)\n",
    )
    assert set(files(library)) == {"モデル.md", "언어-모델.md"}


def test_a_rejected_title_is_told_in_one_line(library: Library) -> None:
    done = take(library, f"# {'Birds ' * 9000} [READ]\n\nx\n")
    assert done.count("rejected") == 1
    message = done.findings[0].message
    assert "title: longer than the 2000 characters it may have" in message
    assert len(message) < 200


def test_a_list_from_standard_input_is_no_list_of_identifiers(library: Library) -> None:
    items = [
        f"- [Birds of words {n}](https://arxiv.org/abs/2101.{n:05}), Ann Owl, Ben Hawk. ICML 2021" for n in range(3)
    ]
    library.import_([("<stdin>", "\n".join(items).encode())])
    assert {paper.title for paper in library.papers().values()} == {f"Birds of words {n}" for n in range(3)}


def test_identifiers_one_a_line_are_papers(library: Library) -> None:
    library.import_([("ids.txt", b"https://arxiv.org/abs/2101.00001\narXiv:2101.00002v2\n10.1145/3400000.3400009\n")])
    urls = {link.url for paper in library.papers().values() for link in paper.links}
    assert urls == {
        "https://arxiv.org/abs/2101.00001",
        "https://arxiv.org/abs/2101.00002",
        "https://doi.org/10.1145/3400000.3400009",
    }


def test_what_an_import_worked_out_is_what_its_files_say(library: Library) -> None:
    bib = r"""@string{jx = {Journal of Owls}} @preamble{"\newcommand{\owl}{Strix}"}
@article{b, author = {Ek, Ann}, title = {On \owl{} and $\alpha$}, journal = jx, year = 2001, keywords = {a, b}}
@incollection{a, crossref = {p}, title = {Part}, author = {B, C}} @book{p, title = {Whole}, year = 1999, editor = {D, E}}
@article{c, author = {Ek, Ann}, title = {On \owl{} and $\alpha$}, year = 2001, journal = {Journal of Owls}, doi = {10.1000/1}}"""
    library.import_([("a.bib", bib.encode()), ("b.md", b"- [On wires](https://arxiv.org/abs/2101.00001)\n")])
    told = library.list(sort="key")
    library.index().clear()
    (library.root / ".kb" / "index.sqlite").unlink()
    assert Library.open(library.root).list(sort="key") == told


def test_what_check_will_say_is_said_and_joining_and_parting_add_nothing(library: Library) -> None:
    bib = """@book{a, title = {Whole}} @book{b, title = {Other thing}, author = {X, Y}}
@article{c, title = {On owls at night}, author = {Ek, A}, journal = {J}, year = 2001, doi = {10.1000/1}}
@misc{d, title = {On owls at night}, author = {Ek, A}, year = 2001, doi = {10.1000/1}}"""
    done = library.import_([("a.bib", bib.encode())])
    wrong = [finding.code for finding in library.check()]
    said = {finding.key for finding in done.findings if finding.code == "will-say"}
    assert (set(wrong), bool(wrong)) == (said, True)
    assert not library.import_([("a.bib", bib.encode())]).count("note")
    library.split("d")
    library.merge("c", "d")
    library.split("d")
    left = Counter(finding.code for finding in library.check() if finding.code != "duplicate")
    assert left == Counter(wrong)


def test_exports_that_come_back_change_nothing(library: Library) -> None:
    bib = r"""@article{ka, title = {Alpha {THings} of $x^2$ \emph{and}}, author = {Garc{\'\i}a M{\'a}rquez, Gabriel and {Hugging Face}},
  % checked
  journal = {Journal of Owls}, % 5% more
  year = 2001, month = jun, volume = 3, pages = {1--9}, doi = {10.1000/abc}, url = {https://e.org/x},
  keywords = {owls, night}, abstract = {We do \emph{this}.}, annote = {My note}}
@inproceedings{kb, title = {Beta things}, author = {van der Berg, Eve}, booktitle = {Proc. OWL}, year = 2002, publisher = {P},
  isbn = {9780306406157}, eprint = {2106.09685}, archiveprefix = {arXiv}}
@misc{ITEM-1, author = {King, Jr., Martin and others}, year = {1963/1965}, note = {untitled}}
@xdata{Loc, LOCATION = {Oslo}}
@book{a:b/c, title = {=1+1 {\'e}t {\sc Small} caps}, editor = {Ek, A}, xdata = {Loc}, abstract = {One

  two}, version = {2}}"""
    library.import_([("a.bib", bib.encode())])
    library.add(title="A list paper", links=["code=https://github.com/a/b"], tags=["x"], notes="hello")
    library.mark_read(["ka"], dt.date(2026, 1, 2))
    before = files(library)
    made = {"a.bib": library.export_bib().text, "b.bib": library.export_bib(normal=Wanted(biblatex=True)).text,
            "a.json": library.export_json(), "a.md": library.export_markdown(), "b.json": library.export_csl(),
            "a.csv": library.export_csv(), "a.ris": library.export_ris(),
            "a.yaml": library.export_hayagriva()}  # fmt: skip
    for name, text in made.items():
        done = library.import_([(name, text.encode())])
        assert (name, files(library), done.count("unchanged"), done.count("kept")) == (name, before, 5, 0)
        assert not [line for change in done.changes for line in change.differences], "nothing differs"
    fresh = Library.init(library.root.parent / "fresh")
    fresh.import_([("a.json", made["a.json"].encode())])
    assert files(fresh) == before
    library.import_([("a.csv", made["a.csv"].replace("unread", "reading").encode())], theirs=True)
    changed = fresh.paper("kb").evolve(status="reading")
    assert (library.paper("kb"), library.paper("ka")) == (changed, fresh.paper("ka")), "a cell that somebody changed"


def test_what_an_entry_says_otherwise_is_told(library: Library) -> None:
    library.import_(
        [
            (
                "a.bib",
                b"@article{k, title = {On owls in Norway}, author = {Ek, A}, journal = {J}, year = 2001, doi = {10.1000/a}}",
            )
        ]
    )
    table = (
        b"title,authors,venue,year,isbn,doi\nOn owls in Norway,A Ek,Journal of Things,2001,9780306406157,10.1000/a\n"
    )
    done = library.import_([("a.csv", table)])
    assert "venue: \u201cJ\u201d stays, not \u201cJournal of Things\u201d" in [
        line for c in done.changes for line in c.differences
    ]
    assert (library.paper("k").venue, library.paper("k").ids) == ("", {"isbn": "9780306406157"})


def test_links_to_files_beside_a_list_lead_there_from_the_paper(library: Library) -> None:
    place = library.root / "mine"
    place.mkdir()
    (place / "a.pdf").write_bytes(b"%PDF-1.4")
    text = (
        "- [A map of hands](a.pdf), Ada Quist, CVPR 2023\n- [A map of feet](b.pdf) [[code](https://github.com/a/b)]\n"
    )
    done = library.import_([(str(place / "r.md"), text.encode())], today=DAY)
    assert "b.pdf" in str([str(finding) for finding in done.findings if finding.kind == "kept"])
    assert not [finding for finding in library.check() if finding.kind == "error"]
    assert any("paper: ../mine/a.pdf" in said for said in files(library).values())
    assert any("`[paper](b.pdf)`" in said for said in files(library).values())


def test_of_many_papers_none_is_held_longer_than_it_takes_to_write_it(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.ingest.run.AT_ONCE", 3)
    monkeypatch.setattr("catalog.ingest.run.MANY", 9)
    held: list[int] = []
    bring = Merger.bring
    monkeypatch.setattr(Merger, "bring", lambda self, *one: (bring(self, *one), held.append(len(self.now)))[0])
    take(library, "\n".join(entry(f"k{n}", f"Work number {n} of many") for n in range(10)), "many.bib")
    assert (len(held), max(held), len(files(library)), len(library.log())) == (10, 3, 10, 1)


SOME = [
    entry("a", "The first of the works that were brought", doi="10.1000/1", keywords="one, two"),
    entry("other", "The first of the works that were brought", doi="10.1000/1", abstract="Said only here."),
    entry("a", "Quite another work under that key", author="Emmy Noether", doi="10.1000/2"),
    entry("A", "A third one, whose key differs in case", author="Lise Meitner", doi="10.1000/3"),
    entry("whole", "The proceedings of everything", author="Ed Itor", booktitle="Proceedings", year="2001"),
    entry("part", "A part of that", author="Grace Hopper", crossref="whole"),
    entry("sibling", "Another part, related to the former", author="Mary Jackson", crossref="whole"),
    entry("u{}", "A key that is none", author="Rosalind Franklin"),
    "@string{a = {One}}",
    '@string{a = "Another"}',
    "@article{macro, title = {What has a macro}, journal = a, author = {Jean Sammet}}",
    "@article{broken, title = {What is not closed",
]


@settings(deadline=None, max_examples=5, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(SOME), min_size=4, max_size=12), st.lists(st.sampled_from(SOME), max_size=4))
def test_what_comes_in_parts_becomes_what_it_does_at_once(first: list[str], then: list[str]) -> None:
    """Whatever is read again of what is held no more; and what was written is what the index has."""

    def brought(parts: int) -> object:
        with (
            tempfile.TemporaryDirectory() as root,
            mock.patch("catalog.ingest.run.AT_ONCE", parts),
            mock.patch("catalog.ingest.run.MANY", parts),
            mock.patch("catalog.store.written._AT_HAND", parts),
        ):
            library = Library.init(Path(root))
            done = [take(library, "\n".join(entries), "some.bib") for entries in (first, then)]
            changes = [[replace(change, before=None, after=None) for change in one.changes] for one in done]
            held, said = files(library), [[str(finding) for finding in one.findings] for one in done]
            known = {facts.key: facts for facts in library.index().all()}
            (library.store.private / "index.sqlite").unlink()
            assert {facts.key: facts for facts in Library.open(Path(root)).index().all()} == known
            return changes, held, said, [(past.what, len(past.files)) for past in library.log()]

    assert brought(2) == brought(1_000)
