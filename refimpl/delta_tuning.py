r"""Delta tuning: adapt a model by changing a small part of its parameters; three kinds of change, in any combination.

Ding et al. 2022, arXiv:2203.06904. Theta' = Theta + delta, where delta is (section 3)

    an addition            h <- h + W_u relu(W_d h)       a small network behind a layer (an adapter, section 3.1)
    a specification        some of Theta's own numbers, here the one-dimensional ones: biases and gains (3.2)
    a reparametrisation    h <- h + B A x                 a low-rank update of W (3.3)
                           h <- h + (sum_j z_j P_j) x     one in a random k-dimensional subspace (3.3, 4.1)

    x  (..., k)  a layer's input      h  (..., d)  its output       W, P_j  (d, k)  frozen      z  (n,)  trained
    W_d  (r, d)  W_u  (d, r)          A  (r, k)    B  (d, r)        W_u, B, z = 0 at the start

Every delta is attached to layers by the end of their names, behind those that are there, and detached by its own name.
Order matters where a delta reads h, and does not among those that read x alone.

Section 4.2 sees the layers as the time steps of a system h_{t+1} = f_t(h_t, delta_t), and delta_t as its control. With
the Hamiltonian H_t = <lambda_{t+1}, f_t(h_t, delta_t)> + R_t(delta_t), where R_t is the cost of the control:

    lambda_T = dL/dh_T          lambda_t = dH_t/dh_t          dL/ddelta_t = dH_t/ddelta_t

That every delta begins at the base is our choice, and so are relu, a W_d of variance 1/d, and norms alone for the
specification. In the authors' library (OpenDelta, delta_models at 27de7e0) an adapter has biases, gelu, and both
matrices of deviation 0.01; biases are trained in every Linear of the attention and the MLP, too, and added where there
are none; and B A is scaled by 16/8, of q and v, with an A drawn as kaiming_uniform_(a=sqrt(5)) draws.

Left out: additions to the input (prompts, prefixes), specifications that are learnt, scale, transfer between tasks.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from refimpl import _targets
from refimpl._lab import demo as lab
from refimpl._lab.adapter import load as load
from refimpl._lab.adapter import save as save
from refimpl._sites import Site, attach, attached, detach, numbers, sites_of
from refimpl._surgery import folded

__all__ = ["Site", "apply", "attach", "attached", "costates", "demo", "detach", "load", "merge", "save", "sites_of"]
PAPER = "ding2022delta arXiv:2203.06904"
Make = Callable[[nn.Module], nn.Module]  # a delta for a layer


class Adapter(nn.Module):
    """Addition: a bottleneck of `size` behind a layer."""

    def __init__(self, base: nn.Module, size: int) -> None:
        super().__init__()
        new, (d, _) = numbers(base)
        self.W_d = nn.Parameter(new(size, d).normal_(std=d**-0.5))
        self.W_u = nn.Parameter(new(d, size))

    def forward(self, x: Tensor, h: Tensor) -> Tensor:  # noqa: ARG002 - every delta is given x
        inner = F.relu(F.linear(h, self.W_d.to(h.dtype)))  # (..., d) -> (..., r)
        return h + F.linear(inner, self.W_u.to(h.dtype))


class Specified(nn.Module):
    """Specification: the layer's own biases and gains are trained in place; what they were is kept."""

    def __init__(self, base: nn.Module) -> None:
        super().__init__()
        chosen = [p for p in base.parameters(recurse=False) if p.dim() == 1]
        if not chosen:
            raise ValueError(f"{type(base).__name__} has no bias and no gain to train; name other targets")
        self.theta = [(p, p.detach().clone()) for p in chosen]  # a list of pairs: neither parameters nor state

    def thaw(self) -> None:
        for p, _ in self.theta:
            p.requires_grad_()

    @torch.no_grad()
    def restore(self) -> None:
        for p, was in self.theta:
            p.requires_grad_(False).copy_(was)
            p.grad = None

    def forward(self, x: Tensor, h: Tensor) -> Tensor:  # noqa: ARG002 - every delta is given x
        return h


class LowRank(nn.Module):
    """Reparametrisation: an update of W whose rank is `size` at most."""

    def __init__(self, base: nn.Module, size: int) -> None:
        super().__init__()
        new, (d, k) = numbers(base)
        self.A = nn.Parameter(new(size, k).normal_(std=k**-0.5))
        self.B = nn.Parameter(new(d, size))

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        return h + F.linear(F.linear(x, self.A.to(x.dtype)), self.B.to(x.dtype))

    def update(self) -> Tensor:
        return self.B @ self.A  # (d, k)


