"""Reading a model: tokens in, likeliest continuation out. Needs no more of a model than logits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from transformers import PreTrainedTokenizerBase

from refimpl._lab.losses import logits_of


def encode(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """The tokens of a text that begins: where one token ends a text and begins the next, it comes first."""
    ids: list[int] = tokenizer(text, verbose=False)["input_ids"]
    first = tokenizer.bos_token_id
    return [first, *ids] if first is not None and first == tokenizer.eos_token_id and ids[:1] != [first] else ids


def pieces(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """The tokens of a text that goes on from another."""
    ids: list[int] = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
    return ids


@torch.no_grad()
def greedy(model: nn.Module, tokenizer: PreTrainedTokenizerBase, prompt: str, tokens: int = 24) -> str:
    """The likeliest continuation, token by token, to the end of the text or `tokens` tokens."""
    ids = torch.tensor([encode(tokenizer, prompt)], device=place(model))  # (1, T)
    start = ids.shape[1]
    with evaluating(model):
        for _ in range(tokens):
            logits = logits_of(model, {"input_ids": ids, "attention_mask": torch.ones_like(ids)})
            best = logits[:, -1:].argmax(-1)  # (1, 1)
            if best.item() == tokenizer.eos_token_id:
                break
            ids = torch.cat([ids, best], dim=1)
    return str(tokenizer.decode(ids[0, start:]))


def place(model: nn.Module) -> torch.device:
    """The device that a model reads its tokens on."""
    return next(model.parameters()).device


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """The model without dropout; as it was, afterwards."""
    was = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was)
