"""Every rule of the checker: it fires where something is wrong, on the right line, and nowhere else."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog import check as package
from catalog.check import CODES, check, fix, fixable, fixes
from catalog.check.notes import targets, without_code
from catalog.errors import Finding
from catalog.library import Library
from catalog.models import Paper
from catalog.paperfile import dumps, loads
from catalog.sources.news import CODES as NEWS
from catalog.store import Store
from refimpl import Card, Problem

TODAY = dt.date(2026, 11, 24)
ENTRY = """@article{doe2020thing,
  title = {A Thing of Many Parts},
  author = {Doe, Jane and Roe, Richard},
  journal = {Journal of Things},
  year = {2020}
}"""
PREPRINT = """@article{doe2020thing,
  title = {A Thing of Many Parts},
  author = {Doe, Jane},
  journal = {arXiv preprint arXiv:2001.01234},
  year = {2020}%s
}"""


class Base:
    """A knowledge base in a folder, and what is found in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "papers").mkdir()
        (root / "kb.toml").touch()

    def write(self, text: str, name: str = "papers/doe2020thing.md") -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())

    def paper(self, bibtex: str = ENTRY, key: str = "doe2020thing", notes: str = "", **fields: object) -> None:
        values = {"key": key, "bibtex": bibtex.replace("doe2020thing", key), "notes": notes} | fields
        self.write(dumps(Paper.model_validate(values)), f"papers/{key}.md")

    def found(self, *cards: Card) -> list[Finding]:
        return check(Store(self.root), cards, TODAY)

    def codes(self, *cards: Card) -> list[str]:
        return [finding.code for finding in self.found(*cards)]

    def line(self, finding: Finding) -> str:
        return (self.root / finding.path).read_text("utf-8").split("\n")[finding.line - 1]


@pytest.fixture
def base(tmp_path: Path) -> Base:
    return Base(tmp_path)


def only(found: list[Finding]) -> Finding:
    assert [finding.code for finding in found] == [found[0].code if found else "something"]
    return found[0]


def test_nothing_wrong(base: Base) -> None:
    assert base.found() == []
    base.paper(links={"paper": "https://example.org/thing"}, notes="See [other](other2021.md), $f[i](x)$, `[a]()`.")
    base.paper(ENTRY.replace("A Thing", "Another Matter"), "other2021", tags=["a"])
    assert base.found() == []


# --- one file ---


def test_a_file_that_cannot_be_read(base: Base) -> None:
    base.write("---\nstatus: unread\nadded: 2026-13-40\n---\n")
    finding = only(base.found())
    assert (finding.code, finding.path, finding.line) == ("field", "papers/doe2020thing.md", 3)
    base.write("---\nstatus: \xff\n---\n", "papers/other.md")
    (base.root / "papers/bytes.md").write_bytes(b"---\n\xff")
    assert {"encoding", "field"} <= set(base.codes())


def test_not_in_canonical_form(base: Base) -> None:
    base.write(f"---\nadded: '2026-01-01'\nstatus: unread\n---\n\n```bibtex\n{ENTRY}\n```\n")
    finding = only(base.found())
    assert (finding.code, finding.line) == ("format", 2)
    assert base.line(finding) == "added: '2026-01-01'"


def test_line_ends_of_another_system(base: Base) -> None:
    base.write(f"---\nstatus: unread\n---\n\n```bibtex\n{ENTRY}\n```\n".replace("\n", "\r\n"))
    assert "CRLF" in only(base.found()).message


def test_a_file_that_only_ends_too_late(base: Base) -> None:
    base.write(f"---\nstatus: unread\n---\n\n```bibtex\n{ENTRY}\n```\n\n")
    finding = only(base.found())
    assert (finding.code, finding.line) == ("format", 13)


def test_fields_of_others_are_kept_and_told(base: Base) -> None:
    base.write(f"---\nstatus: unread\nstars: 5\ntagz: x\n---\n\n```bibtex\n{ENTRY}\n```\n")
    stars, tagz = base.found()
    assert (stars.code, stars.kind, base.line(stars)) == ("unknown-field", "note", "stars: 5")
    assert tagz.remedy == "did you mean tags?"


