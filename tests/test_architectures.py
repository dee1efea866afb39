"""The table of architectures: in short here, whole with `make test-nightly`."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import transformers

from refimpl import _architectures as table

PAGE = Path(__file__).parent.parent / "site" / "guide" / "architectures.md"
SIGN = {"+": "right", "–": "refused"}
# what a short run tries: each method once, and each form that models keep their layers in
SHORT = [
    ("Llama, tied", "lora"), ("Gemma 2", "longlora"), ("Phi-3", "llm_adapters"), ("GPT-2", "lora"), ("GPT-2", "qa_lora"),
    ("BLOOM", "longlora"), ("Falcon", "prefix_tuning"), ("Mixtral", "qlora"), ("Qwen3-MoE", "delta_tuning"),
    ("T5", "qlora"), ("T5", "prompt_tuning"), ("T5", "prefix_tuning"), ("BERT", "prompt_tuning"), ("OPT", "flan"),
    ("RoBERTa", "peft_library"), ("Mamba", "rosa"), ("Phi", "second_order_mask"), ("GPT-J", "lomo"),
]  # fmt: skip


@pytest.fixture(autouse=True)
def quiet() -> None:
    torch.set_num_threads(1)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()


def shown() -> dict[str, dict[str, str]]:
    """The page's table: what each cell says."""
    lines = [line.strip("| ").split(" | ") for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:1] == "|"]
    methods = [name.strip().replace(" ", "_") for name in lines[0]]
    return {row[0]: dict(zip(methods, row[1:], strict=True)) for row in lines[2:]}


def test_no_cell_of_the_page_is_wrong_and_at_most_ten_are_refused() -> None:
    cells = [sign for row in shown().values() for sign in row.values()]
    assert shown().keys() == table.MODELS.keys()
    assert all(row.keys() == table.METHODS.keys() for row in shown().values())
    assert set(cells) == SIGN.keys()
    assert cells.count("–") <= 10


@pytest.mark.filterwarnings("ignore")  # transformers' own, on models this small
@pytest.mark.parametrize(("architecture", "method"), SHORT)
def test_a_cell(architecture: str, method: str) -> None:
    found = table.cell(method, architecture)
    assert found.outcome == SIGN[shown()[architecture][method]], found.why


def test_the_short_run_has_every_method() -> None:
    assert {method for _, method in SHORT} == table.METHODS.keys()


@pytest.mark.nightly
@pytest.mark.filterwarnings("ignore")
def test_the_page_is_what_is_found() -> None:
    remedy = "run: python -m refimpl._architectures > site/guide/architectures.md"
    assert table.page(dict(table.table([*table.MODELS]))) == PAGE.read_text(encoding="utf-8"), remedy
