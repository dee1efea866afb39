"""QA-LoRA: codes and packing, the layer, and merging on a model."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from models_support import logits, tiny
from torch import Tensor, nn

from refimpl import qa_lora
from refimpl._lab import loop, models, texts
from refimpl._surgery import NoLayers, trainable


def trained(layer: qa_lora.QALoRALinear) -> qa_lora.QALoRALinear:
    """As after training: B is not zero."""
    nn.init.normal_(layer.B, std=0.05)
    return layer


@given(st.integers(1, 8), st.integers(1, 5), st.integers(1, 30), st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_codes_come_back_from_their_planes(bits: int, rows: int, columns: int, seed: int) -> None:
    q = torch.randint(2**bits, (rows, columns), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)
    planes = qa_lora.pack(q, bits)
    assert planes.nbytes == bits * -(-q.numel() // 8)
    assert torch.equal(qa_lora.unpack(planes, q.shape), q)


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_every_weight_is_at_most_half_a_step_away(bits: int) -> None:
    w = torch.randn(24, 64, dtype=torch.float64)
    q, alpha, z = qa_lora.quantize(w, bits, 16)
    rows = q.view(24, 4, 16)
    near = (alpha[..., None] * (rows - z[..., None]) - w.view(24, 4, 16)).abs()
    assert (near <= alpha[..., None] / 2 + 1e-12).all()
    assert rows.amin(2).eq(0).all()
    assert rows.amax(2).eq(2**bits - 1).all()


def test_a_group_of_equal_weights_is_exact() -> None:
    w = torch.cat([torch.full((2, 32), 0.3), torch.zeros(2, 32), -torch.ones(2, 32)], 1)
    layer = qa_lora.GroupLinear(_linear(w))
    assert torch.equal(layer.dequantized(torch.float32), w)


def _linear(w: Tensor) -> nn.Linear:
    linear = nn.Linear(w.shape[1], w.shape[0], bias=False, dtype=w.dtype)
    linear.weight = nn.Parameter(w)
    return linear


def test_means_as_in_the_authors_code_are_the_same_with_a_greater_a() -> None:
    layer = trained(qa_lora.QALoRALinear(nn.Linear(64, 48, dtype=torch.float64), rank=4, s=0.25))
    x = torch.randn(5, 64, dtype=torch.float64)
    means = torch.nn.functional.avg_pool1d(x[None], 32)[0]
    theirs = layer.base(x) + means @ (layer.A * 32).T @ layer.B.T * 0.25
    assert torch.allclose(layer(x), theirs, atol=1e-14)
    z = layer.base.z - (layer.B @ (layer.A * 32)) * 0.25 / 32 / layer.base.alpha
    assert torch.allclose(layer.merged().z, z, atol=1e-14)


def test_gradients() -> None:
    layer = trained(qa_lora.QALoRALinear(nn.Linear(32, 12, dtype=torch.float64), rank=3, group=8))
    x = torch.randn(2, 5, 32, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, (x,))
    assert torch.autograd.gradcheck(lambda A, B: _with(layer, A, B)(x), (layer.A, layer.B))  # noqa: N803 - the paper's name


def _with(layer: qa_lora.QALoRALinear, *factors: Tensor) -> Callable[[Tensor], Tensor]:
    names = dict(zip(("A", "B"), factors, strict=True))
    return lambda x: torch.func.functional_call(layer, names, (x,))


@pytest.mark.parametrize("shape", [(64,), (3, 64), (2, 3, 64), (0, 64)])
def test_the_layer_is_called_like_a_linear(shape: tuple[int, ...]) -> None:
    base = nn.Linear(64, 12, bias=False)
    layer = qa_lora.QALoRALinear(base, rank=2)
    y = layer(torch.randn(shape))
    assert y.shape == base(torch.randn(shape)).shape
    assert y.dtype == torch.float32
    y.sum().backward()


def test_a_narrow_base_keeps_wide_zero_points() -> None:
    layer = trained(qa_lora.QALoRALinear(nn.Linear(64, 32, dtype=torch.bfloat16), rank=2))
    x = torch.randn(4, 64, dtype=torch.bfloat16, requires_grad=True)
    y = layer(x)
    y.sum().backward()
    assert y.dtype == torch.bfloat16
    assert {layer.base.z.dtype, layer.base.alpha.dtype, layer.A.dtype, layer.B.dtype} == {torch.float32}
    assert (layer.merged()(x) - y).abs().max() < 0.05 * y.abs().max()


def test_it_goes_on_under_autocast() -> None:
    layer = trained(qa_lora.QALoRALinear(nn.Linear(64, 32), rank=2))
    x = torch.randn(4, 64, requires_grad=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = layer(x)
    y.float().sum().backward()
    assert x.grad is not None
    assert layer.A.grad is not None


def test_nothing_of_the_base_is_kept_for_the_backward_pass() -> None:
    layer = qa_lora.GroupLinear(nn.Linear(64, 32))
    kept: list[Tensor] = []

    def keep(tensor: Tensor) -> Tensor:
        kept.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t):
        layer(torch.randn(4, 64, requires_grad=True))
    assert kept == []


def test_all_linears_but_the_head_are_quantised() -> None:
    model = tiny()
    qa_lora.apply(model, rank=4)
    assert [name for name, m in model.named_modules() if isinstance(m, nn.Linear)] == ["lm_head"]
    layers = [m for m in model.modules() if isinstance(m, qa_lora.QALoRALinear)]
    assert trainable(model) == sum(4 * sum(layer.base.z.shape) for layer in layers)


@pytest.mark.parametrize(("group", "fits"), [(100, 96), (500, 192), (128, 96)])
def test_a_group_that_does_not_divide_names_one_that_does(group: int, fits: int) -> None:
    with pytest.raises(
        qa_lora.UnevenGroups, match=f"groups of {group} do not divide the 192 inputs of a layer; take groups of {fits}"
    ):
        qa_lora.apply(tiny(), group=group)


def test_bad_input_says_so() -> None:
    with pytest.raises(NoLayers, match=r"no Linear named qproj; there are down_proj.*q_proj"):
        qa_lora.apply(tiny(), ["qproj"])
    whole = nn.Linear(32, 8)
    whole.weight = nn.Parameter(torch.zeros(8, 32, dtype=torch.int8), requires_grad=False)
    with pytest.raises(
        ValueError, match=r"the weight of 0 is torch\.int8; use refimpl\.qlora, or load the model whole"
    ):
        qa_lora.apply(nn.Sequential(whole))


def test_the_adapter_comes_back_from_disk(tmp_path: Path) -> None:
    first = qa_lora.apply(tiny(), rank=4)
    for layer in first.modules():
        if isinstance(layer, qa_lora.QALoRALinear):
            trained(layer)
    qa_lora.save(first, tmp_path / "adapter")
    second = qa_lora.apply(tiny(), rank=4)
    assert not torch.equal(logits(first), logits(second))
    qa_lora.load(second, tmp_path / "adapter")
    assert torch.equal(logits(first), logits(second))


def test_a_copy_and_a_state_dict_keep_codes_and_zero_points() -> None:
    layer, twin = (qa_lora.QALoRALinear(nn.Linear(64, 32), rank=2) for _ in range(2))
    twin.load_state_dict(layer.state_dict())
    for other in (twin, copy.deepcopy(layer)):
        assert torch.equal(other.base.dequantized(torch.float32), layer.base.dequantized(torch.float32))


def works(device: str, dtype: str, tolerance: float) -> None:
    """On a device: apply, train, the loss falls, the base keeps its codes, merged equals unmerged."""
    model, tokenizer = models.load("tiny", device, dtype)
    torch.manual_seed(0)
    qa_lora.apply(model, rank=8)
    base = {name: tensor.clone() for name, tensor in model.state_dict().items() if not name.endswith((".A", ".B"))}
    measured = replace(texts.python(), rows=8)
    before = measured.evaluate(model, tokenizer).value
    loop.train(model, tokenizer, texts.python(), 8, 1e-2, 4, 64)
    assert measured.evaluate(model, tokenizer).value < before
    assert all(torch.equal(tensor, base[name]) for name, tensor in model.state_dict().items() if name in base)
    expected = logits(model)
    qa_lora.merge(model)
    assert not any(isinstance(m, qa_lora.QALoRALinear) for m in model.modules())
    codes = {name: tensor for name, tensor in model.state_dict().items() if name.endswith(".q")}
    assert codes
    assert all(torch.equal(tensor, base[f"{name[:-2]}.base.q"]) for name, tensor in codes.items())
    assert (logits(model) - expected).abs().max() < tolerance * expected.abs().max()


def test_it_trains_and_merges_on_tiny() -> None:
    works("cpu", "float32", 1e-4)


@pytest.mark.gpu
def test_gpu_trains_and_merges() -> None:
    works("cuda", "bfloat16", 5e-2)


@pytest.mark.parametrize("options", [{"bits": 0}, {"bits": 9}, {"group": 0}, {"group": -8}, {"rank": 0}, {"rank": -1}])
def test_sizes_that_are_none_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"1 to 8 bits, and groups of 1 or more|take 1 or more"):
        qa_lora.apply(nn.Sequential(nn.Linear(32, 8)), ("0",), **options)


@pytest.mark.parametrize("bits", [1, 8])
def test_the_fewest_and_the_most_bits(bits: int) -> None:
    w = torch.randn(4, 32)
    q, alpha, z = qa_lora.quantize(w, bits, 8)
    assert torch.equal(qa_lora.unpack(qa_lora.pack(q, bits), q.shape), q)
    assert ((alpha[..., None] * (q.view(4, 4, 8) - z[..., None])).view(4, 32) - w).abs().max() <= alpha.max() * 0.51


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_weight_that_is_no_number_is_refused(value: float) -> None:
    base = nn.Linear(64, 4)
    nn.init.constant_(base.weight[1], value)
    with pytest.raises(ValueError, match="NaN or infinite"):
        qa_lora.QALoRALinear(base)
