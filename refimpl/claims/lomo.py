"""LOMO: what the paper says, as functions that measure, and fail when it is not so."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import LlamaConfig, LlamaForCausalLM

from refimpl._claims import Measured, at_most, equal, library, quoted, refused, shown
from refimpl._kinds import direction, exact, headline, parity
from refimpl._lab import loop
from refimpl._lab.contest import Contest, Way, told
from refimpl._toys import reloaded
from refimpl.lomo import LOMO, apply, load, save

LINEARS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def _with_lora(model: Any, _: object) -> Any:
    from peft import LoraConfig, get_peft_model

    return get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=list(LINEARS)))


WORDS = Contest("words", 80)
WAYS = {
    "LOMO": Way(lambda model, _: apply(model), 1.5, lambda model: LOMO(model.parameters(), clip_norm=1.0).step),
    "LoRA": Way(_with_lora, 1e-2),
}


@exact
def claim_the_steps_are_those_of_sgd(device: str = "cpu") -> list[Measured]:
    """Section 3.2: p = p - lr * dL/dp while the gradients are computed is SGD, bit for bit, tied embeddings or not."""
    measured = []
    for tied in (False, True):
        ours, theirs = _llama(device, tied), _llama(device, tied)
        _train(ours, LOMO([*ours.parameters(), *ours.parameters()]).step)  # one that is named twice moves once
        _train(theirs, _sgd(theirs))
        measured.append(
            at_most(f"with {'tied' if tied else 'untied'} embeddings weights differ by", _gap(ours, theirs), 0)
        )
    return measured


@exact
def claim_nothing_else_moves(device: str = "cpu") -> list[Measured]:
    """Section 3.2, Algorithm 1: theta alone moves; a loss that is no number moves nothing, as no step can be skipped.

    Gradients are gone once their step is done, so they cannot be added to.
    """
    model, before = _llama(device), _llama(device)
    frozen = next(model.parameters()).requires_grad_(False)
    _train(model, LOMO(model.parameters()).step)
    kept = float((frozen - next(before.parameters())).abs().max())
    broken = _llama(device)
    begun = _llama(device)
    _loss(begun, *_batches(device)).backward()
    return [
        equal("a frozen parameter moved by", kept, 0),
        reloaded(apply(_llama(device).eval()), apply(_llama(device)), save, load),
        refused(
            "a loss that is NaN",
            lambda: LOMO(broken.parameters()).step(lambda: _loss(broken, *_batches(device)) * float("nan"), 0.1),
        ),
        equal("and moved the parameters by", _gap(broken, before), 0),
        refused("a gradient that is there already", lambda: _train(begun, LOMO(begun.parameters()).step)),
    ]


@exact
def claim_one_gradient_at_a_time(device: str = "cpu") -> list[Measured]:
    """Section 3.2: at most one parameter's gradient is stored; section 4.1: the largest matrix is the upper bound."""
    model = _llama(device)
    held: list[list[int]] = []

    def look(_: Tensor) -> None:
        held.append([p.numel() for p in model.parameters() if p.grad is not None])

    for p in model.parameters():
        Tensor.register_post_accumulate_grad_hook(p, look)
    _train(model, LOMO(model.parameters()).step)
    return [
        equal("most gradients at a time", max(map(len, held)), 1),
        equal("most numbers in gradients", max(map(sum, held)), max(p.numel() for p in model.parameters())),
        equal("gradients left after a step", sum(p.grad is not None for p in model.parameters()), 0),
    ]


@exact
def claim_clipping(device: str = "cpu") -> list[Measured]:
    """Section 3.3.1: by norm with one more backward pass, by value without; as if all gradients had been there."""
    measured, passes = [], list[Tensor]()
    for norm, value in ((0.5, None), (500.0, None), (None, 1e-3)):
        ours, theirs = _llama(device).double(), _llama(device).double()
        Tensor.register_post_accumulate_grad_hook(next(ours.parameters()), passes.append)
        _train(ours, LOMO(ours.parameters(), norm, value).step)
        _train(theirs, _sgd(theirs, norm, value))
        how = f"a norm of {norm:g}" if norm else "value"
        measured.append(at_most(f"clipped by {how} weights differ by", _gap(ours, theirs), 1e-14))
        measured.append(equal("backward passes for 3 batches", len(passes), 6 if norm else 3))
        passes.clear()
    return measured


@exact
def claim_two_steps_are_nearly_one_on_both(device: str = "cpu") -> Measured:
    """Section 3.1.2, equations 1 to 6: two steps in turn differ from one on both batches by a term of second order."""
    gaps = []
    for lr in (1e-2, 5e-3):
        one, two = _llama(device).double(), _llama(device).double()
        LOMO(one.parameters()).step(partial(_loss, one, *_batches(device)), lr)
        _train(two, LOMO(two.parameters()).step, lr)
        gaps.append(_gap(one, two))
    return at_most("the gap over four times that at half the rate, minus 1", abs(gaps[0] / gaps[1] / 4 - 1), 0.05)


