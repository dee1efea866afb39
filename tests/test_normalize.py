"""One entry in one style: what changes, what must not, and that doing it twice changes nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.bibtex import MONTHS, decode, read
from catalog.bibtex.normal import ORDER, Wanted, normalize, protect
from catalog.errors import BadBibtex

BIBS = Path(__file__).parent.parent.parent / "shared" / "bibs"


def value(name: str, raw: str) -> str:
    """What a field's value becomes, as written."""
    return read(normalize(f"@misc{{k, {name} = {raw}}}")).raw[name]


def test_one_style() -> None:
    text = """@InProceedings( Key:1 ,
    Year=2021, TITLE="Adapters",Foo = {x} , author = {Ann Lee
       AND  Bo Ray}, MONTH = Mar, publisher = acm # { Press}
)"""
    assert normalize(text, {**MONTHS, "acm": "ACM"}) == (
        "@inproceedings{Key:1,\n"
        "  author = {Ann Lee and Bo Ray},\n"
        "  title = {Adapters},\n"
        "  year = {2021},\n"
        "  month = mar,\n"
        "  publisher = acm # { Press},\n"
        "  foo = {x},\n"
        "}"
    )


@pytest.mark.parametrize("raw", ["1", "{01}", "{January}", '"Jan."', "{jan}", "JAN", "{ january }"])
def test_month_in_any_form(raw: str) -> None:
    assert value("month", raw) == "jan"


@pytest.mark.parametrize("raw", ["{January 5}", "{13}", "{²}", "{Januar}", "{}", "{0}"])
def test_what_is_no_month_stays(raw: str) -> None:
    assert value("month", raw) == raw


def test_expressions_and_macros_stay() -> None:
    assert value("month", 'jan   #"~1"') == 'jan # "~1"'
    assert value("month", 'JAN # "~1"') == 'jan # "~1"'
    assert value("journal", "JMLR") == "JMLR"
    assert value("month", "mymonth") == "mymonth"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("https://doi.org/10.1000/ABC_d", "10.1000/ABC_d"),
        ("http://dx.doi.org/10.1000/a", "10.1000/a"),
        ("doi:10.1000/a", "10.1000/a"),
        ("DOI: https://doi.org/10.1000/a", "10.1000/a"),
        ("10.1002/(SICI)1097<1::AID>3.0.CO;2-2", "10.1002/(SICI)1097<1::AID>3.0.CO;2-2"),
        ("https://example.org/10.1000/a", "https://example.org/10.1000/a"),
        ("https://doi.org/none", "https://doi.org/none"),
    ],
)
def test_doi_without_resolver(raw: str, expected: str) -> None:
    assert value("doi", f"{{{raw}}}") == f"{{{expected}}}"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("12-34", "12--34"),
        ("12 – 34", "12--34"),
        ("12---34, 40-41", "12--34, 40--41"),
        ("S1-S9", "S1--S9"),
        ("ix-xi", "ix--xi"),
        ("1:1-1:24", "1:1-1:24"),
        ("A-12", "A-12"),
        ("e1234", "e1234"),
        ("12+", "12+"),
        ("\\pageref{a-1}", "\\pageref{a-1}"),
    ],
)
def test_pages(raw: str, expected: str) -> None:
    assert value("pages", f"{{{raw}}}") == f"{{{expected}}}"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Ann Lee\n  and\tBo  Ray and others", "Ann Lee and Bo  Ray and others"),
        ("{NASA  and  ESA} and Ann", "{NASA  and  ESA} and Ann"),
        ("Anders  Sandberg", "Anders  Sandberg"),
        ("Ann and and Bo", "Ann and and Bo"),
        ("Ann, Bo, Cy", "Ann, Bo, Cy"),
    ],
)
def test_only_the_and_between_names_is_set(raw: str, expected: str) -> None:
    assert value("author", f"{{{raw}}}") == f"{{{expected}}}"


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("LoRA: Low-Rank Adaptation of LLMs", "{LoRA}: Low-Rank Adaptation of {LLMs}"),
        ("Tuning BERT, GPT-3 and T5 (PEFT)", "Tuning {BERT}, {GPT-3} and {T5} ({PEFT})"),
        ("{LoRA} and {GPT}s for BERT-based nets", "{LoRA} and {GPT}s for {BERT}-based nets"),
        ("A Model: The Way I see it", "A Model: The Way I see it"),
        ("The U-Net in U.S. hospitals", "The {U-Net} in {U.S.} hospitals"),
        ("Attention in $O(N \\log N)$ and $n$", "Attention in {$O(N \\log N)$} and $n$"),
        ("ATTENTION IS ALL YOU NEED", "ATTENTION IS ALL YOU NEED"),
        ("\\LaTeX and M\\\"uLLER {\\'E}tude AT\\&T", "\\LaTeX and M\\\"uLLER {\\'E}tude {AT}\\&T"),
        ("Costs of $5 for GPUs and 3D", "Costs of $5 for GPUs and 3D"),
        ("Costs of \\$5 for GPUs in 3D", "Costs of \\$5 for {GPUs} in {3D}"),
        ("Word2Vec's MATH in $a_{AB} + CD$", "{Word2Vec}'s {MATH} in {$a_{AB} + CD$}"),
    ],
)
def test_names_in_titles(title: str, expected: str) -> None:
    assert protect(title) == expected
    assert protect(expected) == expected


