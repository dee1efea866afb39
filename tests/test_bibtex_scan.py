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


def damaged_file(count: int, share: float) -> tuple[str, list[str], set[str]]:
    """A file of numbered entries, a share of them with one to three characters lost or added."""
    dice = random.Random(7)  # noqa: S311  (a test's dice)
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


def test_of_a_large_damaged_file_nothing_is_dropped() -> None:
    text, keys, hurt = damaged_file(3000, 0.2)
    blocks = scan(text)
    assert_lossless(text, blocks)
    taken = set(entry_keys(blocks))
    told = {finding.key for block in blocks for finding in block.findings}
    assert set(keys) - taken <= told
    assert set(keys) - taken <= hurt
    assert len(taken) > 0.97 * len(keys)
