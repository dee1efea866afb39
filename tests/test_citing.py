"""Citations: what CSL says of names, dates, numbers, case, quotes and punctuation, in the styles that come along."""

from __future__ import annotations

import importlib.util
import os
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.citing import NAMES, as_html, as_markdown, as_text, cite, named, read_style
from catalog.citing.case import cased
from catalog.citing.numbers import as_number, is_numeric, is_plural, pages
from catalog.citing.pieces import content, plain
from catalog.errors import KbError

ARTICLE: dict[str, Any] = {
    "id": "a",
    "type": "article-journal",
    "title": "Why do <i>models</i> forget? A “second” look at {rank}",
    "author": [
        {"family": "García Márquez", "given": "Gabriel José"},
        {"family": "Berg", "non-dropping-particle": "van der", "given": "Sofia"},
        {"family": "Davis", "given": "Sammy", "suffix": "Jr."},
    ],
    "container-title": "Memory Letters",
    "volume": "58",
    "issue": "1-2",
    "page": "1301-1308",
    "issued": {"date-parts": [[2021, 3, 5]]},
    "DOI": "10.5555/ml.33",
}
LINES = {
    "apa": "García Márquez, G. J., van der Berg, S., & Davis, S., Jr. (2021). Why do models forget? A “second” look at "
    "{rank}. Memory Letters, 58(1–2), 1301–1308. https://doi.org/10.5555/ml.33",
    "ieee": "[1] G. J. García Márquez, S. van der Berg, and S. Davis Jr., “Why do models forget? A ‘second’ look at "
    "{rank},” Memory Letters, vol. 58, no. 1–2, pp. 1301–1308, Mar. 2021, doi: 10.5555/ml.33.",
    "acm": "[1] Gabriel José García Márquez, Sofia van der Berg, and Sammy Davis Jr. 2021. Why do models forget? A “second” "
    "look at {rank}. Memory Letters 58, 1–2 (March 2021), 1301–1308. https://doi.org/10.5555/ml.33",
    "chicago": "García Márquez, Gabriel José, Sofia van der Berg, and Sammy Davis Jr. 2021. “Why Do Models Forget? A "
    "‘Second’ Look at {Rank}.” Memory Letters 58 (1–2): 1301–8. https://doi.org/10.5555/ml.33.",
    "mla": "García Márquez, Gabriel José, et al. “Why Do Models Forget? A ‘Second’ Look at {Rank}.” Memory Letters, "
    "vol. 58, nos. 1–2, Mar. 2021, pp. 1301–08, https://doi.org/10.5555/ml.33.",
    "vancouver": "1. García Márquez GJ, van der Berg S, Davis S Jr. Why do models forget? A “second” look at {rank}. "
    "Memory Letters. 2021 Mar 5;58(1–2):1301–8. doi:10.5555/ml.33",
    "nature": "1. García Márquez, G. J., van der Berg, S. & Davis, S., Jr. Why do models forget? A “second” look at "
    "{rank}. Memory Letters 58, 1301–1308 (2021).",
    "acl": "Gabriel José García Márquez, Sofia van der Berg, and Sammy Davis Jr. 2021. Why do models forget? A “second” "
    "look at {rank}. Memory Letters, 58(1–2):1301–1308.",
}


def line(name: str, **changes: Any) -> str:
    """The article with changes, in a style."""
    item = {key: value for key, value in {**ARTICLE, **changes}.items() if value is not None}
    return as_text(cite(named(name), item))


@pytest.mark.parametrize("name", NAMES)
def test_every_style(name: str) -> None:
    assert line(name) == LINES[name]


def test_the_styles_keep_their_licence() -> None:
    folder = files("catalog.citing") / "styles"
    assert "by-sa/3.0" in (folder / "LICENSE.md").read_text()
    for name in NAMES:
        assert "Creative Commons Attribution-ShareAlike" in (folder / f"{name}.csl").read_text()


@pytest.mark.parametrize(
    ("authors", "expected"),
    [
        ([{"family": "O'Neil", "given": "Jean-Paul"}], "O’Neil, J.-P."),
        ([{"family": "Park", "given": "Soo-jin"}], "Park, S."),
        ([{"family": "Lund", "given": "A.B."}], "Lund, A. B."),
        ([{"family": "Cruz", "given": "Ana de"}], "Cruz, A. de"),
        ([{"family": "王", "given": "小明"}, {"family": "Иванов", "given": "Иван"}], "王小明, & Иванов, И."),
        ([{"literal": "Hugging Face"}], "Hugging Face."),
        ([{"family": "Plato"}], "Plato."),
        ([{"family": "Ohm", "given": "Lea"}, {"literal": "others"}], "Ohm, L. et al."),
        ([{"family": "Ed", "given": "A."}, {"literal": "A & B <Labs>"}], "Ed, A., & A & B <Labs>."),
        ([{"family": chr(65 + n), "given": "X."} for n in range(22)], "A, X., B, X."),
    ],
)
def test_names(authors: list[dict[str, str]], expected: str) -> None:
    assert line("apa", author=authors).startswith(expected)


