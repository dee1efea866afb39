"""Search as people ask: other forms of a word, other spellings, slips of the finger, questions, bare identifiers."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz import fuzz
from rapidfuzz.distance import OSA
from support import Kb, known

from catalog.cli.out import said
from catalog.library import Library
from catalog.nearness import ratio, slips_from
from catalog.search.fold import tokens
from catalog.search.index import Index
from catalog.search.stem import family_prefix, stem

FAMILIES = (
    "adapter adapters adapted adapting adaptation adaptations",
    "quantize quantized quantizing quantization quantise quantised quantisation",
    "memory memories",
    "model models modeling modelling modelled modeled",
    "color colour colours colored coloured",
    "behaviour behavior behaviours",
    "behavioural behavioral",
    "analyse analyze analysing analyzing analysed",
    "optimise optimize optimization optimisation optimizer optimiser",
    "centre center centres centers",
    "fibre fiber fibres",
    "catalogue catalog catalogs",
    "generate generation generator generative generating",
    "efficient efficiently efficiency",
    "prune pruning pruned",
    "classify classification classifier classifying classified",
    "labelled labeled labelling labeling label",
    "sparse sparsity",
    "distill distillation distilled distil",
    "embedding embeddings embed embedded",
    "matrix matrices",
    "index indices indexes",
    "align aligned alignment",
    "study studies studied studying",
    "transfer transferred transferring transfers",
)
APART = (
    "universe layer", "prompt promise", "feed fed", "press presence", "train trait", "noise nose", "lora long",
    "generate genetic", "analog analyse", "attend atom", "sing single", "news new",
)  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
def test_the_forms_of_a_word_have_one_stem(family: str) -> None:
    assert len({stem(word) for word in family.split()}) == 1


@pytest.mark.parametrize("pair", APART)
def test_different_words_have_different_stems(pair: str) -> None:
    a, b = pair.split()
    assert stem(a) != stem(b)


@given(st.text(st.characters(categories=["Ll", "Nd"]), min_size=1))
def test_any_token_has_a_stem_and_begins_as_its_family_does(token: str) -> None:
    assert stem(token)
    assert token.startswith(family_prefix(token))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_begins_with_one_prefix(family: str) -> None:
    words = family.split()
    for word in words:
        assert all(other.startswith(family_prefix(word)) for other in words)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("C++", "cplusplus"),
        ("C# and F#", "csharp and fsharp"),
        ("α-stable", "alpha stable"),
        ("Λ", "lambda"),
        ("σφίγξ", "σφιγξ"),
        ("Cu₂O", "cu2o"),
        ("Łódź Ærø", "lodz aero"),
    ],
)
def test_tokens(text: str, expected: str) -> None:
    assert tokens(text) == tuple(expected.split())


GOLDEN = tomllib.loads((Path(__file__).parent / "data" / "queries.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Library:
    library = Library.init(tmp_path_factory.mktemp("shelf") / "base")
    for key, paper in GOLDEN["papers"].items():
        text = f"---\n{paper['head']}---\n"
        (library.root / "papers" / f"{key}.md").write_text(text, encoding="utf-8")
    (library.root / "readers").mkdir()
    for name, text in GOLDEN["readers"].items():
        (library.root / "readers" / f"{name}.toml").write_text(text, encoding="utf-8")
    return library


def keys(shelf: Library, query: str) -> list[str]:
    return [paper.key for paper in shelf.search(query)]


@pytest.mark.parametrize("golden", GOLDEN["queries"], ids=lambda golden: golden["ask"])
def test_a_query_finds(shelf: Library, golden: dict[str, Any]) -> None:
    assert keys(shelf, golden["ask"]) == golden["find"]


@pytest.mark.parametrize(
    ("query", "expected", "note"),
    [
        ("quantzied", "dettmers2023", 'no "quantzied"; shown for "quantized"'),
        ("author:detmers", "dettmers2023", 'no "detmers"; shown for "dettmers"'),
        ("simulatign stable", "levy2001", 'no "simulatign"; shown for "simulating"'),
        ("how can one fine-tune with little memory", "lv2023", ""),
        ("how can one fine-tune models with little memory", "lv2023", "no paper has all of these words; the nearest"),
        ("low rank zebra", "hu2021rank", "no paper has all of these words; the nearest, all without zebra:"),
        ("seabirds processes year:2010", "garcia2010adaptation", "no paper has all of these words; the nearest"),
    ],
)
def test_where_no_paper_has_all_the_nearest_are_shown(shelf: Library, query: str, expected: str, note: str) -> None:
    found = shelf.find(query)
    assert found.papers[0].key == expected
    assert "".join(said(found)).startswith(note)
    assert bool(note) == bool(found.typos or found.lacking)


@pytest.mark.parametrize("query", ["qwxzjk", "ab", "year:1900 low", "year:1900", "-rank tag:none"])
def test_nothing_is_made_up(shelf: Library, query: str) -> None:
    assert keys(shelf, query) == []


def test_what_is_excluded_stays_out_of_the_nearest(shelf: Library) -> None:
    assert keys(shelf, "adaptation memory") == ["lv2023", "garcia2010adaptation", "hu2021rank"]
    assert keys(shelf, "adaptation memory -seabirds") == ["lv2023", "hu2021rank"]


def test_words_that_nobody_has_are_said_with_each_paper(shelf: Library) -> None:
    found = shelf.find("parameter rank zebra")
    assert found.lacking == {"hu2021rank": ("parameter", "zebra"), "lv2023": ("rank", "zebra")}


def test_a_sort_holds_among_the_nearest_too(shelf: Library) -> None:
    assert next(paper.key for paper in shelf.list("adaptation memory", sort="year")) == "garcia2010adaptation"


@pytest.mark.parametrize(
    ("title", "asked"),
    [
        ("Multi\u2013task learning", "multitask"),
        ("State\u2010of\u2010the\u2010art", "state-of-the-art"),
        ("On d\u2019Alembert", "dalembert"),
        ("Is $E = mc^2$?", "E=mc^2"),
        ("Is $E = mc^2$?", "mc^{2}"),
        ("A title", "kin"),
    ],
)
def test_one_word_in_all_its_forms_finds_a_title_or_a_key(title: str, asked: str) -> None:
    with Index(":memory:") as index:
        index.update([("a.md", "1", known("okapi2016kin", title))], [])
        found = index.lines(asked)
    assert ([line.key for line in found.papers], found.typos, found.lacking) == (["okapi2016kin"], {}, {})


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (["tag:long context"], ["b"]),  # one value, as a paper has it
        (["title:adapters lora"], ["a"]),  # no title has it so: as it would be read in any other place
        (["title:lora", "adapters"], ["a"]),
        (["has:paper lora"], ["a"]),
        (["in:pdf lora"], []),
        (["title:lora -tag:long"], ["a"]),
    ],
)
def test_a_field_and_more_in_one_piece_is_read_as_typed(
    library: Library, kb: Kb, asked: list[str], expected: list[str]
) -> None:
    library.add(title="LoRA adapters", key="a", links=["https://example.org/x"])
    library.add(title="Other", key="b", tags=["long context"])
    assert [line.split("\t")[1] for line in kb("list", *asked).out.splitlines()] == expected


@pytest.mark.parametrize(
    ("typo", "right"),
    [("quantzied", "quantized"), ("adaptaion", "adaptation"), ("modeling", "modelling"), ("promt", "prompt")],
)
def test_a_typo_finds_what_the_right_word_finds(library: Library, typo: str, right: str) -> None:
    for key, title in enumerate(
        ("Quantized models", "Quantization of a prompt", "Prompting an adaptation", "Adapted modelling")
    ):
        library.add(title=title, key=f"k{key}")
    found = {line.key for line in library.lines(right).papers}
    assert found
    assert {line.key for line in library.lines(typo).papers} == found


@given(st.text("abcé", max_size=12), st.text("abcé", max_size=12))
def test_nearness_is_that_of_a_library(one: str, two: str) -> None:
    assert slips_from(one)(two) == OSA.distance(one, two)
    assert ratio(one, two) == pytest.approx(fuzz.ratio(one, two))
