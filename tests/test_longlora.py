"""LongLoRA: attention against a mask, positions, and training on rows that are too long for the base."""

from __future__ import annotations

import copy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from models_support import checkpointing, logits
from torch import Tensor
from torch.nn import functional as F
from transformers import (
    AutoModelForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    OPTConfig,
    OPTForCausalLM,
)

from refimpl import longlora
from refimpl._lab import LabError, loop, models, texts
from refimpl._surgery import NoLayers
from refimpl._toys import llama


def trained(model: Any) -> Any:
    """As after training: no update is zero."""
    for name, p in model.named_parameters():
        if p.requires_grad:
            torch.nn.init.normal_(p, 1.0 if "norm" in name else 0.0, 0.05)
    return model.eval()


def answers(model: Any, n: int = 32) -> Tensor:
    """What it says after rows of n tokens."""
    return logits(model, torch.arange(2 * n).view(2, n) % 33)


@given(
    st.integers(1, 3), st.integers(1, 5), st.integers(1, 6), st.integers(1, 40), st.booleans(), st.integers(0, 10**6)
)
@settings(max_examples=60, deadline=None)
def test_attention_is_dense_attention_with_a_mask(
    b: int, heads: int, half: int, n: int, shift: bool, seed: int
) -> None:
    torch.manual_seed(seed)
    q, k, v = (torch.randn(b, heads, n, 4, dtype=torch.float64) for _ in range(3))
    at = torch.arange(n)
    group = torch.stack([at // (2 * half), (at + half) // (2 * half) if shift else at // (2 * half)])
    number = group[[0 if h < heads // 2 else 1 for h in range(heads)]]  # (heads, n)
    mask = (number[:, :, None] == number[:, None, :]) & (at[:, None] >= at)
    expected = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    assert torch.allclose(longlora.s2(q, k, v, G=2 * half, shift=shift), expected, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_the_layer_keeps_dtype_and_shape(dtype: torch.dtype) -> None:
    layer = longlora.LoRALinear(torch.nn.Linear(6, 4, dtype=dtype), rank=2, alpha=4)
    assert layer(torch.randn(2, 3, 6, dtype=dtype)).dtype == dtype
    assert layer.A.dtype == torch.promote_types(dtype, torch.float32)
    q = torch.randn(2, 3, 8, 4, dtype=dtype)
    assert longlora.s2(q, q, q, G=4).shape == q.shape
    assert longlora.s2(q, q, q, G=4).dtype == dtype


@pytest.mark.parametrize(("heads", "shared"), [(4, 4), (4, 2), (3, 1)])
def test_no_token_sees_a_later_one_or_another_row(heads: int, shared: int) -> None:
    config = LlamaConfig(
        vocab_size=33, hidden_size=12 * heads, intermediate_size=32, num_hidden_layers=2, num_attention_heads=heads,
        num_key_value_heads=shared, use_cache=False,
    )  # fmt: skip
    torch.manual_seed(0)
    model = trained(longlora.apply(LlamaForCausalLM(config), group=8)).train()
    before = answers(model)
    ids = torch.arange(64).view(2, 32) % 33
    ids[0, 20:] += 1
    after = model(input_ids=ids).logits
    assert torch.equal(after[0, :20], before[0, :20])
    assert not torch.allclose(after[0, 20:], before[0, 20:])
    assert torch.allclose(after[1], before[1], atol=1e-6)


@pytest.mark.parametrize("n", [1, 2, 7, 37])
def test_a_row_of_any_length_is_read(n: int) -> None:
    """Its last group is what is left; the group of its own is the next even number to a quarter."""
    base, ids = llama(), torch.arange(n)[None] % 33
    free = trained(longlora.apply(copy.deepcopy(base))).train()
    fixed = copy.deepcopy(free)
    fixed.config.s2_group = next(even for even in range(2, 99, 2) if 4 * even >= n)
    assert torch.equal(free(input_ids=ids).logits, fixed(input_ids=ids).logits)
    longer = F.pad(ids, (0, -n % fixed.config.s2_group), value=5)
    assert torch.allclose(free(input_ids=ids).logits, fixed(input_ids=longer).logits[:, :n], atol=1e-5)
    assert longlora.merge(free)(input_ids=ids).logits.isfinite().all()


def test_groups_have_the_dropout_of_the_model() -> None:
    torch.manual_seed(0)
    q, module = (
        torch.randn(1, 2, 8, 4),
        SimpleNamespace(training=True, config=SimpleNamespace(s2_group=4, s2_shift=True)),
    )
    whole, none = (longlora.attention(module, q, q, q, None, dropout=share)[0] for share in (0.0, 1.0))
    assert whole.any()
    assert not none.any()


def test_a_quarter_of_the_row_is_the_group_where_none_is_given() -> None:
    base = llama()
    fixed, free = (longlora.apply(copy.deepcopy(base), group=group).train() for group in (8, None))
    assert torch.equal(answers(fixed), answers(free))
    assert not torch.allclose(answers(fixed, 64), answers(free, 64))


def test_bad_input_is_one_line_with_a_remedy() -> None:
    model = longlora.apply(llama(), group=8).train()
    ids, mask = torch.zeros(1, 16, dtype=torch.long), torch.ones(1, 16, dtype=torch.long)
    with pytest.raises(longlora.Length, match="pad them on the right"):
        model(input_ids=ids, attention_mask=mask.index_fill(1, torch.arange(3), 0))
    for odd in (5, 0, -2):
        with pytest.raises(longlora.Length, match="even group"):
            longlora.apply(llama(), group=odd)
    scaled = llama()
    scaled.config.rope_parameters = {"rope_type": "llama3", "rope_theta": 1e4}
    with pytest.raises(ValueError, match=r"kind llama3 cannot be pressed together.*leave out context"):
        longlora.apply(scaled, context=512)
    with pytest.raises(ValueError, match="take python, glosses or recall"):
        longlora.demo(task="classes")
    learnt = OPTForCausalLM(
        OPTConfig(
            vocab_size=33,
            hidden_size=16,
            num_hidden_layers=1,
            ffn_dim=16,
            num_attention_heads=2,
            word_embed_proj_dim=16,
        )
    )
    with pytest.raises(ValueError, match=r"kind none cannot be pressed together.*leave out context"):
        longlora.apply(learnt, context=4096)
    with pytest.raises(ValueError, match="take 1 or more"):
        longlora.apply(llama(), context=0)
    with pytest.raises(ValueError, match="take 1 or more"):
        longlora.apply(llama(), rank=0)
    with pytest.raises(NoLayers, match=r"no Linear named W_q; there are .*c_attn"):
        longlora.apply(GPT2LMHeadModel(GPT2Config(n_embd=16, n_layer=1, n_head=2, vocab_size=33)), targets=["W_q"])


def test_inference_takes_any_length_and_padding_on_the_left() -> None:
    model = trained(longlora.apply(llama(), group=8))
    assert answers(model, 13).shape[1] == 13
    ids, mask = torch.arange(13)[None], torch.ones(1, 13, dtype=torch.long)
    padded = model(input_ids=F.pad(ids, (3, 0)), attention_mask=F.pad(mask, (3, 0))).logits[:, 3:]
    assert torch.allclose(padded, model(input_ids=ids).logits, atol=1e-5)
    said = model.generate(ids, max_new_tokens=4, do_sample=False, use_cache=True, eos_token_id=None)
    assert torch.equal(said[0, 13:], model(input_ids=said).logits[0, 12:-1].argmax(-1))


def test_padding_on_the_right_while_training() -> None:
    model = trained(longlora.apply(llama(), group=8)).train()
    ids, mask = torch.arange(16)[None], torch.ones(1, 16, dtype=torch.long)
    padded = model(input_ids=F.pad(ids, (0, 8)), attention_mask=F.pad(mask, (0, 8))).logits[:, :16]
    assert torch.allclose(padded, model(input_ids=ids).logits, atol=1e-6)


def test_checkpointing_changes_no_gradient() -> None:
    model, ids = trained(longlora.apply(llama(), group=8)).train(), torch.arange(64).view(2, 32) % 33
    plain = torch.autograd.grad(
        model(input_ids=ids, labels=ids).loss, [p for p in model.parameters() if p.requires_grad]
    )
    checkpointing(model)
    again = torch.autograd.grad(
        model(input_ids=ids, labels=ids).loss, [p for p in model.parameters() if p.requires_grad]
    )
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(plain, again, strict=True))


def test_only_whole_factors_press_positions() -> None:
    base, model = llama(context=32), longlora.apply(llama(context=32), context=80)
    assert model.config.rope_parameters["factor"] == 3
    assert model.config.max_position_embeddings == 80
    assert torch.allclose(model.model.rotary_emb.inv_freq * 3, base.model.rotary_emb.inv_freq)
    near = longlora.apply(llama(context=32), context=20)
    assert torch.equal(near.model.rotary_emb.inv_freq, base.model.rotary_emb.inv_freq)


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    model = trained(longlora.apply(llama(), context=128, rank=4))
    longlora.save(model, tmp_path / "a")
    other = longlora.apply(llama(), context=128, rank=4)
    longlora.load(other, tmp_path / "a")
    assert torch.equal(answers(other.eval()), answers(model))
    with pytest.raises(LabError, match="shape"):
        longlora.load(longlora.apply(llama(), context=128, rank=8), tmp_path / "a")


def test_merged_it_is_a_plain_model_that_transformers_reads(tmp_path: Path) -> None:
    model = trained(longlora.apply(llama(), context=256))
    expected = answers(model)
    merged = longlora.merge(model)
    assert {type(m) for m in merged.modules()} == {type(m) for m in llama().modules()}
    assert torch.allclose(answers(merged), expected, atol=1e-5)
    merged.save_pretrained(tmp_path)
    read = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)
    assert torch.allclose(answers(read), expected, atol=1e-5)


def works(device: str, dtype: str, tolerance: float) -> None:
    """Applied, trained, merged, and twice the length of the base is read better than before."""
    model, tokenizer = models.load("tiny", device, dtype)
    before = {name: p.clone() for name, p in model.named_parameters() if "proj" in name}
    longlora.apply(model, context=1024, group=64)
    losses = loop.train(model, tokenizer, texts.python(), steps=8, lr=3e-3, batch=2, length=256).losses
    assert sum(losses[-2:]) < sum(losses[:2])
    after = {name.replace(".base.", "."): p for name, p in model.named_parameters()}
    assert all(torch.equal(p, after[name]) for name, p in before.items())
    expected = answers(model)
    gap = (answers(longlora.merge(model)) - expected).abs().max() / expected.abs().max()
    assert gap < tolerance


def test_it_trains_and_merges() -> None:
    works("cpu", "float32", 1e-5)


def test_demo(tmp_path: Path) -> None:
    record = longlora.demo(context=640, steps=20, device="cpu", out=tmp_path / "adapter")
    assert record["after"]["value"] < record["before"]["value"]
    assert abs(record["merged"]["value"] - record["after"]["value"]) < 1e-3
    assert record["training"]["length"] == 640


@pytest.mark.gpu
def test_gpu_trains_and_merges() -> None:
    works("cuda", "bfloat16", 5e-2)
