"""The paper file: text -> paper -> text is the specification."""

from __future__ import annotations

import datetime as dt
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.bibtex.describe import describe
from catalog.errors import BadFile, KbError
from catalog.filenames import file_name, key_of
from catalog.models import FENCE, Link, Paper, Status, Tutorial
from catalog.paperfile import bibtex_line, dumps, front_matter_line, loads

CANONICAL = """\
---
title: 'LongLoRA: Efficient fine-tuning of long-context large language models'
status: read
read: '2026-11-20'
# why it is here
added: '2026-11-24'
links:
  paper: https://arxiv.org/pdf/2309.12307
  model:
    - '[7B](https://example.org/7b)'
    - https://example.org/13b
tags:
  - long-context
tutorials:
  - name: tutorial_x
    date: '2024.01'
    versions:
      peft: 0.7.1
      torch: '2.0'
    notebook: ../notebooks/x.ipynb
cssclasses: true
aliases-of-mine:
  - a
  - {b: no}
# the end
---

````bibtex
@article{chen2023longlora,
  title={Longlora},
  note={```},
}
````

Notes, with $math$, and links: [LoRA](hu2021lora.md).

---

More.
"""

printable = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"), exclude_characters="\ufeff"), max_size=40
)
lines = printable.map(lambda text: " ".join(text.split()))
words = st.text(string.ascii_letters + string.digits + " éß-_.'&+#%!?", min_size=1, max_size=20).map(
    lambda text: " ".join(text.split()) or "x"
)
urls = st.sampled_from(["https://x.org/a_(b)", "http://é.org/?q=1&r=%20#f", "../notebooks/a.ipynb", "mailto:a@b.org"])
names = st.sampled_from(["paper", "code", "project page", "2106.09685", "no", "on"])
labels = words.map(lambda text: text.replace("]", ""))
links = st.builds(Link, name=names, url=urls, label=st.just("") | labels)
tags = words
keys = st.text(string.ascii_letters + string.digits + ":/+.&'\"_- é", min_size=1, max_size=20).map(
    lambda text: text.strip() or "k"
)
days = st.none() | st.dates(dt.date(1900, 1, 1))
tutorials = st.builds(
    Tutorial, name=words, date=lines, versions=st.dictionaries(words, lines, max_size=2), notebook=st.just("") | urls
)
texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r"), max_size=200)
notes = texts.filter(lambda text: not FENCE.match(text.strip()))
bibtex = st.just("") | texts.map(lambda text: "@misc{x,\n" + text + "}")


@st.composite
def papers(draw: st.DrawFn) -> Paper:
    status = draw(st.sampled_from(Status))
    return Paper(
        key=draw(keys),
        title=draw(lines),
        authors=tuple(draw(st.lists(words, max_size=2))),
        year=draw(st.sampled_from([0, 1905, 2024])),
        venue=draw(lines),
        status=status,
        read=draw(days) if status is Status.read else None,
        added=draw(days),
        due=draw(days),
        links=tuple(draw(st.lists(links, max_size=4))),
        tags=tuple(draw(st.lists(tags, max_size=4))),
        tutorials=tuple(draw(st.lists(tutorials, max_size=2))),
        aliases=tuple(draw(st.lists(keys, max_size=2))),
        bibtex=draw(bibtex),
        notes=draw(notes),
    )


def test_canonical_text_stays_as_it_is() -> None:
    assert dumps(loads(CANONICAL, "chen2023longlora")) == CANONICAL


@given(papers())
def test_a_paper_comes_back_from_its_text(paper: Paper) -> None:
    text = dumps(paper)
    assert loads(text, paper.key) == paper
    assert dumps(loads(text, paper.key)) == text


@given(keys)
def test_a_key_comes_back_from_its_file_name(key: str) -> None:
    name = file_name(key)
    assert key_of(name) == key
    assert not set(name) & set('/\\:*?"<>|')
    assert name[0] not in "._"


@pytest.mark.parametrize(
    "key", ["../../etc/passwd", "CON", "nul.x", ".hidden", "_x", "README", "a/b", "DBLP:conf/x/Y15"]
)
def test_a_key_never_leaves_the_folder(key: str) -> None:
    name = file_name(key)
    assert "/" not in name
    assert key_of(name) == key
    assert name.upper() not in ("README.MD", "CON.MD")


def test_scalars_stay_strings() -> None:
    paper = loads("---\nstatus: unread\ntitle: 2106.09680\ntags: [no, 1e3, null]\n---\n", "k")
    assert paper.title == "2106.09680"
    assert paper.tags == ("no", "1e3", "null")
    assert loads(dumps(paper), "k") == paper


def test_unknown_fields_and_comments_are_kept_verbatim() -> None:
    text = "---\ncssclass: [a, b]\nstatus: read\n# about tags\ntags:\n  - x\nempty:\nmulti: |\n  a\n  b\n---\n"
    paper = loads(text, "k")
    assert set(paper.extras) == {"cssclass", "empty", "multi", "#tags"}
    again = dumps(paper)
    for kept in ("cssclass: [a, b]\n", "# about tags\ntags:\n", "empty:\n", "multi: |\n  a\n  b\n"):
        assert kept in again


