"""Prompt tuning: other architectures, padding, several prompts at once, and training on the tiny model."""

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
from models_support import checkpointing, drawn, gpt2
from safetensors.torch import save_file
from torch.nn import functional as F
from transformers import GemmaConfig, GemmaForCausalLM, MambaConfig, MambaForCausalLM, XLMConfig, XLMWithLMHeadModel

from refimpl import prompt_tuning
from refimpl._lab import LabError, loop, losses, models, texts
from refimpl._surgery import trainable
from refimpl._toys import llama


def test_what_a_generation_would_be_given_of_each_token_is_refused_at_once() -> None:
    config = XLMConfig(vocab_size=90, emb_dim=32, n_layers=1, n_heads=4, max_position_embeddings=64, lang_id=0)
    model = XLMWithLMHeadModel(config).eval()
    with pytest.raises(ValueError, match="given langs of each token, and a prompt has none"):
        prompt_tuning.apply(model, 3)
    assert all(p.requires_grad for p in model.parameters()), "nothing was frozen"


def gemma() -> Any:
    """What it looks up is scaled."""
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    return GemmaForCausalLM(GemmaConfig(vocab_size=33, **sizes, num_key_value_heads=1, head_dim=16)).eval()


@pytest.mark.parametrize("make", [llama, gpt2, gemma])
def test_drawn_words_are_as_the_model_reads_them(make: Callable[[], Any]) -> None:
    model = prompt_tuning.apply(make(), 5)
    words = model.get_input_embeddings()(torch.arange(33))
    assert all((words == row).all(1).any() for row in model.prompt.P)


@pytest.mark.parametrize("make", [llama, gpt2, gemma])
def test_the_same_is_generated_with_and_without_a_cache(make: Callable[[], Any]) -> None:
    model, x = prompt_tuning.apply(make(), 5), drawn()
    how = {"attention_mask": torch.ones_like(x), "max_new_tokens": 12, "do_sample": False, "eos_token_id": None}
    assert torch.equal(*(model.generate(x, use_cache=cache, **how) for cache in (True, False)))


def test_a_model_with_a_state_generates_without_it_or_says_so() -> None:
    model = prompt_tuning.apply(MambaForCausalLM(MambaConfig(vocab_size=33, hidden_size=16, num_hidden_layers=1)), 3)
    how = {"max_new_tokens": 3, "do_sample": False, "eos_token_id": None}
    assert model.generate(drawn(), use_cache=False, **how).shape == (2, 12)
    with pytest.raises(ValueError, match="generate with use_cache=False"):
        model.generate(drawn(), use_cache=True, **how)


@pytest.mark.parametrize("make", [llama, gpt2])
def test_a_prompt_of_words_is_those_words(make: Callable[[], Any]) -> None:
    base, x = make(), drawn()
    model = prompt_tuning.apply(copy.deepcopy(base), 3)
    model.prompt = prompt_tuning.SoftPrompt(base.get_input_embeddings().weight[x[0, :3]].detach())
    typed = base(input_ids=torch.cat([x[:1, :3].expand(2, -1), x], 1)).logits
    assert torch.allclose(model(input_ids=x).logits, typed, atol=1e-6)
    assert torch.allclose(model(x).logits, typed, atol=1e-6)
    assert torch.allclose(model(x, torch.ones_like(x)).logits, typed, atol=1e-6)


@given(st.integers(0, 4), st.integers(0, 4), st.integers(1, 6), st.integers(1, 3))
@settings(max_examples=30, deadline=None)
def test_padding_on_either_side_changes_nothing(left: int, right: int, n: int, prompts: int) -> None:
    model, x = prompt_tuning.apply(llama(), 4), drawn(n=n)
    several = torch.randn(prompts, 4, 64)
    mask = F.pad(torch.ones_like(x), (left, right))
    padded = model(input_ids=F.pad(x, (left, right)), attention_mask=mask, prompts=several).logits
    alone = model(input_ids=x, prompts=several).logits[:, 4:]
    assert padded.shape == (2 * prompts, 4 + left + n + right, 33)
    assert torch.allclose(padded[:, 4 + left : 4 + left + n], alone, atol=1e-5)


