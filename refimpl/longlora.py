r"""LongLoRA: train on long texts with attention inside shifted groups of tokens, and attend densely afterwards.

Chen et al. 2023, arXiv:2309.12307, sections 3.2, 3.3 and 4.1. Of n tokens in groups of G, while training:

    first half of the heads     causal attention inside [i G, (i + 1) G)
    second half                 causal attention inside [i G - G/2, i G + G/2), cut off at both ends of the text
    all heads, once trained     causal attention over all n

    h = W x + (alpha / r) B A x     on q, k, v and o; embeddings and norms are trained in full
    m -> m / f                      position m, with f = ceil(n / n_0) for a model made for n_0 positions

    q, k, v  (b, H, n, D)  after the rotation by position      grouped  (b n/G, H, G, D)
    A  (r, k)  Gaussian init                                   B  (d, r)  zero init

Groups alone would never see beyond G tokens; the shift hands on G/2 more with each layer.

Algorithm 1 rolls the second half by G/2: the last G/2 tokens and the first G/2 then share a group, in which the first
come last and see the text's end. Here they are two groups, as in the authors' code for flash attention
(llama_attn_replace.py:110-112 at d4eb344); `rolled` is the other form (287-290), for comparison.

Where a model's attention cannot be replaced (it is written out in transformers, or caps its scores) the same groups
are given to it as a mask: the same outputs, at the cost of dense attention.

Left out: packing several texts into one row, dropout on x, sink tokens, sliding windows of the base model.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from refimpl import _targets
from refimpl._grouping import Length as Length
from refimpl._grouping import check, even, quarter, regroup, ungroup, unpadded
from refimpl._lab.adapter import load as load
from refimpl._lab.adapter import save as save
from refimpl._layers import Adapted
from refimpl._rotations import pressed, rotations
from refimpl._surgery import adapt, folded

PAPER = "chen2023longlora arXiv:2309.12307"
IN_FULL = ("embed", "norm")


def grouped(q: Tensor, k: Tensor, v: Tensor, *, G: int, scale: float | None = None, dropout: float = 0.0) -> Tensor:
    """Causal attention inside each group of G tokens."""
    b = len(q)
    q, k, v = (t.unflatten(2, (-1, G)).transpose(1, 2).flatten(0, 1) for t in (q, k, v))  # (b n/G, H, G, D)
    h = F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=scale, dropout_p=dropout)
    whole: Tensor = h.unflatten(0, (b, -1)).transpose(1, 2).flatten(2, 3)  # (b, H, n, D)
    return whole


def shifted(q: Tensor, k: Tensor, v: Tensor, *, G: int, **options: Any) -> Tensor:
    """The same with every border moved by G/2, which leaves half a group at both ends."""
    s, n = G // 2, q.shape[2]
    parts = [(slice(0, s), s), (slice(s, n - s), G), (slice(n - s, n), s)]
    runs = [grouped(q[:, :, i], k[:, :, i], v[:, :, i], G=g, **options) for i, g in parts if i.start < i.stop]
    return torch.cat(runs, dim=2)  # (b, H, n, D)


def s2(q: Tensor, k: Tensor, v: Tensor, *, G: int, shift: bool = True, **options: Any) -> Tensor:
    """Half of the heads in groups, half in shifted groups. The last group may be short: what fills it is never seen."""
    n, half = q.shape[2], q.shape[1] // 2
    even(G)
    q, k, v = (F.pad(t, (0, 0, 0, -n % G)) for t in (q, k, v))
    first, second = (t[:, :half] for t in (q, k, v)), (t[:, half:] for t in (q, k, v))
    other = shifted if shift else grouped
    return torch.cat([grouped(*first, G=G, **options), other(*second, G=G, **options)], dim=1)[:, :, :n]


def attention(
    module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **options: Any
) -> tuple[Tensor, None]:
    """What transformers calls in every layer: `s2` while training, dense attention otherwise."""
    if not module.training:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **options)
    unpadded(attention_mask)
    repeats = query.shape[1] // key.shape[1]
    key, value = (t.repeat_interleave(repeats, dim=1) for t in (key, value))  # a head of its own for every query's
    G = module.config.s2_group or quarter(query.shape[2])
    scale, dropout = options.get("scaling"), options.get("dropout", 0.0)
    h = s2(query, key, value, G=G, shift=module.config.s2_shift, scale=scale, dropout=dropout)
    return h.transpose(1, 2).contiguous(), None  # (b, n, H, D)


AttentionInterface.register("s2", attention)
AttentionMaskInterface.register("s2", sdpa_mask)


class LoRALinear(Adapted):
    """A frozen `nn.Linear` with a trainable low-rank update."""

    def __init__(self, base: nn.Linear, rank: int, alpha: float) -> None:
        super().__init__()
        wide = torch.promote_types(base.weight.dtype, torch.float32)
        self.base, self.s = base, alpha / rank
        self.A = nn.Parameter(base.weight.new_empty(rank, base.in_features, dtype=wide))
        self.B = nn.Parameter(base.weight.new_zeros(base.out_features, rank, dtype=wide))
        nn.init.normal_(self.A, std=base.in_features**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = self.base(x) + self.s * F.linear(F.linear(x, self.A.to(x.dtype)), self.B.to(x.dtype))
        return h

    def delta(self) -> Tensor:
        """The update in weight space, (d, k)."""
        return self.s * self.B @ self.A


def apply(
    model: Any, context: int | None = None, group: int | None = None, rank: int = 8, alpha: float = 16.0,
    targets: str | Iterable[str] | None = None, in_full: Iterable[str] = IN_FULL, shift: bool = True,
) -> Any:  # fmt: skip
    """Freeze `model` in place, to be trained on up to `context` tokens in groups of `group` (None: a quarter of a row).

    The layers of attention get an update each, but for those that have one already, as QLoRA's. Of its own weights the
    embeddings and norms are trained, as `in_full` says, and those whose name contains another part that it names.
    """
    if rank < 1:
        raise ValueError(f"a rank of {rank} trains nothing; take 1 or more")
    check(model)
    if hasattr(model.config, "s2_group"):
        raise ValueError("the model's attention is in groups already; merge that, or load the model anew")
    if group is not None:
        even(group)
    if context is not None:
        pressed(model.config, context)
    wanted = _targets.of(model, "q", "k", "v", "o") if targets is None else targets
    adapt(model, lambda base: LoRALinear(base, rank, alpha), wanted, over=True)
    for parameter in _in_full(model, frozenset(in_full)):
        parameter.requires_grad_(True)
    if context is not None:
        interpolate(model, context)
    return regroup(model, group, shift)


def _in_full(model: nn.Module, parts: frozenset[str]) -> Iterator[nn.Parameter]:
    """The model's own parameters that the parts name: embeddings and norms by their kind, others by their name."""
    kinds: dict[str, Iterable[nn.Module]] = {
        "embed": [m for m in model.modules() if isinstance(m, nn.Embedding)],
        "norm": _targets.norms(model).values(),
    }
    for part in parts:
        for module in kinds.get(part, ()):
            yield from module.parameters()
        if part not in kinds:
            yield from (p for name, p in model.named_parameters() if part in name and p.is_floating_point())


