"""The loss of a language model, in nats a token, without ever holding the logits of a whole batch.

    loss = 1/n  sum_i  logsumexp(W h_i) - (W h_i)[y_i]        dL/dh_i = (softmax(W h_i) - onehot(y_i)) W / n

    h  (N, H)  hidden states after the last norm      W  (V, H)  lm_head      y  (N,)  labels, -100 for none

N x V logits are most of the memory of a training step where the vocabulary is large. Here a chunk of rows at a time is
formed and dropped; where W is frozen, dL/dh is formed in the same pass and nothing of size V is kept for the backward.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedModel

IGNORED = -100
CHUNK = 256
# their forward ends in `lm_head(hidden)` and does nothing more to the logits
PLAIN_HEADS = frozenset({"gpt2", "gpt_neox", "llama", "mistral", "mixtral", "phi3", "qwen2", "qwen3", "smollm3"})
Batch = Mapping[str, Tensor]


def chunked_loss(
    hidden: Tensor, head: nn.Linear, labels: Tensor, chunk: int = CHUNK, count: Tensor | None = None
) -> Tensor:
    """Cross-entropy of `head(hidden)` against `labels`, position by position: shift them first.

    The mean is over the labels that are not -100, or over `count` where it is given.
    """
    h, y = hidden.reshape(-1, hidden.shape[-1]), labels.reshape(-1)  # (N, H), (N,)
    counted = y != IGNORED
    n = counted.sum().clamp(min=1) if count is None else count
    h, y = h[counted], y[counted]
    if not any(p.requires_grad for p in head.parameters()):
        total: Tensor = _FrozenHead.apply(h, head.weight, head.bias, y, chunk)
    else:
        parts = zip(h.split(chunk), y.split(chunk), strict=True)
        total = torch.stack([checkpoint(_sum, head, a, b, use_reentrant=False) for a, b in parts]).sum()
    return total / n


def batch_loss(model: nn.Module, batch: Batch, count: Tensor | None = None, chunk: int = CHUNK) -> Tensor:
    """The loss of the next token on a batch of `input_ids`, `labels` and `attention_mask`.

    `model` is a transformers causal LM, or any module that is called like one and returns logits or something that has
    them. Where it puts positions of its own before the input (a prompt), the last ones are those of the input.
    """
    labels = F.pad(batch["labels"][:, 1:], (0, 1), value=IGNORED)  # (B, T): what comes after each token
    head = plain_head(model)
    if head is not None:
        with _without_head(model):
            hidden = logits_of(model, batch)
        return chunked_loss(hidden, head, labels, chunk, count)
    n = (labels != IGNORED).sum().clamp(min=1) if count is None else count
    logits = logits_of(model, batch)
    return F.cross_entropy(logits.float().flatten(0, 1), labels.flatten(), reduction="sum", ignore_index=IGNORED) / n


def logits_of(model: nn.Module, batch: Batch) -> Tensor:
    """(B, T, V), for the T tokens of the input."""
    ids = batch["input_ids"]
    out: Any = model(input_ids=ids, attention_mask=batch["attention_mask"])
    logits: Tensor = out if isinstance(out, Tensor) else out.logits
    return logits[:, -ids.shape[1] :]


def plain_head(model: nn.Module) -> nn.Linear | None:
    """The head that can be taken off the model and applied in chunks, if it has one."""
    if not isinstance(model, PreTrainedModel) or model.config.model_type not in PLAIN_HEADS:
        return None
    head = model.get_output_embeddings()
    return head if type(head) is nn.Linear else None


@contextmanager
def _without_head(model: Any) -> Iterator[None]:
    """The model returns its last hidden states as if they were logits."""
    head = model.get_output_embeddings()
    model.set_output_embeddings(nn.Identity())
    try:
        yield
    finally:
        model.set_output_embeddings(head)


def _sum(head: nn.Linear, h: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(_wide(head(h)), y, reduction="sum", ignore_index=IGNORED)


def _wide(logits: Tensor) -> Tensor:
    return logits if logits.dtype == torch.float64 else logits.float()


class _FrozenHead(torch.autograd.Function):
    """The sum of the losses; keeps dL/dh (N, H) for the backward, and nothing else."""

    @staticmethod
    def forward(ctx: Any, h: Tensor, weight: Tensor, bias: Tensor | None, y: Tensor, chunk: int) -> Tensor:
        total = torch.zeros((), dtype=_wide(h[:0]).dtype, device=h.device)
        grad = torch.empty_like(h) if ctx.needs_input_grad[0] else None
        for start in range(0, len(h), chunk):
            rows = slice(start, start + chunk)
            logits, right = _wide(F.linear(h[rows], weight, bias)), y[rows, None]  # (c, V), (c, 1)
            logits -= logits.amax(1, keepdim=True)
            total -= logits.gather(1, right).sum()
            Z = logits.exp_().sum(1, keepdim=True)
            total += Z.log().sum()
            if grad is not None:
                p = logits.div_(Z).scatter_add_(1, right, -torch.ones_like(Z)).to(h.dtype)
                torch.mm(p, weight, out=grad[rows])
                del p
            del logits  # before the next is formed
        ctx.grad = grad
        return total

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, None, None, None, None]:
        return (ctx.grad * upstream.to(ctx.grad.dtype), None, None, None, None)
