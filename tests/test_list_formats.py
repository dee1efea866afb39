"""Lists in formats that nobody has looked at: drawn at random, written, and read again."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

_SPEC = importlib.util.spec_from_file_location("formats", Path(__file__).parent.parent / "benchmarks" / "formats.py")
assert _SPEC
assert _SPEC.loader
formats = importlib.util.module_from_spec(_SPEC)
sys.modules[_SPEC.name] = formats
_SPEC.loader.exec_module(formats)

LEAST = {"T": 0.95, "A": 0.94, "V": 0.97, "Y": 0.98, "no more": 1.0}  # titles, names, venues, years, and nothing else


@pytest.mark.parametrize(("drawn", "seed"), [(100, 11), pytest.param(2000, 12, marks=pytest.mark.nightly, id="many")])
def test_a_list_is_understood_whatever_its_format(drawn: int, seed: int) -> None:
    count = formats.measure(drawn, seed)["all"]
    shares = {kind: count[kind] / count[f"{kind} of"] for kind in LEAST}
    assert all(shares[kind] >= least for kind, least in LEAST.items()), shares