@pytest.mark.parametrize("name", ["a%62.md", "a%2fb.md"])
def test_a_file_with_another_name_than_its_key_has(base: Base, name: str) -> None:
    base.paper()
    (base.root / "papers/doe2020thing.md").rename(base.root / "papers" / name)
    assert "file-name" in base.codes()


def test_names_that_differ_in_case_only(base: Base) -> None:
    base.paper()
    base.paper(ENTRY.replace("Thing", "Matter").replace("2020", "2021"), "Doe2020Thing")
    if len(list((base.root / "papers").iterdir())) < 2:
        pytest.skip("this file system ignores case")
    assert "case-clash" in base.codes()


def test_a_title_that_is_the_bibtexs(base: Base) -> None:
    base.paper(title="A Thing of Many Parts")
    finding = only(base.found())
    assert (finding.code, finding.kind, base.line(finding)) == (
        "title-repeated",
        "note",
        "title: A Thing of Many Parts",
    )
    base.paper(title="The Thing")
    assert base.found() == []


def test_read_on_a_day_to_come(base: Base) -> None:
    base.paper(status="read", read="2026-11-26")
    finding = only(base.found())
    assert (finding.code, base.line(finding)) == ("future", "read: '2026-11-26'")
    base.paper(status="read", read="2026-11-25")
    assert base.found() == []


# --- BibTeX ---


def test_no_bibtex_is_a_note(base: Base) -> None:
    base.paper("", title="A post", links={"blog": "https://example.org/post"})
    assert (only(base.found()).code, only(base.found()).kind) == ("no-bibtex", "note")
    base.paper("", title="A post")
    assert (only(base.found()).code, only(base.found()).kind) == ("unidentified", "note")


@pytest.mark.parametrize("form", ["```bibtex\n{}\n```", "{}"])
def test_bibtex_among_the_notes(base: Base, form: str) -> None:
    base.paper("", title="A Thing", notes="Before.\n\n" + form.format(ENTRY))
    finding = only(base.found())
    assert finding.code == "bibtex-in-notes"
    assert base.line(finding) in ("```bibtex", "@article{doe2020thing,")


def test_bibtex_that_cannot_be_read(base: Base) -> None:
    base.paper("@article{doe2020thing,\n  = = =\n}")
    finding = only(base.found())
    assert (finding.code, base.line(finding)) == ("bibtex", "  = = =")


def test_a_block_without_an_entry(base: Base) -> None:
    base.paper("just words")
    assert only(base.found()).code == "bibtex"


def test_damage_is_repaired_by_fix_and_the_rest_stays(base: Base) -> None:
    damaged = ENTRY.replace("Parts},", "Parts}")
    base.paper(f"% mine\n{damaged}")
    finding = only(base.found())
    assert finding.code == "bibtex-damage"
    assert base.line(finding) == "  title = {A Thing of Many Parts}"
    fixed, left = fix(Store(base.root), today=TODAY)
    assert ([f.code for f in fixed], left) == (["bibtex-damage"], [])
    text = (base.root / "papers/doe2020thing.md").read_text("utf-8")
    assert f"```bibtex\n% mine\n{ENTRY}\n```" in text


def test_a_key_that_is_not_the_files(base: Base) -> None:
    base.paper()
    (base.root / "papers/doe2020thing.md").rename(base.root / "papers/other.md")
    finding = only(base.found())
    assert finding.code == "key"
    assert "kb rename other doe2020thing" in finding.remedy
    assert base.line(finding) == "@article{doe2020thing,"


def test_a_second_entry_for_the_paper_is_fine(base: Base) -> None:
    base.paper(f"{ENTRY}\n\n{ENTRY.replace('doe2020thing', 'doe2019early')}".replace("doe2020thing", "doe2020thing"))
    assert base.found() == []


def test_lines_are_those_of_the_second_entry(base: Base) -> None:
    base.paper(f"{ENTRY}\n\n@misc{{doe2019early,\n  note = {{x}}\n}}")
    finding = only(base.found())
    assert (finding.code, base.line(finding)) == ("missing-field", "@misc{doe2019early,")


