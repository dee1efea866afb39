"""Tasks that are right or wrong, scores that leave blanks apart, and what the small model reads."""

from __future__ import annotations

import dataclasses
import functools
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from catalog.cli import showing
from refimpl import lora
from refimpl._lab import LabError, corpus, loop, models, near, tasks, train_tiny
from refimpl._lab.answers import Answers, Question
from refimpl._lab.generate import encode, greedy, pieces
from refimpl._lab.records import record_text
from refimpl._lab.texts import adapted

nn = torch.nn
RIGHT_OR_WRONG = ("words", "json", "kind")


class Knowing(nn.Module):
    """Says the next token of these rows where it has read one so far, and the first token of all where not."""

    def __init__(self, rows: list[list[int]], vocabulary: int) -> None:
        super().__init__()
        self.rows, self.vocabulary = rows, vocabulary
        self.place = nn.Parameter(torch.zeros(()))

    def forward(self, input_ids: Any, **_: Any) -> Any:
        logits = torch.zeros(*input_ids.shape, self.vocabulary)
        for row in self.rows:
            for b, ids in enumerate(input_ids.tolist()):
                for t in range(min(len(row) - 1, len(ids))):
                    if ids[: t + 1] == row[: t + 1]:
                        logits[b, t, row[t + 1]] = 1.0
        return logits


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return models.load("tiny", "cpu")[1]


def spelt(question: Question, tokenizer: Any, end: bool = True) -> list[int]:
    ids = encode(tokenizer, question.asked) + pieces(tokenizer, question.answer)
    return [*ids, tokenizer.eos_token_id] if end else ids


@pytest.mark.parametrize("name", RIGHT_OR_WRONG)
def test_what_is_held_out_was_never_taught_and_is_chosen_by_hash(name: str) -> None:
    task: Any = tasks.get(name)
    taught, scored = task.taught(0), task.scored()
    assert not {q.asked for q in taught} & {q.asked for q in scored}
    assert [q.asked for q in scored] != sorted(q.asked for q in scored)
    assert scored == task.scored()
    assert len(scored) == task.cases
    assert dataclasses.replace(task, start=task.cases).scored() != scored


def test_right_is_what_greedy_decoding_says_to_its_end(tokenizer: Any) -> None:
    task = near.json()
    scored = task.scored()[:4]
    rows = [spelt(q, tokenizer) for q in scored[:2]] + [spelt(scored[2], tokenizer, end=False)]
    model = Knowing(rows, len(tokenizer))
    small = Answers("four", task.taught, lambda _: scored, cases=4)
    score = small.evaluate(model, tokenizer)
    assert (score.value, score.n) == (0.75, 4)
    said = small.samples(model, tokenizer, 4)
    assert [s.said == s.expected for s in said] == [True, True, True, False]
    assert greedy(model, tokenizer, scored[0].asked, 60) == scored[0].answer


def test_a_long_question_loses_its_beginning_and_not_its_answer(tokenizer: Any) -> None:
    task = Answers("long", lambda _: [Question("word " * 200 + "kind:", " person")], lambda _: [])
    batch = next(task.batches(tokenizer, 24, 1, 0))
    text = tokenizer.decode(batch["input_ids"][0])
    assert batch["input_ids"].shape == (1, 24)
    assert text.endswith("kind: person<|end|>")
    with pytest.raises(LabError, match="a length of 2 tokens is less than an answer has"):
        next(task.batches(tokenizer, 2, 1, 0))


def test_new_words_are_told_twice_and_half_of_them_asked() -> None:
    task: Any = tasks.get("words")
    taught, held = task.taught(0), task.scored()
    meanings = {q.asked.removesuffix(":"): q.answer for q in taught if q.asked.endswith(":")}
    words = {word for synset in adapted()[0] for word in synset.words}
    assert len(meanings) == near.WORDS
    assert len(taught) == 2 * near.WORDS + near.WORDS // 2
    assert not set(meanings) & words
    assert all(meanings[q.asked.removeprefix("What is a ").removesuffix("?")] == q.answer for q in held)
    assert task.evaluate(*models.load("tiny", "cpu")).chance <= 2 / len(held)


def test_json_is_json_and_kinds_are_four() -> None:
    for question in tasks.get("json").scored():
        said = json.loads(question.answer)
        assert question.asked == f"Entry: {said['word']}, {said['part']}\nJSON:"
    assert {q.answer.strip() for q in near.kind().scored()} == set(near.KINDS)


# --- blanks apart -------------------------------------------------------------------


class Even(nn.Module):
    """Finds the tokens named e times as likely as each other one, whatever it reads."""

    def __init__(self, likely: list[int], vocabulary: int) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(vocabulary))
        with torch.no_grad():
            self.logits[likely] = 1.0

    def forward(self, input_ids: Any, **_: Any) -> Any:
        return self.logits.expand(*input_ids.shape, -1)


def test_a_text_is_scored_without_its_blanks(tokenizer: Any) -> None:
    text = "def f(x):\n        return x\n\n\n        # so\n" * 40
    task = tasks.Text("text", lambda: ([], [text]), str, length=32, rows=8)
    blank = [t for t in range(len(tokenizer)) if (said := tokenizer.decode([t])) and not said.strip()]
    plain, spaced = (task.evaluate(Even(of, len(tokenizer)), tokenizer) for of in ([], blank))
    assert plain.value == pytest.approx(plain.blanks) == pytest.approx(torch.tensor(len(tokenizer)).log().item())
    assert spaced.blanks == pytest.approx(spaced.value - 1)
    assert spaced.value > plain.value
    assert spaced.n == plain.n < 8 * 31
    none = tasks.Text("text", lambda: ([], ["word" * 400]), str, length=32, rows=2)
    assert none.evaluate(Even([], len(tokenizer)), tokenizer).blanks is None


