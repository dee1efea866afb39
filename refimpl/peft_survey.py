r"""PEFT survey: four classes of methods, told apart by what one trained number does to a weight; and what each costs.

Lialin et al. 2023, arXiv:2303.15647 (version 1), sections 3, 4, 12 and 13. With theta0 the weights of the base, phi
what is trained, and W(phi) the weight with which a layer of the base computes what the adapted layer does:

    additive           phi is new, and there is no such W(phi)                            (section 3.1)
    selective          phi is a part of theta0, or phi_i moves one entry of W: |dW/dphi_i|_0 = 1        (3.2)
    reparametrised     W = W_0 + F(phi), and phi_i moves many entries of W: |dW/dphi_i|_0 > 1           (3.3)
    hybrid             more than one of these                                             (3.4)

W(phi) is read off a layer by giving it the unit vectors, W = [f(e_1) - f(0), ..., f(e_k) - f(0)], and is there only if
f(x) = W x + f(0) for other x too. So a class is measured, whatever the code of a method looks like inside.

    f  a layer      x  (n, k)  inputs      W  (d, k)  its weight      phi  trained tensors of any shape

Section 12 counts parameters in three ways: those trained, those of theta0 that change, and the rank of the change.
With Adam (section 3.1) a step keeps, in bytes, beside the weights

    |phi|  gradients  +  2 |phi|  moments  +  activations             of which the last hardly depends on |phi|

and that is the warning of section 4: few trained parameters need not be little memory. Activations are here what
autograd keeps for the backward pass, each storage once, without the model's own numbers. Products of matrices are
counted, forward and backward, as 2 m n k; nothing is timed.

The survey's Table 1 says yes or no for each method; what stands here beside a measurement is the text of its sections.
Left out: the methods that are not implemented in this project, accuracy (`kb bench` measures it).
"""

# ruff: noqa: N806 - the names are those of the equations
from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode, sdpa_backward_flop_count, sdpa_flop_count

PAPER = "lialin2023scaling"
ADDITIVE, SELECTIVE, REPARAMETRISED, HYBRID, FULL = "additive", "selective", "reparametrised", "hybrid", "all weights"


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
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    parts, changed, rank = dict[str, str](), 0, 0
    for host, owners in _places(base, trained).items():
        layer, was = model.get_submodule(host), base.get_submodule(host)
        before, moved = weight(layer, was), list[Tensor]()
        for owned in owners.values():
            found = {name: SELECTIVE if id(p) in theta0 else _kind(layer, was, p, owned) for name, p in owned.items()}
            parts |= found
            moved += [p for name, p in owned.items() if found[name] != ADDITIVE]
        if moved and before is not None:
            with _Moved(moved):
                delta = weight(layer, was)
            assert delta is not None
            delta = delta - before
            changed += int((delta.abs() > _tolerance(before)).sum())
            rank = max(rank, int(torch.linalg.matrix_rank(delta)) if delta.dim() == 2 else 0)
    all_of_it = len(trained) == len(theta0) and all(id(p) in theta0 for p in trained.values())
    return Found(parts, sum(p.numel() for p in trained.values()), changed, rank, all_of_it)


def _kind(layer: nn.Module, was: nn.Module, phi: Tensor, owned: dict[str, Tensor]) -> str:
    """The class of a new tensor: move all that its owner trains, and then one number of it alone."""
    with _Moved(list(owned.values())):
        W = weight(layer, was)
        if W is None:
            return ADDITIVE
        with _Moved([phi], one=True):
            after = weight(layer, was)
    if after is None:
        return ADDITIVE
    return SELECTIVE if int(((after - W).abs() > _tolerance(W)).sum()) <= 1 else REPARAMETRISED


class _Moved:
    """For a while, trained tensors are elsewhere: at random, or by one number in the middle of each."""

    def __init__(self, tensors: list[Tensor], one: bool = False) -> None:
        self.tensors, self.one = tensors, one

    @torch.no_grad()
    def __enter__(self) -> None:
        self.were = [p.clone() for p in self.tensors]
        for p in self.tensors:
            if self.one:
                p.view(-1)[p.numel() // 2] += 1
            else:
                p += torch.randn_like(p)

    @torch.no_grad()
    def __exit__(self, *_: object) -> None:
        for p, was in zip(self.tensors, self.were, strict=True):
            p.copy_(was)


def _places(base: nn.Module, trained: dict[str, Tensor]) -> dict[str, dict[str, dict[str, Tensor]]]:
    """Trained tensors by the innermost module of the base that they stand in, and there by the module that owns them."""
    known = {path for path, _ in base.named_modules()}
    places: dict[str, dict[str, dict[str, Tensor]]] = defaultdict(lambda: defaultdict(dict))
    for name, p in trained.items():
        owner = host = name.rpartition(".")[0]
        while host not in known:
            host = host.rpartition(".")[0]
        places[host][owner][name] = p
    return places


def _tolerance(W: Tensor) -> float:
    return float(W.abs().max()) * 1e-5


def _near(a: Tensor, b: Tensor) -> bool:
    return float((a - b).abs().max()) <= 1e-4 * float(b.abs().max())


@dataclass(frozen=True, slots=True)
class Step:
    """What one training step keeps, in bytes, and how many operations its products of matrices take."""

    activations: int
    gradients: int
    moments: int
    forward: int
    backward: int

    @property
    def kept(self) -> int:
        return self.activations + self.gradients + self.moments


def measure(model: Any, ids: Tensor, own: Callable[[Any], Any] | None = None) -> Step:
    """One step of AdamW on `ids` (B, T), or the method's own step, if `own(model)` gives one."""
    trained = [p for p in model.parameters() if p.requires_grad]
    kept, held, most = dict[int, Tensor](), 0, 0
    weights = {t.untyped_storage().data_ptr() for t in (*model.parameters(), *model.buffers())}

    def keep(tensor: Tensor) -> Tensor:
        if (place := tensor.untyped_storage().data_ptr()) not in weights:
            kept[place] = tensor
        return tensor

    def gradient(p: Tensor) -> None:
        nonlocal most
        most = max(most, sum(q.grad.nbytes for q in trained if q.grad is not None))
        del p

    def forward() -> Tensor:
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor), counted() as flops:
            loss: Tensor = model(input_ids=ids, labels=ids).loss
        passes.append(flops.get_total_flops())
        return loss
