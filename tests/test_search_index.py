"""The search index against a plain walk over the records, and against everything that can happen to its file."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import known

from catalog.errors import BadQuery
from catalog.facts import Facts, Reading, Taught
from catalog.search import index as index_module
from catalog.search.index import CacheLost, Index
from catalog.search.query import LONGEST
from catalog.text import plain, tag_slug

LORA = known(
    key="hu2021lora",
    title="LoRA: Low-Rank Adaptation of Large Language Models",
    authors=("Edward J. Hu", "Yelong Shen"),
    year=2021,
    venue="International Conference on Learning Representations",
    kind="article",
    status="read",
    added="2026-01-05",
    read="2026-02-01",
    tags=("PEFT", "Low Rank"),
    links=(("paper", "https://arxiv.org/abs/2106.09685", ""), ("code", "https://github.com/microsoft/LoRA", "repo")),
    arxiv="2106.09685v2",
    abstract="We freeze the weights and inject trainable matrices.",
    notes="Compare with QLoRA.",
    tutorials=(Taught("Walk"),),
    aliases=("lora",),
    cites=("chen2023longlora",),
    bibtex="@misc{x}",
)
QLORA = known(
    key="dettmers2023qlora",
    title="QLoRA: Efficient Finetuning of Quantized LLMs",
    authors=("Tim Dettmers", "Artidoro Pagnoni"),
    year=2023,
    venue="NeurIPS",
    kind="inproceedings",
    added="2026-03-09",
    due="2026-12-31",
    tags=("peft", "quantization"),
    links=(("code", "https://github.com/artidoro/qlora", ""),),
    doi="10.5555/QLoRA(1)",
    bibtex="@misc{x}",
)
BLOG = known(key="weng2024blog", title="深度学习 und Straßenkarten: Łukasz' naïve Søren", status="reading")
PAPERS = (LORA, QLORA, BLOG)


def rows_of(records: Iterable[Facts]) -> list[tuple[str, str, Facts]]:
    return [(f"{facts.key}.md", "1.2", facts) for facts in records]


def filled(records: Iterable[Facts], path: Path | str = ":memory:") -> Index:
    index = Index(path)
    index.update(rows_of(records), [])
    return index


def keys(records: Iterable[Facts]) -> list[str]:
    return [facts.key for facts in records]


# --- what matches ---


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "hu dettmers weng"),
        ("lora", "hu"),
        ("hu2021", "hu"),
        ("low rank", "hu"),
        ("low-rank", "hu"),
        ('"rank low"', ""),
        ('"rank adap"', ""),
        ('"rank adaptation"', "hu"),
        ("rank-adap", "hu"),
        ("matri", "hu"),
        ("github", ""),
        ("link:GITHUB.com", "hu dettmers"),
        ("neurips", "dettmers"),
        ("peft", "hu dettmers"),
        ("学习", "weng"),
        ("习度", ""),
        ("strassen lukasz naive soren", "weng"),
        ("STRAẞEN", "weng"),
        ('"Hu Yelong"', ""),
        ('"Yelong Shen"', "hu"),
        ("author:dettmers", "dettmers"),
        ("title:qlora", "dettmers"),
        ("notes:qlora", "hu"),
        ("qlora", "hu dettmers"),
        ("tag:peft", "hu dettmers"),
        ("tag:low-rank", "hu"),
        ("tag:low", ""),
        ("tag:l*", "hu"),
        ("-tag:*", "weng"),
        ("status:unread", "dettmers"),
        ("status:unread,reading", "dettmers weng"),
        ("year:2021", "hu"),
        ("year:..2022", "hu"),
        ("-year:..2022", "dettmers weng"),
        ("year:>2021", "dettmers"),
        ("added:2026-01..2026-02", "hu"),
        ("added:>2026-01", "dettmers"),
        ("read:2026-02", "hu"),
        ("due:..2026-12-31", "dettmers"),
        ("doi:10.5555/qlora(1)", "dettmers"),
        ("arxiv:2106.09685v7", "hu"),
        ('arxiv:"2106"', ""),
        ("type:article", "hu"),
        ("has:code", "hu dettmers"),
        ("has:paper", "hu"),
        ("has:tutorial has:tutorials", "hu"),
        ("has:tags", "hu dettmers"),
        ("-has:bibtex", "weng"),
        ("has:due", "dettmers"),
        ("has:links -has:abstract", "dettmers"),
        ("key:lora", "hu dettmers"),
        ('key:"hu2021lora"', "hu"),
        ("lora OR quantiz", "hu dettmers"),
        ("NOT (lora OR quantiz)", "weng"),
        ("(lora OR naive) status:reading", "weng"),
    ],
)
def test_a_query_finds(query: str, expected: str) -> None:
    with filled(PAPERS) as index:
        found = {facts.key for facts in index.search(query)}
    assert found == {facts.key for facts in PAPERS if facts.key[:2] in [name[:2] for name in expected.split()]}


@dataclass(frozen=True)
class Asked:
    """A query as text, and the same thing as plain Python."""

    text: str
    holds: Callable[[Facts], bool]


TOKENS = {
    "LoRA": ["lora"],
    "low-rank": ["low", "rank"],
    "Lowell": ["lowell"],
    "rank": ["rank"],
    "Müller": ["muller"],
    "mull": ["mull"],
    "Łódź_x": ["lodz", "x"],
    "深度学习": ["深", "度", "学", "习"],
    "学习": ["学", "习"],
    "x": ["x"],
    "lo": ["lo"],
    "Q": ["q"],
    "mu": ["mu"],
    "low-r": ["low", "r"],
    "don't": ["don", "t"],
    "AND": ["and"],
    "NEAR": ["near"],
    "Long": ["long"],
    "Context": ["context"],
    "long-context": ["long", "context"],
    "quant": ["quant"],
    "quantization": ["quantization"],
}
TAGS = ["LoRA", "Long Context", "long-context", "quant", "quantization"]


def holds_phrase(text: str, words: str, prefix: bool) -> bool:
    have = [token for word in text.split() for token in TOKENS.get(word, word)]  # a Chinese name is one word of signs
    want = [token for word in words.split() for token in TOKENS[word]]
    windows = (have[i : i + len(want)] for i in range(len(have) - len(want) + 1))
    if prefix:
        return any(w[:-1] == want[:-1] and w[-1].startswith(want[-1]) for w in windows)
    return any(w == want for w in windows)


def texts(facts: Facts, field: str) -> list[str]:
    every = {
        "title": [plain(facts.title)],
        "author": [name.display for name in facts.names],
        "abstract": [plain(facts.abstract)],
    }
    return every[field] if field else [text for found in every.values() for text in found] + list(facts.tags)


def asked_words(field: str, words: str, quoted: bool) -> Asked:
    prefix = not quoted and words not in ("深度学习", "学习")
    text = f'"{words}"' if quoted else words
    return Asked(
        f"{field}:{text}" if field else text,
        lambda facts: any(holds_phrase(t, words, prefix) for t in texts(facts, field)),
    )


def asked_years(low: int, high: int) -> Asked:
    low, high = sorted((low, high))
    return Asked(f"year:{low}..{high}", lambda facts: low <= facts.year <= high)


words_asked = st.builds(
    asked_words,
    st.sampled_from(["", "", "title", "author", "abstract"]),
    st.sampled_from([word for word in TOKENS if word != "AND"]),
    st.booleans(),
)
phrases_asked = st.builds(
    asked_words,
    st.sampled_from(["", "title", "author"]),
    st.lists(st.sampled_from(sorted(TOKENS)), min_size=2, max_size=3).map(" ".join),
    st.just(True),
)
facts_asked = st.one_of(
    st.sampled_from(TAGS).map(lambda t: Asked(f'tag:"{t}"', lambda r: tag_slug(t) in map(tag_slug, r.tags))),
    st.sampled_from(["l", "long", "q", "quant", "z"]).map(
        lambda p: Asked(f"tag:{p}*", lambda r: any(tag_slug(t).startswith(p) for t in r.tags))
    ),
    st.builds(asked_years, st.integers(2018, 2024), st.integers(2018, 2024)),
    st.sampled_from(["read", "unread", "reading"]).map(lambda s: Asked(f"status:{s}", lambda r: r.reading.status == s)),
    st.sampled_from(["code", "paper"]).map(
        lambda n: Asked(f"has:{n}", lambda r: any(one.kind == n for one in r.addresses))
    ),
    st.just(Asked("has:year", lambda r: r.year > 0)),
    st.sampled_from(["2026", "2026-01", "2026-02-03"]).map(
        lambda d: Asked(f"added:<={d}", lambda r: r.reading.added != "" and r.reading.added[: len(d)] <= d)
    ),
    st.sampled_from(["2026", "2026-01", "2026-02-03"]).map(
        lambda d: Asked(f"added:>{d}", lambda r: r.reading.added[: len(d)] > d)
    ),
    st.sampled_from(["k1", "K", "2"]).map(lambda k: Asked(f"key:{k}", lambda r: k.lower() in r.key.lower())),
)


def combined(parts: st.SearchStrategy[Asked]) -> st.SearchStrategy[Asked]:
    several = st.lists(parts, min_size=2, max_size=3)
    return st.one_of(
        several.map(lambda s: Asked(f"({' '.join(a.text for a in s)})", lambda r: all(a.holds(r) for a in s))),
        several.map(lambda s: Asked(f"({' OR '.join(a.text for a in s)})", lambda r: any(a.holds(r) for a in s))),
        parts.map(lambda a: Asked(f"-{a.text}", lambda r: not a.holds(r))),
        parts.map(lambda a: Asked(f"NOT {a.text}", lambda r: not a.holds(r))),
    )


queries = st.recursive(st.one_of(words_asked, phrases_asked, facts_asked), combined, max_leaves=8)
prose = st.lists(st.sampled_from(sorted(TOKENS)), max_size=5).map(" ".join)
some_records = st.lists(
    st.builds(
        known,
        key=st.just("k"),
        title=prose,
        authors=st.lists(prose, max_size=2).map(tuple),
        year=st.sampled_from([0, 2019, 2021, 2023]),
        status=st.sampled_from(["read", "unread", "reading"]),
        added=st.sampled_from(["", "2025-12-31", "2026-01-31", "2026-02-03", "2026-02-04"]),
        tags=st.lists(st.sampled_from(TAGS), max_size=2).map(tuple),
        links=st.lists(st.sampled_from([("code", "https://a.b", ""), ("paper", "c", "")]), max_size=2).map(tuple),
        abstract=prose,
    ),
    max_size=5,
).map(lambda found: [replace(facts, key=f"k{i}") for i, facts in enumerate(found)])


@settings(deadline=None, max_examples=300)
@given(some_records, some_records, queries, st.sampled_from(["", "year", "-added,title"]))
def test_the_index_agrees_with_a_walk_over_the_records(
    old: list[Facts], new: list[Facts], asked: Asked, sort: str
) -> None:
    with filled(old) as index:
        index.update(rows_of(new[1:]), [f"{new[0].key}.md"] if new else [])
        now = {**{r.key: r for r in old}, **{r.key: r for r in new[1:]}}
        if new:
            now.pop(new[0].key, None)
        assert {r.key: r for r in index.all()} == now
        found = index.answer(asked.text, sort)
    holding = sorted(r.key for r in now.values() if asked.holds(r))
    if holding or not (found.typos or found.lacking):
        assert sorted(keys(found.papers)) == holding


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.text(st.characters(), max_size=50),
        st.lists(st.sampled_from([*'"*:^(){}[]+-~%_\\;\0', "a", " NEAR ", "key:", "link:", "tag:", "title:", "'"])).map(
            "".join
        ),
    )
)
def test_searching_for_any_text_raises_nothing_but_bad_query(text: str) -> None:
    with filled(PAPERS) as index:
        with contextlib.suppress(BadQuery):
            found = index.search(text)
            assert set(found) <= set(PAPERS)
        assert index.all() == sorted(PAPERS, key=lambda r: r.key)


@settings(deadline=None)
@given(
    st.builds(
        known,
        **{
            "key": st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
            "title": st.text(st.characters(exclude_categories=["Cs"])),
            "authors": st.lists(st.text()).map(tuple),
            "year": st.integers(),
            "tags": st.lists(st.text()).map(tuple),
            "links": st.lists(st.tuples(st.text(), st.text(), st.text())).map(tuple),
            "abstract": st.text(),
            "notes": st.text(),
            "added": st.text(),
        },
    )
)
def test_any_record_comes_back_as_it_went_in_and_leaves_nothing_behind(facts: Facts) -> None:
    with filled([facts]) as index:
        assert index.all() == [facts]
        assert index.get(facts.key) == facts
        assert index.keys(facts.key[:1]) == [facts.key]
        index.update([], [f"{facts.key}.md"])
        assert index.all() == []
        index._db.execute("CREATE VIRTUAL TABLE temp.left_over USING fts5vocab(main, words, row)")
        assert index._db.execute("SELECT name, value FROM fact").fetchall() == []
        assert index._db.execute("SELECT term FROM left_over").fetchall() == []
        assert index._db.execute("SELECT id FROM body UNION SELECT id FROM prose").fetchall() == []


@pytest.mark.parametrize(
    "query",
    [
        " ".join(f"w{i}" for i in range(1500)),
        " OR ".join(f"w{i}" for i in range(1200)),
        "a-" * 4999,
        "学" * LONGEST,
        "-(" * 99 + "a" + ")" * 99,
        "tag:" + ",".join(f"t{i}" for i in range(1500)),
    ],
)
def test_large_queries_are_answered(query: str) -> None:
    with filled(PAPERS) as index:
        index.search(query)


# --- in what order ---


def ordered(query: str, *records: Facts, sort: str = "") -> list[str]:
    with filled(records) as index:
        return keys(index.search(query, sort))


def paper(key: str, title: str = "Other", **more: object) -> Facts:
    return known(key, title, **more)


def test_title_comes_before_notes_and_notes_before_nothing() -> None:
    filler = [paper(f"z{i}", "Unrelated", notes="word " * i) for i in range(8)]
    a, b = paper("a", notes="on diffusion models"), paper("b", "Diffusion models")
    assert ordered("diffusion", a, b, *filler) == ["b", "a"]


def test_a_whole_word_comes_before_a_longer_one() -> None:
    assert ordered("lora", paper("a", "LoRAX made", year=2024), paper("b", "LoRA made", year=2020)) == ["b", "a"]


def test_equal_matches_come_newest_first_then_by_key() -> None:
    records = [
        paper("c", "Lora", year=2020),
        paper("b", "Lora", year=2021),
        paper("a", "Lora"),
        paper("d", "Lora", year=2020),
    ]
    assert ordered("lora", *records) == ["b", "c", "d", "a"]


def test_without_words_the_last_added_comes_first_and_the_undated_last() -> None:
    records = [
        paper("d"),
        paper("a", added="2026-01-01"),
        paper("c", added="2026-02-01"),
        paper("b", added="2026-01-01"),
    ]
    assert ordered("", *records) == ["c", "a", "b", "d"]
    assert ordered("author:x OR status:unread", *records) == ["c", "a", "b", "d"]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("year", "a c b d"),
        ("-year", "b a c d"),
        ("-YEAR , -key", "b c a d"),
        ("title", "c a b d"),
        ("author", "b a c d"),
        ("status", "b a c d"),
        ("-status", "c d a b"),
        ("key", "a b c d"),
        ("-due", "c a b d"),
        ("venue", "d a b c"),
    ],
)
def test_sorting(sort: str, expected: str) -> None:
    records = [
        paper("a", "Élan", year=2020, status="reading", authors=("Zoe Müller",), due="2026-01-01"),
        paper("b", "zebra", year=2022, authors=("Ada Abel",)),
        paper("c", "Ada", year=2020, status="read", authors=("Nagel, Bo",), due="2027-01-01"),
        paper("d", "", status="read", venue="AAAI"),
    ]
    if sort == "status":
        records[2] = replace(records[2], reading=Reading("reading"))
    assert ordered("", *records, sort=sort) == expected.split()


def test_an_unknown_sort_names_the_known_ones() -> None:
    with filled(PAPERS) as index, pytest.raises(BadQuery, match="'size'; known are year, added, read, title"):
        index.search("", "year,size")


def test_limit_and_lines() -> None:
    with filled(PAPERS) as index:
        assert keys(index.search("", "key", limit=2)) == ["dettmers2023qlora", "hu2021lora"]
        assert index.lines("hu2021lora").papers == [LORA.line]
        assert index.lines("", "key").papers == [paper.line for paper in (QLORA, LORA, BLOG)]
        assert LORA.line.by == "Hu and Shen"


# --- keeping up ---


def test_update_replaces_and_removes_and_says_so_in_its_stamps(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    with filled(PAPERS, path) as index:
        other = replace(LORA, title=(("text", "Other"),), tags=())
        index.update([("hu2021lora.md", "7.8", other)], ["weng2024blog.md", "none.md"])
    with Index(path) as index:
        assert index.stamps() == {"hu2021lora.md": "7.8", "dettmers2023qlora.md": "1.2"}
        assert keys(index.search("title:rank")) == []
        assert keys(index.search("tag:low-rank")) == []
        assert keys(index.search("other")) == ["hu2021lora"]
        assert index.get("weng2024blog") is None


def test_a_file_named_twice_counts_as_last_given() -> None:
    with filled([]) as index:
        index.update([("a.md", "1", paper("a", "One")), ("a.md", "2", paper("a", "Two"))], ["a.md"])
        assert index.all() == [paper("a", "Two")]


def test_an_update_happens_as_a_whole_or_not_at_all() -> None:
    with filled(PAPERS) as index:
        with pytest.raises(AttributeError):
            index.update([*rows_of([paper("new")]), ("bad.md", "1", None)], ["hu2021lora.md"])
        assert index.all() == sorted(PAPERS, key=lambda r: r.key)
        index.update([], ["hu2021lora.md"])
        assert len(index.all()) == 2


def test_keys_and_record() -> None:
    with filled([*PAPERS, paper("Hu2022"), paper("hu_x"), paper("hu%")]) as index:
        assert index.keys() == sorted([*keys(PAPERS), "Hu2022", "hu_x", "hu%"])
        assert index.keys("hu") == ["hu%", "hu2021lora", "hu_x"]
        assert index.keys("hu_") == ["hu_x"]
        assert index.keys("HU") == ["Hu2022", "hu%", "hu2021lora", "hu_x"]
        assert index.keys("none") == []
        assert index.get("hu2021lora") == LORA
        assert index.get("hu2021") is None


def test_meta_values_stay(tmp_path: Path) -> None:
    with filled(PAPERS, tmp_path / "i") as index:
        assert index.get_meta("shared") == ""
        index.set_meta("shared", "1")
        index.set_meta("shared", "2")
    with Index(tmp_path / "i") as index:
        assert index.get_meta("shared") == "2"
        index.clear()
        assert (index.get_meta("shared"), index.stamps(), index.search("lora"), index.keys()) == ("", {}, [], [])


# --- the file ---


def other_version(path: Path) -> None:
    filled(PAPERS, path).close()
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 1")


def foreign(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE paper(x)")
        db.execute("PRAGMA application_id = 77")


def truncated(path: Path) -> None:
    filled(PAPERS, path).close()
    path.write_bytes(path.read_bytes()[:5000])


DAMAGES: list[Callable[[Path], object]] = [
    lambda path: path.write_bytes(b"no database at all " * 500),
    lambda path: path.write_bytes(b""),
    lambda path: path.write_bytes(b"SQLite format 3\0" + b"\xff" * 4000),
    other_version,
    foreign,
    truncated,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_file_that_is_no_index_of_ours_is_made_anew(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    path = tmp_path / "index.sqlite"
    damage(path)
    with Index(path) as index:
        assert index.stamps() == {}
        index.update(rows_of(PAPERS), [])
        assert keys(index.search("title:rank")) == ["hu2021lora"]
    with Index(path) as index:
        assert len(index.stamps()) == 3


def test_damage_met_later_empties_the_index_and_says_so_once(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    filled(PAPERS, path).close()
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("DROP TABLE fact")
        db.commit()
    with Index(path) as index:
        with pytest.raises(CacheLost, match="run the command again"):
            index.search("tag:peft")
        assert index.stamps() == {}
        index.update(rows_of(PAPERS), [])
        assert len(index.search("tag:peft")) == 2
    with Index(path) as index:
        assert len(index.stamps()) == 3


@pytest.mark.parametrize("refusal", ["PRAGMA query_only = 1", "PRAGMA max_page_count = 1"])
def test_a_file_that_takes_no_more_is_left_for_memory(tmp_path: Path, refusal: str) -> None:
    path = tmp_path / "index.sqlite"
    with filled(PAPERS, path) as index:
        index._db.execute(refusal)
        many = [paper(f"k{i}", "LoRA again", notes="word " * 200) for i in range(50)]
        index.update(rows_of(many), ["weng2024blog.md"])
        assert len(index.search("title:lora")) == 51
        assert len(index.stamps()) == 52
    with Index(path) as index:
        assert sorted(index.stamps()) == ["dettmers2023qlora.md", "hu2021lora.md", "weng2024blog.md"]


def test_half_a_surrogate_pair_in_a_record_is_taken() -> None:
    broken = known("k\ud800", "t\ud800", ("a\ud800",), tags=("g\ud800",), links=(("l", "u\ud800", ""),), added="\ud800")
    with filled([replace(broken, abstract=(("text", "b\ud800"),), notes="n\ud800", venue="v\ud800")]) as index:
        found = index.search("t\ud800 tag:g link:u", "added,venue")
        assert found == [replace(broken, abstract=(("text", "b\ud800"),), notes="n?", venue="v\ud800")]
        assert index.get("k\ud800") == found[0]
        assert index.stamps() == {"k\ud800.md": "1.2"}
        index.update(rows_of([broken]), [])
        index.update([], ["k\ud800.md", "k\ud800.md"])
        assert index.stamps() == {}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "index.sqlite"
    filled(PAPERS, path).close()
    return path


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 10**6), st.binary(min_size=1, max_size=8)), min_size=1, max_size=40))
def test_whatever_the_disk_did_the_second_try_works(
    tmp_path: Path, sound: Path, flips: list[tuple[int, bytes]]
) -> None:
    path = tmp_path / "index.sqlite"
    data = bytearray(sound.read_bytes())
    for where, new in flips:
        at = where % (len(data) - len(new))
        data[at : at + len(new)] = new
    for leftover in tmp_path.iterdir():
        leftover.unlink()
    path.write_bytes(data)
    with Index(path) as index:
        for act in (
            lambda: index.stamps(),
            lambda: index.search("lora tag:peft OR code"),
            lambda: index.all(),
            lambda: index.update(rows_of([replace(LORA, title=(("text", "x"),))]), ["weng2024blog.md"]),
            lambda: index.keys("hu"),
        ):
            try:
                act()
            except CacheLost:
                act()
        index.clear()
        assert index.stamps() == {}


@pytest.mark.parametrize("where", ["folder", "file/below", "none/below"])
def test_where_no_file_can_be_the_index_lives_in_memory(tmp_path: Path, where: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("text")
    with filled(PAPERS, tmp_path / where) as index:
        assert len(index.search("")) == 3
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="only a user without all rights is refused")
def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with filled(PAPERS, tmp_path / "sub" / "index.sqlite") as index:
        assert len(index.search("")) == 3
    tmp_path.chmod(0o700)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_module, "WAIT_SECONDS", 0.05)


@pytest.mark.usefixtures("impatient")
def test_while_another_process_writes_the_index_is_read_and_written_privately(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    filled(PAPERS, path).close()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other, Index(path) as index:
        other.execute("BEGIN IMMEDIATE")
        other.execute("DELETE FROM paper")
        assert len(index.search("tag:peft")) == 2
        index.update(rows_of([paper("new", "LoRA again")]), ["weng2024blog.md"])
        assert keys(index.search("title:lora", "key")) == ["hu2021lora", "new"]
        assert len(index.stamps()) == 3
        other.execute("ROLLBACK")
    with Index(path) as index:
        assert sorted(index.stamps()) == ["dettmers2023qlora.md", "hu2021lora.md", "weng2024blog.md"]


@pytest.mark.usefixtures("impatient")
def test_a_file_locked_altogether_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with filled(PAPERS, path) as index:
            assert len(index.search("")) == 3
    with Index(path) as index:
        assert index.stamps() == {}


def test_two_connections_see_each_others_updates(tmp_path: Path) -> None:
    with Index(tmp_path / "i") as one, Index(tmp_path / "i") as two:
        one.update(rows_of([LORA]), [])
        two.update(rows_of([LORA, QLORA]), [])
        assert one.stamps() == two.stamps()
        assert keys(one.search("title:qlora")) == ["dettmers2023qlora"]


def test_many_processes_fill_one_index_at_once(tmp_path: Path) -> None:
    script = (
        "import sys; from catalog.search.index import Index; from catalog.facts import Facts\n"
        "for i in range(20):\n"
        "    with Index(sys.argv[1]) as index:\n"
        "        key = f'k{sys.argv[2]}x{i}'\n"
        "        index.update([(key + '.md', '1', Facts(key=key, title=(('text', 'lora'),)))], [])\n"
    )
    command = [sys.executable, "-W", "error", "-c", script, str(tmp_path / "index.sqlite")]
    running = [subprocess.Popen([*command, str(i)], stderr=subprocess.PIPE, text=True) for i in range(4)]
    for process in running:
        assert process.communicate()[1] == ""
    with Index(tmp_path / "index.sqlite") as index:
        assert len(index.stamps()) == len(index.search("lora")) == 80


def test_an_index_may_be_asked_from_another_thread() -> None:
    found: list[Facts] = []
    with filled(PAPERS) as index:
        thread = threading.Thread(target=lambda: found.extend(index.search("lora")))
        thread.start()
        thread.join()
    assert keys(found) == ["hu2021lora"]


def test_searching_loads_nothing_heavy() -> None:
    script = (
        "import sys; from catalog.search.index import Index; Index(':memory:').search('lora tag:x year:2020')\n"
        "print({'pydantic', 'bibtexparser', 'httpcore2', 'yaml', 'rich', 'click', 'difflib'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


def test_an_answer_is_of_one_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A paper that another process takes away between two questions is no damage."""
    path, find = tmp_path / "index.sqlite", index_module.find
    papers = [known("a", "One work"), known("b", "Another work")]

    def meanwhile(*asked: object) -> object:
        answer = find(*asked)
        with Index(path) as other:
            other.update([], ["b.md"])
        return answer

    with Index(path) as index:
        index.update([(f"{one.key}.md", "1", one) for one in papers], [])
        monkeypatch.setattr(index_module, "find", meanwhile)
        assert [one.key for one in index.search("work")] == ["a", "b"]
        assert [one.key for one in index.search("work")] == ["a"]
