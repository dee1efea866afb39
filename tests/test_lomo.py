"""LOMO: what a step does and refuses, the training loop, and the whole of a model on disk."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from models_support import logits, tiny
from torch import Tensor, nn

from refimpl import lomo
from refimpl._lab import LabError, loop, models, texts
from refimpl._surgery import trainable


def small(dtype: torch.dtype = torch.float64) -> tuple[nn.Sequential, Callable[[], Tensor]]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2)).to(dtype)
    x = torch.randn(16, 4, dtype=dtype)
    return model, lambda: model(x).square().mean()


@pytest.mark.parametrize("clip", [{"clip_norm": 1e-3}, {"clip_value": 1e-4}])
def test_clipping_makes_the_step_smaller(clip: dict[str, float]) -> None:
    moved = []
    for options in ({}, clip):
        model, loss = small()
        before = [p.detach().clone() for p in model.parameters()]
        lomo.LOMO(model.parameters(), **options).step(loss, 0.5)
        moved.append(sum((p - q).square().sum().item() for p, q in zip(model.parameters(), before, strict=True)) ** 0.5)
    assert moved[1] < moved[0] / 2
    if "clip_norm" in clip:
        assert moved[1] == pytest.approx(0.5 * 1e-3, rel=1e-2)  # less by 1e-6 over the norm of the gradients


@pytest.mark.parametrize("clip", [{}, {"clip_norm": 1.0}, {"clip_value": 1.0}])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_reaches_no_parameter(clip: dict[str, float], value: float) -> None:
    """A loss that is none, and a gradient of a loss that is one."""
    for loss_of in (lambda y: y.sum() * value, lambda y: torch.where(y > 1e9, y * value, y * 0 + (y - y).sqrt()).sum()):
        model, _ = small()
        before = copy.deepcopy(model)
        with pytest.raises(ValueError, match=r"is NaN or infinite.*lower the learning rate"):
            lomo.LOMO(model.parameters(), **clip).step(
                lambda loss_of=loss_of, m=model: loss_of(m(torch.ones(3, 4).double())), 0.5
            )
        assert all(torch.equal(p, q) for p, q in zip(model.parameters(), before.parameters(), strict=True))


def test_a_norm_below_the_limit_changes_nothing() -> None:
    (one, one_loss), (two, two_loss) = small(), small()
    lomo.LOMO(one.parameters(), clip_norm=1e6).step(one_loss, 0.1)
    lomo.LOMO(two.parameters()).step(two_loss, 0.1)
    assert all(torch.equal(p, q) for p, q in zip(one.parameters(), two.parameters(), strict=True))


def test_half_precision_is_updated_in_float32() -> None:
    model = nn.Linear(1, 1, bias=False).to(torch.bfloat16)
    nn.init.constant_(model.weight, 1.0)
    x = torch.full((1, 1), 3.0, dtype=torch.bfloat16)
    lomo.LOMO(model.parameters()).step(lambda: model(x).sum(), 0.01)
    assert model.weight.dtype == torch.bfloat16
    assert model.weight.item() == torch.tensor(1 - 0.03).to(torch.bfloat16).item()


def test_frozen_parameters_stay() -> None:
    model, loss = small()
    model[0].requires_grad_(False)
    before = model[0].weight.clone()
    lomo.LOMO(model.parameters()).step(loss, 0.1)
    assert torch.equal(model[0].weight, before)


def test_a_parameter_the_loss_does_not_see_stays() -> None:
    model, loss = small()
    unused = nn.Parameter(torch.ones(3))
    lomo.LOMO([*model.parameters(), unused], clip_norm=1.0).step(loss, 0.1)
    assert torch.equal(unused, torch.ones(3))


def test_the_model_is_an_ordinary_one_outside_a_step() -> None:
    model, loss = small()
    lomo.LOMO(model.parameters()).step(loss, 0.1)
    before = [p.detach().clone() for p in model.parameters()]
    loss().backward()
    assert all(p.grad is not None for p in model.parameters())
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), before, strict=True))


def test_it_does_not_accumulate() -> None:
    model, loss = small()
    loss().backward()
    before = [p.detach().clone() for p in model.parameters()]
    with pytest.raises(ValueError, match="a gradient is there already and LOMO cannot add to it"):
        lomo.LOMO(model.parameters()).step(loss, 0.1)
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), before, strict=True))


def test_a_step_that_fails_leaves_no_hook() -> None:
    model, loss = small()

    def broken() -> Tensor:
        total = loss()
        total.register_hook(lambda _: 1 / 0)
        return total

    with pytest.raises(ZeroDivisionError):
        lomo.LOMO(model.parameters()).step(broken, 0.1)
    before = model[0].weight.clone()
    loss().backward()
    assert torch.equal(model[0].weight, before)


def test_bad_input_says_so() -> None:
    model, _ = small()
    with pytest.raises(ValueError, match="clip_norm and clip_value must be above zero"):
        lomo.LOMO(model.parameters(), clip_norm=0)
    with pytest.raises(ValueError, match="float16 needs a loss scale, which is left out: load the model in bfloat16"):
        lomo.LOMO(model.half().parameters())
    with pytest.raises(ValueError, match="no parameter requires gradients: call `apply` on the model first"):
        lomo.LOMO(model.requires_grad_(False).parameters())


def test_it_trains_with_checkpointing_as_without() -> None:
    found = []
    for checkpointing in (False, True):
        model, tokenizer = models.load("tiny", "cpu")
        step = lomo.LOMO(lomo.apply(model).parameters(), clip_norm=1.0).step
        history = loop.train(
            model, tokenizer, texts.python(), 3, 0.3, 2, 32, step=step, checkpointing=checkpointing
        )  # fmt: skip
        assert history.gradient_bytes == history.optimiser_bytes == 0
        found.append(history.losses)
    assert found[0] == pytest.approx(found[1], abs=1e-4)


def works(device: str, dtype: str, folder: Path) -> None:
    """On a device: train the whole model through the loop, the loss falls, and it comes back from disk."""
    model, tokenizer = models.load("tiny", device, dtype)
    measured = replace(texts.python(), rows=8)
    before = measured.evaluate(model, tokenizer).value
    lomo.apply(model.requires_grad_(False))
    assert trainable(model) == model.num_parameters()
    loop.train(model, tokenizer, texts.python(), 10, 0.3, 4, 64, step=lomo.LOMO(model.parameters()).step)
    assert measured.evaluate(model, tokenizer).value < before - 0.3
    lomo.save(model, folder / "model")
    other = lomo.apply(tiny(dtype, device))
    lomo.load(other, folder / "model")
    assert torch.equal(logits(model), logits(other))


def test_it_trains_tiny(tmp_path: Path) -> None:
    works("cpu", "float32", tmp_path)


def test_another_model_cannot_be_loaded(tmp_path: Path) -> None:
    lomo.save(small()[0], tmp_path / "model")
    with pytest.raises(LabError, match="is of another model"):
        lomo.load(nn.Linear(2, 2), tmp_path / "model")


def test_the_demo_improves(tmp_path: Path) -> None:
    record = lomo.demo(
        task=replace(texts.python(), rows=8), steps=6, batch=2, lr=0.3, device="cpu", out=tmp_path / "model"
    )  # fmt: skip
    assert record["after"]["value"] < record["before"]["value"]
    assert record["bytes"]["gradients"] == record["bytes"]["optimiser"] == 0
    assert record["parameters"]["share"] == 1


@pytest.mark.gpu
def test_gpu_trains_tiny(tmp_path: Path) -> None:
    works("cuda", "bfloat16", tmp_path)


def test_a_layer_in_several_checkpoints_is_updated_once_or_refused() -> None:
    from torch.utils.checkpoint import checkpoint

    x = torch.randn(4, 8, requires_grad=True)

    def loss(layer: nn.Module, reentrant: bool) -> Tensor:
        h = x
        for _ in range(3):
            h = checkpoint(lambda h: layer(h).tanh(), h, use_reentrant=reentrant)
        return h.square().sum()

    layer = nn.Linear(8, 8)
    twin = copy.deepcopy(layer)
    loss(twin, False).backward()
    torch.optim.SGD(twin.parameters(), 0.1).step()
    with pytest.raises(ValueError, match="set use_reentrant=False"):
        lomo.LOMO(layer.parameters(), clip_norm=1.0).step(lambda: loss(layer, True), 0.1)
    lomo.LOMO([*layer.parameters(), *layer.parameters()]).step(lambda: loss(layer, False), 0.1)
    assert torch.equal(layer.weight, twin.weight)
