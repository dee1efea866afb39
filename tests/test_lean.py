"""What the backward pass keeps: the least that can be had without a matrix product, and the gradients to the bit."""

from __future__ import annotations

import contextlib
import gc
from typing import Any

import pytest
import torch
from models_support import gpt2, llama
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import Gemma2Config, Gemma2ForCausalLM

from refimpl import lora, qlora
from refimpl._lab import losses, measure
from refimpl._lab.lean import lean


def gemma2() -> Any:
    """Gated by a GELU, its norms with 1 + weight."""
    torch.manual_seed(0)
    sizes: dict[str, Any] = {"vocab_size": 97, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8}
    return Gemma2ForCausalLM(Gemma2Config(**sizes, **heads))


def gradients(
    model: nn.Module, inside: contextlib.AbstractContextManager[object], masked: int = 2
) -> tuple[list[Tensor], int]:
    """Of a batch in which some tokens are masked, and how many bytes are kept for them."""
    ids = torch.randint(2, 33, (3, 40), generator=torch.Generator().manual_seed(3))
    batch = {"input_ids": ids, "labels": ids, "attention_mask": (ids != masked).long()}
    torch.manual_seed(4)  # GPT-2 drops out
    model.train().zero_grad()
    found: list[Tensor] = []

    def forward() -> Tensor:
        with inside:
            found.append(losses.batch_loss(model, batch))
        return found[0]

    kept = measure.kept_bytes(forward)
    found[0].backward()
    return [p.grad for p in model.parameters() if p.grad is not None], kept


@pytest.mark.parametrize("method", [lora, qlora])
@pytest.mark.parametrize(
    "make", [llama, lambda: llama(torch.float64), lambda: llama(torch.float16), gemma2, gpt2],
    ids=["llama", "llama-64", "llama-16", "gemma2", "gpt2"],
)  # fmt: skip
def test_gradients_are_the_same_to_the_bit_and_less_is_kept(method: Any, make: Any) -> None:
    model = method.apply(make(), "all-linear", rank=3)
    for name, p in model.named_parameters():
        if name.endswith((".B", ".L2")):
            nn.init.normal_(p, std=0.1)
    plain, whole = gradients(model, contextlib.nullcontext())
    ours, kept = gradients(model, lean())
    assert all(torch.equal(a, b) for a, b in zip(plain, ours, strict=True))
    assert len(ours) > 8
    assert kept < whole


def test_a_block_keeps_the_least_that_spares_a_product() -> None:
    layers, n, h, m, q, kv = 2, 3 * 40, 32, 48, 32, 16
    model = lora.apply(llama(), lora.LINEARS, 3)
    least = 4 * layers * n * (2 * h + q + 2 * kv + q + 2 * m)  # norms' inputs; q, k, v and what attention gives; e, u
    _, kept = gradients(model, lean(), masked=0)
    assert least < kept < 1.1 * least + 4 * n * h  # and rstd, lse and dL/dh of the loss


def test_what_was_changed_in_place_is_not_taken_for_what_it_was() -> None:
    x = torch.randn(4, requires_grad=True)
    with lean():
        y = x * 1.0
        loss = (y.exp() * y).sum()
    with torch.no_grad():
        x += 1
    loss.backward()  # a product with a number keeps no x
    with lean():
        loss = x.square().sum()
    with torch.no_grad():
        x += 1
    with pytest.raises(RuntimeError, match=r"changed in place: torch\.float32, \(4,\)"):
        loss.backward()
    with lean():
        y = torch.nn.functional.silu(x) * x
        with torch.no_grad():
            y.clamp_(max=0.0)
        loss = y.square().sum()
    loss.backward()
    assert (y.detach() == 0).any()


def test_a_graph_that_is_retained_is_gone_through_twice() -> None:
    x = torch.randn(5, requires_grad=True)
    with lean():
        loss = (nn.functional.silu(x) * x).square().sum()
    first = torch.autograd.grad(loss, x, retain_graph=True)[0]
    assert torch.equal(first, torch.autograd.grad(loss, x)[0])


def test_what_was_formed_anew_is_freed_at_once() -> None:
    """A step whose tensors wait for the collector of cycles makes a run grow."""
    x = torch.ones(64, requires_grad=True)
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            with lean():
                loss = ((F.silu(2 * x) * x) * x.exp()).sum()
            loss.backward()
            del loss
        assert gc.collect() == 0
    finally:
        gc.enable()
