"""Types that tests share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Ran:
    """What a call of `kb` did."""

    status: int
    out: str
    err: str


Kb = Callable[..., Ran]