@parity
def claim_lomo_optim_agrees(device: str = "cpu") -> list[Measured]:
    """Section 3.2: the authors' lomo-optim makes the same steps, in half precision too."""
    Lomo = library("lomo_optim", "--no-deps lomo-optim").Lomo
    measured = []
    for dtype, clip in ((torch.float32, None), (torch.bfloat16, None), (torch.float32, 0.5)):
        ours, theirs = _llama(device).to(dtype), _llama(device).to(dtype)
        optimiser = Lomo(theirs, clip_grad_norm=clip)

        def step(forward: Callable[[], Tensor], lr: float, optimiser: Any = optimiser) -> Tensor:
            loss = forward()
            if optimiser.clip_grad_norm is not None:
                optimiser.grad_norm(loss)
            optimiser.fused_backward(loss, lr)
            return loss

        _train(ours, LOMO(ours.parameters(), clip).step)
        _train(theirs, step)
        what = f"{str(dtype).removeprefix('torch.')} weights{', clipped by norm,' if clip else ''} differ by"
        measured.append(at_most(what, _gap(ours, theirs), 1e-7 if clip else 0))
    return measured


@direction
def claim_better_than_zero_shot_and_lora(device: str = "cpu") -> list[Measured]:
    """Section 4.3.1, table 3: LOMO is better than zero-shot, and in most experiments better than LoRA."""
    ours, lora = (WORDS.right(WAYS[name], device) for name in ("LOMO", "LoRA"))
    ahead = [a - b for a, b in zip(ours, lora, strict=True)]
    return [
        shown(f"right answers {told(ours)}, where the model alone has none; the worst of 3 seeds", min(ours),
              min(ours) > 0, "over 0"),
        shown(f"ahead of LoRA's {told(lora)}, the middle of 3 seeds", median(ahead), median(ahead) > 0, "over 0"),
    ]  # fmt: skip


@headline
def claim_memory_of_large_models() -> list[Measured]:
    """Abstract; section 4, tables 1 and 3: what LOMO takes and reaches with LLaMA."""
    return [
        quoted("10.8 % of the memory of the standard approach (DeepSpeed)", "abstract"),
        quoted("65B parameters fine-tuned on 8 RTX 3090 with 24 GB each", "abstract"),
        quoted("LLaMA-7B with checkpointing: 14.58 GB; SGD 51.99 GB, AdamW 102.20 GB", "table 1"),
        quoted("LLaMA-13B on SuperGLUE: 84.2 on average; LoRA 81.4, zero-shot 57.2", "table 3"),
    ]


# --- a model small enough for a laptop, and what it is trained with ----------------


def _llama(device: str, tied: bool = True) -> nn.Module:
    """The same small Llama each time."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=128, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        tie_word_embeddings=tied,
    )  # fmt: skip
    model: nn.Module = LlamaForCausalLM(config)
    return model.to(device)


def _batches(device: str) -> Tensor:
    """Three batches of 4 rows of 16 tokens."""
    return torch.randint(128, (3, 4, 16), generator=torch.Generator().manual_seed(1)).to(device)


def _loss(model: nn.Module, *batches: Tensor) -> Tensor:
    """The sum of the losses on the batches."""
    logits = (model(input_ids=ids).logits[:, :-1] for ids in batches)
    losses = [
        F.cross_entropy(out.flatten(0, 1), ids[:, 1:].flatten()) for out, ids in zip(logits, batches, strict=True)
    ]
    return torch.stack(losses).sum()


def _train(model: nn.Module, step: loop.Step, lr: float = 0.1) -> None:
    for ids in _batches(str(next(model.parameters()).device)):
        step(partial(_loss, model, ids), lr)


def _sgd(model: nn.Module, norm: float | None = None, value: float | None = None) -> loop.Step:
    """The step of torch's SGD, with torch's clipping."""
    optimiser = torch.optim.SGD(model.parameters())

    def step(forward: Callable[[], Tensor], lr: float) -> Tensor:
        optimiser.zero_grad()
        loss = forward()
        torch.autograd.backward(loss)
        if norm is not None:
            nn.utils.clip_grad_norm_(model.parameters(), norm)
        if value is not None:
            nn.utils.clip_grad_value_(model.parameters(), value)
        optimiser.param_groups[0]["lr"] = lr
        optimiser.step()
        return loss

    return step


@torch.no_grad()
def _gap(a: nn.Module, b: nn.Module) -> float:
    """The largest difference between their parameters."""
    return max((p - q).abs().max().item() for p, q in zip(a.parameters(), b.parameters(), strict=True))
