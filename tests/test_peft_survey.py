"""The PEFT survey: how a class is found out, what a step is counted to keep, and the table."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from catalog.cli import out, showing
from refimpl import _roster, _survey, delta_tuning, llm_adapters, lomo, lora, peft_survey
from refimpl._claims import ClaimFailed
from refimpl._lab import cost
from refimpl._toys import llama
from refimpl.claims import peft_survey as claims

IDS = torch.arange(64).view(2, 32) % 33


# --- what could be wrong makes the claims fail ------------------------------------


def test_a_method_in_the_wrong_class_fails_the_claim_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_survey.SAID, "lora", (_survey.ADDITIVE, "10.2"))
    with pytest.raises(ClaimFailed, match="not lora"):
        claims.claim_every_method_has_its_class()


def test_a_method_without_a_class_fails_the_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(_survey.SAID, "rosa")
    with pytest.raises(ClaimFailed, match="not rosa"):
        claims.claim_every_method_has_its_class()


def test_every_way_of_adapting_a_model_has_an_entry() -> None:
    assert set(_survey.SAID) == set(_survey.ways())
    assert set(_roster.ENTRIES) < set(_survey.ways())
    assert {entry.module for entry in _survey.ways().values()} >= {"peft_library", "delta_tuning"}


# --- how a class is found out -----------------------------------------------------


def kind(adapt: Callable[[Any], Any]) -> str:
    torch.manual_seed(0)
    return peft_survey.classify(llama(), adapt).kind


class Wrapped(nn.Module):
    """A frozen layer and something trained."""

    def __init__(self, base: nn.Linear, how: str) -> None:
        super().__init__()
        self.base, self.how = base, how
        self.g = nn.Parameter(torch.ones(base.out_features))
        self.A = nn.Linear(base.in_features, 2, bias=False)
        self.B = nn.Linear(2, base.out_features, bias=False)
        nn.init.zeros_(self.B.weight)
        self.g.requires_grad_(how in ("scaled", "bent"))
        self.A.requires_grad_(how == "low rank")
        self.B.requires_grad_(how == "low rank")

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = self.base(x)
        if self.how == "low rank":
            return h + self.B(self.A(x))
        return h * self.g if self.how == "scaled" else h + torch.tanh(h * (self.g - 1))


def wrapped(model: Any, how: str) -> Any:
    model.requires_grad_(False)
    for layer in model.model.layers:
        layer.self_attn.q_proj = Wrapped(layer.self_attn.q_proj, how)
    return model


def only(model: Any, part: str) -> Any:
    for name, p in model.named_parameters():
        p.requires_grad_(part in name)
    return model


@pytest.mark.parametrize(
    ("adapt", "expected"),
    [
        (lambda m: wrapped(m, "low rank"), "reparametrised"),  # two modules, one of them zero
        (lambda m: wrapped(m, "scaled"), "reparametrised"),
        (lambda m: wrapped(m, "bent"), "additive"),
        (lambda m: only(m, "norm"), "selective"),
        (lambda m: only(m, "embed"), "selective"),
        (lambda m: only(m, ""), "all weights"),
        (lambda m: llm_adapters.apply(m, f="relu", init="zero"), "additive"),
        (lambda m: llm_adapters.apply(m, f="identity"), "reparametrised"),
        (lambda m: llm_adapters.apply(m, kind="series", f="identity"), "reparametrised"),
        (lambda m: delta_tuning.apply(m, ("addition", "reparametrisation")), "hybrid"),
        (lambda m: delta_tuning.apply(m, ("specification", "addition")), "hybrid"),
        (lambda m: lora.apply(m, ("lm_head",)), "reparametrised"),
    ],
)
def test_the_class_follows_from_what_the_model_does(adapt: Callable[[Any], Any], expected: str) -> None:
    assert kind(adapt) == expected


def test_the_three_counts_of_lora_are_known() -> None:
    found = peft_survey.classify(llama(), lambda model: lora.apply(model, ("q_proj",), rank=3))
    assert (found.trained, found.changed, found.rank) == (2 * 3 * (64 + 64), 2 * 64 * 64, 3)
    assert set(found.parts.values()) == {"reparametrised"}
    assert len(found.parts) == 4


def test_rosa_without_a_rank_is_selective() -> None:
    rosa = _survey.ways()["rosa"]
    assert kind(lambda model: rosa.adapt(model, budget=1_000).model) == "selective"
    assert kind(lambda model: rosa.adapt(model, budget=20_000).model) == "hybrid"


def test_nothing_to_classify_is_said() -> None:
    with pytest.raises(ValueError, match="nothing is trained"):
        peft_survey.classify(llama(), lambda model: model.requires_grad_(False))


def test_a_parameter_without_effect_is_said() -> None:
    def idle(model: Any) -> Any:
        wrapped(model, "low rank").model.layers[0].self_attn.q_proj.how = "scaled"
        return model

    with pytest.raises(ValueError, match="no effect on its layer"):
        peft_survey.classify(llama(), idle)


def test_classifying_leaves_base_and_adapted_model_as_they_were() -> None:
    base, kept = llama(), []

    def adapt(model: Any) -> Any:
        torch.manual_seed(1)
        kept.append(lora.apply(model, ("q_proj",), rank=2))
        kept.append(copy.deepcopy(kept[0].state_dict()))
        return kept[0]

    before = copy.deepcopy(base.state_dict())
    peft_survey.classify(base, adapt)
    assert all(torch.equal(tensor, before[name]) for name, tensor in base.state_dict().items())
    assert all(torch.equal(tensor, kept[1][name]) for name, tensor in kept[0].state_dict().items())


def test_the_weight_of_a_layer_is_read_off() -> None:
    torch.manual_seed(0)
    model = llama()
    for layer in (nn.Linear(6, 4), nn.Linear(6, 4, bias=False), nn.Embedding(5, 3)):
        read = peft_survey.weight(layer, copy.deepcopy(layer))
        assert read is not None
        assert torch.allclose(read, layer.weight, atol=1e-6)
    norm, was = model.model.norm, copy.deepcopy(model.model.norm)
    nn.init.normal_(norm.weight)
    found = peft_survey.weight(norm, was)
    assert found is not None
    assert torch.allclose(found, norm.weight, atol=1e-5)
    bent = nn.Sequential(nn.Linear(6, 4), nn.Tanh())
    assert peft_survey.weight(bent, nn.Linear(6, 4)) is None
    assert peft_survey.weight(model, model) is None


# --- what a step keeps ------------------------------------------------------------


def test_a_product_is_counted_in_every_form() -> None:
    a, b, c = torch.randn(3, 4), torch.randn(4, 5), torch.randn(3, 5)
    for run in (lambda: a @ b, lambda: c.addmm_(a, b), lambda: torch.addmm(c, a, b), lambda: F.linear(a, b.T)):
        assert cost.operations(run) == 2 * 3 * 4 * 5


def test_attention_is_counted_as_its_products() -> None:
    q, k, v = (torch.randn(2, 3, n, 8, requires_grad=True) for n in (6, 10, 10))
    one = 2 * (2 * 3 * 6 * 10 * 8)
    assert cost.operations(lambda: F.scaled_dot_product_attention(q, k, v)) == 2 * one
    h = F.scaled_dot_product_attention(q, k, v)
    assert cost.operations(lambda: h.sum().backward()) == 5 * one


def test_what_autograd_keeps_is_counted_once_and_without_the_model() -> None:
    class Two(nn.Module):
        """y = sum of tanh(x) squared, by way of a view, and a frozen product."""

        def __init__(self) -> None:
            super().__init__()
            self.a, self.W = nn.Parameter(torch.ones(8)), nn.Parameter(torch.randn(8, 8), requires_grad=False)

        def forward(self, input_ids: Tensor, labels: Tensor) -> Any:
            assert labels is input_ids
            t = torch.tanh(input_ids @ self.W * self.a)  # keeps x W, and tanh
            return type("Out", (), {"loss": (t.view(-1) * t.view(-1)).sum()})()

    step = cost.step(Two(), torch.randn(4, 8))
    assert step.activations == 2 * 4 * 8 * 4
    assert (step.gradients, step.moments, step.kept) == (8 * 4, 2 * 8 * 4, 2 * 4 * 8 * 4 + 3 * 8 * 4)


def test_activations_grow_with_the_rows_and_moments_do_not() -> None:
    few, many = (cost.step(lora.apply(llama(), ("q_proj",)), ids) for ids in (IDS, IDS.repeat(4, 1)))
    assert 3.8 < many.activations / few.activations <= 4
    assert (many.gradients, many.moments) == (few.gradients, few.moments)
    for four, one in ((many.forward, few.forward), (many.backward, few.backward)):
        assert 3.8 * one < four <= 4 * one  # of many rows LoRA makes one product


def test_a_step_is_a_step() -> None:
    model = lora.apply(llama(), ("q_proj",))
    before = copy.deepcopy(model.state_dict())
    step = cost.step(model, IDS)
    moved = {name.rpartition(".")[2] for name, tensor in model.state_dict().items() if (tensor != before[name]).any()}
    assert moved == {"B"}  # A has no gradient as long as B is zero
    assert step.loss == pytest.approx(float(llama()(input_ids=IDS, labels=IDS).loss.detach()), rel=1e-5)
    assert not model.training
    assert all(p.grad is None for p in model.parameters())


def test_the_own_step_of_lomo_holds_one_gradient_at_a_time() -> None:
    model = lomo.apply(llama())
    step = cost.step(model, IDS, lomo.LOMO(model.parameters()).step)
    assert step.gradients == max(p.nbytes for p in model.parameters())
    assert step.moments == 0


def test_frozen_layers_save_the_backward_pass_below_them() -> None:
    low, high = (cost.step(only(llama(layers=4), f"layers.{at}.mlp.down_proj"), IDS) for at in (0, 3))
    assert high.backward < low.backward
    assert high.forward == low.forward


# --- the table --------------------------------------------------------------------


@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=12, unique=True))
def test_the_rank_correlation_sees_order_alone(x: list[float]) -> None:
    rising = [float(sorted(x).index(value)) for value in x]
    assert _survey.rank_correlation(x, rising) == pytest.approx(1)
    assert _survey.rank_correlation(x, [-value for value in rising]) == pytest.approx(-1)


def test_equals_share_their_rank() -> None:
    assert _survey.rank_correlation([1, 1, 2], [1, 1, 5]) == pytest.approx(1)
    assert _survey.rank_correlation([1, 2, 2, 3], [1, 3, 2, 4]) == pytest.approx(0.9486833)


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    seen: list[tuple[int, int]] = []
    made = peft_survey.demo(
        batch=2, length=16, budget=40_000, device="cpu", progress=lambda at, of, _: seen.append((at, of))
    )  # fmt: skip
    assert seen == [(at, len(_roster.ENTRIES)) for at in range(1, len(_roster.ENTRIES) + 1)]
    return made


def shape_of(table: dict[str, Any]) -> None:
    assert len(table["rows"]) == len(_roster.ENTRIES)
    assert all(len(row) == len(table["columns"]) for row in table["rows"])
    assert json.loads(json.dumps(table)) == table


def test_the_table_has_a_row_for_each_method(record: dict[str, Any]) -> None:
    shape_of(record["table"])
    rows = {row[0]: dict(zip(record["table"]["columns"], row, strict=True)) for row in record["table"]["rows"]}
    assert list(rows) == [entry.title for entry in _roster.ENTRIES.values()]
    for entry in _roster.ENTRIES.values():
        row = rows[entry.title]
        assert row["class"] == _survey.SAID[entry.name][0]
        assert (row["merged, + %"] == "-") is not entry.folds
        assert row["merged, + %"] in ("-", 0)
    assert rows["Full fine-tuning"]["trained"] == 2_631_744
    assert rows["LoRA"]["changed"] > rows["LoRA"]["trained"]
    assert rows["QLoRA"]["weights, MB"] < rows["LoRA"]["weights, MB"] / 2
    assert rows["Prompt tuning"]["forward, + %"] > rows["LoRA"]["forward, + %"]
    assert record["options"] == {"budget": 40_000}
    assert "about 40,000 trained numbers" in record["table"]["caption"]


@pytest.mark.gpu
def test_gpu_table() -> None:
    shape_of(peft_survey.demo(batch=2, length=16, device="cuda")["table"])


@pytest.mark.parametrize("wrong", [{"batch": 0}, {"length": 12}, {"length": 0}, {"budget": -1}])
def test_bad_options_say_what_to_take(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"take 1 or more, a multiple of 8, 0 or more"):
        peft_survey.demo(device="cpu", **wrong)


def test_the_table_is_printed_for_a_pipe(record: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    showing.demo(record, "peft_survey", "")
    lines = capsys.readouterr().out.splitlines()
    assert not any(line.startswith("  table") for line in lines)
    at = lines.index("\t".join(_survey.COLUMNS))
    assert lines[at + 1].split("\t")[:3] == ["Full fine-tuning", "all weights", "2,631,744"]
    assert len(lines) == at + 1 + len(_roster.ENTRIES)


def test_the_table_is_printed_in_parts_that_fit(
    record: dict[str, Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(out, "fancy", lambda: True)
    monkeypatch.setenv("COLUMNS", "90")
    showing._table(record["table"])
    lines = capsys.readouterr().out.splitlines()
    heads = [line for line in lines if line.startswith("method")]
    assert len(heads) > 2
    assert max(map(len, lines[3:])) <= 90
    words = " ".join(heads)
    assert all(column in words for column in _survey.COLUMNS)


@pytest.mark.parametrize("table", [{}, {"columns": ["a"], "rows": [[1, 2], []]}, {"columns": ["a", "b"], "rows": []}])
def test_an_odd_table_is_printed_without_a_traceback(
    table: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for fancy in (False, True):
        monkeypatch.setattr(out, "fancy", lambda fancy=fancy: fancy)
        showing._table(table | {"caption": "\x1b[31mred"})
    assert capsys.readouterr().out.count("red") == 2
