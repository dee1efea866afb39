"""What one training step keeps and computes, counted exactly: bytes by tensor, and the operations of matrix products.

Of the activations, what autograd keeps for the backward pass is counted, each storage once, without the model's own
parameters and buffers. A product of (m, k) and (k, n) is 2 m k n operations; attention is counted whole, without the
half that causality leaves out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

Own = Callable[[Callable[[], Tensor], float], Tensor]  # a method's own step: the forward pass and the rate


@dataclass(frozen=True, slots=True)
class Step:
    """Bytes that a step keeps beside the model's own numbers, and operations of both passes."""

    activations: int
    gradients: int  # that are held at the same time, at most
    moments: int  # of AdamW
    forward: int
    backward: int
    loss: float

    @property
    def kept(self) -> int:
        return self.activations + self.gradients + self.moments


def step(model: Any, ids: Tensor, own: Own | None = None) -> Step:
    """One step on `ids` (B, T), of AdamW or the method's own. It is taken: what is trained has moved."""
    trained = [p for p in model.parameters() if p.requires_grad]
    weights = {t.untyped_storage().data_ptr() for t in (*model.parameters(), *model.buffers())}
    kept: dict[int, Tensor] = {}
    grads = [0]

    def keep(tensor: Tensor) -> Tensor:
        if (place := tensor.untyped_storage().data_ptr()) not in weights:
            kept[place] = tensor
        return tensor

    def hold(_: Tensor) -> None:
        grads.append(sum(p.grad.nbytes for p in trained if p.grad is not None))

    def forward() -> Tensor:
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            loss: Tensor = model(input_ids=ids, labels=ids).loss
        return loss

    def plain(run: Callable[[], Tensor], rate: float) -> Tensor:
        loss = run()
        torch.autograd.backward(loss)
        optimiser.step()
        del rate
        return loss

    optimiser = torch.optim.AdamW(trained, lr=1e-6, weight_decay=0.0, foreach=False)
    handles: list[Any] = [Tensor.register_post_accumulate_grad_hook(p, hold) for p in trained]
    was = model.training
    model.train()
    try:
        ahead = operations(lambda: model(input_ids=ids, labels=ids))
        losses: list[Tensor] = []
        total = operations(lambda: losses.append((own or plain)(forward, 1e-6)))
    finally:
        model.train(was)
        for handle in handles:
            handle.remove()
        for p in trained:
            p.grad = None
    moments = sum(t.nbytes for state in optimiser.state.values() for t in state.values() if t.dim())
    activations = sum(t.untyped_storage().nbytes() for t in kept.values())
    return Step(activations, max(grads), moments, ahead, total - ahead, float(losses[0].detach()))


def operations(run: Callable[[], Any]) -> int:
    """How many a function takes, in products of matrices and in attention."""
    with FlopCounterMode(display=False, custom_mapping=_MORE) as counter:
        run()
    return int(counter.get_total_flops())


def _product(_: Any, a: Any, b: Any, *__: Any, **___: Any) -> int:
    return 2 * int(a[0]) * int(a[1]) * int(b[1])


def _attention(q: Any, k: Any, v: Any, *_: Any, **__: Any) -> int:
    return 2 * _pairs(q, k) * int(q[-1] + v[-1])


def _attention_backward(_: Any, q: Any, k: Any, v: Any, *__: Any, **___: Any) -> int:
    """The scores again, and what leads back to them, to v, q and k."""
    return 2 * _pairs(q, k) * int(3 * q[-1] + 2 * v[-1])


def _pairs(q: Any, k: Any) -> int:
    """Of a query and a key: batch, heads, queries, keys."""
    return int(q[0] * q[1] * q[2] * k[2])


_ATEN: Any = torch.ops.aten
_KERNELS = ("flash_attention", "efficient_attention", "cudnn_attention")
_MORE: dict[Any, Any] = {
    _ATEN.addmm_: _product,
    _ATEN._scaled_dot_product_flash_attention_for_cpu: _attention,
    _ATEN._scaled_dot_product_flash_attention_for_cpu_backward: _attention_backward,
    **{getattr(_ATEN, f"_scaled_dot_product_{kernel}"): _attention for kernel in _KERNELS},
    **{getattr(_ATEN, f"_scaled_dot_product_{kernel}_backward"): _attention_backward for kernel in _KERNELS},
}