def test_legal_entry_that_others_damage() -> None:
    text = (Path(__file__).parent / "data" / "nasty.bib").read_text()
    before, after = read(text), read(normalize(text))
    assert after.key == before.key
    assert after.raw["month"] == 'jan # "~1"'
    for name in set(before.fields) - {"title"}:
        assert after.fields[name] == before.fields[name], name
    assert after.fields["title"] == "100\\% of {GPU}s: a 50% test of C\\# and T_x & co"


def test_what_is_not_one_entry() -> None:
    for text in ("", "hello", "@misc{a, title = {x}", "@misc{a}\n@misc{b}", "@string{a = {b}}"):
        with pytest.raises(BadBibtex):
            normalize(text)


def test_a_comment_above_stays() -> None:
    assert normalize("% mine\n@misc{a,title={x}}") == "% mine\n@misc{a,\n  title = {x},\n}"


LETTERS = st.characters(codec="utf-8", exclude_characters='{}"', exclude_categories=("Cc", "Cs"))
PIECES = st.sampled_from(
    [
        " and ",
        "\n and\t",
        " ",
        "\\'",
        "\\&",
        "\\LaTeX ",
        "$",
        "-",
        "--",
        "–",
        "LoRA",
        "GPT-3",
        "U-Net",
        "McX",
        "é",
        "%20",
    ]
)
PLAIN = st.lists(st.text(LETTERS, max_size=6) | PIECES, max_size=6).map("".join)
TEXT = st.recursive(
    PLAIN, lambda inner: st.lists(inner | inner.map("{{{}}}".format), max_size=4).map("".join), max_leaves=6
)
RAW = (
    TEXT.map("{{{}}}".format)
    | PLAIN.map('"{}"'.format)
    | st.integers(0, 3000).map(str)
    | st.sampled_from(
        ["jan", "May", "acm", "acm # { x}", 'jan # "~1"', "{1} # {2}", "{sept.}", "{https://doi.org/10.1/X}"]
    )
)
NAMES = st.sampled_from([*ORDER, "note", "x-y", "translator", "Keywords"])
ENTRIES = st.lists(st.tuples(NAMES, RAW), max_size=6).map(
    lambda fields: "@Misc{k:1,\n" + "".join(f"{name} = {raw},\n" for name, raw in fields) + "}"
)


def said(name: str, value: str) -> str:
    """What a value says, without what normalising is there to change."""
    if name in ("title", "subtitle"):
        return re.sub(r"[{}]", "", value)
    if name == "pages":
        return re.sub(r"\s*[-‐‒–—−]+\s*", "-", value)
    if name == "doi":
        return re.sub(r"\s*https?://doi.org/", "", value).strip()
    if name == "month":
        months = {"1": "January", "sept.": "September", **MONTHS}
        return months.get(re.sub(r"^0(?=.)", "", value.strip().lower()), months_by_number(value))
    return " ".join(value.split()) if name not in ("note", "url", "abstract") else value


def months_by_number(text: str) -> str:
    number = text.strip().lstrip("0") or "0"
    return (
        list(MONTHS.values())[int(number) - 1]
        if number.isascii() and number.isdecimal() and 0 < int(number) < 13
        else text
    )


@given(ENTRIES)
def test_twice_is_once_and_content_stays(text: str) -> None:
    macros = {**MONTHS, "acm": "ACM"}
    once = normalize(text, macros)
    assert normalize(once, macros) == once
    before, after = read(text, macros), read(once, macros)
    assert (after.type, after.key, set(after.fields)) == (before.type, before.key, set(before.fields))
    for name, value in before.fields.items():
        was, now = said(name, value), said(name, after.fields[name])
        if name in ("author", "editor", "translator"):  # an organisation gets braces
            now, was = (re.sub("[{}]", "", text).lower() for text in (now, was))
        assert now.lower() == was.lower() if name == "month" else now == was


@given(st.text("aB-. $\\{}&'3Lé", max_size=30))
def test_protecting_only_adds_braces(title: str) -> None:
    once = protect(title)
    assert protect(once) == once
    assert re.sub(r"[{}]", "", once) == re.sub(r"[{}]", "", title)


def test_long_text_takes_no_longer_than_its_length() -> None:
    for piece in ("- ", " and", "a-", "$", "A.", "\\", "1-", "G-1.1"):
        entry = "@misc{{k, title = {{{0}}}, author = {{{0}}}, pages = {{{0}}}, doi = {{{0}}}}}".format(piece * 50_000)
        assert read(normalize(entry)).key == "k"


