"""The query language: what each form means, and that nothing but `BadQuery` ever comes out of a bad one."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import BadQuery
from catalog.search.fold import fold, tokens
from catalog.search.query import DEEPEST, EXAMPLES, FIELDS, LONGEST, parse
from catalog.search.tree import BEYOND, And, Between, Contains, Is, Node, Not, Or, Words, starting


def word(*found: str, column: str = "") -> Words:
    return Words(found, prefix=True, column=column)


def phrase(*found: str, column: str = "") -> Words:
    return Words(found, prefix=False, column=column)


A, B, C = word("a"), word("b"), word("c")

MEANINGS: list[tuple[str, Node | None]] = [
    ("", None),
    ("  \t ", None),
    ("LoRA", word("lora")),
    ("lora*", word("lora")),
    ("low-rank", word("low", "rank")),
    ('"Low-Rank"', phrase("low", "rank")),
    ('""  a', A),
    ("Müller", word("muller")),
    ("Łukasz", word("lukasz")),
    ("Straße", word("strasse")),
    ("Søren Ægir", And((word("soren"), word("aegir")))),
    ("İstanbul", word("istanbul")),
    ("ﬁne", word("fine")),
    ("深度学习", phrase("深", "度", "学", "习")),
    ("GPT模型", phrase("gpt", "模", "型")),
    ("a b", And((A, B))),
    ("a AND b", And((A, B))),
    ("a a", A),
    ("a OR b c", Or((A, And((B, C))))),
    ("(a OR b) c", And((Or((A, B)), C))),
    ("a -b", And((A, Not(B)))),
    ("NOT a", Not(A)),
    ("a OR NOT b", Or((A, Not(B)))),
    ("NOT NOT a", A),
    ("--a", A),
    ("-(a b)", Not(And((A, B)))),
    ("-(-a)", A),
    ("-(-a) b", And((A, B))),
    ("NOT(a b)c", And((Not(And((A, B))), C))),
    ("a & b", And((A, B))),
    ("a - b", And((A, B))),
    ("a -> b", And((A, B))),
    ("a -& b", And((A, B))),
    ("a OR & b", Or((A, B))),
    ("(&) a", A),
    ("or and not", And((word("or"), word("and"), word("not")))),
    ('"OR"', phrase("or")),
    ("BERT: a", And((word("bert"), A))),
    ("http://x.org/y", Or((word("http", "x", "org", "y"), Contains("link", "x.org/y")))),
    ("x.org/y/", Or((word("x", "org", "y"), Contains("link", "x.org/y")))),
    ("and/or", word("and", "or")),
    ("3.5/4", word("3", "5", "4")),
    ("2021", Or((word("2021"), Is("year", "2021")))),
    ("2106.09685v2", starting("arxiv", "2106.09685")),
    ("doi:10.1000/a", starting("doi", "10.1000/a")),
    ("10.1145/A(1)", Or((starting("doi", "10.1145/a(1)"), Contains("link", "10.1145/a(1)")))),
    ("10:30", word("10", "30")),
    ("pix2pix:a", word("pix2pix", "a")),
    ("f(x)", And((word("f"), word("x")))),
    ("C++", word("cplusplus")),
    ("title:a", word("a", column="title")),
    ("title:a,b", Or((word("a", column="title"), word("b", column="title")))),
    ('title:"a,b"', phrase("a", "b", column="title")),
    ("author:hu", word("hu", column="authors")),
    ('author:"Edward Hu"', phrase("edward", "hu", column="authors")),
    ("TITLE:a", word("a", column="title")),
    ("tag:quantization", Is("tag", "quantization")),
    ('tag:"Long Context"', Is("tag", "long-context")),
    ("tag:long-context", Is("tag", "long-context")),
    ("tag:quant*", starting("tag", "quant")),
    ("tag:long-*", starting("tag", "long-")),
    ('tag:"a*"', Is("tag", "a")),
    ("tag:a,,b,", Or((Is("tag", "a"), Is("tag", "b")))),
    ('tag:"a b",c', Or((Is("tag", "a-b"), Is("tag", "c")))),
    ("-tag:survey", Not(Is("tag", "survey"))),
    ("status:Unread", Is("status", "unread")),
    ("status:unread,reading", Or((Is("status", "unread"), Is("status", "reading")))),
    ("year:2021", starting("year", "2021")),
    ("year:2021..2023", Between("year", "2021", "2023" + BEYOND)),
    ("year:2021..", Between("year", "2021", BEYOND)),
    ("year:..2020", Between("year", "", "2020" + BEYOND)),
    ("year:>2020", Between("year", "2020" + BEYOND, BEYOND)),
    ("year:>=2020", Between("year", "2020", BEYOND)),
    ("year:<2020", Between("year", "", "2020")),
    ("year:<=2020", Between("year", "", "2020" + BEYOND)),
    ("year:2019,2021..2022", Or((starting("year", "2019"), Between("year", "2021", "2022" + BEYOND)))),
    ("added:2026-01..2026-03", Between("added", "2026-01", "2026-03" + BEYOND)),
    ("read:2026", starting("read", "2026")),
    ("due:..2026-12-31", Between("due", "", "2026-12-31" + BEYOND)),
    ("added:2026-03..2026", Between("added", "2026-03", "2026" + BEYOND)),
    ("key:Hu2021", Contains("key", "hu2021")),
    ('key:"hu2021lora"', Is("key", "hu2021lora")),
    ("key:hu*", starting("key", "hu")),
    ("type:Article", Is("type", "article")),
    ("doi:10.1016/0004-3702(94)00041-X", starting("doi", "10.1016/0004-3702(94)00041-x")),
    ("(doi:10.1/(a)b)", starting("doi", "10.1/(a)b")),
    ("doi:https://doi.org/10.1000/A", starting("doi", "10.1000/a")),
    ('doi:"10.1000/a"', Is("doi", "10.1000/a")),
    ("arxiv:2106.09685v2", starting("arxiv", "2106.09685")),
    ("arXiv:https://arxiv.org/abs/2106.09685", starting("arxiv", "2106.09685")),
    ("arxiv:2106.", starting("arxiv", "2106.")),
    ("has:code", Is("has", "code")),
    ("has:tags", Is("has", "tag")),
    ("has:implementation", Is("has", "impl")),
    ('has:"google colab"', Is("has", "google colab")),
    ("link:GitHub.com", Contains("link", "github.com")),
    ("link:https://x.org/a:b", Contains("link", "https://x.org/a:b")),
]


@pytest.mark.parametrize(("text", "meaning"), MEANINGS)
def test_a_query_means(text: str, meaning: Node | None) -> None:
    assert parse(text).root == meaning


PROBLEMS = [
    ("auther:x", "did you mean author:?"),
    ("auther:x", "Known are abstract, added, arxiv,"),
    ("lora foo:bar", "character 6, 'foo:bar'"),
    ('foo:"a b"', "no field is called 'foo'"),
    ("status:done", "write unread, reading or read"),
    ("status:unread,done", "character 15, 'done'"),
    ("year:21", "write 2021, 2021..2023"),
    ("year:２０２１", "is not a year"),
    ("year:2021-2023", "is not a year"),
    ("year:2023..2021", "write 2021..2023"),
    ("year:..", "the range has no ends"),
    ("year:>", "is not a year"),
    ("year:2021..2022..2023", "is not a year"),
    ("added:2026-13", "is not a date"),
    ("added:2026-02-30", "is not a date"),
    ("added:0000", "is not a date"),
    ("due:tomorrow", "write 2026, 2026-01"),
    ("title:", "title: needs a value right after the colon"),
    ("author: hu", "such as author:dettmers"),
    ('tag:""', "tag: needs a value"),
    ("tag:,", "tag: needs a value"),
    ("title:(a OR b)", "title: needs a value"),
    ("title:&", "title: '&' has no letter"),
    ('lora "rank', "character 6, '\"rank'"),
    ('tag:"a', 'this " is not closed'),
    ("(a", "not closed"),
    ("((a) b", "character 1,"),
    ("a) b", "character 2, ') b'"),
    ("()", "nothing between the parentheses"),
    ("a OR", "OR has nothing after it"),
    ("(a OR ) b", "character 4, 'OR ) b'"),
    ("OR a", "OR has nothing before it"),
    ("AND a", "AND has nothing before it"),
    ("a AND OR b", "OR has nothing before it"),
    ("a NOT", "NOT has nothing after it"),
    ("NOT OR a", "OR has nothing before it"),
    ("&", "no letter and no digit"),
    ("-&", "no letter and no digit"),
    ("(" * (DEEPEST + 1) + "a", f"more than {DEEPEST} deep"),
    ("a" * (LONGEST + 1), "at most 10,000"),
]


@pytest.mark.parametrize(("text", "part"), PROBLEMS)
def test_a_bad_query_says_where_and_what_to_write(text: str, part: str) -> None:
    with pytest.raises(BadQuery) as caught:
        parse(text)
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_every_field_has_a_meaning_and_an_example_that_reads() -> None:
    assert list(FIELDS) == sorted(FIELDS) == list(EXAMPLES)
    for name, example in EXAMPLES.items():
        assert FIELDS[name]
        assert parse(example).root is not None
        assert example.startswith(f"{name}:")


def test_words_to_rank_by_are_those_a_match_may_hold() -> None:
    query = parse('a OR (b title:c) -d NOT (e OR f) tag:g "h i"')
    assert query.words == (A, B, word("c", column="title"), phrase("h", "i"))


def test_half_a_surrogate_pair_is_no_word() -> None:
    assert parse("caf\udce9 a").root == And((word("caf"), A))


@pytest.mark.parametrize(
    "text", ['(x"' * 3000, "a(" * 5000, "doi:x(" * 1600, '"' * 9999, "-" * 9999 + "a", "a OR " * 1999 + "a", ")" * 9999]
)
def test_a_hostile_query_is_read_in_no_time(text: str) -> None:
    start = time.perf_counter()
    with contextlib.suppress(BadQuery):
        parse(text)
    assert time.perf_counter() - start < 2


PIECES = [
    *'()-":,*.&<>',
    " ",
    "OR",
    "AND",
    "NOT",
    "NEAR(",
    "a",
    "é",
    "学",
    "tag:",
    "year:",
    "2021",
    "..",
    "added:",
    "x:",
]


@given(st.one_of(st.text(st.characters()), st.lists(st.sampled_from(PIECES)).map("".join)))
def test_parsing_raises_nothing_but_bad_query(text: str) -> None:
    with contextlib.suppress(BadQuery):
        assert hash(parse(text)) == hash(parse(text))


@given(st.text())
def test_folding_folds_once_and_leaves_only_ascii_between_tokens(text: str) -> None:
    folded = fold(text)
    assert tokens(folded) == tokens(text)
    assert all(c.isascii() or c.isalnum() for c in folded)
    assert not any(c.isupper() for c in folded if c.isascii())


@given(st.text(st.characters(max_codepoint=0x24F)))
def test_case_never_matters(text: str) -> None:
    assert tokens(text.lower()) == tokens(text)