def test_blank_lines_before_the_entry_do_not_move_the_line(base: Base) -> None:
    base.write("---\nstatus: unread\n---\n\n```bibtex\n\n\n@misc{doe2020thing,\n  year = {20x3},\n  title={T}}\n```\n")
    year = next(finding for finding in base.found() if finding.code == "year")
    assert base.line(year) == "  year = {20x3},"


def test_a_macro_that_is_not_defined(base: Base) -> None:
    base.paper(ENTRY.replace("{Journal of Things}", "jot"))
    finding = only(base.found())
    assert (finding.code, base.line(finding).strip()) == ("macro", "journal = jot,")
    base.write("@string{jot = {Journal of Things}}\n", "shared.bib")
    assert base.found() == []


def test_a_field_that_stands_twice(base: Base) -> None:
    base.paper(ENTRY.replace("{2020}", "{2020},\n  year = {2021}"))
    finding = only(base.found())
    assert (finding.code, finding.kind, base.line(finding)) == ("duplicate-field", "note", "  year = {2021}")


@pytest.mark.parametrize(
    ("entry", "missing"),
    [
        ("@article{doe2020thing, title={T}}", "author, journal, year"),
        ("@article{doe2020thing, title={T}, author={Doe, J}, journaltitle={J}, date={2020}}", ""),
        ("@inproceedings{doe2020thing, title={T}, author={Doe, J}, year={2020}}", "booktitle"),
        ("@book{doe2020thing, title={T}, editor={Doe, J}, publisher={P}, year={2020}}", ""),
        ("@book{doe2020thing, title={T}, year={2020}}", "author or editor, publisher"),
        ("@phdthesis{doe2020thing, title={T}, author={Doe, J}, institution={S}, year={2020}}", ""),
        ("@mastersthesis{doe2020thing, title={T}, author={Doe, J}, year={2020}}", "school or institution"),
        ("@techreport{doe2020thing, title={T}, author={Doe, J}, year={2020}}", "institution"),
        ("@incollection{doe2020thing, title={T}, author={Doe, J}, booktitle={B}, year={2020}}", "publisher"),
        ("@inbook{doe2020thing, title={T}, author={D, J}, publisher={P}, year={2020}}", "chapter or pages"),
        ("@misc{doe2020thing, title={T}}", ""),
        ("@misc{doe2020thing, title={{ }}}", "title"),
    ],
)
def test_fields_that_a_style_would_miss(base: Base, entry: str, missing: str) -> None:
    base.paper(entry)
    messages = [finding.message for finding in base.found() if finding.code == "missing-field"]
    assert len(messages) == bool(missing)
    assert all(missing.split(", ")[0] in message for message in messages)


def test_what_is_inherited_counts_and_a_parent_must_be_there(base: Base) -> None:
    child = "@inproceedings{doe2020thing, title={T}, author={Doe, J}, crossref={conf20}}"
    base.paper(child)
    assert base.codes() == ["missing-field", "no-parent"]
    base.write("@proceedings{conf20, title={Conference}, year={2020}}\n", "shared.bib")
    assert base.found() == []


def test_an_entry_type_that_nobody_knows(base: Base) -> None:
    base.paper("@artikel{doe2020thing, title={T}}")
    assert (only(base.found()).code, only(base.found()).kind) == ("entry-type", "note")


@pytest.mark.parametrize("names", ["Doe, Jane and", "Doe, Jane; Roe, R", "a, b, c, d", "Jane {Doe"])
def test_names_that_do_not_parse(base: Base, names: str) -> None:
    if names.count("{"):
        names += "}} and {x"
    base.paper(ENTRY.replace("Doe, Jane and Roe, Richard", names))
    assert {"name"} & set(base.codes()) or {"bibtex-damage"} & set(base.codes())


@pytest.mark.parametrize(
    ("year", "fine"),
    [("2020", True), ("20x3", False), ("98", False), ("20203", False), ("2099", False), ("in press", True),
     ("c. 1850", True), ("2019/2020", True)],
)  # fmt: skip
def test_years(base: Base, year: str, fine: bool) -> None:
    base.paper(ENTRY.replace("{2020}", f"{{{year}}}"))
    assert base.codes() == ([] if fine else ["year"])


