r"""LLM-Adapters: small bottleneck networks, after a layer (series) or beside it (parallel), in a frozen model.

Hu et al. 2023, arXiv:2304.01933, section 2:

    H_o <- H_o + s f(H_o W_down) W_up        series
    H_o <- H_o + s f(H_i W_down) W_up        parallel

    H_i  (..., k)  what goes into the layer      W_down  (d, b) in series, (k, b) in parallel
    H_o  (..., d)  what comes out of it          W_up    (b, d)

f is not linear (tanh in the authors' code), so unlike LoRA's update these do not fold into the weight. With f the
identity the parallel adapter is LoRA of rank b with alpha = b.

Section 4.1 looks for the best place: series adapters after the MLP, parallel ones within it. As in the authors' code a
place is a set of Linears: after the MLP of a Llama is `down_proj`, within it all three. Their code (bottleneck.py) also
puts series adapters in front of `gate_proj` and `up_proj`, and draws both matrices from a Gaussian of deviation 0.02,
so that training does not start at the base; with `init="zero"`, its "mam_adapter", it does.

Left out: prefix-tuning and LoRA, which this paper compares with and have files of their own; dropout; learned scale.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from refimpl import _targets
from refimpl._lab import demo as lab
from refimpl._lab.adapter import load as load
from refimpl._lab.adapter import save as save
from refimpl._layers import Adapted
from refimpl._surgery import adapt

PAPER = "hu2023llmadapters arXiv:2304.01933"


FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {"tanh": torch.tanh, "relu": torch.relu, "identity": lambda x: x}


PLACES: dict[str, dict[str, tuple[_targets.Part, ...]]] = {
    "series": {"mlp": ("out",), "attention": ("o",)},
    "parallel": {"mlp": ("into", "out"), "attention": ("q", "k", "v", "o")},
}


class AdapterLinear(Adapted):
    """A frozen Linear with a bottleneck after it or beside it."""

    def __init__(self, base: nn.Linear, kind: str, b: int, f: str, init: str, s: float) -> None:
        super().__init__()
        k, d, weight = base.in_features, base.out_features, base.weight
        wide = torch.promote_types(weight.dtype, torch.float32) if weight.is_floating_point() else torch.float32
        self.base, self.series, self.f, self.s = base, kind == "series", FUNCTIONS[f], s
        self.W_down = nn.Parameter(torch.empty(d if self.series else k, b, dtype=wide, device=weight.device))
        self.W_up = nn.Parameter(torch.zeros(b, d, dtype=wide, device=weight.device))
        if init == "normal":
            nn.init.normal_(self.W_down, std=0.02)
            nn.init.normal_(self.W_up, std=0.02)
        else:
            nn.init.kaiming_uniform_(self.W_down.T, a=5**0.5)

    def forward(self, H_i: Tensor) -> Tensor:
        H_o: Tensor = self.base(H_i)  # (..., k) -> (..., d)
        H = H_o if self.series else H_i
        low = self.f(H @ self.W_down.to(H.dtype))  # (..., b)
        added: Tensor = low @ self.W_up.to(H.dtype)  # (..., d)
        return H_o + self.s * added


def apply(
    model: nn.Module, kind: str = "parallel", targets: str | Iterable[str] | None = None, b: int = 256,
    f: str = "tanh", init: str = "normal", s: float = 1.0,
) -> nn.Module:  # fmt: skip
    """Freeze `model` in place and give each Linear that a target names (the MLP's, by default) an adapter."""
    for said, known in ((kind, ("series", "parallel")), (f, tuple(FUNCTIONS)), (init, ("normal", "zero"))):
        if said not in known:
            raise ValueError(f"no {said!r}: take one of {', '.join(known)}")
    if b < 1:
        raise ValueError(f"a bottleneck of {b}: take 1 or more")
    wanted = _targets.of(model, *PLACES[kind]["mlp"]) if targets is None else targets
    adapt(model, lambda base: AdapterLinear(base, kind, b, f, init, s), wanted, linear=False, floating=False)
    return model


def demo(kind: str = "parallel", b: int = 32, **options: Any) -> dict[str, Any]:
    """Adapt a base model to a task; before and after, and what it cost. There is nothing to merge."""
    said: dict[str, Any] = {"kind": kind, "b": b}
    return lab.run("llm_adapters", lambda model: apply(model, **said), options=said, **{"rate": 2e-2, **options})
