"""Names as BibTeX reads them, with pybtex as the other opinion."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from catalog.bibtex.entry import read
from catalog.bibtex.names import Parts, faults, people, split
from catalog.bibtex.scan import scan
from catalog.bibtex.spoken import name as spoken
from catalog.facts import Name

SHARED = Path(__file__).parent.parent.parent / "shared" / "bibs"
SUFFIXES = {"Jr.", "Sr.", "Jr", "Sr", "II", "III", "IV"}  # given names to BibTeX after the last comma
FILES = sorted(SHARED.glob("*.bib")) if SHARED.is_dir() else []

words = st.sampled_from(
    [
        "Jean",
        "de",
        "la",
        "van",
        "Müller",
        "{\\'E}cole",
        '{\\"o}re',
        "{van der Berg}",
        "J.",
        "Jean-Paul",
        "O'Neil",
        "Åse",
        "李",
    ]
)
names = st.one_of(
    st.lists(words, min_size=1, max_size=5).map(" ".join),
    st.tuples(st.lists(words, min_size=1, max_size=4), st.lists(words, min_size=1, max_size=3)).map(
        lambda parts: f"{' '.join(parts[0])}, {' '.join(parts[1])}"
    ),
    st.tuples(words, words).map(lambda parts: f"{parts[0]}, Jr., {parts[1]}"),
)


def by_pybtex(name: str) -> tuple[str, str, str, str]:
    from pybtex.database import Person

    person = Person(name)
    first = person.first_names + person.middle_names
    von, last, jr = person.prelast_names, person.last_names, person.lineage_names
    return " ".join(first), " ".join(von), " ".join(last), " ".join(jr)


def parts(name: Parts) -> tuple[str, str, str, str]:
    return name.first, name.von, name.last, name.jr


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Donald E. Knuth", ("Donald E.", "", "Knuth", "")),
        ("Knuth, Donald E.", ("Donald E.", "", "Knuth", "")),
        ("Ludwig van Beethoven", ("Ludwig", "van", "Beethoven", "")),
        ("van Beethoven, Ludwig", ("Ludwig", "van", "Beethoven", "")),
        ("Van de Graaff, R. J.", ("R. J.", "Van de", "Graaff", "")),
        ("Charles Louis Xavier Joseph de la Vall{\\'e}e Poussin",
         ("Charles Louis Xavier Joseph", "de la", "Vall{\\'e}e Poussin", "")),
        ("Jolly, III, James", ("James", "", "Jolly", "III")),
        ("van Kluster, Jr., Kevin", ("Kevin", "van", "Kluster", "Jr.")),
        ("Sofia {van der Berg}", ("Sofia", "", "{van der Berg}", "")),
        ("{John Henry} Ford", ("{John Henry}", "", "Ford", "")),
        ("{\\v S}omeone Smith", ("{\\v S}omeone", "", "Smith", "")),
        ("Jean {\\'e}cole Smith", ("Jean", "{\\'e}cole", "Smith", "")),
        ("Jean {\\o}re Smith", ("Jean", "{\\o}re", "Smith", "")),
        ("Jean {\\O}re Smith", ("Jean {\\O}re", "", "Smith", "")),
        ("Madonna", ("", "", "Madonna", "")),
        ("jean", ("", "", "jean", "")),
        ("de la Cruz", ("", "de la", "Cruz", "")),
        ("Smith,", ("", "", "Smith", "")),
        ("J.~R.~R. Tolkien", ("J. R. R.", "", "Tolkien", "")),
        ("given=Alfred, family=Adler", ("Alfred", "", "Adler", "")),
        ("id=x, prefix=van der, family={Berg}, given-i=S, given=Sofia, suffix=Jr", ("Sofia", "van der", "Berg", "Jr")),
    ],
)  # fmt: skip
def test_parts(text: str, expected: tuple[str, str, str, str]) -> None:
    (name,), others = split(text)
    assert (parts(name), name.literal, others) == (expected, False, False)


@pytest.mark.parametrize("text", ["{NASA and ESA}", "{Barnes and Noble, Inc.}", "A, B, C, D", ", John", "{{X}}"])
def test_literals(text: str) -> None:
    assert split(text) == ([Parts(last=text, literal=True)], False)


def test_lists() -> None:
    value = "{NASA and ESA} and Sofia {van der Berg} AND\n A\nand\tFerdinand and others"
    found, others = people(value)
    assert [name.display for name in found] == ["NASA and ESA", "Sofia van der Berg", "A", "Ferdinand"]
    assert others
    assert people("") == ((), False)
    assert people("others")[1] is False
    assert people("Vaswani, Ashish and {others}")[1]
    assert [name.family for name in people("and A and and B and")[0]] == ["A", "B"]


@pytest.mark.parametrize(
    ("text", "display", "last"),
    [
        ("van der Berg, Sofia", "Sofia van der Berg", "van der Berg"),
        ("Davis, Jr., Sammy", "Sammy Davis, Jr.", "Davis"),
        ("{\\'E}ric {\\O}rsted", "Éric Ørsted", "Ørsted"),
        ("M{\\\"u}ller, H.", "H. Müller", "Müller"),
        ("{U.S. Department of Health, Heart and Lung Institute}", "U.S. Department of Health, Heart and Lung Institute",
         "U.S. Department of Health, Heart and Lung Institute"),
        ("Roger P.{\\,}G. van Gompel", "Roger P. G. van Gompel", "van Gompel"),
    ],
)  # fmt: skip
def test_how_names_read(text: str, display: str, last: str) -> None:
    (name,), _ = people(text)
    assert (name.display, name.last) == (display, last)


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("A. Smith; B. Jones", "holds a ';'"),
        ("A. Smith, B. Jones", "commas between names"),
        ("A. Smith, B.~C. Jones, D. Lee and E. Fox", "commas between names"),
        ("John Smith, Jane Doe, Jim Beam, Joe Roe", "3 commas"),
        ("Smith, J. et al.", "'and others'"),
        ("A. Smith & B. Jones", "holds a '&'"),
        ("A. Smith \\& B. Jones", "holds a '&'"),
        ("A and and B", "a name is empty"),
        ("A and", "a name is empty"),
        ("{A and B", "braces"),
        ("A} and B", "braces"),
        ("Smith,", "ends in a comma"),
        (", John", "no family name"),
        ("Sagan, , Carl", "two commas with nothing between"),
        ("{Foo, H; Bar, G}, X and Ek, A", "several names in one pair of braces"),
        ("{Foo, H. and Bar, G.}", "several names in one pair of braces"),
    ],
)
def test_faults(value: str, fault: str) -> None:
    assert [found for found in faults(value) if fault in found], faults(value)


@pytest.mark.parametrize(
    "value",
    [
        "Smith, John and van der Berg, Sofia and others",
        "{AT&T; Bell et al.} and {Barnes & Noble} and {Smith, Lee and Sons}",
        "Jolly, III, James",
        "Smith, J.",
        "given=Alfred, family=Adler, prefix=van, suffix=Jr, id=x",
        "P{\\'e}rez, J.",
        "",
    ],
)
def test_no_faults(value: str) -> None:
    assert faults(value) == ([] if value else ["a name is empty: two 'and' in a row, or one at the end"])


@given(st.text(alphabet="aAnd ,{}\\'~=;\n", max_size=60))
def test_any_text(value: str) -> None:
    found, _ = people(value)
    assert all(name.display and name.last and name.sort for name in found)
    assert all(faults(value)) or not faults(value)


@pytest.mark.parametrize("piece", ["and ", "{", "a, ", "a ", "~", "given=a,", "\\'{", "= , "])
def test_hostile_text_takes_time_in_proportion(piece: str) -> None:
    value = piece * (200_000 // len(piece))
    people(value)
    faults(value)


@settings(max_examples=300)
@given(names)
def test_generated_names_agree_with_pybtex(text: str) -> None:
    (ours,), _ = split(text)
    assume(not ours.literal)
    assert parts(ours) == by_pybtex(text)


@given(st.lists(names, min_size=1, max_size=4))
def test_lists_split_as_pybtex_splits_them(given_names: list[str]) -> None:
    from pybtex.bibtex.utils import split_name_list

    value = " and ".join(given_names)
    assert len(split(value)[0]) == len(split_name_list(value)) == len(given_names)


@pytest.mark.skipif(not FILES, reason="the collection of real .bib files is not here")
def test_real_names_agree_with_pybtex() -> None:
    from pybtex.bibtex.utils import split_name_list

    compared = 0
    for path in FILES:
        for block in scan(path.read_text("utf-8-sig")):
            fields = read(block.text).fields if block.kind == "entry" else {}
            for value in (fields[name] for name in ("author", "editor", "translator") if name in fields):
                ours, others = split(value)
                theirs = split_name_list(" ".join(value.split()))[: -1 if others else None]
                assert len(ours) == len(theirs)
                for name, text in zip(ours, theirs, strict=True):
                    other = by_pybtex(text)
                    if not (name.literal or "=" in text or other[0] in SUFFIXES):  # we read those otherwise, on purpose
                        assert parts(name) == other
                        compared += 1
    assert compared > 300


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Garc{\\'\\i}a M{\\'a}rquez, Gabriel", Name("García Márquez", "Gabriel")),
        ("Le Cun, Yann", Name("Le Cun", "Yann")),
        ("De Vito, Zachary", Name("De Vito", "Zachary")),
        ("Ferreira da Silva, Ana", Name("Silva", "Ana", "Ferreira da")),
        ("{Hugging Face}", Name(literal="Hugging Face")),
        ("World Health Organization", Name(literal="World Health Organization")),
        ("University of Utah", Name(literal="University of Utah")),
        ("Robert Center", Name("Center", "Robert")),
        ("William Press", Name("Press", "William")),
        ("Wei Wang 0001", Name("Wang", "Wei")),
        ("Teresa of {\\'A}vila", Name(literal="Teresa of Ávila")),
        ("Martin Luther King Jr.", Name("King", "Martin Luther", "", "Jr.")),
        ("Jane van Doe, Ph.D.", Name("Doe", "Jane", "van", "Ph.D.")),
        ("Guillaume de l'Hospital", Name("l'Hospital", "Guillaume", "de")),
        ("{\\L}ukasz Kaiser", Name("Kaiser", "Łukasz")),
        ("{\\v{C}}en{\\v{e}}k Zl{\\'a}k", Name("Zlák", "Čeněk")),
        ("given=Hans, family=Harman, prefix=von", Name("Harman", "Hans", "von")),
        ("王小明", Name("王", "小明")),
        ("王 小明", Name("王", "小明")),
        ("欧阳明日", Name("欧阳", "明日")),
        ("山田 太郎", Name("山田", "太郎")),
        ("김철수", Name("김", "철수")),
        ("王, 小明", Name("王", "小明")),
        ("北京大学", Name(literal="北京大学")),
        ("Nguyễn Văn An", Name("Nguyễn", "Văn An")),
        ("An Nguyễn", Name("Nguyễn", "An")),
        ("László Lovász", Name("Lovász", "László")),
    ],
)  # fmt: skip
def test_parts_as_the_entry_gives_them(value: str, expected: Name) -> None:
    assert people(value) == ((expected,), False)


@pytest.mark.parametrize(
    "names",
    [
        "Google DeepMind; Gemini Team; OpenAI; DeepSeek-AI; Mistral AI; AI Singapore; NVIDIA; AI@Meta; The Economist",
        "The GIMP Development Team; NVIDIA Corporation; The MathWorks, Inc.; LLaMA Team, AI @ Meta; Gemini Team, Google",
        "United Nations; World Bank; Bank of England; House of Commons; New York Times; MIT Press; US Census Bureau",
        "Ministère de la Santé; Universidad de Chile; Statistisches Bundesamt; Deutsche Forschungsgemeinschaft; Istituto di Fisica",
        "Centre national de la recherche scientifique; Европейский университет; Министерство здравоохранения; 北京大学",
    ],
)
def test_an_organisation_is_known_without_braces(names: str) -> None:
    for name in names.split("; "):
        assert people(name) == ((Name(literal=name),), False)


@pytest.mark.parametrize(
    ("value", "organisation"),
    [
        ("Team, Gemini", "Gemini Team"),
        ("Organization, World Health", "World Health Organization"),
        ("Face, Hugging", "Hugging Face"),
        ("Bank, World", "World Bank"),
        ("AI, Mistral", "Mistral AI"),
    ],
)
def test_an_organisation_that_was_turned_round_is_turned_back(value: str, organisation: str) -> None:
    assert people(value)[0] == (Name(literal=organisation),)
    assert faults(value) == [f"'{value}' is an organisation, which BibTeX takes for a person; write {{{organisation}}}"]


@pytest.mark.parametrize(
    "names",
    [
        "Robert Center; Susan Bank; John Church; A. Council; M. Group; Ai Weiwei; Mark Press; Frank Post; The Anh Han; John Fund",
        "Peter Hall; Jane House; Jean Bureau; Steve Landesman; XiaoMing Wang; DeAndre Jordan; J.R.R. Tolkien",
        "Center, Robert; Group, M.; Bank, Susan; Church, Alonzo; Oscar de la Renta; Royal Skousen; Plato; LeCun",
    ],
)
def test_people_whose_names_are_words_stay_people(names: str) -> None:
    assert [name for name in names.split("; ") if people(name)[0][0].literal] == []


def test_a_hungarian_entry_may_put_the_family_first() -> None:
    assert people("Lovász László", language="magyar")[0] == (Name("Lovász", "László"),)
    assert people("László Lovász", language="magyar")[0] == (Name("Lovász", "László"),)


@pytest.mark.parametrize(
    ("text", "expected", "display"),
    [
        ("Sofia van der Berg", Name("Berg", "Sofia", "van der"), ""),
        ("Berg, Sofia", Name("Berg", "Sofia"), "Sofia Berg"),
        ("van der Berg, Sofia", Name("Berg", "Sofia", "van der"), "Sofia van der Berg"),
        ("Sammy Davis, Jr.", Name("Davis", "Sammy", "", "Jr."), ""),
        ("Sammy Davis Jr.", Name("Davis", "Sammy", "", "Jr."), "Sammy Davis, Jr."),
        ("Davis, Jr., Sammy", Name("Davis", "Sammy", "", "Jr."), "Sammy Davis, Jr."),
        ("Edward J. Hu*", Name("Hu", "Edward J."), "Edward J. Hu"),
        ("Yelong Shen†‡", Name("Shen", "Yelong"), "Yelong Shen"),
        ("de Vries", Name("Vries", "", "de"), ""),
        ("OpenAI", Name(literal="OpenAI"), ""),
        ("Gemini Team", Name(literal="Gemini Team"), ""),
        ("Stability AI", Name(literal="Stability AI"), ""),
        ("ANN LEE", Name("LEE", "ANN"), ""),
        ("Barnes & Noble", Name(literal="Barnes & Noble"), ""),
        ("王小明", Name("王", "小明"), ""),
        ("一 二 三 四 五", Name(literal="一 二 三 四 五"), ""),
        ("", Name(literal=""), ""),
    ],
)
def test_names_of_lists(text: str, expected: Name, display: str) -> None:
    assert (spoken(text), spoken(text).display) == (expected, display or text)


@given(st.text(max_size=40))
@example(":㐀")
@example("À㐀")
def test_any_text_is_a_name_that_reads_as_it_was_written(text: str) -> None:
    parts_of = spoken(text)
    assert isinstance(parts_of.display, str)
    assert spoken(parts_of.display).display == parts_of.display


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Martin Luther King, Jr.", Name("King", "Martin Luther", "", "Jr.")),
        ("Davis, Sammy, Jr.", Name("Davis", "Sammy", "", "Jr.")),
        ("Davis, Jr., Sammy", Name("Davis", "Sammy", "", "Jr.")),
        ("Ludwig van Beethoven, II", Name("Beethoven", "Ludwig", "van", "II")),
        ("Ng, Jr", Name("Ng", "Jr")),
    ],
)
def test_a_suffix_is_one_wherever_it_stands(text: str, name: Name) -> None:
    assert people(text)[0] == (name,)
