"""What stands in a model where a method has adapted it, and the forms in which models keep their linear layers.

A method is written for `nn.Linear`. Two other forms are shown to it as Linears that share their numbers, and are put
back as they were when the method is taken out: transformers' `Conv1D`, whose weight is transposed (GPT-2), and the
experts of a mixture, which are kept as parameters of three dimensions (E, o, h), or (E, h, o).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D


class Own(nn.Module):
    """What a method has put into a model. Its numbers are not the model's, and no other method freezes them."""


class Adapted(Own):
    """A layer in place of `base`, with what models read of a Linear. `delta` is what it adds to W."""

    base: Any

    def delta(self) -> Tensor | None:
        """The update in weight space, (d, k); None where it is none that a weight could hold."""
        return None

    @property
    def weight(self) -> Tensor:
        """The weight with which a Linear does what this layer does; the base's where there is none."""
        W: Tensor = self.base.weight
        delta = self.delta()
        return W if delta is None else W + delta.to(W.dtype)

    @property
    def bias(self) -> Tensor | None:
        """The base's bias."""
        bias: Tensor | None = self.base.bias
        return bias

    @property
    def in_features(self) -> int:
        """k"""
        return int(self.base.in_features)

    @property
    def out_features(self) -> int:
        """d"""
        return int(self.base.out_features)


def in_one(x: Tensor, W: Tensor) -> bool:
    """Whether n rows x are multiplied by the sum of W (d, k) and an update of rank r, rather than by each.

    That spares n (d + 2 k) r products forward and back and takes 2 d k r, and a walk over W. A sum of narrow numbers
    would lose a small update.
    """
    d, k = W.shape
    return len(x) * (d + 2 * k) > 3 * d * k and W.dtype.itemsize > 2 and not torch.is_autocast_enabled(x.device.type)


class Transposed(nn.Linear):
    """A Conv1D seen as a Linear: its weight is a view."""

    def __init__(self, was: Conv1D) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features = was.weight.shape
        self.weight = nn.Parameter(was.weight.detach().T, requires_grad=was.weight.requires_grad)
        self.bias = was.bias


def as_conv1d(linear: nn.Linear) -> Conv1D:
    """The other way."""
    made = Conv1D(1, 1)
    made.nx, made.nf = linear.in_features, linear.out_features
    made.weight = nn.Parameter(linear.weight.detach().T.contiguous(), requires_grad=linear.weight.requires_grad)
    made.bias = linear.bias
    return made


class Experts(nn.ModuleList):
    """The experts of a mixture, each a pair of Linears under the names that their parameters have."""

    def __init__(self, was: Any) -> None:
        super().__init__(
            nn.ModuleDict({name: _one(was, name, e) for name in names(was)}) for e in range(was.num_experts)
        )
        for name in names(was):
            delattr(was, name)
            if hasattr(was, f"{name}_bias"):
                delattr(was, f"{name}_bias")
        vars(self)["was"] = was  # an empty shell: what it does besides, and what to put back

    def forward(self, hidden_states: Tensor, top_k_index: Tensor, top_k_weights: Tensor) -> Tensor:
        """(n, h), and for each token the experts (n, k) and what they count for (n, k) -> (n, h)"""
        was, out = vars(self)["was"], torch.zeros_like(hidden_states)
        experts: list[Any] = list(self)
        into, behind = _names(was)
        for e in top_k_index.unique().tolist():
            if e >= len(self):
                continue  # what an expert of another device computes
            token, place = torch.where(top_k_index == e)
            inner = experts[e][into](hidden_states[token])
            inner = was._apply_gate(inner) if was.has_gate else was.act_fn(inner)
            y = experts[e][behind](inner) * top_k_weights[token, place, None]
            out.index_add_(0, token, y.to(out.dtype))
        return out

    def each(self) -> Iterator[nn.Module]:
        """The layers of all experts."""
        for expert in self:
            yield from expert.children()

    def closed(self) -> Any:
        """The experts as they were, with the numbers that the Linears have now."""
        was = vars(self)["was"]
        for name in _names(was):
            experts: list[Any] = list(self)
            layers = [expert[name] for expert in experts]
            weights = [layer.weight.detach().T if was.is_transposed else layer.weight.detach() for layer in layers]
            setattr(was, name, nn.Parameter(torch.stack(weights), requires_grad=layers[0].weight.requires_grad))
            if was.has_bias:
                biases = torch.stack([layer.bias.detach() for layer in layers])
                setattr(was, f"{name}_bias", nn.Parameter(biases, requires_grad=layers[0].bias.requires_grad))
        return was


def names(module: Any) -> list[str]:
    """Of the experts of a mixture, the names of their parameters; nothing of any other module."""
    if not hasattr(module, "_apply_gate") or not hasattr(module, "num_experts") or isinstance(module, Experts):
        return []
    found = [name for name in _names(module) if isinstance(getattr(module, name, None), nn.Parameter)]
    return found if not getattr(module, "has_post_expert_norm", False) else []


def _names(was: Any) -> tuple[str, str]:
    return "gate_up_proj" if was.has_gate else "up_proj", "down_proj"


def _one(was: Any, name: str, e: int) -> nn.Linear:
    """The layer of one expert: its weight and bias are views."""
    W = getattr(was, name)
    made = nn.Linear(1, 1, bias=False)
    made.weight = nn.Parameter(W.detach()[e].T if was.is_transposed else W.detach()[e], requires_grad=W.requires_grad)
    made.out_features, made.in_features = made.weight.shape
    if was.has_bias:
        bias = getattr(was, f"{name}_bias")
        made.bias = nn.Parameter(bias.detach()[e], requires_grad=bias.requires_grad)
    return made
