"""What a claim is made of: what was measured, what was demanded, and what it means when they do not agree.

A claim is a function `claim_*` whose docstring begins with the section of the paper. It is marked with its kind:

- `exact`: a property that follows from the equations, in fp64 or to rounding;
- `parity`: the same numbers as somebody else's implementation;
- `direction`: the paper's main statement at small scale, over seeds; where it does not reproduce, it is not shown;
- `headline`: a number of the paper, quoted with table or section, not verified here.

It returns one `Measured` or several. `at_most`, `at_least`, `equal` and `refused` raise `ClaimFailed` where the demand
is not met; `shown` never raises: what it compares is shown or not shown. `quoted` stands for a number of the paper.
`NotHere` says what is missing on this machine.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal

from refimpl._kinds import Kind as Kind
from refimpl._kinds import direction as direction
from refimpl._kinds import exact as exact
from refimpl._kinds import headline as headline
from refimpl._kinds import parity as parity

ROUNDING = 1e-5  # the widest limit that is one of rounding, of float32
_device: ContextVar[str] = ContextVar("device", default="cpu")
Verdict = Literal["holds", "fails", "shown", "not shown", "not verified here"]


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


def library(name: str, install: str = "") -> Any:
    """A library whose numbers ours are compared with. Raises `NotHere` where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise NotHere(f"pip install {install or name}") from None


def at_most(what: str, value: float, limit: float) -> Measured:
    """Demand `value <= limit`; NaN fails. A limit that is rounding is ten times as wide on a GPU."""
    limit = limit if _device.get() == "cpu" else _on_a_gpu(limit)
    return _demand(what, value, f"at most {limit:.4g}", value <= limit)


def at_least(what: str, value: float, limit: float) -> Measured:
    """Demand `value >= limit`; NaN fails."""
    return _demand(what, value, f"at least {limit:.4g}", value >= limit)


def equal(what: str, value: float, expected: float) -> Measured:
    """Demand `value == expected` exactly: counts, bytes, bits."""
    return _demand(what, value, f"exactly {expected:.10g}", value == expected)


def refused(what: str, run: Callable[[], object], saying: str = "") -> Measured:
    """Demand that `run()` raises a ValueError that says this: what is left out is not left out in silence."""
    try:
        run()
    except ValueError as e:
        return equal(f"{what} is refused", saying in str(e), True)
    return equal(f"{what} is refused", False, True)


def shown(what: str, value: float, holds: bool, demanded: str) -> Measured:
    """A direction at small scale: shown, or not shown; never a failure."""
    return Measured(what, float(value), demanded, "shown" if holds and math.isfinite(value) else "not shown")


def quoted(what: str, source: str) -> Measured:
    """A number of the paper with its table or section; nothing here verifies it."""
    return Measured(what, None, source, "not verified here")


@contextmanager
def on(device: str) -> Iterator[None]:
    """Claims that run within are on this device."""
    token = _device.set(device.partition(":")[0])
    try:
        yield
    finally:
        _device.reset(token)


def _on_a_gpu(limit: float) -> float:
    """Kernels of a GPU add in an order of their own: what is equal to the bit on a CPU is so to float32's rounding."""
    return 1e-6 if limit == 0 else 10 * limit if limit <= ROUNDING else limit


def _demand(what: str, value: float, demanded: str, holds: bool) -> Measured:
    measured = Measured(what, float(value), demanded, "holds" if holds else "fails")
    if not holds:
        raise ClaimFailed(measured)
    return measured