def test_windows_line_ends_and_a_byte_order_mark_are_read() -> None:
    assert loads("\ufeff" + CANONICAL.replace("\n", "\r\n"), "k") == loads(CANONICAL, "k")


def test_the_lines_of_parts() -> None:
    assert CANONICAL.splitlines()[bibtex_line(CANONICAL) - 1].startswith("@article")
    assert front_matter_line(CANONICAL, "tags") == CANONICAL.splitlines().index("tags:") + 1
    assert bibtex_line("---\nstatus: read\n---\nnotes\n") == 0


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("", 1, "no front matter"),
        ("# A title\n", 1, "no front matter"),
        ("---\nstatus: read\n", 1, "not closed"),
        ("---\nstatus: done\n---\n", 2, "'done' is not a status; write unread, reading or read"),
        ("---\ntitle: a\nstatus: read\nyear: 20x3\n---\n", 4, "year: '20x3' is not a year; write four digits"),
        ("---\nauthors:\n  - A B\n  - '<b>'\n---\n", 4, "not an author's name"),
        ("---\nstatus: read\nread: 20x3\n---\n", 3, "'20x3' is not a date; write YYYY-MM-DD"),
        ("---\nstatus: unread\nlinks:\n  code: ''\n---\n", 4, "the address is empty"),
        (
            "---\nlinks:\n  paper:\n    - https://x.org\n    - 'javascript:alert(1)'\n---\n",
            5,
            "links.paper: 'javascript",
        ),
        ("---\nlinks: https://x.org\n---\n", 2, "links"),
        ("---\ntags: x\n---\n", 2, "tags"),
        ("---\ntags:\n  - a\n  - '<script>'\n---\n", 4, "not a tag"),
        ('---\ntitle: "a\\0b"\n---\n', 2, "control character"),
        ("---\ntitle: a: b\n---\n", 2, "not valid YAML"),
        ("---\ntitle: a\ntitle: b\n---\n", 3, "stands twice"),
        ("---\nlinks:\n  code: https://a.b\n  code: https://c.d\n---\n", 4, "stands twice"),
        ("---\na: &x 1\nb: *x\n---\n", 2, "anchors"),
        ("---\n- a\n---\n", 2, "not a list of fields"),
        ("---\nread: '2026-01-01'\nstatus: unread\n---\n", 1, "status: unread"),
        ("---\ntutorials:\n  - date: '2024'\n---\n", 3, "name"),
        ("---\ntutorials:\n  - name: a\n    notebook: 'data:text/html,x'\n---\n", 3, "is not allowed"),
    ],
)
def test_a_bad_file_says_where_and_what(text: str, line: int, says: str) -> None:
    with pytest.raises(BadFile) as caught:
        loads(text, "x", "papers/x.md")
    message = str(caught.value)
    assert f"papers/x.md:{line}: " in message
    assert says in message


@given(texts)
def test_any_text_is_read_or_refused(text: str) -> None:
    for candidate in (text, f"---\n{text}\n---\n"):
        try:
            paper = loads(candidate, "k")
        except BadFile as e:
            assert str(e)
        else:
            assert loads(dumps(paper), "k") == paper


def test_an_unclosed_bibtex_fence_loses_nothing() -> None:
    paper = loads("---\nstatus: unread\n---\n```bibtex\n@misc{x,\n title={a}\n}\n", "x")
    assert paper.bibtex == "@misc{x,\n title={a}\n}"


def test_evolve_checks() -> None:
    paper = Paper(key="k", status=Status.read, read=dt.date(2026, 1, 1))
    with pytest.raises(KbError, match="status: unread"):
        paper.evolve(status=Status.unread)


def test_tags_and_links_stand_once() -> None:
    paper = Paper(
        key="k",
        tags=("Long Context", "long-context", "RAG"),
        links=(
            Link(name="code", url="https://a.b"),
            Link(name="paper", url="https://c.d"),
            Link(name="code", url="https://a.b"),
        ),
    )
    assert paper.tags == ("Long Context", "RAG")
    assert [link.name for link in paper.links] == ["code", "paper"]


def test_what_a_list_may_say_of_a_work_has_a_field() -> None:
    text = (
        "---\nstatus: unread\ndate: 2021-06\nkind: book\nids:\n  isbn: '9780262035613'\nabstract: It scales.\n"
        "rating: '4'\nciteproc: x\n---\n"
    )
    paper = loads(text, "a")
    assert (paper.date, paper.kind, paper.ids, paper.rating) == ("2021-06", "book", {"isbn": "9780262035613"}, 4)
    assert loads(dumps(paper), "a") == paper
    assert describe(paper).year == 2021


@pytest.mark.parametrize(
    "line", ["date: 2021-13", "date: June 2021", "rating: '11'", "rating: good", "ids:\n  X: a", "ids:\n  doi: a b"]
)
def test_what_such_a_field_may_not_hold_is_refused(line: str) -> None:
    with pytest.raises(BadFile):
        loads(f"---\nstatus: unread\n{line}\n---\n", "a")


def test_a_key_is_as_long_as_its_file_name_may_be() -> None:
    assert Paper(key="\u00fc" * 118).key
    with pytest.raises(ValueError, match="too long for a file name"):
        Paper(key="\u00fc" * 119)
