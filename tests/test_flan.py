"""Flan: the mixture, the formats, packing, what is learnt, and the held-out task."""

# ruff: noqa: N806 - the names are the paper's
from __future__ import annotations

import itertools
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from models_support import llama
from torch import Tensor, nn

from refimpl import flan
from refimpl._lab import LabError, loop, models
from refimpl._lab.instructions import (
    FAMILIES,
    OPTIONS,
    SEPARATOR,
    THOUGHTS,
    Example,
    Form,
    Template,
    answer_of,
    cases,
    few_shot,
    read,
    show,
)

LINES = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\v\f\x1c\x1d\x1e\x85\u2028\u2029"), min_size=1)


def seeded(seed: int) -> random.Random:
    return random.Random(seed)


def row_of(*lengths: int, length: int) -> dict[str, Tensor]:
    """Examples of these lengths, the first token of each given, in one row."""
    draw = seeded(0)
    made = [[draw.randrange(97) for _ in range(n)] for n in lengths]
    rows = flan.pack(((ids, [-100, *ids[1:]]) for ids in made), length, fill=0)
    return {key: tensor[None] for key, tensor in next(rows).items()}


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=8), st.integers(1, 10**6))
def test_rates_are_shares_that_no_size_above_the_cap_changes(sizes: list[int], cap: int) -> None:
    found = flan.rates(sizes, cap)
    assert sum(found) == pytest.approx(1)
    assert found == flan.rates([min(n, cap) for n in sizes], 10**9)
    for (a, share), (b, other) in itertools.combinations(zip(sizes, found, strict=True), 2):
        assert share / other == pytest.approx(min(a, cap) / min(b, cap))


@given(LINES, LINES)
def test_what_a_pattern_made_is_read_back(answer: str, reason: str) -> None:
    for pattern in (thought.target for thought in THOUGHTS):
        found = read(pattern, pattern.format(answer=answer, reason=reason))
        assert found == {"answer": answer, "reason": reason}


def test_what_is_not_of_the_form_is_not_read() -> None:
    template = FAMILIES["part"].templates[0]
    assert answer_of("noun", template, Form(thought=0)) is None
    assert answer_of("it is dull\nSo the answer is noun", template, Form(thought=0)) == "noun"
    assert answer_of("noun\nSo the answer is verb", template, Form()) is None


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_a_family_has_ten_ways_to_ask_and_cases_whose_answer_is_not_given_away(family: Any) -> None:
    assert len(set(family.templates)) == 10
    assert sum(template.inverted for template in family.templates) == 3
    for template in family.templates:
        assert template.inverted == (template.target == "{word}")
        assert "{word}" not in template.given or not template.inverted
    train, test = cases(family.name), cases(family.name, tested=True)
    assert len(train) > 500
    assert len(test) > 50
    assert not {case.word for case in train} & {case.word for case in test}
    for case in (*train[:200], *test):
        assert case.answer not in case.wrong
        assert len(set(case.wrong)) == len(case.wrong) >= 3
        assert case.answer != case.word


def test_answers_of_a_closed_list_are_tested_equally_often() -> None:
    for name in ("part", "class"):
        answers = [case.answer for case in cases(name, tested=True)]
        counts = {answers.count(answer) for answer in answers}
        assert len(counts) == 1


def test_options_and_thoughts_stand_where_they_should() -> None:
    case, template = cases("part")[0], FAMILIES["part"].templates[0]
    plain = show(case, template, Form(), seeded(0))
    full = show(case, template, Form(options=True, thought=0), seeded(0))
    question, _, rest = full.input.partition(OPTIONS)
    assert question == plain.input
    *options, last = rest.split("\n- ")
    last, asked = last.split("\n")
    assert {*options, last} == {"noun", "verb", "adjective", "adverb"}
    assert asked == "Let's think step by step."
    assert full.target == f"{case.reason}\nSo the answer is {case.answer}"
    turned = next(t for t in FAMILIES["part"].templates if t.inverted)
    form = Form(options=True, thought=1)
    assert show(case, turned, form, seeded(0)) == show(case, turned, Form(), seeded(0))


