"""Scanning: nothing is lost, good entries are untouched, damage is mended or told."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from catalog.bibtex.entry import read, strings
from catalog.bibtex.scan import Block, scan

SHARED = Path(__file__).parent.parent.parent / "shared" / "bibs"
NEXT = "\n@misc{next, title = {Next}}\n"

words = st.sampled_from(
    ["Deep", "learning", "of", "graphs", "50%", "A & B", r"\'e", "x_1", "{GPU}s", '{"}q{"}', "it's"]
)
plain = st.lists(words, min_size=1, max_size=5).map(" ".join)
keys = st.from_regex(r"[a-z]{2,8}[0-9]{4}[a-z]{0,2}", fullmatch=True)
names = st.sampled_from(["title", "year", "author", "journal", "note", "doi", "url", "abstract", "pages", "volume"])
values = st.one_of(
    plain.map("{{{}}}".format),
    plain.filter(lambda text: '"' not in text).map('"{}"'.format),
    plain.map("{{{{{}}}}}".format),
    st.integers(0, 2030).map(str),
    st.sampled_from(["jan", 'jan # "~1"', "{}", "{a, b = c}", "{Line\n  two}", '"x" # {y} # feb']),
)


@st.composite
def entries(draw: st.DrawFn, key: str) -> str:
    kind = draw(st.sampled_from(["article", "InProceedings", "misc", "BOOK", "online"]))
    fields = draw(st.lists(st.tuples(names, values), min_size=1, max_size=6, unique_by=lambda field: field[0]))
    between = draw(st.sampled_from([", ", ",\n  ", ",\n\t", " ,\n"]))
    equals = draw(st.sampled_from(["=", " = "]))
    end = draw(st.sampled_from(["\n}", "}", ",\n}", "}"]))
    return f"@{kind}{{{key}{between}" + between.join(f"{n}{equals}{v}" for n, v in fields) + end


@st.composite
def files(draw: st.DrawFn, least: int = 1) -> list[tuple[str, str]]:
    found = draw(st.lists(keys, min_size=least, max_size=5, unique=True))
    return [(key, draw(entries(key))) for key in found]


def entry_keys(blocks: list[Block]) -> list[str]:
    return [block.key for block in blocks if block.kind == "entry"]


def codes(blocks: list[Block]) -> list[str]:
    return [finding.code for block in blocks for finding in block.findings]


def assert_lossless(text: str, blocks: list[Block]) -> None:
    at = 0
    for block in blocks:
        start = text.index(block.raw, at)
        assert not text[at:start].strip(" \t\n\r\f\v\ufeff\u200b\xa0\u2028\u2029\u3000")
        assert block.line == text.count("\n", 0, start) + 1
        at = start + len(block.raw)
    assert not text[at:].strip(" \t\n\r\f\v\ufeff\u200b\xa0\u2028\u2029\u3000")


def assert_consistent(text: str, blocks: list[Block]) -> None:
    """What holds of the blocks of any text whatever."""
    assert_lossless(text, blocks)
    lines = text.count("\n") + 1
    for block in blocks:
        kinds = {finding.kind for finding in block.findings}
        assert all(1 <= finding.line <= lines and finding.message for finding in block.findings)
        assert (block.text != block.raw) == ("repaired" in kinds)
        assert (block.kind == "broken") == ("rejected" in kinds)
        if block.kind == "entry":
            assert read(block.text).key == block.key
        if block.kind == "string":
            strings(block.text, {})


PIECES = (
    *'{}{}{}(),,=="#%@\n\n \\',
    *("@article{", "@misc{a,", "\n@book{b,\n", " title = {T}", "year=2000", "x", "1a", "a b", "\n note = {n},"),
    *("@comment", "@comment{", "@string{", "@preamble{", "“", "é", "\xa0", "\ufeff", "\r\n", "\x00"),
)
fragments = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


@settings(max_examples=600)
@given(st.one_of(fragments, st.text(max_size=80), st.text(alphabet='@a{}(),="\n %#', max_size=60)))
@example("@a{b,c={d}}}")
@example("@comment{}@a{,}x}")
def test_any_text_survives(text: str) -> None:
    assert_consistent(text, scan(text))


@given(files(), st.sampled_from(["\n\n", "\n", " ", "", "\n% comment\n", "\n\nSome prose, me@x.org.\n\n", "\r\n"]))
def test_good_entries_are_exactly_these(found: list[tuple[str, str]], between: str) -> None:
    text = between.join(entry for _, entry in found)
    blocks = scan(text)
    assert_consistent(text, blocks)
    taken = [block for block in blocks if block.kind != "comment"]
    assert [(block.kind, block.key, block.raw) for block in taken] == [("entry", key, entry) for key, entry in found]
    assert all(block.text == block.raw and not block.findings for block in taken)


def damage_is_told(found: list[tuple[str, str]], between: str, hit: int, damaged: str) -> None:
    """One entry of a file is damaged: the others are as they were, and it is there or told of."""
    before = "".join(entry + between for _, entry in found[:hit])
    text = before + damaged + between + between.join(entry for _, entry in found[hit + 1 :])
    blocks = scan(text)
    assert_consistent(text, blocks)
    raws = {block.key: block.raw for block in blocks if block.kind == "entry"}
    for i, (key, entry) in enumerate(found):
        assert i == hit or raws.get(key) == entry, f"{key} suffered from a damage elsewhere"
    key = found[hit][0]
    told = [f.message + f.key for b in blocks for f in b.findings if f.kind in ("repaired", "rejected")]
    assert key in raws or any(key in message for message in told), f"{key} is lost without a word"


@settings(max_examples=150)
@given(files(2), st.sampled_from(["\n\n", "\n"]), st.data())
def test_one_lost_character_never_loses_an_entry(
    found: list[tuple[str, str]], between: str, data: st.DataObject
) -> None:
    hit = data.draw(st.integers(0, len(found) - 1))
    entry = found[hit][1]
    at = data.draw(st.sampled_from([i for i, char in enumerate(entry) if char in "{},"]))
    damage_is_told(found, between, hit, entry[:at] + entry[at + 1 :])


@settings(max_examples=150)
@given(files(2), st.sampled_from(["\n\n", "\n"]), st.sampled_from(list('{}",=')), st.data())
def test_one_extra_character_never_loses_an_entry(
    found: list[tuple[str, str]], between: str, extra: str, data: st.DataObject
) -> None:
    hit = data.draw(st.integers(0, len(found) - 1))
    entry = found[hit][1]
    at = data.draw(st.integers(entry.index(",") + 1, len(entry) - 1))
    damage_is_told(found, between, hit, entry[:at] + extra + entry[at:])


VARIED = [
    ("first2001", '@article{first2001,\n  title = {A {GPU} title},\n  year = 2001,\n  note = "a {b} c"\n}'),
    ("second2002", "@book{second2002, title={Two}, author={Smith, John and {NASA and ESA}}, year={2002}}"),
    ("third2003", '@misc{third2003,\n  url = {http://x.org/a,b?c=d},\n  month = jan # "~1",\n}'),
    ("fourth2004", "@online{fourth2004\n, title = {{All}}\n, date = {2004-01}\n}"),
    ("fifth2005", "@misc{fifth2005}"),
    ("sixth2006", '@InProceedings{sixth2006,\n\ttitle={Six},\n\tabstract={One,\n\ntwo, a = b.\n},\n\tpages="1--2"}'),
    ("seventh2007", "@thesis{seventh2007,title={A \\{b\\} c},file={:C\\:\\\\a.pdf:PDF},keywords={a, {b}, c}}"),
]


@pytest.mark.parametrize("between", ["\n\n", "\n", " ", "\n\nProse between.\n\n", "\n% note\n"])
def test_every_lost_character_is_told(between: str) -> None:
    for hit, (_, entry) in enumerate(VARIED):
        for at in (i for i, char in enumerate(entry) if char in "{},"):
            damage_is_told(VARIED, between, hit, entry[:at] + entry[at + 1 :])


def test_every_pair_of_lost_characters_leaves_the_others_alone() -> None:
    for hit, (key, entry) in enumerate(VARIED):
        for other, (_, second) in enumerate(VARIED):
            if other <= hit:
                continue
            for at in (i for i, char in enumerate(entry) if char in "{}"):
                for there in (i for i, char in enumerate(second) if char in "{}"):
                    texts = [entry for _, entry in VARIED]
                    texts[hit] = entry[:at] + entry[at + 1 :]
                    texts[other] = second[:there] + second[there + 1 :]
                    raws = {block.key: block.raw for block in scan("\n\n".join(texts)) if block.kind == "entry"}
                    for i, (key, whole) in enumerate(VARIED):
                        assert i in (hit, other) or raws.get(key) == whole


def test_a_truncated_file_keeps_what_came_before() -> None:
    text = "\n\n".join(entry for _, entry in VARIED)
    for stop in range(len(text)):
        blocks = scan(text[:stop])
        assert_consistent(text[:stop], blocks)
        whole = [key for key, entry in VARIED if text.index(entry) + len(entry) <= stop]
        assert entry_keys(blocks)[: len(whole)] == whole


def damaged_file(count: int, share: float, seed: int = 7) -> tuple[str, list[str], set[str]]:
    """A file of numbered entries, a share of them with one to three characters lost or added."""
    dice = random.Random(seed)
    texts, hurt = [], set()
    for number in range(count):
        key = f"key{number:06d}x"
        _, entry = dice.choice(VARIED[:4] + VARIED[5:])
        entry = re.sub(r"\b[a-z]+200\d\b", key, entry)
        if dice.random() < share:
            hurt.add(key)
            for _ in range(dice.randint(1, 3)):
                at = dice.randrange(entry.index(key) + len(key), len(entry))
                while entry[at] not in '{},"':
                    at = dice.randrange(entry.index(key) + len(key), len(entry))
                entry = entry[:at] + dice.choice(["", "", entry[at] * 2]) + entry[at + 1 :]
        texts.append(entry)
    return "\n\n".join(texts), [f"key{number:06d}x" for number in range(count)], hurt


@pytest.mark.parametrize(("count", "share", "seed"), [(3000, 0.2, 7), (1000, 0.35, 300), (1000, 0.5, 305)])
def test_of_a_large_damaged_file_nothing_is_dropped(count: int, share: float, seed: int) -> None:
    text, keys, hurt = damaged_file(count, share, seed)
    blocks = scan(text)
    assert_lossless(text, blocks)
    taken = set(entry_keys(blocks))
    told = {finding.key for block in blocks for finding in block.findings}
    assert set(keys) - taken <= told
    assert set(keys) - taken <= hurt
    assert len(keys) - len(taken) < 0.1 * len(hurt)


MENDED = [
    ("@misc{a,\n title={T}\n year={2000}\n}", "missing-comma", 2, {"title": "T", "year": "2000"}),
    ("@misc{a,\n year=2000\n month=jan\n title={T}}", "missing-comma", 2, {"year": "2000", "title": "T"}),
    ("@misc{a\n title={T}}", "missing-comma", 1, {"title": "T"}),
    ("@misc{a title={T}}", "missing-comma", 1, {"title": "T"}),
    ("@misc{atitle={T}}", "missing-comma", 1, {"title": "T"}),
    ("@misc{a, title={T},,\n year=2000}", "extra-comma", 1, {"title": "T", "year": "2000"}),
    ("@misc{a, volume=12a}", "bare-value", 1, {"volume": "12a"}),
    ("@misc{a, title = Hello World, note={n}}", "bare-value", 1, {"title": "Hello World", "note": "n"}),
    ("@misc{a, title = Hello, World}", "bare-value", 1, {"title": "Hello, World"}),
    ("@misc{a, url=http://x.org/a?b=c, year=1}", "bare-value", 1, {"url": "http://x.org/a?b=c", "year": "1"}),
    ("@misc{a, title=, note=}", "missing-value", 1, {"title": "", "note": ""}),
    ("@misc{a, title = “T”, note={n}}", "smart-quotes", 1, {"title": "T", "note": "n"}),
    ('@misc{a, title = "A "q" B",\n note={n}}', "bad-quotes", 1, {"title": 'A "q" B', "note": "n"}),
    ("@misc{a,\n title={T}},\n year={2000}\n}", "extra-brace", 2, {"title": "T", "year": "2000"}),
    ("@misc{a,\n title={T}}\n year={2000}\n}", "extra-brace", 2, {"title": "T", "year": "2000"}),
    ("@misc{a,\n title={T}}\n}", "extra-brace", 2, {"title": "T"}),
    ("@misc{a,\n title={T} x},\n note={n}\n}", "missing-open-brace", 2, {"title": "{T} x", "note": "n"}),
    ("@misc{a, title=A {B} C}, note={n}}", "missing-open-brace", 1, {"title": "A {B} C", "note": "n"}),
    ("@misc{a,\n title={T,\n note={n}\n}", "missing-close-brace", 2, {"title": "T", "note": "n"}),
    ("@misc{a,\n title={T {x,\n note={n}\n}", "missing-close-brace", 2, {"title": "T {x}", "note": "n"}),
    ("@misc{a, title={{T}, note={n}}", "missing-close-brace", 1, {"title": "{T}", "note": "n"}),
    ("@misc{a,\n title={T},\n note={n}\n", "unclosed-entry", 3, {"title": "T", "note": "n"}),
    ("@misc{a,\n title={T},\n note={n}\n\nSome prose.", "unclosed-entry", 3, {"title": "T", "note": "n"}),
    ("@misc{a,\n title={T},\n note={n", "missing-close-brace", 3, {"title": "T", "note": "n"}),
    ("@misc{a, title={lone \\} here}, note={n}}", "lone-brace", 1, {"title": "lone \\textbraceright{} here"}),
    ("@misca, title={T}}", "missing-open-brace", 1, {"title": "T"}),
    ("@misc a,\n title={T}\n}", "missing-open-brace", 1, {"title": "T"}),
    ("@misc{a, title={T}},", "stray-comma", 1, {"title": "T"}),
    ("@misc{a,\xa0title\xa0=\xa0{T}}", "odd-space", 1, {"title": "T"}),
    ("@misc{a, title={T}; year={1}}", "missing-comma", 1, {"title": "T", "year": "1"}),
    (
        "@misc{a,\n title={T}:\n year = 1;\n note = {n};\n}",
        "missing-comma",
        2,
        {"title": "T", "year": "1", "note": "n"},
    ),
    ("@misc{a, title={T}, year 2003}", "missing-equals", 1, {"title": "T", "year": "2003"}),
    ('@misc{a, title: {T}, year := 1, note "n"}', "missing-equals", 1, {"title": "T", "year": "1", "note": "n"}),
    ("@misc{a, title {T} year 1 volume {2}}", "missing-equals", 1, {"title": "T", "year": "1", "volume": "2"}),
    ("@misc{a; title={T}}", "missing-comma", 1, {"title": "T"}),
    ("@misc{a, pages = 1-2; year = 1}", "bare-value", 1, {"pages": "1-2", "year": "1"}),
    ("@misc{a, note={See\n@misc{b, title={x}}\n} year=1}", "missing-comma", 3, {"year": "1"}),
]


@pytest.mark.parametrize(("text", "code", "line", "fields"), MENDED)
@pytest.mark.parametrize("before", ["", "@string{s = 1}\n\n"])
def test_damage_is_mended_and_told(text: str, code: str, line: int, fields: dict[str, str], before: str) -> None:
    blocks = scan(before + text + NEXT)
    assert_consistent(before + text + NEXT, blocks)
    assert entry_keys(blocks) == ["a", "next"]
    entry = next(block for block in blocks if block.key == "a")
    found = [f for f in entry.findings if f.code == code]
    assert [f.kind for f in found][:1] == ["repaired"]
    assert found[0].line == line + before.count("\n")
    assert found[0].remedy
    read_back = read(entry.text).fields
    assert {name: read_back[name] for name in fields} == fields
    assert blocks[-1].text == blocks[-1].raw == NEXT.strip()


LEGAL = [
    "@ article{a, title={T}}",
    "@inproceedings\n{a, title={T}}",
    "@foo_bar-baz{a, title={T}}",
    "@article {a, title={T},}",
    "@misc(a, title={T (x)}, year=1)",
    "@misc{a}",
    "@misc{a,}",
    "@misc{a, file={C:\\dir\\}, year={2000}}",
    '@misc{a, title="{"}", note={"}}',
    "@misc{a, title={x\n\n@ y}, number=007}",
    "@misc{a, title={NUL\x00 and \x1b stay}}",
    '@misc{a, title={T} # s # "x"\n # 12}',
    "@misc{a, title = {" + "{x} " * 100_000 + "}}",
    "@misc{a, date-added = {x}, bdsk-url-1 = {y}, mendeley-tags={z}}",
    "@misc{a , title={T}}",
]


@pytest.mark.parametrize("text", LEGAL, ids=range(len(LEGAL)))
def test_the_legal_is_taken_as_it_stands(text: str) -> None:
    first, second = scan(text + NEXT)
    assert (first.kind, first.key, first.raw, first.text, first.findings) == ("entry", "a", text, text, ())
    assert (second.key, second.findings) == ("next", ())


@pytest.mark.parametrize(
    "key", ["DBLP:conf/nips/X", "10.1145/12.3_4", "a+b_c.d&e'f", 'a"b', "two words", "ключ", "é", "a=b", "a@b", "a-1%2"]
)
def test_odd_keys(key: str) -> None:
    blocks = scan(f"@misc{{{key}, title={{T}}}}{NEXT}")
    assert entry_keys(blocks) == [key, "next"]
    assert not codes(blocks)


@pytest.mark.parametrize(
    ("text", "code", "kind"),
    [
        ("% @misc{x, title={T}}", "commented-out", "note"),
        ("%@misc{x,\n% title={T}\n%}", "commented-out", "note"),
        ("@comment{@misc{x, title={T}}}", "hidden-entry", "note"),
        ("@comment{jabref-meta: databaseType:bibtex;}", "", ""),
        ("@comment no braces @misc{x, title={T}}", "", ""),
        ("@Comment this is a comment", "", ""),
        ("Write to me@misc.org{x} or @john (hi).", "", ""),
        ("```bibtex", "", ""),
        ("year = {2000}\n}", "stray-text", "kept"),
    ],
)
def test_text_between_is_a_comment(text: str, code: str, kind: str) -> None:
    blocks = scan(f"{text}\n{NEXT}")
    assert [(block.kind, block.raw) for block in blocks] == [("comment", text), ("entry", NEXT.strip())]
    assert [(f.code, f.kind) for block in blocks for f in block.findings] == ([(code, kind)] if code else [])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("@misc{a, year=1, year=2}", "duplicate-field"),
        ("@misc{a, note={x &amp; y}}", "html-entity"),
        ("@misc{a, % why\n year=1}", "comment-inside"),
        ("@misc{a,\n year=1,\n % note={x},\n}", "comment-inside"),
        ("@misc{, year=1}", "missing-key"),
        ("@misc{a, note={See\n@misc{inner,\n title={x}\n}\n}, year=1}", "entry-in-value"),
    ],
)
def test_what_is_worth_a_note_stays_as_it_is(text: str, code: str) -> None:
    first, second = scan(text + NEXT)
    assert first.raw == first.text == text
    assert [(f.code, f.kind) for f in first.findings] == [(code, "note")]
    assert second.key == "next"


@pytest.mark.parametrize(
    "text",
    [
        '@misc{a, month = jan # ~1", note={n}}',
        "@misc{a, {title} = {T}}",
        "@misc{a, title}",
        '@string{s = jan # "x}',
        '@strings = "x"}',
        '@preamble{"x"',
    ],
)
def test_what_cannot_be_mended_is_kept_and_rejected(text: str) -> None:
    broken, *others = scan(f"@misc{{before}}\n{text}\n{NEXT}")[1:]
    assert (broken.kind, broken.raw, broken.text) == ("broken", text, text)
    assert [(f.kind, f.line) for f in broken.findings] == [("rejected", 2)]
    assert entry_keys(others) == ["next"]


def test_missing_keys_are_told() -> None:
    for text in ("@misc{title={T}}", "@misc{year=2000, title={T}}", '@misc{title = "T"}'):
        first, _ = scan(text + NEXT)
        assert (first.kind, first.key) == ("entry", "")
        assert [f.code for f in first.findings] == ["missing-key"]


def test_macros_and_preambles() -> None:
    text = '@string{a = "x"}@String(b = a # {y})\n@preamble{"\\x" # "y"}@PREAMBLE( "z" # {)} )@string{Jan = {1}, f = 2}'
    blocks = scan(text)
    assert_consistent(text, blocks)
    assert [(b.kind, b.key) for b in blocks] == [
        ("string", "a"), ("string", "b"), ("preamble", ""), ("preamble", ""), ("string", "jan"),
    ]  # fmt: skip
    assert not codes(blocks)


def test_an_unbalanced_entry_swallows_nothing_even_with_braces_to_spare_later() -> None:
    text = "@misc{a, title={T {x {y,\n year={1}\n}\n\n@misc{b,title={x}}\n\n@misc{c,title={x}}}},\n note={q}\n}"
    assert entry_keys(scan(text)) == ["a", "b", "c"]
    text = "@misc{a, year={1\n\n@misc{b,title={x}}\n\n@misc{c,title={x}}\n\n@misc{d,title={x}}}}\n}"
    assert entry_keys(scan(text)) == ["a", "b", "c", "d"]
    text = "@comment{jabref-meta\n\n@misc{b,title={x}},\n\n@misc{c,title={x}}},\n year={1}\n}" + NEXT
    assert entry_keys(scan(text)) == ["b", "c", "next"]


def test_a_byte_order_mark_and_carriage_returns() -> None:
    text = "\ufeff@misc{a,\r\n title={T}\r\n}\r\n"
    assert [(b.kind, b.raw) for b in scan(text)] == [("entry", "@misc{a,\r\n title={T}\r\n}")]


HOSTILE = (
    *("@a{k,t={", "@a{k}}", "@a(k)}", "@comment{", '@a(k,t="', "{", "@a!", '@a{k,t="x {y"}\n', "@a{k}%", "a b=", " "),
    *("@a{k,\nt={x\nn = {y\n", "%@a{x\n", "@a{k,x=1,,", "@a{k,t={@b{l,u={x}}} }", "@a{k a={x} b={y} c", "@a,b="),
)


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_text_takes_time_in_proportion(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    assert_lossless(text, scan(text))


@pytest.mark.skipif(not SHARED.is_dir(), reason="the collection of real .bib files is not here")
@pytest.mark.parametrize("path", sorted(SHARED.glob("*.bib")) if SHARED.is_dir() else [], ids=lambda path: path.name)
def test_real_files(path: Path) -> None:
    text = path.read_text("utf-8")
    blocks = scan(text)
    assert_consistent(text, blocks)
    assert {finding.kind for block in blocks for finding in block.findings} <= {"note"}
    assert all(block.raw == block.text for block in blocks)


def test_a_lost_quote_swallows_nothing() -> None:
    text = '@misc{a, month = jan # "~1,\n\n@misc{b,title={x}}\n\n@misc{c,title={x}}\n\n@misc{d,note="x {y}} z"\n}'
    blocks = scan(text)
    assert_consistent(text, blocks)
    assert [(block.kind, block.key) for block in blocks][:3] == [("broken", "a"), ("entry", "b"), ("entry", "c")]
