"""The marks of claims, which say of what kind each is; `refimpl._claims` says what the kinds mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar

Kind = Literal["exact", "parity", "direction", "headline"]
F = TypeVar("F", bound=Callable[..., Any])


def _mark(kind: Kind) -> Callable[[F], F]:
    def mark(claim: F) -> F:
        claim.kind = kind  # type: ignore[attr-defined]  # a function has attributes; its type does not say so
        return claim

    return mark


exact, parity, direction, headline = (_mark(kind) for kind in ("exact", "parity", "direction", "headline"))
