"""LLM-Adapters: the layer in both kinds, what is frozen, saving, and bad input."""

from __future__ import annotations

import copy
import itertools
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from models_support import IDS, llama, logits
from torch import nn

from refimpl import llm_adapters
from refimpl._lab import LabError, loop, models, texts
from refimpl._surgery import NoLayers, trainable

KINDS = ("series", "parallel")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(5,), (3, 5), (2, 3, 5), (0, 5)])
def test_shapes(kind: str, shape: tuple[int, ...]) -> None:
    layer = llm_adapters.AdapterLinear(nn.Linear(5, 7), kind, 3, "tanh", "normal", 1.0)
    assert layer.W_down.shape == (7 if kind == "series" else 5, 3)
    assert layer.W_up.shape == (3, 7)
    assert layer(torch.randn(shape)).shape == (*shape[:-1], 7)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_what_is_trained_is_at_least_float32(dtype: torch.dtype) -> None:
    layer = llm_adapters.AdapterLinear(nn.Linear(8, 6).to(dtype), "parallel", 2, "tanh", "normal", 1.0)
    assert layer.W_down.dtype == layer.W_up.dtype == torch.promote_types(dtype, torch.float32)
    h = layer(torch.randn(3, 8, dtype=dtype))
    assert h.dtype == dtype
    h.sum().backward()
    assert layer.W_up.grad is not None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("f", llm_adapters.FUNCTIONS)
def test_gradients_are_those_of_finite_differences(kind: str, f: str) -> None:
    torch.manual_seed(0)
    layer = llm_adapters.AdapterLinear(nn.Linear(4, 3).double(), kind, 2, f, "normal", 1.5)
    nn.init.normal_(layer.W_down), nn.init.normal_(layer.W_up)
    x = torch.randn(2, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda *_: layer(x), (x, layer.W_down, layer.W_up))


def test_the_places_of_the_paper_are_the_default() -> None:
    names = {
        kind: {n.rpartition(".")[2] for n, m in llm_adapters.apply(llama(), kind, b=2).named_modules()
               if isinstance(m, llm_adapters.AdapterLinear)}
        for kind in KINDS
    }  # fmt: skip
    assert names == {"series": {"down_proj"}, "parallel": {"gate_proj", "up_proj", "down_proj"}}


def test_where_w_up_is_zero_w_down_is_drawn_as_a_linear_is() -> None:
    layer = llm_adapters.AdapterLinear(nn.Linear(50, 3), "parallel", 200, "tanh", "zero", 1.0)
    assert float(layer.W_down.detach().abs().max()) == pytest.approx(50**-0.5, rel=1e-2)
    assert not layer.W_up.any()


def test_the_scale_scales() -> None:
    torch.manual_seed(0)
    layer = llm_adapters.AdapterLinear(nn.Linear(4, 3), "parallel", 2, "tanh", "normal", 1.0)
    x = torch.randn(5, 4)
    once = layer(x) - layer.base(x)
    layer.s = 3.0
    assert torch.allclose(layer(x) - layer.base(x), 3 * once, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_training_moves_the_adapters_alone(kind: str) -> None:
    model = llm_adapters.apply(llama(), kind, b=4)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2)
    model(input_ids=IDS, labels=IDS).loss.backward()
    optimiser.step()
    moved = {name for name, p in model.named_parameters() if not torch.equal(p, before[name])}
    assert moved == {name for name, _ in model.named_parameters() if name.endswith((".W_down", ".W_up"))}


@pytest.mark.parametrize("kind", KINDS)
def test_saving_round_trip(kind: str, tmp_path: Path) -> None:
    model = llm_adapters.apply(llama(), kind, b=4)
    llm_adapters.save(model, tmp_path / "a")
    other = llm_adapters.apply(llama(), kind, b=4)
    llm_adapters.load(other, tmp_path / "a")
    assert torch.equal(logits(other), logits(model))
    with pytest.raises(LabError, match="shape"):
        llm_adapters.load(llm_adapters.apply(llama(), kind, b=5), tmp_path / "a")


def test_it_adapts_a_model_in_4_bits() -> None:
    bnb = pytest.importorskip("bitsandbytes")
    layer = bnb.nn.Linear4bit(64, 64, quant_type="nf4")
    layer.load_state_dict(nn.Linear(64, 64).state_dict())
    model = nn.Sequential(layer.to("cpu"))
    x = torch.randn(3, 64)
    expected = model(x).detach()
    llm_adapters.apply(model, "parallel", ("0",), b=4, init="zero")
    assert torch.equal(model(x), expected)
    model(x).sum().backward()
    assert trainable(model) == 4 * 128


def test_bad_input_says_what_to_do() -> None:
    with pytest.raises(NoLayers, match=r"no Linear named fc1; there are .*down_proj"):
        llm_adapters.apply(llama(), targets=("fc1",))
    with pytest.raises(ValueError, match="no 'serial': take one of series, parallel"):
        llm_adapters.apply(llama(), "serial")
    with pytest.raises(ValueError, match="no 'silu': take one of tanh, relu, identity"):
        llm_adapters.apply(llama(), f="silu")
    with pytest.raises(ValueError, match="take 1 or more"):
        llm_adapters.apply(llama(), b=0)


def works(device: str, dtype: str) -> None:
    """On a device: apply, train, the loss falls, the base keeps its bytes.

    Each step sees the same rows, as rows differ more than eight steps teach.
    """
    same = SimpleNamespace(batches=lambda *how: itertools.repeat(next(texts.python().batches(*how))))
    for kind in KINDS:
        model, tokenizer = models.load("tiny", device, dtype)
        torch.manual_seed(0)
        llm_adapters.apply(model, kind, b=16)
        base = {name: p.detach().clone() for name, p in model.named_parameters() if not p.requires_grad}
        history = loop.train(model, tokenizer, same, steps=8, lr=1e-2, batch=4, length=64)
        assert history.losses[-1] < history.losses[0]
        assert all(torch.equal(p, base[name]) for name, p in model.named_parameters() if name in base)
        assert torch.equal(logits(copy.deepcopy(model)), logits(model))


def test_it_trains_on_tiny() -> None:
    works("cpu", "float32")


def test_the_demo_improves_on_what_is_held_out(tmp_path: Path) -> None:
    record = llm_adapters.demo(task="python", steps=6, batch=4, length=64, out=tmp_path / "adapter", device="cpu")
    assert record["after"]["value"] < record["before"]["value"]
    assert record["merged"] is None
    assert record["options"]["b"] == 32


@pytest.mark.gpu
def test_gpu_trains() -> None:
    works("cuda", "bfloat16")
