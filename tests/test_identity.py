"""Identity: only what is the same work joins, what may be is offered, and a key means one work for ever."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from support import Kb

from catalog.bibtex import scan
from catalog.bibtex.describe import describe
from catalog.facts import Facts
from catalog.filenames import apart_name, file_name, key_of
from catalog.identity import compare, lookups
from catalog.ingest.run import Imported
from catalog.library import Library
from catalog.models import Paper

DATA = Path(__file__).parent / "data"
DAY = dt.date(2026, 11, 24)
ALIKE = """\
@misc{moe1, author = {Moe, Lars}, title = {Fine-tuning pre-trained rivers}, year = 2021}
@article{moe2, author = {Moe, L.}, title = {Fine tuning pretrained rivers}, journal = {J}, year = 2021}
"""


def take(library: Library, text: str, name: str = "a.bib", **options: bool) -> Imported:
    return library.import_([(name, text.encode())], today=DAY, **options)


def state(library: Library) -> dict[str, bytes]:
    paths = [*library.store.folder.glob("*.md"), *library.root.glob("shared.bib")]
    return {path.name: path.read_bytes() for path in paths}


def works(text: str) -> dict[str, Facts]:
    blocks = [block for block in scan(text) if block.kind == "entry"]
    return {block.key: describe(Paper(key=block.key, bibtex=block.text)) for block in blocks}


def couples(name: str) -> list[tuple[Facts, Facts]]:
    found = works((DATA / "pairs" / f"{name}.bib").read_text())
    return [(work, found[f"{key[:-1]}b"]) for key, work in found.items() if key.endswith("a")]


@pytest.mark.parametrize("one_key", [False, True])
@pytest.mark.parametrize(("name", "never", "pairs"), [("same", "different", 113), ("different", "same", 188)])
def test_pairs(name: str, never: str, pairs: int, one_key: bool) -> None:
    answers: Counter[str] = Counter()
    for first, second in couples(name):
        if one_key:
            first, second = replace(first, key="k"), replace(second, key="k")
        verdict = compare(first, second)
        assert compare(second, first).answer == verdict.answer, "it does not matter which is asked first"
        assert verdict.answer != never, f"{first.bibtex}: {verdict.why}"
        assert verdict.answer == "different" or lookups(first) & lookups(second), f"{first.key} would not be found"
        answers[verdict.answer] += 1
    assert answers.total() == pairs
    assert answers[name] > 0.6 * pairs


def test_every_pair_is_imported_as_it_is_judged(library: Library) -> None:
    text = (DATA / "pairs" / "different.bib").read_text()
    assert take(library, text).count("added") == 376
    before = state(library)
    assert take(library, text).count("unchanged") == 376
    assert state(library) == before


def test_what_may_be_one_work_is_offered_and_joined_by_a_person(library: Library, kb: Kb) -> None:
    done = take(library, ALIKE)
    assert done.changes[1].maybe == (("moe1", "the titles differ a little"),)
    assert "moe1 and moe2 may be one work" in kb("duplicates").out
    (pair,) = json.loads(kb("duplicates", "--json").out)
    assert (pair["keys"], pair["answer"]) == (["moe1", "moe2"], "maybe")
    assert {"what": "kind", "first": "misc", "second": "article"} in pair["differences"]
    assert [f.code for f in library.check() if f.kind == "note" and f.key == "moe2"] == ["possible-duplicate"]
    library.note("moe1", "As in [the other](moe2.md).")
    library.link("moe2", ["code=https://example.org/code"])
    before = state(library)
    assert "would be part of moe1" in kb("merge", "moe1", "moe2", "--dry-run").out
    assert state(library) == before
    assert kb("merge", "moe1", "moe2", "--take", "nothing").status == 1
    assert kb("merge", "moe1", "moe2").status == 0
    (paper,) = library.papers().values()
    assert paper.links[0].url == "https://example.org/code"
    assert paper.notes == "As in [the other](moe1.md)."
    assert library.resolve("moe2") == "moe1"
    assert all(line in library.export_bib().text for line in ALIKE.splitlines())
    before = state(library)
    assert take(library, ALIKE).count("unchanged") == 2
    assert state(library) == before


def test_what_was_joined_is_parted_again_and_stays_apart(library: Library, kb: Kb) -> None:
    take(library, ALIKE)
    kb("merge", "moe1", "moe2")
    assert kb("split", "moe2").out == "moe1: moe2 apart from it now\n"
    assert set(library.papers()) == {"moe1", "moe2"}
    assert not library.duplicates()
    before = state(library)
    assert take(library, ALIKE).count("unchanged") == 2
    assert take(library, ALIKE.replace("2021", "2020")).count("unchanged") == 2, "also with other words"
    assert state(library) == before
    assert kb("split", "moe1").status == 1


def test_two_that_are_told_apart_are_not_offered_again(library: Library, kb: Kb) -> None:
    take(library, ALIKE)
    assert kb("split", "moe1", "moe2").status == 0
    assert not library.duplicates()
    library.rename("moe2", "moe2021")
    assert not library.duplicates()


def test_merge_keeps_what_is_there_unless_told_otherwise(library: Library, kb: Kb) -> None:
    take(library, ALIKE)
    library.mark_read(["moe2"], DAY)
    done = library.merge("moe1", "moe2", dry_run=True)
    assert "status: “unread” stays, not “read”" in done.differences
    library.merge("moe1", "moe2", ["status"])
    assert (library.paper("moe1").status, library.paper("moe1").read) == ("read", DAY)


LIN = """\
@article{lin2021sparse, author = {Lin, Ada}, title = {Sparse routing for image classification}, year = 2021}
"""


def test_another_work_under_a_taken_key_is_kept_and_its_key_is_told(library: Library, kb: Kb, root: Path) -> None:
    take(library, LIN)
    (root / "b.bib").write_text(LIN.replace("Ada", "Boris").replace("classification", "compression"))
    done = json.loads(kb("import", "b.bib", "--json").out)
    assert done["keys"] == {"lin2021sparse": "lin2021sparseb"}
    assert library.get("lin2021sparseb").names[0].given == "Boris"
    before = state(library)
    assert json.loads(kb("import", "b.bib", "--json").out)["counts"]["unchanged"] == 1
    assert state(library) == before


def test_no_key_is_given_that_a_later_entry_has(library: Library) -> None:
    take(library, "@misc{a, title = {Whales of the north}, author = {A B}}")
    text = "@misc{a, title = {Rules for tram lines}, author = {C D}}\n@misc{ab, title = {A census of owls}, author = {E F}}"
    take(library, text, "b.bib")
    titles = {facts.key: library.get(facts.key).title[0][1] for facts in library.list()}
    assert titles == {"a": "Whales of the north", "ac": "Rules for tram lines", "ab": "A census of owls"}


def test_a_key_of_a_file_that_cannot_be_read_is_not_given_again(library: Library) -> None:
    (library.store.folder / "owls.md").write_text("not a paper\n")
    text = "@misc{owls, title = {A census of owls}, author = {A B}}"
    done = take(library, text)
    assert (library.store.folder / "owls.md").read_text() == "not a paper\n"
    assert (done.count("rejected"), done.changes[0].left_out) == (1, (text,))


def test_children_follow_a_parent_that_was_given_another_key(library: Library) -> None:
    take(library, "@proceedings{p, title = {Proceedings of Rain}, editor = {A B}, year = 2001}")
    text = (
        "@inproceedings{c, author = {C D}, title = {Ten clouds}, crossref = {p}}\n"
        "@proceedings{p, title = {Annals of Snow}, editor = {E F}, year = 2009}\n"
    )
    take(library, text, "b.bib")
    assert library.get("c").venue == "Annals of Snow"
    before = state(library)
    assert take(library, text, "b.bib").count("unchanged") == 2
    assert state(library) == before


@pytest.mark.parametrize(
    "text",
    [
        "% one\n@misc{c1, title = {One thing here}}\n\n% two\n@misc{c2, title = {Two things here}}\n\n% three\n",
        "@article{, author = {Foo, Bar}, journal = {J}, year = 2003, pages = {7}}\n",
        "@misc{a, note = {x}}\n@misc{A, note = {y}}\n@misc{a, note = {z}}\n",
        "@xdata{x, publisher = {One}}\n@book{b, xdata = {x}, title = {A book of words}, author = {A B}}\n",
        '@string{j = "One"}\n@misc{m, note = j}\n@string{j = "Two"}\n@misc{n, note = j}\n',
        "@comment{jabref-meta: databaseType:bibtex;}\n@preamble{{x}}\n@misc{a, title = {Rain}}\n@preamble{{y}}\n",
    ],
)
def test_an_import_is_a_fixed_point(library: Library, text: str, tmp_path: Path) -> None:
    take(library, text)
    before = state(library)
    for _ in range(2):
        assert take(library, text).count("added") == 0
        assert state(library) == before
    take(library, library.export_bib().text, "export.bib")
    assert state(library) == before


def test_shared_data_of_one_key_keeps_its_meaning(library: Library) -> None:
    book = "@book{%s, xdata = {x}, title = {A book of %s}, author = {A B}}"
    take(library, "@xdata{x, publisher = {One}}\n" + book % ("b", "rain"))
    text = "@xdata{x, publisher = {Two}}\n" + book % ("c", "snow")
    take(library, text, "b.bib")
    assert [library.get(key).venue for key in "bc"] == ["One", "Two"]
    before = state(library)
    take(library, text, "b.bib")
    assert state(library) == before


@pytest.mark.parametrize("key", ["ab", "aB", "Ab", "AB", "É/x", "é/x", "con", "x%2", "..a"])
def test_the_other_name_of_a_file_is_its_own(key: str) -> None:
    assert key_of(apart_name(key)) == key == key_of(file_name(key))
    cases = {key, key.lower(), key.upper(), key.swapcase()}
    names = [name.casefold() for one in cases for name in (file_name(one), apart_name(one))]
    assert len({*names}) == len(cases) + len({file_name(one).casefold() for one in cases})


def test_what_an_import_does_not_take_stands_in_its_report(library: Library, kb: Kb, root: Path) -> None:
    text = "@misc{a, title = {A title of words}, author = {A B}, note = {%s}}"
    take(library, text % "mine")
    (root / "b.bib").write_text(text % ("theirs " * 30))
    assert text % ("theirs " * 30) in kb("import", "b.bib").out
    assert json.loads(kb("import", "b.bib", "--json").out)["papers"][0]["left_out"] == [text % ("theirs " * 30)]


def test_add_says_what_is_here_without_the_network(kb: Kb) -> None:
    kb("add", "-", given="@misc{hu, title = {Low rank}, eprint = {2106.09685}, archiveprefix = {arXiv}}")
    kb("mark-read", "hu", "--on", "2026-11-24")
    for name in ("2106.09685", "https://arxiv.org/pdf/2106.09685v2", "arXiv:2106.09685"):
        done = kb("add", name)
        assert done.status == 0
        assert done.out.startswith("already here: hu (read 2026-11-24, added ")


def test_the_year_in_the_name_of_proceedings_tells_two_apart() -> None:
    text = "@inproceedings{{k, title = {{Welcome of the chairs}}, author = {{Ek, A}}, booktitle = {{OWL {0}}}, year = {0}}}"
    one, two = (describe(Paper(key="k", bibtex=text.format(year))) for year in (2019, 2020))
    assert compare(one, two).answer == "different"
    assert compare(one, one).answer == "same"
