"""What entries say for those who keep a library: tags, a status, notes and files."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from support import Kb

from catalog.bibtex import used
from catalog.bibtex.entry import read
from catalog.library import Library
from catalog.store.config import CONFIG, read_config

ENTRY = r"""@article{ek2020, author = {Ek, B.}, title = {On owls}, journal = {J}, year = 2020,
  keywords = {birds > owls, night {and} day}, groups = {Shelf}, readstatus = {read},
  annote = {First \emph{thought}.

Second, 5\% of it.}, file = {Full Text:files/12/owls.pdf:application/pdf;:C\:\\x\\y.pdf:PDF}}
@article{ek2021, author = {Ek, C.}, title = {On wires}, journal = {J}, year = 2021}
"""


def brought(library: Library, text: str, name: str = "a.bib") -> list[str]:
    done = library.import_([(name, text.encode())])
    return [str(finding) for finding in done.findings] + [line for c in done.changes for line in c.differences]


def files(library: Library) -> dict[str, str]:
    return {path.name: path.read_text() for path in library.root.rglob("*") if path.suffix in (".md", ".bib")}


def test_what_an_entry_says_is_used_and_not_copied(tmp_path: Path) -> None:
    library = Library.init(tmp_path)
    said = brought(library, ENTRY)
    facts = library.get("ek2020")
    assert facts.tags == ("birds", "owls", "night and day", "Shelf")
    assert facts.reading.status == "read"
    assert facts.notes == "First thought.\n\nSecond, 5% of it."
    assert [(one.label, one.url) for one in facts.addresses if one.origin == "file"] == [
        ("Full Text", "files/12/owls.pdf"),
        ("", "C:\\x\\y.pdf"),
    ]
    assert library.paper("ek2020").tags == ()
    assert [line for line in said if "keywords of 1 as tags" in line and "used_fields" in line]
    assert [line.key for line in library.lines("tag:owls thought").papers] == ["ek2020"]
    page = next(page for path, page in library.pages().items() if path.endswith("ek2020.md"))
    assert isinstance(page, str)
    assert 'href="files' not in page
    assert "Full Text</a>" not in page
    before = files(library)
    library.import_([("a.md", library.export_markdown().encode())])
    assert files(library) == before
    library.import_([("a.json", library.export_json().encode())])
    assert (library.paper("ek2020").tags, library.paper("ek2020").notes) == ((), "")


def test_an_entry_that_comes_again_is_followed_in_these_fields_alone(tmp_path: Path) -> None:
    library = Library.init(tmp_path)
    brought(library, ENTRY)
    library.tag("ek2020", ["mine"])
    changed = ENTRY.replace("birds > owls", "birds > kites").replace("{read}", "{skimmed}").replace("{J}", "{K}")
    said = brought(library, changed)
    facts = library.get("ek2020")
    assert facts.tags == ("mine", "birds", "kites", "night and day", "Shelf")
    assert (facts.reading.status, facts.venue) == ("reading", "J")
    assert "journal: “J” stays, not “K”" in said
    assert "readstatus: “skimmed” replaces “read”" in said
    library.mark_unread(["ek2020"])
    before = files(library)
    for text in (changed, changed):
        brought(library, text)
    assert files(library) == before  # the reader's own status stays, and nothing is doubled


def test_a_tag_of_an_entry_can_be_taken_off(tmp_path: Path) -> None:
    library = Library.init(tmp_path)
    brought(library, ENTRY)
    library.tag("ek2020", remove=["Owls", "shelf"])
    assert library.get("ek2020").tags == ("birds", "night and day")
    assert "groups" not in read(library.paper("ek2020").bibtex).fields


def test_the_status_of_an_entry_counts_where_none_is_said(kb: Kb, root: Path) -> None:
    bibtex = "@article{%s, title={Of %s}, author={Doe, Jane}, journal={J}, year={2020}, readstatus={read}}"
    for key, options in (("a2020", []), ("b2020", ["--status", "reading"])):
        (root / "one.bib").write_text(bibtex % (key, key))
        assert kb("add", str(root / "one.bib"), *options).status == 0
    assert [Library.open(root).get(key).reading.status for key in ("a2020", "b2020")] == ["read", "reading"]


def test_groups_in_comments_are_tags(tmp_path: Path) -> None:
    comment = r"""@comment{jabref-meta: grouping:
0 AllEntriesGroup:;
1 StaticGroup:Room\;2\;1\;0x0\;\;\;;
2 StaticGroup:Shelf\;0\;1\;\;\;\;;
1 ExplicitGroup:To do\;0\;ek2
021\;gone\;;
1 KeywordGroup:Nightly\;0\;keywords\;night {and} day\;0\;0\;;
1 SearchGroup:x\;0\;title=owls\;0\;0\;;
}
@comment{BibDesk Static Groups{
<?xml version="1.0" encoding="UTF-8"?><plist version="1.0"><array><dict>
<key>group name</key><string>Desk</string><key>keys</key><string>ek2020,ek2021</string></dict></array></plist>
}}"""
    library = Library.init(tmp_path)
    brought(library, ENTRY + comment)
    assert library.paper("ek2020").tags == ("Room", "Nightly", "Desk")
    assert library.paper("ek2021").tags == ("To do", "Desk")
    before = files(library)
    brought(library, ENTRY + comment)
    assert files(library) == before


def test_what_is_used_can_be_chosen(tmp_path: Path) -> None:
    library = Library.init(tmp_path)
    brought(library, ENTRY)
    (tmp_path / CONFIG).write_text('used_fields = ["annote"]\n')
    library = Library.open(tmp_path)
    facts = library.get("ek2020")
    assert (facts.tags, facts.notes != "", facts.places) == ((), True, ())
    (tmp_path / CONFIG).write_text('used_fields = ["tags"]\n')
    (told,) = read_config(tmp_path).wrong
    assert "'tags' is none of keywords, groups" in str(told)


def test_open_takes_documents_alone(kb: Kb, root: Path) -> None:
    (root / "owls.pdf").write_bytes(b"%PDF")
    (root / "run.desktop").write_bytes(b"x")
    names = ("owls.pdf", f"{root}/owls.pdf", "run.desktop", "//host/share/x.pdf", "gone.pdf")
    texts = [
        f"@misc{{k{i}, title = {{Number {i} of {one[:4]}}}, file = {{:{one}:PDF}}}}" for i, one in enumerate(names)
    ]
    brought(Library.open(root), "\n".join(texts))
    assert [kb("open", f"k{i}", "file", "--print").status for i in range(len(names))] == [0, 0, 1, 1, 1]


def test_braces_hold_a_keyword_together() -> None:
    assert used.tags({"keywords": "a, {b, c}, d\\,e"}) == ("a", "b, c", "d,e")
    assert used.tags({"keywords": "a, b; c"}) == ("a, b", "c")
    assert used.tags({"keywords": "a, b", "tags": "b, c", "tag": "d"}) == ("a", "b", "c"), "as cobib writes them"
    assert used.tags({"keywords": "machine\n learning, Machine-Learning"}) == ("machine learning",)


@given(st.text("ab,;>{}\\ :&%\n", max_size=30))
def test_nothing_of_this_fails(text: str) -> None:
    fields = dict.fromkeys(used.spelt(used.USED), text)
    assert all(tag == tag.strip() != "" for tag in used.tags(fields))
    assert all(one.url.strip() for one in used.files(fields))
    assert "" not in used.notes(fields)


def test_a_part_does_not_inherit_what_is_said_of_the_whole(library: Library) -> None:
    bib = """@book{p, title = {Whole}, editor = {Q, R}, year = 1999, keywords = {w}, groups = {G}, annote = {of it}, file = {p.pdf}}
@incollection{c, title = {Part on terns}, author = {T, U}, crossref = {p}, keywords = {terns}}"""
    brought(library, bib)
    facts = library.get("c")
    assert (facts.year, facts.tags, facts.notes, facts.places) == (1999, ("terns",), "", ())