def test_many_authors_are_cut_and_the_last_one_named() -> None:
    shown = line("apa", author=[{"family": f"N{n}", "given": "X."} for n in range(22)])
    assert "N18, X., … N21, X. (2021)" in shown


@pytest.mark.parametrize(
    ("date", "apa", "vancouver"),
    [
        ([[2021]], "(2021)", "2021;"),
        ([[426]], "(426 C.E.)", "426 AD;"),
        ([[2019], [2021]], "(2019–2021)", "2019–2021;"),
        ([[2020, 12, 30], [2021, 1, 2]], "(2020–2021)", "2020 Dec 30–2021 Jan 2;"),
        (None, "(n.d.)", "Memory Letters"),
    ],
)
def test_dates(date: list[list[int]] | None, apa: str, vancouver: str) -> None:
    issued = {"date-parts": date} if date else None
    assert apa in line("apa", issued=issued)
    assert vancouver in line("vancouver", issued=issued)


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("learning to learn: the case of rank", "Learning to Learn: The Case of Rank"),
        ("state-of-the-art pre-training with iOS", "State-of-the-Art Pre-Training with iOS"),
        ("what is it for", "What Is It For"),
        ("the <i>E. coli</i> of <span class=\"nocase\">k-means</span>", "The E. Coli of k-means"),
        ("α-stable noise", "α-Stable Noise"),
        ("DNA and the RNA World", "DNA and the RNA World"),
        ("is it over? yes", "Is It over? Yes"),
    ],
)  # fmt: skip
def test_title_case(title: str, expected: str) -> None:
    assert plain(cased(content(title), "title")) == expected
    assert plain(cased(content(title), "title", english=False)) == plain(content(title))


def test_other_cases() -> None:
    assert plain(cased(content("arXiv"), "capitalize-first")) == "arXiv"
    assert plain(cased(content("edited by"), "capitalize-first")) == "Edited by"
    assert plain(cased(content("two words"), "capitalize-all")) == "Two Words"
    assert plain(cased(content("A LOUD TITLE"), "sentence")) == "A loud title"
    assert plain(cased(content("Up"), "uppercase")) + plain(cased(content("Up"), "lowercase")) == "UPup"


def test_a_stop_is_not_written_twice_and_goes_into_the_quotes() -> None:
    assert "Really?” Memory" in line("chicago", title="Really?")
    assert "Wow! Memory" in line("apa", title="Wow!")
    assert "Inc. (2021)" in line("apa", author=[{"literal": "Names, Inc."}])
    assert "“One,” Memory" in line("ieee", title="One")


@pytest.mark.parametrize(
    ("text", "how", "expected"),
    [
        ("101-118", "minimal", "101–18"), ("101-118", "minimal-two", "101–18"), ("101-108", "chicago-16", "101–8"),
        ("321-328", "chicago-16", "321–28"), ("100-104", "chicago-16", "100–104"), ("220-41", "expanded", "220–241"),
        ("S1-S9", "minimal", "S1–9"), ("L1-L5", "expanded", "L1–L5"), ("v-xii", "minimal", "v–xii"), ("e17", "", "e17"),
        ("1-2, 5-6", "", "1–2, 5–6"), ("44-444", "minimal", "44–444"),
    ],
)  # fmt: skip
def test_pages(text: str, how: str, expected: str) -> None:
    assert pages(text, how) == expected


def test_numbers() -> None:
    style = named("apa")
    assert [as_number(n, "ordinal", style) for n in ("1", "2", "3", "4", "11", "22", "113")] == [
        "1st", "2nd", "3rd", "4th", "11th", "22nd", "113th",
    ]  # fmt: skip
    assert as_number("1994", "roman", style) == "mcmxciv"
    assert as_number("Second", "ordinal", style) == "Second"
    assert [is_numeric(text) for text in ("12", "B12", "1-2", "Second")] == [True, True, True, False]
    assert [is_plural("page", text) for text in ("1-2", "12")] == [True, False]
    assert is_plural("number-of-volumes", "3")


