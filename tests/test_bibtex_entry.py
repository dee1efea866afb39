"""Reading and changing one entry, against two other readers of BibTeX."""

from __future__ import annotations

import io
import re
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from catalog.bibtex.entry import MONTHS, read, set_field, set_key, strings
from catalog.bibtex.scan import Block, scan
from catalog.errors import BadBibtex

SHARED = Path(__file__).parent.parent.parent / "shared" / "bibs"
FILES = sorted(SHARED.glob("*.bib")) if SHARED.is_dir() else []

inner = st.recursive(
    st.text(st.characters(exclude_characters="{}\\", exclude_categories=["C", "Z"]), max_size=8)
    | st.sampled_from(["a b", "50% of", r"\'e", "x = y, z", "@misc"]),
    lambda child: st.lists(st.one_of(child, child.map("{{{}}}".format)), max_size=4).map(" ".join),
    max_leaves=6,
)
atoms = st.one_of(
    inner.map("{{{}}}".format),
    inner.filter(lambda text: '"' not in text).map('"{}"'.format),
    st.integers(0, 9999).map(str),
    st.sampled_from(["jan", "Feb", "dec"]),
)
values = st.one_of(atoms, st.lists(atoms, min_size=2, max_size=3).map(" # ".join))
fields = st.dictionaries(st.from_regex(r"[a-z][a-z-]{0,10}", fullmatch=True), values, max_size=6)
keys = st.from_regex(r"[A-Za-z][A-Za-z0-9:_./+-]{0,12}", fullmatch=True)


@st.composite
def sources(draw: st.DrawFn) -> str:
    gap = draw(st.sampled_from([" ", "\n  ", ""]))
    parts = [draw(keys), *(f"{name}{gap}={gap}{value}" for name, value in draw(fields).items())]
    return f"@article{{{f',{gap}'.join(parts)}{gap}}}"


def has_plain_entry(block: Block) -> bool:
    """Whether it is an entry without comments between its fields, of which every reader makes something else."""
    return block.kind == "entry" and not any(finding.code == "comment-inside" for finding in block.findings)


def folded(text: str) -> str:
    return " ".join(text.split())


def by_bibtexparser(text: str) -> Any:
    import bibtexparser

    return bibtexparser.parse_string(text, parse_stack=[])


def by_pybtex(text: str) -> Any:
    from pybtex.database import BibliographyData
    from pybtex.database.input.bibtex import Parser

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parser = Parser(macros=dict(MONTHS))
        data: BibliographyData = parser.parse_stream(io.StringIO(text))
    return data


def pybtex_values(entry: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in entry.fields.items()}


def test_an_entry() -> None:
    text = '@Article{Key:1,\n Title = {A {GPU}\n  title},\n year = 2020, Month = jan # "~1", note = foo, YEAR = 1999 }'
    entry = read(text)
    assert (entry.type, entry.key) == ("article", "Key:1")
    assert entry.fields == {"title": "A {GPU}\n  title", "year": "2020", "month": "January~1", "note": "foo"}
    assert entry.raw == {"title": "{A {GPU}\n  title}", "year": "2020", "month": 'jan # "~1"', "note": "foo"}
    assert entry.undefined == ("foo",)


def test_macros_are_case_insensitive_and_chain() -> None:
    defined = strings('@string{JMLR = "J. of " # ml, b = jmlr # { B}}', {"ml": "ML"})
    assert defined == {"jmlr": "J. of ML", "b": "J. of ML B"}
    assert read("@misc{a, journal = Jmlr}", defined).fields == {"journal": "J. of ML"}


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("", "no entry starts here", 1),
        ("title = {x}", "no entry starts here", 1),
        ("\n@misc{a,\n title={T}\n year=1}", "no comma between two fields", 3),
        ("@misc{a title={T}}", "no comma after the citation key", 1),
        ("@misc{title={T}}", "the citation key", 1),
        ("@misc{a,\n title={T", "is not closed", 2),
        ("@misc{a,\n title={T}", "the entry is not closed", 2),
        ("@misc{a, title=12a}", "neither in braces", 1),
        ("@misc{a, title={T} x}", "goes on after its end", 1),
        ("@misc{a, foo}", "no field name and '='", 1),
        ("@misc{a}\n@misc{b}", "text after the end", 2),
        ("@string{a = 1}", "@string is not an entry", 1),
        ("@comment{a, b = 1}", "@comment is not an entry", 1),
    ],
)
def test_what_is_no_entry_is_refused_with_its_line(text: str, message: str, line: int) -> None:
    with pytest.raises(BadBibtex, match=re.escape(message)) as caught:
        read(text)
    assert caught.value.line == line


@given(st.text(alphabet='@a{}(),="\n %#1', max_size=40))
def test_nothing_but_our_error(text: str) -> None:
    for function in (read, lambda text: strings(text, {}), lambda text: set_field(text, "a", "1")):
        with suppress(BadBibtex):
            function(text)


def test_hostile_depth() -> None:
    deep = "{" * 100_000 + "}" * 100_000
    assert read(f"@misc{{a, title={deep}}}").raw["title"] == deep
    with pytest.raises(BadBibtex):
        read("@misc{a, title=" + "{" * 100_000)


