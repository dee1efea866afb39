"""The reading list: what the exporter writes, the reader takes back as it was, whatever the papers hold."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from support import known

from catalog.export.readinglist import dumps
from catalog.ingest.draft import Draft
from catalog.ingest.readinglist import read
from catalog.models import Link, Paper, Status, Tutorial

SEED = Path(__file__).parents[2] / "shared" / "seed" / "peft.md"

ENTRY = "@article{smith2021,\n  title = {A Title},\n  author = {Smith, Ann},\n  year = {2021}\n}"
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=30)
MARKS = st.sampled_from(
    [
        "[READ]",
        "[`UNREAD`]",
        "(read)",
        "**bold**",
        "_under_",
        "`code`",
        "1. ",
        "# ",
        "[x] ",
        "✅",
        "&amp;",
        "\\",
        "$x$",
        "<b>",
        "https://example.org/a",
        "[a](b)",
        "![i](j)",
        "{#id}",
        "|",
        "*",
        "~~no~~",
        "TODO",
        ":",
        "<!--",
        "-->",
        "\\[",
        "»",
        "[NeurIPS]",
        "www.example.org",
        "- ",
        "@misc{",
        "paper link:",
        "tag:",
        "==",
        "__init__",
        "(1)",
        "(2020)",
        "[1] ",
        "&copy",
        "&#91;",
    ]
)
LINE = st.lists(st.one_of(WORDS, MARKS), max_size=4).map(" ".join)
HOSTILE = st.sampled_from(
    [
        "# Heading",
        "#### Paper [`READ`]",
        "tag: `a` | `b`",
        "paper link: [here](https://example.org)",
        "citation:",
        "```",
        "```bibtex",
        "```bibtex\n@misc{a,\n title={B}\n}\n```",
        "| a | b |\n|-|-|\n| 1 | 2 |",
        "$$\nx\n$$",
        "$$",
        "<!-- notes -->",
        "<!-- /notes -->",
        "<!-- /notes 2 -->",
        "<!-- c -->",
        "<!--",
        "-->",
        "- [x] [T](https://arxiv.org/abs/2101.00001)",
        "Title\n=====",
        "a\n---",
        "---",
        "key: abc",
        "status: read",
        "added: 2024-01-01",
        "@misc{x, title={Y}}",
        "[1]: https://example.org",
        "see [1]",
        "",
        "",
        "    code",
        "<details>\n\n</details>",
        "https://arxiv.org/abs/2101.00001",
        "[[pdf]](https://example.org/a.pdf)",
        "model links:",
        "* [One](hu2021lora.md)",
        "See [LoRA](hu2021lora.md) for more.",
        "It works: yes",
        "~~~",
        "> quote",
        "x  ",
        "A plain sentence.",
        "1. one",
        "Reference",
        "BibTeX",
        "2024\n- - -",
        "***",
        "| lone",
        "~~~~bib",
        "\ttab",
        "note\u00a0here",
        "\u2028",
    ]
)
NOTES = st.lists(st.one_of(HOSTILE, LINE), max_size=7).map("\n".join)
NAMES = st.sampled_from(
    [
        "paper",
        "code",
        "github",
        "pdf",
        "blog",
        "model",
        "paper link",
        "follow-up work",
        "papre",
        "links",
        "tag",
        "web",
        "official code",
    ]
)
URLS = st.sampled_from(
    [
        "https://arxiv.org/abs/2101.00001v2",
        "https://arxiv.org/pdf/2101.00001.pdf",
        "https://x.org/a?utm_source=b&c=d",
        "https://x.org/(a)",
        "https://x.org/a(b",
        "../notebooks/a.ipynb",
        "https://x.org/%C2%A0",
        "https://x.org/a.",
        "mailto:a@x.org",
        "#part",
        "a|b",
        "www.x.org",
        "https://x.org/a_b_c*d*",
        "https://x.org/?q=&amp;r",
        "[x]",
        "https://github.com/a/b",
        "x.org/a",
        "https://x.org/a,b;c!d'e",
        "https://x.org/ü",
    ]
)
LABELS = st.one_of(
    st.sampled_from(
        ["", "here", "link", "7B", "v2", "pdf", "code", "a | b", "[x]", "`c`", '"q"', "&lt;", "_u_", "=x", "1."]
    ),
    LINE,
)
CELL = st.one_of(
    st.sampled_from(
        ["tutorial_qlora", "2024.01", "a|b", "**x**", "`y`", "0.41.3", ">=1", "=", "a,b", "<br>", "&amp;", "[n](m)"]
    ),
    LINE,
)


def links() -> st.SearchStrategy[Link]:
    return st.builds(_link, NAMES, URLS, LABELS).filter(bool)


def _link(name: str, url: str, label: str) -> Link | None:
    try:
        return Link(name=name, url=url, label=label)
    except ValidationError:
        return None


def tutorials() -> st.SearchStrategy[Tutorial]:
    return st.builds(
        _tutorial, CELL, CELL, st.dictionaries(CELL, CELL, max_size=3), st.one_of(st.just(""), URLS)
    ).filter(bool)


def _tutorial(name: str, date: str, versions: dict[str, str], notebook: str) -> Tutorial | None:
    try:
        return Tutorial(name=name, date=date, versions=versions, notebook=notebook)
    except ValidationError:
        return None


DAYS = st.one_of(st.none(), st.dates(dt.date(1990, 1, 1), dt.date(2100, 1, 1)))
KEYS = st.one_of(st.sampled_from(["smith2021", "a b", "`x`", "é", "a:b/c", "x|y", "key", "A.B+C", "*a*", "a`b"]))
BIBTEX = st.one_of(
    st.just(""),
    st.just(ENTRY),
    st.just(ENTRY.replace("smith2021", "other")),
    NOTES,
    st.sampled_from(
        [
            "@misc{a, title = {x",
            "@misc{a,\n title={``q''}\n}\n\n@misc{b,\n title={c}\n}",
            "  @misc{a, year=2020}",
            "@string{a={b}}",
        ]
    ),
)


def _paper(**values: object) -> Paper | None:
    try:
        return Paper.model_validate(values)
    except ValidationError:
        return None


PAPERS = st.builds(
    _paper,
    key=KEYS,
    title=LINE,
    authors=st.lists(LINE, max_size=2).map(tuple),
    year=st.sampled_from([0, 1905, 2024]),
    venue=LINE,
    status=st.sampled_from(Status),
    read=DAYS,
    added=DAYS,
    due=DAYS,
    links=st.lists(links(), max_size=3).map(tuple),
    tags=st.lists(LINE, max_size=3).map(tuple),
    tutorials=st.lists(tutorials(), max_size=2).map(tuple),
    aliases=st.lists(KEYS, max_size=2).map(tuple),
    bibtex=BIBTEX,
    notes=NOTES,
).filter(bool)


def carried(paper: Paper, draft: Draft) -> dict[str, tuple[object, object]]:
    """What a draft says otherwise than the paper it was exported from."""
    same = {
        name: (getattr(paper, name), getattr(draft, name))
        for name in (
            "authors",
            "year",
            "venue",
            "status",
            "read",
            "added",
            "due",
            "links",
            "tags",
            "tutorials",
            "aliases",
            "bibtex",
            "notes",
        )
    }
    same["title"] = (paper.title or paper.key, draft.title)
    return {name: pair for name, pair in same.items() if pair[0] != pair[1]}


@settings(max_examples=100, suppress_health_check=[HealthCheck.filter_too_much])
@given(st.lists(PAPERS, min_size=1, max_size=3))
def test_what_is_exported_is_read_back(papers: list[Paper]) -> None:
    text = dumps(papers, {})
    drafts = read(text).drafts
    assert len(drafts) == len(papers), text
    for paper, draft in zip(papers, drafts, strict=True):
        assert carried(paper, draft) == {}, text


@settings(max_examples=150)
@given(NOTES)
def test_nothing_a_list_may_hold_breaks_the_reader(text: str) -> None:
    source = read(text, "list.md")
    assert all(finding.path == "list.md" for finding in source.findings)
    assert all(finding.kind != "error" for finding in source.findings)


@pytest.mark.skipif(not SEED.exists(), reason="the real list is not here")
def test_the_seed_survives_export_and_import() -> None:
    first = read(SEED.read_text()).drafts
    papers = [
        Paper(
            key=f"paper{n}",
            title=d.title,
            status=d.status or Status.unread,
            links=d.links,
            tags=d.tags,
            tutorials=d.tutorials,
            bibtex=d.bibtex,
            notes=d.notes,
        )
        for n, d in enumerate(first)
    ]
    again = read(dumps(papers, {}, "Parameter-Efficient Fine-Tuning (PEFT)"))
    assert [replace(d, line=0) for d in first] == [replace(d, line=0, key="") for d in again.drafts]
    assert again.findings == ()


def test_a_simple_paper_is_exported_as_people_write_it() -> None:
    paper = Paper(
        key="smith2021",
        status=Status.read,
        read=dt.date(2024, 5, 1),
        links=(Link(name="paper", url="https://x.org/a.pdf"),),
        tags=("LoRA", "long context"),
        bibtex=ENTRY,
        notes="Worth reading twice.\n\nSee [LoRA](hu2021lora.md), too.",
    )
    text = dumps([paper], {"smith2021": known("smith2021", "A Title")})
    assert text == (
        "# Reading list\n\n\n#### A Title [`READ`]\n\ntag: `LoRA` | `long context`\n\nread: 2024-05-01\n\n"
        f"paper link: [here](https://x.org/a.pdf)\n\ncitation:\n```bibtex\n{ENTRY}\n```\n\n"
        "Worth reading twice.\n\nSee [LoRA](hu2021lora.md), too.\n"
    )


def test_notes_are_fenced_off_only_when_they_need_it() -> None:
    plain = Paper(key="a", title="A", notes="Just prose.")
    risky = Paper(key="b", title="B", notes="#### Not a paper [`READ`]\n<!-- /notes -->")
    text = dumps([plain, risky], {})
    assert text.count("<!-- notes") == 1
    assert "<!-- notes 2 -->" in text
    assert [draft.notes for draft in read(text).drafts] == [plain.notes, risky.notes]