def test_the_labs_loss_is_the_models_own_but_for_the_first_token() -> None:
    model, x = prompt_tuning.apply(llama(), 4), drawn()
    batch = {"input_ids": x, "labels": x, "attention_mask": torch.ones_like(x)}
    own = model(**batch | {"labels": x.index_fill(1, torch.tensor([0]), -100)}).loss
    assert losses.plain_head(model) is not None  # logits are never whole while training
    assert torch.allclose(losses.batch_loss(model, batch), own, atol=1e-6)


def test_classes_come_first_and_words_fill_up() -> None:
    E = torch.randn(33, 4)  # noqa: N806 - the paper's name
    P = prompt_tuning.first(E, 5, "classes", [[1], [2, 3]])  # noqa: N806 - the paper's name
    assert torch.equal(P[:2], torch.stack([E[1], (E[2] + E[3]) / 2]))
    assert all((row == E).all(1).any() for row in P[2:])
    assert torch.equal(prompt_tuning.first(E, 2, "classes", [[1], [2]]), E[1:3])


def test_the_earliest_of_equal_votes_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    model = prompt_tuning.apply(llama(), 1)
    votes = torch.tensor([[5, 1, 2], [4, 7, 3], [4, 2, 3], [5, 7, 1]])
    said = F.one_hot(votes.flatten(), 33)[:, None]  # (N B, 1, V)
    monkeypatch.setattr(model, "forward", lambda **_: type("Out", (), {"logits": said}))
    assert prompt_tuning.vote(model, torch.zeros(4, 1, 64), drawn(3)).tolist() == [5, 7, 3]


def test_bad_input_is_one_line_with_a_remedy() -> None:
    with pytest.raises(ValueError, match="no init 'words'; there are vocabulary, uniform, classes"):
        prompt_tuning.apply(llama(), init="words")
    with pytest.raises(ValueError, match=r"3 class labels for a prompt of 2; .* at most one a position"):
        prompt_tuning.apply(llama(), 2, "classes", [[1], [2], [3]])
    with pytest.raises(ValueError, match="0 class labels"):
        prompt_tuning.apply(llama(), 2, "classes")
    with pytest.raises(ValueError, match="call the model with input_ids"):
        prompt_tuning.apply(llama(), 2)(inputs_embeds=torch.zeros(1, 3, 64))
    with pytest.raises(ValueError, match="a prompt of 0 has no embeddings"):
        prompt_tuning.apply(llama(), 0)
    with pytest.raises(ValueError, match="has a prompt already"):
        prompt_tuning.apply(prompt_tuning.apply(llama()))


def test_a_copy_has_a_prompt_of_its_own() -> None:
    model, x = prompt_tuning.apply(llama(), 4), drawn()
    other = copy.deepcopy(model)
    torch.nn.init.normal_(other.prompt.P)
    assert not torch.allclose(other(input_ids=x).logits, model(input_ids=x).logits)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_a_narrow_base_keeps_a_wide_prompt(dtype: torch.dtype) -> None:
    model = prompt_tuning.apply(llama().to(dtype), 4)
    out = model(input_ids=drawn(), labels=drawn())
    out.loss.backward()
    assert out.logits.dtype == dtype
    assert model.prompt.P.dtype == model.prompt.P.grad.dtype == torch.promote_types(dtype, torch.float32)


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    model, x = prompt_tuning.apply(llama(), 4), drawn()
    prompt_tuning.save(model, tmp_path / "a")
    other = prompt_tuning.apply(llama(), 4, "uniform")
    prompt_tuning.load(other, tmp_path / "a")
    assert torch.equal(other(input_ids=x).logits, model(input_ids=x).logits)
    with pytest.raises(LabError, match="shape"):
        prompt_tuning.load(prompt_tuning.apply(llama(), 5), tmp_path / "a")