def interpolate(model: Any, context: int) -> Any:
    """Section 4.1: press `context` positions into the range of the model's own, by a whole factor.

    A model that has been lengthened before, or came with a linear factor, is lengthened by one more.
    """
    f = pressed(model.config, context)
    for module in model.modules():
        for name, inv_freq in module.named_buffers(recurse=False):
            if name.endswith("inv_freq") and "original" not in name:
                inv_freq /= f  # an angle is m * inv_freq
    kinds = rotations(model.config)
    for rope in kinds.values():
        rope.update(rope_type="linear", factor=float(f * rope.get("factor", 1)))
    model.config.rope_parameters = kinds if kinds.keys() != {""} else kinds[""]
    model.config.max_position_embeddings = max(context, model.config.max_position_embeddings)
    return model


def merge(model: Any) -> Any:
    """Fold every update into its weight in place, and leave a plain model with dense attention."""
    return ungroup(folded(model, LoRALinear))


def demo(context: int = 1024, group: int | None = None, rank: int = 8, task: str = "python", **options: Any) -> Any:
    """Lengthen a model's context (twice `tiny`'s own), and measure it on rows of that length."""
    from refimpl._lab import demo as lab
    from refimpl._lab import tasks

    long: Any = tasks.get(task)
    if isinstance(long, tasks.Classes):
        raise ValueError("the rows of classes are short ones; take python, glosses or recall")
    few = {"rows": 8} if isinstance(long, tasks.Text) else {"cases": 16}
    return lab.run(
        "longlora", lambda model: apply(model, context, group, rank), merge=merge,
        task=dataclasses.replace(long, length=context, **few),
        options={"context": context, "group": group or context // 4, "rank": rank},
        **{"steps": 20, "batch": 1, "rate": 3e-3} | options,
    )  # fmt: skip