@pytest.mark.skipif(not BIBS.is_dir(), reason="the collection of real .bib files is not here")
def test_real_entries() -> None:
    from catalog.bibtex.scan import scan

    seen = 0
    for file in sorted(BIBS.glob("*.bib")):
        for block in scan(file.read_bytes().decode("utf-8-sig", "replace")):
            if block.kind != "entry":
                continue
            seen += 1
            once = normalize(block.text)
            assert normalize(once) == once
            before, after = read(block.text), read(once)
            for name in set(before.fields) - {"title", "subtitle", "month", "doi", "pages"}:
                was, now = (" ".join(entry.fields[name].split()) for entry in (before, after))
                if name in ("author", "editor") and was != now:  # organisations got braces
                    was, now = (re.sub("[{}]", "", text) for text in (was, now))
                assert now == was, (block.key, name)
    assert seen > 300


def made(fields: str, wanted: Wanted) -> str:
    """The lines between the braces of an entry of these fields."""
    return "\n".join(normalize(f"@article{{k, {fields}}}", wanted=wanted).split("\n")[1:-1])


@pytest.mark.parametrize(
    ("fields", "wanted", "expected"),
    [
        ("year=1, abstract={x}, title={A}", Wanted(drop=frozenset({"abstract"})), "  title = {A},\n  year = {1},"),
        ("year=1, abstract={x}, title={A}", Wanted(only=frozenset({"title"})), "  title = {A},"),
        ("title={A}, note={n}, year=1", Wanted(first=("note", "year")), "  note = {n},\n  year = {1},\n  title = {A},"),
        ("zoo={A}, year=1, title={T}", Wanted(leave=frozenset({"order"})), "  zoo = {A},\n  year = {1},\n  title = {T},"),
        ("year=1, title={A}", Wanted(align=True), "  title = {A},\n  year  = {1},"),
        ("month=3", Wanted(leave=frozenset({"months"})), "  month = {3},"),
        ("pages={1-2}", Wanted(leave=frozenset({"pages"})), "  pages = {1-2},"),
        ("doi={doi:10.1000/a}", Wanted(leave=frozenset({"dois"})), "  doi = {doi:10.1000/a},"),
        ("title={A LoRA thing}", Wanted(leave=frozenset({"capitals"})), "  title = {A LoRA thing},"),
        ("title={A & B: 5\\% of a_b $x_1$ \\url{a_b} C# &amp; D}", Wanted(escape=True),
         "  title = {A \\& B: 5\\% of a\\_b $x_1$ \\url{a_b} C\\# \\& D},"),
        ("title={Café “Œuvre” 1–2, {É}t{\\'e} 王}", Wanted(ascii=True),
         "  title = {Caf{\\'e} ``{\\OE}uvre'' 1--2, {{\\'E}}t{\\'e} 王},"),
        ("url={https://e.org/é}", Wanted(ascii=True), "  url = {https://e.org/é},"),
        ("url={https://e.org/a_b?c=%20&d}", Wanted(escape=True), "  url = {https://e.org/a_b?c=%20&d},"),
        ("journal={Journal of  Long Names}", Wanted(journals={"journal of long names": "J. Long N."}),
         "  journal = {J. Long N.},"),
        ("journal={J}, year={2020}, month=jun, archiveprefix={arXiv}", Wanted(biblatex=True),
         "  date = {2020-06},\n  journaltitle = {J},\n  eprinttype = {arXiv},"),
        ("journal={J}, journaltitle={K}", Wanted(biblatex=True), "  journal = {J},\n  journaltitle = {K},"),
        ("year={2020}, year={2021}", Wanted(biblatex=True), "  year = {2020},\n  year = {2021},"),
        ("year={in press}, month={May-June}", Wanted(biblatex=True), "  year = {in press},\n  month = {May-June},"),
    ],
)  # fmt: skip
def test_every_change_can_be_chosen(fields: str, wanted: Wanted, expected: str) -> None:
    assert made(fields, wanted) == expected
    again = normalize(f"@article{{k,\n{expected}\n}}", wanted=wanted)
    assert "\n".join(again.split("\n")[1:-1]) == expected


def test_neither_of_two_fields_of_one_name_is_thrown_away() -> None:
    assert made("title={First}, title={Second}, year=1, year=1", Wanted()) == (
        "  title = {First},\n  title = {Second},\n  year = {1},"
    )


def test_comments_between_fields_stand_before_the_entry() -> None:
    text = normalize("@misc{k, % who\n title = {A}, % what\n % more\n}")
    assert text == "% who\n% what\n% more\n@misc{k,\n  title = {A},\n}"


@given(st.text(st.characters(max_codepoint=0x24F, categories=("L", "Zs")), min_size=1, max_size=30))
def test_letters_written_as_commands_are_read_as_they_were(text: str) -> None:
    done = normalize(f"@misc{{k, author = {{{text}}}}}", wanted=Wanted(ascii=True))
    assert decode(read(done).fields["author"]) == decode(text)


def test_an_organisation_gets_braces_unless_names_are_left() -> None:
    entry = "@misc{k, author = {Google DeepMind and Hu, E. and {Meta AI} and Team, Gemini and others}}"
    braced = "{Google DeepMind} and Hu, E. and {Meta AI} and Team, Gemini and others"
    assert read(normalize(entry)).fields["author"] == braced
    left = normalize(entry, wanted=Wanted(leave=frozenset({"names"})))
    assert read(left).fields["author"].startswith("Google DeepMind")