def test_an_exemplar_does_not_tell_the_answer_by_being_its_opposite() -> None:
    one = cases("antonym")[0]
    other = replace(one, word=one.answer, answer=one.word, gloss="something else")
    query = few_shot(one, (one, other), FAMILIES["antonym"].templates[0], Form(2), seeded(0))
    assert SEPARATOR not in query.input


def test_the_mixture_has_every_format_and_comes_again_with_its_seed() -> None:
    pools = {name: cases(name) for name in FAMILIES}
    once, again = (list(itertools.islice(flan.mixture(pools, 500, seeded(5)), 400)) for _ in range(2))
    assert once == again
    assert {name for name, _ in once} == set(FAMILIES)
    few = sum(SEPARATOR in example.input for _, example in once)
    thoughts = sum("\nSo the answer is " in e.target or "\nThe reason: " in e.target for _, e in once)
    offered = sum(OPTIONS in example.input for _, example in once)
    assert 160 < few < 240
    assert 100 < offered < 180  # of seven templates in ten, half
    assert 2 < thoughts < 40


def test_tokens_are_input_end_target_end() -> None:
    tokenizer = models.load("tiny", "cpu")[1]
    ids, labels = flan.tokens(Example("What is it?", "a noun"), tokenizer)
    end = tokenizer.eos_token
    assert tokenizer.decode(ids) == f"{end}What is it?{end} a noun{end}"
    learnt = [i for i, y in zip(ids, labels, strict=True) if y != -100]
    assert tokenizer.decode(learnt) == f" a noun{end}"
    assert [y for y in labels if y != -100] == learnt


@given(st.lists(st.integers(1, 12), max_size=20), st.integers(4, 12))
def test_packing_keeps_every_example_that_fits_whole_and_in_order(lengths: list[int], length: int) -> None:
    made = [([n] * n, [-100] * (n - 1) + [n]) for n in lengths]
    rows = list(flan.pack(iter(made), length, fill=0))
    found = []
    for row in rows:
        assert all(len(tensor) == length for tensor in row.values())
        assert (row["labels"][row["attention_mask"] == 0] == -100).all()
        for part in range(1, int(row["attention_mask"].max()) + 1):
            at = row["attention_mask"] == part
            found.append((row["input_ids"][at].tolist(), row["labels"][at].tolist()))
    assert found == [pair for pair in made if len(pair[0]) <= length]


def test_the_mask_and_the_positions_by_hand() -> None:
    s = torch.tensor([[1, 1, 2, 2, 2, 0]])
    M = flan.block_diagonal(s)
    assert M.shape == (1, 1, 6, 6)
    expected = [[1, 0, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0],
                [0, 0, 1, 1, 0, 0], [0, 0, 1, 1, 1, 0], [0, 0, 0, 0, 0, 1]]  # fmt: skip
    assert M[0, 0].int().tolist() == expected
    assert flan.positions(s).tolist() == [[0, 1, 0, 1, 2, 0]]


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_packed_rows_are_read_with_either_attention_and_a_cache(attention: str) -> None:
    model = llama(use_cache=True)
    model.set_attn_implementation(attention)
    model.config.use_cache = True
    flan.apply(model)
    row = row_of(5, 7, length=16)
    with torch.no_grad():
        packed = model(input_ids=row["input_ids"], attention_mask=row["attention_mask"]).logits
        alone = model(input_ids=row["input_ids"][:, 5:12]).logits
    assert torch.allclose(packed[:, 5:12], alone, atol=1e-5)
    assert packed.isfinite().all()


def test_learnt_positions_begin_anew_too() -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    model: Any = GPT2LMHeadModel(GPT2Config(vocab_size=97, n_positions=32, n_embd=32, n_layer=2, n_head=4)).eval()
    flan.apply(model)
    row = row_of(5, 7, length=14)
    with torch.no_grad():
        packed = model(input_ids=row["input_ids"], attention_mask=row["attention_mask"]).logits
        alone = model(input_ids=row["input_ids"][:, 5:12]).logits
    assert torch.allclose(packed[:, 5:12], alone, atol=1e-5)


