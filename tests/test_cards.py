"""What an implementation says of itself, read without running it."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import Kb

import refimpl
from catalog.library import Library
from refimpl import cards, read_card

METHOD = '''r"""Scaler: multiply each row by a learned number.

Doe 2020, section 3.
"""

import torch_that_is_not_there

raise RuntimeError("an implementation was run")

PAPER = "doe2020scaler"


class Layer:
    def claim_inner(self):
        """Section 9: not a claim of the file."""


def apply(model):
    return model


def merge(model):
    return model


def claim_one():
    """Section 1: one.

    More.
    """


def claim_two():
    """Section 2: two."""


def claim_three():
    """Section 3: three."""


def demo():
    pass
'''


def write(folder: Path, text: str, name: str = "scaler.py") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def test_a_card_is_read_from_the_source_alone(tmp_path: Path) -> None:
    card = read_card(write(tmp_path, METHOD))
    assert (card.name, card.title, card.summary) == ("scaler", "Scaler", "multiply each row by a learned number.")
    assert (card.paper, card.line) == ("doe2020scaler", METHOD.splitlines().index('PAPER = "doe2020scaler"') + 1)
    assert [(claim.name, claim.says) for claim in card.claims] == [
        ("claim_one", "Section 1: one."),
        ("claim_two", "Section 2: two."),
        ("claim_three", "Section 3: three."),
    ]
    assert (card.has_apply, card.has_merge, card.has_demo) == (True, True, True)
    assert card.doc.endswith("Doe 2020, section 3.")
    assert card.problems == ()


def test_the_folder_is_the_registry(tmp_path: Path) -> None:
    for name in ("b.py", "a.py", "_private.py", "__init__.py", "registry.py", "notes.txt"):
        write(tmp_path, METHOD, name)
    assert [card.name for card in cards(tmp_path)] == ["a", "b", "registry"]
    assert cards(tmp_path / "nowhere") == []


def test_the_package_lists_methods_and_not_itself() -> None:
    assert not {"registry", "__init__"} & {card.name for card in cards()}
    assert [card.name for card in cards() if card.problems] == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Scaler: multiply", "Multiply", "docstring"),
        ('PAPER = "doe2020scaler"', "PAPER = 3", "no PAPER"),
        ("def claim_two", "def two", "2 of at least 3 claims"),
        ("def demo", "def show", "no demo"),
        ('"""Section 2: two."""', "pass", "claim_two does not say"),
        ("import torch", "import (", "not Python"),
    ],
)
def test_what_breaks_the_form_is_said(tmp_path: Path, old: str, new: str, message: str) -> None:
    card = read_card(write(tmp_path, METHOD.replace(old, new)))
    assert [message in problem.message for problem in card.problems] == [True]
    assert card.problems[0].remedy


def test_claims_may_stand_in_a_file_of_their_own(tmp_path: Path) -> None:
    start, end = METHOD.index("def claim_two"), METHOD.index("def demo")
    method = write(tmp_path, METHOD[:start] + METHOD[end:])
    (tmp_path / "claims").mkdir()
    claims = write(tmp_path / "claims", "\n" + METHOD[start:end])
    card = read_card(method)
    assert [(claim.name, claim.path) for claim in card.claims] == [
        ("claim_one", str(method)), ("claim_two", str(claims)), ("claim_three", str(claims)),
    ]  # fmt: skip
    assert (card.claims_path, card.claims[1].line, card.problems) == (str(claims), 2, ())
    assert [card.name for card in cards(tmp_path)] == ["scaler"]
    write(tmp_path / "claims", "x = (\n")
    assert [(problem.path, problem.line) for problem in read_card(method).problems] == [(str(claims), 1)]


def test_a_syntax_error_stands_on_its_line(tmp_path: Path) -> None:
    card = read_card(write(tmp_path, "x = 1\ny = (\n"))
    assert card.name == "scaler"
    assert card.problems[0].line == 2


@pytest.mark.parametrize("source", [b"\x00", b"# coding: nonsense\n", b"\xff\xfe", b"-" * 200_000 + b"1", b"'\\d'"])
def test_a_hostile_file_is_a_card_with_problems(tmp_path: Path, source: bytes) -> None:
    file = tmp_path / "hostile.py"
    file.write_bytes(source)
    assert read_card(file).problems


@given(source=st.text(max_size=200))
def test_no_text_raises(source: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.getbasetemp() / "any.py"
    file.write_bytes(source.encode("utf-8", "surrogatepass"))
    assert read_card(file).name == "any"


def test_public_names() -> None:
    modules = {name for name, value in vars(refimpl).items() if inspect.ismodule(value)}  # what others have imported
    public = {name for name in dir(refimpl) if not name.startswith("_")} - modules
    assert public == set(refimpl.__all__)


def test_the_registry_imports_nothing_heavy() -> None:
    code = "import refimpl, sys; refimpl.cards(); print({'torch', 'catalog'} & {m.split('.')[0] for m in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("says", "paper", "ids"),
    [
        ("hu2021lora", "hu2021lora", ()),
        ("hu2021lora arXiv:2106.09685", "hu2021lora", (("arxiv", "2106.09685"),)),
        ("arXiv:2106.09685v2", "arXiv:2106.09685v2", (("arxiv", "2106.09685"),)),
        (
            "a https://doi.org/10.1609/AAAI.v1 math.GT/0309136",
            "a",
            (("doi", "10.1609/aaai.v1"), ("arxiv", "math/0309136")),
        ),
    ],
)
def test_a_paper_is_named_by_key_and_identifiers(
    tmp_path: Path, says: str, paper: str, ids: tuple[tuple[str, str], ...]
) -> None:
    (tmp_path / "one.py").write_text(f'"""One: a."""\nPAPER = "{says}"\n')
    (card,) = cards(tmp_path)
    assert (card.paper, card.ids) == (paper, ids)


def test_an_implementation_finds_its_paper_under_any_key(library: Library, kb: Kb) -> None:
    library.add("@misc{lowrank, title = {LoRA}, eprint = {2106.09685}, archiveprefix = {arXiv}}")
    library.add("@misc{xu2023qa, title = {Quite another work}, eprint = {2001.00001}, archiveprefix = {arXiv}}")
    papers = {card.name: card.paper for card in library.cards()}
    assert papers["lora"] == "lowrank"
    assert papers["qa_lora"] == "arxiv:2309.14717", "its key is another work's here"
    assert library.implemented()["lowrank"] == ("lora",)
    assert "implementation: lora" in kb("show", "lowrank").out
    assert [line.key for line in library.list("has:impl")] == ["lowrank"]
