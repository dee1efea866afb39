"""Prefix-tuning: other architectures, dropping the MLP, and training on the tiny model."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from models_support import checkpointing, drawn, gpt2, logits
from safetensors.torch import load_file, save_file
from torch.nn import functional as F
from transformers import (
    FalconConfig,
    FalconForCausalLM,
    MambaConfig,
    MambaForCausalLM,
    WhisperConfig,
    WhisperForCausalLM,
)  # fmt: skip

from refimpl import prefix_tuning
from refimpl._lab import LabError, loop, losses, models, texts
from refimpl._surgery import trainable
from refimpl._toys import llama


def test_a_model_that_looks_at_its_cache_only_when_asked_reads_the_prefix() -> None:
    torch.manual_seed(0)
    sizes = {f"{part}_{name}": n for part in ("encoder", "decoder")
             for name, n in (("layers", 1), ("ffn_dim", 48), ("attention_heads", 4))}  # fmt: skip
    special = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 1}
    config = WhisperConfig(vocab_size=90, d_model=32, max_target_positions=64, **special, **sizes)
    model, x = prefix_tuning.apply(WhisperForCausalLM(config).eval(), 3, None), torch.arange(5, 17).view(2, 6)
    how = {"attention_mask": torch.ones_like(x), "max_new_tokens": 4, "do_sample": False, "eos_token_id": None}
    for beams in (1, 3):
        assert torch.equal(*(model.generate(x, use_cache=c, num_beams=beams, **how) for c in (True, False)))
    one, other = model(x, use_cache=False), model(x)
    assert one.past_key_values is None
    assert other.past_key_values is not None
    torch.testing.assert_close(one.logits, other.logits)


@pytest.mark.parametrize("make", [llama, gpt2])
def test_a_prefix_of_words_is_those_words(make: Callable[[], Any]) -> None:
    base, x = make(), drawn()
    model = prefix_tuning.apply(copy.deepcopy(base), mid=None, words=x[0, :3])
    typed = base(input_ids=torch.cat([x[:1, :3].expand(2, -1), x], 1)).logits[:, 3:]
    assert torch.allclose(model(input_ids=x).logits, typed, atol=1e-5)
    assert torch.allclose(model(x, torch.ones_like(x)).logits, typed, atol=1e-5)


def test_the_mlp_can_start_from_words() -> None:
    torch.manual_seed(0)
    model = prefix_tuning.apply(llama(), mid=32, words=drawn()[0, :4])
    P = prefix_tuning.of_words(llama(), drawn()[0, :4])  # noqa: N806 - the paper's name
    assert model.prefix().shape == P.shape == (4, 2 * 2 * 2 * 16)
    assert F.mse_loss(model.prefix(), P) < 0.02 * P.square().mean()
    assert trainable(model) == sum(p.numel() for p in model.prefix.parameters())


@given(st.integers(0, 4), st.integers(0, 4), st.integers(1, 6))
@settings(max_examples=30, deadline=None)
def test_padding_on_either_side_changes_nothing(left: int, right: int, n: int) -> None:
    model, x = prefix_tuning.apply(llama(), 4, mid=None), drawn(n=n)
    mask = F.pad(torch.ones_like(x), (left, right))
    padded = model(input_ids=F.pad(x, (left, right)), attention_mask=mask).logits
    assert padded.shape == (2, left + n + right, 33)
    assert torch.allclose(padded[:, left : left + n], model(input_ids=x).logits, atol=1e-5)


def test_the_labs_loss_is_the_models_own() -> None:
    model, x = prefix_tuning.apply(llama(), 4), drawn()
    batch = {"input_ids": x, "labels": x, "attention_mask": torch.ones_like(x)}
    assert losses.plain_head(model) is not None  # logits are never whole while training
    assert torch.allclose(losses.batch_loss(model, batch), model(**batch).loss, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_a_narrow_base_keeps_a_wide_prefix(dtype: torch.dtype) -> None:
    model = prefix_tuning.apply(llama().to(dtype), 4, mid=8)
    out = model(input_ids=drawn(), labels=drawn())
    out.loss.backward()
    assert out.logits.dtype == dtype
    wide = {torch.promote_types(dtype, torch.float32)}
    assert {p.dtype for p in model.prefix.parameters()} == {p.grad.dtype for p in model.prefix.parameters()} == wide


def test_checkpointing_is_refused_in_one_line() -> None:
    model = prefix_tuning.apply(llama(), 4).train()
    checkpointing(model)
    with pytest.raises(prefix_tuning.Checkpointing, match="drops the prefix; train without it"):
        model(input_ids=drawn())
    assert isinstance(prefix_tuning.Checkpointing(), ValueError)
    logits(model.eval())


def test_bad_input_is_one_line_with_a_remedy() -> None:
    with pytest.raises(ValueError, match="call the model with input_ids"):
        prefix_tuning.apply(llama(), 2)(inputs_embeds=torch.zeros(1, 3, 64))
    with pytest.raises(ValueError, match="has a prefix already"):
        prefix_tuning.apply(prefix_tuning.apply(llama()))
    with pytest.raises(ValueError, match="a prefix of 0 has no numbers"):
        prefix_tuning.apply(llama(), 0)
    with pytest.raises(ValueError, match="has no prefix; apply one"):
        prefix_tuning.load(llama(), Path("none"))
    with pytest.raises(ValueError, match="keep something else"):
        prefix_tuning.apply(MambaForCausalLM(MambaConfig(vocab_size=33, hidden_size=16, num_hidden_layers=1)))
    shared = FalconForCausalLM(
        FalconConfig(vocab_size=33, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, multi_query=True)
    )
    assert prefix_tuning.apply(shared, 3, mid=None).prefix.P.shape == (3, 2 * 1 * 1 * 8)  # one head of keys for all


@pytest.mark.parametrize("make", [llama, gpt2])
def test_the_same_is_generated_with_and_without_a_cache(make: Callable[[], Any]) -> None:
    model, x = prefix_tuning.apply(make(), 5, mid=8), drawn()
    how = {"attention_mask": torch.ones_like(x), "max_new_tokens": 12, "do_sample": False, "eos_token_id": None}
    assert torch.equal(*(model.generate(x, use_cache=cache, **how) for cache in (True, False)))


@pytest.mark.parametrize("mid", [None, 8])
def test_only_the_prefix_is_saved_and_it_comes_back(tmp_path: Path, mid: int | None) -> None:
    model = prefix_tuning.apply(llama(), 4, mid)
    expected = logits(model)
    prefix_tuning.save(model, tmp_path / "a")
    assert {name: t.shape for name, t in load_file(tmp_path / "a" / "adapter.safetensors").items()} == {
        "prefix.P": (4, 2 * 2 * 2 * 16)
    }
    assert torch.equal(logits(prefix_tuning.load(prefix_tuning.apply(llama(), 4, mid), tmp_path / "a")), expected)
    with pytest.raises(LabError, match="shape"):
        prefix_tuning.load(prefix_tuning.apply(llama(), 5), tmp_path / "a")


def test_a_copy_has_a_prefix_of_its_own() -> None:
    model = prefix_tuning.apply(llama(), 4, mid=None)
    other = copy.deepcopy(model)
    torch.nn.init.normal_(other.prefix.P)
    assert not torch.allclose(logits(other), logits(model))


@pytest.mark.filterwarnings("ignore")  # peft's own
@pytest.mark.parametrize("make", [llama, gpt2])
def test_peft_reads_what_we_write_and_we_read_what_peft_writes(tmp_path: Path, make: Callable[[], Any]) -> None:
    peft = pytest.importorskip("peft")
    model, x = prefix_tuning.apply(make(), 4, mid=8), drawn()
    mask, own = torch.ones_like(x), slice(-x.shape[1], None)
    prefix_tuning.save_peft(model, tmp_path / "ours")
    theirs = peft.PeftModel.from_pretrained(make(), tmp_path / "ours")
    expected = model(input_ids=x).logits[:, own]
    assert torch.allclose(theirs(input_ids=x, attention_mask=mask).logits[:, own], expected, atol=1e-5)
    theirs.save_pretrained(tmp_path / "theirs")
    back = prefix_tuning.load_peft(make(), tmp_path / "theirs")
    assert torch.equal(back.prefix.P, model.prefix.P)
    assert torch.equal(back(input_ids=x).logits[:, own], expected)


def test_a_file_of_peft_s_that_is_something_else_is_refused(tmp_path: Path) -> None:
    model = prefix_tuning.apply(llama(), 4)
    prefix_tuning.save_peft(model, tmp_path)
    config = json.loads((tmp_path / "adapter_config.json").read_text())
    for entries, said in (({"peft_type": "LORA"}, "holds a LORA adapter"), ({"odd": 1}, "uses odd")):
        (tmp_path / "adapter_config.json").write_text(json.dumps(config | entries))
        with pytest.raises(ValueError, match=said):
            prefix_tuning.load_peft(llama(), tmp_path)
    (tmp_path / "adapter_config.json").write_text(json.dumps(config))
    save_file({"prompt_embeddings": torch.zeros(4, 6)}, tmp_path / "adapter_model.safetensors")
    with pytest.raises(ValueError, match="of another model"):
        prefix_tuning.load_peft(llama(), tmp_path)
    save_file({"other": torch.zeros(4, 6)}, tmp_path / "adapter_model.safetensors")
    with pytest.raises(ValueError, match="other tensors than prompt_embeddings"):
        prefix_tuning.load_peft(llama(), tmp_path)


def works(device: str, dtype: str) -> None:
    """Applied and trained; the loss falls, the base keeps its bytes, and without the MLP nothing changes."""
    model, tokenizer = models.load("tiny", device, dtype)
    before = {name: p.clone() for name, p in model.named_parameters()}
    torch.manual_seed(0)
    prefix_tuning.apply(model, 6)
    history = loop.train(model, tokenizer, texts.python(), steps=10, lr=1e-2, batch=4, length=64)
    assert sum(history.losses[-3:]) < sum(history.losses[:3])
    assert all(torch.equal(p, model.get_parameter(name)) for name, p in before.items())
    expected = logits(model)
    assert torch.equal(logits(prefix_tuning.merge(model)), expected)
    assert trainable(model) == 2 * 5 * 6 * 96


def test_it_trains_and_drops_the_mlp() -> None:
    works("cpu", "float32")


def test_demo(tmp_path: Path) -> None:
    record = prefix_tuning.demo(task="python", length=5, steps=40, batch=4, device="cpu", out=tmp_path / "adapter")
    assert record["after"]["value"] < record["before"]["value"]
    assert record["merged"]["value"] == pytest.approx(record["after"]["value"], abs=1e-6)
    assert record["bytes"]["adapter"] == 4 * 2 * 5 * 5 * 96
    kept = load_file(tmp_path / "adapter" / "adapter.safetensors")
    assert kept.keys() == {"prefix.P"}


@pytest.mark.gpu
def test_gpu_trains_and_drops_the_mlp() -> None:
    works("cuda", "bfloat16")