@pytest.mark.parametrize(
    ("field", "codes", "kind"),
    [
        ("doi = {10.1234/abc}", [], ""),
        ("doi = {10.1234/ab\\_c}", [], ""),
        ("doi = {abc}", ["doi"], "note"),
        ("doi = {https://doi.org/10.1234/abc}", ["doi-resolver"], "note"),
        ("doi = {10.1234/abc, 10.1234/d}", ["doi"], "note"),
        ("eprint = {2106.09685}, archiveprefix = {arXiv}", [], ""),
        ("eprint = {cs/0112017}, archiveprefix = {arXiv}", [], ""),
        ("eprint = {2106.0968}, archiveprefix = {arXiv}", ["arxiv-id"], "note"),
        ("eprint = {2199.09685}, archiveprefix = {arXiv}", ["arxiv-id"], "note"),
        ("eprint = {arXiv:2106.09685v2}", ["arxiv-resolver"], "note"),
    ],
)
def test_identifiers(base: Base, field: str, codes: list[str], kind: str) -> None:
    base.paper(ENTRY.replace("{2020}", f"{{2020}},\n  {field}"))
    assert base.codes() == codes
    assert all(f.kind == kind and base.line(f).strip().startswith(field[:6]) for f in base.found())


@pytest.mark.parametrize(
    ("more", "field"),
    [
        (", note = {Accepted at ICLR 2024}", "note"),
        (", note = {Accepted as a spotlight at NeurIPS}", "note"),
        (", comment = {15 pages. To appear in TACL}", "comment"),
        (", note = {Published as a conference paper at ICLR 2017}", "note"),
        (", journal_ref = {Proc. ACL 2020}", "journal_ref"),
        (", howpublished = {Appeared in Nature}", "howpublished"),
        (", pubstate = {inpress}", "pubstate"),
        (", booktitle = {Advances in Neural Things}", "booktitle"),
        (", doi = {10.1145/3292500.3330701}", "doi"),
        ("", ""),
        (", note = {Submitted to ICLR; not accepted at ICML}", ""),
        (", note = {Published on 3 May; published in arXiv}", ""),
        (", note = {If accepted to ACL, code will appear}", ""),
        (", doi = {10.48550/arXiv.2001.01234}", ""),
        (", doi = {10.5281/zenodo.1234}", ""),
    ],
)
def test_a_preprint_that_says_it_was_published(base: Base, more: str, field: str) -> None:
    base.paper(PREPRINT % more.replace(", ", ",\n  ", 1))
    found = [finding for finding in base.found() if finding.code == "published"]
    assert [base.line(finding).strip().split(" ")[0] for finding in found] == ([field] if field else [])


def test_a_published_paper_with_an_arxiv_id_is_no_preprint(base: Base) -> None:
    base.paper(ENTRY.replace("{2020}", "{2020},\n  eprint = {2001.01234},\n  note = {Accepted at X}"))
    base.paper(
        "@inproceedings{roe, title={Other}, author={Roe, R}, booktitle={ACL}, year={2020}, eprint={2001.01235}}", "roe"
    )
    assert base.found() == []


# --- links ---


@pytest.mark.parametrize(
    ("notes", "code"),
    [
        ("[here]()", "empty-link"),
        ("[here](<>)", "empty-link"),
        ("![](  )", "empty-link"),
        ("[here](https://)", "bad-link"),
        ("[here](javascript:alert)", "bad-link"),
        ("[here](https://example.org/a b)", "bad-link"),
        ("[here](/etc/passwd)", "bad-link"),
        ("[here](nowhere.md)", "unknown-paper"),
        ("[here](./nowhere.md#part)", "unknown-paper"),
        ("[here](DOE2020THING.md)", "unknown-paper"),
        ("![plot](plot.png)", "broken-link"),
        ('<img src="plot.png">', "broken-link"),
        ("[label]: plot.png", "broken-link"),
        ("[here](../../../etc/passwd)", "outside-link"),
        ("[here](../notebooks/none.ipynb)", "no-notebook"),
        ("[here](https://example.org/%C2%A0)", "dirty-link"),
        ("[here](https://example.org/?utm_source=x&a=b)", "dirty-link"),
        ("- a\n\n    [in a list]()", "empty-link"),
        ("text\n    [goes on]()", "empty-link"),
    ],
)
def test_links_in_notes(base: Base, notes: str, code: str) -> None:
    base.paper(notes=f"First line.\n\n{notes}\n\nLast line.")
    finding = only(base.found())
    assert finding.code == code
    assert base.line(finding) == notes.split("\n")[-1]


