"""A choice between words: the one that the model finds likeliest is its answer."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from refimpl._lab.generate import evaluating, pieces, place
from refimpl._lab.losses import IGNORED, Batch, logits_of

AT_ONCE = 16


@torch.no_grad()
def choose(
    model: nn.Module, tokenizer: PreTrainedTokenizerBase, prompts: Sequence[list[int]], words: Sequence[str]
) -> list[int]:
    """Of each prompt, the number of the word with the greatest log-likelihood behind it.

    A word is as likely as its tokens together, so it is never likelier than its beginning: where each word is one
    token, every prompt is run once, and else again for the words whose beginning is likelier than the best whole word.
    """
    spelt = [tuple(pieces(tokenizer, f" {word}")) for word in words]
    starts = sorted({word[:i] for word in spelt for i in range(len(word))}, key=lambda start: (len(start), start))
    score = torch.zeros(len(prompts), len(words))
    with evaluating(model):
        for start in starts:
            n = len(start)
            whole = [w for w, word in enumerate(spelt) if len(word) <= n]
            under = [w for w, word in enumerate(spelt) if len(word) > n and word[:n] == start]
            left = list(range(len(prompts)))
            if whole:
                hope = score[:, under].amax(1) > score[:, whole].amax(1)
                left = hope.nonzero().flatten().tolist()
            if left:
                after = _next(model, tokenizer, [[*prompts[p], *start] for p in left])  # (P, V)
                for w in under:
                    score[left, w] += after[:, spelt[w][n]]
    return score.argmax(1).tolist()


def _next(model: nn.Module, tokenizer: PreTrainedTokenizerBase, rows: Sequence[list[int]]) -> Tensor:
    """Log-probabilities of the token after each row, (R, V)."""
    found = []
    for at in range(0, len(rows), AT_ONCE):
        part = rows[at : at + AT_ONCE]
        batch = padded(part, part, tokenizer, max(map(len, part)))
        logits = logits_of(model, {name: tensor.to(place(model)) for name, tensor in batch.items()})
        last = torch.tensor([len(row) - 1 for row in part], device=logits.device)
        found.append(logits[torch.arange(len(part), device=logits.device), last].float().log_softmax(-1).cpu())
    return torch.cat(found)


def padded(
    rows: Sequence[list[int]], labels: Sequence[list[int]], tokenizer: PreTrainedTokenizerBase, length: int
) -> Batch:
    """Rows of one length, filled up on the right."""
    fill = tokenizer.pad_token_id
    return {
        "input_ids": torch.tensor([row + [fill] * (length - len(row)) for row in rows]),
        "labels": torch.tensor([row + [IGNORED] * (length - len(row)) for row in labels]),
        "attention_mask": torch.tensor([[1] * len(row) + [0] * (length - len(row)) for row in rows]),
    }