@settings(max_examples=150)
@given(sources())
def test_generated_entries_agree_with_bibtexparser(text: str) -> None:
    entry = read(text)
    library = by_bibtexparser(text)
    assume(not library.failed_blocks)  # it takes an escaped brace for none
    (theirs,) = library.entries
    assert (theirs.entry_type, theirs.key) == (entry.type, entry.key)
    assert {field.key.lower(): field.value for field in theirs.fields} == dict(entry.raw)


@settings(max_examples=150)
@given(sources())
def test_generated_entries_agree_with_pybtex(text: str) -> None:
    entry = read(text)
    assume(not {"author", "editor", "key"} & set(entry.fields))
    theirs = by_pybtex(text).entries[entry.key]
    assert {name: folded(value) for name, value in entry.fields.items()} == {
        name: folded(value) for name, value in pybtex_values(theirs).items()
    }


@pytest.mark.skipif(not FILES, reason="the collection of real .bib files is not here")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_real_files_agree_with_bibtexparser(path: Path) -> None:
    compared = 0
    for block in scan(path.read_text("utf-8-sig")):
        library = by_bibtexparser(block.text) if has_plain_entry(block) else None
        if library and len(library.entries) == 1 and not library.failed_blocks:
            entry, (theirs,) = read(block.text), library.entries
            assert (theirs.entry_type, theirs.key) == (entry.type, entry.key)
            assert {field.key.lower(): field.value for field in theirs.fields} == dict(entry.raw)
            compared += 1
    assert compared


@pytest.mark.skipif(not FILES, reason="the collection of real .bib files is not here")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_real_files_agree_with_pybtex(path: Path) -> None:
    macros = dict(MONTHS)
    compared = 0
    for block in scan(path.read_text("utf-8-sig")):
        if block.kind == "string":
            macros |= strings(block.text, macros)
        entry = read(block.text, macros) if has_plain_entry(block) else None
        if entry and not entry.undefined:
            defined = "".join(f"@string{{{name} = {{{value}}}}}\n" for name, value in macros.items())
            theirs = by_pybtex(defined + block.text).entries[entry.key]
            ours = {n: folded(v) for n, v in entry.fields.items() if n not in ("author", "editor")}
            assert {n: folded(v) for n, v in pybtex_values(theirs).items()} == ours
            compared += 1
    assert compared


@given(sources(), keys)
def test_another_key_changes_nothing_else(text: str, key: str) -> None:
    old = read(text)
    changed = set_key(text, key)
    assert read(changed) == type(old)(old.type, key, old.fields, old.raw, old.undefined)
    assert set_key(changed, old.key) == text


@pytest.mark.parametrize("key", ["", " ", "a,b", "a{", "a}", "a\nb", 'title="x', "%a"])
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(BadBibtex):
        set_key("@misc{a, title={T}}", key)


@settings(max_examples=200)
@given(sources(), st.sampled_from(["year", "doi", "a"]), values)
def test_a_field_is_set_and_removed(text: str, name: str, value: str) -> None:
    before = read(text)
    changed = set_field(text, name, value)
    after = read(changed)
    assert after.raw[name] == value
    assert {k: v for k, v in after.raw.items() if k != name} == {k: v for k, v in before.raw.items() if k != name}
    removed = set_field(changed, name, None)
    assert dict(read(removed).raw) == {k: v for k, v in before.raw.items() if k != name}
    if name in before.raw:
        assert set_field(changed, name, before.raw[name]) == text
    elif before.fields:
        assert removed == text


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("@misc{a,\n  title = {T}\n}", "@misc{a,\n  title = {T},\n  doi = {X}\n}"),
        ("@misc{a,\n  title = {T},\n}", "@misc{a,\n  title = {T},\n  doi = {X},\n}"),
        ("@misc{a, title={T}}", "@misc{a, title={T}, doi={X}}"),
        ("@misc{a,\n\tTITLE={T}\n}", "@misc{a,\n\tTITLE={T},\n\tDOI={X}\n}"),
        ("@misc{a\n  , title = {T}\n}", "@misc{a\n  , title = {T}\n  , doi = {X}\n}"),
        (
            "@misc{a,\n  title  = {T},\n  volume = 1,\n}",
            "@misc{a,\n  title  = {T},\n  volume = 1,\n  doi    = {X},\n}",
        ),
        ("@misc{a, % c\n  title = {T} % d\n}", "@misc{a, % c\n  title = {T},\n  doi = {X} % d\n}"),
        ("@misc{a}", "@misc{a,\n  doi = {X}\n}"),
        ("@misc(a, title={T})", "@misc(a, title={T}, doi={X})"),
    ],
)
def test_a_new_field_looks_like_the_others(text: str, changed: str) -> None:
    assert set_field(text, "doi", "{X}") == changed


def test_a_duplicate_field() -> None:
    text = "@misc{a, year=1, note={n}, Year=2}"
    assert set_field(text, "year", "3") == "@misc{a, year=3, note={n}, Year=2}"
    assert set_field(text, "year", None) == "@misc{a, note={n}}"
    assert set_field(text, "pages", None) == text


@pytest.mark.parametrize("value", ["", "{", "}", "{a}, b={c}", "12a", "{a}}", "a b", "{a} % c", "{x},"])
def test_what_is_no_value_is_refused(value: str) -> None:
    for name in ("year", "doi"):
        with pytest.raises(BadBibtex):
            set_field("@misc{a, year=1}", name, value)
