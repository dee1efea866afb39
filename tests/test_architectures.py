"""The architectures that every method is tried on: in short here, all of them with `make test-nightly`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
import transformers

from refimpl import _architectures as table

PAGE = Path(__file__).parent.parent / "site" / "guide" / "architectures.md"
# what a short run tries: each method once, and each form that models keep their layers in
SHORT = [
    ("Llama (tied)", "lora"), ("Gemma2", "longlora"), ("Phi3", "llm_adapters"), ("GPT2", "lora"), ("GPT2", "qa_lora"),
    ("Bloom", "longlora"), ("Falcon", "prefix_tuning"), ("Mixtral", "qlora"), ("Qwen3Moe", "delta_tuning"),
    ("T5", "qlora"), ("T5", "prompt_tuning"), ("T5", "prefix_tuning"), ("Bert", "prompt_tuning"), ("OPT", "flan"),
    ("Roberta", "peft_library"), ("Mamba", "rosa"), ("Phi", "second_order_mask"), ("GPTJ", "lomo"),
]  # fmt: skip


@pytest.fixture(autouse=True)
def quiet() -> None:
    torch.set_num_threads(1)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()


def lines() -> str:
    """The page, each point of its lists in one line."""
    return PAGE.read_text(encoding="utf-8").replace("\n  ", " ")


def refused() -> set[tuple[str, str]]:
    """The pairs of a model and a method that the page names as refused."""
    whole = {f"all {group[0].lower()}{group[1:]}": models for group, models in table.GROUPS.items()}
    pairs = set()
    for methods, names in re.findall(r"^- ([a-z ]+) refused on ([^:]+): ", lines(), re.M):
        models = [model for name in names.split(", ") for model in whole.get(name, [name])]
        pairs |= {(model, way.replace(" ", "_")) for model in models for way in methods.split(" and ")}
    return pairs


def test_the_page_names_every_model_and_no_pair_that_breaks() -> None:
    text = lines()
    groups = {name: there.split(", ") for name, there in re.findall(r"^- \*\*(.*)\*\*: (.*)\.$", text, re.M)}
    assert groups.pop("Methods") == [name.replace("_", " ") for name in table.METHODS]
    assert groups == table.GROUPS
    assert " wrong on " not in text
    pairs = len(table.MODELS) * len(table.METHODS)
    assert f"Of {pairs:,} pairs {pairs - len(refused()):,} hold." in text
    assert {model for model, _ in refused()} <= {*table.MODELS}
    decoders = [(model, way) for model, way in refused() if model in (*table.GROUPS["Decoders"], "Llama4", "Mixtral")]
    assert len(decoders) <= 10


@pytest.mark.filterwarnings("ignore")  # transformers' own, on models this small
@pytest.mark.parametrize(("architecture", "method"), SHORT)
def test_a_cell(architecture: str, method: str) -> None:
    found = table.cell(method, architecture)
    assert found.outcome == ("refused" if (architecture, method) in refused() else "right"), found.why


def test_the_short_run_has_every_method() -> None:
    assert {method for _, method in SHORT} == table.METHODS.keys()


@pytest.mark.nightly
@pytest.mark.filterwarnings("ignore")
def test_the_page_is_what_is_found() -> None:
    remedy = "run: python -m refimpl._architectures > site/guide/architectures.md"
    assert table.page(dict(table.table([*table.MODELS]))) == PAGE.read_text(encoding="utf-8"), remedy