class Subspace(nn.Module):
    """Reparametrisation: an update of W in the span of random matrices P, with coordinates z that layers may share."""

    def __init__(self, base: nn.Module, z: nn.Parameter, seed: int = 0) -> None:
        super().__init__()
        new, (d, k) = numbers(base)
        P = torch.randn(len(z), d, k, generator=torch.Generator().manual_seed(seed))
        self.z, self.P = z, nn.Buffer(P.to(new(0)) / (len(z) * k) ** 0.5, persistent=False)

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        return h + F.linear(x, self.update().to(x.dtype))

    def update(self) -> Tensor:
        W: Tensor = torch.tensordot(self.z.to(self.P.dtype), self.P, 1)  # (n,), (n, d, k) -> (d, k)
        return W


KINDS: dict[str, tuple[Callable[[int], Make], tuple[_targets.Part, ...]]] = {  # by size; and where, by default
    "addition": (lambda size: functools.partial(Adapter, size=size), ("o", "out")),
    "specification": (lambda _: Specified, ()),  # of the norms inside the blocks
    "reparametrisation": (lambda size: functools.partial(LowRank, size=size), ("q", "k", "v", "o", "into", "out")),
}


def apply(
    model: nn.Module,
    kinds: str | Iterable[str] = ("reparametrisation",),
    targets: str | Iterable[str] | None = None,
    size: int = 8,
) -> nn.Module:
    """Attach a delta of each kind, under the kind's name, to the targets (by default those of the kind)."""
    if size < 1:
        raise ValueError(f"a delta of size {size} has no numbers to train; take 1 or more")
    for kind in kinds.split(",") if isinstance(kinds, str) else kinds:
        if kind not in KINDS:
            raise ValueError(f"no kind of delta {kind!r}; there are {', '.join(KINDS)}")
        make, parts = KINDS[kind]
        usual = _targets.of(model, *parts) if parts else _norms(model)
        attach(model, kind, make(size), usual if targets is None else targets)
    return model


def _norms(model: nn.Module) -> list[str]:
    return [path for path in _targets.norms(model) if any(part.isdigit() for part in path.split("."))]


def merge(model: nn.Module) -> nn.Module:
    """Fold the deltas into the weights, in place. An addition folds into none: it is not linear."""
    stuck = {name for _, site in sites_of(model) for name, d in site.deltas.items() if isinstance(d, Adapter)}
    if stuck:
        raise ValueError(f"an addition folds into no weight: detach {', '.join(sorted(stuck))}, or leave it unmerged")
    for _, site in sites_of(model):
        site.base.requires_grad_(False)
    return folded(model, Site)


def costates(
    layers: Sequence[nn.Module], h: Tensor, loss: Callable[[Tensor], Tensor], decay: float = 0.0
) -> tuple[list[Tensor], list[Tensor]]:
    """Section 4.2: every lambda, and dH_t/ddelta_t of each layer's trained numbers; R is decay/2 of their squares.

    One layer at a time is differentiated, and only with respect to its own input and control.
    """
    states = [h]
    with torch.no_grad():
        for f in layers:
            states.append(f(states[-1]))
    last = states.pop().detach().requires_grad_()
    lambdas, gradients = [torch.autograd.grad(loss(last), last)[0]], list[Tensor]()
    for f, state in zip(reversed(layers), reversed(states), strict=True):
        h_t = state.detach().requires_grad_()
        delta_t = [p for p in f.parameters() if p.requires_grad]
        H_t = (lambdas[0] * f(h_t)).sum() + decay / 2 * sum(p.square().sum() for p in delta_t)
        costate, *steepest = torch.autograd.grad(H_t, (h_t, *delta_t))
        lambdas, gradients = [costate, *lambdas], [*steepest, *gradients]
    return lambdas, gradients


def demo(
    kinds: str | Iterable[str] = ("specification", "reparametrisation"), size: int = 8, **options: Any
) -> dict[str, Any]:
    """Adapt a base model to a task; before and after, and what it cost."""
    chosen = kinds.split(",") if isinstance(kinds, str) else list(kinds)
    folds = None if "addition" in chosen else merge
    change = functools.partial(apply, kinds=chosen, size=size)
    said = {"kinds": chosen, "size": size}
    return lab.run("delta_tuning", change, merge=folds, options=said, **{"rate": 2e-2, **options})