def test_an_ordinary_mask_stays_as_it_is() -> None:
    plain, model = llama(use_cache=True), flan.apply(llama(use_cache=True))
    ids = torch.arange(20).view(2, 10)
    mask = torch.ones_like(ids)
    mask[0, 7:] = 0
    with torch.no_grad():
        assert torch.equal(
            model(input_ids=ids, attention_mask=mask).logits, plain(input_ids=ids, attention_mask=mask).logits
        )
        assert torch.equal(model(input_ids=ids).logits, plain(input_ids=ids).logits)


def test_every_parameter_is_trained_and_saved(tmp_path: Path) -> None:
    model = flan.apply(llama(use_cache=True).requires_grad_(False))
    assert all(p.requires_grad for p in model.parameters())
    nn.init.normal_(next(model.parameters()))
    flan.save(model, str(tmp_path / "a"))
    back = flan.apply(llama(use_cache=True))
    assert flan.load(back, str(tmp_path / "a"))["tensors"]
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), back.parameters(), strict=True))


def test_bad_input_says_what_to_do() -> None:
    tokenizer = models.load("tiny", "cpu")[1]
    with pytest.raises(LabError, match="no family of tasks 'poem'; there are define, class"):
        flan.demo("poem", steps=1, device="cpu")
    with pytest.raises(LabError, match="no family of tasks 'verse'"):
        flan.instructions(trained=("verse",))
    with pytest.raises(LabError, match="a cap of 0 leaves nothing"):
        flan.demo(cap=0, steps=1, device="cpu")
    with pytest.raises(ValueError, match="load it unquantised"):
        flan.apply(nn.ParameterList([nn.Parameter(torch.zeros(2, dtype=torch.uint8), requires_grad=False)]))
    with pytest.raises(LabError, match="rows of 8 tokens hold hardly an example; take 64 or more"):
        next(flan.instructions().batches(tokenizer, 8, 1, 0))
    tokenizer.eos_token = None
    with pytest.raises(LabError, match="no token that ends a text"):
        flan.tokens(Example("a", "b"), tokenizer)


def works(device: str, dtype: str) -> None:
    """On a device: apply, train on packed rows, the loss falls, also on the family that was held out."""
    model, tokenizer = models.load("tiny", device, dtype)
    task = flan.instructions("part", asked=16)
    before = task.nats(model, tokenizer).value
    history = loop.train(flan.apply(model), tokenizer, task, 8, flan.RATE, 2, 160, optimiser=flan.adafactor)
    assert history.losses[-1] < history.losses[0] - 0.5
    assert task.nats(model, tokenizer).value < before - 0.5


def test_it_trains_on_packed_rows() -> None:
    works("cpu", "float32")


def test_the_demo_improves_on_the_held_out_task(tmp_path: Path) -> None:
    record = flan.demo("antonym", steps=4, batch=1, length=128, out=tmp_path / "adapter", device="cpu")
    assert record["after"]["value"] < record["before"]["value"] - 0.3
    assert record["options"]["held_out"] == "antonym"
    assert (tmp_path / "adapter" / "adapter.safetensors").is_file()
    assert record["before"]["samples"][0]["expected"]


def test_accuracy_is_that_of_the_likeliest_option() -> None:
    tokenizer = models.load("tiny", "cpu")[1]

    class Sure(nn.Module):
        """Finds the tokens of one word likeliest wherever it is."""

        def __init__(self, likes: str) -> None:
            super().__init__()
            self.first = nn.Parameter(torch.zeros(1))
            self.likes = tokenizer(f" {likes}")["input_ids"]

        def forward(self, input_ids: Tensor, **_: Tensor) -> Tensor:
            out = torch.zeros(*input_ids.shape, len(tokenizer))
            out[..., self.likes] = 9.0
            return out

    task = flan.instructions("part", asked=40)
    score = task.accuracy(Sure("verb"), tokenizer)
    assert (score.value, score.n, score.chance) == (0.25, 40, 0.25)


def test_a_template_says_whether_it_is_inverted() -> None:
    assert Template("{answer}?", "{word}").inverted
    assert not Template("{word}?").inverted


@pytest.mark.gpu
def test_gpu_trains_on_packed_rows() -> None:
    works("cuda", "bfloat16")
