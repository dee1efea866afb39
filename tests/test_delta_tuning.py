"""Delta tuning: attaching and detaching by name, what folds, and what is refused."""

from __future__ import annotations

import copy
import functools
import itertools
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from models_support import logits, tiny
from torch import nn

from refimpl import delta_tuning as delta
from refimpl._lab import LabError, loop, models, tasks, texts
from refimpl._surgery import NoLayers, trainable


def filled(model: nn.Module) -> nn.Module:
    for p in model.parameters():
        if p.requires_grad and p.dim() == 2:
            nn.init.normal_(p, std=0.05)
        elif p.requires_grad:
            nn.init.normal_(p, mean=1, std=0.05)
    return model


@pytest.mark.parametrize("kind", delta.KINDS)
def test_each_kind_on_a_language_model(kind: str) -> None:
    model = tiny()
    before, state = logits(model), {name: t.clone() for name, t in model.state_dict().items()}
    delta.apply(model, kind, size=4)
    assert delta.attached(model) == [kind]
    assert torch.equal(logits(model), before)
    assert trainable(model) > 0
    filled(model)
    assert not torch.equal(logits(model), before)
    delta.detach(model, kind)
    assert trainable(model) == 0
    assert all(torch.equal(t, state[name]) for name, t in model.state_dict().items())
    assert torch.equal(logits(model), before)


def test_the_counts_of_each_kind() -> None:
    counts = {kind: trainable(delta.apply(tiny(), kind, size=4)) for kind in delta.KINDS}
    linears = [m.weight.shape for name, m in tiny().named_modules() if name.endswith("_proj")]
    assert counts["addition"] == 5 * 2 * 2 * 4 * 192
    assert counts["specification"] == 5 * 2 * 192
    assert counts["reparametrisation"] == 4 * sum(d + k for d, k in linears)
    assert trainable(delta.apply(tiny(), delta.KINDS, size=4)) == sum(counts.values())


def test_a_target_is_the_end_of_a_path() -> None:
    make = functools.partial(delta.LowRank, size=2)
    for targets, layers in ((("q_proj",), 5), (("layers.0.self_attn.q_proj",), 1), (("proj",), 0), ("q_proj", 5)):
        model = tiny()
        if layers:
            delta.attach(model, "one", make, targets)
        else:
            with pytest.raises(NoLayers, match=r"no layer named proj; there are .*q_proj"):
                delta.attach(model, "one", make, targets)
        assert sum(isinstance(m, delta.Site) for m in model.modules()) == layers


@pytest.mark.parametrize("order", [*itertools.permutations(delta.KINDS)])
def test_a_layer_has_its_deltas_in_the_order_in_which_they_came(order: tuple[str, ...]) -> None:
    assert delta.attached(delta.apply(nn.Sequential(nn.Linear(8, 8)), order, targets=["0"])) == list(order)


def test_a_narrow_base_has_wide_deltas() -> None:
    base = nn.Sequential(nn.Linear(8, 8).bfloat16())
    for kind in delta.KINDS:
        model = delta.apply(copy.deepcopy(base), kind, targets=["0"], size=2)
        assert model(torch.randn(3, 8).bfloat16()).dtype == torch.bfloat16
    assert delta.LowRank(base[0], 2).A.dtype == torch.float32


@pytest.mark.parametrize("shape", [(8,), (3, 8), (2, 3, 8), (0, 8)])
def test_a_site_is_called_like_its_layer(shape: tuple[int, ...]) -> None:
    model = delta.apply(nn.Sequential(nn.Linear(8, 6)), delta.KINDS, targets=["0"], size=2)
    y = model(torch.randn(shape))
    assert y.shape == (*shape[:-1], 6)
    y.sum().backward()


def test_the_deltas_come_back_from_disk(tmp_path: Path) -> None:
    first = filled(delta.apply(tiny(), delta.KINDS, size=4))
    delta.save(first, tmp_path / "deltas")
    second = delta.apply(tiny(), delta.KINDS, size=4)
    assert not torch.equal(logits(first), logits(second))
    delta.load(second, tmp_path / "deltas")
    assert torch.equal(logits(first), logits(second))
    with pytest.raises(LabError, match="another model or method"):
        delta.load(delta.apply(tiny(), "addition"), tmp_path / "deltas")