@pytest.mark.parametrize(
    "notes",
    ["`[here]()`", "``a ` [here]()``", "```\n[here]()\n```", "~~~~\n```\n[here]()\n~~~~", "text:\n\n    [here]()",
     "<!-- [here]() -->", "$a[i](j)$", "[here](doe2020thing.md)", "[x](<doe2020thing.md> 'title')", "[here](#part)",
     "[a](https://en.wikipedia.org/wiki/A_(b))", "[^1]: a/b is prose", "\\[x](y", "[mail](mailto:a@example.org)",
     "[here](https://arxiv.org/pdf/2001.01234.pdf)"],
)  # fmt: skip
def test_what_is_no_broken_link(base: Base, notes: str) -> None:
    base.paper(notes=notes)
    assert base.found() == []


def test_a_relative_link_to_what_is_there(base: Base) -> None:
    base.write("x", "papers/plot one.png")
    base.write('{"cells": []}', "notebooks/a.ipynb")
    base.paper(notes="![p](plot%20one.png) [n](../notebooks/a.ipynb)")
    assert base.found() == []


@pytest.mark.parametrize("content", ["not json", "[]", '{"a": 1}', "[" * 100_000])
def test_a_notebook_that_is_none(base: Base, content: str) -> None:
    base.write(content, "notebooks/a.ipynb")
    base.paper(tutorials=[{"name": "how", "notebook": "../notebooks/a.ipynb"}])
    finding = only(base.found())
    assert (finding.code, base.line(finding).strip()) == ("bad-notebook", "notebook: ../notebooks/a.ipynb")


def test_a_missing_notebook_of_a_tutorial(base: Base) -> None:
    base.paper(tutorials=[{"name": "how", "notebook": "../notebooks/a.ipynb"}])
    assert only(base.found()).code == "no-notebook"


