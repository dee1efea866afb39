"""RoSA: the layer and its gradients, the masks, and merging on a model."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from models_support import logits, tiny
from torch import nn
from torch.nn import functional as F

from refimpl import rosa
from refimpl._lab import LabError, loop, models, texts
from refimpl._surgery import NoLayers, trainable


def layers(model: nn.Module) -> list[rosa.RoSALinear]:
    return [m for m in model.modules() if isinstance(m, rosa.RoSALinear)]


def trained(layer: rosa.RoSALinear) -> rosa.RoSALinear:
    """As after training: a mask, and nothing is zero."""
    layer.mask(torch.rand_like(layer.base.weight))
    nn.init.normal_(layer.B, std=0.05)
    nn.init.normal_(layer.v, std=0.05)
    return layer


@pytest.mark.parametrize(("rank", "density"), [(3, 0.25), (0, 0.25), (3, 0.0)])
def test_gradients(rank: int, density: float) -> None:
    layer = trained(rosa.RoSALinear(nn.Linear(6, 5, dtype=torch.float64), rank, 4, density))
    x = torch.randn(2, 3, 6, dtype=torch.float64, requires_grad=True)
    base = layer.base
    inputs = (x, base.weight, base.bias, layer.A, layer.B, layer.v.requires_grad_())
    assert torch.autograd.gradcheck(lambda *given: rosa.LowRankPlusSparse.apply(*given, layer.at, layer.s), inputs)


@pytest.mark.parametrize("shape", [(64,), (3, 64), (2, 3, 64), (0, 64)])
def test_the_layer_is_called_like_a_linear(shape: tuple[int, ...]) -> None:
    layer = trained(rosa.RoSALinear(nn.Linear(64, 12), 2, 4, 0.1))
    x = torch.randn(shape)
    W = layer.base.weight + layer.s * layer.B @ layer.A  # noqa: N806 - the paper's name
    assert torch.allclose(layer(x), F.linear(x, rosa.add(W, layer.v, layer.at), layer.base.bias), atol=1e-5)
    layer(x).sum().backward()


def test_rows_that_do_not_lie_in_order() -> None:
    layer = trained(rosa.RoSALinear(nn.Linear(8, 6), 2, 4, 0.1))
    x = torch.randn(8, 4, 3).permute(2, 1, 0).requires_grad_()
    layer(x).square().sum().backward()
    assert torch.allclose(layer(x), layer(x.contiguous()), atol=1e-6)
    assert x.grad is not None


def test_a_narrow_base_keeps_wide_updates() -> None:
    layer = trained(rosa.RoSALinear(nn.Linear(64, 32, dtype=torch.bfloat16), 2, 4, 0.1))
    x = torch.randn(4, 64, dtype=torch.bfloat16, requires_grad=True)
    y = layer(x)
    y.sum().backward()
    assert y.dtype == x.grad.dtype == torch.bfloat16
    assert {p.dtype for p in (layer.A, layer.B, layer.v)} == {torch.float32}
    assert {p.grad.dtype for p in (layer.A, layer.B, layer.v)} == {torch.float32}


def test_it_goes_on_under_autocast() -> None:
    layer = trained(rosa.RoSALinear(nn.Linear(64, 32), 2, 4, 0.1))
    x = torch.randn(4, 64, requires_grad=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = layer(x.bfloat16())
    y.float().sum().backward()
    assert x.grad is not None
    assert layer.v.grad is not None


def test_all_linears_but_the_head_are_adapted() -> None:
    model = rosa.apply(tiny(), rank=4, density=0.01)
    assert type(model.lm_head) is nn.Linear
    shapes = [layer.base.weight.shape for layer in layers(model)]
    assert trainable(model) == sum(4 * sum(shape) for shape in shapes)
    for layer in layers(model):
        layer.mask(torch.rand_like(layer.base.weight))
    assert trainable(model) == sum(4 * sum(shape) + int(0.01 * shape.numel()) for shape in shapes)
    assert len(layers(rosa.apply(tiny(), ["q_proj"]))) == 5


def test_masks_leave_the_model_as_it_was() -> None:
    model, tokenizer = models.load("tiny", "cpu")
    expected, before = logits(model), {name: p.clone() for name, p in model.named_parameters()}
    rosa.apply(model, rank=2, density=0.01)
    rosa.warm_up(model, loop.Data(tokenizer, texts.python(), 2, 1e-2, 0), steps=2, batches=1)
    assert torch.equal(logits(model), expected)
    frozen = {name.replace(".base.", "."): p for name, p in model.named_parameters() if not p.requires_grad}
    assert frozen.keys() == before.keys()
    assert all(torch.equal(p, before[name]) and p.grad is None for name, p in frozen.items())
    assert not any(hasattr(p, "_post_accumulate_grad_hooks") and p._post_accumulate_grad_hooks for p in frozen.values())
    assert all(len(layer.at.unique()) == len(layer.at) > 0 for layer in layers(model))


def test_signs_count_with_a_power_of_one() -> None:
    base, x = nn.Linear(4, 4, bias=False), torch.eye(4)
    sign = torch.tensor([[5.0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]])

    def found(power: int) -> list[int]:
        model = rosa.apply(nn.Sequential(copy.deepcopy(base)), density=1 / 16)
        losses = [lambda s=s: (model(x) * s).sum() for s in (sign, torch.where(sign == 5, -5.0, sign))]
        return layers(rosa.find_masks(model, losses, power))[0].at.tolist()

    assert found(2) == [0]
    assert found(1) == [10]


def test_bad_input_says_so() -> None:
    with pytest.raises(NoLayers, match=r"no Linear named qproj; there are down_proj.*q_proj"):
        rosa.apply(tiny(), ["qproj"])
    with pytest.raises(ValueError, match=r"density 1\.5: the rank is at least 0, the density from 0 to 1"):
        rosa.apply(nn.Sequential(nn.Linear(4, 4)), density=1.5)
    model = rosa.apply(nn.Sequential(nn.Linear(4, 4)), density=0.5)
    with pytest.raises(ValueError, match="no gradient that is a number: give at least one finite loss"):
        rosa.find_masks(model, [])
    whole = nn.Linear(32, 8)
    whole.weight = nn.Parameter(torch.zeros(8, 32, dtype=torch.int8), requires_grad=False)
    with pytest.raises(
        ValueError, match=r"the weight of 0 is torch\.int8; use refimpl\.qlora, or load the model whole"
    ):
        rosa.apply(nn.Sequential(whole))


def test_the_adapter_comes_back_from_disk(tmp_path: Path) -> None:
    first = rosa.apply(tiny(), rank=2, density=0.01)
    for layer in layers(first):
        trained(layer)
    rosa.save(first, tmp_path / "adapter")
    second = rosa.apply(tiny(), rank=2, density=0.01)
    assert not torch.equal(logits(first), logits(second))
    rosa.load(second, tmp_path / "adapter")
    assert torch.equal(logits(first), logits(second))
    assert trainable(first) == trainable(second)
    with pytest.raises(LabError, match="apply the method with its options"):
        rosa.load(rosa.apply(tiny(), rank=2, density=0.02), tmp_path / "adapter")


def test_a_copy_and_a_state_dict_keep_the_mask() -> None:
    layer, twin = (trained(rosa.RoSALinear(nn.Linear(16, 8), 2, 4, 0.1)) for _ in range(2))
    twin.load_state_dict(layer.state_dict())
    x = torch.randn(3, 16)
    assert torch.equal(twin(x), layer(x))
    assert torch.equal(copy.deepcopy(layer)(x), layer(x))


def test_it_trains_with_checkpointing_as_without() -> None:
    found = []
    for checkpointing in (False, True):
        model, tokenizer = models.load("tiny", "cpu")
        torch.manual_seed(0)
        for layer in layers(rosa.apply(model, ["q_proj", "down_proj"], 2, 4, 0.01)):
            trained(layer)
        found.append(loop.train(model, tokenizer, texts.python(), 2, 1e-2, 2, 32, checkpointing=checkpointing).losses)
    assert found[0] == pytest.approx(found[1], abs=1e-5)


def works(device: str, dtype: str, tolerance: float) -> None:
    """On a device: warm up, find masks, train, the loss falls, the base stays, merged equals unmerged."""
    model, tokenizer = models.load("tiny", device, dtype)
    torch.manual_seed(0)
    base = {name: p.clone() for name, p in model.named_parameters()}
    measured = replace(texts.python(), rows=8)
    before = measured.evaluate(model, tokenizer).value
    rosa.apply(model, rank=4, density=0.01)
    rosa.warm_up(model, loop.Data(tokenizer, replace(texts.python(), length=64), 4, 1e-2, 0), steps=3, batches=1)
    loop.train(model, tokenizer, texts.python(), 8, 1e-2, 4, 64)
    assert measured.evaluate(model, tokenizer).value < before
    frozen = {name.replace(".base.", "."): p for name, p in model.named_parameters() if not p.requires_grad}
    assert all(torch.equal(p, base[name]) for name, p in frozen.items())
    expected = logits(model)
    rosa.merge(model)
    assert not layers(model)
    assert (logits(model) - expected).abs().max() < tolerance * expected.abs().max()
    assert any(not torch.equal(p, base[name]) for name, p in model.named_parameters())


def test_it_trains_and_merges_on_tiny() -> None:
    works("cpu", "float32", 1e-4)


def test_the_demo_improves_and_can_be_loaded(tmp_path: Path) -> None:
    record = rosa.demo(task=replace(texts.python(), rows=8), steps=6, warmup=2, batches=1, batch=2, device="cpu",
                       out=tmp_path / "adapter")  # fmt: skip
    assert record["after"]["value"] < record["before"]["value"]
    assert record["merged"]["value"] == pytest.approx(record["after"]["value"], abs=1e-4)
    base, tokenizer = models.load("tiny", "cpu")
    model = rosa.load(rosa.apply(base, rank=8, density=0.02), tmp_path / "adapter")
    assert replace(texts.python(), rows=8).evaluate(model, tokenizer).value == pytest.approx(record["after"]["value"])


@pytest.mark.gpu
def test_gpu_trains_and_merges() -> None:
    works("cuda", "bfloat16", 5e-2)


def test_a_tied_head_is_not_merged() -> None:
    model = tiny()
    model.lm_head.weight = model.model.embed_tokens.weight
    rosa.apply(model, ("lm_head", "q_proj"))
    with pytest.raises(ValueError, match="lm_head shares its weight"):
        rosa.merge(model)


def test_gradients_that_are_no_numbers_make_no_mask() -> None:
    model = rosa.apply(nn.Sequential(nn.Linear(8, 8)), density=0.1)
    with pytest.raises(ValueError, match="no gradient that is a number"):
        rosa.find_masks(model, [lambda: model(torch.full((2, 8), float("nan"))).sum()])


def test_an_adapter_saved_before_its_masks_leaves_the_mask_to_be_found(tmp_path: Path) -> None:
    first, second = (rosa.apply(nn.Sequential(nn.Linear(8, 8)), density=0.1) for _ in range(2))
    rosa.save(first, tmp_path / "adapter")
    rosa.load(second, tmp_path / "adapter")
    assert not layers(second)[0].v.requires_grad
    assert torch.equal(layers(second)[0].A, layers(first)[0].A)


@pytest.mark.parametrize("at", [[0, 1, 2, 3, 4, 64], [-1, 0, 1, 2, 3, 4], [1, 1, 2, 3, 4, 5]])
def test_places_outside_the_weight_are_refused(tmp_path: Path, at: list[int]) -> None:
    model = rosa.apply(nn.Sequential(nn.Linear(8, 8)), density=0.1)
    trained(layers(model)[0]).at.copy_(torch.tensor(at))
    rosa.save(model, tmp_path / "adapter")
    with pytest.raises(ValueError, match="places must ascend within the tensor"):
        rosa.load(rosa.apply(nn.Sequential(nn.Linear(8, 8)), density=0.1), tmp_path / "adapter")


def test_what_was_loaded_learns_on(tmp_path: Path) -> None:
    model, other = (rosa.apply(nn.Sequential(nn.Linear(6, 5)), None, 2, density=0.2) for _ in range(2))
    one, two = (next(m for m in each.modules() if isinstance(m, rosa.RoSALinear)) for each in (model, other))
    one.mask(torch.rand(5, 6))
    rosa.load(other, rosa.save(model, tmp_path))
    assert two.v.requires_grad
    assert torch.equal(two.at, one.at)
    assert trainable(other) == trainable(model)
