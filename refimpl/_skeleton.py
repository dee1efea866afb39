"""The first form of a new implementation: it runs, and passes its own checks."""

from __future__ import annotations

SKELETON = '''"""{title}: scale the output of a layer by one trained number; replace this by the paper's method.

{paper}, section ?, equation ?:

    h = g * W x

    x  (..., k)  input        W  (d, k)  frozen weight        g  ()  trained, 1 at the start

Left out: everything the paper says.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from refimpl._claims import Measured, at_most, equal, exact
from refimpl._layers import Adapted
from refimpl._surgery import adapt, trainable, unwrap

PAPER = "{paper}"


class Scaled(Adapted):
    """A frozen Linear whose output is scaled by g."""

    def __init__(self, base: nn.Linear) -> None:
        super().__init__()
        self.base = base
        self.g = nn.Parameter(torch.ones((), dtype=base.weight.dtype, device=base.weight.device))

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = self.g * self.base(x)  # (..., d)
        return h

    def delta(self) -> Tensor:
        """What is added to W, for models that read the weight of their layers."""
        W: Tensor = self.base.weight
        return (self.g - 1) * W


def apply(model: nn.Module, targets: str | tuple[str, ...] | None = None) -> nn.Module:
    """Freeze `model` in place and scale each Linear that a target names: all but the head, by default."""
    adapt(model, Scaled, targets)
    return model


@torch.no_grad()
def merge(model: nn.Module) -> nn.Module:
    """Fold every g into its layer in place, leaving plain Linears."""

    def fold(layer: Scaled) -> nn.Linear:
        layer.base.weight *= layer.g
        if layer.base.bias is not None:
            layer.base.bias *= layer.g
        base: nn.Linear = layer.base
        return base

    return unwrap(model, Scaled, fold)


@exact
def claim_the_start_is_the_base() -> Measured:
    """Section ?: before training, the outputs are the base's."""
    model, x = _model()
    return at_most("largest difference", (apply(copy.deepcopy(model))(x) - model(x)).abs().max().item(), 0.0)


@exact
def claim_merged_equals_unmerged() -> Measured:
    """Section ?: after training, folding g into W changes no output."""
    tuned, x = _tuned()
    expected = tuned(x)
    return at_most("largest difference", (merge(tuned)(x) - expected).abs().max().item(), 1e-12)


@exact
def claim_one_number_a_layer_is_trained() -> Measured:
    """Section ?: the method trains one number for each layer."""
    return equal("trained numbers", trainable(apply(_model()[0])), 2)


def demo() -> dict[str, Any]:
    """Train on a target with a known answer, and say the loss before and after."""
    model, x = _model()
    before = (model(x) - 2 * model(x)).square().mean().item()
    tuned, _ = _tuned()
    after = (tuned(x) - 2 * model(x)).square().mean().item()
    return {{"metric": "mean squared error", "before": before, "after": after, "trainable": trainable(tuned)}}


def _model() -> tuple[nn.Sequential, Tensor]:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 4)).double(), torch.randn(32, 8, dtype=torch.float64)


def _tuned() -> tuple[nn.Module, Tensor]:
    """The model after some steps towards twice its outputs."""
    base, x = _model()
    model, target = apply(copy.deepcopy(base)), 2 * base(x).detach()
    optimiser = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.05)
    for _ in range(60):
        optimiser.zero_grad()
        (model(x) - target).square().mean().backward()
        optimiser.step()
    return model, x
'''


def skeleton(name: str, paper: str) -> str:
    """The text of a new implementation file."""
    return SKELETON.format(title=name, paper=paper)
