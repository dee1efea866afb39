r"""PEFT survey: four classes of methods, told apart by what one trained number does to a weight; and what each costs.

Lialin et al. 2023, arXiv:2303.15647 (version 1), sections 3, 4, 12 and 13. Where a layer of the base, f(x) = W x, can
do with another weight what the adapted layer f does, that weight W(phi) is read off, whatever the code looks like:

    f(x) = W(phi) x + f(0)          W(phi) e_j = f(e_j) - f(0)          n_i = ||dW/dphi_i||_0

    x  (n, k)  inputs      W  (d, k)      e_j  unit vectors (k,)      phi  what is trained      n_i  a count of entries

With theta_0 the weights of the base, section 3 has four classes:

- additive (3.1): phi is new, and no W(phi) does for all x what the layer does, or phi is outside the layers;
- selective (3.2): phi is a part of theta_0, or phi_i moves one entry of a weight, n_i = 1;
- reparametrised (3.3): the weight is a function of fewer numbers, and phi_i moves many entries, n_i > 1;
- hybrid (3.4): more than one of these.

Section 12 counts parameters in three ways: those trained, those of theta_0 that change, and the rank of the change.
Beside the weights a step of Adam keeps, for P trained numbers (section 3.1) and an amount a of activations,

    M = P + 2 P + a          gradients, two moments, activations

of which a hardly depends on P: few trained parameters need not be little memory (section 4). Activations are here what
autograd keeps for the backward pass, each storage once, without the model's own numbers. Products of matrices are
counted, forward and backward, as 2 m n k; nothing is timed.

Beside each measurement stands what the survey's text says. One method would be of another class here: (IA)^3, which
scales what a layer puts out, is additive in section 8.2 and folds into the layer.
Left out: methods that this project does not have, several layers as one, and accuracy, which `kb bench` measures.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from refimpl import _survey
from refimpl._lab import loop
from refimpl._survey import ADDITIVE, FULL, HYBRID, REPARAMETRISED, SELECTIVE

PAPER = "lialin2023scaling arXiv:2303.15647"


@dataclass(frozen=True, slots=True)
class Found:
    """What was found of a method: its class, that of each trained tensor, and the three counts of section 12."""

    parts: dict[str, str]
    trained: int
    changed: int
    rank: int
    everything: bool

    @property
    def kind(self) -> str:
        classes = set(self.parts.values())
        return FULL if self.everything else classes.pop() if len(classes) == 1 else HYBRID


@torch.no_grad()
def weight(layer: nn.Module, was: nn.Module) -> Tensor | None:
    """W: the weight with which `was`, a layer of the base, would compute what `layer` does. None if there is none."""
    W0 = getattr(was, "weight", None)
    if list(was.children()) or not isinstance(W0, Tensor):
        return None
    if isinstance(was, nn.Embedding):
        rows: Tensor = layer(torch.arange(len(W0), device=W0.device))
        return rows
    x = torch.randn(16, W0.shape[-1], device=W0.device, dtype=W0.dtype)
    if W0.dim() == 1:  # a norm's gain
        gains = layer(x) / was(x) * W0  # (16, k)
        return gains[0] if _near(gains, gains[0].expand_as(gains)) else None
    zero = layer(torch.zeros_like(x[:1]))  # (1, d)
    W = (layer(torch.eye(W0.shape[-1], device=W0.device, dtype=W0.dtype)) - zero).T  # (d, k)
    return W.contiguous() if _near(layer(x), x @ W.T + zero) else None


def classify(base: nn.Module, adapt: Callable[[Any], nn.Module]) -> Found:
    """Adapt a copy of the base, and find its class by moving what is trained."""
    model = copy.deepcopy(base)
    theta0 = {id(p): p for p in model.parameters()}  # held, so that no new parameter takes the id of an old one
    model = adapt(model)
    trained: dict[str, Tensor] = {name: p for name, p in model.named_parameters() if p.requires_grad and p.numel()}
    if not trained:
        raise ValueError("nothing is trained, so there is nothing to classify")
    parts, changed, rank = dict[str, str](), 0, 0
    for host, inside in _places(base, trained).items():
        layer, was = model.get_submodule(host), base.get_submodule(host)
        parts |= {name: SELECTIVE if id(p) in theta0 else _kind(layer, was, name, inside) for name, p in inside.items()}
        before, moved = weight(layer, was), [p for name, p in inside.items() if parts[name] != ADDITIVE]
        if moved and before is not None:
            with _moved(moved):
                after = weight(layer, was)
            assert after is not None  # each of them leaves the layer one of the base's kind, and so do all
            changed += int((after != before).sum())
            rank = max(rank, int(torch.linalg.matrix_rank(after - before)) if after.dim() == 2 else 0)
    all_of_it = len(trained) == len(theta0) and all(id(p) in theta0 for p in trained.values())
    return Found(parts, sum(p.numel() for p in trained.values()), changed, rank, all_of_it)


def _kind(layer: nn.Module, was: nn.Module, name: str, inside: dict[str, Tensor]) -> str:
    """The class of a new tensor: move what its owner trains, and then one number of it alone.

    Where that has no effect (B = 0 is in another module than A), the module around the owner is moved, and so on.
    """
    owner = name
    while owner:
        owner = owner.rpartition(".")[0]
        with _moved([p for other, p in inside.items() if other.startswith(f"{owner}." if owner else "")]):
            W = weight(layer, was)
            if W is None:
                return ADDITIVE
            with _moved([inside[name]], one=True):
                after = weight(layer, was)
        if after is None:
            return ADDITIVE
        if n := int(_differ(after, W).sum()):
            return SELECTIVE if n == 1 else REPARAMETRISED
    raise ValueError(f"{name} is trained and has no effect on its layer")


@contextmanager
@torch.no_grad()
def _moved(tensors: list[Tensor], one: bool = False) -> Iterator[None]:
    """For a while, trained tensors are elsewhere: at random, or by one number in the middle of each."""
    were = [p.clone() for p in tensors]
    for p in tensors:
        if one:
            p.view(-1)[p.numel() // 2] += 1
        else:
            p += torch.randn_like(p).sign() * (0.5 + torch.rand_like(p))
    try:
        yield
    finally:
        for p, was in zip(tensors, were, strict=True):
            p.copy_(was)


def _places(base: nn.Module, trained: dict[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Trained tensors by the innermost module of the base that is around them."""
    known = {path for path, _ in base.named_modules()}
    places: dict[str, dict[str, Tensor]] = defaultdict(dict)
    for name, p in trained.items():
        host = name.rpartition(".")[0]
        while host not in known:
            host = host.rpartition(".")[0]
        places[host][name] = p
    return places


def _differ(a: Tensor, b: Tensor) -> Tensor:
    """Where a differs from b by more than rounding."""
    return (a - b).abs() > 1e-6 * b.abs().max()


def _near(a: Tensor, b: Tensor) -> bool:
    return float((a - b).abs().max()) <= 1e-4 * float(b.abs().max())


def demo(
    model: str = "tiny", task: str = "python", batch: int = 4, length: int = 128, budget: int | None = None,
    seed: int = 0, device: str = "auto", progress: loop.Progress | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Measure the survey's table: each method on copies of the model in float32, one step on one batch.

    Each trains about `budget` numbers, by default those of LoRA with rank 2 on all layers; with 0, as many as its
    paper has.
    """
    return _survey.table(classify, model, task, batch, length, budget, seed, device, progress)