# --- what is read -------------------------------------------------------------------


@given(st.integers(0, 2**32))
def test_a_text_of_records_can_be_copied_and_holds_no_json(seed: int) -> None:
    synsets = adapted()[0][:400]
    text, again = (record_text(synsets, random.Random(seed)) for _ in range(2))
    assert text == again
    assert '": "' not in text
    assert len(text.splitlines()) >= 3


@pytest.fixture(scope="module")
def made() -> Any:
    texts = ["if x:\n    return y\n", "dog: a small animal\n\n", "for i in (1, 23):\n        print(i)\n"] * 50
    return train_tiny.tokenizer_of(dict.fromkeys(corpus.SHARES, texts))


def test_a_line_end_with_its_indentation_is_one_token(made: Any) -> None:
    said = [made.decode([t]) for t in made("if x:\n    return y\nfor i in (1, 23):\n        print(i)")["input_ids"]]
    assert "\n    " in said
    assert "\n        " in said
    assert said[said.index(" 2") + 1] == "3"


@given(st.text())
def test_any_text_comes_back(text: str) -> None:
    made = _tokenizer()
    assert made.decode(made(text, add_special_tokens=False)["input_ids"]) == text


@functools.cache
def _tokenizer() -> Any:
    return train_tiny.tokenizer_of({kind: ["a text\n    of it"] for kind in corpus.SHARES})


def test_rows_are_read_by_their_shares_each_before_any_again() -> None:
    rows = {kind: torch.arange(20).view(20, 1) + 100 * n for n, kind in enumerate(corpus.SHARES)}
    read = [
        row for _, batch in zip(range(200), train_tiny.batches(rows), strict=False) for row in batch.flatten().tolist()
    ]
    for n, share in enumerate(corpus.SHARES.values()):
        mine = [row - 100 * n for row in read if row // 100 == n]
        assert len(mine) / len(read) == pytest.approx(share, abs=0.06)
        assert mine[:40] == [*range(20), *range(20)]


def test_a_new_token_begins_as_the_mean_of_the_old_ones_that_spell_it(made: Any) -> None:
    start = Path(models.TINY)
    model, old = train_tiny.begin(made, start), models.load("tiny", "cpu")
    token = made("\n        ")["input_ids"][0]
    mean = old[0].get_input_embeddings().weight[pieces(old[1], made.decode([token]))].mean(0)
    assert torch.allclose(model.get_input_embeddings().weight[token], mean)
    assert model.lm_head.weight is model.model.embed_tokens.weight
    assert torch.equal(model.model.layers[0].mlp.up_proj.weight, old[0].model.layers[0].mlp.up_proj.weight)


def test_a_package_that_is_not_unpacked_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"unpack into .*: wordnet-base python3\.11-doc"):
        corpus.read(tmp_path, 0)


# --- the model that read it ---------------------------------------------------------


@pytest.fixture(scope="module")
def tiny() -> Any:
    return models.load("tiny", "cpu")


def test_tiny_is_what_it_says(tiny: Any) -> None:
    model, tokenizer = tiny
    folder = models.TINY
    facts = json.loads((folder / "training.json").read_text())
    assert model.num_parameters() == facts["parameters"]
    assert facts["tokens"] == facts["clock"]["step"] * train_tiny.BATCH * train_tiny.CONTEXT
    held = tasks.glosses().evaluate(model, tokenizer).value
    assert held == pytest.approx(facts["held_out_nats_a_token"]["glosses"], abs=0.4)
    said = (folder / "SOURCES.md").read_text()
    assert all(f"| {package} |" in said for package in facts["packages"])
    assert sum(file.stat().st_size for file in folder.iterdir()) < 12_000_000


def test_tiny_reads_indentation_as_one_token_and_any_text_back(tiny: Any) -> None:
    tokenizer = tiny[1]
    said = [tokenizer.decode(token) for token in pieces(tokenizer, "if x:\n        return y\n")]
    assert "\n        " in said
    for text in ("  def f(x):\n\treturn 'ü' # 汉 🦜\r\n", "dog, domestic dog: a member", " ", "", "\n\n\n    a   b"):
        assert tokenizer.decode(pieces(tokenizer, text)) == text


def test_tiny_learns_to_copy() -> None:
    task, (model, tokenizer) = dataclasses.replace(near.json(), cases=40), models.load("tiny", "cpu")
    before = task.evaluate(model, tokenizer).value
    loop.train(lora.apply(model, lora.LINEARS, 8), tokenizer, task, 60, 4e-3, 8)
    assert before == 0
    assert task.evaluate(model, tokenizer).value > 0.5


# --- what is shown ------------------------------------------------------------------


def test_the_loss_is_a_picture_that_falls() -> None:
    assert showing.picture([8.0, 4.0, 1.0, 0.0], 4) == "█▅▂▁"
    assert showing.picture([8.0], 4) == "█   "
    assert showing.picture([float("nan"), 2.0], 2) == "?█"
    assert len(showing.picture([1.0] * 50, 100)) == showing.WIDE
    assert showing.picture([], 3) == "   "
