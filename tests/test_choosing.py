"""Choosing papers: by a query in place of keys, from a list that narrows, and by what a snippet shows of them."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from support import Kb

from catalog.cli import out, picker
from catalog.errors import KbError
from catalog.library import Library
from catalog.search.query import parse
from catalog.search.snippet import Wanted, snippet


@pytest.fixture
def three(library: Library) -> Library:
    for key, title, notes in (("ab", "Okapi", "on adapters"), ("ac", "Zebra", "plain"), ("b", "Okapi two", "x")):
        library.add(title=title, key=key, notes=notes)
    return library


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (("mark-read", "--on", "2026-01-02"), "✓ ab is read (2026-01-02)\n✓ b is read (2026-01-02)\n"),
        (("mark-reading",), "… ab is reading\n… b is reading\n"),
        (("tag", "Animal", "stripes"), "ab: Animal, stripes\nb: Animal, stripes\n"),
        (("due", "2027-01-02"), "ab is due 2027-01-02\nb is due 2027-01-02\n"),
        (("rm",), "deleted ab\ndeleted b\n"),
    ],
)
def test_what_a_query_finds_is_changed_at_once(three: Library, kb: Kb, call: tuple[str, ...], said: str) -> None:
    asked = kb(*call, "--query", "okapi", given="n\n")
    assert (asked.status, "2 papers? [y/N]" in asked.out) == (130, True)
    assert not three.log()[:-3], "nothing changes where the answer is no"
    nobody = kb(*call, "--query", "okapi")
    assert (nobody.status, "--yes goes on without" in nobody.err) == (1, True)
    assert kb(*call, "-q", "okapi", "--yes").out == said
    assert kb("undo").status == 0
    assert [facts.reading.status for facts in three.list("okapi")] == ["unread", "unread"], "one change, one undo"


@pytest.mark.parametrize(
    ("entry", "forms"),
    [
        ("doi = {10.1145/3292500.3330701}", ["https://doi.org/10.1145/3292500.3330701", "DOI: 10.1145/3292500.3330701",
         "https://dl.acm.org/doi/pdf/10.1145/3292500.3330701", "https://dl.acm.org/citation.cfm?doid=3292500.3330701"]),
        ("eprint = {2106.09685}, archiveprefix = {arXiv}", ["arXiv:2106.09685v2", "https://www.alphaxiv.org/abs/2106.09685",
         "https://arxiv.org/pdf/2106.09685v1.pdf", "2106.09685"]),
        ("pmid = {31452104}", ["PMID: 31452104", "https://pubmed.ncbi.nlm.nih.gov/?term=31452104"]),
        ("isbn = {978-0-262-03561-3}", ["0262035618", "ISBN 9780262035613"]),
        ("url = {https://github.com/someone/thing}", ["https://github.com/someone/thing/tree/main", "github.com/someone/thing"]),
    ],
)  # fmt: skip
def test_a_paper_is_meant_by_whatever_kb_add_takes_for_it(
    library: Library, kb: Kb, entry: str, forms: list[str]
) -> None:
    library.add(f"@misc{{one, title = {{Of one thing}}, {entry}}}")
    library.add("@misc{other, title = {Of another}, url = {https://x.example/other}}")
    for form in forms:
        assert kb("show", form, "--path").out.endswith("one.md\n"), form
        assert kb("add", form).out.startswith("already here: one"), form


def test_a_tag_is_taken_off_where_it_is(three: Library, kb: Kb) -> None:
    three.tag("ab", ["x"])
    assert kb("tag", "-q", "okapi", "--remove", "x", "-y").out == "ab: none\nb: none\n"


@pytest.mark.parametrize("query", ["okzpi", "okapi zebra", "nothing", " "])
def test_what_is_only_near_a_query_is_not_changed(three: Library, kb: Kb, query: str) -> None:
    """Neither a forgiven typo nor the nearest papers, however many there are."""
    done = kb("mark-read", "--query", query, "--yes")
    assert (done.status, "is just what" in done.err) == (1, True)


@pytest.mark.parametrize("call", [("stats",), ("export", "bib"), ("next",), ("list",), ("list", "--json")])
def test_what_is_only_near_a_query_is_called_so(three: Library, kb: Kb, call: tuple[str, ...]) -> None:
    assert "okzpi" in kb(*call, "okzpi").err
    assert kb(*call, "okapi").err == ""


@pytest.mark.parametrize("call", [("mark-read",), ("rm", "ab", "-q", "okapi"), ("tag",), ("due", "none"), ("due",)])
def test_one_says_which_papers(three: Library, kb: Kb, call: tuple[str, ...]) -> None:
    assert kb(*call).status == 2


def chosen(library: Library, keys: str, monkeypatch: pytest.MonkeyPatch, text: str = "") -> str:
    monkeypatch.setattr(picker, "can_ask", lambda: True)

    def pick() -> str:
        with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
            pipe.send_text(keys)
            return picker.pick(lambda asked: library.lines(asked, "key"), text)

    with ThreadPoolExecutor(1) as apart:  # a browser of other tests holds this thread's event loop until all are done
        return apart.submit(pick).result()


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("keys", "key"),
    [("\r", "ab"), ("\x1b[B\r", "ac"), ("zeb\r", "ac"), ("two\r", "b"), ("\x0e\x0e\x0e\x10\r", "ac"), ("\x03", "")],
)
def test_a_list_narrows_while_one_types(three: Library, monkeypatch: pytest.MonkeyPatch, keys: str, key: str) -> None:
    assert chosen(three, keys, monkeypatch) == key


def test_a_query_that_is_not_finished_leaves_what_is_there(three: Library) -> None:
    choice = picker.Choice(lambda asked: three.lines(asked, "key"))
    choice.narrow("okapi")
    choice.narrow("okapi year:")
    assert (choice.key, len(choice.papers), "year:" in choice.notes[0]) == ("ab", 2, True)
    choice.narrow("okzpi")
    assert (choice.key, choice.notes) == ("ab", ['no "okzpi"; shown for "okapi"'])


def test_where_several_fit_a_key_somebody_is_asked(three: Library, kb: Kb, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "is the beginning of 2 keys: ab, ac" in kb("show", "a", "--path").err
    monkeypatch.setattr(picker, "can_ask", lambda: True)
    monkeypatch.setattr(picker, "pick", lambda ask: [line.key for line in ask("").papers][-1])
    assert kb("show", "a", "--path").out.endswith("papers/ac.md\n")
    assert kb("show", "okapi", "--path").out.endswith("papers/b.md\n")


def test_words_mean_the_one_paper_that_is_named_so(three: Library, kb: Kb) -> None:
    three.add(title="Zebra and okapi", key="c", links=["paper=https://doi.org/10.5555/zebras"], notes="two")
    assert kb("show", "two", "--path").out.endswith("papers/b.md\n"), "c has it in its notes alone"
    assert "is said of 2 papers" in kb("show", "zebra", "--path").err
    assert "c" not in [line.key for line in three.like("https://doi.org/10.5555/zebras").papers]


def test_nobody_is_asked_in_a_pipe(three: Library, kb: Kb) -> None:
    assert "needs a terminal" in kb("search", "-i").err
    with pytest.raises(KbError):
        picker.pick(lambda _: [])


TEXT = (
    "We study the fine-tuning of large models. " * 9 + "Adapters are small; an adapter learns. " + "More words. " * 30
)


@pytest.mark.parametrize(
    ("query", "marked"),
    [
        ("adapters", ["Adapters"]),
        ("adapt", ["Adapters", "adapter"]),
        ("how are adapters small", ["Adapters", "small"]),
        ("finetuning", ["fine-tuning"]),
        ("tuning", ["tuning"]),
        ("zebra", []),
    ],
)
def test_a_snippet_marks_the_words(query: str, marked: list[str]) -> None:
    found = snippet({"abstract": TEXT, "notes": "nothing"}, Wanted(parse(query).words), 100)
    shown = [text for text, is_marked in found.parts if is_marked] if found else []
    assert shown[: len(marked)] == marked
    assert found is None or (found.where == "abstract" and len("".join(text for text, _ in found.parts)) <= 101)


@given(st.text(st.sampled_from("ab éß-中. \n"), max_size=80), st.text(st.sampled_from("abé中"), min_size=1, max_size=4))
def test_a_snippet_is_a_piece_of_the_text(text: str, query: str) -> None:
    found = snippet({"notes": text}, Wanted(parse(f'"{query}"').words), 30)
    if found:
        piece = "".join(part for part, _ in found.parts)
        assert piece.strip("…") in " ".join(text.split())
        assert any(is_marked for _, is_marked in found.parts)


def test_a_search_on_a_terminal_shows_where_the_words_stand(
    three: Library, kb: Kb, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert kb("search", "adapter").out.count("\n") == 1
    monkeypatch.setattr(out, "fancy", lambda: True)
    assert kb("search", "adapter").out.splitlines()[-1] == "   notes: on adapters"


def test_fresh_looks_at_every_file(three: Library, kb: Kb, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.store.indexing._MANY", 2)
    for path in (three.root / "papers", *(three.root / "papers").iterdir()):
        os.utime(path, (1e9, 1e9))
    assert three.list()
    (three.root / "papers" / "ac.md").write_text("---\ntitle: Quagga\nstatus: unread\n---\n")
    assert kb("list", "quagga").out == ""
    assert kb("list", "quagga", "--fresh").out.split("\t")[1] == "ac"
