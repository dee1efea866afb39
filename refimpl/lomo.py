r"""LOMO: update each parameter during the backward pass, as soon as its gradient is complete, and drop the gradient.

Lv et al. 2023, arXiv:2306.09782, section 3.2, Algorithm 1, for the layers from the last to the first:

    g_l = dloss/dtheta_l         theta_l <- theta_l - alpha g_l         g_l <- None

    theta_l  parameters of layer l        g_l  their gradient, of the same shape        alpha  the learning rate

It is SGD, so there is no optimiser state (section 3.1), and of all gradients only one exists at a time. Therefore:

- There is no accumulation over batches: after a backward pass the gradients are gone and the parameters have moved.
  A step that finds a gradient refuses. For the same reason a graph is of no use once its step is done.
- The norm of all gradients is not known when the first of them is used. Clipping by norm (section 3.3.1) takes two
  backward passes over one graph, the first of which only collects norms; clipping by value takes one pass.

In half precision the update is computed in float32 (section 3.3.2). A parameter used in two places (a tied embedding)
is updated once, when both parts of its gradient are there; until then autograd keeps the first part.

Left out: the loss scale that float16 needs (section 3.3.2), norms of groups of layers (3.3.1), several devices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from refimpl._lab import demo as lab
from refimpl._lab import loop
from refimpl._lab.adapter import load as load
from refimpl._lab.adapter import save as save
from refimpl._surgery import demand_whole

PAPER = "lv2023full arXiv:2306.09782"


def fused_backward(
    loss: Tensor, parameters: list[nn.Parameter], ready: Callable[[Tensor], None], keep_graph: bool = False
) -> None:
    """Backward from `loss`; `ready(p)` is called as soon as p.grad is complete, and then p.grad is dropped."""
    if any(p.grad is not None for p in parameters):
        raise ValueError("a gradient is there already and LOMO cannot add to it: set it to None, step every batch")

    met: set[Tensor] = set()

    def hook(p: Tensor) -> None:
        if p in met:
            raise ValueError("a parameter is used in several checkpoints, one after another: set use_reentrant=False")
        met.add(p)
        ready(p)
        p.grad = None

    hooks: list[Any] = [Tensor.register_post_accumulate_grad_hook(p, hook) for p in parameters]
    try:
        torch.autograd.backward(loss, retain_graph=keep_graph)
    finally:
        for p, handle in zip(parameters, hooks, strict=True):
            handle.remove()
            p.grad = None  # there is one left only where something went wrong


class LOMO:
    """SGD inside the backward pass: `step` stands in a training loop for backward and optimiser."""

    def __init__(
        self, parameters: Iterable[nn.Parameter], clip_norm: float | None = None, clip_value: float | None = None
    ) -> None:
        self.parameters = [*dict.fromkeys(p for p in parameters if p.requires_grad)]
        self.clip_norm, self.clip_value = clip_norm, clip_value
        if not self.parameters:
            raise ValueError("no parameter requires gradients: call `apply` on the model first")
        if any(p.dtype == torch.float16 for p in self.parameters):
            raise ValueError("float16 needs a loss scale, which is left out: load the model in bfloat16 or float32")
        if any(clip is not None and clip <= 0 for clip in (clip_norm, clip_value)):
            raise ValueError("clip_norm and clip_value must be above zero, or None for no clipping")

    def step(self, forward: Callable[[], Tensor], lr: float) -> Tensor:
        """One batch: `forward()` returns its loss; it is returned when every parameter has been updated."""
        loss = forward()
        _demand_number(loss, "the loss")
        share = 1.0 if self.clip_norm is None else self._share(loss, self.clip_norm)
        fused_backward(loss, self.parameters, partial(self._update, lr=lr, share=share))
        return loss.detach()

    def _share(self, loss: Tensor, clip: float) -> float:
        """What to multiply the gradients with so that their norm is at most `clip`. Changes no parameter."""
        norms: list[Tensor] = []
        fused_backward(loss, self.parameters, lambda p: norms.append(_wide(p.grad).norm()), keep_graph=True)
        norm = torch.stack([n.to(norms[0].device) for n in norms]).norm()
        _demand_number(norm, "the norm of the gradients")
        return min(1.0, clip / (float(norm) + 1e-6))

    @torch.no_grad()
    def _update(self, p: Tensor, lr: float, share: float) -> None:
        """theta <- theta - alpha g."""
        g, theta = _wide(p.grad), _wide(p)
        _demand_number(g, "a gradient")
        if self.clip_value is not None:
            g.clamp_(-self.clip_value, self.clip_value)
        if share < 1:
            g.mul_(share)
        theta.add_(g, alpha=-lr)
        if theta is not p:
            p.copy_(theta)


def _demand_number(t: Tensor, what: str) -> None:
    """There is no later step that could be skipped: what is not a number must not reach a parameter."""
    if not t.isfinite().all():
        raise ValueError(f"{what} is NaN or infinite, and no parameter was changed by it: lower the learning rate")


def _wide(t: Tensor | None) -> Tensor:
    """The tensor itself, or a copy in float32 of one in half precision."""
    assert t is not None
    return t if t.dtype in (torch.float32, torch.float64) else t.float()


def apply(model: nn.Module) -> nn.Module:
    """Let every parameter of `model` be trained."""
    return demand_whole(model).requires_grad_(True)


def demo(clip_norm: float | None = 1.0, clip_value: float | None = None, **options: Any) -> dict[str, Any]:
    """Fine-tune the whole of a base model on a task without ever holding its gradients."""
    said = {"clip_norm": clip_norm, "clip_value": clip_value}

    def step(model: nn.Module) -> loop.Step:
        return LOMO(model.parameters(), clip_norm, clip_value).step

    return lab.run("lomo", apply, step=step, options=said, **{"rate": 1.0, **options})
