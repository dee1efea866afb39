"""Small models, and what they say: what the tests of implementations share."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from refimpl._lab import models

IDS = torch.arange(32).view(2, 16)  # every vocabulary here has them


def tiny(dtype: str = "float32", device: str = "cpu") -> Any:
    """The lab's own model, without its tokenizer."""
    return models.load("tiny", device, dtype)[0]


def llama(dtype: torch.dtype = torch.float32, use_cache: bool = False) -> Any:
    """A small untrained Llama."""
    torch.manual_seed(0)
    sizes = {"vocab_size": 97, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2}
    config = LlamaConfig(**sizes, num_attention_heads=4, num_key_value_heads=2, use_cache=use_cache)
    model: Any = LlamaForCausalLM(config)
    return model.to(dtype).eval()


def gpt2() -> Any:
    """Its positions are learned, every head has keys of its own, and its layers are no `nn.Linear`."""
    torch.manual_seed(0)
    return GPT2LMHeadModel(GPT2Config(vocab_size=33, n_embd=32, n_layer=2, n_head=4, n_positions=64)).eval()


def drawn(rows: int = 2, n: int = 9) -> Tensor:
    """Rows of tokens (rows, n) for a vocabulary of 33."""
    return torch.randint(33, (rows, n), generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def logits(model: Any, ids: Tensor = IDS) -> Tensor:
    """On the CPU, whatever the model is on."""
    found: Tensor = model(input_ids=ids.to(next(model.parameters()).device)).logits.float().cpu()
    return found


def checkpointing(model: Any) -> None:
    """Under the name that this version of transformers gives it."""
    getattr(model, "activation_checkpointing_enable", model.gradient_checkpointing_enable)()
