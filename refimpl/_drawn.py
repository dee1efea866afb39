"""Settings that nobody chose: sizes, scales, heads and biases drawn from ranges that hold no friendly value.

A claim tried at one size says that the code is right there. `worst` tries it at many, the same ones each time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from refimpl._claims import Measured, NotHere, at_most

MANY = 24
SIZES = (3, 5, 7, 11, 13, 19, 23, 29, 37)  # no two alike, none a power of 2, few that divide another
SCALES = (0.3, 0.7, 1.9, 3.1)
# of what stands before the last dimension of an input; some have more rows than a weight has
SHAPES = ((), (1,), (4,), (2, 3), (1, 5), (3, 1, 2), (41,), (7, 29))


def worst(what: str, measure: Callable[..., float], limit: float, many: int = MANY, **ranges: Any) -> Measured:
    """Demand `measure(**drawn) <= limit` for many draws, one of each range: a sequence, or a strategy of hypothesis.

    What is measured is the worst, and the setting it was found at is said. Raises `NotHere` without hypothesis.
    """
    try:
        import hypothesis
        from hypothesis import strategies as st
    except ImportError:
        raise NotHere("pip install hypothesis") from None
    found: list[tuple[float, dict[str, Any]]] = []
    drawn = {name: st.sampled_from(r) if isinstance(r, tuple | list | range) else r for name, r in ranges.items()}

    @hypothesis.settings(
        max_examples=many, derandomize=True, database=None, deadline=None, phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )  # fmt: skip
    @hypothesis.given(st.fixed_dictionaries(drawn))
    def run(setting: dict[str, Any]) -> None:
        value = float(measure(**setting))
        found.append((math.inf if math.isnan(value) else value, setting))

    run()
    value, setting = max(found, key=lambda one: one[0])
    told = ", ".join(f"{name} {value}" for name, value in setting.items())
    return at_most(f"{what}, the worst of {len(found)} settings ({told})", value, limit)
