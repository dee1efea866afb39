"""What a claim is made of: what was measured, what was demanded, and what it means when they do not agree.

A claim is a function `claim_*` whose docstring begins with the section of the paper. It is marked with its kind:

- `exact`: a property that follows from the equations, in fp64 or to rounding;
- `parity`: the same numbers as somebody else's implementation;
- `direction`: the paper's main statement at small scale, over seeds; where it does not reproduce, it is not shown;
- `headline`: a number of the paper, quoted with table or section, not verified here.

It returns one `Measured` or several. `at_most`, `at_least` and `equal` raise `ClaimFailed` where the demand is not met;
`shown` never raises: what it compares is shown or not shown. `quoted` stands for a number of the paper. `NotHere` says
what is missing on this machine.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

Kind = Literal["exact", "parity", "direction", "headline"]
Verdict = Literal["holds", "fails", "shown", "not shown", "not verified here"]
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Measured:
    """One comparison: `what` was measured, the value, what was demanded of it, and the verdict."""

    what: str
    value: float | None
    demanded: str
    verdict: Verdict

    def __str__(self) -> str:
        shown = "" if self.value is None else f" {self.value:.4g}"
        return f"{self.what}:{shown} ({self.demanded}): {self.verdict}"


class ClaimFailed(AssertionError):
    """What was measured is not what the paper says."""

    def __init__(self, measured: Measured) -> None:
        self.measured = measured
        super().__init__(str(measured))


class NotHere(Exception):
    """The claim cannot be tried on this machine; the text says what is missing."""


def at_most(what: str, value: float, limit: float) -> Measured:
    """Demand `value <= limit`; NaN fails."""
    return _demand(what, value, f"at most {limit:.4g}", value <= limit)


def at_least(what: str, value: float, limit: float) -> Measured:
    """Demand `value >= limit`; NaN fails."""
    return _demand(what, value, f"at least {limit:.4g}", value >= limit)


def equal(what: str, value: float, expected: float) -> Measured:
    """Demand `value == expected` exactly: counts, bytes, bits."""
    return _demand(what, value, f"exactly {expected:.10g}", value == expected)


def shown(what: str, value: float, holds: bool, demanded: str) -> Measured:
    """A direction at small scale: shown, or not shown; never a failure."""
    return Measured(what, float(value), demanded, "shown" if holds and math.isfinite(value) else "not shown")


def quoted(what: str, source: str) -> Measured:
    """A number of the paper with its table or section; nothing here verifies it."""
    return Measured(what, None, source, "not verified here")


def _demand(what: str, value: float, demanded: str, holds: bool) -> Measured:
    measured = Measured(what, float(value), demanded, "holds" if holds else "fails")
    if not holds:
        raise ClaimFailed(measured)
    return measured


def _mark(kind: Kind) -> Callable[[F], F]:
    def mark(claim: F) -> F:
        claim.kind = kind  # type: ignore[attr-defined]  # a function has attributes; its type does not say so
        return claim

    return mark


exact, parity, direction, headline = (_mark(kind) for kind in ("exact", "parity", "direction", "headline"))