def test_a_link_out_of_the_knowledge_base_is_not_followed(base: Base, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "a.ipynb"
    outside.write_text("secret")
    (base.root / "a.ipynb").symlink_to(outside)
    base.paper(tutorials=[{"name": "how", "notebook": "../a.ipynb"}])
    assert only(base.found()).code == "outside-link"


def test_a_paper_link_to_another_paper(base: Base) -> None:
    links = {"code": "https://example.org", "paper": "https://arxiv.org/abs/2001.09999"}
    base.paper(PREPRINT % "", links=links)
    finding = only(base.found())
    assert (finding.code, base.line(finding).strip()) == ("other-paper", "paper: https://arxiv.org/abs/2001.09999")
    base.paper(PREPRINT % "", links=links | {"paper": "https://arxiv.org/pdf/2001.01234v3"})
    assert base.found() == []


# --- the catalog as a whole ---


def test_one_work_twice(base: Base) -> None:
    base.paper()
    base.paper(ENTRY.replace("A Thing of", "A thing of").replace("Jane", "J."), "zoe2020same")
    base.paper(ENTRY.replace("Doe, Jane and ", ""), "other")
    finding = only(base.found())
    assert (finding.code, finding.path) == ("duplicate", "papers/zoe2020same.md")
    assert "doe2020thing" in finding.message


def test_one_identifier_for_two_works(base: Base) -> None:
    base.paper(ENTRY.replace("{2020}", "{2020}, doi = {10.1234/x}"))
    other = "@misc{zoe, title={Wholly different matter under the sun}, author={Zoe, Z}, doi={10.1234/x}}"
    base.paper(other, "zoe")
    finding = only(base.found())
    assert (finding.code, finding.kind, finding.path) == ("same-identifier", "note", "papers/zoe.md")


def test_many_works_of_one_title_take_no_longer_than_they_should(base: Base) -> None:
    for number in range(600):
        base.paper(f"@misc{{k{number}, title={{Introduction to it all}}, author={{Fam{number}, A}}}}", f"k{number}")
    start = time.perf_counter()
    assert base.found() == []
    assert time.perf_counter() - start < 10


def test_one_key_for_two_entries(base: Base) -> None:
    base.paper(f"{ENTRY}\n\n@misc{{roe, title={{A Thing of Many Parts}}}}")
    base.paper("@misc{roe, title={Wholly different matter}, doi={10.1234/x}}", "roe")
    assert "duplicate-key" in base.codes()


def test_tags_that_are_one(base: Base) -> None:
    for number, tag in enumerate(["RAG", "rag", "rag", "Long Context", "long-context"]):
        base.paper(ENTRY.replace("A Thing", f"A Number{number}"), f"k{number}", tags=[tag])
    found = base.found()
    assert [(f.code, f.path, base.line(f)) for f in found] == [
        ("tag-spelling", "papers/k0.md", "  - RAG"),
        ("tag-spelling", "papers/k3.md", "  - Long Context"),
    ]
    fixed, left = fix(Store(base.root), today=TODAY)
    assert (len(fixed), left) == (2, [])
    assert "  - long-context\n" in (base.root / "papers/k3.md").read_text("utf-8")


def test_an_implementation_of_an_unknown_paper(base: Base) -> None:
    base.paper(aliases=["doe2019old"])
    path = str(base.root / "refimpl/thing.py")
    right = Card("thing", path, paper="doe2020thing", line=9)
    assert base.found(right, right) == []
    finding = only(base.found(Card("thing", path, paper="nobody", line=9)))
    assert (finding.code, finding.path, finding.line) == ("unknown-implementation", "refimpl/thing.py", 9)
    assert "doe2020thing" in only(base.found(Card("thing", path, paper="doe2019old", line=9))).remedy
    assert base.found(Card("thing", "/elsewhere/thing.py", paper="nobody", line=9)) == []
    broken = Card("thing", path, paper="doe2020thing", problems=(Problem("no demo", "write it", path, 3),))
    assert (only(base.found(broken)).code, only(base.found(broken)).line) == ("implementation", 3)


def test_shared_bib(base: Base) -> None:
    base.write(
        "@string{a = {x}}\n@string{A = {y}}\n@string{b = {z}}\n@string{b = {z}}\n\n@misc{broken, title = \n",
        "shared.bib",
    )
    found = [finding for finding in base.found() if finding.path == "shared.bib"]
    assert [(f.code, f.line) for f in found if f.code == "string-twice"] == [("string-twice", 2)]
    assert "shared" in {f.code for f in found}
    (base.root / "shared.bib").write_bytes(b"\xff")
    assert "encoding" in base.codes()


def test_no_papers_folder(base: Base) -> None:
    (base.root / "papers").rmdir()
    assert [(f.code, f.path, f.line) for f in base.found()] == [("config", "kb.toml", 1)]


def test_what_lies_among_the_papers(base: Base) -> None:
    for name in ("README.md", ".hidden", "linked.png", "stray.txt", "_draft.md", "deep/inside.md", "figures/a.png"):
        base.write("x", f"papers/{name}")
    base.paper(notes="![x](linked.png)")
    (base.root / "papers/away.md").symlink_to("/etc/hostname")
    (base.root / "papers/nowhere.md").symlink_to("gone.md")
    found = base.found()
    assert {Path(f.path).name for f in found} == {"stray.txt", "_draft.md", "deep", "away.md", "nowhere.md"}
    assert {(f.code, f.kind) for f in found} == {("ignored", "note")}


# --- mending ---


def test_fix_writes_only_what_is_safe(base: Base) -> None:
    notes = "A [link](https://example.org/?utm_source=x) and `[x](https://example.org/?utm_source=x)` and [here]()."
    base.paper(
        title="A Thing of Many Parts",
        links={"paper": "https://example.org/a?trk=b#c"},
        notes=notes,
        bibtex=ENTRY.replace("doe2020thing", "other"),
    )
    fixed, left = fix(Store(base.root), today=TODAY)
    assert sorted(f.code for f in fixed) == ["dirty-link", "dirty-link", "title-repeated"]
    assert sorted(f.code for f in left) == ["empty-link", "key"]
    paper = loads((base.root / "papers/doe2020thing.md").read_text("utf-8"), "doe2020thing")
    assert paper.links[0].url == "https://example.org/a#c"
    assert paper.notes == notes.replace("(https://example.org/?utm_source=x)", "(https://example.org/)", 1)
    assert fix(Store(base.root), today=TODAY) == ([], left)


def test_a_file_that_cannot_be_read_is_not_touched(base: Base) -> None:
    base.write("---\nstatus: nonsense\n---\n")
    fixed, left = fix(Store(base.root), today=TODAY)
    assert (fixed, [f.code for f in left]) == ([], ["field"])
    assert (base.root / "papers/doe2020thing.md").read_text() == "---\nstatus: nonsense\n---\n"


def test_codes_are_explained() -> None:
    assert all(len(meaning) < 100 for meaning in CODES.values())
    assert {code for code in CODES if fixable(code)} == {
        "format", "bibtex-damage", "title-repeated", "tag-spelling", "dirty-link"
    }  # fmt: skip
    sources = "".join(file.read_text("utf-8") for file in Path(package.__file__).parent.glob("*.py"))
    of_readers = ("field", "front-matter", "encoding", "run", "unreadable", *NEWS)
    assert [code for code in CODES if sources.count(f'"{code}"') < 2 and code not in of_readers] == []


TEXT = st.text(alphabet="[]()<>`~$\\!#@{}|.-*:/ \n\tabmd%\"'&=\r", max_size=80)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(bibtex=TEXT, notes=TEXT)
def test_no_text_raises_and_fixing_twice_changes_nothing(base: Base, bibtex: str, notes: str) -> None:
    try:
        base.paper(f"@misc{{doe2020thing, {bibtex}", notes=notes)
    except ValueError:
        return
    found = base.found()
    assert {finding.code for finding in found} <= set(CODES)
    assert all(finding.remedy and finding.message for finding in found)
    _, left = fix(Store(base.root), today=TODAY)
    assert not [finding for finding in left if fixable(finding.code)]
    assert fix(Store(base.root), today=TODAY) == ([], left)


@given(notes=TEXT)
def test_blanking_moves_nothing(notes: str) -> None:
    assert len(without_code(notes)) in (len(notes), len(notes) + 1)
    for target in targets(notes):
        assert notes[: target.start].count("\n") + 1 == target.line


@pytest.mark.parametrize(
    "unit", ["](", "[x](", "`", "``` ", "$$", "$a", "<a href=", "[x]: /", "<!--", "(((", "\n\n", "\\(", "<", "&"]
)
def test_long_notes_take_no_longer_than_they_should(unit: str) -> None:
    targets(unit * 100)
    start = time.perf_counter()
    targets(unit * 20_000)
    assert time.perf_counter() - start < 5


def test_a_folder_that_is_no_knowledge_base(tmp_path: Path) -> None:
    (tmp_path / "kb.toml").write_text("nonsense = 1")
    [finding] = [one for one in check(Store(tmp_path)) if "nonsense" in one.message]
    assert str(finding).startswith("kb.toml:1: nonsense: no such setting; known are title, ")


def test_a_fix_that_would_not_read_back_is_left(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    store = library.store
    for key in "ab":
        (store.folder / f"{key}.md").write_text(f"---\nstatus:   unread\ntitle: W{key}\n---\n")
    before = (store.folder / "a.md").read_text()
    real = fixes.dumps
    monkeypatch.setattr(fixes, "dumps", lambda paper: real(paper) + ("[" if paper.key == "a" else ""))
    fix(store)
    assert (store.folder / "a.md").read_text() == before
    assert (store.folder / "b.md").read_text().startswith("---\ntitle: Wb\nstatus: unread\n")
