"""The second-order mask: the burn-in, what may be tuned, and merging on a model."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from models_support import logits, tiny
from torch import Tensor, nn

from refimpl import second_order_mask as som
from refimpl._lab import LabError, loop, models, texts
from refimpl._surgery import NoLayers, trainable


def masks(model: nn.Module) -> list[som.Masked]:
    return [m for m in model.modules() if isinstance(m, som.Masked)]


@given(st.integers(1, 40), st.integers(0, 10**6), st.data())
@settings(max_examples=60, deadline=None)
def test_no_gain_outside_is_larger(n: int, seed: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(1, n))
    gains = torch.randint(5, (n,), generator=torch.Generator().manual_seed(seed)).float()
    at = som.select(gains, k)
    assert len(set(at.tolist())) == k
    outside = gains[[i for i in range(n) if i not in at.tolist()]]
    assert not len(outside) or outside.max() <= gains[at].min()


def test_gradients() -> None:
    part = som.Masked(torch.zeros(4, 5), torch.tensor([0, 3, 7, 19]))
    part.delta = nn.Parameter(torch.randn(4, dtype=torch.float64))
    theta0 = torch.randn(4, 5, dtype=torch.float64)
    x = torch.randn(3, 5, dtype=torch.float64, requires_grad=True)

    def out(x: Tensor, delta: Tensor) -> Tensor:
        return x @ torch.func.functional_call(part, {"delta": delta}, (theta0,)).T

    assert torch.autograd.gradcheck(out, (x, part.delta))


def test_the_burn_in_adds_signed_gradients_and_leaves_no_trace() -> None:
    model, x = nn.Sequential(nn.Linear(3, 2, bias=False)), torch.tensor([[1.0, 2.0, 3.0]])
    model[0].weight.requires_grad_(False)
    before = copy.deepcopy(model.state_dict())
    losses = [lambda: 2 * model(x)[0, 0], lambda: -model(x)[0, 0] + model(x)[0, 1]]
    gains = som.burn_in(model, losses)
    assert torch.equal(gains["0.weight"], som.gain(torch.stack([x[0], x[0]])))
    assert not model[0].weight.requires_grad
    assert model[0].weight.grad is None
    assert all(torch.equal(p, before[name]) for name, p in model.state_dict().items())


def test_curvature_counts() -> None:
    g, h = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([0.1, 1.0, 10.0])
    assert som.select(som.gain(g), 1).tolist() == [2]
    assert som.select(som.gain(g, h), 1).tolist() == [0]


def test_what_two_modules_share_is_left_out() -> None:
    model = som.apply(tiny(), density=0.01)
    linears = [m for name, m in model.named_modules() if isinstance(m, nn.Linear) and name != "lm_head"]
    assert len(masks(model)) == len(linears) + 11  # and the weights of the norms
    assert trainable(model) == sum(int(0.01 * m.weight.numel()) for m in linears) + 11 * int(0.01 * 192)
    assert model.lm_head.weight is model.model.embed_tokens.weight
    assert all(p.requires_grad == name.endswith(".delta") for name, p in model.named_parameters())


def test_targets_are_names_of_modules() -> None:
    model = som.apply(tiny(), targets=["q_proj"])
    assert len(masks(model)) == 5
    assert all(".q_proj." in name for name, p in model.named_parameters() if p.requires_grad)


def test_a_bias_is_tuned_too() -> None:
    model = som.apply(nn.Sequential(nn.Linear(8, 8)), density=0.25)
    assert [len(m.at) for m in masks(model)] == [16, 2]


def test_a_narrow_base_keeps_wide_values() -> None:
    model = som.apply(nn.Sequential(nn.Linear(64, 32, dtype=torch.bfloat16)), density=0.1)
    y = model(torch.randn(4, 64, dtype=torch.bfloat16))
    y.sum().backward()
    assert y.dtype == torch.bfloat16
    assert {m.delta.dtype for m in masks(model)} == {m.delta.grad.dtype for m in masks(model)} == {torch.float32}


def test_bad_input_says_so() -> None:
    with pytest.raises(NoLayers, match=r"no tensor to tune in qproj; there are .*q_proj"):
        som.apply(tiny(), targets=["qproj"])
    with pytest.raises(ValueError, match="it is the share of the parameters that is tuned, above 0 and at most 1"):
        som.apply(nn.Sequential(nn.Linear(4, 4)), density=5)
    with pytest.raises(ValueError, match="selects nothing in tensors this small; take a larger one"):
        som.apply(nn.Sequential(nn.Linear(4, 4)), density=0.005)
    with pytest.raises(ValueError, match=r"no gains for 0\.weight: give `burn_in` the same model and targets"):
        som.apply(nn.Sequential(nn.Linear(4, 4)), {}, density=0.5)
    with pytest.raises(ValueError, match=r"no gradient for 0\.weight: give at least one finite loss"):
        som.burn_in(nn.Sequential(nn.Linear(4, 4)), [])


def test_the_adapter_comes_back_from_disk(tmp_path: Path) -> None:
    first, second = som.apply(tiny()), som.apply(tiny())
    for part in masks(first):
        nn.init.normal_(part.delta)
    som.save(first, tmp_path / "adapter")
    assert not torch.equal(logits(first), logits(second))
    som.load(second, tmp_path / "adapter")
    assert torch.equal(logits(first), logits(second))
    with pytest.raises(LabError, match="apply the method with its options"):
        som.load(som.apply(tiny(), density=0.01, targets=["q_proj", *_last_names(first)]), tmp_path / "adapter")


def _last_names(model: nn.Module) -> list[str]:
    return ["k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def test_a_copy_keeps_the_mask() -> None:
    model = som.apply(nn.Sequential(nn.Linear(16, 8)), density=0.2)
    nn.init.normal_(masks(model)[0].delta)
    x = torch.randn(3, 16)
    twin = copy.deepcopy(model)
    assert torch.equal(twin(x), model(x))
    nn.init.zeros_(masks(twin)[0].delta)
    assert not torch.equal(twin(x), model(x))


def works(device: str, dtype: str) -> None:
    """On a device: burn in, train, the loss falls, what is not selected stays, merged equals unmerged to the bit."""
    model, tokenizer = models.load("tiny", device, dtype)
    torch.manual_seed(0)
    base = {name: p.clone() for name, p in model.named_parameters()}
    measured = replace(texts.python(), rows=8)
    before = measured.evaluate(model, tokenizer).value
    drawn = loop.losses(model, tokenizer, replace(texts.python(), length=64), 2, 4, 1)
    gains = som.burn_in(model, drawn)
    assert measured.evaluate(model, tokenizer).value == before
    som.apply(model, gains, 0.01)
    kinds = {name: kind.at for name, kind in model.named_modules() if isinstance(kind, som.Masked)}
    loop.train(model, tokenizer, texts.python(), 10, 3e-2, 4, 64)
    assert measured.evaluate(model, tokenizer).value < before
    expected = logits(model)
    som.merge(model)
    assert not masks(model)
    assert torch.equal(logits(model), expected)
    places = {name.replace("parametrizations.", "").removesuffix(".0"): at for name, at in kinds.items()}
    for name, p in model.named_parameters():
        outside = (p != base[name]).flatten()
        if name in places:
            outside[places[name]] = False
        assert not outside.any()


def test_it_trains_and_merges_on_tiny() -> None:
    works("cpu", "float32")


def test_the_demo_improves_and_can_be_loaded(tmp_path: Path) -> None:
    task = replace(texts.python(), rows=8)
    record = som.demo(task=task, steps=6, batches=2, batch=2, device="cpu", out=tmp_path / "adapter")
    assert record["after"]["value"] < record["before"]["value"]
    assert record["merged"]["value"] == pytest.approx(record["after"]["value"], abs=1e-6)
    model, tokenizer = models.load("tiny", "cpu")
    assert task.evaluate(som.load(som.apply(model), tmp_path / "adapter"), tokenizer).value == pytest.approx(
        record["after"]["value"]
    )


@pytest.mark.gpu
def test_gpu_trains_and_merges() -> None:
    works("cuda", "bfloat16")


def test_a_second_mask_and_codes_for_weights_are_refused() -> None:
    model = som.apply(nn.Sequential(nn.Linear(16, 8)), density=0.2)
    with pytest.raises(ValueError, match="adapted already; merge that"):
        som.apply(model, density=0.2)
    som.apply(som.merge(model), density=0.2)
    whole = nn.Sequential(nn.Linear(8, 8))
    whole[0].weight = nn.Parameter(torch.zeros(8, 8, dtype=torch.int8), requires_grad=False)
    with pytest.raises(ValueError, match=r"0\.weight is not floating point; load the model whole"):
        som.apply(whole, density=0.2)


def test_gradients_that_are_no_numbers_are_no_gains() -> None:
    model = nn.Sequential(nn.Linear(8, 8))
    with pytest.raises(ValueError, match="at least one finite loss"):
        som.burn_in(model, [lambda: model(torch.full((2, 8), float("nan"))).sum()])


@pytest.mark.parametrize("at", [[0, 1, 2, 3, 4, 64], [-1, 0, 1, 2, 3, 4], [1, 1, 2, 3, 4, 5]])
def test_places_outside_the_tensor_are_refused(tmp_path: Path, at: list[int]) -> None:
    model = som.apply(nn.Sequential(nn.Linear(8, 8)), density=0.1)
    masks(model)[0].at.copy_(torch.tensor(at))
    som.save(model, tmp_path / "adapter")
    with pytest.raises(ValueError, match="places must ascend within the tensor"):
        som.load(som.apply(nn.Sequential(nn.Linear(8, 8)), density=0.1), tmp_path / "adapter")


def test_a_single_name_is_a_target() -> None:
    model = som.apply(tiny(), density=0.01, targets="q_proj")
    assert all(".q_proj." in name for name, p in model.named_parameters() if p.requires_grad)


def test_a_tensor_that_two_modules_share_is_left_alone() -> None:
    model = nn.Sequential(nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 5))
    model[1].weight = model[0].weight
    named = {name for name, _, _ in som.tunable(model, None)}
    assert named == {"0.bias", "1.bias", "2.weight", "2.bias"}