def test_marks_leave_as_html_and_markdown() -> None:
    pieces = cite(named("apa"), {**ARTICLE, "title": "A <b>bold</b> & <script>x</script> *title*_"})
    page = as_html(pieces)
    assert "A <b>bold</b> &amp; &lt;script&gt;x&lt;/script&gt; *title*_" in page
    assert "<i>Memory Letters</i>" in page
    assert '<a href="https://doi.org/10.5555/ml.33">https://doi.org/10.5555/ml.33</a>' in page
    text = as_markdown(pieces)
    assert r"A **bold** & \<script\>x\</script\> \*title\*\_" in text
    assert "*Memory Letters*" in text
    assert "<https://doi.org/10.5555/ml.33>" in text


def test_emphasis_within_italics_is_upright() -> None:
    assert "<i>The </i>coli<i> book</i>" in as_html(
        cite(named("apa"), {"type": "book", "title": "The <i>coli</i> book"})
    )


def test_a_style_of_ones_own() -> None:
    text = """<style xmlns="http://purl.org/net/xbiblio/csl" version="1.0" class="in-text">
      <bibliography><layout suffix="."><group delimiter=", "><text variable="title" font-style="italic"/>
      <group delimiter=" "><text value="in"/><text variable="container-title"/></group></group></layout></bibliography></style>"""
    style = read_style(text, "own.csl")
    assert as_text(cite(style, {"title": "T", "container-title": "C"})) == "T, in C."
    assert as_text(cite(style, {"title": "T"})) == "T."
    for wrong in ("", "<a/>", "<style xmlns='http://purl.org/net/xbiblio/csl'/>", "<a"):
        with pytest.raises(KbError, match=r"own\.csl"):
            read_style(wrong, "own.csl")
    with pytest.raises(KbError, match="no style nix; there are apa"):
        named("nix")


def test_a_style_that_calls_itself_ends() -> None:
    text = """<style xmlns="http://purl.org/net/xbiblio/csl"><macro name="m"><text macro="m"/></macro>
      <bibliography><layout><text macro="m"/><text variable="title"/></layout></bibliography></style>"""
    assert as_text(cite(read_style(text, "loop.csl"), {"title": "T"})) == "T"
    with pytest.raises(KbError, match="without end"):
        cite(
            read_style(text.replace('<text macro="m"/></macro>', '<text macro="m"/><text macro="m"/></macro>'), "loop"),
            {},
        )


TEXT = st.text(st.sampled_from("aB .,:;!?“”'\"<i></i>&-–(1王"), max_size=12)
ITEM = st.fixed_dictionaries(
    {"type": st.sampled_from(["article-journal", "book", "chapter", "thesis", "webpage", "report", "patent", "x"])},
    optional=dict.fromkeys(("title", "container-title", "volume", "page", "edition", "publisher", "URL", "genre"), TEXT)
    | {
        "author": st.lists(st.fixed_dictionaries({}, optional={"family": TEXT, "given": TEXT, "literal": TEXT}), max_size=4),
        "issued": st.fixed_dictionaries({"date-parts": st.lists(st.lists(st.integers(1, 12), max_size=3), max_size=2)}),
    },
)  # fmt: skip


@given(ITEM, st.sampled_from(sorted(NAMES)))
def test_any_item_gives_a_line(item: dict[str, Any], name: str) -> None:
    pieces = cite(named(name), item)
    for made in (as_text(pieces), as_html(pieces), as_markdown(pieces)):
        assert made == made.strip()
        assert "None" not in made


@pytest.mark.skipif("CITEPROC_JS" not in os.environ, reason="CITEPROC_JS names no folder with npm's citeproc")
def test_lines_are_those_of_citeproc_js() -> None:
    path = Path(__file__).parent.parent / "benchmarks" / "citations.py"
    spec = importlib.util.spec_from_file_location("citations", path)
    assert spec
    assert spec.loader
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    items = bench.items()
    oracle = bench.of_citeproc_js(items, os.environ["CITEPROC_JS"])
    equal = [sum(map(str.__eq__, lines, oracle[name])) for name, lines in bench.ours(items).items()]
    assert len(items) == 100
    assert sum(equal) >= 0.95 * 800, equal


def test_a_group_of_words_alone_stands_though_its_neighbour_asked_in_vain() -> None:
    assert "[Online]. Available: https://x.org/a" in line("ieee", type="book", DOI=None, URL="https://x.org/a")
