"""QLoRA: its number formats against bitsandbytes, the layer, and what it is applied to."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from models_support import logits, tiny
from torch import nn

from refimpl import _bitsandbytes as bnb
from refimpl import qlora
from refimpl._claims import NotHere
from refimpl._lab import loop, models, texts
from refimpl._surgery import NoLayers, adapt, trainable

needs_bitsandbytes = pytest.mark.skipif(bnb.library() is None, reason="pip install bitsandbytes")


@given(st.integers(1, 700), st.integers(0, 10**6), st.sampled_from([torch.float32, torch.bfloat16, torch.float16]))
@settings(max_examples=40, deadline=None)
@needs_bitsandbytes
def test_any_length_is_that_of_bitsandbytes(n: int, seed: int, dtype: torch.dtype) -> None:
    """Blocks that are not full, odd numbers of weights, narrow dtypes."""
    w = torch.randn(1, n, generator=torch.Generator().manual_seed(seed)).to(dtype)
    functional = bnb.library().functional
    packed, state = functional.quantize_4bit(w, quant_type="nf4", compress_statistics=True)
    ours = qlora.double_quantize(w)
    assert torch.equal(ours.W[: n // 2], packed.flatten()[: n // 2])
    nested = state.state2
    theirs = qlora.Quantized(packed.flatten(), state.absmax, nested.absmax, state.offset, state.code, nested.code)
    assert torch.equal(*(qlora.double_dequantize(theirs, w.shape, dtype, kernels) for kernels in (False, True)))


@needs_bitsandbytes
@given(
    st.integers(1, 150), st.integers(1, 150), st.booleans(), st.integers(0, 10**6),
    st.sampled_from([torch.float32, torch.bfloat16, torch.float16]),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_a_weight_of_any_shape_is_as_near_as_4_bits_allow(
    o: int, h: int, kernels: bool, seed: int, dtype: torch.dtype
) -> None:
    """With the kernels and without, the same weight; each number within half of the widest step of its block."""
    torch.manual_seed(seed)
    base = nn.Linear(h, o, dtype=dtype)
    ours, theirs = (qlora.NF4Linear(base, 1, kernels=k).dequantized(dtype) for k in (False, True))
    assert ours.dtype == theirs.dtype == dtype
    assert ours.shape == base.weight.shape
    assert torch.equal(ours, theirs)
    blocks = nn.functional.pad(base.weight.flatten().float(), (0, -o * h % 64)).view(-1, 64).abs().amax(1)
    most = 0.16 * blocks.repeat_interleave(64)[: o * h] + 0.04 * blocks.max()  # a step of NF4; and of its constant
    assert ((ours.float() - base.weight.float()).abs().flatten() <= most).all()
    x = torch.randn(3, h, dtype=dtype)
    expected = nn.functional.linear(x, ours, base.bias)
    assert torch.equal(qlora.NF4Linear(base, 1, kernels=kernels)(x), expected)


@needs_bitsandbytes
@pytest.mark.parametrize("kernels", [True, False])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, while it traces
def test_it_compiles_to_one_graph(kernels: bool) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(80, 48), nn.ReLU(), nn.Linear(48, 33))
    qlora.apply(model, ("0", "2"), rank=4, kernels=kernels)
    nn.init.normal_(model[0].L2), nn.init.normal_(model[2].L2)
    x, grads = torch.randn(5, 80), []
    for run in (model, torch.compile(model, backend="aot_eager", fullgraph=True)):
        model.zero_grad()
        run(x).sin().sum().backward()
        grads.append(torch.cat([p.grad.flatten() for p in model.parameters() if p.requires_grad]))
    assert torch.allclose(*grads, rtol=1e-5)


@pytest.mark.filterwarnings("ignore")  # peft's and bitsandbytes', about this machine
def test_peft_reads_what_we_write_and_we_read_what_peft_writes(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    ours = qlora.apply(tiny(), rank=4)
    for layer in (m for m in ours.modules() if isinstance(m, qlora.NF4Linear)):
        nn.init.normal_(layer.L2, std=0.02)
    qlora.save_peft(ours, tmp_path / "ours")
    config = transformers.BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True
    )
    base, _ = models.load("tiny", "cpu", quantization_config=config)
    theirs = peft.PeftModel.from_pretrained(base, tmp_path / "ours")
    assert (logits(theirs) - logits(ours)).abs().max() < 0.02 * logits(ours).abs().max()
    theirs.save_pretrained(tmp_path / "theirs")
    back = qlora.load_peft(tiny(), tmp_path / "theirs")
    assert torch.equal(logits(back), logits(ours))


def test_a_block_of_zeros_stays_zero() -> None:
    w = torch.zeros(4, 64)
    w[2:] = torch.randn(2, 64)
    x = qlora.double_quantize(w)
    assert torch.equal(x.W[:64], torch.full((64,), 0x77, dtype=torch.uint8))  # 7 is the code of zero
    assert torch.equal(qlora.double_dequantize(x, w.shape, w.dtype)[:2], w[:2])


def test_the_evenly_spaced_quantiles_of_many_tutorials_are_not_nf4() -> None:
    evenly = torch.special.ndtri((torch.arange(16) + 0.5) / 16)
    apart = (evenly / evenly.abs().max() - qlora.normal_float(torch.device("cpu"))).abs()
    assert apart.max() > 0.04
    assert not (evenly == 0).any()


def test_gradients() -> None:
    torch.manual_seed(0)
    layer = qlora.NF4Linear(nn.Linear(16, 12, dtype=torch.float64), rank=3)
    nn.init.normal_(layer.L2)
    x = torch.randn(2, 5, 16, dtype=torch.float64, requires_grad=True)
    rows, held = (
        x.detach().flatten(0, 1).requires_grad_(),
        (layer.bias, 1.5, layer.base.shape, False, *layer.base.held()),
    )
    run = qlora.LowRankOn4Bits.apply
    assert torch.autograd.gradcheck(lambda *inputs: run(*inputs, *held), (rows, layer.L1, layer.L2))
    assert torch.autograd.gradcheck(lambda *inputs: run(rows.detach(), *inputs, *held), (layer.L1, layer.L2))


@pytest.mark.parametrize("shape", [(16,), (3, 16), (2, 3, 16), (0, 16)])
def test_the_layer_is_called_like_a_linear(shape: tuple[int, ...]) -> None:
    base = nn.Linear(16, 12, bias=False)
    layer = qlora.NF4Linear(base, rank=2)
    y = layer(torch.randn(shape))
    assert y.shape == base(torch.randn(shape)).shape
    assert y.dtype == torch.float32
    y.sum().backward()


def test_a_narrow_base_has_a_wide_update() -> None:
    layer = qlora.NF4Linear(nn.Linear(64, 32, dtype=torch.bfloat16), rank=2)
    nn.init.normal_(layer.L2)
    x = torch.randn(4, 64, dtype=torch.bfloat16, requires_grad=True)
    y = layer(x)
    y.sum().backward()
    assert y.dtype == torch.bfloat16
    assert layer.L1.dtype == torch.float32
    assert layer.L1.grad is not None
    assert layer.L1.grad.dtype == torch.float32
    assert layer.merged().weight.dtype == torch.bfloat16


def test_all_linears_but_the_head_are_quantised() -> None:
    model = tiny()
    head = model.lm_head.weight
    qlora.apply(model, rank=4)
    left = [name for name, m in model.named_modules() if isinstance(m, nn.Linear)]
    assert left == ["lm_head"]
    assert model.lm_head.weight is head
    assert trainable(model) == sum(4 * sum(m.base.shape) for m in model.modules() if isinstance(m, qlora.NF4Linear))


def test_named_targets_alone() -> None:
    model = tiny()
    qlora.apply(model, ["q_proj"], rank=4)
    found = {name.rpartition(".")[2] for name, m in model.named_modules() if isinstance(m, qlora.NF4Linear)}
    assert found == {"q_proj"}


def test_a_name_that_is_not_there_lists_those_that_are() -> None:
    with pytest.raises(NoLayers, match=r"no Linear named qproj; there are down_proj.*q_proj"):
        qlora.apply(tiny(), ["qproj"])


def test_a_model_without_linears_says_so() -> None:
    with pytest.raises(NoLayers, match="there are none"):
        qlora.apply(nn.Sequential(nn.ReLU()))


def test_a_layer_in_another_4_bit_type_says_how_to_load() -> None:
    library = pytest.importorskip("bitsandbytes")
    for options in ({"quant_type": "fp4"}, {"quant_type": "nf4", "compress_statistics": False}):
        with pytest.raises(bnb.OtherFormat, match="bnb_4bit_quant_type='nf4', bnb_4bit_use_double_quant=True"):
            qlora.NF4Linear(library.nn.Linear4bit(64, 64, **options).to("cpu"))
    eight = nn.Linear(8, 8)
    eight.weight = nn.Parameter(torch.zeros(8, 8, dtype=torch.int8), requires_grad=False)
    with pytest.raises(bnb.OtherFormat, match="load the model whole"):
        qlora.NF4Linear(eight)


@needs_bitsandbytes
def test_a_model_loaded_in_4_bits_is_taken_as_it_is() -> None:
    config = transformers.BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True
    )
    theirs, _ = models.load("tiny", "cpu", quantization_config=config)
    packed = {name: m.weight.clone() for name, m in theirs.named_modules() if hasattr(m, "quant_state")}
    qlora.apply(theirs, rank=4)
    ours = tiny()
    qlora.apply(ours, rank=4)
    for name, weight in packed.items():
        assert torch.equal(theirs.get_parameter(f"{name}.base.W"), weight.flatten())
        assert torch.equal(ours.get_parameter(f"{name}.base.W"), weight.flatten())
    # the constants differ in a few 8-bit steps at most
    assert (logits(ours) - logits(theirs)).abs().max() < 0.02 * logits(theirs).abs().max()


def test_the_adapter_comes_back_from_disk(tmp_path: Path) -> None:
    first = qlora.apply(tiny(), rank=4)
    for layer in first.modules():
        if isinstance(layer, qlora.NF4Linear):
            nn.init.normal_(layer.L2, std=0.02)
    qlora.save(first, tmp_path / "adapter")
    second = qlora.apply(tiny(), rank=4)
    assert not torch.equal(logits(first), logits(second))
    qlora.load(second, tmp_path / "adapter")
    assert torch.equal(logits(first), logits(second))


def test_a_copy_and_a_state_dict_keep_the_bytes() -> None:
    layer = qlora.NF4Linear(nn.Linear(64, 32), rank=2)
    twin = qlora.NF4Linear(nn.Linear(64, 32), rank=2)
    twin.load_state_dict(layer.state_dict())
    for other in (twin, copy.deepcopy(layer)):
        assert torch.equal(other.dequantized(torch.float32), layer.dequantized(torch.float32))


def test_it_goes_on_under_autocast_and_checkpointing() -> None:
    layer = qlora.NF4Linear(nn.Linear(64, 32), rank=2)
    nn.init.normal_(layer.L2)
    x = torch.randn(4, 64, requires_grad=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = layer(x)
    y.float().sum().backward()
    assert x.grad is not None
    first = layer.L1.grad
    layer.L1.grad = None
    torch.utils.checkpoint.checkpoint(layer, x, use_reentrant=False).sum().backward()
    assert torch.allclose(first, layer.L1.grad, atol=0.3)


def test_a_paged_optimiser_needs_a_gpu() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(NotHere, match="GPU"):
        bnb.paged_adamw([nn.Parameter(torch.zeros(2))], 1e-3)


def works(device: str, dtype: str, tolerance: float) -> None:
    """On a device: apply, train, the loss falls, the base keeps its bytes, merged equals unmerged."""
    model, tokenizer = models.load("tiny", device, dtype)
    torch.manual_seed(0)
    qlora.apply(model, rank=8)
    base = {name: tensor.clone() for name, tensor in model.state_dict().items() if not name.endswith(("L1", "L2"))}
    measured = replace(texts.python(), rows=8)
    before = measured.evaluate(model, tokenizer).value
    optimiser = bnb.paged_adamw if device.startswith("cuda") else loop.adamw
    loop.train(model, tokenizer, texts.python(), 8, 3e-3, 4, 64, optimiser=optimiser)
    assert measured.evaluate(model, tokenizer).value < before
    assert all(torch.equal(tensor, base[name]) for name, tensor in model.state_dict().items() if name in base)
    expected = logits(model)
    qlora.merge(model)
    assert not any(isinstance(m, qlora.NF4Linear) for m in model.modules())
    assert (logits(model) - expected).abs().max() < tolerance * expected.abs().max()


def test_it_trains_and_merges_on_tiny() -> None:
    works("cpu", "float32", 1e-4)


@pytest.mark.gpu
def test_gpu_trains_and_merges() -> None:
    works("cuda", "bfloat16", 5e-2)


def test_a_rank_of_none_and_a_later_cast_are_refused() -> None:
    with pytest.raises(ValueError, match="a rank of 0 trains nothing"):
        qlora.apply(nn.Sequential(nn.Linear(8, 8)), ("0",), rank=0)
    for dtype in (torch.bfloat16, torch.float16, torch.float64):
        model = qlora.apply(nn.Sequential(nn.Linear(8, 8)), ("0",), rank=2).to(dtype)
        with pytest.raises(ValueError, match="cast it before `apply`"):
            model(torch.ones(2, 8, dtype=dtype))


def test_a_layer_is_freed_before_the_next_is_quantised() -> None:
    import weakref

    model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8))
    first, seen = weakref.ref(model[0]), []

    def make(base: nn.Linear) -> qlora.NF4Linear:
        seen.append(first() is not None)
        return qlora.NF4Linear(base, rank=2)

    adapt(model, make)
    assert seen == [True, False]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_weight_that_is_no_number_is_refused(value: float) -> None:
    base = nn.Linear(64, 4)
    nn.init.constant_(base.weight[1], value)
    with pytest.raises(ValueError, match="NaN or infinite"):
        qlora.NF4Linear(base)