def test_checkpointing_changes_no_gradient() -> None:
    model, x = prompt_tuning.apply(llama(), 4).train(), drawn()
    (plain,) = torch.autograd.grad(model(input_ids=x, labels=x).loss, model.prompt.P)
    checkpointing(model)
    (again,) = torch.autograd.grad(model(input_ids=x, labels=x).loss, model.prompt.P)
    assert torch.allclose(plain, again, atol=1e-6)


@pytest.mark.filterwarnings("ignore")  # peft's own
@pytest.mark.parametrize("make", [llama, gpt2])
def test_peft_reads_what_we_write_and_we_read_what_peft_writes(tmp_path: Path, make: Callable[[], Any]) -> None:
    peft = pytest.importorskip("peft")
    model, x = prompt_tuning.apply(make(), 4), drawn()
    mask, own = torch.ones_like(x), slice(-x.shape[1], None)
    prompt_tuning.save_peft(model, tmp_path / "ours")
    theirs = peft.PeftModel.from_pretrained(make(), tmp_path / "ours")
    expected = model(input_ids=x).logits[:, own]
    assert torch.allclose(theirs(input_ids=x, attention_mask=mask).logits[:, own], expected, atol=1e-5)
    theirs.save_pretrained(tmp_path / "theirs")
    back = prompt_tuning.load_peft(make(), tmp_path / "theirs")
    assert torch.equal(back.prompt.P, model.prompt.P)
    assert torch.equal(back(input_ids=x).logits[:, own], expected)


def test_a_file_of_peft_s_that_is_something_else_is_refused(tmp_path: Path) -> None:
    model = prompt_tuning.apply(llama(), 4)
    prompt_tuning.save_peft(model, tmp_path)
    config = json.loads((tmp_path / "adapter_config.json").read_text())
    for entries, said in (({"peft_type": "LORA"}, "holds a LORA adapter"), ({"odd": 1}, "uses odd")):
        (tmp_path / "adapter_config.json").write_text(json.dumps(config | entries))
        with pytest.raises(ValueError, match=said):
            prompt_tuning.load_peft(llama(), tmp_path)
    (tmp_path / "adapter_config.json").write_text(json.dumps(config))
    save_file({"prompt_embeddings": torch.zeros(4, 6)}, tmp_path / "adapter_model.safetensors")
    with pytest.raises(ValueError, match="of another model"):
        prompt_tuning.load_peft(llama(), tmp_path)
    save_file({"other": torch.zeros(4, 6)}, tmp_path / "adapter_model.safetensors")
    with pytest.raises(ValueError, match="other tensors than prompt_embeddings"):
        prompt_tuning.load_peft(llama(), tmp_path)


def works(device: str, dtype: str) -> None:
    """Applied and trained; the loss falls, and the base keeps its bytes."""
    model, tokenizer = models.load("tiny", device, dtype)
    before = {name: p.clone() for name, p in model.named_parameters()}
    torch.manual_seed(0)
    prompt_tuning.apply(model, 10)
    assert trainable(model) == 10 * model.config.hidden_size
    history = loop.train(model, tokenizer, texts.python(), steps=10, lr=0.1, batch=4, length=64)
    assert sum(history.losses[-3:]) < sum(history.losses[:3])
    assert all(torch.equal(p, model.get_parameter(name)) for name, p in before.items())


def test_it_trains() -> None:
    works("cpu", "float32")


def test_demo(tmp_path: Path) -> None:
    record = prompt_tuning.demo(task="python", length=5, steps=8, batch=4, device="cpu", out=tmp_path / "adapter")
    assert record["after"]["value"] < record["before"]["value"]
    assert record["parameters"]["trainable"] == 5 * 192
    assert (tmp_path / "adapter" / "adapter.safetensors").is_file()


@pytest.mark.gpu
def test_gpu_trains() -> None:
    works("cuda", "bfloat16")
