"""Keys by a pattern."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.bibtex.describe import describe
from catalog.bibtex.entry import set_key
from catalog.errors import KbError, TakenKey
from catalog.facts import Facts
from catalog.ingest.fetch import Answer
from catalog.keys import PATTERN, free_key, parse, propose_key
from catalog.library import Library
from catalog.models import Paper
from catalog.sources import Client
from catalog.store.config import CONFIG, read_config

LORA = r"""@inproceedings{x, author = {Hu, Edward J. and Shen, Yelong and Garc{\'\i}a M{\'a}rquez, Phil and {OpenAI}},
  title = {{LoRA}: Low-Rank Adaptation of {Large} Language Models}, booktitle = {Proceedings of the Great Conference},
  year = 2021, month = jun, pages = {12--34}, volume = 7, eprint = {2106.09685}}"""


def of(bibtex: str) -> Facts:
    return describe(Paper(key="?", bibtex=bibtex))


@pytest.mark.parametrize(
    ("pattern", "key"),
    [
        (PATTERN, "hu2021lora"),
        ("{Auth}{year}{Word}", "Hu2021LoRA"),
        ("{auth}_{shorttitle}_{year}", "hu_loralowrank_2021"),
        ("{auth}{shortyear}{shorttitle2}", "hu21loralow"),
        ("{Authors2}{year}", "HuShenEtAl2021"),
        ("{authors}", "hushengarciamarquezopenai"),
        ("{AuthEtAl}:{year}", "HuEtAl:2021"),
        ("{AuthorsAlpha}{shortyear}", "HSGO21"),
        ("{LastAuth:upper}{word2}{year}", "OPENAIlow2021"),
        ("{auth:1}{year}-{month}-{day}", "h2021-06"),
        ("{Title}", "LoRALowRankAdaptationLargeLanguageModels"),
        ("{Journal:abbr}{volume}p{firstpage}", "PGC7p12"),
        ("{initials}/{type}/{arxiv}", "ej/inproceedings/2106.09685"),
        ("{VeryShortTitle:lower:3}", "lor"),
        ("[auth:lower]_[year]", "hu_2021"),
        ("[authEtAl]:[shortyear]", "HuEtAl:21"),
        ("[auth.etal][year]", "HuEtAl2021"),
        ("[auth3][shorttitle:abbr:lower]", "Hullr"),
        ("auth.lower + shorttitle(3,3) + year", "huLoRALowRank2021"),
        ("auth.lower + '_' + year", "hu_2021"),
        ("authors(n=2) + year + title.lower.substring(1,6)", "HuShenEtAl2021loralo"),
        ("title.select(2,2).condense(_)", "Low_Rank"),
        ("auth", "Hu"),
    ],
)
def test_the_parts_of_a_pattern(pattern: str, key: str) -> None:
    assert propose_key(of(LORA), pattern=pattern) == key


@pytest.mark.parametrize(
    ("entry", "pattern", "key"),
    [
        ("@misc{x, title = {The Annotated Transformer, with Notes}}", PATTERN, "annotated-transformer-notes"),
        ("@misc{x, title = {On it}, year = 2020}", "{auth}_{year}_{word}", "2020_it"),
        ("@misc{x, author = {王, 小明}, title = {注意力}, year = 2020}", PATTERN, "王2020注意力"),
        ("@misc{x, editor = {van der Berg, Ann}, title = {A 3 B}, year = 2020}", PATTERN, "berg2020b"),
        ("@misc{x, author = {A, B}, title = {Titles}}", "{journal}", "titles"),
        ("@misc{x}", PATTERN, "untitled"),
    ],
)
def test_what_is_not_known_is_left_out(entry: str, pattern: str, key: str) -> None:
    assert propose_key(of(entry), pattern=pattern) == key


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("[auth", "has a brace without its other"),
        ("{authro}{year}", "'authro' is no part of a key; there are family, auth"),
        ("{auth:chop}", "'chop' in 'auth:chop' changes no part"),
        ("auth + 'a b'", "' ' in"),
        ("{auth}{year", "has a brace without its other"),
        ("smith", "'smith' is no part of a key"),
        ("{}x", "'' is no part of a key"),
        ("", "names no part"),
        ("{auth} {year}", "' ' in"),
    ],
)
def test_a_bad_pattern_is_said_in_a_line(tmp_path: Path, pattern: str, said: str) -> None:
    (tmp_path / CONFIG).write_text(f'title = "x"\nkey_pattern = "{pattern}"\n')
    (told,) = map(str, read_config(tmp_path).wrong)
    assert f"{CONFIG}:2: key_pattern: " in told
    assert said in told
    assert "\n" not in told


def test_what_comes_without_a_key_and_what_is_fetched_get_one_by_the_pattern(tmp_path: Path) -> None:
    library = Library.init(tmp_path)
    (tmp_path / CONFIG).write_text('key_pattern = "{AuthorsAlpha}{shortyear}"\n')
    library = Library.open(tmp_path)
    library.import_([("a.bib", LORA.replace("{x,", "{,").encode())])
    assert [facts.key for facts in library.list()] == ["HSGO21"]
    other = (
        LORA.replace("{x,", "{shen2021loralowrankadaptation,")
        .replace("LoRA", "Otters")
        .replace("2106.09685", "2106.00001")
    )
    client = Client(lambda url, **_: Answer(200, url, other), sleep=lambda _: None)
    with patch.object(Library, "client", lambda *_: client):
        assert library.add_draft(library.look_up("2106.00001"))[0].key == "HSGO21b"


@given(st.text("{}[]auth:yer3_- é+.(,)'", max_size=20))
def test_a_pattern_gives_a_key_or_says_why_not(pattern: str) -> None:
    try:
        parse(pattern)
    except ValueError as e:
        assert "; " in str(e) or ", " in str(e)
    else:
        key = propose_key(of(LORA), {"hu2021"}.__contains__, pattern)
        assert key.casefold() != "hu2021"
        set_key(LORA, key)


def test_a_taken_key_gets_a_letter_then_a_number() -> None:
    used = {"a", *(f"a{letter}" for letter in "bcdefghijklmnopqrstuvwxyz")}
    found = [free_key(stem, some.__contains__) for stem, some in (("A", {"a"}), ("a", used), ("a", used | {"a-2"}))]
    assert found == ["Ab", "a-2", "a-3"]


def test_a_key_with_a_blank_is_refused_where_it_is_given(tmp_path: Path) -> None:
    library = Library.init(tmp_path)
    for one in ({"title": "Owls", "key": "a b"}, {"bibtex": LORA.replace("{x,", "{a b,")}):
        with pytest.raises(KbError, match="holds a blank, so nothing can cite it; say --key a-b"):
            library.add(**one)
    assert library.import_([("a.bib", LORA.replace("{x,", "{a b,").encode())]).count("added") == 1, (
        "what is there is kept"
    )


def test_a_key_is_one_however_its_accents_are_written(tmp_path: Path) -> None:
    library, apart = Library.init(tmp_path), "mu\u0308ller"
    library.add(title="Owls of the north", key="m\u00fcller")
    for one in (
        {"title": "Bats of the south", "key": apart},
        {"bibtex": f"@misc{{{apart}, title={{Elks of the west}}}}"},
    ):
        with pytest.raises(TakenKey, match="use --key m\u00fcllerb"):
            library.add(**one)
    text = f"@misc{{{apart}2, title={{Elks of the west}}}}".encode()
    assert [library.import_([("a.bib", text)]).count(what) for what in ("added", "unchanged")] == [1, 1]
    assert library.rename("m\u00fcller2", f"{apart}3").key == "m\u00fcller3"