def test_coordinates_that_layers_share_are_saved_once(tmp_path: Path) -> None:
    def fresh() -> tuple[nn.Module, nn.Parameter]:
        z = nn.Parameter(torch.zeros(3))
        return delta.attach(tiny(), "sub", functools.partial(delta.Subspace, z=z), ["q_proj", "v_proj"]), z

    (first, z), (second, other) = fresh(), fresh()
    nn.init.normal_(z)
    delta.save(first, tmp_path / "z")
    delta.load(second, tmp_path / "z")
    assert torch.equal(z, other)
    assert torch.equal(logits(first), logits(second))


def test_what_is_refused_says_what_to_do() -> None:
    model = delta.apply(tiny(), "reparametrisation,addition")
    with pytest.raises(ValueError, match="'addition' is taken"):
        delta.apply(model, "addition")
    with pytest.raises(ValueError, match="no kind of delta 'prompt'; there are addition, "):
        delta.apply(tiny(), "prompt")
    with pytest.raises(ValueError, match="no delta 'x' is attached; there are reparametrisation, addition"):
        delta.detach(model, "x")
    with pytest.raises(ValueError, match="folds into no weight: detach addition"):
        delta.merge(model)
    with pytest.raises(ValueError, match="name targets that are Linear"):
        delta.apply(tiny(), "addition", targets=["mlp"])
    with pytest.raises(ValueError, match="name targets that are Linear"):
        delta.apply(tiny(), "reparametrisation", targets=["embed_tokens"])
    with pytest.raises(ValueError, match="no bias and no gain to train"):
        delta.apply(tiny(), "specification", targets=["q_proj"])
    with pytest.raises(ValueError, match="take 1 or more"):
        delta.apply(tiny(), size=0)
    twice = delta.apply(tiny(), "specification")
    with pytest.raises(ValueError, match="detach it first"):
        delta.attach(twice, "again", delta.Specified, ["input_layernorm"])


def test_what_fails_attaches_nothing() -> None:
    model = tiny()
    layers = [*map(type, model.modules())]
    with pytest.raises(ValueError, match="name targets that are Linear"):
        delta.apply(model, "reparametrisation", targets=["q_proj", "input_layernorm"])
    assert [*map(type, model.modules())] == layers


def works(device: str, dtype: str, tolerance: float) -> None:
    """On a device: attach all kinds, train, the loss falls; detached or merged, the model is as it should be."""
    model, tokenizer = models.load("tiny", device, dtype)
    before = logits(model)
    torch.manual_seed(0)
    delta.apply(model, delta.KINDS)
    history = loop.train(model, tokenizer, tasks.get("python"), 8, 1e-2, 4, 48)
    assert sum(history.losses[-2:]) < sum(history.losses[:2])
    delta.detach(model, "addition")
    expected, merged = logits(model), delta.merge(copy.deepcopy(model))
    assert (logits(merged) - expected).abs().max() < tolerance * expected.abs().max()
    for kind in ("reparametrisation", "specification"):
        delta.detach(model, kind)
    assert torch.equal(logits(model), before)


def test_it_trains_merges_and_detaches_on_tiny() -> None:
    works("cpu", "float32", 1e-4)


def test_the_demo_improves(tmp_path: Path) -> None:
    record = delta.demo(task=replace(texts.python(), rows=8), steps=12, out=tmp_path / "a")
    assert record["after"]["value"] < record["before"]["value"]
    assert record["merged"]["value"] == pytest.approx(record["after"]["value"], abs=1e-3)
    assert record["options"] == {"kinds": ["specification", "reparametrisation"], "size": 8}


@pytest.mark.gpu
def test_gpu_trains_merges_and_detaches() -> None:
    works("cuda", "bfloat16", 5e-2)
